// SPDX-License-Identifier: BSD-2-Clause
// test_scan_times.c - alerts do not depend on when a row ends: probes as packets, in both kinds of rows, what is
// silent, late, or answered by ICMP.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "estab/driver.h"
#include "estab/watch.h"
#include "estab/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define PACKETS 2048
#define S_NS    1000000000.0

struct times_packet {
  double at;
  unsigned order, bytes;
  uint8_t data[160];
};

struct times {
  struct times_packet packets[PACKETS];
  unsigned count;
};

struct times_ends {
  unsigned host, port;    // of 10.0.0.0
  unsigned src_port, src; // of 192.0.2.0
};

static struct times_packet *times_next(struct times *t, double at)
{
  assert_true(t->count < PACKETS);
  struct times_packet *p = &t->packets[t->count];
  p->at = at;
  p->order = t->count++;
  return p;
}

static unsigned times_emit(uint8_t *to, size_t room, struct times_ends e, bool back, uint16_t flags,
                           uint32_t seq, uint32_t ack)
{
  struct estab_packet p = {.kind = ESTAB_PACKET_TCP,
                           .link = ESTAB_LINK_RAW,
                           .version = 4,
                           .protocol = ESTAB_PROTOCOL_TCP,
                           .ttl = 64,
                           .src = estab_ip4(192, 0, 2, (uint8_t)e.src),
                           .dst = estab_ip4(10, 0, 0, (uint8_t)e.host),
                           .tcp = {.src_port = (uint16_t)e.src_port,
                                   .dst_port = (uint16_t)e.port,
                                   .flags = flags,
                                   .seq = seq,
                                   .ack = ack,
                                   .window = (flags & ESTAB_TCP_RST) ? 0 : 1024}};
  if (back) {
    struct estab_ip ip = p.src;
    p.src = p.dst;
    p.dst = ip;
    p.tcp.src_port = (uint16_t)e.port;
    p.tcp.dst_port = (uint16_t)e.src_port;
  }
  int n = estab_packet_emit(&p, to, room);
  assert_true(n > 0);
  return (unsigned)n;
}

static void times_ask(struct times *t, double at, struct times_ends e, uint16_t flags)
{
  struct times_packet *p = times_next(t, at);
  p->bytes = times_emit(p->data, sizeof p->data, e, false, flags, 1000,
                        (flags & ESTAB_TCP_ACK) ? 5000 : 0);
}

static void times_answer(struct times *t, double at, struct times_ends e, uint16_t flags)
{
  struct times_packet *p = times_next(t, at);
  p->bytes =
      times_emit(p->data, sizeof p->data, e, true, flags, (flags & ESTAB_TCP_SYN) ? 7000 : 0, 1001);
}

static void times_put(struct times *t, double at, const struct estab_packet *p)
{
  struct times_packet *to = times_next(t, at);
  const int bytes = estab_packet_emit(p, to->data, sizeof to->data);
  assert_true(bytes > 0);
  to->bytes = (unsigned)bytes;
}

static void times_icmp(struct times *t, double at, struct times_ends e, unsigned type,
                       unsigned code)
{
  uint8_t quoted[160];
  const unsigned n = times_emit(quoted, sizeof quoted, e, false, ESTAB_TCP_SYN, 1000, 0);
  struct estab_packet p = {.kind = ESTAB_PACKET_ICMP4,
                           .link = ESTAB_LINK_RAW,
                           .version = 4,
                           .ttl = 64,
                           .src = estab_ip4(10, 0, 0, 254),
                           .dst = estab_ip4(192, 0, 2, (uint8_t)e.src),
                           .icmp = {.type = (uint8_t)type, .code = (uint8_t)code, .error = true},
                           .payload = quoted,
                           .payload_bytes = n};
  times_put(t, at, &p);
}

// ---------------------------------------------------------------------------------------------
// Stories

struct story {
  const char *name;
  bool routed;
  uint16_t flags;        // of the probes
  unsigned hosts, ports; // asked, each once
  unsigned tries;        // segments of a probe, a second apart
  double answer;         // seconds until a RST, 0 = none
  unsigned icmp, code;   // an ICMP error of this type right behind the probe, 0 = none
  unsigned open;         // the first ports of these answer by SYN-ACK
  unsigned probes, filtered, closed, opened, either; // what the alert says
};

