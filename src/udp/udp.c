// SPDX-License-Identifier: BSD-2-Clause
// udp.c - UDP endpoints: RFC 768, RFC 1122 4.1, RFC 8200 8.1.
//
// Endpoints are found by a keyed hash of their port; few share one. What comes in is copied into the endpoint's queue,
// charged at what it costs, until the queue's bound. An ICMP error takes its place in the same queue.
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/rand.h"
#include "udp/udp.h"

enum { UDP_BUCKETS = 256, UDP_PORT_TRIES = 64 };

#define UDP_READY_LINK offsetof(struct udp_endpoint, ready_link)

struct udp_datagram {
  struct udp_datagram *next;
  struct estab_datagram meta;
  uint32_t bytes;
  uint8_t payload[];
};

void udp_init(struct udp *u, struct mem *mem, struct rng *rng, const uint64_t key[2])
{
  memset(u, 0, sizeof *u);
  u->mem = mem;
  u->rng = rng;
  u->key[0] = key[0];
  u->key[1] = key[1];
  slab_init(&u->endpoints, mem, sizeof(struct udp_endpoint), ESTAB_MEM_UDP);
  fifo_init(&u->ready);
}

static struct udp_endpoint *udp_at(const struct udp *u, uint32_t index)
{
  return slab_at(&u->endpoints, index);
}

static uint32_t *udp_bucket(const struct udp *u, uint16_t port)
{
  const uint64_t word = port;
  return &u->buckets[siphash13_words(u->key, &word, 1) % UDP_BUCKETS];
}

static void udp_pop(struct udp *u, struct udp_endpoint *e)
{
  struct udp_datagram *d = e->first;
  size_t cost = sizeof *d + d->bytes;
  e->first = d->next;
  if (!e->first) e->last = NULL;
  e->queue_bytes -= (uint32_t)cost;
  mem_free(u->mem, d, cost, ESTAB_MEM_UDP);
}

static void udp_free(struct udp *u, uint32_t index)
{
  struct udp_endpoint *e = udp_at(u, index);
  while (e->first)
    udp_pop(u, e);
  if (e->ready) fifo_remove(&u->ready, &u->endpoints, UDP_READY_LINK, index);
  uint32_t *chain = udp_bucket(u, e->local_port);
  while (*chain != index)
    chain = &udp_at(u, *chain)->next;
  *chain = e->next;
  slab_free(&u->endpoints, index);
}

static void udp_buckets_free(struct udp *u)
{
  mem_free(u->mem, u->buckets, UDP_BUCKETS * sizeof *u->buckets, ESTAB_MEM_TABLE);
  u->buckets = NULL;
}

void udp_destroy(struct udp *u)
{
  for (uint32_t i = 0; i < slab_top(&u->endpoints); i++)
    if (slab_live(&u->endpoints, i)) udp_free(u, i);
  udp_buckets_free(u);
  slab_destroy(&u->endpoints);
}

void udp_trim(struct udp *u)
{
  if (!u->endpoints.count) udp_buckets_free(u);
  slab_trim(&u->endpoints);
}

// ---------------------------------------------------------------------------------------------

struct udp_endpoint *udp_find(struct udp *u, estab_udp handle)
{
  uint32_t index = (uint32_t)handle, generation = (uint32_t)(handle >> 32);
  if (!slab_live(&u->endpoints, index)) return NULL;
  struct udp_endpoint *e = udp_at(u, index);
  return e->generation == generation ? e : NULL;
}

static bool udp_any(const struct estab_ip *ip)
{
  return estab_ip_is_any(ip);
}

// Two endpoints on one port must differ so that it is clear who gets a datagram.
static bool udp_taken(const struct udp *u, const struct estab_ip *local, uint16_t port,
                      uint32_t netif)
{
  for (uint32_t i = *udp_bucket(u, port); i != SLAB_NONE; i = udp_at(u, i)->next) {
    const struct udp_endpoint *e = udp_at(u, i);
    bool same = estab_ip_equal(&e->local, local) || (udp_any(&e->local) && udp_any(local));
    if (e->local_port == port && e->netif == netif && same) return true;
  }
  return false;
}

