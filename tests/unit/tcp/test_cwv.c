// SPDX-License-Identifier: BSD-2-Clause
// test_cwv.c - a window that is not used is kept, and trusted less: RFC 7661.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/kit.h"

#include "tcp/cwv.h"

#define MS  UINT64_C(1000000)
#define MIN (60 * 1000 * MS)
#define MSS 1000u
#define IW  (10 * MSS)

struct sender {
  struct cwv v;
  struct cc cc;
  struct cc_ack a;
};

static struct sender sender(uint32_t cwnd_segments)
{
  struct sender s = {
      .cc = {.cwnd_bytes = cwnd_segments * MSS, .ssthresh_bytes = UINT32_MAX, .mss_bytes = MSS},
      .a = {.now_ns = 1000 * MS, .srtt_ns = 100 * MS}};
  cwv_begin(&s.v, &s.cc, IW, s.a.now_ns);
  return s;
}

// A round trip of 100 ms that delivered so many segments is over.
static void round_of(struct sender *s, unsigned segments)
{
  s->a.now_ns += 100 * MS;
  s->a.total_delivered_bytes += segments * MSS;
  cwv_on_round(&s->v, &s->cc, &s->a, IW);
}

// [RFC 7661 M1, RFC 7661 S1, RFC 7661 S2] pipeACK is undefined at first; less than half of the window makes it not
// validated, half of it validates it again.
static void phases(void **state)
{
  (void)state;
  struct sender s = sender(10);
  assert_false(s.v.nonvalidated);
  s.cc.cwnd_bytes = 100 * MSS;
  round_of(&s, 10); // from when on it is measured
  assert_false(s.v.nonvalidated);
  round_of(&s, 50);
  assert_false(s.v.nonvalidated);
  for (unsigned i = 0; i < 11; i++) // a second, and what was measured before is gone
    round_of(&s, 49);
  assert_true(s.v.nonvalidated);
  assert_int_equal(s.cc.cwnd_bytes, 100 * MSS);
  round_of(&s, 50);
  assert_false(s.v.nonvalidated);
}

// [RFC 7661 M2] No sample counts for longer than the sampling period: a second, or three round trips.
static void old_samples_go(void **state)
{
  (void)state;
  for (unsigned slow = 0; slow < 2; slow++) {
    struct sender s = sender(10);
    s.cc.cwnd_bytes = 100 * MSS;
    if (slow) s.a.srtt_ns = 1000 * MS;
    round_of(&s, 10);
    round_of(&s, 60);
    unsigned rounds = 0;
    for (; !s.v.nonvalidated && rounds < 100; rounds++)
      round_of(&s, 5);
    assert_in_range(rounds, slow ? 15 : 5, slow ? 31 : 11);
  }
}

// [RFC 7661 M3] Nothing is measured while a recovery runs, nor in the round trip that it ends in.
static void not_in_recovery(void **state)
{
  (void)state;
  struct sender s = sender(10);
  s.cc.cwnd_bytes = 100 * MSS;
  s.a.recovering = true;
  for (unsigned i = 0; i < 5; i++)
    round_of(&s, 5);
  s.a.recovering = false;
  round_of(&s, 5);
  assert_false(s.v.nonvalidated);
  round_of(&s, 5);
  assert_true(s.v.nonvalidated);
}

static struct sender unused(unsigned pipe_segments)
{
  struct sender s = sender(10);
  s.cc.cwnd_bytes = 100 * MSS;
  round_of(&s, 1);
  round_of(&s, pipe_segments);
  assert_true(s.v.nonvalidated);
  return s;
}

// [RFC 7661 M5, RFC 7661 O2] A window that is not validated grows only while it is all in use.
static void it_does_not_grow(void **state)
{
  (void)state;
  for (unsigned i = 0; i < 4; i++) {
    const struct cc_verbs *verbs = i & 1 ? &cc_cubic : &cc_newreno;
    struct cc_work work = {.pacing = true};
    struct cc cc = {.verbs = verbs};
    verbs->start(&cc, MSS, 100 * MSS);
    cc.slow_start_segments = 2;
    cc_wake(&cc, &work, 1000 * MS);
    if (i & 2) cc.ssthresh_bytes = 50 * MSS; // congestion avoidance
    struct cc_ack a = {.now_ns = 2000 * MS,
                       .acked_bytes = 100 * MSS,
                       .prior_flight_bytes = 100 * MSS,
                       .most_flight_bytes = 100 * MSS,
                       .srtt_ns = 100 * MS,
                       .held = true};
    for (unsigned n = 0; n < 20; n++, a.now_ns += 100 * MS)
      verbs->on_ack(&cc, &work, &a);
    assert_int_equal(cc.cwnd_bytes, 100 * MSS);
    a.held = false;
    for (unsigned n = 0; n < 20; n++, a.now_ns += 100 * MS)
      verbs->on_ack(&cc, &work, &a);
    assert_true(cc.cwnd_bytes > 100 * MSS);
  }
}

