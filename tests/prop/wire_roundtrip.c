// SPDX-License-Identifier: BSD-2-Clause
// wire_roundtrip.c - the codec's law for every kind of header: parse(emit(h)) == h.
#include "support/prop.h"

#include <estab/wire.h>

static uint8_t u8(struct prop_rng *r)
{
  return (uint8_t)prop_u64(r);
}

static uint16_t u16(struct prop_rng *r)
{
  return (uint16_t)prop_u64(r);
}

static uint32_t u32(struct prop_rng *r)
{
  return (uint32_t)prop_u64(r);
}

static bool yes(struct prop_rng *r)
{
  return prop_one_in(r, 2);
}

static void fill(struct prop_rng *r, uint8_t *p, size_t n)
{
  for (size_t i = 0; i < n; i++)
    p[i] = u8(r);
}

static struct estab_ip ip4(struct prop_rng *r)
{
  return estab_ip4(u8(r), u8(r), u8(r), u8(r));
}

static struct estab_ip ip6(struct prop_rng *r)
{
  struct estab_ip ip;
  fill(r, ip.bytes, 16);
  ip.bytes[0] = 0x20; // unicast
  return ip;
}

// What was emitted, alone in a buffer of its size; the caller frees it.
static uint8_t *exact(const uint8_t *p, size_t n)
{
  uint8_t *copy = calloc(1, n > 0 ? n : 1);
  if (copy == NULL) abort();
  memcpy(copy, p, n);
  return copy;
}

// ---------------------------------------------------------------------------------------------

static bool eth(struct prop_rng *r)
{
  struct estab_eth_header h = {.type = u16(r)}, g;
  uint8_t bytes[ESTAB_ETH_HEADER_BYTES];
  fill(r, h.dst, 6);
  fill(r, h.src, 6);
  PROP_CHECK(estab_eth_emit(&h, bytes) == sizeof bytes);
  PROP_CHECK(estab_eth_parse(bytes, sizeof bytes, &g) == sizeof bytes);
  PROP_CHECK(g.type == h.type && memcmp(g.dst, h.dst, 6) == 0 && memcmp(g.src, h.src, 6) == 0);
  return true;
}

static bool arp(struct prop_rng *r)
{
  struct estab_arp h = {.operation = yes(r) ? ESTAB_ARP_REQUEST : ESTAB_ARP_REPLY}, g;
  uint8_t bytes[ESTAB_ARP_BYTES];
  fill(r, h.sender_mac, 6);
  fill(r, h.target_mac, 6);
  h.sender_ip = ip4(r);
  h.target_ip = ip4(r);
  PROP_CHECK(estab_arp_emit(&h, bytes) == sizeof bytes);
  PROP_CHECK(estab_arp_parse(bytes, sizeof bytes, &g) == sizeof bytes);
  PROP_CHECK(g.operation == h.operation);
  PROP_CHECK(memcmp(g.sender_mac, h.sender_mac, 6) == 0);
  PROP_CHECK(memcmp(g.target_mac, h.target_mac, 6) == 0);
  PROP_CHECK(estab_ip_equal(&g.sender_ip, &h.sender_ip));
  PROP_CHECK(estab_ip_equal(&g.target_ip, &h.target_ip));
  return true;
}

static bool same_fragment(const struct estab_fragment *a, const struct estab_fragment *b)
{
  return a->id == b->id && a->offset == b->offset && a->more == b->more;
}

