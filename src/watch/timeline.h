// SPDX-License-Identifier: BSD-2-Clause
// timeline.h - the steps of both sides of a connection, packed: what life.c writes and takes back.
#ifndef ESTAB_WATCH_TIMELINE_H
#define ESTAB_WATCH_TIMELINE_H

#include "watch/track.h"

// A step without a packet: a timer's.
#define TIMELINE_NO_PACKET 0

// As struct flow_step has it
#define TIMELINE_END   0x80
#define TIMELINE_NS    UINT64_C(0xffffffffffff)
#define TIMELINE_COUNT UINT64_C(0xffffffffff)

// The place of the next step behind FLOW_STEPS. NULL: there is none, the step is counted as lost.
struct flow_step *timeline_room(struct track *t, struct flow *f);

// A step as it is dated, without its `what`: one for all that a packet causes.
static inline struct flow_step timeline_date(const struct flow *f, uint64_t ts_ns, uint64_t packet)
{
  uint64_t ns = ts_ns - f->life_ns, n = packet - f->life_packet;
  if (ns > TIMELINE_NS) ns = ts_ns > f->life_ns ? TIMELINE_NS : 0;
  if (n > TIMELINE_COUNT || packet == TIMELINE_NO_PACKET)
    n = packet < f->life_packet && packet != TIMELINE_NO_PACKET ? 0 : TIMELINE_COUNT;
  return (struct flow_step){.ns_low = (uint32_t)ns,
                            .ns_high = (uint16_t)(ns >> 32),
                            .packet = (uint32_t)n,
                            .packet_high = (uint8_t)(n >> 32)};
}

// Adds a step and makes it the side's state. Beyond what is kept, only the state changes.
static inline void timeline_add(struct track *t, struct flow *f, unsigned end,
                                enum estab_state state, struct flow_step date)
{
  f->side[end].state = (uint8_t)state;
  struct flow_step *s = f->step_count < FLOW_STEPS ? &f->steps[f->step_count] : timeline_room(t, f);
  if (!s) return;
  date.what = (uint8_t)((unsigned)state | (end ? TIMELINE_END : 0));
  *s = date;
  f->step_count++;
}

static inline void timeline_step(struct track *t, struct flow *f, unsigned end,
                                 enum estab_state state, uint64_t ts_ns, uint64_t packet)
{
  timeline_add(t, f, end, state, timeline_date(f, ts_ns, packet));
}

// Takes a side's last step back, if it is one into `state`: the side is again in the state before. Answers whether.
WATCH_RARE bool timeline_withdraw(struct track *t, struct flow *f, unsigned end,
                                  enum estab_state state);

static inline uint64_t timeline_ns(const struct flow *f, const struct flow_step *s)
{
  return f->life_ns + ((uint64_t)s->ns_high << 32 | s->ns_low);
}

// The step by which a side entered a state for the first time. NULL: it did not, or that is not kept.
const struct flow_step *timeline_first_behind(struct track *t, struct flow *f, uint8_t what);
static inline const struct flow_step *timeline_first(struct track *t, struct flow *f, unsigned end,
                                                     enum estab_state state)
{
  const uint8_t what = (uint8_t)((unsigned)state | (end ? TIMELINE_END : 0));
  for (unsigned i = 0; i < f->step_count && i < FLOW_STEPS; i++)
    if (f->steps[i].what == what) return &f->steps[i];
  return f->step_count <= FLOW_STEPS ? NULL : timeline_first_behind(t, f, what);
}

// When a side entered a state for the first time. false: it did not, or that is not kept.
bool timeline_when(struct track *t, struct flow *f, unsigned end, enum estab_state state,
                   uint64_t *ts_ns, uint64_t *packet);

// The steps of both sides, oldest first, each by end into its out[FLOW_ALL_STEPS], and how many.
void timeline_read(struct track *t, struct flow *f, struct estab_watch_step *const out[2],
                   uint32_t counts[2]);

#endif
