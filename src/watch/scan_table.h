// SPDX-License-Identifier: BSD-2-Clause
// scan_table.h - records under a key, at most so many: who was quiet longest makes room, whatever the hash
// says.
#ifndef ESTAB_WATCH_SCAN_TABLE_H
#define ESTAB_WATCH_SCAN_TABLE_H

#include "base/pairs.h"
#include "base/slab.h"

#define SCAN_KEY_WORDS 3

struct scan_key {
  uint64_t words[SCAN_KEY_WORDS]; // an address, and what belongs to it
};

// Every record begins with this.
struct scan_node {
  struct scan_key key;
  uint32_t next;         // in its bucket
  uint32_t newer, older; // in its list, by last use
  uint32_t list : 1;     // 0 = made room from first, 1 = kept as long as list 0 has any
  uint32_t bucket : 31;
};

struct scan_table {
  struct slab slab;
  uint32_t *buckets;
  uint32_t mask; // buckets - 1, twice as many as records or more
  uint32_t max;  // records
  struct pairs_key hash_key;
  uint32_t newest[2], oldest[2], listed[2];
};

// `max` records of item_bytes that begin with struct scan_node. false: no memory.
bool scan_table_init(struct scan_table *t, struct mem *mem, uint32_t item_bytes, uint32_t max,
                     const uint8_t secret[16]);
void scan_table_destroy(struct scan_table *t);

// SLAB_NONE: not there. Does not count as use.
uint32_t scan_table_find(const struct scan_table *t, const struct scan_key *key);

// A new record, zero behind its node, in list 0. The key must not be there. SLAB_NONE: full (make room
// with scan_table_oldest() and scan_table_remove()) or no memory.
uint32_t scan_table_add(struct scan_table *t, const struct scan_key *key);

// The record whose turn it is to make room: the longest unused of list 0, else of list 1.
static inline uint32_t scan_table_oldest(const struct scan_table *t)
{
  return t->listed[0] ? t->oldest[0] : t->oldest[1];
}

static inline bool scan_table_full(const struct scan_table *t)
{
  return t->slab.count >= t->max;
}

void scan_table_remove(struct scan_table *t, uint32_t index);
void scan_table_use(struct scan_table *t, uint32_t index); // now the newest of its list
void scan_table_list(struct scan_table *t, uint32_t index, uint8_t list); // and move it there

static inline void *scan_table_at(const struct scan_table *t, uint32_t index)
{
  return slab_at(&t->slab, index);
}

// Adds what was not found and lets the oldest go. SLAB_NONE: no memory.
uint32_t scan_table_put(struct scan_table *t, const struct scan_key *key);
// Finds, or adds and lets the oldest go. SLAB_NONE: no memory.
uint32_t scan_table_get(struct scan_table *t, const struct scan_key *key);

#endif
