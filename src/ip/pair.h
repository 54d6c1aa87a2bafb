// SPDX-License-Identifier: BSD-2-Clause
// pair.h - TCP between the same two addresses as the packet before: judged then, read at once now.
#ifndef ESTAB_IP_PAIR_H
#define ESTAB_IP_PAIR_H

#include <string.h>

#include "base/bytes.h"
#include "ip/ip.h"
#include "ip/ip_class.h"
#include "wire/ip.h"

// A TCP segment on its way to its connection.
struct ip_segment {
  struct estab_tuple tuple; // ports: for whoever reads the TCP header
  const uint8_t *bytes;     // from the TCP header on
  size_t count;
  uint32_t netif;       // where it came in
  uint16_t address_sum; // of both addresses, a partial checksum; 0 = not summed up
  uint8_t ecn;          // enum estab_ecn
  bool unicast;         // it was sent to us alone: anything may be answered
};

// What IPv4 says of a datagram without options that is no fragment; 0: somebody else has to look.
static inline size_t ip4_pair_bytes(const struct ip_remembered *r, const uint8_t *bytes,
                                    size_t have)
{
  const size_t total_bytes = get_be16(bytes + 2);
  uint64_t ends;
  memcpy(&ends, bytes + 12, sizeof ends);
  if (ends != r->ends4 || !ip4_is_plain(bytes) || bytes[9] != ESTAB_PROTOCOL_TCP ||
      total_bytes > have)
    return 0;
  return r->pair_trusted || ip4_checksum_right(bytes, ESTAB_IP4_HEADER_BYTES) ? total_bytes : 0;
}

// The same of IPv6 without extension headers. A payload length of 0 may be a jumbogram's.
static inline size_t ip6_pair_bytes(const struct ip_remembered *r, const uint8_t *bytes,
                                    size_t have)
{
  const size_t payload_bytes = get_be16(bytes + 4);
  struct estab_ip src, dst;
  memcpy(&src, bytes + 8, sizeof src);
  memcpy(&dst, bytes + 24, sizeof dst);
  if (bytes[0] >> 4 != 6 || bytes[6] != ESTAB_PROTOCOL_TCP || payload_bytes == 0 ||
      ESTAB_IP6_HEADER_BYTES + payload_bytes > have || !ip_same(&src, &r->src) ||
      !ip_same(&dst, &r->dst))
    return 0;
  return ESTAB_IP6_HEADER_BYTES + payload_bytes;
}

// Nearly all packets of a connection, as they come from an interface without link headers. True: *out, but for the
// tuple. False: ip_input() has to look, and *out means nothing.
static inline bool ip_input_pair(const struct ip *ip, uint32_t netif, const uint8_t *bytes,
                                 size_t have, struct ip_segment *out)
{
  const struct ip_remembered *r = &ip->remembered;
  if (r->pair_raw_netif != netif || have < ESTAB_IP6_HEADER_BYTES) return false;
  size_t header_bytes, total_bytes;
  if (r->pair_version == 4) {
    header_bytes = ESTAB_IP4_HEADER_BYTES;
    total_bytes = ip4_pair_bytes(r, bytes, have);
    out->ecn = bytes[1] & 3;
  } else if (r->pair_version == 6) {
    header_bytes = ESTAB_IP6_HEADER_BYTES;
    total_bytes = ip6_pair_bytes(r, bytes, have);
    out->ecn = bytes[1] >> 4 & 3;
  } else {
    return false;
  }
  if (total_bytes < header_bytes) return false;
  out->bytes = bytes + header_bytes;
  out->count = total_bytes - header_bytes;
  out->netif = netif;
  out->address_sum = r->address_sum;
  out->unicast = true;
  return true;
}

// The addresses of the pair.
static inline void ip_pair_addresses(const struct ip *ip, struct estab_tuple *out)
{
  out->local = ip->remembered.dst;
  out->remote = ip->remembered.src;
}

// Both ports at the head of a segment, as whoever uses the pair may note them in pair_ports.
static inline uint64_t ip_pair_ports(const uint8_t *tcp)
{
  uint32_t ports;
  memcpy(&ports, tcp, sizeof ports);
  return UINT64_C(1) << 32 | ports;
}

// What they are of a connection, if its addresses are the pair's; else 0.
static inline uint64_t ip_pair_ports_of(const struct ip *ip, const struct estab_tuple *tuple)
{
  const struct ip_remembered *r = &ip->remembered;
  uint8_t head[4];
  if (!ip_equal(&r->dst, &tuple->local) || !ip_equal(&r->src, &tuple->remote)) return 0;
  put_be16(head, tuple->remote_port);
  put_be16(head + 2, tuple->local_port);
  return ip_pair_ports(head);
}

#endif
