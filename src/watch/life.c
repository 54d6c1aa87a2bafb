// SPDX-License-Identifier: BSD-2-Clause
// life.c - both sides' states, segment by segment.
#include "watch/life_internal.h"

#include "base/bytes.h"
#include "proto/seq.h"
#include "watch/doubt.h"
#include "watch/duplicate.h"
#include "watch/measure.h"
#include "watch/reach.h"
#include "watch/timeline.h"

void life_begin(struct flow *f, const struct segment *s)
{
  f->life_ns = s->ts_ns;
  f->life_packet = s->packet;
  f->opened_by = FLOW_WHO_UNKNOWN;
  f->closed_by = FLOW_WHO_NONE;
  f->rtt_end = FLOW_NO_RTT;
  f->side[0].wscale = f->side[1].wscale = FLOW_WSCALE_UNKNOWN;
  if (!(s->flags & ESTAB_TCP_SYN)) f->life_bits |= LIFE_MIDSTREAM;
}

void life_enter(struct track *t, struct flow *f, unsigned end, enum estab_state state,
                uint64_t ts_ns, uint64_t packet, bool seen)
{
  struct flow_side *s = &f->side[end];
  if (s->state == state) return;
  timeline_step(t, f, end, state, ts_ns, packet);
  if (seen)
    s->bits |= SIDE_SEEN;
  else
    s->bits &= (uint16_t)~SIDE_SEEN;
  if (state == ESTAB_TIME_WAIT) {
    struct flow_closing *c = track_closing(t, f);
    if (c) c->wait_ns[end] = u64_sum(ts_ns, t->settings.time_wait_ns);
  }
  if (f->side[0].state == ESTAB_ESTABLISHED && f->side[1].state == ESTAB_ESTABLISHED)
    f->life_bits |= LIFE_WAS_OPEN;
}

// By this segment, as it passes the tap.
void life_enter_now(struct track *t, struct flow *f, const struct segment *g, unsigned end,
                    enum estab_state state)
{
  life_enter(t, f, end, state, g->ts_ns, g->packet, g->end == end);
}

void life_look_over(struct flow *f)
{
  bool over = f->side[0].state == ESTAB_CLOSED && f->side[1].state == ESTAB_CLOSED && f->step_count;
  if (over)
    f->life_bits |= LIFE_OVER;
  else
    f->life_bits &= (uint8_t)~LIFE_OVER;
}

// RFC 9293 3.10.7.4, first: what lies before all that its receiver has acknowledged is answered, and its ACK is not
// looked at. What ends there lies before it, too, a FIN that comes again for one, but hosts take its ACK: Linux, and
// BSD that of all old text. A host that does not says its own FIN again, which takes the step back.
static WATCH_RARE bool life_is_refused(const struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end], *receiver = &f->side[1 - g->end];
  if (!(receiver->bits & SIDE_ACKED) || seq_ge(g->seq, s->nxt) || seq_gt(receiver->una, s->nxt))
    return false;
  return seq_lt(g->seq + segment_length(g), receiver->una);
}

