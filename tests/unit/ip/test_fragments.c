// SPDX-License-Identifier: BSD-2-Clause
// test_fragments.c - fragmented packets through ip_input: whole, overlapping, tiny, too many, too late.
#include "ip_world.h"

static uint8_t packet[70000];

// One fragment of an IPv4 or IPv6 datagram from `src`.
static int fragment_from(struct world *w, unsigned version, const struct estab_ip *src, uint32_t id,
                         unsigned offset, unsigned bytes, bool more, uint64_t now_ns,
                         struct ip_packet *p)
{
  struct estab_fragment f = {.id = id, .offset = (uint16_t)offset, .more = more};
  size_t n = version == 4 ? packet4(packet, src, &w->us4, ESTAB_PROTOCOL_UDP, bytes, &f)
                          : packet6(packet, src, &w->us6, ESTAB_PROTOCOL_UDP, bytes, &f);
  return world_input(w, packet, n, now_ns, p);
}

static int fragment(struct world *w, unsigned version, uint32_t id, unsigned offset, unsigned bytes,
                    bool more, uint64_t now_ns, struct ip_packet *p)
{
  return fragment_from(w, version, version == 4 ? &w->peer4 : &w->peer6, id, offset, bytes, more,
                       now_ns, p);
}

static void assert_datagram(const struct ip_packet *p, size_t bytes)
{
  assert_true(p->reassembled);
  assert_int_equal(p->protocol, ESTAB_PROTOCOL_UDP);
  assert_int_equal(p->payload_bytes, bytes);
  for (size_t i = 0; i < bytes; i++)
    assert_int_equal(p->payload[i], i & 0xff);
  // Header and payload can be quoted in one piece, and the header is that of the whole.
  assert_ptr_equal(p->header + p->header_bytes, p->payload);
  if (p->version == 4) {
    struct estab_ip4_header h;
    assert_int_equal(estab_ip4_parse(p->header, p->header_bytes + bytes, &h), p->header_bytes);
    assert_int_equal(h.total_bytes, p->header_bytes + bytes);
    assert_false(h.fragment.more);
  } else {
    struct estab_ip6_header h;
    assert_int_equal(estab_ip6_parse(p->header, p->header_bytes + bytes, &h), p->header_bytes);
    assert_int_equal(h.protocol, ESTAB_PROTOCOL_UDP);
    assert_false(h.has_fragment);
  }
}

