// SPDX-License-Identifier: BSD-2-Clause
// ranges.c - a set of ranges of sequence numbers.
#include <string.h>

#include "base/ranges.h"

enum { RANGES_FIRST_CAP = 4 };

// What is allocated. The door stands in front, so that a set which becomes empty can give its
// memory back without every caller carrying the door, and without a field in each connection.
struct ranges_store {
  struct mem *mem;
  uint32_t notes[RANGES_NOTES];
  struct range at[];
};

// Whether a comes before b on the circle.
static bool ranges_before(uint32_t a, uint32_t b)
{
  return (int32_t)(a - b) < 0;
}

static struct ranges_store *ranges_store_of(const struct ranges *r)
{
  void *store = (uint8_t *)r->at - offsetof(struct ranges_store, at);
  return store;
}

static size_t ranges_store_bytes(unsigned cap)
{
  return offsetof(struct ranges_store, at) + cap * sizeof(struct range);
}

uint32_t *ranges_notes(const struct ranges *r)
{
  return ranges_store_of(r)->notes;
}

size_t ranges_memory_bytes(const struct ranges *r)
{
  return r->at ? ranges_store_bytes(r->cap) : 0;
}

void ranges_free_slow(struct ranges *r, struct mem *mem)
{
  mem_free(mem, ranges_store_of(r), ranges_store_bytes(r->cap), ESTAB_MEM_WORK);
  r->at = NULL;
  r->count = r->cap = 0;
}

static bool ranges_grow(struct ranges *r, struct mem *mem)
{
  unsigned cap = r->cap ? r->cap * 2u : RANGES_FIRST_CAP;
  if (cap > UINT16_MAX) cap = UINT16_MAX;
  if (cap == r->cap) return false;
  struct ranges_store *store =
      mem_resize(mem, r->at ? ranges_store_of(r) : NULL, r->at ? ranges_store_bytes(r->cap) : 0,
                 ranges_store_bytes(cap), ESTAB_MEM_WORK);
  if (!store) return false;
  if (!r->at) memset(store->notes, 0, sizeof store->notes);
  store->mem = mem;
  r->at = store->at;
  r->cap = (uint16_t)cap;
  return true;
}

unsigned ranges_from(const struct ranges *r, uint32_t seq)
{
  unsigned low = 0, high = r->count;
  while (low < high) {
    unsigned mid = (low + high) / 2;
    if (ranges_before(seq, r->at[mid].end))
      high = mid;
    else
      low = mid + 1;
  }
  return low;
}

int ranges_find(const struct ranges *r, uint32_t seq)
{
  unsigned i = ranges_from(r, seq);
  return i < r->count && !ranges_before(seq, r->at[i].start) ? (int)i : -1;
}

bool ranges_contains_all(const struct ranges *r, uint32_t start, uint32_t end)
{
  if (start == end) return true;
  int i = ranges_find(r, start);
  return i >= 0 && !ranges_before(r->at[i].end, end);
}

int ranges_insert(struct ranges *r, struct mem *mem, uint32_t start, uint32_t end,
                  uint16_t max_count, struct range *duplicate)
{
  if (duplicate) *duplicate = (struct range){start, start};
  if (start == end) return 0;

  // first .. last - 1 are the ranges that overlap or touch the new one. The first that ends at or
  // after start is the first that ends after start - 1.
  unsigned first = ranges_from(r, start - 1), last = first;
  while (last < r->count && !ranges_before(end, r->at[last].start))
    last++;

  if (duplicate) {
    unsigned i = first < last && r->at[first].end == start ? first + 1 : first;
    if (i < last) {
      duplicate->start = ranges_before(start, r->at[i].start) ? r->at[i].start : start;
      duplicate->end = ranges_before(end, r->at[i].end) ? end : r->at[i].end;
    }
  }
  if (first == last) {
    if (r->count >= max_count || (r->count == r->cap && !ranges_grow(r, mem)))
      return ESTAB_ERR_NO_MEMORY;
    memmove(r->at + first + 1, r->at + first, (r->count - first) * sizeof *r->at);
    r->at[first] = (struct range){start, end};
    r->count++;
    return 0;
  }
  struct range *into = &r->at[first];
  if (ranges_before(start, into->start)) into->start = start;
  into->end = ranges_before(r->at[last - 1].end, end) ? end : r->at[last - 1].end;
  memmove(into + 1, r->at + last, (r->count - last) * sizeof *r->at);
  r->count = (uint16_t)(r->count - (last - first - 1));
  return 0;
}

static void ranges_free_if_empty(struct ranges *r)
{
  if (r->count == 0 && r->at) ranges_free(r, ranges_store_of(r)->mem);
}

void ranges_drop_below(struct ranges *r, uint32_t seq)
{
  unsigned keep = ranges_from(r, seq);
  if (keep) {
    r->count = (uint16_t)(r->count - keep);
    memmove(r->at, r->at + keep, r->count * sizeof *r->at);
  }
  if (r->count && ranges_before(r->at[0].start, seq)) r->at[0].start = seq;
  ranges_free_if_empty(r);
}

void ranges_drop_from(struct ranges *r, uint32_t seq)
{
  unsigned i = ranges_from(r, seq);
  if (i < r->count && ranges_before(r->at[i].start, seq)) {
    r->at[i].end = seq;
    i++;
  }
  r->count = (uint16_t)i;
  ranges_free_if_empty(r);
}

uint32_t ranges_bytes(const struct ranges *r)
{
  uint32_t n = 0;
  for (unsigned i = 0; i < r->count; i++)
    n += r->at[i].end - r->at[i].start;
  return n;
}
