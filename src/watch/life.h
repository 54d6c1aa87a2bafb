// SPDX-License-Identifier: BSD-2-Clause
// life.h - RFC 9293's states of both sides, as far as the segments that pass the tap prove or suggest them.
//
// A side's step is dated by the segment that causes it, as that passes the tap. When the side's own later segments
// contradict a step (it repeats what that segment acknowledged), the step is withdrawn. A RST counts only if its
// receiver takes it (RFC 9293 3.10.7.4, RFC 5961 3.2).
#ifndef ESTAB_WATCH_LIFE_H
#define ESTAB_WATCH_LIFE_H

#include "watch/track.h"

#define LIFE_ATTEMPT_IDLE_NS (UINT64_C(75) * FLOW_SECOND_NS)  // longer than any gap of SYN retries
#define LIFE_CLOSING_IDLE_NS (UINT64_C(600) * FLOW_SECOND_NS) // longer than any gap of FIN retries
#define LIFE_OPEN_IDLE_NS                                                                          \
  (UINT64_C(7875) * FLOW_SECOND_NS) // two hours and the probes of a keepalive

#define LIFE_FAR (1u << 30) // further away than this, a number belongs to another connection

// A life begins: both sides CLOSED, nothing known.
void life_begin(struct flow *f, const struct segment *s);
// Both of a life that begins with a plain SYN (segment_is_plain_syn()), without a look at all that this is not.
void life_first_syn(struct track *t, struct flow *f, const struct segment *s);
// A plain answer to that (segment_is_plain_answer()): as life_segment() does it, nothing else being there yet.
void life_first_answer(struct track *t, struct flow *f, const struct segment *s);
// A RST that ends it (PLAIN_END), the other side's first segment: the same.
void life_first_end(struct track *t, struct flow *f, const struct segment *s);
// Whether PAWS drops a segment: asked before any machine sees it, answered to life_segment() as SEGMENT_OLD.
bool life_is_old(struct track *t, struct flow *f, const struct segment *g);
// Whether a segment was made by somebody who knows nothing of the connection: beyond the window, RFC 9293 3.10.7.4,
// first, and what it acknowledges was not sent, fifth; or one of the two, by far. Its receiver drops it, so it is
// answered to life_segment() as SEGMENT_OLD, too. A third one that goes with two before it is believed: the capture
// lacks more.
bool life_is_blind(struct track *t, struct flow *f, const struct segment *g);
void life_segment(struct track *t, struct flow *f, const struct segment *s);
// With LIFE_RST_HELD: where the side whose RST was believed goes on, it never sent that RST.
WATCH_RARE void life_contradicts_rst(struct track *t, struct flow *f, const struct segment *g);

// Whether a SYN begins another life of the same two ends, rather than being a stray one in this.
bool life_is_reuse(struct track *t, struct flow *f, const struct segment *s);

// A SYN that is a late copy of this side's own: it stands a little before what the side has sent since, where no new
// connection begins (RFC 9293 3.4.1, RFC 6528 3).
#define LIFE_LATE_SYN (1u << 20)
static inline bool life_is_late_syn(const struct flow_side *s, uint32_t seq)
{
  return (s->bits & SIDE_SYN) && (s->bits & (SIDE_TEXT | SIDE_FIN)) &&
         s->nxt - seq - 2 < LIFE_LATE_SYN;
}
// A SYN that this side has sent before.
static inline bool life_is_own_syn(const struct flow_side *s, uint32_t seq)
{
  return seq == s->nxt - 1 || life_is_late_syn(s, seq);
}
// Whether a SYN-ACK proves that *asked, a SYN in the middle of this life, began another (life_anew.c).
WATCH_RARE bool life_is_anew(struct track *t, struct flow *f, const struct segment *s,
                             struct segment *asked);
// Rows of lives: before a SYN of another number, in a life that was open, the row is kept as it is; and taken back once
// that SYN has begun another life, so that this one's row does not have it.
WATCH_RARE void life_keep(struct track *t, struct flow *f, const struct segment *s);
WATCH_RARE void life_take_back(struct track *t, struct flow *f, unsigned end);
// The record goes on as that of the life that *asked began; its row is so already.
WATCH_RARE void life_begin_anew(struct track *t, struct flow *f, const struct segment *asked);

// When time alone changes or ends it.
uint64_t life_deadline(struct track *t, struct flow *f);
// TIME-WAIT that has run out by now_ns becomes CLOSED.
void life_time(struct track *t, struct flow *f, uint64_t now_ns);
static inline bool life_is_over(const struct flow *f)
{
  return f->life_bits & LIFE_OVER;
}

// The list that says when the ceiling may take it.
enum flow_class life_class(const struct flow *f);

#endif
