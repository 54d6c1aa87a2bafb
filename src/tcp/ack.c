// SPDX-License-Identifier: BSD-2-Clause
// ack.c - RFC 9293 3.10.7.4, fifth: what an acceptable ACK does to a connection.
#include "base/bytes.h"
#include "tcp/news.h"

static TCP_APART void trace_rtt(const struct tcp *c, const struct tcb *t, uint64_t sample_ns,
                                uint64_t now_ns)
{
  struct estab_trace e = {
      .kind = ESTAB_TRACE_rtt_sampled,
      .u.rtt_sampled = {sample_ns, t->rtt.srtt_ns, t->rtt.rttvar_ns, t->rtt.rto_ns}};
  tcp_trace(c, t, &e, now_ns);
}

// Karn's algorithm [RFC 6298 3]: an octet that was sent twice measures nothing, unless a timestamp tells which of
// the two was answered (RFC 7323 4.1). The first measurement of all is none either when the SYN was sent again and
// the timestamp is older than that: whoever had the first SYN, and whose answer was lost, echoes the first one's: there
// is a whole timeout in it.
static inline __attribute__((always_inline)) bool take_sample(const struct tcp *c, struct tcb *t,
                                                              const struct seg *g,
                                                              uint64_t *sample_ns, uint64_t now_ns)
{
  if (t->bits & TCB_RTT_TIMED) {
    if (seq_le(g->ack, t->rtt_seq)) return false;
    t->bits &= ~(uint32_t)TCB_RTT_TIMED;
    *sample_ns = now_ns - t->rtt_start_ns;
  } else if ((t->flags & SEG_TS) && (g->options->present & ESTAB_TCP_OPT_TS) &&
             g->options->ts_echo != 0) {
    uint32_t ms = tcp_ts_now(t->ts_offset, now_ns) - g->options->ts_echo;
    if (ms > 600000u) return false;
    *sample_ns = (uint64_t)ms * 1000000u;
    if (t->rtt.srtt_ns == 0 && t->backoff > 0 && *sample_ns >= t->rtt.rto_ns) return false;
  } else {
    return false;
  }
  rtt_sample(&t->rtt, *sample_ns, 1000000, c->settings->rto_min_ns, c->settings->rto_max_ns);
  t->backoff = 0; // RFC 6298 5: only a measurement ends the backoff (Karn)
  return true;
}

static inline __attribute__((always_inline)) void measure(const struct tcp *c, struct tcb *t,
                                                          const struct seg *g, uint64_t now_ns)
{
  uint64_t sample_ns = 0;
  if (!take_sample(c, t, g, &sample_ns, now_ns)) return;
  if (t->work) t->work->tlp.needs_sample = false;
  if (tcp_tracing(c)) trace_rtt(c, t, sample_ns, now_ns);
}

// SYN-SENT and SYN-RECEIVED: our SYN is acknowledged.
static void handshake_done(struct tcp *c, struct tcb *t, const struct seg *g, uint64_t now_ns)
{
  bool of_syn = t->state == ESTAB_SYN_SENT || g->syn_trimmed; // RFC 7323 2.2: never scaled
  uint8_t shift = of_syn ? 0 : t->snd_wscale;
  unsigned retransmitted = t->backoff;
  t->bits |= TCB_SYN_ACKED;
  measure(c, t, g, now_ns);
  // RFC 6298 5.7: the SYN was sent again without a measurement, so data starts with 3 s.
  if (retransmitted > 0 && t->rtt.srtt_ns == 0)
    t->rtt.rto_ns = u64_max(t->rtt.rto_ns, UINT64_C(3000000000));
  t->backoff = 0;
  t->snd.una = g->ack;
  t->snd.wnd = g->wnd << shift;
  t->snd.max_wnd = u32_max(t->snd.max_wnd, t->snd.wnd);
  t->snd.wl1 = g->seq;
  t->snd.wl2 = g->ack;
  t->owed &= (uint16_t) ~(OWED_SYN | OWED_RETRANSMIT);
  t->at[TIMER_RETRANSMIT] = ESTAB_NEVER;
  t->at[TIMER_USER] = ESTAB_NEVER;
  uint32_t mss = t->snd_mss;
  // DEPARTS: RFC 5681 3.1 (one segment after a lost SYN or SYN-ACK) because a single loss, a whole timeout ago, says
  // little of the path now: with the initial window of RFC 6928 only after the second one, or one that was marked.
  unsigned borne = c->settings->initial_window_segments > 0 ? 1 : 0;
  const bool marked = (t->bits & TCB_ACCECN) && accecn_handshake_done(t, g);
  uint32_t window = retransmitted > borne || marked
                        ? mss
                        : cc_initial_window(mss, c->settings->initial_window_segments);
  t->cc.verbs->start(&t->cc, mss, window);
  t->recover = t->iss;
  tcb_enter(c, t, ESTAB_ESTABLISHED, "our SYN was acknowledged", now_ns);
  if (t->bits & TCB_CLOSE_CALLED) // CLOSE was queued, RFC 9293 3.10.4
    tcb_enter(c, t, ESTAB_FIN_WAIT_1, "CLOSE before ESTABLISHED", now_ns);
}

