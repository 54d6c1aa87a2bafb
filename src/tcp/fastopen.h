// SPDX-License-Identifier: BSD-2-Clause
// fastopen.h - TCP Fast Open, RFC 7413: text in a SYN, and text before the handshake is over.
//
// TCB_FAST_OPEN in t->bits says that the handshake of this connection may differ from the usual; t->fast_open
// (enum estab_fast_open) says how it did, and stays.
//
// Active side: the first SYN asks for a cookie, or carries one and text. That text is a bet: SND.NXT does not count it.
// What the SYN-ACK acknowledges leaves the queue, all else is sent as if for the first time. In a simultaneous open,
// where no SYN-ACK tells, it counts as in flight.
// Passive side: the stack makes a full TCB in SYN-RECEIVED at once, with the text of the SYN (RFC 7413 4.2). The user's
// text leaves from there; SND.UNA stays at our SYN, and the timer repeats the SYN-ACK, until an ACK comes.
#ifndef ESTAB_TCP_FASTOPEN_H
#define ESTAB_TCP_FASTOPEN_H

#include "tcp/tcb.h"

// What a SYN or SYN-ACK of such a connection says besides: the option, and the text behind it.
void fastopen_put_syn(struct tcp *c, struct tcb *t, struct tcp_out *out, uint64_t now_ns) TCP_APART;
// The peer's SYN came in SYN-SENT: with our SYN acknowledged, or alone. Before SND.UNA moves.
void fastopen_on_syn_answer(struct tcp *c, struct tcb *t, const struct seg *g,
                            uint64_t now_ns) TCP_APART;
// Our SYN was not answered in time, or by an ICMP error: what was new in it may be why.
void fastopen_on_syn_lost(struct tcp *c, struct tcb *t, uint64_t now_ns) TCP_APART;
// Octets of text a SYN on that path to that port can carry, 0 = none: no cookie is known, or it is of no use.
uint32_t fastopen_room(const struct tcp *c, const struct cookie *k, uint16_t port, uint32_t mtu,
                       bool ip4, uint64_t now_ns);

// Passive: our SYN-ACK has left, is not acknowledged, and the user has written more.
static inline bool fastopen_text_waits(const struct tcb *t)
{
  return (t->bits & TCB_FAST_OPEN) && t->state == ESTAB_SYN_RECEIVED && (t->flags & SEG_PASSIVE) &&
         t->snd.nxt != t->iss && t->iss + 1 + t->sendq.bytes != t->snd.nxt;
}

// The SYN once more whose text RCV.NXT has passed: a record's first step knows it by RCV.NXT alone.
static inline bool fastopen_is_syn_again(const struct tcb *t, const struct seg *g)
{
  return t->state == ESTAB_SYN_RECEIVED && g->seq == tcb_irs(t) &&
         (g->flags & (ESTAB_TCP_SYN | ESTAB_TCP_ACK | ESTAB_TCP_RST)) == ESTAB_TCP_SYN;
}

#endif
