// SPDX-License-Identifier: BSD-2-Clause
// test_bbr.c - BBR's parts alone, and the whole on a path of one queue.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tcp/cc_bbr.h"

#define MS  UINT64_C(1000000)
#define MSS 1000u

// ---- The model

static void the_model_of_bandwidth(void **state)
{
  (void)state;
  struct bbr b = {.initial_window = 10 * MSS, .inflight_longterm = BBR_NONE};
  bbr_reset_shortterm(&b);
  struct cc cc = {.mss_bytes = MSS, .cwnd_bytes = 100 * MSS};
  assert_int_equal(bbr_bdp(&b, 1000000, 200), 10 * MSS); // no round trip yet
  struct cc_ack a = {.now_ns = 100 * MS,
                     .delivered_bytes = MSS,
                     .total_delivered_bytes = MSS,
                     .rtt_ns = 20 * MS,
                     .rate = {.delivered_bytes = 20000, .interval_ns = 20 * MS}};
  bbr_model_update(&b, &cc, &a);
  bbr_model_min_rtt(&b, &a);
  bbr_model_finish(&b, &a);
  assert_int_equal(b.bw, 1000000);
  assert_int_equal(b.min_rtt_ns, 20 * MS);
  assert_int_equal(bbr_bdp(&b, b.bw, 200), 40000);
  // An application-limited sample counts only if it is more.
  a.rate =
      (struct rate_sample){.delivered_bytes = 10000, .interval_ns = 20 * MS, .app_limited = true};
  bbr_model_update(&b, &cc, &a);
  assert_int_equal(bbr_max_bw(&b), 1000000);
  a.rate.delivered_bytes = 30000;
  bbr_model_update(&b, &cc, &a);
  assert_int_equal(bbr_max_bw(&b), 1500000);
  // The least round trip lasts ten seconds, a new one is looked for after five.
  a.now_ns += 5100 * MS;
  a.rtt_ns = 30 * MS;
  bbr_model_min_rtt(&b, &a);
  assert_true(b.probe_rtt_expired);
  assert_int_equal(b.min_rtt_ns, 20 * MS);
  a.now_ns += 5000 * MS;
  bbr_model_min_rtt(&b, &a);
  assert_int_equal(b.min_rtt_ns, 30 * MS);
}

// Over a long path the round trip is looked for once in 32 of it, at the latest after ten seconds, and lasts for twice
// as long.
static void the_round_trip_of_long_paths(void **state)
{
  (void)state;
  static const struct {
    unsigned rtt_ms, interval_ms;
  } cases[] = {{1, 5000}, {150, 5000}, {200, 6400}, {300, 9600}, {600, 10000}};
  for (unsigned i = 0; i < 5; i++) {
    struct bbr b = {0};
    struct cc_ack a = {
        .now_ns = 1000 * MS, .rtt_ns = cases[i].rtt_ms * MS, .min_rtt_ns = cases[i].rtt_ms * MS};
    bbr_model_min_rtt(&b, &a);
    a.rtt_ns += 10 * MS;
    a.now_ns += cases[i].interval_ms * MS;
    bbr_model_min_rtt(&b, &a);
    assert_false(b.probe_rtt_expired);
    a.now_ns += MS;
    bbr_model_min_rtt(&b, &a);
    assert_true(b.probe_rtt_expired);
    a.now_ns += (cases[i].interval_ms - 2) * MS;
    bbr_model_min_rtt(&b, &a);
    assert_int_equal(b.min_rtt_ns, cases[i].rtt_ms * MS);
    a.now_ns += 3 * MS;
    bbr_model_min_rtt(&b, &a);
    assert_int_equal(b.min_rtt_ns, (cases[i].rtt_ms + 10) * MS);
  }
}