// [RFC 1122 M6]
static void orders(void **state)
{
  (void)state;
  static const unsigned order[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                      {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  struct world w;
  struct ip_packet p;
  world_make(&w);
  for (unsigned version = 4; version <= 6; version += 2)
    for (unsigned o = 0; o < 6; o++) {
      for (unsigned k = 0; k < 2; k++) {
        unsigned i = order[o][k];
        assert_int_equal(fragment(&w, version, o, i * 800, i == 2 ? 123 : 800, i < 2, 0, &p),
                         -ESTAB_DROP_FRAG_WAITING);
      }
      unsigned i = order[o][2];
      assert_int_equal(fragment(&w, version, o, i * 800, i == 2 ? 123 : 800, i < 2, 0, &p), 0);
      assert_datagram(&p, 1723);
    }
  assert_int_equal(w.ip.frag.bytes, 0);
  assert_int_equal(ip_deadline(&w.ip), ESTAB_NEVER);
  world_end(&w);
}

// What tells datagrams apart: RFC 791 3.2, RFC 8200 4.5.
// [RFC 1122 M24]
static void keys(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  struct estab_ip other = world_ip("192.0.2.3");
  assert_int_equal(fragment(&w, 4, 1, 0, 800, true, 0, &p), -ESTAB_DROP_FRAG_WAITING);
  assert_int_equal(fragment(&w, 4, 2, 800, 8, false, 0, &p), -ESTAB_DROP_FRAG_WAITING);
  assert_int_equal(fragment_from(&w, 4, &other, 1, 800, 8, false, 0, &p), -ESTAB_DROP_FRAG_WAITING);
  struct estab_fragment f = {.id = 1, .offset = 800};
  size_t n = packet4(packet, &w.peer4, &w.us4, ESTAB_PROTOCOL_TCP, 8, &f);
  assert_int_equal(world_input(&w, packet, n, 0, &p), -ESTAB_DROP_FRAG_WAITING);
  assert_int_equal(fragment(&w, 4, 1, 800, 8, false, 0, &p), 0);
  assert_datagram(&p, 808);
  assert_int_equal(w.ip.frag.datagrams, 3);
  world_end(&w);
}

// ATTACKS I1: one byte of overlap at head, middle, tail; the rest of the datagram is dropped as well.
// [RFC 8200 M1]
static void overlaps(void **state)
{
  (void)state;
  static const struct {
    unsigned offset, bytes;
    bool more;
  } bad[] = {{0, 808, true},    {0, 792, true},  {8, 8, true},       {1592, 16, true},
             {1600, 792, true}, {792, 16, true}, {2392, 101, false}, {0, 1600, true}};
  struct world w;
  struct ip_packet p;
  world_make(&w);
  for (unsigned version = 4; version <= 6; version += 2)
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
      uint32_t id = 100 + i;
      fragment(&w, version, id, 0, 800, true, 0, &p);
      fragment(&w, version, id, 1600, 800, true, 0, &p);
      assert_int_equal(fragment(&w, version, id, bad[i].offset, bad[i].bytes, bad[i].more, 0, &p),
                       -ESTAB_DROP_FRAG_OVERLAP);
      assert_false(p.error_due);
      assert_int_equal(fragment(&w, version, id, 800, 800, true, 0, &p), -ESTAB_DROP_FRAG_OVERLAP);
      assert_int_equal(fragment(&w, version, id, 2400, 100, false, 0, &p),
                       -ESTAB_DROP_FRAG_OVERLAP);
    }
  // Identical duplicates are no overlap, same bounds with other bytes are.
  fragment(&w, 4, 1, 0, 800, true, 0, &p);
  assert_int_equal(fragment(&w, 4, 1, 0, 800, true, 0, &p), -ESTAB_DROP_FRAG_WAITING);
  assert_int_equal(fragment(&w, 4, 1, 800, 8, false, 0, &p), 0);
  assert_datagram(&p, 808);
  fragment(&w, 4, 2, 0, 800, true, 0, &p);
  struct estab_fragment f = {.id = 2, .more = true};
  size_t n = packet4(packet, &w.peer4, &w.us4, ESTAB_PROTOCOL_UDP, 800, &f);
  packet[n - 1] ^= 1;
  assert_int_equal(world_input(&w, packet, n, 0, &p), -ESTAB_DROP_FRAG_OVERLAP);
  world_end(&w);
}

// ATTACKS I2, RFC 6946: an atomic fragment stands for itself, whatever is being put together.
// [RFC 8200 M2]
static void atomic(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  fragment(&w, 6, 5, 0, 800, true, 0, &p);
  assert_int_equal(fragment(&w, 6, 5, 0, 99, false, 0, &p), 0);
  assert_false(p.reassembled);
  assert_true(p.fragment_header);
  assert_int_equal(p.payload_bytes, 99);
  assert_int_equal(w.ip.frag.datagrams, 1);
  world_end(&w);
}

// ATTACKS I2, RFC 1858, RFC 7112 5.
// [RFC 8200 S1]
static void tiny_first(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  struct estab_fragment f = {.id = 1, .more = true};
  for (unsigned bytes = 8; bytes <= 32; bytes += 8) {
    size_t n = packet4(packet, &w.peer4, &w.us4, ESTAB_PROTOCOL_TCP, bytes, &f);
    f.id++;
    assert_int_equal(world_input(&w, packet, n, 0, &p),
                     bytes < 20 ? -ESTAB_DROP_FRAG_FIRST_SHORT : -ESTAB_DROP_FRAG_WAITING);
    assert_false(p.error_due);
    n = packet6(packet, &w.peer6, &w.us6, ESTAB_PROTOCOL_TCP, bytes, &f);
    assert_int_equal(world_input(&w, packet, n, 0, &p),
                     bytes < 20 ? -ESTAB_DROP_FRAG_FIRST_SHORT : -ESTAB_DROP_FRAG_WAITING);
    assert_int_equal(p.error_due, bytes < 20); // RFC 7112 5: parameter problem, code 3
    if (p.error_due) assert_int_equal(p.error_code, 3);
  }
  world_end(&w);
}

// ATTACKS P13: the ping of death and contradicting ends.
// [RFC 8200 M14, RFC 8200 M15]
static void bounds(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  for (unsigned version = 4; version <= 6; version += 2) {
    unsigned most = version == 4 ? 65535 - 20 : 65535;
    for (unsigned offset = 65400; offset <= 65528; offset += 8)
      for (unsigned bytes = 1; bytes <= 160; bytes++) {
        int answer = fragment(&w, version, 7, offset, bytes, false, 0, &p);
        bool good = offset + bytes <= most;
        if (answer != (good ? -ESTAB_DROP_FRAG_WAITING : -ESTAB_DROP_FRAG_BOUNDS))
          fail_msg("IPv%u offset %u bytes %u: %d", version, offset, bytes, answer);
        if (!good) assert_int_equal(p.error_due, version == 6);
        ip_trim(&w.ip);
      }
    for (unsigned bytes = 1; bytes < 24; bytes++) { // not a multiple of 8, and not the last
      int answer = fragment(&w, version, 8, 1000, bytes, true, 0, &p);
      assert_int_equal(answer, bytes % 8 ? -ESTAB_DROP_FRAG_BOUNDS : -ESTAB_DROP_FRAG_WAITING);
      if (version == 6) assert_int_equal(p.error_due, bytes % 8 != 0);
      ip_trim(&w.ip);
    }
    // The last fragment again with another end; one past the end: all is freed at once.
    static const struct {
      unsigned offset, bytes;
      bool more;
    } bad[] = {{1600, 101, false}, {1600, 99, false}, {2400, 8, false},
               {8, 8, false},      {1696, 8, true},   {2400, 8, true}};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
      fragment(&w, version, i, 0, 800, true, 0, &p);
      fragment(&w, version, i, 1600, 100, false, 0, &p);
      assert_int_equal(fragment(&w, version, i, bad[i].offset, bad[i].bytes, bad[i].more, 0, &p),
                       -ESTAB_DROP_FRAG_BOUNDS);
      assert_int_equal(w.ip.frag.bytes, 0);
    }
    // An end before what is there already.
    fragment(&w, version, 50, 1600, 800, true, 0, &p);
    assert_int_equal(fragment(&w, version, 50, 800, 8, false, 0, &p), -ESTAB_DROP_FRAG_BOUNDS);
    assert_int_equal(w.ip.frag.bytes, 0);
  }
  world_end(&w);
}

