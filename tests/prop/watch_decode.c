// SPDX-License-Identifier: BSD-2-Clause
// watch_decode.c - frames meant to break the observer's decoder, each in a buffer of exactly its size (ATTACKS
// O13); what it says of them must hold together.
#include "support/prop.h"
#include "support/wrapped.h"

#include "watch/decode_internal.h"
#include "watch/defrag.h"
#include "watch/duplicate.h"

static const uint64_t key[2] = {3, 4};

// Pointers within the packet, lengths within the lengths around them.
static bool holds_together(const struct watch_packet *p, const uint8_t *bytes, size_t count)
{
  PROP_CHECK(p->kind <= WATCH_KIND_SKIPPED && p->count < ESTAB_WATCH_COUNTS &&
             p->why < ESTAB_DROPS);
  PROP_CHECK(p->tunnels <= WATCH_DEPTH && p->vlan_count <= WATCH_DEPTH);
  PROP_CHECK((p->tunnel == ESTAB_WATCH_TUNNEL_NONE) == (p->tunnels == 0));
  PROP_CHECK(p->tunnels == 0 || p->has_outer);
  if (p->kind == WATCH_KIND_SKIPPED) return true;
  PROP_CHECK(p->version == 4 || p->version == 6);
  PROP_CHECK(p->ip >= bytes && p->ip + p->ip_captured_bytes <= bytes + count);
  PROP_CHECK(p->ip_captured_bytes <= p->ip_bytes && p->ip_header_bytes <= p->ip_captured_bytes);
  PROP_CHECK(p->payload >= p->ip + p->ip_header_bytes);
  PROP_CHECK(p->payload + p->payload_captured_bytes <= p->ip + p->ip_captured_bytes);
  PROP_CHECK(p->payload_captured_bytes <= p->payload_bytes);
  PROP_CHECK(p->ip_header_bytes + p->payload_bytes <= p->ip_bytes);
  if (p->kind != WATCH_KIND_TCP && p->kind != WATCH_KIND_ICMP) return true;
  PROP_CHECK(p->fragment.offset == 0 && !p->fragment.more);
  PROP_CHECK(p->ip_captured_bytes == p->ip_bytes || p->tcp_checksum == WATCH_CHECKSUM_UNVERIFIABLE);
  if (p->kind == WATCH_KIND_TCP)
    PROP_CHECK(p->ip_header_bytes + p->tcp.header_bytes + p->payload_bytes == p->ip_bytes);
  return true;
}

static size_t some_frame(struct prop_rng *r, struct wrapped *w, uint32_t *link)
{
  static const char text[] = "some text";
  const unsigned version = prop_one_in(r, 2) ? 4 : 6;
  struct estab_packet p =
      wrapped_tcp(version, (uint16_t)prop_below(r, 0x1000), text, prop_below(r, sizeof text));
  if (prop_one_in(r, 4)) {
    p.kind = ESTAB_PACKET_FRAGMENT;
    p.protocol = ESTAB_PROTOCOL_TCP;
    p.payload_bytes = 8;
    p.fragment = (struct estab_fragment){5, (uint16_t)(8 * prop_below(r, 4)), prop_one_in(r, 2)};
  }
  wrapped_packet(w, &p);
  *link = ESTAB_LINKTYPE_RAW;
  for (unsigned i = prop_below(r, 3); i > 0; i--)
    wrapped_in_tunnel(w, (enum wrapping)prop_below(r, WRAPPINGS));
  *link = wrapped_in(w, (enum wrapping)prop_below(r, WRAPPINGS));
  return w->count;
}

static bool look(struct prop_rng *r, uint32_t link, const uint8_t *frame, size_t count, size_t wire)
{
  struct prop_mem strict;
  struct mem mem;
  struct watch_defrag defrag;
  struct watch_packet p;
  bool ambiguous;
  uint8_t *exact = malloc(count ? count : 1);
  if (!exact) abort();
  if (count) memcpy(exact, frame, count);
  memset(&p, 0xa5, sizeof p);
  PROP_CHECK(watch_decode(link, exact, count, wire, &p) == (enum watch_kind)p.kind);
  PROP_CHECK(holds_together(&p, exact, count));
  if (p.kind == WATCH_KIND_FRAGMENT) {
    mem_init(&mem, prop_mem_door(&strict));
    if (prop_one_in(r, 8)) strict.fail_after = prop_below(r, 4);
    watch_defrag_init(&defrag, &mem, FRAG_OVERLAP_LAST, 1 << 20, key);
    if (watch_defrag_input(&defrag, &p, 0, &p, &ambiguous) == ESTAB_DROP_NONE)
      PROP_CHECK(holds_together(&p, defrag.frag.whole, defrag.frag.whole_bytes));
    watch_defrag_destroy(&defrag);
    PROP_CHECK(strict.live_bytes == 0);
  }
  free(exact);
  return true;
}