static const struct story stories[] = {
    {"ACK, silent", false, ESTAB_TCP_ACK, 1, 200, 1, 0, 0, 0, 0, 200, 200, 0, 0, 0},
    {"NULL, silent", false, 0, 1, 200, 1, 0, 0, 0, 0, 200, 0, 0, 0, 200},
    {"FIN+ACK, silent", false, ESTAB_TCP_FIN | ESTAB_TCP_ACK, 1, 50, 1, 0, 0, 0, 0, 50, 0, 0, 0,
     50},
    {"SYN+ACK, silent", false, ESTAB_TCP_SYN | ESTAB_TCP_ACK, 1, 50, 1, 0, 0, 0, 0, 50, 50, 0, 0,
     0},
    {"SYN, silent", false, ESTAB_TCP_SYN, 1, 50, 1, 0, 0, 0, 0, 50, 50, 0, 0, 0},
    {"SYN twice, silent", false, ESTAB_TCP_SYN, 19, 1, 2, 0, 0, 0, 0, 19, 19, 0, 0, 0},
    {"SYN, RST comes late", false, ESTAB_TCP_SYN, 1, 40, 1, 6, 0, 0, 0, 40, 0, 40, 0, 0},
    {"ACK, RST comes late", false, ESTAB_TCP_ACK, 1, 40, 1, 7, 0, 0, 0, 40, 0, 0, 0, 0},
    {"SYN, on its way too long, then RST", false, ESTAB_TCP_SYN, 1, 20, 1, .02, 11, 0, 0, 20, 0, 20,
     0, 0},
    {"SYN, too large a packet, then RST", false, ESTAB_TCP_SYN, 1, 20, 1, .02, 3, 4, 0, 20, 0, 20,
     0, 0},
    {"SYN, forbidden", false, ESTAB_TCP_SYN, 1, 20, 1, 0, 3, 13, 0, 20, 20, 0, 0, 0},
    {"SYN, forbidden, then answers", false, ESTAB_TCP_SYN, 1, 40, 1, .02, 3, 1, 10, 40, 0, 30, 10,
     0},
    {"routed: ACK, RST", true, ESTAB_TCP_ACK, 1, 40, 1, .02, 0, 0, 0, 40, 0, 0, 0, 0},
    {"routed: FIN+ACK, RST", true, ESTAB_TCP_FIN | ESTAB_TCP_ACK, 1, 40, 1, .02, 0, 0, 0, 40, 0, 40,
     0, 0},
    {"routed: NULL, RST", true, 0, 1, 40, 1, .02, 0, 0, 0, 40, 0, 40, 0, 0},
    {"routed: SYN, RST", true, ESTAB_TCP_SYN, 1, 40, 1, .02, 0, 0, 0, 40, 0, 40, 0, 0},
    {"routed: SYN, silent", true, ESTAB_TCP_SYN, 1, 40, 1, 0, 0, 0, 0, 40, 40, 0, 0, 0},
};

// Somebody's conversations, so that the tap is known to see both directions, until long after the probes.
static void times_others(struct times *t)
{
  for (unsigned i = 0; i < 40; i++) {
    struct times_ends e = {200, 80, 20000, 100 + i};
    times_ask(t, i * 20, e, ESTAB_TCP_SYN);
    times_answer(t, i * 20 + .01, e, ESTAB_TCP_SYN | ESTAB_TCP_ACK);
  }
}

static void times_play(struct times *t, const struct story *s)
{
  unsigned n = 0;
  for (unsigned h = 0; h < s->hosts; h++)
    for (unsigned p = 0; p < s->ports; p++, n++) {
      const struct times_ends e = {h + 1, p + 20, 50000, 7};
      const double at = 3 + n * .05;
      for (unsigned i = 0; i < s->tries; i++)
        times_ask(t, at + i, e, s->flags);
      if (s->icmp) times_icmp(t, at + .01, e, s->icmp, s->code);
      if (s->answer > 0)
        times_answer(t, at + s->answer, e,
                     n < s->open                  ? ESTAB_TCP_SYN | ESTAB_TCP_ACK
                     : (s->flags & ESTAB_TCP_ACK) ? ESTAB_TCP_RST
                                                  : ESTAB_TCP_RST | ESTAB_TCP_ACK);
    }
}

