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
static const struct {
  const char *name, *tokens;
  unsigned reordered, retransmitted;
} late_rows[] = {
    {"sooner than half the handshake's", "S @0.02 sa A A100 @0.06 a A100+100 @0.009 A100-200 a", 1,
     0},
    {"after it, text was acknowledged late", "S @0.02 sa A A100 @0.06 a A100+100 @0.011 A100-200 a",
     0, 1},
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
    {"captured without text", "S @0.02 sa A A100c @0.06 a A100c+100 @0.009 A100c-200 a", 1, 0},
    {"captured without text, after it", "S @0.02 sa A A100c @0.06 a A100c+100 @0.011 A100c-200 a",
     0, 1},
    {"captured without text, one way", "A100c A100c+100 @0.0019 A100c-200", 1, 0},
    {"captured without text, one way, later", "A100c A100c+100 @0.0021 A100c-200", 0, 1},
    {"offloaded", "S @0.02 sa A A100o @0.06 a A100o+100 @0.009 A100o-200 a", 1, 0},
    {"offloaded, after it", "S @0.02 sa A A100o @0.06 a A100o+100 @0.011 A100o-200 a", 0, 1},
    {"one way, many holes that stay", "A100 A9+9 A9+9 A9+9 A9+9 A9+9 A9+9 A100+100 A100-200", 1, 0},
    {"one way, and the other comes", "A100 @1 A100+100 a A100-200", 1, 0},
    {"two holes, the first filled a round trip after it, just after the second",
     "S @0.1 sa A A100+100 @0.09 A100+100 @0.008 A100-400 a", 0, 1},
    {"three holes, the same", "S @0.1 sa A A100+100 @0.04 A100+100 @0.05 A100+100 A100-600 a", 0,
     1},
    {"two holes, both filled a round trip after them",
     "S @0.1 sa A A100+100 @0.09 A100+100 @0.008 A100-400 a @0.09 A100-200 a", 0, 2},
    {"two holes, the second overtaken alone",
     "S @0.1 sa A A100+100 @0.09 A100+100 @0.008 A100-200 a @0.01 A100-400", 1, 1},
    {"two holes, both overtaken", "S @0.1 sa A A100+100 A100+100 A100-400 A100-200 a", 2, 0},
    {"six holes, all overtaken",
     "S @0.1 saw5000 A A100+100 A100+100 A100+100 A100+100 A100+100 A100+100 A100-1200 A100-1000 "
     "A100-800 A100-600 A100-400 A100-200 a",
     6, 0},
    {"one lost, and behind it others overtaken",
     "S @0.1 saw5000 A A100+100 A100+100 A100-200 A100+100 A100-200 A100+100 A100-200 A100+100 "
     "A100-200 A100+100 A100-200 @0.09 A100+100 A100-200 A100-1400 a",
     6, 1},
    {"a hole filled from its end",
     "S @0.1 sa A A10+90 @0.09 A10+90 A50-60 A10+90 A40-200 A50-300 a", 2, 1},
    {"its ACK passed before it", "S @0.02 sa A A100 @0.06 a a#100 @0.009 A100 A100 a", 0, 0},
    {"its ACK passed long before it", "S @0.02 sa A A100 @0.06 a a#100 @0.011 A100 A100 a", 0, 1},
    {"its ACK passed before it, and it comes again",
     "S @0.02 sa A A100 @0.06 a a#100 A100 @0.02 A100-100 a", 0, 1},
    {"by its timestamp it left before", "S @0.02 sa A A100t5 @0.06 a A100+100t6 @0.3 A100-200t5 a",
     1, 0},
    {"by its timestamp it left later", "S @0.02 sa A A100t5 @0.06 a A100+100t6 A100-200t7 a", 0, 1},
    {"the same timestamp, soon", "S @0.02 sa A A100t5 @0.06 a A100+100t6 A100-200t6 a", 1, 0},
    {"the same timestamp, late", "S @0.02 sa A A100t5 @0.06 a A100+100t6 @0.06 A100-200t6 a", 0, 1},
    {"one without a timestamp", "S @0.02 sa A A100t5 @0.06 a A100+100 @0.06 A100-200t5 a", 0, 1},
    {"timestamps, begun in the middle", "A100t5 @1 A100+100t6 @1 A100-200t5", 1, 0},
    {"six holes, by timestamps five are overtaken and one is sent again",
     "S @0.1 saw5000 A A100t5+100 A100t6+100 A100t7+100 A100t8+100 A100t9+100 A100t9+100 @1 "
     "A100t4-1200 A100t5-1000 A100t6-800 A100t7-600 A100t7-400 A100t10-200 a",
     5, 1},
    {"probes of a closed window", "S saw100 A A100 aw0 @1 A1x aw0 @2 A1x-1 aw0 @4 A1x-1 aw0", 0, 0},
    {"text once it opens", "S saw100 A A100 aw0 @1 A1x aw0 @2 A1x-1 aw0 @4 a A100-1 a", 0, 0},
    {"the same, begun in the middle", "A100 aw0 @1 A1x aw0 @2 A1x-1 aw0 @4 a A100-1 a", 0, 0},
    {"the same, the window taken back", "S sa A A100 aw0 @1 A1x aw0 @2 A1x-1 aw0 @4 a A100-1 a", 0,
     0},
    {"the text lost", "S sa A A100 aw0 @1 A1x aw0 @4 a A100x-1 @1 A100-100 a", 0, 1},
    {"an octet again, the window open", "S sa A A1x @1 A1-1 a", 0, 1},
};