static bool ipv4(struct prop_rng *r)
{
  static const uint8_t router_alert[4] = {148, 4, 0, 0};
  uint8_t options[40], packet[60 + 400] = {0};
  struct estab_ip4_header h = {
      .src = ip4(r),
      .dst = ip4(r),
      .fragment = {.id = u16(r)},
      .protocol = u8(r),
      .ttl = u8(r),
      .dscp = u8(r) >> 2,
      .ecn = u8(r) & 3,
      .dont_fragment = yes(r),
      .options_bytes = (uint8_t)(yes(r) ? 0 : 4 * (1 + prop_below(r, 10))),
  };
  const size_t payload_bytes = 24 + 8 * prop_below(r, 40);
  for (unsigned i = 0; i < h.options_bytes; i += 4) {
    memset(options + i, 1, 4);
    if (yes(r)) memcpy(options + i, router_alert, 4);
  }
  if (h.options_bytes > 0) h.options = options;
  h.total_bytes = (uint16_t)(20 + h.options_bytes + payload_bytes);
  if (yes(r)) {
    h.fragment.more = yes(r);
    h.fragment.offset = (uint16_t)(8 * prop_below(r, 8000));
  }
  const size_t n = estab_ip4_emit(&h, packet);
  PROP_CHECK(n == 20U + h.options_bytes);
  uint8_t *bytes = exact(packet, h.total_bytes);
  struct estab_ip4_header g;
  const int answer = estab_ip4_parse(bytes, h.total_bytes, &g);
  const bool options_kept =
      h.options_bytes == 0 ? g.options == NULL : memcmp(g.options, h.options, h.options_bytes) == 0;
  free(bytes);
  PROP_CHECK(answer == (int)n);
  PROP_CHECK(options_kept && g.options_bytes == h.options_bytes && g.header_bytes == n);
  PROP_CHECK(estab_ip_equal(&g.src, &h.src) && estab_ip_equal(&g.dst, &h.dst));
  PROP_CHECK(same_fragment(&g.fragment, &h.fragment) && g.dont_fragment == h.dont_fragment);
  PROP_CHECK(g.total_bytes == h.total_bytes && g.protocol == h.protocol && g.ttl == h.ttl);
  PROP_CHECK(g.dscp == h.dscp && g.ecn == h.ecn);
  return true;
}

// A legal chain into p; answers its bytes. *next: of the IPv6 header; *protocol: behind the chain.
static size_t chain(struct prop_rng *r, uint8_t *p, bool whole, uint8_t *next, uint8_t *protocol,
                    struct estab_fragment *fragment, bool *has_fragment)
{
  uint8_t *announce = next;
  size_t at = 0;
  *has_fragment = false;
  *fragment = (struct estab_fragment){0};
  if (yes(r)) {
    *announce = ESTAB_PROTOCOL_HOP_BY_HOP;
    announce = p + at;
    memcpy(p + at, (const uint8_t[]){0, 0, 5, 2, 0, 0, 1, 0}, 8); // router alert, PadN
    at += 8;
  }
  if (yes(r)) {
    *announce = ESTAB_PROTOCOL_DESTINATION;
    announce = p + at;
    memset(p + at, 0, 16); // Pad1
    p[at + 1] = 1;
    at += 16;
  }
  if (yes(r)) {
    *announce = ESTAB_PROTOCOL_ROUTING;
    announce = p + at;
    memcpy(p + at, (const uint8_t[]){0, 0, 4, 0, 1, 2, 3, 4}, 8); // segments left: 0
    at += 8;
  }
  if (yes(r)) {
    *announce = ESTAB_PROTOCOL_FRAGMENT;
    announce = p + at;
    *has_fragment = true;
    fragment->id = u32(r);
    if (!whole) {
      fragment->offset = (uint16_t)(8 * prop_below(r, 8000));
      fragment->more = yes(r);
    }
    at += estab_ip6_fragment_emit(fragment, 0, p + at);
  }
  *announce = *protocol = yes(r) ? ESTAB_PROTOCOL_TCP : 200;
  return at;
}

