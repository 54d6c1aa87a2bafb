// SPDX-License-Identifier: BSD-2-Clause
// track_new.c - records begin: small, and made full ones by telling those their first segments.
#include "watch/track_internal.h"

#include "base/bytes.h"
#include "watch/measure.h"
#include "watch/observe.h"

static void track_copy_key(struct flow_head *f, const struct flow_key *key)
{
  memcpy(f->ip, key->ip, sizeof f->ip);
  f->port[0] = key->port[0];
  f->port[1] = key->port[1];
  f->vlan = key->vlan;
  f->tunnel_id = key->tunnel_id;
}

static void track_replay_first(struct track *t, struct flow *f, const struct segment *g)
{
  f->last_ns = g->ts_ns;
  flow_last(f, g);
  if (segment_is_plain_syn(g)) {
    zeek_first_syn(f, g);
    life_first_syn(t, f, g);
  } else {
    life_begin(f, g);
    zeek_begin(t, f, g);
    measure_segment(t, f, g);
    zeek_segment(t, f, g);
    life_segment(t, f, g);
  }
}

// The record of one segment told to a full one.
static void track_replay(struct track *t, struct flow *f, const struct flow_one *one)
{
  memcpy(f, one, sizeof(struct flow_head));
  f->bits |= FLOW_FULL;
  if (!flow_is_refused((const struct flow_head *)one)) {
    track_replay_first(t, f, &one->first);
    return;
  }
  struct segment first, rst;
  refused_segments(t, one, &first, &rst);
  track_replay_first(t, f, &first);
  if (first.flags & ESTAB_TCP_SYN)
    zeek_refused_syn(t, f, &rst);
  else
    zeek_first_refusal(t, f, &rst);
  life_first_end(t, f, &rst);
  f->last_ns = rst.ts_ns;
  flow_last(f, &rst);
}

static uint32_t track_new_one(struct track *t, const struct flow_key *key, const struct segment *g)
{
  uint32_t ref = slab_new(&t->ones);
  if (ref == SLAB_NONE) return FLOW_NONE;
  struct flow_one *one = slab_at(&t->ones, ref);
  flow_expect_next(one, sizeof *one);
  track_copy_key((struct flow_head *)one, key);
  one->first = *g;
  one->bits = g->end ? FLOW_ORIG | FLOW_FIRST : 0;
  return ref;
}

// A second segment came: the record becomes a full one, as if the first came again.
uint32_t track_promote(struct track *t, const struct flow_key *key, uint32_t ref)
{
  struct flow_one *one = (struct flow_one *)track_at(t, ref);
  uint32_t full = slab_new(&t->fulls);
  if (full == SLAB_NONE) return FLOW_NONE;
  struct flow *f = slab_at(&t->fulls, full);
  flow_expect_next(f, sizeof *f);
  track_empty(f);
  const bool told = one->bits & FLOW_TOLD;
  const bool refused = flow_is_refused((const struct flow_head *)one);
  track_replay(t, f, one);
  f->bits &= ~(uint32_t)FLOW_QUEUED;
  full |= FLOW_REF_FULL;
  flow_table_replace(t, key, ref, full);
  if (one->bits & FLOW_QUEUED) { // its row waits to be told: it stays for that alone
    one->bits |= FLOW_GONE;
    t->leaving_bytes += TRACK_ONE_BYTES;
  } else {
    track_unlist(t, ref);
    track_free(t, ref);
  }
  if (told) f->life_bits |= LIFE_ROW_TOLD;
  track_list(t, full, life_class(f));
  if (refused) track_arm(t, f); // others by what is said of the second segment
  return full;
}

uint32_t track_new(struct track *t, const struct flow_key *key, const struct segment *g)
{
  uint32_t ref = track_new_one(t, key, g);
  if (ref == FLOW_NONE) return FLOW_NONE;
  struct flow_one *one = (struct flow_one *)track_at(t, ref);
  if (!flow_table_insert(t, key, ref)) {
    slab_free(&t->ones, ref);
    return FLOW_NONE;
  }
  t->stats->flows++;
  bool flips = zeek_flips_first(g->flags, key->port[g->end], key->port[1 - g->end]);
  enum flow_class class = zeek_class_of_first(g->flags, g->bits, flips);
  track_list(t, ref, class);
  const uint64_t wait_ns = t->observe ? ZEEK_ATTEMPT_NS : zeek_class_ns(class);
  t->due_ns = u64_min(t->due_ns, g->ts_ns + wait_ns);
  if (!(g->bits & SEGMENT_BAD)) observe_one(t, one, OBSERVE_FIRST, g);
  return ref;
}

struct flow *track_whole(struct track *t, const struct flow_one *one)
{
  // By sizes that the compiler does not know: it takes slow string instructions for such as it does.
  memset(&t->scratch, 0, t->fulls.item_bytes);
  if (t->scratch_closes) memset(&t->scratch_closing, 0, t->closings.item_bytes);
  if (t->scratch_troubled) memset(&t->scratch_trouble, 0, t->troubles.item_bytes);
  t->scratch_closes = t->scratch_troubled = false;
  track_empty(&t->scratch);
  track_replay(t, &t->scratch, one);
  t->scratch.bits |= FLOW_GONE; // its row is final
  return &t->scratch;
}
