// SPDX-License-Identifier: BSD-2-Clause
// wire_hostile.c - packets meant to break a parser: each alone in a buffer of exactly its size, so
// that a sanitizer sees the first byte read too far. Answers are compared with rules written anew.
#include "support/prop.h"

#include <estab/wire.h>

static uint8_t u8(struct prop_rng *r)
{
  return (uint8_t)prop_u64(r);
}

static uint8_t *exact(const uint8_t *p, size_t n)
{
  uint8_t *copy = calloc(1, n > 0 ? n : 1);
  if (copy == NULL) abort();
  if (n > 0) memcpy(copy, p, n);
  return copy;
}

static void put16(uint8_t *p, size_t v)
{
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}

// ---------------------------------------------------------------------------------------------
// TCP options [P2]: every kind, length and place, against a plain walk.

struct walk {
  bool malformed;
  uint16_t mss; // 0 = none
  bool ts, sack_permitted, wscale;
};

static bool known_bad(unsigned kind, unsigned length)
{
  switch (kind) {
  case 2: return length != 4;
  case 3: return length != 3;
  case 4: return length != 2;
  case 5: return length != 10 && length != 18 && length != 26 && length != 34;
  case 8: return length != 10;
  default: return false;
  }
}

static struct walk walk_of(const uint8_t *p, size_t n)
{
  struct walk w = {0};
  size_t at = 0;
  while (at < n && p[at] != 0 && !w.malformed) {
    if (p[at] == 1) {
      at++;
      continue;
    }
    const size_t length = at + 1 < n ? p[at + 1] : 0;
    w.malformed = length < 2 || at + length > n || known_bad(p[at], (unsigned)length);
    if (w.malformed) break;
    if (p[at] == 2 && (p[at + 2] != 0 || p[at + 3] != 0))
      w.mss = (uint16_t)(p[at + 2] << 8 | p[at + 3]);
    if (p[at] == 3) w.wscale = true;
    if (p[at] == 4) w.sack_permitted = true;
    if (p[at] == 8) w.ts = true;
    at += length;
  }
  return w;
}

static bool same_as_walk(const uint8_t *p, size_t n)
{
  struct estab_tcp_options o;
  const struct walk w = walk_of(p, n);
  uint8_t *bytes = exact(p, n);
  memset(&o, 0xa5, sizeof o);
  estab_tcp_options_parse(bytes, n, &o);
  char text[400];
  const size_t length = estab_tcp_options_format(bytes, n, NULL, text, sizeof text);
  free(bytes);
  PROP_CHECK(length < sizeof text && strlen(text) == length);
  PROP_CHECK(((o.present & ESTAB_TCP_OPT_MALFORMED) != 0) == w.malformed);
  PROP_CHECK(((o.present & ESTAB_TCP_OPT_MSS) != 0) == (w.mss != 0));
  if (w.mss != 0) PROP_CHECK(o.mss == w.mss);
  PROP_CHECK(((o.present & ESTAB_TCP_OPT_TS) != 0) == w.ts);
  PROP_CHECK(((o.present & ESTAB_TCP_OPT_SACK_PERMITTED) != 0) == w.sack_permitted);
  PROP_CHECK(((o.present & ESTAB_TCP_OPT_WSCALE) != 0) == w.wscale);
  if (w.wscale) PROP_CHECK(o.wscale <= 14);
  if (o.present & ESTAB_TCP_OPT_SACK) PROP_CHECK(o.sack_count >= 1 && o.sack_count <= 4);
  if (o.present & ESTAB_TCP_OPT_TFO) PROP_CHECK(o.tfo_bytes <= 16 && o.tfo_bytes % 2 == 0);
  if (o.present & (ESTAB_TCP_OPT_ACCECN0 | ESTAB_TCP_OPT_ACCECN1)) PROP_CHECK(o.accecn_count <= 3);
  return true;
}

