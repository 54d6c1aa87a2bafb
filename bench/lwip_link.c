// SPDX-License-Identifier: BSD-2-Clause
// lwip_link.c - two interfaces of one lwIP with a link in memory between them.
//
// lwIP has one set of globals, so both ends live in it. An interface owns an address; a packet for
// that address is routed to it, leaves through it, is copied once as a device would, and comes in
// by it again.

#include "lwip_link.h"
#include "inproc.h"
#include "lwip/port.h"

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/timeouts.h"

enum { QUEUE_PACKETS = 8192 }; // a power of two, more than two windows hold

struct direction {
  struct netif netif;
  struct pbuf *packets[QUEUE_PACKETS];
  unsigned head, tail;
};

static struct direction ends[2];

uint64_t lwip_link_packets;

static err_t enqueue(struct netif *netif, struct pbuf *p)
{
  struct direction *d = netif->state;
  struct pbuf *copy = pbuf_alloc(PBUF_RAW, p->tot_len, PBUF_POOL);
  if (!copy || d->tail - d->head == QUEUE_PACKETS) fail("lwip: the link is full");
  pbuf_copy(copy, p);
  d->packets[d->tail++ % QUEUE_PACKETS] = copy;
  lwip_link_packets++;
  return ERR_OK;
}

static err_t output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *next_hop)
{
  (void)next_hop;
  return enqueue(netif, p);
}

static err_t output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *next_hop)
{
  (void)next_hop;
  return enqueue(netif, p);
}

static err_t netif_start(struct netif *netif)
{
  netif->mtu = MTU_BYTES;
  netif->output = output4;
  netif->output_ip6 = output6;
  netif->flags = NETIF_FLAG_LINK_UP;
  return ERR_OK;
}

void lwip_link_address(int end, int ipv6, ip_addr_t *address)
{
  if (ipv6)
    IP_ADDR6(address, lwip_htonl(0xfd000000), lwip_htonl((u32_t)end), 0, lwip_htonl(1));
  else
    IP_ADDR4(address, 10, 0, (u8_t)end, 1);
}

void lwip_link_open(void)
{
  lwip_init();
  for (int i = 0; i < 2; i++) {
    struct direction *d = &ends[i];
    ip_addr_t ip4, ip6;
    ip4_addr_t mask, gateway;
    lwip_link_address(i, 0, &ip4);
    lwip_link_address(i, 1, &ip6);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    ip4_addr_set_zero(&gateway);
    netif_add(&d->netif, ip_2_ip4(&ip4), &mask, &gateway, d, netif_start, ip_input);
    netif_ip6_addr_set(&d->netif, 0, ip_2_ip6(&ip6));
    netif_ip6_addr_set_state(&d->netif, 0, IP6_ADDR_PREFERRED);
    netif_set_up(&d->netif);
  }
}

static int carry(struct direction *d)
{
  unsigned n = d->tail - d->head;
  for (unsigned i = 0; i < n; i++) {
    struct pbuf *p = d->packets[d->head++ % QUEUE_PACKETS];
    if (d->netif.input(p, &d->netif) != ERR_OK) pbuf_free(p);
  }
  return n > 0;
}

void lwip_link_run(int turns)
{
  for (int busy = 1; busy && turns > 0; turns--) {
    busy = carry(&ends[1]);
    busy |= carry(&ends[0]);
  }
}

void lwip_link_advance(uint32_t milliseconds)
{
  bench_lwip_now_ms += milliseconds;
  sys_check_timeouts();
}

void lwip_link_carry_one_way(void)
{
  carry(&ends[1]);
}

void lwip_link_discard(void)
{
  for (int i = 0; i < 2; i++)
    while (ends[i].head != ends[i].tail)
      pbuf_free(ends[i].packets[ends[i].head++ % QUEUE_PACKETS]);
}
