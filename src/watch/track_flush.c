// SPDX-License-Identifier: BSD-2-Clause
// track_flush.c - the end of the capture: lives that are still open end in the order of their first packets.
//
// Their records lie mostly in that order, since a slab hands out one place after the other, but for places that were
// used before. As they lie they are put down, where the table was, as numbers of 64 bits: the first packet above, the
// record below. There they are sorted, without another octet of memory, and each life ends when its row is asked for:
// so a record comes into the caches once.
#include "watch/track_internal.h"

#include "base/bytes.h"

#define ORDER_DIGIT  8 // bits of a digit
#define ORDER_DIGITS (1u << ORDER_DIGIT)
#define ORDER_LOW    32 // the lowest bit of what is sorted by
#define ORDER_SHORT  24 // as few are put in order by insertion,
#define ORDER_MOVES  8  // and others that need no more than so many moves each

// So far ahead records are asked for before they end; half as far, what they keep aside.
#define LEFT_AHEAD 4

static uint64_t track_first_packet(const struct track *t, uint32_t ref)
{
  const struct flow_head *f = track_at(t, ref);
  return ref & FLOW_REF_FULL ? ((const struct flow *)f)->life_packet
                             : ((const struct flow_one *)f)->first.packet;
}

// ---------------------------------------------------------------------------------------------
// In order

// false: they are not in order yet, after `most` moves.
static bool order_insert(uint64_t *all, uint32_t count, uint64_t most)
{
  for (uint32_t i = 1; i < count; i++) {
    const uint64_t it = all[i];
    uint32_t at = i;
    for (; at > 0 && all[at - 1] > it; at--)
      all[at] = all[at - 1];
    all[at] = it;
    if (i - at > most) return false;
    most -= i - at;
  }
  return true;
}

static unsigned order_digit(uint64_t it, unsigned shift)
{
  return (unsigned)(it >> shift) & (ORDER_DIGITS - 1);
}

// Where each digit's begin and end, in place of how many there are of each.
static void order_places(uint32_t begin[ORDER_DIGITS], uint32_t end[ORDER_DIGITS])
{
  uint32_t sum = 0;
  for (unsigned d = 0; d < ORDER_DIGITS; d++) {
    begin[d] = sum;
    sum += end[d];
    end[d] = sum;
  }
}

// By the digit from bit `shift` on and those below it, at most four of them: each to its digit's place, in exchange for
// what lies there.
static void order_sort(uint64_t *all, uint32_t count, unsigned shift)
{
  if (count <= ORDER_SHORT) {
    (void)order_insert(all, count, UINT64_MAX);
    return;
  }
  uint32_t next[ORDER_DIGITS], end[ORDER_DIGITS] = {0};
  for (uint32_t i = 0; i < count; i++)
    end[order_digit(all[i], shift)]++;
  order_places(next, end);
  for (unsigned d = 0; d < ORDER_DIGITS; d++)
    while (next[d] < end[d]) {
      uint64_t it = all[next[d]];
      for (unsigned of; (of = order_digit(it, shift)) != d;) {
        const uint64_t other = all[next[of]];
        all[next[of]++] = it;
        it = other;
      }
      all[next[d]++] = it;
    }
  if (shift == ORDER_LOW) return;
  const unsigned below = shift < ORDER_LOW + ORDER_DIGIT ? ORDER_LOW : shift - ORDER_DIGIT;
  for (unsigned d = 0; d < ORDER_DIGITS; d++) {
    const uint32_t begin = d > 0 ? end[d - 1] : 0;
    order_sort(all + begin, end[d] - begin, below);
  }
}

// The highest digit in which numbers between these two can differ.
static unsigned order_first_digit(uint32_t first, uint32_t last)
{
  const unsigned bits = 32u - (unsigned)__builtin_clz((first ^ last) | 1);
  return ORDER_LOW + (bits > ORDER_DIGIT ? bits - ORDER_DIGIT : 0);
}

// Steps of more than one packet: those of one step are still to be put in order.
static void order_within_steps(const struct track *t, uint64_t *all, uint32_t count)
{
  for (uint32_t i = 1; i < count; i++) {
    const uint64_t it = all[i], first = track_first_packet(t, (uint32_t)it);
    uint32_t at = i;
    for (; at > 0 && all[at - 1] >> ORDER_LOW == it >> ORDER_LOW &&
           track_first_packet(t, (uint32_t)all[at - 1]) > first;
         at--)
      all[at] = all[at - 1];
    all[at] = it;
  }
}