static bool every_option(struct prop_rng *r)
{
  (void)r;
  uint8_t p[40];
  for (unsigned kind = 0; kind < 256; kind++) {
    for (unsigned length = 0; length <= 41; length++) {
      for (size_t at = 0; at < sizeof p; at++) {
        memset(p, 1, sizeof p); // NOP before and behind
        if (at >= 4) memcpy(p, (const uint8_t[]){2, 4, 5, 0xb4}, 4);
        p[at] = (uint8_t)kind;
        if (at + 1 < sizeof p) p[at + 1] = (uint8_t)length;
        if (!same_as_walk(p, sizeof p)) return false;
        if (!same_as_walk(p, (at + 4) / 4 * 4)) return false;
      }
    }
  }
  return true;
}

static bool random_options(struct prop_rng *r)
{
  static const uint8_t kinds[] = {0, 1, 1, 2, 3, 4, 5, 8, 28, 34, 172, 174, 253, 254};
  static const uint8_t lengths[] = {0, 1, 2, 3, 4, 5, 8, 10, 11, 12, 18, 26, 34, 40};
  uint8_t p[40];
  const size_t n = 4 * prop_below(r, 11);
  for (size_t i = 0; i < sizeof p; i++)
    p[i] = prop_one_in(r, 2) ? u8(r) : lengths[prop_below(r, sizeof lengths)];
  for (size_t at = 0; at < n; at += 1 + prop_below(r, 12))
    p[at] = kinds[prop_below(r, sizeof kinds)];
  return same_as_walk(p, n);
}

// ---------------------------------------------------------------------------------------------
// Header lengths

static bool tcp_data_offset(struct prop_rng *r) // [P5]
{
  uint8_t segment[20 + 60] = {0};
  for (size_t i = 0; i < sizeof segment; i++)
    segment[i] = u8(r);
  for (unsigned offset = 0; offset < 16; offset++) {
    for (size_t n = 0; n <= sizeof segment; n++) {
      struct estab_tcp_header h;
      segment[12] = (uint8_t)(offset << 4 | (segment[12] & 0xf));
      uint8_t *bytes = exact(segment, n);
      const int answer = estab_tcp_parse(bytes, n, &h);
      free(bytes);
      if (n < 20)
        PROP_CHECK(answer == -ESTAB_DROP_TCP_SHORT);
      else if (offset < 5 || offset * 4 > n)
        PROP_CHECK(answer == -ESTAB_DROP_TCP_DATA_OFFSET);
      else
        PROP_CHECK(answer == (int)(4 * offset) && h.header_bytes == 4 * offset);
    }
  }
  return true;
}

static void fill_ip4_checksum(uint8_t *p, size_t header_bytes)
{
  put16(p + 10, 0);
  put16(p + 10, estab_checksum_finish(estab_checksum_add(0, p, header_bytes)));
}

static int ip4_answer(unsigned version, size_t ihl, size_t total, size_t frame)
{
  if (frame < 20) return -ESTAB_DROP_IP_SHORT;
  if (version != 4) return -ESTAB_DROP_IP_VERSION;
  if (ihl < 5 || ihl * 4 > frame) return -ESTAB_DROP_IP4_HEADER_LENGTH;
  if (total < ihl * 4 || total > frame) return -ESTAB_DROP_IP4_TOTAL_LENGTH;
  return (int)(ihl * 4);
}

static bool ip4_lengths(struct prop_rng *r) // [P6]
{
  const size_t frame = prop_below(r, 90);
  uint8_t p[90];
  for (unsigned version = 0; version < 16; version++) {
    for (size_t ihl = 0; ihl < 16; ihl++) {
      for (size_t total = 0; total <= frame + 64; total++) {
        memset(p, 0, sizeof p); // options: all End of Option List
        p[0] = (uint8_t)(version << 4 | ihl);
        p[9] = 200;
        put16(p + 2, total);
        fill_ip4_checksum(p, ihl * 4 < 20 ? 20 : ihl * 4);
        struct estab_ip4_header h;
        struct estab_packet whole;
        uint8_t *bytes = exact(p, frame);
        const int answer = estab_ip4_parse(bytes, frame, &h);
        const int packet = estab_packet_parse(ESTAB_LINK_RAW, bytes, frame, false, &whole);
        free(bytes);
        PROP_CHECK(answer == ip4_answer(version, ihl, total, frame));
        if (version == 4 && frame > 0) PROP_CHECK(packet == answer);
        if (answer >= 0) {
          PROP_CHECK(h.total_bytes == total && h.header_bytes == ihl * 4);
          PROP_CHECK(whole.payload_bytes == total - ihl * 4); // the rest is padding
        }
      }
    }
  }
  return true;
}

