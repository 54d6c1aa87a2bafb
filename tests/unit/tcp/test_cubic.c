// SPDX-License-Identifier: BSD-2-Clause
// test_cubic.c - CUBIC against the formulas of RFC 9438 in floating point, and HyStart++ (RFC 9406) round by round.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tcp/cc.h"

#define MSS 1000u
#define MS  UINT64_C(1000000)

struct world {
  struct cc cc;
  struct cc_work work;
  uint64_t now_ns;
  uint32_t round;
};

static void begin(struct world *w, uint32_t segments)
{
  *w = (struct world){.now_ns = 1000 * MS};
  w->cc.verbs = &cc_cubic;
  w->cc.slow_start_segments = 2;
  cc_cubic.start(&w->cc, MSS, segments * MSS);
  w->work.pacing = w->work.hystart = true;
  cc_wake(&w->cc, &w->work, w->now_ns);
}

static void ack(struct world *w, uint32_t bytes, uint64_t rtt_ns, bool round_start)
{
  const struct cc_ack a = {.now_ns = w->now_ns,
                           .acked_bytes = bytes,
                           .delivered_bytes = bytes,
                           .prior_flight_bytes = w->cc.cwnd_bytes,
                           .most_flight_bytes = w->cc.cwnd_bytes,
                           .flight_bytes = w->cc.cwnd_bytes - bytes,
                           .rtt_ns = rtt_ns,
                           .srtt_ns = rtt_ns,
                           .round = w->round += round_start,
                           .round_start = round_start,
                           .window_full = true};
  cc_cubic.on_ack(&w->cc, &w->work, &a);
}

// A round trip in which every segment of the window is acknowledged, evenly spread.
static void round_trip(struct world *w, uint64_t rtt_ns)
{
  uint32_t segments = w->cc.cwnd_bytes / MSS;
  for (uint32_t i = 0; i < segments; i++) {
    w->now_ns += rtt_ns / segments;
    ack(w, MSS, rtt_ns, i == 0);
  }
}

// RFC 9438 4.2: after a loss the window follows C (t - K)^3 + W_max.
// [MAY-18]
static void test_curve(void **state)
{
  (void)state;
  static const uint32_t windows[] = {500, 2000, 20000};
  static const uint64_t rtts_ms[] = {50, 100, 200};
  for (unsigned i = 0; i < 3; i++)
    for (unsigned k = 0; k < 3; k++) {
      struct world w;
      begin(&w, windows[i]);
      cc_cubic.on_loss(&w.cc, &w.work, w.cc.cwnd_bytes, w.now_ns);
      assert_int_equal(w.cc.cwnd_bytes, windows[i] * MSS / 10 * 7);
      double w_max = windows[i], start = windows[i] * 0.7;
      double big_k = cbrt((w_max - start) / 0.4), rtt = (double)rtts_ms[k] / 1000;
      uint64_t from_ns = 0;
      for (unsigned r = 0; r < 1000; r++) {
        round_trip(&w, rtts_ms[k] * MS);
        if (from_ns == 0) from_ns = w.now_ns - rtts_ms[k] * MS;
        double t = (double)(w.now_ns - from_ns) / 1e9;
        double reno = start + 9.0 / 17.0 * t / rtt;
        double cubic = 0.4 * pow(t - big_k, 3) + w_max;
        if (reno > cubic || t > 2 * big_k) break; // another rule has its turn
        double have = (double)w.cc.cwnd_bytes / MSS;
        if (fabs(have - cubic) > 0.03 * cubic + 3)
          fail_msg("window %u, RTT %u ms, t %.3f: %.1f segments, the curve has %.1f", windows[i],
                   (unsigned)rtts_ms[k], t, have, cubic);
      }
    }
}

// RFC 9438 4.3: with short round trips and a small window it grows as Reno would.
static void test_reno_friendly(void **state)
{
  (void)state;
  struct world w;
  begin(&w, 40);
  cc_cubic.on_loss(&w.cc, &w.work, w.cc.cwnd_bytes, w.now_ns);
  uint32_t before = w.cc.cwnd_bytes;
  for (unsigned r = 0; r < 20; r++)
    round_trip(&w, 2 * MS);
  double grown = (double)(w.cc.cwnd_bytes - before) / MSS;
  assert_true(grown > 9.0 && grown < 12.0); // 9/17 a round trip: 10.6
}

// RFC 9438 4.7: a loss before the old window was reached again gives room to others.
static void test_fast_convergence(void **state)
{
  (void)state;
  struct world w;
  begin(&w, 1000);
  cc_cubic.on_loss(&w.cc, &w.work, 1000 * MSS, w.now_ns);
  round_trip(&w, 100 * MS);
  uint32_t second = w.cc.cwnd_bytes;
  cc_cubic.on_loss(&w.cc, &w.work, second, w.now_ns);
  uint32_t plateau = (uint32_t)((uint64_t)second * 17 / 20);
  for (unsigned r = 0; r < 400 && w.now_ns < 60000 * MS; r++) {
    uint32_t before = w.cc.cwnd_bytes;
    round_trip(&w, 100 * MS);
    if (w.cc.cwnd_bytes - before < 2 * MSS) break; // the plateau
  }
  assert_true(w.cc.cwnd_bytes > plateau / 100 * 95 && w.cc.cwnd_bytes < plateau / 100 * 106);
}