// [RFC 7661 M6, RFC 7661 M8, RFC 7661 M9, RFC 7661 M10, RFC 7661 M11]
// After a loss half of what was used, at the end less what was lost, a segment at least; and pipeACK is undefined.
static void a_loss(void **state)
{
  (void)state;
  static const struct {
    unsigned pipe, flight, again, during, after;
  } rows[] = {{40, 10, 6, 20, 17}, {20, 30, 0, 15, 15}, {40, 10, 40, 20, 1}, {40, 10, 90, 20, 1}};
  for (unsigned i = 0; i < 8; i++) {
    const struct cc_verbs *verbs = i & 1 ? &cc_cubic : &cc_newreno;
    struct sender s = unused(rows[i / 2].pipe);
    struct cc_work work = {.pacing = true};
    s.cc.verbs = verbs;
    cc_wake(&s.cc, &work, s.a.now_ns);
    uint32_t flight = cwv_on_loss(&s.v, &s.cc, rows[i / 2].flight * MSS, s.a.srtt_ns, s.a.now_ns);
    assert_false(s.v.nonvalidated);
    verbs->on_loss(&s.cc, &work, flight, s.a.now_ns);
    cwv_reduced(&s.v, &s.cc);
    assert_int_equal(s.cc.cwnd_bytes, rows[i / 2].during * MSS);
    assert_int_equal(s.cc.ssthresh_bytes, rows[i / 2].during * MSS);
    cwv_recovered(&s.v, &s.cc, rows[i / 2].again * MSS);
    assert_int_equal(s.cc.ssthresh_bytes, rows[i / 2].after * MSS);
    assert_false(s.v.measuring);
  }
  // In the validated phase it is the controller's alone.
  struct sender s = sender(10);
  assert_int_equal(cwv_on_loss(&s.v, &s.cc, 8 * MSS, s.a.srtt_ns, s.a.now_ns), 8 * MSS);
  s.cc.ssthresh_bytes = 7 * MSS;
  cwv_reduced(&s.v, &s.cc);
  cwv_recovered(&s.v, &s.cc, 5 * MSS);
  assert_int_equal(s.cc.ssthresh_bytes, 7 * MSS);
  // What was delivered long ago counts no more.
  s = unused(40);
  assert_int_equal(cwv_on_loss(&s.v, &s.cc, 8 * MSS, s.a.srtt_ns, s.a.now_ns + 2000 * MS), 8 * MSS);
}

// [RFC 7661 M7] A timeout ends the phase.
static void a_timeout(void **state)
{
  (void)state;
  struct sender s = unused(10);
  cwv_forget(&s.v);
  assert_false(s.v.nonvalidated || s.v.measuring);
}

