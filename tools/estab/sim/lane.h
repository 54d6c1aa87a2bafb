// SPDX-License-Identifier: BSD-2-Clause
// lane.h - one direction of the link: what happens to packets between two hosts.
#ifndef ESTAB_SIM_LANE_H
#define ESTAB_SIM_LANE_H

#include "chance.h"

struct lane_faults {
  uint32_t loss_ppm, duplicate_ppm, reorder_ppm, corrupt_ppm;
  uint32_t reorder_packets; // a reordered packet is overtaken by at most so many
  uint32_t burst_ppm;       // a run of losses begins,
  uint32_t burst_packets;   // of at most so many
  uint64_t delay_ns;        // of every packet
  uint64_t jitter_ns;       // and up to so much more
  uint64_t rate_bits_per_s; // 0 = no limit
  uint64_t queue_bytes;     // in front of the limit; beyond it packets are lost
  uint64_t blackout_at_ns;  // since the start: nothing passes from here
  uint64_t blackout_ns;     // for so long
};

struct lane_counters {
  uint64_t packets, bytes, lost, duplicated, reordered, corrupted;
};

struct lane_packet {
  struct lane_packet *next;
  uint64_t due_ns;
  uint64_t after; // goes on once so many packets have been admitted, or at due_ns
  size_t count;
  uint8_t bytes[];
};

struct lane {
  struct lane_faults faults;
  struct lane_counters counters;
  struct chance chance;
  uint64_t start_ns, free_ns; // free_ns: when the rate limit lets the next one go
  uint32_t burst_left;
  uint64_t burst_until_ns;   // a burst is over then, even if few packets came
  struct lane_packet *first; // by due_ns
  struct lane_packet *held;  // to be overtaken
  bool cut;                  // nothing passes any more
  // A rehearsed loss: packet number lose_at (from 1) and the lose_count - 1 behind it.
  uint64_t lose_at, lose_count;
};

void lane_start(struct lane *lane, const struct lane_faults *faults, uint64_t seed,
                uint64_t now_ns);
void lane_end(struct lane *lane);
// Takes a copy; false if it was lost.
bool lane_admit(struct lane *lane, uint64_t now_ns, const uint8_t *bytes, size_t count);
uint64_t lane_deadline(const struct lane *lane);
// The next packet that has arrived by now, to be freed; NULL = none.
struct lane_packet *lane_take(struct lane *lane, uint64_t now_ns);

#endif
