// SPDX-License-Identifier: BSD-2-Clause
// sendq.c - a connection's send buffer: a queue of extents over blocks.
#include <string.h>

#include "base/bytes.h"
#include "base/sendq.h"

enum {
  SENDQ_FIRST_PLACES = 8,
  SENDQ_LOOK_BACK = 4,                      // extents looked at for a block with room
  SENDQ_LEAST_ROOM = ESTAB_BLOCK_BYTES / 8, // bytes sendq_reserve() gives at least
  SENDQ_SMALL_BYTES = 1024,                 // a message that shares a block with others
};

static struct sendq_extent *sendq_at(const struct sendq *q, uint32_t i)
{
  if (!q->mask) return (struct sendq_extent *)(uintptr_t)&q->one;
  return &q->ring[(q->first + i) & q->mask];
}

// Position after the last octet.
static uint32_t sendq_tail(const struct sendq *q)
{
  return q->head + q->bytes;
}

static size_t sendq_ring_bytes(const struct sendq *q)
{
  return q->mask ? ((size_t)q->mask + 1) * sizeof *q->ring : 0;
}

// Place for one extent more.
static bool sendq_grow(struct sendq *q, struct mem *mem)
{
  if (q->count == 0 || (q->mask && q->count <= q->mask)) return true;
  uint32_t places = q->mask ? 2 * (q->mask + 1) : SENDQ_FIRST_PLACES;
  struct sendq_extent *ring = mem_new_raw(mem, places * sizeof *ring, ESTAB_MEM_BLOCK);
  if (!ring) return false;
  for (uint32_t i = 0; i < q->count; i++)
    ring[i] = *sendq_at(q, i);
  if (q->mask) mem_free(mem, q->ring, sendq_ring_bytes(q), ESTAB_MEM_BLOCK);
  q->ring = ring;
  q->first = 0;
  q->mask = places - 1;
  return true;
}

// Adds an extent that begins, and still ends, at the tail; offset is where in the block.
static void sendq_extend(struct sendq *q, struct block *b, uint32_t offset)
{
  uint32_t tail = sendq_tail(q);
  *sendq_at(q, q->count++) = (struct sendq_extent){b, offset - tail, tail};
}

// Bytes free behind an extent: none when another connection has written there.
static inline uint32_t sendq_room_behind(const struct sendq_extent *e)
{
  const struct block *b = e->block;
  return !b->external && e->end + e->bias == b->used ? ESTAB_BLOCK_BYTES - b->used : 0;
}

// Bytes free at the end of the last extent's block.
static inline uint32_t sendq_room(const struct sendq *q)
{
  if (q->count == 0) return 0;
  return sendq_room_behind(sendq_at(q, q->count - 1));
}

// Makes the last extent one with at least `least` bytes of room and answers how much, 0 = refused.
static uint32_t sendq_need_room(struct sendq *q, struct block_pool *pool, uint32_t least)
{
  uint32_t room = sendq_room(q);
  if (room >= least) return room;
  if (!sendq_grow(q, pool->mem)) return 0;
  // The last block that was copied into may have room behind it, although the caller's memory
  // came in between: small headers between large bodies then share a block.
  for (uint32_t back = 1; back <= SENDQ_LOOK_BACK && back <= q->count; back++) {
    const struct sendq_extent *e = sendq_at(q, q->count - back);
    if (e->block->external) continue;
    room = sendq_room_behind(e);
    if (room < least) break;
    sendq_extend(q, block_ref(e->block), e->block->used);
    return room;
  }
  struct block *b = block_new(pool);
  if (!b) return 0;
  sendq_extend(q, b, 0);
  return ESTAB_BLOCK_BYTES;
}

static inline void sendq_add(struct sendq *q, uint32_t n)
{
  struct sendq_extent *e = sendq_at(q, q->count - 1);
  e->end += n;
  q->bytes += n;
  if (!e->block->external) e->block->used = (uint16_t)(e->end + e->bias);
}

