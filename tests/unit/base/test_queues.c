// SPDX-License-Identifier: BSD-2-Clause
// test_queues.c - blocks, send and receive buffers; the rest is tests/prop/base_queues.c.

#include "base/recvq.h"
#include "base/sendq.h"
#include "support/prop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct prop_mem door;
static struct mem mem;
static struct block_pool pool;
static uint8_t data[4 * ESTAB_BLOCK_BYTES];

static int fresh(void **state)
{
  (void)state;
  mem_init(&mem, prop_mem_door(&door));
  block_pool_init(&pool, &mem);
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i * 7 + i / 251);
  return 0;
}

static int memory_is_back(void **state)
{
  (void)state;
  block_pool_trim(&pool);
  return door.live_pieces != 0 || mem.in_use_bytes != 0;
}

static void spare_blocks_are_few(void **state)
{
  (void)state;
  struct block *b[20];
  for (int i = 0; i < 20; i++)
    b[i] = block_new(&pool);
  for (int i = 0; i < 20; i++)
    block_unref(&pool, b[i]);
  assert_int_equal(pool.spare_count, 16);
  assert_int_equal(door.live_pieces, 16);
  door.fail_after = 0;
  b[0] = block_new(&pool);
  assert_non_null(b[0]); // a spare one
  block_ref(b[0]);
  block_unref(&pool, b[0]);
  assert_int_equal(pool.spare_count, 15);
  block_unref(&pool, b[0]);
  assert_int_equal(pool.spare_count, 16);
}

static void released_in_order(void **state)
{
  (void)state;
  struct block *b[3];
  for (uint64_t i = 0; i < 3; i++)
    b[i] = block_new_external(&pool, data, 7, i);
  for (int i = 0; i < 3; i++)
    block_unref(&pool, b[i]);
  for (uint64_t i = 0; i < 3; i++) {
    struct block *out = block_pop_released(&pool);
    assert_true(out->cookie == i && out->conn == 7);
    block_free_external(&pool, out);
  }
  assert_null(block_pop_released(&pool));
}

static void sizes(void **state)
{
  (void)state;
  assert_true(sizeof(struct sendq) <= 64);
  assert_true(sizeof(struct recvq) <= 48);
  assert_int_equal(ESTAB_BLOCK_BYTES, 16384);
}

static void writes_share_a_block(void **state)
{
  (void)state;
  struct sendq q = {0};
  for (int i = 0; i < 10; i++)
    assert_int_equal(sendq_append(&q, &pool, data + i * 1000, 1000), 1000);
  assert_int_equal(door.live_pieces, 1); // one block, no ring
  struct estab_piece piece;
  unsigned count;
  assert_int_equal(sendq_pieces(&q, 1500, 4000, &piece, 1, &count), 4000);
  assert_memory_equal(piece.bytes, data + 1500, 4000);
  assert_int_equal(sendq_append(&q, &pool, data + 10000, 30000), 30000);
  struct estab_piece pieces[3];
  assert_int_equal(sendq_pieces(&q, 16000, 20000, pieces, 3, &count), 20000);
  assert_int_equal(count, 3);
  assert_int_equal(pieces[0].length, 384);
  assert_int_equal(pieces[1].length, 16384);
  assert_int_equal(sendq_pieces(&q, 16000, 20000, pieces, 2, &count), 384 + 16384);
  sendq_drop(&q, &pool, 40000);
  assert_int_equal(sendq_memory_bytes(&q), 0);
}

// A small head before each large body: the heads share one block.
static void heads_share_a_block(void **state)
{
  (void)state;
  struct sendq q = {0};
  for (int i = 0; i < 5; i++) {
    assert_int_equal(sendq_append(&q, &pool, "head", 4), 4);
    struct block *body = block_new_external(&pool, data, 1, 1);
    assert_int_equal(sendq_append_ref(&q, &pool, body, 50000), 0);
  }
  assert_int_equal(mem.by_kind[ESTAB_MEM_BLOCK] / ESTAB_BLOCK_BYTES, 1);
  struct estab_piece pieces[3];
  unsigned count;
  assert_int_equal(sendq_pieces(&q, 50002, 10, pieces, 3, &count), 10);
  assert_int_equal(count, 3);
  assert_memory_equal(pieces[1].bytes, "head", 4);
  sendq_drop(&q, &pool, 4 + 50000);
  struct block *out = block_pop_released(&pool);
  assert_non_null(out);
  block_free_external(&pool, out);
  assert_null(block_pop_released(&pool));
  sendq_clear(&q, &pool);
  while ((out = block_pop_released(&pool)))
    block_free_external(&pool, out);
}

