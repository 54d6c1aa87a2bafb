// SPDX-License-Identifier: BSD-2-Clause
// test_scan_benign.c - what looks like a scan until one asks who does it: by what it is told, and what nearly is one.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/scan_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct scan_kit *benign_new(void)
{
  struct scan_kit *k = malloc(sizeof *k);
  assert_non_null(k);
  scan_kit_start(k);
  return k;
}

static void benign_done(struct scan_kit *k)
{
  scan_kit_stop(k);
  free(k);
}

// `want`: the kind of the one alert, "" = none.
static void benign_expect(struct scan_kit *k, size_t row, const char *want)
{
  scan_kit_finish(k);
  if (k->alert_count != (*want != 0)) print_error("row %zu\n", row);
  scan_kit_expect(k, want);
  benign_done(k);
}

// Whoever was refused, pauses and asks again waits for a service: a scanner has its answer, or makes sure at once.
static void test_refused_and_asked_again(void **state)
{
  (void)state;
  static const struct {
    unsigned rounds;
    double gap_s;
    const char *fate, *want;
  } rows[] = {
      {1, 1, "closed", "connect_scan"},
      {4, 1, "closed", ""},
      {2, 2, "closed", ""},
      {2, .3, "closed", "connect_scan"}, // pnscan makes sure
      {4, 1, "silent", "connect_scan"},  // probes of what was lost
      {6, 1, "silent", ""},              // too often for that
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    struct scan_kit *k = benign_new();
    scan_kit(k, "0.1 10.1.1.1:1000 > 10.0.0.7:80 S,k data");
    for (unsigned i = 0; i < 20 * rows[r].rounds; i++)
      scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:%u S,k %s", 1 + i / 20 * rows[r].gap_s + i % 20 * .01,
                33000 + i * 7, 8101 + i % 20, rows[r].fate);
    benign_expect(k, r, rows[r].want);
  }
}

// Who guesses addresses meets silence, or neighbours. Hosts in nets all over that refuse, and are there, were known by
// name: mail for those that take none, a page's advertisers.
static void test_refused_by_hosts_all_over(void **state)
{
  (void)state;
  static const struct {
    unsigned count, spread; // spread: /16 nets of so many hosts
    const char *fate, *want;
    double at_s;
  } rows[] = {
      {12, 1, "closed", "", 30},
      {12, 1, "silent", "connect_scan", 30},
      {12, 1, "admin", "connect_scan", 30},
      {12, 12, "closed", "connect_scan", 30},
      {12, 2, "closed", "connect_scan", 30},
      {12, 1, "silent", "", 1}, // SYNs before the tap began
      {12, 12, "silent", "connect_scan", 1},
      {60, 1, "silent", "connect_scan", 1},
      {40, 1, "closed", "", 30},
      {60, 1, "closed", "connect_scan", 30}, // as many at once
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
    for (unsigned v6 = 0; v6 < 2; v6++) {
      struct scan_kit *k = benign_new();
      scan_kit(k, "0.1 10.1.1.1:1000 > 10.0.0.7:80 S,k data");
      for (unsigned i = 0; i < rows[r].count; i++) {
        const unsigned net = i / rows[r].spread * 29 + 1;
        char dst[64];
        snprintf(dst, sizeof dst, v6 ? "20%02x:%x:%x::7:25" : "%u.%u.%u.7:25", 20 + net % 97,
                 net % 200, i);
        scan_kitf(k, "%f %s:%u > %s S,k %s", rows[r].at_s + i * .2,
                  v6 ? "2001:db8:ff::5" : "10.9.9.9", 40000 + i * 7, dst, rows[r].fate);
      }
      scan_kit_finish(k);
      if (k->alert_count != (*rows[r].want != 0)) print_error("row %zu, IPv%d\n", r, v6 ? 6 : 4);
      scan_kit_expect(k, rows[r].want);
      benign_done(k);
    }
}

// The tap has not an attempt's first SYNs: how long it waits between those that it has shows patience as well.
static void test_patience_begun_before(void **state)
{
  (void)state;
  static const struct {
    const char *fate, *want;
  } rows[] = {{"waits", ""}, {"retries", "connect_scan"}};
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    struct scan_kit *k = benign_new();
    scan_kit(k, "0.1 10.1.1.1:1000 > 10.0.0.7:80 S,k data");
    for (unsigned i = 0; i < 14; i++)
      scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.%u:9100 S,k %s", 1 + i * .2, 40000 + i * 7, i,
                rows[r].fate);
    benign_expect(k, r, rows[r].want);
  }
}

// A server of files opens data connections to ports that its clients named (RFC 959), and a firewall refuses them.
static void test_active_data_refused(void **state)
{
  (void)state;
  static const struct {
    const char *before;
    unsigned first_port, count, source_port;
    const char *want;
    bool one_way;
  } rows[] = {
      {"0.5 10.0.0.7:40000 > 203.0.113.21:21 S,k data", 40000, 30, 20, "", false},
      {"0.5 203.0.113.21:21 > 10.0.0.7:40000 S.,k alive", 40000, 30, 20, "", true}, // one way
      {"0.5 10.0.0.7:40000 > 203.0.113.21:80 S,k data", 40000, 30, 20, "connect_scan", false},
      {"0.5 10.0.0.7:40000 > 203.0.113.21:21 S,k data", 1, 30, 20, "connect_scan", false},
      {"0.5 10.0.0.7:40000 > 203.0.113.21:21 S,k data", 40000, 60, 20, "connect_scan", false},
      {"0.5 10.0.0.7:40000 > 203.0.113.21:21 S,k data", 40000, 30, 30000, "connect_scan", false},
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    struct scan_kit *k = benign_new();
    k->one_way = rows[r].one_way;
    scan_kit(k, rows[r].before);
    for (unsigned i = 0; i < rows[r].count; i++)
      scan_kitf(k, "%f 203.0.113.21:%u > 10.0.0.7:%u S,k closed", 1 + i * .05, rows[r].source_port,
                rows[r].first_port + i * 13);
    benign_expect(k, r, rows[r].want);
  }
}

// A service that is down, on a tap that sees its side alone: its clients have ports of clients, forged sources any.
static void test_down_seen_one_way(void **state)
{
  (void)state;
  static const struct {
    unsigned clients, rounds, first_port, step;
    const char *want;
  } rows[] = {
      {40, 1, 2000, 1543, "backscatter"}, // ports of every size
      {40, 1, 34000, 640, ""},            // as kernels choose them
      {20, 2, 2000, 1543, "backscatter"}, // of a small net each host is forged again and again
      {12, 1, 34000, 640, ""},
      {40, 1, 30000, 640, "backscatter"},
      {40, 1, 50000, 0, "backscatter"}, // one port for all
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    struct scan_kit *k = benign_new();
    k->one_way = true;
    for (unsigned i = 0; i < rows[r].clients * rows[r].rounds; i++)
      scan_kitf(k, "%f 192.0.2.7:80 > 10.0.%u.7:%u R. silent", 1 + i * .05, i % rows[r].clients,
                rows[r].first_port + i * rows[r].step % (65535 - rows[r].first_port));
    benign_expect(k, r, rows[r].want);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refused_and_asked_again),
      cmocka_unit_test(test_refused_by_hosts_all_over),
      cmocka_unit_test(test_patience_begun_before),
      cmocka_unit_test(test_active_data_refused),
      cmocka_unit_test(test_down_seen_one_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
