// SPDX-License-Identifier: BSD-2-Clause
// inproc_estab.c - the in-process jobs done by estab through its public interface.

#include "estab_link.h"
#include "inproc.h"
#include "pattern.h"

#include <stdlib.h>

enum {
  CLIENT,
  SERVER,
  SERVER_PORTS = 16,
  CONNS_PER_PORT = 20000,
  TIME_WAITS = 64, // as many as lwIP keeps in WORK_CONN, see inproc_lwip.c
  PIECES = 16,
  IDLE_TRANSFER_BYTES = 1 << 20,
};

static struct job job;
static estab_listener listener;
static estab_conn *clients, server_conn; // server_conn: the last one accepted
static uint32_t accepted, connected, finished;
static uint64_t received, echoed, sent_back;
static uint8_t scratch[65536];

static const char *wrong_data = "estab: wrong data near byte %llu";

// ---------------------------------------------------------------------------------------------
// Server

static __attribute__((noinline)) void server_read_stream(estab_conn conn)
{
  estab_stack *s = ends[SERVER].stack;
  int n;
  if (job.copy_out) {
    while ((n = estab_recv(s, conn, scratch, sizeof scratch)) > 0) {
      if (!pattern_matches(received, scratch, (size_t)n))
        fail(wrong_data, (unsigned long long)received);
      received += (uint64_t)n;
    }
    return;
  }
  struct estab_piece pieces[PIECES];
  unsigned count = PIECES;
  while ((n = estab_recv_peek(s, conn, pieces, &count)) > 0) {
    for (unsigned i = 0; i < count; i++) {
      if (!pattern_matches(received, pieces[i].bytes, pieces[i].length))
        fail(wrong_data, (unsigned long long)received);
      received += pieces[i].length;
    }
    must(estab_recv_consume(s, conn, (size_t)n), "estab_recv_consume");
    count = PIECES;
  }
}

static void server_readable(estab_conn conn)
{
  uint8_t byte;
  if (job.work == WORK_BULK || job.work == WORK_IDLE) {
    server_read_stream(conn);
    return;
  }
  if (estab_recv(ends[SERVER].stack, conn, &byte, 1) == 1)
    must(estab_send(ends[SERVER].stack, conn, &byte, 1), "estab_send");
}

static void server_events(void)
{
  struct estab_event event;
  while (estab_stack_next_event(ends[SERVER].stack, &event)) {
    if (event.events & (ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED))
      fail("estab: a connection died: %s", estab_strerror(event.error));
    if (event.events & ESTAB_EVENT_ACCEPT)
      while (estab_accept(ends[SERVER].stack, listener, &server_conn) == 0)
        accepted++;
    if (event.events & ESTAB_EVENT_END) // a byte before it was told, and read, on its own
      must(estab_release(ends[SERVER].stack, event.conn), "estab_release");
    else if (event.events & ESTAB_EVENT_READABLE)
      server_readable(event.conn);
  }
}

// ---------------------------------------------------------------------------------------------
// Client

static void client_send_byte(estab_conn conn, uint8_t byte)
{
  must(estab_send(ends[CLIENT].stack, conn, &byte, 1), "estab_send");
}

static __attribute__((noinline)) void client_read_stream(estab_conn conn)
{
  int n;
  while ((n = estab_recv(ends[CLIENT].stack, conn, scratch, sizeof scratch)) > 0)
    sent_back += (uint64_t)n;
}

static void client_readable(estab_conn conn)
{
  estab_stack *s = ends[CLIENT].stack;
  uint8_t byte;
  if (job.work == WORK_IDLE) {
    client_read_stream(conn);
    return;
  }
  if (estab_recv(s, conn, &byte, 1) != 1 || byte != (uint8_t)echoed)
    fail("estab: a wrong byte came back");
  echoed++;
  if (job.work == WORK_CONN || job.work == WORK_TIMEWAIT) {
    finished++;
    must(estab_release(s, conn), "estab_release");
  }
}

