// SPDX-License-Identifier: BSD-2-Clause
// test_input.c - which packets are taken and under which name the others are dropped.
#include "ip_world.h"

static uint8_t packet[70000];

// [RFC 1122 M9]
static void whole_packets(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  size_t n = packet4(packet, &w.peer4, &w.us4, ESTAB_PROTOCOL_TCP, 33, NULL);
  packet[1] = 0xb8 | ESTAB_ECN_CE;
  put_be16(packet + 10, 0);
  put_be16(packet + 10, estab_checksum_finish(estab_checksum_add(0, packet, 20)));
  assert_int_equal(world_input(&w, packet, n, 0, &p), 0);
  assert_int_equal(p.version, 4);
  assert_memory_equal(&p.src, &w.peer4, 16);
  assert_memory_equal(&p.dst, &w.us4, 16);
  assert_int_equal(p.payload_bytes, 33);
  assert_ptr_equal(p.payload, w.frame + 20);
  assert_int_equal(p.ecn, ESTAB_ECN_CE);
  assert_int_equal(p.traffic_class, 0xbb);
  assert_int_equal(p.netif, 1);
  assert_true(p.unicast && !p.reassembled && !p.error_due);

  n = packet6(packet, &w.peer6, &w.us6, ESTAB_PROTOCOL_UDP, 44, NULL);
  assert_int_equal(world_input(&w, packet, n, 0, &p), 0);
  assert_int_equal(p.version, 6);
  assert_int_equal(p.payload_bytes, 44);
  assert_int_equal(p.hop_limit, 64);
  assert_ptr_equal(p.payload, w.frame + 40);

  // Padding behind the packet is no payload: RFC 791 3.1, RFC 1122 3.2.1.1 (ATTACKS P6, P8).
  n = packet4(packet, &w.peer4, &w.us4, ESTAB_PROTOCOL_TCP, 20, NULL);
  assert_int_equal(world_input(&w, packet, n + 6, 0, &p), 0);
  assert_int_equal(p.payload_bytes, 20);
  n = packet6(packet, &w.peer6, &w.us6, ESTAB_PROTOCOL_TCP, 20, NULL);
  assert_int_equal(world_input(&w, packet, n + 6, 0, &p), 0);
  assert_int_equal(p.payload_bytes, 20);
  world_end(&w);
}

static bool quick(struct world *w, uint32_t netif, const uint8_t *bytes, size_t have)
{
  struct ip_segment segment;
  return ip_input_pair(&w->ip, netif, bytes, have, &segment);
}

// An interface that is trusted with checksums is so with those of headers, too, on every way in.
static void a_trusted_header(void **state)
{
  (void)state;
  for (int trusted = 0; trusted < 2; trusted++) {
    struct world w;
    struct ip_packet p;
    struct estab_netif_settings settings = world_netif_settings(1500);
    settings.checksum_trusted = trusted;
    world_bare(&w);
    assert_int_equal(ip_netif_add(&w.ip, &settings), 1);
    assert_int_equal(ip_address_add(&w.ip, 1, &w.us4, 24), 0);
    for (int turn = 0; turn < 4;
         turn++) { // TCP: first, and as a pair that is known; UDP: the long way
      uint8_t protocol = turn < 2 ? ESTAB_PROTOCOL_TCP : ESTAB_PROTOCOL_UDP;
      size_t n = packet4(packet, &w.peer4, &w.us4, protocol, 20, NULL);
      packet[10] ^= 0x10;
      assert_int_equal(world_input(&w, packet, n, 0, &p), trusted ? 0 : -ESTAB_DROP_IP4_CHECKSUM);
      assert_int_equal(quick(&w, 1, packet, n), trusted && turn < 2);
    }
    world_end(&w);
  }
}

