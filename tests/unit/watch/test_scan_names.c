// SPDX-License-Identifier: BSD-2-Clause
// test_scan_names.c - every kind of scan and attack by its name, and what nearly is one by none.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/scan_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct scan_kit *names_new(void)
{
  struct scan_kit *k = malloc(sizeof *k);
  assert_non_null(k);
  scan_kit_start(k);
  return k;
}

static void names_done(struct scan_kit *k)
{
  scan_kit_stop(k);
  free(k);
}

// `count` probes to the ports from 1 on; %d of the fate's format is not used.
static void names_ports(struct scan_kit *k, double from, double step, const char *src,
                        unsigned sport, unsigned sport_step, const char *flags, unsigned count,
                        const char *fate)
{
  for (unsigned i = 0; i < count; i++)
    scan_kitf(k, "%f %s:%u > 10.0.0.1:%u %s %s", from + i * step, src, sport + i * sport_step,
              i + 1, flags, fate);
}

static void test_syn_scan_of_a_host(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  scan_kit(k, "0.5 10.9.9.9:50000 > 10.0.0.1:443 S,mw1024 half");
  names_ports(k, 1, 0.001, "10.9.9.9", 50000, 0, "S,mw1024", 7, "closed");
  assert_int_equal(k->alert_count, 0);
  names_ports(k, 2, 0.001, "10.9.9.9", 50000, 0, "S,mw1024", 20, "closed");
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan");
  struct scan_kit_alert *a = scan_kit_find(k, ESTAB_WATCH_KIND_SYN_SCAN);
  assert_int_equal(a->a.geometry, ESTAB_WATCH_VERTICAL);
  assert_int_equal(a->a.answers[ESTAB_WATCH_CLOSED].count, 20);
  assert_int_equal(a->a.answers[ESTAB_WATCH_OPEN].count, 1);
  assert_int_equal(a->open[0], 443);
  assert_int_equal(a->a.port_count, 21);
  assert_true(a->a.ended);
  assert_string_equal(a->evidence, "10.9.9.9:50000 > 10.0.0.1:443 S, open");
  names_done(k);
}

static void test_seven_are_none(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  names_ports(k, 1, 0.001, "10.9.9.9", 50000, 0, "S,m", 7, "closed");
  names_ports(k, 2, 0.001, "10.9.9.9", 50000, 0, "S,m", 7, "closed"); // the same ones
  scan_kit_finish(k);
  scan_kit_expect(k, "");
  names_done(k);
}

static void test_syn_scan_of_a_net(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  for (unsigned i = 1; i < 255; i++)
    scan_kitf(k, "%f 10.9.9.9:50000 > 10.0.0.%u:22 S,mw1024 %s", 1 + i * 0.001, i,
              i % 16 ? "silent" : "half");
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan");
  struct scan_kit_alert *a = scan_kit_find(k, ESTAB_WATCH_KIND_SYN_SCAN);
  assert_int_equal(a->a.geometry, ESTAB_WATCH_HORIZONTAL);
  assert_int_equal(a->a.dst_count, 254);
  assert_int_equal(a->a.answers[ESTAB_WATCH_OPEN].count, 15);
  assert_int_equal(a->a.answers[ESTAB_WATCH_FILTERED].count, 239);
  names_done(k);
}

static void test_silence_on_one_way_tap_is_unknown(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  k->one_way = true;
  names_ports(k, 1, 0.001, "10.9.9.9", 50000, 0, "S,m", 20, "closed");
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan");
  struct scan_kit_alert *a = scan_kit_find(k, ESTAB_WATCH_KIND_SYN_SCAN);
  assert_int_equal(a->a.answers[ESTAB_WATCH_UNKNOWN].count, 20);
  assert_int_equal(a->a.answers[ESTAB_WATCH_FILTERED].count, 0);
  names_done(k);
}

static void test_connect_scan(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  for (unsigned i = 0; i < 100; i++)
    scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:%u S,k %s", 1 + i * 0.001, 40000 + i * 2, i + 1,
              i == 21 || i == 79 ? "touch" : "closed");
  scan_kit_finish(k);
  scan_kit_expect(k, "connect_scan");
  struct scan_kit_alert *a = scan_kit_find(k, ESTAB_WATCH_KIND_CONNECT_SCAN);
  assert_int_equal(a->a.answers[ESTAB_WATCH_OPEN].count, 2);
  assert_int_equal(a->open[0], 22);
  assert_int_equal(a->open[1], 80);
  assert_int_equal(a->a.src_proven_count, 1);
  names_done(k);
}