// Three rounds without a quarter more.
static void the_pipe_is_full(void **state)
{
  (void)state;
  static const struct {
    unsigned rates[6]; // Mbyte/s of each round
    unsigned full_after;
  } cases[] = {{{1, 2, 4, 4, 4, 4}, 6}, {{1, 2, 4, 5, 5, 5}, 0}, {{4, 4, 4, 4, 4, 4}, 4}};
  for (unsigned i = 0; i < 3; i++)
    for (unsigned app_limited = 0; app_limited < 2; app_limited++) {
      struct bbr b = {0};
      bbr_reset_shortterm(&b);
      struct cc cc = {.mss_bytes = MSS, .cwnd_bytes = 100 * MSS};
      unsigned full_after = 0;
      for (unsigned r = 0; r < 6; r++) {
        struct cc_ack a = {.now_ns = (r + 1) * 20 * MS,
                           .delivered_bytes = MSS,
                           .total_delivered_bytes = (r + 1) * MSS,
                           .rate = {.delivered_bytes = cases[i].rates[r] * 20000,
                                    .interval_ns = 20 * MS,
                                    .prior_delivered_bytes = r * MSS,
                                    .app_limited = app_limited != 0}};
        bbr_model_update(&b, &cc, &a);
        if (b.full_bw_reached && !full_after) full_after = r + 1;
      }
      assert_int_equal(full_after, app_limited ? 0 : cases[i].full_after);
    }
}

// While nothing is probed, a round with a segment and more than 2 % lost lowers the bounds, by 30 % at most; one
// with less does not.
static void losses_lower_the_bounds(void **state)
{
  (void)state;
  for (unsigned lost = 3; lost <= 4; lost++) {
    struct bbr b = {.state = BBR_CRUISE, .full_bw_reached = true};
    b.max_bw[0] = 1000000;
    bbr_reset_shortterm(&b);
    struct cc cc = {.mss_bytes = MSS, .cwnd_bytes = 100 * MSS};
    struct cc_ack a = {.now_ns = 100 * MS,
                       .delivered_bytes = MSS,
                       .lost_bytes = lost * MSS,
                       .total_delivered_bytes = 50 * MSS,
                       .rate = {.delivered_bytes = 10000,
                                .interval_ns = 20 * MS,
                                .prior_delivered_bytes = 50 * MSS,
                                .lost_bytes = lost * MSS,
                                .flight_bytes = 100 * MSS}};
    bbr_note_loss(&b, &cc, a.total_delivered_bytes);
    bbr_model_update(&b, &cc, &a);
    bbr_model_finish(&b, &a);
    assert_int_equal(b.bw, lost == 3 ? 1000000 : 700000);
    assert_int_equal(b.inflight_shortterm, lost == 3 ? BBR_NONE : 70 * MSS);
    assert_false(b.loss_in_round);
  }
}

// A round of Startup with losses in six places: 4 % end it when the rate has stopped to grow, more than 6 % always.
static void losses_end_startup(void **state)
{
  (void)state;
  static const struct {
    unsigned rate, lost; // Mbyte/s, before that 4; of 1000 segments
    bool ends;
  } cases[] = {{8, 40, false}, {8, 60, false}, {8, 61, true}, {4, 40, true}, {4, 20, false}};
  for (unsigned i = 0; i < 5; i++) {
    struct cc cc = {.verbs = &cc_bbr, .mss_bytes = MSS};
    struct cc_work work = {0};
    cc_bbr.start(&cc, MSS, 10 * MSS);
    cc_wake(&cc, &work, 1000 * MS);
    struct bbr *b = (struct bbr *)(void *)work.room;
    b->full_bw = 4000000;
    struct cc_ack a = {.now_ns = 1100 * MS,
                       .delivered_bytes = MSS,
                       .lost_bytes = MSS,
                       .recovering = true,
                       .total_delivered_bytes = 100 * MSS,
                       .most_flight_bytes = 1000 * MSS};
    for (unsigned loss = 0; loss < 6; loss++)
      cc_bbr.on_ack(&cc, &work, &a);
    assert_int_equal(b->state, BBR_STARTUP);
    a.total_delivered_bytes = 200 * MSS;
    a.rate = (struct rate_sample){.delivered_bytes = cases[i].rate * 100000,
                                  .interval_ns = 100 * MS,
                                  .prior_delivered_bytes = 150 * MSS,
                                  .lost_bytes = cases[i].lost * MSS};
    b->startup_loss_round = b->round;
    cc_bbr.on_ack(&cc, &work, &a);
    assert_int_equal(b->full_bw_reached, cases[i].ends);
  }
}

// ---- ProbeBW