// RFC 9438 4.9: a loss that was none is forgotten whole.
static void test_undo(void **state)
{
  (void)state;
  struct world w, copy;
  begin(&w, 1000);
  cc_cubic.on_loss(&w.cc, &w.work, 1000 * MSS, w.now_ns);
  for (unsigned r = 0; r < 5; r++)
    round_trip(&w, 100 * MS);
  copy = w;
  cc_cubic.on_loss(&copy.cc, &copy.work, copy.cc.cwnd_bytes, copy.now_ns);
  copy.cc = w.cc;
  cc_cubic.on_undo(&copy.cc, &copy.work, copy.now_ns);
  for (unsigned r = 0; r < 20; r++) {
    round_trip(&w, 100 * MS);
    round_trip(&copy, 100 * MS);
    assert_int_equal(w.cc.cwnd_bytes, copy.cc.cwnd_bytes);
  }
}

// RFC 9438 4.8: after a timeout the window begins at one segment and slow start goes to 0.7 of the flight.
static void test_timeout(void **state)
{
  (void)state;
  struct world w;
  begin(&w, 100);
  cc_cubic.on_timeout(&w.cc, &w.work, 100 * MSS, true, w.now_ns);
  assert_int_equal(w.cc.cwnd_bytes, MSS);
  assert_int_equal(w.cc.ssthresh_bytes, 70 * MSS);
  cc_cubic.on_timeout(&w.cc, &w.work, MSS, false, w.now_ns);
  assert_int_equal(w.cc.ssthresh_bytes, 70 * MSS);
}

// RFC 9406 4.2: round trips that grow by an eighth begin conservative slow start; it ends after 5 rounds.
static void test_hystart(void **state)
{
  (void)state;
  struct world w;
  begin(&w, 10);
  for (unsigned r = 0; r < 4; r++)
    round_trip(&w, 100 * MS);
  assert_true(w.cc.ssthresh_bytes == UINT32_MAX);
  uint32_t before = w.cc.cwnd_bytes;
  round_trip(&w, 113 * MS); // 100 ms + an eighth = 112.5 ms
  round_trip(&w, 113 * MS);
  assert_true(w.cc.cwnd_bytes < before * 2); // by a quarter each, not by all
  for (unsigned r = 0; r < 4; r++) {
    assert_true(w.cc.ssthresh_bytes == UINT32_MAX);
    round_trip(&w, 114 * MS);
  }
  round_trip(&w, 114 * MS);
  assert_true(w.cc.ssthresh_bytes <= w.cc.cwnd_bytes); // congestion avoidance
}

// Round trips that shrink again show that the growth was chance: slow start goes on.
static void test_hystart_returns(void **state)
{
  (void)state;
  struct world w;
  begin(&w, 10);
  for (unsigned r = 0; r < 3; r++)
    round_trip(&w, 100 * MS);
  round_trip(&w, 113 * MS);
  round_trip(&w, 100 * MS); // below the baseline: chance
  uint32_t before = w.cc.cwnd_bytes;
  round_trip(&w, 100 * MS);
  assert_true(w.cc.cwnd_bytes >= before * 19 / 10);
  for (unsigned r = 0; r < 3; r++)
    round_trip(&w, 100 * MS);
  assert_true(w.cc.ssthresh_bytes == UINT32_MAX);
}

// In the midst of a round, round trips grow: a paced sender has no burst of its own to blame, one that is not does not
// look before the next round. And without RFC 9406 by setting, nobody looks.
static void test_hystart_within_a_round(void **state)
{
  (void)state;
  for (unsigned i = 0; i < 4; i++) {
    struct world w;
    begin(&w, 40);
    w.work.pacing = i & 1;
    w.work.hystart = i & 2;
    for (unsigned r = 0; r < 2; r++)
      round_trip(&w, 100 * MS);
    uint32_t before = w.cc.cwnd_bytes;
    for (uint32_t at = 0; at < before; at += MSS) {
      w.now_ns += 100 * MS * MSS / before;
      ack(&w, MSS, (at < before / 2 ? 100 : 120) * MS, at == 0);
    }
    bool early = (i & 1) && (i & 2);
    assert_int_equal(w.cc.cwnd_bytes < before * 17 / 10, early);
    assert_true(early || w.cc.cwnd_bytes == before * 2);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_curve),
                                     cmocka_unit_test(test_reno_friendly),
                                     cmocka_unit_test(test_fast_convergence),
                                     cmocka_unit_test(test_undo),
                                     cmocka_unit_test(test_timeout),
                                     cmocka_unit_test(test_hystart),
                                     cmocka_unit_test(test_hystart_returns),
                                     cmocka_unit_test(test_hystart_within_a_round)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