static bool ip4_header_damage(struct prop_rng *r)
{
  uint8_t p[40] = {0x45, 0, 0, 40, 0, 0, 0, 0, 64, 200};
  struct estab_ip4_header h;
  for (size_t i = 12; i < 20; i++)
    p[i] = u8(r);
  fill_ip4_checksum(p, 20);
  PROP_CHECK(estab_ip4_parse(p, sizeof p, &h) == 20);
  p[8 + prop_below(r, 12)] ^= (uint8_t)(1U << prop_below(r, 8));
  PROP_CHECK(estab_ip4_parse(p, sizeof p, &h) == -ESTAB_DROP_IP4_CHECKSUM);
  PROP_CHECK(h.total_bytes == 40 && h.header_bytes == 20); // still there for those who watch
  return true;
}

static bool ip4_options(struct prop_rng *r) // [I3]
{
  static const uint8_t kinds[] = {0, 1, 1, 7, 68, 131, 137, 148, 30};
  uint8_t p[60] = {0};
  const size_t bytes = 4 + 4 * prop_below(r, 10);
  for (size_t i = 20; i < 20 + bytes; i++)
    p[i] = prop_one_in(r, 2) ? kinds[prop_below(r, sizeof kinds)] : (uint8_t)prop_below(r, 12);
  p[0] = (uint8_t)(0x40 | (20 + bytes) / 4);
  p[9] = 200;
  put16(p + 2, 20 + bytes);
  fill_ip4_checksum(p, 20 + bytes);
  int expected = (int)(20 + bytes);
  for (size_t at = 20; at < 20 + bytes && p[at] != 0;) {
    if (p[at] == 1) {
      at++;
      continue;
    }
    const size_t length = at + 1 < 20 + bytes ? p[at + 1] : 0;
    if (length < 2 || at + length > 20 + bytes) {
      expected = -ESTAB_DROP_IP4_OPTION;
      break;
    }
    if (p[at] == 131 || p[at] == 137) {
      expected = -ESTAB_DROP_IP4_SOURCE_ROUTE;
      break;
    }
    at += length;
  }
  struct estab_ip4_header h;
  uint8_t *copy = exact(p, 20 + bytes);
  const int answer = estab_ip4_parse(copy, 20 + bytes, &h);
  free(copy);
  PROP_CHECK(answer == expected);
  return true;
}

static bool udp_lengths(struct prop_rng *r) // [P12]
{
  uint8_t p[24] = {0};
  (void)r;
  for (size_t have = 0; have <= sizeof p; have++) {
    for (size_t length = 0; length <= 40; length++) {
      struct estab_udp_header h;
      put16(p + 4, length);
      uint8_t *bytes = exact(p, have);
      const int answer = estab_udp_parse(bytes, have, &h);
      free(bytes);
      const bool fine = have >= 8 && length >= 8 && length <= have;
      PROP_CHECK(answer == (fine ? 8 : -ESTAB_DROP_UDP_LENGTH));
    }
  }
  return true;
}

static bool udp_without_checksum(struct prop_rng *r) // [P12]
{
  for (unsigned version = 4; version <= 6; version += 2) {
    struct estab_packet p = {.kind = ESTAB_PACKET_UDP, .version = (uint8_t)version}, q;
    uint8_t bytes[80], payload[8];
    memset(payload, u8(r), sizeof payload);
    p.src = version == 4 ? estab_ip4(192, 0, 2, 1) : (struct estab_ip){{0x20, 1}};
    p.dst = p.src;
    p.payload = payload;
    p.payload_bytes = sizeof payload;
    const int n = estab_packet_emit(&p, bytes, sizeof bytes);
    PROP_CHECK(n > 0);
    put16(bytes + (version == 4 ? 20 : 40) + 6, 0);
    const int answer = estab_packet_parse(ESTAB_LINK_RAW, bytes, (size_t)n, false, &q);
    PROP_CHECK(version == 4 ? answer == 28 : answer == -ESTAB_DROP_UDP_CHECKSUM);
  }
  return true;
}

