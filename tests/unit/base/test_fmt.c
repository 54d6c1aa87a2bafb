// SPDX-License-Identifier: BSD-2-Clause
// test_fmt.c - text without stdio.

#include "base/fmt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static char text[80];
static struct fmt f;

static int fresh(void **state)
{
  (void)state;
  fmt_init(&f, text, sizeof text);
  return 0;
}

#define assert_text(want)                                                                          \
  do {                                                                                             \
    assert_string_equal(text, want);                                                               \
    assert_int_equal(fmt_length(&f), strlen(want));                                                \
    fmt_init(&f, text, sizeof text);                                                               \
  } while (0)

static void numbers(void **state)
{
  (void)state;
  assert_text("");
  fmt_u64(&f, 0);
  assert_text("0");
  fmt_u64(&f, UINT64_MAX);
  assert_text("18446744073709551615");
  fmt_i64(&f, INT64_MIN);
  fmt_char(&f, ' ');
  fmt_i64(&f, 7);
  assert_text("-9223372036854775808 7");
  fmt_hex(&f, 0, 1);
  fmt_str(&f, " ");
  fmt_hex(&f, 0xbeef, 8);
  fmt_str(&f, " ");
  fmt_hex(&f, UINT64_MAX, 0);
  assert_text("0 0000beef ffffffffffffffff");
}

static void fractions(void **state)
{
  (void)state;
  static const struct {
    uint64_t value;
    unsigned decimals;
    const char *fixed, *seconds;
  } rows[] = {
      {0, 0, "0", "0"},
      {0, 3, "0.000", "0.000"},
      {5, 3, "0.005", "0.000"},
      {1500, 3, "1.500", "0.000"},
      {1999999999, 3, "1999999.999", "1.999"},
      {1234567890, 6, "1234.567890", "1.234567"},
      {1234567890, 9, "1.234567890", "1.234567890"},
      {UINT64_MAX, 0, "18446744073709551615", "18446744073"},
      {UINT64_MAX, 19, "1.8446744073709551615", "18446744073.709551615"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    fmt_fixed(&f, rows[i].value, rows[i].decimals);
    assert_text(rows[i].fixed);
    fmt_seconds(&f, rows[i].value, rows[i].decimals);
    assert_text(rows[i].seconds);
  }
}

// Whatever the room, nothing behind it is touched, it is terminated, and the wanted length is told.
static void every_room(void **state)
{
  (void)state;
  const char *all = "seq 4294967295";
  for (size_t room = 0; room <= sizeof text; room++) {
    memset(text, '#', sizeof text);
    fmt_init(&f, text, room);
    fmt_str(&f, "seq ");
    fmt_u64(&f, UINT32_MAX);
    assert_int_equal(fmt_length(&f), strlen(all));
    size_t kept = room == 0 ? 0 : room - 1 < strlen(all) ? room - 1 : strlen(all);
    assert_memory_equal(text, all, kept);
    if (room) assert_int_equal(text[kept], '\0');
    for (size_t i = room; i < sizeof text; i++)
      assert_int_equal(text[i], '#');
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(numbers, fresh),
      cmocka_unit_test_setup(fractions, fresh),
      cmocka_unit_test_setup(every_room, fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