// [RFC 8200 M16, RFC 1122 M32]
static void largest(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  for (unsigned version = 4; version <= 6; version += 2) {
    unsigned whole = version == 4 ? 65535 - 20 : 65535, at = 0;
    for (; at + 1480 < whole; at += 1480)
      assert_int_equal(fragment(&w, version, 9, at, 1480, true, 0, &p), -ESTAB_DROP_FRAG_WAITING);
    assert_int_equal(fragment(&w, version, 9, at, whole - at, false, 0, &p), 0);
    assert_int_equal(p.payload_bytes, whole);
  }
  world_end(&w);
}

// RFC 8200 4.5, RFC 1122 3.3.2: 60 s and 30 s; told to the sender if the first fragment came.
// [RFC 1122 M25, RFC 1122 M33, RFC 1122 S6, RFC 8200 M10, RFC 8200 S2]
static void timeouts(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  fragment(&w, 4, 1, 0, 808, true, 1 * SECOND, &p);
  fragment(&w, 4, 2, 800, 8, true, 2 * SECOND, &p);
  fragment(&w, 6, 3, 0, 808, true, 3 * SECOND, &p);
  fragment(&w, 4, 1, 1600, 8, true, 25 * SECOND, &p); // prolongs nothing
  assert_int_equal(ip_deadline(&w.ip), 31 * SECOND);
  assert_int_equal(ip_handle_deadline(&w.ip, 31 * SECOND - 1, &p), 0);
  assert_int_equal(ip_handle_deadline(&w.ip, 31 * SECOND, &p), 1);
  assert_true(p.error_due);
  assert_int_equal(p.error_type, ESTAB_ICMP4_TIME_EXCEEDED);
  assert_int_equal(p.error_code, 1);
  struct ip_route_result to;
  uint8_t out[1280];
  assert_int_equal(icmp_error_build(&w.ip, &p, 31 * SECOND, out, sizeof out, &to), 576);
  struct estab_ip4_header h;
  assert_true(estab_ip4_parse_cut(out + 28, 548, SIZE_MAX, &h) > 0);
  assert_true(h.fragment.more); // as it came
  assert_int_equal(ip_handle_deadline(&w.ip, 31 * SECOND, &p), 0);
  assert_int_equal(ip_deadline(&w.ip), 32 * SECOND);
  assert_int_equal(ip_handle_deadline(&w.ip, 32 * SECOND, &p), -ESTAB_DROP_FRAG_TIMEOUT);
  assert_int_equal(ip_handle_deadline(&w.ip, 32 * SECOND, &p), 0);
  assert_int_equal(ip_deadline(&w.ip), 63 * SECOND);
  assert_int_equal(ip_handle_deadline(&w.ip, 63 * SECOND, &p), 1);
  assert_int_equal(p.error_type, ESTAB_ICMP6_TIME_EXCEEDED);
  assert_true(icmp_error_build(&w.ip, &p, 63 * SECOND, out, sizeof out, &to) > 800);
  assert_int_equal(ip_handle_deadline(&w.ip, 63 * SECOND, &p), 0);
  // An identifier is free again even if nobody looked at the clock.
  fragment(&w, 4, 4, 0, 800, true, 100 * SECOND, &p);
  assert_int_equal(fragment(&w, 4, 4, 0, 808, true, 131 * SECOND, &p), -ESTAB_DROP_FRAG_WAITING);
  world_end(&w);
}

