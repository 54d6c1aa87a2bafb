// SPDX-License-Identifier: BSD-2-Clause
// timeouts.c - RFC 9293 3.10.8 and the later timers.
//
//   TIMER_USER        nothing of ours was acknowledged for the user timeout: aborted (also R2 of SYN)
//   TIMER_RETRANSMIT  the first octet in flight was not acknowledged in time: sent again, backed off;
//                     before that, what RFC 8985 8 puts in its place: RACK looks again, a loss probe leaves;
//                     with nothing in flight: the work block goes;
//                     as persist timer: a probe into a closed window, or the override of silly window avoidance
//   TIMER_ACK         an ACK was held back long enough
//   TIMER_KEEPALIVE   nothing was heard: a probe, and after enough of them aborted
//   TIMER_LIFE        TIME-WAIT is over, or a released connection waited too long in FIN-WAIT-2
#include "base/bytes.h"
#include "tcp/tcb.h"
#include "tcp/uto.h"

// DEPARTS: RFC 9293 3.8.3 [MUST-20] (no hint to IP at R1) because neighbours are found dead by their own probes.
static void user_timeout(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  if (t->state != ESTAB_SYN_SENT)
    t->owed |= OWED_RST; // the peer may be alive behind a path that is not
  tcb_end(c, t, ESTAB_ERR_TIMEOUT, ESTAB_EVENT_ABORTED, "user timeout", now_ns);
}

static void retransmission_timeout(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  if (t->bits & TCB_PERSIST) {
    if (t->snd.wnd > 0 && t->snd.una == t->snd.nxt) { // something fits, only not a whole segment
      t->bits |= TCB_OVERRIDE;
      t->bits &= ~(uint32_t)TCB_PERSIST;
      return;
    }
    t->owed |= OWED_PROBE;
    if (t->backoff < 32) t->backoff++;
    t->at[TIMER_RETRANSMIT] = now_ns + rtt_backed_off(&t->rtt, t->backoff, c->settings->rto_max_ns);
    return;
  }
  if (t->work) transmit_account(t, now_ns);
  if (t->snd.una == t->snd.nxt) { // nothing is in flight, for long enough
    if (t->sendq.bytes == 0) work_give(c, t, now_ns);
    return;
  }
  switch ((enum timer_use)t->timer_use) {
  case TIMER_USE_REORDER: recovery_on_reorder_timer(c, t, now_ns); return;
  case TIMER_USE_PROBE:
    if (!(t->bits & TCB_SYN_ACKED)) break; // our SYN itself
    recovery_on_probe_timer(c, t, now_ns);
    return;
  case TIMER_USE_TIMEOUT:
  case TIMER_USE_REST: break;
  }
  retransmit_on_timeout(c, t, now_ns);
}

static void keepalive_timeout(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  uint64_t idle_ns = uto_keepalive_idle_ns(t);
  if (!state_is_synchronized((enum estab_state)t->state) || t->state == ESTAB_TIME_WAIT ||
      idle_ns == 0)
    return;
  if (t->snd.una != t->snd.nxt) { // [MUST-26]: what is in flight asks by itself
    t->keepalive_probes = 0;
    t->at[TIMER_KEEPALIVE] = now_ns + idle_ns;
    return;
  }
  if (t->keepalive_probes == 0 && now_ns - t->last_recv_ns < idle_ns) {
    t->at[TIMER_KEEPALIVE] = t->last_recv_ns + idle_ns;
    return;
  }
  if (t->keepalive_probes >= t->keepalive_count) {
    t->owed |= OWED_RST;
    tcb_end(c, t, ESTAB_ERR_TIMEOUT, ESTAB_EVENT_ABORTED, "keepalive", now_ns);
    return;
  }
  t->keepalive_probes++;
  t->owed |= OWED_KEEPALIVE;
  t->at[TIMER_KEEPALIVE] = now_ns + (uint64_t)t->keepalive_interval_ms * 1000000u;
}

static void life_timeout(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  if (t->state == ESTAB_TIME_WAIT)
    tcb_end(c, t, t->error, 0, "2 x MSL is over", now_ns);
  else
    tcb_end(c, t, ESTAB_ERR_TIMEOUT, ESTAB_EVENT_ABORTED, "FIN-WAIT-2 of a released connection",
            now_ns);
}

static bool due(struct tcp *c, struct tcb *t, enum tcb_timer timer, const char *name,
                uint64_t now_ns)
{
  if (t->at[timer] > now_ns || t->state == ESTAB_CLOSED) return false;
  if (tcp_tracing(c)) {
    struct estab_trace e = {.kind = ESTAB_TRACE_timer_fired, .u.timer_fired = {name, t->at[timer]}};
    tcp_trace(c, t, &e, now_ns);
  }
  t->at[timer] = ESTAB_NEVER;
  return true;
}

void tcp_timeouts(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  bool life = tcb_life_runs(t);
  const char *user = !life ? "user" : t->state == ESTAB_TIME_WAIT ? "2 x MSL" : "FIN-WAIT-2";
  if (due(c, t, TIMER_USER, user, now_ns)) {
    if (life)
      life_timeout(c, t, now_ns);
    else
      user_timeout(c, t, now_ns);
  }
  static const char *const uses[] = {"retransmission", "reordering", "loss probe", "rest"};
  if (due(c, t, TIMER_RETRANSMIT, (t->bits & TCB_PERSIST) ? "persist" : uses[t->timer_use],
          now_ns)) {
    retransmission_timeout(c, t, now_ns);
    if (tcp_tracing(c)) tcp_trace_metrics(c, t, now_ns);
  }
  if (due(c, t, TIMER_ACK, "delayed ACK", now_ns)) t->owed |= OWED_ACK;
  if (due(c, t, TIMER_KEEPALIVE, "keepalive", now_ns)) keepalive_timeout(c, t, now_ns);
}