// ---------------------------------------------------------------------------------------------
// IPv6

static bool ip6_payload_length(struct prop_rng *r) // [P8]
{
  const size_t data = prop_below(r, 60);
  uint8_t p[100] = {0x60, [6] = 200};
  for (size_t length = 0; length < 65536; length += length < 200 ? 1 : 1111) {
    struct estab_ip6_header h;
    struct estab_packet whole;
    put16(p + 4, length);
    uint8_t *bytes = exact(p, 40 + data);
    const int answer = estab_ip6_parse(bytes, 40 + data, &h);
    const int packet = estab_packet_parse(ESTAB_LINK_RAW, bytes, 40 + data, false, &whole);
    free(bytes);
    PROP_CHECK(answer == (length > data ? -ESTAB_DROP_IP6_PAYLOAD_LENGTH : 40));
    PROP_CHECK(packet == answer);
    if (answer > 0) PROP_CHECK(h.payload_bytes == length && whole.payload_bytes == length);
  }
  return true;
}

// A chain of 0..40 headers out of a small grammar, and what the rules say of it [P9].
struct chain {
  uint8_t p[40 + 40 * 40];
  size_t bytes;
  int expected; // a drop, or 0
};

static void chain_add_options(struct prop_rng *r, struct chain *c)
{
  uint8_t *p = c->p + c->bytes;
  memset(p, 0, 40);
  p[1] = 4; // 40 bytes: 38 of options
  c->bytes += 40;
  if (!prop_one_in(r, 8)) {
    p[2] = 1; // PadN over all
    p[3] = 36;
    return;
  }
  const unsigned options = prop_below(r, 13);
  for (unsigned i = 0; i < options; i++)
    p[2 + 2 * i] = 0x1e; // unknown, to be skipped, empty
  if (options > 8 && c->expected == 0) c->expected = -ESTAB_DROP_IP6_CHAIN;
}

static bool chain_add_fragment(struct prop_rng *r, struct chain *c, bool *seen)
{
  uint8_t *p = c->p + c->bytes;
  c->bytes += 8;
  memset(p, 0, 8);
  if (*seen && c->expected == 0) c->expected = -ESTAB_DROP_IP6_CHAIN;
  *seen = true;
  p[4] = u8(r);
  const bool later = prop_one_in(r, 10);
  if (later) put16(p + 2, 8 * (1 + prop_below(r, 100)));
  return later;
}

static void chain_add_routing(struct prop_rng *r, struct chain *c)
{
  uint8_t *p = c->p + c->bytes;
  c->bytes += 8;
  memset(p, 0, 8);
  p[2] = (uint8_t)(prop_one_in(r, 6) ? 0 : 4);
  p[3] = (uint8_t)(prop_one_in(r, 6) ? 1 : 0);
  if (c->expected != 0) return;
  if (p[2] == 0)
    c->expected = -ESTAB_DROP_IP6_ROUTING_0;
  else if (p[3] != 0)
    c->expected = -ESTAB_DROP_IP6_ROUTING;
}

