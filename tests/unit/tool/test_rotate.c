// SPDX-License-Identifier: BSD-2-Clause
// test_rotate.c - when files are finished, what they are called then, and that no file is written over.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <unistd.h>

#include "../../../tools/estab/watch/rotate.c"

#define NS UINT64_C(1000000000)

static void words(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    uint64_t every_ns, bytes; // both 0: refused
  } rows[] = {
      {"30s", 30 * NS, 0},
      {"10m", 600 * NS, 0},
      {"1h", 3600 * NS, 0},
      {"1d", 86400 * NS, 0},
      {"64K", 0, 65536},
      {"100M", 0, 104857600},
      {"1G", 0, 1 << 30},
      {"", 0, 0},
      {"1", 0, 0},
      {"h", 0, 0},
      {"0s", 0, 0},
      {"0.5s", 0, 0},
      {"1K", 0, 0},
      {"5x", 0, 0},
      {"-1h", 0, 0},
      {"d", 0, 0},
      {"99999999d", 0, 0},
      {"1M1", 0, 0},
      {"1.5h", 0, 0},
      {"213503d", UINT64_C(213503) * 86400 * NS, 0},
      {"213504d", 0, 0},
      {"17179869183G", 0, UINT64_C(17179869183) << 30},
      {"17179869184G", 0, 0},
      {"18446744073709551617s", 0, 0},
      {"0000000030s", 30 * NS, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct rotate r = {0};
    const char *why = rotate_read(&r, rows[i].text);
    if ((why == NULL) != (rows[i].every_ns + rows[i].bytes > 0))
      fail_msg("%s: %s", rows[i].text, why != NULL ? why : "taken");
    if (why != NULL) continue;
    assert_int_equal(r.every_ns, rows[i].every_ns);
    assert_int_equal(r.bytes, rows[i].bytes);
    assert_true(rotate_wanted(&r));
  }
}

static void when(void **state)
{
  (void)state;
  struct rotate r = {.every_ns = 10 * NS};
  assert_false(rotate_due(&r, 1003 * NS)); // the first time is no turn
  assert_false(rotate_due(&r, 1009 * NS));
  assert_true(rotate_due(&r, 1010 * NS));
  assert_false(rotate_due(&r, 1010 * NS));
  assert_true(rotate_due(&r, 1057 * NS)); // one turn, however many intervals are over
  assert_false(rotate_due(&r, 1059 * NS));
  assert_true(rotate_due(&r, 1060 * NS));
  r = (struct rotate){.every_ns =
                          UINT64_C(213503) * 86400 * NS}; // its second multiple is beyond all times
  assert_false(rotate_due(&r, 1003 * NS));
  assert_true(rotate_due(&r, UINT64_C(213503) * 86400 * NS));
  assert_false(rotate_due(&r, UINT64_C(213503) * 86400 * NS + 1));
  r = (struct rotate){.bytes = 5};
  assert_false(rotate_due(&r, 1003 * NS));
  assert_false(rotate_due(&r, 9999 * NS));
}

static void names(void **state)
{
  (void)state;
  static const struct {
    const char *path;
    unsigned again;
    const char *want;
  } rows[] = {
      {"rows.json", 0, "rows-20231114T221320Z.json"},
      {"a/b.d/conn.log", 0, "a/b.d/conn-20231114T221320Z.log"},
      {"a/b.d/conn", 0, "a/b.d/conn-20231114T221320Z"},
      {"x.tar.gz", 1, "x.tar-20231114T221320Z_2.gz"},
      {".hidden", 0, ".hidden-20231114T221320Z"},
      {"d/.hidden", 8, "d/.hidden-20231114T221320Z_9"},
  };
  char name[64];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_true(rotate_name(name, sizeof name, rows[i].path, 1700000000 * NS, rows[i].again));
    assert_string_equal(name, rows[i].want);
  }
  assert_false(rotate_name(name, 26, "rows.json", 1700000000 * NS, 0));
}

static void put_file(const char *path, const char *text)
{
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
}

static void nothing_is_lost(void **state)
{
  (void)state;
  char directory[] = "/tmp/estab-rotate-XXXXXX", path[64], name[128];
  assert_non_null(mkdtemp(directory));
  snprintf(path, sizeof path, "%s/rows.csv", directory);
  for (unsigned i = 0; i < 3; i++) {
    put_file(path, "x");
    assert_int_equal(rotate_rename(path, 1700000000 * NS), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(rotate_name(name, sizeof name, path, 1700000000 * NS, i));
    assert_int_equal(unlink(name), 0);
    put_file(name, "taken");
  }
  assert_int_equal(rotate_rename(path, 0), -1); // there is none
  assert_int_equal(rotate_leftover(path), 0);
  put_file(path, "");
  assert_int_equal(rotate_leftover(path), 0); // empty: nothing to keep
  assert_int_equal(access(path, F_OK), 0);
  put_file(path, "half a row");
  assert_int_equal(rotate_leftover(path), 0);
  assert_int_equal(access(path, F_OK), -1);
  snprintf(name, sizeof name, "rm -r %s", directory);
  char list[256];
  snprintf(list, sizeof list, "ls %s | grep -c part$ >/dev/null", directory);
  assert_int_equal(system(list), 0);
  assert_int_equal(system(name), 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words),
      cmocka_unit_test(when),
      cmocka_unit_test(names),
      cmocka_unit_test(nothing_is_lost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
