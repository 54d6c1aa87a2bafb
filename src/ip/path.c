// SPDX-License-Identifier: BSD-2-Clause
// path.c - paths: counted, found by a keyed hash, remembered a little after their last user is gone.
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "ip/ip_internal.h"

enum { PATH_SLOTS_FIRST = 16 };

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

static uint32_t path_slot_of(const struct ip *ip, const struct path *p)
{
  return (uint32_t)path_hash(ip, &p->local, &p->remote, p->netif) & (ip->path_slots - 1);
}

// The slot that holds the path with these three, or the empty one where it would go. The table has one.
static uint32_t path_slot(const struct ip *ip, const struct estab_ip *local,
                          const struct estab_ip *remote, uint32_t netif)
{
  uint32_t mask = ip->path_slots - 1;
  uint32_t slot = (uint32_t)path_hash(ip, local, remote, netif) & mask;
  for (; ip->path_table[slot] != SLAB_NONE; slot = (slot + 1) & mask) {
    const struct path *p = path_at(ip, ip->path_table[slot]);
    if (ip_same(&p->remote, remote) && p->netif == netif && ip_same(&p->local, local)) break;
  }
  return slot;
}

static bool path_table_resize(struct ip *ip, uint32_t slots)
{
  uint32_t *table = mem_new_raw(ip->mem, slots * sizeof *table, ESTAB_MEM_TABLE);
  if (!table) return false;
  memset(table, 0xff, slots * sizeof *table); // SLAB_NONE
  uint32_t *before = ip->path_table, count = ip->path_slots;
  ip->path_table = table;
  ip->path_slots = slots;
  for (uint32_t i = 0; i < count; i++) {
    if (before[i] == SLAB_NONE) continue;
    uint32_t slot = path_slot_of(ip, path_at(ip, before[i]));
    while (table[slot] != SLAB_NONE)
      slot = (slot + 1) & (slots - 1);
    table[slot] = before[i];
  }
  mem_free(ip->mem, before, count * sizeof *before, ESTAB_MEM_TABLE);
  return true;
}

// Empties a slot and moves up those that probed past it.
static void path_table_remove(struct ip *ip, uint32_t hole)
{
  uint32_t mask = ip->path_slots - 1;
  for (uint32_t at = (hole + 1) & mask; ip->path_table[at] != SLAB_NONE; at = (at + 1) & mask) {
    uint32_t home = path_slot_of(ip, path_at(ip, ip->path_table[at]));
    if (((at - home) & mask) < ((at - hole) & mask)) continue; // its home lies behind the hole
    ip->path_table[hole] = ip->path_table[at];
    hole = at;
  }
  ip->path_table[hole] = SLAB_NONE;
}

static void path_free(struct ip *ip, struct path *p)
{
  uint32_t slot = path_slot(ip, &p->local, &p->remote, p->netif);
  uint32_t index = ip->path_table[slot];
  ip_lowered_forget(ip, p);
  path_table_remove(ip, slot);
  slab_free(&ip->paths, index);
}

// Takes over what interfaces and routes say now; false: there is no route.
static bool path_fill(struct ip *ip, struct path *p)
{
  struct ip_route_result route;
  if (ip_route(ip, &p->local, &p->remote, p->netif, &route) != 0) return false;
  if (route.netif != p->netif) return false;
  if (!ip_same(&p->next_hop, &route.next_hop)) {
    p->next_hop = route.next_hop;
    // A path that waits for the old next hop is in link's list; link_woken() sorts it out.
    if (p->neighbour != PATH_NEIGHBOUR_PENDING) p->neighbour = PATH_NEIGHBOUR_NONE;
  }
  const struct ip_netif *n = ip_netif(ip, p->netif);
  uint32_t gso = n ? u32_min(n->settings.gso_max_bytes, UINT16_MAX) : 0;
  bool offload = !n || n->settings.checksum_offload;
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
  for (uint32_t i = 0; i < slab_top(&ip->paths); i++)
    if (slab_live(&ip->paths, i)) path_fill(ip, path_at(ip, i));
}

struct path *ip_path_find(const struct ip *ip, const struct estab_ip *local,
                          const struct estab_ip *remote, uint32_t netif)
{
  if (!ip->path_slots) return NULL;
  uint32_t index = ip->path_table[path_slot(ip, local, remote, netif)];
  return index == SLAB_NONE ? NULL : path_at(ip, index);
}

struct path *ip_path_get(struct ip *ip, const struct estab_ip *local, const struct estab_ip *remote,
                         uint32_t netif, uint64_t now_ns)
{
  ip_lowered_expire(ip, now_ns);
  if (!netif) {
    struct ip_route_result route;
    if (ip_route(ip, local, remote, 0, &route) != 0) return NULL;
    netif = route.netif;
  }
  struct path *p = ip_path_find(ip, local, remote, netif);
  if (p) {
    p->refs++;
    return p;
  }
  if (ip->paths.count + 1 > ip->path_slots / 4 * 3 &&
      !path_table_resize(ip, ip->path_slots ? ip->path_slots * 2 : PATH_SLOTS_FIRST))
    return NULL;
  uint32_t index = slab_new(&ip->paths);
  if (index == SLAB_NONE) return NULL;
  p = path_at(ip, index);
  p->local = *local;
  p->remote = *remote;
  p->netif = (uint16_t)netif;
  if (!path_fill(ip, p)) {
    slab_free(&ip->paths, index);
    return NULL;
  }
  p->flow_label = ip_flow_label(ip, local, remote);
  p->refs = 1;
  ip->path_table[path_slot(ip, local, remote, netif)] = index;
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
  *place = ip->path_table[path_slot(ip, &path->local, &path->remote, path->netif)];
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
  uint32_t slots = ip->path_slots;
  while (slots > PATH_SLOTS_FIRST && ip->paths.count < slots / 4)
    slots /= 2;
  if (!ip->paths.count) {
    mem_free(ip->mem, ip->path_table, ip->path_slots * sizeof *ip->path_table, ESTAB_MEM_TABLE);
    ip->path_table = NULL;
    ip->path_slots = 0;
  } else if (slots < ip->path_slots) {
    path_table_resize(ip, slots); // no memory for a smaller one: the larger one goes on
  }
  slab_trim(&ip->paths);
}

void ip_paths_destroy(struct ip *ip)
{
  mem_free(ip->mem, ip->lowered, ip->lowered_slots * sizeof *ip->lowered, ESTAB_MEM_NET);
  mem_free(ip->mem, ip->cache, IP_CACHED_PATHS * sizeof *ip->cache, ESTAB_MEM_NET);
  mem_free(ip->mem, ip->path_table, ip->path_slots * sizeof *ip->path_table, ESTAB_MEM_TABLE);
  slab_destroy(&ip->paths);
  ip->lowered = NULL;
  ip->cache = NULL;
  ip->path_table = NULL;
  ip->lowered_slots = ip->lowered_first = ip->lowered_count = ip->path_slots = 0;
}