static void client_events(void)
{
  struct estab_event event;
  while (estab_stack_next_event(ends[CLIENT].stack, &event)) {
    if (event.events & (ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED))
      fail("estab: a connection died: %s", estab_strerror(event.error));
    if (event.events & ESTAB_EVENT_CONNECTED) {
      connected++;
      if (job.work == WORK_CONN || job.work == WORK_TIMEWAIT)
        client_send_byte(event.conn, (uint8_t)echoed);
    }
    if (event.events & ESTAB_EVENT_READABLE) client_readable(event.conn);
  }
}

static estab_conn client_open(uint64_t index)
{
  struct estab_connect_settings settings;
  estab_conn conn;
  estab_connect_settings_default(&settings);
  settings.remote = job.ipv6 ? ends[SERVER].ip6 : ends[SERVER].ip4;
  settings.remote_port = (uint16_t)(SERVER_PORT + index / CONNS_PER_PORT % SERVER_PORTS);
  if (job.work == WORK_HALF) // the client forgets its end, and might choose the same port again
    settings.local_port = (uint16_t)(CLIENT_PORT_FIRST + index % CONNS_PER_PORT);
  must(estab_connect(ends[CLIENT].stack, &settings, link_now_ns, &conn), "estab_connect");
  return conn;
}

// Until the server has nothing to say to what the client sent. Who got nothing asks for no events, as no callback of
// lwIP's would come.
static void settle(void)
{
  bool busy = true;
  while (busy) {
    if (estab_link_carry(CLIENT)) server_events();
    busy = estab_link_carry(SERVER);
    if (busy) client_events();
  }
}

static void server_open(void)
{
  struct estab_listen_settings settings;
  estab_listen_settings_default(&settings);
  settings.port_first = SERVER_PORT;
  settings.port_last = SERVER_PORT + SERVER_PORTS - 1;
  settings.backlog = 1000000;
  must(estab_listen(ends[SERVER].stack, &settings, &listener), "estab_listen");
}

static void clients_open(uint32_t n)
{
  clients = must_alloc(n * sizeof *clients);
  for (uint32_t i = 0; i < n; i++) {
    clients[i] = client_open(i);
    settle();
  }
  if (connected != n || accepted != n) fail("estab: %u of %u connections opened", connected, n);
}

// ---------------------------------------------------------------------------------------------
// Jobs

static int client_write(uint64_t offset, size_t n)
{
  if (job.lend) return estab_send_ref(ends[CLIENT].stack, clients[0], pattern_at(offset), n, 0);
  return estab_send(ends[CLIENT].stack, clients[0], pattern_at(offset), n);
}

static void bulk(void)
{
  uint64_t total = job.count * SEGMENT_BYTES, sent = 0;
  while (received < total) {
    int n = 1;
    while (sent < total && n > 0) {
      n = client_write(sent, total - sent < WRITE_BYTES ? total - sent : WRITE_BYTES);
      if (n > 0)
        sent += (uint64_t)n;
      else if (n != ESTAB_ERR_WOULD_BLOCK)
        must(n, "sending");
    }
    estab_link_carry(CLIENT);
    server_events();
    estab_link_carry(SERVER);
    client_events();
    estab_link_advance(1000000);
  }
}

static void connections(void)
{
  for (uint64_t i = 0; i < job.count; i++) {
    client_open(0);
    settle();
    estab_link_advance(1000000);
    if (finished != i + 1) fail("estab: connection %llu did not finish", (unsigned long long)i);
  }
}

static void exchanges(void)
{
  for (uint64_t i = 0; i < job.count; i++) {
    client_send_byte(clients[i % job.open], (uint8_t)i);
    settle();
    if (echoed != i + 1) fail("estab: exchange %llu did not finish", (unsigned long long)i);
  }
}

