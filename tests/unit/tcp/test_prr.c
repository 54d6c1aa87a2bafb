// SPDX-License-Identifier: BSD-2-Clause
// test_prr.c - RFC 9937: what leaves on each ACK; and whether a reduction is taken back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tcp/prr.h"
#include "tcp/rate.h"
#include "tcp/undo.h"

#define MSS 1000u
#define MS  UINT64_C(1000000)

// One segment of 20 is lost and ssthresh is 10: over the round trip a segment leaves for every second delivered, and in
// the end as much is in flight as ssthresh says.
static void reduces_in_proportion(void **state)
{
  (void)state;
  struct prr p;
  prr_begin(&p, 20 * MSS);
  uint32_t flight = 19 * MSS, sent = 0; // one is lost
  for (unsigned ack = 0; ack < 19; ack++) {
    flight -= MSS;
    uint32_t cwnd = prr_on_ack(&p, MSS, flight, 10 * MSS, MSS, false);
    while (cwnd >= flight + MSS) {
      flight += MSS;
      sent += MSS;
      prr_on_sent(&p, MSS);
    }
  }
  assert_int_equal(sent, 10 * MSS);
  assert_int_equal(flight, 10 * MSS);
}

// The first ACK always brings the retransmission, even when ssthresh allows nothing yet.
static void first_retransmission_is_forced(void **state)
{
  (void)state;
  struct prr p;
  prr_begin(&p, 100 * MSS);
  assert_int_equal(prr_on_ack(&p, 10, 99 * MSS, 50 * MSS, MSS, false), 100 * MSS);
}

// RFC 9937 6.2: below ssthresh a segment for a segment; a segment more when the ACK is safe; never above ssthresh.
static void below_ssthresh(void **state)
{
  (void)state;
  struct prr p;
  prr_begin(&p, 20 * MSS);
  prr_on_sent(&p, 3 * MSS);
  p.delivered_bytes = 2 * MSS;
  assert_int_equal(prr_on_ack(&p, MSS, 4 * MSS, 10 * MSS, MSS, false), 5 * MSS);
  assert_int_equal(prr_on_ack(&p, MSS, 4 * MSS, 10 * MSS, MSS, true), 6 * MSS);
  assert_int_equal(prr_on_ack(&p, 9 * MSS, 9 * MSS, 10 * MSS, MSS, true), 10 * MSS);
}

// RFC 3522 3.2: an echo from before the first retransmission; the retransmission's own echo is none.
static void echo_tells(void **state)
{
  (void)state;
  struct undo u;
  undo_arm(&u, 5, 20 * MSS, UINT32_MAX, 18 * MSS);
  assert_false(undo_by_echo(&u, true, 0xfffffff0u)); // nothing was sent again yet
  undo_on_sent_again(&u, 5, MSS, true, 0xfffffff8u);
  undo_on_sent_again(&u, 5, MSS, true, 3u);
  assert_true(undo_by_echo(&u, true, 0xfffffff7u));
  assert_false(undo_by_echo(&u, true, 0xfffffff8u));
  assert_false(undo_by_echo(&u, true, 3u));
  assert_false(undo_by_echo(&u, false, 0u));
  u.armed = false;
  assert_false(undo_by_echo(&u, true, 0xfffffff7u));
}

// The first octet outstanding was sent again by the episode before: what is sent again now is no witness, or the ACK of
// that older retransmission would pass for one of the original.
static void echo_of_an_older_retransmission(void **state)
{
  (void)state;
  struct undo u;
  undo_arm(&u, 5, 20 * MSS, UINT32_MAX, 18 * MSS);
  undo_on_sent_again(&u, 5 + 4 * MSS, MSS, true, 100u);
  assert_false(undo_by_echo(&u, true, 50u));
  undo_on_sent_again(&u, 5, MSS, true, 110u);
  assert_true(undo_by_echo(&u, true, 50u));
}

