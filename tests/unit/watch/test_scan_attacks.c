// SPDX-License-Identifier: BSD-2-Clause
// test_scan_attacks.c - floods, held connections, forged segments, version probes, and what is near to them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/scan_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct scan_kit *attack_new(void)
{
  struct scan_kit *k = malloc(sizeof *k);
  assert_non_null(k);
  scan_kit_start(k);
  return k;
}

static void attack_done(struct scan_kit *k)
{
  for (unsigned i = 0; i < k->alert_count; i++)
    assert_false(k->alerts[i].evidence_twice);
  scan_kit_stop(k);
  free(k);
}

// `rate` a second for `seconds` towards 10.0.0.1:80, from one source or from anywhere.
static void attack_flood_from(struct scan_kit *k, unsigned from, const char *flags,
                              const char *fate, unsigned rate, unsigned seconds, bool spoofed)
{
  for (unsigned i = 0; i < rate * seconds; i++) {
    unsigned x = i * 2654435761u;
    if (spoofed)
      scan_kitf(k, "%f 172.%u.%u.%u:%u > 10.0.0.1:80 %s %s", from + i / (double)rate,
                16 + (x >> 28), x >> 16 & 255, x >> 8 & 255, 1024 + i % 60000, flags, fate);
    else
      scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:80 %s %s", from + i / (double)rate, 1024 + i % 60000,
                flags, fate);
  }
}

static void attack_flood(struct scan_kit *k, const char *flags, const char *fate, unsigned rate,
                         unsigned seconds, bool spoofed)
{
  attack_flood_from(k, 1, flags, fate, rate, seconds, spoofed);
}

