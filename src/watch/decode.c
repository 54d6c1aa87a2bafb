// SPDX-License-Identifier: BSD-2-Clause
// decode.c - the walk from a frame to the innermost IP packet: link layers and tags.
//
// One loop, one header a turn, at most WATCH_DEPTH turns: nesting costs neither stack nor time (ATTACKS O11). All
// reads go through the checked cursor of base/bytes.h or a parser of the wire room (ATTACKS O13).
#include <string.h>

#include "watch/decode_internal.h"
#include "wire/encap.h"

bool estab_watch_knows_linktype(uint32_t linktype)
{
  switch (linktype) {
  case ESTAB_LINKTYPE_NULL:
  case ESTAB_LINKTYPE_ETHERNET:
  case ESTAB_LINKTYPE_RAW_BSD:
  case ESTAB_LINKTYPE_RAW_OPENBSD:
  case ESTAB_LINKTYPE_RAW:
  case ESTAB_LINKTYPE_LOOP:
  case ESTAB_LINKTYPE_LINUX_SLL:
  case ESTAB_LINKTYPE_IPV4:
  case ESTAB_LINKTYPE_IPV6:
  case ESTAB_LINKTYPE_LINUX_SLL2: return true;
  default: return false;
  }
}

const char *estab_watch_tunnel_name(enum estab_watch_tunnel tunnel)
{
  static const char *const names[ESTAB_WATCH_TUNNELS] = {
      [ESTAB_WATCH_TUNNEL_NONE] = "",         [ESTAB_WATCH_TUNNEL_IPIP] = "ipip",
      [ESTAB_WATCH_TUNNEL_GRE] = "gre",       [ESTAB_WATCH_TUNNEL_VXLAN] = "vxlan",
      [ESTAB_WATCH_TUNNEL_GENEVE] = "geneve", [ESTAB_WATCH_TUNNEL_GTPU] = "gtpu",
      [ESTAB_WATCH_TUNNEL_TEREDO] = "teredo",
  };
  return (unsigned)tunnel < ESTAB_WATCH_TUNNELS ? names[tunnel] : "";
}

// ---------------------------------------------------------------------------------------------
// Link layers

static WATCH_RARE enum decode_next decode_llc(struct decode *d)
{
  struct llc_header h;
  const int n = llc_parse(d->at.at, d->at.left, &h);
  if (n < 0) return decode_refused(d, (enum estab_drop) - n);
  if (h.type == 0) return decode_skip(d, ESTAB_WATCH_COUNT_NOT_IP, ESTAB_DROP_ETH_TYPE);
  decode_advance(d, (size_t)n);
  d->type = h.type;
  return DECODE_ETH_TYPE;
}

// Behind a type or, in IEEE 802.3, a length.
static enum decode_next decode_type_or_length(struct decode *d, uint16_t type)
{
  if (type < ENCAP_ETH_TYPE_MIN) {
    decode_limit(d, type);
    return decode_llc(d);
  }
  d->type = type;
  return DECODE_ETH_TYPE;
}

static enum decode_next decode_ethernet(struct decode *d)
{
  if (d->at.left < ESTAB_ETH_HEADER_BYTES) return decode_refused(d, ESTAB_DROP_ETH_SHORT);
  const uint16_t type = get_be16(d->at.at + 12); // all that an observer wants of it
  decode_advance(d, ESTAB_ETH_HEADER_BYTES);
  return decode_type_or_length(d, type);
}

#define DECODE_SLL_NETLINK 824 // ARPHRD_NETLINK: messages of the kernel, no packets

static WATCH_RARE enum decode_next decode_sll(struct decode *d, bool second_version)
{
  struct sll_header h;
  const int n =
      second_version ? sll2_parse(d->at.at, d->at.left, &h) : sll_parse(d->at.at, d->at.left, &h);
  if (n < 0) return decode_refused(d, (enum estab_drop) - n);
  if (h.hardware == DECODE_SLL_NETLINK)
    return decode_skip(d, ESTAB_WATCH_COUNT_NOT_IP, ESTAB_DROP_NONE);
  decode_advance(d, (size_t)n);
  if (h.type == ENCAP_SLL_8022) return decode_llc(d);
  d->type = h.type;
  return DECODE_ETH_TYPE;
}

