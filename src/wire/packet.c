// SPDX-License-Identifier: BSD-2-Clause
// packet.c - whole frames: every layer's codec in turn, with lengths and checksums.

#include <estab/wire.h>
#include "base/bytes.h"

#include <string.h>

static bool packet_checksum_right(const struct estab_packet *p, const uint8_t *upper, size_t count)
{
  uint64_t sum = 0;
  if (p->protocol != ESTAB_PROTOCOL_ICMP4)
    sum = estab_checksum_pseudo(&p->src, &p->dst, p->protocol, (uint32_t)count);
  return estab_checksum_finish(estab_checksum_add(sum, upper, count)) == 0;
}

// Answers the transport header's bytes, or a drop. *count: what the payload ends with.
static int packet_parse_udp(struct estab_packet *p, const uint8_t *upper, size_t *count)
{
  const int n = estab_udp_parse(upper, *count, &p->udp);
  if (n < 0) return n;
  p->kind = ESTAB_PACKET_UDP;
  *count = p->udp.total_bytes;
  return n;
}

static enum estab_drop packet_checksum_judge(const struct estab_packet *p, const uint8_t *upper,
                                             size_t count)
{
  switch ((enum estab_packet_kind)p->kind) {
  case ESTAB_PACKET_TCP:
    return packet_checksum_right(p, upper, count) ? ESTAB_DROP_NONE : ESTAB_DROP_TCP_CHECKSUM;
  case ESTAB_PACKET_UDP:
    if (p->udp.checksum == 0) return p->version == 4 ? ESTAB_DROP_NONE : ESTAB_DROP_UDP_CHECKSUM;
    return packet_checksum_right(p, upper, count) ? ESTAB_DROP_NONE : ESTAB_DROP_UDP_CHECKSUM;
  case ESTAB_PACKET_ICMP4:
  case ESTAB_PACKET_ICMP6:
    return packet_checksum_right(p, upper, count) ? ESTAB_DROP_NONE : ESTAB_DROP_ICMP_CHECKSUM;
  case ESTAB_PACKET_OTHER:
  case ESTAB_PACKET_FRAGMENT:
  case ESTAB_PACKET_ARP: return ESTAB_DROP_NONE;
  }
  return ESTAB_DROP_NONE;
}

// `upper` are the `count` bytes behind the IP header.
static int packet_parse_upper(struct estab_packet *p, const uint8_t *upper, size_t count,
                              bool checksum_known)
{
  int n = 0;
  p->kind = ESTAB_PACKET_OTHER;
  p->payload = upper;
  p->payload_bytes = count;
  if (p->fragment.more || p->fragment.offset != 0) {
    p->kind = ESTAB_PACKET_FRAGMENT;
  } else if (p->protocol == ESTAB_PROTOCOL_TCP) {
    n = estab_tcp_parse(upper, count, &p->tcp);
    if (n > 0) p->kind = ESTAB_PACKET_TCP;
  } else if (p->protocol == ESTAB_PROTOCOL_UDP) {
    n = packet_parse_udp(p, upper, &count);
  } else if (p->version == 4 && p->protocol == ESTAB_PROTOCOL_ICMP4) {
    n = estab_icmp4_parse(upper, count, &p->icmp);
    if (n > 0) p->kind = ESTAB_PACKET_ICMP4;
  } else if (p->version == 6 && p->protocol == ESTAB_PROTOCOL_ICMP6) {
    n = estab_icmp6_parse(upper, count, &p->icmp);
    if (n > 0) p->kind = ESTAB_PACKET_ICMP6;
  }
  if (n < 0) return n;
  p->payload = upper + n;
  p->payload_bytes = count - (size_t)n;
  if (checksum_known) return n;
  const enum estab_drop drop = packet_checksum_judge(p, upper, count);
  return drop == ESTAB_DROP_NONE ? n : -(int)drop;
}

