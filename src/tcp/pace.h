// SPDX-License-Identifier: BSD-2-Clause
// pace.h - pacing: how much may leave now, and when the rest may. A bucket of credit that fills at the pacing rate.
//
// The bucket holds a millisecond of the rate, or two segments where that is more: no burst is longer, and what the
// clock came late for is not lost as long as it was not later than that. What has to wait does so until half of it is
// full, so that a connection wakes up a few times a millisecond at most.
#ifndef ESTAB_TCP_PACE_H
#define ESTAB_TCP_PACE_H

#include <stdbool.h>
#include <stdint.h>

// In the work block. A zeroed one has all its credit.
struct pace {
  uint64_t full_ns;          // when the bucket is full again: what has left is worked off
  uint64_t wake_ns;          // when what pace_allows() held back may leave
  uint64_t depart_ns;        // when what may leave would do so, one octet behind the other
  uint64_t asked_ns;         // when pacing was asked last
  uint64_t most_bytes_per_s; // whatever the controller says: no faster; 0 = no bound
  uint32_t seq;              // behind the new text that was counted
  uint32_t asked_bytes; // new text that was allowed then: what left unpaced since is not counted
  bool holds;           // nothing may leave, but by the windows
};

// Octets that may leave at once after a rest.
uint32_t pace_credit(uint64_t rate_bytes_per_s, uint32_t mss_bytes);

// Of want_bytes, how many may leave now: all, or whole segments. 0: p->wake_ns says when. ready_bytes: what would leave
// without pacing, want_bytes at least. `grouped`: many segments are cheaper together, none leaves before half of the
// credit is there.
uint32_t pace_allows(struct pace *p, uint64_t rate_bytes_per_s, uint32_t want_bytes,
                     uint32_t ready_bytes, uint32_t mss_bytes, bool grouped, uint64_t now_ns);

// Octets leave, with or without credit.
void pace_sent(struct pace *p, uint64_t rate_bytes_per_s, uint32_t bytes, uint64_t now_ns);
#endif