// As a router's tap sees it that listens on all its interfaces: each packet comes in, and goes out a hop further.
static void times_route(struct times *t)
{
  for (unsigned i = 0, n = t->count; i < n; i++) {
    struct times_packet *p = times_next(t, t->packets[i].at + 4e-5);
    p->bytes = t->packets[i].bytes;
    memcpy(p->data, t->packets[i].data, p->bytes);
    p->data[8]--;
    uint32_t sum = 0;
    p->data[10] = p->data[11] = 0;
    for (unsigned j = 0; j < 20; j += 2)
      sum += (uint32_t)p->data[j] << 8 | p->data[j + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~(sum + (sum >> 16));
    p->data[10] = (uint8_t)(sum >> 8);
    p->data[11] = (uint8_t)sum;
  }
}

static int times_before(const void *a, const void *b)
{
  const struct times_packet *x = a, *y = b;
  if (x->at != y->at) return x->at < y->at ? -1 : 1;
  return x->order < y->order ? -1 : 1;
}

struct told {
  struct estab_watch_uid id;
  char summary[512];
  uint64_t probes, answers[ESTAB_WATCH_ANSWERS];
  unsigned alerts;
  bool exhausts; // and one of exhaustion, which is not looked at
};

static void times_pull(estab_watch *w, struct told *told)
{
  struct estab_watch_record r;
  while (estab_watch_next(w, &r)) {
    if (r.type != ESTAB_WATCH_ALERT) continue;
    if (r.alert.kind == ESTAB_WATCH_KIND_CONN_EXHAUSTION) {
      told->exhausts = true;
      continue;
    }
    if (!told->alerts || memcmp(&told->id, &r.alert.id, sizeof told->id) != 0) told->alerts++;
    told->id = r.alert.id;
    told->probes = r.alert.probes;
    for (unsigned i = 0; i < ESTAB_WATCH_ANSWERS; i++)
      told->answers[i] = r.alert.answers[i].count;
    snprintf(told->summary, sizeof told->summary, "%s", r.alert.summary);
  }
}

static struct told times_run(const struct times *t, enum estab_watch_rows rows)
{
  struct estab_watch_settings settings;
  struct told told = {.alerts = 0};
  estab_watch *w;
  estab_watch_settings_default(&settings);
  settings.mem = estab_system_mem();
  settings.rows = (uint8_t)rows;
  assert_int_equal(estab_watch_new(&settings, &w), 0);
  for (unsigned i = 0; i < t->count; i++) {
    const struct times_packet *p = &t->packets[i];
    const uint64_t ns = UINT64_C(1700000000000000000) + (uint64_t)(p->at * S_NS);
    estab_watch_input(w, 0, ESTAB_LINKTYPE_RAW, p->data, p->bytes, p->bytes, ns);
    times_pull(w, &told);
  }
  estab_watch_flush(w);
  times_pull(w, &told);
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_stats(w, &stats);
  assert_int_equal(stats.alerts, told.alerts + told.exhausts);
  estab_watch_free(w);
  return told;
}

static void test_silence_and_late_answers(void **state)
{
  (void)state;
  struct times *t = malloc(sizeof *t);
  assert_non_null(t);
  for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
    const struct story *s = &stories[i];
    t->count = 0;
    times_others(t);
    times_play(t, s);
    if (s->routed) times_route(t);
    qsort(t->packets, t->count, sizeof *t->packets, times_before);
    const struct told zeek = times_run(t, ESTAB_WATCH_ROWS_ZEEK);
    const struct told life = times_run(t, ESTAB_WATCH_ROWS_LIFE);
    const bool right = zeek.alerts == 1 && zeek.probes == s->probes &&
                       zeek.answers[ESTAB_WATCH_FILTERED] == s->filtered &&
                       zeek.answers[ESTAB_WATCH_CLOSED] == s->closed &&
                       zeek.answers[ESTAB_WATCH_OPEN] == s->opened &&
                       zeek.answers[ESTAB_WATCH_OPEN_OR_FILTERED] == s->either &&
                       zeek.answers[ESTAB_WATCH_UNKNOWN] == 0;
    if (!right) print_error("%s: %u alerts, %s\n", s->name, zeek.alerts, zeek.summary);
    assert_true(right);
    if (life.alerts != 1) print_error("%s: %u alerts, %s\n", s->name, life.alerts, life.summary);
    assert_int_equal(life.alerts, 1);
    assert_string_equal(life.summary, zeek.summary);
    assert_memory_equal(life.answers, zeek.answers, sizeof life.answers);
  }
  free(t);
}

