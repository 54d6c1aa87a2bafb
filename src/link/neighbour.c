// SPDX-License-Identifier: BSD-2-Clause
// neighbour.c - the neighbour table: states, timers, caps. RFC 4861 7.3.2, RFC 6583.
//
// Every state has one list, and all in a list wait equally long, so that lists are in order of time and the heads are
// the deadlines. A new entry is made only because we want to send something.
#include "base/bytes.h"
#include "base/hash.h"
#include "link/neighbour.h"

#define NEIGHBOUR_LINK offsetof(struct link_neighbour, link)

static uint32_t *neighbour_bucket(const struct link *l, uint32_t netif, const struct estab_ip *ip)
{
  const uint64_t words[3] = {get_le64(ip->bytes), get_le64(ip->bytes + 8), netif};
  return &l->buckets[siphash13_words(l->key, words, 3) % LINK_BUCKETS];
}

uint32_t neighbour_find(const struct link *l, uint32_t netif, const struct estab_ip *ip)
{
  if (!l->buckets) return SLAB_NONE;
  uint32_t index = *neighbour_bucket(l, netif, ip);
  for (; index != SLAB_NONE; index = neighbour_at(l, index)->chain) {
    const struct link_neighbour *n = neighbour_at(l, index);
    if (n->netif == netif && memcmp(&n->ip, ip, sizeof n->ip) == 0) break;
  }
  return index;
}

static struct fifo *neighbour_list(struct link *l, const struct link_neighbour *n)
{
  switch ((enum link_state)n->state) {
  case LINK_INCOMPLETE:
  case LINK_PROBE: return n->to_ask ? &l->to_ask : &l->asking;
  case LINK_REACHABLE: return &l->fresh;
  case LINK_STALE:
  case LINK_FAILED: break;
  }
  return &l->stale;
}

static void neighbour_move(struct link *l, uint32_t index, enum link_state state, bool to_ask)
{
  struct link_neighbour *n = neighbour_at(l, index);
  fifo_remove(neighbour_list(l, n), &l->neighbours, NEIGHBOUR_LINK, index);
  n->state = (uint8_t)state;
  n->to_ask = to_ask;
  fifo_push(neighbour_list(l, n), &l->neighbours, NEIGHBOUR_LINK, index);
}

// ---------------------------------------------------------------------------------------------
// Those who wait

static void neighbour_wake_paths(struct link *l, struct link_neighbour *n)
{
  while (n->paths) {
    struct path *p = n->paths;
    n->paths = p->wait_next;
    p->wait_next = l->woken;
    l->woken = p;
  }
}

static void link_waiting_free(struct link *l, struct link_waiting *w)
{
  l->waiting_bytes -= w->bytes;
  mem_free(l->mem, w, sizeof *w + w->bytes, ESTAB_MEM_NET);
}

// The packets that wait get their header and can go.
static void neighbour_release_packets(struct link *l, struct link_neighbour *n)
{
  for (struct link_waiting *w = n->waiting; w; w = w->next) {
    neighbour_header(l, n, w->frame);
    if (l->ready)
      l->ready_last->next = w;
    else
      l->ready = w;
    l->ready_last = w;
  }
  n->waiting = NULL;
  n->waiting_count = 0;
}

static void neighbour_drop_packets(struct link *l, struct link_neighbour *n)
{
  while (n->waiting) {
    struct link_waiting *w = n->waiting;
    n->waiting = w->next;
    link_waiting_free(l, w);
    l->dropped_failed++;
  }
  n->waiting_count = 0;
}

// RFC 4861 7.2.2: a newer packet takes the place of the oldest.
static int neighbour_keep_packet(struct link *l, struct link_neighbour *n, const uint8_t *packet,
                                 size_t bytes)
{
  if (n->waiting_count == LINK_WAITING) {
    struct link_waiting *oldest = n->waiting;
    n->waiting = oldest->next;
    n->waiting_count--;
    link_waiting_free(l, oldest);
    l->dropped_full++;
  }
  size_t frame = LINK_HEADER_BYTES + bytes;
  struct link_waiting *w = NULL;
  if (l->waiting_bytes + frame <= LINK_WAITING_MAX)
    w = mem_new_raw(l->mem, sizeof *w + frame, ESTAB_MEM_NET);
  if (!w) return -ESTAB_DROP_NEIGHBOUR_QUEUE_FULL;
  w->next = NULL;
  w->netif = n->netif;
  w->bytes = (uint32_t)frame;
  memcpy(w->frame + LINK_HEADER_BYTES, packet, bytes);
  l->waiting_bytes += w->bytes;
  struct link_waiting **last = &n->waiting;
  while (*last)
    last = &(*last)->next;
  *last = w;
  n->waiting_count++;
  return 0;
}

// ---------------------------------------------------------------------------------------------
// Entries come and go

