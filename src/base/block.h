// SPDX-License-Identifier: BSD-2-Clause
// block.h - reference-counted data blocks of 16 KiB, and the caller's memory in the same dress.
#ifndef ESTAB_BASE_BLOCK_H
#define ESTAB_BASE_BLOCK_H

#include "base/mem.h"

#define ESTAB_BLOCK_BYTES 16384u // data bytes of a block

// Never moves while it has references. Several connections' frames may hold one.
struct block {
  uint32_t refs;
  uint16_t external;                  // 1: `bytes` is the caller's memory
  uint16_t used;                      // of a send buffer's: bytes written, by whomever
  uint64_t conn, cookie;              // external: what the release event names
  struct block *next;                 // in the pool's lists
  struct block *all_next, **all_link; // every block of the pool, so that none outlives it
  uint8_t *bytes;                     // behind this header, or the caller's (which is only read)
};

struct block_pool {
  struct mem *mem;
  struct block *spare; // empty blocks kept for the next who asks
  uint32_t spare_count;
  uint32_t spare_max;     // more than this many are given back to mem
  struct block *open;     // takes small messages of several connections; not counted in its refs
  struct block *released; // externals without references, oldest first, for the owner to announce
  struct block *released_last;
  struct block *all; // whatever became of them
};

// spare_max starts at 16.
void block_pool_init(struct block_pool *pool, struct mem *mem);

// A block with one reference and undefined bytes; NULL when memory is refused.
struct block *block_new(struct block_pool *pool);

// One reference to the caller's memory; NULL when memory is refused.
struct block *block_new_external(struct block_pool *pool, const void *bytes, uint64_t conn,
                                 uint64_t cookie);

static inline struct block *block_ref(struct block *b)
{
  b->refs++;
  return b;
}

// What happens at the last reference: kept spare or freed, or put on pool->released.
void block_end(struct block_pool *pool, struct block *b);

static inline void block_unref(struct block_pool *pool, struct block *b)
{
  if (--b->refs == 0) block_end(pool, b);
}

// Takes the oldest off pool->released; NULL when none. Ends with block_free_external().
struct block *block_pop_released(struct block_pool *pool);

// Frees an external that block_pop_released() gave, or one that never came into use.
void block_free_external(struct block_pool *pool, struct block *b);

// Gives the spare blocks back.
void block_pool_trim(struct block_pool *pool);

// Gives every block back, whoever still refers to it.
void block_pool_destroy(struct block_pool *pool);

#endif