// What this segment's ACK tells of the peer, whose text it acknowledges, and of its own sender. `refused`: its receiver
// does not look at it.
static void life_ack(struct track *t, struct flow *f, const struct segment *g, bool refused)
{
  unsigned e = g->end, p = 1 - e;
  struct flow_side *s = &f->side[e], *peer = &f->side[p];
  if (!(peer->bits & SIDE_KNOWN)) { // never seen: what is acknowledged must have been sent
    peer->bits |= SIDE_KNOWN;
    peer->nxt = g->ack;
  } else if (seq_gt(g->ack, peer->nxt)) {
    if (g->ack - peer->nxt > LIFE_FAR) return;
    measure_acked_unseen(t, f, g);
    peer->nxt = g->ack; // lost by the capture
  }
  reach_acked(t, f, p, g->ack);
  bool again = s->bits & SIDE_ACKED, advances = !again || seq_gt(g->ack, s->una);
  if (advances) s->una = g->ack;
  s->bits |= SIDE_ACKED;
  if (g->flags & ESTAB_TCP_SYN) return;
  if (peer->state == ESTAB_SYN_RECEIVED && !life_is_reborn(peer))
    life_enter_now(t, f, g, p, ESTAB_ESTABLISHED);
  if (s->state == ESTAB_SYN_SENT) {
    // The SYN-ACK was missed, takes another way, or passed before the SYN that was said again.
    life_enter_now(t, f, g, e, ESTAB_ESTABLISHED);
    if (peer->state == ESTAB_CLOSED && !(f->life_bits & LIFE_RST_HELD))
      life_enter_now(t, f, g, p, ESTAB_ESTABLISHED);
  } else if (s->state == ESTAB_SYN_RECEIVED &&
             (g->text_bytes || (g->flags & ESTAB_TCP_FIN) || (again && advances))) {
    // It goes on behind its SYN-ACK. Where its peer is never seen the SYN took another way, as all of that side does.
    const bool unseen = !(peer->bits & SIDE_SENT);
    if (unseen || ((peer->bits & SIDE_SYN) && (peer->bits & SIDE_ACKED)))
      life_enter_now(t, f, g, e, ESTAB_ESTABLISHED);
    if (unseen && peer->state == ESTAB_CLOSED) life_enter_now(t, f, g, p, ESTAB_ESTABLISHED);
  }
  if (s->state == ESTAB_ESTABLISHED) s->bits |= SIDE_SEEN;
  uint32_t fin;
  if (life_has_fin(t, f, p, &fin) && seq_gt(g->ack, fin)) {
    life_fin_arrived(t, f, g);
    if (s->state == ESTAB_CLOSE_WAIT || s->state == ESTAB_TIME_WAIT || s->state == ESTAB_CLOSING)
      s->bits |= SIDE_SEEN;
    if (!refused) life_acked_fin(t, f, g, p);
  }
}

static void life_window(struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  if (!(g->flags & ESTAB_TCP_ACK)) return;
  uint32_t window = g->window;
  if (!(g->flags & ESTAB_TCP_SYN)) {
    if (g->window > f->max_window[g->end]) f->max_window[g->end] = g->window;
    window <<= flow_wscale(f, g->end);
  }
  uint32_t edge = g->ack + window;
  if (!(s->bits & SIDE_ACKED) || seq_gt(edge, s->edge) || g->ack == s->una) s->edge = edge;
}

// A life that began in the middle: a side that speaks is ESTABLISHED, for all that is known.
static void life_midstream(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  if (s->state != ESTAB_CLOSED || (g->flags & ESTAB_TCP_RST)) return;
  if (s->bits & (SIDE_SYN | SIDE_FIN | SIDE_RST | SIDE_FIN_TAKEN)) return; // it has been open
  if (!(g->flags & ESTAB_TCP_ACK)) return; // NULL, Xmas: nobody's connection
  if ((f->side[1 - g->end].bits & SIDE_SYN) && f->side[1 - g->end].state == ESTAB_SYN_SENT) {
    // Acknowledges a SYN before answering it, which is not taken. Said again behind the answer it is.
    if (t->duplicates && g->text_bytes) watch_duplicate_forget(t->duplicates);
    return;
  }
  life_enter(t, f, g->end, ESTAB_ESTABLISHED, g->ts_ns, g->packet, false);
}

