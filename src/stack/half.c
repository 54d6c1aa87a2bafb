// SPDX-License-Identifier: BSD-2-Clause
// half.c - half-open connections: a SYN to a listener becomes a small record, an ACK makes a connection of it.
#include "base/bytes.h"
#include "stack/stack.h"
#include "tcp/accecn.h"
#include "tcp/uto.h"
#include <stddef.h>
#define HALF_WAIT offsetof(struct half, wait)

// ---- Deadlines in milliseconds modulo 2^32, rounded up: records live far less than 49 days.

uint32_t ms_after(uint64_t now_ns, uint64_t wait_ns)
{
  return (uint32_t)((now_ns + wait_ns + 999999u) / 1000000u);
}

uint64_t deadline_of_ms(uint64_t now_ns, uint32_t ms)
{
  uint64_t now_ms = now_ns / 1000000u;
  int32_t left = (int32_t)(ms - (uint32_t)now_ms);
  return left <= 0 ? now_ns : (now_ms + (uint32_t)left) * 1000000u;
}

// ---- Listeners

bool listener_covers(const struct estab_listen_settings *set, const struct estab_ip *local)
{
  return set->prefix_bits == 0 || ip_prefix_match(&set->prefix, local, set->prefix_bits);
}

uint32_t listener_find(const struct estab_stack *s, const struct estab_tuple *tuple, uint32_t netif)
{
  uint32_t best = SLAB_NONE;
  const struct estab_listen_settings *best_set = NULL;
  for (uint32_t i = 0, left = s->listeners.count; left > 0; i++) {
    if (!slab_live(&s->listeners, i)) continue;
    left--;
    const struct listener *x = slab_at(&s->listeners, i);
    const struct estab_listen_settings *set = &x->settings;
    if (tuple->local_port < set->port_first || tuple->local_port > set->port_last) continue;
    if (set->netif && netif && set->netif != netif) continue;
    if (set->prefix_bits && !listener_covers(set, &tuple->local)) continue;
    unsigned bits = set->prefix_bits;
    // The most specific wins: longer prefix, then the narrower port range.
    if (best_set &&
        (bits < best_set->prefix_bits ||
         (bits == best_set->prefix_bits &&
          set->port_last - set->port_first >= best_set->port_last - best_set->port_first)))
      continue;
    best = i;
    best_set = set;
  }
  return best;
}

// ---- Stages: after each SYN-ACK twice as long, half_open_timeout_ns in all

static uint64_t stage_wait(const struct estab_settings *set, unsigned stage)
{
  if (stage == HALF_STAGE_JUDGING) return set->half_open_timeout_ns;
  uint64_t before = (set->rto_initial_ns << stage) - set->rto_initial_ns;
  uint64_t wait = set->rto_initial_ns << stage;
  uint64_t left = set->half_open_timeout_ns > before ? set->half_open_timeout_ns - before : 0;
  return u64_min(wait, left);
}

static void enter_stage(struct estab_stack *s, struct half *h, uint32_t index, unsigned stage)
{
  h->stage = (uint8_t)stage;
  h->deadline_ms = ms_after(s->now_ns, stage_wait(&s->settings, stage));
  fifo_push_link(&s->half_wait[stage], &s->halves, HALF_WAIT, index, &h->wait);
}

static void owe_syn_ack(struct estab_stack *s, struct half *h, uint32_t index)
{
  if (h->bits & (HALF_ON_LIST | HALF_JUDGING)) return;
  h->bits |= HALF_ON_LIST;
  list_push(s, &s->ready, TAG_HALF | index, &h->list);
}

// Out of everything but the flow table.
static inline void half_leave(struct estab_stack *s, struct half *h, uint32_t index)
{
  fifo_remove_link(&s->half_wait[h->stage], &s->halves, HALF_WAIT, &h->wait);
  if (h->bits & HALF_ON_LIST)
    list_remove(s, (h->bits & HALF_JUDGING) ? &s->events : &s->ready, TAG_HALF | index);
  s->state_counts[ESTAB_SYN_RECEIVED]--;
}

void half_free(struct estab_stack *s, uint32_t index, const char *cause)
{
  struct half *h = slab_at(&s->halves, index);
  stack_trace_state(s, &h->tuple, 0, ESTAB_SYN_RECEIVED, ESTAB_CLOSED, cause);
  demux_remove(s, TAG_HALF | index, &h->tuple, &h->hash_next);
  half_leave(s, h, index);
  if (h->timewait != SLAB_NONE) timewait_restore(s, h->timewait);
  slab_free(&s->halves, index);
}

