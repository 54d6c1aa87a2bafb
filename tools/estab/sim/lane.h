// SPDX-License-Identifier: BSD-2-Clause
// lane.h - one direction of a link: what happens to packets between two nodes.
//
// A packet is admitted, meets loss and the policer, waits in the queue for the rate limit, and is in flight until
// it is due at the other end; on the way it may be broken, doubled, or held until others have overtaken it.
#ifndef ESTAB_SIM_LANE_H
#define ESTAB_SIM_LANE_H

#include "chance.h"

enum lane_queue_kind {
  LANE_DROP_TAIL, // what does not fit is lost
  LANE_RED,       // lost or marked with a chance that grows between a sixth and half of the queue
  LANE_CODEL,     // RFC 8289: lost or marked when packets wait more than 5 ms for 100 ms
};

struct lane_faults {
  uint32_t loss_ppm, duplicate_ppm, reorder_ppm, corrupt_ppm;
  uint32_t reorder_packets;   // a reordered packet is overtaken by at most so many
  uint32_t burst_ppm;         // a run of losses begins,
  uint32_t burst_packets;     // of at most so many
  uint32_t loss_period;       // every so manieth packet is lost, 0 = none
  uint32_t lose_number;       // this one alone is lost, counted from 1; 0 = none
  uint32_t bad_ppm, good_ppm; // Gilbert and Elliott: chances to turn bad and good again, a packet
  uint32_t bad_loss_ppm;      // of loss while it is bad
  uint64_t delay_ns;          // of every packet
  uint64_t jitter_ns;         // and up to so much more
  uint64_t rate_bits_per_s;   // 0 = no limit
  uint64_t queue_bytes;       // in front of the limit; beyond it packets are lost
  uint8_t queue;              // enum lane_queue_kind
  bool ecn;                   // RED and CoDel mark packets that allow it (RFC 3168 5) instead
  uint64_t police_bits_per_s; // a token bucket that loses what exceeds it, 0 = none
  uint64_t police_bytes;      // its depth
  uint32_t mtu;               // longer packets are lost, 0 = any length passes
  uint64_t blackout_at_ns;    // since the start: nothing passes from here
  uint64_t blackout_ns;       // for so long
};

struct lane_counters {
  uint64_t packets, bytes, lost, duplicated, reordered, corrupted;
  uint64_t lost_in_queue, policed, marked, too_long; // all but marked are in `lost`, too
  uint64_t queue_peak_bytes;
};

struct lane_packet {
  struct lane_packet *next, *before; // before: in flight only
  uint64_t due_ns;                   // queued: when it was admitted
  uint64_t after; // goes on once so many packets have been launched, or at due_ns
  size_t count;
  uint8_t bytes[];
};

struct lane_queue {
  struct lane_packet *first, *last;
  uint64_t bytes;
  uint64_t free_ns;     // when the head's last bit leaves, if there is a head
  uint64_t average_256; // RED: of bytes, times 256
  // CoDel, RFC 8289 5
  uint64_t above_since_ns, drop_next_ns;
  uint32_t drops, drops_before;
  bool dropping;
};

struct lane {
  uint64_t launched; // packets that went into flight in their turn
  struct lane_faults faults;
  struct lane_counters counters;
  struct chance chance;
  uint64_t start_ns;
  uint32_t burst_left;
  uint64_t burst_until_ns;   // a burst is over then, even if few packets came
  bool bad;                  // Gilbert and Elliott's state
  uint64_t tokens, token_ns; // policer: bytes, as of
  struct lane_queue queue;
  struct lane_packet *first, *last; // in flight, by due_ns
  struct lane_packet *held;         // to be overtaken
  bool cut;                         // nothing passes any more
  // A rehearsed loss: packet number lose_at (from 1) and the lose_count - 1 behind it.
  uint64_t lose_at, lose_count;
};

void lane_start(struct lane *lane, const struct lane_faults *faults, uint64_t seed,
                uint64_t now_ns);
void lane_end(struct lane *lane);
// Takes a copy; false if it was lost at once.
bool lane_admit(struct lane *lane, uint64_t now_ns, const uint8_t *bytes, size_t count);
// When something happens here next; UINT64_MAX = never.
uint64_t lane_deadline(const struct lane *lane);
// The next packet that has arrived by now, to be freed; NULL = none.
struct lane_packet *lane_take(struct lane *lane, uint64_t now_ns);

// lane_queue.c

// false: the packet found no place and is still the caller's.
bool lane_queue_add(struct lane *lane, struct lane_packet *p, uint64_t now_ns);
// The next packet whose last bit has left by now, *left_ns says when; NULL = none.
struct lane_packet *lane_queue_take(struct lane *lane, uint64_t now_ns, uint64_t *left_ns);
// Congestion Experienced on a packet that allows it. false: it does not.
bool lane_mark(uint8_t *packet, size_t count);

#endif
