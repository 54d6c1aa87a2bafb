// SPDX-License-Identifier: BSD-2-Clause
// decode_ip.c - IP headers as an observer reads them: everything that some host might take.
//
// The endpoint's parser drops source routes, unknown options, tiny first fragments and the like, as it must.
// Whether the host behind the tap does so is not known here, so these are read and noted.
#include <string.h>

#include "watch/decode_internal.h"
#include "wire/ip.h"

#define DECODE_IP4_DONT_FRAGMENT  0x4000
#define DECODE_IP4_MORE_FRAGMENTS 0x2000
#define DECODE_IP4_OFFSET         0x1fff

enum decode_ip4_option {
  DECODE_IP4_END = 0,
  DECODE_IP4_NOP = 1,
  DECODE_IP4_LOOSE_ROUTE = 131,
  DECODE_IP4_STRICT_ROUTE = 137,
};

// Options that contradict themselves end the search: they route nothing.
static WATCH_RARE bool decode_ip4_is_source_routed(struct cursor c)
{
  uint8_t kind, bytes;
  while (cursor_u8(&c, &kind) && kind != DECODE_IP4_END) {
    if (kind == DECODE_IP4_NOP) continue;
    if (kind == DECODE_IP4_LOOSE_ROUTE || kind == DECODE_IP4_STRICT_ROUTE) return true;
    if (!cursor_u8(&c, &bytes) || bytes < 2 || cursor_take(&c, bytes - 2U) == NULL) break;
  }
  return false;
}

static uint8_t decode_ip4_checksum(const uint8_t *header, size_t bytes)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes; i += 4) {
    uint32_t word; // in any byte order: a right sum is all ones
    memcpy(&word, header + i, 4);
    sum += word;
  }
  if (sum % 0xffff == 0) return WATCH_CHECKSUM_OK;
  return get_be16(header + 10) == 0 ? WATCH_CHECKSUM_OFFLOADED : WATCH_CHECKSUM_BAD;
}

// The headers are read. A fragment ends here, anything else goes on.
static enum decode_next decode_ip_behind(struct decode *d)
{
  struct watch_packet *p = d->out;
  p->payload = d->at.at;
  p->payload_bytes = (uint32_t)d->wire_bytes;
  p->payload_captured_bytes = (uint32_t)d->at.left;
  if (p->fragment.more || p->fragment.offset != 0)
    return decode_end(d, WATCH_KIND_FRAGMENT, ESTAB_WATCH_COUNT_FRAGMENT);
  return DECODE_TRANSPORT;
}

// The packet is `bytes` long by its own word; what encloses it has more (padding), as many, or fewer: then it
// contradicts itself. False: it does.
static bool decode_ip_limit(struct decode *d, size_t bytes)
{
  if (bytes > d->wire_bytes) return false;
  decode_limit(d, bytes);
  d->out->ip = d->at.at;
  d->out->ip_bytes = (uint32_t)d->wire_bytes;
  d->out->ip_captured_bytes = (uint32_t)d->at.left;
  return true;
}

static enum decode_next decode_ip4(struct decode *d)
{
  const uint8_t *const header = d->at.at;
  struct watch_packet *p = d->out;
  if (d->at.left < ESTAB_IP4_HEADER_BYTES) return decode_refused(d, ESTAB_DROP_IP_SHORT);
  const size_t header_bytes = (header[0] & 0xfU) * 4;
  if (header_bytes < ESTAB_IP4_HEADER_BYTES)
    return decode_skip(d, ESTAB_WATCH_COUNT_MALFORMED, ESTAB_DROP_IP4_HEADER_LENGTH);
  if (header_bytes > d->at.left) return decode_refused(d, ESTAB_DROP_IP4_HEADER_LENGTH);
  const uint16_t total_bytes = get_be16(header + 2);
  const uint16_t fragment = get_be16(header + 6);
  p->length_unset = total_bytes == 0;
  if (!p->length_unset && total_bytes < header_bytes)
    return decode_skip(d, ESTAB_WATCH_COUNT_MALFORMED, ESTAB_DROP_IP4_TOTAL_LENGTH);
  if (!decode_ip_limit(d, p->length_unset ? d->wire_bytes : total_bytes))
    return decode_skip(d, ESTAB_WATCH_COUNT_MALFORMED, ESTAB_DROP_IP4_TOTAL_LENGTH);

  p->version = 4;
  p->dscp = header[1] >> 2;
  p->ecn = header[1] & 3;
  p->fragment.id = get_be16(header + 4);
  p->fragment.offset = (uint16_t)((fragment & DECODE_IP4_OFFSET) * 8);
  p->fragment.more = (fragment & DECODE_IP4_MORE_FRAGMENTS) != 0;
  p->dont_fragment = (fragment & DECODE_IP4_DONT_FRAGMENT) != 0;
  p->ttl = header[8];
  p->protocol = header[9];
  p->joined = false;
  ip_read4(&p->src, header + 12);
  ip_read4(&p->dst, header + 16);
  p->ip_header_bytes = (uint16_t)header_bytes;
  p->ip_checksum = decode_ip4_checksum(header, header_bytes);
  decode_advance(d, header_bytes);
  p->source_routed = header_bytes > ESTAB_IP4_HEADER_BYTES &&
                     decode_ip4_is_source_routed((struct cursor){
                         header + ESTAB_IP4_HEADER_BYTES, header_bytes - ESTAB_IP4_HEADER_BYTES});
  return decode_ip_behind(d);
}