static void late_or_again(void **state)
{
  (void)state;
  unsigned failed = 0;
  for (size_t i = 0; i < sizeof late_rows / sizeof *late_rows; i++) {
    static struct watch_kit k;
    struct estab_watch_record record;
    watch_kit_init(&k);
    watch_kit_run(&k, late_rows[i].tokens);
    estab_watch_flush(k.w);
    uint64_t reordered = 0, retransmitted = 0;
    while (estab_watch_next(k.w, &record))
      if (record.type == ESTAB_WATCH_CONN) {
        reordered = record.conn.side[0].reordered_pkts;
        retransmitted = record.conn.side[0].retransmitted_pkts;
      }
    if (reordered != late_rows[i].reordered || retransmitted != late_rows[i].retransmitted) {
      print_error("%s: %u reordered, %u again\n", late_rows[i].name, (unsigned)reordered,
                  (unsigned)retransmitted);
      failed++;
    }
    watch_kit_free(&k);
  }
  assert_int_equal(failed, 0);
}

// ---------------------------------------------------------------------------------------------
// What a row says of its own time

struct measure_rows {
  struct watch_kit kit;
  struct estab_watch_conn row[4]; // without its steps
  unsigned count;
};

static void measure_pull(struct measure_rows *m)
{
  struct estab_watch_record record;
  while (estab_watch_next(m->kit.w, &record))
    if (record.type == ESTAB_WATCH_CONN && m->count < 4) m->row[m->count++] = record.conn;
}

static void measure_run(struct measure_rows *m, const char *tokens)
{
  char token[32];
  for (int n; sscanf(tokens, "%31s%n", token, &n) == 1; tokens += n) {
    watch_kit_run(&m->kit, token);
    if (m->kit.w) measure_pull(m);
  }
}

static void measure_begin(struct measure_rows *m)
{
  m->count = 0;
  watch_kit_init(&m->kit);
  m->kit.split_reads = true; // they are pulled here
}

static void measure_end(struct measure_rows *m)
{
  estab_watch_flush(m->kit.w);
  measure_pull(m);
  watch_kit_free(&m->kit);
}

// The last row of what these tokens say, by lives.
static const struct estab_watch_conn *measure_life(const char *tokens)
{
  static struct measure_rows m;
  measure_begin(&m);
  m.kit.settings.rows = ESTAB_WATCH_ROWS_LIFE;
  measure_run(&m, tokens);
  measure_end(&m);
  return &m.row[m.count - 1];
}

static double measure_limited(const struct estab_watch_conn *c)
{
  return (double)(c->limited_receiver_window_ns + c->limited_sender_or_path_ns +
                  c->limited_loss_ns + c->limited_idle_ns) /
         1e9;
}

