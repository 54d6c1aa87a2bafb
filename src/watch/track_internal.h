// SPDX-License-Identifier: BSD-2-Clause
// track_internal.h - what the files of the tracker share: records, lists, rows that wait.
#ifndef ESTAB_WATCH_TRACK_INTERNAL_H
#define ESTAB_WATCH_TRACK_INTERNAL_H

#include <string.h>

#include "watch/flow_table.h"
#include "watch/life.h"
#include "watch/refused.h"
#include "watch/track.h"
#include "watch/zeek.h"

#define LIFE_RST_LINGER_NS (UINT64_C(60) * FLOW_SECOND_NS) // how long a RST can still prove false

// track.c: the slab a record lies in, and the list that says when the ceiling may take it.
struct slab *track_slab(struct track *t, uint32_t ref);
void track_list(struct track *t, uint32_t ref, enum flow_class class);
void track_unlist(struct track *t, uint32_t ref);
void track_relist(struct track *t, uint32_t ref, struct flow *f); // its class may have changed
// To the records that wait to be told, which are in no list.
void track_queue(struct track *t, uint32_t ref);
WATCH_RARE void track_unqueue(struct track *t, uint32_t ref);
// What it costs at the ceiling, with all that it keeps aside.
uint64_t track_cost_of(const struct track *t, uint32_t ref);
void track_free_aside(struct track *t, struct flow *f);
// Of a record that is in no list, no table and no wheel any more.
void track_free(struct track *t, uint32_t ref);
void track_finish(struct track *t, uint32_t ref, bool evicted);
// The same of a record that track_free() could take, or that will leave its lists with all others.
void track_end(struct track *t, uint32_t ref, bool evicted);
uint64_t track_deadline(struct track *t, struct flow *f);
void track_arm(struct track *t, struct flow *f);
void track_set_timer(struct track *t, struct flow *f, uint64_t at_ns);
// The same after a segment: a timer that is too early stays, and sets itself anew when it fires.
void track_arm_sooner(struct track *t, struct flow *f);

// track_new.c
uint32_t track_new(struct track *t, const struct flow_key *key, const struct segment *g);
uint32_t track_promote(struct track *t, const struct flow_key *key, uint32_t ref);
// A record of one segment told to the full one from which its row is made.
struct flow *track_whole(struct track *t, const struct flow_one *one);
// A full record that keeps nothing aside yet.
static inline void track_empty(struct flow *f)
{
  f->closing = f->trouble = SLAB_NONE;
}

// track_rows.c
WATCH_RARE void track_tell_copy(struct track *t, uint32_t ref, const struct segment *next);
// Keeps a row that was told of a life that a RST ended, before another one begins: flow_closing.reset.
WATCH_RARE void track_keep_reset(struct track *t, uint32_t ref);
// Behind a segment that contradicted the RST: that row, without the RST, is told again.
WATCH_RARE void track_tell_again(struct track *t, struct flow *f, const struct segment *g);
void track_tell_row(struct track *t, uint32_t ref);
WATCH_RARE void track_next_row(struct track *t, struct flow *f, const struct segment *g);

// track_packet.c
// All but `end`, which the key says.
void track_segment_make(const struct track *t, const struct watch_packet *p, uint64_t ts_ns,
                        uint64_t number, size_t wire_bytes, struct segment *g);
// Keeps the text for a while. Probes of one octet may carry any.
void track_remember(struct track *t, uint64_t life_packet, const struct segment *g);

// What a record keeps aside will be looked at soon. The record itself is there.
static FLOW_AHEAD void track_expect_aside(const struct track *t, const struct flow_head *head)
{
  if (head->bits & FLOW_FULL) {
    const struct flow *const f = (const struct flow *)head;
    if (f->closing != SLAB_NONE)
      flow_expect(slab_at(&t->closings, f->closing), sizeof(struct flow_closing));
  } else if (flow_is_refused(head))
    flow_expect(refused_at(t, (const struct flow_one *)head), sizeof(struct flow_refusal));
}

// After a flush, ends one life after the other until a row waits (track_flush.c).
void track_left_row(struct track *t);

// Everything that ends by now_ns, at its own time (track_time.c).
void track_expire(struct track *t, uint64_t now_ns);

// Of a side, the eight octets from `z` to `bits` have what both machines hold of states.
#define SIDE_STATES offsetof(struct flow_side, pkts) + sizeof(uint32_t)
_Static_assert(SIDE_STATES + 1 == offsetof(struct flow_side, ttl) &&
                   SIDE_STATES + 8 == offsetof(struct flow_side, bits) + sizeof(uint16_t),
               "the states of a side lie together");

static inline uint64_t side_states(const struct flow_side *s)
{
  uint64_t all;
  memcpy(&all, (const uint8_t *)s + SIDE_STATES, sizeof all);
  return all;
}

// Whether the detectors wait for an answer, or for its silence: rows of lives stay longer than that.
static inline bool track_is_unanswered(const struct track *t, const struct flow *f)
{
  return !(f->bits & (FLOW_ANSWERED | FLOW_SILENT)) && t->observe;
}

// When an attempt whose row is told is forgotten: a SYN of its tuple is another life then.
static inline uint64_t track_told_deadline(const struct flow_one *f)
{
  return f->first.ts_ns + ZEEK_ATTEMPT_NS + LIFE_ATTEMPT_IDLE_NS;
}

// What a record costs with its share of the table and of its chunk.
#define TRACK_ONE_BYTES  124u
#define TRACK_FULL_BYTES 380u

static inline bool track_is_full(const struct track *t)
{
  const uint64_t all = (uint64_t)t->ones.count * TRACK_ONE_BYTES +
                       (uint64_t)t->fulls.count * TRACK_FULL_BYTES +
                       (uint64_t)t->refusals.count * sizeof(struct flow_refusal) +
                       (uint64_t)t->closings.count * sizeof(struct flow_closing) +
                       (uint64_t)t->troubles.count * sizeof(struct flow_trouble);
  return all > t->budget_bytes + t->leaving_bytes; // what is over is freed when it has been told
}

// The ceiling is reached: sheds until it has room again (evict.c).
WATCH_RARE void evict_some(struct track *t);

#endif
