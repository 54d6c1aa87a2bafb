// SPDX-License-Identifier: BSD-2-Clause
// plain.c - segments in order between two sides of which all is known: both machines in one straight line.
#include "watch/plain.h"

#include "base/bytes.h"
#include "proto/seq.h"
#include "watch/doubt.h"
#include "watch/history.h"
#include "watch/life.h"
#include "watch/measure.h"
#include "watch/observe.h"
#include "watch/track_internal.h"
#include "watch/zeek.h"

#define PLAIN_CLOSED                                                                               \
  (ZEEK_FIN | ZEEK_DID_CLOSE | ZEEK_DID_EOF) // zeek.h's bits behind a FIN in order

// ---------------------------------------------------------------------------------------------
// What is plain

static bool plain_flags(const struct segment *g)
{
  const uint16_t looked_at = ESTAB_TCP_SYN | ESTAB_TCP_RST | ESTAB_TCP_ACK | ESTAB_TCP_URG;
  const uint8_t odd =
      SEGMENT_BAD | SEGMENT_OFFLOADED | SEGMENT_CUT | SEGMENT_IP_UNSET | SEGMENT_OLD;
  return (g->flags & looked_at) == ESTAB_TCP_ACK && !(g->bits & odd) && g->window && g->ack;
}

// Nothing is held, told or lost of it, and no text waits above a hole.
static bool plain_life(const struct track *t, const struct flow *f)
{
  const uint8_t held = LIFE_OVER | LIFE_CANDIDATE | LIFE_RST_HELD | LIFE_ROW_TOLD;
  if ((f->life_bits & held) || (f->bits & (FLOW_QUEUED | FLOW_TOLD)) || f->history_count < 2 ||
      t->loss_ns > f->last_ns || !wheel_has(&f->timer))
    return false;
  if (f->trouble == SLAB_NONE) return true;
  const struct flow_trouble *r = slab_at(&t->troubles, f->trouble);
  return !r->side[0].holes.count && !r->side[1].holes.count;
}

// Both machines say the same of what this side has sent, up to and with its FIN.
static bool plain_side(const struct track *t, const struct flow *f, unsigned end)
{
  const struct flow_side *s = &f->side[end];
  const uint16_t known = SIDE_SENT | SIDE_SYN | SIDE_KNOWN;
  if ((s->bits & (known | SIDE_HOLE | SIDE_ZERO | SIDE_RST)) != known || s->last_seq != s->nxt)
    return false;
  if (!(s->bits & SIDE_FIN))
    return s->z == ZEEK_ESTABLISHED && s->z_bits == 0 && s->delivered == s->nxt;
  if (f->closing == SLAB_NONE) return false;
  const struct flow_closing *c = slab_at(&t->closings, f->closing);
  return s->z == ZEEK_CLOSED && s->z_bits == PLAIN_CLOSED && s->delivered == s->nxt - 1 &&
         c->side[end].fin == s->nxt - 1 && c->side[end].fin_end == s->nxt;
}

// Its numbers: right behind what was sent, within what is there and what is allowed.
static bool plain_numbers(const struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  if (g->seq != s->nxt || peer->nxt - g->ack > OBSERVE_FAR || !(peer->bits & SIDE_ACKED))
    return false;
  if (seq_lt(g->seq, s->start_seq) || seq_lt(g->seq, s->ack_seq) ||
      seq_lt(g->ack, peer->start_seq) || seq_lt(g->ack, peer->ack_seq))
    return false;
  if (g->text_bytes && seq_gt(g->seq + g->text_bytes, peer->edge)) return false;
  if (!(s->bits & SIDE_ACKED)) return true;
  return g->ack == s->una ? g->text_bytes || peer->nxt == g->ack : seq_gt(g->ack, s->una);
}

// RFC 7323 5.3 and 4.3, as life_is_old() has it.
static bool plain_timestamp(struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  if (!(g->bits & SEGMENT_TS)) return true;
  if (g->ts_value == UINT32_MAX) return false;
  return !(s->bits & peer->bits & SIDE_HAS_TS) || !(s->bits & SIDE_TS) ||
         seq_ge(g->ts_value, s->ts_recent);
}

