// SPDX-License-Identifier: BSD-2-Clause
// life_anew.c - the same ports again, and the capture has not how the connection before ended.
//
// A SYN in the middle of a life is a stray one until it is answered: its receiver says only what it expects, RFC 9293
// 3.10.7.4, fourth. A SYN-ACK of another number that acknowledges it says that there is no such connection any more.
// Then the record goes on as that of the new one, which began with the SYN; the detectors know both as one.
#include <string.h>

#include "watch/life.h"
#include "watch/reach.h"
#include "watch/stream.h"
#include "watch/zeek.h"

bool life_is_anew(struct track *t, struct flow *f, const struct segment *g, struct segment *asked)
{
  const uint16_t both = ESTAB_TCP_SYN | ESTAB_TCP_ACK;
  const struct flow_side *s = &f->side[g->end];
  if (!(f->life_bits & LIFE_CANDIDATE) || !(f->life_bits & LIFE_WAS_OPEN) ||
      (g->flags & both) != both || (g->bits & SEGMENT_BAD))
    return false;
  const struct flow_trouble *r = track_has_trouble(t, f);
  if (!r || r->candidate.end == g->end || g->ack != r->candidate.seq + 1 || !(s->bits & SIDE_SYN) ||
      life_is_own_syn(s, g->seq))
    return false;
  *asked = r->candidate;
  return true;
}

void life_keep(struct track *t, struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end];
  if ((g->flags & ESTAB_TCP_ACK) || (g->bits & SEGMENT_BAD) || !(s->bits & SIDE_SYN) ||
      !(f->life_bits & LIFE_WAS_OPEN) || (f->life_bits & LIFE_CANDIDATE) ||
      life_is_own_syn(s, g->seq))
    return;
  struct flow_trouble *r = track_trouble(t, f);
  if (!r) return;
  r->before.side = *s;
  r->before.last_ns = zeek_last_ns(track_has_closing(t, f), f);
  r->before.last_packet = f->last_packet;
  r->before.history_count = f->history_count;
}

void life_take_back(struct track *t, struct flow *f, unsigned end)
{
  const struct flow_trouble *r = track_has_trouble(t, f);
  struct flow_closing *c = track_has_closing(t, f);
  if (!r) return;
  const uint16_t holes = SIDE_HOLE | SIDE_GAP; // trouble has what they say, as it is
  const uint16_t now = f->side[end].bits & holes;
  f->side[end] = r->before.side;
  f->side[end].bits = (uint16_t)((f->side[end].bits & ~holes) | now);
  f->last_ns = r->before.last_ns;
  f->last_packet = r->before.last_packet;
  f->history_count = r->before.history_count;
  if (c && c->z_last_ns) c->z_last_ns = r->before.last_ns;
}

// What the connection before left in the record, but for its row's.
static void life_empty(struct track *t, struct flow *f)
{
  stream_free(t, f);
  for (unsigned i = 0; i < 2; i++) {
    struct flow_side *s = &f->side[i];
    reach_forget(t, f, i);
    s->ttl = s->state = 0;
    s->bits &= SIDE_HELD; // the detectors are told of its end
    s->flags = s->first_flags = s->mss = s->first_window = 0;
    s->nxt = s->una = s->edge = s->ts_recent = 0;
    f->max_window[i] = 0;
  }
  f->step_count = f->steps_lost = f->life_bits = 0;
  f->rtt_half[0] = f->rtt_half[1] = 0;
  f->rtt_median = f->rtt_step = 0;
  f->observed &= (uint8_t)~FLOW_SYN_AGAIN;
  f->bits &= ~(uint32_t)(FLOW_CONTINUES | FLOW_FIRST);
  struct flow_closing *c = track_has_closing(t, f);
  if (c) {
    c->wait_ns[0] = c->wait_ns[1] = ESTAB_NEVER;
    c->contradicted = false;
    c->late = 0;
    memset(c->rsts, 0, sizeof c->rsts);
  }
  struct flow_trouble *r = track_has_trouble(t, f);
  if (!r) return;
  memset(r->ambiguities, 0, sizeof r->ambiguities);
  memset(r->blind, 0, sizeof r->blind);
  r->candidate.packet = 0;
  for (unsigned i = 0; i < 2; i++) {
    r->side[i].zero_windows = 0;
    r->side[i].zero_since_ns = r->side[i].zero_window_ns = 0;
    r->side[i].recovering = r->side[i].probed = false;
  }
}

void life_begin_anew(struct track *t, struct flow *f, const struct segment *asked)
{
  life_empty(t, f);
  if (asked->end) f->bits |= FLOW_FIRST;
  f->last_ns = asked->ts_ns;
  flow_last(f, asked);
  life_begin(f, asked);
  life_segment(t, f, asked);
  if (asked->bits & SEGMENT_AGAIN) f->observed |= FLOW_SYN_AGAIN;
}
