// SPDX-License-Identifier: BSD-2-Clause
// user.c - the user's calls, RFC 9293 3.10.2 to 3.10.6, on a full connection. OPEN is the stack's, it makes the TCB.
#include "base/bytes.h"
#include "tcp/fastopen.h"

// What a call on a connection that is over answers.
static int gone(const struct tcb *t)
{
  return t->error ? t->error : ESTAB_ERR_NO_CONNECTION;
}

// Up to the user's mark; at least a segment, so that a small mark does not make small segments.
static uint32_t room_below_mark(const struct tcb *t)
{
  uint32_t unsent = tcb_unsent(t), mark = t->notsent_lowat_bytes;
  return unsent < mark ? u32_max(mark - unsent, t->snd_mss) : 0;
}

// SEND, RFC 9293 3.10.2: octets there is room for, WOULD_BLOCK, or why not.
static inline __attribute__((always_inline)) int send_room(struct tcb *t)
{
  switch ((enum estab_state)t->state) {
  case ESTAB_CLOSED:
  case ESTAB_LISTEN:
  case ESTAB_STATES: return gone(t);
  case ESTAB_SYN_SENT: // queued until ESTABLISHED
  case ESTAB_SYN_RECEIVED:
  case ESTAB_ESTABLISHED:
  case ESTAB_CLOSE_WAIT: break;
  case ESTAB_FIN_WAIT_1:
  case ESTAB_FIN_WAIT_2:
  case ESTAB_CLOSING:
  case ESTAB_LAST_ACK:
  case ESTAB_TIME_WAIT: return ESTAB_ERR_CLOSING;
  }
  if (t->bits & TCB_CLOSE_CALLED) return ESTAB_ERR_CLOSING;
  uint32_t used = t->sendq.bytes;
  uint32_t room = used < t->send_buffer_bytes ? t->send_buffer_bytes - used : 0;
  if (t->unsent_marked) room = u32_min(room, room_below_mark(t));
  if (room == 0) {
    t->bits |= TCB_WRITE_ARMED;
    return ESTAB_ERR_WOULD_BLOCK;
  }
  return (int)u32_min(room, INT32_MAX);
}

int tcp_send_room(struct tcb *t)
{
  return send_room(t);
}

void tcp_send_room_came(const struct tcp *c, struct tcb *t)
{
  if (!(t->bits & TCB_WRITE_ARMED)) return;
  tune_send_buffer(c, t);
  if (t->sendq.bytes >= t->send_buffer_bytes) return;
  if (t->unsent_marked && tcb_unsent(t) >= (t->notsent_lowat_bytes + 1) / 2) return;
  t->bits &= ~(uint32_t)TCB_WRITE_ARMED;
  t->pending |= ESTAB_EVENT_WRITABLE;
}

// Octets were put into the send buffer: PSH belongs at their end.
static inline __attribute__((always_inline)) void send_queued(struct tcp *c, struct tcb *t,
                                                              uint64_t now_ns)
{
  if (t->work) { // as it was before this write
    transmit_account(t, now_ns);
    transmit_check_app_limited(t);
  }
  t->snd_push = tcb_queue_end(t);
  if (t->snd.wnd == 0 && (t->bits & TCB_SYN_ACKED)) retransmit_arm(c, t, now_ns);
}

void tcp_send_queued(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  send_queued(c, t, now_ns);
}

int tcp_send_call(struct tcp *c, struct tcb *t, const void *bytes, size_t n, bool urgent,
                  uint64_t now_ns)
{
  int room = send_room(t);
  if (room < 0) return room;
  if (n == 0) return 0;
  size_t take = size_min(n, (size_t)room);
  int taken = sendq_append(&t->sendq, c->blocks, bytes, take);
  if (taken <= 0) {
    t->bits |= TCB_WRITE_ARMED;
    return taken;
  }
  if ((size_t)taken < n) t->bits |= TCB_WRITE_ARMED;
  send_queued(c, t, now_ns);
  if (urgent) { // [MUST-62]: the pointer names the octet after the urgent one
    t->snd.up = tcb_queue_end(t);
    t->bits |= TCB_URGENT_OUT;
  }
  return taken;
}

// RECEIVE, RFC 9293 3.10.3: octets that can be read, 0 at the end of the stream, or why not.
int tcp_receive_ready(struct tcb *t)
{
  uint32_t readable = tcb_readable(t);
  if (readable > 0 && !(t->bits & TCB_RECV_SHUT)) return (int)u32_min(readable, INT32_MAX);
  if (t->state == ESTAB_CLOSED && t->error) return t->error;
  if (t->bits & (TCB_FIN_TAKEN | TCB_RECV_SHUT)) return 0;
  if (t->state == ESTAB_CLOSED) return gone(t);
  t->bits |= TCB_READ_ARMED;
  return ESTAB_ERR_WOULD_BLOCK;
}

static inline __attribute__((always_inline)) void receive_consume(struct tcp *c, struct tcb *t,
                                                                  size_t n)
{
  t->rcv_read += (uint32_t)n;
  bool all = tcb_readable(t) == 0;
  if (all && t->out_of_order.count == 0)
    recvq_clear(&t->recvq, c->blocks);
  else
    recvq_drop(&t->recvq, c->blocks, (uint32_t)n);
  if ((t->bits & TCB_PUSHED) && seq_le(t->rcv_push, t->rcv_read)) t->bits &= ~(uint32_t)TCB_PUSHED;
  if ((t->bits & TCB_URGENT_IN) && seq_le(t->rcv_up, t->rcv_read))
    t->bits &= ~(uint32_t)TCB_URGENT_IN;
  if (all) t->bits |= TCB_READ_ARMED;
  if (state_is_synchronized((enum estab_state)t->state)) window_after_read(t);
}

