// SPDX-License-Identifier: BSD-2-Clause
// demux.c - one flow table for all three sizes of connection, keyed by SipHash, resized a few buckets at a time.
#include "base/bytes.h"
#include "base/tuple.h"
#include "stack/stack.h"
#include <string.h>

#define DEMUX_MIN_BUCKETS 64u
#define DEMUX_STEP        4u // old buckets moved with each insertion and removal

uint64_t demux_hash_new(struct estab_stack *s, const struct estab_tuple *tuple)
{
  struct demux *d = &s->demux;
  d->hash = isn_hash(&s->tcp, tuple);
  d->hashed = *tuple;
  return d->hash;
}

// The part of it that tells the bucket.
static inline uint32_t demux_place(uint64_t hash)
{
  return (uint32_t)(hash >> 32);
}

static __attribute__((noinline)) const struct estab_tuple *demux_tuple_of_record(
    const struct estab_stack *s, uint32_t tagged, uint32_t **next)
{
  const uint32_t index = tagged & TAG_INDEX;
  if ((tagged & TAG_KIND) == TAG_HALF) {
    struct half *h = slab_at(&s->halves, index);
    *next = &h->hash_next;
    return &h->tuple;
  }
  struct timewait *w = slab_at(&s->waits, index);
  *next = &w->hash_next;
  return &w->tuple;
}

static inline const struct estab_tuple *demux_tuple(const struct estab_stack *s, uint32_t tagged,
                                                    uint32_t **next)
{
  if ((tagged & TAG_KIND) != TAG_FULL) return demux_tuple_of_record(s, tagged, next);
  struct tcb *t = stack_conn(s, tagged & TAG_INDEX);
  *next = &t->hash_next;
  return &t->tuple;
}

