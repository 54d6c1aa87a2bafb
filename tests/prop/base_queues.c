// SPDX-License-Identifier: BSD-2-Clause
// base_queues.c - send and receive buffers against plain byte arrays, with memory refused.
#include "support/prop.h"

#include "base/recvq.h"
#include "base/sendq.h"

enum { MOST = 300000, STEPS = 400, PIECES = 64 };

struct world {
  struct prop_mem door;
  struct mem mem;
  struct block_pool pool;
  uint8_t bytes[MOST]; // the model: what the queue holds, from its head
  bool there[MOST];    // recvq: which of them were written
  uint32_t count;
  uint8_t foreign[70000]; // the caller's memory
  uint64_t cookies;       // externals made and not yet released
};

static void begin(struct world *w, struct prop_rng *r)
{
  memset(w, 0, sizeof *w);
  mem_init(&w->mem, prop_mem_door(&w->door));
  block_pool_init(&w->pool, &w->mem);
  w->pool.spare_max = prop_below(r, 3);
  for (size_t i = 0; i < sizeof w->foreign; i++)
    w->foreign[i] = (uint8_t)prop_u64(r);
}

static uint32_t some_length(struct prop_rng *r)
{
  switch (prop_below(r, 4)) {
  case 0: return prop_below(r, 10);
  case 1: return 1460;
  case 2: return prop_below(r, 5000);
  default: return prop_below(r, 60000);
  }
}

static void fill(uint8_t *out, uint32_t n, struct prop_rng *r)
{
  for (uint32_t i = 0; i < n; i++)
    out[i] = (uint8_t)prop_u64(r);
}

static void announce_released(struct world *w)
{
  struct block *b;
  while ((b = block_pop_released(&w->pool))) {
    w->cookies -= b->cookie;
    block_free_external(&w->pool, b);
  }
}

static bool memory_is_back(struct world *w)
{
  announce_released(w);
  PROP_CHECK(w->cookies == 0);
  block_pool_trim(&w->pool);
  PROP_CHECK(w->door.live_pieces == 0 && w->mem.in_use_bytes == 0);
  return true;
}

// Pieces of a stretch, put together, are the model's bytes; fewer only when pieces run out.
static bool pieces_hold(const struct world *w, struct sendq *q, struct prop_rng *r)
{
  struct estab_piece pieces[PIECES];
  uint32_t offset = prop_below(r, w->count + 2), n = some_length(r);
  if (prop_one_in(r, 3)) offset = w->count - prop_below(r, w->count < 3000 ? w->count + 1 : 3000);
  unsigned max = 1 + prop_below(r, PIECES), count = 99;
  size_t covered = sendq_pieces(q, offset, n, pieces, max, &count);
  uint32_t there = offset < w->count ? w->count - offset : 0;
  PROP_CHECK(count <= max && covered <= n && covered <= there);
  PROP_CHECK(count == max || covered == (n < there ? n : there));
  size_t at = offset;
  for (unsigned i = 0; i < count; i++) {
    const struct block *b = pieces[i].ref;
    PROP_CHECK(pieces[i].length > 0 && b->refs > 0);
    PROP_CHECK(memcmp(pieces[i].bytes, w->bytes + at, pieces[i].length) == 0);
    if (b->external) PROP_CHECK(pieces[i].bytes >= w->foreign);
    at += pieces[i].length;
  }
  PROP_CHECK(at == offset + covered);
  return true;
}

static bool append(struct world *w, struct sendq *q, struct prop_rng *r)
{
  static uint8_t data[60000];
  uint32_t n = some_length(r);
  if (n > MOST - w->count) return true;
  fill(data, n, r);
  uint64_t refused = w->mem.refused;
  int taken = sendq_append(q, &w->pool, data, n);
  if (taken < 0) {
    PROP_CHECK(taken == ESTAB_ERR_NO_MEMORY && n > 0 && w->mem.refused > refused);
    return true;
  }
  PROP_CHECK(taken == (int)n || (taken > 0 && taken < (int)n && w->mem.refused > refused));
  memcpy(w->bytes + w->count, data, (size_t)taken);
  w->count += (uint32_t)taken;
  return true;
}