// The second packet between two addresses is not judged again, until something changes; anything unusual is.
static void the_same_pair_again(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  for (int six = 0; six < 2; six++) {
    const struct estab_ip *us = six ? &w.us6 : &w.us4, *peer = six ? &w.peer6 : &w.peer4;
    size_t n = (six ? packet6 : packet4)(packet, peer, us, ESTAB_PROTOCOL_TCP, 20, NULL);
    assert_false(quick(&w, 1, packet, n));
    assert_int_equal(world_input(&w, packet, n, 0, &p), 0);
    assert_true(quick(&w, 1, packet, n));
    assert_true(quick(&w, 1, packet, n + 6)); // padding
    for (uint32_t netif = 0; netif < 4; netif++)
      assert_true(quick(&w, netif, packet, n) == (netif == 1));
    for (size_t have = 0; have < n; have++)
      assert_false(quick(&w, 1, packet, have));
    for (size_t at = 0; at < (six ? 40 : 20); at++) { // of IPv6 only this says nothing of the way
      packet[at] ^= 1;
      assert_true(quick(&w, 1, packet, n) == (six && (at <= 3 || at == 7)));
      packet[at] ^= 1;
    }
    n = (six ? packet6 : packet4)(packet, peer, us, ESTAB_PROTOCOL_UDP, 20, NULL);
    assert_false(quick(&w, 1, packet, n));
    struct estab_fragment first = {.more = true};
    n = (six ? packet6 : packet4)(packet, peer, us, ESTAB_PROTOCOL_TCP, 24, &first);
    assert_false(quick(&w, 1, packet, n));
    n = (six ? packet6 : packet4)(packet, us, us, ESTAB_PROTOCOL_TCP, 20, NULL);
    assert_false(quick(&w, 1, packet, n));
    n = (six ? packet6 : packet4)(packet, peer, us, ESTAB_PROTOCOL_TCP, 20, NULL);
    assert_true(quick(&w, 1, packet, n));
    ip_netif_set_up(&w.ip, 1, false);
    assert_false(quick(&w, 1, packet, n));
    ip_netif_set_up(&w.ip, 1, true);
  }
  world_end(&w);
}

static void interfaces(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  size_t n = packet4(packet, &w.peer4, &w.us4, ESTAB_PROTOCOL_TCP, 20, NULL);
  assert_int_equal(world_input_on(&w, 2, packet, n, 0, &p), -ESTAB_DROP_NETIF_DOWN);
  ip_netif_set_up(&w.ip, 1, false);
  assert_int_equal(world_input(&w, packet, n, 0, &p), -ESTAB_DROP_NETIF_DOWN);
  ip_netif_set_up(&w.ip, 1, true);
  assert_int_equal(world_input(&w, packet, n, 0, &p), 0);
  // Inside the stack our own addresses and the loopback ones may be sources.
  assert_int_equal(world_input_on(&w, 0, packet, n, 0, &p), 0);
  n = packet4(packet, &w.us4, &w.us4, ESTAB_PROTOCOL_TCP, 20, NULL);
  assert_int_equal(world_input_on(&w, 0, packet, n, 0, &p), 0);
  struct estab_ip lo4 = world_ip("127.0.0.1"), lo6 = world_ip("::1");
  n = packet4(packet, &lo4, &lo4, ESTAB_PROTOCOL_TCP, 20, NULL);
  assert_int_equal(world_input_on(&w, 0, packet, n, 0, &p), 0);
  assert_int_equal(world_input(&w, packet, n, 0, &p), -ESTAB_DROP_IP_SOURCE);
  n = packet6(packet, &lo6, &lo6, ESTAB_PROTOCOL_TCP, 20, NULL);
  assert_int_equal(world_input_on(&w, 0, packet, n, 0, &p), 0);
  assert_int_equal(world_input(&w, packet, n, 0, &p), -ESTAB_DROP_IP_SOURCE);
  world_end(&w);
}

