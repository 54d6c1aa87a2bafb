// SPDX-License-Identifier: BSD-2-Clause
// test_observer.c - attacks on the observer itself: what it must not believe, and what it must survive.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "support/watch_kit.h"
#include "estab/wire.h"

// A frame made by hand: both ends free, options wanted.
static void frame(struct watch_kit *k, struct estab_packet *p)
{
  static uint8_t bytes[4096];
  if (!k->w) assert_int_equal(estab_watch_new(&k->settings, &k->w), 0);
  p->kind = ESTAB_PACKET_TCP;
  p->link = ESTAB_LINK_RAW;
  p->version = 4;
  p->protocol = ESTAB_PROTOCOL_TCP;
  p->dont_fragment = true;
  if (!p->ttl) p->ttl = 64;
  int n = estab_packet_emit(p, bytes, sizeof bytes);
  assert_true(n > 0);
  estab_watch_input(k->w, 0, ESTAB_LINKTYPE_RAW, bytes, (size_t)n, (size_t)n, k->now_ns);
  k->now_ns += 1000000;
}

// ATTACKS O2: a wrong checksum changes nothing but the history, and is told.
static void o2_bad_checksum(void **state)
{
  (void)state;
  static struct watch_kit k;
  watch_kit_init(&k);
  watch_kit_run(&k, "S sa A A10 a FA! R! A10 a");
  assert_string_equal(watch_kit_flush(&k),
                      "ambiguity bad_checksum\nambiguity bad_checksum\nS1 ShADaC "
                      "o=SYN-SENT@1,ESTABLISHED@2 r=SYN-RECEIVED@1,ESTABLISHED@3");
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_stats(k.w, &stats);
  assert_int_equal(stats.counts[ESTAB_WATCH_COUNT_BAD_CHECKSUM], 2);
  // A program that knows less of it, or says nothing of what it knows.
  const size_t knows[] = {offsetof(struct estab_watch_stats, captured_bytes), 0};
  for (size_t i = 0; i < 2; i++) {
    memset(&stats, 0xa5, sizeof stats);
    stats.struct_bytes = knows[i];
    estab_watch_stats(k.w, &stats);
    assert_int_equal(stats.struct_bytes, knows[i]);
    assert_int_equal(stats.packets, i == 0 ? 9 : UINT64_C(0xa5a5a5a5a5a5a5a5));
    assert_int_equal(stats.captured_bytes, UINT64_C(0xa5a5a5a5a5a5a5a5));
  }
  watch_kit_free(&k);
}

// ATTACKS O2: text that may die before its receiver.
static void o2_low_ttl(void **state)
{
  (void)state;
  static struct watch_kit k;
  watch_kit_init(&k);
  watch_kit_run(&k, "=5000 S sa A A10 a");
  struct estab_packet p = {.src = estab_ip4(192, 0, 2, 1),
                           .dst = estab_ip4(198, 51, 100, 2),
                           .ttl = 3,
                           .payload = k.text,
                           .payload_bytes = 10};
  p.tcp = (struct estab_tcp_header){.src_port = 40000,
                                    .dst_port = 80,
                                    .seq = 5011,
                                    .ack = 6001,
                                    .flags = ESTAB_TCP_ACK,
                                    .window = 1000};
  frame(&k, &p);
  assert_non_null(strstr(watch_kit_flush(&k), "ambiguity low_ttl"));
  watch_kit_free(&k);
}

// ATTACKS O5: text on a SYN, text before the handshake is over, midstream, one side alone: flagged, then tracked.
static void o5_early_text(void **state)
{
  (void)state;
  static struct watch_kit k;
  watch_kit_init(&k);
  watch_kit_run(&k, "S10 sa A A10 a");
  assert_non_null(strstr(watch_kit_flush(&k), "ambiguity syn_data"));
  watch_kit_free(&k);
  watch_kit_init(&k);
  watch_kit_run(&k, "S A10 sa A");
  assert_non_null(strstr(watch_kit_flush(&k), "ambiguity syn_data"));
  watch_kit_free(&k);
  watch_kit_init(&k);
  watch_kit_run(&k, "A10 A10 A10");
  assert_string_equal(watch_kit_flush(&k), "OTH D o=ESTABLISHED@1 r=");
  watch_kit_free(&k);
}

