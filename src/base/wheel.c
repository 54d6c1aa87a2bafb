// SPDX-License-Identifier: BSD-2-Clause
// wheel.c - a hierarchical timing wheel in nanoseconds.
#include <string.h>

#include "base/wheel.h"

// How many nodes wheel_deadline() looks at in a high slot, and how far an insertion walks to keep
// a slot in order, before they make do with less.
enum { WHEEL_LOOK_NODES = 16 };

static unsigned wheel_first_bit(uint64_t bits)
{
  return (unsigned)__builtin_ctzll(bits);
}

void wheel_init(struct wheel *w, uint64_t now_ns)
{
  memset(w, 0, sizeof *w);
  w->base = now_ns >> WHEEL_TICK_SHIFT;
}

static void wheel_link(struct wheel_node **link, struct wheel_node *n)
{
  n->next = *link;
  n->link = link;
  if (n->next) n->next->link = &n->next;
  *link = n;
}

// Puts a node into a slot of the lowest level, in order if that is near at hand.
static void wheel_place_lowest(struct wheel *w, unsigned slot, struct wheel_node *n)
{
  struct wheel_node **link = &w->slots[slot];
  uint64_t bit = UINT64_C(1) << slot;
  if (!*link) {
    w->sorted |= bit;
  } else if (w->sorted & bit) {
    unsigned looked = 0;
    while (*link && (*link)->deadline_ns < n->deadline_ns && looked++ < WHEEL_LOOK_NODES)
      link = &(*link)->next;
    if (*link && (*link)->deadline_ns < n->deadline_ns) {
      link = &w->slots[slot];
      w->sorted &= ~bit;
    }
  }
  wheel_link(link, n);
}

static void wheel_place(struct wheel *w, struct wheel_node *n)
{
  uint64_t tick = n->deadline_ns >> WHEEL_TICK_SHIFT;
  if (tick < w->base) tick = w->base;
  uint64_t differ = (tick ^ w->base) | 1;
  unsigned level = (63u - (unsigned)__builtin_clzll(differ)) / WHEEL_DIGIT_BITS;
  unsigned slot = (unsigned)(tick >> (level * WHEEL_DIGIT_BITS)) & (WHEEL_SLOTS - 1);
  if (level == 0)
    wheel_place_lowest(w, slot, n);
  else
    wheel_link(&w->slots[level * WHEEL_SLOTS + slot], n);
  w->used[level] |= UINT64_C(1) << slot;
  w->levels |= 1u << level;
}

// It loses its bit.
void wheel_slot_left(struct wheel *w, struct wheel_node **link)
{
  uintptr_t offset = (uintptr_t)link - (uintptr_t)w->slots;
  if (offset >= sizeof w->slots || *link) return; // not the head of a slot
  unsigned index = (unsigned)(offset / sizeof w->slots[0]);
  unsigned level = index / WHEEL_SLOTS;
  w->used[level] &= ~(UINT64_C(1) << (index % WHEEL_SLOTS));
  if (!w->used[level]) w->levels &= ~(1u << level);
}

#define WHEEL_AHEAD 6 // nodes

// What was set one after the other mostly lies as far apart each time: where that makes the node lie that comes so many
// steps later, memory is asked for. Where it lies elsewhere, nothing is lost.
static inline void wheel_ahead(const struct wheel_node *n, const struct wheel_node *next)
{
  const uintptr_t step = (uintptr_t)next - (uintptr_t)n;
  __builtin_prefetch((const void *)((uintptr_t)next + WHEEL_AHEAD * step), 1);
}

// Each to its place, in the order in which they were set.
static void wheel_sort_inbox(struct wheel *w)
{
  struct wheel_node *first = NULL, *next;
  for (struct wheel_node *n = w->inbox; n; n = next) {
    next = n->next;
    wheel_ahead(n, next);
    n->next = first;
    first = n;
  }
  w->inbox = NULL;
  for (; first; first = next) {
    next = first->next;
    wheel_place(w, first);
  }
}

static struct wheel_node *wheel_merge(struct wheel_node *a, struct wheel_node *b)
{
  struct wheel_node *head = NULL, **end = &head;
  while (a && b) {
    struct wheel_node **less = b->deadline_ns < a->deadline_ns ? &b : &a;
    *end = *less;
    end = &(*less)->next;
    *less = *end;
  }
  *end = a ? a : b;
  return head;
}