// ATTACKS P6: every header length x total length x version, each in its own exact buffer.
// [RFC 1122 M1, RFC 1122 M2]
static void ip4_lengths(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  for (unsigned have = 0; have <= 84; have += have < 24 ? 1 : 20)
    for (unsigned version = 0; version < 16; version++)
      for (unsigned ihl = 0; ihl < 16; ihl++)
        for (unsigned total = 0; total <= have + 64; total++) {
          packet4(packet, &w.peer4, &w.us4, ESTAB_PROTOCOL_TCP, 64, NULL);
          memset(packet + 20, 1, 40); // options: NOP
          packet[0] = (uint8_t)(version << 4 | ihl);
          put_be16(packet + 2, (uint16_t)total);
          put_be16(packet + 10, 0);
          put_be16(packet + 10,
                   estab_checksum_finish(estab_checksum_add(0, packet, ihl ? ihl * 4 : 20)));
          int answer = world_input(&w, packet, have, 0, &p);
          bool good = version == 4 && ihl >= 5 && ihl * 4 <= total && total <= have;
          if ((answer == 0) != good)
            fail_msg("have %u version %u ihl %u total %u: %d", have, version, ihl, total, answer);
          if (good) {
            assert_int_equal(p.payload_bytes, total - ihl * 4);
            assert_ptr_equal(p.payload, w.frame + ihl * 4);
          } else {
            assert_false(p.error_due); // nobody is answered for a broken header
          }
        }
  packet4(packet, &w.peer4, &w.us4, ESTAB_PROTOCOL_TCP, 20, NULL);
  packet[10] ^= 1;
  assert_int_equal(world_input(&w, packet, 40, 0, &p), -ESTAB_DROP_IP4_CHECKSUM);
  world_end(&w);
}

// ATTACKS P8.
// [RFC 8200 M6]
static void ip6_lengths(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  static const unsigned lengths[] = {0,  1,  7,  8,  19,   20,    21,   39,
                                     40, 41, 60, 61, 1280, 65495, 65535};
  for (unsigned have = 0; have <= 100; have++)
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
      packet6(packet, &w.peer6, &w.us6, ESTAB_PROTOCOL_TCP, 60, NULL);
      put_be16(packet + 4, (uint16_t)lengths[i]);
      int answer = world_input(&w, packet, have, 0, &p);
      bool good = have >= 40 && lengths[i] <= have - 40;
      if ((answer == 0) != good) fail_msg("have %u length %u: %d", have, lengths[i], answer);
      if (good) assert_int_equal(p.payload_bytes, lengths[i]);
    }
  world_end(&w);
}