// [RFC 7661 M12, RFC 7661 M13, RFC 7661 S3] Halved for each five minutes at most, down to the initial window, and
// ssthresh remembers three quarters; at rest as under way, with the work block and without.
static void five_minutes(void **state)
{
  (void)state;
  for (unsigned block = 0; block < 2; block++) {
    struct sender s = unused(10);
    s.cc.ssthresh_bytes = 20 * MSS;
    struct cwv *v = block ? &s.v : NULL;
    cwv_after_rest(v, &s.cc, IW, s.a.now_ns, s.a.now_ns + 3 * MIN);
    assert_int_equal(s.cc.cwnd_bytes, 100 * MSS);
    cwv_after_rest(v, &s.cc, IW, s.a.now_ns, s.a.now_ns + 5 * MIN);
    assert_int_equal(s.cc.cwnd_bytes, 50 * MSS);
    assert_int_equal(s.cc.ssthresh_bytes, 75 * MSS);
    cwv_after_rest(v, &s.cc, IW, s.a.now_ns, s.a.now_ns + 5 * MIN + 1);
    assert_int_equal(s.cc.cwnd_bytes, 50 * MSS);
    cwv_after_rest(v, &s.cc, IW, s.a.now_ns, s.a.now_ns + 15 * MIN);
    assert_int_equal(s.cc.cwnd_bytes, 12500);
    cwv_after_rest(v, &s.cc, IW, s.a.now_ns, s.a.now_ns + 600 * MIN);
    assert_int_equal(s.cc.cwnd_bytes, IW);
    assert_int_equal(s.cc.ssthresh_bytes, 75 * MSS);
  }
  // So it does after the longest rest, and of a window that is as small as the initial one.
  static const struct {
    unsigned window, minutes, after, remembered;
  } rows[] = {{100, 600, 10, 75}, {8, 5, 8, 6}, {8, 600, 8, 6}};
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct sender s = sender(rows[i].window);
    s.cc.ssthresh_bytes = 2 * MSS;
    cwv_after_rest(NULL, &s.cc, IW, s.a.now_ns, s.a.now_ns + rows[i].minutes * MIN);
    assert_int_equal(s.cc.cwnd_bytes, rows[i].after * MSS);
    assert_int_equal(s.cc.ssthresh_bytes, rows[i].remembered * MSS);
  }
  struct sender s = unused(10);
  s.cc.ssthresh_bytes = 20 * MSS;
  const uint64_t begun_ns = s.a.now_ns;
  while (s.cc.cwnd_bytes == 100 * MSS && s.a.now_ns < begun_ns + 10 * MIN)
    round_of(&s, 10);
  assert_in_range(s.a.now_ns - begun_ns, 3 * MIN, 5 * MIN);
  assert_int_equal(s.cc.cwnd_bytes, 50 * MSS);
}

// [RFC 7661 S4] It leaves at the pace of a window a round trip.
static void it_is_paced(void **state)
{
  (void)state;
  struct sender s = unused(10);
  struct cc_work work = {.pacing = true};
  cwv_pace(&s.v, &s.cc, &work, 100 * MS);
  assert_int_equal(work.pacing_bytes_per_s, 1000 * MSS);
  assert_true(s.v.paced);
  s.v.nonvalidated = false;
  work.pacing_bytes_per_s = 0;
  cwv_pace(&s.v, &s.cc, &work, 100 * MS);
  assert_int_equal(work.pacing_bytes_per_s, 0);
  assert_false(s.v.paced);
  // A new work block after a rest: what is more than the initial window was not validated.
  assert_true(sender(11).v.nonvalidated);
  assert_false(sender(10).v.nonvalidated);
}

// [RFC 7661 O1] What duplicate ACKs tell of by SACK counts as delivered, and so for a sample, before SND.UNA moves.
static void sacked_text_counts(void **state)
{
  (void)state;
  static struct kit k;
  kit_init(&k, false, NULL);
  kit_make(&k, KIT_ESTABLISHED);
  struct tcb *t = stack_find(k.s, k.conn);
  const uint32_t mss = 400, una = t->snd.una, first = t->snd.nxt;
  assert_int_equal(estab_option_set(k.s, k.conn, ESTAB_OPT_NAGLE, 0), ESTAB_OK);
  for (unsigned i = 0; i < 8; i++) {
    assert_int_equal(kit_send(&k, mss), mss);
    kit_drain(&k);
  }
  assert_int_equal(t->snd.nxt - first, 8 * mss);
  assert_non_null(t->work);
  const uint64_t before = t->work->rate.delivered_bytes;
  for (uint32_t last = 1; last < 8; last++) {
    const struct estab_sack_block block = {first + mss, first + (last + 1) * mss};
    kit_inject(&k, &(struct kit_in){.seq = t->rcv.nxt,
                                    .ack = una,
                                    .flags = ESTAB_TCP_ACK,
                                    .sack_count = 1,
                                    .sack = &block});
    assert_int_equal(t->snd.una, una);
    assert_int_equal(t->work->rate.delivered_bytes - before, last * mss);
  }
  assert_true(kit_end(&k));
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(phases),
      cmocka_unit_test(old_samples_go),
      cmocka_unit_test(not_in_recovery),
      cmocka_unit_test(it_does_not_grow),
      cmocka_unit_test(a_loss),
      cmocka_unit_test(a_timeout),
      cmocka_unit_test(five_minutes),
      cmocka_unit_test(it_is_paced),
      cmocka_unit_test(sacked_text_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
