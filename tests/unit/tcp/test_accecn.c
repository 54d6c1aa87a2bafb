// SPDX-License-Identifier: BSD-2-Clause
// test_accecn.c - Accurate ECN's counters: how they run over, what is made of three bits, who is believed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tcp/tcb.h"

#define MSS 1000u

static struct tcb sender(void)
{
  struct tcb t = {.flags = SEG_ACCECN | SEG_SACK, .bits = TCB_ACCECN | TCB_SYN_ACKED};
  t.cc.mss_bytes = MSS;
  t.iss = 100;
  t.accecn.bits = ACCECN_HEARD;
  return t;
}

// What an ACK says that counts `ce` marked segments and, with the option, so many marked octets.
static uint32_t told(struct tcb *t, uint32_t ce, bool option, uint32_t ce_octets, uint32_t octets)
{
  struct estab_tcp_options o = {.present = 0};
  if (option) {
    o.present = ESTAB_TCP_OPT_ACCECN0;
    o.accecn_count = 3;
    o.accecn[0] = 1;
    o.accecn[1] = ce_octets & 0xffffff;
    o.accecn[2] = 1;
  }
  struct seg g = {.ack = 90000, .flags = ESTAB_TCP_ACK, .options = &o};
  g.flags |= (uint16_t)(((5 + ce) & 7) << ACCECN_ACE_SHIFT);
  return accecn_on_ack(t, &g, octets, true);
}

// RFC 9768 A.2: every step that three bits can say, from every value, with no more segments acknowledged than they tell
// apart.
static void each_step_is_understood(void **state)
{
  (void)state;
  for (uint32_t from = 0; from < 16; from++)
    for (uint32_t step = 0; step < 8; step++) {
      struct tcb t = sender();
      t.accecn.ce_reported = from;
      assert_int_equal(told(&t, from + step, false, 0, 7 * MSS), step);
      assert_int_equal(t.accecn.ce_reported, from + step);
    }
}

// [RFC 9768 S3, RFC 9768 M53]
// More segments than three bits tell apart, no option: the most that can have been marked; where such
// ACKs are the rule, the least.
static void what_cannot_be_told_is_taken_as_the_worst(void **state)
{
  (void)state;
  for (uint32_t segments = 8; segments < 40; segments++)
    for (uint32_t step = 0; step < 8; step++) {
      struct tcb t = sender();
      t.accecn.acked_eighths = 8; // until now one each
      uint32_t marks = told(&t, step, false, 0, segments * MSS);
      assert_true(marks <= segments && marks + 8 > segments && marks % 8 == step % 8);
      t = sender();
      t.accecn.acked_eighths = 200;
      assert_int_equal(told(&t, step, false, 0, segments * MSS), step);
    }
}

// [RFC 9768 M43]: with it the octets say how often the bits went round, and ACE and option are reconciled.
static void the_option_tells_how_often(void **state)
{
  (void)state;
  for (uint32_t segments = 8; segments < 60; segments++)
    for (uint32_t marked = 0; marked <= segments; marked++) {
      struct tcb t = sender();
      t.accecn.acked_eighths = 8;
      assert_int_equal(told(&t, marked, true, marked * MSS, segments * MSS), marked);
      assert_int_equal(t.accecn.ce_reported, marked);
    }
}

// 24 bits run over; what is older than what was heard does not count.
static void counters_of_octets_run_over(void **state)
{
  (void)state;
  struct tcb t = sender();
  uint32_t marked = 0, segments = 0;
  for (unsigned i = 0; i < 2000; i++) {
    marked += 16 * MSS;
    segments += 16;
    assert_int_equal(told(&t, segments, true, marked, 16 * MSS), 16);
  }
  assert_true(marked > 1u << 24);
  assert_int_equal(accecn_get24(t.accecn.reported[ACCECN_CEB]), marked & 0xffffff);
  assert_int_equal(told(&t, segments, true, marked - 16 * MSS, 16 * MSS), 0);
  assert_int_equal(accecn_get24(t.accecn.reported[ACCECN_CEB]), marked & 0xffffff);
}

