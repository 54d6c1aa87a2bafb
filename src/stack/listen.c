// SPDX-License-Identifier: BSD-2-Clause
// listen.c - passive OPEN: listeners, their queues, and the user's verdict on a SYN.
#include "base/bytes.h"
#include "stack/stack.h"
#include <stddef.h>

void estab_listen_settings_default(struct estab_listen_settings *settings)
{
  *settings = (struct estab_listen_settings){.struct_bytes = sizeof *settings, .backlog = 128};
}

static struct listener *listener_of(struct estab_stack *s, estab_listener handle)
{
  uint32_t index = (uint32_t)handle;
  if (!slab_live(&s->listeners, index)) return NULL;
  struct listener *x = slab_at(&s->listeners, index);
  return x->generation == (uint32_t)(handle >> 32) ? x : NULL;
}

static bool same_prefix(const struct estab_listen_settings *a,
                        const struct estab_listen_settings *b)
{
  return a->prefix_bits == b->prefix_bits && listener_covers(a, &b->prefix) &&
         (a->netif == b->netif || a->netif == 0 || b->netif == 0);
}

int estab_listen(estab_stack *s, const struct estab_listen_settings *settings, estab_listener *out)
{
  if (settings->struct_bytes < sizeof *settings || settings->port_first == 0 ||
      settings->port_first > settings->port_last || settings->prefix_bits > 128)
    return ESTAB_ERR_INVALID;
  for (uint32_t i = 0, left = s->listeners.count; left > 0; i++) {
    if (!slab_live(&s->listeners, i)) continue;
    left--;
    const struct listener *x = slab_at(&s->listeners, i);
    if (same_prefix(&x->settings, settings) && x->settings.port_first <= settings->port_last &&
        settings->port_first <= x->settings.port_last)
      return ESTAB_ERR_ADDRESS_IN_USE;
  }
  uint32_t index = slab_new(&s->listeners);
  if (index == SLAB_NONE) return ESTAB_ERR_NO_MEMORY;
  struct listener *x = slab_at(&s->listeners, index);
  x->settings = *settings;
  x->generation = stack_generation(s);
  x->armed = true;
  fifo_init(&x->accept);
  *out = (uint64_t)x->generation << 32 | index;
  return ESTAB_OK;
}

// Takes the first connection out of the queue; NULL when there is none.
static struct tcb *accept_first(struct estab_stack *s, struct listener *x)
{
  uint32_t index = fifo_pop(&x->accept, &s->conns, offsetof(struct tcb, accept));
  if (index == SLAB_NONE) return NULL;
  struct tcb *t = stack_conn(s, index);
  t->bits &= ~(uint32_t)TCB_ACCEPT_QUEUED;
  t->user = 0; // its place was the queue's
  return t;
}

int estab_listener_close(estab_stack *s, estab_listener listener)
{
  struct listener *x = listener_of(s, listener);
  if (!x) return ESTAB_ERR_NO_CONNECTION;
  uint32_t index = (uint32_t)listener;
  // Nothing is sent for the half-open ones: a peer who is there learns by the RST that his next segment gets, and one
  // call must not answer a flood of forged SYNs with as many RSTs.
  half_forget(s, index);
  for (struct tcb *t; (t = accept_first(s, x)) != NULL;) {
    t->bits |= TCB_RELEASED;
    (void)tcp_abort_call(&s->tcp, t, s->now_ns);
    stack_collect(s, t);
  }
  if (x->on_events) list_remove(s, &s->events, TAG_THIRD | index);
  slab_free(&s->listeners, index);
  return ESTAB_OK;
}

int estab_accept(estab_stack *s, estab_listener listener, estab_conn *out)
{
  struct listener *x = listener_of(s, listener);
  if (!x) return ESTAB_ERR_NO_CONNECTION;
  struct tcb *t = accept_first(s, x);
  if (x->accept.count == 0) x->armed = true;
  if (!t) return ESTAB_ERR_WOULD_BLOCK;
  *out = conn_handle(t);
  if (stack_has_news(t)) stack_collect(s, t); // events that came before there was anybody to tell
  return ESTAB_OK;
}

// ---- Verdicts

static struct half *half_of(struct estab_stack *s, estab_conn syn, uint32_t *index)
{
  if (!((uint32_t)syn & HANDLE_HALF)) return NULL;
  *index = (uint32_t)syn & TAG_INDEX;
  if (!slab_live(&s->halves, *index)) return NULL;
  struct half *h = slab_at(&s->halves, *index);
  return h->generation == (uint32_t)(syn >> 32) && (h->bits & HALF_JUDGING) ? h : NULL;
}

static void stop_judging(struct estab_stack *s, struct half *h, uint32_t index)
{
  if (h->bits & HALF_ON_LIST) list_remove(s, &s->events, TAG_HALF | index);
  h->bits &= (uint8_t)~HALF_ON_LIST;
}

int estab_accept_syn(estab_stack *s, estab_conn syn)
{
  uint32_t index;
  struct half *h = half_of(s, syn, &index);
  if (!h) return ESTAB_ERR_NO_CONNECTION;
  stop_judging(s, h, index);
  fifo_remove(&s->half_wait[h->stage], &s->halves, offsetof(struct half, wait), index);
  half_start(s, h, index);
  return ESTAB_OK;
}

int estab_refuse_syn(estab_stack *s, estab_conn syn, enum estab_refusal how)
{
  uint32_t index;
  struct half *h = half_of(s, syn, &index);
  if (!h) return ESTAB_ERR_NO_CONNECTION;
  struct seg g = {.flags = ESTAB_TCP_SYN, .seq = h->seg.rcv.nxt - 1};
  if (how == ESTAB_REFUSE_RST) {
    reply_rst(s, &h->tuple, h->netif, &g);
  } else if (how == ESTAB_REFUSE_ICMP) {
    // The SYN is gone, but an error quotes only its header and ports: they are made again from the record.
    uint8_t quote[ESTAB_IP6_HEADER_BYTES + ESTAB_TCP_HEADER_BYTES];
    size_t ip_bytes = ip_header_bytes(&h->tuple.remote);
    struct estab_tcp_header tcp = {
        .src_port = h->tuple.remote_port,
        .dst_port = h->tuple.local_port,
        .seq = g.seq,
        .flags = ESTAB_TCP_SYN,
        .window = h->snd_wnd,
    };
    size_t tcp_bytes = estab_tcp_emit(&tcp, quote + ip_bytes);
    ip_emit_to(&s->ip, &h->tuple.remote, &h->tuple.local, ESTAB_PROTOCOL_TCP, tcp_bytes, 0, 64, 0,
               quote);
    struct ip_packet packet = {
        .src = h->tuple.remote,
        .dst = h->tuple.local,
        .header = quote,
        .payload = quote + ip_bytes,
        .payload_bytes = tcp_bytes,
        .netif = h->netif,
        .header_bytes = (uint16_t)ip_bytes,
        .version = ip_bytes == ESTAB_IP4_HEADER_BYTES ? 4 : 6,
        .protocol = ESTAB_PROTOCOL_TCP,
        .hop_limit = 64,
        .unicast = true,
    };
    icmp_error_set(&packet, ICMP_ERROR_PROHIBITED);
    reply_icmp_error(s, &packet);
  }
  stack_drop(s, ESTAB_DROP_TCP_REFUSED, h->netif, &h->tuple, &g);
  stop_judging(s, h, index);
  half_free(s, index, "the user refused");
  return ESTAB_OK;
}
