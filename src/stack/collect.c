// SPDX-License-Identifier: BSD-2-Clause
// collect.c - after every change of a connection: its events, its place on the ready list, its timer, its end.
#include "stack/stack.h"
#include <stddef.h>

// ---- Lists of tagged indices

struct fifo_link *list_link(struct estab_stack *s, const struct list *l, uint32_t tagged)
{
  uint32_t index = tagged & TAG_INDEX;
  if ((tagged & TAG_KIND) == TAG_FULL) { // nearly always
    struct tcb *t = slab_at(&s->conns, index);
    return l == &s->events ? &t->event : &t->ready;
  }
  if ((tagged & TAG_KIND) == TAG_HALF) {
    struct half *h = slab_at(&s->halves, index);
    return &h->list;
  }
  struct listener *x = slab_at(&s->listeners, index);
  return &x->event;
}

// The end of list_push() where there are others.
void list_push_behind(struct estab_stack *s, struct list *l, uint32_t tagged)
{
  list_link(s, l, l->tail)->next = tagged;
  l->tail = tagged;
}

// When something on a list is freed before its turn.
void list_remove(struct estab_stack *s, struct list *l, uint32_t tagged)
{
  struct fifo_link link = *list_link(s, l, tagged);
  uint32_t before = tagged == l->head ? 0 : link.prev;
  if (before)
    list_link(s, l, before)->next = link.next;
  else
    l->head = link.next;
  if (link.next)
    list_link(s, l, link.next)->prev = before;
  else
    l->tail = before;
}

// ---- Birth and end

// In no table.
static inline struct tcb *conn_begin(struct estab_stack *s, const struct tcb_seed *seed,
                                     struct path *path)
{
  if (s->conns.count >= s->settings.max_connections) return NULL;
  uint32_t index;
  struct tcb *t = slab_new_like(&s->conns, s->fresh_place, &index);
  if (!t) return NULL;
  t->index = index;
  t->generation = stack_generation(s);
  t->bits |= TCB_IN_TABLE; // in a moment
  tcb_init(&s->tcp, t, seed, path, s->now_ns);
  return t;
}

struct tcb *stack_conn_of_half(struct estab_stack *s, const struct tcb_seed *seed,
                               struct path *path, uint32_t half)
{
  struct tcb *t = conn_begin(s, seed, path);
  if (!t) return NULL;
  const struct half *h = slab_at(&s->halves, half);
  t->hash_next = h->hash_next;
  demux_replace(s, TAG_HALF | half, &t->tuple, TAG_FULL | t->index);
  return t;
}

struct tcb *stack_conn_new(struct estab_stack *s, const struct tcb_seed *seed, struct path *path,
                           uint64_t hash)
{
  struct tcb *t = conn_begin(s, seed, path);
  if (!t || demux_add(s, TAG_FULL | t->index, &t->tuple, hash, &t->hash_next) == ESTAB_OK) return t;
  slab_free(&s->conns, t->index);
  return NULL;
}

void stack_leave_table(struct estab_stack *s, struct tcb *t)
{
  if (!(t->bits & TCB_IN_TABLE)) return;
  demux_remove(s, TAG_FULL | t->index, &t->tuple, &t->hash_next);
  t->bits &= ~(uint32_t)TCB_IN_TABLE;
}

static void leave_accept_queue(struct estab_stack *s, struct tcb *t)
{
  struct listener *x = slab_at(&s->listeners, t->listener);
  fifo_remove(&x->accept, &s->conns, offsetof(struct tcb, accept), t->index);
  t->bits &= ~(uint32_t)TCB_ACCEPT_QUEUED;
}

static __attribute__((noinline)) void leave_lists(struct estab_stack *s, struct tcb *t)
{
  if (t->bits & TCB_ACCEPT_QUEUED) leave_accept_queue(s, t);
  if (t->bits & TCB_ON_EVENTS) list_remove(s, &s->events, TAG_FULL | t->index);
  if (t->bits & TCB_ON_READY) list_remove(s, &s->ready, TAG_FULL | t->index);
  if (t->bits & TCB_PARKED) list_remove(s, &s->parked, TAG_FULL | t->index);
}

void stack_conn_free(struct estab_stack *s, struct tcb *t)
{
  stack_leave_table(s, t);
  if (t->bits & (TCB_ACCEPT_QUEUED | TCB_ON_EVENTS | TCB_ON_READY | TCB_PARKED)) leave_lists(s, t);
  wheel_cancel(&s->wheel, &t->timer);
  if (s->unarmed == t) s->unarmed = NULL;
  stack_forget_told(s, t);
  tcb_free_buffers(&s->tcp, t);
  ip_path_put(&s->ip, t->path);
  s->batch_stale = true;
  slab_free(&s->conns, t->index);
}

// ---- Collecting

