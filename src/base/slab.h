// SPDX-License-Identifier: BSD-2-Clause
// slab.h - many items of one size, addressed by a 32-bit index, that never move.
#ifndef ESTAB_BASE_SLAB_H
#define ESTAB_BASE_SLAB_H

#include "base/mem.h"

#define SLAB_NONE UINT32_MAX // no item

// Items live in chunks of 12 to 24 KiB (one item a chunk when it is larger). A chunk whose last
// item goes is given back, except one that is kept spare. Items whose size is a multiple of 64 begin
// at cache lines. All zero is not a slab: slab_init().
struct slab {
  uint8_t **chunks;         // the directory: each chunk's first item; NULL = no chunk there
  struct mem *mem;          // where chunks (kind) and the directory (ESTAB_MEM_TABLE) come from
  uint32_t item_bytes;      // distance of items
  uint32_t mask;            // items a chunk - 1
  uint8_t shift;            // log2 of items a chunk
  uint8_t kind;             // enum estab_mem_kind of chunks
  uint16_t header_bytes;    // what a chunk has before its first item
  uint8_t slack_bytes;      // what it has more, to align the first item
  uint32_t count;           // live items
  uint32_t chunk_count;     // chunks held, the spare one included
  uint32_t directory_used;  // no chunk at or after this place of the directory
  uint32_t directory_slots; // places of the directory
  uint32_t hole;            // no free place of the directory before this one
  uint32_t partial;         // first of the chunks that have free items
  uint32_t spare;           // the empty one of them that is kept
};

// A chunk: this, a bit for each item (1 = live), padding, the items. The directory points at the
// first item, so that finding one needs no addition.
struct slab_chunk {
  uint32_t live;       // items in use
  uint32_t next, prev; // in the list of partly filled chunks, by place in the directory
  uint32_t first_word; // no free item in the words of `bits` before this one
  uint32_t skipped;    // bytes of the memory that were passed over so that the items are aligned
  uint64_t bits[];
};

static inline struct slab_chunk *slab_chunk_at(const struct slab *s, uint32_t place)
{
  void *header = s->chunks[place] - s->header_bytes;
  return header;
}

// item_bytes > 0, a multiple of the items' alignment. Takes no memory yet.
void slab_init(struct slab *s, struct mem *mem, uint32_t item_bytes, enum estab_mem_kind kind);

// The index of a new item, all zero; SLAB_NONE when memory is refused. Low indices are preferred
// within a chunk and indices are reused at once: whoever hands them out adds a generation.
uint32_t slab_new(struct slab *s);
// The same, and answers the item itself, NULL when memory is refused.
void *slab_new_at(struct slab *s, uint32_t *index);
// And a copy of `model`, which is as long as an item.
void *slab_new_like(struct slab *s, const void *model, uint32_t *index);

// The index must be live.
void slab_free(struct slab *s, uint32_t index);

// The item of a live index; its address holds until slab_free().
static inline void *slab_at(const struct slab *s, uint32_t index)
{
  return s->chunks[index >> s->shift] + (size_t)(index & s->mask) * s->item_bytes;
}

// Whether an index, any number, is one of a live item.
static inline bool slab_live(const struct slab *s, uint32_t index)
{
  uint32_t place = index >> s->shift, item = index & s->mask;
  if (place >= s->directory_used || !s->chunks[place]) return false;
  return slab_chunk_at(s, place)->bits[item >> 6] >> (item & 63) & 1;
}

// The first live index from `index` on, SLAB_NONE: there is none. For walks in the order in which items lie.
uint32_t slab_next(const struct slab *s, uint32_t index);

// One past the highest index that can be live, for walks: `for i < slab_top(s)) if (slab_live...)`.
static inline uint32_t slab_top(const struct slab *s)
{
  return s->directory_used << s->shift;
}

// Gives back the spare chunk, and the directory when nothing lives.
void slab_trim(struct slab *s);

// Gives back everything, live items too; then as after slab_init().
void slab_destroy(struct slab *s);

#endif