static void test_small_connect_scan_waits(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  for (unsigned i = 0; i < 20; i++)
    scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:%u S,k closed", 1 + i * 0.001, 40000 + i * 2, i + 1);
  scan_kit_until(k, 300);
  assert_int_equal(k->alert_count, 0);
  scan_kit_until(k, 332);
  assert_int_equal(k->alert_count, 1);
  scan_kit_finish(k);
  scan_kit_expect(k, "connect_scan");
  names_done(k);
}

static void test_ten_ports_without_any_answer(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  for (unsigned i = 0; i < 10; i++)
    scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:%u S,k silent", 1 + i * 1e-5, 52038 + i, 20 + i * 7);
  scan_kit_finish(k);
  scan_kit_expect(k, "connect_scan");
  assert_int_equal(k->alerts[0].a.answers[ESTAB_WATCH_UNKNOWN].count, 10);
  names_done(k);
}

static void test_half_open_scan_with_a_kernels_syn(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  for (unsigned i = 0; i < 100; i++)
    scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:%u S,k %s", 1 + i * 0.001, 40000u, i + 1,
              i % 20 == 3 ? "half" : "closed");
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan");
  names_done(k);
}

// Half-open or connected is told by the ports that are open, as soon as there is one.
static void test_half_open_late_or_once(void **state)
{
  (void)state;
  static const struct {
    unsigned half, touched[2], probes; // at which probe; 0 = none
    const char *kind;
  } rows[] = {
      {11, {0, 0}, 30, "syn_scan"},        {70, {0, 0}, 100, "syn_scan"},
      {0, {11, 0}, 30, "connect_scan"},    {0, {70, 0}, 100, "connect_scan"},
      {60, {70, 80}, 100, "connect_scan"}, {5, {70, 80}, 100, "connect_scan"},
      {0, {0, 0}, 100, "connect_scan"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct scan_kit *k = names_new();
    unsigned open = 0;
    for (unsigned n = 1; n <= rows[i].probes; n++) {
      const bool half = n == rows[i].half;
      const bool touch = n == rows[i].touched[0] || n == rows[i].touched[1];
      open += half || touch;
      scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:%u S,k %s", 1 + n * 0.001, 40000u + n, n,
                half ? "half" : (touch ? "touch" : "closed"));
    }
    scan_kit_finish(k);
    scan_kit_expect(k, rows[i].kind);
    assert_int_equal(k->alerts[0].a.answers[ESTAB_WATCH_OPEN].count, open);
    assert_int_equal(k->alerts[0].a.probes, rows[i].probes);
    names_done(k);
  }
}

static void test_one_packet_is_enough(void **state)
{
  (void)state;
  static const struct {
    const char *flags, *kind;
    enum estab_watch_answer answer;
  } rows[] = {
      {"F", "fin_scan", ESTAB_WATCH_CLOSED},     {"-", "null_scan", ESTAB_WATCH_CLOSED},
      {"FPU", "xmas_scan", ESTAB_WATCH_CLOSED},  {"FU", "xmas_scan", ESTAB_WATCH_CLOSED},
      {"SF", "synfin_scan", ESTAB_WATCH_CLOSED}, {"SFP", "synfin_scan", ESTAB_WATCH_CLOSED},
      {"SR", "bogus_flags", ESTAB_WATCH_CLOSED}, {"FSRP.U", "bogus_flags", ESTAB_WATCH_CLOSED},
      {"P", "bogus_flags", ESTAB_WATCH_CLOSED},  {"SF.", "bogus_flags", ESTAB_WATCH_CLOSED},
      {"EW", "null_scan", ESTAB_WATCH_CLOSED},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (unsigned silent = 0; silent < 2; silent++) {
      struct scan_kit *k = names_new();
      scan_kit(k, "0.1 10.1.1.1:1000 > 10.0.0.7:80 S,k data"); // both directions are seen
      scan_kitf(k, "1 10.9.9.9:40000 > 10.0.0.1:80 %s %s", rows[i].flags,
                silent ? "silent" : "closed");
      scan_kit_finish(k);
      scan_kit_expect(k, rows[i].kind);
      enum estab_watch_answer want = silent ? ESTAB_WATCH_OPEN_OR_FILTERED : rows[i].answer;
      assert_int_equal(k->alerts[0].a.answers[want].count, 1);
      names_done(k);
    }
}

static void test_segments_that_any_life_begins_with(void **state)
{
  (void)state;
  static const char *const flags[] = {"S,k", "S,m", ".",     "F.",  "P.",  "FP.",  "S.,k",
                                      "R",   "R.",  "R.,q1", "P.U", ".,d", "SEW,k"};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    struct scan_kit *k = names_new();
    for (unsigned n = 0; n < 4; n++)
      scan_kitf(k, "%u 10.9.9.9:%u > 10.0.0.1:%u %s closed", 1 + n, 40000 + n, 80 + n, flags[i]);
    scan_kit_finish(k);
    scan_kit_expect(k, "");
    names_done(k);
  }
}

