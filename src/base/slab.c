// SPDX-License-Identifier: BSD-2-Clause
// slab.c - many items of one size, addressed by a 32-bit index, that never move.
#include <string.h>

#include "base/slab.h"

enum { SLAB_CHUNK_BYTES = 12 * 1024, SLAB_ITEM_ALIGN = 16, SLAB_LINE_BYTES = 64 };

static size_t slab_chunk_bytes(const struct slab *s)
{
  return s->header_bytes + s->slack_bytes + ((size_t)s->mask + 1) * s->item_bytes;
}

static uint32_t slab_words(const struct slab *s)
{
  return (s->mask >> 6) + 1;
}

void slab_init(struct slab *s, struct mem *mem, uint32_t item_bytes, enum estab_mem_kind kind)
{
  memset(s, 0, sizeof *s);
  s->mem = mem;
  s->item_bytes = item_bytes;
  s->kind = (uint8_t)kind;
  while (((size_t)item_bytes << s->shift) < SLAB_CHUNK_BYTES)
    s->shift++;
  s->mask = (1u << s->shift) - 1;
  size_t header = sizeof(struct slab_chunk) + slab_words(s) * sizeof(uint64_t);
  s->header_bytes = (uint16_t)((header + SLAB_ITEM_ALIGN - 1) & ~(size_t)(SLAB_ITEM_ALIGN - 1));
  if (item_bytes % SLAB_LINE_BYTES == 0) s->slack_bytes = SLAB_LINE_BYTES - SLAB_ITEM_ALIGN;
  s->partial = s->spare = SLAB_NONE;
}

static void slab_partial_add(struct slab *s, uint32_t place)
{
  struct slab_chunk *c = slab_chunk_at(s, place);
  c->prev = SLAB_NONE;
  c->next = s->partial;
  if (c->next != SLAB_NONE) slab_chunk_at(s, c->next)->prev = place;
  s->partial = place;
}

static void slab_partial_remove(struct slab *s, uint32_t place)
{
  struct slab_chunk *c = slab_chunk_at(s, place);
  if (c->next != SLAB_NONE) slab_chunk_at(s, c->next)->prev = c->prev;
  if (c->prev != SLAB_NONE)
    slab_chunk_at(s, c->prev)->next = c->next;
  else
    s->partial = c->next;
}

// A place of the directory without a chunk, or SLAB_NONE. Grown by an eighth, so that what stands
// empty in it stays far below a byte an item.
static uint32_t slab_place(struct slab *s)
{
  while (s->hole < s->directory_used && s->chunks[s->hole])
    s->hole++;
  if (s->hole < s->directory_slots) return s->hole;
  if (s->hole >= SLAB_NONE >> s->shift) return SLAB_NONE;

  uint32_t slots = s->directory_slots + s->directory_slots / 8 + 4;
  uint8_t **grown = mem_resize(s->mem, s->chunks, s->directory_slots * sizeof *grown,
                               slots * sizeof *grown, ESTAB_MEM_TABLE);
  if (!grown) return SLAB_NONE;
  for (uint32_t i = s->directory_slots; i < slots; i++)
    grown[i] = NULL;
  s->chunks = grown;
  s->directory_slots = slots;
  return s->hole;
}

// A new empty chunk's place, in no list; SLAB_NONE when memory is refused.
static uint32_t slab_chunk_new(struct slab *s)
{
  uint32_t place = slab_place(s);
  if (place == SLAB_NONE) return SLAB_NONE;
  uint8_t *memory = mem_new_raw(s->mem, slab_chunk_bytes(s), (enum estab_mem_kind)s->kind);
  if (!memory) return SLAB_NONE;
  uintptr_t behind = (uintptr_t)(memory + s->header_bytes) & (SLAB_LINE_BYTES - 1);
  uint32_t skipped =
      s->slack_bytes && behind ? (uint32_t)(SLAB_LINE_BYTES - behind) & ~(SLAB_ITEM_ALIGN - 1u) : 0;
  s->chunks[place] = memory + skipped + s->header_bytes;
  struct slab_chunk *c = slab_chunk_at(s, place);
  memset(c, 0, s->header_bytes);
  c->skipped = skipped;
  if (place >= s->directory_used) s->directory_used = place + 1;
  s->chunk_count++;
  return place;
}

static void slab_chunk_release(struct slab *s, uint32_t place)
{
  uint8_t *memory = (uint8_t *)slab_chunk_at(s, place) - slab_chunk_at(s, place)->skipped;
  mem_free(s->mem, memory, slab_chunk_bytes(s), (enum estab_mem_kind)s->kind);
}