static void the_cycle_of_probing(void **state)
{
  (void)state;
  struct bbr b = {.full_bw_reached = true, .min_rtt_ns = 20 * MS, .inflight_longterm = BBR_NONE};
  struct cc cc = {.mss_bytes = MSS, .cwnd_bytes = 40 * MSS};
  b.bw = b.max_bw[0] = 1000000; // 20 segments
  bbr_reset_shortterm(&b);
  struct cc_ack a = {.now_ns = 1000 * MS, .delivered_bytes = MSS, .flight_bytes = 25 * MSS};
  bbr_start_down(&b, 0, a.now_ns);
  assert_true(b.probe_wait_ns >= 2000 * MS && b.probe_wait_ns <= 3000 * MS);
  bbr_probe_cycle(&b, &cc, 1000000, &a);
  assert_int_equal(b.state, BBR_DOWN); // not drained
  a.flight_bytes = 20 * MSS;
  bbr_probe_cycle(&b, &cc, 1000000, &a);
  assert_int_equal(b.state, BBR_CRUISE);
  b.rounds_since_up = 19;
  bbr_probe_cycle(&b, &cc, 1000000, &a);
  assert_int_equal(b.state, BBR_CRUISE);
  b.rounds_since_up = 20; // as often as a Reno flow of 20 segments would
  bbr_probe_cycle(&b, &cc, 1000000, &a);
  assert_int_equal(b.state, BBR_REFILL);
  b.round_start = true;
  bbr_probe_cycle(&b, &cc, 1000000, &a);
  assert_int_equal(b.state, BBR_UP);
  bbr_probe_cycle(&b, &cc, 1000000, &a);
  assert_int_equal(b.state, BBR_UP);
  b.full_bw_now = true;
  bbr_probe_cycle(&b, &cc, 1000000, &a);
  assert_int_equal(b.state, BBR_DOWN);
  // After the longest wait, too.
  a.now_ns += 3001 * MS;
  b.rounds_since_up = 0;
  bbr_probe_cycle(&b, &cc, 1000000, &a);
  assert_int_equal(b.state, BBR_REFILL);
}

// A megabyte a second over 20 ms, and more being tried.
static struct bbr probing_up(void)
{
  return (struct bbr){.state = BBR_UP,
                      .full_bw_reached = true,
                      .probe_sample = true,
                      .min_rtt_ns = 20 * MS,
                      .bw = 1000000,
                      .max_bw = {1000000},
                      .inflight_longterm = BBR_NONE};
}

// More than 2 % lost while probing: the volume is remembered, and 15 % of it left free; the next probe is cautious.
static void a_probe_goes_too_far(void **state)
{
  (void)state;
  struct bbr b = probing_up();
  struct cc cc = {.mss_bytes = MSS, .cwnd_bytes = 40 * MSS};
  struct cc_ack a = {.now_ns = 1000 * MS,
                     .lost_bytes = MSS,
                     .most_flight_bytes = 30 * MSS,
                     .rate = {.lost_bytes = MSS / 2, .flight_bytes = 30 * MSS}};
  bbr_probe_on_loss(&b, &cc, &a); // 1.7 %
  assert_int_equal(b.state, BBR_UP);
  a.rate.lost_bytes = MSS;
  bbr_probe_on_loss(&b, &cc, &a);
  assert_int_equal(b.state, BBR_DOWN);
  assert_int_equal(b.inflight_longterm, 30 * MSS);
  assert_int_equal(bbr_with_headroom(&b, &cc), 30 * MSS * 85 / 100);
  assert_true(b.too_high);
  b.state = BBR_UP;
  b.acks = BBR_ACKS_FEEDBACK;
  a.flight_bytes = 30 * MSS;
  bbr_probe_cycle(&b, &cc, 1000000, &a);
  assert_int_equal(b.state, BBR_DOWN);
  assert_true(b.precautionary);
}

