// SPDX-License-Identifier: BSD-2-Clause
// test_scan_bounds.c - slow scans among a million sources, floods of forged ones, and the same word
// whatever the secret.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/scan_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct scan_kit *bounds_new(uint64_t max_bytes)
{
  struct scan_kit *k = malloc(sizeof *k);
  assert_non_null(k);
  scan_kit_start(k);
  k->settings.max_bytes = max_bytes;
  return k;
}

static void bounds_done(struct scan_kit *k)
{
  assert_in_range(k->mem.peak_bytes, 0, k->settings.max_bytes / 8);
  scan_kit_stop(k);
  free(k);
}

static unsigned bounds_size(unsigned whole)
{
  return getenv("ESTAB_LONG") ? whole : whole / 10;
}

// One target each ten minutes; between any two, the other sources come and go, each with a failure of its own.
static void test_slow_among_others(void **state)
{
  (void)state;
  static const char *const flags[] = {"S,m", "S,k"};
  for (unsigned f = 0; f < 2; f++) {
    unsigned others = bounds_size(1000000) / 32, x = 1;
    struct scan_kit *k = bounds_new(getenv("ESTAB_LONG") ? 256u << 20 : 26u << 20);
    for (unsigned i = 0; i < 32; i++) {
      scan_kitf(k, "%f 192.0.2.9:50000 > 10.0.0.1:%u %s closed", i * 600.0, i + 1, flags[f]);
      for (unsigned n = 0; n < others; n++) {
        x = x * 1664525 + 1013904223;
        scan_kitf(k, "%f %u.%u.%u.%u:%u > 10.0.%u.%u:445 %s %s", i * 600.0 + 1 + 598.0 * n / others,
                  11 + x % 150, x >> 8 & 255, x >> 16 & 255, x >> 24, 1024 + (x & 32767),
                  x >> 10 & 3, x >> 12 & 255, flags[f], n % 2 ? "closed" : "silent");
      }
    }
    scan_kit_finish(k);
    unsigned slow = 0;
    for (unsigned i = 0; i < k->alert_count; i++)
      if (k->alerts[i].a.geometry == ESTAB_WATCH_SLOW) {
        slow++;
        assert_true(k->alerts[i].src[0].bytes[12] == 192);
        assert_int_equal(k->alerts[i].a.port_count, 32);
      }
    assert_int_equal(slow, 1);
    assert_int_equal(k->alert_count, 1);
    bounds_done(k);
  }
}

// Everybody once, and a scanner that began before and goes on after it.
static void test_forged_sources_push_nobody_out(void **state)
{
  (void)state;
  static const char *const flags[] = {"S,m", "-", "F", ".", "S."};
  for (unsigned f = 0; f < 5; f++) {
    struct scan_kit *k = bounds_new(16u << 20);
    for (unsigned i = 0; i < 6; i++)
      scan_kitf(k, "%u 192.0.2.9:50000 > 10.0.0.1:%u S,mw99 closed", i, i + 1);
    unsigned count = bounds_size(1000000);
    for (unsigned n = 0; n < count; n++) {
      unsigned x = n * 2654435761u;
      scan_kitf(k, "%f %u.%u.%u.%u:%u > 10.0.0.2:80 %s closed", 10 + n * 2e-4, 11 + x % 150,
                x >> 8 & 255, x >> 16 & 255, x >> 24, 1024 + (x & 32767), flags[f]);
    }
    for (unsigned i = 0; i < 6; i++)
      scan_kitf(k, "%u 192.0.2.9:50000 > 10.0.0.1:%u S,mw99 closed", 300 + i, i + 7);
    scan_kit_finish(k);
    struct scan_kit_alert *a = scan_kit_find(k, ESTAB_WATCH_KIND_SYN_SCAN);
    assert_non_null(a);
    assert_int_equal(a->a.port_count, 12);
    assert_in_range(k->alert_count, 1, 4); // the flood is one thing, not a million
    bounds_done(k);
  }
}

// A flood, and more victims of one segment each between any two of its own than there is room for until it is known.
static void test_flood_under_cover(void **state)
{
  (void)state;
  struct scan_kit *k = bounds_new(16u << 20);
  const unsigned rate = 950, cover = 5;
  for (unsigned i = 0; i < rate * 4; i++) {
    scan_kitf(k, "%f 10.1.%u.%u:%u > 10.0.0.2:80 S half", 1 + (double)i / rate, i >> 8 & 255,
              i & 255, 1024 + i);
    for (unsigned n = i * cover; n < (i + 1) * cover; n++)
      scan_kitf(k, "%f 10.2.%u.%u:5000 > 10.3.%u.%u:80 S half",
                1 + (double)i / rate + 1e-6 * (n % cover + 1), n >> 8 & 255, n & 255, n >> 8 & 255,
                n & 255);
  }
  scan_kit_finish(k);
  struct scan_kit_alert *a = scan_kit_find(k, ESTAB_WATCH_KIND_SYN_FLOOD);
  assert_non_null(a);
  assert_int_equal(a->a.probes, rate * 4);
  bounds_done(k);
}

