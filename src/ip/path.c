// SPDX-License-Identifier: BSD-2-Clause
// path.c - paths: counted, found by a keyed hash, remembered a little after their last user is gone.
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "ip/ip_internal.h"

enum {
  PATH_SLOTS_FIRST = 16,
  PATH_SLOTS_MOVED = 8, // with each new path: done long before the table is full again
};

#define PATH_GONE (SLAB_NONE - 1) // in path_old: moved or freed, but probes go on behind it

// Five words: both addresses and the interface.
static uint64_t path_hash(const struct ip *ip, const struct estab_ip *local,
                          const struct estab_ip *remote, uint32_t netif)
{
  const uint64_t words[5] = {get_le64(local->bytes), get_le64(local->bytes + 8),
                             get_le64(remote->bytes), get_le64(remote->bytes + 8), netif};
  return siphash13_words(ip->key, words, 5);
}

// Shown to the world, so a hash of its own (RFC 6437 3, appendix A).
uint32_t ip_flow_label(const struct ip *ip, const struct estab_ip *local,
                       const struct estab_ip *remote)
{
  if (ip_is_mapped(remote)) return 0;
  uint8_t bytes[33];
  memcpy(bytes, local->bytes, 16);
  memcpy(bytes + 16, remote->bytes, 16);
  bytes[32] = 'L';
  return (uint32_t)(siphash24(ip->key, bytes, sizeof bytes) >> 44);
}

static struct path *path_at(const struct ip *ip, uint32_t index)
{
  return slab_at(&ip->paths, index);
}

static uint64_t path_hash_of(const struct ip *ip, const struct path *p)
{
  return path_hash(ip, &p->local, &p->remote, p->netif);
}

// The slot of the path with these three; or an empty one, where it would go.
static uint32_t *path_slot(const struct ip *ip, const struct path_table *t, uint64_t hash,
                           const struct estab_ip *local, const struct estab_ip *remote,
                           uint32_t netif)
{
  uint32_t mask = t->count - 1, at = (uint32_t)hash & mask;
  for (; t->slots[at] != SLAB_NONE; at = (at + 1) & mask) {
    if (t->slots[at] == PATH_GONE) continue;
    const struct path *p = path_at(ip, t->slots[at]);
    if (ip_same(&p->remote, remote) && p->netif == netif && ip_same(&p->local, local)) break;
  }
  return &t->slots[at];
}

// Where its index stands, in either table; NULL: there is no such path.
static uint32_t *path_place(const struct ip *ip, const struct estab_ip *local,
                            const struct estab_ip *remote, uint32_t netif)
{
  const struct path_table *tables[2] = {&ip->path_table, &ip->path_old};
  uint64_t hash = path_hash(ip, local, remote, netif);
  for (unsigned i = 0; i < 2; i++) {
    if (!tables[i]->count) continue;
    uint32_t *slot = path_slot(ip, tables[i], hash, local, remote, netif);
    if (*slot != SLAB_NONE) return slot;
  }
  return NULL;
}

static void path_table_free(struct ip *ip, struct path_table *t)
{
  mem_free(ip->mem, t->slots, t->count * sizeof *t->slots, ESTAB_MEM_TABLE);
  *t = (struct path_table){NULL, 0};
}

// The table has room.
static void path_table_insert(struct ip *ip, uint32_t index)
{
  const struct path *p = path_at(ip, index);
  uint64_t hash = path_hash_of(ip, p);
  *path_slot(ip, &ip->path_table, hash, &p->local, &p->remote, p->netif) = index;
}

static void path_table_move(struct ip *ip, uint32_t slots)
{
  struct path_table *old = &ip->path_old;
  for (; slots && ip->path_moved < old->count; slots--, ip->path_moved++) {
    uint32_t index = old->slots[ip->path_moved];
    if (index == SLAB_NONE || index == PATH_GONE) continue;
    old->slots[ip->path_moved] = PATH_GONE;
    path_table_insert(ip, index);
  }
  if (ip->path_moved == old->count) path_table_free(ip, old);
}

// Starts over with so many slots; what there is moves later. False: no memory.
static bool path_table_resize(struct ip *ip, uint32_t count)
{
  path_table_move(ip, UINT32_MAX); // done long ago, unless the table shrinks
  uint32_t *slots = mem_new_raw(ip->mem, count * sizeof *slots, ESTAB_MEM_TABLE);
  if (!slots) return false;
  memset(slots, 0xff, count * sizeof *slots); // SLAB_NONE
  ip->path_old = ip->path_table;
  ip->path_table = (struct path_table){slots, count};
  ip->path_moved = 0;
  path_table_move(ip, 0);
  return true;
}

