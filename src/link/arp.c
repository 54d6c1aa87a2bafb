// SPDX-License-Identifier: BSD-2-Clause
// arp.c - RFC 826, with what RFC 1122 2.3.2 and the years since have taught.
#include "link/neighbour.h"

static size_t arp_frame_emit(const uint8_t mac[6], const uint8_t dst[6],
                             const struct estab_arp *arp, uint8_t *out)
{
  struct estab_eth_header eth = {.type = ESTAB_ETH_ARP};
  memcpy(eth.dst, dst, 6);
  memcpy(eth.src, mac, 6);
  size_t header = estab_eth_emit(&eth, out);
  return header + estab_arp_emit(arp, out + header);
}

// To everybody, or to the address that is doubted.
size_t arp_request_emit(const struct link *l, const struct link_neighbour *n, uint8_t *out)
{
  static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  const uint8_t *mac = l->macs[n->netif - 1];
  struct estab_arp arp = {
      .operation = ESTAB_ARP_REQUEST, .sender_ip = n->asker, .target_ip = n->ip};
  memcpy(arp.sender_mac, mac, 6);
  return arp_frame_emit(mac, n->state == LINK_PROBE ? n->mac : broadcast, &arp, out);
}

// What the sender's pair of addresses means for the table. DEPARTS: RFC 826 because it lets anybody make and change
// entries: only what we asked for is taken; a new hardware address for a known neighbour is first asked about at the
// old one.
static void arp_learn(struct link *l, uint32_t netif, const struct estab_arp *arp, bool to_us,
                      uint64_t now_ns)
{
  uint32_t index = neighbour_find(l, netif, &arp->sender_ip);
  if (index == SLAB_NONE) return;
  const struct link_neighbour *n = neighbour_at(l, index);
  bool answer = to_us && arp->operation == ESTAB_ARP_REPLY;
  bool same = memcmp(n->mac, arp->sender_mac, 6) == 0;
  switch ((enum link_state)n->state) {
  case LINK_INCOMPLETE:
    // Its own request to us tells the address as well, but not that it hears us.
    if (to_us) neighbour_resolved(l, index, arp->sender_mac, answer, now_ns);
    break;
  case LINK_PROBE:
    if (answer && same) neighbour_resolved(l, index, arp->sender_mac, true, now_ns);
    break;
  case LINK_REACHABLE:
  case LINK_STALE:
    if (!same) neighbour_doubted(l, index);
    break;
  case LINK_FAILED: break;
  }
}

int link_arp_input(struct link *l, uint32_t netif, const struct estab_arp *arp, bool target_is_ours,
                   uint64_t now_ns, uint8_t reply[LINK_MESSAGE_BYTES], size_t *reply_bytes)
{
  *reply_bytes = 0;
  if (netif - 1 >= LINK_NETIFS || !l->ethernet[netif - 1]) return -ESTAB_DROP_NETIF_DOWN;
  if (!mac_is_unicast(arp->sender_mac)) return -ESTAB_DROP_ARP_BAD;
  // Another host that says it has our address is not taught otherwise, nor believed.
  bool conflict = memcmp(&arp->sender_ip, &arp->target_ip, sizeof arp->sender_ip) == 0;
  bool to_us = target_is_ours && !conflict;
  if (!estab_ip_is_any(&arp->sender_ip)) arp_learn(l, netif, arp, to_us, now_ns);
  if (!to_us) return -ESTAB_DROP_ARP_NOT_OURS;
  if (arp->operation != ESTAB_ARP_REQUEST) return 0;
  struct estab_arp answer = {
      .operation = ESTAB_ARP_REPLY, .sender_ip = arp->target_ip, .target_ip = arp->sender_ip};
  memcpy(answer.sender_mac, l->macs[netif - 1], 6);
  memcpy(answer.target_mac, arp->sender_mac, 6);
  *reply_bytes = arp_frame_emit(l->macs[netif - 1], arp->sender_mac, &answer, reply);
  return 0;
}
