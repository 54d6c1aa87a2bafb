// SPDX-License-Identifier: BSD-2-Clause
// tun_lwip.c - lwIP on a plain TUN device, offering the bench's services.
//
// usage: tun-lwip NAME ADDRESS     (NETMASK /24)

#define _GNU_SOURCE
#include "pattern.h"
#include "tun.h"
#include "lwip/port.h"

#include <endian.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"

enum { BATCH = 64, PIECES = 16, WRITE_BYTES = 16 * 1460 };

// What a connection of the sink or source knows: bytes so far.
struct stream {
  uint64_t offset;
};

static int device;

// ---------------------------------------------------------------------------------------------
// Device

static err_t device_output(struct netif *netif, struct pbuf *p, const ip4_addr_t *next_hop)
{
  struct iovec pieces[PIECES];
  int n = 0;
  (void)netif;
  (void)next_hop;
  for (const struct pbuf *q = p; q && n < PIECES; q = q->next)
    pieces[n++] = (struct iovec){.iov_base = q->payload, .iov_len = q->len};
  if (writev(device, pieces, n) < 0 && errno != EAGAIN && errno != EIO)
    err(1, "write to the device");
  return ERR_OK;
}

static err_t netif_start(struct netif *netif)
{
  netif->mtu = 1500;
  netif->output = device_output;
  netif->flags = NETIF_FLAG_LINK_UP;
  return ERR_OK;
}

static void device_input(struct netif *netif)
{
  for (int i = 0; i < BATCH; i++) {
    struct pbuf *p = pbuf_alloc(PBUF_RAW, PBUF_POOL_BUFSIZE, PBUF_POOL);
    if (!p) errx(1, "no packet buffer left");
    ssize_t n = read(device, p->payload, PBUF_POOL_BUFSIZE);
    if (n <= 0) {
      pbuf_free(p);
      if (n < 0 && errno != EAGAIN && errno != EINTR) err(1, "read from the device");
      return;
    }
    pbuf_realloc(p, (u16_t)n);
    if (netif->input(p, netif) != ERR_OK) pbuf_free(p);
  }
}

// ---------------------------------------------------------------------------------------------
// Services

static void on_error(void *arg, err_t error)
{
  (void)error;
  free(arg);
}

static err_t finish(struct tcp_pcb *pcb, void *arg)
{
  free(arg);
  tcp_arg(pcb, NULL);
  tcp_recv(pcb, NULL);
  tcp_sent(pcb, NULL);
  tcp_err(pcb, NULL);
  return tcp_close(pcb);
}

static err_t echo_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
  (void)error;
  if (!p) return finish(pcb, arg);
  tcp_write(pcb, p->payload, p->len, TCP_WRITE_FLAG_COPY);
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  return ERR_OK;
}

static err_t sink_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
  struct stream *stream = arg;
  (void)error;
  if (!p) {
    uint64_t count = htobe64(stream->offset);
    tcp_write(pcb, &count, sizeof count, TCP_WRITE_FLAG_COPY);
    return finish(pcb, arg);
  }
  for (const struct pbuf *q = p; q; q = q->next) {
    if (!pattern_matches(stream->offset, q->payload, q->len))
      errx(1, "wrong data near byte %llu", (unsigned long long)stream->offset);
    stream->offset += q->len;
  }
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  return ERR_OK;
}

static err_t source_fill(void *arg, struct tcp_pcb *pcb, u16_t acked_bytes)
{
  struct stream *stream = arg;
  (void)acked_bytes;
  while (tcp_sndbuf(pcb) >= WRITE_BYTES) {
    if (tcp_write(pcb, pattern_at(stream->offset), WRITE_BYTES, TCP_WRITE_FLAG_COPY) != ERR_OK)
      break;
    stream->offset += WRITE_BYTES;
  }
  return tcp_output(pcb);
}

static err_t source_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error)
{
  (void)error;
  if (!p) return finish(pcb, arg);
  pbuf_free(p);
  return ERR_OK;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t error)
{
  struct stream *stream = calloc(1, sizeof *stream);
  (void)arg;
  if (error != ERR_OK || !stream) return ERR_MEM;
  tcp_arg(pcb, stream);
  tcp_err(pcb, on_error);
  tcp_nagle_disable(pcb);
  if (pcb->local_port == PORT_SINK) {
    tcp_recv(pcb, sink_received);
  } else if (pcb->local_port == PORT_SOURCE) {
    tcp_recv(pcb, source_received);
    tcp_sent(pcb, source_fill);
    return source_fill(stream, pcb, 0);
  } else {
    tcp_recv(pcb, echo_received);
  }
  return ERR_OK;
}

static void serve(u16_t port)
{
  struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
  if (!pcb || tcp_bind(pcb, IP_ANY_TYPE, port) != ERR_OK || !(pcb = tcp_listen(pcb)))
    errx(1, "cannot listen on port %u", port);
  tcp_accept(pcb, on_accept);
}

static void clock_update(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  bench_lwip_now_ms = (uint32_t)((uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u);
}

int main(int argc, char **argv)
{
  struct netif netif;
  ip4_addr_t address, mask, gateway;
  if (argc != 3 || !ip4addr_aton(argv[2], &address)) {
    fputs("usage: tun-lwip NAME ADDRESS\n", stderr);
    return 2;
  }
  pattern_init();
  device = tun_open(argv[1], false);
  clock_update();
  lwip_init();
  IP4_ADDR(&mask, 255, 255, 255, 0);
  ip4_addr_set_zero(&gateway);
  netif_add(&netif, &address, &mask, &gateway, NULL, netif_start, ip_input);
  netif_set_up(&netif);
  netif_set_default(&netif);
  serve(PORT_SINK);
  serve(PORT_SOURCE);
  for (int port = PORT_ECHO_FIRST; port <= PORT_ECHO_LAST; port++)
    serve((u16_t)port);
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct pollfd fd = {.fd = device, .events = POLLIN};
    uint32_t wait_ms = sys_timeouts_sleeptime();
    if (poll(&fd, 1, wait_ms > 1000 ? 1000 : (int)wait_ms) < 0 && errno != EINTR) err(1, "poll");
    clock_update();
    device_input(&netif);
    sys_check_timeouts();
  }
}
