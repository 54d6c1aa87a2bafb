// SPDX-License-Identifier: BSD-2-Clause
// fast_listen.c - Fast Open of listeners, RFC 7413 4.2, 5.1: whose text is taken with his SYN, how many may wait.
#include "base/bytes.h"
#include "stack/stack.h"

// RFC 7413 5.1: connections that wait for their handshake, and for a while those that an RST ended: whoever sends SYNs
// from addresses that are not his lets their owners answer with one, and must not have his place back by that.
static uint32_t fast_listen_count(const struct estab_stack *s, struct listener *x)
{
  const uint32_t minute = (uint32_t)(s->now_ns / UINT64_C(60000000000));
  if (minute != x->fast_minute) {
    x->fast_resets_before = minute == x->fast_minute + 1 ? x->fast_resets : 0;
    x->fast_resets = 0;
    x->fast_minute = minute;
  }
  return x->fast_pending + x->fast_resets + x->fast_resets_before;
}

static struct listener *fast_listener_of(struct estab_stack *s, const struct tcb *t)
{
  if (t->listener == SLAB_NONE || !slab_live(&s->listeners, t->listener)) return NULL;
  struct listener *x = slab_at(&s->listeners, t->listener);
  return (uint8_t)x->generation == t->listener_mark && x->fast_pending > 0 ? x : NULL;
}

// The SYN's text is there to read before the SYN-ACK leaves.
static void fast_listen_take(struct estab_stack *s, struct tcb *t, struct listener *x,
                             const struct seg *syn)
{
  struct seg g = *syn;
  t->bits &= ~(uint32_t)TCB_RTT_TIMED; // from when the SYN-ACK leaves
  t->bits |= TCB_FAST_OPEN;
  t->fast_open |= ESTAB_FAST_OPEN_ASKED | ESTAB_FAST_OPEN_COOKIE;
  t->listener_mark = (uint8_t)x->generation;
  t->owed |= OWED_SYN;
  if (s->settings.half_open_timeout_ns)
    t->at[TIMER_USER] = u64_sum(s->now_ns, s->settings.half_open_timeout_ns);
  t->cc.verbs->start(&t->cc, t->snd_mss,
                     cc_initial_window(t->snd_mss, s->settings.initial_window_segments));
  x->fast_pending++;
  if (g.text_bytes == 0) return;
  t->fast_open |= ESTAB_FAST_OPEN_TEXT;
  t->syn_text_bytes = (uint16_t)u32_min(g.text_bytes, 65535);
  g.flags &= (uint16_t) ~(ESTAB_TCP_SYN | ESTAB_TCP_URG);
  g.seq++;
  if (g.text_bytes > t->rcv.wnd) {
    g.text_bytes = t->rcv.wnd;
    g.flags &= (uint16_t)~ESTAB_TCP_FIN;
  }
  const uint32_t bytes = g.text_bytes;
  enum estab_drop why = seventh_text(&s->tcp, t, &g, s->now_ns);
  if (why) stack_drop(s, why, t->netif, &t->tuple, &g);
  if (tcb_readable(t) != bytes) return;
  t->fast_open |= ESTAB_FAST_OPEN_TAKEN;
  s->fast_opens_passive++;
}

void fast_listen_syn(struct estab_stack *s, uint32_t index, const struct seg *g)
{
  struct half *h = slab_at(&s->halves, index);
  struct listener *x = slab_at(&s->listeners, h->listener);
  const struct estab_tcp_options *o = g->options;
  h->bits |= HALF_COOKIE;
  if (o->present & ESTAB_TCP_OPT_TFO_EXP) h->bits |= HALF_COOKIE_EXP;
  if (o->tfo_bytes == 0) return; // it asks for one, 4.2.1
  enum cookie_verdict v = cookies_check(&s->tcp.cookies, &h->tuple.local, &h->tuple.remote,
                                        o->tfo_cookie, o->tfo_bytes, s->now_ns);
  if (v == COOKIE_BAD) {
    s->fast_open_bad_cookies++;
    if (g->text_bytes) stack_drop(s, ESTAB_DROP_TCP_FAST_OPEN_COOKIE, h->netif, &h->tuple, g);
    return;
  }
  // With a cookie the SYN-ACK is no refusal, 4.1.3.1: the peer goes on to try.
  if (fast_listen_count(s, x) >= x->settings.fast_open || h->timewait != SLAB_NONE) {
    if (g->text_bytes) stack_drop(s, ESTAB_DROP_TCP_FAST_OPEN_FULL, h->netif, &h->tuple, g);
    return;
  }
  struct tcb *t = half_grow(s, h, index, x);
  if (!t) return; // no memory: the usual way needs less
  if (v == COOKIE_OF_OLD_KEY) t->fast_open |= ESTAB_FAST_OPEN_LEARNED;
  if (o->present & ESTAB_TCP_OPT_TFO_EXP) t->fast_open |= ESTAB_FAST_OPEN_EXPERIMENTAL;
  fast_listen_take(s, t, x, g);
  stack_collect(s, t);
}

void fast_listen_look(struct estab_stack *s, struct tcb *t)
{
  if (t->state == ESTAB_SYN_SENT || t->state == ESTAB_SYN_RECEIVED) return;
  t->bits &= ~(uint32_t)TCB_FAST_OPEN;
  struct listener *x = (t->flags & SEG_PASSIVE) ? fast_listener_of(s, t) : NULL;
  if (!x) return;
  x->fast_pending--;
  if (t->state != ESTAB_CLOSED || t->error != ESTAB_ERR_RESET) return;
  (void)fast_listen_count(s, x);
  x->fast_resets++;
}