// Connections that each wait for the acknowledgment of a few octets hold one block together, until the last of them
// has it; what one writes never runs into another's octets.
static void small_messages_share_a_block(void **state)
{
  (void)state;
  enum { QUEUES = 40 };
  struct sendq q[QUEUES] = {0};
  for (unsigned i = 0; i < QUEUES; i++)
    assert_int_equal(sendq_append(&q[i], &pool, data + i, 100), 100);
  assert_int_equal(door.live_pieces, 1);
  assert_int_equal(sendq_append(&q[0], &pool, data + 100, 50), 50); // behind it is another's: anew
  assert_int_equal(sendq_append(&q[QUEUES - 1], &pool, data + QUEUES - 1 + 100, 50), 50); // not so
  assert_int_equal(door.live_pieces, 3); // q[0]'s own block and its ring
  uint8_t *room;
  size_t bytes;
  assert_int_equal(sendq_reserve(&q[QUEUES - 1], &pool, &room, &bytes), 0);
  assert_int_equal(bytes, ESTAB_BLOCK_BYTES - QUEUES * 100 - 50);
  struct sendq late = {0}; // not into what somebody reserved
  assert_int_equal(sendq_append(&late, &pool, data, 100), 100);
  memset(room, 0, bytes);
  assert_int_equal(sendq_commit(&q[QUEUES - 1], 0), 0);
  for (unsigned i = 0; i < QUEUES; i++) {
    struct estab_piece pieces[2];
    unsigned count;
    uint32_t n = i == 0 || i == QUEUES - 1 ? 150 : 100;
    assert_int_equal(sendq_pieces(&q[i], 0, n, pieces, 2, &count), n);
    assert_int_equal(count, i == 0 ? 2 : 1);
    assert_memory_equal(pieces[0].bytes, data + i, pieces[0].length);
    sendq_clear(&q[i], &pool);
  }
  struct estab_piece piece;
  unsigned count;
  assert_int_equal(sendq_pieces(&late, 0, 100, &piece, 1, &count), 100);
  assert_memory_equal(piece.bytes, data, 100);
  sendq_clear(&late, &pool);
}

static void a_reservation_survives_the_acknowledgment(void **state)
{
  (void)state;
  struct sendq q = {0};
  uint8_t *room;
  size_t bytes;
  assert_int_equal(sendq_append(&q, &pool, data, 100), 100);
  assert_int_equal(sendq_reserve(&q, &pool, &room, &bytes), 0);
  assert_int_equal(bytes, ESTAB_BLOCK_BYTES - 100);
  sendq_drop(&q, &pool, 100);
  memcpy(room, "abc", 3);
  assert_int_equal(sendq_commit(&q, 3), 0);
  assert_int_equal(q.bytes, 3);
  struct estab_piece piece;
  unsigned count;
  assert_int_equal(sendq_pieces(&q, 0, 99, &piece, 1, &count), 3);
  assert_memory_equal(piece.bytes, "abc", 3);
  assert_int_equal(sendq_commit(&q, 0), ESTAB_ERR_INVALID);
  sendq_clear(&q, &pool);

  assert_int_equal(sendq_reserve(&q, &pool, &room, &bytes), 0);
  assert_int_equal(sendq_commit(&q, 0), 0);
  sendq_drop(&q, &pool, 0);
  assert_int_equal(sendq_memory_bytes(&q), 0);
}

static void refused_memory_takes_a_part(void **state)
{
  (void)state;
  struct sendq s = {0};
  struct recvq r = {0};
  door.fail_after = 0;
  assert_int_equal(sendq_append(&s, &pool, data, 10), ESTAB_ERR_NO_MEMORY);
  assert_int_equal(sendq_append(&s, &pool, data, 0), 0);
  assert_int_equal(recvq_write(&r, &pool, 0, data, 10), 0);
  door.fail_after = 1;
  assert_int_equal(sendq_append(&s, &pool, data, 20000), ESTAB_BLOCK_BYTES);
  door.fail_after = 1;
  assert_int_equal(recvq_write(&r, &pool, 100, data, 20000), ESTAB_BLOCK_BYTES - 100);
  sendq_clear(&s, &pool);
  recvq_clear(&r, &pool);
}

static void holes_take_no_memory(void **state)
{
  (void)state;
  struct recvq q = {0};
  assert_int_equal(recvq_write(&q, &pool, 1000000, data, 1460), 1460);
  assert_int_equal(mem.by_kind[ESTAB_MEM_BLOCK] / ESTAB_BLOCK_BYTES, 1);
  uint8_t out[1460];
  assert_int_equal(recvq_read(&q, 1000000, out, sizeof out), 1460);
  assert_memory_equal(out, data, sizeof out);
  assert_int_equal(recvq_read(&q, 0, out, 10), 0);
  recvq_drop(&q, &pool, 999990);
  assert_int_equal(recvq_read(&q, 10, out, sizeof out), 1460);
  assert_memory_equal(out, data, sizeof out);
  recvq_drop(&q, &pool, 10 + 100000);
  assert_int_equal(recvq_memory_bytes(&q), 0);
  assert_int_equal(recvq_write(&q, &pool, 0, data, ESTAB_BLOCK_BYTES), ESTAB_BLOCK_BYTES);
  assert_int_equal(q.blocks, 1); // started afresh at the start of a block
  recvq_clear(&q, &pool);
  assert_int_equal(recvq_memory_bytes(&q), 0);
}

static void beyond_any_window(void **state)
{
  (void)state;
  struct recvq q = {0};
  door.fail_after = 0; // whatever it asked for would be too much
  assert_int_equal(recvq_write(&q, &pool, RECVQ_MAX_BYTES, data, 1), 0);
  assert_int_equal(recvq_write(&q, &pool, UINT32_MAX, data, 1), 0);
  assert_int_equal(mem.refused, 0);
}

int main(void)
{
#define queue_test(f) cmocka_unit_test_setup_teardown(f, fresh, memory_is_back)
  const struct CMUnitTest tests[] = {
      queue_test(spare_blocks_are_few),
      queue_test(released_in_order),
      queue_test(sizes),
      queue_test(writes_share_a_block),
      queue_test(heads_share_a_block),
      queue_test(small_messages_share_a_block),
      queue_test(a_reservation_survives_the_acknowledgment),
      queue_test(refused_memory_takes_a_part),
      queue_test(holes_take_no_memory),
      queue_test(beyond_any_window),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