static void test_land(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  scan_kit(k, "1 127.0.0.1:40000 > 127.0.0.1:40000 S,k silent"); // a socket that connects to itself
  assert_int_equal(k->alert_count, 0);
  scan_kit(k, "1 10.0.0.1:80 > 10.0.0.1:80 S silent");
  scan_kit_finish(k);
  scan_kit_expect(k, "land");
  names_done(k);
}

static void test_ack_scan(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  names_ports(k, 1, 0.001, "10.9.9.9", 50000, 0, ".", 4, "closed");
  assert_int_equal(k->alert_count, 0);
  names_ports(k, 2, 0.001, "10.9.9.9", 50000, 0, ".", 20, "closed");
  for (unsigned i = 30; i < 40; i++)
    scan_kitf(k, "%f 10.9.9.9:50000 > 10.0.0.1:%u . silent", 3 + i * .001, i);
  scan_kit_finish(k);
  scan_kit_expect(k, "ack_or_window_scan");
  struct estab_watch_alert *a = &k->alerts[0].a;
  assert_int_equal(a->answers[ESTAB_WATCH_UNFILTERED].count, 20);
  assert_int_equal(a->answers[ESTAB_WATCH_FILTERED].count, 10);
  assert_int_equal(a->answers[ESTAB_WATCH_OPEN].count, 0);
  names_done(k);
}

static void test_ack_probes_with_clocks_are_lives(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  names_ports(k, 1, 0.001, "10.9.9.9", 40000, 7, ".,t", 40, "closed");
  scan_kit_finish(k);
  scan_kit_expect(k, "");
  names_done(k);
}

static void test_maimon_scan(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  names_ports(k, 1, 0.001, "10.9.9.9", 50000, 0, "F.", 20, "closed");
  scan_kit_finish(k);
  scan_kit_expect(k, "maimon_scan");
  names_done(k);
}

static void test_synack_scan(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  names_ports(k, 1, 0.001, "10.9.9.9", 50000, 1, "S.", 20, "closed");
  scan_kit_finish(k);
  scan_kit_expect(k, "synack_scan");
  names_done(k);
}

static void test_os_probe_raises_nothing_else(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  static const char *const probes[] = {"S,ow1", "S,ow63", "S,ow4", "S,ow16", "S,ow512"};
  for (unsigned i = 0; i < 5; i++)
    scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:22 %s half", 1 + i * .1, 50000 + i, probes[i]);
  scan_kit(k, "2.0 10.9.9.9:50010 > 10.0.0.1:22 -,ow128 silent");
  scan_kit(k, "2.1 10.9.9.9:50011 > 10.0.0.1:22 SFPU,ow256 half");
  scan_kit(k, "2.2 10.9.9.9:50012 > 10.0.0.1:22 .,ow1024 closed");
  scan_kit(k, "2.3 10.9.9.9:50013 > 10.0.0.1:1 S,ow31337 closed");
  scan_kit(k, "2.4 10.9.9.9:50014 > 10.0.0.1:1 .,ow32768 closed");
  scan_kit(k, "2.5 10.9.9.9:50015 > 10.0.0.1:1 FPU,ow65535 closed");
  scan_kit_finish(k);
  scan_kit_expect(k, "os_probe");
  assert_int_equal(k->alerts[0].a.probes, 11);
  names_done(k);
}