// All that was sent again had arrived before: only then was the reduction a mistake.
static void duplicates_tell_when_they_are_all(void **state)
{
  (void)state;
  struct undo u;
  undo_arm(&u, 5, 20 * MSS, 9 * MSS, 18 * MSS);
  assert_int_equal(u.pipe_bytes, 18 * MSS);
  assert_false(undo_by_dsack(&u, MSS));
  undo_on_sent_again(&u, 5, MSS, false, 0);
  undo_on_sent_again(&u, 5, MSS, false, 0);
  assert_false(undo_by_dsack(&u, MSS));
  assert_true(undo_by_dsack(&u, MSS));
}

// Ten segments leave in 1 ms each and are acknowledged 50 ms later at half the pace: the rate is the ACKs'.
static void rate_is_the_slower_of_both(void **state)
{
  (void)state;
  struct rate r = {0};
  struct board_record sent[10];
  for (unsigned i = 0; i < 10; i++) {
    uint64_t now_ns = (100 + i) * MS;
    sent[i] = (struct board_record){.sent_ns = now_ns};
    sent[i].mark = rate_on_sent(&r, i * MSS, (i + 1) * MSS, now_ns);
  }
  unsigned rounds = 0;
  struct rate_sample last = {0};
  for (unsigned i = 0; i < 10; i++) {
    struct rate_sample a = {0};
    uint64_t now_ns = (150 + 2 * i) * MS;
    rate_on_delivered(&r, &a, &sent[i], MSS);
    rounds += rate_finish(&r, &a, 0, now_ns);
    last = a;
  }
  assert_int_equal(rounds, 1); // all were sent within the first round trip
  assert_int_equal(last.delivered_bytes, 10 * MSS);
  assert_int_equal(last.interval_ns, 68 * MS);
  assert_int_equal(last.flight_bytes, 10 * MSS);
  assert_false(last.app_limited);
}

static void too_short_for_a_round_trip(void **state)
{
  (void)state;
  struct rate r = {0};
  struct board_record s = {.born_ns = 100 * MS, .sent_ns = 104 * MS, .bits = BOARD_RETRANSMITTED};
  s.mark = rate_on_sent(&r, 0, MSS, 100 * MS);
  struct rate_sample a = {0};
  rate_on_delivered(&r, &a, &s, MSS);
  rate_finish(&r, &a, 40 * MS, 105 * MS);
  assert_int_equal(a.delivered_bytes, 0); // no sample
  assert_true(a.retransmitted);
  // Of a stretch that took four milliseconds to leave again the first of it counts.
  a = (struct rate_sample){0};
  rate_on_delivered(&r, &a, &s, MSS);
  rate_finish(&r, &a, 40 * MS, 141 * MS);
  assert_int_equal(a.delivered_bytes, 2 * MSS);
}

static void thin_sending_is_marked_until_it_has_left(void **state)
{
  (void)state;
  struct rate r = {0};
  rate_app_limited(&r, 0);
  assert_true(r.app_limited_bytes > 0);
  struct board_record s = {.sent_ns = 100 * MS, .bits = BOARD_APP_LIMITED};
  s.mark = rate_on_sent(&r, 0, MSS, 100 * MS);
  struct rate_sample a = {0};
  rate_on_delivered(&r, &a, &s, MSS);
  rate_finish(&r, &a, 0, 150 * MS);
  assert_true(a.app_limited);
  assert_int_equal(r.app_limited_bytes, 0);
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(reduces_in_proportion),
      cmocka_unit_test(first_retransmission_is_forced),
      cmocka_unit_test(below_ssthresh),
      cmocka_unit_test(echo_tells),
      cmocka_unit_test(echo_of_an_older_retransmission),
      cmocka_unit_test(duplicates_tell_when_they_are_all),
      cmocka_unit_test(rate_is_the_slower_of_both),
      cmocka_unit_test(too_short_for_a_round_trip),
      cmocka_unit_test(thin_sending_is_marked_until_it_has_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
