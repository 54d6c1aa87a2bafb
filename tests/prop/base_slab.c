// SPDX-License-Identifier: BSD-2-Clause
// base_slab.c - the slab against an array: indices, zeroed items, addresses that stay, memory back.
#include "support/prop.h"

#include "base/fifo.h"
#include "base/slab.h"

enum { MOST = 4000, STEPS = 6000 };

struct item { // the head of a live item; the rest of it repeats `stamp`
  uint64_t stamp;
  struct fifo_link link;
};

struct world {
  struct slab slab;
  struct prop_mem door;
  struct mem mem;
  uint32_t index[MOST]; // live items, in any order
  struct item *address[MOST];
  uint64_t stamp[MOST];
  unsigned live;
  uint32_t most_chunks; // there ever were
};

static bool item_holds(const struct world *w, unsigned k)
{
  const uint8_t *bytes = slab_at(&w->slab, w->index[k]);
  PROP_CHECK(slab_live(&w->slab, w->index[k]));
  PROP_CHECK((const void *)bytes == (const void *)w->address[k]);
  PROP_CHECK(w->address[k]->stamp == w->stamp[k]);
  for (uint32_t i = sizeof(struct item); i < w->slab.item_bytes; i++)
    PROP_CHECK(bytes[i] == (uint8_t)w->stamp[k]);
  return true;
}

static bool add(struct world *w, struct prop_rng *r)
{
  uint64_t refused = w->mem.refused, bytes = w->mem.in_use_bytes;
  uint32_t index = slab_new(&w->slab);
  if (index == SLAB_NONE) {
    PROP_CHECK(w->mem.refused > refused);
    PROP_CHECK(w->mem.by_kind[ESTAB_MEM_CONN] + w->mem.by_kind[ESTAB_MEM_TABLE] >= bytes);
    return true;
  }
  PROP_CHECK(slab_live(&w->slab, index) && index < slab_top(&w->slab));
  uint8_t *item = slab_at(&w->slab, index);
  PROP_CHECK((uintptr_t)item % 8 == 0);
  for (uint32_t i = 0; i < w->slab.item_bytes; i++)
    PROP_CHECK(item[i] == 0);
  unsigned k = w->live++;
  w->index[k] = index;
  w->address[k] = slab_at(&w->slab, index);
  w->stamp[k] = prop_u64(r);
  memset(item, (uint8_t)w->stamp[k], w->slab.item_bytes);
  w->address[k]->stamp = w->stamp[k];
  return true;
}

static bool take(struct world *w, unsigned k)
{
  if (!item_holds(w, k)) return false;
  slab_free(&w->slab, w->index[k]);
  PROP_CHECK(!slab_live(&w->slab, w->index[k]));
  w->live--;
  w->index[k] = w->index[w->live];
  w->address[k] = w->address[w->live];
  w->stamp[k] = w->stamp[w->live];
  return true;
}

