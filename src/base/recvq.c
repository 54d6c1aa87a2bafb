// SPDX-License-Identifier: BSD-2-Clause
// recvq.c - a connection's receive buffer: blocks at fixed places of the stream.
#include <string.h>

#include "base/bytes.h"
#include "base/recvq.h"

enum { RECVQ_FIRST_PLACES = 8 };

// Places there are, less one: two without a ring.
static uint32_t recvq_mask(const struct recvq *q)
{
  return q->mask | 1;
}

static struct block **recvq_at(const struct recvq *q, uint32_t place)
{
  struct block *const *all = q->mask ? q->ring : q->near;
  return (struct block **)(uintptr_t)&all[(q->first + place) & recvq_mask(q)];
}

static size_t recvq_ring_bytes(const struct recvq *q)
{
  return q->mask ? ((size_t)q->mask + 1) * sizeof *q->ring : 0;
}

// Makes sure that `place` exists.
static bool recvq_grow(struct recvq *q, struct mem *mem, uint32_t place)
{
  if (place <= recvq_mask(q)) return true;
  uint32_t places = RECVQ_FIRST_PLACES;
  while (places <= place)
    places *= 2;
  struct block **ring = mem_new(mem, places * sizeof *ring, ESTAB_MEM_BLOCK);
  if (!ring) return false;
  for (uint32_t i = 0; i <= recvq_mask(q); i++)
    ring[i] = *recvq_at(q, i);
  if (q->mask) mem_free(mem, q->ring, recvq_ring_bytes(q), ESTAB_MEM_BLOCK);
  q->ring = ring;
  q->first = 0;
  q->mask = places - 1;
  return true;
}

static struct block *recvq_need_block(struct recvq *q, struct block_pool *pool, uint32_t place)
{
  if (!recvq_grow(q, pool->mem, place)) return NULL;
  struct block **at = recvq_at(q, place);
  if (!*at) {
    *at = block_new(pool);
    if (*at) q->blocks++;
  }
  return *at;
}

// With no block left nothing ties the stream to its places.
static void recvq_reset_if_empty(struct recvq *q, struct block_pool *pool)
{
  if (q->blocks) return;
  if (q->mask) mem_free(pool->mem, q->ring, recvq_ring_bytes(q), ESTAB_MEM_BLOCK);
  *q = (struct recvq){0};
}

// Over several blocks, or with a ring that has to grow first.
static __attribute__((noinline)) int recvq_write_blocks(struct recvq *q, struct block_pool *pool,
                                                        uint32_t offset, const void *bytes,
                                                        size_t n)
{
  uint32_t position = q->head + offset;
  const uint8_t *from = bytes;
  size_t left = size_min(n, RECVQ_MAX_BYTES - offset);
  while (left) {
    uint32_t in_block = position % ESTAB_BLOCK_BYTES;
    struct block *b = recvq_need_block(q, pool, position / ESTAB_BLOCK_BYTES);
    if (!b) {
      recvq_reset_if_empty(q, pool); // there may be a new ring, and no block in it
      break;
    }
    uint32_t part = (uint32_t)size_min(ESTAB_BLOCK_BYTES - in_block, left);
    memcpy(b->bytes + in_block, from, part);
    from += part;
    position += part;
    left -= part;
  }
  return (int)(from - (const uint8_t *)bytes);
}

int recvq_write(struct recvq *q, struct block_pool *pool, uint32_t offset, const void *bytes,
                size_t n)
{
  if (offset > RECVQ_MAX_BYTES) return 0;
  uint32_t position = q->head + offset, place = position / ESTAB_BLOCK_BYTES;
  if (n <= ESTAB_BLOCK_BYTES - position % ESTAB_BLOCK_BYTES && place <= recvq_mask(q)) {
    struct block **at = recvq_at(q, place); // the usual: one block, in a place there is
    if (!*at) {
      *at = block_new(pool);
      if (!*at) return 0;
      q->blocks++;
    }
    memcpy((*at)->bytes + position % ESTAB_BLOCK_BYTES, bytes, n);
    return (int)n;
  }
  return recvq_write_blocks(q, pool, offset, bytes, n);
}

