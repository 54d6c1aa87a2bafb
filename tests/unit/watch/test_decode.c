// SPDX-License-Identifier: BSD-2-Clause
// test_decode.c - every way to wrap a packet leads to the same packet; what is cut, broken or too deep is named.
#include "watch/decode.h"
#include "support/wrapped.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char text[] = "GET / HTTP/1.0\r\n\r\n";

// A frame in a buffer of exactly its size. What is given out points into it: the caller frees it.
static uint8_t *decode_exact(uint32_t link, const uint8_t *bytes, size_t captured, size_t wire,
                             struct watch_packet *p)
{
  uint8_t *copy = malloc(captured ? captured : 1);
  assert_non_null(copy);
  if (captured) memcpy(copy, bytes, captured);
  memset(p, 0xa5, sizeof *p);
  watch_decode(link, copy, captured, wire, p);
  return copy;
}

static void decode_skipped(uint32_t link, struct wrapped *w, enum estab_watch_count count)
{
  struct watch_packet p;
  free(decode_exact(link, wrapped_bytes(w), w->count, w->count, &p));
  assert_int_equal(p.kind, WATCH_KIND_SKIPPED);
  assert_int_equal(p.count, count);
}

static void is_the_segment(const struct watch_packet *p, const struct estab_packet *sent)
{
  assert_int_equal(p->kind, WATCH_KIND_TCP);
  assert_int_equal(p->count, ESTAB_WATCH_COUNT_TCP);
  assert_int_equal(p->version, sent->version);
  assert_int_equal(p->protocol, ESTAB_PROTOCOL_TCP);
  assert_int_equal(p->ttl, 64);
  assert_true(estab_ip_equal(&p->src, &sent->src) && estab_ip_equal(&p->dst, &sent->dst));
  assert_int_equal(p->ip_checksum, WATCH_CHECKSUM_OK);
  assert_int_equal(p->tcp_checksum, WATCH_CHECKSUM_OK);
  assert_int_equal(p->fragment.id, sent->version == 4 ? 4711 : 0);
  assert_int_equal(p->tcp.seq, 0xfffffff0);
  assert_int_equal(p->tcp.flags, sent->tcp.flags);
  assert_int_equal(p->tcp.options.present, ESTAB_TCP_OPT_TS);
  assert_false(p->tcp_options_cut || p->length_unset || p->source_routed || p->joined);
  assert_int_equal(p->payload_bytes, sent->payload_bytes);
  assert_int_equal(p->payload_captured_bytes, sent->payload_bytes);
  assert_memory_equal(p->payload, sent->payload, sent->payload_bytes);
  assert_int_equal(p->ip_bytes, (sent->version == 4 ? 20U : 40U) + 32 + sent->payload_bytes);
  assert_int_equal(p->ip_captured_bytes, p->ip_bytes);
  assert_int_equal(p->ip_header_bytes, sent->version == 4 ? 20 : 40);
}