static bool mutants(struct prop_rng *r)
{
  struct wrapped w;
  uint32_t link;
  size_t n = some_frame(r, &w, &link);
  uint8_t *bytes = wrapped_bytes(&w);
  for (unsigned i = prop_below(r, 6); i > 0; i--) {
    const size_t at = prop_below(r, (uint32_t)n);
    if (prop_one_in(r, 2))
      bytes[at] = (uint8_t)prop_u64(r);
    else
      bytes[at] ^= (uint8_t)(1U << prop_below(r, 8));
  }
  const size_t wire = n + (prop_one_in(r, 4) ? prop_below(r, 100) : 0);
  if (prop_one_in(r, 2)) n = prop_below(r, (uint32_t)n + 1);
  return look(r, link, bytes, n, prop_one_in(r, 8) ? 0 : wire);
}

static bool noise(struct prop_rng *r)
{
  static const uint32_t links[] = {0, 1, 12, 14, 101, 108, 113, 228, 229, 276, 9, 105};
  static const uint8_t often[] = {0x08, 0x00, 0x81, 0x88, 0x47, 0x64, 0x86, 0xdd, 0x45,
                                  0x60, 4,    41,   47,   17,   6,    44,   1,    58};
  uint8_t bytes[200];
  const size_t n = prop_below(r, sizeof bytes);
  for (size_t i = 0; i < n; i++)
    bytes[i] = prop_one_in(r, 2) ? often[prop_below(r, sizeof often)] : (uint8_t)prop_u64(r);
  return look(r, links[prop_below(r, sizeof links / sizeof links[0])], bytes, n, n);
}

// ATTACKS O9: cut anywhere, in any order, pieces again and again: whole when all has come, never before.
static bool fragments_in_any_order(struct prop_rng *r)
{
  uint8_t text[200], covered[300] = {0};
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)prop_u64(r);
  const struct estab_packet sent = wrapped_tcp(prop_one_in(r, 2) ? 4 : 6, 0x010, text, sizeof text);
  const size_t header = sent.version == 4 ? 20 : 40, all = 32 + sizeof text;
  struct prop_mem strict;
  struct mem mem;
  struct watch_defrag defrag;
  struct watch_packet p;
  struct wrapped whole, w;
  bool ambiguous, complete = false;
  mem_init(&mem, prop_mem_door(&strict));
  watch_defrag_init(&defrag, &mem, FRAG_OVERLAP_FIRST, 1 << 20, key);
  wrapped_packet(&whole, &sent);
  for (unsigned tries = 0; !complete && tries < 400; tries++) {
    size_t from = 8 * prop_below(r, (uint32_t)all / 8), to = from + 8 * (1 + prop_below(r, 5));
    if (to > all || prop_one_in(r, 20)) to = all;
    struct estab_packet piece = sent;
    piece.kind = ESTAB_PACKET_FRAGMENT;
    piece.protocol = ESTAB_PROTOCOL_TCP;
    piece.fragment = (struct estab_fragment){9, (uint16_t)from, to < all};
    if (from == 0 && to == all) continue;
    piece.payload = wrapped_bytes(&whole) + header + from;
    piece.payload_bytes = to - from;
    wrapped_packet(&w, &piece);
    const uint32_t link = wrapped_in(&w, WRAPPING_ETHERNET);
    watch_decode(link, wrapped_bytes(&w), w.count, w.count, &p);
    PROP_CHECK(p.kind == WATCH_KIND_FRAGMENT);
    const int answer = watch_defrag_input(&defrag, &p, 0, &p, &ambiguous);
    memset(covered + from, 1, to - from);
    complete = memchr(covered, 0, all) == NULL;
    PROP_CHECK(answer == (complete ? ESTAB_DROP_NONE : -ESTAB_DROP_FRAG_WAITING));
  }
  if (complete) {
    PROP_CHECK(p.kind == WATCH_KIND_TCP && p.tcp_checksum == WATCH_CHECKSUM_OK && !ambiguous);
    PROP_CHECK(p.payload_bytes == sizeof text && memcmp(p.payload, text, sizeof text) == 0);
  }
  watch_defrag_destroy(&defrag);
  PROP_CHECK(strict.live_bytes == 0);
  return true;
}

