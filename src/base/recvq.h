// SPDX-License-Identifier: BSD-2-Clause
// recvq.h - a connection's receive buffer: octets at their final place, holes allowed.
#ifndef ESTAB_BASE_RECVQ_H
#define ESTAB_BASE_RECVQ_H

#include "base/block.h"

// The stream is cut into blocks at fixed places; a block is there once something was written to
// it. Which octets mean anything, the owner knows. All zero = empty, which holds no memory.
struct recvq {
  union {
    struct block *near[2]; // without a ring the two places there are, NULL = no block there
    struct block **ring;   // there is one when mask > 0
  };
  uint32_t head;   // octets of the first place that are before the head
  uint32_t first;  // the first place in the ring
  uint32_t mask;   // places of the ring - 1, 0 without a ring
  uint32_t blocks; // blocks held
};

#define RECVQ_MAX_BYTES 0x40000000u // offset + n at most: the largest window, RFC 7323 2.3

// Writes n octets at `offset` octets after the head. Answers how many of them, from the first on:
// fewer, also 0, when memory is refused.
int recvq_write(struct recvq *q, struct block_pool *pool, uint32_t offset, const void *bytes,
                size_t n);

// Copies n octets from `offset` octets after the head; stops short where there is no block.
size_t recvq_read(const struct recvq *q, uint32_t offset, void *out, size_t n);

// The same without copying: fills up to max pieces (their `ref` is the block; no reference is
// taken) and *count; answers the octets covered.
size_t recvq_pieces(const struct recvq *q, uint32_t offset, uint32_t n, struct estab_piece *pieces,
                    unsigned max, unsigned *count);

// Moves the head by n octets, over holes too, and gives back the blocks that were passed. When no
// block is left the next write starts afresh at the start of a block.
void recvq_drop(struct recvq *q, struct block_pool *pool, uint32_t n);

// Gives back the blocks that lie wholly at or after `offset` octets behind the head.
void recvq_cut(struct recvq *q, struct block_pool *pool, uint32_t offset);

// Gives everything back.
void recvq_clear_slow(struct recvq *q, struct block_pool *pool);
static inline void recvq_clear(struct recvq *q, struct block_pool *pool)
{
  if (q->blocks == 0) return; // and there is no ring either
  if (q->mask || !q->near[q->first] || q->blocks > 1) {
    recvq_clear_slow(q, pool);
    return;
  }
  block_unref(pool, q->near[q->first]); // the usual: one block, in the first place
  *q = (struct recvq){0};
}

// Memory the queue holds, whole blocks counted.
size_t recvq_memory_bytes(const struct recvq *q);

#endif
