// SPDX-License-Identifier: BSD-2-Clause
// timeline.h - the steps of both sides of a connection, packed: what life.h writes and takes back.
#ifndef ESTAB_WATCH_TIMELINE_H
#define ESTAB_WATCH_TIMELINE_H

#include <string.h>

#include "watch/track.h"

// A step without a packet: a timer's.
#define TIMELINE_NO_PACKET 0

// `what` of struct flow_step, from the lowest bit: nanoseconds since the life's begin, 50 bits, 13 days; whether they
// are since flow_closing.late instead, a bit; enum estab_state, 4 bits; its end, a bit; the packet since the life's
// first one from bit 32 on, so that 40 bits count it, all ones: none, a timer.
#define TIMELINE_NS          ((UINT64_C(1) << 50) - 1)
#define TIMELINE_LATE        (UINT64_C(1) << 50)
#define TIMELINE_STATE_SHIFT 51
#define TIMELINE_END         (UINT64_C(0x10) << TIMELINE_STATE_SHIFT)
#define TIMELINE_WHO         (UINT64_C(0x1f) << TIMELINE_STATE_SHIFT) // state and end
#define TIMELINE_COUNT_SHIFT 56
#define TIMELINE_COUNT       UINT64_C(0xffffffffff)

_Static_assert(ESTAB_STATES <= 16, "four bits hold a state");

// A step without its state: one for all that a packet causes.
struct timeline_date {
  uint64_t what;
  uint32_t packet;
};

static inline uint64_t timeline_who(unsigned end, enum estab_state state)
{
  return (uint64_t)state << TIMELINE_STATE_SHIFT | (end ? TIMELINE_END : 0);
}

static inline uint64_t timeline_what(const struct flow_step *s)
{
  uint64_t what;
  memcpy(&what, s->what, sizeof what);
  return what;
}

// The place of the next step behind FLOW_STEPS. NULL: there is none, the step is counted as lost.
struct flow_step *timeline_room(struct track *t, struct flow *f);

// The lower bits of a time that far behind the life's begin. From the first such step on there is room for nine more
// days, then they stay.
WATCH_RARE uint64_t timeline_late(struct track *t, struct flow *f, uint64_t ns);
WATCH_RARE uint64_t timeline_late_ns(struct track *t, struct flow *f, uint64_t what);

static inline struct timeline_date timeline_date(struct track *t, struct flow *f, uint64_t ts_ns,
                                                 uint64_t packet)
{
  uint64_t ns = ts_ns - f->life_ns, n = packet - f->life_packet;
  if (ns > TIMELINE_NS) ns = ts_ns > f->life_ns ? timeline_late(t, f, ns) : 0;
  if (n > TIMELINE_COUNT || packet == TIMELINE_NO_PACKET)
    n = packet < f->life_packet && packet != TIMELINE_NO_PACKET ? 0 : TIMELINE_COUNT;
  return (struct timeline_date){ns | n >> 32 << TIMELINE_COUNT_SHIFT, (uint32_t)n};
}

// Adds a step and makes it the side's state. Beyond what is kept, only the state changes.
static inline void timeline_add(struct track *t, struct flow *f, unsigned end,
                                enum estab_state state, struct timeline_date date)
{
  f->side[end].state = (uint8_t)state;
  struct flow_step *s = f->step_count < FLOW_STEPS ? &f->steps[f->step_count] : timeline_room(t, f);
  if (!s) return;
  const uint64_t what = date.what | timeline_who(end, state);
  memcpy(s->what, &what, sizeof what);
  s->packet = date.packet;
  f->step_count++;
}

static inline void timeline_step(struct track *t, struct flow *f, unsigned end,
                                 enum estab_state state, uint64_t ts_ns, uint64_t packet)
{
  timeline_add(t, f, end, state, timeline_date(t, f, ts_ns, packet));
}

// Takes a side's last step back, if it is one into `state`: the side is again in the state before. Answers whether.
WATCH_RARE bool timeline_withdraw(struct track *t, struct flow *f, unsigned end,
                                  enum estab_state state);

static inline uint64_t timeline_ns(struct track *t, struct flow *f, const struct flow_step *s)
{
  const uint64_t what = timeline_what(s);
  return what & TIMELINE_LATE ? timeline_late_ns(t, f, what) : f->life_ns + (what & TIMELINE_NS);
}

// The step by which a side entered a state for the first time. NULL: it did not, or that is not kept.
const struct flow_step *timeline_first_behind(struct track *t, struct flow *f, uint64_t who);
static inline const struct flow_step *timeline_first(struct track *t, struct flow *f, unsigned end,
                                                     enum estab_state state)
{
  const uint64_t who = timeline_who(end, state);
  for (unsigned i = 0; i < f->step_count && i < FLOW_STEPS; i++)
    if ((timeline_what(&f->steps[i]) & TIMELINE_WHO) == who) return &f->steps[i];
  return f->step_count <= FLOW_STEPS ? NULL : timeline_first_behind(t, f, who);
}

// When a side entered a state for the first time. false: it did not, or that is not kept.
bool timeline_when(struct track *t, struct flow *f, unsigned end, enum estab_state state,
                   uint64_t *ts_ns, uint64_t *packet);

// The steps of both sides in the order in which they were taken, each by end into its out[FLOW_ALL_STEPS], and how
// many.
void timeline_read(struct track *t, struct flow *f, struct estab_watch_step *const out[2],
                   uint32_t counts[2]);

#endif