static void test_modifiers(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  names_ports(k, 1, 0.001, "10.9.9.9", 50000, 0, "S,mfd", 20, "closed");
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan");
  assert_int_equal(k->alerts[0].a.modifiers, ESTAB_WATCH_FRAGMENTED | ESTAB_WATCH_DATA);
  names_done(k);
  k = names_new();
  names_ports(k, 1, 0.001, "10.9.9.9", 50000, 0, "S,mcd", 20, "closed");
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan");
  assert_int_equal(k->alerts[0].a.modifiers, ESTAB_WATCH_TFO | ESTAB_WATCH_DATA);
  names_done(k);
  k = names_new();
  names_ports(k, 1, 0.001, "10.9.9.9", 50000, 0, "S,mx", 20, "closed");
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan");
  assert_int_equal(k->alerts[0].a.modifiers, ESTAB_WATCH_TFO);
  names_done(k);
}

static void test_block(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  for (unsigned i = 0; i < 100; i++)
    scan_kitf(k, "%f 10.9.9.9:50000 > 10.0.0.%u:%u S,m closed", 1 + i * .01, i % 10 + 1,
              i % 7 + 20);
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan");
  assert_int_equal(k->alerts[0].a.geometry, ESTAB_WATCH_BLOCK);
  names_done(k);
}

static void test_decoys(void **state)
{
  (void)state;
  for (unsigned kind = 0; kind < 2; kind++) {
    struct scan_kit *k = names_new();
    for (unsigned i = 0; i < 40; i++)
      for (unsigned d = 0; d < 5; d++)
        scan_kitf(k, "%f 10.9.%u.9:50000 > 10.0.0.1:%u %s closed", 1 + i * .05 + d * .001, d, i + 1,
                  kind ? "FPU" : "S,m");
    scan_kit_finish(k);
    scan_kit_expect(k, kind ? "xmas_scan" : "syn_scan");
    struct estab_watch_alert *a = &k->alerts[0].a;
    assert_int_equal(a->geometry, ESTAB_WATCH_DECOY_SET);
    assert_int_equal(a->src_count, 5);
    assert_int_equal(a->role, ESTAB_WATCH_ROLE_CANDIDATE);
    assert_true(a->modifiers & ESTAB_WATCH_DECOY);
    assert_int_equal(a->port_count, 40);
    names_done(k);
  }
}

static void test_distributed(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  for (unsigned i = 0; i < 400; i++)
    scan_kitf(k, "%f 10.9.%u.9:50000 > 10.0.0.1:%u S,m closed", 1 + i * .01, i % 8, i + 1);
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan");
  struct estab_watch_alert *a = &k->alerts[0].a;
  assert_int_equal(a->geometry, ESTAB_WATCH_DISTRIBUTED);
  assert_int_equal(a->src_count, 8);
  assert_int_equal(a->port_count, 400);
  names_done(k);
}

// Every source stays below its threshold; together they are a scan of their victim. What strangers do is none.
static void test_distributed_below(void **state)
{
  (void)state;
  static const struct {
    unsigned sources, each, first_port,
        ports_of; // 0: all ask for the same ports, 2: each from one of its own
    double gap_s;
    const char *flags, *want;
  } rows[] = {
      {8, 5, 1, 1, .1, "S,mw1024", "syn_scan"},
      {70, 1, 1, 1, .1, "S,mw1024", "syn_scan"},
      {5, 6, 1, 1, 15, "S,mw1024", "syn_scan"},
      {4, 7, 1, 1, .1, "S,mw1024", ""},
      {40, 1, 1, 1, .1, "S,mw1024", ""},
      {8, 5, 1, 0, .1, "S,mw1024", ""},
      {8, 5, 1, 1, 60, "S,mw1024", ""},
      {8, 5, 1, 1, .1, "S,k", "connect_scan"},
      {8, 5, 20000, 1, .1, "S,k", ""},
      {70, 1, 1, 1, .1, "S,k", ""},
      {10, 4, 1, 1, .1, ".", "ack_or_window_scan"}, // five are a scan of one source
      {10, 4, 1024, 1, .1, ".", ""},
      {40, 1, 1, 1, .1, ".", ""},
      {7, 4, 1, 1, .1, ".", ""},
      {10, 4, 1, 0, .1, ".", ""},
      {10, 4, 1, 2, .1, "F.", "maimon_scan"},
      {10, 4, 1, 1, .1, "F.", ""},
      {10, 4, 1, 1, .1, ".,t", ""},
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    struct scan_kit *k = names_new();
    unsigned ports = rows[r].sources * rows[r].each;
    for (unsigned i = 0; i < ports; i++)
      scan_kitf(k, "%f 10.9.%u.9:%u > 10.0.0.1:%u %s closed", 1 + i * rows[r].gap_s,
                i % rows[r].sources,
                40000 + (rows[r].ports_of == 2 ? i % rows[r].sources : i) * 7 % 5000,
                rows[r].first_port + (rows[r].ports_of ? i : i / rows[r].sources), rows[r].flags);
    scan_kit_finish(k);
    if (k->alert_count != (*rows[r].want != 0)) print_error("row %zu\n", r);
    scan_kit_expect(k, rows[r].want);
    if (*rows[r].want) {
      struct estab_watch_alert *a = &k->alerts[0].a;
      assert_int_equal(a->geometry, ESTAB_WATCH_DISTRIBUTED);
      assert_int_equal(a->src_count, rows[r].sources);
      assert_int_equal(a->port_count, ports);
      assert_int_equal(a->dst_count, 1);
      assert_non_null(strstr(k->alerts[0].explanation, "None of them alone"));
    }
    names_done(k);
  }
}

