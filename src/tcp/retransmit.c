// SPDX-License-Identifier: BSD-2-Clause
// retransmit.c - loss detected by duplicate ACKs (RFC 5681 3.2, RFC 6582) and by timeout (RFC 6298 5).
//
// SND.NXT never moves back. After a timeout t->rtx_nxt walks from SND.UNA to t->recover (SND.NXT at that time) and
// output sends again from there, as far as the congestion window reaches; in fast recovery output sends the one
// segment at SND.UNA.
#include "base/bytes.h"
#include "tcp/fastopen.h"
#include "tcp/news.h"
#include "tcp/uto.h"

#define RETRANSMIT_REST_NS UINT64_C(1000000000)

// Octets or our FIN, sent or not.
static bool waits_to_leave(const struct tcb *t)
{
  return t->sendq.bytes > 0 || (t->bits & (TCB_CLOSE_CALLED | TCB_FIN_SENT)) == TCB_CLOSE_CALLED;
}

static void start_timeout(const struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  t->timer_use = TIMER_USE_TIMEOUT;
  t->at[TIMER_RETRANSMIT] = now_ns + rtt_backed_off(&t->rtt, t->backoff, c->settings->rto_max_ns);
}

// RFC 6298 5.1, 5.3: the timer runs while something is in flight; RFC 9293 3.8.6.1: as persist timer, while the peer's
// window keeps queued octets from leaving; RFC 9293 3.8.6.2.1: as the override of silly window avoidance.
void retransmit_arm(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  const bool in_flight = t->snd.una != t->snd.nxt;
  if (t->snd.wnd == 0 && (t->bits & TCB_SYN_ACKED) && (in_flight || waits_to_leave(t))) {
    if ((t->bits & TCB_PERSIST) && t->at[TIMER_RETRANSMIT] != ESTAB_NEVER) return; // its own pace
    t->bits |= TCB_PERSIST;
    start_timeout(c, t, now_ns);
    return;
  }
  if (t->bits & TCB_PERSIST) { // the window opened
    t->bits &= ~(uint32_t)TCB_PERSIST;
    t->backoff = 0;
  }
  if (in_flight) {
    start_timeout(c, t, now_ns);
    if (t->flags & SEG_SACK) recovery_arm_from(c, t, now_ns);
  } else if (t->work &&
             !waits_to_leave(t)) { // the block stays for a while: the next exchange may be near
    t->timer_use = TIMER_USE_REST;
    t->at[TIMER_RETRANSMIT] = now_ns + RETRANSMIT_REST_NS;
  } else {
    t->at[TIMER_RETRANSMIT] = ESTAB_NEVER;
  }
}

// The controller's turn, RFC 5681 3.1.
static void tell_controller(struct tcb *t, struct news *n)
{
  struct work *w = t->work;
  if (w) {
    n->cc.flight_bytes = tcb_pipe(t);
    n->cc.srtt_ns = t->rtt.srtt_ns;
    n->cc.after_timeout = (t->bits & TCB_LOSS_RECOVERY) != 0;
    news_round(n, w);
    n->cc.window_full = w->window_full;
    w->window_full = false;
  }
  tcb_cc(t)->on_ack(&t->cc, tcb_cc_work(t), &n->cc);
}

void retransmit_on_new_ack(struct tcp *c, struct tcb *t, struct news *n, uint64_t now_ns)
{
  const uint32_t acked_bytes = n->cc.acked_bytes;
  if (t->duplicate_acks > 0) {
    // What they told of has left the network before: it is not acknowledged anew (RFC 3042 2).
    uint32_t told_bytes = u32_min((uint32_t)t->duplicate_acks * t->snd_mss, acked_bytes);
    n->cc.acked_bytes = u32_max(acked_bytes - told_bytes, u32_min(acked_bytes, t->snd_mss));
    t->duplicate_acks = 0;
  }
  if (seq_lt(t->rtx_nxt, t->snd.una)) t->rtx_nxt = t->snd.una;
  if (t->bits & TCB_FAST_RECOVERY) {
    if (seq_ge(t->snd.una, t->recover)) { // full acknowledgment, RFC 6582 3.2 step 3 (1)
      t->bits &= ~(uint32_t)TCB_FAST_RECOVERY;
      uint32_t flight = u32_max(tcb_flight(t), t->snd_mss) + t->snd_mss;
      t->cc.cwnd_bytes = u32_min(t->cc.ssthresh_bytes, flight);
      tcp_trace_congestion(c, t, "recovered", now_ns);
    } else { // partial acknowledgment: the next hole, window deflated by what left the network
      t->owed |= OWED_RETRANSMIT;
      t->rtx_nxt = t->snd.una;
      uint32_t cwnd = t->cc.cwnd_bytes;
      cwnd = cwnd > acked_bytes ? cwnd - acked_bytes : 0;
      if (acked_bytes >= t->snd_mss) cwnd += t->snd_mss;
      t->cc.cwnd_bytes = u32_max(cwnd, t->snd_mss);
    }
  } else {
    if (t->bits & TCB_LOSS_RECOVERY) {
      if (seq_ge(t->snd.una, t->recover)) {
        t->bits &= ~(uint32_t)TCB_LOSS_RECOVERY;
        tcp_trace_congestion(c, t, "recovered", now_ns);
      } else if (seq_lt(t->rtx_nxt, t->recover)) {
        t->owed |= OWED_RETRANSMIT;
      }
    }
    tell_controller(t, n);
  }
  retransmit_arm(c, t, now_ns);
}

