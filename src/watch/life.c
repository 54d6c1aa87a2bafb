// SPDX-License-Identifier: BSD-2-Clause
// life.c - both sides' states, segment by segment.
#include "watch/life.h"

#include "base/bytes.h"
#include "proto/seq.h"
#include "proto/state.h"
#include "watch/doubt.h"
#include "watch/duplicate.h"
#include "watch/history.h"
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

static void life_enter(struct track *t, struct flow *f, unsigned end, enum estab_state state,
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
  if (f->life_bits & LIFE_ROW_TOLD) f->life_bits |= LIFE_AGAIN;
}

// By this segment, as it passes the tap.
static void life_enter_now(struct track *t, struct flow *f, const struct segment *g, unsigned end,
                           enum estab_state state)
{
  life_enter(t, f, end, state, g->ts_ns, g->packet, g->end == end);
}

// Whether `ack` acknowledges the SYN of a side in SYN-SENT, and no more than that and its text, RFC 7413 4.2.2.
static bool life_acks_syn(const struct flow_side *s, uint32_t ack)
{
  return ack == s->nxt || (seq_gt(ack, s->nxt) && seq_le(ack, s->last_seq));
}

static void life_look_over(struct flow *f)
{
  bool over = f->side[0].state == ESTAB_CLOSED && f->side[1].state == ESTAB_CLOSED && f->step_count;
  if (over)
    f->life_bits |= LIFE_OVER;
  else
    f->life_bits &= (uint8_t)~LIFE_OVER;
}

// ---------------------------------------------------------------------------------------------
// FIN

static bool life_has_fin(struct track *t, struct flow *f, unsigned end, uint32_t *fin)
{
  if (!(f->side[end].bits & SIDE_FIN)) return false;
  struct flow_closing *c = track_has_closing(t, f);
  if (c) *fin = c->side[end].fin;
  return c != NULL;
}

// The peer's FIN has reached this side with all text before it.
static void life_fin_arrives(struct track *t, struct flow *f, const struct segment *g, unsigned end)
{
  struct flow_side *s = &f->side[end];
  if (s->bits & SIDE_FIN_TAKEN) return;
  s->bits |= SIDE_FIN_TAKEN;
  switch ((enum estab_state)s->state) {
  case ESTAB_SYN_RECEIVED:
  case ESTAB_ESTABLISHED: life_enter_now(t, f, g, end, ESTAB_CLOSE_WAIT); break;
  case ESTAB_FIN_WAIT_1:
    life_enter_now(t, f, g, end, ESTAB_CLOSING);
    f->closed_by = FLOW_WHO_BOTH;
    break;
  case ESTAB_FIN_WAIT_2: life_enter_now(t, f, g, end, ESTAB_TIME_WAIT); break;
  case ESTAB_CLOSED:
  case ESTAB_LISTEN:
  case ESTAB_SYN_SENT:
  case ESTAB_CLOSE_WAIT:
  case ESTAB_CLOSING:
  case ESTAB_LAST_ACK:
  case ESTAB_TIME_WAIT:
  case ESTAB_STATES: break;
  }
}

// Whether `seq` of `end` has not reached its receiver with all before it, as far as the tap knows.
static bool life_hole_before(struct track *t, struct flow *f, unsigned end, uint32_t seq)
{
  return (f->side[end].bits & SIDE_HOLE) && seq_le(reach_edge(t, f, end), seq);
}

// It sends its FIN without acknowledging the peer's: that had not arrived after all.
static bool life_fin_crosses(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  uint32_t fin;
  if (!(s->bits & SIDE_FIN_TAKEN) || !(g->flags & ESTAB_TCP_ACK) ||
      !life_has_fin(t, f, 1 - g->end, &fin) || seq_gt(g->ack, fin))
    return false;
  if (!timeline_withdraw(t, f, g->end, ESTAB_CLOSE_WAIT) &&
      !timeline_withdraw(t, f, g->end, ESTAB_CLOSING))
    return false;
  s->bits &= (uint16_t)~SIDE_FIN_TAKEN;
  s->bits |= SIDE_SEEN;
  return true;
}

