// SPDX-License-Identifier: BSD-2-Clause
// test_cut.c - packets of ours that are cut, put together again by the peer.
#include "ip_world.h"

static uint8_t packet[70000];

// [RFC 8200 M3]
static void round_trips(void **state)
{
  (void)state;
  static const size_t sizes[] = {8, 9, 100, 1480, 1481, 4008, 65515};
  static const size_t mtus[] = {68, 69, 576, 1280, 1500, 9000, 65535};
  for (int six = 0; six < 2; six++)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
      for (size_t m = 0; m < sizeof mtus / sizeof *mtus; m++) {
        if (sizes[s] / ((mtus[m] - 48) & ~(size_t)7) > 100)
          continue; // more pieces than anybody keeps
        struct world w;
        struct ip_packet p;
        world_make(&w);
        size_t n = six ? packet6(packet, &w.peer6, &w.us6, ESTAB_PROTOCOL_UDP, sizes[s], NULL)
                       : packet4(packet, &w.peer4, &w.us4, ESTAB_PROTOCOL_UDP, sizes[s], NULL);
        uint8_t *piece = malloc(mtus[m]); // exactly what may be written
        uint32_t id = ip_fragment_id(&w.ip);
        int got = -ESTAB_DROP_FRAG_WAITING;
        unsigned nth = 0;
        for (size_t bytes; (bytes = ip_fragment(packet, n, mtus[m], id, nth, piece)) != 0; nth++) {
          assert_int_equal(got, -ESTAB_DROP_FRAG_WAITING);
          assert_true(bytes <= mtus[m]);
          got = world_input(&w, piece, bytes, 0, &p);
        }
        free(piece);
        assert_true(nth > 0);
        assert_int_equal(got, 0);
        assert_int_equal(p.payload_bytes, sizes[s]);
        for (size_t i = 0; i < sizes[s]; i++)
          assert_int_equal(p.payload[i], i & 0xff);
        world_end(&w);
      }
}

static void impossible(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  uint8_t piece[70];
  size_t n = packet4(packet, &w.peer4, &w.us4, ESTAB_PROTOCOL_UDP, 100, NULL);
  for (size_t mtu = 0; mtu < 28; mtu++)
    assert_int_equal(ip_fragment(packet, n, mtu, 1, 0, piece), 0);
  assert_int_equal(ip_fragment(packet, n, 28, 1, 0, piece), 28);
  n = packet6(packet, &w.peer6, &w.us6, ESTAB_PROTOCOL_UDP, 100, NULL);
  for (size_t mtu = 0; mtu < 56; mtu++)
    assert_int_equal(ip_fragment(packet, n, mtu, 1, 0, piece), 0);
  assert_int_equal(ip_fragment(packet, n, 56, 1, 0, piece), 56);
  world_end(&w);
}

// ATTACKS E3: no counter: a third party learns nothing from the identifiers it gets.
static void identifiers(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  unsigned near = 0;
  uint32_t before = 0;
  for (int i = 0; i < 10000; i++) {
    uint32_t id = ip_fragment_id(&w.ip);
    near += (uint16_t)(id - before) < 16;
    before = id;
  }
  assert_in_range(near, 0, 15); // 2.4 by chance
  world_end(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(round_trips), cmocka_unit_test(impossible),
                                     cmocka_unit_test(identifiers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
