// SPDX-License-Identifier: BSD-2-Clause
// timeline.c - the steps of both sides of a connection.
#include "watch/timeline.h"

#include "base/bytes.h"

static struct flow_step *timeline_at(struct track *t, struct flow *f, unsigned i)
{
  if (i < FLOW_STEPS) return &f->steps[i];
  i -= FLOW_STEPS;
  struct flow_closing *c = track_has_closing(t, f);
  if (i < FLOW_MORE_STEPS) return c ? &c->steps[i] : NULL;
  struct flow_trouble *r = track_has_trouble(t, f);
  return r ? &r->steps[i - FLOW_MORE_STEPS] : NULL;
}

static bool timeline_is_of(const struct flow_step *s, unsigned end)
{
  return ((timeline_what(s) & TIMELINE_END) != 0) == (end != 0);
}

static enum estab_state timeline_state(const struct flow_step *s)
{
  return (enum estab_state)((timeline_what(s) & (TIMELINE_WHO - TIMELINE_END)) >>
                            TIMELINE_STATE_SHIFT);
}

static uint64_t timeline_packet(const struct flow *f, const struct flow_step *s)
{
  uint64_t n = timeline_what(s) >> TIMELINE_COUNT_SHIFT << 32 | s->packet;
  return n == TIMELINE_COUNT ? TIMELINE_NO_PACKET : f->life_packet + n;
}

struct flow_step *timeline_room(struct track *t, struct flow *f)
{
  const unsigned i = f->step_count - FLOW_STEPS;
  if (i < FLOW_MORE_STEPS) {
    struct flow_closing *c = track_has_closing(t, f);
    if (!c) c = track_closing(t, f);
    if (c) return &c->steps[i];
  } else if (i < FLOW_MORE_STEPS + FLOW_LAST_STEPS) {
    struct flow_trouble *r = track_trouble(t, f);
    if (r) return &r->steps[i - FLOW_MORE_STEPS];
  }
  if (f->steps_lost < UINT8_MAX) f->steps_lost++;
  return NULL;
}

#define TIMELINE_LATE_SHIFT 47 // what `late` counts, 39 hours

uint64_t timeline_late(struct track *t, struct flow *f, uint64_t ns)
{
  struct flow_closing *c = track_closing(t, f);
  if (!c) return TIMELINE_NS;
  if (!c->late) c->late = (uint16_t)((ns >> TIMELINE_LATE_SHIFT) - 1); // one before: packets cross
  const uint64_t from = (uint64_t)c->late << TIMELINE_LATE_SHIFT;
  return TIMELINE_LATE | u64_min(ns - u64_min(ns, from), TIMELINE_NS);
}

uint64_t timeline_late_ns(struct track *t, struct flow *f, uint64_t what)
{
  const struct flow_closing *c = track_has_closing(t, f);
  if (!c) return f->life_ns + TIMELINE_NS; // a copy for which there was no memory
  return f->life_ns + ((uint64_t)c->late << TIMELINE_LATE_SHIFT) + (what & TIMELINE_NS);
}

bool timeline_withdraw(struct track *t, struct flow *f, unsigned end, enum estab_state state)
{
  if (f->steps_lost) return false;
  unsigned last = f->step_count;
  for (unsigned i = f->step_count; i-- > 0;)
    if (timeline_is_of(timeline_at(t, f, i), end)) {
      last = i;
      break;
    }
  if (last == f->step_count || timeline_state(timeline_at(t, f, last)) != state) return false;
  enum estab_state before = ESTAB_CLOSED;
  for (unsigned i = 0; i < last; i++)
    if (timeline_is_of(timeline_at(t, f, i), end)) before = timeline_state(timeline_at(t, f, i));
  for (unsigned i = last; i + 1 < f->step_count; i++)
    *timeline_at(t, f, i) = *timeline_at(t, f, i + 1);
  f->step_count--;
  f->side[end].state = (uint8_t)before;
  return true;
}

const struct flow_step *timeline_first_behind(struct track *t, struct flow *f, uint64_t who)
{
  for (unsigned i = FLOW_STEPS; i < f->step_count; i++)
    if ((timeline_what(timeline_at(t, f, i)) & TIMELINE_WHO) == who) return timeline_at(t, f, i);
  return NULL;
}

bool timeline_when(struct track *t, struct flow *f, unsigned end, enum estab_state state,
                   uint64_t *ts_ns, uint64_t *packet)
{
  const struct flow_step *s = timeline_first(t, f, end, state);
  if (!s) return false;
  *ts_ns = timeline_ns(t, f, s);
  *packet = timeline_packet(f, s);
  return true;
}

static void timeline_read_some(struct track *t, struct flow *f, const struct flow_step *steps,
                               unsigned count, struct estab_watch_step *next[2])
{
  for (const struct flow_step *s = steps; s < steps + count; s++) {
    struct estab_watch_step *const step = next[timeline_is_of(s, 1)]++;
    step->ts_ns = timeline_ns(t, f, s);
    step->packet = timeline_packet(f, s);
    step->state = (uint8_t)timeline_state(s);
  }
}

void timeline_read(struct track *t, struct flow *f, struct estab_watch_step *const out[2],
                   uint32_t counts[2])
{
  struct estab_watch_step *next[2] = {out[0], out[1]};
  unsigned left = f->step_count;
  const unsigned here = left < FLOW_STEPS ? left : FLOW_STEPS;
  timeline_read_some(t, f, f->steps, here, next);
  left -= here;
  const struct flow_closing *const c = left ? track_has_closing(t, f) : NULL;
  const unsigned more = left < FLOW_MORE_STEPS ? left : FLOW_MORE_STEPS;
  if (c) timeline_read_some(t, f, c->steps, more, next);
  left -= more;
  const struct flow_trouble *const r = left ? track_has_trouble(t, f) : NULL;
  if (r) timeline_read_some(t, f, r->steps, left, next);
  for (unsigned end = 0; end < 2; end++)
    counts[end] = (uint32_t)(next[end] - out[end]);
}
