// SPDX-License-Identifier: BSD-2-Clause
// zeek_internal.h - what the files of zeek.h share: numbers and history (zeek.c), text, and states.
#ifndef ESTAB_WATCH_ZEEK_INTERNAL_H
#define ESTAB_WATCH_ZEEK_INTERNAL_H

#include "watch/zeek.h"

static inline uint32_t zeek_place(const struct flow_side *s, uint32_t seq)
{
  return seq - s->start_seq;
}

static inline bool zeek_nothing_acked(const struct flow_side *s)
{
  return s->ack_wraps == 0 && (s->ack_seq == s->start_seq || s->ack_seq == s->start_seq + 1);
}

// zeek.c. Whether `seq` lies before what Zeek takes for the beginning; `last`: the furthest so far, which has gone
// around so often.
bool zeek_underflow(const struct flow_side *s, uint32_t seq, uint32_t last, unsigned wraps);

// zeek_text.c. This segment's text.
void zeek_text(struct track *t, struct flow *f, const struct segment *g);
// The peer of `end` says it has everything before `ack`; `partial`: one of the two began in the middle.
void zeek_acked(struct track *t, struct flow *f, unsigned end, uint32_t ack, bool partial);
// Whether a close of this side has to wait for text that is still on its way.
bool zeek_pending(struct track *t, struct flow *f, unsigned end);

// zeek_states.c. A side enters a state.
void zeek_enter(struct flow *f, unsigned end, enum zeek_state state);
// Originator and responder change places.
WATCH_RARE void zeek_flip(struct track *t, struct flow *f);
// Services that rest for longer have a longer timeout.
void zeek_port_minutes(struct flow *f);
// What this segment's flags change. Answers whether its side has closed, now.
bool zeek_step(struct track *t, struct flow *f, const struct segment *g);
// A side has closed: at once, or when its text is there.
void zeek_closed(struct track *t, struct flow *f, unsigned end);
// Whether it has closed meanwhile: asked when text or an acknowledgment came.
void zeek_check_end(struct track *t, struct flow *f, unsigned end);

#endif