// BSD's loopback says an address family, in whoever's byte order: that of IPv4 is 2 everywhere, that of IPv6
// differs from system to system.
static WATCH_RARE enum decode_next decode_loopback(struct decode *d)
{
  uint32_t family;
  if (!cursor_u32(&d->at, &family)) return decode_refused(d, ESTAB_DROP_ENCAP_SHORT);
  d->wire_bytes -= 4;
  if (family > 0xffff) family = __builtin_bswap32(family);
  switch (family) {
  case 2:
  case 10: // Linux
  case 24: // NetBSD, OpenBSD
  case 28: // FreeBSD
  case 30: // macOS
    return DECODE_IP;
  default: return decode_skip(d, ESTAB_WATCH_COUNT_NOT_IP, ESTAB_DROP_NONE);
  }
}

static enum decode_next decode_link(struct decode *d, uint32_t link_type)
{
  switch (link_type) {
  case ESTAB_LINKTYPE_ETHERNET: return DECODE_ETHERNET;
  case ESTAB_LINKTYPE_NULL:
  case ESTAB_LINKTYPE_LOOP: return decode_loopback(d);
  case ESTAB_LINKTYPE_LINUX_SLL: return decode_sll(d, false);
  case ESTAB_LINKTYPE_LINUX_SLL2: return decode_sll(d, true);
  case ESTAB_LINKTYPE_RAW_BSD:
  case ESTAB_LINKTYPE_RAW_OPENBSD:
  case ESTAB_LINKTYPE_RAW: return DECODE_IP;
  case ESTAB_LINKTYPE_IPV4: d->type = ESTAB_ETH_IP4; return DECODE_ETH_TYPE;
  case ESTAB_LINKTYPE_IPV6: d->type = ESTAB_ETH_IP6; return DECODE_ETH_TYPE;
  default: return decode_skip(d, ESTAB_WATCH_COUNT_UNKNOWN_LINK, ESTAB_DROP_NONE);
  }
}

// ---------------------------------------------------------------------------------------------
// Tags

static enum decode_next decode_vlan(struct decode *d)
{
  struct vlan_tag tag;
  const int n = vlan_parse(d->at.at, d->at.left, &tag);
  if (n < 0) return decode_refused(d, (enum estab_drop) - n);
  if (d->out->vlan_count < 2) d->out->vlan[d->out->vlan_count] = tag.id;
  d->out->vlan_count++; // at most WATCH_DEPTH
  decode_advance(d, (size_t)n);
  return decode_type_or_length(d, tag.type);
}

static WATCH_RARE enum decode_next decode_mpls(struct decode *d)
{
  struct mpls_stack stack;
  const int n = mpls_parse(d->at.at, d->at.left, &stack);
  if (n < 0) return decode_refused(d, (enum estab_drop) - n);
  decode_advance(d, (size_t)n);
  switch ((enum mpls_inner)stack.inner) {
  case MPLS_INNER_IP: return DECODE_IP;
  case MPLS_INNER_ETHERNET: return DECODE_ETHERNET;
  case MPLS_INNER_UNKNOWN: break;
  }
  if (d->at.left < 4 + ESTAB_ETH_HEADER_BYTES) return decode_refused(d, ESTAB_DROP_IP_SHORT);
  return decode_skip(d, ESTAB_WATCH_COUNT_NOT_IP, ESTAB_DROP_NONE);
}