// Two tunnels and a link layer around a segment: it is found.
static bool found_within(struct prop_rng *r)
{
  static const char text[] = "some text";
  struct estab_packet sent = wrapped_tcp(prop_one_in(r, 2) ? 4 : 6, 0x018, text, sizeof text);
  struct wrapped w;
  struct watch_packet p;
  sent.tcp.seq = (uint32_t)prop_u64(r);
  wrapped_packet(&w, &sent);
  for (unsigned i = prop_below(r, 3); i > 0; i--)
    if (wrapped_bytes(&w)[0] >> 4 == 6)
      wrapped_in_tunnel(&w, (enum wrapping)prop_below(r, WRAPPINGS));
    else
      wrapped_in_tunnel(&w, WRAPPING_VXLAN);
  enum wrapping last = (enum wrapping)prop_below(r, WRAPPINGS);
  if (last == WRAPPING_TEREDO && wrapped_bytes(&w)[0] >> 4 == 4) last = WRAPPING_SLL2;
  const uint32_t link = wrapped_in(&w, last);
  watch_decode(link, wrapped_bytes(&w), w.count, w.count, &p);
  if (p.kind == WATCH_KIND_SKIPPED && p.count == ESTAB_WATCH_COUNT_DEPTH) return true;
  PROP_CHECK(p.kind == WATCH_KIND_TCP && p.tcp.seq == sent.tcp.seq && p.tcp.flags == 0x018);
  PROP_CHECK(estab_ip_equal(&p.src, &sent.src) && estab_ip_equal(&p.dst, &sent.dst));
  PROP_CHECK(p.tcp_checksum == WATCH_CHECKSUM_OK && p.ip_checksum == WATCH_CHECKSUM_OK);
  PROP_CHECK(p.payload_bytes == sizeof text && memcmp(p.payload, text, sizeof text) == 0);
  return true;
}

// ---------------------------------------------------------------------------------------------
// decode_plain.c reads in one go what the walk reads in steps.

static size_t least(size_t a, size_t b)
{
  return a < b ? a : b;
}

// Right checksums for whatever stands behind the Ethernet header, as far as it is there.
static void checksums_mend(uint8_t *frame, size_t n)
{
  if (n < 14 + 40) return;
  uint8_t *const ip = frame + 14;
  const bool four = ip[0] >> 4 == 4;
  const size_t header = four ? (size_t)(ip[0] & 15) * 4 : 40;
  const size_t all = least(n - 14, four ? get_be16(ip + 2) : 40u + get_be16(ip + 4));
  struct estab_ip src, dst;
  if (header < 20 || all < header) return;
  if (four) {
    src = estab_ip4(ip[12], ip[13], ip[14], ip[15]);
    dst = estab_ip4(ip[16], ip[17], ip[18], ip[19]);
    put_be16(ip + 10, 0);
    put_be16(ip + 10, estab_checksum_finish(estab_checksum_add(0, ip, header)));
  } else {
    memcpy(src.bytes, ip + 8, 16);
    memcpy(dst.bytes, ip + 24, 16);
  }
  uint8_t *const tcp = ip + header;
  const size_t bytes = all - header;
  if (bytes < 20) return;
  const uint64_t pseudo = estab_checksum_pseudo(&src, &dst, ESTAB_PROTOCOL_TCP, (uint32_t)bytes);
  put_be16(tcp + 16, 0);
  put_be16(tcp + 16, estab_checksum_finish(estab_checksum_add(pseudo, tcp, bytes)));
}

static bool options_equal(const struct estab_tcp_options *a, const struct estab_tcp_options *b)
{
  const uint32_t has = a->present;
  if (has != b->present) return false;
  return (!(has & ESTAB_TCP_OPT_MSS) || a->mss == b->mss) &&
         (!(has & ESTAB_TCP_OPT_WSCALE) || a->wscale == b->wscale) &&
         (!(has & ESTAB_TCP_OPT_TS) || (a->ts_value == b->ts_value && a->ts_echo == b->ts_echo)) &&
         (!(has & ESTAB_TCP_OPT_SACK) ||
          (a->sack_count == b->sack_count && memcmp(a->sack, b->sack, a->sack_count * 8u) == 0));
}

