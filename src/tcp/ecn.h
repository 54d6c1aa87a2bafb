// SPDX-License-Identifier: BSD-2-Clause
// ecn.h - Explicit Congestion Notification, RFC 3168 6.1: agreed on with the SYNs, marks of the network told to the
// sender by ECE until it answers with CWR. SEG_ECN in t->flags: both sides do.
#ifndef ESTAB_TCP_ECN_H
#define ESTAB_TCP_ECN_H

#include "tcp/tcb.h"

#define ECN_BOTH (ESTAB_TCP_ECE | ESTAB_TCP_CWR)

// RFC 3168 6.1.1: does this SYN ask for it, and may a listener of these settings agree?
static inline bool ecn_syn_agrees(const struct estab_settings *set, uint16_t flags)
{
  return set->ecn != ESTAB_ECN_OFF && (flags & ECN_BOTH) == ECN_BOTH;
}

// What our SYN says. A second one asks no more: something on the way may drop what it does not know (6.1.1.1).
static inline uint16_t ecn_of_syn(const struct estab_settings *set, const struct tcb *t)
{
  if (t->state == ESTAB_SYN_RECEIVED) return (t->flags & SEG_ECN) ? ESTAB_TCP_ECE : 0;
  return set->ecn == ESTAB_ECN_REQUEST && t->backoff == 0 ? ECN_BOTH : 0;
}

// What the SYN or SYN-ACK that answered ours has agreed to.
static inline bool ecn_answer_agrees(const struct estab_settings *set, const struct tcb *t,
                                     uint16_t flags)
{
  if (!(flags & ESTAB_TCP_ACK)) return ecn_syn_agrees(set, flags);
  return ecn_of_syn(set, t) == ECN_BOTH && (flags & ECN_BOTH) == ESTAB_TCP_ECE;
}

// On every segment that acknowledges, until the peer has heard (6.1.3).
static inline uint16_t ecn_echo(const struct tcb *t)
{
  return (t->bits & TCB_ECE) ? ESTAB_TCP_ECE : 0;
}

// New text may be marked; what is sent again, probes and pure ACKs may not (6.1.4 to 6.1.6).
static inline void ecn_mark_text(struct tcb *t, struct tcp_out *out)
{
  if (!(t->flags & SEG_ECN) || out->text_bytes == 0) return;
  out->ecn = ESTAB_ECN_ECT0;
  if (t->bits & TCB_CWR) out->h.flags |= ESTAB_TCP_CWR;
  t->bits &= ~(uint32_t)TCB_CWR;
}

// The window was reduced, for whatever reason: the peer hears of it with the next new text (6.1.2).
static inline void ecn_reduced(struct tcb *t)
{
  if (t->flags & SEG_ECN) t->bits |= TCB_CWR;
}

// Receiver: text that was taken, and how the network has marked it (6.1.3).
static inline void ecn_on_text(struct tcb *t, const struct seg *g)
{
  if (!(t->flags & SEG_ECN) || g->text_bytes == 0) return;
  if (g->flags & ESTAB_TCP_CWR) t->bits &= ~(uint32_t)TCB_ECE;
  if (g->ecn != ESTAB_ECN_CE) return;
  if (!(t->bits & TCB_ECE)) t->owed |= OWED_ACK; // the first is worth an ACK of its own
  t->bits |= TCB_ECE;
}

// Sender: the ACK tells of a mark.
static inline bool ecn_is_echo(const struct tcb *t, const struct seg *g)
{
  return (g->flags & ESTAB_TCP_ECE) && (t->flags & SEG_ECN);
}
// What is done about it, once what the ACK said else is known. flight_bytes: FlightSize before it.
void ecn_on_echo(struct tcp *c, struct tcb *t, uint32_t flight_bytes, uint64_t now_ns);

#endif
