// SPDX-License-Identifier: BSD-2-Clause
// scan_table.c - records under a key, at most so many, the longest unused makes room.
#include <string.h>

#include "watch/scan_table.h"
#include "base/bytes.h"

#define SCAN_BUCKETS 64 // of an empty table: four cache lines
#define SCAN_STEP    4  // so many times as many when half as many records are there

static uint32_t *scan_table_buckets_new(struct mem *mem, uint32_t buckets)
{
  uint32_t *new = mem_new_raw(mem, buckets * sizeof *new, ESTAB_MEM_WATCH);
  if (new) memset(new, 0xff, buckets * sizeof *new);
  return new;
}

bool scan_table_init(struct scan_table *t, struct mem *mem, uint32_t item_bytes, uint32_t max,
                     const uint8_t secret[16])
{
  memset(t, 0, sizeof *t);
  t->buckets = scan_table_buckets_new(mem, SCAN_BUCKETS);
  if (!t->buckets) return false;
  t->mask = SCAN_BUCKETS - 1;
  t->max = max;
  const uint64_t words[2] = {get_le64(secret), get_le64(secret + 8)};
  pairs_key_make(&t->hash_key, words, item_bytes);
  for (int i = 0; i < 2; i++)
    t->newest[i] = t->oldest[i] = SLAB_NONE;
  slab_init(&t->slab, mem, (item_bytes + 7) / 8 * 8, ESTAB_MEM_WATCH);
  return true;
}

void scan_table_destroy(struct scan_table *t)
{
  if (!t->buckets) return;
  mem_free(t->slab.mem, t->buckets, (t->mask + (size_t)1) * sizeof *t->buckets, ESTAB_MEM_WATCH);
  slab_destroy(&t->slab);
  memset(t, 0, sizeof *t);
}

static uint32_t *scan_table_bucket(const struct scan_table *t, const struct scan_key *key)
{
  uint64_t sum = t->hash_key.words[PAIRS_WORDS];
  for (unsigned i = 0; i < SCAN_KEY_WORDS; i++)
    sum = pairs_add(sum, &t->hash_key, 2 * i, (uint32_t)(key->words[i] >> 32),
                    (uint32_t)key->words[i]);
  return &t->buckets[(uint32_t)(sum >> 32) & t->mask];
}

static void scan_table_chain(struct scan_table *t, uint32_t index, uint32_t *bucket)
{
  struct scan_node *n = scan_table_at(t, index);
  n->next = *bucket;
  n->bucket = (uint32_t)(bucket - t->buckets) & 0x7fffffff;
  *bucket = index;
}

// What is searched in vain has mostly an empty bucket: no record is looked at. And few records' buckets share few
// cache lines. Where memory is refused the chains are longer.
static void scan_table_grow(struct scan_table *t)
{
  const uint32_t buckets = (t->mask + 1) * SCAN_STEP;
  uint32_t *old = t->buckets;
  if (!(t->buckets = scan_table_buckets_new(t->slab.mem, buckets))) {
    t->buckets = old;
    return;
  }
  mem_free(t->slab.mem, old, (t->mask + (size_t)1) * sizeof *old, ESTAB_MEM_WATCH);
  t->mask = buckets - 1;
  for (unsigned list = 0; list < 2; list++)
    for (uint32_t i = t->newest[list]; i != SLAB_NONE;) {
      struct scan_node *n = scan_table_at(t, i);
      scan_table_chain(t, i, scan_table_bucket(t, &n->key));
      i = n->older;
    }
}

static bool scan_key_equal(const struct scan_key *a, const struct scan_key *b)
{
  return !((a->words[0] ^ b->words[0]) | (a->words[1] ^ b->words[1]) | (a->words[2] ^ b->words[2]));
}

static uint32_t scan_table_find_in(const struct scan_table *t, uint32_t bucket,
                                   const struct scan_key *key)
{
  for (uint32_t i = bucket; i != SLAB_NONE;) {
    const struct scan_node *n = scan_table_at(t, i);
    if (scan_key_equal(&n->key, key)) return i;
    i = n->next;
  }
  return SLAB_NONE;
}

