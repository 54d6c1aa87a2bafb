// SPDX-License-Identifier: BSD-2-Clause
// ip.h - what the IPv4 and the IPv6 codec share inside this room.
#ifndef ESTAB_WIRE_IP_H
#define ESTAB_WIRE_IP_H

#include <estab/wire.h>

#include <string.h>

// Kept out of the way of the usual packet.
#define WIRE_COLD __attribute__((noinline, cold))

// An IPv4 address of the wire, mapped. RFC 4291 2.5.5.2
static inline void ip_read4(struct estab_ip *ip, const uint8_t *bytes)
{
  static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
  memcpy(ip->bytes, prefix, 12);
  memcpy(ip->bytes + 12, bytes, 4);
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

#endif