static bool ipv6(struct prop_rng *r)
{
  uint8_t packet[40 + 40 + 400] = {0}, extensions[40], protocol;
  struct estab_ip6_header h = {
      .src = ip6(r),
      .dst = ip6(r),
      .flow_label = u32(r) & 0xfffff,
      .hop_limit = u8(r),
      .dscp = u8(r) >> 2,
      .ecn = u8(r) & 3,
  };
  const size_t payload_bytes = 24 + 8 * prop_below(r, 40);
  h.extension_bytes = (uint16_t)chain(r, extensions, yes(r), &h.next_header, &protocol, &h.fragment,
                                      &h.has_fragment);
  h.extensions = extensions;
  h.payload_bytes = (uint16_t)(h.extension_bytes + payload_bytes);
  const size_t n = estab_ip6_emit(&h, packet), total = n + payload_bytes;
  PROP_CHECK(n == 40U + h.extension_bytes);
  uint8_t *bytes = exact(packet, total);
  struct estab_ip6_header g;
  const int answer = estab_ip6_parse(bytes, total, &g);
  const bool extensions_kept = h.extension_bytes == 0
                                   ? g.extensions == NULL
                                   : memcmp(g.extensions, extensions, h.extension_bytes) == 0;
  free(bytes);
  PROP_CHECK(answer == (int)n);
  PROP_CHECK(extensions_kept && g.extension_bytes == h.extension_bytes && g.header_bytes == n);
  PROP_CHECK(estab_ip_equal(&g.src, &h.src) && estab_ip_equal(&g.dst, &h.dst));
  PROP_CHECK(same_fragment(&g.fragment, &h.fragment) && g.has_fragment == h.has_fragment);
  PROP_CHECK(g.payload_bytes == h.payload_bytes && g.next_header == h.next_header);
  PROP_CHECK(g.protocol == protocol && g.hop_limit == h.hop_limit && !g.problem.wanted);
  PROP_CHECK(g.dscp == h.dscp && g.ecn == h.ecn && g.flow_label == h.flow_label);
  return true;
}

static bool icmp(struct prop_rng *r)
{
  static const uint8_t types4[] = {0, 3, 5, 8, 11, 12, 13, 200};
  static const uint8_t types6[] = {1, 2, 3, 4, 128, 129, 135, 200};
  const bool is4 = yes(r);
  struct estab_icmp_header h = {.type = is4 ? types4[u8(r) % 8] : types6[u8(r) % 8],
                                .code = u8(r) % 6},
                           g;
  if (is4) {
    h.echo = h.type == 0 || h.type == 8;
    h.error = h.type == 3 || h.type == 11 || h.type == 12;
    if (h.type == 3 && h.code == 4) h.mtu = u16(r);
    if (h.type == 12) h.pointer = u8(r);
  } else {
    h.echo = h.type == 128 || h.type == 129;
    h.error = h.type <= 4;
    if (h.type == 2) h.mtu = u32(r);
    if (h.type == 4) h.pointer = u32(r);
  }
  if (h.echo) {
    h.id = u16(r);
    h.seq = u16(r);
  }
  if (!h.echo && !h.error) h.rest = u32(r);
  uint8_t bytes[8];
  PROP_CHECK((is4 ? estab_icmp4_emit : estab_icmp6_emit)(&h, bytes) == 8);
  PROP_CHECK((is4 ? estab_icmp4_parse : estab_icmp6_parse)(bytes, 8, &g) == 8);
  PROP_CHECK(g.type == h.type && g.code == h.code && g.echo == h.echo && g.error == h.error);
  PROP_CHECK(g.id == h.id && g.seq == h.seq && g.mtu == h.mtu && g.pointer == h.pointer);
  PROP_CHECK(g.rest == h.rest);
  return true;
}

static bool same_prefix(const struct estab_nd_prefix *a, const struct estab_nd_prefix *b)
{
  return estab_ip_equal(&a->prefix, &b->prefix) && a->valid_s == b->valid_s &&
         a->preferred_s == b->preferred_s && a->prefix_bits == b->prefix_bits &&
         a->on_link == b->on_link && a->autonomous == b->autonomous;
}