// A FIN is said again, and nothing came back since it was said first: it is this one that arrives.
static WATCH_RARE void life_fin_again(struct track *t, struct flow *f, const struct segment *g,
                                      uint32_t fin)
{
  unsigned p = 1 - g->end;
  struct flow_side *peer = &f->side[p];
  if (!(peer->bits & SIDE_FIN_TAKEN) || ((peer->bits & SIDE_ACKED) && seq_gt(peer->una, fin)))
    return;
  uint64_t when, packet, half = measure_half_ns(t, f, p);
  // Before an answer to the first one can have come, nothing says that there is none.
  if ((timeline_when(t, f, g->end, ESTAB_FIN_WAIT_1, &when, &packet) ||
       timeline_when(t, f, g->end, ESTAB_LAST_ACK, &when, &packet)) &&
      g->ts_ns - when < half)
    return;
  // `when` its own FIN was acknowledged, perhaps.
  bool waits = timeline_when(t, f, p, ESTAB_TIME_WAIT, &when, &packet) &&
               timeline_withdraw(t, f, p, ESTAB_TIME_WAIT);
  bool closes = timeline_withdraw(t, f, p, ESTAB_CLOSING);
  if (waits && closes) life_enter(t, f, p, ESTAB_FIN_WAIT_2, when, packet, false);
  if (waits || closes || timeline_withdraw(t, f, p, ESTAB_CLOSE_WAIT))
    peer->bits &= (uint16_t)~SIDE_FIN_TAKEN;
}

// Proved by an acknowledgment: dated by the FIN itself.
static void life_fin_arrived(struct track *t, struct flow *f, const struct segment *g)
{
  if (f->side[g->end].bits & SIDE_FIN_TAKEN) return;
  struct segment fin = *g;
  fin.end = (uint8_t)(1 - g->end);
  if (!timeline_when(t, f, fin.end, ESTAB_FIN_WAIT_1, &fin.ts_ns, &fin.packet))
    timeline_when(t, f, fin.end, ESTAB_LAST_ACK, &fin.ts_ns, &fin.packet);
  // The same segment acknowledged the own FIN: that comes first, RFC 9293 3.10.7.4, fifth and eighth.
  uint32_t own;
  struct flow_closing *c = track_has_closing(t, f);
  if (c && f->side[g->end].state == ESTAB_FIN_WAIT_1 && life_has_fin(t, f, g->end, &own) &&
      seq_gt(c->side[fin.end].fin_ack, own))
    life_enter_now(t, f, &fin, g->end, ESTAB_FIN_WAIT_2);
  life_fin_arrives(t, f, &fin, g->end);
}

// Said again before the acknowledgment that has passed the tap can have come to it: it says nothing of that.
static WATCH_RARE bool life_fin_met_ack(struct track *t, struct flow *f, const struct segment *g)
{
  uint64_t when, packet, half = measure_half_ns(t, f, g->end);
  if (!half || !(timeline_when(t, f, g->end, ESTAB_FIN_WAIT_2, &when, &packet) ||
                 timeline_when(t, f, g->end, ESTAB_TIME_WAIT, &when, &packet) ||
                 timeline_when(t, f, g->end, ESTAB_CLOSED, &when, &packet)))
    return false;
  return g->ts_ns - when < half;
}

static void life_acked_fin(struct track *t, struct flow *f, const struct segment *g, unsigned end)
{
  struct flow_side *s = &f->side[end];
  if (s->state == ESTAB_FIN_WAIT_1)
    life_enter_now(t, f, g, end, ESTAB_FIN_WAIT_2);
  else if (s->state == ESTAB_CLOSING)
    life_enter_now(t, f, g, end, ESTAB_TIME_WAIT);
  else if (s->state == ESTAB_LAST_ACK)
    life_enter_now(t, f, g, end, ESTAB_CLOSED);
}

