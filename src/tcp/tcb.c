// SPDX-License-Identifier: BSD-2-Clause
// tcb.c - a connection's birth, its changes of state and its end.
#include "base/bytes.h"
#include "tcp/uto.h"

// The shift that lets a 16-bit field express the largest buffer, RFC 7323 2.2.
uint8_t tcb_window_scale(const struct estab_settings *settings)
{
  uint8_t shift = 0;
  while (shift < 14 && (settings->recv_buffer_max_bytes >> shift) > 65535)
    shift++;
  return shift;
}

// RFC 9293 3.7.1 and RFC 6691: options are not counted.
uint16_t tcb_mss_for(const struct estab_settings *settings, const struct path *path, bool ip4)
{
  uint32_t headers = ip4 ? 40 : 60;
  uint32_t mss = path->device_mtu > headers + 1 ? path->device_mtu - headers : 1;
  if (settings->max_mss) mss = u32_min(mss, settings->max_mss);
  return (uint16_t)mss;
}

static inline uint32_t most_mtu(const struct tcp *c, const struct tcb *t, bool ip4)
{
  // The floor of ATTACKS P3: no more octets of headers than of text. IPv6's with timestamps have 72.
  uint32_t floor = c->settings->min_mss + (!ip4 && (t->flags & SEG_TS) ? 20u : 0u);
  uint32_t mss = t->peer_mss ? u32_max(t->peer_mss, floor) : (ip4 ? 536u : 1220u);
  if (c->settings->max_mss) mss = u32_min(mss, c->settings->max_mss);
  return u32_min(t->path->mtu, mss + (ip4 ? 40u : 60u));
}

uint32_t tcb_most_mtu(const struct tcp *c, const struct tcb *t)
{
  return most_mtu(c, t, tcb_is4(t));
}

// Octets of text in a full segment: the peer's MSS [MUST-14, MUST-15, MUST-16], the path's MTU, less our options.
static inline uint32_t take_mss(const struct tcp *c, struct tcb *t, bool ip4)
{
  uint32_t headers = (ip4 ? 40 : 60) + ((t->flags & SEG_TS) ? 12u : 0u);
  uint32_t mtu = most_mtu(c, t, ip4);
  if (t->plpmtu != 0 || c->settings->plpmtud == ESTAB_PLPMTUD_ALWAYS)
    mtu = plpmtud_bound(c, t, mtu);
  uint32_t mss = mtu > headers + 8 ? mtu - headers : 8;
  t->snd_mss = (uint16_t)mss;
  t->path_generation = t->path->generation;
  return mss;
}

void tcb_update_mss(const struct tcp *c, struct tcb *t)
{
  const uint32_t before = t->snd_mss, mss = take_mss(c, t, tcb_is4(t));
  if (t->cc.mss_bytes && t->cc.mss_bytes != mss) t->cc.verbs->on_mss(&t->cc, mss);
  if (mss < before && t->snd.una != t->snd.nxt && (t->bits & TCB_SYN_ACKED)) {
    // RFC 1191 6.4: what was too big is sent again at once, without touching the congestion window.
    // DEPARTS: RFC 1191 6.4 (one segment until ACKs come again) because none of it was on the way behind that router.
    retransmit_again(t);
  }
}

// All that settings decide and no segment: made once a stack, copied for each connection.
void tcb_fresh(struct tcb *t, const struct estab_settings *set)
{
  *t = (struct tcb){.listener = UINT32_MAX};
  t->send_buffer_bytes = set->send_buffer_bytes;
  t->recv_buffer_bytes = set->recv_buffer_bytes;
  t->user_timeout_ms = tcp_ms(set->user_timeout_ns);
  t->delayed_ack_ms = (uint16_t)tcp_ms(set->delayed_ack_ns);
  t->keepalive_idle_ms = tcp_ms(set->keepalive_idle_ns);
  t->keepalive_interval_ms = tcp_ms(set->keepalive_interval_ns);
  t->keepalive_count = (uint8_t)u32_min(set->keepalive_count, 255);
  t->time_wait_ms = tcp_ms(2 * set->msl_ns);
  t->hop_limit = set->hop_limit;
  t->notsent_lowat_bytes = set->notsent_lowat_bytes;
  t->unsent_marked = set->notsent_lowat_bytes != 0;
  t->bits = TCB_READ_ARMED | (set->nagle ? TCB_NAGLE : 0u);
  if (set->user_timeout_advertised_ns) t->adv_uto = uto_of_ns(set->user_timeout_advertised_ns);
  uto_owe(t);
  t->rcv_wscale = tcb_window_scale(set);
  t->rcv.wnd = u32_min(t->recv_buffer_bytes, 65535);
  rtt_init(&t->rtt, set->rto_initial_ns);
  t->cc.verbs = cc_by_number(set->congestion_control);
  t->cc.slow_start_segments = set->slow_start_segments;
  for (unsigned i = 0; i < TIMERS; i++)
    t->at[i] = ESTAB_NEVER;
}