static struct estab_nd random_nd(struct prop_rng *r)
{
  struct estab_nd h = {.type = (uint8_t)(133 + prop_below(r, 4))};
  const bool is_na = h.type == ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT;
  const bool is_ra = h.type == ESTAB_ICMP6_ROUTER_ADVERTISEMENT;
  if (h.type == ESTAB_ICMP6_NEIGHBOUR_SOLICITATION || is_na) h.target = ip6(r);
  if (yes(r)) h.present = is_na ? ESTAB_ND_TARGET_MAC : ESTAB_ND_SOURCE_MAC;
  if (h.present) fill(r, is_na ? h.target_mac : h.source_mac, 6);
  if (is_na) {
    h.router = yes(r);
    h.solicited = yes(r);
    h.override = yes(r);
  }
  if (!is_ra) return h;
  h.managed = yes(r);
  h.other = yes(r);
  h.hop_limit = u8(r);
  h.router_lifetime_s = u16(r);
  h.reachable_ms = u32(r);
  h.retrans_ms = u32(r);
  if (yes(r)) {
    h.present |= ESTAB_ND_MTU;
    h.mtu = u32(r);
  }
  h.prefix_count = (uint8_t)prop_below(r, ESTAB_ND_PREFIXES + 1);
  for (unsigned i = 0; i < h.prefix_count; i++)
    h.prefixes[i] = (struct estab_nd_prefix){ip6(r), u32(r), u32(r), u8(r) % 129, yes(r), yes(r)};
  return h;
}

static bool nd(struct prop_rng *r)
{
  const struct estab_nd h = random_nd(r);
  struct estab_ip6_header ip = {.src = ip6(r), .dst = ip6(r), .hop_limit = 255};
  struct estab_nd g;
  uint8_t buffer[ESTAB_ND_MAX_BYTES];
  if (h.type == ESTAB_ICMP6_ROUTER_ADVERTISEMENT) {
    ip.src.bytes[0] = 0xfe;
    ip.src.bytes[1] = 0x80;
  }
  const size_t n = estab_nd_emit(&h, buffer);
  PROP_CHECK(n > 0 && n <= sizeof buffer && n % 8 == 0);
  uint8_t *bytes = exact(buffer, n);
  const int answer = estab_nd_parse(&ip, bytes, n, &g);
  free(bytes);
  PROP_CHECK(answer == (int)n);
  PROP_CHECK(g.type == h.type && g.present == h.present && g.mtu == h.mtu);
  PROP_CHECK(g.router == h.router && g.solicited == h.solicited && g.override == h.override);
  PROP_CHECK(g.managed == h.managed && g.other == h.other && g.hop_limit == h.hop_limit);
  PROP_CHECK(g.router_lifetime_s == h.router_lifetime_s);
  PROP_CHECK(g.reachable_ms == h.reachable_ms && g.retrans_ms == h.retrans_ms);
  PROP_CHECK(estab_ip_equal(&g.target, &h.target));
  PROP_CHECK(memcmp(g.source_mac, h.source_mac, 6) == 0);
  PROP_CHECK(memcmp(g.target_mac, h.target_mac, 6) == 0);
  PROP_CHECK(g.prefix_count == h.prefix_count);
  for (unsigned i = 0; i < h.prefix_count; i++)
    PROP_CHECK(same_prefix(&g.prefixes[i], &h.prefixes[i]));
  return true;
}

static bool udp(struct prop_rng *r)
{
  struct estab_udp_header h = {u16(r), u16(r), (uint16_t)(8 + prop_below(r, 100)), u16(r)}, g;
  uint8_t bytes[108] = {0};
  PROP_CHECK(estab_udp_emit(&h, bytes) == 8);
  PROP_CHECK(estab_udp_parse(bytes, sizeof bytes, &g) == 8);
  PROP_CHECK(g.src_port == h.src_port && g.dst_port == h.dst_port);
  PROP_CHECK(g.total_bytes == h.total_bytes && g.checksum == h.checksum);
  return true;
}

// ---------------------------------------------------------------------------------------------

static size_t padded(size_t n)
{
  return (n + 3) / 4 * 4;
}

