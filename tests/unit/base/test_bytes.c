// SPDX-License-Identifier: BSD-2-Clause
// test_bytes.c - byte order, the cursor, muldiv64().

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void byte_order(void **state)
{
  (void)state;
  const uint8_t in[9] = {0, 1, 2, 3, 4, 5, 6, 7, 0xf8}; // read at an odd place
  assert_int_equal(get_be16(in + 1), 0x0102);
  assert_int_equal(get_be32(in + 1), 0x01020304);
  assert_true(get_be64(in + 1) == 0x01020304050607f8);
  assert_true(get_le64(in + 1) == 0xf807060504030201);
  uint8_t out[9] = {0};
  put_be64(out + 1, 0x01020304050607f8);
  assert_memory_equal(out, in, 9);
  put_be16(out + 1, 0xfeff);
  put_be32(out + 3, 0xfcfdfeff);
  assert_memory_equal(out + 1, "\xfe\xff\xfc\xfd\xfe\xff\x07\xf8", 8);
}

static void cursor_never_passes_the_end(void **state)
{
  (void)state;
  const uint8_t in[7] = {1, 0, 2, 0, 0, 0, 3};
  struct cursor c = {in, sizeof in};
  uint8_t u8 = 0;
  uint16_t u16 = 0;
  uint32_t u32 = 0;
  assert_true(cursor_u8(&c, &u8) && u8 == 1);
  assert_true(cursor_u16(&c, &u16) && u16 == 2);
  assert_null(cursor_take(&c, 5));
  assert_true(cursor_u32(&c, &u32) && u32 == 3);
  assert_int_equal(c.left, 0);
  assert_false(cursor_u8(&c, &u8) || cursor_u16(&c, &u16) || cursor_u32(&c, &u32));
  assert_ptr_equal(c.at, in + sizeof in);
  for (size_t left = 0; left < 4; left++) {
    c = (struct cursor){in, left};
    assert_int_equal(cursor_u32(&c, &u32), left >= 4);
    assert_int_equal(cursor_u16(&c, &u16), left >= 2);
    assert_int_equal(c.left, left >= 2 ? left - 2 : left);
  }
}

static void muldiv64_is_exact(void **state)
{
  (void)state;
  static const struct {
    uint64_t a, b, c, want;
  } rows[] = {
      {0, 0, 1, 0},
      {7, 3, 2, 10},
      {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX},
      {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX, UINT64_MAX - 1},
      {UINT64_MAX, 2, 1, UINT64_MAX},
      {1, 1, 0, UINT64_MAX},
      {UINT64_MAX, 1000000000, 1000000001, UINT64_C(18446744055262807559)},
      {UINT64_C(0x8000000000000000), 2, UINT64_C(0x8000000000000001), 1},
      {UINT64_C(0xfffffffe00000001), UINT64_C(0xffffffff), UINT64_C(0xffffffff00000000),
       UINT64_C(0xfffffffe)},
      {UINT64_C(12345678901234567), UINT64_C(8000000000), 1000000000, UINT64_C(98765431209876536)},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    assert_true(muldiv64(rows[i].a, rows[i].b, rows[i].c) == rows[i].want);
}

struct wide {
  uint64_t high, low;
};

static struct wide wide_add(struct wide w, uint64_t high, uint64_t low)
{
  struct wide sum = {w.high + high, w.low + low};
  sum.high += sum.low < low;
  return sum;
}

// School multiplication by bits: slow, and not how muldiv64() does it.
static struct wide wide_product(uint64_t a, uint64_t b)
{
  struct wide w = {0, 0};
  for (unsigned i = 0; i < 64; i++)
    if (b >> i & 1) w = wide_add(w, i ? a >> (64 - i) : 0, a << i);
  return w;
}

// For every size of the parts: quotient * c <= a * b < (quotient + 1) * c.
static void muldiv64_by_definition(void **state)
{
  (void)state;
  uint64_t x = 1;
  unsigned large = 0;
  for (unsigned i = 0; i < 100000; i++) {
    uint64_t v[3];
    for (unsigned k = 0; k < 3; k++) {
      x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
      uint64_t y = x ^ x >> 29;
      y = x >> 61 == 0 ? UINT64_MAX - (y & 3) : y; // the corners of the digits, often
      y = x >> 61 == 1 ? (y & 3) << 62 : y;
      v[k] = y >> (y * 31 >> 58);
    }
    struct wide product = wide_product(v[0], v[1]);
    uint64_t q = muldiv64(v[0], v[1], v[2]);
    if (product.high >= v[2]) {
      assert_true(q == UINT64_MAX);
      continue;
    }
    large += product.high != 0;
    struct wide down = wide_product(q, v[2]), up = wide_add(down, 0, v[2]);
    assert_true(down.high < product.high || (down.high == product.high && down.low <= product.low));
    assert_true(product.high < up.high || (product.high == up.high && product.low < up.low) ||
                up.high < down.high); // (q + 1) * c may pass 2^128
  }
  assert_in_range(large, 10000, 100000);
}

static void least_and_greatest(void **state)
{
  (void)state;
  assert_true(u32_min(1, UINT32_MAX) == 1 && u32_max(1, UINT32_MAX) == UINT32_MAX);
  assert_true(u64_min(1, UINT64_MAX) == 1 && u64_max(1, UINT64_MAX) == UINT64_MAX);
  assert_true(size_min(3, 2) == 2 && size_min(2, 3) == 2);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(byte_order),         cmocka_unit_test(cursor_never_passes_the_end),
      cmocka_unit_test(muldiv64_is_exact),  cmocka_unit_test(muldiv64_by_definition),
      cmocka_unit_test(least_and_greatest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
