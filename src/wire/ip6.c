// SPDX-License-Identifier: BSD-2-Clause
// ip6.c - IPv6 headers and the walk over their extension headers, RFC 8200 3, 4.

#include <estab/wire.h>
#include "base/bytes.h"
#include "wire/ip.h"

#include <string.h>

#define IP6_HEADERS_MAX 8 // extension headers in a packet
#define IP6_OPTIONS_MAX 8 // options in one of them, padding apart. RFC 8504 5.3

#define IP6_OPTION_PAD1 0
#define IP6_OPTION_PADN 1

// What the two highest bits of an option's type ask of those who do not know it. RFC 8200 4.2
enum ip6_unknown_option {
  IP6_UNKNOWN_SKIP,
  IP6_UNKNOWN_DISCARD,
  IP6_UNKNOWN_REPORT,
  IP6_UNKNOWN_REPORT_UNICAST,
};

enum ip6_problem_code {
  IP6_PROBLEM_FIELD = 0,
  IP6_PROBLEM_NEXT_HEADER = 1,
  IP6_PROBLEM_OPTION = 2,
  IP6_PROBLEM_FIRST_FRAGMENT = 3,
};

struct ip6_walk {
  const uint8_t *bytes; // what offsets count from
  size_t at;            // offset of the header that is looked at
  size_t end;           // of what is there
  size_t whole_end;     // of the packet, which may have been cut off
  size_t limit;         // bytes of a datagram's fragmentable part
  size_t next_at;       // offset of the byte that announced the header at `at`
  uint8_t next;         // its number
  bool first;           // `at` is right behind the IPv6 header
  bool has_fragment;    // a fragment header went by
  bool in_fragment;     // and it was that of a real fragment: only the rest of its chain is checked
};

static enum estab_drop ip6_problem(struct estab_ip6_header *out, enum estab_drop drop,
                                   enum ip6_problem_code code, size_t pointer)
{
  out->problem.wanted = true;
  out->problem.even_multicast = false;
  out->problem.code = (uint8_t)code;
  out->problem.pointer = (uint32_t)pointer;
  return drop;
}

// The chain runs past the packet's end. RFC 7112 5: a first fragment must hold all of it.
static enum estab_drop ip6_chain_short(const struct ip6_walk *w, struct estab_ip6_header *out)
{
  if (!w->in_fragment) return ESTAB_DROP_IP6_CHAIN;
  return ip6_problem(out, ESTAB_DROP_FRAG_FIRST_SHORT, IP6_PROBLEM_FIRST_FRAGMENT, 0);
}

static enum estab_drop ip6_option_unknown(const struct ip6_walk *w, size_t at,
                                          struct estab_ip6_header *out)
{
  switch ((enum ip6_unknown_option)(w->bytes[at] >> 6)) {
  case IP6_UNKNOWN_SKIP: return ESTAB_DROP_NONE;
  case IP6_UNKNOWN_DISCARD: return ESTAB_DROP_IP6_OPTION;
  case IP6_UNKNOWN_REPORT:
    ip6_problem(out, ESTAB_DROP_IP6_OPTION, IP6_PROBLEM_OPTION, at);
    out->problem.even_multicast = true;
    return ESTAB_DROP_IP6_OPTION;
  case IP6_UNKNOWN_REPORT_UNICAST:
    if (ip_is_multicast6(&out->dst)) return ESTAB_DROP_IP6_OPTION;
    return ip6_problem(out, ESTAB_DROP_IP6_OPTION, IP6_PROBLEM_OPTION, at);
  }
  return ESTAB_DROP_IP6_OPTION;
}

// The options of the hop-by-hop or destination options header of `bytes` at w->at.
static enum estab_drop ip6_options_walk(const struct ip6_walk *w, size_t bytes,
                                        struct estab_ip6_header *out)
{
  const size_t end = w->at + bytes;
  unsigned options = 0;
  for (size_t at = w->at + 2; at < end;) {
    const uint8_t type = w->bytes[at];
    if (type == IP6_OPTION_PAD1) {
      at++;
      continue;
    }
    if (end - at < 2 || w->bytes[at + 1] > end - at - 2) return ESTAB_DROP_IP6_CHAIN;
    if (type != IP6_OPTION_PADN) {
      if (++options > IP6_OPTIONS_MAX) return ESTAB_DROP_IP6_CHAIN;
      const enum estab_drop drop = ip6_option_unknown(w, at, out);
      if (drop != ESTAB_DROP_NONE) return drop;
    }
    at += 2 + (size_t)w->bytes[at + 1];
  }
  return ESTAB_DROP_NONE;
}