// What is left of one size, as it lies. `bounds` then has the lowest and the highest of the first packets, too.
static uint32_t order_gather(const struct track *t, uint32_t size, uint64_t *all,
                             uint64_t bounds[2])
{
  const struct slab *const slab = size ? &t->fulls : &t->ones;
  uint32_t count = 0;
  for (uint32_t i = slab_next(slab, 0); i != SLAB_NONE; i = slab_next(slab, i + 1)) {
    const uint32_t ref = i | size;
    if (track_at(t, ref)->bits & FLOW_GONE) continue; // waits to be told already
    const uint64_t first = track_first_packet(t, ref);
    bounds[0] = u64_min(bounds[0], first);
    bounds[1] = u64_max(bounds[1], first);
    all[count++] = first << ORDER_LOW | ref;
  }
  return count;
}

// Those of one size, in order. Where 32 bits of a number are not enough, packets count from the first one on, in steps
// of 2^shift.
static void order_run(const struct track *t, uint64_t *all, uint32_t count,
                      const uint64_t bounds[2])
{
  if (bounds[0] >> 32 == bounds[1] >> 32) {
    if (!order_insert(all, count, (uint64_t)count * ORDER_MOVES))
      order_sort(all, count, order_first_digit((uint32_t)bounds[0], (uint32_t)bounds[1]));
    return;
  }
  const uint64_t span = bounds[1] - bounds[0];
  const unsigned bits = 64u - (unsigned)__builtin_clzll(span), shift = bits > 32 ? bits - 32 : 0;
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t ref = (uint32_t)all[i];
    all[i] = (track_first_packet(t, ref) - bounds[0]) >> shift << ORDER_LOW | ref;
  }
  order_sort(all, count, order_first_digit(0, (uint32_t)(span >> shift)));
  if (shift > 0) order_within_steps(t, all, count);
}

// ---------------------------------------------------------------------------------------------
// What is left

static uint32_t left_ref(const struct track *t, uint32_t at)
{
  return (uint32_t)t->left.order[at];
}

// Whether the next one that ends is a full one.
static bool left_is_full(const struct track *t)
{
  const uint32_t one = t->left.at[0], full = t->left.at[1];
  if (one == t->left.end[0] || full == t->left.end[1]) return full < t->left.end[1];
  const uint64_t a = t->left.order[one] >> ORDER_LOW, b = t->left.order[full] >> ORDER_LOW;
  if (a != b) return b < a;
  return track_first_packet(t, left_ref(t, full)) < track_first_packet(t, left_ref(t, one));
}

static void left_end_next(struct track *t)
{
  const bool full = left_is_full(t);
  const uint32_t at = t->left.at[full]++, end = t->left.end[full];
  if (at + LEFT_AHEAD < end) track_expect_record(t, left_ref(t, at + LEFT_AHEAD));
  if (at + LEFT_AHEAD / 2 < end)
    track_expect_aside(t, track_at(t, left_ref(t, at + LEFT_AHEAD / 2)));
  track_end(t, left_ref(t, at), false);
  if (!track_is_left(t)) flow_table_empty(t);
}

void track_left_row(struct track *t)
{
  while (track_is_left(t) && t->queue_head == FLOW_NONE)
    left_end_next(t);
}

void track_left_end(struct track *t)
{
  while (track_is_left(t))
    left_end_next(t);
}

void track_flush(struct track *t)
{
  track_left_end(t);
  for (uint32_t ref = t->queue_head; ref != FLOW_NONE; ref = track_at(t, ref)->link.next)
    if (!(track_at(t, ref)->bits & FLOW_GONE)) track_finish(t, ref, false); // out of the table, too
  for (unsigned i = 0; i < FLOW_CLASSES; i++)
    fifo_init(&t->lists[i]);
  t->unsaid = SLAB_NONE;
  for (unsigned i = 0; i < 2; i++)
    fifo_init(&t->refused[i].list);
  wheel_init(&t->timers, t->now_ns);
  t->timers_ns = ESTAB_NEVER;
  uint64_t bounds[2] = {UINT64_MAX, 0}, *const all = flow_table_lend(t);
  const uint32_t ones = order_gather(t, 0, all, bounds);
  const uint32_t fulls = order_gather(t, FLOW_REF_FULL, all + ones, bounds);
  order_run(t, all, ones, bounds);
  order_run(t, all + ones, fulls, bounds);
  t->left.order = all;
  t->left.at[0] = 0;
  t->left.at[1] = t->left.end[0] = ones;
  t->left.end[1] = ones + fulls;
  if (!track_is_left(t)) flow_table_empty(t);
}
