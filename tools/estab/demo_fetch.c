// SPDX-License-Identifier: BSD-2-Clause
// demo_fetch.c - the demo's other connections: estab fetches the file from the kernel, and is refused.
#include "demo.h"

#include "child.h"
#include "say.h"

#include <http_parser.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_NS 12000000000u
#define TICK_NS     20000000u

struct fetch {
  struct demo *d;
  struct demo_result *r;
  estab_conn conn;
  bool connected, over, ended;
  int error;
  http_parser parser;
  struct hash received;
};

static int on_body(http_parser *p, const char *at, size_t n)
{
  struct fetch *f = p->data;
  hash_add(&f->received, at, n);
  return 0;
}

static void ask(struct fetch *f)
{
  static const char request[] =
      "GET /demo.txt HTTP/1.1\r\nHost: kernel\r\nConnection: close\r\n\r\n";
  estab_send(f->d->m.s, f->conn, request, sizeof request - 1);
}

static void take(struct fetch *f)
{
  static const http_parser_settings callbacks = {.on_body = on_body};
  struct estab_piece piece;
  unsigned count = 1;
  int got;
  while ((got = estab_recv_peek(f->d->m.s, f->conn, &piece, &count)) > 0) {
    http_parser_execute(&f->parser, &callbacks, (const char *)piece.bytes, piece.length);
    estab_recv_consume(f->d->m.s, f->conn, piece.length);
    count = 1;
  }
  if (got == 0 && !f->ended) {
    f->ended = true;
    estab_close(f->d->m.s, f->conn);
  }
}

static int turn(struct fetch *f)
{
  struct estab_event e;
  int status = motor_turn(&f->d->m, estab_clock_ns() + TICK_NS, NULL, 0);
  if (status) return status;
  while (estab_stack_next_event(f->d->m.s, &e) > 0) {
    if (e.conn != f->conn) continue;
    if (e.events & ESTAB_EVENT_CONNECTED) {
      f->connected = true;
      ask(f);
    }
    if (e.events & (ESTAB_EVENT_READABLE | ESTAB_EVENT_END)) take(f);
    if (e.events & (ESTAB_EVENT_CLOSED | ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED)) f->over = true;
    if (e.error) f->error = e.error;
  }
  demo_check(f->d, f->r);
  return f->d->m.stops ? EXIT_FAIL : 0;
}

static int start(struct fetch *f, uint16_t port)
{
  struct estab_connect_settings settings;
  estab_connect_settings_default(&settings);
  settings.remote = *port_host(&f->d->m.port, f->d->ipv6 ? 6 : 4);
  settings.remote_port = port;
  hash_start(&f->received);
  http_parser_init(&f->parser, HTTP_RESPONSE);
  f->parser.data = f;
  int r = estab_connect(f->d->m.s, &settings, estab_clock_ns(), &f->conn);
  return r < 0 ? say_failure("demo", NULL, "connect: %s", estab_strerror(r)) : 0;
}

static const char *judge(const struct fetch *f)
{
  if (!f->over) return "the connection did not end in time";
  if (f->error) return estab_strerror(f->error);
  if (f->parser.status_code != 200) return "the kernel's server did not answer with 200";
  if (strcmp(f->r->sent, f->r->received) != 0)
    return "estab received other bytes than the kernel sent";
  if (!demo_checked(f->d, f->r)) return "the kernel says another state than was inferred";
  return NULL;
}

int demo_fetch(struct demo *d)
{
  struct fetch f = {.d = d};
  struct child child;
  struct demo_server server = {.content = d->content, .bytes = d->content_bytes};
  server.listener = demo_kernel_listen(port_host(&d->m.port, d->ipv6 ? 6 : 4), DEMO_SERVER_PORT);
  if (server.listener < 0) return say_failure("demo", NULL, "the kernel's server cannot listen");
  int why = child_call(&child, demo_kernel_server, &server);
  close(server.listener);
  if (why) return say_failure("demo", NULL, "fork: %s", strerror(why));
  f.r = demo_begin(d, "estab fetches the file from a server on the kernel's TCP", "kernel (server)",
                   ESTAB_LISTEN, ESTAB_CLOSED);
  if (!d->ladder) return say_failure("demo", NULL, "not enough memory");
  uint64_t begin = estab_clock_ns(), until = begin + PATIENCE_NS;
  int status = start(&f, DEMO_SERVER_PORT);
  while (!status && !(f.over && demo_checked(d, f.r)) && estab_clock_ns() < until)
    status = turn(&f);
  memcpy(f.r->sent, d->content_hash, sizeof f.r->sent);
  f.r->bytes = f.received.bytes;
  hash_finish(&f.received, f.r->received);
  f.r->why = status ? "stopped" : judge(&f);
  f.r->ok = !f.r->why;
  demo_end(d, f.r, begin);
  estab_release(d->m.s, f.conn);
  child_end(&child);
  return status;
}

int demo_refused(struct demo *d)
{
  struct fetch f = {.d = d};
  f.r = demo_begin(d, "estab asks at a port where nobody listens", "kernel", ESTAB_CLOSED,
                   ESTAB_CLOSED);
  if (!d->ladder) return say_failure("demo", NULL, "not enough memory");
  uint64_t begin = estab_clock_ns(), until = begin + PATIENCE_NS;
  int status = start(&f, DEMO_CLOSED_PORT);
  while (!status && !f.over && estab_clock_ns() < until)
    status = turn(&f);
  f.r->ok = !status && f.error == ESTAB_ERR_REFUSED;
  if (!f.r->ok) f.r->why = "the connection was not refused";
  demo_end(d, f.r, begin);
  estab_release(d->m.s, f.conn);
  return status;
}
