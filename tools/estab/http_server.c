// SPDX-License-Identifier: BSD-2-Clause
// http_server.c - a file server over HTTP/1.1: listener, connections, patience.
#include "http_server.h"

#define CLIENTS_MAX 8192
#define LOOK_NS     1000000000u

int http_server_open(struct http_server *h, struct motor *m, const struct http_root *root,
                     uint16_t port, uint32_t fast_open, bool verbose)
{
  *h = (struct http_server){.m = m, .root = *root, .verbose = verbose};
  conns_init(&h->conns);
  h->next_look_ns = estab_clock_ns() + LOOK_NS;
  return motor_listen(m, port, fast_open, &h->listener);
}

static void drop(struct http_server *h, struct http_conn *c)
{
  conns_remove(&h->conns, &c->node, h->m->s);
  http_conn_free(c);
}

static void work(struct http_server *h, struct http_conn *c)
{
  if (!http_conn_work(c, estab_clock_ns())) drop(h, c);
}

static void admit(struct http_server *h, estab_conn conn)
{
  struct http_conn *c = h->conns.count < CLIENTS_MAX
                            ? http_conn_new(h->m->s, &h->root, &h->totals, h->verbose)
                            : NULL;
  if (!c) {
    estab_abort(h->m->s, conn);
    estab_release(h->m->s, conn);
    return;
  }
  h->totals.connections++;
  conns_add(&h->conns, &c->node, h->m->s, conn);
  work(h, c);
}

bool http_server_event(struct http_server *h, const struct estab_event *e)
{
  estab_conn conn;
  if (e->events & ESTAB_EVENT_ACCEPT) {
    if (e->listener != h->listener) return false;
    while (estab_accept(h->m->s, h->listener, &conn) >= 0)
      admit(h, conn);
    return true;
  }
  struct http_conn *c = (struct http_conn *)conns_of(e->user);
  if (!c) return false;
  if (e->events & (ESTAB_EVENT_CLOSED | ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED))
    drop(h, c);
  else
    work(h, c);
  return true;
}

uint64_t http_server_patience(struct http_server *h)
{
  uint64_t now = estab_clock_ns();
  if (now < h->next_look_ns) return h->next_look_ns;
  struct conn_node *next;
  for (struct conn_node *n = h->conns.head.next; n != &h->conns.head; n = next) {
    struct http_conn *c = (struct http_conn *)n;
    next = n->next;
    if (now < c->deadline_ns) continue;
    // An idle one is closed in order; one that takes no more of its response is reset.
    if (c->responding || c->closing) estab_abort(h->m->s, n->conn);
    drop(h, c);
  }
  h->next_look_ns = now + LOOK_NS;
  return h->next_look_ns;
}

void http_server_close(struct http_server *h)
{
  estab_listener_close(h->m->s, h->listener);
  conns_wind_down(&h->conns, h->m);
  while (h->conns.count > 0)
    drop(h, (struct http_conn *)h->conns.head.next);
}