// A window that is shut where another row of the life begins is shut from there on.
static void window_over_a_row_split(void **state)
{
  (void)state;
  static const struct {
    const char *name, *tokens;
    uint64_t zero_windows, zero_window_ms;
  } rows[] = {
      {"opened by its first segment", "S sa A A100 aw0 @400 a @0.2 A100 a", 1, 0},
      {"still shut", "S sa A A100 aw0 @400 aw0 @0.2 A", 1, 201},
      {"opened later", "S sa A A100 aw0 @400 aw0 @0.2 A @0.3 a A100 a", 1, 502},
      {"shut again", "S sa A A100 aw0 @400 a A100 aw0 @0.2 a", 2, 201},
      {"open all the time", "S sa A A100 aw0 a @400 a A100 a", 0, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    static struct measure_rows m;
    measure_begin(&m);
    measure_run(&m, rows[i].tokens);
    measure_end(&m);
    assert_int_equal(m.count, 2);
    const struct estab_watch_side_record *s = &m.row[1].side[m.row[1].orig_port != 80];
    if (s->zero_windows != rows[i].zero_windows ||
        s->zero_window_ns != rows[i].zero_window_ms * 1000000)
      print_error("%s: %llu times, %llu ns\n", rows[i].name, (unsigned long long)s->zero_windows,
                  (unsigned long long)s->zero_window_ns);
    assert_int_equal(s->zero_windows, rows[i].zero_windows);
    assert_int_equal(s->zero_window_ns, rows[i].zero_window_ms * 1000000);
  }
}

static void measure_bulk(struct measure_rows *m)
{
  for (unsigned i = 0; i < 70; i++)
    measure_run(m, "A1000 @0.009 a");
}

// What limited a row lies within it.
static void limits_of_a_later_row(void **state)
{
  (void)state;
  static struct measure_rows m;
  measure_begin(&m);
  measure_run(&m, "S sa A");
  measure_bulk(&m);
  measure_run(&m, "@400");
  measure_bulk(&m);
  measure_end(&m);
  assert_int_equal(m.count, 2);
  const struct estab_watch_conn *c = &m.row[1];
  assert_true(c->duration_ns < UINT64_C(1000000000));
  assert_true(measure_limited(c) > 0.5);
  assert_true(measure_limited(c) <= (double)c->duration_ns / 1e9 + 1e-9);
}

// Limits are told of who sends much, and of all the time until there.
static void limits_before_much_text(void **state)
{
  (void)state;
  static const struct {
    const char *name, *begin;
    unsigned times;
    const char *more;
    bool much;
    unsigned idle_s, window_s, rest_s; // whole seconds
  } rows[] = {
      {"in one go", "S sa A", 0, "", true, 0, 0, 0},
      {"little, and long pauses", "S sa A", 12, "@250 A10 @0.01 a", true, 3000, 0, 0},
      {"pauses, then another asks", "S sa A", 12, "@250 A10 @0.01 a20 @0.01 A", true, 3000, 0, 0},
      {"pauses of one who is troubled", "S sa A A10x @0.2 A10-10 a", 12, "@250 A10 @0.01 a", true,
       3000, 0, 0},
      {"answered late", "S @3 -S sa A", 0, "", true, 0, 0, 3},
      {"lost", "S sa A A1000x @3 -A1000 a", 0, "", true, 0, 0, 3},
      {"lost again and again", "S sa A A1000x @1 -A1000x @2 -A1000x @4 -A1000 a", 0, "", true, 0, 0,
       7},
      {"its window shut", "S saw1000 A A1000 aw0 @20 a", 0, "", true, 0, 20, 0},
      {"its window shut, and little text", "S sa A A100 aw0 @20 a A100 a", 0, "", false, 0, 0, 0},
  };
  unsigned failed = 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    static struct measure_rows m;
    measure_begin(&m);
    measure_run(&m, rows[i].begin);
    for (unsigned j = 0; j < rows[i].times; j++)
      measure_run(&m, rows[i].more);
    if (rows[i].much) measure_bulk(&m);
    measure_end(&m);
    assert_int_equal(m.count, 1);
    const struct estab_watch_conn *c = &m.row[0];
    const double idle = (double)c->limited_idle_ns / 1e9;
    const double window = (double)c->limited_receiver_window_ns / 1e9;
    const double rest = (double)(c->limited_sender_or_path_ns + c->limited_loss_ns) / 1e9;
    const double all = rows[i].much ? (double)c->duration_ns / 1e9 : 0;
    if (idle + 2 > rows[i].idle_s && idle < rows[i].idle_s + 2 && window >= rows[i].window_s &&
        window < rows[i].window_s + 2 && rest >= rows[i].rest_s && rest < rows[i].rest_s + 2 &&
        idle + window + rest < all + 1e-6 && idle + window + rest > all - 1e-6)
      continue;
    print_error("%s: %f %f %f of %f\n", rows[i].name, idle, window, rest, all);
    failed++;
  }
  assert_int_equal(failed, 0);
}