// RFC 6056 3.3.2: at random, so that nobody guesses the port of a DNS question; then one after the other.
static uint16_t udp_choose_port(struct udp *u, const struct estab_ip *local, uint32_t netif)
{
  const uint32_t count = UDP_PORT_LAST - UDP_PORT_FIRST + 1;
  uint32_t port = 0;
  for (unsigned i = 0; i < UDP_PORT_TRIES; i++) {
    port = UDP_PORT_FIRST + rng_below(u->rng, count);
    if (!udp_taken(u, local, (uint16_t)port, netif)) return (uint16_t)port;
  }
  for (uint32_t i = 0; i < count; i++) {
    port = port == UDP_PORT_LAST ? UDP_PORT_FIRST : port + 1;
    if (!udp_taken(u, local, (uint16_t)port, netif)) return (uint16_t)port;
  }
  return 0;
}

int udp_open(struct udp *u, const struct estab_udp_settings *settings, estab_udp *out)
{
  if (!u->buckets) {
    u->buckets = mem_new_raw(u->mem, UDP_BUCKETS * sizeof *u->buckets, ESTAB_MEM_TABLE);
    if (!u->buckets) return ESTAB_ERR_NO_MEMORY;
    memset(u->buckets, 0xff, UDP_BUCKETS * sizeof *u->buckets); // SLAB_NONE
  }
  uint16_t port = settings->local_port;
  if (!port)
    port = udp_choose_port(u, &settings->local, settings->netif);
  else if (udp_taken(u, &settings->local, port, settings->netif))
    return ESTAB_ERR_ADDRESS_IN_USE;
  if (!port) return ESTAB_ERR_NO_PORT;
  uint32_t index = slab_new(&u->endpoints);
  if (index == SLAB_NONE) return ESTAB_ERR_NO_MEMORY;
  struct udp_endpoint *e = udp_at(u, index);
  uint32_t *bucket = udp_bucket(u, port);
  e->local = settings->local;
  e->local_port = port;
  e->netif = settings->netif;
  e->queue_max_bytes = settings->queue_bytes;
  e->armed = true;
  e->next = *bucket;
  *bucket = index;
  if (++u->generation == 0) u->generation = 1; // so that no handle is 0
  e->generation = u->generation;
  *out = (estab_udp)e->generation << 32 | index;
  return 0;
}

int udp_close(struct udp *u, estab_udp handle)
{
  if (!udp_find(u, handle)) return ESTAB_ERR_NO_CONNECTION;
  udp_free(u, (uint32_t)handle);
  return 0;
}

// ---------------------------------------------------------------------------------------------

int udp_emit(const struct estab_ip *src, const struct estab_ip *dst, uint16_t src_port,
             uint16_t dst_port, const void *payload, size_t payload_bytes, uint8_t *out,
             size_t room)
{
  size_t total = ESTAB_UDP_HEADER_BYTES + payload_bytes;
  if (payload_bytes > UINT16_MAX || total > UINT16_MAX || total > room) return ESTAB_ERR_TOO_BIG;
  struct estab_udp_header h = {
      .src_port = src_port, .dst_port = dst_port, .total_bytes = (uint16_t)total};
  estab_udp_emit(&h, out);
  if (payload_bytes) memcpy(out + ESTAB_UDP_HEADER_BYTES, payload, payload_bytes);
  uint64_t sum = estab_checksum_pseudo(src, dst, ESTAB_PROTOCOL_UDP, (uint32_t)total);
  uint16_t checksum = estab_checksum_finish(estab_checksum_add(sum, out, total));
  // RFC 768, RFC 8200 8.1: 0 would say that there is none.
  put_be16(out + ESTAB_UDP_CHECKSUM_OFFSET, checksum ? checksum : 0xffff);
  return (int)total;
}

// Who gets what comes to this address: the more an endpoint says, the rather it.
static uint32_t udp_lookup(const struct udp *u, uint32_t netif, const struct estab_ip *local,
                           uint16_t port)
{
  if (!u->buckets) return SLAB_NONE;
  uint32_t best = SLAB_NONE, best_score = 0;
  for (uint32_t i = *udp_bucket(u, port); i != SLAB_NONE; i = udp_at(u, i)->next) {
    const struct udp_endpoint *e = udp_at(u, i);
    bool any = udp_any(&e->local);
    if (e->local_port != port || (e->netif && e->netif != netif)) continue;
    if (!any && !estab_ip_equal(&e->local, local)) continue;
    uint32_t score = 1u + (any ? 0 : 2) + (e->netif ? 1 : 0);
    if (score > best_score) best = i, best_score = score;
  }
  return best;
}