// ---------------------------------------------------------------------------------------------
// IPv6, RFC 8200

#define DECODE_IP6_HEADERS        16 // extension headers in a packet
#define DECODE_IP6_AUTHENTICATION 51 // RFC 4302: counts in other units
#define DECODE_IP6_MOBILITY       135

static bool decode_ip6_is_extension(unsigned next)
{
  return next == ESTAB_PROTOCOL_HOP_BY_HOP || next == ESTAB_PROTOCOL_ROUTING ||
         next == ESTAB_PROTOCOL_FRAGMENT || next == ESTAB_PROTOCOL_DESTINATION ||
         next == DECODE_IP6_AUTHENTICATION || next == DECODE_IP6_MOBILITY;
}

// One extension header at d->at. 0, or a drop.
static WATCH_RARE enum estab_drop decode_ip6_extension(struct decode *d)
{
  struct watch_packet *p = d->out;
  if (d->at.left < 8) return ESTAB_DROP_IP6_CHAIN;
  const uint8_t *const header = d->at.at;
  size_t bytes = 8 + (size_t)header[1] * 8;
  if (p->protocol == ESTAB_PROTOCOL_FRAGMENT) {
    const uint16_t offset = get_be16(header + 2);
    bytes = ESTAB_IP6_FRAGMENT_BYTES;
    p->fragment.offset = offset & 0xfff8;
    p->fragment.more = offset & 1;
    p->fragment.id = get_be32(header + 4);
  } else if (p->protocol == DECODE_IP6_AUTHENTICATION) {
    bytes = 8 + (size_t)header[1] * 4;
  } else if (p->protocol == ESTAB_PROTOCOL_ROUTING && header[3] > 0) {
    p->source_routed = true;
  }
  if (bytes > d->at.left) return ESTAB_DROP_IP6_CHAIN;
  p->protocol = header[0];
  decode_advance(d, bytes);
  return ESTAB_DROP_NONE;
}

// To the transport header, or behind the header of a fragment that is no atomic one (RFC 6946).
static enum estab_drop decode_ip6_chain(struct decode *d)
{
  struct watch_packet *p = d->out;
  bool fragmented = false;
  for (unsigned headers = 0; decode_ip6_is_extension(p->protocol); headers++) {
    if (headers == DECODE_IP6_HEADERS) return ESTAB_DROP_IP6_CHAIN;
    const bool is_fragment = p->protocol == ESTAB_PROTOCOL_FRAGMENT;
    if (is_fragment && fragmented) return ESTAB_DROP_IP6_CHAIN;
    const enum estab_drop drop = decode_ip6_extension(d);
    if (drop != ESTAB_DROP_NONE) return drop;
    fragmented |= is_fragment;
    if (p->fragment.more || p->fragment.offset != 0) break;
  }
  return ESTAB_DROP_NONE;
}

static enum decode_next decode_ip6(struct decode *d)
{
  const uint8_t *const header = d->at.at;
  struct watch_packet *p = d->out;
  if (d->at.left < ESTAB_IP6_HEADER_BYTES) return decode_refused(d, ESTAB_DROP_IP_SHORT);
  const size_t payload_bytes = get_be16(header + 4);
  // 0: nothing, or a length that stands elsewhere (RFC 2675) or nowhere: then the frame's counts.
  p->length_unset = payload_bytes == 0 && header[6] != ESTAB_PROTOCOL_NONE &&
                    d->wire_bytes > ESTAB_IP6_HEADER_BYTES;
  if (!decode_ip_limit(d, p->length_unset ? d->wire_bytes : ESTAB_IP6_HEADER_BYTES + payload_bytes))
    return decode_skip(d, ESTAB_WATCH_COUNT_MALFORMED, ESTAB_DROP_IP6_PAYLOAD_LENGTH);

  p->version = 6;
  p->dscp = (uint8_t)(get_be16(header) >> 6 & 0x3f);
  p->ecn = header[1] >> 4 & 3;
  p->fragment = (struct estab_fragment){0};
  p->dont_fragment = true; // on the way nobody may
  p->ttl = header[7];
  p->protocol = header[6];
  p->joined = false;
  p->source_routed = false;
  p->ip_checksum = WATCH_CHECKSUM_OK;
  ip_read6(&p->src, header + 8);
  ip_read6(&p->dst, header + 24);
  decode_advance(d, ESTAB_IP6_HEADER_BYTES);
  if (decode_ip6_is_extension(p->protocol)) {
    const enum estab_drop drop = decode_ip6_chain(d);
    if (drop != ESTAB_DROP_NONE) return decode_refused(d, drop);
  }
  p->ip_header_bytes = (uint16_t)(d->at.at - header);
  return decode_ip_behind(d);
}

enum decode_next decode_ip(struct decode *d)
{
  if (d->at.left == 0) return decode_refused(d, ESTAB_DROP_IP_SHORT);
  const unsigned version = *d->at.at >> 4;
  if (version == 4) return decode_ip4(d);
  if (version == 6) return decode_ip6(d);
  return decode_skip(d, ESTAB_WATCH_COUNT_MALFORMED, ESTAB_DROP_IP_VERSION);
}
