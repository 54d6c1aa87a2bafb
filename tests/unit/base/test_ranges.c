// SPDX-License-Identifier: BSD-2-Clause
// test_ranges.c - range sets: one-liners around 2^32; the rest is tests/prop/base_ranges.c.

#include "base/ranges.h"
#include "support/prop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define B 0xfffffff6u // 10 before the wrap

// Ranges as letters: "a-c" is [B, B + 2), capitals follow small letters.
static uint32_t place(char c)
{
  return B + (uint32_t)(c >= 'a' ? c - 'a' : c - 'A' + 26);
}

static void check(const struct ranges *r, const char *want)
{
  char text[64] = "", *t = text;
  for (unsigned i = 0; i < r->count; i++) {
    for (unsigned end = 0; end < 2; end++) {
      uint32_t at = (end ? r->at[i].end : r->at[i].start) - B;
      *t++ = (char)(at < 26 ? 'a' + at : 'A' + at - 26);
      *t++ = end ? ' ' : '-';
    }
  }
  if (t > text) t[-1] = '\0';
  assert_string_equal(text, want);
}

static struct prop_mem door;
static struct mem mem;

static int fresh(void **state)
{
  (void)state;
  mem_init(&mem, prop_mem_door(&door));
  return 0;
}

static void inserting(void **state)
{
  (void)state;
  static const struct {
    const char *insert, *set, *duplicate; // duplicate "": none
  } rows[] = {
      {"d-g", "d-g", ""},     {"m-p", "d-g m-p", ""},     {"g-h", "d-h m-p", ""},
      {"l-m", "d-h l-p", ""}, {"a-b", "a-b d-h l-p", ""}, {"f-g", "a-b d-h l-p", "f-g"},
      {"b-d", "a-h l-p", ""}, {"k-n", "a-h k-p", "l-n"},  {"s-t", "a-h k-p s-t", ""},
      {"e-A", "a-A", "e-h"},  {"a-A", "a-A", "a-A"},      {"A-B", "a-B", ""},
      {"c-c", "a-B", ""},
  };
  struct ranges r = {0};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct range duplicate;
    assert_int_equal(
        ranges_insert(&r, &mem, place(rows[i].insert[0]), place(rows[i].insert[2]), 99, &duplicate),
        0);
    check(&r, rows[i].set);
    if (!rows[i].duplicate[0]) {
      assert_int_equal(duplicate.start, duplicate.end);
    } else {
      assert_int_equal(duplicate.start, place(rows[i].duplicate[0]));
      assert_int_equal(duplicate.end, place(rows[i].duplicate[2]));
    }
  }
  ranges_free(&r, &mem);
  assert_int_equal(door.live_pieces, 0);
}

static void refusals_change_nothing(void **state)
{
  (void)state;
  struct ranges r = {0};
  assert_int_equal(ranges_insert(&r, &mem, place('a'), place('c'), 0, NULL), ESTAB_ERR_NO_MEMORY);
  assert_null(r.at);
  for (char c = 'a'; c < 'i'; c = (char)(c + 2))
    assert_int_equal(ranges_insert(&r, &mem, place(c), place(c) + 1, 4, NULL), 0);
  check(&r, "a-b c-d e-f g-h");
  assert_int_equal(ranges_insert(&r, &mem, place('m'), place('n'), 4, NULL), ESTAB_ERR_NO_MEMORY);
  door.fail_after = 0;
  assert_int_equal(ranges_insert(&r, &mem, place('m'), place('n'), 9, NULL), ESTAB_ERR_NO_MEMORY);
  check(&r, "a-b c-d e-f g-h");
  assert_int_equal(ranges_insert(&r, &mem, place('b'), place('c'), 4, NULL), 0); // needs no more
  check(&r, "a-d e-f g-h");
  ranges_free(&r, &mem);
}

static void dropping(void **state)
{
  (void)state;
  struct ranges r = {0};
  ranges_insert(&r, &mem, place('c'), place('g'), 9, NULL);
  ranges_insert(&r, &mem, place('k'), place('p'), 9, NULL);
  ranges_drop_below(&r, place('a'));
  check(&r, "c-g k-p");
  ranges_drop_below(&r, place('e'));
  check(&r, "e-g k-p");
  ranges_drop_from(&r, place('n'));
  check(&r, "e-g k-n");
  ranges_drop_below(&r, place('g'));
  check(&r, "k-n");
  assert_int_equal(ranges_bytes(&r), 3);
  ranges_drop_below(&r, place('n'));
  assert_int_equal(door.live_pieces, 0); // empty: no memory, and nobody had to ask
  assert_int_equal(ranges_memory_bytes(&r), 0);
  ranges_drop_from(&r, place('a'));
  ranges_free(&r, &mem);
}

static void asking(void **state)
{
  (void)state;
  struct ranges r = {0};
  assert_int_equal(ranges_find(&r, 0), -1);
  assert_false(ranges_contains_all(&r, 0, 1));
  ranges_insert(&r, &mem, place('c'), place('g'), 9, NULL);
  ranges_insert(&r, &mem, place('k'), place('p'), 9, NULL);
  assert_int_equal(ranges_find(&r, place('b')), -1);
  assert_int_equal(ranges_find(&r, place('c')), 0);
  assert_int_equal(ranges_find(&r, place('g')), -1);
  assert_int_equal(ranges_find(&r, place('o')), 1);
  assert_int_equal(ranges_from(&r, place('g')), 1);
  assert_int_equal(ranges_from(&r, place('p')), 2);
  assert_true(ranges_contains_all(&r, place('k'), place('p')));
  assert_false(ranges_contains_all(&r, place('k'), place('q')));
  assert_false(ranges_contains_all(&r, place('f'), place('l')));
  assert_true(ranges_contains_all(&r, place('a'), place('a')));
  ranges_free(&r, &mem);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(inserting, fresh),
      cmocka_unit_test_setup(refusals_change_nothing, fresh),
      cmocka_unit_test_setup(dropping, fresh),
      cmocka_unit_test_setup(asking, fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
