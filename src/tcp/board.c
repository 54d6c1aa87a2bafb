// SPDX-License-Identifier: BSD-2-Clause
// board.c - the scoreboard of a sender.
#include <string.h>

#include "base/bytes.h"
#include "tcp/board.h"

void board_begin(struct board *b, uint32_t start)
{
  b->start = b->lost_hint = start;
  b->sacked_bytes = b->lost_bytes = b->sacked_segments = 0;
  b->tail_born_ns = 0;
  b->count = 0;
}

void board_init(struct board *b, uint32_t start)
{
  board_begin(b, start);
  b->spare = NULL;
}

static void chunk_free(struct mem *mem, struct board_chunk *c)
{
  mem_free(mem, c, sizeof *c, ESTAB_MEM_WORK);
}

void board_clear(struct board *b, struct mem *mem)
{
  for (unsigned i = 0; i < b->count; i++) {
    if (b->spare)
      chunk_free(mem, b->chunks[i]);
    else
      b->spare = b->chunks[i];
  }
  b->count = 0;
}

void board_free(struct board *b, struct mem *mem)
{
  board_clear(b, mem);
  chunk_free(mem, b->spare);
  board_init(b, b->start);
}

uint32_t board_start_of(const struct board *b, struct board_at at)
{
  if (at.record > 0) return board_record(b, at)[-1].end;
  if (at.chunk == 0) return b->start;
  const struct board_chunk *c = b->chunks[at.chunk - 1];
  return c->at[c->first + c->count - 1].end;
}

struct board_at board_find(const struct board *b, uint32_t seq)
{
  unsigned low = 0, high = b->count;
  while (low < high) { // the first chunk that ends behind seq
    unsigned mid = (low + high) / 2;
    const struct board_chunk *c = b->chunks[mid];
    if (seq_lt(seq, c->at[c->first + c->count - 1].end))
      high = mid;
    else
      low = mid + 1;
  }
  struct board_at at = {low, 0};
  if (low == b->count) return at;
  const struct board_chunk *c = b->chunks[low];
  unsigned first = 0, last = c->count - 1u;
  while (first < last) {
    unsigned mid = (first + last) / 2;
    if (seq_lt(seq, c->at[c->first + mid].end))
      last = mid;
    else
      first = mid + 1;
  }
  at.record = first;
  return at;
}

// ---- Places

// An empty chunk at place i of the list.
static struct board_chunk *chunk_new(struct board *b, struct mem *mem, unsigned i, unsigned most)
{
  if (b->count >= most) return NULL;
  struct board_chunk *c = b->spare ? b->spare : mem_new_raw(mem, sizeof *c, ESTAB_MEM_WORK);
  if (!c) return NULL;
  b->spare = NULL;
  c->first = c->count = 0;
  c->oldest_ns = ESTAB_NEVER;
  memmove(b->chunks + i + 1, b->chunks + i, (b->count - i) * sizeof b->chunks[0]);
  b->chunks[i] = c;
  b->count++;
  return c;
}

static void chunk_remove(struct board *b, struct mem *mem, unsigned i)
{
  struct board_chunk *c = b->chunks[i];
  b->count--;
  memmove(b->chunks + i, b->chunks + i + 1, (b->count - i) * sizeof b->chunks[0]);
  if (b->spare)
    chunk_free(mem, c);
  else
    b->spare = c;
}

// Chunk i takes in what is in the one behind it.
static void chunk_join_next(struct board *b, struct mem *mem, unsigned i)
{
  struct board_chunk *c = b->chunks[i], *next = b->chunks[i + 1];
  memmove(c->at, c->at + c->first, c->count * sizeof c->at[0]);
  memcpy(c->at + c->count, next->at + next->first, next->count * sizeof c->at[0]);
  c->first = 0;
  c->count = (uint16_t)(c->count + next->count);
  c->oldest_ns = u64_min(c->oldest_ns, next->oldest_ns);
  chunk_remove(b, mem, i + 1);
}