static int packet_parse_ip4(struct estab_packet *p, const uint8_t *bytes, size_t have,
                            bool checksum_known)
{
  struct estab_ip4_header h;
  const int n = estab_ip4_parse(bytes, have, &h);
  if (n < 0 && n != -ESTAB_DROP_IP4_CHECKSUM) return n;
  p->version = 4;
  p->src = h.src;
  p->dst = h.dst;
  p->protocol = h.protocol;
  p->ttl = h.ttl;
  p->dscp = h.dscp;
  p->ecn = h.ecn;
  p->dont_fragment = h.dont_fragment;
  p->fragment = h.fragment;
  p->l4_offset = (uint16_t)(p->l3_offset + h.header_bytes);
  const int upper = packet_parse_upper(p, bytes + h.header_bytes,
                                       (size_t)h.total_bytes - h.header_bytes, checksum_known);
  return n < 0 ? n : upper;
}

static int packet_parse_ip6(struct estab_packet *p, const uint8_t *bytes, size_t have,
                            bool checksum_known)
{
  struct estab_ip6_header h;
  const int n = estab_ip6_parse(bytes, have, &h);
  if (n < 0) return n;
  p->version = 6;
  p->src = h.src;
  p->dst = h.dst;
  p->protocol = h.protocol;
  p->ttl = h.hop_limit;
  p->dscp = h.dscp;
  p->ecn = h.ecn;
  p->flow_label = h.flow_label;
  p->fragment = h.fragment;
  p->l4_offset = (uint16_t)(p->l3_offset + h.header_bytes);
  return packet_parse_upper(
      p, bytes + n, ESTAB_IP6_HEADER_BYTES + (size_t)h.payload_bytes - (size_t)n, checksum_known);
}

static int packet_parse_network(struct estab_packet *p, const uint8_t *bytes, size_t have,
                                bool checksum_known)
{
  if (have == 0) return -ESTAB_DROP_IP_SHORT;
  if (bytes[0] >> 4 == 4) return packet_parse_ip4(p, bytes, have, checksum_known);
  if (bytes[0] >> 4 == 6) return packet_parse_ip6(p, bytes, have, checksum_known);
  return -ESTAB_DROP_IP_VERSION;
}

static int packet_parse_arp(struct estab_packet *p, const uint8_t *bytes, size_t have)
{
  const int n = estab_arp_parse(bytes, have, &p->arp);
  if (n < 0) return n;
  p->kind = ESTAB_PACKET_ARP;
  p->l4_offset = p->l3_offset;
  p->src = p->arp.sender_ip;
  p->dst = p->arp.target_ip;
  return n;
}

int estab_packet_parse(int link, const uint8_t *bytes, size_t have, bool checksum_known,
                       struct estab_packet *out)
{
  memset(out, 0, sizeof *out);
  out->bytes = bytes;
  out->link = (uint8_t)link;
  int n = 0;
  if (link == ESTAB_LINK_ETHERNET) {
    n = estab_eth_parse(bytes, have, &out->eth);
    if (n < 0) return n;
    out->l3_offset = ESTAB_ETH_HEADER_BYTES;
    const uint8_t *const inner = bytes + n;
    const size_t left = have - (size_t)n;
    switch (out->eth.type) {
    case ESTAB_ETH_ARP: n = packet_parse_arp(out, inner, left); break;
    case ESTAB_ETH_IP4:
      n = left > 0 && inner[0] >> 4 != 4 ? -ESTAB_DROP_IP_VERSION
                                         : packet_parse_network(out, inner, left, checksum_known);
      break;
    case ESTAB_ETH_IP6:
      n = left > 0 && inner[0] >> 4 != 6 ? -ESTAB_DROP_IP_VERSION
                                         : packet_parse_network(out, inner, left, checksum_known);
      break;
    default: return -ESTAB_DROP_ETH_TYPE;
    }
  } else {
    n = packet_parse_network(out, bytes, have, checksum_known);
  }
  return n < 0 ? n : out->l4_offset + n;
}

// ---------------------------------------------------------------------------------------------

