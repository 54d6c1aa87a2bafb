// SPDX-License-Identifier: BSD-2-Clause
// life_rst.c - RSTs: taken or not, and what later segments say of those that were.
#include "watch/life_internal.h"

#include "base/bytes.h"
#include "proto/seq.h"
#include "watch/doubt.h"
#include "watch/history.h"
#include "watch/reach.h"
#include "watch/timeline.h"

#define LIFE_REST_NS (60 * FLOW_SECOND_NS) // silence that a firewall ends

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
  if (seq_gt(g->seq, s->nxt)) {
    c->beyond_end = g->end;
    c->beyond_ttl = g->ttl;
  } else if (c->beyond_end == g->end)
    c->beyond_ttl = 0;
  if (c->rsts[g->end] < UINT8_MAX) c->rsts[g->end]++;
  if (c->rsts[g->end] > 1)
    doubt_suspect(t, f, g, SUSPECT_RST, g->ttl, g->ttl); // by the march alone
}

// No host resets where it has sent nothing yet, and goes on until its text has arrived there.
void life_passes_rst(struct track *t, struct flow *f, const struct segment *g)
{
  const struct flow_side *peer = &f->side[1 - g->end];
  struct flow_closing *c = track_has_closing(t, f);
  if (!c || !c->beyond_ttl || c->beyond_end != g->end ||
      !seq_gt(peer->una, c->side[g->end].rst_seq))
    return;
  doubt_suspect(t, f, g, SUSPECT_RST_PASSED, c->beyond_ttl, g->ttl);
  c->beyond_ttl = 0;
}

// Nobody answers a RST with a RST. Two that both come over other hop counts than their sides have are of one who stands
// between; a firewall that has waited for long does the same, and is none who attacks.
static WATCH_RARE void life_rst_of_both(struct track *t, struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  const struct flow_closing *c = track_has_closing(t, f);
  const uint8_t held = LIFE_RST_HELD | LIFE_WAS_OPEN;
  if (!c || (f->life_bits & held) != held || c->rst_end == g->end || c->rst_rested ||
      g->ts_ns - f->last_ns > FLOW_SECOND_NS || c->rst_ttl == peer->ttl || g->ttl == s->ttl)
    return;
  doubt_suspect(t, f, g, SUSPECT_RST, g->ttl, s->ttl);
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

// Who asks takes a RST by what it acknowledges, everybody else by its place.
static WATCH_RARE void life_doubt_rst(struct track *t, struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  struct doubt_reading not_taken = {"not taken, expected seq ", peer->una};
  struct doubt_reading taken = {"taken, seq ", g->seq};
  if (peer->state == ESTAB_SYN_SENT) {
    not_taken = (struct doubt_reading){"not taken, expected ack ", peer->nxt};
    taken = (struct doubt_reading){"taken, ack ", g->ack};
  } else if (s->bits & SIDE_KNOWN)
    not_taken.number = reach_edge(t, f, g->end);
  doubt_numbers(t, f, ESTAB_WATCH_AMBIGUITY_RST_OUT_OF_WINDOW, g, &not_taken, &taken);
}

// It is believed, and may prove false.
static void life_hold_rst(struct flow *f, struct flow_closing *c, const struct segment *g)
{
  c->rst_end = g->end;
  c->rst_ttl = g->ttl;
  c->rst_at = g->seq;
  c->rst_rested = g->ts_ns - f->last_ns >= LIFE_REST_NS;
  f->life_bits |= LIFE_RST_HELD;
}

void life_rst(struct track *t, struct flow *f, const struct segment *g)
{
  unsigned e = g->end, p = 1 - e;
  struct flow_side *s = &f->side[e], *peer = &f->side[p];
  life_rst_march(t, f, g);
  life_rst_of_both(t, f, g);
  if (life_is_reborn(peer) && life_is_own_syn(s, g->seq - 1)) { // where its SYN-ACK acknowledged
    life_enter_now(t, f, g, e, ESTAB_CLOSED);
    life_enter_now(t, f, g, p, ESTAB_CLOSED);
    return;
  }
  if (life_is_over(f) || life_rst_was_true(t, f, g)) return;
  if (!life_rst_taken(t, f, g)) {
    life_doubt_rst(t, f, g);
    return;
  }
  struct flow_closing *c = track_closing(t, f);
  if (c) {
    life_hold_rst(f, c, g);
    c->held_state[0] = f->side[0].state;
    c->held_state[1] = f->side[1].state;
    c->contradicted = false;
    c->wait_ns[0] = c->wait_ns[1] = ESTAB_NEVER;
  }
  if (f->closed_by == FLOW_WHO_NONE) f->closed_by = (uint8_t)(life_rst_answers(t, f, g) ? p : e);
  s->bits |= SIDE_RST;
  if (s->state == ESTAB_CLOSED && f->step_count == 0)
    timeline_step(t, f, e, ESTAB_CLOSED, g->ts_ns, g->packet); // nothing before it: still a fact
  // Who refuses an ACK in SYN-RECEIVED waits on: RFC 9293 3.10.7.4, fifth.
  if (!life_is_reborn(s)) life_enter_now(t, f, g, e, ESTAB_CLOSED);
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
    life_hold_rst(f, c, g);
    c->held_state[p] = f->side[p].state;
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
void life_contradicts_rst(struct track *t, struct flow *f, const struct segment *g)
{
  unsigned e = g->end;
  struct flow_side *s = &f->side[e];
  struct flow_closing *c = track_has_closing(t, f);
  if (!c || c->rst_end != e || (g->flags & (ESTAB_TCP_RST | ESTAB_TCP_SYN))) return;
  // Behind all that it has sent: what was on its way is none of that. Who resets says with it where its text ends, or,
  // of its answers, how far that has reached.
  const uint32_t end = g->seq + g->text_bytes;
  const bool goes_on =
      (g->text_bytes && seq_gt(end, c->rst_at) && seq_gt(end, reach_sent(t, f, e)) &&
       !doubt_dies(f, g)) ||
      ((g->flags & ESTAB_TCP_ACK) && (s->bits & SIDE_ACKED) && seq_gt(g->ack, s->una));
  if (!goes_on || c->held_state[e] == ESTAB_CLOSED) return;
  doubt_suspect(t, f, g, SUSPECT_RST, c->rst_ttl, g->ttl);
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
}

// What a side still sends had left before the other's RST came there: the two met on the way. It is as before then;
// *rst is when that RST passed, and what has to be said of it again.
bool life_crosses_rst(struct track *t, struct flow *f, const struct segment *g, struct segment *rst)
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
void life_asks_again(struct track *t, struct flow *f, const struct segment *g)
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
}