// ATTACKS B13: sources nobody sends from, and destinations that are not ours.
// [RFC 1122 M4, RFC 1122 M5]
static void addresses(void **state)
{
  (void)state;
  static const struct {
    const char *src, *dst;
    int answer;
  } table[] = {
      {"192.0.2.2", "192.0.2.1", 0},
      {"192.0.2.1", "192.0.2.1", ESTAB_DROP_IP_SOURCE}, // LAND
      {"0.0.0.0", "192.0.2.1", ESTAB_DROP_IP_SOURCE},
      {"0.1.2.3", "192.0.2.1", ESTAB_DROP_IP_SOURCE},
      {"127.0.0.1", "192.0.2.1", ESTAB_DROP_IP_SOURCE},
      {"127.255.255.254", "192.0.2.1", ESTAB_DROP_IP_SOURCE},
      {"224.0.0.1", "192.0.2.1", ESTAB_DROP_IP_SOURCE},
      {"239.1.1.1", "192.0.2.1", ESTAB_DROP_IP_SOURCE},
      {"240.0.0.1", "192.0.2.1", ESTAB_DROP_IP_SOURCE},
      {"255.255.255.255", "192.0.2.1", ESTAB_DROP_IP_SOURCE},
      {"192.0.2.255", "192.0.2.1", ESTAB_DROP_IP_SOURCE}, // this subnet's broadcast
      {"198.51.100.255", "192.0.2.1", 0},                 // may be a host, for all we know
      {"192.0.2.2", "192.0.2.3", ESTAB_DROP_IP_NOT_OURS},
      {"192.0.2.2", "127.0.0.1", ESTAB_DROP_IP_NOT_OURS},
      {"192.0.2.2", "0.0.0.0", ESTAB_DROP_IP_NOT_OURS},
      {"192.0.2.2", "240.0.0.1", ESTAB_DROP_IP_NOT_OURS},
      {"192.0.2.2", "224.0.0.2", ESTAB_DROP_IP_NOT_OURS},
      {"2001:db8::2", "2001:db8::1", 0},
      {"2001:db8::1", "2001:db8::1", ESTAB_DROP_IP_SOURCE},
      {"::1", "2001:db8::1", ESTAB_DROP_IP_SOURCE},
      {"::", "2001:db8::1", ESTAB_DROP_IP_SOURCE},
      {"ff02::1", "2001:db8::1", ESTAB_DROP_IP_SOURCE},
      {"fe80::9", "2001:db8::1", 0},
      {"2001:db8::2", "2001:db8::3", ESTAB_DROP_IP_NOT_OURS},
      {"2001:db8::2", "::1", ESTAB_DROP_IP_NOT_OURS},
      {"2001:db8::2", "::", ESTAB_DROP_IP_NOT_OURS},
      {"2001:db8::2", "ff02::2", ESTAB_DROP_IP_NOT_OURS},
      {"2001:db8::2", "ff05::1", ESTAB_DROP_IP_NOT_OURS},
      {"2001:db8::2", "ff02::1:ff00:2", ESTAB_DROP_IP_NOT_OURS},
  };
  struct world w;
  struct ip_packet p;
  world_make(&w);
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct estab_ip src = world_ip(table[i].src), dst = world_ip(table[i].dst);
    size_t n = estab_ip_is4(&src) ? packet4(packet, &src, &dst, ESTAB_PROTOCOL_TCP, 20, NULL)
                                  : packet6(packet, &src, &dst, ESTAB_PROTOCOL_TCP, 20, NULL);
    int answer = world_input(&w, packet, n, 0, &p);
    if (answer != -table[i].answer) fail_msg("%s > %s: %d", table[i].src, table[i].dst, answer);
    assert_false(p.error_due);
  }
  // Groups and broadcasts we listen to; nothing of theirs may be answered.
  static const char *const groups[] = {"224.0.0.1", "255.255.255.255", "192.0.2.255",
                                       "ff02::1",   "ff01::1",         "ff02::1:ff00:1"};
  for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
    struct estab_ip dst = world_ip(groups[i]);
    size_t n = estab_ip_is4(&dst) ? packet4(packet, &w.peer4, &dst, ESTAB_PROTOCOL_UDP, 20, NULL)
                                  : packet6(packet, &w.peer6, &dst, ESTAB_PROTOCOL_UDP, 20, NULL);
    if (world_input(&w, packet, n, 0, &p) != 0) fail_msg("%s", groups[i]);
    assert_false(p.unicast);
  }
  // RFC 4861 4.1, 4.3: hosts without an address ask from ::.
  struct estab_ip none = world_ip("::"), group = world_ip("ff02::1:ff00:1");
  size_t n = packet6(packet, &none, &group, ESTAB_PROTOCOL_ICMP6, 24, NULL);
  assert_int_equal(world_input(&w, packet, n, 0, &p), 0);
  world_end(&w);
}

// ::ffff:a.b.c.d in an IPv6 header must not become an IPv4 address in here.
static void mapped_addresses(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  size_t n = packet6(packet, &w.peer4, &w.us6, ESTAB_PROTOCOL_TCP, 20, NULL);
  assert_int_equal(world_input(&w, packet, n, 0, &p), -ESTAB_DROP_IP_SOURCE);
  n = packet6(packet, &w.peer6, &w.us4, ESTAB_PROTOCOL_TCP, 20, NULL);
  assert_int_equal(world_input(&w, packet, n, 0, &p), -ESTAB_DROP_IP_NOT_OURS);
  world_end(&w);
}

