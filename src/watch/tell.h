// SPDX-License-Identifier: BSD-2-Clause
// tell.h - single segments for who asked to see them: what the machines made of one, found by looking before and after.
#ifndef ESTAB_WATCH_TELL_H
#define ESTAB_WATCH_TELL_H

#include "watch/track.h"

// What a connection was before a segment.
struct tell_before {
  struct flow_side side[2]; // by end
  uint32_t retransmitted, spurious, reordered, dup_acks, zero_windows;
  uint8_t life_bits;
  bool over, blind; // blind: life_is_blind() says so of the segment
};

WATCH_RARE void tell_before(struct track *t, struct flow *f, const struct segment *g,
                            struct tell_before *b);
// After both machines saw it; `b` NULL: it is its life's first.
WATCH_RARE void tell_segment(struct track *t, struct flow *f, const struct segment *g,
                             const struct tell_before *b);
bool tell_next(struct track *t, struct estab_watch_segment *out);

#endif
