// SPDX-License-Identifier: BSD-2-Clause
// emit.h - IP headers in front of a payload that the caller writes, in line: one for each packet that leaves.
#ifndef ESTAB_IP_EMIT_H
#define ESTAB_IP_EMIT_H

#include <string.h>

#include "base/bytes.h"
#include "estab/base.h"

// RFC 791 3.1. ID 0 with DF: an atomic datagram needs none, and one that does not count tells nobody
// anything (RFC 6864 4.1; ATTACKS E3). address_sum: both addresses, a partial sum folded to 16 bits. summed: or the
// field is 0.
static inline size_t ip4_header_put(const struct estab_ip *src, const struct estab_ip *dst,
                                    uint16_t address_sum, uint8_t protocol, size_t payload_bytes,
                                    uint8_t traffic_class, uint8_t ttl, const bool summed,
                                    uint8_t *out)
{
  const uint32_t first = 0x4500u | traffic_class, length = (20 + (uint32_t)payload_bytes) & 0xffff;
  const uint32_t carried = (uint32_t)ttl << 8 | protocol;
  // Five numbers of 16 bits, and not all zero: two folds suffice.
  uint32_t sum = first + length + 0x4000u + carried + address_sum;
  sum = (sum & 0xffff) + (sum >> 16);
  sum += sum >> 16;
  put_be32(out, first << 16 | length);
  put_be32(out + 4, 0x00004000u);
  put_be32(out + 8, carried << 16 | (summed ? ~sum & 0xffff : 0));
  memcpy(out + 12, src->bytes + 12, 4);
  memcpy(out + 16, dst->bytes + 12, 4);
  return 20;
}

static inline size_t ip6_header_put(const struct estab_ip *src, const struct estab_ip *dst,
                                    uint8_t protocol, size_t payload_bytes, uint8_t traffic_class,
                                    uint8_t hop_limit, uint32_t label, uint8_t *out)
{
  put_be32(out, 6u << 28 | (uint32_t)traffic_class << 20 | (label & 0xfffff));
  put_be32(out + 4, (uint32_t)payload_bytes << 16 | (uint32_t)protocol << 8 | hop_limit);
  memcpy(out + 8, src->bytes, 16);
  memcpy(out + 24, dst->bytes, 16);
  return 40;
}

// A label for each connection: RFC 6437 3. Multiplying spreads whatever the caller has over the high bits.
static inline uint32_t ip_label_mix(uint32_t label, uint32_t flow)
{
  return label ^ flow * 0x9e3779b1u >> 12;
}

#endif
