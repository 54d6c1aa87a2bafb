// SPDX-License-Identifier: BSD-2-Clause
// scan_blocks.c - the targets of a campaign in the order in which they came, four neighbours to a block.
#include <string.h>

#include "base/bytes.h"
#include "base/tuple.h"
#include "watch/scan_blocks.h"

#define BLOCKS_FEW     8u  // searched one by one
#define BLOCKS_ROW     16u // of the index, a cache line
#define BLOCKS_PLACE   17  // bits of an entry: 1 + the place of a block; above them its tag
#define BLOCKS_AHEAD   3u  // blocks tried behind the one found last
#define BLOCKS_PRINT_4 (UINT64_C(1) << 63)

uint64_t scan_blocks_print(struct scan_pool *pool, const struct estab_ip *ip, uint16_t port)
{
  if (ip_is_mapped(ip)) return BLOCKS_PRINT_4 | (uint64_t)port << 32 | get_be32(ip->bytes + 12);
  return (scan_fingerprint(pool, ip, 0) << 16 | port) & ~BLOCKS_PRINT_4;
}

// Where in a print the number is by which neighbours differ.
static unsigned blocks_shift(const struct scan_blocks *b, uint64_t print)
{
  return (unsigned)(print >> 63) << (b->hosts ? 0 : 5) & 32;
}

static uint64_t blocks_key(const struct scan_blocks *b, uint64_t print)
{
  return print & ~((uint64_t)(BLOCK_TARGETS - 1) << blocks_shift(b, print));
}

static uint32_t blocks_nth(const struct scan_blocks *b, uint64_t print)
{
  return (uint32_t)(print >> blocks_shift(b, print)) & (BLOCK_TARGETS - 1);
}

// By rank blocks stand as scanners go who go upward: host for host and within it by ports, or the other way round.
static uint64_t blocks_rank(const struct scan_blocks *b, uint64_t key)
{
  return blocks_shift(b, key) ? key << 32 | key >> 32 : key;
}

// Where a block's entry is looked for first, and what it is known by there. Four blocks that are neighbours begin
// side by side in one row.
struct blocks_entry {
  uint32_t row, first, tag;
};

static struct blocks_entry blocks_entry_of(const struct scan_blocks *b,
                                           const struct scan_pool *pool, uint64_t key)
{
  const unsigned shift = blocks_shift(b, key) + 2;
  const uint32_t nth = (uint32_t)(key >> shift) & 3;
  const uint64_t row = key & ~(UINT64_C(3) << shift);
  uint64_t hash =
      pairs_add(pool->key.words[PAIRS_WORDS], &pool->key, 0, (uint32_t)(row >> 32), (uint32_t)row);
  hash = (hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15);
  const uint32_t low = ((uint32_t)hash & ~UINT32_C(3)) | nth;
  return (struct blocks_entry){.row = scan_share((uint32_t)(hash >> 32), b->rows),
                               .first = (low >> 16 & 12) | nth,
                               .tag = low << BLOCKS_PLACE};
}

// The entry of a block, or the free one where it would be: entries are never taken out, and some are always free.
static uint32_t *blocks_slot(const struct scan_blocks *b, struct blocks_entry e, uint64_t key)
{
  const uint32_t places = (1u << BLOCKS_PLACE) - 1;
  for (uint32_t row = e.row;; row = row + 1 < b->rows ? row + 1 : 0)
    for (uint32_t n = 0; n < BLOCKS_ROW; n++) {
      uint32_t *const it = &b->index[row * BLOCKS_ROW + (e.first + n) % BLOCKS_ROW];
      if (!*it || ((*it & ~places) == e.tag && b->at[(*it & places) - 1].key == key)) return it;
    }
}

static void blocks_enter(struct scan_blocks *b, const struct scan_pool *pool, uint32_t place)
{
  const uint64_t key = b->at[place].key;
  const struct blocks_entry e = blocks_entry_of(b, pool, key);
  *blocks_slot(b, e, key) = e.tag | (place + 1);
}

// Twice the rows when half of the entries would be taken, or the first ones; filled when they are asked. false: no
// memory, and too few are free.
static bool blocks_index_grow(struct scan_blocks *b, struct scan_pool *pool)
{
  const uint32_t row_bytes = BLOCKS_ROW * sizeof *b->index;
  if (b->used < BLOCKS_FEW || b->used < b->rows * BLOCKS_ROW / 2) return true;
  const uint32_t rows = b->rows ? b->rows * 2 : 2;
  uint32_t *index = scan_pool_resize(pool, NULL, 0, rows * row_bytes);
  if (!index) return b->used < b->rows * (BLOCKS_ROW - 1);
  (void)scan_pool_resize(pool, b->index, b->rows * row_bytes, 0);
  b->index = index;
  b->rows = rows;
  b->indexed = 0;
  return true;
}