static void write_all(int from, estab_conn conn)
{
  for (uint64_t sent = 0; sent < IDLE_TRANSFER_BYTES;) {
    int n = estab_send(ends[from].stack, conn, pattern_at(sent),
                       IDLE_TRANSFER_BYTES - sent < PATTERN_RUN_BYTES ? IDLE_TRANSFER_BYTES - sent
                                                                      : PATTERN_RUN_BYTES);
    if (n > 0)
      sent += (uint64_t)n;
    else if (n != ESTAB_ERR_WOULD_BLOCK)
      must(n, "estab_send");
    settle();
  }
}

// Each connection carries 1 MiB both ways, then all rest for 10 s.
static void idle(void)
{
  for (uint64_t i = 0; i < job.count; i++) {
    received = sent_back = 0;
    estab_conn conn = client_open(i);
    settle();
    write_all(CLIENT, conn);
    write_all(SERVER, server_conn);
    if (received != IDLE_TRANSFER_BYTES || sent_back != IDLE_TRANSFER_BYTES)
      fail("estab: connection %llu did not carry its data", (unsigned long long)i);
    estab_link_advance(1000);
  }
  for (int i = 0; i < 100; i++) {
    estab_link_advance(100000000);
    settle();
  }
}

// SYNs whose answers are lost leave half-open records behind.
static void half(void)
{
  for (uint64_t i = 0; i < job.count; i++) {
    estab_conn conn = client_open(i);
    estab_link_carry(CLIENT);
    estab_link_discard(SERVER);
    must(estab_abort(ends[CLIENT].stack, conn), "estab_abort");
    estab_release(ends[CLIENT].stack, conn);
    estab_link_discard(CLIENT);
  }
}

static void timewait(void)
{
  for (uint64_t i = 0; i < job.count; i++) {
    client_open(i);
    settle();
  }
  if (finished != job.count)
    fail("estab: %u of %llu closed", finished, (unsigned long long)job.count);
}

static void check_count(int end, enum estab_state state)
{
  uint32_t n = estab_state_count(ends[end].stack, state);
  if (n != job.count)
    fail("estab: %u connections in %s, not %llu", n, estab_state_name(state),
         (unsigned long long)job.count);
}

static void count_memory(struct result *result, const size_t before[2])
{
  result->client_bytes = ends[CLIENT].door_bytes - before[CLIENT];
  result->server_bytes = ends[SERVER].door_bytes - before[SERVER];
}

void estab_run(const struct job *wanted, struct result *result)
{
  job = *wanted;
  estab_link_open(job.work == WORK_IDLE ? LINK_SUPER : LINK_PLAIN, job.work == WORK_BULK,
                  job.work == WORK_TIMEWAIT ? (uint32_t)job.count : TIME_WAITS);
  server_open();
  if (job.work == WORK_BULK || job.work == WORK_EXCHANGE) clients_open(job.open);
  size_t before[2] = {ends[CLIENT].door_bytes, ends[SERVER].door_bytes};
  uint64_t packets = estab_link_packets, start = cpu_now_ns();
  switch (job.work) {
  case WORK_BULK: bulk(); break;
  case WORK_CONN: connections(); break;
  case WORK_EXCHANGE: exchanges(); break;
  case WORK_IDLE:
    idle();
    check_count(SERVER, ESTAB_ESTABLISHED);
    break;
  case WORK_HALF:
    half();
    check_count(SERVER, ESTAB_SYN_RECEIVED);
    break;
  case WORK_TIMEWAIT:
    timewait();
    check_count(CLIENT, ESTAB_TIME_WAIT);
    break;
  }
  result->cpu_ns = cpu_now_ns() - start;
  result->packets = estab_link_packets - packets;
  result->operations = job.count;
  if (job.work == WORK_IDLE || job.work == WORK_HALF || job.work == WORK_TIMEWAIT)
    count_memory(result, before);
  estab_link_close();
  free(clients);
}