static inline void half_take_options(struct estab_stack *s, struct half *h, const struct seg *g)
{
  const struct estab_settings *set = &s->settings;
  const struct estab_tcp_options *o = g->options;
  h->seg.flags = SEG_PASSIVE;
  h->peer_mss = (o->present & ESTAB_TCP_OPT_MSS) ? o->mss : 0;
  if (set->timestamps && (o->present & ESTAB_TCP_OPT_TS)) {
    h->seg.flags |= SEG_TS;
    h->seg.ts_recent = o->ts_value;
    h->seg.ts_recent_s = (uint32_t)(s->now_ns / 1000000000u);
    h->seg.ts_offset = isn_ts_offset(&s->tcp, &h->tuple);
  }
  if (set->sack && (o->present & ESTAB_TCP_OPT_SACK_PERMITTED)) h->seg.flags |= SEG_SACK;
  h->seg.flags |= accecn_of_syn(set, g->flags);
  h->bits |= (uint8_t)(g->ecn << HALF_ECN_SHIFT & HALF_ECN_FIELD);
  if (set->window_scaling && (o->present & ESTAB_TCP_OPT_WSCALE)) {
    h->seg.flags |= SEG_WS;
    h->seg.snd_wscale = o->wscale;
    h->seg.rcv_wscale = s->fresh.rcv_wscale;
  }
}

void half_start(struct estab_stack *s, struct half *h, uint32_t index)
{
  h->bits &= (uint8_t)~HALF_JUDGING;
  h->born_us = (uint32_t)(s->now_ns / 1000u);
  enter_stage(s, h, index, 0);
  owe_syn_ack(s, h, index);
}

bool half_open(struct estab_stack *s, uint32_t listener, const struct estab_tuple *tuple,
               uint32_t netif, struct seg *g, uint32_t wait)
{
  struct listener *x = slab_at(&s->listeners, listener);
  uint32_t index;
  struct half *h = NULL;
  enum estab_drop why = ESTAB_DROP_TCP_BACKLOG_FULL;
  if (s->halves.count < s->settings.max_half_open && x->accept.count < x->settings.backlog) {
    why = ESTAB_DROP_TCP_NO_MEMORY;
    h = slab_new_at(&s->halves, &index);
  }
  if (!h) {
    stack_drop(s, why, netif, tuple, g);
    return false;
  }
  h->tuple = *tuple;
  h->netif = (uint16_t)netif;
  h->listener = listener;
  h->generation = stack_generation(s);
  half_take_options(s, h, g);
  h->seg.state = ESTAB_SYN_RECEIVED;
  h->seg.rcv.nxt = h->seg.last_ack_sent = g->seq + 1;
  h->seg.rcv.wnd = u32_min(s->settings.recv_buffer_bytes, 65535);
  const uint64_t hash = demux_hash(s, tuple);
  uint32_t iss = isn_generate(hash, s->now_ns);
  h->timewait = wait;
  if (wait != SLAB_NONE) { // RFC 9293 3.6.1, RFC 6191 2: above everything the old connection used
    const struct timewait *w = slab_at(&s->waits, wait);
    if (seq_le(iss, w->seg.snd.nxt)) iss = w->seg.snd.nxt + 1 + (iss & 0xffffu);
    timewait_replace(s, wait, index);
  }
  h->seg.snd.una = h->seg.snd.nxt = iss;
  h->seg.snd.max_wnd = g->wnd;
  h->snd_wnd = (uint16_t)g->wnd;
  if (demux_add(s, TAG_HALF | index, &h->tuple, hash, &h->hash_next) < 0) {
    if (wait != SLAB_NONE) timewait_restore(s, wait);
    slab_free(&s->halves, index);
    stack_drop(s, ESTAB_DROP_TCP_NO_MEMORY, netif, tuple, g);
    return false;
  }
  s->state_counts[ESTAB_SYN_RECEIVED]++;
  stack_trace_state(s, tuple, 0, ESTAB_LISTEN, ESTAB_SYN_RECEIVED, "SYN");
  if (x->settings.syn_events) {
    h->bits |= HALF_JUDGING | HALF_ON_LIST;
    enter_stage(s, h, index, HALF_STAGE_JUDGING);
    list_push(s, &s->events, TAG_HALF | index, &h->list);
  } else {
    half_start(s, h, index);
    if (x->settings.fast_open && (g->options->present & ESTAB_TCP_OPT_TFO))
      fast_listen_syn(s, index, g);
  }
  return true;
}

// How the SYN came, and the counters' option. What does not come through may be the option, then the flags: each
// repetition says less (RFC 9768 3.2.3.2.2).
static void half_syn_ack_accecn(const struct estab_settings *set, struct half *h,
                                struct estab_tcp_header *out)
{
  if (h->stage > 1) {
    h->bits |= HALF_ECN_NO_ECT;
    return;
  }
  out->flags |= accecn_handshake_flags((uint32_t)(h->bits & HALF_ECN_FIELD) >> HALF_ECN_SHIFT);
  if (h->stage == 0 && !(h->bits & HALF_ECN_AGAIN) && set->ecn_option)
    accecn_put_first(&out->options);
}