// The record behind the one at `at` goes; both are in one chunk. Neighbours that fit well into one chunk become one, so
// that a peer cannot wear the chunks thin: two of them always hold more than BOARD_CHUNK_JOIN. Answers where the one
// at `at` is now.
static struct board_at remove_next(struct board *b, struct mem *mem, struct board_at at)
{
  const unsigned i = at.chunk;
  struct board_chunk *c = b->chunks[i];
  struct board_record *r = board_record(b, at) + 1;
  memmove(r, r + 1, (c->count - at.record - 2u) * sizeof *r);
  c->count--;
  if (i + 1 < b->count && c->count + b->chunks[i + 1]->count <= BOARD_CHUNK_JOIN) {
    chunk_join_next(b, mem, i);
  } else if (i > 0 && c->count + b->chunks[i - 1]->count <= BOARD_CHUNK_JOIN) {
    at = (struct board_at){i - 1, at.record + b->chunks[i - 1]->count};
    chunk_join_next(b, mem, i - 1);
  }
  return at;
}

bool board_append(struct board *b, struct mem *mem, uint32_t end, uint64_t now_ns, uint8_t bits,
                  const struct board_mark *mark)
{
  struct board_chunk *c = b->count ? b->chunks[b->count - 1] : NULL;
  if (c && c->first + c->count == BOARD_CHUNK_RECORDS) c = NULL;
  if (!c) c = chunk_new(b, mem, b->count, BOARD_CHUNKS);
  if (!c) {
    struct board_record *last = board_last(b);
    if (!last || (last->bits & BOARD_FATE)) return false;
    last->end = end;
    last->sent_ns = now_ns;
    return true;
  }
  c->at[c->first + c->count++] = (struct board_record){
      .born_ns = now_ns, .sent_ns = now_ns, .mark = *mark, .end = end, .bits = bits};
  c->oldest_ns = u64_min(c->oldest_ns, now_ns);
  b->tail_born_ns = now_ns;
  return true;
}

bool board_split(struct board *b, struct mem *mem, struct board_at at, uint32_t seq, bool of_peer)
{
  struct board_chunk *c = b->chunks[at.chunk];
  if (c->count == BOARD_CHUNK_RECORDS) {
    // Its upper half moves into a chunk of its own; where cuts go upwards, only what lies behind them, so that chunks
    // stay full.
    const unsigned keep = at.record > BOARD_CHUNK_RECORDS / 2 ? at.record : BOARD_CHUNK_RECORDS / 2;
    struct board_chunk *upper =
        chunk_new(b, mem, at.chunk + 1, of_peer ? BOARD_CHUNKS_FOR_SACK : BOARD_CHUNKS);
    if (!upper) return false;
    upper->oldest_ns = c->oldest_ns;
    upper->count = (uint16_t)(BOARD_CHUNK_RECORDS - keep);
    memcpy(upper->at, c->at + c->first + keep, upper->count * sizeof c->at[0]);
    c->count = (uint16_t)keep;
    if (at.record >= keep) {
      at = (struct board_at){at.chunk + 1, at.record - keep};
      c = upper;
    }
  } else if (of_peer && b->count > BOARD_CHUNKS_FOR_SACK) {
    return false;
  }
  if (c->first) {
    memmove(c->at, c->at + c->first, c->count * sizeof c->at[0]);
    c->first = 0;
  }
  struct board_record *r = &c->at[at.record];
  memmove(r + 1, r, (c->count - at.record) * sizeof *r);
  r->end = seq;
  c->count++;
  return true;
}

// ---- Fates

static void uncount(struct board *b, const struct board_record *r, uint32_t bytes)
{
  if (r->bits & BOARD_SACKED) {
    b->sacked_bytes -= bytes;
    b->sacked_segments -= r->segments;
  } else if (r->bits & BOARD_LOST) {
    b->lost_bytes -= bytes;
  }
}

void board_drop_below(struct board *b, struct mem *mem, uint32_t seq)
{
  while (b->count) {
    struct board_chunk *c = b->chunks[0];
    struct board_record *r = &c->at[c->first];
    if (seq_gt(r->end, seq)) {
      if (r->bits & BOARD_SACKED)
        b->sacked_bytes -= seq - b->start;
      else if (r->bits & BOARD_LOST)
        b->lost_bytes -= seq - b->start;
      break;
    }
    uncount(b, r, r->end - b->start);
    b->start = r->end;
    c->first++;
    if (--c->count == 0) chunk_remove(b, mem, 0);
  }
  b->start = seq;
  b->lost_hint = seq_max(b->lost_hint, seq);
}