static bool decoded_equal(const struct watch_packet *a, const struct watch_packet *b)
{
  PROP_CHECK(memcmp(a, b, offsetof(struct watch_packet, tunnel)) == 0);
  PROP_CHECK(a->tunnel == b->tunnel && a->tunnels == b->tunnels);
  PROP_CHECK(a->vlan_count == b->vlan_count && a->has_outer == b->has_outer);
  PROP_CHECK(a->vlan[0] == b->vlan[0] && a->vlan[1] == b->vlan[1]);
  PROP_CHECK(a->tunnel_id == b->tunnel_id && a->tunnel_key == b->tunnel_key);
  if (a->kind != WATCH_KIND_TCP) return true; // the walk read both
  PROP_CHECK(a->version == b->version && a->protocol == b->protocol && a->ttl == b->ttl);
  PROP_CHECK(a->dscp == b->dscp && a->ecn == b->ecn && a->dont_fragment == b->dont_fragment);
  PROP_CHECK(a->ip_checksum == b->ip_checksum && a->tcp_checksum == b->tcp_checksum);
  PROP_CHECK(a->source_routed == b->source_routed && a->length_unset == b->length_unset);
  PROP_CHECK(a->joined == b->joined && a->tcp_options_cut == b->tcp_options_cut);
  PROP_CHECK(estab_ip_equal(&a->src, &b->src) && estab_ip_equal(&a->dst, &b->dst));
  PROP_CHECK(a->fragment.id == b->fragment.id && a->fragment.offset == b->fragment.offset &&
             a->fragment.more == b->fragment.more);
  PROP_CHECK(a->ip == b->ip && a->ip_bytes == b->ip_bytes &&
             a->ip_captured_bytes == b->ip_captured_bytes &&
             a->ip_header_bytes == b->ip_header_bytes);
  PROP_CHECK(a->payload == b->payload && a->payload_bytes == b->payload_bytes &&
             a->payload_captured_bytes == b->payload_captured_bytes);
  const struct estab_tcp_header *const h = &a->tcp, *const k = &b->tcp;
  PROP_CHECK(h->src_port == k->src_port && h->dst_port == k->dst_port && h->seq == k->seq &&
             h->ack == k->ack && h->flags == k->flags && h->window == k->window &&
             h->urgent == k->urgent && h->header_bytes == k->header_bytes);
  PROP_CHECK(options_equal(&h->options, &k->options));
  return true;
}

static bool plain_is_the_walk(struct prop_rng *r)
{
  uint8_t text[64];
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)prop_u64(r);
  struct estab_packet sent = wrapped_tcp(prop_one_in(r, 2) ? 4 : 6, (uint16_t)prop_below(r, 0x1000),
                                         text, prop_below(r, sizeof text));
  if (prop_one_in(r, 2)) sent.tcp.options.present = 0;
  if (prop_one_in(r, 4)) {
    sent.tcp.options.present |= ESTAB_TCP_OPT_MSS | ESTAB_TCP_OPT_WSCALE;
    sent.tcp.options.mss = 1460;
    sent.tcp.options.wscale = 7;
  }
  struct wrapped w;
  wrapped_packet(&w, &sent);
  const uint32_t link = wrapped_in(&w, WRAPPING_ETHERNET);
  uint8_t frame[400];
  size_t n = w.count;
  memcpy(frame, wrapped_bytes(&w), n);
  for (unsigned i = prop_one_in(r, 4) ? 0 : prop_below(r, 3); i > 0; i--) {
    const size_t at = prop_one_in(r, 4) ? prop_below(r, (uint32_t)n) : 12 + prop_below(r, 42);
    frame[at] =
        prop_one_in(r, 2) ? (uint8_t)prop_u64(r) : (uint8_t)(frame[at] ^ 1u << prop_below(r, 8));
  }
  if (!prop_one_in(r, 4)) checksums_mend(frame, n);
  for (unsigned pad = prop_one_in(r, 4) ? prop_below(r, 20) : 0; pad > 0; pad--)
    frame[n++] = (uint8_t)prop_u64(r);
  const size_t wire = n + (prop_one_in(r, 8) ? prop_below(r, 100) : 0);
  if (prop_one_in(r, 8)) n = prop_below(r, (uint32_t)n + 1);
  struct watch_packet a, b;
  memset(&a, 0xa5, sizeof a);
  memset(&b, 0x5a, sizeof b);
  PROP_CHECK(watch_decode(link, frame, n, wire, &a) == decode_any(link, frame, n, wire, &b));
  return decoded_equal(&a, &b);
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"mutants", mutants, 100000},
      {"noise", noise, 100000},
      {"fragments_in_any_order", fragments_in_any_order, 500},
      {"found_within", found_within, 2000},
      {"plain_is_the_walk", plain_is_the_walk, 100000},
  };
  return prop_main(argc, argv, props, sizeof props / sizeof props[0]);
}
