// SPDX-License-Identifier: BSD-2-Clause
// measure.h - why a connection was slow: repetitions, reordering, duplicate ACKs, zero windows, round trips, limits.
#ifndef ESTAB_WATCH_MEASURE_H
#define ESTAB_WATCH_MEASURE_H

#include "watch/track.h"

enum flow_limit { // what the sender of text waits for
  LIMIT_RECEIVER_WINDOW,
  LIMIT_SENDER_OR_PATH,
  LIMIT_LOSS,
  LIMIT_IDLE,
};

#define MEASURE_LIMIT_BYTES                                                                        \
  65536u // text of one side from which on limits are told, and kept where nothing was sent again before

// Before the machines see the segment: they move what this compares with.
void measure_segment(struct track *t, struct flow *f, const struct segment *g);
// Its part that every segment needs. `again`: its text is a repetition.
void measure_rtt(struct track *t, struct flow *f, const struct segment *g, bool again);
// It acknowledges what has not passed: lost by the capture, or about to come, where that took it from two queues.
WATCH_RARE void measure_acked_unseen(struct track *t, struct flow *f, const struct segment *g);
// After them: what is waited for from now on.
void measure_limits(struct track *t, struct flow *f, const struct segment *g);
// A side keeps its window shut, and the detectors may have to be told.
static inline bool measure_is_shut(const struct flow *f)
{
  return ((f->side[0].bits | f->side[1].bits) & SIDE_ZERO) != 0;
}
// When the originator's has been shut for so long that it is held; ESTAB_NEVER.
WATCH_RARE uint64_t measure_hold_deadline(struct track *t, struct flow *f);
// That time has come.
WATCH_RARE void measure_hold_due(struct track *t, struct flow *f, uint64_t now_ns);
// Another row of the life begins, its counters are empty: a window that is shut then is shut in that row too.
void measure_next_row(const struct flow *f, struct flow_trouble *r, uint64_t ts_ns);

// The shortest round trip between the tap and this end: of the handshake, SYN to SYN-ACK or SYN-ACK to ACK, or of text
// that it acknowledged. 0: not known, or the clock is coarser.
uint64_t measure_half_ns(struct track *t, struct flow *f, unsigned end);
// Of text that one end acknowledged, with the half of the other end. ESTAB_WATCH_TIME_NONE: one is not known.
uint64_t measure_least_ns(struct track *t, struct flow *f);

// SYN to the ACK of the SYN-ACK, both ways past the tap; ESTAB_WATCH_TIME_NONE where that was not seen, or one was said
// twice.
uint64_t measure_handshake_ns(struct track *t, struct flow *f);

#endif