// Beside the receiver all is acknowledged as it comes; who sent it is not idle while that is on its way to it, and the
// window that it knows is the one of a round trip before.
static void limits_beside_the_receiver(void **state)
{
  (void)state;
  static const struct {
    const char *name, *begin, *much, *more; // 70 times, 20 times
    unsigned idle_ms, window_ms, rest_ms;
  } rows[] = {
      {"the path", "S sa @0.1 A", "A1000 aw60000", "@0.09 A1000 aw60000", 0, 0, 1840},
      {"the window", "S sa @0.1 A", "@0.1 A1000 aw1000", "@0.1 A1000 aw1000", 0, 2400, 6800},
      {"a window that is shut for long", "S sa @0.1 A", "@0.1 A1000 aw1000",
       "@0.1 A1000 aw0 @0.2 aw1000", 0, 6420, 6800},
      {"the handshake took longer", "S sa @0.4 A", "@0.1 A1000 aw1000", "@1 A1000 aw1000", 18000,
       2440, 7100},
      {"a pause", "S sa @0.1 A", "A1000 aw60000", "@0.9 A1000 aw60000", 16000, 0, 2040},
      {"beside the sender", "S @0.1 sa A", "A1000 aw60000", "@0.09 A1000 @0.1 aw60000", 1800, 0,
       2040},
  };
  unsigned failed = 0;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    static struct measure_rows m;
    measure_begin(&m);
    measure_run(&m, rows[i].begin);
    for (unsigned j = 0; j < 70; j++)
      measure_run(&m, rows[i].much);
    for (unsigned j = 0; j < 20; j++)
      measure_run(&m, rows[i].more);
    measure_end(&m);
    assert_int_equal(m.count, 1);
    const struct estab_watch_conn *c = &m.row[0];
    const double idle = (double)c->limited_idle_ns / 1e6;
    const double window = (double)c->limited_receiver_window_ns / 1e6;
    const double rest = (double)(c->limited_sender_or_path_ns + c->limited_loss_ns) / 1e6;
    const double all = (double)c->duration_ns / 1e6;
    const double more =
        300; // of the handshake, and of the 70; of what comes before the account, all is `rest`
    if (idle < rows[i].idle_ms - more / 4 || idle > rows[i].idle_ms + more ||
        window < rows[i].window_ms - more / 4 || window > rows[i].window_ms + more ||
        rest < rows[i].rest_ms - more / 4 || rest > rows[i].rest_ms + more ||
        idle + window + rest < all - 1e-3 || idle + window + rest > all + 1e-3) {
      print_error("%s: idle %f, window %f, rest %f ms of %f\n", rows[i].name, idle, window, rest,
                  all);
      failed++;
    }
  }
  assert_int_equal(failed, 0);
}

// What a closed window is asked for is no loss, and its answers are no sign of one.
static void probes_are_no_loss(void **state)
{
  (void)state;
  static struct measure_rows m;
  measure_begin(&m);
  measure_run(&m, "S saw1000 A");
  for (unsigned i = 0; i < 70; i++)
    measure_run(&m, "A1000 aw1000");
  measure_run(&m, "A1000 aw0 @1 A1x aw0 @2 A1x-1 aw0 @4 A1x-1 aw0 @8 aw1000 A1000-1 aw1000");
  measure_end(&m);
  assert_int_equal(m.count, 1);
  const struct estab_watch_conn *c = &m.row[0];
  assert_int_equal(c->side[0].retransmitted_pkts, 0);
  assert_int_equal(c->side[1].dup_acks, 0);
  assert_int_equal(c->side[1].zero_windows, 1);
  assert_int_equal(c->limited_loss_ns, 0);
  assert_true(c->limited_receiver_window_ns > UINT64_C(15000000000));
}

// RFC 9293 3.10.7.4, fifth: an acknowledgment that another overtook says nothing of the window.
static void overtaken_window(void **state)
{
  (void)state;
  static const struct {
    const char *name, *tokens;
    uint64_t zero_windows, zero_window_ms;
  } rows[] = {
      {"overtaken", "S sa A A100 A100 a a#-100w0 @10 A100 a", 0, 0},
      {"overtaken, the window being shut", "S sa A A100 A100 aw0 a#-100 @10 a A100 a", 1, 10002},
      {"in order", "S sa A A100 A100 a#-100 aw0 @10 a", 1, 10001},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    static struct measure_rows m;
    measure_begin(&m);
    measure_run(&m, rows[i].tokens);
    measure_end(&m);
    const struct estab_watch_side_record *s = &m.row[0].side[1];
    if (s->zero_windows != rows[i].zero_windows) print_error("%s\n", rows[i].name);
    assert_int_equal(s->zero_windows, rows[i].zero_windows);
    assert_int_equal(s->zero_window_ns, rows[i].zero_window_ms * 1000000);
  }
}