static void test_two_scanners_are_two(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  names_ports(k, 1, .001, "10.9.9.9", 50000, 0, "S,mw1024", 30, "closed");
  names_ports(k, 20, .001, "10.9.9.8", 50000, 0, "S,w512", 30, "closed");
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan syn_scan");
  names_done(k);
}

static void test_idle_scan(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  for (unsigned i = 0; i < 30; i++) {
    scan_kitf(k, "%f 10.9.9.9:%u > 10.5.5.5:80 S. closed", 1 + i * .2, 60000 + i);
    scan_kitf(k, "%f 10.5.5.5:80 > 10.0.0.1:%u S,m closed", 1.1 + i * .2, i + 1);
  }
  scan_kit_finish(k);
  scan_kit_expect(k, "idle_scan");
  struct scan_kit_alert *a = &k->alerts[0];
  assert_int_equal(a->a.role, ESTAB_WATCH_ROLE_ZOMBIE);
  assert_non_null(strstr(a->explanation, "10.9.9.9"));
  names_done(k);
}

static void test_ipv6_sources_are_a_64(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  for (unsigned i = 0; i < 30; i++)
    scan_kitf(k, "%f 2001:db8:1:1::%x:50000 > 2001:db8::1:%u S,m closed", 1 + i * .01, i + 1,
              i + 1);
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan");
  assert_int_equal(k->alerts[0].a.geometry, ESTAB_WATCH_VERTICAL);
  assert_int_equal(k->alerts[0].a.src_count, 30);
  names_done(k);
}

static void test_walk_decides_after_four_hosts(void **state)
{
  (void)state;
  for (unsigned local = 0; local < 2; local++) {
    struct scan_kit *k = names_new();
    for (unsigned i = 0; i < 4; i++)
      scan_kitf(k, "%u %s:50000 > 10.0.0.%u:22 S,m closed", 1 + i, local ? "10.9.9.9" : "192.0.2.9",
                i + 1);
    scan_kit_finish(k);
    scan_kit_expect(k, local ? "" : "syn_scan");
    names_done(k);
  }
}

// Who ends its handshakes is no half-open scanner, whatever its SYN lacks.
static void test_crafted_handshakes_that_end(void **state)
{
  (void)state;
  for (unsigned half = 0; half < 2; half++) {
    struct scan_kit *k = names_new();
    for (unsigned i = 0; i < 12; i++)
      scan_kitf(k, "%u 10.9.9.9:%u > 10.0.0.%u:4840 S,m %s", 1 + i, 40000 + i, i + 1,
                half ? "half" : "touch");
    scan_kit_finish(k);
    scan_kit_expect(k, half ? "syn_scan" : "");
    names_done(k);
  }
}

