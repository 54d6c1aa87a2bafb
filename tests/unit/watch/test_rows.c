// SPDX-License-Identifier: BSD-2-Clause
// test_rows.c - which rows of a life come, how often, and what each says of the others.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "estab/wire.h"
#include "support/watch_kit.h"

// A row says whose segment began its life's next one; the last one nobody's.
static void who_goes_on(void **state)
{
  (void)state;
  static const struct {
    const char *tokens;
    uint8_t next_by[4];
    unsigned rows;
  } cases[] = {
      {"So sao Ao A5o", {ESTAB_WATCH_BY_RESP, ESTAB_WATCH_BY_NONE}, 2}, // Zeek sees no checksum
      {"S @10 -S", {ESTAB_WATCH_BY_NONE, ESTAB_WATCH_BY_NONE}, 2},      // it was told before
      {"S sa A @400 A9", {ESTAB_WATCH_BY_ORIG, ESTAB_WATCH_BY_NONE}, 2},
      {"S sa A FA fa A", {ESTAB_WATCH_BY_NONE}, 1},
      {"S sa A FA fa A ~ S", {ESTAB_WATCH_BY_NONE, ESTAB_WATCH_BY_NONE}, 2}, // another life
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    static struct watch_kit k;
    struct estab_watch_record r;
    unsigned rows = 0;
    watch_kit_init(&k);
    k.split_reads = true;
    watch_kit_run(&k, cases[i].tokens);
    estab_watch_flush(k.w);
    while (estab_watch_next(k.w, &r)) {
      if (r.type != ESTAB_WATCH_CONN) continue;
      if (rows >= cases[i].rows || r.conn.next_by != cases[i].next_by[rows])
        fail_msg("%s: row %u: next_by %u", cases[i].tokens, rows, r.conn.next_by);
      rows++;
    }
    assert_int_equal(rows, cases[i].rows);
    watch_kit_free(&k);
  }
}

// Whatever comes after a row was told: each row is told as final once, and again only where the RST that it ended with
// proves false.
static void final_once(void **state)
{
  (void)state;
  static const struct {
    const char *tokens;
    unsigned rows, again;
  } cases[] = {
      {"S sa A FA fa A @400", 1, 0},             // TIME-WAIT ends
      {"S sa A FA fa A", 1, 0},                  // the capture ends
      {"S sa A FA fa A @10 -fa A", 2, 0},        // a late FIN again: another row
      {"S sa A FA fa A @10 -fa A @400", 2, 0},   //
      {"S sa A @400 A100 a @400 A100 a", 3, 0},  // silences beyond Zeek's timeout
      {"S sa A RA @10 A100", 2, 1},              // the RST proves false
      {"S sa A RA @10 A", 2, 0},                 // that says nothing
      {"S @10 -S @10 -S sa A", 3, 0},            // attempts
      {"S ra @10 ~ S sa A @1 FA fa A @9", 2, 0}, // the tuple again
      {"So sao Ao @56 ao Ao @31 RAo", 4, 0}, // checksums left to the device: Zeek sees none of it
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    static struct watch_kit k;
    struct estab_watch_record r;
    struct estab_watch_uid uids[8];
    unsigned tellings[8] = {0}, count = 0, finals = 0, again = 0;
    watch_kit_init(&k);
    k.split_reads = true;                      // they are pulled here
    for (const char *at = cases[i].tokens;;) { // pulled after each
      char token[16];
      size_t n = strcspn(at, " ");
      snprintf(token, sizeof token, "%.*s", (int)n, at);
      watch_kit_run(&k, token);
      at += n + (at[n] == ' ');
      if (n) // time moves on to the next token, but for what it brings itself
        estab_watch_advance(k.w, k.now_ns - 1);
      else
        estab_watch_flush(k.w);
      while (estab_watch_next(k.w, &r)) {
        unsigned u = 0;
        if (r.type != ESTAB_WATCH_CONN) continue;
        while (u < count && memcmp(&uids[u], &r.conn.uid, sizeof uids[u]) != 0)
          u++;
        if (u == count) uids[count++] = r.conn.uid;
        if (r.conn.again) {
          assert_int_equal(tellings[u] / 100, 1);
          again++;
          continue;
        }
        assert_true(tellings[u] < 100);
        tellings[u] += r.conn.final ? 100 : 1;
        finals += r.conn.final;
      }
      if (!n) break;
    }
    if (count != cases[i].rows || finals != cases[i].rows || again != cases[i].again)
      fail_msg("%s: %u rows, %u final, %u again", cases[i].tokens, count, finals, again);
    watch_kit_free(&k);
  }
}