static WATCH_RARE enum decode_next decode_pppoe(struct decode *d)
{
  struct pppoe_header h;
  const int n = pppoe_parse(d->at.at, d->at.left, &h);
  if (n == -ESTAB_DROP_ENCAP_VERSION)
    return decode_skip(d, ESTAB_WATCH_COUNT_NOT_IP, ESTAB_DROP_ENCAP_VERSION);
  if (n < 0) return decode_refused(d, (enum estab_drop) - n);
  decode_advance(d, (size_t)n);
  decode_limit(d, h.payload_bytes);
  switch (h.protocol) {
  case ENCAP_PPP_IP4: d->type = ESTAB_ETH_IP4; return DECODE_ETH_TYPE;
  case ENCAP_PPP_IP6: d->type = ESTAB_ETH_IP6; return DECODE_ETH_TYPE;
  case ENCAP_PPP_MPLS: d->type = ENCAP_ETH_MPLS; return DECODE_ETH_TYPE;
  default: return decode_skip(d, ESTAB_WATCH_COUNT_NOT_IP, ESTAB_DROP_NONE);
  }
}

static enum decode_next decode_eth_type(struct decode *d)
{
  if (d->type == ESTAB_ETH_IP4 || d->type == ESTAB_ETH_IP6) {
    const unsigned version = d->type == ESTAB_ETH_IP4 ? 4 : 6;
    if (d->at.left > 0 && *d->at.at >> 4 != version)
      return decode_skip(d, ESTAB_WATCH_COUNT_MALFORMED, ESTAB_DROP_IP_VERSION);
    return DECODE_IP;
  }
  if (vlan_is_tag(d->type)) return decode_vlan(d);
  switch (d->type) {
  case ENCAP_ETH_MPLS:
  case ENCAP_ETH_MPLS_MULTICAST: return decode_mpls(d);
  case ENCAP_ETH_PPPOE: return decode_pppoe(d);
  case ENCAP_ETH_BRIDGED: return DECODE_ETHERNET;
  default: return decode_skip(d, ESTAB_WATCH_COUNT_NOT_IP, ESTAB_DROP_ETH_TYPE);
  }
}

// ---------------------------------------------------------------------------------------------

static enum watch_kind decode_walk(struct decode *d, enum decode_next next, unsigned depth)
{
  for (; next != DECODE_DONE; depth++) {
    if (depth == WATCH_DEPTH) {
      next = decode_skip(d, ESTAB_WATCH_COUNT_DEPTH, ESTAB_DROP_NONE);
      break;
    }
    switch (next) {
    case DECODE_ETHERNET: next = decode_ethernet(d); break;
    case DECODE_ETH_TYPE: next = decode_eth_type(d); break;
    case DECODE_IP: next = decode_ip(d); break;
    case DECODE_TRANSPORT: next = decode_transport(d); break;
    case DECODE_DONE: break;
    }
  }
  return (enum watch_kind)d->out->kind;
}

enum watch_kind decode_any(uint32_t link_type, const uint8_t *frame, size_t captured_bytes,
                           size_t wire_bytes, struct watch_packet *out)
{
  struct decode d = {
      .at = {frame, captured_bytes},
      .wire_bytes = wire_bytes > captured_bytes ? wire_bytes : captured_bytes,
      .out = out,
  };
  memset(out, 0, offsetof(struct watch_packet, version));
  const uint32_t frame_bytes = (uint32_t)d.wire_bytes;
  const enum watch_kind kind = decode_walk(&d, decode_link(&d, link_type), 0);
  if (kind == WATCH_KIND_FRAGMENT) out->frame_bytes = frame_bytes;
  return kind;
}

enum watch_kind watch_decode_joined(const struct watch_packet *carrier, const uint8_t *packet,
                                    size_t bytes, struct watch_packet *out)
{
  struct decode d = {.at = {packet, bytes}, .wire_bytes = bytes, .out = out};
  if (out != carrier) {
    memcpy(out, carrier, offsetof(struct watch_packet, version));
    out->outer_src = carrier->outer_src;
    out->outer_dst = carrier->outer_dst;
  }
  const enum watch_kind kind = decode_walk(&d, DECODE_IP, out->tunnels);
  out->joined = true;
  return kind;
}