// Those whose neighbour answered, or will not answer; those whose interface is up again.
void stack_unpark(struct estab_stack *s)
{
  uint32_t tagged = s->parked.head;
  s->parked = (struct list){0, 0};
  while (tagged) {
    struct tcb *t = stack_conn(s, tagged & TAG_INDEX);
    uint32_t next = t->ready.next;
    t->bits &= ~(uint32_t)TCB_PARKED;
    if (t->path->neighbour == PATH_NEIGHBOUR_PENDING || t->path->cut_off) {
      t->bits |= TCB_PARKED;
      list_push(s, &s->parked, tagged, &t->ready);
    } else {
      stack_ready(s, t);
    }
    tagged = next;
  }
}

// What became of neighbours: their paths go on, packets that waited in vain are counted.
void stack_link_news(struct estab_stack *s)
{
  bool woken = false;
  for (struct path *p; (p = link_woken(&s->link)) != NULL; woken = true) {
    if (s->settings.trace.event) {
      struct estab_trace e = {
          .kind = ESTAB_TRACE_neighbour_changed,
          .now_ns = s->now_ns,
          .u.neighbour_changed = {p->next_hop, p->neighbour == PATH_NEIGHBOUR_RESOLVED},
      };
      s->settings.trace.event(s->settings.trace.ctx, &e);
    }
    if (!p->refs) ip_path_settle(&s->ip, p);
  }
  for (; s->link.dropped_failed; s->link.dropped_failed--)
    stack_drop(s, ESTAB_DROP_NEIGHBOUR_FAILED, 0, NULL, NULL);
  for (; s->link.dropped_full; s->link.dropped_full--)
    stack_drop(s, ESTAB_DROP_NEIGHBOUR_QUEUE_FULL, 0, NULL, NULL);
  if (woken) stack_unpark(s);
}

// Is it to go on the event list?
static inline bool has_to_be_told(struct tcb *t)
{
  if (t->bits & TCB_RELEASED) {
    t->pending = 0;
    return false;
  }
  // Before estab_accept() there is nobody to tell; what is pending then is told with the connection.
  if ((t->bits & (TCB_ON_EVENTS | TCB_ACCEPT_QUEUED)) ||
      (t->listener != SLAB_NONE && t->state == ESTAB_SYN_RECEIVED && !(t->bits & TCB_FAST_OPEN)))
    return false;
  t->bits |= TCB_ON_EVENTS;
  return true;
}

// What this connection has found out of the path; without memory it alone goes by it.
static TCP_APART void share_mtu(struct estab_stack *s, struct tcb *t)
{
  t->pending &= ~TCB_NEWS_MTU;
  if (ip_path_lower_mtu(&s->ip, t->path, t->plpmtu, s->now_ns) <= 0 || !s->settings.trace.event)
    return;
  struct estab_trace e = {.kind = ESTAB_TRACE_path_changed,
                          .u.path_changed = {t->path->remote, t->path->mtu}};
  tcp_trace(&s->tcp, t, &e, s->now_ns);
}

__attribute__((noinline)) void stack_arm_other(struct estab_stack *s, struct tcb *t)
{
  if (s->unarmed) stack_arm_now(s, s->unarmed);
  s->unarmed = t;
}

// CLOSED, or TIME-WAIT: its place in the tables may be another's.
static __attribute__((noinline)) void settle_end(struct estab_stack *s, struct tcb *t)
{
  if (t->state == ESTAB_CLOSED) {
    if (t->bits & TCB_FAST_OPEN) fast_listen_look(s, t);
    stack_leave_table(s, t);
    if (t->bits & TCB_ACCEPT_QUEUED) { // reset before anybody accepted it: nobody will hear of it
      leave_accept_queue(s, t);
      t->bits |= TCB_RELEASED;
    }
    if ((t->owed & OWED_RST) && !t->path->cut_off)
      stack_ready(s, t);
    else if (t->bits & TCB_RELEASED)
      stack_conn_free(s, t);
    return;
  }
  if ((t->bits & TCB_RELEASED) && !t->owed)
    timewait_from_conn(s, t);
  else
    stack_arm(s, t);
}

static inline void settle_told(struct estab_stack *s, struct tcb *t)
{
  if (t->state == ESTAB_CLOSED || t->state == ESTAB_TIME_WAIT)
    settle_end(s, t);
  else
    stack_arm(s, t);
}

// What is not simply an event of a connection that goes on, or the only one on the list.
static __attribute__((noinline)) void settle_rarely(struct estab_stack *s, struct tcb *t)
{
  if (t->pending & TCB_NEWS_MTU) share_mtu(s, t);
  if (t->pending && has_to_be_told(t)) list_push(s, &s->events, TAG_FULL | t->index, &t->event);
  settle_told(s, t);
}

void stack_settle_all(struct estab_stack *s, struct tcb *t)
{
  if ((t->pending & TCB_NEWS_MTU) || s->events.tail) {
    settle_rarely(s, t);
    return;
  }
  if (t->pending && has_to_be_told(t)) {
    t->event = (struct fifo_link){0, 0};
    s->events.head = s->events.tail = TAG_FULL | t->index;
  }
  settle_told(s, t);
}