// One success, however often, excuses no scan; nor do many attempts that had an excuse days ago.
static void test_cheap_successes_excuse_nothing(void **state)
{
  (void)state;
  static const struct {
    const char *often, *flags, *want;
    bool hosts; // else the ports of one host
  } rows[] = {
      {"S,m data", "S,mw1024", "syn_scan", false},
      {"S,k data", "S,k", "connect_scan", true},
      {".,w500 alive", ".", "ack_or_window_scan", false},
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    struct scan_kit *k = names_new();
    for (unsigned i = 0; i < 90; i++)
      scan_kitf(k, "%f 10.9.9.9:%u > 10.0.1.1:443 %s", 1 + i * .1, 30000 + i * 7, rows[r].often);
    for (unsigned i = 0; i < 100; i++)
      scan_kitf(k, "%f 10.9.9.9:50000 > 10.0.0.%u:%u %s closed", 20 + i * .01,
                rows[r].hosts ? i + 1 : 1, rows[r].hosts ? 443 : i + 1, rows[r].flags);
    scan_kit_finish(k);
    scan_kit_expect(k, rows[r].want);
    names_done(k);
  }
}

// A connection that IPv6 refuses and IPv4 takes up is a race, not a probe; without the winner it is one.
static void test_refused_in_one_family(void **state)
{
  (void)state;
  for (unsigned lost = 0; lost < 2; lost++) {
    struct scan_kit *k = names_new();
    for (unsigned i = 0; i < 14; i++) {
      scan_kitf(k, "%f 2001:db8:ff::5:%u > 2001:db8:%u::1:443 S,k closed", 1 + i * 12.,
                40000 + i * 7, i + 1);
      if (!lost)
        scan_kitf(k, "%f 10.0.0.5:%u > 203.0.113.%u:443 S,k data", 1.01 + i * 12., 50000 + i * 7,
                  i + 1);
    }
    scan_kit_finish(k);
    scan_kit_expect(k, lost ? "connect_scan" : "");
    names_done(k);
  }
}

// Ports of hosts, in any order: none of them alone is a shape. All of it belongs to one alert.
static void test_block_by_connect(void **state)
{
  (void)state;
  static const struct {
    unsigned hosts, ports, step; // step: the n-th probe is the n * step-th pair
    const char *fate;
  } rows[] = {
      {120, 2, 1, "closed"}, {120, 3, 1, "closed"},  {120, 4, 1, "silent"},
      {120, 7, 1, "closed"}, {100, 10, 1, "closed"}, {60, 50, 1009, "closed"},
      {50, 60, 1, "silent"},
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    struct scan_kit *k = names_new();
    const unsigned all = rows[r].hosts * rows[r].ports;
    for (unsigned i = 0; i < all; i++) {
      const unsigned n = (unsigned)((uint64_t)i * rows[r].step % all);
      scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.%u:%u S,k %s", 1 + i * .01, 33000 + i * 2 % 20000,
                n / rows[r].ports + 1, n % rows[r].ports * 37 + 21, rows[r].fate);
    }
    scan_kit_finish(k);
    if (k->alert_count != 1) print_error("row %zu\n", r);
    scan_kit_expect(k, "connect_scan");
    assert_int_equal(k->alerts[0].a.probes, all);
    assert_int_equal(k->alerts[0].a.dst_count, rows[r].hosts);
    assert_int_equal(k->alerts[0].a.port_count, rows[r].ports);
    names_done(k);
  }
}

static void test_a_make_that_changes(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  for (unsigned i = 0; i < 600; i++)
    scan_kitf(k, "%f 10.9.9.9:50000 > 10.0.0.1:%u S,mw%u closed", 1 + i * .01, i + 1,
              1024 + i * 7919 % 60000);
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan");
  assert_int_equal(k->alerts[0].a.probes, 600);
  names_done(k);
}

// What strangers ask a host for does not hide those who share its ports out.
static void test_distributed_among_strangers(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  for (unsigned i = 0; i < 120; i++) {
    scan_kitf(k, "%f 10.9.%u.9:50000 > 10.0.0.1:%u S,mw1024 closed", 1 + i * .5, i % 24, i + 1);
    for (unsigned j = 0; j < 3; j++)
      scan_kitf(k, "%f 172.16.%u.%u:50000 > 10.0.0.1:%u S,mw%u closed", 1.1 + i * .5 + j * .1, i, j,
                (i * 3 + j) % 4 + 22, 2000 + (i * 3 + j) * 7919 % 60000);
  }
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan");
  assert_in_range(k->alerts[0].a.src_count, 24,
                  30); // a make is seven bits: some strangers share it
  assert_int_equal(k->alerts[0].a.port_count, 120);
  names_done(k);
}

