// SPDX-License-Identifier: BSD-2-Clause
// recovery.c - loss recovery with a peer that speaks SACK: RACK says what is lost, PRR what may leave; undo.
//
// TCB_FAST_RECOVERY and TCB_LOSS_RECOVERY mean here what they mean in retransmit.c, which serves all other peers; what
// to send again is on the scoreboard, not in t->rtx_nxt. One timer waits for the first of: reordering, loss probe,
// retransmission timeout (RFC 8985 8); w->rto_at_ns remembers the last.
#include "base/bytes.h"
#include "tcp/news.h"

#define TLP_MAX_ACK_DELAY_NS UINT64_C(40000000) // at least; longer when we ourselves wait longer

static void set_timer(struct tcb *t, enum timer_use use, uint64_t at_ns)
{
  t->timer_use = (uint8_t)use;
  t->at[TIMER_RETRANSMIT] = at_ns;
}

static bool recovering(const struct tcb *t)
{
  return (t->bits & (TCB_FAST_RECOVERY | TCB_LOSS_RECOVERY)) != 0;
}

// ---- What an ACK delivered

void recovery_delivered(struct tcp *c, struct tcb *t, uint32_t ack, struct news *n)
{
  struct board *b = &t->work->board;
  uint32_t start = b->start;
  uint64_t before_ns = n->rtt_sent_ns;
  for (struct board_at at = board_first(); !board_is_end(b, at); at = board_next(b, at)) {
    const struct board_record *r = board_record(b, at);
    uint32_t end = seq_min(r->end, ack);
    if (!(r->bits & BOARD_SACKED)) news_delivered(n, t, r, end, end - start);
    start = r->end;
    if (seq_ge(start, ack)) break;
  }
  if (n->rtt_sent_ns != before_ns) n->ack_rtt_ns = n->cc.rtt_ns;
  board_drop_below(b, c->mem, ack);
}

// ---- Timers

// RFC 8985 7.2.
// DEPARTS: RFC 8985 7.2 (the ACK delay counts from the ACK that starts the timer anew) because the peer delays the ACK
// of the one segment from when that came: what has gone by since it left is part of it.
static uint64_t probe_time(const struct tcp *c, const struct tcb *t, uint64_t now_ns)
{
  if (t->rtt.srtt_ns == 0) return now_ns + UINT64_C(1000000000);
  bool one = tcb_flight(t) <= t->snd_mss;
  uint64_t at_ns = now_ns + 2 * t->rtt.srtt_ns;
  if (!one) return at_ns;
  uint64_t delay_ns = u64_max(c->settings->delayed_ack_ns, TLP_MAX_ACK_DELAY_NS);
  return u64_max(at_ns, t->last_send_ns + 2 * t->rtt.srtt_ns + delay_ns);
}

static bool probe_is_due(const struct tcb *t)
{
  const struct work *w = t->work;
  if (recovering(t) || t->backoff > 0) return false;
  return !w || !(w->tlp.outstanding || w->board.sacked_bytes || w->board.lost_bytes ||
                 w->tlp.needs_sample);
}

void recovery_arm_from(const struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  if (t->work) {
    t->work->rto_at_ns = t->at[TIMER_RETRANSMIT];
    recovery_arm(c, t, ESTAB_NEVER, now_ns);
  } else if (probe_is_due(t)) {
    uint64_t probe_ns = probe_time(c, t, now_ns);
    if (probe_ns < t->at[TIMER_RETRANSMIT]) set_timer(t, TIMER_USE_PROBE, probe_ns);
  }
}

void recovery_arm(const struct tcp *c, struct tcb *t, uint64_t reorder_ns, uint64_t now_ns)
{
  struct work *w = t->work;
  if (reorder_ns < w->rto_at_ns)
    set_timer(t, TIMER_USE_REORDER, reorder_ns);
  else if (probe_is_due(t)) {
    set_timer(t, TIMER_USE_PROBE, u64_min(probe_time(c, t, now_ns), w->rto_at_ns));
    w->probe_since_ns = now_ns;
  } else
    set_timer(t, TIMER_USE_TIMEOUT, w->rto_at_ns);
}

// ---- Episodes

static void recovered(struct tcp *c, struct tcb *t, const char *cause, uint64_t now_ns)
{
  struct work *w = t->work;
  t->bits &= ~(uint32_t)(TCB_FAST_RECOVERY | TCB_LOSS_RECOVERY);
  w->undo.frto = FRTO_OFF;
  if (t->cc.verbs->on_recovered) t->cc.verbs->on_recovered(&t->cc, &w->cc, now_ns);
  tcp_trace_congestion(c, t, cause, now_ns);
}