// The peer's SYN once more.
static void half_syn_again(struct half *h, const struct seg *g)
{
  h->bits = (uint8_t)((h->bits & ~HALF_ECN_FIELD) | (g->ecn << HALF_ECN_SHIFT & HALF_ECN_FIELD));
  h->bits |= (g->flags & ACCECN_FLAGS) ? HALF_ECN_AGAIN : HALF_ECN_NO_ECT;
}

// The SYN-ACK on an interface of that MTU; sending it counts SND.NXT up.
void half_syn_ack(struct estab_stack *s, struct half *h, uint32_t mtu, struct estab_tcp_header *out)
{
  out->src_port = h->tuple.local_port;
  out->dst_port = h->tuple.remote_port;
  out->seq = h->seg.snd.una;
  out->ack = h->seg.rcv.nxt;
  out->flags = ESTAB_TCP_SYN | ESTAB_TCP_ACK;
  if (h->seg.flags & SEG_ECN) out->flags |= ESTAB_TCP_ECE;
  out->window = (uint16_t)u32_min(h->seg.rcv.wnd, 65535);
  out->urgent = 0;
  struct estab_tcp_options *o = &out->options;
  uint32_t headers = ip_is_mapped(&h->tuple.remote) ? 40 : 60;
  uint32_t mss = mtu > headers ? mtu - headers : 1;
  if (s->settings.max_mss) mss = u32_min(mss, s->settings.max_mss);
  o->present = s->settings.mss_option ? ESTAB_TCP_OPT_MSS : 0;
  o->mss = (uint16_t)mss;
  if (h->seg.flags & SEG_WS) {
    o->present |= ESTAB_TCP_OPT_WSCALE;
    o->wscale = h->seg.rcv_wscale;
  }
  if (h->seg.flags & SEG_SACK) o->present |= ESTAB_TCP_OPT_SACK_PERMITTED;
  if (h->seg.flags & SEG_TS) {
    o->present |= ESTAB_TCP_OPT_TS;
    o->ts_value = tcp_ts_now(h->seg.ts_offset, s->now_ns);
    o->ts_echo = h->seg.ts_recent;
  }
  if (s->settings.user_timeout_advertised_ns) {
    o->present |= ESTAB_TCP_OPT_UTO;
    o->user_timeout = uto_of_ns(s->settings.user_timeout_advertised_ns);
  }
  if ((h->bits & HALF_COOKIE) && h->stage == 0) { // RFC 7413 4.2.2: not with a later one
    o->present |= ESTAB_TCP_OPT_TFO;
    if (h->bits & HALF_COOKIE_EXP) o->present |= ESTAB_TCP_OPT_TFO_EXP;
    o->tfo_bytes = COOKIE_BYTES;
    cookies_make(&s->tcp.cookies, &h->tuple.local, &h->tuple.remote, s->now_ns, o->tfo_cookie);
  }
  if (h->seg.flags & SEG_ACCECN) half_syn_ack_accecn(&s->settings, h, out);
  h->seg.snd.nxt = h->seg.snd.una + 1;
}

// A full connection in SYN-RECEIVED takes the record's place and waits to be accepted. x: its listener. NULL: no
// memory, no change.
struct tcb *half_grow(struct estab_stack *s, struct half *h, uint32_t index, struct listener *x)
{
  struct tcb_seed seed = {
      .tuple = &h->tuple,
      .agreed = &h->seg, // what was promised, and the limiter, go on
      .netif = h->netif,
      .peer_mss = h->peer_mss,
  };
  struct path *path = ip_path_get(&s->ip, &h->tuple.local, &h->tuple.remote, h->netif, s->now_ns);
  struct tcb *t = path ? stack_conn_of_half(s, &seed, path, index) : NULL;
  if (!t) {
    if (path) ip_path_put(&s->ip, path);
    return NULL;
  }
  if (h->timewait != SLAB_NONE) timewait_free(s, h->timewait, "a new connection of the same tuple");
  if (t->flags & SEG_ACCECN) {
    t->bits |= TCB_ACCECN;
    t->accecn.bits |= (uint8_t)((h->bits & HALF_ECN_FIELD) >> HALF_ECN_SHIFT);
  }
  if (h->bits & HALF_ECN_NO_ECT) t->accecn.bits |= ACCECN_NO_ECT;
  t->listener = h->listener;
  t->syn_index = index | HANDLE_HALF;
  t->generation = h->generation; // goes on too: both handles have it
  if (h->stage == 0) {
    t->bits |= TCB_RTT_TIMED;
    t->rtt_seq = t->iss;
    t->rtt_start_ns = s->now_ns - (uint64_t)((uint32_t)(s->now_ns / 1000u) - h->born_us) * 1000u;
  } else {
    t->backoff = h->stage; // the SYN-ACK was sent again: RFC 6298 5.7, RFC 5681 3.1
  }
  half_leave(s, h, index);
  slab_free(&s->halves, index);
  s->passive_opens++;
  t->bits |= TCB_ACCEPT_QUEUED;
  fifo_push_link(&x->accept, &s->conns, offsetof(struct tcb, accept), t->index, &t->accept);
  if (x->armed && !x->on_events) {
    x->on_events = true;
    list_push(s, &s->events, TAG_THIRD | t->listener, &x->event);
  }
  return t;
}