// RFC 5681 2: a duplicate ACK carries nothing, repeats SND.UNA and the window, while octets are in flight. The answer
// to a probe into a closed window looks the same and says nothing of loss.
static bool is_duplicate_ack(const struct tcb *t, const struct seg *g)
{
  return g->ack == t->snd.una && t->snd.wnd > 0 && t->snd.nxt != t->snd.una && seg_len(g) == 0 &&
         !g->window_closed && (g->wnd << t->snd_wscale) == t->snd.wnd;
}

// SND.WND, only by a segment that is not older than the last that set it. True: it has changed.
static inline bool take_window(struct tcb *t, const struct seg *g)
{
  if (seq_lt(t->snd.wl1, g->seq) || (t->snd.wl1 == g->seq && seq_le(t->snd.wl2, g->ack))) {
    uint32_t wnd = g->wnd << t->snd_wscale, before = t->snd.wnd;
    t->snd.wnd = wnd;
    t->snd.wl1 = g->seq;
    t->snd.wl2 = g->ack;
    t->snd.max_wnd = u32_max(t->snd.max_wnd, wnd);
    return wnd != before;
  }
  // An old segment (a retransmission), perhaps with a new ACK: its window is not taken, and the right edge must not
  // run ahead with SND.UNA of what the peer offered.
  uint32_t edge = t->snd.una + t->snd.wnd;
  t->snd.wnd = seq_gt(edge, g->ack) ? edge - g->ack : 0;
  return false;
}

static void take_new_ack(struct tcp *c, struct tcb *t, const struct seg *g, struct news *n,
                         uint64_t now_ns)
{
  uint32_t octets = g->ack - t->snd.una;
  n->cc.acked_bytes = octets;
  if (t->work) recovery_delivered(c, t, g->ack, n);
  if ((t->bits & TCB_FIN_SENT) && g->ack == t->snd.nxt) octets--; // the FIN
  sendq_drop(&t->sendq, c->blocks, octets);
  t->bytes_acked += octets;
  t->snd.una = g->ack;
  if ((t->bits & TCB_URGENT_OUT) && seq_ge(t->snd.una, t->snd.up))
    t->bits &= ~(uint32_t)TCB_URGENT_OUT;
  t->at[TIMER_USER] = ESTAB_NEVER;
  if (t->snd.una != t->snd.nxt && t->user_timeout_ms) // progress: R2 counts anew
    t->at[TIMER_USER] = now_ns + (uint64_t)t->user_timeout_ms * 1000000u;
  if (t->bits & TCB_WRITE_ARMED) tcp_send_room_came(c, t);
  measure(c, t, g, now_ns);
}

// What Accurate ECN tells of what this ACK delivered: before anybody acts on it.
static TCP_APART void take_marks(struct tcb *t, const struct seg *g, struct news *n)
{
  const bool sacked = t->work && n->sacked_bytes > 0;
  const uint32_t octets = t->work ? n->cc.delivered_bytes : n->cc.acked_bytes;
  n->cc.ce_segments = accecn_on_ack(t, g, octets, n->cc.acked_bytes > 0 || sacked);
  if (n->cc.ce_segments) n->cc.recovering = true; // as ecn_is_echo()
}

