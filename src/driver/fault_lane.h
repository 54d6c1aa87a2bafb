// SPDX-License-Identifier: BSD-2-Clause
// fault_lane.h - one direction of a faulty link: frames under way, and what befalls them.
#ifndef ESTAB_DRIVER_FAULT_LANE_H
#define ESTAB_DRIVER_FAULT_LANE_H

#include "device.h"

// A frame as a wire carries it; its bytes follow the struct.
struct fault_parcel {
  struct fault_parcel *next; // for the user, once taken
  uint64_t due_ns;
  uint64_t order;         // of admission: equal times keep it
  uint64_t after_arrival; // held back: goes on once this many frames have come
  size_t n;
};

#define FAULT_HELD_MAX 300 // deepest reordering there is

struct fault_lane {
  struct estab_fault_rates rates;
  struct estab_fault_counters counters;
  uint64_t random;
  uint64_t order;
  size_t l3_offset; // bytes before this are never corrupted
  struct fault_parcel **heap;
  size_t heap_count, heap_room;
  struct fault_parcel *held[FAULT_HELD_MAX];
  size_t held_count;
};

void fault_lane_init(struct fault_lane *lane, const struct estab_fault_rates *rates, uint64_t seed,
                     size_t l3_offset);
void fault_lane_free(struct fault_lane *lane);
size_t fault_lane_count(const struct fault_lane *lane);
// Takes a copy of the frame, cut to what a wire carries, and lets things happen to it.
void fault_lane_admit(struct fault_lane *lane, uint64_t now_ns, const struct estab_frame *frame);
// The next frame that has arrived by now, or NULL; _take gives it away, to be freed with free().
const struct fault_parcel *fault_lane_due(struct fault_lane *lane, uint64_t now_ns);
struct fault_parcel *fault_lane_take(struct fault_lane *lane);
uint64_t fault_lane_deadline(const struct fault_lane *lane);

static inline uint8_t *fault_parcel_bytes(struct fault_parcel *p)
{
  return (uint8_t *)(p + 1);
}

#endif