void demux_init(struct estab_stack *s)
{
  s->demux = (struct demux){0};
  s->demux.hash = isn_hash(&s->tcp, &s->demux.hashed);
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
      uint32_t hash = demux_place(demux_hash(s, demux_tuple(s, tagged, &next)));
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

// What is found becomes the last one met.
static inline uint32_t find_in(struct estab_stack *s, uint32_t tagged,
                               const struct estab_tuple *tuple)
{
  while (tagged) {
    uint32_t *next;
    const struct estab_tuple *its = demux_tuple(s, tagged, &next);
    if (tuple_equal(its, tuple)) {
      demux_meet(s, tagged, its);
      return tagged;
    }
    tagged = *next;
  }
  return 0;
}

uint32_t demux_find_hashed(struct estab_stack *s, const struct estab_tuple *tuple)
{
  struct demux *d = &s->demux;
  demux_meet(s, 0, NULL);
  if (d->count == 0) return 0;
  const uint32_t hash = demux_place(demux_hash_new(s, tuple));
  uint32_t found = find_in(s, d->buckets[hash & d->mask], tuple);
  if (!found && d->old) found = find_in(s, d->old[hash & d->old_mask], tuple);
  if ((found & TAG_KIND) == TAG_FULL) stack_prefetch(demux_last_conn(s));
  return found;
}

// Before something is added. False: there is no table, nor memory for one.
static __attribute__((noinline)) bool demux_make_room(struct estab_stack *s)
{
  struct demux *d = &s->demux;
  if (d->old) move_some(s);
  if (!d->buckets) {
    d->buckets = mem_new(&s->mem, DEMUX_MIN_BUCKETS * sizeof *d->buckets, ESTAB_MEM_TABLE);
    if (!d->buckets) return false;
    d->mask = DEMUX_MIN_BUCKETS - 1;
  }
  if (d->count > d->mask) resize(s, (d->mask + 1) * 2);
  return true;
}

int demux_add(struct estab_stack *s, uint32_t tagged, const struct estab_tuple *tuple,
              uint64_t hash, uint32_t *next)
{
  struct demux *d = &s->demux;
  if ((d->old || !d->buckets || d->count > d->mask) && !demux_make_room(s))
    return ESTAB_ERR_NO_MEMORY;
  uint32_t *bucket = &d->buckets[demux_place(hash) & d->mask];
  *next = *bucket;
  *bucket = tagged;
  demux_meet(s, tagged, tuple);
  d->count++;
  return ESTAB_OK;
}

static uint32_t *find_link(const struct estab_stack *s, uint32_t *link, uint32_t tagged)
{
  while (*link && *link != tagged)
    demux_tuple(s, *link, &link);
  return link;
}

// What points at it in its chain.
static uint32_t *demux_link(struct estab_stack *s, uint32_t tagged, uint32_t place)
{
  struct demux *d = &s->demux;
  uint32_t *link = find_link(s, &d->buckets[place & d->mask], tagged);
  return *link || !d->old ? link : find_link(s, &d->old[place & d->old_mask], tagged);
}

// It is on its way out or becomes something else, so its hash is not worth remembering.
static inline uint32_t demux_place_of(const struct estab_stack *s, const struct estab_tuple *tuple)
{
  const struct demux *d = &s->demux;
  return demux_place(tuple_equal(&d->hashed, tuple) ? d->hash : isn_hash(&s->tcp, tuple));
}

// Taken out of what points at it.
static inline void demux_unlink(struct estab_stack *s, uint32_t *link, uint32_t tagged,
                                uint32_t next)
{
  struct demux *d = &s->demux;
  *link = next;
  if (d->last == tagged) demux_meet(s, 0, NULL);
  d->count--;
  if (d->old) move_some(s);
  if (d->mask + 1 > DEMUX_MIN_BUCKETS && d->count < (d->mask + 1) / 8) resize(s, (d->mask + 1) / 2);
}

// Mostly the first of its chain.
static inline uint32_t *demux_link_at(struct estab_stack *s, uint32_t tagged, uint32_t place)
{
  uint32_t *link = &s->demux.buckets[place & s->demux.mask];
  return *link == tagged ? link : demux_link(s, tagged, place);
}

void demux_remove_at(struct estab_stack *s, uint32_t tagged, uint32_t place, uint32_t next)
{
  demux_unlink(s, demux_link_at(s, tagged, place), tagged, next);
}

// Nothing else points at it, so the chain of the hash that is remembered is tried before anybody asks whose that is.
static inline uint32_t *demux_own_link(struct estab_stack *s, uint32_t tagged,
                                       const struct estab_tuple *tuple)
{
  uint32_t *link = &s->demux.buckets[demux_place(s->demux.hash) & s->demux.mask];
  return *link == tagged ? link : demux_link(s, tagged, demux_place_of(s, tuple));
}

void demux_remove(struct estab_stack *s, uint32_t tagged, const struct estab_tuple *tuple,
                  const uint32_t *next)
{
  demux_unlink(s, demux_own_link(s, tagged, tuple), tagged, *next);
}

static inline void demux_exchange(struct estab_stack *s, uint32_t *link, uint32_t before,
                                  const struct estab_tuple *tuple, uint32_t after)
{
  *link = after;
  const bool met = s->demux.last == before; // and is still: it has the same tuple
  const uint64_t ports = s->ip.remembered.pair_ports;
  demux_meet(s, after, tuple);
  if (met) s->ip.remembered.pair_ports = ports;
}

void demux_replace(struct estab_stack *s, uint32_t before, const struct estab_tuple *tuple,
                   uint32_t after)
{
  demux_exchange(s, demux_own_link(s, before, tuple), before, tuple, after);
}

uint32_t demux_replace_placed(struct estab_stack *s, uint32_t before,
                              const struct estab_tuple *tuple, uint32_t after)
{
  const uint32_t place = demux_place_of(s, tuple);
  demux_exchange(s, demux_link_at(s, before, place), before, tuple, after);
  return place;
}

uint32_t demux_place_new(struct estab_stack *s, const struct estab_tuple *tuple)
{
  return demux_place(demux_hash(s, tuple));
}
