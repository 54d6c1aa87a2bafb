// SPDX-License-Identifier: BSD-2-Clause
// fault_lane.c - seeded loss, duplication, reordering, corruption and delay of one direction.
#include "fault_lane.h"

#include <stdlib.h>
#include <string.h>

// The last frames of a burst have nobody to overtake them; they go on after this much.
#define HOLD_NS 20000000u

// SplitMix64 (Steele, Lea, Flood 2014): every seed is a good one.
static uint64_t draw(struct fault_lane *lane)
{
  uint64_t z = lane->random += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static bool chance(struct fault_lane *lane, uint32_t ppm)
{
  return draw(lane) % 1000000 < ppm;
}

void fault_lane_init(struct fault_lane *lane, const struct estab_fault_rates *rates, uint64_t seed,
                     size_t l3_offset)
{
  memset(lane, 0, sizeof *lane);
  lane->rates = *rates;
  lane->random = seed;
  lane->l3_offset = l3_offset;
  if (lane->rates.reorder_frames == 0) lane->rates.reorder_frames = 3;
  if (lane->rates.reorder_frames > FAULT_HELD_MAX) lane->rates.reorder_frames = FAULT_HELD_MAX;
}

void fault_lane_free(struct fault_lane *lane)
{
  for (size_t i = 0; i < lane->heap_count; i++)
    free(lane->heap[i]);
  for (size_t i = 0; i < lane->held_count; i++)
    free(lane->held[i]);
  free(lane->heap);
  lane->heap = NULL;
  lane->heap_count = lane->heap_room = lane->held_count = 0;
}

size_t fault_lane_count(const struct fault_lane *lane)
{
  return lane->heap_count + lane->held_count;
}

static bool before(const struct fault_parcel *a, const struct fault_parcel *b)
{
  return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

// Frees the parcel when there is no memory: a lost frame like others.
static void heap_push(struct fault_lane *lane, struct fault_parcel *p)
{
  if (lane->heap_count == lane->heap_room) {
    size_t room = lane->heap_room ? lane->heap_room * 2 : 64;
    struct fault_parcel **heap = realloc(lane->heap, room * sizeof *heap);
    if (!heap) {
      lane->counters.lost++;
      free(p);
      return;
    }
    lane->heap = heap;
    lane->heap_room = room;
  }
  size_t i = lane->heap_count++;
  for (; i > 0 && before(p, lane->heap[(i - 1) / 2]); i = (i - 1) / 2)
    lane->heap[i] = lane->heap[(i - 1) / 2];
  lane->heap[i] = p;
}

struct fault_parcel *fault_lane_take(struct fault_lane *lane)
{
  struct fault_parcel *top = lane->heap[0], *last = lane->heap[--lane->heap_count];
  size_t i = 0, child;
  while ((child = 2 * i + 1) < lane->heap_count) {
    if (child + 1 < lane->heap_count && before(lane->heap[child + 1], lane->heap[child])) child++;
    if (!before(lane->heap[child], last)) break;
    lane->heap[i] = lane->heap[child];
    i = child;
  }
  lane->heap[i] = last;
  return top;
}

// Lets go of what was held back long enough, by frames or by time.
static void release(struct fault_lane *lane, uint64_t now_ns)
{
  size_t kept = 0;
  for (size_t i = 0; i < lane->held_count; i++) {
    struct fault_parcel *p = lane->held[i];
    if (lane->counters.frames < p->after_arrival && now_ns < p->due_ns) {
      lane->held[kept++] = p;
      continue;
    }
    if (p->due_ns > now_ns + lane->rates.delay_ns) p->due_ns = now_ns + lane->rates.delay_ns;
    p->order = lane->order++; // behind what overtook it
    heap_push(lane, p);
  }
  lane->held_count = kept;
}

static void corrupt(struct fault_lane *lane, struct fault_parcel *p)
{
  if (p->n <= lane->l3_offset) return;
  size_t bit = (size_t)(draw(lane) % ((p->n - lane->l3_offset) * 8));
  fault_parcel_bytes(p)[lane->l3_offset + bit / 8] ^= (uint8_t)(1u << bit % 8);
  lane->counters.corrupted++;
}

static void admit_copy(struct fault_lane *lane, uint64_t now_ns, const uint8_t *bytes, size_t n)
{
  struct fault_parcel *p = malloc(sizeof *p + n);
  if (!p) {
    lane->counters.lost++;
    return;
  }
  *p = (struct fault_parcel){.order = lane->order++, .n = n};
  memcpy(fault_parcel_bytes(p), bytes, n);
  p->due_ns = now_ns + lane->rates.delay_ns;
  if (lane->rates.jitter_ns) p->due_ns += draw(lane) % (lane->rates.jitter_ns + 1);
  if (chance(lane, lane->rates.corrupt_ppm)) corrupt(lane, p);
  if (!chance(lane, lane->rates.reorder_ppm) || lane->held_count == FAULT_HELD_MAX) {
    heap_push(lane, p);
    return;
  }
  lane->counters.reordered++;
  p->after_arrival = lane->counters.frames + 1 + draw(lane) % lane->rates.reorder_frames;
  p->due_ns += HOLD_NS;
  lane->held[lane->held_count++] = p;
}

static void admit_one(struct fault_lane *lane, uint64_t now_ns, const uint8_t *bytes, size_t n)
{
  lane->counters.frames++;
  if (chance(lane, lane->rates.loss_ppm)) {
    lane->counters.lost++;
  } else {
    admit_copy(lane, now_ns, bytes, n);
    if (chance(lane, lane->rates.duplicate_ppm)) {
      lane->counters.duplicated++;
      admit_copy(lane, now_ns, bytes, n);
    }
  }
  release(lane, now_ns);
}

void fault_lane_admit(struct fault_lane *lane, uint64_t now_ns, const struct estab_frame *frame)
{
  size_t room = estab_frame_bytes(frame);
  unsigned count = estab_gso_count(frame);
  uint8_t *bytes = malloc(room ? room : 1);
  for (unsigned i = 0; i < count; i++) {
    int n = bytes ? estab_gso_cut(frame, i, bytes, room) : ESTAB_ERR_NO_MEMORY;
    if (n > 0)
      admit_one(lane, now_ns, bytes, (size_t)n);
    else
      lane->counters.lost++;
  }
  free(bytes);
}

const struct fault_parcel *fault_lane_due(struct fault_lane *lane, uint64_t now_ns)
{
  release(lane, now_ns);
  return lane->heap_count && lane->heap[0]->due_ns <= now_ns ? lane->heap[0] : NULL;
}

uint64_t fault_lane_deadline(const struct fault_lane *lane)
{
  uint64_t due = lane->heap_count ? lane->heap[0]->due_ns : ESTAB_NEVER;
  for (size_t i = 0; i < lane->held_count; i++)
    if (lane->held[i]->due_ns < due) due = lane->held[i]->due_ns;
  return due;
}
