// SPDX-License-Identifier: BSD-2-Clause
// scan_set.h - fixed fingerprints, memory under a budget, and sets that count exactly first, then nearly.
#ifndef ESTAB_WATCH_SCAN_SET_H
#define ESTAB_WATCH_SCAN_SET_H

#include "base/bytes.h"
#include "base/mem.h"
#include "base/pairs.h"
#include "base/tuple.h"

#define SCAN_PRINTS 64

// What campaigns and sources share: the memory that they may take together, and the fingerprints that were asked for
// last, which are mostly those that will be asked for next.
struct scan_pool {
  struct mem *mem;
  uint64_t used_bytes, limit_bytes;
  struct pairs_key key; // of tables by fingerprint
  struct {
    struct estab_ip ip;
    uint32_t with;
    uint64_t print; // 0 = not known
  } prints[SCAN_PRINTS];
};

// As mem_resize(), and refuses beyond the limit. new_bytes 0 frees.
void *scan_pool_resize(struct scan_pool *pool, void *p, size_t old_bytes, size_t new_bytes);

// Fingerprints do not depend on the secret: what they decide must be the same on every run.
uint64_t scan_fixed_hash(const uint64_t *words, size_t count);
uint64_t scan_fingerprint_make(struct scan_pool *pool, const struct estab_ip *ip, uint32_t with,
                               uint32_t at);

static inline uint64_t scan_fingerprint(struct scan_pool *pool, const struct estab_ip *ip,
                                        uint32_t with)
{
  const uint32_t mixed = (get_be32(ip->bytes + 12) ^ with << 15) * UINT32_C(0x9e3779b1);
  const uint32_t at = (mixed ^ with) % SCAN_PRINTS ^ mixed >> 26;
  if (pool->prints[at].print && pool->prints[at].with == with && ip_equal(&pool->prints[at].ip, ip))
    return pool->prints[at].print;
  return scan_fingerprint_make(pool, ip, with, at);
}

// A hash's place of so many: of twice as many it is there twice as far.
static inline uint32_t scan_share(uint32_t hash, uint32_t places)
{
  return (uint32_t)((uint64_t)hash * places >> 32);
}

#define SCAN_SET_EXACT     24576 // members counted one by one; beyond, within 3.3 % (standard error)
#define SCAN_SET_REGISTERS 1024

// Of addresses. All zero is an empty one.
struct scan_set {
  uint64_t *slots;    // 32 neighbours of IPv4 each, or one address of IPv6; 0 = free
  uint32_t room;      // a power of two, or 0
  uint32_t used;      // slots
  uint32_t count;     // members
  uint32_t last;      // the slot of the one added last: who walks stays there
  uint8_t *registers; // HyperLogLog (Flajolet et al. 2007), once there are too many
};

// Whether it was not there; once members are no longer kept one by one: whether the estimate moved.
// Refused memory loses the member.
bool scan_set_add(struct scan_set *s, struct scan_pool *pool, const struct estab_ip *ip);
uint64_t scan_set_count(const struct scan_set *s);
void scan_set_free(struct scan_set *s, struct scan_pool *pool);

// A bitmap of fingerprints in which some that never were are found as well: two generations, the older one
// forgotten when the younger is full.
struct scan_seen {
  uint64_t *bits[2]; // [0] the younger
  uint32_t words;    // of each, a power of two
  uint32_t added;    // to the younger
  uint64_t
      waiting; // the one that came last: written when the next one comes, memory being asked for it meanwhile
  bool waits;
};
bool scan_seen_init(struct scan_seen *s, struct mem *mem, uint32_t words);
void scan_seen_destroy(struct scan_seen *s, struct mem *mem);
void scan_seen_add(struct scan_seen *s, uint64_t fingerprint);
bool scan_seen_has(struct scan_seen *s, uint64_t fingerprint);

#endif