void retransmit_on_duplicate_ack(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  if (t->duplicate_acks < 255) t->duplicate_acks++;
  if (t->bits & TCB_FAST_RECOVERY) {
    // RFC 5681 3.2 (4): each tells of a segment that left, though never of more than were out when the loss was
    // seen: counted from there, or each forged one would let out the next (ATTACKS S2).
    uint32_t most = t->cc.ssthresh_bytes + (t->recover - t->snd.una);
    t->cc.cwnd_bytes = u32_min(t->cc.cwnd_bytes + t->snd_mss, most);
    return;
  }
  if ((t->bits & TCB_LOSS_RECOVERY) || t->duplicate_acks != c->settings->duplicate_ack_threshold)
    return;
  if (seq_le(t->snd.una, t->recover))
    return; // RFC 6582 3.2 step 2: still the octets of the last recovery
  t->recover = t->snd.nxt;
  t->bits |= TCB_FAST_RECOVERY;
  t->bits &= ~(uint32_t)TCB_RTT_TIMED;
  // RFC 5681 3.2 (2): what limited transmit sent beyond cwnd does not count [RFC 5681 M20].
  uint32_t flight_bytes = u32_min(tcb_flight(t), t->cc.cwnd_bytes);
  tcb_cc(t)->on_loss(&t->cc, tcb_cc_work(t), flight_bytes, now_ns);
  ecn_reduced(t);
  t->cc.cwnd_bytes += 3u * t->snd_mss;
  t->rtx_nxt = t->snd.una;
  t->owed |= OWED_RETRANSMIT;
  if (tcp_tracing(c)) tcp_trace_lost(c, t, t->snd_mss, "duplicate ACKs", now_ns);
  tcp_trace_congestion(c, t, "duplicate ACKs", now_ns);
}

void retransmit_on_timeout(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  t->bits &= ~(uint32_t)TCB_RTT_TIMED; // Karn
  uto_owe(t);
  if (t->state == ESTAB_SYN_SENT || t->state == ESTAB_SYN_RECEIVED) {
    t->owed |= OWED_SYN;
    if (t->bits & TCB_FAST_OPEN) fastopen_on_syn_lost(c, t, now_ns);
    if (t->backoff < 32) t->backoff++;
    unsigned doublings = t->backoff;
    if (t->state == ESTAB_SYN_SENT) doublings -= u32_min(doublings, c->settings->syn_even_timeouts);
    t->at[TIMER_RETRANSMIT] = now_ns + rtt_backed_off(&t->rtt, doublings, c->settings->rto_max_ns);
    return;
  }
  plpmtud_on_timeout(c, t, now_ns);
  if ((t->flags & SEG_SACK) && (t->work || work_take(c, t, now_ns))) {
    recovery_on_timeout(c, t, now_ns);
    return;
  } else {
    bool again = (t->bits & TCB_LOSS_RECOVERY) && t->backoff > 0;
    tcb_cc(t)->on_timeout(&t->cc, tcb_cc_work(t), tcb_flight(t), !again, now_ns);
    ecn_reduced(t);
    t->bits &= ~(uint32_t)TCB_FAST_RECOVERY;
    t->bits |= TCB_LOSS_RECOVERY;
    t->recover = t->snd.nxt;
    t->rtx_nxt = t->snd.una;
    t->duplicate_acks = 0;
    t->owed |= OWED_RETRANSMIT;
    if (tcp_tracing(c)) tcp_trace_lost(c, t, tcb_flight(t), "timeout", now_ns);
    tcp_trace_congestion(c, t, "timeout", now_ns);
  }
  if (t->backoff < 32) t->backoff++;
  t->at[TIMER_RETRANSMIT] = now_ns + rtt_backed_off(&t->rtt, t->backoff, c->settings->rto_max_ns);
}

// The peer's window opened after probes: the octet they carried is sent again at once; nothing was lost on the way.
void retransmit_again(struct tcb *t)
{
  if (tcb_speaks_sack(t)) {
    recovery_all_again(t);
    return;
  }
  t->rtx_nxt = t->snd.una;
  t->recover = t->snd.nxt;
  t->bits |= TCB_LOSS_RECOVERY;
  t->owed |= OWED_RETRANSMIT;
}

// RFC 5927 4.1: does a quoted segment belong to what is in flight?
bool retransmit_in_flight(const struct tcb *t, uint32_t seq)
{
  return seq_le(t->snd.una, seq) && seq_lt(seq, t->snd.nxt);
}