// ATTACKS P14, RFC 1122 3.2.2.1: no tunnel is opened; the sender is told.
// [RFC 1122 S2, RFC 4443 S1]
static void protocols(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  for (unsigned protocol = 0; protocol < 256; protocol++) {
    size_t n = packet4(packet, &w.peer4, &w.us4, (uint8_t)protocol, 40, NULL);
    bool known = protocol == 1 || protocol == 6 || protocol == 17;
    assert_int_equal(world_input(&w, packet, n, 0, &p), known ? 0 : -ESTAB_DROP_IP_PROTOCOL);
    assert_int_equal(p.error_due, !known);
    if (!known) {
      assert_int_equal(p.error_type, ESTAB_ICMP4_UNREACHABLE);
      assert_int_equal(p.error_code, 2);
    }
    if (protocol == 0 || protocol == 43 || protocol == 44 || protocol == 60) continue;
    n = packet6(packet, &w.peer6, &w.us6, (uint8_t)protocol, 40, NULL);
    known = protocol == 6 || protocol == 17 || protocol == 58;
    assert_int_equal(world_input(&w, packet, n, 0, &p), known ? 0 : -ESTAB_DROP_IP_PROTOCOL);
    assert_int_equal(p.error_due, !known && protocol != ESTAB_PROTOCOL_NONE);
    if (p.error_due) {
      assert_int_equal(p.error_type, ESTAB_ICMP6_PARAMETER_PROBLEM);
      assert_int_equal(p.error_code, 1);
      assert_int_equal(p.error_pointer, 6);
    }
  }
  // Behind two extension headers the pointer is the last one's next-header octet.
  size_t n = packet6(packet, &w.peer6, &w.us6, ESTAB_PROTOCOL_HOP_BY_HOP, 64, NULL);
  memset(packet + 40, 0, 24);
  packet[40] = ESTAB_PROTOCOL_DESTINATION;
  packet[42] = 1, packet[43] = 4; // PadN
  packet[48] = 41;                // IPv6 in IPv6
  packet[49] = 1;
  packet[50] = 1, packet[51] = 12;
  assert_int_equal(world_input(&w, packet, n, 0, &p), -ESTAB_DROP_IP_PROTOCOL);
  assert_true(p.error_due);
  assert_int_equal(p.error_pointer, 48);
  world_end(&w);
}

// ATTACKS P9: what RFC 8200 4.2 wants reported, and what not.
// [RFC 8200 M8, RFC 8200 M9, RFC 4443 M11]
static void extension_problems(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  struct estab_ip group = world_ip("ff02::1");
  for (unsigned type = 0; type < 256; type += 0x20)
    for (int multicast = 0; multicast < 2; multicast++) {
      size_t n = packet6(packet, &w.peer6, multicast ? &group : &w.us6, ESTAB_PROTOCOL_DESTINATION,
                         64, NULL);
      memset(packet + 40, 0, 8);
      packet[40] = ESTAB_PROTOCOL_UDP;
      packet[42] = (uint8_t)(type | 0x1e);
      packet[43] = 4;
      int answer = world_input(&w, packet, n, 0, &p);
      assert_int_equal(answer, type >> 6 == 0 ? 0 : -ESTAB_DROP_IP6_OPTION);
      assert_int_equal(p.error_due, type >> 6 == 2 || (type >> 6 == 3 && !multicast));
      if (p.error_due) {
        assert_int_equal(p.error_code, 2);
        assert_int_equal(p.error_pointer, 42);
      }
    }
  size_t n = packet6(packet, &w.peer6, &w.us6, ESTAB_PROTOCOL_ROUTING, 64, NULL);
  memset(packet + 40, 0, 8);
  packet[40] = ESTAB_PROTOCOL_TCP;
  packet[43] = 1; // one segment left
  assert_int_equal(world_input(&w, packet, n, 0, &p), -ESTAB_DROP_IP6_ROUTING_0);
  assert_true(p.error_due);
  assert_int_equal(p.error_code, 0);
  assert_int_equal(p.error_pointer, 42); // the type
  world_end(&w);
}