static void packet_store_checksum(const struct estab_packet *p, uint8_t *upper, size_t count,
                                  size_t offset)
{
  uint64_t sum = 0;
  put_be16(upper + offset, 0);
  if (p->kind != ESTAB_PACKET_ICMP4)
    sum = estab_checksum_pseudo(&p->src, &p->dst, p->protocol, (uint32_t)count);
  uint16_t checksum = estab_checksum_finish(estab_checksum_add(sum, upper, count));
  if (p->kind == ESTAB_PACKET_UDP && checksum == 0) checksum = 0xffff; // 0 says "none"
  put_be16(upper + offset, checksum);
}

// The transport header into `upper`; answers its bytes.
static size_t packet_emit_upper_header(const struct estab_packet *p, uint8_t *upper)
{
  struct estab_udp_header udp;
  switch ((enum estab_packet_kind)p->kind) {
  case ESTAB_PACKET_TCP: return estab_tcp_emit(&p->tcp, upper);
  case ESTAB_PACKET_UDP:
    udp = p->udp;
    udp.checksum = 0;
    udp.total_bytes = (uint16_t)(ESTAB_UDP_HEADER_BYTES + p->payload_bytes);
    return estab_udp_emit(&udp, upper);
  case ESTAB_PACKET_ICMP4: return estab_icmp4_emit(&p->icmp, upper);
  case ESTAB_PACKET_ICMP6: return estab_icmp6_emit(&p->icmp, upper);
  case ESTAB_PACKET_ARP: return estab_arp_emit(&p->arp, upper);
  case ESTAB_PACKET_OTHER:
  case ESTAB_PACKET_FRAGMENT: return 0;
  }
  return 0;
}

static void packet_finish_upper(const struct estab_packet *p, uint8_t *upper, size_t count)
{
  switch ((enum estab_packet_kind)p->kind) {
  case ESTAB_PACKET_TCP: packet_store_checksum(p, upper, count, ESTAB_TCP_CHECKSUM_OFFSET); break;
  case ESTAB_PACKET_UDP: packet_store_checksum(p, upper, count, ESTAB_UDP_CHECKSUM_OFFSET); break;
  case ESTAB_PACKET_ICMP4:
  case ESTAB_PACKET_ICMP6:
    packet_store_checksum(p, upper, count, ESTAB_ICMP_CHECKSUM_OFFSET);
    break;
  case ESTAB_PACKET_OTHER:
  case ESTAB_PACKET_FRAGMENT:
  case ESTAB_PACKET_ARP: break;
  }
}

static size_t packet_emit_ip(const struct estab_packet *p, size_t upper_bytes, uint8_t *out)
{
  if (p->version == 4) {
    const struct estab_ip4_header h = {
        .src = p->src,
        .dst = p->dst,
        .fragment = p->fragment,
        .total_bytes = (uint16_t)(ESTAB_IP4_HEADER_BYTES + upper_bytes),
        .protocol = p->protocol,
        .ttl = p->ttl,
        .dscp = p->dscp,
        .ecn = p->ecn,
        .dont_fragment = p->dont_fragment,
    };
    return estab_ip4_emit(&h, out);
  }
  const bool is_fragment = p->kind == ESTAB_PACKET_FRAGMENT;
  const struct estab_ip6_header h = {
      .src = p->src,
      .dst = p->dst,
      .flow_label = p->flow_label,
      .payload_bytes = (uint16_t)((is_fragment ? ESTAB_IP6_FRAGMENT_BYTES : 0) + upper_bytes),
      .next_header = is_fragment ? ESTAB_PROTOCOL_FRAGMENT : p->protocol,
      .hop_limit = p->ttl,
      .dscp = p->dscp,
      .ecn = p->ecn,
  };
  size_t n = estab_ip6_emit(&h, out);
  if (is_fragment) n += estab_ip6_fragment_emit(&p->fragment, p->protocol, out + n);
  return n;
}