// The states that both sides can be in when a segment is in order.
static bool plain_states(const struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  if (s->state < ESTAB_ESTABLISHED || peer->state < ESTAB_SYN_RECEIVED) return false;
  if ((peer->bits & SIDE_FIN) && !(s->bits & SIDE_FIN_TAKEN)) return false;
  if (s->bits & SIDE_FIN) return !g->text_bytes && !(g->flags & ESTAB_TCP_FIN);
  if (!(g->flags & ESTAB_TCP_FIN)) return true;
  return (s->state == ESTAB_ESTABLISHED || s->state == ESTAB_CLOSE_WAIT) && g->ack == peer->nxt &&
         !(s->flags & ESTAB_TCP_FIN) && !(peer->bits & SIDE_FIN_TAKEN);
}

// ---------------------------------------------------------------------------------------------
// What it changes

static void plain_zeek(struct track *t, struct flow *f, const struct segment *g,
                       struct flow_closing *c)
{
  struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  bool fin = g->flags & ESTAB_TCP_FIN;
  s->pkts++;
  s->ip_bytes += g->ip_bytes;
  s->frame_bytes += g->ip_bytes + g->frame_more;
  uint8_t seen = fin ? ZEEK_SEEN_FIN : g->text_bytes ? ZEEK_SEEN_DATA : ZEEK_SEEN_ACK;
  if (!(s->z_seen & seen)) {
    s->z_seen |= seen;
    history_add(t, f, g->end, fin ? 'F' : g->text_bytes ? 'D' : 'A');
  }
  if (c && !(s->z_bits & peer->z_bits & ZEEK_DID_CLOSE)) c->z_last_ns = g->ts_ns;
  if (g->ack != peer->ack_seq) {
    if (g->ack < peer->ack_seq) peer->ack_wraps++;
    peer->ack_seq = g->ack;
  }
  uint32_t text_end = g->seq + g->text_bytes, end = text_end + fin;
  if (end == g->seq) return;
  if (end < s->last_seq) s->seq_wraps++;
  s->last_seq = end;
  s->delivered = text_end;
  if (!fin) return;
  c->side[g->end].hist_fin = text_end - s->start_seq;
  c->side[g->end].fin_end = end;
  s->z_prev = s->z;
  s->z = ZEEK_CLOSED;
  s->z_bits = PLAIN_CLOSED;
  if ((peer->z_bits & ZEEK_DID_CLOSE) && c->z_delete_ns == ESTAB_NEVER)
    c->z_delete_ns = c->z_last_ns + ZEEK_ATTEMPT_NS;
}

// The FIN of the peer is acknowledged: RFC 9293 3.10.7.4, fifth.
static void plain_fin_acked(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  if (s->state == ESTAB_CLOSE_WAIT || s->state == ESTAB_TIME_WAIT || s->state == ESTAB_CLOSING)
    s->bits |= SIDE_SEEN;
  if (peer->state == ESTAB_FIN_WAIT_1)
    life_enter_now(t, f, g, 1 - g->end, ESTAB_FIN_WAIT_2);
  else if (peer->state == ESTAB_CLOSING)
    life_enter_now(t, f, g, 1 - g->end, ESTAB_TIME_WAIT);
  else if (peer->state == ESTAB_LAST_ACK)
    life_enter_now(t, f, g, 1 - g->end, ESTAB_CLOSED);
}

// It closes its side, and that arrives: third and eighth.
static void plain_fin(struct track *t, struct flow *f, const struct segment *g,
                      struct flow_closing *c)
{
  struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  c->side[g->end].fin_ack = g->ack;
  c->side[g->end].fin = g->seq + g->text_bytes;
  s->bits |= SIDE_FIN;
  if (f->closed_by == FLOW_WHO_NONE) f->closed_by = g->end & 1;
  life_enter_now(t, f, g, g->end, s->state == ESTAB_CLOSE_WAIT ? ESTAB_LAST_ACK : ESTAB_FIN_WAIT_1);
  peer->bits |= SIDE_FIN_TAKEN;
  if (peer->state == ESTAB_ESTABLISHED)
    life_enter_now(t, f, g, 1 - g->end, ESTAB_CLOSE_WAIT);
  else if (peer->state == ESTAB_FIN_WAIT_2)
    life_enter_now(t, f, g, 1 - g->end, ESTAB_TIME_WAIT);
}

