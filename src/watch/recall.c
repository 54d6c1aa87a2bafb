// SPDX-License-Identifier: BSD-2-Clause
// recall.c - text that passed lately.
#include "watch/recall.h"

#include <string.h>

#include "base/bytes.h"
#include "proto/seq.h"

struct recall_entry {
  uint64_t who, before; // before: where the bucket's next older entry begins, + 1
  uint32_t seq;
  uint16_t count;
  uint8_t ttl, unused;
};

// Entries begin at multiples of this, so 32 bits say where.
#define RECALL_STEP 8
_Static_assert(sizeof(struct recall_entry) % RECALL_STEP == 0, "so does the next one");

void recall_init(struct recall *r, struct mem *mem, uint32_t bytes)
{
  memset(r, 0, sizeof *r);
  r->size = 4096;
  r->most = RECALL_TEXT;
  while (r->size * 2 <= bytes)
    r->size *= 2;
  r->ring = mem_new_raw(mem, r->size, ESTAB_MEM_WATCH);
}

void recall_destroy(struct recall *r, struct mem *mem)
{
  mem_free(mem, r->ring, r->size, ESTAB_MEM_WATCH);
  r->ring = NULL;
}

// The ring is larger than caches: what the next text will be written over is asked for now, each line once.
#define RECALL_AHEAD 2048 // octets
#define RECALL_LINE  64

static inline __attribute__((always_inline)) void recall_ask(struct recall *r)
{
  uint64_t asked = r->asked < r->head ? r->head : r->asked;
  for (; asked < r->head + RECALL_AHEAD; asked += RECALL_LINE)
    __builtin_prefetch(r->ring + ((uint32_t)asked & (r->size - 1)), 1);
  r->asked = asked;
}

uint32_t recall_add(struct recall *r, uint64_t who, uint32_t seq, const uint8_t *text,
                    uint32_t count, uint8_t ttl)
{
  if (!r->ring || !count) return 0;
  if (count > r->most) count = r->most;
  uint32_t takes =
      (uint32_t)sizeof(struct recall_entry) + ((count + RECALL_STEP - 1) & ~(RECALL_STEP - 1u));
  uint32_t at = (uint32_t)r->head & (r->size - 1);
  if (at + takes > r->size) { // an entry lies in one piece
    r->head += r->size - at;
    at = 0;
  }
  uint64_t *last = &r->last[recall_bucket(who)];
  struct recall_entry e = {
      .who = who, .before = *last, .seq = seq, .count = (uint16_t)count, .ttl = ttl};
  memcpy(r->ring + at, &e, sizeof e);
  memcpy(r->ring + at + sizeof e, text, count);
  *last = r->head + 1;
  r->head += takes;
  recall_ask(r);
  return (uint32_t)((*last - 1) / RECALL_STEP) + 1;
}

bool recall_has(const struct recall *r, uint32_t place, const uint8_t *text, uint32_t count)
{
  const uint32_t steps = r->size / RECALL_STEP, step = place - 1;
  if (place == 0 || (uint32_t)(r->head / RECALL_STEP) - step > steps) return false; // written over
  const uint8_t *const at = r->ring + (size_t)(step & (steps - 1)) * RECALL_STEP;
  struct recall_entry e;
  memcpy(&e, at, sizeof e);
  return e.count == count && memcmp(at + sizeof e, text, count) == 0;
}

static bool recall_compare(const uint8_t *old, const uint8_t *text, uint32_t count,
                           struct recall_difference *out)
{
  if (memcmp(old, text, count) == 0) return false;
  uint32_t first = 0;
  while (old[first] == text[first])
    first++;
  out->differ = 0;
  for (uint32_t i = first; i < count; i++)
    out->differ += old[i] != text[i];
  out->old = old + first;
  out->at = first;
  out->length = count - first;
  return true;
}

bool recall_differs(const struct recall *r, uint64_t who, uint32_t seq, const uint8_t *text,
                    uint32_t count, struct recall_difference *out)
{
  if (!r->ring) return false;
  uint64_t place = r->last[recall_bucket(who)];
  uint32_t end = seq + count;
  for (unsigned i = 0; place && i < RECALL_STEPS; i++) {
    if (place - 1 + r->size < r->head + RECALL_TEXT + 64) return false; // may be written over
    const uint8_t *at = r->ring + ((uint32_t)(place - 1) & (r->size - 1));
    struct recall_entry e;
    memcpy(&e, at, sizeof e);
    place = e.before;
    if (e.who != who || !seq_lt(e.seq, end) || !seq_lt(seq, e.seq + e.count)) continue;
    uint32_t from = seq_max(e.seq, seq), to = seq_min(e.seq + e.count, end);
    if (!recall_compare(at + sizeof e + (from - e.seq), text + (from - seq), to - from, out))
      continue;
    out->at += from - seq;
    out->old_seq = e.seq;
    out->old_bytes = e.count;
    out->old_ttl = e.ttl;
    return true;
  }
  return false;
}
