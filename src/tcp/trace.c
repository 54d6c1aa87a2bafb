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

void tcp_trace_metrics(const struct tcp *c, const struct tcb *t, uint64_t now_ns)
{
  struct estab_conn_info i = {.struct_bytes = sizeof i};
  const struct work *w = t->work;
  tcp_conn_info(c, t, &i, now_ns);
  struct estab_trace e = {
      .kind = ESTAB_TRACE_metrics_updated,
      .u.metrics_updated = {.cwnd_bytes = i.cwnd_bytes,
                            .ssthresh_bytes = i.ssthresh_bytes,
                            .flight_bytes = tcb_pipe(t),
                            .lost_bytes = w ? w->board.lost_bytes : 0,
                            .window_bytes = i.snd_wnd,
                            .queued_bytes = i.send_queued_bytes,
                            .srtt_ns = i.srtt_ns,
                            .rttvar_ns = i.rttvar_ns,
                            .rtt_min_ns = i.rtt_min_ns,
                            .rto_ns = i.rto_ns,
                            .pacing_bytes_per_s = w && work_is_paced(w) ? work_pacing_rate(w) : 0,
                            .reordering = i.reordering_seen,
                            .limited_application_ns = i.limited_application_ns,
                            .limited_cwnd_ns = i.limited_cwnd_ns,
                            .limited_peer_window_ns = i.limited_peer_window_ns,
                            .limited_send_buffer_ns = i.limited_send_buffer_ns,
                            .limited_pacing_ns = i.limited_pacing_ns},
  };
  tcp_trace(c, t, &e, now_ns);
}

void tcp_trace_lost(const struct tcp *c, struct tcb *t, uint32_t lost_bytes, const char *cause,
                    uint64_t now_ns)
{
  uint32_t seq = t->snd.una;
  if (tcb_speaks_sack(t)) {
    struct board *b = &t->work->board;
    struct board_at at = board_first_lost(b);
    if (!board_is_end(b, at)) seq = board_start_of(b, at);
  }
  struct estab_trace e = {.kind = ESTAB_TRACE_lost, .u.lost = {seq, lost_bytes, cause}};
  tcp_trace(c, t, &e, now_ns);
}

void tcp_trace_spurious(const struct tcp *c, const struct tcb *t, uint32_t seq, uint32_t bytes,
                        uint32_t segments, uint64_t now_ns)
{
  struct estab_trace e = {.kind = ESTAB_TRACE_spurious, .u.spurious = {seq, bytes, segments}};
  tcp_trace(c, t, &e, now_ns);
}
