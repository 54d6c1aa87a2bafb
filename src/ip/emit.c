// SPDX-License-Identifier: BSD-2-Clause
// emit.c - IP headers in front of a payload that the caller writes. Called once a packet.
#include <string.h>

#include "base/bytes.h"
#include "ip/ip_internal.h"

// RFC 791 3.1. ID 0 with DF: an atomic datagram needs none, and one that does not count tells nobody
// anything (RFC 6864 4.1; ATTACKS E3).
static size_t ip4_header_put(const struct estab_ip *src, const struct estab_ip *dst,
                             uint8_t protocol, size_t payload_bytes, uint8_t traffic_class,
                             uint8_t ttl, uint8_t *out)
{
  uint32_t length = 0x45000000u | (uint32_t)traffic_class << 16 | ((20 + payload_bytes) & 0xffff);
  uint32_t carried = (uint32_t)ttl << 24 | (uint32_t)protocol << 16;
  uint64_t sum = (uint64_t)length + 0x4000u + carried;
  sum += (uint64_t)get_be32(src->bytes + 12) + get_be32(dst->bytes + 12);
  // Three 16-bit parts, the highest at most 4: two folds suffice.
  uint32_t folded = (uint32_t)((sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32));
  folded = (folded & 0xffff) + (folded >> 16);
  folded += folded >> 16;
  put_be32(out, length);
  put_be32(out + 4, 0x00004000u);
  put_be32(out + 8, carried | (~folded & 0xffff));
  memcpy(out + 12, src->bytes + 12, 4);
  memcpy(out + 16, dst->bytes + 12, 4);
  return 20;
}

static size_t ip6_header_put(const struct estab_ip *src, const struct estab_ip *dst,
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
static uint32_t ip_label_mix(uint32_t label, uint32_t flow)
{
  return label ^ flow * 0x9e3779b1u >> 12;
}

size_t ip_emit(const struct ip *ip, const struct path *path, uint8_t protocol, size_t payload_bytes,
               uint8_t traffic_class, uint8_t hop_limit, uint32_t flow, uint8_t *out)
{
  (void)ip;
  if (ip_is_mapped(&path->remote))
    return ip4_header_put(&path->local, &path->remote, protocol, payload_bytes, traffic_class,
                          hop_limit, out);
  return ip6_header_put(&path->local, &path->remote, protocol, payload_bytes, traffic_class,
                        hop_limit, ip_label_mix(path->flow_label, flow), out);
}

size_t ip_emit_to(const struct ip *ip, const struct estab_ip *local, const struct estab_ip *remote,
                  uint8_t protocol, size_t payload_bytes, uint8_t traffic_class, uint8_t hop_limit,
                  uint32_t flow, uint8_t *out)
{
  if (ip_is_mapped(remote))
    return ip4_header_put(local, remote, protocol, payload_bytes, traffic_class, hop_limit, out);
  return ip6_header_put(local, remote, protocol, payload_bytes, traffic_class, hop_limit,
                        ip_label_mix(ip_flow_label(ip, local, remote), flow), out);
}
