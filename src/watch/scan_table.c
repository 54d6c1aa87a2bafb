// SPDX-License-Identifier: BSD-2-Clause
// scan_table.c - records under a key, at most so many, the longest unused makes room.
#include <string.h>

#include "watch/scan_table.h"
#include "base/bytes.h"

bool scan_table_init(struct scan_table *t, struct mem *mem, uint32_t item_bytes, uint32_t max,
                     const uint8_t secret[16])
{
  memset(t, 0, sizeof *t);
  uint32_t buckets = 16;
  while (buckets < max)
    buckets *= 2;
  t->buckets = mem_new_raw(mem, buckets * sizeof *t->buckets, ESTAB_MEM_WATCH);
  if (!t->buckets) return false;
  memset(t->buckets, 0xff, buckets * sizeof *t->buckets);
  t->mask = buckets - 1;
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

static bool scan_key_equal(const struct scan_key *a, const struct scan_key *b)
{
  return !((a->words[0] ^ b->words[0]) | (a->words[1] ^ b->words[1]) | (a->words[2] ^ b->words[2]));
}

uint32_t scan_table_find(const struct scan_table *t, const struct scan_key *key)
{
  if (t->slab.count == 0) return SLAB_NONE; // a quiet day
  uint32_t i = *scan_table_bucket(t, key);
  while (i != SLAB_NONE) {
    const struct scan_node *n = scan_table_at(t, i);
    if (scan_key_equal(&n->key, key)) return i;
    i = n->next;
  }
  return SLAB_NONE;
}

static void scan_table_link(struct scan_table *t, uint32_t index, uint8_t list)
{
  struct scan_node *n = scan_table_at(t, index);
  n->list = list;
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

uint32_t scan_table_add(struct scan_table *t, const struct scan_key *key)
{
  if (scan_table_full(t)) return SLAB_NONE;
  uint32_t index = slab_new(&t->slab);
  if (index == SLAB_NONE) return SLAB_NONE;
  struct scan_node *n = scan_table_at(t, index);
  uint32_t *bucket = scan_table_bucket(t, key);
  n->key = *key;
  n->next = *bucket;
  *bucket = index;
  scan_table_link(t, index, 0);
  return index;
}

void scan_table_remove(struct scan_table *t, uint32_t index)
{
  struct scan_node *n = scan_table_at(t, index);
  uint32_t *at = scan_table_bucket(t, &n->key);
  while (*at != index)
    at = &((struct scan_node *)scan_table_at(t, *at))->next;
  *at = n->next;
  scan_table_unlink(t, index);
  slab_free(&t->slab, index);
}

void scan_table_list(struct scan_table *t, uint32_t index, uint8_t list)
{
  scan_table_unlink(t, index);
  scan_table_link(t, index, list);
}

void scan_table_use(struct scan_table *t, uint32_t index)
{
  uint8_t list = ((struct scan_node *)scan_table_at(t, index))->list;
  if (t->newest[list] != index) scan_table_list(t, index, list);
}

uint32_t scan_table_put(struct scan_table *t, const struct scan_key *key)
{
  if (scan_table_full(t)) scan_table_remove(t, scan_table_oldest(t));
  return scan_table_add(t, key);
}

uint32_t scan_table_get(struct scan_table *t, const struct scan_key *key)
{
  uint32_t index = scan_table_find(t, key);
  if (index != SLAB_NONE) {
    scan_table_use(t, index);
    return index;
  }
  return scan_table_put(t, key);
}