static void both_orders_and_every_length_are_read(void **state)
{
  (void)state;
  for (unsigned i = 0; i < 8; i++) {
    const bool reverse = i & 1;
    const unsigned count = i / 2;
    struct tcb t = sender();
    struct estab_tcp_options o = {.present =
                                      reverse ? ESTAB_TCP_OPT_ACCECN1 : ESTAB_TCP_OPT_ACCECN0,
                                  .accecn_count = (uint8_t)count,
                                  .accecn = {501, 300, 701}};
    struct seg g = {.ack = 90000, .flags = ESTAB_TCP_ACK | 6 << ACCECN_ACE_SHIFT, .options = &o};
    assert_int_equal(accecn_on_ack(&t, &g, 1500, true), 1);
    uint32_t e0b = reverse ? (count > 2 ? 700 : 0) : (count > 0 ? 500 : 0);
    assert_int_equal(accecn_get24(t.accecn.reported[ACCECN_E0B]), e0b);
    assert_int_equal(accecn_get24(t.accecn.reported[ACCECN_CEB]), count > 1 ? 300 : 0);
  }
}

// The receiver's: more than 2^24 octets of each kind.
static void what_arrives_runs_over(void **state)
{
  (void)state;
  struct tcb t = sender();
  struct estab_tcp_options none = {.present = 0};
  const uint32_t n = 60000;
  for (unsigned i = 0; i < 1000; i++)
    for (unsigned ecn = 0; ecn < 4; ecn++) {
      struct seg g = {.text_bytes = n, .segments = 3, .ecn = (uint8_t)ecn, .options = &none};
      accecn_on_segment(&t, &g);
    }
  for (unsigned i = 0; i < ACCECN_OCTETS; i++)
    assert_int_equal(accecn_get24(t.accecn.received[i]), 1000 * n & 0xffffff);
  assert_int_equal(t.accecn.ce_received, 3000);
  assert_int_equal(accecn_ace(&t) >> ACCECN_ACE_SHIFT, 3005 & 7);
}

// [RFC 8511 S1, RFC 8511 O1, RFC 8511 O2]
// After a mark four fifths of Reno's window, 0.85 of CUBIC's; in slow start and after a loss as ever.
static void a_mark_costs_less_than_a_loss(void **state)
{
  (void)state;
  static const struct {
    const struct cc_verbs *verbs;
    uint32_t mark, loss; // thousandths
  } rows[] = {{&cc_newreno, 800, 500}, {&cc_cubic, 850, 700}};
  for (unsigned i = 0; i < 2; i++)
    for (unsigned slow_start = 0; slow_start < 2; slow_start++) {
      struct cc_work work = {.pacing = false};
      struct cc cc = {.verbs = rows[i].verbs};
      rows[i].verbs->start(&cc, MSS, 100 * MSS);
      if (!slow_start) cc.ssthresh_bytes = 50 * MSS;
      rows[i].verbs->on_mark(&cc, &work, 100 * MSS, 1);
      assert_int_equal(cc.cwnd_bytes, 100 * (slow_start ? rows[i].loss : rows[i].mark));
      assert_int_equal(cc.ssthresh_bytes, cc.cwnd_bytes);
      rows[i].verbs->on_loss(&cc, &work, 100 * MSS, 2);
      assert_int_equal(cc.cwnd_bytes, 100 * rows[i].loss);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_step_is_understood),
      cmocka_unit_test(what_cannot_be_told_is_taken_as_the_worst),
      cmocka_unit_test(the_option_tells_how_often),
      cmocka_unit_test(counters_of_octets_run_over),
      cmocka_unit_test(both_orders_and_every_length_are_read),
      cmocka_unit_test(what_arrives_runs_over),
      cmocka_unit_test(a_mark_costs_less_than_a_loss),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