// ATTACKS O6: whatever an urgent pointer says, every octet is given out, and the other reading is told.
static void o6_urgent(void **state)
{
  (void)state;
  static const uint16_t pointers[] = {0, 1, 9, 10, 11, 65535};
  for (unsigned i = 0; i < sizeof pointers / sizeof *pointers; i++) {
    static struct watch_kit k;
    watch_kit_init(&k);
    k.settings.streams = true;
    watch_kit_run(&k, "=5000 S sa A");
    watch_kit_pull(&k);
    struct estab_packet p = {.src = estab_ip4(192, 0, 2, 1),
                             .dst = estab_ip4(198, 51, 100, 2),
                             .payload = (const uint8_t *)"0123456789",
                             .payload_bytes = 10};
    p.tcp = (struct estab_tcp_header){.src_port = 40000,
                                      .dst_port = 80,
                                      .seq = 5001,
                                      .ack = 6001,
                                      .flags = ESTAB_TCP_ACK | ESTAB_TCP_URG,
                                      .window = 1000,
                                      .urgent = pointers[i]};
    frame(&k, &p);
    const char *got = watch_kit_flush(&k);
    assert_non_null(strstr(got, "stream o 0 0123456789"));
    bool inside = pointers[i] >= 1 && pointers[i] <= 10;
    assert_int_equal(strstr(got, "ambiguity urgent") != NULL, inside);
    watch_kit_free(&k);
  }
}

// ATTACKS O8: PAWS drops what is older by 1 to 2^31, and nothing else: RFC 7323 5.3.
static void o8_paws_boundaries(void **state)
{
  (void)state;
  static const struct {
    uint32_t more;
    bool dropped;
  } lines[] = {
      {0, false},
      {1, false},
      {2, false},
      {UINT32_MAX, true},
      {UINT32_MAX - 1, true},
      {0x7ffffffe, false},
      {0x7fffffff, false},
      {0x80000000, true},
      {0x80000001, true},
  };
  for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++) {
    static struct watch_kit k;
    watch_kit_init(&k);
    struct estab_ip ip[2] = {estab_ip4(192, 0, 2, 1), estab_ip4(198, 51, 100, 2)};
    static const struct {
      unsigned from;
      uint16_t flags;
      uint32_t seq, ack;
    } segments[] = {{0, ESTAB_TCP_SYN, 100, 0},
                    {1, ESTAB_TCP_SYN | ESTAB_TCP_ACK, 500, 101},
                    {0, ESTAB_TCP_ACK, 101, 501},
                    {0, ESTAB_TCP_FIN | ESTAB_TCP_ACK, 101, 501}};
    for (unsigned j = 0; j < 4; j++) {
      struct estab_packet p = {.src = ip[segments[j].from], .dst = ip[1 - segments[j].from]};
      p.tcp = (struct estab_tcp_header){.src_port = segments[j].from ? 80 : 40000,
                                        .dst_port = segments[j].from ? 40000 : 80,
                                        .seq = segments[j].seq,
                                        .ack = segments[j].ack,
                                        .flags = segments[j].flags,
                                        .window = 1000};
      p.tcp.options.present = ESTAB_TCP_OPT_TS;
      p.tcp.options.ts_value = 0xfffffff0u + (j == 3 ? lines[i].more : 0);
      frame(&k, &p);
    }
    const char *got = watch_kit_flush(&k);
    if ((strstr(got, "FIN-WAIT-1") == NULL) != lines[i].dropped ||
        (strstr(got, "old_timestamp") != NULL) != lines[i].dropped)
      fail_msg("TSval + %u: %s", lines[i].more, got);
    watch_kit_free(&k);
  }
}

