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
// When that passed which overtook the text at `seq`: while that was missing. ESTAB_NEVER: it is not missing, or nothing
// overtook it. Here a hole counts where the other way was not seen, too.
uint64_t reach_overtaken_ns(struct track *t, struct flow *f, unsigned end, uint32_t seq);
// SND.NXT is set anew.
void reach_forget(struct track *t, struct flow *f, unsigned end);

#endif
