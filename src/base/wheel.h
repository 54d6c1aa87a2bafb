// SPDX-License-Identifier: BSD-2-Clause
// wheel.h - a hierarchical timing wheel in nanoseconds: many deadlines, each set and cancelled in O(1).
#ifndef ESTAB_BASE_WHEEL_H
#define ESTAB_BASE_WHEEL_H

#include "estab/base.h"

enum {
  WHEEL_TICK_SHIFT = 16, // a slot of the lowest level spans 2^16 ns, about 66 us
  WHEEL_DIGIT_BITS = 6,  // each level's slot spans 64 slots of the level below
  WHEEL_SLOTS = 64,
  WHEEL_LEVELS = 8, // 16 + 8 * 6 = 64 bits of nanoseconds
};

// Sits inside what waits. All zero = in no wheel.
struct wheel_node {
  uint64_t deadline_ns;     // when; ESTAB_NEVER or stale while not in a wheel
  struct wheel_node *next;  // in the same slot
  struct wheel_node **link; // what points here; NULL = in no wheel
};

// Must not move while nodes are in it. What is set stands in the inbox until somebody asks for a deadline: most timers
// are set anew or cancelled before. Then a node stands in the level of the highest 6-bit digit in
// which its tick differs from `base`, in the slot of that digit; what is overdue stands in the
// lowest level's slot of `base`. So any node of a level comes before all nodes of a higher level.
struct wheel {
  uint64_t base;               // tick up to which all slots have been looked through
  uint64_t used[WHEEL_LEVELS]; // a bit for each slot that is not empty
  uint64_t sorted;             // a bit for each slot of the lowest level that is in order
  uint32_t levels;             // a bit for each level that is not empty
  struct wheel_node *inbox;    // what was set since, the latest first
  struct wheel_node *slots[WHEEL_LEVELS * WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint64_t now_ns);

// A slot has become empty, if `link` is the head of one.
void wheel_slot_left(struct wheel *w, struct wheel_node **link);

// Takes a node out; one that is not in is left alone.
static inline void wheel_cancel(struct wheel *w, struct wheel_node *n)
{
  struct wheel_node **link = n->link;
  if (!link) return;
  *link = n->next;
  n->link = NULL;
  if (n->next)
    n->next->link = link;
  else if (link != &w->inbox)
    wheel_slot_left(w, link);
}

// Puts a node in, or moves one that is in. ESTAB_NEVER takes it out.
static inline void wheel_set(struct wheel *w, struct wheel_node *n, uint64_t deadline_ns)
{
  if (n->link) {
    if (n->deadline_ns == deadline_ns) return;
    wheel_cancel(w, n);
  }
  n->deadline_ns = deadline_ns;
  if (deadline_ns == ESTAB_NEVER) return;
  n->next = w->inbox;
  n->link = &w->inbox;
  if (n->next) n->next->link = &n->next;
  w->inbox = n;
}

static inline bool wheel_has(const struct wheel_node *n)
{
  return n->link != NULL;
}

// Takes out and answers the node with the earliest deadline_ns <= now_ns; NULL when there is none.
// now_ns may jump, backwards too.
struct wheel_node *wheel_pop(struct wheel *w, uint64_t now_ns);

// What probably comes next, so that memory may be asked for it; NULL: nobody knows.
static inline const struct wheel_node *wheel_soon(const struct wheel *w)
{
  return w->levels & 1 ? w->slots[__builtin_ctzll(w->used[0])] : NULL;
}

// When wheel_pop() should be called next: never later than the earliest deadline, and that deadline
// exactly when it lies within the lowest level or in a thinly filled slot. Otherwise a time at which
// wheel_pop() brings the next answer closer. ESTAB_NEVER = empty.
uint64_t wheel_deadline(struct wheel *w);

#endif
