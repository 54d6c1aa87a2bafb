// SPDX-License-Identifier: BSD-2-Clause
// tun_estab.c - estab on a TUN device, plain or with super-segments, offering the bench's services.
//
// usage: tun-estab plain|gso NAME ADDRESS     (prefix /24)

#include "pattern.h"
#include "tun.h"

#include <estab/driver.h>
#include <estab/estab.h>

#include <endian.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  PIECES = 16,
  WRITE_BYTES = 16 * 1460,
  MANY = 100000,
  SUPER_WINDOW_BYTES = 4 << 20, // lwIP's window would be four super-segments
};

enum service { SINK, SOURCE, ECHO };

// What a connection knows: which service it is, and the bytes so far.
struct stream {
  enum service service;
  uint64_t offset;
};

static estab_stack *stack;

static int must(int answer, const char *call)
{
  if (answer < 0) errx(1, "%s: %s", call, estab_strerror(answer));
  return answer;
}

// ---------------------------------------------------------------------------------------------
// Services

static void sink_read(estab_conn conn, struct stream *stream)
{
  struct estab_piece pieces[PIECES];
  unsigned count = PIECES;
  int n;
  while ((n = estab_recv_peek(stack, conn, pieces, &count)) > 0) {
    for (unsigned i = 0; i < count; i++) {
      if (!pattern_matches(stream->offset, pieces[i].bytes, pieces[i].length))
        errx(1, "wrong data near byte %llu", (unsigned long long)stream->offset);
      stream->offset += pieces[i].length;
    }
    must(estab_recv_consume(stack, conn, (size_t)n), "estab_recv_consume");
    count = PIECES;
  }
}

static void source_fill(estab_conn conn, struct stream *stream)
{
  int n;
  while ((n = estab_send(stack, conn, pattern_at(stream->offset), WRITE_BYTES)) > 0)
    stream->offset += (uint64_t)n;
}

static void echo(estab_conn conn)
{
  uint8_t bytes[4096];
  int n;
  while ((n = estab_recv(stack, conn, bytes, sizeof bytes)) > 0)
    must(estab_send(stack, conn, bytes, (size_t)n), "estab_send");
}

static void finish(estab_conn conn, struct stream *stream, bool in_order)
{
  if (in_order && stream->service == SINK) {
    uint64_t count = htobe64(stream->offset);
    must(estab_send(stack, conn, &count, sizeof count), "estab_send");
  }
  free(stream);
  estab_conn_set_user(stack, conn, 0);
  estab_release(stack, conn);
}

static void accept_all(estab_listener listener, enum service service)
{
  estab_conn conn;
  while (estab_accept(stack, listener, &conn) == 0) {
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream) errx(1, "no memory");
    stream->service = service;
    estab_conn_set_user(stack, conn, (uint64_t)(uintptr_t)stream);
    if (service == SOURCE) source_fill(conn, stream);
  }
}

static void handle(const struct estab_event *event, const estab_listener listeners[3])
{
  if (event->events & ESTAB_EVENT_ACCEPT)
    for (int service = SINK; service <= ECHO; service++)
      if (event->listener == listeners[service]) accept_all(event->listener, (enum service)service);
  struct stream *stream = (struct stream *)(uintptr_t)event->user;
  if (!stream) return;
  if (event->events & ESTAB_EVENT_READABLE) {
    if (stream->service == SINK)
      sink_read(event->conn, stream);
    else if (stream->service == ECHO)
      echo(event->conn);
  }
  if ((event->events & ESTAB_EVENT_WRITABLE) && stream->service == SOURCE)
    source_fill(event->conn, stream);
  if (event->events & (ESTAB_EVENT_END | ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED))
    finish(event->conn, stream, (event->events & ESTAB_EVENT_END) != 0);
}

// ---------------------------------------------------------------------------------------------
// Stack and device

static void stack_open(bool super)
{
  uint32_t window_bytes = super ? SUPER_WINDOW_BYTES : BENCH_WINDOW_BYTES;
  struct estab_settings settings;
  estab_settings_default(&settings);
  settings.mem = estab_system_mem();
  settings.random = estab_system_random();
  settings.random.fill(NULL, settings.secret, sizeof settings.secret);
  settings.max_connections = MANY;
  settings.max_half_open = MANY;
  settings.max_time_wait = MANY;
  settings.send_buffer_bytes = window_bytes;
  settings.send_buffer_max_bytes = window_bytes;
  settings.recv_buffer_bytes = window_bytes;
  settings.recv_buffer_max_bytes = window_bytes;
  settings.timestamps = false; // as in lwIP here
  must(estab_stack_new(&settings, estab_clock_ns(), &stack), "estab_stack_new");
}

static estab_listener serve(uint16_t first, uint16_t last)
{
  struct estab_listen_settings settings;
  estab_listener listener;
  estab_listen_settings_default(&settings);
  settings.port_first = first;
  settings.port_last = last;
  settings.backlog = MANY;
  must(estab_listen(stack, &settings, &listener), "estab_listen");
  return listener;
}

int main(int argc, char **argv)
{
  struct estab_tun_settings tun;
  struct estab_device device;
  struct estab_device_error error;
  struct estab_ip address;
  if (argc != 4 || estab_ip_parse(argv[3], &address) < 0) {
    fputs("usage: tun-estab plain|gso NAME ADDRESS\n", stderr);
    return 2;
  }
  pattern_init();
  estab_tun_settings_default(&tun);
  tun.name = argv[2];
  tun.gso = strcmp(argv[1], "gso") == 0;
  stack_open(tun.gso);
  if (estab_device_open_tun(&tun, &device, &error) < 0) errx(1, "%s", error.text);
  uint32_t netif = (uint32_t)must(estab_device_attach(&device, stack), "estab_device_attach");
  must(estab_address_add(stack, netif, &address, 24), "estab_address_add");
  const estab_listener listeners[] = {
      [SINK] = serve(PORT_SINK, PORT_SINK),
      [SOURCE] = serve(PORT_SOURCE, PORT_SOURCE),
      [ECHO] = serve(PORT_ECHO_FIRST, PORT_ECHO_LAST),
  };
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct estab_event event;
    if (estab_run_once(stack, &device, ESTAB_NEVER) < 0)
      errx(1, "the device is gone: %s", device.error.text);
    while (estab_stack_next_event(stack, &event))
      handle(&event, listeners);
  }
}