static void wrapped_every_way(void **state)
{
  (void)state;
  static const struct {
    enum estab_watch_tunnel tunnel;
    uint32_t id, key;
    unsigned tunnels, vlans, vlan0, vlan1;
  } want[WRAPPINGS] = {
      [WRAPPING_VLAN] = {.vlans = 1, .vlan0 = 100},
      [WRAPPING_QINQ] = {.vlans = 2, .vlan0 = 100, .vlan1 = 200},
      [WRAPPING_VLAN_LLC] = {.vlans = 1, .vlan0 = 100},
      [WRAPPING_IPIP] = {.tunnel = ESTAB_WATCH_TUNNEL_IPIP, .tunnels = 1},
      [WRAPPING_IP_IN_IP6] = {.tunnel = ESTAB_WATCH_TUNNEL_IPIP, .tunnels = 1},
      [WRAPPING_GRE] = {.tunnel = ESTAB_WATCH_TUNNEL_GRE, .id = 77, .key = 77, .tunnels = 1},
      [WRAPPING_GRE_ETHERNET] = {.tunnel = ESTAB_WATCH_TUNNEL_GRE, .tunnels = 1},
      [WRAPPING_VXLAN] = {.tunnel = ESTAB_WATCH_TUNNEL_VXLAN, .id = 9, .key = 9, .tunnels = 1},
      [WRAPPING_GENEVE] = {.tunnel = ESTAB_WATCH_TUNNEL_GENEVE, .id = 9, .key = 9, .tunnels = 1},
      [WRAPPING_GTPU] = {.tunnel = ESTAB_WATCH_TUNNEL_GTPU, .id = 0x1234, .key = 0, .tunnels = 1},
      [WRAPPING_TEREDO] = {.tunnel = ESTAB_WATCH_TUNNEL_TEREDO, .tunnels = 1},
      [WRAPPING_GTPU_IN_VXLAN] = {.tunnel = ESTAB_WATCH_TUNNEL_GTPU,
                                  .id = 0x1234,
                                  .key = 0,
                                  .tunnels = 2},
  };
  for (unsigned version = 4; version <= 6; version += 2) {
    const struct estab_packet sent = wrapped_tcp(version, 0x118, text, sizeof text);
    for (int how = 0; how < WRAPPINGS; how++) {
      struct wrapped w;
      struct watch_packet p;
      if (how == WRAPPING_TEREDO && version == 4) continue;
      wrapped_packet(&w, &sent);
      const uint32_t link = wrapped_in(&w, (enum wrapping)how);
      assert_true(estab_watch_knows_linktype(link));
      uint8_t *copy = decode_exact(link, wrapped_bytes(&w), w.count, w.count, &p);
      is_the_segment(&p, &sent);
      assert_int_equal(p.tunnel, want[how].tunnel);
      assert_int_equal(p.tunnel_id, want[how].id);
      assert_int_equal(p.tunnel_key, want[how].key);
      assert_int_equal(p.tunnels, want[how].tunnels);
      assert_int_equal(p.has_outer, want[how].tunnels > 0);
      if (p.has_outer) assert_int_equal(p.outer_src.bytes[15], 1);
      assert_int_equal(p.vlan_count, want[how].vlans);
      assert_int_equal(p.vlan[0], want[how].vlan0);
      assert_int_equal(p.vlan[1], want[how].vlan1);
      free(copy);
    }
  }
}

// Between hosts and relays no port says that it is Teredo: the packet fills the datagram, an address is of 2001::/32.
static void teredo_on_any_port(void **state)
{
  (void)state;
  static const struct {
    const char *src, *dst;
    int more; // octets behind the packet
    bool is;
  } all[] = {
      {"2001:0:4137:9e50:8000:f12a:b9c8:2815", "2001:db8::2", 0, true},
      {"2001:db8::1", "2001:0:4137:9e50:8000:f12a:b9c8:2815", 0, true},
      {"2001:db8::1", "2001:db8::2", 0, false},
      {"2001:0:4137:9e50:8000:f12a:b9c8:2815", "2001:db8::2", 1, false},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    struct estab_packet sent = wrapped_tcp(6, 0x018, text, sizeof text);
    struct wrapped w, udp;
    struct watch_packet p;
    assert_int_equal(estab_ip_parse(all[i].src, &sent.src), 0);
    assert_int_equal(estab_ip_parse(all[i].dst, &sent.dst), 0);
    wrapped_packet(&w, &sent);
    udp.count = 0;
    for (int more = 0; more < all[i].more; more++)
      WRAPPED_PUT(&udp, 0);
    wrapped_put(&udp, wrapped_bytes(&w), w.count);
    wrapped_udp(&udp, 3797, 32900);
    wrapped_ip4(&udp, 17);
    free(decode_exact(ESTAB_LINKTYPE_RAW, wrapped_bytes(&udp), udp.count, udp.count, &p));
    if (all[i].is) {
      is_the_segment(&p, &sent);
      assert_int_equal(p.tunnel, ESTAB_WATCH_TUNNEL_TEREDO);
    } else
      assert_int_equal(p.count, ESTAB_WATCH_COUNT_UDP);
  }
}

