// SPDX-License-Identifier: BSD-2-Clause
// emit.c - IP headers in front of a payload that the caller writes. Called once a packet.
#include <string.h>

#include "base/bytes.h"
#include "ip/ip_internal.h"

// The 16-bit words of an IPv4 address, added up.
static uint32_t ip4_sum(const uint8_t *address)
{
  return (uint32_t)get_be16(address) + get_be16(address + 2);
}

// RFC 791 3.1. ID 0 with DF: an atomic datagram needs none, and one that does not count tells nobody
// anything (RFC 6864 4.1; ATTACKS E3).
static size_t ip4_header_put(const struct estab_ip *src, const struct estab_ip *dst,
                             uint8_t protocol, size_t payload_bytes, uint8_t traffic_class,
                             uint8_t ttl, uint8_t *out)
{
  const uint8_t *s = src->bytes + 12, *d = dst->bytes + 12;
  uint32_t total = (uint32_t)(20 + payload_bytes) & 0xffff;
  uint32_t sum = 0x4500u + traffic_class + total + 0x4000u + ((uint32_t)ttl << 8) + protocol +
                 ip4_sum(s) + ip4_sum(d);
  sum = (sum & 0xffff) + (sum >> 16);
  sum += sum >> 16;
  put_be32(out, 0x45000000u | (uint32_t)traffic_class << 16 | total);
  put_be32(out + 4, 0x00004000u);
  put_be32(out + 8, (uint32_t)ttl << 24 | (uint32_t)protocol << 16 | (~sum & 0xffff));
  memcpy(out + 12, s, 4);
  memcpy(out + 16, d, 4);
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