// A node at which the packet has arrived knows no routing type: with segments left it must tell.
static enum estab_drop ip6_routing_judge(const struct ip6_walk *w, struct estab_ip6_header *out)
{
  const uint8_t type = w->bytes[w->at + 2], segments_left = w->bytes[w->at + 3];
  const enum estab_drop drop = type == 0 ? ESTAB_DROP_IP6_ROUTING_0 : ESTAB_DROP_IP6_ROUTING;
  if (segments_left > 0) return ip6_problem(out, drop, IP6_PROBLEM_FIELD, w->at + 2);
  // DEPARTS: RFC 8200 4.4 (a routing header without segments left is passed over) because RFC 5095 took type 0 out
  // of use: nobody who means well sends it, so it is not worth a way in.
  return type == 0 ? drop : ESTAB_DROP_NONE;
}

static enum estab_drop ip6_fragment_read(struct ip6_walk *w, struct estab_ip6_header *out)
{
  const uint8_t *p = w->bytes + w->at;
  const uint16_t offset = get_be16(p + 2);
  const size_t behind = w->whole_end - w->at - ESTAB_IP6_FRAGMENT_BYTES;
  if (w->has_fragment) return ESTAB_DROP_IP6_CHAIN;
  w->has_fragment = true;
  out->has_fragment = true;
  out->fragment.offset = offset & 0xfff8;
  out->fragment.more = (offset & 1) != 0;
  out->fragment.id = get_be32(p + 4);
  w->in_fragment = out->fragment.offset != 0 || out->fragment.more;
  if (out->fragment.more && behind % 8 != 0)
    return ip6_problem(out, ESTAB_DROP_FRAG_BOUNDS, IP6_PROBLEM_FIELD, 4);
  if (!ip_fragment_fits(&out->fragment, behind, w->limit - w->at))
    return ip6_problem(out, ESTAB_DROP_FRAG_BOUNDS, IP6_PROBLEM_FIELD, w->at + 2);
  return ESTAB_DROP_NONE;
}

// Whether w->next is an extension header that is walked over; anything else is the upper layer.
static bool ip6_is_extension(unsigned next)
{
  return next == ESTAB_PROTOCOL_HOP_BY_HOP || next == ESTAB_PROTOCOL_ROUTING ||
         next == ESTAB_PROTOCOL_FRAGMENT || next == ESTAB_PROTOCOL_DESTINATION;
}

// Judges the extension header at w->at and steps over it.
static enum estab_drop ip6_walk_one(struct ip6_walk *w, struct estab_ip6_header *out)
{
  enum estab_drop drop = ESTAB_DROP_NONE;
  if (w->next == ESTAB_PROTOCOL_HOP_BY_HOP && !w->first)
    return ip6_problem(out, ESTAB_DROP_IP6_CHAIN, IP6_PROBLEM_NEXT_HEADER, w->next_at);
  if (w->end - w->at < 8) return ip6_chain_short(w, out);
  size_t bytes = ESTAB_IP6_FRAGMENT_BYTES;
  if (w->next == ESTAB_PROTOCOL_FRAGMENT) {
    drop = ip6_fragment_read(w, out);
  } else {
    bytes = 8 + (size_t)w->bytes[w->at + 1] * 8;
    if (bytes > w->end - w->at) return ip6_chain_short(w, out);
    drop = w->next == ESTAB_PROTOCOL_ROUTING ? ip6_routing_judge(w, out)
                                             : ip6_options_walk(w, bytes, out);
  }
  w->next = w->bytes[w->at];
  w->next_at = w->at;
  w->at += bytes;
  w->first = false;
  return drop;
}

// To the upper layer, or behind the header of a fragment; the rest of a first fragment's chain is
// only checked.
static enum estab_drop ip6_walk_chain(struct ip6_walk *w, struct estab_ip6_header *out)
{
  size_t stop_at = 0;
  uint8_t stop_next = 0;
  for (unsigned headers = 0; ip6_is_extension(w->next); headers++) {
    const bool before = w->in_fragment;
    if (headers == IP6_HEADERS_MAX) return ESTAB_DROP_IP6_CHAIN;
    const enum estab_drop drop = ip6_walk_one(w, out);
    if (drop != ESTAB_DROP_NONE) return drop;
    if (w->in_fragment && !before) {
      stop_at = w->at;
      stop_next = w->next;
      if (out->fragment.offset != 0) break;
    }
  }
  if (!w->in_fragment) return ESTAB_DROP_NONE;
  if (out->fragment.offset == 0 && w->whole_end - w->at < ip_transport_bytes(w->next))
    return ip6_chain_short(w, out);
  w->at = stop_at;
  w->next = stop_next;
  return ESTAB_DROP_NONE;
}