static void plain_states_move(struct track *t, struct flow *f, const struct segment *g,
                              struct flow_closing *c)
{
  struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  if (peer->state == ESTAB_SYN_RECEIVED) life_enter_now(t, f, g, 1 - g->end, ESTAB_ESTABLISHED);
  if (s->state == ESTAB_ESTABLISHED) s->bits |= SIDE_SEEN;
  if ((peer->bits & SIDE_FIN) && g->ack == peer->nxt) plain_fin_acked(t, f, g);
  if (g->flags & ESTAB_TCP_FIN) plain_fin(t, f, g, c);
}

// Of its sender: SND.NXT, what it acknowledges, the window it offers.
static void plain_sender(struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  s->flags |= g->flags;
  if (g->window > f->max_window[g->end]) f->max_window[g->end] = g->window;
  uint32_t edge = g->ack + ((uint32_t)g->window << flow_wscale(f, g->end));
  if (!(s->bits & SIDE_ACKED) || seq_gt(edge, s->edge) || g->ack == s->una) s->edge = edge;
  s->nxt = g->seq + segment_length(g);
  s->una = g->ack;
  s->bits |= (uint16_t)(SIDE_ACKED | (g->text_bytes ? SIDE_TEXT : 0));
}

static void plain_relist(struct track *t, uint32_t ref, struct flow *f)
{
  enum flow_class class = life_class(f);
  if (class != flow_class((struct flow_head *)f)) {
    track_unlist(t, ref);
    track_list(t, ref, class);
  }
  // Until both have said FIN time allows it no less than before.
  if (f->side[0].bits & f->side[1].bits & SIDE_FIN) track_arm_sooner(t, f);
}

static void plain_last(struct track *t, struct flow *f, const struct segment *g)
{
  f->last_packet = g->packet;
  f->last_ns = g->ts_ns;
  f->observed = (uint8_t)((f->observed & ~FLOW_LAST_END) | (g->end ? FLOW_LAST_END : 0));
  if (t->observe) observe_segment(t, f, g);
}

bool plain_segment(struct track *t, uint32_t ref, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  if (!plain_flags(g) || !plain_numbers(f, g) || !plain_life(t, f) || !plain_side(t, f, 0) ||
      !plain_side(t, f, 1) || !plain_states(f, g) || !plain_timestamp(f, g) ||
      g->ttl + DOUBT_TTL < s->ttl)
    return false;
  struct flow_closing *c = g->flags & ESTAB_TCP_FIN ? track_closing(t, f) : track_has_closing(t, f);
  if (!c && (g->flags & ESTAB_TCP_FIN)) return false;
  if ((g->bits & SEGMENT_TS) && (s->bits & peer->bits & SIDE_HAS_TS) &&
      (!(s->bits & SIDE_TS) || seq_le(g->seq, peer->una))) {
    s->ts_recent = g->ts_value;
    s->bits |= SIDE_TS;
  }
  uint16_t states = (uint16_t)(s->state << 8 | peer->state);
  track_remember(t, f->life_packet, g);
  measure_rtt(t, f, g, false);
  plain_zeek(t, f, g, c);
  plain_sender(f, g);
  plain_states_move(t, f, g, c);
  measure_limits(t, f, g);
  plain_last(t, f, g);
  if ((uint16_t)(s->state << 8 | peer->state) != states) plain_relist(t, ref, f);
  return true;
}

// ---------------------------------------------------------------------------------------------
// The answer to a SYN

bool plain_is_answer(const struct track *t, const struct flow_one *one, const struct segment *g)
{
  return segment_is_plain_answer(&one->first, g) && !(one->bits & (FLOW_TOLD | FLOW_QUEUED)) &&
         t->loss_ns <= one->first.ts_ns;
}

void plain_answer(struct track *t, struct flow *f, const struct segment *g)
{
  zeek_first_answer(f, g);
  life_first_answer(t, f, g);
  plain_last(t, f, g);
  track_arm(t, f);
}
