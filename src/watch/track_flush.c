// SPDX-License-Identifier: BSD-2-Clause
// track_flush.c - the end of the capture: lives that are still open end in the order of their first packets.
//
// Whoever is open stands in the table, in the order of a keyed hash. What the table has of them is gathered where it
// lies, as numbers of 64 bits: the first packet above, the record below. They are put in order there, without another
// octet of memory, and each life ends when its row is asked for: so a record comes into the caches once.
#include "watch/track_internal.h"

#include "base/bytes.h"

#define ORDER_AHEAD  16 // records whose first packets are asked for
#define ORDER_DIGIT  8  // bits of a digit
#define ORDER_DIGITS (1u << ORDER_DIGIT)
#define ORDER_LOW    32 // the lowest bit of what is sorted by
#define ORDER_SHORT  24 // as few are put in order by insertion
#define LEFT_AHEAD                                                                                 \
  4 // records that are asked for before they end, and half as far what they keep aside

static uint64_t track_first_packet(const struct track *t, uint32_t ref)
{
  const struct flow_head *f = track_at(t, ref);
  return ref & FLOW_REF_FULL ? ((const struct flow *)f)->life_packet
                             : ((const struct flow_one *)f)->first.packet;
}

// ---------------------------------------------------------------------------------------------
// In order

static void order_insert(uint64_t *all, uint32_t count)
{
  for (uint32_t i = 1; i < count; i++) {
    const uint64_t it = all[i];
    uint32_t at = i;
    for (; at > 0 && all[at - 1] > it; at--)
      all[at] = all[at - 1];
    all[at] = it;
  }
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

// By the digit from bit `shift` on and those below it: each to its digit's place, in exchange for what lies there.
static void order_sort(uint64_t *all, uint32_t count, unsigned shift)
{
  if (count <= ORDER_SHORT) {
    order_insert(all, count);
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

// What is above the records in `all`: their first packets, counted from `base` in steps of 2^shift, 32 bits of it.
// Answers the first and the last of them.
static void order_keys(const struct track *t, uint64_t *all, uint32_t count, uint64_t base,
                       unsigned shift, uint64_t bounds[2])
{
  bounds[0] = UINT64_MAX;
  bounds[1] = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (i + ORDER_AHEAD < count) {
      const uint32_t later = (uint32_t)all[i + ORDER_AHEAD];
      __builtin_prefetch((const uint8_t *)track_at(t, later) +
                         (later & FLOW_REF_FULL ? offsetof(struct flow, life_packet)
                                                : offsetof(struct flow_one, first.packet)));
    }
    const uint32_t ref = (uint32_t)all[i];
    const uint64_t first = track_first_packet(t, ref);
    bounds[0] = u64_min(bounds[0], first);
    bounds[1] = u64_max(bounds[1], first);
    all[i] = (first - base) >> shift << ORDER_LOW | ref;
  }
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

// The highest digit in which numbers between these two can differ.
static unsigned order_first_digit(uint32_t first, uint32_t last)
{
  const unsigned bits = 32u - (unsigned)__builtin_clz((first ^ last) | 1);
  return ORDER_LOW + (bits > ORDER_DIGIT ? bits - ORDER_DIGIT : 0);
}

static void order_all(const struct track *t, uint64_t *all, uint32_t count)
{
  uint64_t bounds[2];
  if (count == 0) return;
  order_keys(t, all, count, 0, 0, bounds);
  if (bounds[0] >> 32 == bounds[1] >> 32) {
    order_sort(all, count, order_first_digit((uint32_t)bounds[0], (uint32_t)bounds[1]));
    return;
  }
  // 32 bits of a number are not enough: so many packets came between the first one and the last.
  const uint64_t base = bounds[0], span = bounds[1] - base;
  const unsigned bits = 64u - (unsigned)__builtin_clzll(span), shift = bits > 32 ? bits - 32 : 0;
  order_keys(t, all, count, base, shift, bounds);
  order_sort(all, count, order_first_digit(0, (uint32_t)(span >> shift)));
  if (shift > 0) order_within_steps(t, all, count);
}

// ---------------------------------------------------------------------------------------------
// What is left

static uint32_t left_ref(const struct track *t, uint32_t at)
{
  return (uint32_t)t->left.order[at];
}

static void left_end_next(struct track *t)
{
  const uint32_t at = t->left.at++;
  if (at + LEFT_AHEAD < t->left.count) track_expect_record(t, left_ref(t, at + LEFT_AHEAD));
  if (at + LEFT_AHEAD / 2 < t->left.count) track_expect_aside(t, left_ref(t, at + LEFT_AHEAD / 2));
  track_end(t, left_ref(t, at), false);
  if (t->left.at < t->left.count) return;
  t->left.at = t->left.count = 0;
  flow_table_empty(t);
}

void track_left_row(struct track *t)
{
  while (t->left.count > 0 && t->queue_head == FLOW_NONE)
    left_end_next(t);
}

void track_left_end(struct track *t)
{
  while (t->left.count > 0)
    left_end_next(t);
}

void track_flush(struct track *t)
{
  track_left_end(t);
  for (uint32_t ref = t->queue_head; ref != FLOW_NONE; ref = track_at(t, ref)->link.next)
    if (!(track_at(t, ref)->bits & FLOW_GONE)) track_finish(t, ref, false); // out of the table, too
  for (unsigned i = 0; i < FLOW_CLASSES; i++)
    fifo_init(&t->lists[i]);
  for (unsigned i = 0; i < 2; i++)
    fifo_init(&t->refused[i].list);
  wheel_init(&t->timers, t->now_ns);
  t->timers_ns = ESTAB_NEVER;
  t->left.order = flow_table_gather(t, &t->left.count);
  t->left.at = 0;
  order_all(t, t->left.order, t->left.count);
  if (t->left.count == 0) flow_table_empty(t);
}