// What is lost without a probe is not the probe's doing: on a path that loses 3 % one may cost 5; however much it
// loses, no more than 6; and once the probe is over 2 % are too many again.
static void losses_before_a_probe(void **state)
{
  (void)state;
  static const struct {
    unsigned before, most; // of 1000 segments
  } cases[] = {{0, 20}, {10, 30}, {30, 50}, {40, 60}, {100, 60}};
  for (unsigned i = 0; i < 5; i++) {
    struct bbr b = probing_up();
    struct cc cc = {.mss_bytes = MSS, .cwnd_bytes = 4000 * MSS};
    bbr_start_down(&b, 0, 1000 * MS);
    struct cc_ack a = {.now_ns = 1000 * MS, .lost_bytes = 77 * MSS, .flight_bytes = 25 * MSS};
    b.round_start = true;
    bbr_probe_cycle(&b, &cc, 1000000, &a); // of the last probe: does not count
    a.lost_bytes = cases[i].before * MSS;
    a.total_delivered_bytes = (1000 - cases[i].before) * MSS;
    b.state = BBR_REFILL;
    bbr_probe_cycle(&b, &cc, 1000000, &a);
    assert_int_equal(b.state, BBR_UP);
    a.rate.flight_bytes = 1000 * MSS;
    a.rate.lost_bytes = cases[i].most * MSS;
    bbr_probe_on_loss(&b, &cc, &a);
    assert_int_equal(b.state, BBR_UP);
    a.rate.lost_bytes += MSS;
    bbr_probe_on_loss(&b, &cc, &a);
    assert_int_equal(b.state, BBR_DOWN);
    bbr_probe_cycle(&b, &cc, 1000000, &a);
    a.rate.lost_bytes = 21 * MSS;
    assert_true(bbr_too_high(&b, &a));
  }
}

// ---- Marks

// The end of a round of 100 segments, `marked` of them; 40 were in flight.
static void marked_round(struct bbr *b, const struct cc *cc, unsigned marked)
{
  const struct cc_ack a = {.now_ns = 1000 * MS,
                           .ce_segments = marked,
                           .total_delivered_bytes = b->marks_delivered + 100 * MSS,
                           .most_flight_bytes = 40 * MSS};
  b->round_start = true;
  bbr_update_marks(b, cc, &a);
}

// A round with marks costs 15 % of what was in flight, or a third of the share that is marked on the average.
static void marks_lower_the_bound(void **state)
{
  (void)state;
  struct bbr b = {.state = BBR_CRUISE, .full_bw_reached = true};
  struct cc cc = {.mss_bytes = MSS, .cwnd_bytes = 80 * MSS};
  bbr_reset_shortterm(&b);
  marked_round(&b, &cc, 0);
  assert_int_equal(b.inflight_shortterm, BBR_NONE);
  marked_round(&b, &cc, 1);
  assert_int_equal(b.inflight_shortterm, 34 * MSS);
  marked_round(&b, &cc, 1);
  assert_int_equal(b.inflight_shortterm, 34 * MSS * 85 / 100);
  bbr_reset_shortterm(&b);
  b.alpha = BBR_ALPHA_ONE;
  marked_round(&b, &cc, 100);
  assert_int_equal(b.alpha, BBR_ALPHA_ONE);
  assert_int_equal(b.inflight_shortterm, 40 * MSS * 67 / 100);
  for (unsigned i = 0; i < 16; i++)
    marked_round(&b, &cc, 0);
  assert_true(b.alpha > BBR_ALPHA_ONE * 33 / 100 && b.alpha < BBR_ALPHA_ONE * 40 / 100);
  // Told without a count, as by classic ECN.
  bbr_reset_shortterm(&b);
  struct cc_work work = {0};
  *(struct bbr *)(void *)work.room = b;
  cc_bbr.on_mark(&cc, &work, 40 * MSS, 1000 * MS);
  b = *(struct bbr *)(void *)work.room;
  assert_int_equal(b.inflight_shortterm, BBR_NONE); // not before the round is over
  marked_round(&b, &cc, 0);
  assert_int_equal(b.inflight_shortterm, 34 * MSS);
}

// Two rounds in a row with marks end Startup, one with another behind it does not.
static void marks_end_startup(void **state)
{
  (void)state;
  struct bbr b = {.state = BBR_STARTUP};
  struct cc cc = {.mss_bytes = MSS, .cwnd_bytes = 80 * MSS};
  bbr_reset_shortterm(&b);
  marked_round(&b, &cc, 1);
  marked_round(&b, &cc, 0);
  marked_round(&b, &cc, 1);
  assert_false(b.full_bw_reached);
  assert_int_equal(b.inflight_shortterm, BBR_NONE);
  marked_round(&b, &cc, 1);
  assert_true(b.full_bw_reached);
}