// What FIN-WAIT-1, CLOSING and LAST-ACK wait for.
static void fin_acknowledged(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  switch ((enum estab_state)t->state) {
  case ESTAB_FIN_WAIT_1:
    tcb_enter(c, t, ESTAB_FIN_WAIT_2, "our FIN was acknowledged", now_ns);
    break;
  case ESTAB_CLOSING: tcb_enter(c, t, ESTAB_TIME_WAIT, "our FIN was acknowledged", now_ns); break;
  case ESTAB_LAST_ACK:
    tcb_end(c, t, ESTAB_OK, ESTAB_EVENT_CLOSED, "our FIN was acknowledged", now_ns);
    break;
  case ESTAB_FIN_WAIT_2:
  case ESTAB_TIME_WAIT:
  case ESTAB_CLOSED:
  case ESTAB_LISTEN:
  case ESTAB_SYN_SENT:
  case ESTAB_SYN_RECEIVED:
  case ESTAB_ESTABLISHED:
  case ESTAB_CLOSE_WAIT:
  case ESTAB_STATES: break;
  }
}

// All that was in flight is acknowledged, and none of it was in doubt: a request or an answer that arrived. No
// scoreboard, no recovery, no closed window, no ECN.
static inline bool ack_settles_all(const struct tcb *t, const struct seg *g)
{
  const uint32_t odd =
      TCB_FAST_RECOVERY | TCB_LOSS_RECOVERY | TCB_PERSIST | TCB_URGENT_OUT | TCB_WRITE_ARMED;
  return !t->work && g->ack == t->snd.nxt && g->ack != t->snd.una && t->snd.wnd > 0 &&
         !(t->bits & odd) && t->duplicate_acks == 0 && !(t->flags & (SEG_ECN | SEG_ACCECN));
}

// The end of it where there is more to do than to let go what was sent.
static __attribute__((noinline)) void settle_more(struct tcp *c, struct tcb *t,
                                                  uint32_t flight_bytes, bool sampled,
                                                  uint64_t sample_ns, uint64_t now_ns)
{
  const bool fin = t->bits & TCB_FIN_SENT;
  if (t->sendq.count) sendq_drop(&t->sendq, c->blocks, flight_bytes - fin);
  if (sampled && tcp_tracing(c)) trace_rtt(c, t, sample_ns, now_ns);
  if (cc_newreno_listens(&t->cc, flight_bytes)) {
    struct cc_ack news; // what is told without a work block
    cc_ack_begin(&news, now_ns, flight_bytes, flight_bytes, flight_bytes);
    cc_newreno.on_ack(&t->cc, NULL, &news);
  }
  if (t->snd.wnd == 0) retransmit_arm(c, t, now_ns);
  if (fin) fin_acknowledged(c, t, now_ns);
  if (tcp_tracing(c)) tcp_trace_metrics(c, t, now_ns);
}

// What take_ack() comes to then: the timer stops, the controller hears of it, the window is taken.
static __attribute__((noinline)) void settle_all(struct tcp *c, struct tcb *t, const struct seg *g,
                                                 uint64_t now_ns)
{
  const uint32_t fin = (t->bits & TCB_FIN_SENT) ? 1 : 0, flight_bytes = tcb_flight(t);
  uint64_t sample_ns = 0;
  take_window(t, g);
  t->bytes_acked += flight_bytes - fin;
  t->snd.una = g->ack;
  if (seq_lt(t->rtx_nxt, t->snd.una)) t->rtx_nxt = t->snd.una;
  t->at[TIMER_USER] = ESTAB_NEVER;
  t->at[TIMER_RETRANSMIT] = ESTAB_NEVER;
  const bool sampled = take_sample(c, t, g, &sample_ns, now_ns);
  if (fin || t->snd.wnd == 0 || tcp_tracing(c) || cc_newreno_listens(&t->cc, flight_bytes))
    settle_more(c, t, flight_bytes, sampled, sample_ns, now_ns);
  else
    sendq_drop(&t->sendq, c->blocks, flight_bytes);
}

