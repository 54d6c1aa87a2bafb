// SPDX-License-Identifier: BSD-2-Clause
// calls.c - the user's calls on a connection: find it, hand the call to tcp, collect what it changed.
#include "base/bytes.h"
#include "stack/stack.h"

// Octets were queued: it has more to send, and the timer of a closed window may run.
static void collect_queued(struct estab_stack *s, struct tcb *t)
{
  if (stack_wants_output(t)) stack_ready(s, t);
  if (t->snd.wnd == 0 || stack_has_news(t)) stack_settle(s, t);
}

int estab_send(estab_stack *s, estab_conn conn, const void *bytes, size_t n)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  int r = tcp_send_call(&s->tcp, t, bytes, n, false, s->now_ns);
  collect_queued(s, t);
  return r;
}

int estab_send_urgent(estab_stack *s, estab_conn conn, const void *bytes, size_t n)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  int r = tcp_send_call(&s->tcp, t, bytes, n, true, s->now_ns);
  stack_collect(s, t);
  return r;
}

int estab_send_reserve(estab_stack *s, estab_conn conn, void **room, size_t *room_bytes)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  int most = tcp_send_room(t);
  if (most < 0) return most;
  uint8_t *at;
  int r = sendq_reserve(&t->sendq, &s->blocks, &at, room_bytes);
  if (r < 0) return r;
  *room = at;
  *room_bytes = size_min(*room_bytes, (size_t)most);
  return ESTAB_OK;
}

int estab_send_commit(estab_stack *s, estab_conn conn, size_t n)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  int room = tcp_send_room(t);
  if (room < 0) return room;
  if (n > (size_t)room) return ESTAB_ERR_INVALID;
  int r = sendq_commit(&t->sendq, n);
  if (r < 0) return r;
  if (n > 0) tcp_send_queued(&s->tcp, t, s->now_ns);
  stack_collect(s, t);
  return (int)n;
}

int estab_send_ref(estab_stack *s, estab_conn conn, const void *bytes, size_t n, uint64_t cookie)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  int room = tcp_send_room(t);
  if (room < 0) return room;
  if (n == 0) return ESTAB_ERR_INVALID;
  if (n > t->send_buffer_bytes) return ESTAB_ERR_TOO_BIG;
  if (n > t->send_buffer_bytes - t->sendq.bytes) { // whole: below the mark it may go beyond it
    t->bits |= TCB_WRITE_ARMED;
    return ESTAB_ERR_WOULD_BLOCK;
  }
  struct block *b = block_new_external(&s->blocks, bytes, conn, cookie);
  if (!b) return ESTAB_ERR_NO_MEMORY;
  int r = sendq_append_ref(&t->sendq, &s->blocks, b, n);
  if (r < 0) {
    block_free_external(&s->blocks, b);
    return r;
  }
  tcp_send_queued(&s->tcp, t, s->now_ns);
  stack_collect(s, t);
  return (int)n;
}

int estab_recv(estab_stack *s, estab_conn conn, void *bytes, size_t n)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  int r = tcp_receive_call(&s->tcp, t, bytes, n);
  if (r > 0 && stack_wants_output(t)) stack_ready(s, t); // a window to tell of, nothing else
  return r;
}

int estab_recv_peek(estab_stack *s, estab_conn conn, struct estab_piece *pieces, unsigned *count)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  unsigned most = *count;
  *count = 0;
  int ready = tcp_receive_ready(t);
  if (ready <= 0) return ready;
  return (int)recvq_pieces(&t->recvq, 0, (uint32_t)ready, pieces, most, count);
}

int estab_recv_consume(estab_stack *s, estab_conn conn, size_t n)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  int ready = tcp_receive_ready(t);
  if (n > (ready > 0 ? (size_t)ready : 0)) return ESTAB_ERR_INVALID;
  if (n > 0) tcp_receive_consume(&s->tcp, t, n);
  if (stack_wants_output(t)) stack_ready(s, t); // as in estab_recv()
  return (int)n;
}