// Options whose bytes, laid out as wire.h says, fit in 40.
static struct estab_tcp_options random_options(struct prop_rng *r, size_t *bytes)
{
  struct estab_tcp_options o = {0};
  size_t left = 40;
  const uint32_t wanted = yes(r) ? u32(r) & 0x3ff : 1U << prop_below(r, 10);
  if (wanted & ESTAB_TCP_OPT_MSS) {
    o.present |= ESTAB_TCP_OPT_MSS;
    o.mss = (uint16_t)(1 + prop_below(r, 65535));
    left -= 4;
  }
  o.present |= wanted & (ESTAB_TCP_OPT_SACK_PERMITTED | ESTAB_TCP_OPT_TS);
  if (o.present & ESTAB_TCP_OPT_TS) {
    o.ts_value = u32(r);
    o.ts_echo = u32(r);
    left -= 12;
  } else if (o.present & ESTAB_TCP_OPT_SACK_PERMITTED) {
    left -= 4;
  }
  if (wanted & ESTAB_TCP_OPT_WSCALE) {
    o.present |= ESTAB_TCP_OPT_WSCALE;
    o.wscale = (uint8_t)prop_below(r, 15);
    left -= 4;
  }
  const size_t cookie = yes(r) ? 0 : 4 + 2 * prop_below(r, 7);
  const size_t head = wanted & ESTAB_TCP_OPT_TFO_EXP ? 4 : 2;
  if ((wanted & ESTAB_TCP_OPT_TFO) && padded(head + cookie) <= left) {
    o.present |= wanted & (ESTAB_TCP_OPT_TFO | ESTAB_TCP_OPT_TFO_EXP);
    o.tfo_bytes = (uint8_t)cookie;
    fill(r, o.tfo_cookie, cookie);
    left -= padded(head + cookie);
  }
  if ((wanted & ESTAB_TCP_OPT_UTO) && left >= 4) {
    o.present |= ESTAB_TCP_OPT_UTO;
    o.user_timeout = u16(r);
    left -= 4;
  }
  const size_t blocks = 1 + prop_below(r, 4);
  if ((wanted & ESTAB_TCP_OPT_SACK) && 4 + 8 * blocks <= left) {
    o.present |= ESTAB_TCP_OPT_SACK;
    o.sack_count = (uint8_t)blocks;
    for (size_t i = 0; i < blocks; i++)
      o.sack[i] = (struct estab_sack_block){u32(r), u32(r)};
    left -= 4 + 8 * blocks;
  }
  const size_t counters = prop_below(r, 4);
  const uint32_t accecn = wanted & (ESTAB_TCP_OPT_ACCECN0 | ESTAB_TCP_OPT_ACCECN1);
  if (accecn != 0 && padded(2 + 3 * counters) <= left) {
    o.present |= accecn & ESTAB_TCP_OPT_ACCECN0 ? ESTAB_TCP_OPT_ACCECN0 : ESTAB_TCP_OPT_ACCECN1;
    o.accecn_count = (uint8_t)counters;
    for (size_t i = 0; i < counters; i++)
      o.accecn[i] = u32(r) & 0xffffff;
    left -= padded(2 + 3 * counters);
  }
  *bytes = 40 - left;
  return o;
}

static bool same_options(const struct estab_tcp_options *a, const struct estab_tcp_options *b)
{
  const uint32_t p = a->present;
  PROP_CHECK(b->present == p);
  if (p & ESTAB_TCP_OPT_MSS) PROP_CHECK(a->mss == b->mss);
  if (p & ESTAB_TCP_OPT_WSCALE) PROP_CHECK(a->wscale == b->wscale);
  if (p & ESTAB_TCP_OPT_TS) PROP_CHECK(a->ts_value == b->ts_value && a->ts_echo == b->ts_echo);
  if (p & ESTAB_TCP_OPT_UTO) PROP_CHECK(a->user_timeout == b->user_timeout);
  if (p & ESTAB_TCP_OPT_TFO) {
    PROP_CHECK(a->tfo_bytes == b->tfo_bytes);
    PROP_CHECK(memcmp(a->tfo_cookie, b->tfo_cookie, a->tfo_bytes) == 0);
  }
  if (p & ESTAB_TCP_OPT_SACK) {
    PROP_CHECK(a->sack_count == b->sack_count);
    for (unsigned i = 0; i < a->sack_count; i++)
      PROP_CHECK(a->sack[i].start == b->sack[i].start && a->sack[i].end == b->sack[i].end);
  }
  if (p & (ESTAB_TCP_OPT_ACCECN0 | ESTAB_TCP_OPT_ACCECN1)) {
    PROP_CHECK(a->accecn_count == b->accecn_count);
    for (unsigned i = 0; i < a->accecn_count; i++)
      PROP_CHECK(a->accecn[i] == b->accecn[i]);
  }
  return true;
}