static bool packet_is_possible(const struct estab_packet *p)
{
  if (p->link != ESTAB_LINK_RAW && p->link != ESTAB_LINK_ETHERNET) return false;
  switch ((enum estab_packet_kind)p->kind) {
  case ESTAB_PACKET_ARP: return p->link == ESTAB_LINK_ETHERNET;
  case ESTAB_PACKET_ICMP4: return p->version == 4;
  case ESTAB_PACKET_ICMP6: return p->version == 6;
  case ESTAB_PACKET_TCP:
  case ESTAB_PACKET_UDP:
  case ESTAB_PACKET_OTHER:
  case ESTAB_PACKET_FRAGMENT: return p->version == 4 || p->version == 6;
  }
  return false;
}

static uint8_t packet_protocol(const struct estab_packet *p)
{
  switch ((enum estab_packet_kind)p->kind) {
  case ESTAB_PACKET_TCP: return ESTAB_PROTOCOL_TCP;
  case ESTAB_PACKET_UDP: return ESTAB_PROTOCOL_UDP;
  case ESTAB_PACKET_ICMP4: return ESTAB_PROTOCOL_ICMP4;
  case ESTAB_PACKET_ICMP6: return ESTAB_PROTOCOL_ICMP6;
  case ESTAB_PACKET_ARP:
  case ESTAB_PACKET_OTHER:
  case ESTAB_PACKET_FRAGMENT: return p->protocol;
  }
  return p->protocol;
}

static size_t packet_emit_eth(const struct estab_packet *p, uint8_t *out)
{
  struct estab_eth_header eth = p->eth;
  eth.type = p->version == 6 ? ESTAB_ETH_IP6 : ESTAB_ETH_IP4;
  if (p->kind == ESTAB_PACKET_ARP) eth.type = ESTAB_ETH_ARP;
  return estab_eth_emit(&eth, out);
}

int estab_packet_emit(const struct estab_packet *packet, uint8_t *out, size_t room)
{
  struct estab_packet p = *packet;
  uint8_t upper_header[ESTAB_TCP_HEADER_MAX_BYTES];
  if (!packet_is_possible(&p)) return ESTAB_ERR_INVALID;
  if (p.payload_bytes > UINT16_MAX) return ESTAB_ERR_TOO_BIG;
  const bool is_arp = p.kind == ESTAB_PACKET_ARP;
  if (is_arp) p.payload_bytes = 0;
  p.protocol = packet_protocol(&p);
  if (p.kind != ESTAB_PACKET_FRAGMENT) {
    p.fragment.more = false;
    p.fragment.offset = 0;
  }

  const size_t header_bytes = packet_emit_upper_header(&p, upper_header);
  const size_t upper_bytes = header_bytes + p.payload_bytes;
  const size_t link_bytes = p.link == ESTAB_LINK_ETHERNET ? ESTAB_ETH_HEADER_BYTES : 0;
  size_t ip_bytes = p.version == 4 ? ESTAB_IP4_HEADER_BYTES : ESTAB_IP6_HEADER_BYTES;
  if (p.version == 6 && p.kind == ESTAB_PACKET_FRAGMENT) ip_bytes += ESTAB_IP6_FRAGMENT_BYTES;
  if (is_arp) ip_bytes = 0;
  const size_t most = UINT16_MAX + (size_t)(p.version == 6 ? ESTAB_IP6_HEADER_BYTES : 0);
  if (ip_bytes + upper_bytes > most || link_bytes + ip_bytes + upper_bytes > room)
    return ESTAB_ERR_TOO_BIG;

  size_t at = 0;
  if (link_bytes > 0) at += packet_emit_eth(&p, out);
  if (!is_arp) at += packet_emit_ip(&p, upper_bytes, out + at);
  if (header_bytes > 0) memcpy(out + at, upper_header, header_bytes);
  if (p.payload_bytes > 0) memcpy(out + at + header_bytes, p.payload, p.payload_bytes);
  packet_finish_upper(&p, out + at, upper_bytes);
  return (int)(at + upper_bytes);
}