static uint64_t bounds_mixture(uint8_t secret, bool restless, uint64_t *alerts)
{
  struct scan_kit *k = bounds_new(4u << 20);
  memset(k->settings.secret, secret, sizeof k->settings.secret);
  k->restless = restless;
  unsigned x = 7;
  static const char *const flags[] = {"S,m", "S,k", "-", "F", ".", "F.", "S.", "FPU", "S,o", "R."};
  static const char *const fates[] = {"closed", "silent", "half", "touch", "data", "patient"};
  for (unsigned n = 0; n < 60000; n++) {
    x = x * 1664525 + 1013904223;
    unsigned source = x >> 24 & 127, kind = x >> 16 & 255;
    const char *flag = flags[(source + kind / 250) % 10];
    scan_kitf(k, "%f 10.%u.0.9:%u > 10.200.%u.%u:%u %s %s", n * .02, source,
              source % 3 ? 50000 : 1024 + (x >> 12 & 4095), x >> 8 & 3, x >> 10 & 63,
              1 + (x >> 14 & 127), flag,
              strchr(flag, 'S') && flag[1] == ',' ? fates[kind % 6] : fates[kind % 2]);
  }
  scan_kit_finish(k);
  uint64_t digest = k->digest;
  *alerts = k->alert_count;
  bounds_done(k);
  return digest;
}

static void test_same_word_whatever_the_secret(void **state)
{
  (void)state;
  uint64_t alerts, others;
  uint64_t digest = bounds_mixture(0, false, &alerts);
  assert_in_range(alerts, 20, 100000);
  for (uint8_t secret = 1; secret < 4; secret++) {
    assert_true(bounds_mixture(secret, false, &others) == digest);
    assert_int_equal(others, alerts);
  }
  assert_true(bounds_mixture(9, true, &others) == digest); // time told in smaller steps
}

// The door may refuse at each request of scan_new(): nothing is left behind.
static void test_born_without_memory(void **state)
{
  (void)state;
  struct scan_kit *k = bounds_new(64u << 20);
  unsigned refused = 0;
  for (k->mem.limit_bytes = 1000; !k->scan; k->mem.limit_bytes += k->mem.limit_bytes / 50) {
    k->scan = scan_new(&k->mem, &k->settings);
    if (k->scan) break;
    assert_int_equal(k->mem.in_use_bytes, 0);
    refused++;
  }
  assert_in_range(refused, 50, 2000);
  k->mem.limit_bytes = 0;
  scan_kit_finish(k);
  bounds_done(k);
}

// A source that is probed out of memory still ends, and nothing is lost but detail.
static void test_without_memory(void **state)
{
  (void)state;
  struct scan_kit *k = bounds_new(64u << 20);
  scan_kit_open(k);
  uint64_t base = k->mem.in_use_bytes;
  for (unsigned spare = 0; spare < 200000; spare += 1777) {
    k->mem.limit_bytes = base + spare;
    for (unsigned i = 0; i < 300; i++)
      scan_kitf(k, "%f 10.9.%u.9:50000 > 10.0.0.%u:%u %s closed", spare + i * .001, i % 5,
                i % 7 + 1, i, i % 2 ? "S,m" : "FPU");
  }
  scan_kit_finish(k);
  bounds_done(k);
}

// A scan is told under another name when most of its open ports say so, not at each that does; and no name is taken
// that another campaign of the same source has.
static void test_names_that_turn(void **state)
{
  (void)state;
  struct scan_kit *k = bounds_new(64u << 20);
  for (unsigned i = 0; i < 60; i++)
    scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:%u S,k closed", 1 + i * .001, 40000 + i, i + 1);
  for (unsigned i = 0; i < 40; i++) {
    scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:80 S,k %s", 3 + i * .1, 41000 + i,
              i % 2 ? "half" : "touch");
    scan_kit_until(k, 3 + i * .1 + .05);
  }
  assert_int_equal(k->alert_count, 1);
  assert_in_range(k->alerts[0].told, 1, 4);
  for (unsigned i = 0; i < 60; i++)
    scan_kitf(k, "%f 10.9.9.9:50000 > 10.0.0.1:%u S,m closed", 10 + i * .001, i + 1001);
  for (unsigned i = 0; i < 60; i++) // of the connect scan
    scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:80 S,k half", 11 + i * .1, 42000 + i);
  scan_kit_finish(k);
  scan_kit_expect(k, "connect_scan syn_scan");
  bounds_done(k);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_slow_among_others),
      cmocka_unit_test(test_forged_sources_push_nobody_out),
      cmocka_unit_test(test_flood_under_cover),
      cmocka_unit_test(test_same_word_whatever_the_secret),
      cmocka_unit_test(test_born_without_memory),
      cmocka_unit_test(test_without_memory),
      cmocka_unit_test(test_names_that_turn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