static bool ip6_chains(struct prop_rng *r)
{
  static const uint8_t kinds[] = {0, 60, 60, 60, 60, 43, 44};
  struct chain c = {.p = {0x60}, .bytes = 40};
  const unsigned headers = prop_one_in(r, 8) ? prop_below(r, 41) : prop_below(r, 10);
  uint8_t *announce = c.p + 6;
  bool seen = false, stopped = false;
  size_t stop = 0;
  for (unsigned i = 0; i < headers && !stopped; i++) {
    const uint8_t kind = i == 0 && prop_one_in(r, 2) ? 0 : kinds[1 + prop_below(r, 6)];
    const uint8_t used = prop_one_in(r, 30) ? 0 : kind;
    *announce = used;
    announce = c.p + c.bytes;
    if (i == 8 && c.expected == 0) c.expected = -ESTAB_DROP_IP6_CHAIN;
    if (used == 0 && i > 0 && c.expected == 0) c.expected = -ESTAB_DROP_IP6_CHAIN;
    if (used == 0 || used == 60) chain_add_options(r, &c);
    if (used == 43) chain_add_routing(r, &c);
    if (used == 44) stopped = chain_add_fragment(r, &c, &seen);
  }
  *announce = 200;
  stop = c.bytes;
  put16(c.p + 4, stop - 40);
  struct estab_ip6_header h;
  uint8_t *bytes = exact(c.p, stop);
  const int answer = estab_ip6_parse(bytes, stop, &h);
  int cut = 0;
  if (stop > 40) { // one byte less, wherever it ends: never accepted as the same chain
    put16(bytes + 4, stop - 41);
    uint8_t *shorter = exact(bytes, stop - 1);
    struct estab_ip6_header g;
    cut = estab_ip6_parse(shorter, stop - 1, &g);
    free(shorter);
  }
  free(bytes);
  PROP_CHECK(answer == (c.expected != 0 ? c.expected : (int)stop));
  if (answer >= 0) PROP_CHECK(h.protocol == 200 && h.has_fragment == seen && !h.problem.wanted);
  if (stop > 40) PROP_CHECK(cut < 0);
  return true;
}

static bool ip6_unknown_options(struct prop_rng *r) // RFC 8200 4.2
{
  uint8_t p[48] = {0x60, [6] = 60};
  const bool multicast = prop_one_in(r, 2);
  put16(p + 4, 8);
  p[24] = multicast ? 0xff : 0x20;
  p[40] = 59;
  for (unsigned type = 2; type < 256; type++) {
    struct estab_ip6_header h;
    p[42] = (uint8_t)type;
    p[43] = 4;
    const int answer = estab_ip6_parse(p, sizeof p, &h);
    const unsigned action = type >> 6;
    PROP_CHECK(answer == (action == 0 ? 48 : -ESTAB_DROP_IP6_OPTION));
    PROP_CHECK(h.problem.wanted == (action == 2 || (action == 3 && !multicast)));
    if (h.problem.wanted) {
      PROP_CHECK(h.problem.code == 2 && h.problem.pointer == 42);
      PROP_CHECK(h.problem.even_multicast == (action == 2));
    }
  }
  return true;
}

static bool ip6_option_lengths(struct prop_rng *r)
{
  uint8_t p[40 + 24] = {0x60, [6] = 60};
  put16(p + 4, 24);
  p[40] = 59;
  p[41] = 2;
  for (size_t i = 42; i < sizeof p; i++)
    p[i] = (uint8_t)(prop_one_in(r, 4) ? prop_below(r, 24) : prop_below(r, 4));
  int expected = 64;
  unsigned options = 0;
  for (size_t at = 42; at < 64 && expected > 0;) {
    if (p[at] == 0) {
      at++;
      continue;
    }
    if (p[at] > 1) options++; // all of them below 64: to be skipped
    if (at == 63 || at + 2 + p[at + 1] > 64 || options > 8) expected = -ESTAB_DROP_IP6_CHAIN;
    if (expected > 0) at += 2U + p[at + 1];
  }
  struct estab_ip6_header h;
  uint8_t *bytes = exact(p, sizeof p);
  const int answer = estab_ip6_parse(bytes, sizeof p, &h);
  free(bytes);
  PROP_CHECK(answer == expected);
  return true;
}

static bool ip6_first_fragments(struct prop_rng *r) // RFC 7112 5
{
  uint8_t p[40 + 8 + 64] = {0x60, [6] = 44};
  const bool options_between = prop_one_in(r, 2);
  const size_t between = options_between ? 16 : 0;
  for (size_t behind = 8; behind <= 64; behind += 8) {
    put16(p + 4, 8 + behind);
    p[40] = options_between ? 60 : 6;
    put16(p + 42, 1); // more
    memset(p + 48, 0, 64);
    if (options_between) memcpy(p + 48, (const uint8_t[]){6, 1, 1, 12}, 4);
    struct estab_ip6_header h;
    uint8_t *bytes = exact(p, 48 + behind);
    const int answer = estab_ip6_parse(bytes, 48 + behind, &h);
    free(bytes);
    PROP_CHECK(answer == (behind >= between + 20 ? 48 : -ESTAB_DROP_FRAG_FIRST_SHORT));
    if (answer > 0) PROP_CHECK(h.protocol == p[40] && h.fragment.more);
    if (answer < 0) PROP_CHECK(h.problem.wanted && h.problem.code == 3);
    if (answer > 0) {
      bytes = exact(p + 48, behind);
      const int inner = estab_ip6_parse_reassembled(bytes, behind, &h);
      free(bytes);
      PROP_CHECK(inner == (int)between && h.protocol == 6);
    }
  }
  return true;
}

