// SPDX-License-Identifier: BSD-2-Clause
// window.c - the window we offer, RFC 9293 3.8.6.2.2. The peer's is ack.c's.
#include "base/bytes.h"
#include "tcp/tcb.h"

uint32_t window_right_edge(const struct tcb *t)
{
  return t->rcv_read + t->recv_buffer_bytes;
}

// Octets beyond RCV.NXT there is room for.
static uint32_t window_room(const struct tcb *t)
{
  uint32_t edge = window_right_edge(t);
  uint32_t most = 65535u << t->rcv_wscale; // what the field can say
  return seq_gt(edge, t->rcv.nxt) ? u32_min(edge - t->rcv.nxt, most) : 0;
}

// The smallest step by which the right edge moves: silly window avoidance of the receiver [MUST-39].
static uint32_t window_step(const struct tcb *t)
{
  return u32_min(t->recv_buffer_bytes / 2, t->rcv_mss);
}

void window_unscaled(const struct estab_settings *set, struct tcb *t)
{
  t->rcv.wnd = u32_min(t->rcv.wnd, 65535);
  if (!set->window_beyond_field || t->rcv_mss == 0) return;
  uint32_t segments = (t->recv_buffer_bytes + t->rcv_mss - 1) / t->rcv_mss;
  t->recv_buffer_bytes = u32_min(segments * t->rcv_mss, RECVQ_MAX_BYTES / 2);
}

// What the field says is all of it, unless it could not say more.
static uint32_t window_behind(const struct estab_settings *set, const struct tcb *t, uint32_t told)
{
  if (!set->window_beyond_field || told != 65535 || (t->flags & SEG_WS)) return told;
  uint32_t fin = (t->bits & TCB_FIN_TAKEN) != 0; // has a number, but takes no room
  return u32_max(told, window_right_edge(t) + fin - t->rcv.nxt);
}

// The window field of the next segment. The right edge never moves left [SHLD-14], so the field is rounded up where
// rounding down would take back what the peer was told (RFC 7323 2.4).
uint16_t window_to_advertise(const struct estab_settings *set, struct tcb *t, bool syn)
{
  uint32_t told = t->rcv.wnd;
  uint32_t offer = window_room(t);
  // Before ESTABLISHED nobody has shown that he is there: a TCB, like a record, promises no more than its SYN-ACK did.
  if (offer < told + window_step(t) || t->state == ESTAB_SYN_RECEIVED) offer = told;
  if (syn) {
    uint32_t field = u32_min(u32_max(told, u32_min(offer, 65535)), 65535);
    // What an ACK has promised since, rounded up by the scale, stays promised.
    t->rcv.wnd =
        u32_max(told, t->state == ESTAB_SYN_RECEIVED ? window_behind(set, t, field) : field);
    return (uint16_t)field;
  }
  uint32_t field = offer >> t->rcv_wscale;
  if (field > 65535) field = 65535;
  if ((field << t->rcv_wscale) < told)
    field = u32_min(65535, (told + (1u << t->rcv_wscale) - 1) >> t->rcv_wscale);
  t->rcv.wnd = window_behind(set, t, field << t->rcv_wscale);
  return (uint16_t)field;
}

// The user has read: is the edge far enough from what the peer knows to tell him unasked? Two segments, not one, as
// the ACK of every second segment tells him anyway.
void window_after_read(struct tcb *t)
{
  uint32_t room = window_room(t);
  uint32_t step = u32_min(t->recv_buffer_bytes / 2, 2u * t->rcv_mss);
  if (room >= t->rcv.wnd + step && room > t->rcv.wnd && !(t->bits & TCB_FIN_TAKEN))
    t->owed |= OWED_WINDOW;
}
