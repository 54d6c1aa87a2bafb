// SPDX-License-Identifier: BSD-2-Clause
// test_plpmtud.c - the path's MTU found by what arrives, RFC 4821 and RFC 8899: the order of sizes, black holes, what
// is shared and for how long.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/two.h"
#include "tcp/plpmtud.h"

#define SECONDS UINT64_C(1000000000)
enum { JUMBO = 9000 };

// [RFC 8899 M13]
// With any path, allowed sizes and base: what is found is not too large, nor far below; and it does not take long.
static void a_search_ends_just_below_what_fails(void **state)
{
  (void)state;
  static const uint16_t tops[] = {1300, 1500, 4470, 9000, 65535};
  for (unsigned k = 0; k < sizeof tops / sizeof *tops; k++)
    for (uint32_t path = 1280; path <= tops[k] + 1u; path += 1 + path / 100) {
      uint32_t low = 1280, high = 0, size;
      unsigned steps = 0;
      while ((size = plpmtud_next(low, high, tops[k])) != 0) {
        assert_true(size > low && size <= tops[k] && (high == 0 || size < high));
        if (size <= path)
          low = size;
        else
          high = size;
        assert_true(++steps < 24);
      }
      assert_true(low <= path || path < 1280);
      assert_true(low == tops[k] || low + PLPMTUD_CLOSE >= path);
    }
}

static void usual_sizes_are_found_exactly(void **state)
{
  (void)state;
  static const uint16_t usual[] = {1280, 1400, 1420, 1480, 1492, 1500, 4470, 9000};
  for (unsigned i = 0; i < sizeof usual / sizeof *usual; i++) {
    uint32_t low = 1280, high = 0, size;
    while ((size = plpmtud_next(low, high, JUMBO)) != 0)
      *(size <= usual[i] ? &low : &high) = size;
    assert_int_equal(low, usual[i]);
  }
}

static struct estab_conn_info info_of(struct two *t, estab_conn c)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  assert_int_equal(estab_conn_info(t->s[0], c, &info), ESTAB_OK);
  return info;
}

static void no_pacing(struct estab_settings *settings)
{
  settings->pacing = false;
}

static void always(struct estab_settings *settings)
{
  settings->pacing = false;
  settings->plpmtud = ESTAB_PLPMTUD_ALWAYS;
}

static void off(struct estab_settings *settings)
{
  settings->plpmtud = ESTAB_PLPMTUD_OFF;
}

// Jumbo interfaces on both sides.
static estab_conn open_jumbo(struct two *t, bool ip6, void (*change)(struct estab_settings *),
                             estab_conn *peer)
{
  estab_conn c;
  two_init(t, ip6, change);
  for (unsigned i = 0; i < 2; i++)
    assert_int_equal(estab_netif_set_mtu(t->s[i], 1, JUMBO), ESTAB_OK);
  estab_listener l = two_listen(t, 1, 80, 4);
  assert_int_equal(two_connect(t, 0, 0, 80, &c), ESTAB_OK);
  two_carry(t);
  assert_int_equal(estab_accept(t->s[1], l, peer), ESTAB_OK);
  return c;
}

// Writes 64 KiB each 10 ms for that long, and reads. Answers the octets that arrived, which are checked.
static uint64_t flow(struct two *t, estab_conn c, estab_conn peer, uint64_t ns)
{
  static uint8_t out[65536], in[65536];
  static uint64_t sent, got;
  if (t->frames < 20) sent = got = 0;
  uint64_t before = got, until = t->now_ns + ns;
  while (t->now_ns < until) {
    for (size_t i = 0; i < sizeof out; i++)
      out[i] = (uint8_t)((sent + i) * 31 >> 3);
    int n = estab_send(t->s[0], c, out, sizeof out);
    if (n > 0) sent += (uint64_t)n;
    for (uint64_t next = t->now_ns + 10000000; t->now_ns < next;) {
      (void)two_turn(t, next);
      while ((n = estab_recv(t->s[1], peer, in, sizeof in)) > 0)
        for (int i = 0; i < n; i++, got++)
          assert_int_equal(in[i], (uint8_t)(got * 31 >> 3));
    }
  }
  return got - before;
}