static void syn_from(struct watch_kit *k, uint32_t n)
{
  struct estab_packet p = {
      .src = estab_ip4((uint8_t)(n >> 24 | 1), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n),
      .dst = estab_ip4(198, 51, 100, 2)};
  p.tcp = (struct estab_tcp_header){.src_port = (uint16_t)(1024 + n % 60000),
                                    .dst_port = 80,
                                    .seq = n,
                                    .flags = ESTAB_TCP_SYN,
                                    .window = 1000};
  frame(k, &p);
  k->now_ns -= 999000;
}

// ATTACKS O10: a flood stays under the ceiling, sheds itself first, and each shed record leaves its row.
static void o10_flood(void **state)
{
  (void)state;
  static struct watch_kit k;
  watch_kit_init(&k);
  watch_kit_run(&k, "S sa A A100 a100 A");
  watch_kit_pull(&k);
  uint64_t rows = 0, evicted = 0;
  struct estab_watch_record r;
  for (uint32_t i = 0; i < 200000; i++) {
    syn_from(&k, i * 2654435761u);
    while (estab_watch_next(k.w, &r)) {
      rows += r.type == ESTAB_WATCH_CONN;
      evicted += r.type == ESTAB_WATCH_CONN && r.conn.evicted;
      if (r.type == ESTAB_WATCH_CONN) assert_string_equal(r.conn.conn_state, "S0");
    }
  }
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_stats(k.w, &stats);
  assert_true(stats.memory_peak_bytes <= k.settings.max_bytes);
  assert_int_equal(stats.memory_refusals, 0);
  assert_true(evicted > 150000);
  assert_int_equal(stats.flows_evicted, evicted);
  assert_int_equal(stats.flows, 200001);
  assert_int_equal(stats.flows_open, stats.flows - rows);
  watch_kit_run(&k, "A10 a FA fa A");
  const char *got = watch_kit_flush(&k);
  if (!strstr(got, "SF ShADdaFf")) fail_msg("%.300s", got);
  watch_kit_free(&k);
}

// ATTACKS O10: RST and FIN storms, windows that jump, holes never filled: nothing grows.
static void o10_storms(void **state)
{
  (void)state;
  static struct watch_kit k;
  watch_kit_init(&k);
  watch_kit_run(&k, "=5000 S sa A A10 a");
  for (uint32_t i = 0; i < 20000; i++) {
    watch_kit_frame(&k, i & 1, ESTAB_TCP_RST, i * 7919, 0, 0, NULL, 0, false);
    watch_kit_frame(&k, i & 1, ESTAB_TCP_FIN | ESTAB_TCP_ACK, i * 104729, i, 0, NULL, 0, false);
    watch_kit_frame(&k, 0, ESTAB_TCP_ACK, 6000 + i * 3, 6001, 1, "x!", 2, false);
    k.out[0] = 0;
  }
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_stats(k.w, &stats);
  assert_true(stats.memory_peak_bytes < k.settings.max_bytes);
  assert_int_equal(stats.memory_refusals, 0);
  watch_kit_free(&k);
}

// ATTACKS O15: work grows with octets, not with their square: four times as much takes at most eight times as long.
static double hostile(uint32_t count)
{
  static struct watch_kit k;
  watch_kit_init(&k);
  k.settings.streams = true;
  k.settings.max_bytes = 64 << 20;
  watch_kit_run(&k, "=5000 S sa A");
  clock_t begin = clock();
  for (uint32_t i = 0; i < count;
       i++) { // holes everywhere, each text twice with other octets, all of one side
    uint32_t at = 5001 + 2 + i * 4;
    watch_kit_frame(&k, 0, ESTAB_TCP_ACK, at, 6001, 1000, "ab", 2, false);
    watch_kit_frame(&k, 0, ESTAB_TCP_ACK, at, 6001, 1000, "cd", 2, false);
    k.out[0] = 0;
  }
  double took = (double)(clock() - begin) / CLOCKS_PER_SEC;
  watch_kit_free(&k);
  return took;
}