uint32_t scan_table_find(const struct scan_table *t, const struct scan_key *key)
{
  if (t->slab.count == 0) return SLAB_NONE; // a quiet day
  return scan_table_find_in(t, *scan_table_bucket(t, key), key);
}

static void scan_table_link(struct scan_table *t, uint32_t index, uint8_t list)
{
  struct scan_node *n = scan_table_at(t, index);
  n->list = list & 1u;
  n->newer = SLAB_NONE;
  n->older = t->newest[list];
  if (n->older != SLAB_NONE)
    ((struct scan_node *)scan_table_at(t, n->older))->newer = index;
  else
    t->oldest[list] = index;
  t->newest[list] = index;
  t->listed[list]++;
}

static void scan_table_unlink(struct scan_table *t, uint32_t index)
{
  struct scan_node *n = scan_table_at(t, index);
  if (n->newer != SLAB_NONE)
    ((struct scan_node *)scan_table_at(t, n->newer))->older = n->older;
  else
    t->newest[n->list] = n->older;
  if (n->older != SLAB_NONE)
    ((struct scan_node *)scan_table_at(t, n->older))->newer = n->newer;
  else
    t->oldest[n->list] = n->newer;
  t->listed[n->list]--;
}

static void scan_table_enter(struct scan_table *t, uint32_t index, uint32_t *bucket,
                             const struct scan_key *key)
{
  ((struct scan_node *)scan_table_at(t, index))->key = *key;
  scan_table_chain(t, index, bucket);
  scan_table_link(t, index, 0);
  if (t->slab.count > t->mask / 2) scan_table_grow(t);
}

static void scan_table_leave(struct scan_table *t, uint32_t index)
{
  struct scan_node *n = scan_table_at(t, index);
  uint32_t *at = &t->buckets[n->bucket];
  while (*at != index)
    at = &((struct scan_node *)scan_table_at(t, *at))->next;
  *at = n->next;
  scan_table_unlink(t, index);
}

// The bucket is the key's. Who was quiet longest makes room, without the way through the slab.
static uint32_t scan_table_put_in(struct scan_table *t, uint32_t *bucket,
                                  const struct scan_key *key)
{
  uint32_t index;
  if (scan_table_full(t)) {
    index = scan_table_oldest(t);
    scan_table_leave(t, index);
    memset(scan_table_at(t, index), 0, t->slab.item_bytes);
  } else
    index = slab_new(&t->slab);
  if (index != SLAB_NONE) scan_table_enter(t, index, bucket, key);
  return index;
}

uint32_t scan_table_add(struct scan_table *t, const struct scan_key *key)
{
  return scan_table_full(t) ? SLAB_NONE : scan_table_put_in(t, scan_table_bucket(t, key), key);
}

void scan_table_remove(struct scan_table *t, uint32_t index)
{
  scan_table_leave(t, index);
  slab_free(&t->slab, index);
}

void scan_table_list(struct scan_table *t, uint32_t index, uint8_t list)
{
  scan_table_unlink(t, index);
  scan_table_link(t, index, list);
}

void scan_table_use(struct scan_table *t, uint32_t index)
{
  const uint8_t list = ((struct scan_node *)scan_table_at(t, index))->list;
  if (t->newest[list] != index) scan_table_list(t, index, list);
}

uint32_t scan_table_put(struct scan_table *t, const struct scan_key *key)
{
  return scan_table_put_in(t, scan_table_bucket(t, key), key);
}

uint32_t scan_table_get(struct scan_table *t, const struct scan_key *key)
{
  uint32_t *bucket = scan_table_bucket(t, key);
  uint32_t index = scan_table_find_in(t, *bucket, key);
  if (index == SLAB_NONE) return scan_table_put_in(t, bucket, key);
  scan_table_use(t, index);
  return index;
}