static void tell_of_loss(struct tcb *t, uint32_t flight_bytes, uint64_t now_ns)
{
  struct work *w = t->work;
  if (t->cc.verbs->validated)
    flight_bytes = cwv_on_loss(&w->cwv, &t->cc, flight_bytes, t->rtt.srtt_ns, now_ns);
  t->cc.verbs->on_loss(&t->cc, &w->cc, flight_bytes, now_ns);
  cwv_reduced(&w->cwv, &t->cc);
  ecn_reduced(t);
}

static void enter_recovery(struct tcp *c, struct tcb *t, uint32_t flight_bytes, const char *cause,
                           uint64_t now_ns)
{
  struct work *w = t->work;
  undo_arm(&w->undo, t->snd.una, t->cc.cwnd_bytes, t->cc.ssthresh_bytes, flight_bytes);
  t->recover = t->snd.nxt;
  t->bits |= TCB_FAST_RECOVERY;
  w->tlp.outstanding = false;
  tell_of_loss(t, flight_bytes, now_ns);
  prr_begin(&w->prr, flight_bytes);
  tcp_trace_congestion(c, t, cause, now_ns);
}

// What RACK holds for lost now, and the recovery that follows. Answers the octets newly lost.
static uint32_t detect(struct tcp *c, struct tcb *t, uint32_t flight_bytes, uint64_t *reorder_ns,
                       uint64_t now_ns)
{
  struct work *w = t->work;
  uint32_t lost_before = w->board.lost_bytes;
  uint64_t reo_wnd_ns = rack_reo_wnd(&w->rack, &w->board, recovering(t), t->rtt.srtt_ns);
  *reorder_ns = rack_detect(&w->rack, &w->board, reo_wnd_ns, t->rtt.srtt_ns, now_ns);
  uint32_t lost = w->board.lost_bytes - lost_before;
  if (lost > 0 && w->plpmtud.in_flight && plpmtud_on_loss(t, lost, now_ns)) {
    // no sign of congestion
    t->owed |= OWED_RETRANSMIT;
    return 0;
  }
  w->rate.lost_bytes += lost;
  if (lost > 0 && tcp_tracing(c)) tcp_trace_lost(c, t, lost, "RACK", now_ns);
  if (w->board.lost_bytes > 0) {
    t->owed |= OWED_RETRANSMIT;
    if (lost > 0 && !recovering(t)) enter_recovery(c, t, flight_bytes, "RACK", now_ns);
  }
  return lost;
}

// ---- Mistakes

// RFC 4015 3.2 (7): the round trip was longer than the timer believed.
static void stretch_timeout(const struct tcp *c, struct tcb *t, uint64_t rtt_ns)
{
  if (rtt_ns == 0) return;
  t->rtt.srtt_ns = u64_max(t->rtt.srtt_ns, rtt_ns);
  t->rtt.rttvar_ns = u64_max(t->rtt.rttvar_ns, rtt_ns / 2);
  uint64_t rto_ns = t->rtt.srtt_ns + 4 * t->rtt.rttvar_ns;
  t->rtt.rto_ns = u64_min(u64_max(rto_ns, c->settings->rto_min_ns), c->settings->rto_max_ns);
}

// Nothing was lost: windows as before, and what was believed lost is in flight.
static void take_back(struct tcp *c, struct tcb *t, const char *cause, uint64_t now_ns)
{
  struct work *w = t->work;
  w->undo.armed = false;
  cwv_forget(&w->cwv);
  board_forget_losses(&w->board);
  w->rack.oldest_ns = 0;
  t->owed &= (uint16_t)~OWED_RETRANSMIT;
  t->cc.ssthresh_bytes = u32_max(t->cc.ssthresh_bytes, w->undo.ssthresh_bytes);
  if (t->bits & TCB_LOSS_RECOVERY) { // RFC 4015 3.2 (5): no burst of what the timeout held back
    uint32_t iw = cc_initial_window(t->snd_mss, c->settings->initial_window_segments);
    uint32_t cwnd = tcb_pipe(t) + u32_min(w->undo.pipe_bytes, iw);
    t->cc.cwnd_bytes = u32_max(t->cc.cwnd_bytes, u32_min(cwnd, w->undo.cwnd_bytes));
    t->cc.ssthresh_bytes = u32_max(t->cc.ssthresh_bytes, w->undo.pipe_bytes);
  } else {
    t->cc.cwnd_bytes = u32_max(t->cc.cwnd_bytes, w->undo.cwnd_bytes);
    w->rack.reordering_seen = true;
    rack_dsack(&w->rack, t->snd.nxt); // the same evidence, sooner
  }
  if (t->cc.verbs->on_undo) t->cc.verbs->on_undo(&t->cc, &w->cc, now_ns);
  if (recovering(t))
    recovered(c, t, cause, now_ns);
  else
    tcp_trace_congestion(c, t, cause, now_ns);
}

