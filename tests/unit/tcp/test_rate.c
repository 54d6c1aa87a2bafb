// SPDX-License-Identifier: BSD-2-Clause
// test_rate.c - delivery-rate samples: what a retransmission tells whose original arrived.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tcp/rate.h"

#define MS UINT64_C(1000000)

enum { MSS = 1000 };

// A segment that was sent at sent_ns, now delivered: the sample that its ACK makes.
static struct rate_sample deliver(struct rate *r, const struct board_mark *mark, uint8_t bits,
                                  uint64_t sent_ns, uint64_t now_ns, bool *round)
{
  const struct board_record s = {
      .born_ns = sent_ns, .sent_ns = sent_ns, .mark = *mark, .bits = bits};
  struct rate_sample a = {0};
  rate_on_delivered(r, &a, &s, MSS);
  *round = rate_finish(r, &a, 100 * MS, now_ns);
  return a;
}

static void an_original_that_arrived_after_all(void **state)
{
  (void)state;
  struct rate r = {0};
  bool round;
  struct board_mark first = rate_on_sent(&r, 0, MSS, 0);
  struct board_mark second = rate_on_sent(&r, MSS, 2 * MSS, MS);
  struct rate_sample a = deliver(&r, &first, 0, 0, 100 * MS, &round);
  assert_true(round && a.delivered_bytes == MSS);
  // The second is believed lost and sent again, but its original was only late.
  second = rate_on_sent(&r, 0, MSS, 101 * MS);
  a = deliver(&r, &second, BOARD_RETRANSMITTED, 101 * MS, 102 * MS, &round);
  assert_false(round);
  assert_int_equal(a.delivered_bytes, 0);
  assert_int_equal(a.prior_delivered_bytes,
                   0); // a controller that counts rounds itself counts none
  assert_int_equal(r.delivered_bytes, 2 * MSS);
  // A round trip later it is the retransmission that arrived: a sample like any other.
  struct board_mark third = rate_on_sent(&r, 0, MSS, 110 * MS);
  a = deliver(&r, &third, BOARD_RETRANSMITTED, 110 * MS, 210 * MS, &round);
  assert_true(round);
  assert_int_equal(a.delivered_bytes, MSS);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(an_original_that_arrived_after_all)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
