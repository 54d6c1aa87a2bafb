// SPDX-License-Identifier: BSD-2-Clause
// plpmtud.h - packetization layer path MTU discovery, RFC 4821 and RFC 8899: how large packets may be is found out by
// what arrives, where routers do not say it.
//
// t->plpmtu, when not 0, bounds what the path and the peer allow: a size that was seen to arrive, or the base from
// which a search begins. The search runs while t->mtu_search: new text leaves in one larger segment, the probe, with
// usual ones behind it. If it is acknowledged, segments are that large from now on; if it alone is lost, its text is
// sent again in usual segments, and that is no sign of congestion: the next one waits for a round trip. What failed
// MAX_PROBES times is too large. A search begins when timeouts in a row say that large segments vanish (a black hole),
// when a connection is established (by setting), or when what a search has found is old: it is shared with the path,
// which forgets it after ten minutes.
// Only with a peer that speaks SACK; with another, a black hole is left by the smaller size, and that is all.
#ifndef ESTAB_TCP_PLPMTUD_H
#define ESTAB_TCP_PLPMTUD_H

#include <stdbool.h>
#include <stdint.h>

enum {
  PLPMTUD_BASE = 1280,    // BASE_PLPMTU: IPv6's least, and what nearly all paths of IPv4 carry
  PLPMTUD_LEAST4 = 576,   // MIN_PLPMTU of IPv4: what every host takes, RFC 791
  PLPMTUD_MAX_PROBES = 3, // RFC 8899 5.1.2
  PLPMTUD_CLOSE = 8,      // octets: it is not worth more probes
  PLPMTUD_BEHIND =
      4, // usual segments that must be ready to follow a probe, so that its loss is seen
};

// A search that is under way; in the work block, so that one is begun anew after a rest. A zeroed one knows nothing.
struct plpmtud {
  uint32_t ssthresh_bytes; // before the timeouts that began it, 0 = none did
  uint64_t wait_until_ns;  // no probe before, see plpmtud_wait()
  uint32_t start, end;     // sequence numbers of the probe, while in_flight or repairing
  uint16_t size;           // bytes of its IP packet; of the last one, when none is in flight
  uint16_t high;           // the least size that was found too large, 0 = none
  uint8_t losses;          // of probes of this size, in a row
  bool in_flight;
  bool repairing; // it was lost, and what it carried is not yet acknowledged
};

// What to try next: above low, which arrives, at most top, which nothing forbids. 0: the search is over.
uint16_t plpmtud_next(uint32_t low, uint32_t high, uint32_t top);

#endif