static bool tcp(struct prop_rng *r)
{
  size_t option_bytes;
  struct estab_tcp_header h = {u16(r),
                               u16(r),
                               u32(r),
                               u32(r),
                               u16(r) & 0xfff,
                               u16(r),
                               u16(r),
                               0,
                               random_options(r, &option_bytes)};
  struct estab_tcp_header g;
  uint8_t buffer[ESTAB_TCP_HEADER_MAX_BYTES];
  const size_t n = estab_tcp_emit(&h, buffer);
  PROP_CHECK(n == 20 + option_bytes);
  PROP_CHECK(estab_tcp_options_bytes(&h.options) == option_bytes);
  memset(&g, 0xa5, sizeof g);
  uint8_t *bytes = exact(buffer, n);
  const int answer = estab_tcp_parse(bytes, n, &g);
  free(bytes);
  PROP_CHECK(answer == (int)n && g.header_bytes == n);
  PROP_CHECK(g.src_port == h.src_port && g.dst_port == h.dst_port);
  PROP_CHECK(g.seq == h.seq && g.ack == h.ack && g.flags == h.flags);
  PROP_CHECK(g.window == h.window && g.urgent == h.urgent);
  return same_options(&h.options, &g.options);
}

// More than fits: never past 40 bytes, and what is there is right. SACK and AccECN shrink.
static bool crowded_options(struct prop_rng *r)
{
  struct estab_tcp_options o = {
      .present = u32(r) & 0x3ff,
      .mss = 1460,
      .wscale = 7,
      .sack_count = (uint8_t)(1 + prop_below(r, 4)),
      .tfo_bytes = (uint8_t)(4 + 2 * prop_below(r, 7)),
      .accecn_count = (uint8_t)prop_below(r, 4),
      .accecn = {1, 2, 3},
      .sack = {{1, 2}, {3, 4}, {5, 6}, {7, 8}},
  };
  uint8_t buffer[ESTAB_TCP_OPTIONS_BYTES + 1];
  struct estab_tcp_options g;
  buffer[ESTAB_TCP_OPTIONS_BYTES] = 0xa5;
  const size_t n = estab_tcp_options_emit(&o, buffer);
  PROP_CHECK(n <= 40 && n % 4 == 0 && buffer[40] == 0xa5);
  PROP_CHECK(estab_tcp_options_bytes(&o) == n);
  estab_tcp_options_parse(buffer, n, &g);
  PROP_CHECK((g.present & ~o.present) == 0);
  if (g.present & ESTAB_TCP_OPT_SACK) PROP_CHECK(g.sack_count <= o.sack_count);
  if (g.present & ESTAB_TCP_OPT_SACK && g.sack_count < o.sack_count) PROP_CHECK(n > 40 - 8);
  if (g.present & (ESTAB_TCP_OPT_ACCECN0 | ESTAB_TCP_OPT_ACCECN1) && o.accecn_count > 0)
    PROP_CHECK(g.accecn_count > 0);
  return true;
}

// ---------------------------------------------------------------------------------------------

