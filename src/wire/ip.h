// SPDX-License-Identifier: BSD-2-Clause
// ip.h - what the IPv4 and the IPv6 codec share inside this room.
#ifndef ESTAB_WIRE_IP_H
#define ESTAB_WIRE_IP_H

#include <estab/wire.h>

#include <string.h>

#include "base/bytes.h"
#include "wire/checksum.h"

// Kept out of the way of the usual packet.
#define WIRE_COLD __attribute__((noinline, cold))

// An IPv4 address of the wire, mapped. RFC 4291 2.5.5.2. Written in halves, as it is read: a processor cannot pass on
// at once what was written in smaller pieces.
static inline void ip_read4(struct estab_ip *ip, const uint8_t *bytes)
{
  put_be64(ip->bytes, 0);
  put_be64(ip->bytes + 8, UINT64_C(0xffff) << 32 | get_be32(bytes));
}

static inline void ip_read6(struct estab_ip *ip, const uint8_t *bytes)
{
  memcpy(ip->bytes, bytes, 16);
}

static inline bool ip_is_multicast6(const struct estab_ip *ip)
{
  return ip->bytes[0] == 0xff;
}

// What a first fragment must hold of the transport header, so that nobody judges the rest of a
// datagram without it. RFC 7112 5, RFC 1858 3.
static inline size_t ip_transport_bytes(unsigned protocol)
{
  switch (protocol) {
  case ESTAB_PROTOCOL_TCP: return ESTAB_TCP_HEADER_BYTES;
  case ESTAB_PROTOCOL_UDP: return ESTAB_UDP_HEADER_BYTES;
  case ESTAB_PROTOCOL_ICMP4:
  case ESTAB_PROTOCOL_ICMP6: return ESTAB_ICMP_HEADER_BYTES;
  default: return 0;
  }
}

// A piece must not end past the largest datagram, and all but the last fill whole units of 8 bytes.
// `limit` is what the headers leave of 65535 bytes. RFC 8200 4.5; the same for IPv4.
static inline bool ip_fragment_fits(const struct estab_fragment *f, size_t bytes, size_t limit)
{
  return f->offset + bytes <= limit && (!f->more || (bytes > 0 && bytes % 8 == 0));
}

// The header's ones' complement sum in the machine's byte order, folded to 32 bits.
static inline uint32_t ip4_header_sum(const uint8_t *p, size_t header_bytes)
{
  uint64_t sum = (uint64_t)checksum_load32(p) + checksum_load32(p + 4) + checksum_load32(p + 8) +
                 checksum_load32(p + 12) + checksum_load32(p + 16);
  for (size_t i = ESTAB_IP4_HEADER_BYTES; i < header_bytes; i += 4)
    sum += checksum_load32(p + i);
  const uint32_t low = (uint32_t)sum + (uint32_t)(sum >> 32);
  return low + (low < (uint32_t)sum); // the carry comes round
}

// A sum over a right checksum is all ones, in any byte order; it is never 0, as the version is not.
static inline bool ip4_checksum_right(const uint8_t *p, size_t header_bytes)
{
  return ip4_header_sum(p, header_bytes) % 0xffff == 0;
}

// Version 4, no options, no fragment.
static inline bool ip4_is_plain(const uint8_t *p)
{
  return p[0] == 0x45 && (get_be16(p + 6) & 0x3fff) == 0;
}

#endif