// Empties a slot. Those behind it that probed past it move up, in the table that lives on.
static void path_table_remove(struct ip *ip, uint32_t *slot)
{
  struct path_table *t = &ip->path_table;
  uint32_t mask = t->count - 1, hole = (uint32_t)(slot - t->slots);
  if (ip->path_old.count && slot >= ip->path_old.slots &&
      slot < ip->path_old.slots + ip->path_old.count) {
    *slot = PATH_GONE;
    return;
  }
  for (uint32_t at = (hole + 1) & mask; t->slots[at] != SLAB_NONE; at = (at + 1) & mask) {
    uint32_t home = (uint32_t)path_hash_of(ip, path_at(ip, t->slots[at])) & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue; // its home lies behind the hole
    t->slots[hole] = t->slots[at];
    hole = at;
  }
  t->slots[hole] = SLAB_NONE;
}

static void path_free(struct ip *ip, struct path *p)
{
  uint32_t *slot = path_place(ip, &p->local, &p->remote, p->netif);
  uint32_t index = *slot;
  if (ip->remembered.path == p) ip->remembered.path = NULL;
  ip_lowered_forget(ip, p);
  path_table_remove(ip, slot);
  slab_free(&ip->paths, index);
}

// Takes over what interfaces and routes say now; false: there is no route.
static bool path_fill(struct ip *ip, struct path *p)
{
  struct ip_route_result route;
  const struct ip_netif *n = ip_netif(ip, p->netif);
  p->cut_off = n && !n->up;
  if (ip_route(ip, &p->local, &p->remote, p->netif, &route) != 0) return false;
  if (route.netif != p->netif) return false;
  if (!ip_same(&p->next_hop, &route.next_hop)) {
    p->next_hop = route.next_hop;
    // A path that waits for the old next hop is in link's list; link_woken() sorts it out.
    if (p->neighbour != PATH_NEIGHBOUR_PENDING) p->neighbour = PATH_NEIGHBOUR_NONE;
  }
  uint32_t gso = n ? u32_min(n->settings.gso_max_bytes, UINT16_MAX) : 0;
  bool offload = !n || n->settings.checksum_offload;
  p->checksum_none = n && n->settings.checksum_offload && n->settings.checksum_none;
  p->departure_times = n && n->settings.departure_times;
  if (p->device_mtu == route.mtu && p->gso_max_bytes == gso && p->checksum_offload == offload)
    return true;
  // A learned MTU stays, unless the interface's own is lower still.
  p->mtu = p->lowered && p->mtu < route.mtu ? p->mtu : route.mtu;
  p->device_mtu = route.mtu;
  p->gso_max_bytes = (uint16_t)gso;
  p->checksum_offload = offload;
  p->link_header_bytes = n && n->settings.link == ESTAB_LINK_ETHERNET ? 14 : 0;
  p->generation++;
  return true;
}

void ip_paths_refresh(struct ip *ip)
{
  ip->remembered.pair_version = 0;
  ip->remembered.route_known = false;
  for (uint32_t i = 0; i < slab_top(&ip->paths); i++)
    if (slab_live(&ip->paths, i)) path_fill(ip, path_at(ip, i));
}

struct path *ip_path_find(const struct ip *ip, const struct estab_ip *local,
                          const struct estab_ip *remote, uint32_t netif)
{
  const uint32_t *slot = path_place(ip, local, remote, netif);
  return slot ? path_at(ip, *slot) : NULL;
}