// Said again, but it has met an acknowledgment that was said again, too: that one takes it further, at its own time.
static WATCH_RARE void life_fin_met_ack_again(struct track *t, struct flow *f,
                                              const struct segment *g)
{
  const uint16_t peers = g->end ? 0 : FLOW_LAST_END;
  if ((f->observed & FLOW_LAST_END) != peers ||
      g->ts_ns - f->last_ns >= measure_half_ns(t, f, g->end))
    return;
  struct segment ack = *g;
  ack.end = (uint8_t)(1 - g->end);
  ack.ts_ns = f->last_ns;
  ack.packet = f->last_packet;
  life_acked_fin(t, f, &ack, g->end);
}

static void life_fin_sent(struct track *t, struct flow *f, const struct segment *g)
{
  unsigned e = g->end, p = 1 - e;
  struct flow_side *s = &f->side[e];
  uint32_t fin = g->seq + g->text_bytes + (g->flags & ESTAB_TCP_SYN ? 1u : 0u), before;
  struct flow_closing *c = track_closing(t, f);
  if (!c) return;
  c->side[e].fin_ack = g->flags & ESTAB_TCP_ACK ? g->ack : c->side[p].fin;
  bool crosses = life_fin_crosses(t, f, g);
  if (life_has_fin(t, f, e, &before)) {
    if (fin != before) {
      doubt_raise(t, f, ESTAB_WATCH_AMBIGUITY_FIN_OUT_OF_WINDOW, g, before, fin);
      return;
    }
    life_fin_again(t, f, g, fin);
    // Said again: so what acknowledged it had not arrived.
    bool back = false;
    if (!life_fin_met_ack(t, f, g)) {
      back |= timeline_withdraw(t, f, e, ESTAB_CLOSED);
      back |= timeline_withdraw(t, f, e, ESTAB_TIME_WAIT);
      back |= timeline_withdraw(t, f, e, ESTAB_FIN_WAIT_2);
    }
    if (back) {
      s->bits |= SIDE_SEEN;
      c->wait_ns[e] = ESTAB_NEVER;
      if (s->state == ESTAB_FIN_WAIT_1) s->bits &= (uint16_t)~SIDE_FIN_TAKEN;
      uint32_t peer_fin;
      if (s->state == ESTAB_FIN_WAIT_1 && (g->flags & ESTAB_TCP_ACK) &&
          life_has_fin(t, f, p, &peer_fin) && seq_gt(g->ack, peer_fin))
        life_fin_arrives(t, f, g, e);
      life_fin_met_ack_again(t, f, g);
    }
    // The peer acknowledges a FIN again from TIME-WAIT: RFC 9293 3.10.7.4, eighth.
    if (f->side[p].state == ESTAB_TIME_WAIT)
      c->wait_ns[p] = u64_sum(g->ts_ns, t->settings.time_wait_ns);
    return;
  }
  if ((s->bits & SIDE_KNOWN) && seq_lt(fin + 1, s->nxt)) {
    doubt_raise(t, f, ESTAB_WATCH_AMBIGUITY_FIN_OUT_OF_WINDOW, g, s->nxt, fin);
    return;
  }
  s->bits |= SIDE_FIN;
  c->side[e].fin = fin;
  if (f->closed_by == FLOW_WHO_NONE) f->closed_by = (uint8_t)e;
  if (s->state == ESTAB_CLOSE_WAIT)
    life_enter_now(t, f, g, e, ESTAB_LAST_ACK);
  else if (s->state == ESTAB_SYN_SENT || s->state == ESTAB_CLOSED)
    life_enter_now(t, f, g, e, ESTAB_FIN_WAIT_1); // a probe, or its beginning was missed
  else if (s->state == ESTAB_ESTABLISHED || s->state == ESTAB_SYN_RECEIVED)
    life_enter_now(t, f, g, e, ESTAB_FIN_WAIT_1);
  if (crosses) life_fin_arrived(t, f, g); // the two met on the way
}

