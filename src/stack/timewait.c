// SPDX-License-Identifier: BSD-2-Clause
// timewait.c - TIME-WAIT as a small record: stands guard over a tuple for 2 x MSL, RFC 9293 3.6.1.
//
// wait_lists[0] has the records whose deadlines come in the order of their arrival: nearly all of them. Any other (a
// connection with a TIME-WAIT of its own, or one that the user held for a while) is put by its deadline: in
// wait_lists[1 + i] are those whose highest bit that differs from wait_base_ms is bit i. They all are looked at when
// that bit of the clock changes, and are then due or move to a lower list: a wheel with two slots to a level.
#include "base/bytes.h"
#include "stack/stack.h"
#include <stddef.h>

#define WAIT_LINK offsetof(struct timewait, wait)

static bool is_before(uint32_t a_ms, uint32_t b_ms)
{
  return (int32_t)(a_ms - b_ms) < 0;
}

static uint32_t timewait_now_ms(const struct estab_stack *s)
{
  return (uint32_t)(s->now_ns / 1000000u);
}

static inline void timewait_put(struct estab_stack *s, struct timewait *w, uint32_t index,
                                unsigned list)
{
  w->list = (uint8_t)list;
  fifo_push_link(&s->wait_lists[list], &s->waits, WAIT_LINK, index, &w->wait);
  if (list) s->wait_levels |= 1u << (list - 1);
}

static inline void timewait_take_out(struct estab_stack *s, struct timewait *w)
{
  struct fifo *list = &s->wait_lists[w->list];
  fifo_remove_link(list, &s->waits, WAIT_LINK, &w->wait);
  if (w->list && list->head == SLAB_NONE) s->wait_levels &= ~(1u << (w->list - 1));
}

// By its deadline.
static void timewait_put_unusual(struct estab_stack *s, struct timewait *w, uint32_t index)
{
  if (!s->wait_levels) s->wait_base_ms = timewait_now_ms(s);
  uint32_t differ = (w->deadline_ms ^ s->wait_base_ms) | 1;
  timewait_put(s, w, index, 1 + 31 - (unsigned)__builtin_clz(differ));
}

// place: as in the record.
static void timewait_enqueue(struct estab_stack *s, struct timewait *w, uint32_t index,
                             uint32_t life_ms, uint32_t place)
{
  uint32_t tail = s->wait_lists[0].tail;
  const struct timewait *last = tail == SLAB_NONE ? NULL : slab_at(&s->waits, tail);
  if (!last) s->wait_usual_ms = s->fresh.time_wait_ms;
  if (life_ms == s->wait_usual_ms && !(last && is_before(w->deadline_ms, last->deadline_ms))) {
    w->place = place;
    timewait_put(s, w, index, 0);
  } else {
    w->life_ms = life_ms;
    timewait_put_unusual(s, w, index);
  }
}

static void timewait_leave_table(struct estab_stack *s, struct timewait *w, uint32_t index)
{
  if (w->list == 0)
    demux_remove_at(s, TAG_THIRD | index, w->place, w->hash_next);
  else
    demux_remove(s, TAG_THIRD | index, &w->tuple, &w->hash_next);
}

// When the lowest of the lists by deadline is looked at; wait_levels is not 0.
static uint32_t timewait_look_ms(const struct estab_stack *s)
{
  unsigned bit = (unsigned)__builtin_ctz(s->wait_levels);
  return ((s->wait_base_ms >> bit) + 1) << bit;
}

// Out of every table; the record itself is the caller's.
static struct timewait *timewait_leave(struct estab_stack *s, uint32_t index, const char *cause)
{
  struct timewait *w = slab_at(&s->waits, index);
  stack_trace_state(s, &w->tuple, 0, ESTAB_TIME_WAIT, ESTAB_CLOSED, cause);
  if (w->seg.flags & SEG_REPLACED) {
    struct half *h = slab_at(&s->halves, w->hash_next - 1);
    h->timewait = SLAB_NONE;
  } else {
    timewait_leave_table(s, w, index);
  }
  timewait_take_out(s, w);
  s->state_counts[ESTAB_TIME_WAIT]--;
  return w;
}

void timewait_free(struct estab_stack *s, uint32_t index, const char *cause)
{
  timewait_leave(s, index, cause);
  slab_free(&s->waits, index);
}

void timewait_replace(struct estab_stack *s, uint32_t index, uint32_t half)
{
  struct timewait *w = slab_at(&s->waits, index);
  timewait_leave_table(s, w, index);
  w->seg.flags |= SEG_REPLACED;
  w->hash_next = half + 1;
}

void timewait_restore(struct estab_stack *s, uint32_t index)
{
  struct timewait *w = slab_at(&s->waits, index);
  w->seg.flags &= (uint8_t)~SEG_REPLACED;
  demux_add(s, TAG_THIRD | index, &w->tuple, demux_hash(s, &w->tuple),
            &w->hash_next); // the half-open record has left: the table has room
}

