// SPDX-License-Identifier: BSD-2-Clause
// test_pace.c - pacing: the bucket alone, and what a stack makes of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/two.h"
#include "tcp/pace.h"

#define MS      UINT64_C(1000000)
#define SECONDS UINT64_C(1000000000)
#define MSS     1448u

// What left, and the bound it has to keep: in no time more than the credit and what the rate gives in it. `debt` is how
// full a bucket of unlimited depth is that runs out at the rate: its most is the largest burst.
struct meter {
  double rate, debt, most_debt;
  uint64_t last_ns, bytes;
};

static void meter_add(struct meter *m, uint64_t now_ns, uint32_t bytes)
{
  double out = m->rate * (double)(now_ns - m->last_ns) / 1e9;
  m->debt = (m->debt > out ? m->debt - out : 0) + bytes;
  if (m->debt > m->most_debt) m->most_debt = m->debt;
  m->last_ns = now_ns;
  m->bytes += bytes;
}

static const uint64_t rates[] = {
    1000, 10000, 125000, 1250000, 3000000, 12500000, 125000000, 1250000000, UINT64_C(12500000000)};

// A sender that always has more: no burst beyond the credit, and all of the rate, also with a clock that is late by
// less than half of the credit.
static void the_bucket_keeps_the_rate(void **state)
{
  (void)state;
  for (unsigned i = 0; i < sizeof rates / sizeof *rates; i++)
    for (unsigned late = 0; late < 4; late++)
      for (int grouped = 0; grouped < 2; grouped++) {
        struct pace p = {0};
        struct meter m = {.rate = (double)rates[i]};
        uint64_t now = 5 * SECONDS, bursts = 0;
        const uint32_t credit = pace_credit(rates[i], MSS);
        const uint64_t credit_ns = (uint64_t)credit * SECONDS / rates[i];
        const uint64_t start = m.last_ns = now;
        while (bursts < 2000) {
          uint32_t n = pace_allows(&p, rates[i], grouped ? 65160 : MSS, 65160, MSS, grouped, now);
          if (n > 0) {
            assert_true(n <= credit && (n % MSS == 0 || n == 65160));
            if (grouped && credit < 65160) assert_true(n >= credit / 2 - MSS);
            pace_sent(&p, rates[i], n, now);
            meter_add(&m, now, n);
            continue;
          }
          bursts++;
          assert_true(p.wake_ns > now);
          now = p.wake_ns + credit_ns * late / 8; // the last one: 3/8 of the credit too late
        }
        assert_true(m.most_debt <= credit + 1.0);
        double whole = m.rate * (double)(now - start) / 1e9;
        assert_true((double)m.bytes >= whole * 0.99 - 2 * credit);
        assert_true((double)m.bytes <= whole + credit + 1);
      }
}

// The credit: a millisecond of the rate, two segments at least.
static void the_credit(void **state)
{
  (void)state;
  assert_int_equal(pace_credit(1000, MSS), 2 * MSS);
  assert_int_equal(pace_credit(2 * MSS * 1000, MSS), 2 * MSS);
  assert_int_equal(pace_credit(12500000, MSS), 12500);
  assert_int_equal(pace_credit(125000000, MSS), 125000);
}

// What has no credit leaves all the same when it is sent, and is paid for afterwards.
static void a_debt_is_paid(void **state)
{
  (void)state;
  struct pace p = {0};
  for (unsigned i = 0; i < 10; i++)
    pace_sent(&p, 1000000, MSS, SECONDS);
  assert_int_equal(pace_allows(&p, 1000000, MSS, MSS, MSS, false, SECONDS), 0);
  assert_true(p.wake_ns >= SECONDS + 9 * MSS * 1000 && p.wake_ns < SECONDS + 10 * MSS * 1000);
  assert_int_equal(pace_allows(&p, 1000000, MSS, MSS, MSS, false, p.wake_ns), MSS);
  // With departure times each leaves behind the one before it.
  assert_int_equal(p.depart_ns, SECONDS + 10 * MSS * 1000);
}

// ---- A stack