// ---------------------------------------------------------------------------------------------
// ACK

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
  if (peer->state == ESTAB_SYN_RECEIVED) life_enter_now(t, f, g, p, ESTAB_ESTABLISHED);
  if (s->state == ESTAB_SYN_SENT) {
    // The SYN-ACK was missed, takes another way, or passed before the SYN that was said again.
    life_enter_now(t, f, g, e, ESTAB_ESTABLISHED);
    if (peer->state == ESTAB_CLOSED && !(f->life_bits & LIFE_RST_HELD))
      life_enter_now(t, f, g, p, ESTAB_ESTABLISHED);
  } else if (s->state == ESTAB_SYN_RECEIVED && (peer->bits & SIDE_SYN) &&
             (g->text_bytes || (g->flags & ESTAB_TCP_FIN) || (again && advances)) &&
             ((peer->bits & SIDE_ACKED) || !(peer->bits & SIDE_SENT)))
    life_enter_now(t, f, g, e, ESTAB_ESTABLISHED);
  if (s->state == ESTAB_ESTABLISHED) s->bits |= SIDE_SEEN;
  uint32_t fin;
  if (life_has_fin(t, f, p, &fin) && seq_gt(g->ack, fin)) {
    life_fin_arrived(t, f, g);
    if (s->state == ESTAB_CLOSE_WAIT || s->state == ESTAB_TIME_WAIT || s->state == ESTAB_CLOSING)
      s->bits |= SIDE_SEEN;
    if (!refused) life_acked_fin(t, f, g, p);
  }
}

// ---------------------------------------------------------------------------------------------
// SYN

static void life_options(struct flow_side *s, const struct segment *g)
{
  if (g->mss) s->mss = g->mss;
  s->wscale = g->bits & SEGMENT_WSCALE ? g->wscale : FLOW_WSCALE_NONE;
  if (g->bits & SEGMENT_TS) {
    s->bits |= SIDE_HAS_TS | SIDE_TS;
    s->ts_recent = g->ts_value;
  }
}

void life_first_syn(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  life_begin(f, g);
  s->first_flags = s->flags = g->flags;
  s->first_window = g->window;
  s->ttl = g->ttl;
  s->bits = SIDE_SENT | SIDE_SYN | SIDE_KNOWN | SIDE_SEEN;
  s->nxt = g->seq + 1;
  life_options(s, g);
  timeline_step(t, f, g->end, ESTAB_SYN_SENT, g->ts_ns, g->packet);
  f->opened_by = g->end & 1;
  f->opened_basis = ESTAB_WATCH_BASIS_SYN;
}

void life_first_answer(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  s->first_flags = s->flags = g->flags;
  s->first_window = g->window;
  s->ttl = g->ttl;
  s->bits = SIDE_SENT | SIDE_SYN | SIDE_KNOWN | SIDE_ACKED | SIDE_SEEN;
  s->nxt = g->seq + 1;
  s->una = g->ack;
  s->edge = g->ack + g->window;
  life_options(s, g);
  timeline_step(t, f, g->end, ESTAB_SYN_RECEIVED, f->life_ns, f->life_packet);
  timeline_step(t, f, 1 - g->end, ESTAB_ESTABLISHED, g->ts_ns, g->packet);
  peer->bits &= (uint16_t)~SIDE_SEEN;
}

// Both asked: they met on the way, or a side that had acknowledged the other's SYN splits its answer in two.
static WATCH_RARE void life_second_syn(struct track *t, struct flow *f, const struct segment *g)
{
  unsigned e = g->end, p = 1 - e;
  uint64_t ts = g->ts_ns, packet = g->packet;
  timeline_when(t, f, p, ESTAB_SYN_SENT, &ts, &packet);
  if (f->side[e].bits & SIDE_ACKED)
    f->life_bits |= LIFE_SPLIT;
  else {
    life_enter_now(t, f, g, e, ESTAB_SYN_SENT);
    f->opened_by = FLOW_WHO_BOTH;
  }
  life_enter(t, f, e, ESTAB_SYN_RECEIVED, ts, packet, false);
  if (f->side[p].state == ESTAB_SYN_SENT) life_enter_now(t, f, g, p, ESTAB_SYN_RECEIVED);
}

