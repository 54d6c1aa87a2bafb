// SPDX-License-Identifier: BSD-2-Clause
// window.c - the window we offer, RFC 9293 3.8.6.2.2. The peer's is ack.c's.
#include "tcp/window.h"

void window_unscaled(const struct estab_settings *set, struct tcb *t)
{
  t->rcv.wnd = u32_min(t->rcv.wnd, 65535);
  if (!set->window_beyond_field || t->rcv_mss == 0) return;
  uint32_t segments = (t->recv_buffer_bytes + t->rcv_mss - 1) / t->rcv_mss;
  t->recv_buffer_bytes = u32_min(segments * t->rcv_mss, RECVQ_MAX_BYTES / 2);
}

// What the field says is all of it, unless it could not say more.
uint32_t window_behind_full(const struct tcb *t, uint32_t told)
{
  if (told != 65535 || (t->flags & SEG_WS)) return told;
  uint32_t fin = (t->bits & TCB_FIN_TAKEN) != 0; // has a number, but takes no room
  return u32_max(told, window_right_edge(t) + fin - t->rcv.nxt);
}

uint16_t window_of_syn(const struct estab_settings *set, struct tcb *t)
{
  uint32_t told = t->rcv.wnd;
  uint32_t field = u32_min(u32_max(told, u32_min(window_offer(t), 65535)), 65535);
  // What an ACK has promised since, rounded up by the scale, stays promised.
  t->rcv.wnd = u32_max(told, t->state == ESTAB_SYN_RECEIVED ? window_behind(set, t, field) : field);
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