int estab_recv_marks(estab_stack *s, estab_conn conn, struct estab_recv_marks *marks)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  *marks = (struct estab_recv_marks){.readable_bytes = tcb_readable(t)};
  if (t->bits & TCB_PUSHED)
    marks->pushed_bytes = u32_min(t->rcv_push - t->rcv_read, marks->readable_bytes);
  if (t->bits & TCB_URGENT_IN) {
    uint32_t to_mark = t->rcv_up - t->rcv_read;
    if (to_mark <= marks->readable_bytes)
      marks->urgent_bytes = to_mark;
    else
      marks->urgent_ahead = true;
  }
  return ESTAB_OK;
}

int estab_close(estab_stack *s, estab_conn conn)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  int r = tcp_close_call(&s->tcp, t, s->now_ns);
  stack_collect(s, t);
  return r;
}

int estab_shutdown_recv(estab_stack *s, estab_conn conn)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  tcp_shutdown_recv_call(&s->tcp, t, s->now_ns);
  stack_collect(s, t);
  return ESTAB_OK;
}

int estab_abort(estab_stack *s, estab_conn conn)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  int r = tcp_abort_call(&s->tcp, t, s->now_ns);
  stack_collect(s, t);
  return r;
}

int estab_release(estab_stack *s, estab_conn conn)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  tcp_release_call(&s->tcp, t, s->now_ns);
  stack_forget_told(s, t);
  stack_collect(s, t);
  return ESTAB_OK;
}

int estab_status(estab_stack *s, estab_conn conn)
{
  struct tcb *t = stack_find(s, conn);
  return t ? (int)t->state : ESTAB_ERR_NO_CONNECTION;
}

int estab_conn_set_user(estab_stack *s, estab_conn conn, uint64_t user)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  t->user = user;
  return ESTAB_OK;
}

// What a SYN that waits for its verdict can tell.
static int half_info(struct estab_stack *s, estab_conn conn, struct estab_conn_info *info)
{
  uint32_t index = (uint32_t)conn & TAG_INDEX;
  if (!((uint32_t)conn & HANDLE_HALF) || !slab_live(&s->halves, index))
    return ESTAB_ERR_NO_CONNECTION;
  const struct half *h = slab_at(&s->halves, index);
  if (h->generation != (uint32_t)(conn >> 32)) return ESTAB_ERR_NO_CONNECTION;
  *info = (struct estab_conn_info){
      .struct_bytes = sizeof *info,
      .tuple = h->tuple,
      .state = ESTAB_SYN_RECEIVED,
      .syn = conn,
      .netif = h->netif,
      .passive = true,
      .timestamps = (h->seg.flags & SEG_TS) != 0,
      .window_scaling = (h->seg.flags & SEG_WS) != 0,
      .sack = (h->seg.flags & SEG_SACK) != 0,
      .snd_wscale = h->seg.snd_wscale,
      .rcv_wscale = h->seg.rcv_wscale,
      .iss = h->seg.snd.una,
      .irs = h->seg.rcv.nxt - 1,
      .snd_una = h->seg.snd.una,
      .snd_nxt = h->seg.snd.nxt,
      .snd_wnd = h->snd_wnd,
      .rcv_nxt = h->seg.rcv.nxt,
      .rcv_wnd = h->seg.rcv.wnd,
  };
  return ESTAB_OK;
}

int estab_conn_info(estab_stack *s, estab_conn conn, struct estab_conn_info *info)
{
  if (info->struct_bytes < sizeof *info) return ESTAB_ERR_INVALID;
  struct tcb *t = stack_find(s, conn);
  if (!t) return half_info(s, conn, info);
  tcp_conn_info(&s->tcp, t, info, s->now_ns);
  return ESTAB_OK;
}

int estab_option_set(estab_stack *s, estab_conn conn, enum estab_option option, uint64_t value)
{
  struct tcb *t = stack_find(s, conn);
  if (!t) return ESTAB_ERR_NO_CONNECTION;
  int r = tcp_option_set(&s->tcp, t, option, value, s->now_ns);
  stack_collect(s, t);
  return r;
}

int estab_option_get(estab_stack *s, estab_conn conn, enum estab_option option, uint64_t *value)
{
  struct tcb *t = stack_find(s, conn);
  return t ? tcp_option_get(&s->tcp, t, option, value) : ESTAB_ERR_NO_CONNECTION;
}
