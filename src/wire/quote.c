// SPDX-License-Identifier: BSD-2-Clause
// quote.c - the packet quoted in an ICMP error, RFC 792, RFC 4443 2.4, RFC 5927 4.1.
//
// It is our own packet come back, perhaps cut off, perhaps changed on the way (TTL, checksum, total
// length) and perhaps forged: only what identifies a connection is read.

#include <estab/wire.h>
#include "base/bytes.h"
#include "wire/ip.h"

#include <string.h>

#define QUOTE_HEADERS_MAX 8

static void quote_transport(const uint8_t *bytes, size_t have, struct estab_quote *out)
{
  if (out->protocol != ESTAB_PROTOCOL_TCP && out->protocol != ESTAB_PROTOCOL_UDP) return;
  if (have < 4) return;
  out->has_ports = true;
  out->src_port = get_be16(bytes);
  out->dst_port = get_be16(bytes + 2);
  if (out->protocol != ESTAB_PROTOCOL_TCP || have < 8) return;
  out->has_seq = true;
  out->seq = get_be32(bytes + 4);
}

static int quote_parse4(const uint8_t *bytes, size_t have, struct estab_quote *out)
{
  if (have < ESTAB_IP4_HEADER_BYTES || bytes[0] >> 4 != 4) return -ESTAB_DROP_ICMP_EMBEDDED;
  const size_t header_bytes = (bytes[0] & 0xfU) * 4;
  if (header_bytes < ESTAB_IP4_HEADER_BYTES || header_bytes > have)
    return -ESTAB_DROP_ICMP_EMBEDDED;
  ip_read4(&out->src, bytes + 12);
  ip_read4(&out->dst, bytes + 16);
  out->protocol = bytes[9];
  out->header_bytes = (uint16_t)header_bytes;
  if ((get_be16(bytes + 6) & 0x1fff) == 0)
    quote_transport(bytes + header_bytes, have - header_bytes, out);
  return (int)header_bytes;
}

static int quote_parse6(const uint8_t *bytes, size_t have, struct estab_quote *out)
{
  if (have < ESTAB_IP6_HEADER_BYTES || bytes[0] >> 4 != 6) return -ESTAB_DROP_ICMP_EMBEDDED;
  size_t at = ESTAB_IP6_HEADER_BYTES;
  bool first_fragment = true;
  ip_read6(&out->src, bytes + 8);
  ip_read6(&out->dst, bytes + 24);
  out->protocol = bytes[6];
  for (unsigned headers = 0; headers < QUOTE_HEADERS_MAX && first_fragment; headers++) {
    size_t header_bytes = 8;
    if (have - at < header_bytes) break;
    if (out->protocol == ESTAB_PROTOCOL_FRAGMENT)
      first_fragment = (get_be16(bytes + at + 2) & 0xfff8) == 0;
    else if (out->protocol == ESTAB_PROTOCOL_HOP_BY_HOP ||
             out->protocol == ESTAB_PROTOCOL_ROUTING || out->protocol == ESTAB_PROTOCOL_DESTINATION)
      header_bytes += (size_t)bytes[at + 1] * 8;
    else
      break;
    if (have - at < header_bytes) break;
    out->protocol = bytes[at];
    at += header_bytes;
  }
  out->header_bytes = (uint16_t)at;
  if (first_fragment) quote_transport(bytes + at, have - at, out);
  return (int)at;
}

int estab_quote_parse(unsigned version, const uint8_t *bytes, size_t have, struct estab_quote *out)
{
  memset(out, 0, sizeof *out);
  out->version = (uint8_t)version;
  return version == 4 ? quote_parse4(bytes, have, out) : quote_parse6(bytes, have, out);
}