// The first extent of a queue for a small message: with many connections that wait for an answer, a block is not each
// one's own but holds the messages of thousands.
static bool sendq_share(struct sendq *q, struct block_pool *pool, size_t n)
{
  struct block *b = pool->open;
  if (b && ESTAB_BLOCK_BYTES - b->used >= n) {
    block_ref(b);
  } else {
    b = block_new(pool);
    if (!b) return false;
    pool->open = b;
  }
  sendq_extend(q, b, b->used);
  return true;
}

// In pieces, over more blocks than the last, or as much as fits into the longest queue.
static __attribute__((noinline)) int sendq_append_pieces(struct sendq *q, struct block_pool *pool,
                                                         const void *data, size_t n)
{
  const uint8_t *from = data;
  size_t left = size_min(n, SENDQ_MAX_BYTES - q->bytes);
  while (left) {
    uint32_t room = sendq_need_room(q, pool, 1);
    if (room == 0) break;
    uint32_t part = (uint32_t)size_min(room, left);
    const struct sendq_extent *e = sendq_at(q, q->count - 1);
    memcpy(e->block->bytes + (uint32_t)(e->end + e->bias), from, part);
    sendq_add(q, part);
    from += part;
    left -= part;
  }
  int taken = (int)(from - (const uint8_t *)data);
  return n && !taken ? ESTAB_ERR_NO_MEMORY : taken;
}

int sendq_append(struct sendq *q, struct block_pool *pool, const void *data, size_t n)
{
  q->reserved = 0;
  if (q->count == 0 &&
      n - 1 < SENDQ_SMALL_BYTES) { // a message alone: without a ring, and there is room
    if (!sendq_share(q, pool, n)) return ESTAB_ERR_NO_MEMORY;
    struct block *b = q->one.block;
    memcpy(b->bytes + b->used, data, n);
    b->used = (uint16_t)(b->used + n);
    q->one.end += (uint32_t)n;
    q->bytes = (uint32_t)n;
    return (int)n;
  }
  if (n && n <= SENDQ_MAX_BYTES - q->bytes && n <= sendq_room(q)) { // the usual: behind the last
    const struct sendq_extent *e = sendq_at(q, q->count - 1);
    memcpy(e->block->bytes + (uint32_t)(e->end + e->bias), data, n);
    sendq_add(q, (uint32_t)n);
    return (int)n;
  }
  return sendq_append_pieces(q, pool, data, n);
}

int sendq_reserve(struct sendq *q, struct block_pool *pool, uint8_t **room, size_t *room_bytes)
{
  if (q->bytes > SENDQ_MAX_BYTES - ESTAB_BLOCK_BYTES) return ESTAB_ERR_NO_MEMORY;
  uint32_t n = sendq_need_room(q, pool, SENDQ_LEAST_ROOM);
  if (n == 0) return ESTAB_ERR_NO_MEMORY;
  const struct sendq_extent *e = sendq_at(q, q->count - 1);
  if (e->block == pool->open) pool->open = NULL; // nobody else writes there meanwhile
  q->reserved = n;
  *room = e->block->bytes + (uint32_t)(e->end + e->bias);
  *room_bytes = n;
  return 0;
}

int sendq_commit(struct sendq *q, size_t n)
{
  if (q->reserved == 0 || n > q->reserved) return ESTAB_ERR_INVALID;
  q->reserved = 0;
  sendq_add(q, (uint32_t)n);
  return 0;
}

int sendq_append_ref(struct sendq *q, struct block_pool *pool, struct block *external, size_t n)
{
  if (n == 0) return ESTAB_ERR_INVALID;
  if (n > SENDQ_MAX_BYTES - q->bytes) return ESTAB_ERR_TOO_BIG;
  if (!sendq_grow(q, pool->mem)) return ESTAB_ERR_NO_MEMORY;
  q->reserved = 0;
  sendq_extend(q, external, 0);
  sendq_add(q, (uint32_t)n);
  return 0;
}