// RFC 3168 5.3.
static void congestion(void **state)
{
  (void)state;
  static const struct {
    uint8_t ecn[2];
    int answer;
    uint8_t whole;
  } table[] = {
      {{ESTAB_ECN_ECT0, ESTAB_ECN_CE}, 0, ESTAB_ECN_CE},
      {{ESTAB_ECN_CE, ESTAB_ECN_ECT0}, 0, ESTAB_ECN_CE},
      {{ESTAB_ECN_ECT1, ESTAB_ECN_ECT1}, 0, ESTAB_ECN_ECT1},
      {{ESTAB_ECN_NOT_ECT, ESTAB_ECN_NOT_ECT}, 0, ESTAB_ECN_NOT_ECT},
      {{ESTAB_ECN_NOT_ECT, ESTAB_ECN_CE}, -ESTAB_DROP_FRAG_ECN, 0},
      {{ESTAB_ECN_CE, ESTAB_ECN_NOT_ECT}, -ESTAB_DROP_FRAG_ECN, 0},
  };
  struct world w;
  struct ip_packet p;
  world_make(&w);
  for (uint32_t i = 0; i < sizeof table / sizeof *table; i++)
    for (int k = 0; k < 2; k++) {
      struct estab_fragment f = {.id = i, .offset = k ? 800 : 0, .more = !k};
      size_t n = packet6(packet, &w.peer6, &w.us6, ESTAB_PROTOCOL_UDP, 800, &f);
      packet[1] = (uint8_t)(packet[1] | table[i].ecn[k] << 4);
      int answer = world_input(&w, packet, n, 0, &p);
      assert_int_equal(answer, k ? table[i].answer : -ESTAB_DROP_FRAG_WAITING);
      if (answer == 0) assert_int_equal(p.ecn, table[i].whole);
      if (answer == 0) assert_int_equal(p.traffic_class, table[i].whole);
    }
  world_end(&w);
}