// Any other than the one that was asked for last.
static __attribute__((noinline)) struct path *path_get_other(struct ip *ip,
                                                             const struct estab_ip *local,
                                                             const struct estab_ip *remote,
                                                             uint32_t netif)
{
  if (!netif) {
    struct ip_route_result route;
    if (ip_route(ip, local, remote, 0, &route) != 0) return NULL;
    netif = route.netif;
  }
  struct path *p = ip_path_find(ip, local, remote, netif);
  if (p) {
    ip->remembered.path = p;
    p->refs++;
    return p;
  }
  uint32_t slots = ip->path_table.count;
  if (ip->paths.count + 1 > slots / 4 * 3 &&
      !path_table_resize(ip, slots ? slots * 2 : PATH_SLOTS_FIRST))
    return NULL;
  path_table_move(ip, PATH_SLOTS_MOVED);
  uint32_t index = slab_new(&ip->paths);
  if (index == SLAB_NONE) return NULL;
  p = path_at(ip, index);
  p->local = *local;
  p->remote = *remote;
  p->netif = (uint16_t)netif;
  p->address_sum = estab_checksum_fold(estab_checksum_pseudo(local, remote, 0, 0));
  if (!path_fill(ip, p)) {
    slab_free(&ip->paths, index);
    return NULL;
  }
  p->flow_label = ip_flow_label(ip, local, remote) & 0xfffff;
  p->refs = 1;
  ip->remembered.path = p;
  path_table_insert(ip, index);
  return p;
}

struct path *ip_path_get(struct ip *ip, const struct estab_ip *local, const struct estab_ip *remote,
                         uint32_t netif, uint64_t now_ns)
{
  if (ip->lowered_count) ip_lowered_expire(ip, now_ns);
  // Connections between the same two hosts often begin one after the other.
  struct path *p = ip->remembered.path;
  if (!p || !netif || p->netif != netif || !ip_same(&p->remote, remote) ||
      !ip_same(&p->local, local))
    return path_get_other(ip, local, remote, netif);
  p->refs++;
  return p;
}

// ---------------------------------------------------------------------------------------------
// The cache: a ring of indices of paths marked `cached`. One that got a user again stays in it.

void ip_path_settle(struct ip *ip, struct path *path)
{
  if (path->refs || path->cached || path->neighbour == PATH_NEIGHBOUR_PENDING) return;
  if (!ip->cache) {
    ip->cache = mem_new_raw(ip->mem, IP_CACHED_PATHS * sizeof *ip->cache, ESTAB_MEM_NET);
    if (!ip->cache) {
      path_free(ip, path);
      return;
    }
    memset(ip->cache, 0xff, IP_CACHED_PATHS * sizeof *ip->cache); // SLAB_NONE
  }
  uint32_t *place = &ip->cache[ip->cache_hand++ % IP_CACHED_PATHS];
  if (*place != SLAB_NONE) {
    struct path *out = path_at(ip, *place);
    out->cached = 0;
    if (!out->refs && out->neighbour != PATH_NEIGHBOUR_PENDING) path_free(ip, out);
  }
  path->cached = 1;
  *place = *path_place(ip, &path->local, &path->remote, path->netif);
}

void ip_path_put(struct ip *ip, struct path *path)
{
  if (--path->refs == 0) ip_path_settle(ip, path);
}

void ip_paths_trim(struct ip *ip)
{
  for (uint32_t i = 0; ip->cache && i < IP_CACHED_PATHS; i++) {
    if (ip->cache[i] == SLAB_NONE) continue;
    struct path *p = path_at(ip, ip->cache[i]);
    p->cached = 0;
    if (!p->refs && p->neighbour != PATH_NEIGHBOUR_PENDING) path_free(ip, p);
  }
  mem_free(ip->mem, ip->cache, IP_CACHED_PATHS * sizeof *ip->cache, ESTAB_MEM_NET);
  ip->cache = NULL;
  uint32_t slots = ip->path_table.count;
  while (slots > PATH_SLOTS_FIRST && ip->paths.count < slots / 4)
    slots /= 2;
  // No memory for a smaller table: the larger one goes on.
  if (slots < ip->path_table.count) path_table_resize(ip, slots);
  path_table_move(ip, UINT32_MAX);
  if (!ip->paths.count) path_table_free(ip, &ip->path_table);
  slab_trim(&ip->paths);
}

void ip_paths_destroy(struct ip *ip)
{
  mem_free(ip->mem, ip->lowered, ip->lowered_slots * sizeof *ip->lowered, ESTAB_MEM_NET);
  mem_free(ip->mem, ip->cache, IP_CACHED_PATHS * sizeof *ip->cache, ESTAB_MEM_NET);
  path_table_free(ip, &ip->path_table);
  path_table_free(ip, &ip->path_old);
  slab_destroy(&ip->paths);
  ip->lowered = NULL;
  ip->cache = NULL;
  ip->lowered_slots = ip->lowered_first = ip->lowered_count = 0;
}
