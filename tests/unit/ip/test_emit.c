// SPDX-License-Identifier: BSD-2-Clause
// test_emit.c - the headers that go out, read back by the codec.
#include "ip_world.h"

static void ip4_headers(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct path *p = ip_path_get(&w.ip, &w.us4, &w.peer4, 0, 0);
  struct prop_rng r = {4};
  static uint8_t packet[65536];
  for (int i = 0; i < 2000; i++) {
    struct estab_ip remote = estab_ip4((uint8_t)prop_u64(&r), (uint8_t)prop_u64(&r),
                                       (uint8_t)prop_u64(&r), (uint8_t)prop_u64(&r));
    size_t n = i < 100 ? (size_t)i : prop_below(&r, 65536 - 20);
    uint8_t class = (uint8_t)prop_u64(&r), ttl = (uint8_t)prop_u64(&r), protocol = 6;
    struct estab_ip4_header h;
    assert_int_equal(ip_emit_to(&w.ip, &w.us4, &remote, protocol, n, class, ttl, 1, packet), 20);
    assert_int_equal(estab_ip4_parse(packet, 20 + n, &h), 20); // so the checksum is right
    assert_memory_equal(&h.src, &w.us4, 16);
    assert_memory_equal(&h.dst, &remote, 16);
    assert_int_equal(h.total_bytes, 20 + n);
    assert_int_equal(h.dscp << 2 | h.ecn, class);
    assert_int_equal(h.ttl, ttl);
    assert_int_equal(h.protocol, protocol);
    assert_true(h.dont_fragment);
    assert_int_equal(h.fragment.id,
                     0); // RFC 6864 4.1: an atomic datagram tells nothing (ATTACKS E3)
    assert_false(h.fragment.more);
    assert_int_equal(h.fragment.offset, 0);
  }
  for (unsigned i = 0; i < 65536; i++) { // every sum there is, carries and all
    struct estab_ip remote = estab_ip4(255, 255, (uint8_t)(i >> 8), (uint8_t)i);
    struct estab_ip4_header h;
    ip_emit_to(&w.ip, &w.us4, &remote, 255, 65515, 255, 255, 1, packet);
    assert_int_equal(estab_ip4_parse(packet, 65535, &h), 20);
  }
  uint8_t a[40], b[40];
  size_t n = ip4_header_put(&p->local, &p->remote, p->address_sum, 6, 100, 0, 64, true, a);
  assert_int_equal(n, 20);
  assert_int_equal(ip_emit_to(&w.ip, &w.us4, &w.peer4, 6, 100, 0, 64, 9, b), 20);
  assert_memory_equal(a, b, 20);
  (void)ip4_header_put(&p->local, &p->remote, p->address_sum, 6, 100, 0, 64, false, a);
  b[10] = b[11] = 0; // nobody looks at it
  assert_memory_equal(a, b, 20);
  ip_path_put(&w.ip, p);
  world_end(&w);
}

static uint32_t label_of(const uint8_t *packet)
{
  return get_be32(packet) & 0xfffff;
}

static void ip6_headers(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct path *p = ip_path_get(&w.ip, &w.us6, &w.peer6, 0, 0);
  uint8_t a[140] = {0}, b[140] = {0};
  assert_int_equal(ip6_emit(p, 6, 100, 0xb8 | 2, 63, 7, a), 40);
  struct estab_ip6_header h;
  assert_int_equal(estab_ip6_parse(a, 140, &h), 40);
  assert_memory_equal(&h.src, &w.us6, 16);
  assert_memory_equal(&h.dst, &w.peer6, 16);
  assert_int_equal(h.payload_bytes, 100);
  assert_int_equal(h.dscp << 2 | h.ecn, 0xba);
  assert_int_equal(h.hop_limit, 63);
  assert_int_equal(h.protocol, 6);
  // RFC 6437 3: one label a flow, the same with and without a path; another flow, another label.
  assert_int_equal(ip_emit_to(&w.ip, &w.us6, &w.peer6, 6, 100, 0xba, 63, 7, b), 40);
  assert_memory_equal(a, b, 40);
  ip6_emit(p, 6, 100, 0, 63, 8, b);
  assert_int_not_equal(label_of(a), label_of(b));
  ip_emit_to(&w.ip, &w.us6, &w.us6, 6, 100, 0, 63, 7, b);
  assert_int_not_equal(label_of(a), label_of(b));
  ip_path_put(&w.ip, p);
  world_end(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(ip4_headers), cmocka_unit_test(ip6_headers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