void neighbour_remove(struct link *l, uint32_t index)
{
  struct link_neighbour *n = neighbour_at(l, index);
  if (neighbour_known(n)) l->generation++;
  neighbour_wake_paths(l, n);
  neighbour_drop_packets(l, n);
  fifo_remove(neighbour_list(l, n), &l->neighbours, NEIGHBOUR_LINK, index);
  uint32_t *chain = neighbour_bucket(l, n->netif, &n->ip);
  while (*chain != index)
    chain = &neighbour_at(l, *chain)->chain;
  *chain = n->chain;
  slab_free(&l->neighbours, index);
}

// The first INCOMPLETE one of a list, looking at a few: the others are probes of neighbours that are known.
static uint32_t neighbour_first_incomplete(const struct link *l, const struct fifo *list)
{
  uint32_t index = list->head;
  for (unsigned i = 0; i < 16 && index != SLAB_NONE; i++) {
    if (neighbour_at(l, index)->state == LINK_INCOMPLETE) return index;
    index = fifo_next(&l->neighbours, NEIGHBOUR_LINK, index);
  }
  return SLAB_NONE;
}

// RFC 6583 6.2, ATTACKS R13: who never answered goes before who is known.
static void neighbour_evict(struct link *l)
{
  uint32_t index = neighbour_first_incomplete(l, &l->asking);
  if (index == SLAB_NONE) index = neighbour_first_incomplete(l, &l->to_ask);
  if (index == SLAB_NONE) index = l->stale.head;
  if (index == SLAB_NONE) index = l->fresh.head;
  if (index == SLAB_NONE) index = l->asking.head;
  if (index == SLAB_NONE) index = l->to_ask.head;
  neighbour_remove(l, index);
}

static uint32_t neighbour_new(struct link *l, uint32_t netif, const struct estab_ip *local,
                              const struct estab_ip *ip)
{
  if (!l->buckets) {
    l->buckets = mem_new_raw(l->mem, LINK_BUCKETS * sizeof *l->buckets, ESTAB_MEM_TABLE);
    if (!l->buckets) return SLAB_NONE;
    memset(l->buckets, 0xff, LINK_BUCKETS * sizeof *l->buckets); // SLAB_NONE
  }
  if (l->neighbours.count == LINK_NEIGHBOURS) neighbour_evict(l);
  uint32_t index = slab_new(&l->neighbours);
  if (index == SLAB_NONE) return SLAB_NONE;
  struct link_neighbour *n = neighbour_at(l, index);
  uint32_t *bucket = neighbour_bucket(l, netif, ip);
  n->ip = *ip;
  n->asker = *local;
  n->netif = (uint16_t)netif;
  n->chain = *bucket;
  *bucket = index;
  n->state = LINK_INCOMPLETE;
  n->to_ask = true;
  fifo_push(&l->to_ask, &l->neighbours, NEIGHBOUR_LINK, index);
  return index;
}

uint32_t neighbour_use(struct link *l, uint32_t netif, const struct estab_ip *local,
                       const struct estab_ip *ip, uint64_t now_ns)
{
  uint32_t index = neighbour_find(l, netif, ip);
  if (index == SLAB_NONE) return neighbour_new(l, netif, local, ip);
  struct link_neighbour *n = neighbour_at(l, index);
  bool again = n->state == LINK_FAILED && n->due_ns <= now_ns;
  if (n->state == LINK_STALE || again) {
    n->asker = *local;
    n->tries = 0;
    neighbour_move(l, index, again ? LINK_INCOMPLETE : LINK_PROBE, true);
  }
  return index;
}

// ---------------------------------------------------------------------------------------------
// What is learned

void neighbour_resolved(struct link *l, uint32_t index, const uint8_t mac[6], bool solicited,
                        uint64_t now_ns)
{
  struct link_neighbour *n = neighbour_at(l, index); // INCOMPLETE, or PROBE and the same mac
  memcpy(n->mac, mac, 6);
  n->tries = 0;
  n->due_ns = now_ns + LINK_REACHABLE_NS;
  neighbour_move(l, index, solicited ? LINK_REACHABLE : LINK_STALE, false);
  neighbour_wake_paths(l, n);
  neighbour_release_packets(l, n);
}

void neighbour_doubted(struct link *l, uint32_t index)
{
  struct link_neighbour *n = neighbour_at(l, index);
  if (n->state != LINK_REACHABLE && n->state != LINK_STALE) return;
  n->tries = 0;
  neighbour_move(l, index, LINK_PROBE, true);
}

void neighbour_header(const struct link *l, const struct link_neighbour *n,
                      uint8_t header[LINK_HEADER_BYTES])
{
  memcpy(header, n->mac, 6);
  memcpy(header + 6, l->macs[n->netif - 1], 6);
  put_be16(header + 12, estab_ip_is4(&n->ip) ? ESTAB_ETH_IP4 : ESTAB_ETH_IP6);
}

// ---------------------------------------------------------------------------------------------
// The doors of link.h that are about neighbours

