// SPDX-License-Identifier: BSD-2-Clause
// ranges.h - a set of ranges of sequence numbers: what is there of a stream with holes.
#ifndef ESTAB_BASE_RANGES_H
#define ESTAB_BASE_RANGES_H

#include "base/mem.h"

// Sequence numbers start .. end - 1, modulo 2^32. start == end: none.
struct range {
  uint32_t start, end;
};

// Ascending, disjoint and not touching. All numbers of a set lie within less than 2^31 of each
// other, so that before and after have a meaning. All zero = empty, which holds no memory.
struct ranges {
  struct range *at;
  uint16_t count;
  uint16_t cap; // places at `at`
};

// Adds start .. end - 1. *duplicate (may be NULL) becomes the first part of it that was there
// already. Answers 0, or ESTAB_ERR_NO_MEMORY when a further range would be needed and there are
// max_count already or memory is refused; the set is then unchanged.
int ranges_insert(struct ranges *r, struct mem *mem, uint32_t start, uint32_t end,
                  uint16_t max_count, struct range *duplicate);

// Forgets all numbers before seq.
void ranges_drop_below(struct ranges *r, uint32_t seq);

// Forgets all numbers from seq on.
void ranges_drop_from(struct ranges *r, uint32_t seq);

// Index of the range that contains seq, or -1.
int ranges_find(const struct ranges *r, uint32_t seq);

// Index of the first range that ends after seq, which may contain it; r->count when none does.
unsigned ranges_from(const struct ranges *r, uint32_t seq);

// Whether all of start .. end - 1 is there; true for nothing.
bool ranges_contains_all(const struct ranges *r, uint32_t start, uint32_t end);

// Numbers in the set.
uint32_t ranges_bytes(const struct ranges *r);

// What the owner wants to remember of a set that is not empty: zero at first, forgotten when it has become empty.
enum { RANGES_NOTES = 6 };
uint32_t *ranges_notes(const struct ranges *r);

// Memory the set holds.
size_t ranges_memory_bytes(const struct ranges *r);

// Forgets everything and gives the memory back. `mem` as at ranges_insert().
void ranges_free_slow(struct ranges *r, struct mem *mem);
static inline void ranges_free(struct ranges *r, struct mem *mem)
{
  if (r->at) ranges_free_slow(r, mem); // without memory there is nothing in it
}

#endif
