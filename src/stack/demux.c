// SPDX-License-Identifier: BSD-2-Clause
// demux.c - one flow table for all three sizes of connection, keyed by SipHash, resized a few buckets at a time.
#include "base/bytes.h"
#include "base/hash.h"
#include "base/tuple.h"
#include "stack/stack.h"
#include <string.h>

#define DEMUX_MIN_BUCKETS 64u
#define DEMUX_STEP        4u // old buckets moved with each insertion and removal

// A tuple is often asked for, added, moved and removed in a row: its hash is remembered.
static uint32_t demux_hash(struct demux *d, const struct estab_tuple *tuple)
{
  if (tuple_equal(&d->hashed, tuple)) return d->hash;
  uint64_t words[TUPLE_WORDS];
  d->hash = tuple_words(tuple, words) == 2 ? (uint32_t)siphash13_words(d->key, words, 2)
                                           : (uint32_t)siphash13_words(d->key, words, TUPLE_WORDS);
  d->hashed = *tuple;
  return d->hash;
}

static const struct estab_tuple *demux_tuple(const struct estab_stack *s, uint32_t tagged,
                                             uint32_t **next)
{
  uint32_t index = tagged & TAG_INDEX;
  switch (tagged & TAG_KIND) {
  case TAG_FULL: {
    struct tcb *t = slab_at(&s->conns, index);
    *next = &t->hash_next;
    return &t->tuple;
  }
  case TAG_HALF: {
    struct half *h = slab_at(&s->halves, index);
    *next = &h->hash_next;
    return &h->tuple;
  }
  default: {
    struct timewait *w = slab_at(&s->waits, index);
    *next = &w->hash_next;
    return &w->tuple;
  }
  }
}

void demux_init(struct demux *d, struct rng *rng)
{
  *d = (struct demux){.key = {rng_u64(rng), rng_u64(rng)}};
  d->hash = (uint32_t)siphash13_words(d->key, (const uint64_t[5]){0}, 5); // of the zero tuple
}

static void free_table(struct estab_stack *s, uint32_t *table, uint32_t mask)
{
  if (table) mem_free(&s->mem, table, (mask + (size_t)1) * sizeof *table, ESTAB_MEM_TABLE);
}

void demux_destroy(struct estab_stack *s)
{
  free_table(s, s->demux.buckets, s->demux.mask);
  free_table(s, s->demux.old, s->demux.old_mask);
  s->demux.buckets = s->demux.old = NULL;
  s->demux.mask = s->demux.old_mask = 0;
}

void demux_trim(struct estab_stack *s)
{
  if (s->demux.count == 0) demux_destroy(s);
}

static void move_some(struct estab_stack *s)
{
  struct demux *d = &s->demux;
  for (unsigned i = 0; d->old && i < DEMUX_STEP; i++) {
    uint32_t tagged = d->old[d->moved];
    while (tagged) {
      uint32_t *next;
      uint32_t hash = demux_hash(d, demux_tuple(s, tagged, &next));
      uint32_t following = *next;
      *next = d->buckets[hash & d->mask];
      d->buckets[hash & d->mask] = tagged;
      tagged = following;
    }
    d->old[d->moved] = 0;
    if (d->moved++ == d->old_mask) {
      free_table(s, d->old, d->old_mask);
      d->old = NULL;
    }
  }
}

static void resize(struct estab_stack *s, uint32_t buckets)
{
  struct demux *d = &s->demux;
  if (d->old) return; // one at a time
  uint32_t *table = mem_new(&s->mem, buckets * sizeof *table, ESTAB_MEM_TABLE);
  if (!table) return; // longer chains for a while
  d->old = d->buckets;
  d->old_mask = d->mask;
  d->moved = 0;
  d->buckets = table;
  d->mask = buckets - 1;
}

static inline uint32_t find_in(const struct estab_stack *s, uint32_t tagged,
                               const struct estab_tuple *tuple)
{
  while (tagged) {
    uint32_t *next;
    if (tuple_equal(demux_tuple(s, tagged, &next), tuple)) return tagged;
    tagged = *next;
  }
  return 0;
}

// With many connections each is met cold: all its cache lines are asked for at once.
static inline void prefetch_conn(const struct tcb *t)
{
  for (size_t at = 64; at < sizeof *t; at += 64)
    __builtin_prefetch((const uint8_t *)t + at);
}

uint32_t demux_find(struct estab_stack *s, const struct estab_tuple *tuple)
{
  struct demux *d = &s->demux;
  uint32_t *next;
  if (d->count == 0) return 0;
  if (d->last && tuple_equal(demux_tuple(s, d->last, &next), tuple)) return d->last;
  uint32_t hash = demux_hash(d, tuple);
  uint32_t found = find_in(s, d->buckets[hash & d->mask], tuple);
  if (!found && d->old) found = find_in(s, d->old[hash & d->old_mask], tuple);
  if (found) d->last = found;
  if ((found & TAG_KIND) == TAG_FULL) prefetch_conn(stack_conn(s, found & TAG_INDEX));
  return found;
}

int demux_add(struct estab_stack *s, uint32_t tagged)
{
  struct demux *d = &s->demux;
  move_some(s);
  if (!d->buckets) {
    d->buckets = mem_new(&s->mem, DEMUX_MIN_BUCKETS * sizeof *d->buckets, ESTAB_MEM_TABLE);
    if (!d->buckets) return ESTAB_ERR_NO_MEMORY;
    d->mask = DEMUX_MIN_BUCKETS - 1;
  }
  if (d->count > d->mask) resize(s, (d->mask + 1) * 2);
  uint32_t *next;
  uint32_t *bucket = &d->buckets[demux_hash(d, demux_tuple(s, tagged, &next)) & d->mask];
  *next = *bucket;
  *bucket = tagged;
  d->last = tagged;
  d->count++;
  return ESTAB_OK;
}

static bool remove_from(const struct estab_stack *s, uint32_t *link, uint32_t tagged)
{
  while (*link) {
    uint32_t *next;
    demux_tuple(s, *link, &next);
    if (*link == tagged) {
      *link = *next;
      return true;
    }
    link = next;
  }
  return false;
}

void demux_remove(struct estab_stack *s, uint32_t tagged)
{
  struct demux *d = &s->demux;
  uint32_t *next;
  uint32_t hash = demux_hash(d, demux_tuple(s, tagged, &next));
  if (d->last == tagged) d->last = 0;
  if (!remove_from(s, &d->buckets[hash & d->mask], tagged) && d->old)
    remove_from(s, &d->old[hash & d->old_mask], tagged);
  d->count--;
  move_some(s);
  if (d->mask + 1 > DEMUX_MIN_BUCKETS && d->count < (d->mask + 1) / 8) resize(s, (d->mask + 1) / 2);
}