static void life_syn(struct track *t, struct flow *f, const struct segment *g)
{
  unsigned e = g->end, p = 1 - e;
  struct flow_side *s = &f->side[e], *peer = &f->side[p];
  uint32_t isn = s->nxt - 1;
  if (s->bits & SIDE_SYN) {
    if (g->seq == isn && ((g->flags ^ s->first_flags) & ESTAB_TCP_ACK))
      return;                         // the SYN-ACK of a simultaneous open: not the SYN again
    if (life_is_own_syn(s, g->seq)) { // again: no SYN-ACK had arrived
      f->observed |= FLOW_SYN_AGAIN;
      if (!(s->bits & SIDE_SEEN) && timeline_withdraw(t, f, e, ESTAB_ESTABLISHED))
        s->bits |= SIDE_SEEN;
      // Nothing came back since the last SYN-ACK: it is this one that arrives.
      if ((g->flags & ESTAB_TCP_ACK) && !(peer->bits & SIDE_SEEN) &&
          timeline_withdraw(t, f, p, ESTAB_ESTABLISHED))
        life_enter_now(t, f, g, p, ESTAB_ESTABLISHED);
      return;
    }
    doubt_raise(t, f,
                g->flags & ESTAB_TCP_ACK ? ESTAB_WATCH_AMBIGUITY_SEVERAL_SYNACKS
                                         : ESTAB_WATCH_AMBIGUITY_SEVERAL_SYNS,
                g, isn, g->seq);
    struct flow_trouble *r = track_trouble(t, f);
    if (!r) return;
    if (r->candidate.packet && r->candidate.end == e && r->candidate.seq == g->seq)
      r->candidate.bits |= SEGMENT_AGAIN; // the first one counts
    else
      r->candidate = *g;
    f->life_bits |= LIFE_CANDIDATE;
    return;
  }
  if (s->state != ESTAB_CLOSED && s->state != ESTAB_SYN_SENT) return; // a stray SYN in midstream
  s->bits |= SIDE_SYN | SIDE_KNOWN;
  reach_forget(t, f, e);
  s->nxt = g->seq + 1;
  life_options(s, g);
  if (!(g->flags & ESTAB_TCP_ACK)) {
    if (!(peer->bits & SIDE_SYN)) {
      life_enter_now(t, f, g, e, ESTAB_SYN_SENT);
      f->opened_by = e & 1;
      f->opened_basis = ESTAB_WATCH_BASIS_SYN;
    } else
      life_second_syn(t, f, g);
    return;
  }
  if (peer->bits & SIDE_SYN) {
    // It went to SYN-RECEIVED when the SYN came: the last segment before this one, if that is the peer's.
    uint64_t ts = f->last_ns, packet = f->last_packet;
    if ((f->observed & FLOW_LAST_END) != (p ? FLOW_LAST_END : 0)) {
      ts = g->ts_ns;
      packet = g->packet;
      timeline_when(t, f, p, ESTAB_SYN_SENT, &ts, &packet);
    }
    life_enter(t, f, e, ESTAB_SYN_RECEIVED, ts, packet, true);
    if (peer->state == ESTAB_SYN_SENT && life_acks_syn(peer, g->ack))
      life_enter_now(t, f, g, p, ESTAB_ESTABLISHED);
  } else {
    life_enter(t, f, e, ESTAB_SYN_RECEIVED, g->ts_ns, g->packet, true);
    f->opened_by = p & 1;
    f->opened_basis = ESTAB_WATCH_BASIS_SYNACK;
  }
}

// A SYN-ACK of a side that sent its SYN before: simultaneous open, RFC 9293 3.5 Figure 7.
static WATCH_RARE void life_synack_after_syn(struct track *t, struct flow *f,
                                             const struct segment *g)
{
  unsigned e = g->end, p = 1 - e;
  struct flow_side *s = &f->side[e], *peer = &f->side[p];
  if (!(g->flags & ESTAB_TCP_ACK) || !(peer->bits & SIDE_SYN) || g->seq != s->nxt - 1) return;
  if (s->state == ESTAB_SYN_SENT) life_enter_now(t, f, g, e, ESTAB_SYN_RECEIVED);
  s->bits |= SIDE_SEEN;
  if (peer->state == ESTAB_SYN_RECEIVED && g->ack == peer->nxt)
    life_enter_now(t, f, g, p, ESTAB_ESTABLISHED);
}

