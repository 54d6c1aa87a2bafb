// SPDX-License-Identifier: BSD-2-Clause
// test_ip.c - IPv4, IPv6, neighbour discovery and quotes: what each broken packet is called.

#include <estab/wire.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct estab_ip address(const char *text)
{
  struct estab_ip ip;
  assert_int_equal(estab_ip_parse(text, &ip), 0);
  return ip;
}

static void expect_drop(int answer, enum estab_drop drop)
{
  const int expected = drop == ESTAB_DROP_NONE ? answer : -(int)drop;
  if (answer >= 0 && drop != ESTAB_DROP_NONE)
    fail_msg("taken (%d) instead of %s", answer, estab_drop_name(drop));
  if (answer != expected || (drop == ESTAB_DROP_NONE && answer < 0))
    fail_msg("%s instead of %s", estab_drop_name((enum estab_drop) - answer),
             estab_drop_name(drop));
}

static void an_ip4_header_as_it_lies(void **state)
{
  (void)state;
  static const uint8_t wire[20] = {0x45, 0xb9, 0x00, 0x73, 0x12, 0x34, 0x40, 0x00, 0x40, 0x11,
                                   0xa5, 0x74, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
  const struct estab_ip4_header h = {.src = address("192.168.0.1"),
                                     .dst = address("192.168.0.199"),
                                     .fragment = {.id = 0x1234},
                                     .total_bytes = 0x73,
                                     .protocol = 17,
                                     .ttl = 64,
                                     .dscp = 46,
                                     .ecn = 1,
                                     .dont_fragment = true};
  uint8_t packet[0x73] = {0};
  struct estab_ip4_header g;
  assert_int_equal(estab_ip4_emit(&h, packet), 20);
  assert_memory_equal(packet, wire, 20);
  assert_int_equal(estab_ip4_parse(packet, sizeof packet, &g), 20);
  assert_int_equal(g.dscp, 46);
  assert_int_equal(g.ecn, 1);
  assert_true(g.dont_fragment && !g.fragment.more && g.options == NULL);
}

// A capture's cut and the packet's own length are two things.
static void cut_packets(void **state)
{
  (void)state;
  struct estab_ip4_header h = {.total_bytes = 1500, .protocol = 6, .ttl = 1}, g;
  struct estab_ip6_header h6 = {.payload_bytes = 1460, .next_header = 6}, g6;
  uint8_t packet[100] = {0};
  estab_ip4_emit(&h, packet);
  expect_drop(estab_ip4_parse(packet, 100, &g), ESTAB_DROP_IP4_TOTAL_LENGTH);
  expect_drop(estab_ip4_parse_cut(packet, 100, 1499, &g), ESTAB_DROP_IP4_TOTAL_LENGTH);
  assert_int_equal(estab_ip4_parse_cut(packet, 100, 1500, &g), 20);
  assert_int_equal(g.total_bytes, 1500);
  estab_ip6_emit(&h6, packet);
  expect_drop(estab_ip6_parse(packet, 100, &g6), ESTAB_DROP_IP6_PAYLOAD_LENGTH);
  assert_int_equal(estab_ip6_parse_cut(packet, 100, 1500, &g6), 40);
  assert_int_equal(g6.payload_bytes, 1460);
}

static void ip6_chains_by_hand(void **state)
{
  (void)state;
  static const struct {
    uint8_t next, bytes[40];
    size_t count;
    enum estab_drop drop;
    bool wanted;
    unsigned code, pointer;
  } rows[] = {
      {6, {0}, 20, ESTAB_DROP_NONE, false, 0, 0},
      {59, {0}, 0, ESTAB_DROP_NONE, false, 0, 0},
      {0, {6, 0, 5, 2, 0, 0, 1, 0}, 8, ESTAB_DROP_NONE, false, 0, 0},
      {0, {6, 255}, 8, ESTAB_DROP_IP6_CHAIN, false, 0, 0}, // picoTCP: 255 wraps
      {0, {6}, 7, ESTAB_DROP_IP6_CHAIN, false, 0, 0},
      {60, {0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4}, 16, ESTAB_DROP_IP6_CHAIN, true, 1, 40},
      {60, {6, 0, 1, 5}, 8, ESTAB_DROP_IP6_CHAIN, false, 0, 0}, // an option past its header
      {60, {6, 0, 0x41, 4}, 8, ESTAB_DROP_IP6_OPTION, false, 0, 0},
      {60, {6, 0, 0x81, 4}, 8, ESTAB_DROP_IP6_OPTION, true, 2, 42},
      {60, {6, 0, 0, 0xc2, 3}, 8, ESTAB_DROP_IP6_OPTION, true, 2, 43}, // jumbo payload
      {43, {6, 0, 0, 1}, 8, ESTAB_DROP_IP6_ROUTING_0, true, 0, 42},
      {43, {6, 0, 0, 0}, 8, ESTAB_DROP_IP6_ROUTING_0, false, 0, 0},
      {43, {6, 0, 4, 1}, 8, ESTAB_DROP_IP6_ROUTING, true, 0, 42},
      {43, {6, 0, 4, 0}, 8, ESTAB_DROP_NONE, false, 0, 0},
      {44, {6, 0, 0, 0, 1, 2, 3, 4}, 8, ESTAB_DROP_NONE, false, 0, 0}, // atomic
      {44, {6, 0, 0, 8, 1, 2, 3, 4, 1}, 9, ESTAB_DROP_NONE, false, 0, 0},
      {44, {6, 0, 0, 9, 1, 2, 3, 4, 1}, 9, ESTAB_DROP_FRAG_BOUNDS, true, 0, 4},
      {44, {6, 0, 0, 1, 1, 2, 3, 4}, 16, ESTAB_DROP_FRAG_FIRST_SHORT, true, 3, 0},
      {44, {60, 0, 0, 1, 1, 2, 3, 4, 6, 9}, 16, ESTAB_DROP_FRAG_FIRST_SHORT, true, 3, 0},
      {44, {60, 0, 0, 9, 1, 2, 3, 4, 6, 9}, 16, ESTAB_DROP_NONE, false, 0, 0}, // a later one
      {44, {44, 0, 0, 0, 1, 2, 3, 4, 6}, 16, ESTAB_DROP_IP6_CHAIN, false, 0, 0},
      {44, {6, 0, 0xff, 0xf8, 1, 2, 3, 4, 1}, 16, ESTAB_DROP_FRAG_BOUNDS, true, 0, 42},
      {51, {6, 4}, 24, ESTAB_DROP_NONE, false, 0, 0}, // AH is nothing we can judge: upper layer
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint8_t packet[80] = {0x60, [4] = 0, [5] = (uint8_t)rows[i].count, [6] = rows[i].next};
    struct estab_ip6_header h;
    packet[24] = 0x20;
    memcpy(packet + 40, rows[i].bytes, sizeof rows[i].bytes);
    expect_drop(estab_ip6_parse(packet, 40 + rows[i].count, &h), rows[i].drop);
    assert_int_equal(h.problem.wanted, rows[i].wanted);
    if (!rows[i].wanted) continue;
    assert_int_equal(h.problem.code, rows[i].code);
    assert_int_equal(h.problem.pointer, rows[i].pointer);
  }
}

// RFC 4861 7.1.1, 7.1.2, 6.1.1, 6.1.2, RFC 6980 5
static void neighbour_messages_must_be_in_order(void **state)
{
  (void)state;
  const char *const host = "fe80::1", *const nobody = "::", *const global = "2001:db8::1";
  const char *const node = "ff02::1:ff00:1", *const all = "ff02::1";
  const uint8_t source = ESTAB_ND_SOURCE_MAC;
  const struct {
    uint8_t type, present;
    const char *target, *src, *dst;
    uint8_t hop_limit;
    bool solicited, fragment, fine;
  } rows[] = {
      {135, source, host, host, node, 255, false, false, true},
      {135, 0, host, nobody, node, 255, false, false, true},       // duplicate address detection
      {135, source, host, nobody, node, 255, false, false, false}, // ... has no address to tell
      {135, 0, host, nobody, all, 255, false, false, false},
      {135, 0, all, host, node, 255, false, false, false},
      {135, 0, host, host, node, 254, false, false, false}, // crossed a router
      {135, 0, host, host, node, 255, false, true, false},
      {136, 0, host, host, host, 255, true, false, true},
      {136, 0, host, host, all, 255, true, false, false},
      {136, 0, host, host, all, 255, false, false, true},
      {136, 0, all, host, host, 255, true, false, false},
      {133, 0, nobody, nobody, all, 255, false, false, true},
      {133, source, nobody, nobody, all, 255, false, false, false},
      {133, source, nobody, host, all, 255, false, false, true},
      {134, 0, nobody, host, all, 255, false, false, true},
      {134, 0, nobody, global, all, 255, false, false, false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct estab_nd nd = {.type = rows[i].type,
                          .present = rows[i].present,
                          .target = address(rows[i].target),
                          .solicited = rows[i].solicited};
    const struct estab_ip6_header ip = {.src = address(rows[i].src),
                                        .dst = address(rows[i].dst),
                                        .hop_limit = rows[i].hop_limit,
                                        .has_fragment = rows[i].fragment};
    uint8_t message[ESTAB_ND_MAX_BYTES];
    const size_t n = estab_nd_emit(&nd, message);
    const int answer = estab_nd_parse(&ip, message, n, &nd);
    if ((answer > 0) != rows[i].fine) fail_msg("row %zu: %d", i, answer);
    message[1] = 1; // code
    expect_drop(estab_nd_parse(&ip, message, n, &nd), ESTAB_DROP_ND_BAD);
  }
}

static void quotes_are_read_leniently(void **state)
{
  (void)state;
  struct estab_ip4_header h = {
      .src = address("192.0.2.1"), .dst = address("192.0.2.2"), .total_bytes = 1500, .protocol = 6};
  const struct estab_tcp_header tcp = {.src_port = 1, .dst_port = 2, .seq = 0x01020304};
  uint8_t quote[80] = {0};
  struct estab_quote q;
  estab_ip4_emit(&h, quote);
  estab_tcp_emit(&tcp, quote + 20);
  quote[10] ^= 1; // routers change the header and may leave the checksum
  for (size_t have = 0; have <= 40; have++) {
    const int answer = estab_quote_parse(4, quote, have, &q);
    if (have < 20) {
      expect_drop(answer, ESTAB_DROP_ICMP_EMBEDDED);
      continue;
    }
    assert_int_equal(answer, 20);
    assert_int_equal(q.has_ports, have >= 24);
    assert_int_equal(q.has_seq, have >= 28);
    if (q.has_ports) assert_int_equal(q.dst_port, 2);
    if (q.has_seq) assert_int_equal(q.seq, 0x01020304);
  }
  h.fragment.offset = 8; // no first fragment: what follows is no header
  estab_ip4_emit(&h, quote);
  assert_int_equal(estab_quote_parse(4, quote, 40, &q), 20);
  assert_false(q.has_ports);
  expect_drop(estab_quote_parse(6, quote, 40, &q), ESTAB_DROP_ICMP_EMBEDDED);
}

static void frames_have_named_ends(void **state)
{
  (void)state;
  static const struct {
    int link;
    uint8_t bytes[60];
    size_t count;
    enum estab_drop drop;
  } rows[] = {
      {ESTAB_LINK_RAW, {0}, 0, ESTAB_DROP_IP_SHORT},
      {ESTAB_LINK_RAW, {0x50}, 20, ESTAB_DROP_IP_VERSION},
      {ESTAB_LINK_RAW, {0x45}, 19, ESTAB_DROP_IP_SHORT},
      {ESTAB_LINK_ETHERNET, {0}, 13, ESTAB_DROP_ETH_SHORT},
      {ESTAB_LINK_ETHERNET, {[12] = 0x88, [13] = 0xcc}, 60, ESTAB_DROP_ETH_TYPE},
      {ESTAB_LINK_ETHERNET, {[12] = 8, [13] = 0, [14] = 0x60}, 60, ESTAB_DROP_IP_VERSION},
      {ESTAB_LINK_ETHERNET, {[12] = 0x86, [13] = 0xdd, [14] = 0x45}, 60, ESTAB_DROP_IP_VERSION},
      {ESTAB_LINK_ETHERNET, {[12] = 8, [13] = 6}, 60, ESTAB_DROP_ARP_BAD},
      {ESTAB_LINK_ETHERNET,
       {[12] = 8, [13] = 6, [15] = 1, [16] = 8, [18] = 6, [19] = 4, [21] = 3},
       60,
       ESTAB_DROP_ARP_BAD}, // RARP
      {ESTAB_LINK_ETHERNET,
       {[12] = 8, [13] = 6, [15] = 1, [16] = 8, [18] = 6, [19] = 4, [21] = 2},
       41,
       ESTAB_DROP_ARP_BAD},
      {ESTAB_LINK_ETHERNET,
       {[12] = 8, [13] = 6, [15] = 1, [16] = 8, [18] = 6, [19] = 4, [21] = 2},
       42,
       ESTAB_DROP_NONE},
      {ESTAB_LINK_RAW, {0x60, [5] = 4, [6] = 58, [40] = 128}, 44, ESTAB_DROP_ICMP_SHORT},
      {ESTAB_LINK_RAW, {0x60, [5] = 8, [6] = 58, [40] = 128}, 48, ESTAB_DROP_ICMP_CHECKSUM},
      {ESTAB_LINK_RAW, {0x60, [5] = 20, [6] = 6, [52] = 0x40}, 60, ESTAB_DROP_TCP_DATA_OFFSET},
      {ESTAB_LINK_RAW, {0x60, [5] = 20, [6] = 6, [52] = 0x50}, 60, ESTAB_DROP_TCP_CHECKSUM},
      {ESTAB_LINK_RAW, {0x60, [5] = 19, [6] = 6, [52] = 0x50}, 60, ESTAB_DROP_TCP_SHORT},
      {ESTAB_LINK_RAW, {0x60, [5] = 8, [6] = 17, [45] = 7}, 60, ESTAB_DROP_UDP_LENGTH},
      {ESTAB_LINK_RAW, {0x60, [5] = 8, [6] = 17, [45] = 8}, 60, ESTAB_DROP_UDP_CHECKSUM},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct estab_packet p;
    expect_drop(estab_packet_parse(rows[i].link, rows[i].bytes, rows[i].count, false, &p),
                rows[i].drop);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_ip4_header_as_it_lies),
      cmocka_unit_test(cut_packets),
      cmocka_unit_test(ip6_chains_by_hand),
      cmocka_unit_test(neighbour_messages_must_be_in_order),
      cmocka_unit_test(quotes_are_read_leniently),
      cmocka_unit_test(frames_have_named_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
