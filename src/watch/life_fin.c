// SPDX-License-Identifier: BSD-2-Clause
// life_fin.c - FINs: sent, arrived with all text before them, said again.
#include "watch/life_internal.h"

#include "base/bytes.h"
#include "proto/seq.h"
#include "watch/doubt.h"
#include "watch/measure.h"
#include "watch/reach.h"
#include "watch/timeline.h"

bool life_has_fin(struct track *t, struct flow *f, unsigned end, uint32_t *fin)
{
  if (!(f->side[end].bits & SIDE_FIN)) return false;
  struct flow_closing *c = track_has_closing(t, f);
  if (c) *fin = c->side[end].fin;
  return c != NULL;
}

// The peer's FIN has reached this side with all text before it.
void life_fin_arrives(struct track *t, struct flow *f, const struct segment *g, unsigned end)
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
bool life_hole_before(struct track *t, struct flow *f, unsigned end, uint32_t seq)
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
void life_fin_arrived(struct track *t, struct flow *f, const struct segment *g)
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

void life_acked_fin(struct track *t, struct flow *f, const struct segment *g, unsigned end)
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

void life_fin_sent(struct track *t, struct flow *f, const struct segment *g)
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
  const uint32_t sent = reach_sent(t, f, e);
  if ((s->bits & SIDE_KNOWN) && seq_lt(fin + 1, sent)) {
    doubt_raise(t, f, ESTAB_WATCH_AMBIGUITY_FIN_OUT_OF_WINDOW, g, sent, fin);
    return;
  }
  if (sent != s->nxt) { // what lay behind it died
    reach_forget(t, f, e);
    s->nxt = fin + 1;
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