// What an ACK told is gathered, and acted on.
static inline __attribute__((always_inline)) void take_news(struct tcp *c, struct tcb *t,
                                                            const struct seg *g, bool forward,
                                                            bool duplicate, bool blocks,
                                                            uint64_t now_ns)
{
  struct news n;
  if (t->work) transmit_account(t, now_ns);
  news_begin(&n, t, g, forward, duplicate, now_ns);
  if (blocks) sack_take(c, t, g, &n);
  if (forward) take_new_ack(c, t, g, &n, now_ns);
  if (duplicate) t->duplicate_acks_seen++;
  // The ACK of a SYN-ACK has an encoding of its own, see accecn_handshake_done().
  const bool accurate = (t->bits & (TCB_ACCECN | TCB_FAST_OPEN)) == TCB_ACCECN;
  if (accurate) take_marks(t, g, &n);
  if (tcb_speaks_sack(t))
    recovery_on_ack(c, t, &n, now_ns);
  else if (forward)
    retransmit_on_new_ack(c, t, &n, now_ns);
  else
    retransmit_on_duplicate_ack(c, t, now_ns);
  if (ecn_is_echo(t, g) || (accurate && n.cc.ce_segments))
    ecn_on_echo(c, t, n.cc.prior_flight_bytes, now_ns);
  if (forward && (t->bits & TCB_FIN_SENT) && t->snd.una == t->snd.nxt)
    fin_acknowledged(c, t, now_ns);
  if (tcp_tracing(c)) tcp_trace_metrics(c, t, now_ns);
}

// Text left before our SYN was acknowledged (fastopen.h): this ACK is also the first that can tell of it.
static TCP_APART void ack_early_text(struct tcp *c, struct tcb *t, const struct seg *g,
                                     uint64_t now_ns)
{
  t->snd.una = t->iss + 1;
  if (t->snd.nxt == t->snd.una) return;
  if (t->user_timeout_ms) t->at[TIMER_USER] = now_ns + (uint64_t)t->user_timeout_ms * 1000000u;
  if (t->flags & SEG_SACK) (void)work_take(c, t, now_ns);
  const bool blocks = tcb_speaks_sack(t) && (g->options->present & ESTAB_TCP_OPT_SACK);
  const bool forward = seq_gt(g->ack, t->snd.una);
  if (forward || blocks)
    take_news(c, t, g, forward, false, blocks, now_ns);
  else
    retransmit_arm(c, t, now_ns);
}

static __attribute__((noinline)) void take_handshake_ack(struct tcp *c, struct tcb *t,
                                                         const struct seg *g, uint64_t now_ns)
{
  handshake_done(c, t, g, now_ns);
  if (t->bits & TCB_FAST_OPEN) ack_early_text(c, t, g, now_ns);
}

// What is neither a handshake nor a simple answer.
static __attribute__((noinline)) void take_ack(struct tcp *c, struct tcb *t, const struct seg *g,
                                               uint64_t now_ns)
{
  const bool was_closed = t->snd.wnd == 0;
  const bool forward = seq_gt(g->ack, t->snd.una), duplicate = is_duplicate_ack(t, g);
  const bool window_moved = seq_ge(g->ack, t->snd.una) && take_window(t, g);
  const bool blocks = tcb_speaks_sack(t) && (g->options->present & ESTAB_TCP_OPT_SACK);
  if (forward || duplicate || blocks)
    take_news(c, t, g, forward, duplicate, blocks, now_ns);
  else if ((t->bits & TCB_ACCECN) && accecn_on_ack(t, g, 0, false))
    ecn_on_echo(c, t, tcb_pipe(t), now_ns);
  // RFC 9293 3.8.6.1 [MUST-37]: a peer that answers probes is alive, however long its window stays closed: the user
  // timeout counts from a probe without an answer. A released connection does not profit (ATTACKS R6, R7).
  if (t->snd.wnd == 0 && !(t->bits & TCB_RELEASED) && !tcb_life_runs(t))
    t->at[TIMER_USER] = ESTAB_NEVER;
  if (!window_moved) return;
  if (tcb_speaks_sack(t) && t->snd.una != t->snd.nxt && t->snd.wnd > 0 && !was_closed &&
      !(t->bits & TCB_PERSIST))
    return; // the timer runs as the ACK has set it
  if (was_closed && t->snd.una != t->snd.nxt) retransmit_again(t);
  retransmit_arm(c, t, now_ns);
}

void fifth_ack_effects(struct tcp *c, struct tcb *t, const struct seg *g, uint64_t now_ns)
{
  if (t->state == ESTAB_TIME_WAIT) return; // nothing of ours is left to acknowledge or to send
  if (t->state == ESTAB_SYN_SENT || t->state == ESTAB_SYN_RECEIVED)
    take_handshake_ack(c, t, g, now_ns);
  else if (ack_settles_all(t, g))
    settle_all(c, t, g, now_ns);
  else
    take_ack(c, t, g, now_ns);
}