// Snapshot lengths: the header may be cut within its options, the text anywhere.
static void cut_everywhere(void **state)
{
  (void)state;
  for (int how = 0; how < WRAPPINGS; how++) {
    const unsigned version = how == WRAPPING_TEREDO ? 6 : 4;
    const struct estab_packet sent = wrapped_tcp(version, 0x018, text, sizeof text);
    struct wrapped w;
    wrapped_packet(&w, &sent);
    const uint32_t link = wrapped_in(&w, (enum wrapping)how);
    const size_t upper = w.count - 32 - sizeof text; // where the TCP header begins
    for (size_t n = 0; n < w.count; n++) {
      struct watch_packet p;
      uint8_t *copy = decode_exact(link, wrapped_bytes(&w), n, w.count, &p);
      if (n < upper + 20) { // a tunnel that cannot be seen leaves its datagram
        assert_true(p.kind == WATCH_KIND_OTHER ||
                    (p.kind == WATCH_KIND_SKIPPED && p.count == ESTAB_WATCH_COUNT_TRUNCATED));
      } else {
        assert_int_equal(p.kind, WATCH_KIND_TCP);
        assert_int_equal(p.tcp_checksum, WATCH_CHECKSUM_UNVERIFIABLE);
        assert_int_equal(p.payload_bytes, sizeof text);
        assert_int_equal(p.payload_captured_bytes, n > upper + 32 ? n - upper - 32 : 0);
        assert_int_equal(p.tcp_options_cut, n < upper + 32);
        assert_int_equal(p.tcp.header_bytes, 32);
        assert_int_equal(p.tcp.options.present, n < upper + 32 ? 0 : ESTAB_TCP_OPT_TS);
        assert_int_equal(p.tcp.flags, 0x018);
        assert_int_equal(p.ip_bytes, w.count - (upper - p.ip_header_bytes));
      }
      free(copy);
    }
  }
}

// The last 32 bytes of padding do not belong to the packet.
static void padded(void **state)
{
  (void)state;
  const struct estab_packet sent = wrapped_tcp(4, 0x010, text, 3);
  struct wrapped w, longer;
  struct watch_packet p;
  wrapped_packet(&w, &sent);
  wrapped_in(&w, WRAPPING_ETHERNET);
  static const uint8_t padding[32] = {0xff};
  longer.count = 0;
  wrapped_put(&longer, padding, sizeof padding);
  wrapped_put(&longer, wrapped_bytes(&w), w.count);
  uint8_t *copy =
      decode_exact(ESTAB_LINKTYPE_ETHERNET, wrapped_bytes(&longer), longer.count, longer.count, &p);
  is_the_segment(&p, &sent);
  free(copy);
}

static void checksums(void **state)
{
  (void)state;
  for (unsigned version = 4; version <= 6; version += 2) {
    const struct estab_packet sent = wrapped_tcp(version, 0x010, text, sizeof text);
    const size_t upper_bytes = 32 + sizeof text;
    struct wrapped w;
    struct watch_packet p;
    wrapped_packet(&w, &sent);
    uint8_t *field = wrapped_bytes(&w) + w.count - upper_bytes + 16;
    for (unsigned how = 0; how < 4; how++) {
      const uint16_t sums[4] = {
          0x1234,
          estab_checksum_fold(estab_checksum_pseudo(&sent.src, &sent.dst, ESTAB_PROTOCOL_TCP,
                                                    (uint32_t)upper_bytes)),
          estab_checksum_fold(estab_checksum_pseudo(&sent.src, &sent.dst, ESTAB_PROTOCOL_TCP, 0)),
          0,
      };
      static const uint8_t wanted[4] = {WATCH_CHECKSUM_BAD, WATCH_CHECKSUM_OFFLOADED,
                                        WATCH_CHECKSUM_OFFLOADED, WATCH_CHECKSUM_BAD};
      field[0] = (uint8_t)(sums[how] >> 8);
      field[1] = (uint8_t)sums[how];
      free(decode_exact(ESTAB_LINKTYPE_RAW, wrapped_bytes(&w), w.count, w.count, &p));
      assert_int_equal(p.kind, WATCH_KIND_TCP);
      assert_int_equal(p.tcp_checksum, wanted[how]);
    }
    if (version == 6) continue;
    wrapped_bytes(&w)[10] ^= 1;
    free(decode_exact(ESTAB_LINKTYPE_RAW, wrapped_bytes(&w), w.count, w.count, &p));
    assert_int_equal(p.ip_checksum, WATCH_CHECKSUM_BAD);
    wrapped_bytes(&w)[10] = wrapped_bytes(&w)[11] = 0;
    free(decode_exact(ESTAB_LINKTYPE_RAW, wrapped_bytes(&w), w.count, w.count, &p));
    assert_int_equal(p.ip_checksum, WATCH_CHECKSUM_OFFLOADED);
  }
}