// Puts a slot of the lowest level in order: a merge sort that takes runs which are in order already.
static void wheel_sort(struct wheel *w, unsigned slot)
{
  struct wheel_node *bins[32] = {NULL}; // bins[i] holds 2^i runs
  struct wheel_node *rest = w->slots[slot];
  while (rest) {
    struct wheel_node *run = rest, *last = rest;
    while (last->next && last->next->deadline_ns >= last->deadline_ns)
      last = last->next;
    rest = last->next;
    last->next = NULL;
    unsigned i = 0;
    for (; bins[i] && i < 31; i++) {
      run = wheel_merge(bins[i], run);
      bins[i] = NULL;
    }
    bins[i] = wheel_merge(bins[i], run);
  }
  struct wheel_node *all = NULL;
  for (unsigned i = 0; i < 32; i++)
    all = wheel_merge(bins[i], all);
  w->slots[slot] = all;
  struct wheel_node **link = &w->slots[slot];
  for (struct wheel_node *n = all; n; n = n->next) {
    n->link = link;
    link = &n->next;
  }
  w->sorted |= UINT64_C(1) << slot;
}

// The earliest node of the lowest level, which must not be empty.
static struct wheel_node *wheel_lowest(struct wheel *w)
{
  unsigned slot = wheel_first_bit(w->used[0]);
  if (!(w->sorted >> slot & 1)) wheel_sort(w, slot);
  return w->slots[slot];
}

// The tick at which a slot of a level begins, for the slots after base's own digit.
static uint64_t wheel_start(const struct wheel *w, unsigned level, unsigned slot)
{
  unsigned low = level * WHEEL_DIGIT_BITS;
  uint64_t above = w->base >> low >> WHEEL_DIGIT_BITS << WHEEL_DIGIT_BITS;
  return (above | slot) << low;
}

// Takes a whole slot out and places its nodes anew.
static void wheel_spread(struct wheel *w, unsigned level, unsigned slot)
{
  struct wheel_node *n = w->slots[level * WHEEL_SLOTS + slot];
  w->slots[level * WHEEL_SLOTS + slot] = NULL;
  w->used[level] &= ~(UINT64_C(1) << slot);
  if (!w->used[level]) w->levels &= ~(1u << level);
  while (n) {
    struct wheel_node *next = n->next;
    wheel_ahead(n, next);
    wheel_place(w, n);
    n = next;
  }
}

// The clock went back by more than the lowest level spans: everything is placed anew, because
// otherwise all new deadlines would share the one slot of what is overdue.
static void wheel_rewind(struct wheel *w, uint64_t tick)
{
  struct wheel_node *all = NULL;
  for (unsigned i = 0; i < WHEEL_LEVELS * WHEEL_SLOTS; i++) {
    while (w->slots[i]) {
      struct wheel_node *n = w->slots[i];
      w->slots[i] = n->next;
      n->next = all;
      all = n;
    }
  }
  memset(w->used, 0, sizeof w->used);
  w->levels = 0;
  w->base = tick;
  while (all) {
    struct wheel_node *next = all->next;
    wheel_place(w, all);
    all = next;
  }
}

struct wheel_node *wheel_pop(struct wheel *w, uint64_t now_ns)
{
  uint64_t tick = now_ns >> WHEEL_TICK_SHIFT;
  if (w->inbox) wheel_sort_inbox(w);
  if (tick < w->base && w->base - tick > WHEEL_SLOTS) wheel_rewind(w, tick);

  while (w->levels) {
    unsigned level = (unsigned)__builtin_ctz(w->levels);
    if (level == 0) {
      struct wheel_node *n = wheel_lowest(w);
      if (n->deadline_ns > now_ns) break;
      uint64_t node_tick = n->deadline_ns >> WHEEL_TICK_SHIFT;
      if (node_tick > w->base) w->base = node_tick;
      wheel_cancel(w, n);
      return n;
    }
    unsigned slot = wheel_first_bit(w->used[level]);
    uint64_t start = wheel_start(w, level, slot);
    if (start > tick) break;
    w->base = start; // every slot before this one is empty
    wheel_spread(w, level, slot);
  }
  // Nothing is due. Up to now every slot is empty, or holds what is due later within this tick.
  if (tick > w->base) w->base = tick;
  return NULL;
}

uint64_t wheel_deadline(struct wheel *w)
{
  if (w->inbox) wheel_sort_inbox(w);
  if (!w->levels) return ESTAB_NEVER;
  if (w->levels & 1) return wheel_lowest(w)->deadline_ns;

  unsigned level = (unsigned)__builtin_ctz(w->levels);
  unsigned slot = wheel_first_bit(w->used[level]);
  const struct wheel_node *n = w->slots[level * WHEEL_SLOTS + slot];
  uint64_t least = ESTAB_NEVER;
  for (unsigned i = 0; n && i < WHEEL_LOOK_NODES; i++, n = n->next)
    if (n->deadline_ns < least) least = n->deadline_ns;
  return n ? wheel_start(w, level, slot) << WHEEL_TICK_SHIFT : least;
}