// 1 + the place of a block, 0: it is not there.
static uint32_t blocks_search(struct scan_blocks *b, const struct scan_pool *pool, uint64_t key)
{
  if (!b->index) {
    uint32_t place = b->used;
    while (place && b->at[place - 1].key != key)
      place--;
    return place;
  }
  if (b->indexed == 0) memset(b->index, 0, b->rows * BLOCKS_ROW * sizeof *b->index);
  for (; b->indexed < b->used; b->indexed++)
    blocks_enter(b, pool, b->indexed);
  return *blocks_slot(b, blocks_entry_of(b, pool, key), key) & ((1u << BLOCKS_PLACE) - 1);
}

struct scan_place scan_blocks_find(struct scan_blocks *b, const struct scan_pool *pool,
                                   uint64_t print, unsigned walk)
{
  const uint64_t key = blocks_key(b, print), rank = blocks_rank(b, key);
  const uint32_t nth = blocks_nth(b, print);
  if (b->used == 0 || rank > b->most || rank < b->least) return (struct scan_place){NULL, nth};
  uint32_t *const last = &b->last[walk % BLOCK_WALKS];
  for (uint32_t i = *last; i < b->used && i <= *last + BLOCKS_AHEAD; i++)
    if (b->at[i].key == key) return (struct scan_place){&b->at[*last = i], nth};
  const uint32_t place = blocks_search(b, pool, key);
  if (!place) return (struct scan_place){NULL, nth};
  *last = place - 1;
  return (struct scan_place){&b->at[place - 1], nth};
}

// The second target shows where the campaign goes: its host is another one, so neighbours are hosts.
static void blocks_turn(struct scan_blocks *b)
{
  const struct scan_block one = b->at[0];
  uint32_t nth = 0;
  while (!one.state[nth])
    nth++;
  const uint64_t print = one.key | (uint64_t)nth << blocks_shift(b, one.key);
  b->hosts = true;
  const uint32_t now = blocks_nth(b, print);
  b->at[0] = (struct scan_block){.key = blocks_key(b, print)};
  b->at[0].time_ms[now] = one.time_ms[nth];
  b->at[0].source[now] = one.source[nth];
  b->at[0].state[now] = one.state[nth];
  b->least = b->most = blocks_rank(b, b->at[0].key);
}

static struct scan_block *blocks_new(struct scan_blocks *b, struct scan_pool *pool, uint64_t key)
{
  if (!blocks_index_grow(b, pool)) return NULL;
  if (b->used == b->room) {
    const uint32_t room = b->room ? b->room + b->room / 2 : BLOCKS_FEW;
    void *more = scan_pool_resize(pool, b->at, b->room * sizeof *b->at, room * sizeof *b->at);
    if (!more) return NULL;
    b->at = more;
    b->room = room;
  }
  const uint64_t rank = blocks_rank(b, key);
  if (b->used == 0 || rank < b->least) b->least = rank;
  if (b->used == 0 || rank > b->most) b->most = rank;
  struct scan_block *const it = &b->at[b->used++];
  *it = (struct scan_block){.key = key};
  return it;
}

struct scan_place scan_blocks_get(struct scan_blocks *b, struct scan_pool *pool, uint64_t print,
                                  unsigned walk)
{
  struct scan_place it = scan_blocks_find(b, pool, print, walk);
  if (!it.block && b->count == 1 && !b->hosts &&
      (uint32_t)b->at[0].key != (uint32_t)blocks_key(b, print)) {
    blocks_turn(b);
    it = scan_blocks_find(b, pool, print, walk);
  }
  if (it.block) return it;
  it = (struct scan_place){blocks_new(b, pool, blocks_key(b, print)), blocks_nth(b, print)};
  if (it.block) b->last[walk % BLOCK_WALKS] = b->used - 1;
  return it;
}

void scan_blocks_free(struct scan_blocks *b, struct scan_pool *pool)
{
  (void)scan_pool_resize(pool, b->at, b->room * sizeof *b->at, 0);
  (void)scan_pool_resize(pool, b->index, b->rows * BLOCKS_ROW * sizeof *b->index, 0);
  memset(b, 0, sizeof *b);
}
