// SPDX-License-Identifier: BSD-2-Clause
// ip4.c - IPv4 headers, RFC 791 3.1.

#include <estab/wire.h>
#include "base/bytes.h"
#include "wire/ip.h"

#include <string.h>

#define IP4_DONT_FRAGMENT  0x4000
#define IP4_MORE_FRAGMENTS 0x2000
#define IP4_OFFSET_MASK    0x1fff // in units of 8 bytes

#define IP4_OPTION_END          0
#define IP4_OPTION_NOP          1
#define IP4_OPTION_LOOSE_ROUTE  131
#define IP4_OPTION_STRICT_ROUTE 137

// Every option is stepped over within its bounds; none is obeyed. RFC 1122 3.2.1.8
// DEPARTS: RFC 9293 3.9.2.1 [MUST-51, MUST-52, MUST-53] because source routes are for attackers (RFC 7126 4.3).
static WIRE_COLD enum estab_drop ip4_options_judge(const uint8_t *options, size_t count)
{
  for (size_t i = 0; i < count;) {
    if (options[i] == IP4_OPTION_END) break;
    if (options[i] == IP4_OPTION_NOP) {
      i++;
      continue;
    }
    if (count - i < 2 || options[i + 1] < 2 || options[i + 1] > count - i)
      return ESTAB_DROP_IP4_OPTION;
    if (options[i] == IP4_OPTION_LOOSE_ROUTE || options[i] == IP4_OPTION_STRICT_ROUTE)
      return ESTAB_DROP_IP4_SOURCE_ROUTE;
    i += options[i + 1];
  }
  return ESTAB_DROP_NONE;
}

static WIRE_COLD enum estab_drop ip4_fragment_judge(const struct estab_ip4_header *h)
{
  const size_t payload_bytes = (size_t)h->total_bytes - h->header_bytes;
  if (!ip_fragment_fits(&h->fragment, payload_bytes, UINT16_MAX - (size_t)h->header_bytes))
    return ESTAB_DROP_FRAG_BOUNDS;
  if (h->fragment.offset == 0 && payload_bytes < ip_transport_bytes(h->protocol))
    return ESTAB_DROP_FRAG_FIRST_SHORT;
  return ESTAB_DROP_NONE;
}

int estab_ip4_parse_cut(const uint8_t *bytes, size_t have, size_t wire_bytes,
                        struct estab_ip4_header *out)
{
  if (have < ESTAB_IP4_HEADER_BYTES) return -ESTAB_DROP_IP_SHORT;
  if (bytes[0] >> 4 != 4) return -ESTAB_DROP_IP_VERSION;
  const unsigned header_bytes = (bytes[0] & 0xfU) * 4;
  const uint16_t total_bytes = get_be16(bytes + 2);
  if (header_bytes < ESTAB_IP4_HEADER_BYTES || header_bytes > have)
    return -ESTAB_DROP_IP4_HEADER_LENGTH;
  if (total_bytes < header_bytes || total_bytes > wire_bytes) return -ESTAB_DROP_IP4_TOTAL_LENGTH;

  const uint16_t fragment = get_be16(bytes + 6);
  out->header_bytes = (uint8_t)header_bytes;
  out->total_bytes = total_bytes;
  out->dscp = bytes[1] >> 2;
  out->ecn = bytes[1] & 3;
  out->fragment.id = get_be16(bytes + 4);
  out->fragment.offset = (uint16_t)((fragment & IP4_OFFSET_MASK) * 8);
  out->fragment.more = (fragment & IP4_MORE_FRAGMENTS) != 0;
  out->dont_fragment = (fragment & IP4_DONT_FRAGMENT) != 0;
  out->ttl = bytes[8];
  out->protocol = bytes[9];
  ip_read4(&out->src, bytes + 12);
  ip_read4(&out->dst, bytes + 16);
  out->options_bytes = (uint8_t)(header_bytes - ESTAB_IP4_HEADER_BYTES);
  out->options = NULL;

  if (header_bytes > ESTAB_IP4_HEADER_BYTES) {
    out->options = bytes + ESTAB_IP4_HEADER_BYTES;
    const enum estab_drop drop = ip4_options_judge(out->options, out->options_bytes);
    if (drop != ESTAB_DROP_NONE) return -(int)drop;
  }
  if (fragment & (IP4_OFFSET_MASK | IP4_MORE_FRAGMENTS)) {
    const enum estab_drop drop = ip4_fragment_judge(out);
    if (drop != ESTAB_DROP_NONE) return -(int)drop;
  }
  if (!ip4_checksum_right(bytes, header_bytes)) return -ESTAB_DROP_IP4_CHECKSUM;
  return (int)header_bytes;
}

int estab_ip4_parse(const uint8_t *bytes, size_t have, struct estab_ip4_header *out)
{
  return estab_ip4_parse_cut(bytes, have, have, out);
}

size_t estab_ip4_emit(const struct estab_ip4_header *h, uint8_t *out)
{
  const unsigned header_bytes = ESTAB_IP4_HEADER_BYTES + (unsigned)h->options_bytes;
  const unsigned fragment = h->fragment.offset / 8U | (h->fragment.more ? IP4_MORE_FRAGMENTS : 0) |
                            (h->dont_fragment ? IP4_DONT_FRAGMENT : 0);
  out[0] = (uint8_t)(0x40 | header_bytes / 4);
  out[1] = (uint8_t)(h->dscp << 2 | (h->ecn & 3));
  put_be16(out + 2, h->total_bytes);
  put_be16(out + 4, (uint16_t)h->fragment.id);
  put_be16(out + 6, (uint16_t)fragment);
  out[8] = h->ttl;
  out[9] = h->protocol;
  put_be16(out + 10, 0);
  memcpy(out + 12, h->src.bytes + 12, 4);
  memcpy(out + 16, h->dst.bytes + 12, 4);
  if (h->options_bytes > 0) memcpy(out + ESTAB_IP4_HEADER_BYTES, h->options, h->options_bytes);
  uint32_t sum = ip4_header_sum(out, header_bytes);
  sum = (sum & 0xffff) + (sum >> 16);
  const uint16_t checksum = (uint16_t) ~(sum + (sum >> 16));
  memcpy(out + 10, &checksum, 2);
  return header_bytes;
}