static bool no_fragment_inside_a_reassembled_packet(struct prop_rng *r) // CVE-2021-24086
{
  uint8_t part[16] = {6};
  struct estab_ip6_header h = {.protocol = 44, .has_fragment = true};
  put16(part + 2, prop_below(r, 65536));
  uint8_t *bytes = exact(part, sizeof part);
  const int answer = estab_ip6_parse_reassembled(bytes, sizeof part, &h);
  free(bytes);
  PROP_CHECK(answer == -ESTAB_DROP_IP6_CHAIN);
  return true;
}

static bool fragments_of_impossible_size(struct prop_rng *r) // [P13]
{
  const size_t offset =
      prop_one_in(r, 2) ? 65536 - 8 * (1 + prop_below(r, 20)) : 8 * prop_below(r, 8192);
  const bool more = prop_one_in(r, 2);
  const size_t data = 24 + prop_below(r, 100);
  uint8_t p[200] = {0x45, [9] = 17};
  put16(p + 2, 20 + data);
  put16(p + 6, offset / 8 | (more ? 0x2000 : 0));
  fill_ip4_checksum(p, 20);
  struct estab_ip4_header h;
  const int answer = estab_ip4_parse(p, 20 + data, &h);
  const bool fragment = more || offset != 0;
  const bool fits = 20 + offset + data <= 65535 && (!more || data % 8 == 0);
  PROP_CHECK(answer == (!fragment || fits ? 20 : -ESTAB_DROP_FRAG_BOUNDS));

  struct estab_ip6_header g;
  memset(p, 0, 60);
  p[0] = 0x60;
  p[6] = 44;
  p[40] = 17;
  put16(p + 4, 8 + data);
  put16(p + 42, offset | more);
  const int answer6 = estab_ip6_parse(p, 48 + data, &g);
  const bool fits6 = offset + data <= 65535 && (!more || data % 8 == 0);
  PROP_CHECK(answer6 == (!fragment || fits6 ? 48 : -ESTAB_DROP_FRAG_BOUNDS));
  return true;
}

// ---------------------------------------------------------------------------------------------
// Neighbour discovery [P11]

static bool nd_options(struct prop_rng *r)
{
  static const uint8_t types[] = {1, 2, 3, 5, 25, 31};
  uint8_t p[16 + 256] = {134};
  struct estab_ip6_header ip = {.src = {{0xfe, 0x80}}, .dst = {{0xff, 2}}, .hop_limit = 255};
  const size_t n = 16 + (prop_one_in(r, 4) ? 256 : prop_below(r, 97));
  unsigned prefixes = 0;
  bool fine = true;
  for (size_t at = 16; at < n;) {
    const size_t units = n == sizeof p ? 4 : prop_below(r, 5);
    for (size_t i = at; i < n; i++)
      p[i] = u8(r);
    p[at] = types[prop_below(r, sizeof types)];
    if (at + 1 < n) p[at + 1] = (uint8_t)units;
    if (n == sizeof p && at + 2 < n) p[at + 2] &= 0x7f;
    if (n - at < 8 || units == 0 || at + 8 * units > n) {
      fine = false;
      break;
    }
    if (p[at] == 3 && units == 4 && p[at + 2] > 128) fine = false;
    if (p[at] == 3 && units == 4) prefixes++;
    at += 8 * units;
  }
  struct estab_nd nd;
  uint8_t *bytes = exact(p, n);
  const int answer = estab_nd_parse(&ip, bytes, n, &nd);
  free(bytes);
  PROP_CHECK(answer == (fine ? (int)n : -ESTAB_DROP_ND_BAD));
  if (fine) PROP_CHECK(nd.prefix_count == (prefixes < ESTAB_ND_PREFIXES ? prefixes : 4));
  return true;
}