// Notes of yesterday make room: where the table was full of them, somebody who shares a scan out is still seen among
// strangers.
static void test_distributed_behind_old_notes(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  k->settings.max_bytes = 16 << 20;
  for (unsigned i = 0; i < 1000; i++)
    for (unsigned j = 0; j < 4; j++)
      scan_kitf(k, "%f 172.16.%u.%u:50000 > 10.1.%u.%u:%u S,mw1024 closed", 1 + i * .1 + j * .01,
                i / 250, i % 250, i / 250, i % 250, 80 + j);
  for (unsigned i = 0; i < 40; i++) {
    scan_kitf(k, "%f 10.9.%u.9:50000 > 10.0.0.1:%u S,mw1024 closed", 7200 + i * .5, i % 8, i + 1);
    for (unsigned j = 0; j < 3; j++)
      scan_kitf(k, "%f 172.17.%u.%u:50000 > 10.2.%u.%u:23 S,mw1024 closed",
                7200.1 + i * .5 + j * .1, i, j, i, j);
  }
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan");
  assert_int_equal(k->alerts[0].a.port_count, 40);
  names_done(k);
}

// Services of several ports on hosts that are off, asked again each five minutes: fewer than what is remembered.
static void test_monitor_of_several_ports(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  for (unsigned i = 0; i < 10 * 57; i++)
    scan_kitf(k, "%f 10.0.0.30:%u > 10.0.3.%u:%u S,k closed", 1 + i / 57 * 300. + i % 57 * .2,
              33000 + i * 7, i % 57 / 3 + 1, 9100 + i % 3);
  scan_kit_finish(k);
  scan_kit_expect(k, "");
  names_done(k);
}

static void test_port_zero(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  for (unsigned i = 0; i < 21; i++)
    scan_kitf(k, "%f 10.9.9.9:50000 > 10.0.0.1:%u S,m closed", 1 + i * .1, i);
  scan_kit_finish(k);
  scan_kit_expect(k, "syn_scan");
  assert_int_equal(k->alerts[0].a.port_count, 21);
  assert_int_equal(k->alerts[0].a.ports_listed, 21);
  names_done(k);
}

// From a server's port: once it is named, the ports of clients are its targets, too.
static void test_ack_scan_from_port_80(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  for (unsigned i = 1; i <= 1500; i++)
    scan_kitf(k, "%f 10.9.9.9:80 > 10.0.0.1:%u . closed", 1 + i * .01, i);
  scan_kit_finish(k);
  scan_kit_expect(k, "ack_or_window_scan");
  assert_int_equal(k->alerts[0].a.probes, 1500);
  names_done(k);
}

// A device that asks again and again for others that are off, three SYNs each time; a tool that repeats its probes
// visits each target once.
static void test_crafted_patience(void **state)
{
  (void)state;
  static const struct {
    unsigned targets, rounds;
    double gap_s;
    const char *want;
    unsigned by_s; // told by then
  } rows[] = {
      {10, 40, 30, "", 0},
      {40, 40, 30, "", 0},
      {12, 1, 0, "syn_scan", 345},
      {60, 1, 0, "syn_scan", 12},
  };
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    struct scan_kit *k = names_new();
    for (unsigned i = 0; i < rows[r].rounds * rows[r].targets; i++)
      scan_kitf(k, "%f 10.0.0.8:%u > 10.0.5.%u:502 S,m patient",
                1 + i / rows[r].targets * rows[r].gap_s + i % rows[r].targets * .1, 30000 + i,
                i % rows[r].targets + 1);
    if (rows[r].by_s) scan_kit_until(k, rows[r].by_s);
    if (rows[r].by_s) assert_int_equal(k->alert_count, 1);
    scan_kit_finish(k);
    if (k->alert_count != (*rows[r].want != 0)) print_error("row %zu\n", r);
    scan_kit_expect(k, rows[r].want);
    names_done(k);
  }
}

// Data ports that a server of files named, and a firewall refuses: fewer than a scan asks for, beside its conversation.
static void test_refused_data_ports(void **state)
{
  (void)state;
  for (unsigned ftp = 0; ftp < 2; ftp++) {
    struct scan_kit *k = names_new();
    if (ftp) scan_kit(k, "0.5 10.0.0.7:40000 > 203.0.113.21:21 S,k data");
    for (unsigned i = 0; i < 20; i++)
      scan_kitf(k, "%u 10.0.0.7:%u > 203.0.113.21:%u S,k closed", 1 + i * 2, 42000 + i * 13,
                50000 + i * 263);
    scan_kit_finish(k);
    scan_kit_expect(k, ftp ? "" : "connect_scan");
    names_done(k);
  }
}

