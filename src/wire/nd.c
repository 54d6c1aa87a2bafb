// SPDX-License-Identifier: BSD-2-Clause
// nd.c - neighbour discovery messages, RFC 4861 4, judged as 6.1 and 7.1 ask.

#include <estab/wire.h>
#include "base/bytes.h"
#include "wire/ip.h"

#include <string.h>

#define ND_HOP_LIMIT 255 // proves that no router forwarded it

#define ND_NEIGHBOUR_BYTES 24 // NS, NA
#define ND_RS_BYTES        8
#define ND_RA_BYTES        16

enum nd_option_type {
  ND_OPTION_SOURCE_MAC = 1,
  ND_OPTION_TARGET_MAC = 2,
  ND_OPTION_PREFIX = 3,
  ND_OPTION_MTU = 5,
};

#define ND_NA_ROUTER    0x80
#define ND_NA_SOLICITED 0x40
#define ND_NA_OVERRIDE  0x20

#define ND_RA_MANAGED 0x80
#define ND_RA_OTHER   0x40

#define ND_PREFIX_ON_LINK    0x80
#define ND_PREFIX_AUTONOMOUS 0x40

static size_t nd_fixed_bytes(unsigned type)
{
  switch (type) {
  case ESTAB_ICMP6_ROUTER_SOLICITATION: return ND_RS_BYTES;
  case ESTAB_ICMP6_ROUTER_ADVERTISEMENT: return ND_RA_BYTES;
  case ESTAB_ICMP6_NEIGHBOUR_SOLICITATION:
  case ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT: return ND_NEIGHBOUR_BYTES;
  default: return 0;
  }
}

