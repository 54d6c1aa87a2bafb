// SPDX-License-Identifier: BSD-2-Clause
// link.c - birth and death of the link room, its interfaces, Ethernet destinations.
//
// Theory of operation. A path to an Ethernet interface needs the hardware address of its next hop. link_resolve()
// writes the Ethernet header into the path, stamped with the table's generation; whenever any address in the table may
// no longer hold, the generation moves and each path comes by once to look again. A path whose neighbour is not
// known yet waits in that neighbour's list, the stack parks what is on it, and link_woken() hands it out when the
// neighbour answered or was given up. Packets that belong to no connection wait here as copies, three a neighbour.
// Requests and those packets are pulled by link_output(). Not done: duplicate address detection, announcements of our
// own addresses, router solicitations, IPv4 conflict detection (RFC 5227), multicast listener reports.
#include "link/neighbour.h"

void link_init(struct link *l, struct mem *mem, const uint64_t key[2])
{
  memset(l, 0, sizeof *l);
  l->mem = mem;
  l->key[0] = key[0];
  l->key[1] = key[1];
  slab_init(&l->neighbours, mem, sizeof(struct link_neighbour), ESTAB_MEM_NET);
  fifo_init(&l->to_ask);
  fifo_init(&l->asking);
  fifo_init(&l->fresh);
  fifo_init(&l->stale);
}

static void link_list_clear(struct link *l, const struct fifo *list)
{
  while (list->head != SLAB_NONE)
    neighbour_remove(l, list->head);
}

static void link_buckets_free(struct link *l)
{
  if (!l->buckets) return;
  mem_free(l->mem, l->buckets, LINK_BUCKETS * sizeof *l->buckets, ESTAB_MEM_TABLE);
  l->buckets = NULL;
}

void link_destroy(struct link *l)
{
  link_list_clear(l, &l->to_ask);
  link_list_clear(l, &l->asking);
  link_list_clear(l, &l->fresh);
  link_list_clear(l, &l->stale);
  uint8_t frame[LINK_WAITING_BYTES];
  uint32_t netif;
  while (l->ready)
    link_output(l, 0, frame, &netif);
  link_buckets_free(l);
  slab_destroy(&l->neighbours);
  link_init(l, l->mem, l->key);
}

void link_trim(struct link *l)
{
  link_list_clear(l, &l->stale);
  if (!l->neighbours.count) link_buckets_free(l);
  slab_trim(&l->neighbours);
}

int link_netif_add(struct link *l, uint32_t netif, const uint8_t mac[6])
{
  if (netif - 1 >= LINK_NETIFS || !mac_is_unicast(mac)) return ESTAB_ERR_INVALID;
  memcpy(l->macs[netif - 1], mac, 6);
  l->ethernet[netif - 1] = true;
  return 0;
}

static void link_list_clear_netif(struct link *l, const struct fifo *list, uint32_t netif)
{
  for (uint32_t index = list->head, next; index != SLAB_NONE; index = next) {
    next = fifo_next(&l->neighbours, offsetof(struct link_neighbour, link), index);
    if (neighbour_at(l, index)->netif == netif) neighbour_remove(l, index);
  }
}

void link_netif_down(struct link *l, uint32_t netif)
{
  link_list_clear_netif(l, &l->to_ask, netif);
  link_list_clear_netif(l, &l->asking, netif);
  link_list_clear_netif(l, &l->fresh, netif);
  link_list_clear_netif(l, &l->stale, netif);
}

int link_eth_accept(const struct link *l, uint32_t netif, const struct estab_eth_header *eth)
{
  if (netif - 1 >= LINK_NETIFS || !l->ethernet[netif - 1]) return -ESTAB_DROP_NETIF_DOWN;
  if (eth->src[0] & 1) return -ESTAB_DROP_ETH_NOT_OURS; // a group sends nothing
  if (memcmp(eth->dst, l->macs[netif - 1], 6) == 0) return 0;
  return eth->dst[0] & 1 ? 1 : -ESTAB_DROP_ETH_NOT_OURS;
}