// An acknowledgment that comes minutes after its text is a round trip as long as it can be told, and none after that.
static void long_round_trips(void **state)
{
  (void)state;
  static const struct {
    const char *name, *tokens;
    uint64_t least_ms, most_ms; // 0 = none
  } rows[] = {
      {"at once", "S sa A @1000 A100 @0.05 a", 51, 54},
      {"minutes", "S sa A A100 @270 a", 270000, 270010},
      {"longer than is told", "S sa A A100 @275 a", 0, 0},
      {"text on the way", "S sa A A100 @200 A100 @200 A100 @200 a", 0, 0},
      {"hours", "S sa A A100 @3600 A100 @3600 A100 @3600 a", 0, 0},
      {"behind it", "S sa A A100 @275 a A100 @0.05 a", 51, 54},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const uint64_t rtt_ns = measure_life(rows[i].tokens)->rtt_min_ns;
    const uint64_t ms = rtt_ns == ESTAB_WATCH_TIME_NONE ? 0 : rtt_ns / 1000000 + 1;
    if (ms < rows[i].least_ms || ms > rows[i].most_ms)
      print_error("%s: %llu ms\n", rows[i].name, (unsigned long long)ms);
    assert_in_range(ms, rows[i].least_ms, rows[i].most_ms);
  }
}

// From end to end, wherever the capture stands between them; where one end's half is not known, nothing is told.
static void least_round_trips(void **state)
{
  (void)state;
  static const struct {
    const char *name, *tokens;
    uint64_t least_us, median_us; // 0 = none
  } rows[] = {
      {"text and half of the handshake", "S @0.03 sa @0.01 A A100 @0.05 a", 62000, 62000},
      {"the handshake was slow at the near end", "S @0.02 sa @0.07 A A100 @0.03 a a100 @0.01 A",
       32000, 86000},
      {"the SYN was answered late", "S @0.08 sa @0.001 A A100 @0.02 a", 23000, 23000},
      {"a SYN said twice, text one way", "S @1 -S @0.02 sa A A100 @0.00002 a", 0, 0},
      {"a SYN said twice, text both ways", "S @1 -S @0.02 sa A A100 @0.001 a a100 @0.02 A", 23000,
       23000},
      {"begun in the middle, text one way", "A100 @0.00002 a A100 @0.00002 a", 0, 0},
      {"begun in the middle, text both ways", "=5000 A100 @0.001 a a100 @0.02 A A100 @0.003 a",
       23000, 23000},
      {"the SYN missed, text one way", "=5000 sa @0.03 A a100 @0.02 A", 0, 0},
      {"the SYN missed, text both ways", "=5000 sa @0.03 A A100 @0.001 a a100 @0.02 A", 23000,
       23000},
      {"the SYN-ACK missed, text one way", "S @0.03 A#6000 A100 @0.02 a", 0, 0},
      {"no text", "S @0.03 sa @0.01 A", 0, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const struct estab_watch_conn *row = measure_life(rows[i].tokens);
    const uint64_t least = row->rtt_min_ns == ESTAB_WATCH_TIME_NONE ? 0 : row->rtt_min_ns / 1000;
    const uint64_t median =
        row->rtt_median_ns == ESTAB_WATCH_TIME_NONE ? 0 : row->rtt_median_ns / 1000;
    // Each token takes a millisecond.
    const bool right = least >= rows[i].least_us &&
                       least <= rows[i].least_us + rows[i].least_us / 100 + 20 &&
                       median >= rows[i].median_us - rows[i].median_us / 10 &&
                       median <= rows[i].median_us + rows[i].median_us / 10;
    if (!right || !least != !rows[i].least_us || !median != !rows[i].median_us) {
      print_error("%s: least %llu us, median %llu us\n", rows[i].name, (unsigned long long)least,
                  (unsigned long long)median);
      fail();
    }
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(late_or_again),
      cmocka_unit_test(window_over_a_row_split),
      cmocka_unit_test(limits_of_a_later_row),
      cmocka_unit_test(probes_are_no_loss),
      cmocka_unit_test(limits_before_much_text),
      cmocka_unit_test(overtaken_window),
      cmocka_unit_test(long_round_trips),
      cmocka_unit_test(least_round_trips),
      cmocka_unit_test(limits_beside_the_receiver),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