// An ACK picks one of two SYN-ACKs, a SYN-ACK one of two SYNs.
static WATCH_RARE void life_pick(struct track *t, struct flow *f, const struct segment *g)
{
  const struct flow_trouble *r = track_has_trouble(t, f);
  if (!r || !(g->flags & ESTAB_TCP_ACK) || r->candidate.end == g->end) return;
  const struct flow_closing *c = f->bits & FLOW_CONTINUES ? track_has_closing(t, f) : NULL;
  struct flow_side *s = &f->side[r->candidate.end];
  if (g->ack == r->candidate.seq + 1) {
    reach_forget(t, f, r->candidate.end);
    s->nxt = r->candidate.seq + 1;
    if (c && timeline_withdraw(t, f, r->candidate.end, ESTAB_SYN_SENT))
      life_enter(t, f, r->candidate.end, ESTAB_SYN_SENT, c->row_ns, c->row_packet, true);
  } else if (g->ack != s->nxt)
    return;
  f->life_bits &= (uint8_t)~LIFE_CANDIDATE;
}

bool life_is_reuse(struct track *t, struct flow *f, const struct segment *g)
{
  (void)t;
  if (!(g->flags & ESTAB_TCP_SYN) || (g->bits & SEGMENT_BAD)) return false;
  const struct flow_side *s = &f->side[g->end];
  if (s->bits & SIDE_SYN && g->seq == s->nxt - 1) return false;
  if (life_is_late_syn(s, g->seq) && !life_is_over(f)) return false;
  if (g->flags & ESTAB_TCP_ACK) return life_is_over(f) && (s->bits & SIDE_SYN);
  // RFC 9293 3.10.7.4, fourth; RFC 6191 2: only a connection that is closed gives way.
  return life_is_over(f) || s->state == ESTAB_TIME_WAIT ||
         f->side[1 - g->end].state == ESTAB_TIME_WAIT ||
         (s->state == ESTAB_CLOSED && (s->bits & (SIDE_SYN | SIDE_FIN | SIDE_RST)));
}

// ---------------------------------------------------------------------------------------------
// RST

static bool life_rst_taken(struct track *t, struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  if (peer->state == ESTAB_SYN_SENT) // RFC 9293 3.10.7.3, second
    return (g->flags & ESTAB_TCP_ACK) && life_acks_syn(peer, g->ack);
  if (!(s->bits & SIDE_KNOWN) && !(peer->bits & SIDE_ACKED)) return true; // nothing to judge by
  // RFC 5961 3.2: exactly RCV.NXT: behind all that reached the receiver without a hole, as far as the tap knows.
  return g->seq == (s->bits & SIDE_KNOWN ? reach_edge(t, f, g->end) : peer->una);
}

// Who does not know what a side has sent tries several places. Hosts send no RST beyond what they sent, and say it
// again at the same place.
static void life_rst_march(struct track *t, struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end];
  struct flow_closing *c = track_closing(t, f);
  if (!c || !(f->life_bits & LIFE_WAS_OPEN) || !(s->bits & SIDE_KNOWN) ||
      g->seq - s->nxt > LIFE_FAR)
    return;
  if (c->rsts[g->end] && g->seq == c->side[g->end].rst_seq) return;
  c->side[g->end].rst_seq = g->seq;
  if (c->rsts[g->end] < UINT8_MAX) c->rsts[g->end]++;
  if (c->rsts[g->end] > 1) doubt_suspect(t, f, g, SUSPECT_RST);
}

