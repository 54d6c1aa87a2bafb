// SPDX-License-Identifier: BSD-2-Clause
// inproc_lwip.c - the in-process jobs done by lwIP through its raw API.

#include "inproc.h"
#include "lwip_link.h"
#include "pattern.h"
#include "lwip/port.h"

#include <string.h>

#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"

enum { CONN_PCBS = 64, SETTLE_TURNS = 1000, LISTENERS = 10, LISTENER_HALF_OPEN = 250 };

static struct job job;
static struct tcp_pcb **clients; // connected ends, by order of connecting
static uint32_t connected, accepted, finished;
static uint64_t received, echoed;
static uint8_t scratch[MTU_BYTES];

static void on_error(void *arg, err_t error)
{
  (void)arg;
  fail("lwip: a connection died with %d", error);
}

// ---------------------------------------------------------------------------------------------
// Server: checks the stream (bulk), echoes bytes (all others), closes when the client does.

static void check_stream(const struct pbuf *p)
{
  for (const struct pbuf *q = p; q; q = q->next) {
    const void *bytes = q->payload;
    if (job.copy_out) {
      memcpy(scratch, q->payload, q->len);
      bytes = scratch;
    }
    if (!pattern_matches(received, bytes, q->len))
      fail("lwip: wrong data near byte %llu", (unsigned long long)received);
    received += q->len;
  }
}

static err_t server_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
  (void)arg;
  (void)error;
  if (!p) return tcp_close(pcb);
  if (job.work == WORK_BULK)
    check_stream(p);
  else if (tcp_write(pcb, p->payload, p->len, TCP_WRITE_FLAG_COPY) != ERR_OK)
    fail("lwip: no room for an echo");
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  return ERR_OK;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t error)
{
  (void)arg;
  (void)error;
  tcp_recv(pcb, server_received);
  tcp_err(pcb, on_error);
  if (job.work != WORK_BULK) tcp_nagle_disable(pcb);
  accepted++;
  return ERR_OK;
}

// A listener of lwIP has at most 255 half-open connections, so several listen.
static void server_open(void)
{
  for (u16_t i = 0; i < LISTENERS; i++) {
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
    if (!pcb || tcp_bind(pcb, IP_ANY_TYPE, (u16_t)(SERVER_PORT + i)) != ERR_OK)
      fail("lwip: cannot bind");
    pcb = tcp_listen(pcb);
    tcp_accept(pcb, on_accept);
  }
}

// ---------------------------------------------------------------------------------------------
// Client

static err_t client_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
  (void)arg;
  (void)error;
  if (!p) return ERR_OK; // the server's FIN: the close is complete
  if (p->len != 1 || *(uint8_t *)p->payload != (uint8_t)echoed)
    fail("lwip: a wrong byte came back");
  echoed++;
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  if (job.work == WORK_CONN || job.work == WORK_TIMEWAIT) {
    finished++;
    return tcp_close(pcb);
  }
  return ERR_OK;
}

static void client_send_byte(struct tcp_pcb *pcb, uint8_t byte)
{
  if (tcp_write(pcb, &byte, 1, TCP_WRITE_FLAG_COPY) != ERR_OK || tcp_output(pcb) != ERR_OK)
    fail("lwip: cannot send a byte");
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t error)
{
  (void)error;
  clients[(size_t)arg] = pcb;
  connected++;
  if (job.work == WORK_CONN || job.work == WORK_TIMEWAIT) client_send_byte(pcb, (uint8_t)echoed);
  return ERR_OK;
}

static struct tcp_pcb *client_open(size_t index, u16_t port)
{
  ip_addr_t local, remote;
  lwip_link_address(0, job.ipv6, &local);
  lwip_link_address(1, job.ipv6, &remote);
  struct tcp_pcb *pcb = tcp_new_ip_type(job.ipv6 ? IPADDR_TYPE_V6 : IPADDR_TYPE_V4);
  if (!pcb) fail("lwip: no control block left");
  tcp_arg(pcb, (void *)index);
  tcp_recv(pcb, client_received);
  tcp_err(pcb, on_error);
  if (job.work != WORK_BULK) tcp_nagle_disable(pcb);
  if (tcp_bind(pcb, &local, 0) != ERR_OK || tcp_connect(pcb, &remote, port, on_connected) != ERR_OK)
    fail("lwip: cannot connect");
  return pcb;
}

static void clients_open(uint32_t n)
{
  clients = must_alloc(n * sizeof *clients);
  for (uint32_t i = 0; i < n; i++) {
    client_open(i, SERVER_PORT);
    lwip_link_run(SETTLE_TURNS);
  }
  if (connected != n || accepted != n) fail("lwip: %u of %u connections opened", connected, n);
}