// RFC 2883 4: a transmission of ours was needless. More of them than were sent again are the network's duplicates.
static void on_dsack(struct tcp *c, struct tcb *t, struct news *n, uint64_t now_ns)
{
  struct work *w = t->work;
  uint32_t bytes = n->dsack_end - n->dsack_start;
  uint32_t segments = u32_max((bytes + t->snd_mss - 1) / t->snd_mss, 1);
  if (t->segments_spurious + segments > t->segments_retransmitted) return;
  t->segments_spurious += segments;
  if (tcp_tracing(c)) tcp_trace_spurious(c, t, n->dsack_start, bytes, segments, now_ns);
  if (!w->tlp.outstanding || n->dsack_end != w->tlp.end_seq) rack_dsack(&w->rack, t->snd.nxt);
  if (seq_ge(n->dsack_start, w->undo.marker) && undo_by_dsack(&w->undo, bytes))
    take_back(c, t, "DSACK", now_ns);
}

// RFC 8985 7.4.2.
static void judge_probe(struct tcp *c, struct tcb *t, const struct news *n, uint64_t now_ns)
{
  struct work *w = t->work;
  struct tlp *p = &w->tlp;
  if (!p->outstanding || seq_lt(t->snd.una, p->end_seq)) return;
  if (!p->is_retrans || (n->dsack && n->dsack_end == p->end_seq)) {
    p->outstanding = false;
  } else if (seq_gt(t->snd.una, p->end_seq)) { // the probe repaired a loss, which still is one
    p->outstanding = false;
    if (recovering(t)) return;
    tell_of_loss(t, n->outstanding_bytes, now_ns);
    cwv_recovered(&w->cwv, &t->cc, t->snd_mss);
    t->cc.cwnd_bytes = u32_min(t->cc.cwnd_bytes, t->cc.ssthresh_bytes);
    recovered(c, t, "loss probe", now_ns);
  } else if (n->duplicate && !n->has_sack) {
    p->outstanding = false;
  }
}

// RFC 5682 3.1 in its form for SACK: what was sent before the timeout and never again has arrived: it was too early.
static void judge_timeout(struct tcp *c, struct tcb *t, const struct news *n, uint64_t now_ns)
{
  struct undo *u = &t->work->undo;
  if (u->frto == FRTO_OFF) return;
  // An ACK that echoes the retransmission's timestamp was called forth by it: it says nothing of the original.
  bool of_again = u->echo_known && n->rack.echo_valid && (int32_t)(n->rack.echo - u->first_ts) >= 0;
  if (n->original && u->armed && !(n->forward && of_again)) {
    stretch_timeout(c, t, n->cc.rtt_ns);
    take_back(c, t, "F-RTO", now_ns);
    return;
  }
  if (u->frto == FRTO_NEW) {
    if (n->sacked_bytes > 0 || n->duplicate) u->frto = FRTO_OFF; // step 3 a: real
  } else if (n->forward && seq_lt(t->snd.una, t->recover)) {
    u->frto = FRTO_NEW; // step 2 b: new data, and see
    u->frto_segments = 2;
    t->recover = t->snd.nxt;
  }
}

// ---- An ACK

// RFC 9937 6: ssthresh, which PRR came close to. Where it did not (the peer's window kept new data back), what is
// missing would leave as one burst: unless it is paced, half of it does, and slow start fills the rest.
static uint32_t after_recovery(const struct tcp *c, const struct tcb *t)
{
  if (t->work->cc.pacing_bytes_per_s) return t->cc.ssthresh_bytes;
  uint32_t iw = cc_initial_window(t->snd_mss, c->settings->initial_window_segments);
  return u32_min(t->cc.ssthresh_bytes, tcb_pipe(t) + u32_max(t->cc.ssthresh_bytes / 2, iw));
}

