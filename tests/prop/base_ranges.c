// SPDX-License-Identifier: BSD-2-Clause
// base_ranges.c - ranges against a bitmap, across 2^32 and with memory refused.
#include "support/prop.h"

#include "base/ranges.h"

enum { UNIVERSE = 400, STEPS = 300 };

struct model {
  uint32_t base; // sequence number of there[0]
  bool there[UNIVERSE];
};

// The runs of the bitmap, one by one, must be the ranges.
static bool same(const struct ranges *r, const struct model *m)
{
  unsigned n = 0;
  uint32_t total = 0;
  for (uint32_t i = 0; i < UNIVERSE;) {
    if (!m->there[i]) {
      PROP_CHECK(ranges_find(r, m->base + i) == -1);
      i++;
      continue;
    }
    uint32_t end = i;
    while (end < UNIVERSE && m->there[end]) {
      PROP_CHECK(ranges_find(r, m->base + end) == (int)n);
      end++;
    }
    PROP_CHECK(n < r->count);
    PROP_CHECK(r->at[n].start == m->base + i && r->at[n].end == m->base + end);
    n++;
    total += end - i;
    i = end;
  }
  PROP_CHECK(n == r->count);
  PROP_CHECK(total == ranges_bytes(r));
  PROP_CHECK((r->at != NULL) == (r->count > 0));
  return true;
}

static bool insert(struct prop_rng *rng, struct ranges *r, struct mem *mem, struct model *m)
{
  uint32_t start = prop_below(rng, UNIVERSE), end = start + prop_below(rng, 1 + UNIVERSE / 8);
  if (end > UNIVERSE) end = UNIVERSE;
  uint16_t max = (uint16_t)(prop_one_in(rng, 3) ? 1 + prop_below(rng, 8) : 1000);

  uint32_t duplicate = start; // the first part that is there already
  while (duplicate < end && !m->there[duplicate])
    duplicate++;
  uint32_t duplicate_end = duplicate;
  while (duplicate_end < end && m->there[duplicate_end])
    duplicate_end++;
  bool touches = start < end && ((start && m->there[start - 1]) ||
                                 (end < UNIVERSE && m->there[end]) || duplicate < duplicate_end);

  struct range told;
  unsigned count = r->count, cap = r->cap;
  uint64_t refused = mem->refused;
  int got = ranges_insert(r, mem, m->base + start, m->base + end, max, &told);
  if (got == ESTAB_ERR_NO_MEMORY) {
    PROP_CHECK(!touches);
    PROP_CHECK(count >= max || (count == cap && mem->refused == refused + 1));
  } else {
    PROP_CHECK(got == 0);
    PROP_CHECK(touches || start == end || count < max);
    for (uint32_t i = start; i < end; i++)
      m->there[i] = true;
  }
  if (duplicate == duplicate_end)
    PROP_CHECK(told.start == told.end);
  else
    PROP_CHECK(told.start == m->base + duplicate && told.end == m->base + duplicate_end);
  return true;
}

static bool ask(struct prop_rng *rng, const struct ranges *r, const struct model *m)
{
  uint32_t start = prop_below(rng, UNIVERSE), end = start + prop_below(rng, UNIVERSE - start + 1);
  bool all = true;
  for (uint32_t i = start; i < end; i++)
    all = all && m->there[i];
  PROP_CHECK(ranges_contains_all(r, m->base + start, m->base + end) == all);

  unsigned from = ranges_from(r, m->base + start);
  uint32_t next = start;
  while (next < UNIVERSE && !m->there[next])
    next++;
  PROP_CHECK((from == r->count) == (next == UNIVERSE));
  if (next < UNIVERSE) PROP_CHECK(ranges_find(r, m->base + next) == (int)from);
  return true;
}

static bool ranges_are_a_bitmap(struct prop_rng *rng)
{
  struct prop_mem door;
  struct mem mem;
  mem_init(&mem, prop_mem_door(&door));
  struct ranges r = {0};
  struct model m = {.base = (uint32_t)prop_u64(rng)};
  if (prop_one_in(rng, 2)) m.base = 0u - prop_below(rng, UNIVERSE);

  for (unsigned step = 0; step < STEPS; step++) {
    door.fail_after = prop_one_in(rng, 4) ? 0 : UINT64_MAX;
    uint32_t at = prop_below(rng, UNIVERSE);
    switch (prop_below(rng, 12)) {
    case 0:
      if (!prop_one_in(rng, 4)) at /= 8;
      ranges_drop_below(&r, m.base + at);
      memset(m.there, 0, at * sizeof m.there[0]);
      break;
    case 1:
      if (!prop_one_in(rng, 4)) at = UNIVERSE - at / 8;
      ranges_drop_from(&r, m.base + at);
      memset(m.there + at, 0, (UNIVERSE - at) * sizeof m.there[0]);
      break;
    case 2:
      if (!ask(rng, &r, &m)) return false;
      break;
    default:
      if (!insert(rng, &r, &mem, &m)) return false;
    }
    if (!same(&r, &m)) return false;
    PROP_CHECK(door.live_bytes == ranges_memory_bytes(&r));
    PROP_CHECK(mem.by_kind[ESTAB_MEM_WORK] == door.live_bytes);
  }
  ranges_free(&r, &mem);
  PROP_CHECK(door.live_pieces == 0 && mem.in_use_bytes == 0);
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"ranges_are_a_bitmap", ranges_are_a_bitmap, 150},
  };
  return prop_main(argc, argv, props, sizeof props / sizeof props[0]);
}