void tcp_receive_consume(struct tcp *c, struct tcb *t, size_t n)
{
  receive_consume(c, t, n);
}

int tcp_receive_call(struct tcp *c, struct tcb *t, void *bytes, size_t n)
{
  int ready = tcp_receive_ready(t);
  if (ready <= 0) return ready;
  size_t got = recvq_read(&t->recvq, 0, bytes, size_min(n, (size_t)ready));
  receive_consume(c, t, got);
  return (int)got;
}

// CLOSE, RFC 9293 3.10.4.
int tcp_close_call(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  if (t->bits & TCB_CLOSE_CALLED) return t->state == ESTAB_CLOSED ? gone(t) : ESTAB_ERR_CLOSING;
  switch ((enum estab_state)t->state) {
  case ESTAB_CLOSED:
  case ESTAB_LISTEN:
  case ESTAB_STATES: return gone(t);
  case ESTAB_SYN_SENT:
    t->bits |= TCB_CLOSE_CALLED;
    tcb_end(c, t, ESTAB_OK, ESTAB_EVENT_CLOSED, "CLOSE", now_ns);
    return ESTAB_OK;
  case ESTAB_SYN_RECEIVED:
    // DEPARTS: RFC 9293 3.10.4 (CLOSE in SYN-RECEIVED waits for ESTABLISHED) because a FIN sent before our SYN is
    // acknowledged would leave SYN-RECEIVED with the SYN still to be repeated.
    t->bits |= TCB_CLOSE_CALLED;
    return ESTAB_OK;
  case ESTAB_ESTABLISHED:
    t->bits |= TCB_CLOSE_CALLED;
    tcb_enter(c, t, ESTAB_FIN_WAIT_1, "CLOSE", now_ns);
    return ESTAB_OK;
  case ESTAB_CLOSE_WAIT: // LAST-ACK once the FIN is sent, behind all that is queued
    t->bits |= TCB_CLOSE_CALLED;
    return ESTAB_OK;
  case ESTAB_FIN_WAIT_1:
  case ESTAB_FIN_WAIT_2:
  case ESTAB_CLOSING:
  case ESTAB_LAST_ACK:
  case ESTAB_TIME_WAIT: break;
  }
  return ESTAB_ERR_CLOSING;
}

// ABORT, RFC 9293 3.10.5.
int tcp_abort_call(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  switch ((enum estab_state)t->state) {
  case ESTAB_CLOSED:
  case ESTAB_LISTEN:
  case ESTAB_STATES: return gone(t);
  case ESTAB_SYN_RECEIVED:
  case ESTAB_ESTABLISHED:
  case ESTAB_FIN_WAIT_1:
  case ESTAB_FIN_WAIT_2:
  case ESTAB_CLOSE_WAIT: t->owed |= OWED_RST; break;
  case ESTAB_SYN_SENT:
  case ESTAB_CLOSING:
  case ESTAB_LAST_ACK:
  case ESTAB_TIME_WAIT: break;
  }
  tcb_end(c, t, ESTAB_ERR_ABORTED, 0, "ABORT", now_ns);
  return ESTAB_OK;
}

// The user's handle is gone. Octets nobody will read are answered with RST, so that the peer does not believe them
// delivered [SHLD-3]; otherwise what is queued still goes out and the connection closes by itself, in bounded time.
void tcp_release_call(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  const uint32_t orphan_ms = 120000;
  t->bits |= TCB_RELEASED;
  if (t->state == ESTAB_CLOSED) return;
  if (tcb_readable(t) > 0 && t->state != ESTAB_TIME_WAIT) {
    tcp_abort_call(c, t, now_ns);
    return;
  }
  recvq_clear(&t->recvq, c->blocks);
  ranges_free(&t->out_of_order, c->mem);
  (void)tcp_close_call(c, t, now_ns); // closed already is as good
  t->user_timeout_ms = t->user_timeout_ms ? u32_min(t->user_timeout_ms, orphan_ms) : orphan_ms;
  if (t->state == ESTAB_CLOSED || t->state == ESTAB_TIME_WAIT) return;
  if (t->state == ESTAB_FIN_WAIT_2) {
    tcb_enter_fin_wait_2(c, t, now_ns);
  } else {
    t->at[TIMER_USER] =
        u64_min(t->at[TIMER_USER], now_ns + (uint64_t)t->user_timeout_ms * 1000000u);
  }
}

void tcp_shutdown_recv_call(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  t->bits |= TCB_RECV_SHUT;
  if (tcb_readable(t) > 0 && state_is_synchronized((enum estab_state)t->state) &&
      t->state != ESTAB_TIME_WAIT)
    (void)tcp_abort_call(c, t, now_ns);
}

// RFC 5927 4 and RFC 1122 4.2.3.9: an ICMP error ends an attempt, never a connection.
// DEPARTS: RFC 9293 3.9.2.2 [SHLD-26] because else anybody who guesses ports could reset connections.
void tcp_soft_error(struct tcp *c, struct tcb *t, int error, bool hard, uint64_t now_ns)
{
  bool attempt = t->state == ESTAB_SYN_SENT || t->state == ESTAB_SYN_RECEIVED;
  if (hard && (t->bits & TCB_FAST_OPEN)) fastopen_on_syn_lost(c, t, now_ns);
  if (hard && attempt && c->settings->icmp_aborts_connect) {
    tcb_end(c, t, error, ESTAB_EVENT_ABORTED, "ICMP error", now_ns);
    return;
  }
  t->soft_error = (int8_t)error;
  t->pending |= ESTAB_EVENT_SOFT_ERROR;
}