// ATTACKS R5: 64 k identifiers of one fragment each, from one source or from many, while an honest flow goes on.
static void flood(void **state)
{
  (void)state;
  for (int sources = 0; sources < 2; sources++) {
    struct world w;
    struct ip_packet p;
    world_make(&w);
    unsigned honest = 0;
    for (uint32_t id = 0; id < 65536; id++) {
      struct estab_ip src = estab_ip4(198, 51, 100, 7);
      if (sources) src = estab_ip4(198, 18, (uint8_t)(id >> 8), (uint8_t)id);
      fragment_from(&w, 4, &src, id, 8 * (id % 100), 1400, true, id * 100000, &p);
      assert_true(w.mem.by_kind[ESTAB_MEM_NET] <= 4 << 20);
      if (id % 8 == 0)
        fragment(&w, 4, 40000 + id / 16, id / 8 % 2 ? 1400 : 0, 1400, !(id / 8 % 2), id * 100000,
                 &p);
      if (id % 8 == 0 && p.reassembled) honest++;
    }
    assert_int_equal(honest, 4096); // nobody in good faith lost one
    assert_true(sources || w.ip.frag.datagrams <= 64 + 1);
    ip_trim(&w.ip);
    world_end(&w);
  }
}

// ATTACKS P14: UDP in IP in IP in two fragments, the inner length smaller than what is there.
static void tunnel(void **state)
{
  (void)state;
  struct world w;
  struct ip_packet p;
  world_make(&w);
  uint8_t inner[100];
  packet4(inner, &w.peer4, &w.us4, ESTAB_PROTOCOL_UDP, 80, NULL);
  put_be16(inner + 2, 28);
  for (int i = 0; i < 2; i++) {
    struct estab_fragment f = {.id = 7, .offset = i ? 48 : 0, .more = !i};
    size_t bytes = i ? 52 : 48, n = packet4(packet, &w.peer4, &w.us4, 4, bytes, &f);
    memcpy(packet + 20, inner + f.offset, bytes);
    assert_int_equal(world_input(&w, packet, n, 0, &p),
                     i ? -ESTAB_DROP_IP_PROTOCOL : -ESTAB_DROP_FRAG_WAITING);
  }
  // The answer quotes the outer packet, whole, and is no larger than that needs.
  struct ip_route_result to;
  uint8_t out[576];
  assert_true(p.error_due);
  assert_int_equal(icmp_error_build(&w.ip, &p, 0, out, sizeof out, &to), 20 + 8 + 20 + 100);
  assert_memory_equal(out + 48, inner, 100);
  world_end(&w);
}

static void memory_fails(void **state)
{
  (void)state;
  bool clean = false;
  for (unsigned n = 0; n < 100 && !clean; n++) {
    struct world w;
    struct ip_packet p;
    world_make(&w);
    w.door.fail_after = n;
    int last = 0;
    for (unsigned i = 0; i < 4; i++) {
      last = fragment(&w, 4, 1, i * 800, i < 3 ? 800 : 77, i < 3, 0, &p);
      assert_true(last == 0 || last == -ESTAB_DROP_FRAG_WAITING || last == -ESTAB_DROP_FRAG_CAP);
    }
    clean = w.mem.refused == 0;
    if (clean) {
      assert_int_equal(last, 0);
      assert_datagram(&p, 2477);
    }
    w.door.fail_after = UINT64_MAX;
    ip_trim(&w.ip);
    fragment(&w, 4, 2, 0, 800, true, 0, &p);
    assert_int_equal(fragment(&w, 4, 2, 800, 10, false, 0, &p), 0);
    assert_datagram(&p, 810);
    world_end(&w);
  }
  assert_true(clean);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(orders),  cmocka_unit_test(keys),       cmocka_unit_test(overlaps),
      cmocka_unit_test(atomic),  cmocka_unit_test(tiny_first), cmocka_unit_test(bounds),
      cmocka_unit_test(largest), cmocka_unit_test(timeouts),   cmocka_unit_test(congestion),
      cmocka_unit_test(flood),   cmocka_unit_test(tunnel),     cmocka_unit_test(memory_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
