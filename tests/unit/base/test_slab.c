// SPDX-License-Identifier: BSD-2-Clause
// test_slab.c - the slab's promises that have numbers: overhead, giving back, spare chunk.

#include "base/slab.h"
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

// 100,000 items cost less than 1.5 bytes each beside themselves and the live bit, whatever their size
// in connections and records; 3 where that size makes them begin at cache lines.
static void overhead(void **state)
{
  (void)state;
  static const uint32_t sizes[] = {48, 96, 104, 112, 128, 136, 144, 512, 576, 600, 640};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    struct slab s;
    slab_init(&s, &mem, sizes[i], ESTAB_MEM_CONN);
    for (uint32_t n = 0; n < 100000; n++)
      assert_true(slab_new(&s) == n); // dense
    uint64_t beside = mem.in_use_bytes - UINT64_C(100000) * sizes[i];
    uint64_t last_chunk = ((uint64_t)s.mask + 1) * sizes[i]; // may be mostly empty
    bool aligned = sizes[i] % 64 == 0;
    assert_true(beside < (aligned ? 300000 : 150000) + last_chunk);
    for (uint32_t n = 0; aligned && n < 100000; n += 7)
      assert_true((uintptr_t)slab_at(&s, n) % 64 == 0);
    assert_int_equal(mem.by_kind[ESTAB_MEM_TABLE], s.directory_slots * sizeof(void *));
    slab_destroy(&s);
    assert_int_equal(door.live_pieces, 0);
  }
}

static void a_chunk_goes_with_its_last_item(void **state)
{
  (void)state;
  struct slab s;
  slab_init(&s, &mem, 640, ESTAB_MEM_CONN);
  uint32_t a_chunk = s.mask + 1;
  for (uint32_t n = 0; n < 10 * a_chunk; n++)
    slab_new(&s);
  assert_int_equal(s.chunk_count, 10);
  for (uint32_t n = 3 * a_chunk; n < 8 * a_chunk; n++)
    slab_free(&s, n);
  assert_int_equal(s.chunk_count, 6); // five are empty, one of them is kept
  assert_false(slab_live(&s, 4 * a_chunk));
  assert_true(slab_live(&s, 9 * a_chunk));
  slab_trim(&s);
  assert_int_equal(s.chunk_count, 5);
  assert_int_equal(slab_new(&s), 3 * a_chunk); // the lowest hole is filled first
  slab_free(&s, 3 * a_chunk);
  for (uint32_t n = 0; n < 10 * a_chunk; n++)
    if (slab_live(&s, n)) slab_free(&s, n);
  assert_int_equal(s.count, 0);
  assert_int_equal(s.chunk_count, 1);
  slab_trim(&s);
  assert_int_equal(door.live_pieces, 0);
  assert_false(slab_live(&s, 0) || slab_live(&s, UINT32_MAX));
}

// One item taken and given back over and over must not cost a chunk each time.
static void no_thrashing(void **state)
{
  (void)state;
  struct slab s;
  slab_init(&s, &mem, 640, ESTAB_MEM_CONN);
  slab_free(&s, slab_new(&s));
  door.fail_after = 0;
  for (int i = 0; i < 100; i++) {
    uint32_t index = slab_new(&s);
    assert_int_equal(index, 0);
    slab_free(&s, index);
  }
  slab_destroy(&s);
}

static void large_items(void **state)
{
  (void)state;
  struct slab s;
  slab_init(&s, &mem, 100000, ESTAB_MEM_STACK);
  assert_int_equal(slab_new(&s), 0);
  assert_int_equal(slab_new(&s), 1);
  assert_int_equal(s.chunk_count, 2);
  memset(slab_at(&s, 1), 1, 100000);
  slab_destroy(&s);
  assert_int_equal(door.live_pieces, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(overhead, fresh),
      cmocka_unit_test_setup(a_chunk_goes_with_its_last_item, fresh),
      cmocka_unit_test_setup(no_thrashing, fresh),
      cmocka_unit_test_setup(large_items, fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
