// SPDX-License-Identifier: BSD-2-Clause
// option.c - what the user may change and ask of one connection; STATUS, RFC 9293 3.10.6.
#include "base/bytes.h"
#include "tcp/uto.h"

static void set_bit(struct tcb *t, uint32_t bit, bool on)
{
  t->bits = on ? t->bits | bit : t->bits & ~bit;
}

static void set_user_timeout(struct tcb *t, uint64_t ns, uint64_t now_ns)
{
  t->user_timeout_ms = tcp_ms(ns);
  t->uto_fixed = true;
  if (tcb_life_runs(t) || (t->at[TIMER_USER] == ESTAB_NEVER && t->snd.una == t->snd.nxt)) return;
  t->at[TIMER_USER] = ns ? u64_sum(now_ns, ns) : ESTAB_NEVER;
}

static void set_keepalive(struct tcb *t, uint64_t ns)
{
  t->keepalive_idle_ms = tcp_ms(ns);
  t->keepalive_probes = 0;
  bool on = ns && state_is_synchronized((enum estab_state)t->state) && t->state != ESTAB_TIME_WAIT;
  t->at[TIMER_KEEPALIVE] = on ? u64_sum(t->last_recv_ns, ns) : ESTAB_NEVER;
}

static int set_recv_buffer(struct tcp *c, struct tcb *t, uint64_t value)
{
  if (value < 1 || value > RECVQ_MAX_BYTES / 2) return ESTAB_ERR_INVALID;
  t->recv_buffer_bytes = (uint32_t)u64_min(value, c->settings->recv_buffer_max_bytes);
  t->bits |= TCB_RECV_FIXED;
  if (t->snd.nxt == t->iss)
    t->rcv.wnd = u32_min(t->recv_buffer_bytes, 65535); // nothing was promised yet
  window_after_read(t);
  return ESTAB_OK;
}

// The windows stay; what the old controller kept beside them is gone.
static int set_congestion_control(struct tcb *t, const struct cc_verbs *verbs, uint64_t now_ns)
{
  if (!verbs) return ESTAB_ERR_UNSUPPORTED;
  if (t->cc.verbs == verbs) return ESTAB_OK;
  t->cc.verbs = verbs;
  t->cc.acked_bytes = 0;
  if (!t->work) return ESTAB_OK;
  t->work->cwv = (struct cwv){0};
  cc_wake(&t->cc, &t->work->cc, now_ns);
  return ESTAB_OK;
}

int tcp_option_set(struct tcp *c, struct tcb *t, enum estab_option option, uint64_t value,
                   uint64_t now_ns)
{
  switch (option) {
  case ESTAB_OPT_NAGLE: set_bit(t, TCB_NAGLE, value != 0); return ESTAB_OK;
  case ESTAB_OPT_CORK: set_bit(t, TCB_CORK, value != 0); return ESTAB_OK;
  case ESTAB_OPT_DELAYED_ACK_NS:
    if (value > UINT64_C(500000000)) return ESTAB_ERR_INVALID; // [MUST-40]: less than half a second
    t->delayed_ack_ms = (uint16_t)tcp_ms(value);
    return ESTAB_OK;
  case ESTAB_OPT_KEEPALIVE_IDLE_NS: set_keepalive(t, value); return ESTAB_OK;
  case ESTAB_OPT_KEEPALIVE_INTERVAL_NS: t->keepalive_interval_ms = tcp_ms(value); return ESTAB_OK;
  case ESTAB_OPT_KEEPALIVE_COUNT:
    if (value < 1 || value > 255) return ESTAB_ERR_INVALID;
    t->keepalive_count = (uint8_t)value;
    return ESTAB_OK;
  case ESTAB_OPT_USER_TIMEOUT_NS: set_user_timeout(t, value, now_ns); return ESTAB_OK;
  case ESTAB_OPT_SEND_BUFFER_BYTES:
    if (value < 1 || value > SENDQ_MAX_BYTES) return ESTAB_ERR_INVALID;
    t->send_buffer_bytes = (uint32_t)value;
    t->bits |= TCB_SEND_FIXED;
    return ESTAB_OK;
  case ESTAB_OPT_RECV_BUFFER_BYTES: return set_recv_buffer(c, t, value);
  case ESTAB_OPT_TIME_WAIT_NS:
    if (value > TCB_TIME_WAIT_MAX_NS) return ESTAB_ERR_INVALID;
    t->time_wait_ms = tcp_ms(value);
    return ESTAB_OK;
  case ESTAB_OPT_HOP_LIMIT:
    if (value < 1 || value > 255) return ESTAB_ERR_INVALID;
    t->hop_limit = (uint8_t)value;
    return ESTAB_OK;
  case ESTAB_OPT_TRAFFIC_CLASS:
    if (value > 255 || (value & 3)) return ESTAB_ERR_INVALID; // the low two bits are ECN's
    t->traffic_class = (uint8_t)value;
    return ESTAB_OK;
  case ESTAB_OPT_CONGESTION_CONTROL:
    return set_congestion_control(t, cc_own_find(c->own_ccs, value), now_ns);
  case ESTAB_OPT_USER_TIMEOUT_ADVERTISED_NS: uto_advertise(c, t, value); return ESTAB_OK;
  case ESTAB_OPT_USER_TIMEOUT_CHANGEABLE:
    t->uto_fixed = value == 0;
    uto_adopt(c, t);
    return ESTAB_OK;
  case ESTAB_OPT_NOTSENT_LOWAT_BYTES:
    if (value > UINT32_MAX) return ESTAB_ERR_INVALID;
    t->notsent_lowat_bytes = (uint32_t)value;
    t->unsent_marked = value != 0;
    tcp_send_room_came(c, t);
    return ESTAB_OK;
  case ESTAB_OPTIONS: break;
  }
  return ESTAB_ERR_INVALID;
}