// Who took a RST answers what comes later with a RST of its own, which begins where that acknowledges: RFC 9293
// 3.10.7.1. So what contradicted that RST had left before it, and was overtaken: the RST was true.
static WATCH_RARE bool life_rst_was_true(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_closing *c = track_has_closing(t, f);
  const struct flow_trouble *r = track_has_trouble(t, f);
  if (!c || !r || !c->contradicted) return false;
  unsigned taker = 1u - c->rst_end;
  if (g->end != taker || (g->flags & ESTAB_TCP_ACK) || g->seq != r->contradicted_ack ||
      f->side[taker].pkts != r->contradicted_pkts + 1)
    return false;
  c->contradicted = false;
  for (unsigned i = 0; i < 2; i++) {
    while (f->side[i].state != c->held_state[i] &&
           timeline_withdraw(t, f, i, (enum estab_state)f->side[i].state))
      ;
    life_enter_now(t, f, g, i, ESTAB_CLOSED);
    c->wait_ns[i] = ESTAB_NEVER;
  }
  f->side[c->rst_end].bits |= SIDE_RST;
  if (f->closed_by == FLOW_WHO_NONE) f->closed_by = c->rst_end;
  return true;
}

// A RST without ACK answers what came to who has no connection (RFC 9293 3.10.7.1). If the other side had sent one
// before, which was not believed, that one was taken. The letters say who was first.
static WATCH_RARE bool life_rst_answers(struct track *t, struct flow *f, const struct segment *g)
{
  const unsigned p = 1 - g->end;
  if ((g->flags & ESTAB_TCP_ACK) || !(f->side[p].flags & ESTAB_TCP_RST)) return false;
  const char its = p == flow_orig((const struct flow_head *)f) ? 'R' : 'r';
  for (unsigned i = 0; i < f->history_count; i++) {
    const char letter = history_at(t, f, i);
    if (letter == 'R' || letter == 'r') return letter == its;
  }
  return false;
}

static void life_rst(struct track *t, struct flow *f, const struct segment *g)
{
  unsigned e = g->end, p = 1 - e;
  struct flow_side *s = &f->side[e], *peer = &f->side[p];
  life_rst_march(t, f, g);
  if (life_is_over(f) || life_rst_was_true(t, f, g)) return;
  if (!life_rst_taken(t, f, g)) {
    doubt_raise(t, f, ESTAB_WATCH_AMBIGUITY_RST_OUT_OF_WINDOW, g,
                s->bits & SIDE_KNOWN ? s->nxt : peer->una, g->seq);
    return;
  }
  struct flow_closing *c = track_closing(t, f);
  if (c) {
    c->rst_end = (uint8_t)e;
    c->held_state[0] = f->side[0].state;
    c->held_state[1] = f->side[1].state;
    c->contradicted = false;
    f->life_bits |= LIFE_RST_HELD;
    c->wait_ns[0] = c->wait_ns[1] = ESTAB_NEVER;
  }
  if (f->closed_by == FLOW_WHO_NONE) f->closed_by = (uint8_t)(life_rst_answers(t, f, g) ? p : e);
  s->bits |= SIDE_RST;
  if (s->state == ESTAB_CLOSED && f->step_count == 0)
    timeline_step(t, f, e, ESTAB_CLOSED, g->ts_ns, g->packet); // nothing before it: still a fact
  life_enter_now(t, f, g, e, ESTAB_CLOSED);
  s->bits |= SIDE_SEEN;
  life_enter_now(t, f, g, p, ESTAB_CLOSED);
}

void life_first_end(struct track *t, struct flow *f, const struct segment *g)
{
  const unsigned e = g->end, p = 1 - e;
  struct flow_side *s = &f->side[e];
  s->first_flags = s->flags = g->flags;
  s->first_window = g->window;
  s->ttl = g->ttl;
  s->bits |= SIDE_SENT | SIDE_RST | SIDE_SEEN;
  struct flow_closing *c = track_closing(t, f);
  if (c) {
    c->rst_end = (uint8_t)e;
    c->held_state[p] = f->side[p].state;
    f->life_bits |= LIFE_RST_HELD;
  }
  if (f->closed_by == FLOW_WHO_NONE) f->closed_by = e & 1;
  if (f->step_count == 0) timeline_step(t, f, e, ESTAB_CLOSED, g->ts_ns, g->packet);
  if (f->side[p].state != ESTAB_CLOSED) {
    timeline_step(t, f, p, ESTAB_CLOSED, g->ts_ns, g->packet);
    f->side[p].bits &= (uint16_t)~SIDE_SEEN;
  }
  f->life_bits |= LIFE_OVER;
}