// A kernel counts its source ports up; its connections are idle, and only what it answers to keepalives is seen.
static void test_idle_connections_seen_one_way(void **state)
{
  (void)state;
  struct times *t = malloc(sizeof *t);
  assert_non_null(t);
  t->count = 0;
  for (unsigned i = 0; i < 10; i++)
    for (unsigned round = 0; round < 6; round++)
      times_ask(t, 3 + i * .1 + round * 60, (struct times_ends){i + 1, 443, 49700 + i, 7},
                ESTAB_TCP_ACK);
  qsort(t->packets, t->count, sizeof *t->packets, times_before);
  for (unsigned rows = 0; rows < 2; rows++)
    assert_int_equal(times_run(t, rows ? ESTAB_WATCH_ROWS_LIFE : ESTAB_WATCH_ROWS_ZEEK).alerts, 0);
  free(t);
}

// An end that is said again until somebody refuses it is no probe, whatever rows its segments are in.
static void test_segments_of_all_rows_count(void **state)
{
  (void)state;
  static const double apart[] = {2, 7, 30, 70};
  struct times *t = malloc(sizeof *t);
  assert_non_null(t);
  for (unsigned a = 0; a < sizeof apart / sizeof *apart; a++) {
    t->count = 0;
    times_others(t);
    for (unsigned i = 0; i < 60; i++) {
      const struct times_ends e = {1, 20 + i, 50000, 7};
      const double at = 3 + i * .05, again = at + 1 + apart[a];
      times_ask(t, at, e, ESTAB_TCP_FIN | ESTAB_TCP_ACK);
      times_ask(t, at + 1, e, ESTAB_TCP_FIN | ESTAB_TCP_ACK);
      times_ask(t, again, e, ESTAB_TCP_FIN | ESTAB_TCP_ACK);
      times_answer(t, again + .02, e, ESTAB_TCP_RST);
    }
    qsort(t->packets, t->count, sizeof *t->packets, times_before);
    for (unsigned rows = 0; rows < 2; rows++) {
      const struct told told = times_run(t, rows ? ESTAB_WATCH_ROWS_LIFE : ESTAB_WATCH_ROWS_ZEEK);
      if (told.alerts) print_error("%g s, rows %u: %s\n", apart[a], rows, told.summary);
      assert_int_equal(told.alerts, 0);
    }
  }
  free(t);
}

// Silence speaks for a guess from 16 s after the capture began, and that may be with anything.
static void test_capture_begins_with_any_packet(void **state)
{
  (void)state;
  struct times *t = malloc(sizeof *t);
  assert_non_null(t);
  for (unsigned before = 0; before < 2; before++) {
    t->count = 0;
    times_others(t);
    for (unsigned i = 0; i < t->count; i++)
      t->packets[i].at += 3600;
    struct estab_packet p = {.kind = ESTAB_PACKET_UDP,
                             .link = ESTAB_LINK_RAW,
                             .version = 4,
                             .ttl = 64,
                             .src = estab_ip4(10, 0, 0, 1),
                             .dst = estab_ip4(10, 0, 0, 2)};
    if (before) times_put(t, 0, &p);
    p.kind = ESTAB_PACKET_TCP;
    p.src = estab_ip4(192, 0, 2, 7);
    for (unsigned i = 0; i < 40; i++) { // a host in each of 40 nets
      p.dst = estab_ip4((uint8_t)(20 + i), (uint8_t)i, 3, 7);
      p.tcp = (struct estab_tcp_header){.src_port = (uint16_t)(40000 + 7 * i),
                                        .dst_port = 25,
                                        .seq = 1000,
                                        .flags = ESTAB_TCP_SYN,
                                        .window = 64240,
                                        .options = {.present = ESTAB_TCP_OPT_MSS |
                                                               ESTAB_TCP_OPT_SACK_PERMITTED |
                                                               ESTAB_TCP_OPT_WSCALE,
                                                    .mss = 1460,
                                                    .wscale = 7}};
      times_put(t, 3602 + i * .2, &p);
    }
    qsort(t->packets, t->count, sizeof *t->packets, times_before);
    assert_int_equal(times_run(t, ESTAB_WATCH_ROWS_LIFE).alerts, before);
  }
  free(t);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_silence_and_late_answers),
                                     cmocka_unit_test(test_idle_connections_seen_one_way),
                                     cmocka_unit_test(test_segments_of_all_rows_count),
                                     cmocka_unit_test(test_capture_begins_with_any_packet)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