// Segmentation offload: the card was to fill in the length.
static void length_left_to_the_card(void **state)
{
  (void)state;
  for (unsigned version = 4; version <= 6; version += 2) {
    const struct estab_packet sent = wrapped_tcp(version, 0x010, text, sizeof text);
    struct wrapped w;
    struct watch_packet p;
    wrapped_packet(&w, &sent);
    uint8_t *const length = wrapped_bytes(&w) + (version == 4 ? 2 : 4);
    length[0] = length[1] = 0;
    free(decode_exact(ESTAB_LINKTYPE_RAW, wrapped_bytes(&w), w.count, w.count, &p));
    assert_int_equal(p.kind, WATCH_KIND_TCP);
    assert_true(p.length_unset);
    assert_int_equal(p.payload_bytes, sizeof text);
    assert_int_equal(p.ip_bytes, w.count);
  }
}

static void no_packet_for_us(void **state)
{
  (void)state;
  const struct estab_packet sent = wrapped_tcp(4, 0x010, text, sizeof text);
  struct wrapped w = {.count = 0};
  WRAPPED_PUT(&w, 0, 1, 8, 0, 6, 4, 0, 1);
  wrapped_eth(&w, 0x0806);
  decode_skipped(ESTAB_LINKTYPE_ETHERNET, &w, ESTAB_WATCH_COUNT_NOT_IP);
  wrapped_packet(&w, &sent);
  decode_skipped(9, &w, ESTAB_WATCH_COUNT_UNKNOWN_LINK); // PPP
  assert_false(estab_watch_knows_linktype(9));
  wrapped_bytes(&w)[0] = 0x55;
  decode_skipped(ESTAB_LINKTYPE_RAW, &w, ESTAB_WATCH_COUNT_MALFORMED);
  decode_skipped(ESTAB_LINKTYPE_IPV4, &w, ESTAB_WATCH_COUNT_MALFORMED);
  wrapped_bytes(&w)[0] = 0x44; // a header of 16 bytes
  decode_skipped(ESTAB_LINKTYPE_RAW, &w, ESTAB_WATCH_COUNT_MALFORMED);
  wrapped_bytes(&w)[0] = 0x45;
  decode_skipped(ESTAB_LINKTYPE_IPV6, &w, ESTAB_WATCH_COUNT_MALFORMED);
  wrapped_bytes(&w)[2] = 9; // longer than the frame
  decode_skipped(ESTAB_LINKTYPE_RAW, &w, ESTAB_WATCH_COUNT_MALFORMED);
  wrapped_packet(&w, &sent);
  wrapped_bytes(&w)[20 + 12] = 0x40; // data offset 4
  decode_skipped(ESTAB_LINKTYPE_RAW, &w, ESTAB_WATCH_COUNT_MALFORMED);
  wrapped_packet(&w, &sent);
  wrapped_put16(&w, 0);
  wrapped_put16(&w, 7); // a family of neither
  decode_skipped(ESTAB_LINKTYPE_NULL, &w, ESTAB_WATCH_COUNT_NOT_IP);
  wrapped_packet(&w, &sent);
  wrapped_put16(&w, 16);
  WRAPPED_PUT(&w, 0, 4, 3, 56, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0); // netlink
  decode_skipped(ESTAB_LINKTYPE_LINUX_SLL, &w, ESTAB_WATCH_COUNT_NOT_IP);
}

