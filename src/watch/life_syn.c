// SPDX-License-Identifier: BSD-2-Clause
// life_syn.c - SYNs: how a life is opened, by one side, both, or none that is known.
#include "watch/life_internal.h"

#include "watch/doubt.h"
#include "watch/reach.h"
#include "watch/timeline.h"

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

// life_is_reborn(). Who gives up in LAST-ACK says nothing: then this is the first that shows it.
static WATCH_RARE void life_bear_again(struct track *t, struct flow *f, const struct segment *g)
{
  const unsigned e = g->end;
  const struct flow_side *s = &f->side[e], *peer = &f->side[1 - e];
  if (!(s->bits & SIDE_FIN) || peer->state != ESTAB_TIME_WAIT || !life_is_own_syn(peer, g->ack - 1))
    return;
  if (s->state == ESTAB_LAST_ACK) life_enter(t, f, e, ESTAB_CLOSED, g->ts_ns, g->packet, false);
  if (s->state == ESTAB_CLOSED) life_enter_now(t, f, g, e, ESTAB_SYN_RECEIVED);
}

// A SYN of another number. Once the first one was acknowledged its number is not known any more: then by what was
// expected.
static WATCH_RARE void life_doubt_syn(struct track *t, struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end];
  const bool moved = (s->bits & (SIDE_TEXT | SIDE_FIN)) || (f->side[1 - g->end].bits & SIDE_ACKED);
  const struct doubt_reading chosen = {moved ? "not taken, expected seq " : "isn ",
                                       moved ? s->nxt : s->nxt - 1};
  const struct doubt_reading other = {"isn ", g->seq};
  doubt_numbers(t, f,
                g->flags & ESTAB_TCP_ACK ? ESTAB_WATCH_AMBIGUITY_SEVERAL_SYNACKS
                                         : ESTAB_WATCH_AMBIGUITY_SEVERAL_SYNS,
                g, &chosen, &other);
}

void life_syn(struct track *t, struct flow *f, const struct segment *g)
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
    life_doubt_syn(t, f, g);
    if (g->flags & ESTAB_TCP_ACK) life_bear_again(t, f, g);
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
void life_synack_after_syn(struct track *t, struct flow *f, const struct segment *g)
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
void life_pick(struct track *t, struct flow *f, const struct segment *g)
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
  // Where one way is seen nobody hears the other side's FIN, but who has closed opens again when both have.
  if ((s->bits & SIDE_FIN) && !(f->side[1 - g->end].bits & SIDE_SENT)) return true;
  if (g->flags & ESTAB_TCP_ACK) return life_is_over(f) && (s->bits & SIDE_SYN);
  // RFC 9293 3.10.7.4, fourth; RFC 6191 2: only a connection that is closed gives way.
  return life_is_over(f) || s->state == ESTAB_TIME_WAIT ||
         f->side[1 - g->end].state == ESTAB_TIME_WAIT ||
         (s->state == ESTAB_CLOSED && (s->bits & (SIDE_SYN | SIDE_FIN | SIDE_RST)));
}
