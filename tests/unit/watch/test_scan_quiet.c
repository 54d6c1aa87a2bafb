// SPDX-License-Identifier: BSD-2-Clause
// test_scan_quiet.c - what must raise nothing, told to the detectors: whole, cut at two starts, seen one way.
#include <stdio.h>
#include <stdlib.h>

#include "support/quiet.h"
#include "support/scan_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

struct quiet_run {
  struct scan_kit *k;
  double from; // lives that begin earlier are not seen
};

static void quiet_tell(struct quiet *q, double at, const char *src, const char *dst,
                       const char *flags, const char *fate)
{
  struct quiet_run *run = q->ctx;
  if (at >= run->from) scan_kitf(run->k, "%f %s > %s %s %s", at, src, dst, flags, fate);
}

static unsigned quiet_lives;

static bool quiet_play(unsigned i, unsigned seed, double from, bool one_way)
{
  struct scan_kit *k = malloc(sizeof *k);
  assert_non_null(k);
  scan_kit_start(k);
  k->one_way = one_way;
  struct quiet_run run = {.k = k, .from = from};
  struct quiet q = {.life = quiet_tell, .ctx = &run, .random = seed};
  quiet_scenarios[i].play(&q);
  scan_kit_finish(k);
  quiet_lives += q.lives;
  bool quiet = k->alert_count == 0;
  for (unsigned n = 0; n < k->alert_count && n < 3; n++)
    fprintf(stderr, "%s, seed %u, from %g%s: %s\n   %s\n", quiet_scenarios[i].name, seed, from,
            one_way ? ", one way" : "", k->alerts[n].a.summary, k->alerts[n].evidence);
  scan_kit_stop(k);
  free(k);
  return quiet;
}

static void test_quiet(void **state)
{
  (void)state;
  unsigned loud = 0;
  for (unsigned i = 0; i < quiet_scenario_count; i++) {
    loud += !quiet_play(i, 1, 0, false);
    loud += !quiet_play(i, 2, 0, true);
    loud += !quiet_play(i, 3, 7.3, false);
    loud += !quiet_play(i, 4, 100.1, false);
  }
  printf("%u lives\n", quiet_lives);
  assert_int_equal(loud, 0);
  assert_true(quiet_scenario_count >= 25 && quiet_lives > 200000);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_quiet)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
