// SPDX-License-Identifier: BSD-2-Clause
// reach.h - how far a side's text has reached its receiver without a hole, as far as the segments tell.
//
// Zeek's machine keeps such an edge too, by Zeek's rules: there text counts that PAWS drops (RFC 7323 5.3), and text
// without its checksum or cut by the capture does not. The states ask this one.
#ifndef ESTAB_WATCH_REACH_H
#define ESTAB_WATCH_REACH_H

#include "watch/track.h"

// RCV.NXT of the side's receiver; SYN and FIN take their place. SIDE_KNOWN must be set.
uint32_t reach_edge(struct track *t, struct flow *f, unsigned end);
// A segment that its receiver takes; moves SND.NXT of its side.
void reach_segment(struct track *t, struct flow *f, const struct segment *g);
// The receiver of `end` says that it has all before `ack`, which is not beyond SND.NXT.
void reach_acked(struct track *t, struct flow *f, unsigned end, uint32_t ack);
// What overtook the text of a segment while that was missing, and when that passed. Here a hole counts where the other
// way was not seen, too.
enum reach_order {
  REACH_NOTHING, // it is not missing, or nothing overtook it
  REACH_LATER,   // by the sender's clock it left before that: overtaken on its way
  REACH_AGAIN,   // it left behind that: sent again
  REACH_UNCLEAR,
};
enum reach_order reach_overtaken(struct track *t, struct flow *f, const struct segment *g,
                                 uint64_t *ahead_ns);
// SND.NXT as far as what was sent without doubt says it: text that may have died on its way may be nobody's.
uint32_t reach_sent(struct track *t, struct flow *f, unsigned end);
// SND.NXT is set anew.
void reach_forget(struct track *t, struct flow *f, unsigned end);

#endif
