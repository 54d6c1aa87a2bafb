// SPDX-License-Identifier: BSD-2-Clause
// sendq.h - a connection's send buffer: octets from SND.UNA on, copied or in the caller's memory.
#ifndef ESTAB_BASE_SENDQ_H
#define ESTAB_BASE_SENDQ_H

#include "base/block.h"

// A stretch of the stream in one block. Positions count octets modulo 2^32 from an arbitrary
// origin; octet `p` is at block->bytes[(uint32_t)(p + bias)], so that dropping from the head
// changes no extent.
struct sendq_extent {
  struct block *block; // one reference is this extent's
  uint32_t bias;
  uint32_t end; // position after its last octet
};

// All zero = empty, which holds no memory.
struct sendq {
  union {
    struct sendq_extent one;   // without a ring the only extent there can be
    struct sendq_extent *ring; // there is one when mask > 0
  };
  uint32_t bytes;    // octets in the queue
  uint32_t head;     // position of the first
  uint32_t first;    // place of the first extent in the ring
  uint32_t count;    // extents
  uint32_t mask;     // places of the ring - 1, 0 without one
  uint32_t reserved; // room at the tail that sendq_reserve() gave out, in bytes
  uint32_t sent;     // place in the ring of the extent that sendq_pieces() ended in
};

#define SENDQ_MAX_BYTES 0x40000000u // RFC 7323 2.3: no window is larger, so no buffer needs to be

// Copies to the end. Answers how many bytes were taken: fewer than n when memory is refused (or
// the queue is as long as one can be), ESTAB_ERR_NO_MEMORY when none. Ends a reservation.
int sendq_append(struct sendq *q, struct block_pool *pool, const void *data, size_t n);

// Room at the end that the caller may fill, at least an eighth of a block; it does not move and
// stays until sendq_commit(), whatever is dropped meanwhile. 0 or ESTAB_ERR_NO_MEMORY.
int sendq_reserve(struct sendq *q, struct block_pool *pool, uint8_t **room, size_t *room_bytes);

// The first n bytes of the reserved room join the queue and the reservation ends.
// ESTAB_ERR_INVALID when there is no reservation of that size. After committing 0 the room itself is
// given back by sendq_drop(q, pool, 0).
int sendq_commit(struct sendq *q, size_t n);

// n bytes of the caller's memory join the queue, which takes over the caller's reference to the
// external block. 0; or ESTAB_ERR_NO_MEMORY, _TOO_BIG, _INVALID (n is 0) and the caller keeps it.
int sendq_append_ref(struct sendq *q, struct block_pool *pool, struct block *external, size_t n);

// Where the n octets from `offset` octets after the head are. Fills up to max pieces (their `ref`
// is the block; no reference is taken) and *count; answers the octets covered.
size_t sendq_pieces(struct sendq *q, uint32_t offset, uint32_t n, struct estab_piece *pieces,
                    unsigned max, unsigned *count);

// The same of all that is queued, where that is a message alone: one piece. False: sendq_pieces() has to look.
static inline bool sendq_alone(struct sendq *q, struct estab_piece *piece)
{
  if (q->count != 1 || q->mask) return false;
  const uint32_t in_block = q->head + q->one.bias;
  *piece = (struct estab_piece){q->one.block->bytes + in_block, q->bytes, q->one.block};
  q->sent = q->first;
  return true;
}

// Removes n octets (at most q->bytes) from the head.
void sendq_drop_some(struct sendq *q, struct block_pool *pool, uint32_t n);
static inline void sendq_drop(struct sendq *q, struct block_pool *pool, uint32_t n)
{
  if (q->count != 1 || q->mask || q->reserved || n < q->bytes) {
    sendq_drop_some(q, pool, n);
    return;
  }
  struct block *const b = q->one.block; // the usual: all of a message alone
  *q = (struct sendq){0};
  block_unref(pool, b);
}

// Removes everything, a reservation too.
void sendq_clear_slow(struct sendq *q, struct block_pool *pool);
static inline void sendq_clear(struct sendq *q, struct block_pool *pool)
{
  if (q->count) sendq_clear_slow(q, pool); // without an extent there is no ring either
}

// Memory the queue holds, whole blocks counted, the caller's memory not.
size_t sendq_memory_bytes(const struct sendq *q);

#endif
