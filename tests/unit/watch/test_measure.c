// SPDX-License-Identifier: BSD-2-Clause
// test_measure.c - text that fills a hole: overtaken on its way, or sent again.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "support/watch_kit.h"

// Half the shortest round trip known decides: of the handshake, or of text and what acknowledged it.
static void late_or_again(void **state)
{
  (void)state;
  static const struct {
    const char *name, *tokens;
    unsigned reordered, retransmitted;
  } rows[] = {
      {"sooner than half the handshake's", "S @0.02 sa A A100 @0.06 a A100+100 @0.009 A100-200 a",
       1, 0},
      {"after it, text was acknowledged late",
       "S @0.02 sa A A100 @0.06 a A100+100 @0.011 A100-200 a", 0, 1},
      {"after half a text's, the SYN was answered late",
       "S @0.06 sa A A100 @0.02 a A100+100 @0.011 A100-200 a", 0, 1},
      {"a SYN said twice tells no round trip",
       "S @1 -S @0.001 sa A A100 @0.06 a A100+100 @0.029 A100-200 a", 1, 0},
      {"no text yet", "S @0.02 sa A A100+100 @0.009 A100-200 a", 1, 0},
      {"no text yet, after it", "S @0.02 sa A A100+100 @0.011 A100-200 a", 0, 1},
      {"nothing known", "S -S sa A A100+100 @0.0019 A100-200 a", 1, 0},
      {"nothing known, later", "S -S sa A A100+100 @0.0021 A100-200 a", 0, 1},
      {"begun in the middle, half a text's", "A100 @0.02 a A100+100 @0.009 A100-200 a", 1, 0},
      {"begun in the middle, after it", "A100 @0.02 a A100+100 @0.011 A100-200 a", 0, 1},
      {"begun in the middle, one way", "A100 A100+100 @0.0019 A100-200", 1, 0},
      {"begun in the middle, one way, later", "A100 A100+100 @0.0021 A100-200", 0, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    static struct watch_kit k;
    struct estab_watch_record record;
    watch_kit_init(&k);
    watch_kit_run(&k, rows[i].tokens);
    estab_watch_flush(k.w);
    uint64_t reordered = 0, retransmitted = 0;
    while (estab_watch_next(k.w, &record))
      if (record.type == ESTAB_WATCH_CONN) {
        reordered = record.conn.side[0].reordered_pkts;
        retransmitted = record.conn.side[0].retransmitted_pkts;
      }
    if (reordered != rows[i].reordered || retransmitted != rows[i].retransmitted)
      print_error("%s: %u reordered, %u again\n", rows[i].name, (unsigned)reordered,
                  (unsigned)retransmitted);
    assert_int_equal(reordered, rows[i].reordered);
    assert_int_equal(retransmitted, rows[i].retransmitted);
    watch_kit_free(&k);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(late_or_again)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