void life_segment(struct track *t, struct flow *f, const struct segment *g)
{
  unsigned e = g->end;
  struct flow_side *s = &f->side[e];
  if (g->bits & SEGMENT_BAD) {
    doubt_raise(t, f, ESTAB_WATCH_AMBIGUITY_BAD_CHECKSUM, g, 0, 0);
    return;
  }
  if (!(s->bits & SIDE_SENT)) {
    s->first_flags = g->flags;
    s->first_window = g->window;
    s->ttl = g->ttl;
  }
  s->bits |= SIDE_SENT;
  s->flags |= g->flags;
  if (g->bits & SEGMENT_OLD) return;
  bool crosses = false;
  struct segment rst;
  if (f->life_bits & LIFE_RST_HELD) {
    life_contradicts_rst(t, f, g);
    if ((g->flags & ESTAB_TCP_SYN) && life_is_over(f)) life_asks_again(t, f, g);
    crosses = life_is_over(f) && life_crosses_rst(t, f, g, &rst);
  }
  if (g->flags & ESTAB_TCP_RST) {
    life_rst(t, f, g);
    life_look_over(f);
    return;
  }
  if (s->flags & ESTAB_TCP_RST) life_passes_rst(t, f, g);
  if (f->life_bits & LIFE_CANDIDATE) life_pick(t, f, g);
  if (!life_is_over(f)) {
    if (g->flags & ESTAB_TCP_SYN) {
      bool before = s->bits & SIDE_SYN;
      life_syn(t, f, g);
      if (before) life_synack_after_syn(t, f, g);
    } else
      life_midstream(t, f, g);
  }
  life_window(f, g);
  const bool refused = (f->side[1 - e].bits & SIDE_FIN) && life_is_refused(f, g);
  reach_segment(t, f, g);
  if (g->text_bytes && !(g->flags & ESTAB_TCP_SYN)) s->bits |= SIDE_TEXT;
  if (life_is_over(f)) return;
  if (g->flags & ESTAB_TCP_ACK) life_ack(t, f, g, refused);
  if (g->flags & ESTAB_TCP_FIN) life_fin_sent(t, f, g);
  uint32_t fin;
  if (life_has_fin(t, f, e, &fin) && !(f->side[1 - e].bits & SIDE_FIN_TAKEN) &&
      !life_hole_before(t, f, e, fin) && segment_length(g))
    life_fin_arrives(t, f, g, 1 - e);
  if (crosses) life_enter(t, f, e, ESTAB_CLOSED, rst.ts_ns, rst.packet, false);
  life_look_over(f);
}

void life_time(struct track *t, struct flow *f, uint64_t now_ns)
{
  struct flow_closing *c = track_has_closing(t, f);
  for (unsigned i = 0; c && i < 2; i++) {
    if (f->side[i].state != ESTAB_TIME_WAIT || c->wait_ns[i] > now_ns) continue;
    life_enter(t, f, i, ESTAB_CLOSED, c->wait_ns[i], TIMELINE_NO_PACKET, false);
    c->wait_ns[i] = ESTAB_NEVER;
  }
  life_look_over(f);
}

// One side speaks, and the capture has neither the begin nor the other way.
static bool life_is_one_way(const struct flow *f)
{
  const uint16_t a = f->side[0].bits, b = f->side[1].bits;
  return (f->life_bits & LIFE_MIDSTREAM) && ((a ^ b) & SIDE_SENT) && ((a | b) & SIDE_TEXT);
}

uint64_t life_deadline(struct track *t, struct flow *f)
{
  struct flow_closing *c = track_has_closing(t, f);
  if (c) {
    uint64_t wait = ESTAB_NEVER;
    for (unsigned i = 0; i < 2; i++)
      if (f->side[i].state == ESTAB_TIME_WAIT) wait = u64_min(wait, c->wait_ns[i]);
    if (wait != ESTAB_NEVER) return wait;
  }
  enum flow_class class = life_class(f);
  // Half-closed is open: the side that has not closed may rest as long as it likes.
  bool half = f->side[0].state == ESTAB_CLOSE_WAIT || f->side[1].state == ESTAB_CLOSE_WAIT;
  if (class == FLOW_ESTABLISHED || half || life_is_one_way(f))
    return f->last_ns + LIFE_OPEN_IDLE_NS;
  return f->last_ns +
         (class == FLOW_HALF || class == FLOW_DONE ? LIFE_ATTEMPT_IDLE_NS : LIFE_CLOSING_IDLE_NS);
}

enum flow_class life_class(const struct flow *f)
{
  unsigned a = f->side[0].state, b = f->side[1].state;
  bool a_done = a == ESTAB_CLOSED || a == ESTAB_TIME_WAIT;
  bool b_done = b == ESTAB_CLOSED || b == ESTAB_TIME_WAIT;
  if (life_is_over(f) || (a_done && b_done && (f->life_bits & LIFE_WAS_OPEN))) return FLOW_DONE;
  if (a == ESTAB_ESTABLISHED && b == ESTAB_ESTABLISHED) return FLOW_ESTABLISHED;
  if ((a == ESTAB_ESTABLISHED || b == ESTAB_ESTABLISHED) && (f->life_bits & LIFE_MIDSTREAM) &&
      (f->side[0].bits & SIDE_SENT) && (f->side[1].bits & SIDE_SENT))
    return FLOW_ESTABLISHED;
  return f->life_bits & LIFE_WAS_OPEN ? FLOW_OVER : FLOW_HALF;
}