// ---------------------------------------------------------------------------------------------
// Whole frames [P7]

#define KINDS 10

// One good frame of each kind into p; answers its bytes.
static size_t good_frame(struct prop_rng *r, unsigned kind, int link, uint8_t *p, size_t room)
{
  uint8_t payload[64];
  struct estab_packet h = {.link = (uint8_t)link, .version = 4, .ttl = 255, .payload = payload};
  for (size_t i = 0; i < sizeof payload; i++)
    payload[i] = u8(r);
  h.payload_bytes = prop_below(r, 33);
  if (kind % 2 == 1) h.version = 6;
  h.src = h.version == 4 ? estab_ip4(192, 0, 2, 1) : (struct estab_ip){{0xfe, 0x80, [15] = 1}};
  h.dst = h.version == 4 ? estab_ip4(192, 0, 2, 2) : (struct estab_ip){{0xfe, 0x80, [15] = 2}};
  if (kind < 2) {
    h.kind = ESTAB_PACKET_TCP;
    h.tcp.options = (struct estab_tcp_options){
        .present = u8(r) & 0x1fU, .mss = 1460, .sack_count = 1, .sack = {{1, 2}}};
  } else if (kind < 4) {
    h.kind = ESTAB_PACKET_UDP;
  } else if (kind < 6) {
    h.kind = h.version == 4 ? ESTAB_PACKET_ICMP4 : ESTAB_PACKET_ICMP6;
    h.icmp.type = h.version == 4 ? 3 : 1;
    payload[0] = h.version == 4 ? 0x45 : 0x60;
    h.payload_bytes = sizeof payload;
  } else if (kind == 6) {
    h.kind = ESTAB_PACKET_ARP;
    h.link = ESTAB_LINK_ETHERNET;
    h.arp = (struct estab_arp){.operation = 1, .sender_ip = h.src, .target_ip = h.dst};
  } else if (kind == 7) {
    h.kind = ESTAB_PACKET_ICMP6;
    h.icmp.type = ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT;
    memset(payload, 1, 24);
    h.payload_bytes = 24;
  } else {
    h.kind = ESTAB_PACKET_FRAGMENT;
    h.protocol = 17;
    h.fragment = (struct estab_fragment){1, 800, true};
    h.payload_bytes = 32;
  }
  const int n = estab_packet_emit(&h, p, room);
  if (n < 0) abort();
  return (size_t)n;
}

// Whatever it is, it is parsed, printed and written again without harm; answers parse's answer.
static int handle(int link, const uint8_t *p, size_t n, bool checksum_known, bool *fine)
{
  static uint8_t again[70000];
  const struct estab_format_options how = {.addresses = true, .seq_base = 5};
  char text[ESTAB_PACKET_TEXT_BYTES];
  struct estab_packet h;
  uint8_t *bytes = exact(p, n);
  const int answer = estab_packet_parse(link, bytes, n, checksum_known, &h);
  *fine = true;
  if (answer >= 0 || answer == -ESTAB_DROP_TCP_CHECKSUM || answer == -ESTAB_DROP_UDP_CHECKSUM ||
      answer == -ESTAB_DROP_ICMP_CHECKSUM) {
    const size_t length = estab_packet_format(&h, &how, text, sizeof text);
    *fine = length < sizeof text && strlen(text) == length;
    if (h.kind != ESTAB_PACKET_ARP &&
        (h.payload < bytes || h.payload + h.payload_bytes > bytes + n))
      *fine = false;
    if (estab_packet_emit(&h, again, sizeof again) < 0) *fine = false;
  } else {
    *fine = answer > -ESTAB_DROPS;
  }
  free(bytes);
  return answer;
}

