// SPDX-License-Identifier: BSD-2-Clause
// life_internal.h - what the files of life.h share: steps of the states (life.c), and FIN, SYN and RST, a file each.
#ifndef ESTAB_WATCH_LIFE_INTERNAL_H
#define ESTAB_WATCH_LIFE_INTERNAL_H

#include "proto/seq.h"
#include "watch/life.h"

// life.c: a side enters a state at that time; `seen`: its own segment shows it, otherwise it is inferred.
void life_enter(struct track *t, struct flow *f, unsigned end, enum estab_state state,
                uint64_t ts_ns, uint64_t packet, bool seen);
// By this segment, as it passes the tap.
void life_enter_now(struct track *t, struct flow *f, const struct segment *g, unsigned end,
                    enum estab_state state);
// Notes whether both sides are CLOSED.
void life_look_over(struct flow *f);

// Over, it took an old SYN that came late for a new one (RFC 9293 3.5, Figure 9), and waits for an ACK of that answer
// while the other side knows the closed connection alone.
static inline bool life_is_reborn(const struct flow_side *s)
{
  return s->state == ESTAB_SYN_RECEIVED && (s->bits & SIDE_FIN);
}

// Whether `ack` acknowledges the SYN of a side in SYN-SENT, and no more than that and its text, RFC 7413 4.2.2.
static inline bool life_acks_syn(const struct flow_side *s, uint32_t ack)
{
  return ack == s->nxt || (seq_gt(ack, s->nxt) && seq_le(ack, s->last_seq));
}

// life_fin.c. Where the FIN of a side is, if it has sent one.
bool life_has_fin(struct track *t, struct flow *f, unsigned end, uint32_t *fin);
// This segment has a FIN.
void life_fin_sent(struct track *t, struct flow *f, const struct segment *g);
// The peer's FIN has reached this side with all text before it.
void life_fin_arrives(struct track *t, struct flow *f, const struct segment *g, unsigned end);
// So it had, as this segment's acknowledgment proves: dated by the FIN itself.
void life_fin_arrived(struct track *t, struct flow *f, const struct segment *g);
// The FIN of `end` is acknowledged, RFC 9293 3.10.7.4, fifth.
void life_acked_fin(struct track *t, struct flow *f, const struct segment *g, unsigned end);
// Whether `seq` of `end` has not reached its receiver with all before it, as far as the tap knows.
bool life_hole_before(struct track *t, struct flow *f, unsigned end, uint32_t seq);

// life_syn.c. This segment has a SYN.
void life_syn(struct track *t, struct flow *f, const struct segment *g);
// A SYN-ACK of a side that sent its SYN before: simultaneous open, RFC 9293 3.5 Figure 7.
WATCH_RARE void life_synack_after_syn(struct track *t, struct flow *f, const struct segment *g);
// An ACK picks one of two SYN-ACKs, a SYN-ACK one of two SYNs.
WATCH_RARE void life_pick(struct track *t, struct flow *f, const struct segment *g);

// life_rst.c. This segment is a RST.
void life_rst(struct track *t, struct flow *f, const struct segment *g);
// Any other one of a side that has sent a RST.
WATCH_RARE void life_passes_rst(struct track *t, struct flow *f, const struct segment *g);
// What a side still sends had left before the other's RST came there: the two met on the way. It is as before then;
// *rst is when that RST passed, and what has to be said of it again.
WATCH_RARE bool life_crosses_rst(struct track *t, struct flow *f, const struct segment *g,
                                 struct segment *rst);
// It asks again after a RST refused it, as some do, or that RST has not come to it: both begin anew.
WATCH_RARE void life_asks_again(struct track *t, struct flow *f, const struct segment *g);

#endif
