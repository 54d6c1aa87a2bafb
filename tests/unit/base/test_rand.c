// SPDX-License-Identifier: BSD-2-Clause
// test_rand.c - random numbers: repeatable, mixed with the hook, even.

#include "base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const uint8_t secret[16] = "0123456789abcdef";
static const uint8_t other[16] = "0123456789abcdeg";

static void same_secret_same_numbers(void **state)
{
  (void)state;
  struct rng a, b, c;
  rng_init(&a, secret, (struct estab_random){0});
  rng_init(&b, secret, (struct estab_random){0});
  rng_init(&c, other, (struct estab_random){0});
  uint64_t last = 0;
  for (int i = 0; i < 100; i++) {
    uint64_t v = rng_u64(&a);
    assert_true(v == rng_u64(&b));
    assert_true(v != rng_u64(&c));
    assert_true(v != last);
    last = v;
  }
}

static void fill_with_ones(void *ctx, void *bytes, size_t count)
{
  *(unsigned *)ctx += 1;
  memset(bytes, 0xff, count);
}

static void the_hook_is_mixed_in(void **state)
{
  (void)state;
  struct rng a, b;
  unsigned calls = 0;
  rng_init(&a, secret, (struct estab_random){0});
  rng_init(&b, secret, (struct estab_random){&calls, fill_with_ones});
  for (unsigned i = 1; i < 10; i++) {
    assert_true(rng_u64(&a) == ~rng_u64(&b));
    assert_int_equal(calls, i);
  }
}

static void below_is_even(void **state)
{
  (void)state;
  struct rng r;
  rng_init(&r, secret, (struct estab_random){0});
  assert_int_equal(rng_below(&r, 0), 0);
  assert_int_equal(rng_below(&r, 1), 0);
  unsigned seen[10] = {0};
  for (int i = 0; i < 100000; i++)
    seen[rng_below(&r, 10)]++;
  for (int i = 0; i < 10; i++)
    assert_in_range(seen[i], 9600, 10400); // 4 standard deviations
  unsigned high = 0; // without rejection 2/3 of these would be in the lower half
  for (int i = 0; i < 30000; i++)
    high += rng_below(&r, 0xc0000000u) >= 0x60000000u;
  assert_in_range(high, 14600, 15400);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_secret_same_numbers),
      cmocka_unit_test(the_hook_is_mixed_in),
      cmocka_unit_test(below_is_even),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
