// SPDX-License-Identifier: BSD-2-Clause
// conns.c - the connections a server has, and how all of them end.
#include "conns.h"

#define WIND_DOWN_NS 4000000000u // for connections to close in order
#define LINGER_NS    300000000u  // in TIME-WAIT: whether our last ACK is lost shows within this

void conns_init(struct conns *list)
{
  list->head.prev = list->head.next = &list->head;
  list->count = 0;
}

void conns_add(struct conns *list, struct conn_node *node, estab_stack *s, estab_conn conn)
{
  node->conn = conn;
  node->prev = list->head.prev;
  node->next = &list->head;
  node->prev->next = node->next->prev = node;
  list->count++;
  estab_conn_set_user(s, conn, (uint64_t)(uintptr_t)node);
}

void conns_remove(struct conns *list, struct conn_node *node, estab_stack *s)
{
  node->prev->next = node->next;
  node->next->prev = node->prev;
  list->count--;
  estab_release(s, node->conn);
}

struct conn_node *conns_of(uint64_t user)
{
  return (struct conn_node *)(uintptr_t)user;
}

// What still comes is not wanted, but taken, so that the peer's FIN can follow it.
static void swallow(estab_stack *s, estab_conn conn)
{
  struct estab_piece pieces[ESTAB_FRAME_PIECES];
  unsigned count = ESTAB_FRAME_PIECES;
  int got;
  while ((got = estab_recv_peek(s, conn, pieces, &count)) > 0) {
    estab_recv_consume(s, conn, (size_t)got);
    count = ESTAB_FRAME_PIECES;
  }
}

void conns_wind_down(struct conns *list, struct motor *m)
{
  struct estab_event e;
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  uint64_t until = estab_clock_ns() + WIND_DOWN_NS;
  for (struct conn_node *n = list->head.next; n != &list->head; n = n->next) {
    estab_close(m->s, n->conn);
    swallow(m->s, n->conn);
  }
  for (;;) {
    estab_stack_info(m->s, &info);
    if (info.connections == 0 || m->stops > 1 || estab_clock_ns() >= until) break;
    if (motor_turn(m, until, NULL, 0)) return;
    while (estab_stack_next_event(m->s, &e) > 0) {
      if (!e.conn) continue;
      if (e.events & (ESTAB_EVENT_CLOSED | ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED))
        estab_release(m->s, e.conn);
      else
        swallow(m->s, e.conn);
    }
  }
  for (struct conn_node *n = list->head.next; n != &list->head; n = n->next)
    estab_abort(m->s, n->conn);
  // The stack ends with the command, and TIME-WAIT with it: 2 x MSL would keep the user waiting for nothing, because
  // nobody answers at its address any more. What may still be of use is the last ACK, once more.
  until = info.time_wait > 0 ? estab_clock_ns() + LINGER_NS : 0;
  do {
    if (motor_turn(m, until, NULL, 0)) return;
  } while (estab_clock_ns() < until && m->stops < 2);
}