static void o15_linear(void **state)
{
  (void)state;
  double one = hostile(4000), four = hostile(16000);
  if (four > 8 * one + 0.2) fail_msg("%.3f s, and %.3f s for four times as much", one, four);
}

// What comes again and again and is no copy each time: behind one header other text with the same checksum; text for
// which its receiver has no use.
static double repeated(const char *before, bool same_header, bool same_text)
{
  static struct watch_kit k;
  watch_kit_init(&k);
  k.settings.max_bytes = 256 << 20; // texts are remembered, no longer hashed
  watch_kit_run(&k, before);
  const uint64_t now_ns = k.now_ns;
  const clock_t begin = clock();
  for (uint32_t i = 0; i < 40000; i++) {
    const uint32_t x = same_text ? 1 : i;
    const uint8_t text[4] = {(uint8_t)(x >> 8), (uint8_t)x, (uint8_t) ~(x >> 8), (uint8_t)~x};
    k.now_ns = now_ns + i; // all within the window
    watch_kit_frame(&k, 1, ESTAB_TCP_ACK, same_header ? 6001 : 6001 + i * 4, 5001, 1000, text, 4,
                    false);
    k.out[0] = 0;
  }
  const double took = (double)(clock() - begin) / CLOCKS_PER_SEC;
  watch_kit_free(&k);
  return took;
}

static void o15_no_copies(void **state)
{
  (void)state;
  const double plain = repeated("=5000 S sa A", false, true);
  const double texts = repeated("=5000 S sa A", true, false);
  const double useless = repeated("=5000 S", true, true);
  if (texts > 4 * plain + 0.1 || useless > 4 * plain + 0.1)
    fail_msg("%.3f s; behind one header %.3f s; of no use %.3f s", plain, texts, useless);
}

// ---------------------------------------------------------------------------------------------
// The same packets, the same records: whatever the secret, however time is moved.

static uint64_t story(const uint8_t secret, bool advance, bool late)
{
  static struct watch_kit k;
  watch_kit_init(&k);
  memset(k.settings.secret, secret, sizeof k.settings.secret);
  k.split_reads = late;
  uint64_t sum = 0, seed = 1;
  struct estab_watch_record r;
  for (uint32_t i = 0; i < 30000; i++) {
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    uint32_t who = (uint32_t)(seed >> 40) % 3000;
    static const uint16_t flags[] = {ESTAB_TCP_SYN, ESTAB_TCP_ACK,
                                     ESTAB_TCP_ACK, ESTAB_TCP_FIN | ESTAB_TCP_ACK,
                                     ESTAB_TCP_RST, ESTAB_TCP_SYN | ESTAB_TCP_ACK,
                                     ESTAB_TCP_ACK, 0};
    unsigned from = (seed >> 33) & 1;
    struct estab_packet p = {.payload = k.text, .payload_bytes = (seed >> 36) % 3 ? 0 : 20};
    struct estab_ip ip[2] = {estab_ip4(10, 0, (uint8_t)(who >> 8), (uint8_t)who),
                             estab_ip4(198, 51, 100, 2)};
    p.src = ip[from];
    p.dst = ip[1 - from];
    p.tcp = (struct estab_tcp_header){.src_port = from ? 80 : 4000,
                                      .dst_port = from ? 4000 : 80,
                                      .seq = 1000 + (uint32_t)(seed >> 50) % 50,
                                      .ack = 1000 + (uint32_t)(seed >> 45) % 50,
                                      .flags = flags[(seed >> 60) & 7],
                                      .window = 500};
    k.now_ns += (seed >> 20) % 4000000;
    k.now_ns -= k.now_ns % 1000000; // many at once
    frame(&k, &p);
    if (advance) estab_watch_advance(k.w, k.now_ns - 500000);
    if (i == 29999) estab_watch_flush(k.w);
    while (estab_watch_next(k.w, &r)) {
      if (r.type != ESTAB_WATCH_CONN) continue;
      uint64_t one = 0;
      for (unsigned j = 0; j < ESTAB_WATCH_UID_BYTES; j++)
        one = one * 257 + r.conn.uid.bytes[j];
      for (const char *c = r.conn.history; *c; c++)
        one = one * 257 + (uint8_t)*c;
      one = one * 257 + r.conn.side[0].state * 16u + r.conn.side[1].state;
      one = one * 257 + r.conn.duration_ns + r.conn.side[0].bytes + r.conn.final;
      sum = sum * 1000003 + one; // the order counts
    }
  }
  watch_kit_free(&k);
  return sum;
}