static uint32_t sendq_search(const struct sendq *q, uint32_t offset)
{
  uint32_t low = 0, high = q->count - 1;
  while (low < high) {
    uint32_t mid = (low + high) / 2;
    if (offset < sendq_at(q, mid)->end - q->head)
      high = mid;
    else
      low = mid + 1;
  }
  return low;
}

// The extent that holds the octet `offset` octets after the head (offset < q->bytes). Usually it is
// the one where the last answer ended, or the next.
static inline uint32_t sendq_find(const struct sendq *q, uint32_t offset)
{
  if (q->count == 1) return 0;
  uint32_t i = (q->sent - q->first) & q->mask;
  if (i >= q->count || (i > 0 && offset < sendq_at(q, i - 1)->end - q->head))
    return sendq_search(q, offset);
  if (offset < sendq_at(q, i)->end - q->head) return i;
  if (++i < q->count && offset < sendq_at(q, i)->end - q->head) return i;
  return sendq_search(q, offset);
}

size_t sendq_pieces(struct sendq *q, uint32_t offset, uint32_t n, struct estab_piece *pieces,
                    unsigned max, unsigned *count)
{
  *count = 0;
  if (offset >= q->bytes || n == 0) return 0;
  n = u32_min(n, q->bytes - offset);
  uint32_t position = q->head + offset, left = n;
  uint32_t i = sendq_find(q, offset);
  const struct sendq_extent *e = sendq_at(q, i);
  q->sent = q->first + i;
  if (n <= e->end - position) { // the usual: all of it in one extent
    *pieces = (struct estab_piece){e->block->bytes + (uint32_t)(position + e->bias), n, e->block};
    *count = 1;
    return n;
  }
  for (; left && *count < max; i++) {
    e = sendq_at(q, i);
    uint32_t part = u32_min(e->end - position, left);
    if (part == 0) continue; // nothing was committed to it
    pieces[(*count)++] =
        (struct estab_piece){e->block->bytes + (uint32_t)(position + e->bias), part, e->block};
    position += part;
    left -= part;
    q->sent = q->first + i;
  }
  return n - left;
}

// Gives the ring back and starts afresh; no extents are left.
static void sendq_reset(struct sendq *q, struct block_pool *pool)
{
  if (q->mask) mem_free(pool->mem, q->ring, sendq_ring_bytes(q), ESTAB_MEM_BLOCK);
  memset(q, 0, sizeof *q);
}

void sendq_drop_some(struct sendq *q, struct block_pool *pool, uint32_t n)
{
  n = u32_min(n, q->bytes);
  uint32_t in_first = q->count ? sendq_at(q, 0)->end - q->head : 0;
  q->head += n;
  q->bytes -= n;
  if (n && n < in_first) return;       // no extent was passed
  uint32_t keep = q->reserved ? 1 : 0; // the caller is writing into the last one
  while (q->count > keep) {
    struct sendq_extent *e = sendq_at(q, 0);
    if (e->end - q->head - 1 < q->bytes) break; // its last octet is still in the queue
    block_unref(pool, e->block);
    q->first = (q->first + 1) & q->mask;
    q->count--;
  }
  // Room that was asked for and never filled is not kept.
  if (q->count > 1 && !q->reserved &&
      sendq_at(q, q->count - 1)->end == sendq_at(q, q->count - 2)->end)
    block_unref(pool, sendq_at(q, --q->count)->block);
  if (q->count == 0) sendq_reset(q, pool);
}

void sendq_clear_slow(struct sendq *q, struct block_pool *pool)
{
  q->reserved = 0;
  sendq_drop(q, pool, q->bytes);
}

size_t sendq_memory_bytes(const struct sendq *q)
{
  size_t n = sendq_ring_bytes(q);
  const struct block *last = NULL;
  for (uint32_t i = 0; i < q->count; i++) {
    const struct block *b = sendq_at(q, i)->block;
    if (b->external)
      n += sizeof *b;
    else if (b != last)
      n += sizeof *b + ESTAB_BLOCK_BYTES;
    if (!b->external) last = b;
  }
  return n;
}
