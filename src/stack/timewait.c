// SPDX-License-Identifier: BSD-2-Clause
// timewait.c - TIME-WAIT as a small record: stands guard over a tuple for 2 x MSL, RFC 9293 3.6.1.
#include "base/bytes.h"
#include "stack/stack.h"
#include <stddef.h>

#define WAIT_LINK offsetof(struct timewait, wait)

// Out of every table; the record itself is the caller's.
static void timewait_leave(struct estab_stack *s, uint32_t index, const char *cause)
{
  struct timewait *w = slab_at(&s->waits, index);
  stack_trace_state(s, &w->tuple, 0, ESTAB_TIME_WAIT, ESTAB_CLOSED, cause);
  if (w->seg.flags & SEG_REPLACED) {
    struct half *h = slab_at(&s->halves, w->hash_next - 1);
    h->timewait = SLAB_NONE;
  } else {
    demux_remove(s, TAG_THIRD | index);
  }
  fifo_remove(&s->wait_list, &s->waits, WAIT_LINK, index);
  s->state_counts[ESTAB_TIME_WAIT]--;
}

void timewait_free(struct estab_stack *s, uint32_t index, const char *cause)
{
  timewait_leave(s, index, cause);
  slab_free(&s->waits, index);
}

void timewait_replace(struct estab_stack *s, uint32_t index, uint32_t half)
{
  struct timewait *w = slab_at(&s->waits, index);
  demux_remove(s, TAG_THIRD | index);
  w->seg.flags |= SEG_REPLACED;
  w->hash_next = half + 1;
}

void timewait_restore(struct estab_stack *s, uint32_t index)
{
  struct timewait *w = slab_at(&s->waits, index);
  w->seg.flags &= (uint8_t)~SEG_REPLACED;
  demux_add(s, TAG_THIRD | index); // the half-open record has left: the table has room
}

// A record's index, contents undefined; SLAB_NONE: no room.
static uint32_t timewait_take(struct estab_stack *s)
{
  uint32_t oldest = s->wait_list.head;
  if (s->settings.max_time_wait == 0) return SLAB_NONE;
  if (s->waits.count < s->settings.max_time_wait) {
    uint32_t index = slab_new(&s->waits);
    if (index != SLAB_NONE || oldest == SLAB_NONE) return index;
    timewait_leave(s, oldest, "no memory: oldest out");
  } else {
    timewait_leave(s, oldest, "cap on TIME-WAIT: oldest out");
  }
  return oldest;
}

// The record takes the connection's place in the flow table, which needs no memory. SLAB_NONE: no room.
static uint32_t timewait_of_conn(struct estab_stack *s, struct tcb *t)
{
  uint32_t index = timewait_take(s);
  if (index == SLAB_NONE) return SLAB_NONE;
  struct timewait *w = slab_at(&s->waits, index);
  w->seg = t->seg;
  w->tuple = t->tuple;
  w->netif = t->netif;
  w->life_ms = t->time_wait_ms;
  uint64_t left_ns = t->at[TIMER_LIFE] > s->now_ns ? t->at[TIMER_LIFE] - s->now_ns : 0;
  w->deadline_ms = ms_after(s->now_ns, left_ns);
  demux_replace(s, TAG_FULL | t->index, TAG_THIRD | index);
  t->bits &= ~(uint32_t)TCB_IN_TABLE;
  fifo_push(&s->wait_list, &s->waits, WAIT_LINK, index);
  s->state_counts[ESTAB_TIME_WAIT]++;
  return index;
}

// The user has released it and nothing is owed: the record takes the connection's place, and its deadline. Records are
// kept in the order of their coming, which is that of their going as long as all wait equally long; one with a
// TIME-WAIT of its own (an option) may stand behind a longer one and then goes with it.
void timewait_from_conn(struct estab_stack *s, struct tcb *t)
{
  if (timewait_of_conn(s, t) == SLAB_NONE)
    stack_trace_state(s, &t->tuple, conn_handle(t), ESTAB_TIME_WAIT, ESTAB_CLOSED,
                      "no room for TIME-WAIT");
  stack_conn_free(s, t);
}

