// SPDX-License-Identifier: BSD-2-Clause
// test_told.c - what was told of rows and alerts, against a list.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "../../../tools/estab/watch/told.c"
#include "support/prop.h"

static struct estab_watch_uid uid_of(uint32_t n)
{
  struct estab_watch_uid uid = {{0}};
  memcpy(uid.bytes, &n, sizeof n);
  return uid;
}

static void against_a_list(void **state)
{
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct prop_rng r = {seed * UINT64_C(0x2545f4914f6cdd1d)};
    struct told t = {.seed = prop_u64(&r)};
    static uint32_t known[3000];
    uint32_t most = 5 + prop_below(&r, 2995);
    memset(known, 0, sizeof known);
    for (unsigned i = 0; i < 30000; i++) {
      uint32_t n = prop_below(&r, most), what = prop_one_in(&r, 2) ? 0 : prop_below(&r, 32);
      struct estab_watch_uid uid = uid_of(n);
      bool first = prop_one_in(&r, 2);
      bool got = first ? told_first(&t, &uid, what) : told_last(&t, &uid);
      if (got != (first ? !(known[n] >> what & 1) : known[n] != 0))
        fail_msg("seed %llu, step %u", (unsigned long long)seed, i);
      known[n] = first ? known[n] | 1u << what : 0;
    }
    size_t count = 0;
    for (uint32_t n = 0; n < most; n++)
      count += known[n] != 0;
    assert_int_equal(t.count, count);
    assert_true(t.room <= 8192);
    told_free(&t);
  }
}

static void nothing(void **state)
{
  (void)state;
  struct told t = {.seed = 1};
  struct estab_watch_uid one = uid_of(1);
  assert_false(told_last(&t, &one));
  assert_true(told_first(&t, &one, 0));
  assert_false(told_first(&t, &one, 0));
  assert_true(told_last(&t, &one));
  assert_false(told_last(&t, &one));
  told_free(&t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(against_a_list), cmocka_unit_test(nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