// A probe that is marked is over; marked for more than half, its volume is the bound.
static void marks_end_a_probe(void **state)
{
  (void)state;
  for (unsigned marked = 50; marked <= 51; marked++) {
    struct bbr b = probing_up();
    struct cc cc = {.mss_bytes = MSS, .cwnd_bytes = 40 * MSS};
    bbr_reset_shortterm(&b);
    marked_round(&b, &cc, 0);
    assert_int_equal(b.state, BBR_UP);
    marked_round(&b, &cc, marked);
    assert_int_equal(b.state, BBR_DOWN);
    assert_int_equal(b.inflight_longterm, marked == 50 ? BBR_NONE : 40 * MSS);
    assert_int_equal(b.too_high, marked == 51);
  }
}

// ---- The whole

// One queue that serves `rate` with a delay: what BBR allows goes in as its pacing says, a segment at a time.
struct path {
  struct cc cc;
  struct cc_work work;
  uint64_t now_ns, free_ns, sent_ns[4096], due_ns[4096], prior[4096], delivered, bytes, next_ns;
  uint32_t flight_at[4096];
  unsigned first, last, most_queued;
  uint64_t min_rtt_ns, rate;
};

static void path_ack(struct path *p)
{
  unsigned i = p->first++ % 4096;
  p->now_ns = p->due_ns[i];
  uint64_t rtt = p->now_ns - p->sent_ns[i];
  p->delivered += MSS;
  uint32_t flight = (p->last - p->first) * MSS;
  const struct cc_ack a = {.now_ns = p->now_ns,
                           .acked_bytes = MSS,
                           .delivered_bytes = MSS,
                           .flight_bytes = flight,
                           .prior_flight_bytes = flight + MSS,
                           .most_flight_bytes = p->flight_at[i],
                           .rtt_ns = rtt,
                           .srtt_ns = rtt,
                           .min_rtt_ns = p->min_rtt_ns,
                           .total_delivered_bytes = p->delivered,
                           .window_full = flight + 2 * MSS > p->cc.cwnd_bytes,
                           .rate = {.delivered_bytes = p->delivered - p->prior[i],
                                    .interval_ns = rtt,
                                    .prior_delivered_bytes = p->prior[i],
                                    .sent_ns = p->sent_ns[i],
                                    .flight_bytes = p->flight_at[i]}};
  cc_bbr.on_ack(&p->cc, &p->work, &a);
}

static void path_run(struct path *p, uint64_t until_ns)
{
  while (p->now_ns < until_ns) {
    uint32_t flight = (p->last - p->first) * MSS;
    bool may = flight + MSS <= p->cc.cwnd_bytes && p->last - p->first < 4096;
    uint64_t ack_ns = p->first == p->last ? UINT64_MAX : p->due_ns[p->first % 4096];
    uint64_t send_ns = may ? u64_max(p->now_ns, p->next_ns) : UINT64_MAX;
    if (ack_ns < send_ns) {
      path_ack(p);
      continue;
    }
    assert_true(send_ns != UINT64_MAX);
    unsigned i = p->last++ % 4096;
    p->now_ns = send_ns;
    if (p->work.pacing_bytes_per_s)
      p->next_ns = send_ns + MSS * BBR_SECOND_NS / p->work.pacing_bytes_per_s;
    p->sent_ns[i] = send_ns;
    p->prior[i] = p->delivered;
    p->flight_at[i] = flight + MSS;
    p->free_ns = u64_max(p->free_ns, send_ns) + MSS * BBR_SECOND_NS / p->rate;
    p->due_ns[i] = p->free_ns + p->min_rtt_ns;
    unsigned queued = (unsigned)((p->free_ns - send_ns) * p->rate / BBR_SECOND_NS / MSS);
    if (queued > p->most_queued) p->most_queued = queued;
    p->bytes += MSS;
  }
}