static void end_episodes(struct tcp *c, struct tcb *t, struct news *n, uint64_t now_ns)
{
  struct work *w = t->work;
  if (!recovering(t)) return;
  if (n->forward && undo_by_echo(&w->undo, n->rack.echo_valid, n->rack.echo)) {
    if (t->bits & TCB_LOSS_RECOVERY) stretch_timeout(c, t, n->cc.rtt_ns);
    take_back(c, t, "Eifel", now_ns);
    return;
  }
  if (t->bits & TCB_LOSS_RECOVERY) judge_timeout(c, t, n, now_ns);
  if (!recovering(t) || seq_lt(t->snd.una, t->recover)) return;
  cwv_recovered(&w->cwv, &t->cc, w->undo.again_bytes);
  if ((t->bits & TCB_FAST_RECOVERY) && !t->cc.verbs->own_recovery)
    t->cc.cwnd_bytes = after_recovery(c, t);
  rack_recovered(&w->rack);
  recovered(c, t, "recovered", now_ns);
}

// While holes are repaired text that is timed is hardly ever acknowledged before something is sent again: what arrives,
// in order or not, having been sent once, is the measurement of each round trip.
static void measure_in_recovery(const struct tcp *c, struct tcb *t, const struct news *n)
{
  if (n->cc.round_start && n->cc.rtt_ns)
    rtt_sample(&t->rtt, n->cc.rtt_ns, 1000000, c->settings->rto_min_ns, c->settings->rto_max_ns);
}

// What arrived had left before the first octet in flight was sent again: the answer to that cannot be there yet, and
// the timeout counts anew. Else a queue that grows by more than the timeout's margin while a hole is repaired calls it
// forth.
static bool too_early_for_first(const struct tcb *t, const struct news *n)
{
  const struct board *b = &t->work->board;
  return n->cc.delivered_bytes > 0 && b->count > 0 &&
         n->cc.rate.sent_ns < board_record(b, board_first())->born_ns;
}

// Whether anything can be lost: without SACK blocks and episodes the oldest in flight was sent last of all.
static bool worth_looking(const struct tcb *t)
{
  const struct board *b = &t->work->board;
  return b->sacked_bytes > 0 || b->lost_bytes > 0 || recovering(t);
}

static void tell_of_ack(const struct tcp *c, struct tcb *t, struct news *n)
{
  struct work *w = t->work;
  if (n->cc.round_start && t->cc.verbs->validated && w->cc.pacing) cwv_at_round(c, t, &n->cc);
  n->cc.held = w->cwv.nonvalidated && !w->window_full;
  if (w->cwv.paced) w->cc.pacing_bytes_per_s = 0;
  t->cc.verbs->on_ack(&t->cc, &w->cc, &n->cc);
  if (w->cwv.nonvalidated || w->cwv.paced) cwv_pace(&w->cwv, &t->cc, &w->cc, t->rtt.srtt_ns);
}

void recovery_on_ack(struct tcp *c, struct tcb *t, struct news *n, uint64_t now_ns)
{
  struct work *w = t->work;
  uint64_t reorder_ns = ESTAB_NEVER;
  n->cc.recovering = n->cc.recovering || (t->bits & TCB_FAST_RECOVERY);
  news_round(n, w);
  if (w->rack.dsack_pending && seq_ge(t->snd.una, w->rack.dsack_round))
    w->rack.dsack_pending = false;
  if (n->dsack) on_dsack(c, t, n, now_ns);
  judge_probe(c, t, n, now_ns);
  if (w->plpmtud.in_flight) plpmtud_on_ack(c, t);
  end_episodes(c, t, n, now_ns);
  if (recovering(t)) measure_in_recovery(c, t, n);
  if (worth_looking(t)) n->cc.lost_bytes = detect(c, t, n->outstanding_bytes, &reorder_ns, now_ns);

  n->cc.flight_bytes = tcb_pipe(t);
  n->cc.srtt_ns = t->rtt.srtt_ns;
  const bool prr = (t->bits & TCB_FAST_RECOVERY) && !t->cc.verbs->own_recovery;
  n->cc.recovering = n->cc.recovering || (t->bits & TCB_FAST_RECOVERY);
  n->cc.after_timeout = (t->bits & TCB_LOSS_RECOVERY) != 0;
  n->cc.window_full = w->window_full;
  if (n->cc.delivered_bytes || n->cc.lost_bytes) tell_of_ack(c, t, n);
  if (prr && (n->cc.delivered_bytes || n->cc.lost_bytes))
    t->cc.cwnd_bytes =
        prr_on_ack(&w->prr, n->cc.delivered_bytes, n->cc.flight_bytes, t->cc.ssthresh_bytes,
                   t->snd_mss, n->forward && n->cc.lost_bytes == 0);
  w->window_full = false;

  if (n->forward || (recovering(t) && too_early_for_first(t, n)))
    w->rto_at_ns = now_ns + rtt_backed_off(&t->rtt, t->backoff, c->settings->rto_max_ns);
  if (t->snd.una == t->snd.nxt || t->snd.wnd == 0)
    retransmit_arm(c, t, now_ns);
  else if (!(t->bits & TCB_PERSIST))
    recovery_arm(c, t, reorder_ns, now_ns);
}

