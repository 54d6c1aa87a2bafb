// SPDX-License-Identifier: BSD-2-Clause
// nd.c - Neighbour Discovery of a host: RFC 4861 7.2.
#include "base/bytes.h"
#include "link/neighbour.h"

// IPv6 header, message and checksum behind the link header's place; answers the bytes from there on.
static size_t nd_packet_emit(const struct estab_ip *src, const struct estab_ip *dst,
                             const struct estab_nd *nd, uint8_t *out)
{
  uint8_t *message = out + ESTAB_IP6_HEADER_BYTES;
  size_t bytes = estab_nd_emit(nd, message);
  struct estab_ip6_header ip = {.src = *src,
                                .dst = *dst,
                                .next_header = ESTAB_PROTOCOL_ICMP6,
                                .hop_limit = 255,
                                .payload_bytes = (uint16_t)bytes};
  estab_ip6_emit(&ip, out);
  uint64_t sum = estab_checksum_pseudo(src, dst, ESTAB_PROTOCOL_ICMP6, (uint32_t)bytes);
  put_be16(message + ESTAB_ICMP_CHECKSUM_OFFSET, 0);
  sum = estab_checksum_add(sum, message, bytes);
  put_be16(message + ESTAB_ICMP_CHECKSUM_OFFSET, estab_checksum_finish(sum));
  return ESTAB_IP6_HEADER_BYTES + bytes;
}

static void nd_eth_emit(const uint8_t src[6], const uint8_t dst[6], uint8_t *out)
{
  struct estab_eth_header eth = {.type = ESTAB_ETH_IP6};
  memcpy(eth.dst, dst, 6);
  memcpy(eth.src, src, 6);
  estab_eth_emit(&eth, out);
}

// RFC 2464 7.
static void nd_group_mac(const struct estab_ip *group, uint8_t mac[6])
{
  mac[0] = mac[1] = 0x33;
  memcpy(mac + 2, group->bytes + 12, 4);
}

// To the solicited-node group (RFC 4291 2.7.1), or to the address that is doubted.
size_t nd_solicitation_emit(const struct link *l, const struct link_neighbour *n, uint8_t *out)
{
  struct estab_ip dst = {{0xff, 2, [11] = 1, [12] = 0xff}};
  uint8_t mac[6];
  const uint8_t *own = l->macs[n->netif - 1];
  struct estab_nd nd = {
      .type = ESTAB_ICMP6_NEIGHBOUR_SOLICITATION, .present = ESTAB_ND_SOURCE_MAC, .target = n->ip};
  memcpy(nd.source_mac, own, 6);
  memcpy(dst.bytes + 13, n->ip.bytes + 13, 3);
  nd_group_mac(&dst, mac);
  if (n->state == LINK_PROBE) {
    dst = n->ip;
    memcpy(mac, n->mac, 6);
  }
  nd_eth_emit(own, mac, out);
  return LINK_HEADER_BYTES + nd_packet_emit(&n->asker, &dst, &nd, out + LINK_HEADER_BYTES);
}

// Somebody says in passing which hardware address it has (NS, RA). DEPARTS: RFC 4861 7.2.3 because it lets anybody
// on the link make and change entries: as in arp.c, only what we ask for is made, and a change is asked about.
static void nd_hint(struct link *l, uint32_t netif, const struct estab_ip *src,
                    const struct estab_nd *nd, uint64_t now_ns)
{
  if (!(nd->present & ESTAB_ND_SOURCE_MAC) || !mac_is_unicast(nd->source_mac)) return;
  uint32_t index = neighbour_find(l, netif, src);
  if (index == SLAB_NONE) return;
  const struct link_neighbour *n = neighbour_at(l, index);
  if (n->state == LINK_INCOMPLETE)
    neighbour_resolved(l, index, nd->source_mac, false, now_ns);
  else if (memcmp(n->mac, nd->source_mac, 6) != 0)
    neighbour_doubted(l, index);
}

