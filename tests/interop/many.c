// SPDX-License-Identifier: BSD-2-Clause
// many.c - estab as a client of many connections, for many.sh. Over a TUN interface of its own, to an echo server of
// the kernel's. Also an example of the library's loop.
//
//   many all HOST PORT COUNT BYTES   COUNT connections, all there before the first byte; BYTES each way on each
//   many short HOST PORT COUNT       one after another, one byte each way
#include "estab/driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_NS 60000000000u

struct client {
  estab_conn conn;
  uint32_t number;
  size_t sent, received;
  bool over;
};

static estab_stack *s;
static struct estab_device dev;
static struct estab_ip host;
static uint16_t port;
static uint32_t connected, over, bad;
static size_t bytes;

static _Noreturn void die(const char *what, const char *why)
{
  fprintf(stderr, "many: %s: %s\n", what, why);
  exit(1);
}

static void add_address(const char *host_text, const char *ours, unsigned bits)
{
  struct estab_device_error error;
  struct estab_ip ip, theirs;
  estab_ip_parse(ours, &ip);
  estab_ip_parse(host_text, &theirs);
  int r = estab_address_add(s, dev.number, &ip, bits);
  if (r < 0) die(ours, estab_strerror(r));
  if (estab_host_address(strchr(dev.name, ':') + 1, &theirs, bits, &error) < 0)
    die(error.text, error.remedy);
}

static void open_all(void)
{
  struct estab_tun_settings tun;
  struct estab_device_error error;
  struct estab_settings settings;
  estab_tun_settings_default(&tun);
  if (estab_device_open_tun(&tun, &dev, &error) < 0) die(error.text, error.remedy);
  estab_settings_default(&settings);
  settings.mem = estab_system_mem();
  settings.random = estab_system_random();
  settings.random.fill(NULL, settings.secret, sizeof settings.secret);
  int r = estab_stack_new(&settings, estab_clock_ns(), &s);
  if (r < 0) die("stack", estab_strerror(r));
  estab_device_attach(&dev, s);
  add_address("192.0.2.1", "192.0.2.2", 24);
  add_address("2001:db8::1", "2001:db8::2", 64);
  if (estab_host_up(strchr(dev.name, ':') + 1, true, &error) < 0) die(error.text, error.remedy);
}

static void open_client(struct client *c, uint32_t number)
{
  struct estab_connect_settings settings;
  estab_connect_settings_default(&settings);
  settings.remote = host;
  settings.remote_port = port;
  *c = (struct client){.number = number};
  int r = estab_connect(s, &settings, estab_clock_ns(), &c->conn);
  if (r < 0) {
    fprintf(stderr, "connection %u: ", number);
    die("connect", estab_strerror(r));
  }
  estab_conn_set_user(s, c->conn, (uint64_t)(uintptr_t)c);
}

// Octet i of connection `number`.
static uint8_t octet(uint32_t number, size_t i)
{
  uint32_t x = number * 2654435761u + (uint32_t)i * 40503u;
  return (uint8_t)(x >> 13);
}

static void send_more(struct client *c)
{
  uint8_t piece[4096];
  while (c->sent < bytes) {
    size_t n = bytes - c->sent < sizeof piece ? bytes - c->sent : sizeof piece;
    for (size_t i = 0; i < n; i++)
      piece[i] = octet(c->number, c->sent + i);
    int r = estab_send(s, c->conn, piece, n);
    if (r < 0) return;
    c->sent += (size_t)r;
  }
  estab_close(s, c->conn);
}

static void receive_more(struct client *c)
{
  uint8_t piece[4096];
  int r;
  while ((r = estab_recv(s, c->conn, piece, sizeof piece)) > 0)
    for (int i = 0; i < r; i++)
      if (piece[i] != octet(c->number, c->received++)) c->over = true;
}

static void finish(struct client *c)
{
  if (c->over || c->received != bytes) bad++;
  over++;
  estab_release(s, c->conn);
}

// Takes part in the exchange only once `go` is set.
static void turn(bool go)
{
  struct estab_event e;
  int r = estab_run_once(s, &dev, estab_clock_ns() + 100000000u);
  if (r < 0) die(dev.error.text, dev.error.remedy);
  while (estab_stack_next_event(s, &e) > 0) {
    struct client *c = (struct client *)(uintptr_t)e.user;
    if (!c) continue;
    if (e.events & ESTAB_EVENT_CONNECTED) connected++;
    if (e.events & (ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED)) {
      fprintf(stderr, "connection %u: %s\n", c->number, estab_strerror(e.error));
      c->over = true;
      finish(c);
      continue;
    }
    if (e.events & (ESTAB_EVENT_READABLE | ESTAB_EVENT_END)) receive_more(c);
    if (go && (e.events & (ESTAB_EVENT_WRITABLE | ESTAB_EVENT_CONNECTED))) send_more(c);
    if (e.events & ESTAB_EVENT_CLOSED) finish(c);
  }
}

static void all(uint32_t count)
{
  struct client *clients = calloc(count, sizeof *clients);
  uint64_t until = estab_clock_ns() + PATIENCE_NS;
  if (!clients) die("memory", "not enough");
  for (uint32_t i = 0; i < count; i++)
    open_client(&clients[i], i);
  while (connected < count && over == 0 && estab_clock_ns() < until)
    turn(false);
  printf("%u of %u connections established before the first byte; estab counts %u\n", connected,
         count, estab_state_count(s, ESTAB_ESTABLISHED));
  for (uint32_t i = 0; i < count; i++)
    send_more(&clients[i]);
  while (over < count && estab_clock_ns() < until)
    turn(true);
  free(clients);
  printf("%u connections, %zu bytes each way each, %u wrong\n", over, bytes, bad);
  if (over < count) die("patience", "is over");
}

static void one_after_another(uint32_t count)
{
  struct client c;
  uint64_t start = estab_clock_ns();
  bytes = 1;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t until = estab_clock_ns() + PATIENCE_NS;
    open_client(&c, i);
    while (over == i && estab_clock_ns() < until)
      turn(true);
    if (over == i) die("patience", "is over");
  }
  printf("%u connections, %.0f a second, %u wrong\n", count,
         count / ((double)(estab_clock_ns() - start) / 1e9), bad);
}

int main(int argc, char **argv)
{
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  if (argc < 5 || estab_ip_parse(argv[2], &host) < 0) die("usage", "see the head of many.c");
  port = (uint16_t)atoi(argv[3]);
  uint32_t count = (uint32_t)atoi(argv[4]);
  open_all();
  if (strcmp(argv[1], "all") == 0) {
    bytes = (size_t)atoi(argv[5]);
    all(count);
  } else {
    one_after_another(count);
  }
  uint64_t until =
      estab_clock_ns() + 2000000000u; // the last ACKs go out, retransmitted FINs come in
  do {
    turn(false);
    estab_stack_trim(s);
    estab_stack_info(s, &info);
  } while (info.connections > 0 && estab_clock_ns() < until);
  printf("left: %u connections, %u half-open, %u in TIME-WAIT, %llu bytes of memory, peak %llu\n",
         info.connections, info.half_open, info.time_wait, (unsigned long long)info.memory_bytes,
         (unsigned long long)info.memory_peak_bytes);
  if (info.connections || info.half_open) die("leak", "connections are left");
  estab_stack_free(s);
  estab_device_close(&dev);
  return bad > 0;
}