static void bounded(struct estab_settings *settings)
{
  settings->max_rate_bytes_per_s = 12500000; // 100 Mbit/s
  settings->send_buffer_bytes = 4u << 20;
  settings->recv_buffer_bytes = settings->recv_buffer_max_bytes = 4u << 20;
  settings->delayed_ack_ns = 0;
}

// All that the sender has to say now reaches the other, whose ACKs come back at once. Answers octets of text.
static uint32_t carried(struct two *t, estab_conn peer, struct meter *m)
{
  static struct estab_frame frames[ESTAB_OUTPUT_MAX];
  static uint8_t bytes[65536];
  uint32_t text = 0;
  for (int n; (n = estab_stack_output(t->s[0], t->now_ns, frames, ESTAB_OUTPUT_MAX)) > 0;) {
    for (int i = 0; i < n; i++) {
      uint32_t some = (uint32_t)(estab_frame_bytes(&frames[i]) - frames[i].pieces[0].length);
      text += some;
      if (some) meter_add(m, t->now_ns, some);
      assert_int_equal(estab_stack_input(t->s[1], t->now_ns, &frames[i], 1), 1);
    }
    estab_stack_output_done(t->s[0], (unsigned)n, t->now_ns);
    while (estab_recv(t->s[1], peer, bytes, sizeof bytes) > 0)
      continue;
    n = estab_stack_output(t->s[1], t->now_ns, frames, ESTAB_OUTPUT_MAX);
    for (int i = 0; i < n; i++)
      assert_int_equal(estab_stack_input(t->s[0], t->now_ns, &frames[i], 1), 1);
    estab_stack_output_done(t->s[1], (unsigned)n, t->now_ns);
  }
  return text;
}

// The setting's bound holds for a controller that does not pace; the deadline is the instant at which more leaves, and
// not a nanosecond before is anything sent; the time is counted.
static void a_stack_keeps_the_bound(void **state)
{
  (void)state;
  static struct two t;
  static const uint8_t zeros[1u << 20];
  estab_conn peer, c = two_open(&t, bounded, &peer);
  struct meter m = {.rate = 12500000, .last_ns = t.now_ns};
  assert_int_equal(estab_send(t.s[0], c, zeros, sizeof zeros), sizeof zeros);
  const uint64_t start = t.now_ns;
  unsigned wakes = 0, others = 0;
  while (m.bytes < sizeof zeros) {
    (void)carried(&t, peer, &m);
    if (m.bytes == sizeof zeros) break;
    uint64_t at = estab_stack_deadline(t.s[0]);
    assert_true(at > t.now_ns && at < t.now_ns + 2 * MS);
    t.now_ns = at - 1; // too early
    estab_stack_handle_deadline(t.s[0], t.now_ns);
    assert_int_equal(carried(&t, peer, &m), 0);
    assert_int_equal(estab_stack_deadline(t.s[0]), at);
    t.now_ns = at;
    estab_stack_handle_deadline(t.s[0], t.now_ns);
    // A path without any delay has a loss probe each time 2 ns later, which finds nothing in flight.
    if (carried(&t, peer, &m) > 0)
      wakes++;
    else
      others++;
  }
  assert_true(m.most_debt <= 12500 + 1);
  uint64_t took = t.now_ns - start;
  assert_true(took > sizeof zeros * 78u &&
              took < sizeof zeros * 81u);          // 80 ns an octet, but for the credit
  assert_true(wakes < 200 && others <= wakes + 1); // several segments each
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  assert_int_equal(estab_conn_info(t.s[0], c, &info), ESTAB_OK);
  assert_true(info.limited_pacing_ns > took / 10 * 9);
  assert_true(two_end(&t));
}

