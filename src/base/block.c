// SPDX-License-Identifier: BSD-2-Clause
// block.c - reference-counted data blocks.
#include <string.h>

#include "base/block.h"

enum { BLOCK_SPARE_MAX = 16 };

void block_pool_init(struct block_pool *pool, struct mem *mem)
{
  memset(pool, 0, sizeof *pool);
  pool->mem = mem;
  pool->spare_max = BLOCK_SPARE_MAX;
}

static void block_join(struct block_pool *pool, struct block *b)
{
  b->all_next = pool->all;
  b->all_link = &pool->all;
  if (b->all_next) b->all_next->all_link = &b->all_next;
  pool->all = b;
}

static void block_free(struct block_pool *pool, struct block *b)
{
  *b->all_link = b->all_next;
  if (b->all_next) b->all_next->all_link = b->all_link;
  mem_free(pool->mem, b, sizeof *b + (b->external ? 0 : ESTAB_BLOCK_BYTES), ESTAB_MEM_BLOCK);
}

struct block *block_new(struct block_pool *pool)
{
  struct block *b = pool->spare;
  if (b) {
    pool->spare = b->next;
    pool->spare_count--;
  } else {
    b = mem_new_raw(pool->mem, sizeof *b + ESTAB_BLOCK_BYTES, ESTAB_MEM_BLOCK);
    if (!b) return NULL;
    *b = (struct block){.bytes = (uint8_t *)(b + 1)};
    block_join(pool, b);
  }
  b->refs = 1;
  b->used = 0;
  b->next = NULL;
  return b;
}

struct block *block_new_external(struct block_pool *pool, const void *bytes, uint64_t conn,
                                 uint64_t cookie)
{
  struct block *b = mem_new_raw(pool->mem, sizeof *b, ESTAB_MEM_BLOCK);
  if (!b) return NULL;
  union {
    const void *given;
    uint8_t *kept;
  } memory = {.given = bytes}; // nobody writes to an external block
  *b = (struct block){
      .refs = 1, .external = 1, .conn = conn, .cookie = cookie, .bytes = memory.kept};
  block_join(pool, b);
  return b;
}

void block_end(struct block_pool *pool, struct block *b)
{
  b->next = NULL;
  if (pool->open == b) pool->open = NULL;
  if (b->external) {
    if (pool->released)
      pool->released_last->next = b;
    else
      pool->released = b;
    pool->released_last = b;
  } else if (pool->spare_count < pool->spare_max) {
    b->next = pool->spare;
    pool->spare = b;
    pool->spare_count++;
  } else {
    block_free(pool, b);
  }
}

struct block *block_pop_released(struct block_pool *pool)
{
  struct block *b = pool->released;
  if (b) {
    pool->released = b->next;
    b->next = NULL;
  }
  return b;
}

void block_free_external(struct block_pool *pool, struct block *b)
{
  block_free(pool, b);
}

void block_pool_trim(struct block_pool *pool)
{
  while (pool->spare) {
    struct block *b = pool->spare;
    pool->spare = b->next;
    block_free(pool, b);
  }
  pool->spare_count = 0;
}

void block_pool_destroy(struct block_pool *pool)
{
  while (pool->all)
    block_free(pool, pool->all);
  pool->spare = pool->released = pool->open = NULL;
  pool->spare_count = 0;
}