static bool append_ref(struct world *w, struct sendq *q, struct prop_rng *r)
{
  uint32_t from = prop_below(r, 10000), n = some_length(r);
  if (n > MOST - w->count) return true;
  uint64_t cookie = 1 + prop_below(r, 1000);
  struct block *b = block_new_external(&w->pool, w->foreign + from, 7, cookie);
  if (!b) return true;
  w->cookies += cookie;
  int got = sendq_append_ref(q, &w->pool, b, n);
  if (got) {
    PROP_CHECK(got == ESTAB_ERR_NO_MEMORY || (got == ESTAB_ERR_INVALID && n == 0));
    block_free_external(&w->pool, b);
    w->cookies -= cookie;
    return true;
  }
  memcpy(w->bytes + w->count, w->foreign + from, n);
  w->count += n;
  return true;
}

static bool drop(struct world *w, struct sendq *q, uint32_t n)
{
  sendq_drop(q, &w->pool, n);
  n = n < w->count ? n : w->count;
  memmove(w->bytes, w->bytes + n, w->count - n);
  w->count -= n;
  return true;
}

// Room is taken, the queue goes on living at its head, then part of the room is filled.
static bool reserve(struct world *w, struct sendq *q, struct prop_rng *r)
{
  uint8_t *room;
  size_t bytes = 0;
  if (MOST - w->count < ESTAB_BLOCK_BYTES) return true;
  int got = sendq_reserve(q, &w->pool, &room, &bytes);
  if (got) {
    PROP_CHECK(got == ESTAB_ERR_NO_MEMORY);
    PROP_CHECK(sendq_commit(q, 0) == ESTAB_ERR_INVALID);
    return true;
  }
  PROP_CHECK(bytes >= ESTAB_BLOCK_BYTES / 8);
  memset(room, 0x11, bytes);
  if (prop_one_in(r, 2) && !drop(w, q, prop_below(r, w->count + 1) + prop_below(r, 2)))
    return false;
  uint32_t n = prop_one_in(r, 3) ? 0 : prop_below(r, (uint32_t)bytes + 1);
  fill(room, n, r);
  PROP_CHECK(sendq_commit(q, bytes + 1) == ESTAB_ERR_INVALID);
  PROP_CHECK(sendq_commit(q, n) == 0);
  PROP_CHECK(sendq_commit(q, 0) == ESTAB_ERR_INVALID);
  memcpy(w->bytes + w->count, room, n);
  w->count += n;
  if (n == 0 && (w->count == 0 || prop_one_in(r, 2))) {
    sendq_drop(q, &w->pool, 0);
    struct estab_piece piece;
    unsigned count;
    if (w->count) PROP_CHECK(sendq_pieces(q, w->count - 1, 1, &piece, 1, &count) == 1);
  }
  return true;
}

static bool sendq_is_an_array(struct prop_rng *r)
{
  static struct world w;
  begin(&w, r);
  struct sendq q = {0};
  struct block *held[8] = {NULL}; // as a device holds what is acknowledged meanwhile
  uint8_t held_bytes[8];
  const uint8_t *held_at[8] = {NULL};
  for (unsigned step = 0; step < STEPS; step++) {
    w.door.fail_after = prop_one_in(r, 5) ? prop_below(r, 2) : UINT64_MAX;
    bool ok = true;
    switch (prop_below(r, 8)) {
    case 0:
    case 1: ok = append(&w, &q, r); break;
    case 2: ok = append_ref(&w, &q, r); break;
    case 3: ok = reserve(&w, &q, r); break;
    case 4: ok = drop(&w, &q, prop_one_in(r, 4) ? w.count : some_length(r)); break;
    case 5: {
      struct estab_piece piece;
      unsigned k = prop_below(r, 8), count;
      if (held[k]) {
        PROP_CHECK(*held_at[k] == held_bytes[k]);
        block_unref(&w.pool, held[k]);
        held[k] = NULL;
      } else if (w.count && sendq_pieces(&q, prop_below(r, w.count), 1, &piece, 1, &count) == 1) {
        held[k] = block_ref(piece.ref);
        held_at[k] = piece.bytes;
        held_bytes[k] = *piece.bytes;
      }
      break;
    }
    case 6:
      if (prop_one_in(r, 30)) {
        sendq_clear(&q, &w.pool);
        w.count = 0;
      }
      break;
    default: announce_released(&w);
    }
    PROP_CHECK(ok && q.bytes == w.count);
    PROP_CHECK(w.count || (q.count == 0 && !q.ring && sendq_memory_bytes(&q) == 0));
    if (!pieces_hold(&w, &q, r) || !pieces_hold(&w, &q, r)) return false;
  }
  sendq_clear(&q, &w.pool);
  for (unsigned k = 0; k < 8; k++)
    if (held[k]) block_unref(&w.pool, held[k]);
  return memory_is_back(&w);
}