static void test_floods_by_name(void **state)
{
  (void)state;
  static const struct {
    const char *flags, *fate, *kind;
  } rows[] = {
      {"S", "half", "syn_flood"},       {"S,k", "flood", "syn_flood"},
      {"S", "closed", "syn_flood"},     {"S,k", "silent", "syn_flood"},
      {"S.", "closed", "synack_flood"}, {".", "closed", "ack_flood"},
      {".", "silent", "ack_flood"},     {"R", "silent", "rst_flood"},
      {"F", "closed", "fin_flood"},     {"F.", "closed", "fin_flood"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (unsigned spoofed = 0; spoofed < 2; spoofed++) {
      struct scan_kit *k = attack_new();
      attack_flood(k, rows[i].flags, rows[i].fate, 950, 4, spoofed);
      scan_kit_finish(k);
      scan_kit_expect(k, rows[i].kind);
      struct estab_watch_alert *a = &k->alerts[0].a;
      assert_int_equal(a->dst_count, 1);
      assert_int_equal(a->modifiers & ESTAB_WATCH_SPOOFED ? 1 : 0, spoofed);
      assert_int_equal(a->src_listed, spoofed ? 0 : 1);
      assert_in_range(a->probes, 3500, 3800);
      // By when they came, not by when their fate was known.
      assert_in_range(a->first_ns - k->start_ns, UINT64_C(1000000000), UINT64_C(1300000000));
      assert_in_range(a->last_ns - k->start_ns, UINT64_C(4900000000), UINT64_C(5000000000));
      attack_done(k);
    }
}

// Silence is known later than an answer: it is the flood's beginning all the same.
static void test_floods_of_both(void **state)
{
  (void)state;
  struct scan_kit *k = attack_new();
  for (unsigned i = 0; i < 12000; i++)
    scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:80 . %s", 1 + i / 1500.0, 1024 + i,
              i < 6000 ? "silent" : "closed");
  scan_kit_finish(k);
  scan_kit_expect(k, "ack_flood");
  struct estab_watch_alert *a = &k->alerts[0].a;
  assert_in_range(a->first_ns - k->start_ns, UINT64_C(1000000000), UINT64_C(1500000000));
  assert_in_range(a->last_ns - k->start_ns, UINT64_C(8900000000), UINT64_C(9000000000));
  attack_done(k);
}

// Who is flooded at two ports is told of each once, however long it goes on.
static void test_floods_at_two_ports(void **state)
{
  (void)state;
  static const struct {
    const char *flags, *fate, *kinds;
  } rows[] = {
      {"S", "half", "syn_flood syn_flood"},
      {"S,k", "silent", "syn_flood syn_flood"},
      {"S.", "closed", "synack_flood synack_flood"},
      {".", "closed", "ack_flood ack_flood"},
      {"R", "silent", "rst_flood rst_flood"},
      {"F", "closed", "fin_scan fin_flood fin_flood"}, // begun as a scan of two ports
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (unsigned spoofed = 0; spoofed < 2; spoofed++) {
      struct scan_kit *k = attack_new();
      for (unsigned n = 0; n < 1900 * 12; n++) {
        unsigned x = n * 2654435761u, from = spoofed ? x : 0x10090909;
        scan_kitf(k, "%f 172.%u.%u.%u:%u > 10.0.0.1:%u %s %s", 1 + n / 1900., 16 + (from >> 28),
                  from >> 16 & 255, from >> 8 & 255, 1024 + n % 60000, n % 2 ? 80 : 443,
                  rows[i].flags, rows[i].fate);
      }
      scan_kit_finish(k);
      scan_kit_expect(k, rows[i].kinds);
      const unsigned scans = rows[i].flags[0] == 'F';
      for (unsigned n = scans; n < k->alert_count; n++) {
        assert_int_equal(k->alerts[n].a.port_count, 1);
        assert_in_range(k->alerts[n].a.probes, 950 * 11, 950 * 12);
      }
      if (scans) assert_in_range(k->alerts[0].a.probes, 2000, 1900 * 4);
      attack_done(k);
    }
}

// From the first word on nobody whose address was used is named, be it over before it is told again.
static void test_forged_sources_are_not_named(void **state)
{
  (void)state;
  static const char *const rows[][3] = {
      {"S", "half", "syn_flood"}, {"R", "silent", "rst_flood"}, {".", "closed", "ack_flood"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (unsigned spoofed = 0; spoofed < 2; spoofed++) {
      struct scan_kit *k = attack_new();
      attack_flood(k, rows[i][0], rows[i][1], 950, 6, spoofed);
      scan_kit_finish(k);
      scan_kit_expect(k, rows[i][2]);
      const struct scan_kit_alert *a = &k->alerts[0];
      assert_int_equal(a->first_modifiers & ESTAB_WATCH_SPOOFED ? 1 : 0, spoofed);
      assert_int_equal(a->first_src_listed, spoofed ? 0 : 1);
      assert_int_equal(a->a.src_listed, spoofed ? 0 : 1);
      if (spoofed) assert_in_range(a->a.src_count, 5700 / 8 * 7, 5700); // nearly
      attack_done(k);
    }
  // Many machines, but each sends far more than one segment.
  struct scan_kit *k = attack_new();
  for (unsigned n = 0; n < 950 * 6; n++)
    scan_kitf(k, "%f 172.16.9.%u:%u > 10.0.0.1:80 R silent", 1 + n / 950., n % 64, 1024 + n);
  scan_kit_finish(k);
  scan_kit_expect(k, "rst_flood");
  assert_false(k->alerts[0].first_modifiers & ESTAB_WATCH_SPOOFED);
  assert_int_equal(k->alerts[0].a.src_count, 64);
  attack_done(k);
  // One machine, and then forged ones.
  k = attack_new();
  attack_flood_from(k, 1, "R", "silent", 950, 3, false);
  attack_flood_from(k, 4, "R", "silent", 950, 30, true);
  scan_kit_finish(k);
  scan_kit_expect(k, "rst_flood");
  assert_int_equal(k->alerts[0].first_src_listed, 1);
  assert_int_equal(k->alerts[0].a.src_listed, 0);
  attack_done(k);
}

static void test_less_than_a_flood(void **state)
{
  (void)state;
  static const struct {
    const char *flags, *fate;
    unsigned rate, seconds;
    bool spoofed;
  } rows[] = {
      {"S", "half", 150, 10, false},     // crafted, but few
      {"S,k", "silent", 700, 4, false},  // a kernel's
      {"S,k", "data", 3000, 4, true},    // a crowd that is served
      {"S,k", "patient", 3000, 4, true}, // a crowd that is not
      {".,t", "alive", 3000, 4, true},   // a busy server when the capture begins
      {"S", "half", 3000, 2, false},     // two seconds
      {"S,m", "closed", 500, 9, true},   // devices whose service is down
      {".,t", "silent", 2000, 4, true},  // keepalives of which the tap sees this direction alone
  };
  const unsigned count = sizeof rows / sizeof *rows;
  for (unsigned i = 0; i <= count; i++) { // each alone, and all behind each other
    struct scan_kit *k = attack_new();
    for (unsigned n = i < count ? i : 0; n < (i < count ? i + 1 : count); n++)
      attack_flood_from(k, 1 + n * 30, rows[n].flags, rows[n].fate, rows[n].rate, rows[n].seconds,
                        rows[n].spoofed);
    scan_kit_finish(k);
    scan_kit_expect(k, "");
    attack_done(k);
  }
}

static void test_held_connections(void **state)
{
  (void)state;
  struct scan_kit *k = attack_new();
  for (unsigned i = 0; i < 150; i++)
    scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:80 S,k hold", 1 + i * .1, 10000 + i);
  scan_kit_until(k, 30);
  assert_int_equal(k->alert_count, 0);
  scan_kit_until(k, 60);
  scan_kit_finish(k);
  scan_kit_expect(k, "conn_exhaustion");
  attack_done(k);
}

// A source is a /64. Its evidence is the packet that opened the first one, once.
static void test_held_by_many_addresses(void **state)
{
  (void)state;
  struct scan_kit *k = attack_new();
  for (unsigned i = 0; i < 150; i++)
    scan_kitf(k, "%f 2001:db8:1:2::%x:%u > 2001:db8:9::1:80 S,k hold", 1 + i * .1, i + 1,
              10000 + i);
  for (unsigned i = 0; i < 150; i++) // as many of their own network each
    scan_kitf(k, "%f 2001:db8:7:%x::1:%u > 2001:db8:9::1:80 S,k hold", 20 + i * .1, i + 1,
              10000 + i);
  scan_kit_until(k, 300);
  scan_kit_finish(k);
  scan_kit_expect(k, "conn_exhaustion");
  assert_int_equal(k->alerts[0].a.probes, 150);
  assert_int_equal(k->alerts[0].a.evidence_count, 1);
  assert_true(k->alerts[0].a.last_ns > k->alerts[0].a.first_ns);
  attack_done(k);
}

// Connections that were used are not held, whoever spoke and whatever of it the tap saw.
static void test_used_connections(void **state)
{
  (void)state;
  struct scan_kit *k = attack_new();
  for (unsigned i = 0; i < 3000; i++) {
    scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:80 S,k %s", 1 + i * .5, 10000 + i,
              i % 20 ? "data" : "unheard");
  }
  for (unsigned i = 0; i < 150; i++)
    scan_kitf(k, "%f 10.9.9.7:%u > 10.0.0.1:80 S,k fed", 2000 + i * .05, 10000 + i);
  scan_kit_until(k, 2500);
  scan_kit_finish(k);
  scan_kit_expect(k, "");
  attack_done(k);
}

static void test_sockets_ahead_of_need(void **state)
{
  (void)state;
  struct scan_kit *k = attack_new();
  for (unsigned i = 0; i < 3000; i++)
    scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:80 S,k %s", 1 + i * .05, 10000 + i,
              i % 40 ? "touch" : "hold");
  for (unsigned i = 0; i < 99; i++)
    scan_kitf(k, "%f 10.9.9.8:%u > 10.0.0.1:80 S,k hold", 200 + i * .1, 10000 + i);
  scan_kit_until(k, 500);
  scan_kit_finish(k);
  scan_kit_expect(k, "");
  attack_done(k);
}

static struct observation attack_suspect(struct scan_kit *k, unsigned i, uint8_t what,
                                         unsigned side)
{
  static struct watch_packet p;
  p.tcp.flags = what == SUSPECT_RST ? ESTAB_TCP_RST : ESTAB_TCP_ACK;
  struct observation o = {.kind = OBSERVE_SUSPECT, .suspicion = what, .side = (uint8_t)side};
  o.packet = &p;
  o.packet_number = 1000 + i;
  o.orig_ip = estab_ip4(10, 9, 9, 9);
  o.resp_ip = estab_ip4(10, 0, 0, 1);
  o.orig_port = (uint16_t)(20000 + i);
  o.resp_port = 80;
  o.first_ns = k->start_ns + i * UINT64_C(1000000000);
  o.ts_ns = o.first_ns + UINT64_C(60000000000);
  o.first_packet = 1 + i;
  o.established = true;
  return o;
}

static void test_zero_window(void **state)
{
  (void)state;
  for (unsigned side = 0; side < 2; side++) {
    struct scan_kit *k = attack_new();
    for (unsigned i = 0; i < 20; i++) {
      if (i == 9) assert_int_equal(k->alert_count, 0);
      struct observation o = attack_suspect(k, i, SUSPECT_ZERO_WINDOW, side);
      scan_kit_observe(k, &o);
    }
    scan_kit_finish(k);
    scan_kit_expect(k, side == ESTAB_WATCH_ORIG ? "zero_window_hold" : ""); // a server that hangs
    if (k->alert_count) assert_non_null(strstr(k->alerts[0].a.summary, " 20 connections in "));
    attack_done(k);
  }
}

// Windows that were shut one after the other: each opened again, or its connection ended.
static void test_paused(void **state)
{
  (void)state;
  for (unsigned ends = 0; ends < 2; ends++) {
    struct scan_kit *k = attack_new();
    for (unsigned i = 0; i < 40; i++) {
      struct observation o = attack_suspect(k, i * 600, SUSPECT_ZERO_WINDOW, ESTAB_WATCH_ORIG);
      scan_kit_observe(k, &o);
      o = attack_suspect(k, i * 600 + 20, SUSPECT_WINDOW_OPEN, ESTAB_WATCH_ORIG);
      if (ends) o.kind = OBSERVE_END;
      o.held = ends;
      o.used = true;
      scan_kit_observe(k, &o);
    }
    scan_kit_finish(k);
    scan_kit_expect(k, "");
    attack_done(k);
  }
}

static void test_forged(void **state)
{
  (void)state;
  static const struct {
    uint8_t what, suspect, usual;
    uint32_t bytes;
    const char *kind;
  } rows[] = {
      {SUSPECT_RST, 47, 61, 1, "rst_injection"},
      {SUSPECT_RST, 61, 61, 3, "rst_injection"},
      {SUSPECT_RST, 61, 61, 1, ""},
      {SUSPECT_RST, 0, 61, 1, ""},
      {SUSPECT_RST_PASSED, 61, 61, 1, "rst_injection"},
      {SUSPECT_OVERLAP, 47, 61, 100, "overlap_injection"},
      {SUSPECT_OVERLAP, 61, 61, 100, ""},
      {SUSPECT_OVERLAP, 47, 61, 1, ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct scan_kit *k = attack_new();
    struct observation o = attack_suspect(k, 1, rows[i].what, ESTAB_WATCH_RESP);
    o.suspect_ttl = rows[i].suspect;
    o.usual_ttl = rows[i].usual;
    o.suspect_count = rows[i].bytes;
    scan_kit_observe(k, &o);
    scan_kit_finish(k);
    scan_kit_expect(k, rows[i].kind);
    if (k->alert_count) assert_int_equal(k->alerts[0].a.role, ESTAB_WATCH_ROLE_VICTIM);
    if (k->alert_count) // what is equal says nothing
      assert_int_equal(strstr(k->alerts[0].a.explanation, " Hop counts: ") != NULL,
                       rows[i].suspect != rows[i].usual);
    if (k->alert_count)
      assert_non_null(
          strstr(k->alerts[0].a.summary,
                 ": in the name of 10.0.0.1 against port 20001 of 10.9.9.9. 1 connection."));
    attack_done(k);
  }
}

// So long after the SYN, and after the handshake.
static void attack_says_after(struct scan_kit *k, double s, double waited, double listened,
                              const char *text, size_t n)
{
  struct watch_packet p = {.kind = WATCH_KIND_TCP};
  p.payload = (const uint8_t *)text;
  p.payload_bytes = p.payload_captured_bytes = (uint32_t)n;
  struct observation o = {.kind = OBSERVE_DATA, .packet = &p, .established = true};
  o.orig_ip = estab_ip4(10, 9, 9, 9);
  o.resp_ip = estab_ip4(10, 0, 0, 1);
  o.orig_port = 30000;
  o.resp_port = 8080;
  o.first_flags = ESTAB_TCP_SYN;
  o.ts_ns = k->start_ns + (uint64_t)(s * 1e9);
  o.first_ns = o.ts_ns - (uint64_t)(waited * 1e9);
  o.handshake_ns = o.ts_ns - (uint64_t)(listened * 1e9);
  o.packet_number = ++k->packets;
  scan_kit_observe(k, &o);
}

static void attack_says(struct scan_kit *k, double s, double waited, const char *text, size_t n)
{
  attack_says_after(k, s, waited, waited, text, n);
}

static void test_version_probe(void **state)
{
  (void)state;
  static const char get[] = "GET / HTTP/1.0\r\n\r\n", options[] = "OPTIONS / HTTP/1.0\r\n\r\n";
  static const char rtsp[] = "OPTIONS / RTSP/1.0\r\n\r\n", nice[] = "GET /nice%20ports%2C/Tri";
  struct scan_kit *k = attack_new();
  for (unsigned i = 0; i < 100; i++) // a monitor
    attack_says(k, 1 + i, .01, get, sizeof get - 1);
  attack_says(k, 200, .01, options, sizeof options - 1);
  scan_kit_finish(k);
  scan_kit_expect(k, "");
  attack_done(k);

  k = attack_new();
  attack_says(k, 1, .1, get, sizeof get - 1);
  attack_says(k, 2, .1, options, sizeof options - 1);
  attack_says(k, 3, .1, rtsp, sizeof rtsp - 1);
  scan_kit_finish(k);
  scan_kit_expect(k, "version_probe");
  attack_done(k);

  k = attack_new();
  attack_says(k, 10, 6, get, sizeof get - 1);
  scan_kit_finish(k);
  scan_kit_expect(k, "version_probe");
  attack_done(k);

  k = attack_new(); // SYNs were lost; on other days; a client that says the same again and again
  attack_says_after(k, 10, 7, .01, get, sizeof get - 1);
  attack_says(k, 86400, .1, options, sizeof options - 1);
  attack_says(k, 2 * 86400, .1, rtsp, sizeof rtsp - 1);
  for (unsigned i = 0; i < 60; i++)
    attack_says(k, 2 * 86400 + 500 + i * 60, .1, get, sizeof get - 1);
  attack_says(k, 2 * 86400 + 4000, .1, options, sizeof options - 1);
  scan_kit_finish(k);
  scan_kit_expect(k, "");
  attack_done(k);

  k = attack_new(); // each listened for
  attack_says(k, 10, .1, get, sizeof get - 1);
  attack_says(k, 250, .1, rtsp, sizeof rtsp - 1);
  attack_says(k, 500, .1, options, sizeof options - 1);
  scan_kit_finish(k);
  scan_kit_expect(k, "version_probe");
  attack_done(k);

  k = attack_new();
  attack_says(k, 10, .1, nice, sizeof nice - 1);
  scan_kit_finish(k);
  scan_kit_expect(k, "version_probe");
  attack_done(k);
}

// Probes of which one is enough join by kind and host; whether they are of one make is said, not assumed.
static void test_makes_of_single_probes(void **state)
{
  (void)state;
  static const struct {
    const char *make[2];
    bool same;
  } rows[] = {{{"F,w1024", "F,w1024"}, true}, {{"F,w1024", "F,w512"}, false}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct scan_kit *k = attack_new();
    for (unsigned n = 0; n < 30; n++) {
      scan_kitf(k, "%f 10.9.9.9:40000 > 10.0.0.1:%u %s closed", 1. + n, n + 1, rows[i].make[0]);
      scan_kitf(k, "%f 10.9.9.8:50000 > 10.0.0.1:%u %s closed", 1.5 + n, n + 101, rows[i].make[1]);
    }
    scan_kit_finish(k);
    scan_kit_expect(k, "fin_scan");
    assert_int_equal(k->alerts[0].a.src_count, 2);
    assert_true(!strstr(k->alerts[0].explanation, "of the same make") == !rows[i].same);
    assert_true(!strstr(k->alerts[0].explanation, "of several makes") == rows[i].same);
    attack_done(k);
  }
}

// One SYN+ACK more from a port that was refused before, as nmap -sI -g sends them.
static void attack_asks_again(struct scan_kit *k, double s, uint16_t answer)
{
  struct watch_packet p = {.kind = WATCH_KIND_TCP};
  p.tcp.flags = ESTAB_TCP_SYN | ESTAB_TCP_ACK;
  struct observation o = {.kind = OBSERVE_SEGMENT, .packet = &p, .answer_flags = answer};
  o.orig_ip = estab_ip4(10, 9, 9, 9);
  o.resp_ip = estab_ip4(10, 5, 5, 5);
  o.orig_port = 60000;
  o.resp_port = 80;
  o.ts_ns = o.first_ns = k->start_ns + (uint64_t)(s * 1e9);
  o.packet_number = ++k->packets;
  scan_kit_observe(k, &o);
}

// The zombie of an idle scan answers who asks it, while and just before it "scans".
static void test_zombies(void **state)
{
  (void)state;
  static const struct {
    const char *asks, *kinds;
    double from, step;
    unsigned count;
  } rows[] = {
      {"10.9.9.9:%u > 10.5.5.5:80 S. closed", "idle_scan", 98, .2, 6}, // and nothing later
      {"10.9.9.9:%u > 10.5.5.5:80 S. closed", "idle_scan", 100, .2, 30},
      {"again", "idle_scan", 100, .2, 30},
      {"again, unanswered", "syn_scan", 100, .2, 30},
      {"10.9.9.9:%u > 10.5.5.5:80 S. silent", "syn_scan", 98, .2, 6},
      {"10.9.9.9:%u > 10.5.5.5:80 S. closed", "syn_scan", 40, .1, 3},
      {"10.0.0.1:%u > 10.5.5.5:40000 S. closed", "syn_scan", 99.9, .01,
       10}, // of before the capture
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct scan_kit *k = attack_new();
    unsigned asked = 0;
    for (unsigned n = 0; n < 60; n++) {
      const double now = 100.1 + n * .1;
      for (; asked < rows[i].count && rows[i].from + asked * rows[i].step < now; asked++) {
        const double at = rows[i].from + asked * rows[i].step;
        if (rows[i].asks[0] == 'a') {
          attack_asks_again(k, at, rows[i].asks[5] ? 0 : ESTAB_TCP_RST);
          continue;
        }
        char whole[128];
        snprintf(whole, sizeof whole, "%f %.*s%u%s", at, (int)strcspn(rows[i].asks, "%"),
                 rows[i].asks, 1 + asked, strchr(rows[i].asks, '%') + 2);
        scan_kit(k, whole);
      }
      scan_kitf(k, "%f 10.5.5.5:40000 > 10.0.0.1:%u S,m closed", now, 101 + n);
    }
    scan_kit_finish(k);
    scan_kit_expect(k, rows[i].kinds);
    attack_done(k);
  }
}

// Where the tap sees a scanner alone, its kernel's RST says that a SYN+ACK came.
static void test_hangs_up_unseen(void **state)
{
  (void)state;
  static const char *const fates[] = {"half", "touch", "silent"};
  for (unsigned i = 0; i < 3; i++)
    for (unsigned n = 20; n < 90; n += 60) {
      struct scan_kit *k = attack_new();
      k->one_way = true;
      for (unsigned port = 1; port <= 100; port++)
        scan_kitf(k, "%f 10.9.9.9:%u > 10.0.0.1:%u S,k %s", 1 + port * .01, 30000 + port, port,
                  port == n ? fates[i] : "silent");
      scan_kit_finish(k);
      scan_kit_expect(k, i ? "connect_scan" : "syn_scan");
      assert_int_equal(k->alerts[0].a.answers[ESTAB_WATCH_UNKNOWN].count, i == 1 ? 99 : 100);
      attack_done(k);
    }
}

// Where the answers to the zombie pass unseen, its targets' silence says nothing.
static void test_silence_to_a_zombie(void **state)
{
  (void)state;
  for (unsigned seen = 0; seen < 2; seen++) {
    struct scan_kit *k = attack_new();
    for (unsigned n = 0; n < 20; n++) {
      scan_kitf(k, "%f 10.9.9.9:%u > 10.5.5.5:80 S. closed", 100 + n * .1, 1 + n);
      scan_kitf(k, "%f 10.5.5.5:40000 > 10.0.0.1:%u S,m %s", 100.05 + n * .1, 101 + n,
                seen && n % 10 == 7 ? "closed" : "silent");
    }
    scan_kit_finish(k);
    scan_kit_expect(k, "idle_scan");
    const struct estab_watch_targets *answers = k->alerts[0].a.answers;
    assert_int_equal(answers[ESTAB_WATCH_FILTERED].count, seen ? 18 : 0);
    assert_int_equal(answers[ESTAB_WATCH_UNKNOWN].count, seen ? 0 : 20);
    assert_true((strstr(k->alerts[0].explanation, "Silence is unknown here") == NULL) ==
                (seen != 0));
    attack_done(k);
  }
}

static void test_backscatter(void **state)
{
  (void)state;
  static const char *const flags[] = {"S.", "R."};
  for (unsigned f = 0; f < 2; f++) {
    struct scan_kit *k = attack_new();
    for (unsigned i = 0; i < 40; i++)
      scan_kitf(k, "%f 192.0.2.7:80 > 10.0.%u.%u:%u %s silent", 1 + i * .5, i, 200 - i,
                2000 + i * 97, flags[f]);
    scan_kit_finish(k);
    scan_kit_expect(k, "backscatter");
    assert_int_equal(k->alerts[0].a.role, ESTAB_WATCH_ROLE_VICTIM);
    assert_int_equal(k->alerts[0].a.dst_count, 40);
    attack_done(k);
  }
  // The answering half of a busy server's lives.
  struct scan_kit *k = attack_new();
  k->one_way = true;
  for (unsigned i = 0; i < 400; i++)
    scan_kitf(k, "%f 192.0.2.7:80 > 10.0.%u.%u:%u S.,k %s", 1 + i * .5, i % 40, 200 - i % 40,
              2000 + i * 7, i % 10 ? "alive" : "silent");
  scan_kit_finish(k);
  scan_kit_expect(k, "");
  attack_done(k);
}

// Where a tap sees only what hosts answer, who is scanned or flooded in another's name is no scanner.
static void test_answers_to_others(void **state)
{
  (void)state;
  static const struct {
    unsigned port; // of who answers
    bool hosts;    // 60 of them; else one
    unsigned first, ports;
    const char *flags, *kinds;
  } rows[] = {
      {22, false, 1, 64512, "S.,m", ""}, // SYNs from ports at random
      {8080, false, 1024, 64512, "S.,m", ""},
      {80, true, 0, 1, "S.,m", "backscatter"}, // forged, all from port 0
      {80, true, 700, 1, "S.,k", "backscatter"},
      {8080, true, 2000, 1, "S.,k", "backscatter"}, // a kernel's answer
      {41000, false, 1, 1000, "S.,m", "synack_scan"},
      {53, false, 1, 1000, "S.,m", "synack_scan"},
      {41000, true, 443, 1, "S.,m", "synack_scan"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct scan_kit *k = attack_new();
    uint32_t random = 77;
    for (unsigned n = 0; n < 60; n++) {
      random = random * 1664525 + 1013904223;
      scan_kitf(k, "%f 192.0.2.7:%u > 10.0.1.%u:%u %s silent", 1 + n * .05, rows[i].port,
                rows[i].hosts ? n : 1, rows[i].first + (random >> 8) % rows[i].ports,
                rows[i].flags);
    }
    scan_kit_finish(k);
    scan_kit_expect(k, rows[i].kinds);
    attack_done(k);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_floods_by_name),
      cmocka_unit_test(test_floods_of_both),
      cmocka_unit_test(test_less_than_a_flood),
      cmocka_unit_test(test_floods_at_two_ports),
      cmocka_unit_test(test_forged_sources_are_not_named),
      cmocka_unit_test(test_held_connections),
      cmocka_unit_test(test_sockets_ahead_of_need),
      cmocka_unit_test(test_zero_window),
      cmocka_unit_test(test_paused),
      cmocka_unit_test(test_held_by_many_addresses),
      cmocka_unit_test(test_used_connections),

      cmocka_unit_test(test_forged),
      cmocka_unit_test(test_answers_to_others),
      cmocka_unit_test(test_hangs_up_unseen),
      cmocka_unit_test(test_silence_to_a_zombie),
      cmocka_unit_test(test_version_probe),
      cmocka_unit_test(test_backscatter),
      cmocka_unit_test(test_makes_of_single_probes),
      cmocka_unit_test(test_zombies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