// Connections opened in a row to several hosts, closed when their other ends have forgotten them.
static void test_a_row_of_closes(void **state)
{
  (void)state;
  for (unsigned hosts = 0; hosts < 2; hosts++) {
    struct scan_kit *k = names_new();
    for (unsigned i = 0; i < 8; i++)
      scan_kitf(k, "%f 10.0.0.7:%u > 203.0.113.%u:%u F. closed", 1 + i * .01, 50321 + i,
                hosts ? i + 1 : 1, hosts ? 443 : 440 + i);
    scan_kit_finish(k);
    scan_kit_expect(k, hosts ? "" : "maimon_scan");
    names_done(k);
  }
}

static void test_campaigns_end(void **state)
{
  (void)state;
  struct scan_kit *k = names_new();
  scan_kit(k, "1 10.9.9.9:50000 > 10.0.0.1:1 FPU closed");
  scan_kit_until(k, 60);
  assert_false(k->alerts[0].a.ended);
  scan_kit_until(k, 62);
  assert_true(k->alerts[0].a.ended);
  // 5 x its median gap of 100 s
  for (unsigned i = 0; i < 10; i++)
    scan_kitf(k, "%u 10.9.9.9:50000 > 10.0.0.1:%u - closed", 1000 + i * 40, i + 1);
  for (unsigned i = 0; i < 30; i++)
    scan_kitf(k, "%u 10.9.9.9:50000 > 10.0.0.1:%u - closed", 1400 + i * 100, i + 100);
  scan_kit_finish(k);
  scan_kit_expect(k, "xmas_scan null_scan");
  assert_int_equal(k->alerts[1].a.geometry, ESTAB_WATCH_SLOW);
  names_done(k);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_syn_scan_of_a_host),
      cmocka_unit_test(test_seven_are_none),
      cmocka_unit_test(test_syn_scan_of_a_net),
      cmocka_unit_test(test_silence_on_one_way_tap_is_unknown),
      cmocka_unit_test(test_connect_scan),
      cmocka_unit_test(test_small_connect_scan_waits),
      cmocka_unit_test(test_ten_ports_without_any_answer),
      cmocka_unit_test(test_half_open_scan_with_a_kernels_syn),
      cmocka_unit_test(test_half_open_late_or_once),
      cmocka_unit_test(test_one_packet_is_enough),
      cmocka_unit_test(test_segments_that_any_life_begins_with),
      cmocka_unit_test(test_land),
      cmocka_unit_test(test_ack_scan),
      cmocka_unit_test(test_ack_probes_with_clocks_are_lives),
      cmocka_unit_test(test_maimon_scan),
      cmocka_unit_test(test_synack_scan),
      cmocka_unit_test(test_os_probe_raises_nothing_else),
      cmocka_unit_test(test_modifiers),
      cmocka_unit_test(test_block),
      cmocka_unit_test(test_decoys),
      cmocka_unit_test(test_distributed),
      cmocka_unit_test(test_distributed_below),
      cmocka_unit_test(test_two_scanners_are_two),
      cmocka_unit_test(test_idle_scan),
      cmocka_unit_test(test_ipv6_sources_are_a_64),
      cmocka_unit_test(test_walk_decides_after_four_hosts),
      cmocka_unit_test(test_crafted_handshakes_that_end),
      cmocka_unit_test(test_cheap_successes_excuse_nothing),
      cmocka_unit_test(test_refused_in_one_family),
      cmocka_unit_test(test_block_by_connect),
      cmocka_unit_test(test_a_make_that_changes),
      cmocka_unit_test(test_distributed_among_strangers),
      cmocka_unit_test(test_distributed_behind_old_notes),
      cmocka_unit_test(test_monitor_of_several_ports),
      cmocka_unit_test(test_port_zero),
      cmocka_unit_test(test_ack_scan_from_port_80),
      cmocka_unit_test(test_crafted_patience),
      cmocka_unit_test(test_refused_data_ports),
      cmocka_unit_test(test_a_row_of_closes),
      cmocka_unit_test(test_campaigns_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