static bool every_truncation(struct prop_rng *r)
{
  for (unsigned kind = 0; kind < KINDS; kind++) {
    for (int link = ESTAB_LINK_RAW; link <= ESTAB_LINK_ETHERNET; link++) {
      uint8_t p[300];
      const int used = kind == 6 ? ESTAB_LINK_ETHERNET : link;
      const size_t n = good_frame(r, kind, used, p, sizeof p);
      bool fine;
      for (size_t have = 0; have < n; have++) {
        PROP_CHECK(handle(used, p, have, true, &fine) < 0 && fine);
      }
      const int answer = handle(used, p, n, false, &fine);
      PROP_CHECK(answer >= 0 && fine);
      for (size_t pad = 1; pad < 70; pad++) { // a switch fills frames up to 60 bytes
        uint8_t padded[400];
        memcpy(padded, p, n);
        memset(padded + n, u8(r), pad);
        PROP_CHECK(handle(used, padded, n + pad, false, &fine) == answer && fine);
      }
    }
  }
  return true;
}

static bool mutations(struct prop_rng *r)
{
  uint8_t p[400];
  const int link = prop_one_in(r, 2) ? ESTAB_LINK_ETHERNET : ESTAB_LINK_RAW;
  const unsigned kind = prop_below(r, KINDS);
  const int used = kind == 6 ? ESTAB_LINK_ETHERNET : link;
  size_t n = good_frame(r, kind, used, p, sizeof p);
  for (unsigned i = 1 + prop_below(r, 6); i > 0; i--) {
    const size_t at = prop_below(r, (uint32_t)n);
    if (prop_one_in(r, 2))
      p[at] = u8(r);
    else
      p[at] ^= (uint8_t)(1U << prop_below(r, 8));
  }
  if (prop_one_in(r, 3)) n = prop_below(r, (uint32_t)n + 1);
  if (used == ESTAB_LINK_RAW && n >= 20 && p[0] >> 4 == 4 && prop_one_in(r, 2))
    fill_ip4_checksum(p, (p[0] & 15U) * 4 <= n ? (p[0] & 15U) * 4 : 20);
  bool fine;
  handle(used, p, n, prop_one_in(r, 2), &fine);
  PROP_CHECK(fine);
  return true;
}

static bool quotes(struct prop_rng *r)
{
  uint8_t p[120];
  const size_t n = prop_below(r, sizeof p);
  for (size_t i = 0; i < sizeof p; i++)
    p[i] = prop_one_in(r, 3) ? u8(r) : (uint8_t)(prop_one_in(r, 2) ? 0 : 44);
  const unsigned version = prop_one_in(r, 2) ? 4 : 6;
  p[0] = (uint8_t)(version << 4 | (p[0] & 15));
  struct estab_quote q;
  uint8_t *bytes = exact(p, n);
  const int answer = estab_quote_parse(version, bytes, n, &q);
  const int other = estab_quote_parse(10 - version, bytes, n, &q);
  free(bytes);
  PROP_CHECK(answer == -ESTAB_DROP_ICMP_EMBEDDED || (answer >= 20 && (size_t)answer <= n));
  PROP_CHECK(other == -ESTAB_DROP_ICMP_EMBEDDED);
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"every_option", every_option, 1},
      {"random_options", random_options, 100000},
      {"tcp_data_offset", tcp_data_offset, 20},
      {"ip4_lengths", ip4_lengths, 20},
      {"ip4_header_damage", ip4_header_damage, 5000},
      {"ip4_options", ip4_options, 50000},
      {"udp_lengths", udp_lengths, 1},
      {"udp_without_checksum", udp_without_checksum, 10},
      {"ip6_payload_length", ip6_payload_length, 50},
      {"ip6_chains", ip6_chains, 50000},
      {"ip6_unknown_options", ip6_unknown_options, 10},
      {"ip6_option_lengths", ip6_option_lengths, 20000},
      {"ip6_first_fragments", ip6_first_fragments, 20},
      {"no_fragment_inside_a_reassembled_packet", no_fragment_inside_a_reassembled_packet, 100},
      {"fragments_of_impossible_size", fragments_of_impossible_size, 20000},
      {"nd_options", nd_options, 20000},
      {"every_truncation", every_truncation, 50},
      {"mutations", mutations, 100000},
      {"quotes", quotes, 50000},
  };
  return prop_main(argc, argv, props, sizeof props / sizeof props[0]);
}