// It finds the rate, keeps the queue short, sees a rate that grows or falls, and drains to learn the round trip.
static void a_path_is_filled(void **state)
{
  (void)state;
  static const uint64_t rates[] = {1250000, 6000000}, rtts[] = {10 * MS, 100 * MS};
  for (unsigned i = 0; i < 4; i++) {
    static struct path p;
    p = (struct path){.now_ns = BBR_SECOND_NS, .min_rtt_ns = rtts[i & 1], .rate = rates[i / 2]};
    const uint64_t bdp = p.rate * p.min_rtt_ns / BBR_SECOND_NS / MSS;
    p.cc.verbs = &cc_bbr;
    cc_bbr.start(&p.cc, MSS, 10 * MSS);
    cc_wake(&p.cc, &p.work, p.now_ns);
    path_run(&p, p.now_ns + 30 * p.min_rtt_ns);
    assert_true(p.most_queued < 3 * bdp + 40);
    p.most_queued = 0;
    uint64_t bytes = p.bytes, from_ns = p.now_ns;
    path_run(&p, from_ns + 20 * BBR_SECOND_NS);
    double share = (double)(p.bytes - bytes) * 1e9 / (double)(p.now_ns - from_ns) / (double)p.rate;
    assert_true(share > 0.93 && share <= 1.01);
    assert_true(p.most_queued < 2 * bdp + 40);
    p.rate *= 4; // more is found within a few probes
    path_run(&p, p.now_ns + 15 * BBR_SECOND_NS);
    bytes = p.bytes, from_ns = p.now_ns;
    path_run(&p, from_ns + 5 * BBR_SECOND_NS);
    share = (double)(p.bytes - bytes) * 1e9 / (double)(p.now_ns - from_ns) / (double)p.rate;
    assert_true(share > 0.9);
    p.rate /= 4; // and less is obeyed, once the queue has drained by halves, each 5 s
    path_run(&p, p.now_ns + 40 * BBR_SECOND_NS);
    p.most_queued = 0;
    path_run(&p, p.now_ns + 5 * BBR_SECOND_NS);
    assert_true(p.most_queued < 3 * bdp + 60);
  }
}

// What was learned outlasts the work block; a timeout leaves one segment, and the window comes back after it.
static void rest_and_timeout(void **state)
{
  (void)state;
  static struct path p;
  p = (struct path){.now_ns = BBR_SECOND_NS, .min_rtt_ns = 20 * MS, .rate = 5000000};
  p.cc.verbs = &cc_bbr;
  cc_bbr.start(&p.cc, MSS, 10 * MSS);
  cc_wake(&p.cc, &p.work, p.now_ns);
  path_run(&p, 4 * BBR_SECOND_NS);
  uint32_t cwnd = p.cc.cwnd_bytes;
  assert_true(cwnd > 150 * MSS);
  cc_bbr.on_timeout(&p.cc, &p.work, cwnd, true, p.now_ns);
  assert_int_equal(p.cc.cwnd_bytes, MSS);
  cc_bbr.on_recovered(&p.cc, &p.work, p.now_ns);
  assert_int_equal(p.cc.cwnd_bytes, cwnd);
  cc_bbr.rest(&p.cc, &p.work, p.now_ns);
  cc_wake(&p.cc, &p.work, p.now_ns + BBR_SECOND_NS);
  assert_true(p.work.pacing_bytes_per_s > 4700000 && p.work.pacing_bytes_per_s <= 5000000);
  cc_bbr.on_idle(&p.cc, &p.work, 10 * MSS);
  assert_int_equal(p.cc.cwnd_bytes, cwnd);
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_model_of_bandwidth),
      cmocka_unit_test(the_pipe_is_full),
      cmocka_unit_test(losses_lower_the_bounds),
      cmocka_unit_test(the_cycle_of_probing),
      cmocka_unit_test(a_probe_goes_too_far),
      cmocka_unit_test(a_path_is_filled),
      cmocka_unit_test(rest_and_timeout),
      cmocka_unit_test(marks_lower_the_bound),
      cmocka_unit_test(marks_end_startup),
      cmocka_unit_test(marks_end_a_probe),
      cmocka_unit_test(the_round_trip_of_long_paths),
      cmocka_unit_test(losses_before_a_probe),
      cmocka_unit_test(losses_end_startup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
