// SPDX-License-Identifier: BSD-2-Clause
// test_tell.c - single segments with what is remarkable about each; and rows are the same whether they are told or not.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "support/watch_kit.h"
#include "estab/wire.h"

// What each of the tokens' segments was, a line each, without rows and ambiguities.
static const char *told(const char *tokens)
{
  static struct watch_kit k;
  static char out[4096];
  watch_kit_init(&k);
  k.settings.segments = true;
  watch_kit_run(&k, tokens);
  out[0] = 0;
  const char *line = watch_kit_flush(&k);
  while (line && *line) {
    size_t n = strcspn(line, "\n");
    if ((line[0] == 'o' || line[0] == 'r') && line[1] == ' ')
      snprintf(out + strlen(out), sizeof out - strlen(out), "%s%.*s", out[0] ? "\n" : "", (int)n,
               line);
    line += n;
    if (*line) line++;
  }
  watch_kit_free(&k);
  return out;
}

static void marks(void **state)
{
  (void)state;
  static const struct {
    const char *tokens, *told;
  } cases[] = {
      {"S sa A", "o S\nr S.\no ."},
      {"S -S sa A", "o S\no S again\nr S.\no ."},
      {"S S+500 sa", "o S\no S syn_other\nr S."},
      {"S sa A A100x -A100 a", "o S\nr S.\no .\no .\no . again\nr ."},
      {"S sa A A100 a -A100 a", "o S\nr S.\no .\no .\nr .\no . again spurious\nr ."},
      {"S sa A A100 a A+100", "o S\nr S.\no .\no .\nr .\no ."},
      {"S sa A A5+100", "o S\nr S.\no .\no . ahead"},
      {"S sa A Aw0 a Aw9", "o S\nr S.\no .\no . zero_window\nr .\no . window_opens"},
      {"S sa A A100 aw0 A1 aw5",
       "o S\nr S.\no .\no .\nr . zero_window\no . window_probe\nr . window_opens"},
      {"S sa A A100 a A-1", "o S\nr S.\no .\no .\nr .\no . keepalive"},
      {"S sa A a#7", "o S\nr S.\no .\nr . acks_unseen"},
      {"S sa A R", "o S\nr S.\no .\no R rst_taken"},
      {"S sa A R+5000", "o S\nr S.\no .\no R rst_not_taken"},
      {"S ra", "o S\nr R. rst_taken"},
      {"R", "o R rst_taken"},
      {"S sa A r A A5!", "o S\nr S.\no .\nr R rst_taken\no . after_end\no . bad_checksum"},
      {"S sa A A5 a r a50", "o S\nr S.\no .\no .\nr .\nr R rst_taken\nr . rst_proved_false"},
      {"S sa A FA fa -FA A", "o S\nr S.\no .\no F.\nr F.\no F. again\no ."},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *have = told(cases[i].tokens);
    if (strcmp(have, cases[i].told) != 0) print_error("%s\n%s\n", cases[i].tokens, have);
    assert_string_equal(have, cases[i].told);
  }
}

// Rows do not change because somebody looks.
static void rows_are_the_same(void **state)
{
  (void)state;
  static const char *const stories[] = {"S",
                                        "S ra",
                                        "A",
                                        "FA",
                                        "S sa A A100 a FA fa A",
                                        "ra",
                                        "R",
                                        "S @400 S sa",
                                        "sa A A5",
                                        "S sa A @400 A5 a",
                                        "A5!",
                                        "A5! A5 a",
                                        "A5! @61 A5 A5",
                                        "A5! A5! @61 A5",
                                        "S! S sa A",
                                        "S! @61 S sa A",
                                        "fa! @12 fa"};
  static struct watch_kit a, b;
  for (unsigned i = 0; i < sizeof stories / sizeof *stories; i++) {
    watch_kit_init(&a);
    watch_kit_init(&b);
    b.settings.segments = true;
    watch_kit_run(&a, stories[i]);
    watch_kit_run(&b, stories[i]);
    char rows[4096] = "", *line;
    char copy[sizeof b.out];
    snprintf(copy, sizeof copy, "%s", watch_kit_flush(&b));
    for (char *rest = copy; (line = strsep(&rest, "\n")) != NULL;)
      if (*line && line[1] != ' ')
        snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "%s%s", rows[0] ? "\n" : "",
                 line);
    assert_string_equal(rows, watch_kit_flush(&a));
    watch_kit_free(&a);
    watch_kit_free(&b);
  }
}

// A life's first segment may be one that no host takes: that is told when it comes, and once.
static void first_is_wrong(void **state)
{
  (void)state;
  static const char *const stories[] = {"A5!", "A5! @1 A5 a", "A5! @61 A5 A5", "S! S sa A"};
  static struct watch_kit k;
  for (unsigned i = 0; i < sizeof stories / sizeof *stories; i++)
    for (unsigned segments = 0; segments < 2; segments++) {
      watch_kit_init(&k);
      k.settings.segments = segments;
      watch_kit_run(&k, stories[i]);
      watch_kit_flush(&k);
      if (k.ambiguities != 1) print_error("%s: %u\n%s\n", stories[i], k.ambiguities, k.out);
      assert_int_equal(k.ambiguities, 1);
      watch_kit_free(&k);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(marks),
      cmocka_unit_test(rows_are_the_same),
      cmocka_unit_test(first_is_wrong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
