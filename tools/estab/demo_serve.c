// SPDX-License-Identifier: BSD-2-Clause
// demo_serve.c - the demo's first connection: the kernel's curl fetches a file from estab.
#include "demo.h"

#include "child.h"
#include "http_server.h"
#include "say.h"

#include <string.h>
#include <unistd.h>

#define PATIENCE_NS 12000000000u
#define TICK_NS     20000000u // how often curl's end and the kernel's state are looked at

static void read_pipe(struct child *curl, struct hash *received)
{
  uint8_t bytes[16384];
  ssize_t n;
  while (curl->out >= 0 && (n = read(curl->out, bytes, sizeof bytes)) >= 0) {
    if (n == 0) {
      close(curl->out);
      curl->out = -1;
      return;
    }
    hash_add(received, bytes, (size_t)n);
  }
}

// Our side is done when it stands in TIME-WAIT: everything after that is waiting.
static bool done(const struct demo *d, const struct demo_result *r, struct child *curl)
{
  enum estab_state state = ladder_state(d->ladder, LADDER_RIGHT);
  return child_over(curl) && curl->out < 0 && (state == ESTAB_TIME_WAIT || state == ESTAB_CLOSED) &&
         demo_checked(d, r);
}

static int turn(struct demo *d, struct demo_result *r, struct http_server *server,
                struct child *curl, struct hash *received)
{
  struct estab_event e;
  struct pollfd pipe = {.fd = curl->out, .events = POLLIN};
  int status = motor_turn(&d->m, estab_clock_ns() + TICK_NS, &pipe, 1);
  if (status) return status;
  while (estab_stack_next_event(d->m.s, &e) > 0)
    http_server_event(server, &e);
  read_pipe(curl, received);
  demo_check(d, r);
  return d->m.stops ? EXIT_FAIL : 0;
}

static const char *judge(const struct demo *d, const struct demo_result *r,
                         const struct child *curl)
{
  if (!curl->over) return "curl did not finish in time";
  if (curl->status == 127) return "curl is not installed: apt-get install curl";
  if (curl->status != 0) return "curl failed";
  if (strcmp(r->sent, r->received) != 0) return "curl received other bytes than estab served";
  if (!demo_checked(d, r)) return "the kernel says another state than was inferred";
  return NULL;
}

int demo_serve(struct demo *d)
{
  struct http_server server;
  struct child curl;
  struct hash received;
  char url[ESTAB_IP_TEXT_BYTES + 32];
  struct http_root root = {.folder = -1, .file = d->content};
  int status = http_server_open(&server, &d->m, &root, 80, 0, false);
  if (status) return status;
  motor_url(&d->m, "http", d->ipv6 ? 6 : 4, 80, 80, url, sizeof url - 16);
  strcat(url, "/demo.txt");
  struct demo_result *r = demo_begin(d, "The kernel's curl fetches a file that estab serves",
                                     "kernel (curl)", ESTAB_CLOSED, ESTAB_LISTEN);
  if (!d->ladder) return say_failure("demo", NULL, "not enough memory");
  // The server closes, so that TIME-WAIT is estab's.
  char *argv[] = {(char *)"curl",
                  (char *)"-q",
                  (char *)"-sS",
                  (char *)"--noproxy",
                  (char *)"*",
                  (char *)"--max-time",
                  (char *)"11",
                  (char *)"-H",
                  (char *)"Connection: close",
                  url,
                  NULL};
  uint64_t start = estab_clock_ns(), until = start + PATIENCE_NS;
  hash_start(&received);
  int why = child_run(&curl, argv);
  if (why) return say_failure("demo", NULL, "cannot start curl: %s", strerror(why));
  while (!status && !done(d, r, &curl) && estab_clock_ns() < until) {
    if (child_over(&curl) && curl.status != 0) break;
    status = turn(d, r, &server, &curl, &received);
  }
  memcpy(r->sent, d->content_hash, sizeof r->sent);
  r->bytes = received.bytes;
  hash_finish(&received, r->received);
  r->why = status ? "stopped" : judge(d, r, &curl);
  r->ok = !r->why;
  demo_end(d, r, start);
  child_end(&curl);
  http_server_close(&server);
  return status;
}
