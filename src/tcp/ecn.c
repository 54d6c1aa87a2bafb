// SPDX-License-Identifier: BSD-2-Clause
// ecn.c - the sender's answer to a mark: as to a loss, without one, RFC 3168 6.1.2.
#include "tcp/ecn.h"
#include "base/bytes.h"

void ecn_on_echo(struct tcp *c, struct tcb *t, uint32_t flight_bytes, uint64_t now_ns)
{
  struct work *w = t->work;
  // Once a window of data: the echo goes on until CWR has come through; and a loss has been answered already.
  if (t->bits & (TCB_FAST_RECOVERY | TCB_LOSS_RECOVERY)) return;
  if (w && seq_le(t->snd.una, w->ecn_recover)) return;
  const struct cc_verbs *cc = tcb_cc(t);
  (cc->on_mark ? cc->on_mark : cc->on_loss)(&t->cc, tcb_cc_work(t),
                                            u32_min(flight_bytes, t->cc.cwnd_bytes), now_ns);
  if (t->flags & SEG_ECN) t->accecn.ce_reported++; // at least one
  t->cc.cwnd_bytes = u32_min(t->cc.cwnd_bytes, t->cc.ssthresh_bytes);
  if (!cc->on_mark && cc->on_recovered) cc->on_recovered(&t->cc, tcb_cc_work(t), now_ns);
  if (w) w->ecn_recover = t->snd.nxt;
  ecn_reduced(t);
  tcp_trace_congestion(c, t, "ECN", now_ns);
}
