// SPDX-License-Identifier: BSD-2-Clause
// ecn.h - Explicit Congestion Notification, RFC 3168 6.1: agreed on with the SYNs, marks of the network told to the
// sender by ECE until it answers with CWR. SEG_ECN in t->flags: both sides do.
#ifndef ESTAB_TCP_ECN_H
#define ESTAB_TCP_ECN_H

#include "tcp/accecn.h"
#include "tcp/tcb.h"

#define ECN_BOTH (ESTAB_TCP_ECE | ESTAB_TCP_CWR)

static inline bool ecn_asks_classic(const struct estab_settings *set)
{
  return set->ecn == ESTAB_ECN_REQUEST || set->ecn == ESTAB_ECN_ACCURATE_ASK_CLASSIC;
}

// What our SYN says. Something on the way may drop what it does not know: a second one asks no more (6.1.1.1), nor does
// a third that would ask for Accurate ECN (RFC 9768 3.1.4.1).
static inline uint16_t ecn_of_syn(const struct estab_settings *set, const struct tcb *t)
{
  if (t->state == ESTAB_SYN_RECEIVED) {
    if (t->flags & SEG_ACCECN)
      return t->backoff <= 1 ? accecn_handshake_flags(t->accecn.bits & ACCECN_FIELD) : 0;
    return (t->flags & SEG_ECN) ? ESTAB_TCP_ECE : 0;
  }
  if (set->ecn == ESTAB_ECN_ACCURATE) return t->backoff <= 1 ? ACCECN_FLAGS : 0;
  return ecn_asks_classic(set) && t->backoff == 0 ? ECN_BOTH : 0;
}

// What the SYN or SYN-ACK that answered ours has agreed to: SEG_ECN, SEG_ACCECN or 0.
static inline uint8_t ecn_of_answer(const struct estab_settings *set, const struct tcb *t,
                                    uint16_t flags)
{
  if (!(flags & ESTAB_TCP_ACK)) { // it crossed ours, and who sent it goes by that one
    uint8_t how = accecn_of_syn(set, flags);
    return how != 0 && ecn_asks_classic(set) && (flags & ECN_BOTH) == ECN_BOTH ? SEG_ECN : how;
  }
  if (set->ecn == ESTAB_ECN_ACCURATE) return accecn_of_syn_ack(flags);
  return ecn_of_syn(set, t) == ECN_BOTH && (flags & ECN_BOTH) == ESTAB_TCP_ECE ? SEG_ECN : 0;
}

// On every segment that acknowledges, until the peer has heard (6.1.3).
static inline uint16_t ecn_echo(const struct tcb *t)
{
  return (t->bits & TCB_ECE) ? ESTAB_TCP_ECE : 0;
}

// New text may be marked; what is sent again, probes and pure ACKs may not (6.1.4 to 6.1.6).
static inline void ecn_mark_text(struct tcb *t, struct tcp_out *out)
{
  if (!(t->flags & (SEG_ECN | SEG_ACCECN)) || out->text_bytes == 0) return;
  if ((t->flags & SEG_ACCECN) && (t->accecn.bits & ACCECN_NO_ECT)) return;
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
  t->accecn.ce_received += u32_max(g->segments, 1);
  if (!(t->bits & TCB_ECE)) t->owed |= OWED_ACK; // the first is worth an ACK of its own
  t->bits |= TCB_ECE;
}

// Sender: the ACK tells of a mark.
static inline bool ecn_is_echo(const struct tcb *t, const struct seg *g)
{
  return (g->flags & ESTAB_TCP_ECE) && (t->flags & SEG_ECN);
}
// A device that cuts a super-segment leaves CWR in its first part alone: what has that flag is none.
static inline bool ecn_rides_alone(const struct tcb *t)
{
  if (!(t->bits & (TCB_CWR | TCB_ACCECN))) return false;
  return (t->bits & TCB_CWR) || (accecn_ace(t) & ESTAB_TCP_CWR);
}
// What is done about a mark, once what the ACK said else is known. flight_bytes: FlightSize before it.
void ecn_on_echo(struct tcp *c, struct tcb *t, uint32_t flight_bytes, uint64_t now_ns);

#endif