// Read back digit by digit, it is the same number.
static void uid_text(void **state)
{
  (void)state;
  static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  uint64_t seed = 1;
  for (unsigned n = 0; n < 3000; n++) {
    struct estab_watch_uid uid;
    uint8_t back[ESTAB_WATCH_UID_BYTES] = {0};
    char text[ESTAB_WATCH_UID_TEXT];
    for (unsigned i = 0; i < ESTAB_WATCH_UID_BYTES; i++) {
      seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
      const unsigned kind = n < 24 ? n / 12 : (seed >> 60 & 3); // ends of the range, and mixtures
      uid.bytes[i] = i < n % 12 ? 0 : kind == 0 ? 0xff : kind == 1 ? 0 : (uint8_t)(seed >> 40);
    }
    estab_watch_uid_format(&uid, text);
    assert_int_equal(text[0], 'C');
    assert_int_equal(strlen(text), ESTAB_WATCH_UID_TEXT - 1);
    for (const char *c = text + 1; *c; c++) {
      unsigned carry = (unsigned)(strchr(digits, *c) - digits);
      for (unsigned i = ESTAB_WATCH_UID_BYTES; i-- > 0; carry >>= 8) {
        carry += back[i] * 62u;
        back[i] = (uint8_t)carry;
      }
      assert_int_equal(carry, 0);
    }
    assert_memory_equal(back, uid.bytes, sizeof back);
  }
}

static void the_same_story(void **state)
{
  (void)state;
  uint64_t first = story(1, false, false);
  assert_int_equal(first, story(77, false, false));
  assert_int_equal(first, story(200, true, false));
}

// A row lasts until its last segment, whatever is kept aside because of that.
static void until_the_last(void **state)
{
  (void)state;
  static const struct {
    uint8_t rows;
    const char *tokens;
  } lives[] = {
      {ESTAB_WATCH_ROWS_LIFE, "S s A"},         {ESTAB_WATCH_ROWS_LIFE, "S s -SA -sa"},
      {ESTAB_WATCH_ROWS_ZEEK, "S sa A#500"},    {ESTAB_WATCH_ROWS_ZEEK, "S sa sa+5000"},
      {ESTAB_WATCH_ROWS_ZEEK, "sa A A100x+50"}, {ESTAB_WATCH_ROWS_ZEEK, "S sa A -S+9"},
      {ESTAB_WATCH_ROWS_ZEEK, "S sa A ra"},     {ESTAB_WATCH_ROWS_LIFE, "S sa A FA a"},
  };
  for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
    static struct watch_kit k;
    static struct estab_watch_record r;
    watch_kit_init(&k);
    k.settings.rows = lives[i].rows;
    k.split_reads = true;
    watch_kit_run(&k, lives[i].tokens);
    estab_watch_flush(k.w);
    struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
    estab_watch_stats(k.w, &stats);
    uint64_t ends_ns = 0;
    while (estab_watch_next(k.w, &r))
      if (r.type == ESTAB_WATCH_CONN) ends_ns = r.conn.ts_ns + r.conn.duration_ns;
    if (ends_ns != stats.last_ns)
      fail_msg("%s: %d ns before the last segment", lives[i].tokens,
               (int)(stats.last_ns - ends_ns));
    watch_kit_free(&k);
  }
}