int tcp_option_get(const struct tcp *c, const struct tcb *t, enum estab_option option,
                   uint64_t *value)
{
  switch (option) {
  case ESTAB_OPT_NAGLE: *value = (t->bits & TCB_NAGLE) != 0; return ESTAB_OK;
  case ESTAB_OPT_CORK: *value = (t->bits & TCB_CORK) != 0; return ESTAB_OK;
  case ESTAB_OPT_DELAYED_ACK_NS: *value = (uint64_t)t->delayed_ack_ms * 1000000u; return ESTAB_OK;
  case ESTAB_OPT_KEEPALIVE_IDLE_NS:
    *value = (uint64_t)t->keepalive_idle_ms * 1000000u;
    return ESTAB_OK;
  case ESTAB_OPT_KEEPALIVE_INTERVAL_NS:
    *value = (uint64_t)t->keepalive_interval_ms * 1000000u;
    return ESTAB_OK;
  case ESTAB_OPT_KEEPALIVE_COUNT: *value = t->keepalive_count; return ESTAB_OK;
  case ESTAB_OPT_USER_TIMEOUT_NS: *value = (uint64_t)t->user_timeout_ms * 1000000u; return ESTAB_OK;
  case ESTAB_OPT_SEND_BUFFER_BYTES: *value = t->send_buffer_bytes; return ESTAB_OK;
  case ESTAB_OPT_RECV_BUFFER_BYTES: *value = t->recv_buffer_bytes; return ESTAB_OK;
  case ESTAB_OPT_TIME_WAIT_NS: *value = (uint64_t)t->time_wait_ms * 1000000u; return ESTAB_OK;
  case ESTAB_OPT_HOP_LIMIT: *value = t->hop_limit; return ESTAB_OK;
  case ESTAB_OPT_TRAFFIC_CLASS: *value = t->traffic_class; return ESTAB_OK;
  case ESTAB_OPT_CONGESTION_CONTROL:
    *value = cc_own_number(c->own_ccs, t->cc.verbs);
    return ESTAB_OK;
  case ESTAB_OPT_USER_TIMEOUT_ADVERTISED_NS: *value = uto_ns(t->adv_uto); return ESTAB_OK;
  case ESTAB_OPT_USER_TIMEOUT_CHANGEABLE: *value = !t->uto_fixed; return ESTAB_OK;
  case ESTAB_OPT_NOTSENT_LOWAT_BYTES: *value = t->notsent_lowat_bytes; return ESTAB_OK;
  case ESTAB_OPTIONS: break;
  }
  return ESTAB_ERR_INVALID;
}

static uint64_t limited_ns(const struct tcb *t, enum limit limit, uint64_t now_ns)
{
  uint64_t ns = (uint64_t)t->limited_ms[limit] * 1000000u;
  if (!t->work) return ns;
  const struct limits *l = &t->work->limits;
  ns += l->ns[limit];
  return now_ns > l->since_ns && transmit_limit(t) == limit ? ns + now_ns - l->since_ns : ns;
}

