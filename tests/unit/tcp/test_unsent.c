// SPDX-License-Identifier: BSD-2-Clause
// test_unsent.c - the mark below which a program may write again: no more than that waits unsent.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/two.h"

enum { MARK = 16000, MSS = 1448 };

static const uint8_t text[1 << 18];

static void marked(struct estab_settings *settings)
{
  settings->notsent_lowat_bytes = MARK;
  settings->pacing = false;
}

static void unmarked(struct estab_settings *settings)
{
  settings->pacing = false;
}

static bool writable(struct two *t)
{
  struct estab_event e;
  bool yes = false;
  while (estab_stack_next_event(t->s[0], &e))
    yes = yes || (e.events & ESTAB_EVENT_WRITABLE);
  return yes;
}

static uint32_t unsent(struct two *t, estab_conn c)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  assert_int_equal(estab_conn_info(t->s[0], c, &info), ESTAB_OK);
  return info.not_sent_bytes;
}

static void a_write_ends_at_the_mark(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = two_open(&t, marked, &peer);
  assert_int_equal(estab_send(t.s[0], c, text, sizeof text), MARK);
  assert_int_equal(estab_send(t.s[0], c, text, 1), ESTAB_ERR_WOULD_BLOCK);
  assert_int_equal(estab_send_ref(t.s[0], c, text, 1, 7), ESTAB_ERR_WOULD_BLOCK);
  assert_true(two_end(&t));
}

// What leaves makes room, not what is acknowledged: it is told before anything comes back, and at once.
static void it_opens_when_what_waited_has_left(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = two_open(&t, marked, &peer);
  struct estab_frame frames[ESTAB_OUTPUT_MAX];
  (void)writable(&t);
  assert_int_equal(estab_send(t.s[0], c, text, sizeof text), MARK);
  assert_false(writable(&t));
  int n = estab_stack_output(t.s[0], t.now_ns, frames, 2);
  estab_stack_output_done(t.s[0], (unsigned)n, t.now_ns);
  assert_true(unsent(&t, c) >= MARK / 2);
  assert_false(writable(&t)); // not for each segment
  n = estab_stack_output(t.s[0], t.now_ns, frames, 4);
  estab_stack_output_done(t.s[0], (unsigned)n, t.now_ns);
  assert_true(unsent(&t, c) < MARK / 2);
  assert_int_equal(estab_stack_deadline(t.s[0]), t.now_ns);
  estab_stack_handle_deadline(t.s[0], t.now_ns);
  assert_true(estab_stack_deadline(t.s[0]) > t.now_ns);
  assert_true(writable(&t));
  uint32_t left = unsent(&t, c);
  assert_int_equal(estab_send(t.s[0], c, text, sizeof text), MARK - left);
  assert_true(two_end(&t));
}

// Behind a full window: only when ACKs let something leave.
static void a_full_window_keeps_it_shut(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = two_open(&t, marked, &peer);
  struct estab_frame frames[ESTAB_OUTPUT_MAX];
  for (unsigned i = 0; i < 8; i++) {
    (void)estab_send(t.s[0], c, text, sizeof text);
    int n = estab_stack_output(t.s[0], t.now_ns, frames, ESTAB_OUTPUT_MAX);
    estab_stack_output_done(t.s[0], (unsigned)n, t.now_ns);
  }
  assert_int_equal(unsent(&t, c), MARK);
  (void)writable(&t);
  assert_int_equal(estab_send(t.s[0], c, text, 1), ESTAB_ERR_WOULD_BLOCK);
  two_run(&t, t.now_ns +
                  UINT64_C(5000000000)); // what was swallowed above is sent again and acknowledged
  assert_true(writable(&t));
  assert_int_equal(unsent(&t, c), 0);
  assert_true(two_end(&t));
}

static void a_small_mark_makes_no_small_segments(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = two_open(&t, unmarked, &peer);
  assert_int_equal(estab_option_set(t.s[0], c, ESTAB_OPT_NOTSENT_LOWAT_BYTES, 1), ESTAB_OK);
  assert_int_equal(estab_send(t.s[0], c, text, sizeof text), MSS);
  assert_int_equal(estab_send(t.s[0], c, text, 1), ESTAB_ERR_WOULD_BLOCK);
  assert_true(two_end(&t));
}

// Lent memory goes in whole or not at all; below the mark it goes in.
static void what_is_lent_may_cross_it(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = two_open(&t, marked, &peer);
  assert_int_equal(estab_send_ref(t.s[0], c, text, 3 * MARK, 7), 3 * MARK);
  assert_int_equal(estab_send_ref(t.s[0], c, text, 1, 8), ESTAB_ERR_WOULD_BLOCK);
  assert_true(two_end(&t));
}

static void it_can_be_changed_and_taken_away(void **state)
{
  (void)state;
  static struct two t;
  uint64_t value;
  estab_conn peer, c = two_open(&t, marked, &peer);
  (void)writable(&t);
  assert_int_equal(estab_option_get(t.s[0], c, ESTAB_OPT_NOTSENT_LOWAT_BYTES, &value), ESTAB_OK);
  assert_int_equal(value, MARK);
  assert_int_equal(estab_send(t.s[0], c, text, sizeof text), MARK);
  assert_int_equal(estab_option_set(t.s[0], c, ESTAB_OPT_NOTSENT_LOWAT_BYTES, UINT64_C(1) << 32),
                   ESTAB_ERR_INVALID);
  assert_int_equal(estab_option_set(t.s[0], c, ESTAB_OPT_NOTSENT_LOWAT_BYTES, 0), ESTAB_OK);
  assert_true(writable(&t));
  assert_int_equal(estab_send(t.s[0], c, text, sizeof text), sizeof text - MARK);
  assert_true(two_end(&t));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_write_ends_at_the_mark),
      cmocka_unit_test(it_opens_when_what_waited_has_left),
      cmocka_unit_test(a_full_window_keeps_it_shut),
      cmocka_unit_test(a_small_mark_makes_no_small_segments),
      cmocka_unit_test(what_is_lent_may_cross_it),
      cmocka_unit_test(it_can_be_changed_and_taken_away),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