// What is held back does not hold back the ACK that is owed, nor a FIN that has no text before it.
static void acks_and_fin_do_not_wait(void **state)
{
  (void)state;
  static struct two t;
  static struct estab_frame f[ESTAB_OUTPUT_MAX];
  static const uint8_t zeros[100000];
  estab_conn peer, c = two_open(&t, bounded, &peer);
  struct meter m = {.rate = 12500000};
  assert_int_equal(estab_send(t.s[0], c, zeros, sizeof zeros), sizeof zeros);
  (void)carried(&t, peer, &m);
  assert_true(m.bytes > 0 && m.bytes <= 12500);
  assert_int_equal(estab_send(t.s[1], peer, zeros, 100), 100);
  int n = estab_stack_output(t.s[1], t.now_ns, f, ESTAB_OUTPUT_MAX);
  assert_int_equal(n, 1);
  estab_stack_input(t.s[0], t.now_ns, f, 1);
  estab_stack_output_done(t.s[1], 1, t.now_ns);
  n = estab_stack_output(t.s[0], t.now_ns, f, ESTAB_OUTPUT_MAX);
  assert_int_equal(n, 1);
  assert_int_equal(f[0].piece_count, 1); // no text
  estab_stack_output_done(t.s[0], 1, t.now_ns);
  while (m.bytes < sizeof zeros) {
    t.now_ns = estab_stack_deadline(t.s[0]);
    estab_stack_handle_deadline(t.s[0], t.now_ns);
    (void)carried(&t, peer, &m);
  }
  estab_close(t.s[0], c);
  n = estab_stack_output(t.s[0], t.now_ns, f, ESTAB_OUTPUT_MAX);
  assert_int_equal(n, 1);
  estab_stack_output_done(t.s[0], 1, t.now_ns);
  assert_true(two_end(&t));
}

// A device that asks for it is told when each frame should leave: one behind the other at the rate.
static void departure_times(void **state)
{
  (void)state;
  static struct two t;
  static struct estab_frame f[ESTAB_OUTPUT_MAX];
  static const uint8_t zeros[100000];
  two_init(&t, false, bounded);
  struct estab_netif_settings link;
  estab_netif_settings_default(&link);
  link.departure_times = true;
  struct estab_ip mine = estab_ip4(198, 51, 100, 1);
  assert_int_equal(estab_netif_add(t.s[0], &link), 2);
  assert_int_equal(estab_address_add(t.s[0], 2, &mine, 24), ESTAB_OK);
  // Back to back with the other stack, which hears it on its only interface.
  struct estab_ip peer_ip = estab_ip4(198, 51, 100, 2);
  assert_int_equal(estab_address_add(t.s[1], 1, &peer_ip, 24), ESTAB_OK);
  struct estab_connect_settings settings;
  estab_conn c, peer;
  estab_listener l = two_listen(&t, 1, 80, 1);
  estab_connect_settings_default(&settings);
  settings.remote = peer_ip;
  settings.remote_port = 80;
  assert_int_equal(estab_connect(t.s[0], &settings, t.now_ns, &c), ESTAB_OK);
  for (int turn = 0; turn < 3; turn++)
    for (unsigned who = 0; who < 2; who++) {
      int n = estab_stack_output(t.s[who], t.now_ns, f, ESTAB_OUTPUT_MAX);
      for (int i = 0; i < n; i++) {
        assert_int_equal(f[i].not_before_ns, 0);
        f[i].netif = who ? 2 : 1;
        estab_stack_input(t.s[!who], t.now_ns, &f[i], 1);
      }
      estab_stack_output_done(t.s[who], (unsigned)n, t.now_ns);
    }
  assert_int_equal(estab_accept(t.s[1], l, &peer), ESTAB_OK);
  t.now_ns = SECONDS;
  assert_int_equal(estab_send(t.s[0], c, zeros, sizeof zeros), sizeof zeros);
  int n = estab_stack_output(t.s[0], t.now_ns, f, ESTAB_OUTPUT_MAX);
  assert_int_equal(n, 8);     // a millisecond of 12.5 Mbyte/s
  for (int i = 0; i < n; i++) // each 1448 octets take 115,840 ns
    assert_int_equal(f[i].not_before_ns, SECONDS + (uint64_t)i * MSS * 80);
  estab_stack_output_done(t.s[0], (unsigned)n, t.now_ns);
  assert_true(two_end(&t));
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_bucket_keeps_the_rate),
      cmocka_unit_test(the_credit),
      cmocka_unit_test(a_debt_is_paid),
      cmocka_unit_test(a_stack_keeps_the_bound),
      cmocka_unit_test(acks_and_fin_do_not_wait),
      cmocka_unit_test(departure_times),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