void tcp_conn_info(const struct tcp *c, const struct tcb *t, struct estab_conn_info *info,
                   uint64_t now_ns)
{
  *info = (struct estab_conn_info){
      .struct_bytes = sizeof *info,
      .tuple = t->tuple,
      .state = (enum estab_state)t->state,
      .error = t->error,
      .syn = t->syn_index ? (uint64_t)t->generation << 32 | t->syn_index : 0,
      .netif = t->netif,
      .passive = (t->flags & SEG_PASSIVE) != 0,
      .timestamps = (t->flags & SEG_TS) != 0,
      .window_scaling = (t->flags & SEG_WS) != 0,
      .ecn = (t->flags & (SEG_ECN | SEG_ACCECN)) != 0,
      .ecn_accurate = (t->flags & SEG_ACCECN) != 0,
      .ce_received_segments = t->accecn.ce_received,
      .ce_reported_segments = t->accecn.ce_reported,
      .ce_reported_bytes = accecn_get24(t->accecn.reported[ACCECN_CEB]),
      .ect0_reported_bytes = accecn_get24(t->accecn.reported[ACCECN_E0B]),
      .fast_open = t->fast_open,
      .syn_text_bytes = t->syn_text_bytes,
      .sack = (t->flags & SEG_SACK) != 0,
      .snd_wscale = t->snd_wscale,
      .rcv_wscale = t->rcv_wscale,
      .snd_mss = t->snd_mss,
      .rcv_mss = t->rcv_mss,
      .path_mtu = t->plpmtu && t->plpmtu < t->path->mtu ? t->plpmtu : t->path->mtu,
      .mtu_search = t->mtu_search,
      .mtu_probes_sent = t->mtu_probes_sent,
      .mtu_probes_lost = t->mtu_probes_lost,
      .iss = t->iss,
      .irs = t->state == ESTAB_SYN_SENT ? 0 : tcb_irs(t),
      .snd_una = t->snd.una,
      .snd_nxt = t->snd.nxt,
      .snd_wnd = t->snd.wnd,
      .rcv_nxt = t->rcv.nxt,
      .rcv_wnd = t->rcv.wnd,
      .cwnd_bytes = t->cc.cwnd_bytes,
      .ssthresh_bytes = t->cc.ssthresh_bytes,
      .flight_bytes = tcb_flight(t),
      .send_queued_bytes = t->sendq.bytes,
      .not_sent_bytes = tcb_unsent(t),
      .recv_queued_bytes = tcb_readable(t),
      .out_of_order_bytes = ranges_bytes(&t->out_of_order),
      .srtt_ns = t->rtt.srtt_ns,
      .rttvar_ns = t->rtt.rttvar_ns,
      .rtt_min_ns = t->rtt.min_ns,
      .rto_ns = rtt_backed_off(&t->rtt, t->backoff, c->settings->rto_max_ns),
      .retransmit_count = t->backoff,
      .duplicate_acks = t->duplicate_acks_seen,
      .bytes_sent = t->bytes_sent,
      .bytes_acked = t->bytes_acked,
      .bytes_received = t->bytes_received,
      .bytes_retransmitted = t->bytes_retransmitted,
      .segments_sent = t->segments_sent,
      .segments_received = t->segments_received,
      .segments_retransmitted = t->segments_retransmitted,
      .last_send_ns = t->last_send_ns,
      .last_recv_ns = t->last_recv_ns,
      .segments_spurious = t->segments_spurious,
      .user_timeout_ns = (uint64_t)t->user_timeout_ms * 1000000u,
      .peer_user_timeout_ns = uto_ns(t->peer_uto),
      .reordering_seen = t->work ? t->work->rack.reordering_seen : t->reordering_seen,
      .limited_application_ns = limited_ns(t, LIMIT_APPLICATION, now_ns),
      .limited_cwnd_ns = limited_ns(t, LIMIT_CWND, now_ns),
      .limited_peer_window_ns = limited_ns(t, LIMIT_PEER_WINDOW, now_ns),
      .limited_send_buffer_ns = limited_ns(t, LIMIT_SEND_BUFFER, now_ns),
      .limited_pacing_ns = limited_ns(t, LIMIT_PACING, now_ns),
  };
  if (t->state == ESTAB_TIME_WAIT && t->at[TIMER_LIFE] > now_ns)
    info->time_wait_left_ns = t->at[TIMER_LIFE] - now_ns;
}
