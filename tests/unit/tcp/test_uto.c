// SPDX-License-Identifier: BSD-2-Clause
// test_uto.c - the user timeout option, RFC 5482: its two units, and what two stacks make of each other's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/two.h"
#include "tcp/uto.h"

#define SECONDS UINT64_C(1000000000)

static void seconds_as_far_as_they_reach(void **state)
{
  (void)state;
  static const struct {
    uint64_t ns;
    uint16_t uto;
    uint64_t back_s;
  } cases[] = {
      {1, 1, 1}, // never the reserved 0 [RFC 5482 M3]
      {SECONDS, 1, 1},
      {SECONDS + 1, 2, 2},
      {32767 * SECONDS, 32767, 32767},
      {32768 * SECONDS, 0x8000 | 547, 32820}, // rounded up to a minute
      {32767 * 60 * SECONDS, 0xffff, 1966020},
      {ESTAB_NEVER, 0xffff, 1966020},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(uto_of_ns(cases[i].ns), cases[i].uto);
    assert_int_equal(uto_ns(cases[i].uto), cases[i].back_s * SECONDS);
  }
}

static void use_it(struct estab_settings *settings)
{
  settings->user_timeout_advertised_ns = 500 * SECONDS;
}

static struct estab_conn_info info_of(struct two *t, unsigned who, estab_conn c)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  assert_int_equal(estab_conn_info(t->s[who], c, &info), ESTAB_OK);
  return info;
}

// [RFC 5482 O1]
static void both_hear_of_each_other(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = two_open(&t, use_it, &peer);
  const uint8_t byte = 1;
  assert_int_equal(info_of(&t, 0, c).peer_user_timeout_ns, 500 * SECONDS);
  assert_int_equal(info_of(&t, 1, peer).peer_user_timeout_ns, 500 * SECONDS);
  assert_int_equal(info_of(&t, 0, c).user_timeout_ns, 500 * SECONDS);
  assert_int_equal(estab_option_set(t.s[0], c, ESTAB_OPT_USER_TIMEOUT_ADVERTISED_NS, 700 * SECONDS),
                   ESTAB_OK);
  two_carry(&t);
  assert_int_equal(info_of(&t, 1, peer).user_timeout_ns, 700 * SECONDS);
  assert_int_equal(info_of(&t, 0, c).user_timeout_ns, 700 * SECONDS); // its own is longer now
  assert_int_equal(estab_send(t.s[0], c, &byte, 1), 1);
  two_carry(&t);
  assert_true(two_end(&t));
}

// One side only: neither is changed, and nothing of it is kept. [RFC 5482 M2]
static void one_side_alone_changes_nothing(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = two_open(&t, NULL, &peer);
  assert_int_equal(estab_option_set(t.s[0], c, ESTAB_OPT_USER_TIMEOUT_ADVERTISED_NS, 700 * SECONDS),
                   ESTAB_OK);
  two_carry(&t);
  assert_int_equal(info_of(&t, 1, peer).peer_user_timeout_ns, 0);
  assert_int_equal(info_of(&t, 1, peer).user_timeout_ns, 300 * SECONDS);
  assert_int_equal(info_of(&t, 0, c).user_timeout_ns, 300 * SECONDS);
  assert_true(two_end(&t));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(seconds_as_far_as_they_reach),
      cmocka_unit_test(both_hear_of_each_other),
      cmocka_unit_test(one_side_alone_changes_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