static bool slab_is_an_array(struct prop_rng *r)
{
  static struct world w;
  memset(&w, 0, sizeof w);
  mem_init(&w.mem, prop_mem_door(&w.door));
  static const uint32_t sizes[] = {16, 24, 112, 144, 640, 1000, 5000, 20000};
  uint32_t bytes = sizes[prop_below(r, sizeof sizes / sizeof sizes[0])];
  slab_init(&w.slab, &w.mem, bytes, ESTAB_MEM_CONN);
  unsigned most = 1 + prop_below(r, bytes < 1000 ? MOST : 100);
  unsigned wanted = most;

  for (unsigned step = 0; step < STEPS; step++) {
    if (prop_one_in(r, 500)) wanted = prop_below(r, most + 1);
    if (prop_one_in(r, 50)) w.door.fail_after = prop_one_in(r, 3) ? prop_below(r, 2) : UINT64_MAX;
    bool grow = w.live < wanted ? !prop_one_in(r, 4) : prop_one_in(r, 4);
    if (grow && w.live < most) {
      if (!add(&w, r)) return false;
    } else if (w.live) {
      if (!take(&w, prop_below(r, w.live))) return false;
    }
    uint32_t any = (uint32_t)prop_u64(r) >> prop_below(r, 32);
    bool known = false;
    uint32_t next = SLAB_NONE; // the first one from there on
    for (unsigned k = 0; k < w.live; k++) {
      known = known || w.index[k] == any;
      if (w.index[k] >= any && w.index[k] < next) next = w.index[k];
    }
    PROP_CHECK(slab_live(&w.slab, any) == known);
    PROP_CHECK(slab_next(&w.slab, any) == next);
    PROP_CHECK(w.slab.count == w.live);
    // Places of chunks that went are taken again before the directory grows.
    if (w.slab.chunk_count > w.most_chunks) w.most_chunks = w.slab.chunk_count;
    PROP_CHECK(w.slab.directory_used <= w.most_chunks);
    PROP_CHECK(w.mem.in_use_bytes == w.door.live_bytes);
    if (prop_one_in(r, 300)) slab_trim(&w.slab);
  }
  for (unsigned k = 0; k < w.live; k++)
    if (!item_holds(&w, k)) return false;
  if (prop_one_in(r, 2)) {
    while (w.live)
      if (!take(&w, prop_below(r, w.live))) return false;
    PROP_CHECK(w.slab.chunk_count <= 1);
    slab_trim(&w.slab);
    PROP_CHECK(w.slab.chunk_count == 0);
  } else {
    slab_destroy(&w.slab);
  }
  PROP_CHECK(w.door.live_pieces == 0 && w.mem.in_use_bytes == 0);
  return true;
}

// A list over slab items against an array of indices.
static bool fifo_is_an_array(struct prop_rng *r)
{
  struct prop_mem door;
  struct mem mem;
  mem_init(&mem, prop_mem_door(&door));
  struct slab slab;
  slab_init(&slab, &mem, sizeof(struct item), ESTAB_MEM_CONN);
  struct fifo f;
  fifo_init(&f);
  const size_t offset = offsetof(struct item, link);
  uint32_t order[64];
  unsigned n = 0;

  for (unsigned step = 0; step < 500; step++) {
    unsigned kind = prop_below(r, 5), k = n ? prop_below(r, n) : 0;
    if (kind < 2 && n < 64) {
      uint32_t index = slab_new(&slab);
      PROP_CHECK(index != SLAB_NONE);
      if (kind == 0) {
        fifo_push(&f, &slab, offset, index);
        order[n] = index;
      } else {
        fifo_push_front(&f, &slab, offset, index);
        memmove(order + 1, order, n * sizeof order[0]);
        order[0] = index;
      }
      n++;
    } else if (kind == 2) {
      uint32_t index = fifo_pop(&f, &slab, offset);
      PROP_CHECK(index == (n ? order[0] : SLAB_NONE));
      if (n) memmove(order, order + 1, --n * sizeof order[0]);
      if (index != SLAB_NONE) slab_free(&slab, index);
    } else if (kind == 3 && n) {
      fifo_remove(&f, &slab, offset, order[k]);
      slab_free(&slab, order[k]);
      memmove(order + k, order + k + 1, (--n - k) * sizeof order[0]);
    }
    PROP_CHECK(f.count == n && f.head == (n ? order[0] : SLAB_NONE));
    PROP_CHECK(f.tail == (n ? order[n - 1] : SLAB_NONE));
    for (unsigned i = 0; i < n; i++) {
      PROP_CHECK(fifo_next(&slab, offset, order[i]) == (i + 1 < n ? order[i + 1] : SLAB_NONE));
      PROP_CHECK(fifo_at(&slab, offset, order[i])->prev == (i ? order[i - 1] : SLAB_NONE));
    }
  }
  slab_destroy(&slab);
  PROP_CHECK(door.live_pieces == 0);
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"slab_is_an_array", slab_is_an_array, 40},
      {"fifo_is_an_array", fifo_is_an_array, 40},
  };
  return prop_main(argc, argv, props, sizeof props / sizeof props[0]);
}
