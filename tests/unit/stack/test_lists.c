// SPDX-License-Identifier: BSD-2-Clause
// test_lists.c - what leaves a queue before its turn leaves the others in order: events, what is to be sent, accept.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "support/two.h"

enum { CONNS = 5, PORT = 80 };

static struct two two;
static estab_conn conn[CONNS];

// All orders in which the five may go, as permutations by number.
static void order_of(unsigned number, unsigned order[CONNS])
{
  unsigned left[CONNS] = {0, 1, 2, 3, 4};
  for (unsigned n = CONNS; n > 0; n--) {
    unsigned i = number % n;
    number /= n;
    order[CONNS - n] = left[i];
    for (; i + 1 < n; i++)
      left[i] = left[i + 1];
  }
}

static unsigned number_of(estab_conn c)
{
  for (unsigned i = 0; i < CONNS; i++)
    if (conn[i] == c) return i;
  fail_msg("an event of a connection that is gone");
  return 0;
}

static void begin(void)
{
  two_init(&two, false, NULL);
  two_listen(&two, 1, PORT, CONNS);
  for (unsigned i = 0; i < CONNS; i++)
    assert_int_equal(two_connect(&two, 0, 0, PORT, &conn[i]), ESTAB_OK);
}

static void those_left_are_in_order(const unsigned order[CONNS], unsigned gone,
                                    const unsigned *heard, unsigned count)
{
  unsigned n = 0;
  for (unsigned i = 0; i < CONNS; i++) {
    bool is_gone = false;
    for (unsigned k = 0; k < gone; k++)
      is_gone = is_gone || order[k] == i;
    if (is_gone) continue;
    assert_true(n < count);
    assert_int_equal(heard[n++], i);
  }
  assert_int_equal(n, count);
}

// Connected, and released before anybody pulled the event.
static void events(void **state)
{
  (void)state;
  for (unsigned number = 0; number < 120; number++)
    for (unsigned gone = 0; gone <= CONNS; gone++) {
      unsigned order[CONNS], heard[CONNS], count = 0;
      order_of(number, order);
      begin();
      two_carry(&two);
      for (unsigned i = 0; i < gone; i++)
        assert_int_equal(estab_abort(two.s[0], conn[order[i]]), ESTAB_OK),
            assert_int_equal(estab_release(two.s[0], conn[order[i]]), ESTAB_OK);
      two_carry(&two); // the RSTs leave, and then the connections are gone
      struct estab_event e;
      while (estab_stack_next_event(two.s[0], &e)) {
        assert_true(count < CONNS);
        heard[count++] = number_of(e.conn);
      }
      those_left_are_in_order(order, gone, heard, count);
      assert_true(two_end(&two));
    }
}

// A SYN that is to be sent, and a user who has changed his mind.
static void ready(void **state)
{
  (void)state;
  for (unsigned number = 0; number < 120; number++)
    for (unsigned gone = 0; gone <= CONNS; gone++) {
      unsigned order[CONNS], heard[CONNS], count = 0;
      order_of(number, order);
      begin();
      for (unsigned i = 0; i < gone; i++)
        assert_int_equal(estab_release(two.s[0], conn[order[i]]), ESTAB_OK);
      static struct estab_frame frames[CONNS + 1];
      int n = estab_stack_output(two.s[0], two.now_ns, frames, CONNS + 1);
      for (int i = 0; i < n; i++)
        heard[count++] = number_of(frames[i].conn);
      estab_stack_output_done(two.s[0], (unsigned)n, two.now_ns);
      those_left_are_in_order(order, gone, heard, count);
      assert_true(two_end(&two));
    }
}

// Reset before anybody accepted them.
static void accept_queue(void **state)
{
  (void)state;
  for (unsigned number = 0; number < 120; number++)
    for (unsigned gone = 0; gone <= CONNS; gone++) {
      unsigned order[CONNS], heard[CONNS], count = 0;
      uint16_t port[CONNS];
      order_of(number, order);
      begin();
      two_carry(&two);
      struct estab_event e = {0};
      while (!(e.events & ESTAB_EVENT_ACCEPT))
        assert_true(estab_stack_next_event(two.s[1], &e));
      for (unsigned i = 0; i < CONNS; i++) {
        struct estab_conn_info info = {.struct_bytes = sizeof info};
        assert_int_equal(estab_conn_info(two.s[0], conn[i], &info), ESTAB_OK);
        port[i] = info.tuple.local_port;
      }
      for (unsigned i = 0; i < gone; i++)
        assert_int_equal(estab_abort(two.s[0], conn[order[i]]), ESTAB_OK);
      two_carry(&two);
      for (estab_conn c; estab_accept(two.s[1], e.listener, &c) == ESTAB_OK; count++) {
        struct estab_conn_info info = {.struct_bytes = sizeof info};
        assert_int_equal(estab_conn_info(two.s[1], c, &info), ESTAB_OK);
        assert_true(count < CONNS);
        for (unsigned i = 0; i < CONNS; i++)
          if (port[i] == info.tuple.remote_port) heard[count] = i;
      }
      those_left_are_in_order(order, gone, heard, count);
      assert_true(two_end(&two));
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(events),
      cmocka_unit_test(ready),
      cmocka_unit_test(accept_queue),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