// ---- Timers that went off

void recovery_on_reorder_timer(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  uint64_t reorder_ns = ESTAB_NEVER;
  uint32_t outstanding = tcb_flight(t) - t->work->board.sacked_bytes;
  uint32_t lost = detect(c, t, outstanding, &reorder_ns, now_ns);
  if (lost && (t->bits & TCB_FAST_RECOVERY) && !t->cc.verbs->own_recovery)
    t->cc.cwnd_bytes =
        prr_on_ack(&t->work->prr, 0, tcb_pipe(t), t->cc.ssthresh_bytes, t->snd_mss, false);
  recovery_arm(c, t, reorder_ns, now_ns);
}

// RFC 8985 7.3: the segment itself is output's to choose.
void recovery_on_probe_timer(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  set_timer(t, TIMER_USE_TIMEOUT,
            now_ns + rtt_backed_off(&t->rtt, t->backoff, c->settings->rto_max_ns));
  if (!t->work && !work_take(c, t, now_ns)) return;
  t->work->rto_at_ns = t->at[TIMER_RETRANSMIT];
  t->owed |= OWED_LOSS_PROBE;
}

void recovery_on_timeout(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  struct work *w = t->work;
  struct board *b = &w->board;
  if (b->count == 0 || board_end(b) != t->snd.nxt) { // octets for which there was no memory
    struct board_mark mark = rate_on_sent(&w->rate, 0, tcb_flight(t), t->last_send_ns);
    (void)board_append(b, c->mem, t->snd.nxt, t->last_send_ns, 0, &mark);
  }
  if (b->count && (board_record(b, board_first())->bits & BOARD_SACKED))
    board_forget_sacks(b); // RFC 2018 8: the peer has thrown away what it had
  w->rack.oldest_ns = 0;
  bool again = (t->bits & TCB_LOSS_RECOVERY) && t->backoff > 0;
  bool first_episode = !recovering(t);
  if (!again) undo_arm(&w->undo, t->snd.una, t->cc.cwnd_bytes, t->cc.ssthresh_bytes, tcb_flight(t));
  w->undo.frto = first_episode ? FRTO_SENT : FRTO_OFF;
  t->bits &= ~(uint32_t)TCB_FAST_RECOVERY;
  t->bits |= TCB_LOSS_RECOVERY;
  t->recover = t->snd.nxt;
  t->duplicate_acks = 0;
  w->tlp.outstanding = false;
  cwv_forget(&w->cwv);
  t->cc.verbs->on_timeout(&t->cc, &w->cc, tcb_flight(t), !again, now_ns);
  ecn_reduced(t);
  uint32_t lost_before = b->lost_bytes;
  rack_on_timeout(&w->rack, b, rack_reo_wnd(&w->rack, b, true, t->rtt.srtt_ns), now_ns);
  w->rate.lost_bytes += b->lost_bytes - lost_before;
  // DEPARTS: RFC 5681 3.1 (a loss window of one segment) because RFC 8985 6.3 holds only what is old for lost: the rest
  // is on its way and does not count against that segment.
  t->cc.cwnd_bytes += tcb_pipe(t);
  t->owed |= OWED_RETRANSMIT;
  if (tcp_tracing(c)) tcp_trace_lost(c, t, b->lost_bytes - lost_before, "timeout", now_ns);
  tcp_trace_congestion(c, t, "timeout", now_ns);
  if (t->backoff < 32) t->backoff++;
  w->rto_at_ns = now_ns + rtt_backed_off(&t->rtt, t->backoff, c->settings->rto_max_ns);
  set_timer(t, TIMER_USE_TIMEOUT, w->rto_at_ns);
}

// What is in flight cannot arrive as it is (the window was closed, the path has become narrower): all of it again.
void recovery_all_again(struct tcb *t)
{
  struct board *b = &t->work->board;
  uint32_t start = b->start;
  t->work->plpmtud.in_flight = false;
  for (struct board_at at = board_first(); !board_is_end(b, at); at = board_next(b, at)) {
    board_set_lost(b, board_record(b, at), start);
    start = board_record(b, at)->end;
  }
  t->owed |= OWED_RETRANSMIT;
}