// ATTACKS O11: however deep, it ends at the bound.
static void too_deep(void **state)
{
  (void)state;
  const struct estab_packet sent = wrapped_tcp(4, 0x010, "", 0);
  for (int layers = 1; layers <= 190; layers++) {
    struct wrapped w;
    struct watch_packet p;
    wrapped_packet(&w, &sent);
    for (int i = 0; i < layers; i++)
      wrapped_ip4(&w, 4);
    uint8_t *copy = decode_exact(ESTAB_LINKTYPE_RAW, wrapped_bytes(&w), w.count, w.count, &p);
    if (layers <= 7) { // two turns each, and two of the last packet
      is_the_segment(&p, &sent);
      assert_int_equal(p.tunnels, layers);
    } else {
      assert_int_equal(p.kind, WATCH_KIND_SKIPPED);
      assert_int_equal(p.count, ESTAB_WATCH_COUNT_DEPTH);
    }
    free(copy);
  }
  struct wrapped tags;
  wrapped_packet(&tags, &sent);
  wrapped_put16(&tags, 0x0800);
  for (int i = 0; i < 200; i++)
    WRAPPED_PUT(&tags, 0x81, 0, 0, 1);
  WRAPPED_PUT(&tags, 0, 1);
  wrapped_eth(&tags, 0x8100);
  decode_skipped(ESTAB_LINKTYPE_ETHERNET, &tags, ESTAB_WATCH_COUNT_DEPTH);
}

static void other_datagrams_on_tunnel_ports(void **state)
{
  (void)state;
  static const unsigned ports[] = {4789, 6081, 2152, 3544, 53};
  for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
    struct wrapped w = {.count = 0};
    struct watch_packet p;
    WRAPPED_PUT(&w, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40);
    wrapped_udp(&w, 40000, ports[i]);
    wrapped_ip4(&w, 17);
    free(decode_exact(ESTAB_LINKTYPE_RAW, wrapped_bytes(&w), w.count, w.count, &p));
    assert_int_equal(p.kind, WATCH_KIND_OTHER);
    assert_int_equal(p.count, ESTAB_WATCH_COUNT_UDP);
    assert_int_equal(p.tunnels, 0);
  }
  struct wrapped pptp = {.count = 0};
  struct watch_packet p;
  WRAPPED_PUT(&pptp, 0x30, 0x81, 0x88, 0x0b, 0, 4, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4);
  wrapped_ip4(&pptp, 47);
  free(decode_exact(ESTAB_LINKTYPE_RAW, wrapped_bytes(&pptp), pptp.count, pptp.count, &p));
  assert_int_equal(p.kind, WATCH_KIND_OTHER);
  assert_int_equal(p.count, ESTAB_WATCH_COUNT_OTHER_IP);
}

// An ICMP error answers a probe: the packet in it says which.
static void icmp_errors(void **state)
{
  (void)state;
  for (unsigned version = 4; version <= 6; version += 2) {
    const struct estab_packet probe = wrapped_tcp(version, 0x002, "", 0);
    struct wrapped quoted, w;
    wrapped_packet(&quoted, &probe);
    const struct estab_packet error = {
        .kind = version == 4 ? ESTAB_PACKET_ICMP4 : ESTAB_PACKET_ICMP6,
        .version = (uint8_t)version,
        .ttl = 64,
        .src = probe.dst,
        .dst = probe.src,
        .payload = wrapped_bytes(&quoted),
        .payload_bytes = quoted.count,
        .icmp = {.type = version == 4 ? 3 : 1, .code = version == 4 ? 13 : 1, .error = true},
    };
    wrapped_packet(&w, &error);
    for (size_t n = 0; n <= w.count; n++) {
      struct watch_packet p;
      uint8_t *copy = decode_exact(ESTAB_LINKTYPE_RAW, wrapped_bytes(&w), n, w.count, &p);
      const size_t ip = version == 4 ? 20 : 40;
      if (n >= ip + 8) {
        assert_int_equal(p.kind, WATCH_KIND_ICMP);
        assert_int_equal(p.icmp.code, version == 4 ? 13 : 1);
        assert_int_equal(p.has_quote, n >= 2 * ip + 8);
        assert_int_equal(p.tcp_checksum,
                         n == w.count ? WATCH_CHECKSUM_OK : WATCH_CHECKSUM_UNVERIFIABLE);
      }
      if (n >= 2 * ip + 8 + 8) {
        assert_true(p.quote.has_ports && p.quote.has_seq);
        assert_int_equal(p.quote.dst_port, 80);
        assert_int_equal(p.quote.seq, 0xfffffff0);
        assert_true(estab_ip_equal(&p.quote.src, &probe.src));
      }
      free(copy);
    }
  }
}