// Rows of what the end of the capture ended wait; packets or time come all the same: nothing is lost; it ends again.
static void behind_the_end(void **state)
{
  (void)state;
  static struct watch_kit k;
  for (int time_alone = 0; time_alone < 2; time_alone++) {
    watch_kit_init(&k);
    watch_kit_run(&k, "S sa A A100 a");
    k.port[0]++;
    watch_kit_run(&k, "~ S");
    watch_kit_pull(&k);
    estab_watch_flush(k.w);
    if (time_alone)
      estab_watch_advance(k.w, k.now_ns + 400 * UINT64_C(1000000000));
    else
      watch_kit_run(&k, "sa");
    char wanted[200];
    snprintf(wanted, sizeof wanted, "%s%s",
             "S1 ShADa o=SYN-SENT@1,ESTABLISHED@2 r=SYN-RECEIVED@1,ESTABLISHED@3\n"
             "S0 S o=SYN-SENT@6 r=",
             time_alone ? "" : "\nOTH ^h o= r=SYN-RECEIVED@7");
    assert_string_equal(watch_kit_flush(&k), wanted);
    watch_kit_free(&k);
  }
}

// The latest times, and what is later than any: nothing that waits comes near ESTAB_NEVER, and no time goes round.
static void latest_times(void **state)
{
  (void)state;
  static const uint64_t times[] = {ESTAB_TIME_MAX - 1, ESTAB_TIME_MAX,  ESTAB_TIME_MAX + 1,
                                   ESTAB_NEVER - 2,    ESTAB_NEVER - 1, ESTAB_NEVER};
  static const struct {
    const char *tokens, *wanted; // NULL: one row, whatever it says
  } lives[] = {
      {"S", "S0 S o=SYN-SENT@1 r="},
      {"S ra", "REJ Sr o=SYN-SENT@1,CLOSED@2 r="},
      {"S sa A A100 a", "S1 ShADa o=SYN-SENT@1,ESTABLISHED@2 r=SYN-RECEIVED@1,ESTABLISHED@3"},
      {"S sa A A100 a FA fa A", NULL},
      {"S sa A ra", NULL},
      {"A10 A10", NULL},
  };
  for (size_t i = 0; i < sizeof times / sizeof *times; i++)
    for (size_t n = 0; n < sizeof lives / sizeof *lives; n++)
      for (int by_clock = 0; by_clock < 2; by_clock++) {
        static struct watch_kit k;
        watch_kit_init(&k);
        k.settings.detect = true;
        k.still = true;
        k.now_ns = by_clock ? UINT64_C(1000000000) : times[i];
        if (by_clock) watch_kit_run(&k, "~ S");
        if (by_clock) estab_watch_advance(k.w, times[i]);
        (void)watch_kit_pull(&k);
        k.out[0] = '\0';
        k.rows = 0;
        k.port[0]++;
        k.now_ns = times[i];
        k.side[0] = k.side[1] = (struct watch_kit_side){.nxt = 0xffffff00};
        watch_kit_run(&k, lives[n].tokens);
        unsigned rounds = 0;
        uint64_t due_ns;
        while ((due_ns = estab_watch_deadline(k.w)) != ESTAB_NEVER) {
          assert_true(rounds++ < 100);
          assert_true(due_ns <= ESTAB_TIME_MAX);
          estab_watch_advance(k.w, due_ns);
          watch_kit_pull(&k);
        }
        estab_watch_advance(k.w, ESTAB_NEVER);
        const char *const got = watch_kit_flush(&k);
        if (lives[n].wanted && !by_clock) assert_string_equal(got, lives[n].wanted);
        assert_int_equal(k.rows, 1);
        struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
        estab_watch_stats(k.w, &stats);
        assert_int_equal(stats.last_ns, times[i] < ESTAB_TIME_MAX ? times[i] : ESTAB_TIME_MAX);
        assert_int_equal(stats.time_backward, 0);
        watch_kit_free(&k);
      }
}