int estab_ip6_parse_cut(const uint8_t *bytes, size_t have, size_t wire_bytes,
                        struct estab_ip6_header *out)
{
  if (have < ESTAB_IP6_HEADER_BYTES) return -ESTAB_DROP_IP_SHORT;
  const uint32_t word = get_be32(bytes);
  if (word >> 28 != 6) return -ESTAB_DROP_IP_VERSION;
  const size_t payload_bytes = get_be16(bytes + 4);
  if (payload_bytes > wire_bytes - ESTAB_IP6_HEADER_BYTES) return -ESTAB_DROP_IP6_PAYLOAD_LENGTH;

  out->dscp = (uint8_t)(word >> 22 & 0x3f);
  out->ecn = (uint8_t)(word >> 20 & 3);
  out->flow_label = word & 0xfffff;
  out->payload_bytes = (uint16_t)payload_bytes;
  out->next_header = bytes[6];
  out->hop_limit = bytes[7];
  ip_read6(&out->src, bytes + 8);
  ip_read6(&out->dst, bytes + 24);
  out->fragment = (struct estab_fragment){0};
  out->has_fragment = false;
  out->problem.wanted = false;
  out->protocol = out->next_header;
  out->header_bytes = ESTAB_IP6_HEADER_BYTES;
  out->extension_bytes = 0;
  out->extensions = NULL;
  if (!ip6_is_extension(out->next_header)) return ESTAB_IP6_HEADER_BYTES;

  struct ip6_walk w = {
      .bytes = bytes,
      .at = ESTAB_IP6_HEADER_BYTES,
      .end = size_min(have, ESTAB_IP6_HEADER_BYTES + payload_bytes),
      .whole_end = ESTAB_IP6_HEADER_BYTES + payload_bytes,
      .limit = UINT16_MAX + ESTAB_IP6_HEADER_BYTES,
      .next_at = 6,
      .next = out->next_header,
      .first = true,
  };
  const enum estab_drop drop = ip6_walk_chain(&w, out);
  if (drop != ESTAB_DROP_NONE) return -(int)drop;
  out->protocol = w.next;
  out->header_bytes = (uint16_t)w.at;
  out->extension_bytes = (uint16_t)(w.at - ESTAB_IP6_HEADER_BYTES);
  out->extensions = bytes + ESTAB_IP6_HEADER_BYTES;
  return (int)w.at;
}

int estab_ip6_parse(const uint8_t *bytes, size_t have, struct estab_ip6_header *out)
{
  return estab_ip6_parse_cut(bytes, have, have, out);
}

int estab_ip6_parse_reassembled(const uint8_t *bytes, size_t have, struct estab_ip6_header *out)
{
  struct ip6_walk w = {
      .bytes = bytes,
      .end = have,
      .whole_end = have,
      .next = out->protocol,
      .has_fragment = true,
  };
  out->problem.wanted = false;
  const enum estab_drop drop = ip6_walk_chain(&w, out);
  if (drop != ESTAB_DROP_NONE) return -(int)drop;
  out->protocol = w.next;
  return (int)w.at;
}

size_t estab_ip6_emit(const struct estab_ip6_header *h, uint8_t *out)
{
  put_be32(out, 6U << 28 | (uint32_t)(h->dscp & 0x3f) << 22 | (uint32_t)(h->ecn & 3) << 20 |
                    (h->flow_label & 0xfffff));
  put_be16(out + 4, h->payload_bytes);
  out[6] = h->next_header;
  out[7] = h->hop_limit;
  memcpy(out + 8, h->src.bytes, 16);
  memcpy(out + 24, h->dst.bytes, 16);
  if (h->extension_bytes > 0)
    memcpy(out + ESTAB_IP6_HEADER_BYTES, h->extensions, h->extension_bytes);
  return ESTAB_IP6_HEADER_BYTES + (size_t)h->extension_bytes;
}

size_t estab_ip6_fragment_emit(const struct estab_fragment *f, uint8_t next, uint8_t *out)
{
  out[0] = next;
  out[1] = 0;
  put_be16(out + 2, (uint16_t)((f->offset & 0xfff8) | (f->more ? 1 : 0)));
  put_be32(out + 4, f->id);
  return ESTAB_IP6_FRAGMENT_BYTES;
}
