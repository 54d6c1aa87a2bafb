// SPDX-License-Identifier: BSD-2-Clause
// stream_wait.c - the octets of a stream that wait above a hole.
//
// A place is found by halving and made by moving pointers: a segment costs a few microseconds at most, whatever the
// order in which an attacker sends them.
#include "watch/stream_wait.h"

#include <string.h>

#include "proto/seq.h"

void stream_block_free(struct stream_block *b, struct mem *mem)
{
  mem_free(mem, b, sizeof *b + b->room, ESTAB_MEM_WATCH);
}

void stream_wait_free(struct stream_wait *w, struct mem *mem)
{
  while (w->count)
    stream_block_free(stream_wait_take(w), mem);
  if (w->at) mem_free(mem, w->at, w->cap * sizeof *w->at, ESTAB_MEM_WATCH);
  *w = (struct stream_wait){0};
}

struct stream_block *stream_wait_take(struct stream_wait *w)
{
  struct stream_block *b = w->at[w->head];
  w->head++;
  w->count--;
  w->held -= b->end - b->seq;
  if (!w->count) w->head = 0;
  return b;
}

static struct stream_block *stream_wait_at(const struct stream_wait *w, uint32_t i)
{
  return i < w->count ? w->at[w->head + i] : NULL;
}

// Index of the first block that ends after seq.
static uint32_t stream_wait_from(const struct stream_wait *w, uint32_t seq)
{
  uint32_t low = 0, high = w->count;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (seq_gt(w->at[w->head + middle]->end, seq))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

static struct stream_block *stream_wait_new(struct stream_wait *w, const struct stream_rule *rule,
                                            uint32_t seq, uint32_t end, const uint8_t *text)
{
  uint32_t count = end - seq;
  if (w->held + count > rule->max_bytes || w->count >= 2 * STREAM_WAIT_BLOCKS) return NULL;
  struct stream_block *b = mem_new_raw(rule->mem, sizeof *b + count, ESTAB_MEM_WATCH);
  if (!b) return NULL;
  b->seq = seq;
  b->end = end;
  b->room = count;
  memcpy(b->bytes, text, count);
  return b;
}

static bool stream_wait_room(struct stream_wait *w, struct mem *mem)
{
  if (w->head + w->count < w->cap) return true;
  if (w->head > w->cap / 2) {
    memmove(w->at, w->at + w->head, w->count * sizeof *w->at);
    w->head = 0;
    return true;
  }
  uint32_t cap = w->cap ? 2 * w->cap : 8;
  void *at = mem_resize(mem, w->at, w->cap * sizeof *w->at, cap * sizeof *w->at, ESTAB_MEM_WATCH);
  if (!at) return false;
  w->at = at;
  w->cap = cap;
  return true;
}

static bool stream_wait_put(struct stream_wait *w, const struct stream_rule *rule, uint32_t i,
                            struct stream_block *b)
{
  if (!stream_wait_room(w, rule->mem)) {
    stream_block_free(b, rule->mem);
    return false;
  }
  struct stream_block **place = w->at + w->head + i;
  memmove(place + 1, place, (w->count - i) * sizeof *place);
  *place = b;
  w->count++;
  w->held += b->end - b->seq;
  return true;
}

static void stream_wait_remove(struct stream_wait *w, struct mem *mem, uint32_t i)
{
  struct stream_block **place = w->at + w->head + i, *b = *place;
  w->held -= b->end - b->seq;
  w->count--;
  if (i == 0)
    w->head++;
  else
    memmove(place, place + 1, (w->count - i) * sizeof *place);
  stream_block_free(b, mem);
}

// Block i loses what [seq, end) covers, but keeps its beginning and, as a block of its own, its tail.
static void stream_wait_split(struct stream_wait *w, const struct stream_rule *rule, uint32_t i,
                              uint32_t seq, uint32_t end)
{
  struct stream_block *old = stream_wait_at(w, i), *tail = NULL;
  if (seq_lt(end, old->end))
    tail = stream_wait_new(w, rule, end, old->end, old->bytes + (end - old->seq));
  w->held -= old->end - seq;
  old->end = seq;
  if (!tail) return;
  tail->first_seq = old->first_seq;
  tail->first_end = old->first_end;
  (void)stream_wait_put(w, rule, i + 1, tail);
}

// Blocks from i on go as far as `end`, or lose their beginning.
static void stream_wait_clear(struct stream_wait *w, struct mem *mem, uint32_t i, uint32_t end)
{
  struct stream_block *old;
  while ((old = stream_wait_at(w, i)) != NULL && seq_lt(old->seq, end)) {
    if (!seq_gt(old->end, end)) {
      stream_wait_remove(w, mem, i);
      continue;
    }
    uint32_t cut = end - old->seq;
    memmove(old->bytes, old->bytes + cut, old->end - end);
    old->seq = end;
    w->held -= cut;
  }
}

// No longer than this: what cuts its beginning moves the rest.
#define STREAM_WAIT_JOINED 16384u

// Linux makes one segment of two where the one that begins last before the other ends at its begin
// (tcp_ooo_try_coalesce()). What holds of the first holds of both then: behind it, it wins over all. Answers whether it
// was so. Which of several the kernel meets first depends on the shape of its tree, which is not followed here.
static bool stream_wait_join(struct stream_wait *w, const struct stream_rule *rule, uint32_t i,
                             uint32_t end, const uint8_t *text)
{
  struct stream_block *before = stream_wait_at(w, i), *behind = stream_wait_at(w, i + 1);
  const uint32_t seq = before->end, count = end - seq, bytes = seq - before->seq;
  if (before->first_end != seq || (behind && seq_le(behind->first_seq, seq)) ||
      w->held + count > rule->max_bytes || bytes + count > STREAM_WAIT_JOINED)
    return false;
  if (bytes + count > before->room) {
    const uint32_t room = 2 * (bytes + count);
    struct stream_block *b =
        mem_resize(rule->mem, before, sizeof *b + before->room, sizeof *b + room, ESTAB_MEM_WATCH);
    if (!b) return false;
    b->room = room;
    w->at[w->head + i] = before = b;
  }
  memcpy(before->bytes + bytes, text, count);
  before->end = before->first_end = end;
  w->held += count;
  stream_wait_clear(w, rule->mem, i + 1, end);
  return true;
}

void stream_wait_insert(struct stream_wait *w, const struct stream_rule *rule, uint32_t seq,
                        uint32_t end, const uint8_t *text, uint32_t first_seq, uint32_t first_end)
{
  uint32_t i = stream_wait_from(w, seq);
  if (rule->policy == ESTAB_WATCH_LINUX && i > 0 && stream_wait_at(w, i - 1)->end == seq &&
      stream_wait_join(w, rule, i - 1, end, text))
    return;
  while (seq_lt(seq, end)) {
    struct stream_block *old = stream_wait_at(w, i);
    bool meets = old && seq_lt(old->seq, end);
    bool wins = meets &&
                policy_new_wins(rule->policy, old->first_seq, old->first_end, first_seq, first_end);
    if (wins && seq_lt(old->seq, seq)) {
      stream_wait_split(w, rule, i++, seq, end);
      continue;
    }
    uint32_t upto = !meets || wins ? end : old->seq;
    if (seq_lt(seq, upto)) {
      struct stream_block *b = stream_wait_new(w, rule, seq, upto, text);
      if (!b) return;
      b->first_seq = first_seq;
      b->first_end = first_end;
      if (!stream_wait_put(w, rule, i, b)) return;
      i++;
    }
    if (wins) stream_wait_clear(w, rule->mem, i, end);
    if (!meets || wins) return;
    uint32_t passed = seq_min(old->end, end) - seq;
    text += passed;
    seq += passed;
    while ((old = stream_wait_at(w, i)) != NULL && !seq_gt(old->end, seq))
      i++;
  }
}
