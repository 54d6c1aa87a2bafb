// SPDX-License-Identifier: BSD-2-Clause
// test_wheel.c - the timing wheel: order, exactness, jumps; the rest is tests/prop/base_wheel.c.

#include "base/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

static struct wheel w;
static struct wheel_node n[3];

static int fresh(void **state)
{
  (void)state;
  memset(n, 0, sizeof n);
  wheel_init(&w, 5 * S);
  return 0;
}

static void is_small(void **state)
{
  (void)state;
  assert_true(sizeof w <= 6 * 1024);
  assert_true(sizeof n[0] <= 24);
}

static unsigned nodes_in(void)
{
  unsigned in = 0;
  for (size_t i = 0; i < sizeof n / sizeof *n; i++)
    in += wheel_has(&n[i]);
  return in;
}

static void empty(void **state)
{
  (void)state;
  assert_true(wheel_deadline(&w) == ESTAB_NEVER);
  assert_null(wheel_pop(&w, 0));
  assert_null(wheel_pop(&w, UINT64_MAX));
  wheel_cancel(&w, &n[0]);
  wheel_set(&w, &n[0], ESTAB_NEVER);
  assert_false(wheel_has(&n[0]));
  assert_int_equal(nodes_in(), 0);
}

static void earliest_first_to_the_nanosecond(void **state)
{
  (void)state;
  wheel_set(&w, &n[0], 5 * S + 30);
  wheel_set(&w, &n[1], 5 * S + 10);
  wheel_set(&w, &n[2], 5 * S + 20);
  assert_true(wheel_deadline(&w) == 5 * S + 10);
  assert_null(wheel_pop(&w, 5 * S + 9));
  assert_ptr_equal(wheel_pop(&w, 5 * S + 25), &n[1]);
  assert_ptr_equal(wheel_pop(&w, 5 * S + 25), &n[2]);
  assert_null(wheel_pop(&w, 5 * S + 25));
  assert_true(wheel_deadline(&w) == 5 * S + 30);
}

static void moved_and_cancelled(void **state)
{
  (void)state;
  wheel_set(&w, &n[0], 6 * S);
  wheel_set(&w, &n[1], 7 * S);
  wheel_set(&w, &n[0], 8 * S);
  assert_true(wheel_deadline(&w) == 7 * S);
  wheel_cancel(&w, &n[1]);
  assert_true(wheel_deadline(&w) == 8 * S);
  assert_int_equal(nodes_in(), 1);
  wheel_set(&w, &n[0], ESTAB_NEVER);
  assert_true(wheel_deadline(&w) == ESTAB_NEVER);
}

static void overdue_is_due_at_once(void **state)
{
  (void)state;
  wheel_set(&w, &n[0], 1);
  assert_true(wheel_deadline(&w) == 1);
  assert_ptr_equal(wheel_pop(&w, 5 * S), &n[0]);
}

// 2 MSL of 2 minutes, and keep-alive's 2 hours: waking as told gets there in a few steps.
static void few_wakes(void **state)
{
  (void)state;
  wheel_set(&w, &n[0], 5 * S + 240 * S);
  wheel_set(&w, &n[1], 5 * S + 7200 * S);
  unsigned wakes = 0;
  while (nodes_in()) {
    wheel_pop(&w, wheel_deadline(&w));
    wakes++;
  }
  assert_int_equal(wakes, 2); // a thin slot's deadline is told exactly
}

static void last_of_all_times(void **state)
{
  (void)state;
  wheel_set(&w, &n[0], ESTAB_NEVER - 1);
  wheel_set(&w, &n[1], ESTAB_NEVER - 2);
  assert_true(wheel_deadline(&w) <= ESTAB_NEVER - 2);
  assert_null(wheel_pop(&w, ESTAB_NEVER - 3));
  assert_ptr_equal(wheel_pop(&w, ESTAB_NEVER - 1), &n[1]);
  assert_ptr_equal(wheel_pop(&w, ESTAB_NEVER - 1), &n[0]);
}

static void the_clock_goes_back(void **state)
{
  (void)state;
  wheel_set(&w, &n[0], 100 * S);
  assert_null(wheel_pop(&w, 50 * S));
  assert_null(wheel_pop(&w, 10 * S));
  wheel_set(&w, &n[1], 20 * S);
  assert_true(wheel_deadline(&w) == 20 * S);
  assert_null(wheel_pop(&w, 20 * S - 1));
  assert_ptr_equal(wheel_pop(&w, 20 * S), &n[1]);
  assert_ptr_equal(wheel_pop(&w, 100 * S), &n[0]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(is_small, fresh),
      cmocka_unit_test_setup(empty, fresh),
      cmocka_unit_test_setup(earliest_first_to_the_nanosecond, fresh),
      cmocka_unit_test_setup(moved_and_cancelled, fresh),
      cmocka_unit_test_setup(overdue_is_due_at_once, fresh),
      cmocka_unit_test_setup(few_wakes, fresh),
      cmocka_unit_test_setup(last_of_all_times, fresh),
      cmocka_unit_test_setup(the_clock_goes_back, fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
