// SPDX-License-Identifier: BSD-2-Clause
// conns.h - the connections a server has, and how all of them end.
#ifndef ESTAB_TOOL_CONNS_H
#define ESTAB_TOOL_CONNS_H

#include "motor.h"

// First member of a server's own struct for a connection; the struct's address is the handle's user value.
struct conn_node {
  struct conn_node *prev, *next;
  estab_conn conn;
};

struct conns {
  struct conn_node head; // a ring
  unsigned count;
};

void conns_init(struct conns *list);
void conns_add(struct conns *list, struct conn_node *node, estab_stack *s, estab_conn conn);
// Takes it from the list and releases the handle; the memory stays the caller's.
void conns_remove(struct conns *list, struct conn_node *node, estab_stack *s);
// The node behind an event's user value, or NULL.
struct conn_node *conns_of(uint64_t user);

// Ends: closes each by FIN and waits for the peers, at most 4 s; a second Ctrl-C or the time's end resets what is
// left. The nodes stay listed.
void conns_wind_down(struct conns *list, struct motor *m);

#endif