static int udp_queue(struct udp *u, uint32_t index, const struct estab_datagram *meta,
                     const uint8_t *payload, size_t bytes)
{
  struct udp_endpoint *e = udp_at(u, index);
  size_t cost = sizeof(struct udp_datagram) + bytes;
  struct udp_datagram *d = NULL;
  if (e->queue_bytes + cost <= e->queue_max_bytes) d = mem_new_raw(u->mem, cost, ESTAB_MEM_UDP);
  if (!d) return -ESTAB_DROP_UDP_QUEUE_FULL;
  d->next = NULL;
  d->meta = *meta;
  d->bytes = (uint32_t)bytes;
  if (bytes) memcpy(d->payload, payload, bytes);
  e->queue_bytes += (uint32_t)cost;
  if (e->last)
    e->last->next = d;
  else
    e->first = d;
  e->last = d;
  if (e->armed && !e->ready) {
    e->armed = false;
    e->ready = true;
    fifo_push(&u->ready, &u->endpoints, UDP_READY_LINK, index);
  }
  return 0;
}

int udp_input(struct udp *u, uint32_t netif, const struct estab_ip *src, const struct estab_ip *dst,
              const uint8_t *bytes, size_t have, bool checksum_known)
{
  struct estab_udp_header h;
  int header = estab_udp_parse(bytes, have, &h);
  if (header < 0) return header;
  if (!h.checksum && !estab_ip_is4(dst)) return -ESTAB_DROP_UDP_CHECKSUM; // RFC 8200 8.1
  if (h.checksum && !checksum_known) {
    uint64_t sum = estab_checksum_pseudo(src, dst, ESTAB_PROTOCOL_UDP, h.total_bytes);
    if (estab_checksum_finish(estab_checksum_add(sum, bytes, h.total_bytes)) != 0)
      return -ESTAB_DROP_UDP_CHECKSUM;
  }
  uint32_t index = udp_lookup(u, netif, dst, h.dst_port);
  if (index == SLAB_NONE) return -ESTAB_DROP_UDP_NO_ENDPOINT;
  struct estab_datagram meta = {
      .local = *dst, .remote = *src, .local_port = h.dst_port, .remote_port = h.src_port};
  return udp_queue(u, index, &meta, bytes + header, h.total_bytes - (size_t)header);
}

int udp_report(struct udp *u, uint32_t netif, const struct estab_tuple *tuple, int error)
{
  uint32_t index = udp_lookup(u, netif, &tuple->local, tuple->local_port);
  if (index == SLAB_NONE) return -ESTAB_DROP_ICMP_EMBEDDED;
  struct estab_datagram meta = {.local = tuple->local,
                                .remote = tuple->remote,
                                .local_port = tuple->local_port,
                                .remote_port = tuple->remote_port,
                                .error = error};
  return udp_queue(u, index, &meta, NULL, 0);
}

int udp_recv(struct udp *u, estab_udp handle, struct estab_datagram *from, void *bytes, size_t room)
{
  struct udp_endpoint *e = udp_find(u, handle);
  if (!e) return ESTAB_ERR_NO_CONNECTION;
  struct udp_datagram *d = e->first;
  if (!d) {
    e->armed = true;
    return ESTAB_ERR_WOULD_BLOCK;
  }
  int whole = (int)d->bytes;
  size_t n = size_min(room, d->bytes);
  *from = d->meta;
  if (n) memcpy(bytes, d->payload, n);
  udp_pop(u, e);
  return whole;
}

estab_udp udp_ready(struct udp *u)
{
  uint32_t index = fifo_pop(&u->ready, &u->endpoints, UDP_READY_LINK);
  if (index == SLAB_NONE) return 0;
  struct udp_endpoint *e = udp_at(u, index);
  e->ready = false;
  return (estab_udp)e->generation << 32 | index;
}