size_t recvq_pieces(const struct recvq *q, uint32_t offset, uint32_t n, struct estab_piece *pieces,
                    unsigned max, unsigned *count)
{
  *count = 0;
  if (offset > RECVQ_MAX_BYTES) return 0;
  uint32_t position = q->head + offset, left = u32_min(n, RECVQ_MAX_BYTES - offset);
  n = left;
  while (left && *count < max) {
    uint32_t in_block = position % ESTAB_BLOCK_BYTES, place = position / ESTAB_BLOCK_BYTES;
    struct block *b = place <= recvq_mask(q) ? *recvq_at(q, place) : NULL;
    if (!b) break;
    uint32_t part = u32_min(ESTAB_BLOCK_BYTES - in_block, left);
    pieces[(*count)++] = (struct estab_piece){b->bytes + in_block, part, b};
    position += part;
    left -= part;
  }
  return n - left;
}

static __attribute__((noinline)) size_t recvq_read_blocks(const struct recvq *q, uint32_t offset,
                                                          void *out, size_t n)
{
  uint8_t *to = out;
  uint32_t left = (uint32_t)size_min(n, RECVQ_MAX_BYTES);
  while (left) {
    struct estab_piece piece;
    unsigned count;
    size_t part = recvq_pieces(q, offset, left, &piece, 1, &count);
    if (part == 0) break;
    memcpy(to, piece.bytes, part);
    to += part;
    offset += (uint32_t)part;
    left -= (uint32_t)part;
  }
  return (size_t)(to - (uint8_t *)out);
}

size_t recvq_read(const struct recvq *q, uint32_t offset, void *out, size_t n)
{
  uint32_t in_block = (q->head + offset) % ESTAB_BLOCK_BYTES;
  uint32_t place = (q->head + offset) / ESTAB_BLOCK_BYTES;
  if (n <= ESTAB_BLOCK_BYTES - in_block && place <= recvq_mask(q)) { // the usual: in one block
    const struct block *b = *recvq_at(q, place);
    if (!b) return 0;
    memcpy(out, b->bytes + in_block, n);
    return n;
  }
  return recvq_read_blocks(q, offset, out, n);
}

static void recvq_release(struct recvq *q, struct block_pool *pool, uint32_t place)
{
  struct block **at = recvq_at(q, place);
  if (!*at) return;
  block_unref(pool, *at);
  *at = NULL;
  q->blocks--;
}

void recvq_drop(struct recvq *q, struct block_pool *pool, uint32_t n)
{
  if (q->blocks == 0) return;
  if (n < ESTAB_BLOCK_BYTES - q->head) {
    q->head += n;
    return;
  }
  uint32_t passed = (uint32_t)(((uint64_t)q->head + n) / ESTAB_BLOCK_BYTES);
  q->head = (q->head + n) % ESTAB_BLOCK_BYTES;
  for (uint32_t i = 0; i < passed && i <= recvq_mask(q); i++)
    recvq_release(q, pool, i);
  q->first = (q->first + passed) & recvq_mask(q);
  recvq_reset_if_empty(q, pool);
}

void recvq_cut(struct recvq *q, struct block_pool *pool, uint32_t offset)
{
  uint64_t from = ((uint64_t)q->head + offset + ESTAB_BLOCK_BYTES - 1) / ESTAB_BLOCK_BYTES;
  for (uint64_t i = from; i <= recvq_mask(q); i++)
    recvq_release(q, pool, (uint32_t)i);
  recvq_reset_if_empty(q, pool);
}

void recvq_clear_slow(struct recvq *q, struct block_pool *pool)
{
  for (uint32_t i = 0; q->blocks; i++)
    recvq_release(q, pool, i);
  recvq_reset_if_empty(q, pool);
}

size_t recvq_memory_bytes(const struct recvq *q)
{
  return recvq_ring_bytes(q) + q->blocks * (sizeof(struct block) + ESTAB_BLOCK_BYTES);
}
