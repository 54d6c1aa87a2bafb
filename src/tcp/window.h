// SPDX-License-Identifier: BSD-2-Clause
// window.h - the window we offer, RFC 9293 3.8.6.2.2. The peer's is ack.c's.
#ifndef ESTAB_TCP_WINDOW_H
#define ESTAB_TCP_WINDOW_H

#include "base/bytes.h"
#include "tcp/tcb.h"

// What we would like to offer, a sequence number.
static inline uint32_t window_right_edge(const struct tcb *t)
{
  return t->rcv_read + t->recv_buffer_bytes;
}

// Octets beyond RCV.NXT there is room for.
static inline uint32_t window_room(const struct tcb *t)
{
  uint32_t edge = window_right_edge(t);
  uint32_t most = 65535u << t->rcv_wscale; // what the field can say
  return seq_gt(edge, t->rcv.nxt) ? u32_min(edge - t->rcv.nxt, most) : 0;
}

// What to tell the peer: as before, or at least a step more: silly window avoidance of the receiver [MUST-39].
static inline uint32_t window_offer(const struct tcb *t)
{
  uint32_t told = t->rcv.wnd, room = window_room(t);
  uint32_t step = u32_min(t->recv_buffer_bytes / 2, t->rcv_mss);
  // Before ESTABLISHED nobody has shown that he is there: a TCB, like a record, promises no more than its SYN-ACK did.
  return room < told + step || t->state == ESTAB_SYN_RECEIVED ? told : room;
}

// What RCV.WND is when the peer was told `told`.
uint32_t window_behind_full(const struct tcb *t, uint32_t told);
static inline uint32_t window_behind(const struct estab_settings *set, const struct tcb *t,
                                     uint32_t told)
{
  return set->window_beyond_field ? window_behind_full(t, told) : told;
}

// The window field of the next segment, and writes RCV.WND down. The right edge never moves left [SHLD-14], so the
// field is rounded up where rounding down would take back what the peer was told (RFC 7323 2.4).
static inline uint16_t window_to_advertise(const struct estab_settings *set, struct tcb *t)
{
  uint32_t told_rounded_up = t->rcv.wnd + (1u << t->rcv_wscale) - 1;
  uint32_t field = u32_min(u32_max(window_offer(t), told_rounded_up) >> t->rcv_wscale, 65535);
  t->rcv.wnd = window_behind(set, t, field << t->rcv_wscale);
  return (uint16_t)field;
}
// The same of a SYN, which is never scaled.
uint16_t window_of_syn(const struct estab_settings *set, struct tcb *t);

#endif