// Rows that said their last word.
struct last_words {
  struct estab_watch_uid uids[8]; // of those of the tuple that is looked at
  unsigned rows, lives, all_lives;
};

static void last_words_pull(struct watch_kit *k, struct last_words *of)
{
  struct estab_watch_record r;
  while (k->w && estab_watch_next(k->w, &r)) {
    if (r.type != ESTAB_WATCH_CONN || !r.conn.final) continue;
    const bool first = memcmp(&r.conn.uid, &r.conn.life, sizeof r.conn.uid) == 0;
    of->all_lives += first;
    if (r.conn.resp_port != 80) continue;
    of->lives += first;
    for (unsigned i = 0; i < of->rows; i++)
      assert_memory_not_equal(&of->uids[i], &r.conn.uid, sizeof r.conn.uid);
    assert_true(of->rows < 8);
    of->uids[of->rows++] = r.conn.uid;
  }
}

// More attempts than the ceiling has room for.
static void crowd(struct watch_kit *k, struct last_words *of)
{
  const uint16_t port[2] = {k->port[0], k->port[1]};
  for (unsigned i = 0; i < 40000; i++) {
    k->port[0] = (uint16_t)i;
    k->port[1] = 81;
    watch_kit_frame(k, 0, ESTAB_TCP_SYN, i, 0, 1000, NULL, 0, false);
    k->now_ns -= 999000;
    last_words_pull(k, of);
  }
  memcpy(k->port, port, sizeof port);
}

// Each life is counted once, and has one row that bears the life's name; those that continue it have others. However
// far apart the SYNs of one tuple are, whether the row before was told, or its record went to make room meanwhile.
static void each_life_once(void **state)
{
  (void)state;
  static const struct {
    const char *pause;
    bool told, over; // the row of the first SYN, its life
  } cases[] = {
      {"", false, false},   {"@0.3", false, false}, {"@4", false, false},  {"@6", true, false},
      {"@20", true, false}, {"@79", true, false},   {"@80.5", true, true}, {"@200", true, true},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof *cases * 8; i++) {
    const bool other = i & 1, advance = i & 2, crowded = i & 4;
    const bool over = crowded || cases[i / 8].over, row = over || other || cases[i / 8].told;
    static struct watch_kit k;
    struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
    struct last_words said = {.rows = 0};
    watch_kit_init(&k);
    k.split_reads = true; // they are pulled here
    watch_kit_run(&k, "S");
    last_words_pull(&k, &said);
    if (crowded) crowd(&k, &said);
    watch_kit_run(&k, cases[i / 8].pause);
    if (advance) estab_watch_advance(k.w, k.now_ns - 1);
    if (advance) last_words_pull(&k, &said);
    watch_kit_run(&k, other ? "~ S" : "-S");
    last_words_pull(&k, &said);
    estab_watch_flush(k.w);
    last_words_pull(&k, &said);
    estab_watch_stats(k.w, &stats);
    if (stats.flows != said.all_lives || said.lives != 1u + over || said.rows != 1u + row)
      fail_msg("%s %u: %llu lives counted, %u told, %u and %u rows of the tuple",
               cases[i / 8].pause, i % 8, (unsigned long long)stats.flows, said.all_lives,
               said.lives, said.rows);
    watch_kit_free(&k);
  }
}

// Rows that begin in one nanosecond, of a clock that stands or is coarse: a name each, first rows' as ever.
static void names_at_one_time(void **state)
{
  (void)state;
  static struct watch_kit k;
  struct last_words said = {.rows = 0};
  watch_kit_init(&k);
  k.split_reads = true;
  watch_kit_run(&k, "S @6");
  const uint64_t later = k.now_ns;
  for (unsigned i = 0; i < 5; i++) {
    watch_kit_run(&k, "~ S");
    last_words_pull(&k, &said);
    k.now_ns = i < 3 ? later : later + 1;
  }
  estab_watch_flush(k.w);
  last_words_pull(&k, &said);
  assert_int_equal(said.rows, 6);
  assert_int_equal(said.lives, 1);
  watch_kit_free(&k);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(who_goes_on),
      cmocka_unit_test(final_once),
      cmocka_unit_test(each_life_once),
      cmocka_unit_test(names_at_one_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
