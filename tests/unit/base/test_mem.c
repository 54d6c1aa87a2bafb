// SPDX-License-Identifier: BSD-2-Clause
// test_mem.c - the memory door: counters, the limit, refusals.

#include "base/mem.h"
#include "support/prop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct prop_mem door;
static struct mem mem;

static int fresh(void **state)
{
  (void)state;
  mem_init(&mem, prop_mem_door(&door));
  return 0;
}

static void counts_by_kind(void **state)
{
  (void)state;
  uint8_t *a = mem_new(&mem, 100, ESTAB_MEM_CONN);
  uint8_t *b = mem_new_raw(&mem, 50, ESTAB_MEM_WORK);
  for (int i = 0; i < 100; i++)
    assert_int_equal(a[i], 0);
  assert_int_equal(b[0], 0xa5); // not zeroed: the door's own filling
  assert_int_equal(mem.in_use_bytes, 150);
  assert_int_equal(mem.by_kind[ESTAB_MEM_CONN], 100);
  assert_int_equal(mem.by_kind[ESTAB_MEM_WORK], 50);
  memset(b, 7, 50);
  b = mem_resize(&mem, b, 50, 80, ESTAB_MEM_WORK);
  assert_int_equal(b[49], 7);
  assert_int_equal(mem.in_use_bytes, 180);
  b = mem_resize(&mem, b, 80, 10, ESTAB_MEM_WORK);
  assert_int_equal(mem.by_kind[ESTAB_MEM_WORK], 10);
  mem_free(&mem, a, 100, ESTAB_MEM_CONN);
  assert_null(mem_resize(&mem, b, 10, 0, ESTAB_MEM_WORK));
  mem_free(&mem, NULL, 99, ESTAB_MEM_WORK);
  assert_int_equal(mem.in_use_bytes, 0);
  assert_int_equal(mem.peak_bytes, 180);
  assert_int_equal(mem.refused, 0);
  assert_int_equal(door.live_pieces, 0);
  assert_null(mem_new(&mem, 0, ESTAB_MEM_CONN));
}

static void the_limit_refuses(void **state)
{
  (void)state;
  mem.limit_bytes = 100;
  void *a = mem_new(&mem, 60, ESTAB_MEM_CONN);
  assert_non_null(a);
  assert_null(mem_new(&mem, 41, ESTAB_MEM_CONN));
  assert_null(mem_resize(&mem, a, 60, 101, ESTAB_MEM_CONN));
  assert_null(mem_new(&mem, SIZE_MAX, ESTAB_MEM_CONN));
  assert_int_equal(mem.refused, 3);
  assert_int_equal(mem.in_use_bytes, 60);
  a = mem_resize(&mem, a, 60, 100, ESTAB_MEM_CONN);
  assert_non_null(a);
  mem.limit_bytes = 10; // lowered below what is in use: growth is refused, the rest works
  a = mem_resize(&mem, a, 100, 50, ESTAB_MEM_CONN);
  assert_non_null(a);
  assert_null(mem_new(&mem, 1, ESTAB_MEM_CONN));
  mem_free(&mem, a, 50, ESTAB_MEM_CONN);
  assert_int_equal(mem.in_use_bytes, 0);
}

static void the_door_refuses(void **state)
{
  (void)state;
  uint8_t *a = mem_new(&mem, 60, ESTAB_MEM_CONN);
  door.fail_after = 0;
  assert_null(mem_new(&mem, 1, ESTAB_MEM_CONN));
  assert_null(mem_resize(&mem, a, 60, 70, ESTAB_MEM_CONN));
  assert_int_equal(a[59], 0); // still there
  assert_int_equal(mem.refused, 2);
  assert_int_equal(mem.in_use_bytes, 60);
  mem_free(&mem, a, 60, ESTAB_MEM_CONN);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(counts_by_kind, fresh),
      cmocka_unit_test_setup(the_limit_refuses, fresh),
      cmocka_unit_test_setup(the_door_refuses, fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
