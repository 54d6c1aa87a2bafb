// SPDX-License-Identifier: BSD-2-Clause
// timeline.h - the steps of both sides of a connection, packed: what life.c writes and takes back.
#ifndef ESTAB_WATCH_TIMELINE_H
#define ESTAB_WATCH_TIMELINE_H

#include "watch/track.h"

// A step without a packet: a timer's.
#define TIMELINE_NO_PACKET 0

// Adds a step and makes it the side's state. Beyond what is kept, only the state changes.
void timeline_step(struct track *t, struct flow *f, unsigned end, enum estab_state state,
                   uint64_t ts_ns, uint64_t packet);

// Takes a side's last step back, if it is one into `state`: the side is again in the state before. Answers whether.
WATCH_RARE bool timeline_withdraw(struct track *t, struct flow *f, unsigned end,
                                  enum estab_state state);

// When a side entered a state for the first time. false: it did not, or that is not kept.
bool timeline_when(struct track *t, struct flow *f, unsigned end, enum estab_state state,
                   uint64_t *ts_ns, uint64_t *packet);

// The steps of both sides, oldest first, each by end into its out[FLOW_STEPS + FLOW_MORE_STEPS], and how many.
void timeline_read(struct track *t, struct flow *f, struct estab_watch_step *const out[2],
                   uint32_t counts[2]);

#endif
