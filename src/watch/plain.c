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
#include "watch/timeline.h"
#include "watch/track_internal.h"
#include "watch/zeek.h"

#define PLAIN_CLOSED                                                                               \
  (ZEEK_FIN | ZEEK_DID_CLOSE | ZEEK_DID_EOF) // zeek.h's bits behind a FIN in order

// Both sides of a life, from a segment's place.
struct plain_sides {
  struct flow_side *own, *peer;
};

// ---------------------------------------------------------------------------------------------
// What is plain

// What was written just now in small pieces is read in the same: a wider read would have to wait for all of them.
static bool plain_flags(const struct segment *g)
{
  const uint16_t looked_at = ESTAB_TCP_SYN | ESTAB_TCP_RST | ESTAB_TCP_ACK | ESTAB_TCP_URG;
  const uint8_t odd =
      SEGMENT_BAD | SEGMENT_OFFLOADED | SEGMENT_CUT | SEGMENT_IP_UNSET | SEGMENT_OLD;
  return (((g->flags & looked_at) ^ ESTAB_TCP_ACK) | (g->bits & odd)) == 0 && g->window && g->ack;
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

// Both machines say the same of what this side, which has said FIN, has sent.
static bool plain_closed_side(const struct track *t, const struct flow *f,
                              const struct flow_side *s)
{
  if (f->closing == SLAB_NONE) return false;
  const struct flow_closing *c = slab_at(&t->closings, f->closing);
  unsigned end = s == &f->side[1];
  return s->z == ZEEK_CLOSED && s->z_bits == PLAIN_CLOSED && s->delivered == s->nxt - 1 &&
         c->side[end].fin == s->nxt - 1 && c->side[end].fin_end == s->nxt;
}

// The same of any side of which all is known.
static inline bool plain_side(const struct track *t, const struct flow *f,
                              const struct flow_side *s)
{
  const uint16_t known = SIDE_SENT | SIDE_SYN | SIDE_KNOWN;
  if ((s->bits & (known | SIDE_HOLE | SIDE_ZERO | SIDE_RST)) != known || s->last_seq != s->nxt)
    return false;
  if (s->bits & SIDE_FIN) return plain_closed_side(t, f, s);
  return s->z == ZEEK_ESTABLISHED && s->z_bits == 0 && s->delivered == s->nxt;
}

// Its numbers: right behind what was sent, within what is there and what is allowed.
static bool plain_numbers(struct plain_sides side, const struct segment *g)
{
  const struct flow_side *s = side.own, *peer = side.peer;
  if (g->seq != s->nxt || peer->nxt - g->ack > OBSERVE_FAR || !(peer->bits & SIDE_ACKED))
    return false;
  if (seq_lt(g->seq, s->start_seq) || seq_lt(g->seq, s->ack_seq) ||
      seq_lt(g->ack, peer->start_seq) || seq_lt(g->ack, peer->ack_seq))
    return false;
  if (g->text_bytes && (seq_gt(g->seq + g->text_bytes, peer->edge) || seq_ge(g->seq, peer->edge)))
    return false;
  if (!(s->bits & SIDE_ACKED)) return true;
  return g->ack == s->una ? g->text_bytes || peer->nxt == g->ack : seq_gt(g->ack, s->una);
}

// RFC 7323 5.3, as life_is_old() has it; all ones are nobody's clock.
static bool plain_timestamp(struct plain_sides side, const struct segment *g)
{
  if (!(g->bits & SEGMENT_TS)) return true;
  if (g->ts_value == UINT32_MAX) return false;
  return !(side.own->bits & side.peer->bits & SIDE_HAS_TS) || !(side.own->bits & SIDE_TS) ||
         seq_ge(g->ts_value, side.own->ts_recent);
}

// The states that both sides can be in when a segment is in order.
static bool plain_states(struct plain_sides side, const struct segment *g)
{
  const struct flow_side *s = side.own, *peer = side.peer;
  if (s->state < ESTAB_ESTABLISHED || peer->state < ESTAB_SYN_RECEIVED) return false;
  // In SYN-RECEIVED behind its FIN: life_is_reborn().
  if ((peer->bits & SIDE_FIN) && (!(s->bits & SIDE_FIN_TAKEN) || peer->state == ESTAB_SYN_RECEIVED))
    return false;
  if (s->bits & SIDE_FIN) return !g->text_bytes && !(g->flags & ESTAB_TCP_FIN);
  if (!(g->flags & ESTAB_TCP_FIN)) return true;
  return (s->state == ESTAB_ESTABLISHED || s->state == ESTAB_CLOSE_WAIT) && g->ack == peer->nxt &&
         !(s->flags & ESTAB_TCP_FIN) && !(peer->bits & SIDE_FIN_TAKEN);
}

// A side that has neither closed nor just opened, and whose text is all there: most of what is plain.
static inline bool plain_is_open(const struct flow_side *s)
{
  static const struct flow_side looked_at = {
      .z = 0xf,
      .z_bits = 0xff,
      .state = 0xff,
      .bits = SIDE_SENT | SIDE_SYN | SIDE_KNOWN | SIDE_HOLE | SIDE_ZERO | SIDE_RST | SIDE_FIN,
  };
  static const struct flow_side open = {
      .z = ZEEK_ESTABLISHED,
      .state = ESTAB_ESTABLISHED,
      .bits = SIDE_SENT | SIDE_SYN | SIDE_KNOWN,
  };
  return (side_states(s) & side_states(&looked_at)) == side_states(&open) &&
         s->last_seq == s->nxt && s->delivered == s->nxt;
}

// Between such sides nothing can move but by a FIN.
static inline bool plain_are_open(struct plain_sides side, const struct segment *g)
{
  return !(g->flags & ESTAB_TCP_FIN) && plain_is_open(side.own) && plain_is_open(side.peer);
}

static bool plain_sides_known(const struct track *t, const struct flow *f, struct plain_sides side,
                              const struct segment *g)
{
  return plain_side(t, f, side.own) && plain_side(t, f, side.peer) && plain_states(side, g);
}

// ---------------------------------------------------------------------------------------------
// What it changes

static void plain_zeek_fin(struct flow *f, struct plain_sides side, const struct segment *g,
                           struct flow_closing *c)
{
  struct flow_side *s = side.own;
  c->side[s == &f->side[1]].hist_fin = s->delivered - s->start_seq;
  c->side[s == &f->side[1]].fin_end = s->last_seq;
  s->z_prev = s->z;
  s->z = ZEEK_CLOSED;
  s->z_bits = PLAIN_CLOSED;
  c->z_last_ns = g->ts_ns;
  if ((side.peer->z_bits & ZEEK_DID_CLOSE) && c->z_delete_ns == ESTAB_NEVER)
    c->z_delete_ns = c->z_last_ns + ZEEK_ATTEMPT_NS;
}

static void plain_zeek(struct track *t, struct flow *f, struct plain_sides side,
                       const struct segment *g, struct flow_closing *c)
{
  struct flow_side *s = side.own, *peer = side.peer;
  uint32_t fin = (g->flags & ESTAB_TCP_FIN) != 0;
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
  uint32_t end = g->seq + g->text_bytes + fin;
  if (end == g->seq) return;
  if (end < s->last_seq) s->seq_wraps++;
  s->last_seq = end;
  s->delivered = end - fin;
  if (fin) plain_zeek_fin(f, side, g, c);
}

// What moves states: the segment, its date in the timeline, and what the closing of both sides has.
struct plain_cause {
  const struct segment *g;
  struct timeline_date date;
  struct flow_closing *closing; // NULL: none yet, and no FIN either
};

static void plain_enter(struct track *t, struct flow *f, const struct plain_cause *by,
                        struct flow_side *s, enum estab_state state)
{
  unsigned end = s == &f->side[1];
  timeline_add(t, f, end, state, by->date);
  if (end == by->g->end)
    s->bits |= SIDE_SEEN;
  else
    s->bits &= (uint16_t)~SIDE_SEEN;
}

static void plain_time_wait(struct track *t, struct flow *f, const struct plain_cause *by,
                            struct flow_side *s)
{
  plain_enter(t, f, by, s, ESTAB_TIME_WAIT);
  by->closing->wait_ns[s == &f->side[1]] = u64_sum(by->g->ts_ns, t->settings.time_wait_ns);
}

// The FIN of the peer is acknowledged: RFC 9293 3.10.7.4, fifth.
static void plain_fin_acked(struct track *t, struct flow *f, struct plain_sides side,
                            const struct plain_cause *by)
{
  struct flow_side *s = side.own, *peer = side.peer;
  if (s->state == ESTAB_CLOSE_WAIT || s->state == ESTAB_TIME_WAIT || s->state == ESTAB_CLOSING)
    s->bits |= SIDE_SEEN;
  if (peer->state == ESTAB_FIN_WAIT_1)
    plain_enter(t, f, by, peer, ESTAB_FIN_WAIT_2);
  else if (peer->state == ESTAB_CLOSING)
    plain_time_wait(t, f, by, peer);
  else if (peer->state == ESTAB_LAST_ACK)
    plain_enter(t, f, by, peer, ESTAB_CLOSED);
}

// It closes its side, and that arrives: third and eighth.
static void plain_fin(struct track *t, struct flow *f, struct plain_sides side,
                      const struct plain_cause *by)
{
  struct flow_side *s = side.own, *peer = side.peer;
  const struct segment *g = by->g;
  by->closing->side[g->end].fin_ack = g->ack;
  by->closing->side[g->end].fin = s->nxt - 1;
  s->bits |= SIDE_FIN;
  if (f->closed_by == FLOW_WHO_NONE) f->closed_by = g->end & 1;
  plain_enter(t, f, by, s, s->state == ESTAB_CLOSE_WAIT ? ESTAB_LAST_ACK : ESTAB_FIN_WAIT_1);
  peer->bits |= SIDE_FIN_TAKEN;
  if (peer->state == ESTAB_ESTABLISHED)
    plain_enter(t, f, by, peer, ESTAB_CLOSE_WAIT);
  else if (peer->state == ESTAB_FIN_WAIT_2)
    plain_time_wait(t, f, by, peer);
}

// SND.NXT of its sender, what it acknowledges, the window it offers; RFC 7323 4.3.
static void plain_sender(struct flow *f, struct plain_sides side, const struct segment *g)
{
  struct flow_side *s = side.own, *peer = side.peer;
  if ((g->bits & SEGMENT_TS) && (s->bits & peer->bits & SIDE_HAS_TS) &&
      (!(s->bits & SIDE_TS) || seq_le(g->seq, peer->una))) {
    s->ts_recent = g->ts_value;
    s->bits |= SIDE_TS;
  }
  s->flags |= g->flags;
  if (g->window > f->max_window[g->end]) f->max_window[g->end] = g->window;
  uint32_t edge = g->ack + ((uint32_t)g->window << side_wscale(s, peer));
  if (!(s->bits & SIDE_ACKED) || seq_gt(edge, s->edge) || g->ack == s->una) s->edge = edge;
  s->nxt = s->last_seq;
  s->una = g->ack;
  s->bits |= (uint16_t)(SIDE_ACKED | (g->text_bytes ? SIDE_TEXT : 0));
}

// Whether it may move a state: the end of the handshake, FINs and what acknowledges them.
static bool plain_moves(struct plain_sides side, const struct segment *g)
{
  return (g->flags & ESTAB_TCP_FIN) || (side.peer->bits & SIDE_FIN) ||
         side.peer->state == ESTAB_SYN_RECEIVED;
}

static void plain_states_move(struct track *t, struct flow *f, struct plain_sides side,
                              const struct segment *g, struct flow_closing *c)
{
  struct flow_side *s = side.own, *peer = side.peer;
  const struct plain_cause by = {g, timeline_date(t, f, g->ts_ns, g->packet), c};
  if (peer->state == ESTAB_SYN_RECEIVED) {
    plain_enter(t, f, &by, peer, ESTAB_ESTABLISHED);
    if (s->state == ESTAB_ESTABLISHED) f->life_bits |= LIFE_WAS_OPEN;
  }
  if ((peer->bits & SIDE_FIN) && g->ack == peer->nxt) plain_fin_acked(t, f, side, &by);
  if (g->flags & ESTAB_TCP_FIN) plain_fin(t, f, side, &by);
}

static void plain_last(struct track *t, struct flow *f, const struct segment *g)
{
  f->last_ns = g->ts_ns;
  flow_last(f, g);
  if (t->observe) observe_segment(t, f, g);
}

static void plain_relist(struct track *t, uint32_t ref, struct flow *f)
{
  track_relist(t, ref, f);
  // Until both have said FIN time allows it no less than before.
  if (f->side[0].bits & f->side[1].bits & SIDE_FIN) track_arm_sooner(t, f);
}

// The sides are arguments: compilers that know where in the record they lie compute it anew for each field.
static __attribute__((noinline)) bool plain_between(struct track *t, uint32_t ref, struct flow *f,
                                                    struct plain_sides side,
                                                    const struct segment *g)
{
  if (f->closing != SLAB_NONE) __builtin_prefetch(slab_at(&t->closings, f->closing), 1);
  if (g->text_bytes) recall_expect(t->recall, doubt_who(f->life_packet, g->end));
  const bool open = plain_are_open(side, g);
  if (!plain_flags(g) || !plain_numbers(side, g) || !plain_life(t, f) ||
      !(open || plain_sides_known(t, f, side, g)) || !plain_timestamp(side, g) ||
      doubt_fewer_hops(side.own, g->ttl))
    return false;
  struct flow_closing *c = track_has_closing(t, f);
  if (!c && (g->flags & ESTAB_TCP_FIN)) {
    c = track_closing(t, f);
    if (!c) return false;
  }
  measure_rtt(t, f, g, false);
  plain_zeek(t, f, side, g, c);
  plain_sender(f, side, g);
  if (side.own->state == ESTAB_ESTABLISHED) side.own->bits |= SIDE_SEEN;
  const bool moves = !open && plain_moves(side, g);
  if (moves) plain_states_move(t, f, side, g, c);
  if (f->trouble != SLAB_NONE || zeek_span(side.own) >= MEASURE_LIMIT_BYTES)
    measure_limits(t, f, g);
  plain_last(t, f, g);
  track_remember(t, f->life_packet, g);
  if (moves) plain_relist(t, ref, f);
  return true;
}

bool plain_segment(struct track *t, uint32_t ref, struct flow *f, const struct segment *g)
{
  const struct plain_sides side = {&f->side[g->end], &f->side[1 - g->end]};
  return plain_between(t, ref, f, side, g);
}

// ---------------------------------------------------------------------------------------------
// The answer to the first segment

// A RST as RFC 9293 3.10.7.1 makes one of the segment it answers: whoever sent that takes it.
static bool plain_is_end(const struct segment *first, const struct segment *g)
{
  if ((g->flags & ESTAB_TCP_ACK) && g->ack != first->seq + segment_length(first)) return false;
  if (first->flags & ESTAB_TCP_SYN)
    return (g->flags & ESTAB_TCP_ACK) && segment_is_plain_syn(first);
  return !(first->flags & ESTAB_TCP_ACK) || g->seq == first->ack;
}

enum plain_answer plain_is_answer(const struct track *t, const struct flow_one *one,
                                  const struct segment *g)
{
  const struct segment *first = &one->first;
  if ((one->bits & (FLOW_TOLD | FLOW_QUEUED)) || t->loss_ns > first->ts_ns ||
      g->end == first->end || flow_is_refused((const struct flow_head *)one))
    return PLAIN_NO_ANSWER;
  if (segment_is_plain_answer(first, g)) return PLAIN_SYN_ACK;
  const uint16_t mark = ESTAB_TCP_SYN | ESTAB_TCP_FIN | ESTAB_TCP_RST;
  const uint8_t odd = SEGMENT_BAD | SEGMENT_OFFLOADED | SEGMENT_IP_UNSET | SEGMENT_TS;
  bool refusal = (g->flags & mark) == ESTAB_TCP_RST && !g->text_bytes && !(g->bits & odd) &&
                 !(first->flags & ESTAB_TCP_RST) && !first->text_bytes && first->window &&
                 !(first->bits & (SEGMENT_BAD | SEGMENT_OFFLOADED));
  if (!refusal) return PLAIN_NO_ANSWER;
  return plain_is_end(first, g) ? PLAIN_END : PLAIN_REFUSAL;
}

static bool plain_refusal(struct track *t, uint32_t ref, struct flow *f, const struct segment *g)
{
  const struct flow_side *peer = &f->side[1 - g->end];
  if (peer->z == ZEEK_INACTIVE) return false;
  zeek_first_refusal(t, f, g);
  life_segment(t, f, g);
  plain_last(t, f, g);
  track_relist(t, ref, f);
  track_arm(t, f);
  return true;
}

bool plain_answer(struct track *t, uint32_t ref, struct flow *f, const struct segment *g,
                  enum plain_answer what)
{
  if (what == PLAIN_NO_ANSWER) return false;
  if (what != PLAIN_SYN_ACK) return plain_refusal(t, ref, f, g);
  zeek_first_answer(f, g);
  life_first_answer(t, f, g);
  plain_last(t, f, g);
  track_set_timer(t, f, u64_sum(g->ts_ns, LIFE_ATTEMPT_IDLE_NS)); // before any timeout of Zeek's
  return true;
}