// ---------------------------------------------------------------------------------------------
// Jobs

static void bulk(void)
{
  uint64_t total = job.count * SEGMENT_BYTES, sent = 0;
  struct tcp_pcb *pcb = clients[0];
  while (received < total) {
    while (sent < total && tcp_sndbuf(pcb) >= WRITE_BYTES) {
      uint16_t n = total - sent < WRITE_BYTES ? (uint16_t)(total - sent) : WRITE_BYTES;
      if (tcp_write(pcb, pattern_at(sent), n, job.lend ? 0 : TCP_WRITE_FLAG_COPY) != ERR_OK) break;
      sent += n;
    }
    tcp_output(pcb);
    lwip_link_run(1);
    lwip_link_advance(1);
  }
}

static void connections(void)
{
  for (uint64_t i = 0; i < job.count; i++) {
    client_open(0, SERVER_PORT);
    lwip_link_run(SETTLE_TURNS);
    lwip_link_advance(1);
    if (finished != i + 1) fail("lwip: connection %llu did not finish", (unsigned long long)i);
  }
}

static void exchanges(void)
{
  for (uint64_t i = 0; i < job.count; i++) {
    client_send_byte(clients[i % job.open], (uint8_t)i);
    lwip_link_run(SETTLE_TURNS);
    if (echoed != i + 1) fail("lwip: exchange %llu did not finish", (unsigned long long)i);
  }
}

// lwIP's records do not depend on their number, so a job of any size tells the same.
static void idle(struct result *result, size_t before)
{
  size_t n = (size_t)job.count;
  for (size_t i = 0; i < n; i++) {
    client_send_byte(clients[i], (uint8_t)i);
    lwip_link_run(SETTLE_TURNS);
  }
  for (int i = 0; i < 100; i++)
    lwip_link_advance(100);
  lwip_link_run(SETTLE_TURNS);
  result->client_bytes = result->server_bytes = (bench_lwip_bytes_in_use() - before) / 2;
}

// SYNs whose answers are thrown away leave half-open control blocks behind. Both ends are in one
// lwIP, so the client's control block is taken off, which is all it has when its SYN has gone out
// and nothing has come back but a segment in the retransmission queue, freed by tcp_abort().
static void half(struct result *result, size_t before)
{
  if (job.count > LISTENERS * LISTENER_HALF_OPEN)
    fail("lwip: at most %d half-open connections", LISTENERS * LISTENER_HALF_OPEN);
  for (uint64_t i = 0; i < job.count; i++) {
    struct tcp_pcb *pcb = client_open(0, (u16_t)(SERVER_PORT + i / LISTENER_HALF_OPEN));
    lwip_link_carry_one_way();
    tcp_err(pcb, NULL);
    lwip_link_discard();
    tcp_abort(pcb);
    lwip_link_discard();
  }
  result->server_bytes = bench_lwip_bytes_in_use() - before;
}

static void timewait(struct result *result, size_t before)
{
  for (uint64_t i = 0; i < job.count; i++) {
    client_open(0, SERVER_PORT);
    lwip_link_run(SETTLE_TURNS);
  }
  if (finished != job.count)
    fail("lwip: %u of %llu closed", finished, (unsigned long long)job.count);
  result->client_bytes = bench_lwip_bytes_in_use() - before;
}

void lwip_run(const struct job *wanted, struct result *result)
{
  job = *wanted;
  lwip_link_open();
  server_open();
  lwip_link_advance(1000);
  uint32_t open = job.work == WORK_IDLE ? (uint32_t)job.count : job.open;
  size_t before = bench_lwip_bytes_in_use();
  if (job.work == WORK_CONN) bench_lwip_leave_pcbs(CONN_PCBS);
  if (job.work == WORK_BULK || job.work == WORK_EXCHANGE || job.work == WORK_IDLE)
    clients_open(open);
  else
    clients = must_alloc(sizeof *clients);

  uint64_t packets = lwip_link_packets, start = cpu_now_ns();
  switch (job.work) {
  case WORK_BULK: bulk(); break;
  case WORK_CONN: connections(); break;
  case WORK_EXCHANGE: exchanges(); break;
  case WORK_IDLE: idle(result, before); break;
  case WORK_HALF: half(result, before); break;
  case WORK_TIMEWAIT: timewait(result, before); break;
  }
  result->cpu_ns = cpu_now_ns() - start;
  result->packets = lwip_link_packets - packets;
  result->operations = job.count;
}