// The one that goes when there is no room: the next to go anyway, or nearly.
uint32_t timewait_oldest(const struct estab_stack *s)
{
  if (s->wait_lists[0].head != SLAB_NONE || !s->wait_levels) return s->wait_lists[0].head;
  return s->wait_lists[1 + __builtin_ctz(s->wait_levels)].head;
}

// A record, all zero or to be written over, and its index; NULL: no room.
static struct timewait *timewait_take(struct estab_stack *s, uint32_t *index)
{
  uint32_t oldest = timewait_oldest(s);
  if (s->settings.max_time_wait == 0) return NULL;
  const char *cause = "cap on TIME-WAIT: oldest out";
  if (s->waits.count < s->settings.max_time_wait) {
    struct timewait *w = slab_new_at(&s->waits, index);
    if (w || oldest == SLAB_NONE) return w;
    cause = "no memory: oldest out";
  }
  *index = oldest;
  return timewait_leave(s, oldest, cause);
}

// The record takes the connection's place in the flow table, which needs no memory. SLAB_NONE: no room.
static uint32_t timewait_of_conn(struct estab_stack *s, struct tcb *t)
{
  uint32_t index;
  struct timewait *w = timewait_take(s, &index);
  if (!w) return SLAB_NONE;
  w->seg = t->seg;
  w->tuple = t->tuple;
  w->netif = (uint16_t)t->netif;
  w->hash_next = t->hash_next;
  uint64_t left_ns = t->at[TIMER_LIFE] > s->now_ns ? t->at[TIMER_LIFE] - s->now_ns : 0;
  w->deadline_ms = ms_after(s->now_ns, left_ns);
  const uint32_t place = demux_replace_placed(s, TAG_FULL | t->index, &w->tuple, TAG_THIRD | index);
  t->bits &= ~(uint32_t)TCB_IN_TABLE;
  timewait_enqueue(s, w, index, t->time_wait_ms, place);
  s->state_counts[ESTAB_TIME_WAIT]++;
  return index;
}

// The user has released it and nothing is owed: the record takes the connection's place, and its deadline.
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

// The peer's FIN once more: our last ACK was lost, 2 x MSL begins anew.
static void timewait_restart(struct estab_stack *s, struct timewait *w, uint32_t index)
{
  const uint32_t life_ms = timewait_life_ms(s, w);
  const uint32_t place = w->list == 0 ? w->place : demux_place_new(s, &w->tuple);
  timewait_take_out(s, w);
  w->deadline_ms = ms_after(s->now_ns, (uint64_t)life_ms * 1000000u);
  timewait_enqueue(s, w, index, life_ms, place);
}

void timewait_segment_arrives(struct estab_stack *s, uint32_t index, struct seg *g)
{
  struct timewait *w = slab_at(&s->waits, index);
  struct estab_tuple tuple = w->tuple;
  uint32_t netif = w->netif;
  if (time_wait_syn_is_new(&w->seg, g)) {
    uint32_t listener = listener_find(s, &tuple, netif);
    if (listener != SLAB_NONE) {
      (void)half_open(s, listener, &tuple, netif, g, index);
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
  if (v.reply == REPLY_ACK) reply_ack(s, &w->seg, &tuple, netif);
  if (v.reply == REPLY_RST) reply_rst(s, &tuple, netif, &as_came);
  if (v.drop) stack_drop(s, (enum estab_drop)v.drop, netif, &tuple, &as_came);
  if (v.effect == EFFECT_RESET) timewait_free(s, index, "RST");
}

static bool timewait_is_due(const struct estab_stack *s, uint32_t index)
{
  const struct timewait *w = slab_at(&s->waits, index);
  return deadline_of_ms(s->now_ns, w->deadline_ms) <= s->now_ns;
}

void timewait_timeouts(struct estab_stack *s)
{
  const char *over = "2 x MSL is over";
  for (uint32_t head; (head = s->wait_lists[0].head) != SLAB_NONE && timewait_is_due(s, head);)
    timewait_free(s, head, over);
  while (s->wait_levels && !is_before(timewait_now_ms(s), timewait_look_ms(s))) {
    unsigned list = 1 + (unsigned)__builtin_ctz(s->wait_levels);
    s->wait_base_ms = timewait_look_ms(s);
    struct fifo due = s->wait_lists[list];
    fifo_init(&s->wait_lists[list]);
    s->wait_levels &= ~(1u << (list - 1));
    for (uint32_t index = due.head; index != SLAB_NONE;) {
      uint32_t next = fifo_next(&s->waits, WAIT_LINK, index);
      timewait_put_unusual(s, slab_at(&s->waits, index), index);
      if (timewait_is_due(s, index)) timewait_free(s, index, over);
      index = next;
    }
  }
}

uint64_t timewait_deadline(const struct estab_stack *s)
{
  uint64_t first = ESTAB_NEVER;
  if (s->wait_lists[0].head != SLAB_NONE) {
    const struct timewait *w = slab_at(&s->waits, s->wait_lists[0].head);
    first = deadline_of_ms(s->now_ns, w->deadline_ms);
  }
  if (s->wait_levels) first = u64_min(first, deadline_of_ms(s->now_ns, timewait_look_ms(s)));
  return first;
}