static void source_routes(void **state)
{
  (void)state;
  struct wrapped w = {.count = 0};
  struct watch_packet p;
  WRAPPED_PUT(&w, 1, 2, 3, 4, 5, 6, 7, 8);
  const struct estab_ip4_header h = {.src = estab_ip4(192, 0, 2, 1),
                                     .dst = estab_ip4(192, 0, 2, 2),
                                     .total_bytes = 20 + 8 + 8,
                                     .protocol = 200,
                                     .ttl = 3,
                                     .options_bytes = 8,
                                     .options = (const uint8_t[8]){1, 131, 7, 4, 10, 0, 0, 1}};
  uint8_t header[28];
  estab_ip4_emit(&h, header);
  wrapped_put(&w, header, sizeof header);
  free(decode_exact(ESTAB_LINKTYPE_RAW, wrapped_bytes(&w), w.count, w.count, &p));
  assert_int_equal(p.kind, WATCH_KIND_OTHER);
  assert_true(p.source_routed);
  assert_int_equal(p.ip_header_bytes, 28);
  assert_int_equal(p.payload_bytes, 8);
}

// Destination options, an atomic fragment and an authentication header before the segment.
static void ip6_extension_headers(void **state)
{
  (void)state;
  const struct estab_packet sent = wrapped_tcp(6, 0x010, text, sizeof text);
  struct wrapped whole, w = {.count = 0};
  struct watch_packet p;
  wrapped_packet(&whole, &sent);
  wrapped_put(&w, wrapped_bytes(&whole) + 40, whole.count - 40);
  WRAPPED_PUT(&w, 6, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
  WRAPPED_PUT(&w, 51, 0, 0, 0, 0, 0, 0, 99);
  WRAPPED_PUT(&w, 44, 0, 1, 4, 0, 0, 0, 0);
  uint8_t header[40];
  memcpy(header, wrapped_bytes(&whole), 40);
  header[5] = (uint8_t)w.count;
  header[6] = 60;
  wrapped_put(&w, header, 40);
  uint8_t *copy = decode_exact(ESTAB_LINKTYPE_RAW, wrapped_bytes(&w), w.count, w.count, &p);
  assert_int_equal(p.kind, WATCH_KIND_TCP);
  assert_int_equal(p.tcp_checksum, WATCH_CHECKSUM_OK);
  assert_int_equal(p.ip_header_bytes, 40 + 8 + 8 + 12);
  assert_int_equal(p.fragment.id, 99);
  assert_memory_equal(p.payload, text, sizeof text);
  free(copy);
}

static void names(void **state)
{
  (void)state;
  assert_string_equal(estab_watch_tunnel_name(ESTAB_WATCH_TUNNEL_NONE), "");
  assert_string_equal(estab_watch_tunnel_name(ESTAB_WATCH_TUNNEL_GTPU), "gtpu");
  assert_string_equal(estab_watch_tunnel_name(ESTAB_WATCH_TUNNELS), "");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wrapped_every_way),
      cmocka_unit_test(teredo_on_any_port),
      cmocka_unit_test(cut_everywhere),
      cmocka_unit_test(padded),
      cmocka_unit_test(checksums),
      cmocka_unit_test(length_left_to_the_card),
      cmocka_unit_test(no_packet_for_us),
      cmocka_unit_test(too_deep),
      cmocka_unit_test(other_datagrams_on_tunnel_ports),
      cmocka_unit_test(icmp_errors),
      cmocka_unit_test(source_routes),
      cmocka_unit_test(ip6_extension_headers),
      cmocka_unit_test(names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
