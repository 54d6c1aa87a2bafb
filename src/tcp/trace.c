// SPDX-License-Identifier: BSD-2-Clause
// trace.c - a connection's events on their way to the trace hook.
#include "tcp/tcb.h"

void tcp_trace(const struct tcp *c, const struct tcb *t, struct estab_trace *event, uint64_t now_ns)
{
  event->now_ns = now_ns;
  event->conn = (uint64_t)t->generation << 32 | t->index;
  event->tuple = &t->tuple;
  c->settings->trace.event(c->settings->trace.ctx, event);
}

void tcp_trace_sent(const struct tcp *c, const struct seg_state *t, const struct estab_tuple *tuple,
                    uint64_t conn, const struct estab_tcp_header *h, uint32_t text_bytes,
                    uint16_t segments, uint64_t now_ns)
{
  uint8_t shift = (h->flags & ESTAB_TCP_SYN) ? 0 : t->rcv_wscale;
  struct estab_trace e = {
      .kind = ESTAB_TRACE_segment_sent,
      .now_ns = now_ns,
      .conn = conn,
      .tuple = tuple,
      .u.segment_sent = {.flags = h->flags,
                         .seq = h->seq,
                         .ack = h->ack,
                         .window = (uint32_t)h->window << shift,
                         .text_bytes = text_bytes,
                         .segments = segments,
                         .urgent = h->urgent,
                         .options = &h->options,
                         .state = (enum estab_state)t->state},
  };
  c->settings->trace.event(c->settings->trace.ctx, &e);
}

void tcp_trace_congestion(const struct tcp *c, const struct tcb *t, const char *cause,
                          uint64_t now_ns)
{
  if (!tcp_tracing(c)) return;
  struct estab_trace e = {
      .kind = ESTAB_TRACE_congestion_changed,
      .u.congestion_changed = {cause, t->cc.cwnd_bytes, t->cc.ssthresh_bytes, tcb_pipe(t)},
  };
  tcp_trace(c, t, &e, now_ns);
}