static void slab_chunk_free(struct slab *s, uint32_t place)
{
  slab_chunk_release(s, place);
  s->chunks[place] = NULL;
  s->chunk_count--;
  if (place < s->hole) s->hole = place;
  while (s->directory_used && !s->chunks[s->directory_used - 1])
    s->directory_used--;
  if (s->hole > s->directory_used) s->hole = s->directory_used;
  if (s->directory_slots > 16 && s->directory_used < s->directory_slots / 2) {
    uint32_t slots = s->directory_used + s->directory_used / 8 + 4;
    s->chunks = mem_resize(s->mem, s->chunks, s->directory_slots * sizeof *s->chunks,
                           slots * sizeof *s->chunks, ESTAB_MEM_TABLE);
    s->directory_slots = slots;
  }
}

// A new chunk, the only one with room, or SLAB_NONE.
static __attribute__((noinline)) uint32_t slab_room_new(struct slab *s)
{
  uint32_t place = slab_chunk_new(s);
  if (place != SLAB_NONE) slab_partial_add(s, place);
  return place;
}

// A new item's index, contents undefined.
static inline __attribute__((always_inline)) uint32_t slab_take(struct slab *s)
{
  uint32_t place = s->partial;
  if (place == SLAB_NONE && (place = slab_room_new(s)) == SLAB_NONE) return SLAB_NONE;
  struct slab_chunk *c = slab_chunk_at(s, place);
  if (place == s->spare) { // it stays empty as long as there is room elsewhere
    if (c->next == SLAB_NONE)
      s->spare = SLAB_NONE;
    else
      c = slab_chunk_at(s, place = c->next);
  }
  uint32_t word = c->first_word;
  while (c->bits[word] == UINT64_MAX)
    word++;
  c->first_word = word;
  uint32_t item = word * 64 + (uint32_t)__builtin_ctzll(~c->bits[word]);
  c->bits[word] |= c->bits[word] + 1; // the lowest 0 becomes 1
  if (++c->live == s->mask + 1) slab_partial_remove(s, place);
  s->count++;
  return place << s->shift | item;
}

uint32_t slab_new(struct slab *s)
{
  uint32_t index = slab_take(s);
  if (index != SLAB_NONE) memset(slab_at(s, index), 0, s->item_bytes);
  return index;
}

void *slab_new_at(struct slab *s, uint32_t *index)
{
  *index = slab_take(s);
  return *index != SLAB_NONE ? memset(slab_at(s, *index), 0, s->item_bytes) : NULL;
}

void *slab_new_like(struct slab *s, const void *model, uint32_t *index)
{
  *index = slab_take(s);
  return *index != SLAB_NONE ? memcpy(slab_at(s, *index), model, s->item_bytes) : NULL;
}

// A chunk has become empty, another is kept spare: of two keep the lower one, the directory can then shrink.
static __attribute__((noinline)) void slab_keep_lower(struct slab *s, uint32_t place)
{
  uint32_t higher = s->spare > place ? s->spare : place;
  s->spare = s->spare > place ? place : s->spare;
  slab_partial_remove(s, higher);
  slab_chunk_free(s, higher);
}

void slab_free(struct slab *s, uint32_t index)
{
  uint32_t place = index >> s->shift, item = index & s->mask;
  struct slab_chunk *c = slab_chunk_at(s, place);
  c->bits[item >> 6] &= ~(UINT64_C(1) << (item & 63));
  if (item >> 6 < c->first_word) c->first_word = item >> 6;
  if (c->live == s->mask + 1) slab_partial_add(s, place);
  c->live--;
  s->count--;
  if (c->live) return;
  if (s->spare == SLAB_NONE)
    s->spare = place;
  else
    slab_keep_lower(s, place);
}

uint32_t slab_next(const struct slab *s, uint32_t index)
{
  for (uint32_t place = index >> s->shift; place < s->directory_used; place++) {
    const uint32_t from = place == index >> s->shift ? index & s->mask : 0;
    if (!s->chunks[place]) continue;
    const struct slab_chunk *const c = slab_chunk_at(s, place);
    uint64_t skipped = (UINT64_C(1) << (from & 63)) - 1;
    for (uint32_t word = from >> 6; word < slab_words(s); word++, skipped = 0) {
      const uint64_t live = c->bits[word] & ~skipped;
      if (live) return place << s->shift | (word * 64 + (uint32_t)__builtin_ctzll(live));
    }
  }
  return SLAB_NONE;
}

void slab_trim(struct slab *s)
{
  if (s->spare != SLAB_NONE) {
    slab_partial_remove(s, s->spare);
    slab_chunk_free(s, s->spare);
  }
  s->spare = SLAB_NONE;
  if (s->chunk_count) return;
  mem_free(s->mem, s->chunks, s->directory_slots * sizeof *s->chunks, ESTAB_MEM_TABLE);
  s->chunks = NULL;
  s->directory_slots = 0;
}

void slab_destroy(struct slab *s)
{
  for (uint32_t place = s->directory_used; place-- > 0;)
    if (s->chunks[place]) slab_chunk_release(s, place);
  mem_free(s->mem, s->chunks, s->directory_slots * sizeof *s->chunks, ESTAB_MEM_TABLE);
  slab_init(s, s->mem, s->item_bytes, (enum estab_mem_kind)s->kind);
}
