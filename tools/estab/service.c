// SPDX-License-Identifier: BSD-2-Clause
// service.c - echo, discard and character generator, for any number of connections.
#include "service.h"

#include "conns.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// RFC 864: 95 printable characters, lines of 72, each starting one further.
#define PATTERN_CHARS 95
#define LINE_BYTES    74 // 72 and CR LF
#define PATTERN_BYTES (PATTERN_CHARS * LINE_BYTES)

struct client {
  struct conn_node node;
  uint64_t sent; // of the character generator's pattern
};

struct service {
  struct motor *m;
  struct conns conns;
  enum service_kind kind;
  bool verbose;
  uint64_t accepted, bytes;
  uint8_t pattern[PATTERN_BYTES];
};

enum service_kind service_kind(const char *name)
{
  static const char *const names[SERVICE_KINDS] = {"echo", "discard", "chargen"};
  for (unsigned i = 0; i < SERVICE_KINDS; i++)
    if (strcmp(name, names[i]) == 0) return (enum service_kind)i;
  return SERVICE_KINDS;
}

static void make_pattern(uint8_t *p)
{
  for (unsigned line = 0; line < PATTERN_CHARS; line++) {
    for (unsigned i = 0; i < 72; i++)
      *p++ = (uint8_t)(' ' + (line + i) % PATTERN_CHARS);
    *p++ = '\r';
    *p++ = '\n';
  }
}

// Sends back what came, as far as there is room. Answers estab_recv_peek()'s last word: 0 = the peer has closed.
static int echo(struct service *v, estab_conn conn)
{
  for (;;) {
    struct estab_piece pieces[ESTAB_FRAME_PIECES];
    unsigned count = ESTAB_FRAME_PIECES;
    int got = estab_recv_peek(v->m->s, conn, pieces, &count);
    if (got <= 0) return got;
    for (unsigned i = 0; i < count; i++) {
      int n = estab_send(v->m->s, conn, pieces[i].bytes, pieces[i].length);
      if (n <= 0) return n;
      estab_recv_consume(v->m->s, conn, (size_t)n);
      v->bytes += (uint64_t)n;
      if ((size_t)n < pieces[i].length)
        break; // full: the next send will say so, and re-arm the event
    }
  }
}

static int discard(struct service *v, estab_conn conn)
{
  for (;;) {
    struct estab_piece pieces[ESTAB_FRAME_PIECES];
    unsigned count = ESTAB_FRAME_PIECES;
    int got = estab_recv_peek(v->m->s, conn, pieces, &count);
    if (got <= 0) return got;
    estab_recv_consume(v->m->s, conn, (size_t)got);
    v->bytes += (uint64_t)got;
  }
}

static int generate(struct service *v, struct client *c)
{
  int ended = discard(v, c->node.conn);
  if (ended != ESTAB_ERR_WOULD_BLOCK) return ended;
  for (;;) {
    size_t at = (size_t)(c->sent % PATTERN_BYTES);
    int n = estab_send(v->m->s, c->node.conn, v->pattern + at, PATTERN_BYTES - at);
    if (n <= 0) return ESTAB_ERR_WOULD_BLOCK;
    c->sent += (uint64_t)n;
    v->bytes += (uint64_t)n;
  }
}

static void drop(struct service *v, struct client *c)
{
  conns_remove(&v->conns, &c->node, v->m->s);
  free(c);
}

static void work(struct service *v, struct client *c)
{
  int r = v->kind == SERVICE_ECHO      ? echo(v, c->node.conn)
          : v->kind == SERVICE_DISCARD ? discard(v, c->node.conn)
                                       : generate(v, c);
  if (r != ESTAB_ERR_WOULD_BLOCK) drop(v, c); // the peer has closed: so do we
}

static void admit(struct service *v, estab_conn conn)
{
  struct client *c = calloc(1, sizeof *c);
  if (!c) {
    estab_abort(v->m->s, conn);
    estab_release(v->m->s, conn);
    return;
  }
  v->accepted++;
  conns_add(&v->conns, &c->node, v->m->s, conn);
  work(v, c);
}

static void say_conn(struct service *v, estab_conn conn)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  char address[ESTAB_IP_TEXT_BYTES];
  if (!v->verbose || estab_conn_info(v->m->s, conn, &info) < 0) return;
  estab_ip_format(&info.tuple.remote, address, sizeof address);
  fprintf(stderr, "Connection from %s %u received!\n", address, info.tuple.remote_port);
}

static void on_event(struct service *v, const struct estab_event *e)
{
  estab_conn conn;
  if (e->events & ESTAB_EVENT_ACCEPT) {
    while (estab_accept(v->m->s, e->listener, &conn) >= 0) {
      say_conn(v, conn);
      admit(v, conn);
    }
    return;
  }
  struct client *c = (struct client *)conns_of(e->user);
  if (!c) return;
  if (e->events & (ESTAB_EVENT_CLOSED | ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED))
    drop(v, c);
  else
    work(v, c);
}

static void say_totals(struct service *v)
{
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_trim(v->m->s);
  estab_stack_info(v->m->s, &info);
  fprintf(stderr, "%llu connections, %llu bytes\n", (unsigned long long)v->accepted,
          (unsigned long long)v->bytes);
  fprintf(stderr,
          "left: %u connections, %u half-open, %u in TIME-WAIT, %llu bytes of memory, peak %llu\n",
          info.connections, info.half_open, info.time_wait, (unsigned long long)info.memory_bytes,
          (unsigned long long)info.memory_peak_bytes);
}

int service_run(struct motor *m, enum service_kind kind, bool verbose)
{
  static struct service v; // the pattern is 7 KB
  struct estab_event e;
  int status = 0;
  v = (struct service){.m = m, .kind = kind, .verbose = verbose};
  make_pattern(v.pattern);
  conns_init(&v.conns);
  while (!status && m->stops == 0) {
    status = motor_turn(m, ESTAB_NEVER, NULL, 0);
    while (!status && estab_stack_next_event(m->s, &e) > 0)
      on_event(&v, &e);
  }
  if (!status) conns_wind_down(&v.conns, m);
  while (v.conns.count > 0)
    drop(&v, (struct client *)v.conns.head.next);
  if (verbose) say_totals(&v);
  return status;
}