static bool nd_is_link_local(const struct estab_ip *ip)
{
  return ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

static bool nd_is_unspecified(const struct estab_ip *ip)
{
  static const struct estab_ip zero;
  return memcmp(ip, &zero, sizeof zero) == 0;
}

static bool nd_is_solicited_node(const struct estab_ip *ip)
{
  static const uint8_t prefix[13] = {0xff, 0x02, [11] = 1, [12] = 0xff};
  return memcmp(ip->bytes, prefix, sizeof prefix) == 0;
}

static bool nd_read_prefix(const uint8_t *p, struct estab_nd *out)
{
  if (p[2] > 128) return false;
  if (out->prefix_count == ESTAB_ND_PREFIXES) return true;
  struct estab_nd_prefix *prefix = &out->prefixes[out->prefix_count++];
  prefix->prefix_bits = p[2];
  prefix->on_link = (p[3] & ND_PREFIX_ON_LINK) != 0;
  prefix->autonomous = (p[3] & ND_PREFIX_AUTONOMOUS) != 0;
  prefix->valid_s = get_be32(p + 4);
  prefix->preferred_s = get_be32(p + 8);
  ip_read6(&prefix->prefix, p + 16);
  return true;
}

// A type that this message has no use for, and every unknown one, is stepped over.
static bool nd_read_option(const uint8_t *p, size_t bytes, struct estab_nd *out)
{
  const bool is_ra = out->type == ESTAB_ICMP6_ROUTER_ADVERTISEMENT;
  switch (p[0]) {
  case ND_OPTION_SOURCE_MAC:
    if (out->type == ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT || bytes != 8) return true;
    memcpy(out->source_mac, p + 2, 6);
    out->present |= ESTAB_ND_SOURCE_MAC;
    return true;
  case ND_OPTION_TARGET_MAC:
    if (out->type != ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT || bytes != 8) return true;
    memcpy(out->target_mac, p + 2, 6);
    out->present |= ESTAB_ND_TARGET_MAC;
    return true;
  case ND_OPTION_MTU:
    if (!is_ra || bytes != 8) return true;
    out->mtu = get_be32(p + 4);
    out->present |= ESTAB_ND_MTU;
    return true;
  case ND_OPTION_PREFIX: return !is_ra || bytes != 32 || nd_read_prefix(p, out);
  default: return true;
  }
}

// RFC 4861 4.6: a length of 0 makes the whole packet worthless.
static bool nd_read_options(const uint8_t *bytes, size_t have, struct estab_nd *out)
{
  for (size_t at = 0; at < have;) {
    if (have - at < 8 || bytes[at + 1] == 0) return false;
    const size_t option_bytes = (size_t)bytes[at + 1] * 8;
    if (option_bytes > have - at || !nd_read_option(bytes + at, option_bytes, out)) return false;
    at += option_bytes;
  }
  return true;
}

static void nd_read_fixed(const uint8_t *bytes, struct estab_nd *out)
{
  if (out->type == ESTAB_ICMP6_ROUTER_ADVERTISEMENT) {
    out->hop_limit = bytes[4];
    out->managed = (bytes[5] & ND_RA_MANAGED) != 0;
    out->other = (bytes[5] & ND_RA_OTHER) != 0;
    out->router_lifetime_s = get_be16(bytes + 6);
    out->reachable_ms = get_be32(bytes + 8);
    out->retrans_ms = get_be32(bytes + 12);
  } else if (out->type != ESTAB_ICMP6_ROUTER_SOLICITATION) {
    ip_read6(&out->target, bytes + 8);
  }
  if (out->type == ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT) {
    out->router = (bytes[4] & ND_NA_ROUTER) != 0;
    out->solicited = (bytes[4] & ND_NA_SOLICITED) != 0;
    out->override = (bytes[4] & ND_NA_OVERRIDE) != 0;
  }
}

// What addresses and content must be to each other. RFC 4861 6.1.1, 6.1.2, 7.1.1, 7.1.2
static bool nd_is_valid(const struct estab_ip6_header *ip, const struct estab_nd *nd)
{
  const bool from_nobody = nd_is_unspecified(&ip->src);
  const bool has_source_mac = (nd->present & ESTAB_ND_SOURCE_MAC) != 0;
  switch (nd->type) {
  case ESTAB_ICMP6_ROUTER_SOLICITATION: return !(from_nobody && has_source_mac);
  case ESTAB_ICMP6_ROUTER_ADVERTISEMENT: return nd_is_link_local(&ip->src);
  case ESTAB_ICMP6_NEIGHBOUR_SOLICITATION:
    if (ip_is_multicast6(&nd->target)) return false;
    return !from_nobody || (nd_is_solicited_node(&ip->dst) && !has_source_mac);
  case ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT:
    return !ip_is_multicast6(&nd->target) && !(ip_is_multicast6(&ip->dst) && nd->solicited);
  default: return false;
  }
}

int estab_nd_parse(const struct estab_ip6_header *ip, const uint8_t *bytes, size_t have,
                   struct estab_nd *out)
{
  memset(out, 0, sizeof *out);
  if (have < ESTAB_ICMP_HEADER_BYTES) return -ESTAB_DROP_ICMP_SHORT;
  const size_t fixed_bytes = nd_fixed_bytes(bytes[0]);
  if (fixed_bytes == 0) return -ESTAB_DROP_ICMP_TYPE;
  if (ip->hop_limit != ND_HOP_LIMIT || ip->has_fragment) return -ESTAB_DROP_ND_BAD;
  if (bytes[1] != 0 || have < fixed_bytes || have > INT16_MAX) return -ESTAB_DROP_ND_BAD;
  out->type = bytes[0];
  nd_read_fixed(bytes, out);
  if (!nd_read_options(bytes + fixed_bytes, have - fixed_bytes, out) || !nd_is_valid(ip, out))
    return -ESTAB_DROP_ND_BAD;
  return (int)have;
}

// ---------------------------------------------------------------------------------------------

static size_t nd_put_mac(uint8_t *p, enum nd_option_type type, const uint8_t mac[6])
{
  p[0] = (uint8_t)type;
  p[1] = 1;
  memcpy(p + 2, mac, 6);
  return 8;
}

static size_t nd_put_mtu(uint8_t *p, uint32_t mtu)
{
  put_be32(p, (uint32_t)ND_OPTION_MTU << 24 | 1U << 16);
  put_be32(p + 4, mtu);
  return 8;
}

static size_t nd_put_prefix(uint8_t *p, const struct estab_nd_prefix *prefix)
{
  p[0] = ND_OPTION_PREFIX;
  p[1] = 4;
  p[2] = prefix->prefix_bits;
  p[3] = (uint8_t)((prefix->on_link ? ND_PREFIX_ON_LINK : 0) |
                   (prefix->autonomous ? ND_PREFIX_AUTONOMOUS : 0));
  put_be32(p + 4, prefix->valid_s);
  put_be32(p + 8, prefix->preferred_s);
  put_be32(p + 12, 0);
  memcpy(p + 16, prefix->prefix.bytes, 16);
  return 32;
}

static void nd_put_fixed(const struct estab_nd *h, uint8_t *out)
{
  put_be32(out, (uint32_t)h->type << 24);
  put_be32(out + 4, 0);
  if (h->type == ESTAB_ICMP6_ROUTER_ADVERTISEMENT) {
    out[4] = h->hop_limit;
    out[5] = (uint8_t)((h->managed ? ND_RA_MANAGED : 0) | (h->other ? ND_RA_OTHER : 0));
    put_be16(out + 6, h->router_lifetime_s);
    put_be32(out + 8, h->reachable_ms);
    put_be32(out + 12, h->retrans_ms);
  } else if (h->type != ESTAB_ICMP6_ROUTER_SOLICITATION) {
    memcpy(out + 8, h->target.bytes, 16);
  }
  if (h->type == ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT)
    out[4] = (uint8_t)((h->router ? ND_NA_ROUTER : 0) | (h->solicited ? ND_NA_SOLICITED : 0) |
                       (h->override ? ND_NA_OVERRIDE : 0));
}

size_t estab_nd_emit(const struct estab_nd *h, uint8_t *out)
{
  size_t at = nd_fixed_bytes(h->type);
  if (at == 0) return 0;
  nd_put_fixed(h, out);
  if (h->present & ESTAB_ND_SOURCE_MAC)
    at += nd_put_mac(out + at, ND_OPTION_SOURCE_MAC, h->source_mac);
  if (h->present & ESTAB_ND_TARGET_MAC)
    at += nd_put_mac(out + at, ND_OPTION_TARGET_MAC, h->target_mac);
  if (h->present & ESTAB_ND_MTU) at += nd_put_mtu(out + at, h->mtu);
  for (unsigned i = 0; i < h->prefix_count; i++)
    at += nd_put_prefix(out + at, &h->prefixes[i]);
  return at;
}