// Ours of a SYN that is to leave; the peer's numbers come with its own.
static inline void begin_active(const struct tcp *c, struct tcb *t, const struct tcb_seed *seed)
{
  t->snd.una = t->snd.nxt = seed->iss;
  t->rcv.nxt = t->last_ack_sent = 1;
  if (c->settings->timestamps) t->ts_offset = isn_ts_offset(c, seed->tuple);
  if (!c->settings->window_scaling) t->rcv_wscale = 0;
}

void tcb_init(const struct tcp *c, struct tcb *t, const struct tcb_seed *seed, struct path *path,
              uint64_t now_ns)
{
  t->tuple = *seed->tuple;
  t->netif = (uint16_t)seed->netif;
  t->path = path;
  t->peer_mss = seed->peer_mss;
  if (seed->agreed)
    t->seg = *seed->agreed;
  else
    begin_active(c, t, seed);
  const uint32_t iss = t->snd.una, next = t->rcv.nxt;
  t->iss = t->rtx_nxt = t->recover = iss;
  t->snd_push = t->snd.up = iss + 1;
  t->snd.wnd = t->snd.max_wnd;
  t->snd.wl1 = next - 1;
  t->rcv_read = t->rcv_push = t->rcv_up = t->tune_seq = next;
  t->tune_at = (uint32_t)(now_ns >> TUNE_SHIFT);
  const bool ip4 = tcb_is4(t);
  t->rcv_mss = tcb_mss_for(c->settings, path, ip4);
  take_mss(c, t, ip4);
  t->last_recv_ns = t->last_send_ns = now_ns;
}

void tcb_free_buffers(struct tcp *c, struct tcb *t)
{
  sendq_clear(&t->sendq, c->blocks);
  recvq_clear(&t->recvq, c->blocks);
  ranges_free(&t->out_of_order, c->mem);
  if (t->work) work_give(c, t, t->last_send_ns);
}

static void stop_timers(struct tcb *t)
{
  for (unsigned i = 0; i < TIMERS; i++)
    t->at[i] = ESTAB_NEVER;
}

void tcb_trace_enter(const struct tcp *c, const struct tcb *t, enum estab_state from,
                     const char *cause, uint64_t now_ns)
{
  struct estab_trace e = {.kind = ESTAB_TRACE_state_changed,
                          .u.state_changed = {from, (enum estab_state)t->state, cause}};
  tcp_trace(c, t, &e, now_ns);
}

void tcb_enter_established(struct tcb *t, uint64_t now_ns)
{
  if (!(t->flags & SEG_PASSIVE)) t->pending |= ESTAB_EVENT_CONNECTED;
  if (t->bits & TCB_WRITE_ARMED) {
    t->bits &= ~(uint32_t)TCB_WRITE_ARMED;
    t->pending |= ESTAB_EVENT_WRITABLE;
  }
  t->last_recv_ns = now_ns;
  if (t->keepalive_idle_ms)
    t->at[TIMER_KEEPALIVE] = now_ns + (uint64_t)t->keepalive_idle_ms * 1000000u;
}

void tcb_enter_time_wait(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  stop_timers(t);
  sendq_clear(&t->sendq, c->blocks);
  if (t->work) work_give(c, t, now_ns);
  t->pending |= ESTAB_EVENT_CLOSED;
  t->at[TIMER_LIFE] = now_ns + (uint64_t)t->time_wait_ms * 1000000u;
}

void tcb_enter_fin_wait_2(const struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  if (c->settings->fin_wait_2_timeout_ns)
    t->at[TIMER_LIFE] = u64_sum(now_ns, c->settings->fin_wait_2_timeout_ns);
}

void tcb_end(struct tcp *c, struct tcb *t, int error, uint32_t event, const char *cause,
             uint64_t now_ns)
{
  tcb_enter(c, t, ESTAB_CLOSED, cause, now_ns);
  if (error) t->error = (int8_t)error;
  t->pending |= event;
  t->owed &= OWED_RST;
  stop_timers(t);
  sendq_clear(&t->sendq, c->blocks);
  if (t->work) work_give(c, t, now_ns);
  ranges_free(&t->out_of_order, c->mem);
  // What was received in order before an orderly end can still be read; after RST or ABORT it is flushed.
  if (error || (t->bits & TCB_RELEASED)) {
    recvq_clear(&t->recvq, c->blocks);
    t->rcv_read = t->rcv.nxt - ((t->bits & TCB_FIN_TAKEN) ? 1u : 0u);
  }
}
