// SPDX-License-Identifier: BSD-2-Clause
// decode_plain.c - what nearly every frame is, read in one go: Ethernet, IP without options or fragments, TCP; whole,
// and with right checksums.
//
// A short cut of the walk in decode.c, to which all else is left, with the same answer: a test compares.
#include "watch/decode_internal.h"
#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/tcp.h"

#define PLAIN_FRAGMENT 0x3fff // more fragments, or an offset

// Both answer the packet's bytes, 0 = it is not plain, and add up its addresses.
static inline size_t plain_ip4(const uint8_t *ip, size_t have, struct watch_packet *out,
                               uint64_t *sum)
{
  if (have < ESTAB_IP4_HEADER_BYTES) return 0;
  const size_t bytes = get_be16(ip + 2);
  const uint16_t fragment = get_be16(ip + 6);
  if (ip[0] != 0x45 || ip[9] != ESTAB_PROTOCOL_TCP || (fragment & PLAIN_FRAGMENT) ||
      bytes < ESTAB_IP4_HEADER_BYTES || bytes > have)
    return 0;
  *sum = (uint64_t)checksum_load32(ip + 12) + checksum_load32(ip + 16);
  if (!checksum_is_right(*sum + checksum_load32(ip) + checksum_load32(ip + 4) +
                         checksum_load32(ip + 8)))
    return 0;
  out->version = 4;
  out->ttl = ip[8];
  out->dscp = ip[1] >> 2;
  out->ecn = ip[1] & 3;
  out->dont_fragment = fragment >> 14 & 1;
  out->fragment = (struct estab_fragment){.id = get_be16(ip + 4)};
  ip_read4(&out->src, ip + 12);
  ip_read4(&out->dst, ip + 16);
  return bytes;
}

static inline size_t plain_ip6(const uint8_t *ip, size_t have, struct watch_packet *out,
                               uint64_t *sum)
{
  if (have < ESTAB_IP6_HEADER_BYTES) return 0;
  const size_t bytes = ESTAB_IP6_HEADER_BYTES + (size_t)get_be16(ip + 4);
  if (ip[0] >> 4 != 6 || ip[6] != ESTAB_PROTOCOL_TCP || bytes > have) return 0;
  *sum = 0;
  for (unsigned i = 8; i < ESTAB_IP6_HEADER_BYTES; i += 4)
    *sum += checksum_load32(ip + i);
  out->version = 6;
  out->ttl = ip[7];
  out->dscp = (uint8_t)(get_be16(ip) >> 6 & 0x3f);
  out->ecn = ip[1] >> 4 & 3;
  out->dont_fragment = true;
  out->fragment = (struct estab_fragment){0};
  ip_read6(&out->src, ip + 8);
  ip_read6(&out->dst, ip + 24);
  return bytes;
}

// False: the frame is not plain, and *out is spoiled.
static bool decode_plain(const uint8_t *frame, size_t captured_bytes, struct watch_packet *out)
{
  if (captured_bytes < ESTAB_ETH_HEADER_BYTES) return false;
  const uint8_t *const ip = frame + ESTAB_ETH_HEADER_BYTES;
  const size_t have = captured_bytes - ESTAB_ETH_HEADER_BYTES;
  const uint16_t type = get_be16(frame + 12);
  const size_t ip_header = type == ESTAB_ETH_IP4 ? ESTAB_IP4_HEADER_BYTES : ESTAB_IP6_HEADER_BYTES;
  uint64_t sum = 0;
  size_t ip_bytes = 0;
  if (type == ESTAB_ETH_IP4)
    ip_bytes = plain_ip4(ip, have, out, &sum);
  else if (type == ESTAB_ETH_IP6)
    ip_bytes = plain_ip6(ip, have, out, &sum);
  if (ip_bytes == 0) return false;

  const uint8_t *const tcp = ip + ip_header;
  const size_t bytes = ip_bytes - ip_header;
  const int header_bytes = tcp_parse_fixed(tcp, bytes, &out->tcp);
  if (header_bytes < 0) return false;
  const size_t tcp_header = (size_t)header_bytes, text_bytes = bytes - tcp_header;
  sum = checksum_with(sum, ESTAB_PROTOCOL_TCP + bytes) + checksum_tcp_header(tcp, tcp_header);
  if (text_bytes > 0) sum = checksum_with(sum, estab_checksum_add(0, tcp + tcp_header, text_bytes));
  if (!checksum_is_right(sum)) return false;
  tcp_parse_options(tcp, tcp_header, &out->tcp.options);

  memset(out, 0, offsetof(struct watch_packet, version));
  out->kind = WATCH_KIND_TCP;
  out->count = ESTAB_WATCH_COUNT_TCP;
  out->protocol = ESTAB_PROTOCOL_TCP;
  out->ip_checksum = out->tcp_checksum = WATCH_CHECKSUM_OK;
  out->source_routed = out->length_unset = out->joined = out->tcp_options_cut = false;
  out->ip = ip;
  out->ip_bytes = out->ip_captured_bytes = (uint32_t)ip_bytes;
  out->ip_header_bytes = (uint16_t)ip_header;
  out->payload = tcp + tcp_header;
  out->payload_bytes = out->payload_captured_bytes = (uint32_t)text_bytes;
  return true;
}

enum watch_kind watch_decode(uint32_t link_type, const uint8_t *frame, size_t captured_bytes,
                             size_t wire_bytes, struct watch_packet *out)
{
  if (link_type == ESTAB_LINKTYPE_ETHERNET && decode_plain(frame, captured_bytes, out))
    return WATCH_KIND_TCP;
  return decode_any(link_type, frame, captured_bytes, wire_bytes, out);
}

struct watch_ends watch_decode_ends(uint32_t link_type, const uint8_t *frame, size_t captured_bytes)
{
  const size_t ip4_bytes = ESTAB_ETH_HEADER_BYTES + ESTAB_IP4_HEADER_BYTES + 4; // with ports
  const size_t ip6_bytes = ESTAB_ETH_HEADER_BYTES + ESTAB_IP6_HEADER_BYTES + 4;
  const uint8_t *const ip = frame + ESTAB_ETH_HEADER_BYTES;
  if (link_type == ESTAB_LINKTYPE_ETHERNET && captured_bytes >= ip4_bytes) {
    const uint16_t type = get_be16(frame + 12);
    if (type == ESTAB_ETH_IP4 && ip[0] == 0x45 && ip[9] == ESTAB_PROTOCOL_TCP)
      return (struct watch_ends){ip + 12, ip + ESTAB_IP4_HEADER_BYTES, 1};
    if (type == ESTAB_ETH_IP6 && captured_bytes >= ip6_bytes && ip[6] == ESTAB_PROTOCOL_TCP)
      return (struct watch_ends){ip + 8, ip + ESTAB_IP6_HEADER_BYTES, 4};
  }
  return (struct watch_ends){NULL, NULL, 0};
}
