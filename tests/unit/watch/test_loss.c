// SPDX-License-Identifier: BSD-2-Clause
// test_loss.c - packets that the system lost: the rows that overlap say so, others do not; and what the ceiling took.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "support/watch_kit.h"

static bool row_lost(struct watch_kit *k)
{
  struct estab_watch_record record;
  bool lost = false, told = false;
  while (estab_watch_next(k->w, &record))
    if (record.type == ESTAB_WATCH_CONN) {
      lost = record.conn.capture_loss;
      told = true;
    }
  assert_true(told);
  return lost;
}

// The loss was somewhere in the second that ends with `before`; the tokens `after` follow.
static void overlapping(void **state)
{
  (void)state;
  static const struct {
    const char *name, *before, *after;
    bool want;
  } rows[] = {
      {"open before and after", "S sa A @5", "A100 a", true},
      {"open before, silent since", "S sa A @5", "@1", true},
      {"an attempt without an answer", "S @5", "@1", true},
      {"an attempt answered after the loss", "S @3", "sa A", true},
      {"closed long before", "S sa A FA fa A @5", "@1", false},
      {"refused long before", "S ra @5", "@1", false},
      {"closed within the second", "S sa A FA fa A @0.5", "@1", true},
      {"begun after it", "=5000", "S sa A FA fa A", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    static struct watch_kit k;
    watch_kit_init(&k);
    watch_kit_run(&k, rows[i].before);
    if (k.w == NULL) assert_int_equal(estab_watch_new(&k.settings, &k.w), 0);
    estab_watch_capture_loss(k.w, 0, k.now_ns - 1000000000);
    estab_watch_capture_loss(k.w, 7, k.now_ns);
    watch_kit_run(&k, rows[i].after);
    estab_watch_flush(k.w);
    bool got = row_lost(&k);
    if (got != rows[i].want) print_error("%s: %d\n", rows[i].name, got);
    assert_int_equal(got, rows[i].want);
    struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
    estab_watch_stats(k.w, &stats);
    assert_int_equal(stats.capture_losses, 7);
    watch_kit_free(&k);
  }
}

// Zero packets lost are no loss, and end the time in which one may have been.
static void nothing_lost(void **state)
{
  (void)state;
  static struct watch_kit k;
  watch_kit_init(&k);
  watch_kit_run(&k, "S sa A FA fa A @5");
  estab_watch_capture_loss(k.w, 0, k.now_ns);
  watch_kit_run(&k, "@5");
  estab_watch_capture_loss(k.w, 1, k.now_ns);
  estab_watch_flush(k.w);
  assert_false(row_lost(&k));
  watch_kit_free(&k);
}

// A flood of SYNs into a small observer: what was shed is counted by what it was.
static void shed(void **state)
{
  (void)state;
  static struct watch_kit k;
  watch_kit_init(&k);
  k.no_frames = true;
  watch_kit_run(&k, "=1");
  if (k.w == NULL) assert_int_equal(estab_watch_new(&k.settings, &k.w), 0);
  k.no_frames = false;
  for (unsigned i = 0; i < 60000; i++) {
    k.port[0] = (uint16_t)(i + 1000);
    k.port[1] = (uint16_t)(80 + i / 60000);
    watch_kit_frame(&k, 0, 2, i * 7919, 0, 1000, "", 0, false);
    k.now_ns -= 990000;
    struct estab_watch_record record;
    while (estab_watch_next(k.w, &record))
      continue;
  }
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_stats(k.w, &stats);
  uint64_t all = 0;
  for (unsigned i = 0; i < ESTAB_WATCH_SHEDS; i++)
    all += stats.shed[i];
  assert_true(stats.shed[ESTAB_WATCH_SHED_SHORT] > 1000);
  assert_true(all >= stats.flows_evicted);
  assert_string_equal(estab_watch_shed_name(ESTAB_WATCH_SHED_SHORT), "probe");
  assert_string_equal(estab_watch_shed_name(ESTAB_WATCH_SHED_ESTABLISHED), "established");
  watch_kit_free(&k);
}

// A scan of closed ports into a small observer: refused probes make room for each other, and no row loses by that.
static void shed_refused(void **state)
{
  (void)state;
  static struct watch_kit k;
  watch_kit_init(&k);
  unsigned told = 0, rows = 0;
  for (unsigned i = 0; i < 40000; i++) {
    k.port[0] = (uint16_t)(i + 1000);
    k.side[0].acks = k.side[1].acks = false;
    watch_kit_run(&k, "S ra");
    k.now_ns -= 1980000;
    told += k.rows - rows; // by the kit
    rows = k.rows;
    k.out[0] = 0;
  }
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_stats(k.w, &stats);
  assert_true(stats.flows == 40000 && stats.flows_open + told == 40000);
  assert_true(stats.shed[ESTAB_WATCH_SHED_DONE] > 10000 &&
              stats.shed[ESTAB_WATCH_SHED_DONE] == told);
  assert_int_equal(stats.flows_evicted, 0);
  estab_watch_flush(k.w);
  struct estab_watch_record record;
  for (; estab_watch_next(k.w, &record); told++) {
    assert_string_equal(record.conn.conn_state, "REJ");
    assert_string_equal(record.conn.history, "Sr");
    assert_true(record.conn.final && !record.conn.evicted);
  }
  assert_int_equal(told, 40000);
  watch_kit_free(&k);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(overlapping),
      cmocka_unit_test(nothing_lost),
      cmocka_unit_test(shed),
      cmocka_unit_test(shed_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