// A door that refuses once, or from then on.
static long before_refusal;
static bool refuses_once;

static void *stingy(void *ctx, void *p, size_t old_bytes, size_t new_bytes,
                    enum estab_mem_kind kind)
{
  (void)ctx;
  (void)kind;
  if (new_bytes > old_bytes && before_refusal >= 0 && before_refusal-- == 0) {
    if (!refuses_once) before_refusal = 0;
    return NULL;
  }
  if (new_bytes) return realloc(p, new_bytes);
  free(p);
  return NULL;
}

// Each allocation refused in turn: what is there is told and freed, nothing else breaks.
static void without_memory(void **state)
{
  (void)state;
  for (long n = 0; n < 80; n++)
    for (int once = 0; once < 2; once++) {
      static struct watch_kit k;
      watch_kit_init(&k);
      k.settings.streams = true;
      k.settings.mem.resize = stingy;
      before_refusal = n;
      refuses_once = once;
      if (estab_watch_new(&k.settings, &k.w) < 0) continue;
      watch_kit_run(
          &k, "S sa A A100 a100 A A50+50 A50+200 A50 a a FA+10 -A50 fa A @1 ~ S sa A RA @9 a");
      watch_kit_flush(&k);
      struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
      estab_watch_stats(k.w, &stats);
      assert_int_equal(stats.flows_open, 0);
      watch_kit_free(&k);
    }
}

static void sizes(void **state)
{
  (void)state;
  static struct watch_kit k;
  static const struct {
    const char *name, *tokens;
    uint64_t back_ns; // so that 100 us go by
    uint64_t most;
    uint64_t then_ns; // go by behind all of them
  } rows[] = {
      {"one segment", "S", 900000, 128, 0},
      {"refused", "S ra", 1900000, 160, 0},
      {"idle, established", "S sa A A100 a a100 A", 6900000, 384, 0},
      {"in TIME-WAIT, its row told", "S sa A A100 a FA fa A", 7900000, 576, UINT64_C(10000000000)},
  };
  for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
    watch_kit_init(&k);
    k.version = 6;
    k.settings.max_bytes = 256 << 20;
    watch_kit_run(&k, "S");
    struct estab_watch_stats before = {.struct_bytes = sizeof before}, after = before;
    estab_watch_stats(k.w, &before);
    const uint32_t count = 20000;
    for (uint32_t i = 0; i < count; i++) {
      k.port[0] = (uint16_t)(1024 + i % 30000);
      k.port[1] = (uint16_t)(1 + i / 30000);
      k.side[0].acks = k.side[1].acks = false;
      watch_kit_run(&k, rows[row].tokens);
      k.now_ns -= rows[row].back_ns;
      k.out[0] = 0;
    }
    if (rows[row].then_ns) estab_watch_advance(k.w, k.now_ns + rows[row].then_ns);
    watch_kit_pull(&k);
    assert_true(!rows[row].then_ns || k.rows >= count);
    estab_watch_stats(k.w, &after);
    uint64_t each = (after.memory_bytes - before.memory_bytes) / count;
    print_message("%s: %llu bytes\n", rows[row].name, (unsigned long long)each);
    assert_true(after.flows_open >= count);
    assert_true(each <= rows[row].most);
    watch_kit_free(&k);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(o2_bad_checksum),    cmocka_unit_test(o2_low_ttl),
      cmocka_unit_test(o5_early_text),      cmocka_unit_test(o6_urgent),
      cmocka_unit_test(o8_paws_boundaries), cmocka_unit_test(o10_flood),
      cmocka_unit_test(o10_storms),         cmocka_unit_test(o15_linear),
      cmocka_unit_test(o15_no_copies),      cmocka_unit_test(the_same_story),
      cmocka_unit_test(until_the_last),     cmocka_unit_test(behind_the_end),
      cmocka_unit_test(uid_text),           cmocka_unit_test(sizes),
      cmocka_unit_test(without_memory),     cmocka_unit_test(latest_times),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
