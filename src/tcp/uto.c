// SPDX-License-Identifier: BSD-2-Clause
// uto.c - the user timeout option, RFC 5482 3.
#include "tcp/uto.h"
#include "base/bytes.h"

// RFC 5482 3.1: USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)), where the user has not set it himself
// (CHANGEABLE), and longer than the retransmission timeout, or nothing would be sent twice. A timer that runs keeps
// its beginning: a peer that only talks of timeouts does not put one off.
void uto_adopt(const struct tcp *c, struct tcb *t)
{
  const struct estab_settings *set = c->settings;
  if (t->uto_fixed || t->peer_uto == 0 || t->adv_uto == 0 || (t->bits & TCB_RELEASED)) return;
  uint64_t ns = u64_max(uto_ns(t->adv_uto), uto_ns(t->peer_uto));
  ns = u64_min(u64_max(ns, set->user_timeout_least_ns), set->user_timeout_most_ns);
  ns = u64_max(ns, t->rtt.rto_ns + 1000000u);
  const uint64_t before_ns = (uint64_t)t->user_timeout_ms * 1000000u, at = t->at[TIMER_USER];
  t->user_timeout_ms = tcp_ms(ns);
  if (at == ESTAB_NEVER || t->state == ESTAB_SYN_SENT || tcb_life_runs(t)) return;
  uint64_t since = at > before_ns ? at - before_ns : 0;
  t->at[TIMER_USER] = since + (uint64_t)t->user_timeout_ms * 1000000u;
}

void uto_advertise(const struct tcp *c, struct tcb *t, uint64_t ns)
{
  t->adv_uto = ns ? uto_of_ns(ns) : 0;
  t->uto_owed = false;
  uto_owe(t);
  const bool can_tell =
      state_is_synchronized((enum estab_state)t->state) && t->state != ESTAB_TIME_WAIT;
  if (t->uto_owed && can_tell) t->owed |= OWED_ACK; // at once
  uto_adopt(c, t);
}

void uto_take(const struct tcp *c, struct tcb *t, const struct seg *g)
{
  if (t->adv_uto == 0) return;
  if (uto_ns(g->options->user_timeout) == 0) return; // reserved
  t->peer_uto = g->options->user_timeout;
  uto_adopt(c, t);
}
