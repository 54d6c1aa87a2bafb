// SPDX-License-Identifier: BSD-2-Clause
// uto.h - the user timeout option, RFC 5482: each side says for how long it will wait for acknowledgments, and may
// wait as long as the other does.
//
// t->adv_uto (ADV_UTO) is what is told, as it stands in the option; 0 = the option is not in use (ENABLED): none is
// sent, what comes is ignored. It goes on SYNs, on the first segment without SYN, after each change and after each
// timeout: its segment may have been lost. A half-open record has no room for what a SYN said, as with SYN cookies: the
// peer's first segment says it again.
#ifndef ESTAB_TCP_UTO_H
#define ESTAB_TCP_UTO_H

#include "tcp/tcb.h"

#define UTO_MINUTES 0x8000u

// The option's value for a time, never 0: seconds as far as they reach, else minutes; rounded up.
static inline uint16_t uto_of_ns(uint64_t ns)
{
  uint64_t s = ns / 1000000000u + (ns % 1000000000u != 0);
  if (s == 0) return 1;
  if (s < UTO_MINUTES) return (uint16_t)s;
  uint64_t minutes = s / 60 + (s % 60 != 0);
  return (uint16_t)(UTO_MINUTES | (minutes < UTO_MINUTES ? minutes : UTO_MINUTES - 1));
}

static inline uint64_t uto_ns(uint16_t uto)
{
  uint64_t n = uto & (UTO_MINUTES - 1);
  return ((uto & UTO_MINUTES) ? n * 60 : n) * 1000000000u;
}

// On the next segment without SYN.
static inline void uto_owe(struct tcb *t)
{
  if (t->adv_uto == 0) return;
  t->uto_owed = true;
  t->bits |= TCB_BLOCKS; // output looks for options that are rare
}

// RFC 5482 4.2: where both sides use the option, keep-alives ask no sooner than the user timeout has passed.
static inline uint64_t uto_keepalive_idle_ns(const struct tcb *t)
{
  uint32_t ms = t->keepalive_idle_ms;
  if (ms && t->adv_uto && t->peer_uto && !t->uto_fixed)
    ms = u32_max(ms, t->user_timeout_ms + 1000u);
  return (uint64_t)ms * 1000000u;
}

// A new ADV_UTO; ns = 0: the option is not used any more.
void uto_advertise(const struct tcp *c, struct tcb *t, uint64_t ns);
// An acceptable segment carries the option.
void uto_take(const struct tcp *c, struct tcb *t, const struct seg *g);
// What was received before may count now.
void uto_adopt(const struct tcp *c, struct tcb *t);

static inline void uto_put(struct tcb *t, struct estab_tcp_options *o)
{
  if (!t->uto_owed) return;
  o->present |= ESTAB_TCP_OPT_UTO;
  o->user_timeout = t->adv_uto;
  t->uto_owed = false;
}

#endif