// The side whose RST was believed goes on: it never sent that RST.
static WATCH_RARE void life_contradicts_rst(struct track *t, struct flow *f,
                                            const struct segment *g)
{
  unsigned e = g->end;
  struct flow_side *s = &f->side[e];
  struct flow_closing *c = track_has_closing(t, f);
  if (!c || c->rst_end != e || (g->flags & (ESTAB_TCP_RST | ESTAB_TCP_SYN))) return;
  bool goes_on = (g->text_bytes && seq_gt(g->seq + g->text_bytes, s->nxt)) ||
                 ((g->flags & ESTAB_TCP_ACK) && (s->bits & SIDE_ACKED) && seq_gt(g->ack, s->una));
  if (!goes_on || c->held_state[e] == ESTAB_CLOSED) return;
  doubt_suspect(t, f, g, SUSPECT_RST);
  struct flow_trouble *r = track_trouble(t, f);
  c->contradicted = r != NULL;
  if (r) {
    r->contradicted_ack = g->ack;
    r->contradicted_pkts = f->side[1 - e].pkts;
  }
  f->life_bits &= (uint8_t) ~(LIFE_RST_HELD | LIFE_OVER);
  s->bits &= (uint16_t)~SIDE_RST;
  for (unsigned i = 0; i < 2; i++) {
    if (f->side[i].state != ESTAB_CLOSED || c->held_state[i] == ESTAB_CLOSED) continue;
    if (!timeline_withdraw(t, f, i, ESTAB_CLOSED)) f->side[i].state = c->held_state[i];
    if (f->side[i].state == ESTAB_TIME_WAIT)
      c->wait_ns[i] = u64_sum(g->ts_ns, t->settings.time_wait_ns);
  }
  if (!(f->side[0].bits & SIDE_FIN) && !(f->side[1].bits & SIDE_FIN)) f->closed_by = FLOW_WHO_NONE;
  if (f->life_bits & LIFE_ROW_TOLD) f->life_bits |= LIFE_AGAIN;
}

// What a side still sends had left before the other's RST came there: the two met on the way. It is as before then;
// *rst is when that RST passed, and what has to be said of it again.
static WATCH_RARE bool life_crosses_rst(struct track *t, struct flow *f, const struct segment *g,
                                        struct segment *rst)
{
  struct flow_closing *c = track_has_closing(t, f);
  if (!c || c->rst_end == g->end || c->held_state[g->end] == ESTAB_CLOSED ||
      (g->flags & (ESTAB_TCP_RST | ESTAB_TCP_SYN)) ||
      !timeline_when(t, f, g->end, ESTAB_CLOSED, &rst->ts_ns, &rst->packet) ||
      !timeline_withdraw(t, f, g->end, ESTAB_CLOSED))
    return false;
  f->life_bits &= (uint8_t)~LIFE_OVER;
  return true;
}

// It asks again after a RST refused it, as some do, or that RST has not come to it: both begin anew.
static WATCH_RARE void life_asks_again(struct track *t, struct flow *f, const struct segment *g)
{
  unsigned e = g->end;
  struct flow_side *s = &f->side[e], *peer = &f->side[1 - e];
  struct flow_closing *c = track_has_closing(t, f);
  if (!c || c->rst_end == e || c->held_state[e] != ESTAB_SYN_SENT || (peer->bits & SIDE_SYN) ||
      (g->flags & ESTAB_TCP_ACK) || g->seq != s->nxt - 1 ||
      !timeline_withdraw(t, f, e, ESTAB_CLOSED))
    return;
  s->bits |= SIDE_SEEN;
  peer->bits &= (uint16_t)~SIDE_RST;
  f->life_bits &= (uint8_t) ~(LIFE_RST_HELD | LIFE_OVER);
  f->closed_by = FLOW_WHO_NONE;
  if (f->life_bits & LIFE_ROW_TOLD) f->life_bits |= LIFE_AGAIN;
}

// ---------------------------------------------------------------------------------------------

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