// Up to three extension headers of 8 octets before UDP, in any order: hop-by-hop options first or not at all.
// [RFC 8200 M7, RFC 8200 M12, RFC 8200 M13, RFC 8200 S3]
static void extension_orders(void **state)
{
  (void)state;
  static const uint8_t kinds[] = {ESTAB_PROTOCOL_UDP, ESTAB_PROTOCOL_HOP_BY_HOP,
                                  ESTAB_PROTOCOL_DESTINATION, ESTAB_PROTOCOL_ROUTING};
  struct world w;
  struct ip_packet p;
  world_make(&w);
  for (unsigned order = 0; order < 64; order++)
    for (uint8_t type = 0; type < 6; type += 5) { // of routing headers without segments left
      uint8_t next[4] = {kinds[order & 3], kinds[order >> 2 & 3], kinds[order >> 4],
                         ESTAB_PROTOCOL_UDP};
      unsigned headers = 0;
      int want = 0;
      unsigned pointer = 0;
      size_t n = packet6(packet, &w.peer6, &w.us6, next[0], 64, NULL);
      memset(packet + 40, 0, 64);
      packet[7] = 0; // hop limit
      for (; next[headers] != ESTAB_PROTOCOL_UDP; headers++) {
        uint8_t *at = packet + 40 + 8 * headers;
        at[0] = next[headers + 1];
        at[2] = next[headers] == ESTAB_PROTOCOL_ROUTING ? type : 1; // else PadN
        at[3] = next[headers] == ESTAB_PROTOCOL_ROUTING ? 0 : 4;
        if (want == 0 && headers > 0 && next[headers] == ESTAB_PROTOCOL_HOP_BY_HOP) {
          want = -ESTAB_DROP_IP6_CHAIN;
          pointer = 40 + 8 * (headers - 1);
        }
        if (want == 0 && next[headers] == ESTAB_PROTOCOL_ROUTING && type == 0)
          want = -ESTAB_DROP_IP6_ROUTING_0;
      }
      int got = world_input(&w, packet, n, 0, &p);
      if (got != want) fail_msg("order %u type %u: %d, not %d", order, type, got, want);
      assert_int_equal(p.error_due, want == -ESTAB_DROP_IP6_CHAIN);
      if (p.error_due) {
        assert_int_equal(p.error_code, 1); // unrecognized next header
        assert_int_equal(p.error_pointer, pointer);
      }
      if (want == 0) assert_int_equal(p.payload_bytes, 64 - 8 * headers);
    }
  world_end(&w);
}

// ATTACKS I3: source routes are dropped, what else has a possible length is passed over.
// [RFC 1122 M11, RFC 1122 M12, RFC 1122 M26, RFC 1122 M28, RFC 1122 S5]
static void options(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  for (unsigned kind = 0; kind < 256; kind++)
    for (unsigned length = 0; length < 48; length++)
      for (unsigned at = 0; at < 8; at++) { // behind so many NOPs, in 12 bytes of options
        uint8_t bytes[12];
        memset(bytes, 0, sizeof bytes);
        memset(bytes, 1, at);
        bytes[at] = (uint8_t)kind;
        bytes[at + 1] = (uint8_t)length;
        struct estab_ip4_header h = {.src = w.peer4,
                                     .dst = w.us4,
                                     .protocol = ESTAB_PROTOCOL_TCP,
                                     .ttl = 1,
                                     .total_bytes = 52,
                                     .options = bytes,
                                     .options_bytes = sizeof bytes};
        assert_int_equal(estab_ip4_emit(&h, packet), 32);
        int want = 0;
        if (kind > 1 && (length < 2 || at + length > 12))
          want = -ESTAB_DROP_IP4_OPTION;
        else if (kind == 131 || kind == 137)
          want = -ESTAB_DROP_IP4_SOURCE_ROUTE; // RFC 7126 4.3, 4.4
        // Behind a NOP, `length` is an option's kind and the 0 after it a length.
        if (kind == 1 && length > 1) want = -ESTAB_DROP_IP4_OPTION;
        int got = world_input(&w, packet, 52, 0, &p);
        if (got != want)
          fail_msg("kind %u length %u at %u: %d, not %d", kind, length, at, got, want);
        assert_false(p.error_due);
        if (got == 0) assert_int_equal(p.payload_bytes, 20);
      }
  world_end(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole_packets),       cmocka_unit_test(a_trusted_header),
      cmocka_unit_test(the_same_pair_again), cmocka_unit_test(interfaces),
      cmocka_unit_test(ip4_lengths),         cmocka_unit_test(ip6_lengths),
      cmocka_unit_test(addresses),           cmocka_unit_test(mapped_addresses),
      cmocka_unit_test(protocols),           cmocka_unit_test(extension_problems),
      cmocka_unit_test(extension_orders),    cmocka_unit_test(options),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