void half_forget(struct estab_stack *s, uint32_t listener)
{
  for (unsigned stage = 0; stage < HALF_STAGES; stage++)
    for (uint32_t next, index = s->half_wait[stage].head; index != SLAB_NONE; index = next) {
      const struct half *h = slab_at(&s->halves, index);
      next = h->wait.next;
      if (h->listener == listener) half_free(s, index, "the listener was closed");
    }
}

// The record's ACK came and was judged: a full connection takes over, and the segment's effects are its own.
static void half_promote(struct estab_stack *s, struct half *h, uint32_t index, struct seg *g)
{
  struct listener *x = slab_at(&s->listeners, h->listener);
  if (x->accept.count >=
      x->settings.backlog) { // kept half-open: the peer's next segment tries again
    stack_drop(s, ESTAB_DROP_TCP_BACKLOG_FULL, h->netif, &h->tuple, g);
    return;
  }
  struct tcb *t = half_grow(s, h, index, x);
  if (!t) {
    stack_drop(s, ESTAB_DROP_TCP_NO_MEMORY, h->netif, &h->tuple, g);
    return;
  }
  struct verdict v = tcp_segment_takes_effect(&s->tcp, t, g, s->now_ns);
  if (v.drop) stack_drop(s, (enum estab_drop)v.drop, t->netif, &t->tuple, g);
  stack_collect(s, t);
}

void half_segment_arrives(struct estab_stack *s, uint32_t index, struct seg *g)
{
  struct half *h = slab_at(&s->halves, index);
  const uint16_t flags = g->flags;
  const uint32_t text_bytes = g->text_bytes;
  struct verdict v = judge_segment(&s->settings, &h->seg, g, s->now_ns);
  if (!v.stop) {
    half_promote(s, h, index, g);
    return;
  }
  uint32_t netif = h->netif;
  struct estab_tuple tuple = h->tuple;
  if (v.reply == REPLY_SYN_ACK) {
    if (accecn_conflicts(&s->settings, h->seg.flags, g->flags))
      v = verdict_stop(ESTAB_DROP_TCP_ECN_CONFLICT, REPLY_RST, EFFECT_TO_LISTEN);
    else if (h->seg.flags & SEG_ACCECN)
      half_syn_again(h, g);
  }
  seg_untrim(g, flags, text_bytes);
  switch ((enum reply)v.reply) {
  case REPLY_NONE: break;
  case REPLY_SYN_ACK: owe_syn_ack(s, h, index); break;
  case REPLY_RST: reply_rst(s, &tuple, netif, g); break;
  case REPLY_ACK:
    if (h->bits & HALF_JUDGING) break; // nothing of ours is out yet
    reply_ack(s, &h->seg, &tuple, netif);
    break;
  }
  if (v.drop) stack_drop(s, (enum estab_drop)v.drop, netif, &tuple, g);
  if (v.effect != EFFECT_NONE) half_free(s, index, "back to LISTEN");
}

void half_timeouts(struct estab_stack *s)
{
  if (s->halves.count == 0) return;
  for (unsigned stage = 0; stage < HALF_STAGES; stage++) {
    struct fifo *f = &s->half_wait[stage];
    while (f->head != SLAB_NONE) {
      uint32_t index = f->head;
      struct half *h = slab_at(&s->halves, index);
      if (deadline_of_ms(s->now_ns, h->deadline_ms) > s->now_ns) break;
      if (stage >= HALF_RETRANSMISSIONS || stage_wait(&s->settings, stage + 1) == 0) {
        half_free(s, index, "the SYN-ACK was not acknowledged");
        continue;
      }
      fifo_remove_link(f, &s->halves, HALF_WAIT, &h->wait);
      enter_stage(s, h, index, stage + 1);
      s->tcp.retransmissions++;
      owe_syn_ack(s, h, index);
    }
  }
}

uint64_t half_deadline(const struct estab_stack *s)
{
  uint64_t first = ESTAB_NEVER;
  for (unsigned stage = 0; stage < HALF_STAGES; stage++) {
    if (s->half_wait[stage].head == SLAB_NONE) continue;
    const struct half *h = slab_at(&s->halves, s->half_wait[stage].head);
    first = u64_min(first, deadline_of_ms(s->now_ns, h->deadline_ms));
  }
  return first;
}