void link_resolve_slow(struct link *l, struct path *path, uint64_t now_ns)
{
  uint32_t index = neighbour_use(l, path->netif, &path->local, &path->next_hop, now_ns);
  path->neighbour = PATH_NEIGHBOUR_FAILED;
  if (index == SLAB_NONE) return;
  struct link_neighbour *n = neighbour_at(l, index);
  switch ((enum link_state)n->state) {
  case LINK_REACHABLE:
  case LINK_STALE:
  case LINK_PROBE:
    neighbour_header(l, n, path->link_header);
    path->link_generation = l->generation;
    path->neighbour = PATH_NEIGHBOUR_RESOLVED;
    break;
  case LINK_INCOMPLETE:
    path->neighbour = PATH_NEIGHBOUR_PENDING;
    path->wait_next = n->paths;
    n->paths = path;
    break;
  case LINK_FAILED: break;
  }
}

int link_send(struct link *l, uint32_t netif, const struct estab_ip *local,
              const struct estab_ip *next_hop, const uint8_t *packet, size_t bytes, uint64_t now_ns,
              uint8_t header[LINK_HEADER_BYTES])
{
  if (netif - 1 >= LINK_NETIFS || !l->ethernet[netif - 1]) return -ESTAB_DROP_NETIF_DOWN;
  if (bytes > LINK_WAITING_BYTES - LINK_HEADER_BYTES) return -ESTAB_DROP_IP_TOO_BIG;
  uint32_t index = neighbour_use(l, netif, local, next_hop, now_ns);
  if (index == SLAB_NONE) return -ESTAB_DROP_NEIGHBOUR_QUEUE_FULL;
  struct link_neighbour *n = neighbour_at(l, index);
  if (n->state == LINK_FAILED) return -ESTAB_DROP_NEIGHBOUR_FAILED;
  if (n->state == LINK_INCOMPLETE) return neighbour_keep_packet(l, n, packet, bytes);
  neighbour_header(l, n, header);
  return 1;
}

struct path *link_woken(struct link *l)
{
  struct path *path = l->woken;
  if (!path) return NULL;
  l->woken = path->wait_next;
  uint32_t index = neighbour_find(l, path->netif, &path->next_hop);
  path->neighbour = PATH_NEIGHBOUR_FAILED;
  if (index == SLAB_NONE || !neighbour_known(neighbour_at(l, index))) return path;
  neighbour_header(l, neighbour_at(l, index), path->link_header);
  path->link_generation = l->generation;
  path->neighbour = PATH_NEIGHBOUR_RESOLVED;
  return path;
}

size_t link_output(struct link *l, uint64_t now_ns, uint8_t *out, uint32_t *netif)
{
  if (l->ready) {
    struct link_waiting *w = l->ready;
    size_t bytes = w->bytes;
    l->ready = w->next;
    memcpy(out, w->frame, bytes);
    *netif = w->netif;
    link_waiting_free(l, w);
    return bytes;
  }
  uint32_t index = l->to_ask.head;
  if (index == SLAB_NONE) return 0;
  struct link_neighbour *n = neighbour_at(l, index);
  n->tries++;
  n->due_ns = now_ns + LINK_RETRANSMIT_NS;
  neighbour_move(l, index, (enum link_state)n->state, false);
  *netif = n->netif;
  return estab_ip_is4(&n->ip) ? arp_request_emit(l, n, out) : nd_solicitation_emit(l, n, out);
}

uint64_t link_deadline(const struct link *l)
{
  uint64_t asked = ESTAB_NEVER, fresh = ESTAB_NEVER;
  if (l->asking.head != SLAB_NONE) asked = neighbour_at(l, l->asking.head)->due_ns;
  if (l->fresh.head != SLAB_NONE) fresh = neighbour_at(l, l->fresh.head)->due_ns;
  return u64_min(asked, fresh);
}

// A request that nobody answered in time.
static void neighbour_unanswered(struct link *l, uint32_t index, uint64_t now_ns)
{
  struct link_neighbour *n = neighbour_at(l, index);
  if (n->tries < LINK_REQUESTS) {
    neighbour_move(l, index, (enum link_state)n->state, true);
  } else if (n->state == LINK_PROBE) {
    neighbour_remove(l, index); // whoever uses it next asks everybody again
  } else {
    neighbour_move(l, index, LINK_FAILED, false);
    n->due_ns = now_ns + LINK_FAILED_NS;
    neighbour_wake_paths(l, n);
    neighbour_drop_packets(l, n);
  }
}

void link_handle_deadline(struct link *l, uint64_t now_ns)
{
  while (l->asking.head != SLAB_NONE && neighbour_at(l, l->asking.head)->due_ns <= now_ns)
    neighbour_unanswered(l, l->asking.head, now_ns);
  while (l->fresh.head != SLAB_NONE && neighbour_at(l, l->fresh.head)->due_ns <= now_ns) {
    neighbour_move(l, l->fresh.head, LINK_STALE, false);
    l->generation++; // so that its users come by and have it probed
  }
}