// A SYN asks for the tuple while the user still holds the old connection's handle: a record stands guard from now
// on, and what the user holds is CLOSED, with what came still to be read. SLAB_NONE: no room, nothing changed.
uint32_t timewait_detach(struct estab_stack *s, struct tcb *t)
{
  uint32_t index = timewait_of_conn(s, t);
  if (index == SLAB_NONE) return SLAB_NONE;
  tcb_end(&s->tcp, t, ESTAB_OK, 0, "its tuple is asked for again", s->now_ns);
  stack_collect(s, t);
  return index;
}

static void timewait_ack(struct estab_stack *s, const struct timewait *w)
{
  uint32_t window = u32_min(w->seg.rcv.wnd >> w->seg.rcv_wscale, 65535);
  reply_ack(s, &w->seg, &w->tuple, w->netif, (uint16_t)window);
}

// The peer's FIN once more: our last ACK was lost, 2 x MSL begins anew.
static void timewait_restart(struct estab_stack *s, struct timewait *w, uint32_t index)
{
  w->deadline_ms = ms_after(s->now_ns, (uint64_t)w->life_ms * 1000000u);
  fifo_remove(&s->wait_list, &s->waits, WAIT_LINK, index);
  fifo_push(&s->wait_list, &s->waits, WAIT_LINK, index);
}

void timewait_segment_arrives(struct estab_stack *s, uint32_t index, struct seg *g)
{
  struct timewait *w = slab_at(&s->waits, index);
  struct estab_tuple tuple = w->tuple;
  uint32_t netif = w->netif;
  if (time_wait_syn_is_new(&w->seg, g)) {
    uint32_t listener = listener_find(s, &tuple, netif);
    if (listener != SLAB_NONE) {
      half_open(s, listener, &tuple, netif, g, index);
      return;
    }
  }
  const struct seg as_came = *g;
  struct verdict v = judge_segment(&s->settings, &w->seg, g, s->now_ns);
  if (!v.stop && seg_len(g) > 0) // text after the peer's FIN: answered, never delivered
    v = verdict_stop(ESTAB_DROP_TCP_TEXT_AFTER_FIN, REPLY_ACK, EFFECT_NONE);
  if ((as_came.flags & ESTAB_TCP_FIN) && !(as_came.flags & (ESTAB_TCP_RST | ESTAB_TCP_SYN)) &&
      as_came.seq + seg_len(&as_came) == w->seg.rcv.nxt &&
      (v.reply == REPLY_ACK || v.drop == ESTAB_DROP_TCP_SEQUENCE))
    timewait_restart(s, w, index);
  if (v.reply == REPLY_ACK) timewait_ack(s, w);
  if (v.reply == REPLY_RST) reply_rst(s, &tuple, netif, &as_came);
  if (v.drop) stack_drop(s, (enum estab_drop)v.drop, netif, &tuple, &as_came);
  if (v.effect == EFFECT_RESET) timewait_free(s, index, "RST");
}

void timewait_timeouts(struct estab_stack *s)
{
  while (s->wait_list.head != SLAB_NONE) {
    const struct timewait *w = slab_at(&s->waits, s->wait_list.head);
    if (deadline_of_ms(s->now_ns, w->deadline_ms) > s->now_ns) return;
    timewait_free(s, s->wait_list.head, "2 x MSL is over");
  }
}

uint64_t timewait_deadline(const struct estab_stack *s)
{
  if (s->wait_list.head == SLAB_NONE) return ESTAB_NEVER;
  const struct timewait *w = slab_at(&s->waits, s->wait_list.head);
  return deadline_of_ms(s->now_ns, w->deadline_ms);
}