static struct estab_packet random_packet(struct prop_rng *r, uint8_t *payload, size_t max)
{
  size_t option_bytes;
  struct estab_packet p = {
      .kind = (uint8_t)prop_below(r, ESTAB_PACKET_ARP),
      .link = yes(r) ? ESTAB_LINK_RAW : ESTAB_LINK_ETHERNET,
      .version = yes(r) ? 4 : 6,
      .protocol = 99,
      .ttl = u8(r),
      .dscp = u8(r) >> 2,
      .ecn = u8(r) & 3,
      .payload = payload,
      .payload_bytes = prop_below(r, (uint32_t)max),
  };
  if (p.kind == ESTAB_PACKET_ICMP4) p.version = 4;
  if (p.kind == ESTAB_PACKET_ICMP6) p.version = 6;
  fill(r, payload, p.payload_bytes);
  fill(r, p.eth.dst, 6);
  fill(r, p.eth.src, 6);
  p.src = p.version == 4 ? ip4(r) : ip6(r);
  p.dst = p.version == 4 ? ip4(r) : ip6(r);
  if (p.version == 4) p.dont_fragment = yes(r);
  if (p.version == 4) p.fragment.id = u16(r);
  if (p.version == 6) p.flow_label = u32(r) & 0xfffff;
  if (p.kind == ESTAB_PACKET_TCP)
    p.tcp = (struct estab_tcp_header){u16(r),
                                      u16(r),
                                      u32(r),
                                      u32(r),
                                      u16(r) & 0xfff,
                                      u16(r),
                                      u16(r),
                                      0,
                                      random_options(r, &option_bytes)};
  if (p.kind == ESTAB_PACKET_UDP)
    p.udp = (struct estab_udp_header){.src_port = u16(r), .dst_port = u16(r)};
  if (p.kind == ESTAB_PACKET_ICMP4 || p.kind == ESTAB_PACKET_ICMP6)
    p.icmp = (struct estab_icmp_header){.type = 200, .code = u8(r), .rest = u32(r)};
  if (p.kind == ESTAB_PACKET_FRAGMENT) {
    p.fragment = (struct estab_fragment){u16(r), (uint16_t)(8 + 8 * prop_below(r, 7000)), yes(r)};
    p.payload_bytes = p.payload_bytes / 8 * 8 + 8;
  }
  return p;
}

static bool packet(struct prop_rng *r)
{
  static uint8_t payload[2008], buffer[2200];
  const struct estab_packet p = random_packet(r, payload, 2000);
  struct estab_packet q;
  const int n = estab_packet_emit(&p, buffer, sizeof buffer);
  PROP_CHECK(n > 0);
  PROP_CHECK(estab_packet_emit(&p, buffer, (size_t)n) == n);
  PROP_CHECK(estab_packet_emit(&p, buffer, (size_t)n - 1) == ESTAB_ERR_TOO_BIG);
  uint8_t *bytes = exact(buffer, (size_t)n);
  const int answer = estab_packet_parse(p.link, bytes, (size_t)n, false, &q);
  const bool payload_kept = answer >= 0 && q.payload_bytes == p.payload_bytes &&
                            q.payload == bytes + answer &&
                            memcmp(q.payload, payload, p.payload_bytes) == 0;
  const bool same_kind = q.kind == p.kind && q.version == p.version;
  const int again = answer >= 0 ? estab_packet_emit(&q, buffer, sizeof buffer) : -1;
  const bool same_bytes = again == n && memcmp(buffer, bytes, (size_t)n) == 0;
  bytes[(size_t)n - 1] ^= 0x40;
  const bool damage_noticed = estab_packet_parse(p.link, bytes, (size_t)n, false, &q) < 0;
  free(bytes);
  PROP_CHECK(answer > 0 && payload_kept && same_kind && same_bytes);
  // An empty UDP datagram ends with its checksum, and damage can turn that into "none".
  const bool has_checksum = p.kind == ESTAB_PACKET_TCP || p.kind == ESTAB_PACKET_ICMP4 ||
                            p.kind == ESTAB_PACKET_ICMP6 ||
                            (p.kind == ESTAB_PACKET_UDP && p.payload_bytes > 0);
  if (has_checksum) PROP_CHECK(damage_noticed);
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"eth", eth, 1000},        {"arp", arp, 1000},   {"ipv4", ipv4, 10000},
      {"ipv6", ipv6, 10000},     {"icmp", icmp, 5000}, {"nd", nd, 5000},
      {"udp", udp, 1000},        {"tcp", tcp, 50000},  {"crowded_options", crowded_options, 10000},
      {"packet", packet, 10000},
  };
  return prop_main(argc, argv, props, sizeof props / sizeof props[0]);
}