// RFC 4861 7.2.5, with Override believed only while we ask.
static int nd_advertisement(struct link *l, uint32_t netif, const struct estab_nd *nd,
                            uint64_t now_ns)
{
  uint32_t index = neighbour_find(l, netif, &nd->target);
  if (index == SLAB_NONE) return -ESTAB_DROP_ND_NOT_OURS;
  const struct link_neighbour *n = neighbour_at(l, index);
  bool has_mac = nd->present & ESTAB_ND_TARGET_MAC;
  if (has_mac && !mac_is_unicast(nd->target_mac)) return -ESTAB_DROP_ND_BAD;
  bool same = !has_mac || memcmp(n->mac, nd->target_mac, 6) == 0;
  switch ((enum link_state)n->state) {
  case LINK_INCOMPLETE:
    if (!has_mac) return -ESTAB_DROP_ND_BAD;
    neighbour_resolved(l, index, nd->target_mac, nd->solicited, now_ns);
    return 0;
  case LINK_PROBE:
    if (nd->solicited && same) {
      uint8_t mac[6];
      memcpy(mac, n->mac, 6);
      neighbour_resolved(l, index, mac, true, now_ns);
      return 0;
    }
    break;
  case LINK_REACHABLE:
  case LINK_STALE:
    if (!same) neighbour_doubted(l, index);
    break;
  case LINK_FAILED: break;
  }
  return -ESTAB_DROP_ND_NOT_OURS; // nobody asked
}

// RFC 4861 7.2.4. To all nodes if the question came from nowhere (duplicate address detection).
static int nd_answer(struct link *l, uint32_t netif, const struct estab_ip *src,
                     const struct estab_nd *question, uint64_t now_ns, uint8_t *reply,
                     size_t *reply_bytes)
{
  static const struct estab_ip all_nodes = {{0xff, 2, [15] = 1}};
  bool from_nowhere = estab_ip_is_any(src);
  struct estab_ip dst = from_nowhere ? all_nodes : *src;
  struct estab_nd nd = {.type = ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT,
                        .present = ESTAB_ND_TARGET_MAC,
                        .solicited = !from_nowhere,
                        .override = true,
                        .target = question->target};
  memcpy(nd.target_mac, l->macs[netif - 1], 6);
  uint8_t *packet = reply + LINK_HEADER_BYTES;
  size_t bytes = nd_packet_emit(&question->target, &dst, &nd, packet);
  uint8_t mac[6];
  if (from_nowhere) {
    nd_group_mac(&dst, mac);
  } else if (question->present & ESTAB_ND_SOURCE_MAC) {
    memcpy(mac, question->source_mac, 6);
  } else { // it did not say; perhaps it is known, else it is asked
    int answer = link_send(l, netif, &question->target, &dst, packet, bytes, now_ns, reply);
    if (answer == 1) *reply_bytes = LINK_HEADER_BYTES + bytes;
    return answer < 0 ? answer : 0;
  }
  if (!from_nowhere && !mac_is_unicast(mac)) return -ESTAB_DROP_ND_BAD;
  nd_eth_emit(l->macs[netif - 1], mac, reply);
  *reply_bytes = LINK_HEADER_BYTES + bytes;
  return 0;
}

int link_nd_input(struct link *l, uint32_t netif, const struct estab_ip *src,
                  const struct estab_ip *dst, const struct estab_nd *nd, bool target_is_ours,
                  uint64_t now_ns, uint8_t reply[LINK_MESSAGE_BYTES], size_t *reply_bytes)
{
  *reply_bytes = 0;
  if (netif - 1 >= LINK_NETIFS || !l->ethernet[netif - 1]) return -ESTAB_DROP_NETIF_DOWN;
  switch (nd->type) {
  case ESTAB_ICMP6_NEIGHBOUR_SOLICITATION:
    if (!target_is_ours) return -ESTAB_DROP_ND_NOT_OURS;
    if (!estab_ip_is_any(src)) nd_hint(l, netif, src, nd, now_ns);
    return nd_answer(l, netif, src, nd, now_ns, reply, reply_bytes);
  case ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT:
    if (nd->solicited && dst->bytes[0] == 0xff) return -ESTAB_DROP_ND_BAD; // 7.1.2
    return nd_advertisement(l, netif, nd, now_ns);
  case ESTAB_ICMP6_ROUTER_ADVERTISEMENT: nd_hint(l, netif, src, nd, now_ns); return 0;
  default: return -ESTAB_DROP_ND_NOT_OURS; // router solicitations: we are none
  }
}