// ---------------------------------------------------------------------------------------------

static bool write(struct world *w, struct recvq *q, struct prop_rng *r)
{
  static uint8_t data[60000];
  uint32_t offset = prop_one_in(r, 3) ? prop_below(r, MOST) : prop_below(r, 20000);
  uint32_t n = some_length(r);
  if (n > MOST - offset) n = MOST - offset;
  fill(data, n, r);
  uint64_t refused = w->mem.refused;
  int written = recvq_write(q, &w->pool, offset, data, n);
  PROP_CHECK(written == (int)n || (written >= 0 && written < (int)n && w->mem.refused > refused));
  memcpy(w->bytes + offset, data, (size_t)written);
  memset(w->there + offset, true, (size_t)written);
  return true;
}

// Everything that was written and is asked for comes back, to the first octet that was not.
static bool reads_hold(const struct world *w, const struct recvq *q, struct prop_rng *r)
{
  static uint8_t out[60000];
  uint32_t offset = prop_below(r, MOST), n = some_length(r), good = 0;
  if (n > MOST - offset) n = MOST - offset;
  while (good < n && w->there[offset + good])
    good++;
  memset(out, 0, n);
  size_t got = recvq_read(q, offset, out, n);
  PROP_CHECK(got >= good && got <= n);
  PROP_CHECK(memcmp(out, w->bytes + offset, good) == 0);

  struct estab_piece pieces[PIECES];
  unsigned max = 1 + prop_below(r, 4), count = 99;
  size_t covered = recvq_pieces(q, offset, good, pieces, max, &count), at = offset;
  PROP_CHECK(count <= max && (count == max || covered == good) && covered <= good);
  for (unsigned i = 0; i < count; i++) {
    PROP_CHECK(memcmp(pieces[i].bytes, w->bytes + at, pieces[i].length) == 0);
    at += pieces[i].length;
  }
  PROP_CHECK(at == offset + covered);
  return true;
}

static bool recvq_is_an_array(struct prop_rng *r)
{
  static struct world w;
  begin(&w, r);
  struct recvq q = {0};
  for (unsigned step = 0; step < STEPS; step++) {
    w.door.fail_after = prop_one_in(r, 5) ? prop_below(r, 2) : UINT64_MAX;
    unsigned kind = prop_below(r, 40);
    if (kind < 20) {
      if (!write(&w, &q, r)) return false;
    } else if (kind < 36) {
      uint32_t n = some_length(r);
      recvq_drop(&q, &w.pool, n);
      memmove(w.bytes, w.bytes + n, MOST - n);
      memmove(w.there, w.there + n, MOST - n);
      memset(w.there + MOST - n, 0, n);
    } else if (kind < 39) {
      // Shedding may keep what shares a block with what stays.
      uint32_t from = prop_below(r, MOST), blocks = q.blocks;
      recvq_cut(&q, &w.pool, from);
      memset(w.there + from, 0, MOST - from);
      PROP_CHECK(q.blocks <= blocks && q.blocks <= from / ESTAB_BLOCK_BYTES + 2);
    } else {
      recvq_clear(&q, &w.pool);
      memset(w.there, 0, sizeof w.there);
      PROP_CHECK(recvq_memory_bytes(&q) == 0);
    }
    PROP_CHECK(q.blocks || (!q.ring && q.head == 0));
    PROP_CHECK(recvq_memory_bytes(&q) +
                   w.pool.spare_count * (sizeof(struct block) + ESTAB_BLOCK_BYTES) ==
               w.door.live_bytes);
    if (!reads_hold(&w, &q, r)) return false;
  }
  recvq_clear(&q, &w.pool);
  return memory_is_back(&w);
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"sendq_is_an_array", sendq_is_an_array, 40},
      {"recvq_is_an_array", recvq_is_an_array, 40},
  };
  return prop_main(argc, argv, props, sizeof props / sizeof props[0]);
}