// [RFC 8899 M1, RFC 8899 M3, RFC 8899 M8, RFC 8899 S1]
static void a_black_hole_is_measured(void **state)
{
  (void)state;
  static const uint16_t sizes[] = {1280, 1400, 1500, 4470, 8999};
  for (unsigned k = 0; k < 2 * sizeof sizes / sizeof *sizes; k++) {
    static struct two t;
    const uint16_t size = sizes[k / 2];
    estab_conn peer, c = open_jumbo(&t, k & 1, no_pacing, &peer);
    t.most_bytes = size;
    assert_true(flow(&t, c, peer, 5 * SECONDS) > 1000000);
    struct estab_conn_info info = info_of(&t, c);
    assert_false(info.mtu_search);
    assert_true(info.path_mtu <= size && info.path_mtu + PLPMTUD_CLOSE >= size);
    assert_true(info.mtu_probes_lost >= 3 && info.mtu_probes_lost % 3 == 0);
    assert_true(two_end(&t));
  }
}

// Losses by chance beside it: found all the same, and nothing is broken.
static void losses_do_not_mislead(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = open_jumbo(&t, false, no_pacing, &peer);
  t.most_bytes = 1500;
  t.lose_one_in = 211;
  assert_true(flow(&t, c, peer, 8 * SECONDS) > 100000);
  struct estab_conn_info info = info_of(&t, c);
  assert_true(info.path_mtu > 1280 && info.path_mtu <= 1500);
  assert_true(two_end(&t));
}

// All goes through again: an outage is no black hole, which one probe finds out.
static void an_outage_costs_little(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = open_jumbo(&t, false, no_pacing, &peer);
  flow(&t, c, peer, SECONDS / 10);
  t.unplugged = true;
  flow(&t, c, peer, SECONDS);
  t.unplugged = false;
  assert_int_equal(info_of(&t, c).path_mtu, 1280);
  flow(&t, c, peer, 2 * SECONDS);
  assert_int_equal(info_of(&t, c).path_mtu, JUMBO);
  assert_int_equal(info_of(&t, c).mtu_probes_lost, 0);
  assert_true(two_end(&t));
}

// [RFC 8899 S2, RFC 8899 S3]
static void what_was_found_is_shared_and_forgotten(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = open_jumbo(&t, false, no_pacing, &peer), other;
  t.most_bytes = 1492;
  flow(&t, c, peer, 3 * SECONDS);
  assert_int_equal(info_of(&t, c).path_mtu, 1492);
  assert_int_equal(two_connect(&t, 0, 0, 80, &other), ESTAB_OK);
  two_carry(&t);
  assert_int_equal(info_of(&t, other).path_mtu, 1492); // begins with it
  // Ten minutes later larger ones are tried again: by probes, not by a window of them.
  two_run(&t, t.now_ns + 605 * SECONDS);
  assert_int_equal(info_of(&t, c).path_mtu, 1492);
  t.most_bytes = 4470;
  flow(&t, c, peer, 3 * SECONDS);
  assert_int_equal(info_of(&t, c).path_mtu, 4470);
  assert_true(two_end(&t));
}

// [RFC 8899 M3]
static void a_search_from_the_start(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = open_jumbo(&t, true, always, &peer);
  assert_int_equal(info_of(&t, c).path_mtu, 1280);
  assert_true(info_of(&t, c).mtu_search);
  flow(&t, c, peer, SECONDS);
  assert_int_equal(info_of(&t, c).path_mtu, JUMBO);
  assert_false(info_of(&t, c).mtu_search);
  assert_true(two_end(&t));
}

static void always_without_sack(struct estab_settings *settings)
{
  always(settings);
  settings->sack = false;
}

// Without SACK nothing can be tried, so nothing is held back either.
static void no_search_without_sack(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = open_jumbo(&t, false, always_without_sack, &peer);
  assert_int_equal(info_of(&t, c).path_mtu, JUMBO);
  assert_true(flow(&t, c, peer, SECONDS) > 1000000);
  t.most_bytes = 1500; // a black hole: smaller packets all the same
  flow(&t, c, peer, 5 * SECONDS);
  assert_int_equal(info_of(&t, c).path_mtu, 1280);
  assert_true(flow(&t, c, peer, SECONDS) > 1000000);
  assert_true(two_end(&t));
}

// [RFC 8899 O1]
static void off_is_off(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = open_jumbo(&t, false, off, &peer);
  t.most_bytes = 1500;
  assert_int_equal(flow(&t, c, peer, 5 * SECONDS), 0);
  assert_int_equal(info_of(&t, c).path_mtu, JUMBO);
  assert_true(two_end(&t));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_search_ends_just_below_what_fails),
      cmocka_unit_test(usual_sizes_are_found_exactly),
      cmocka_unit_test(a_black_hole_is_measured),
      cmocka_unit_test(losses_do_not_mislead),
      cmocka_unit_test(an_outage_costs_little),
      cmocka_unit_test(what_was_found_is_shared_and_forgotten),
      cmocka_unit_test(a_search_from_the_start),
      cmocka_unit_test(no_search_without_sack),
      cmocka_unit_test(off_is_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