void board_set_sacked(struct board *b, struct board_record *r, uint32_t bytes, uint32_t segments)
{
  uncount(b, r, bytes);
  r->bits = (uint8_t)((r->bits | BOARD_SACKED) & ~BOARD_LOST);
  r->segments = (uint16_t)u32_min(segments, UINT16_MAX);
  b->sacked_bytes += bytes;
  b->sacked_segments += r->segments;
}

void board_set_lost(struct board *b, struct board_record *r, uint32_t start)
{
  if (r->bits & (BOARD_LOST | BOARD_SACKED)) return;
  r->bits |= BOARD_LOST;
  b->lost_bytes += r->end - start;
  b->lost_hint = seq_min(b->lost_hint, start);
}

void board_set_sent_again(struct board *b, struct mem *mem, struct board_at at, uint64_t now_ns,
                          uint64_t grain_ns, const struct board_mark *mark)
{
  struct board_record *r = board_record(b, at);
  uint32_t start = board_start_of(b, at);
  uncount(b, r, r->end - start);
  r->bits = (uint8_t)((r->bits & ~BOARD_LOST) | BOARD_RETRANSMITTED);
  r->born_ns = r->sent_ns = now_ns;
  r->mark = *mark;
  b->chunks[at.chunk]->oldest_ns = u64_min(b->chunks[at.chunk]->oldest_ns, now_ns);
  if (b->lost_hint == start) b->lost_hint = r->end;
  if (at.record == 0) return;
  if ((r[-1].bits & BOARD_FATE) != BOARD_RETRANSMITTED || now_ns - r[-1].born_ns > grain_ns) return;
  r[-1].end = r->end;
  r[-1].sent_ns = now_ns;
  at.record--;
  (void)remove_next(b, mem, at);
}

struct board_at board_join_sacked(struct board *b, struct mem *mem, struct board_at at)
{
  for (unsigned side = 0; side < 2; side++) { // the one behind, then the one before
    struct board_chunk *c = b->chunks[at.chunk];
    if (side == 0 ? at.record + 1 >= c->count : at.record == 0) continue;
    struct board_record *r = board_record(b, at) - side;
    if (!(r[0].bits & r[1].bits & BOARD_SACKED)) continue;
    uint32_t segments = (uint32_t)r[0].segments + r[1].segments;
    b->sacked_segments -= segments;
    r[1].segments = (uint16_t)u32_min(segments, UINT16_MAX);
    b->sacked_segments += r[1].segments;
    r[1].sent_ns = u64_max(r[0].sent_ns, r[1].sent_ns);
    r[0].end = r[1].end;
    r[0].segments = r[1].segments;
    r[0].sent_ns = r[1].sent_ns;
    r[0].bits |= r[1].bits;
    at.record -= side;
    at = remove_next(b, mem, at);
  }
  return at;
}

struct board_at board_first_lost(struct board *b)
{
  if (b->lost_bytes == 0) return (struct board_at){b->count, 0};
  struct board_at at = board_find(b, b->lost_hint);
  while (!board_is_end(b, at) && !(board_record(b, at)->bits & BOARD_LOST))
    at = board_next(b, at);
  if (!board_is_end(b, at)) b->lost_hint = board_start_of(b, at);
  return at;
}

static void forget_oldest(struct board *b)
{
  for (unsigned i = 0; i < b->count; i++)
    b->chunks[i]->oldest_ns = 0;
}

void board_forget_sacks(struct board *b)
{
  forget_oldest(b);
  for (struct board_at at = board_first(); !board_is_end(b, at); at = board_next(b, at))
    board_record(b, at)->bits &= (uint8_t)~BOARD_SACKED;
  b->sacked_bytes = b->sacked_segments = 0;
}

void board_forget_losses(struct board *b)
{
  forget_oldest(b);
  for (struct board_at at = board_first(); !board_is_end(b, at); at = board_next(b, at))
    board_record(b, at)->bits &= (uint8_t)~BOARD_LOST;
  b->lost_bytes = 0;
}
