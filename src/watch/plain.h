// SPDX-License-Identifier: BSD-2-Clause
// plain.h - the straight way of what nearly every segment is, through both machines at once.
//
// Nothing here is a rule of its own: what zeek.c, life.c, measure.c and the rest do to such a segment, one step after
// the other and with all their questions answered beforehand. What is not plain is left untouched to them.
#ifndef ESTAB_WATCH_PLAIN_H
#define ESTAB_WATCH_PLAIN_H

#include "watch/track.h"

// A segment of a life of which both SYNs were seen and nothing is missing: text, ACK or FIN, in order, that brings
// up no doubt. false: it is another, and nothing was done. track_judge() is the general way.
bool plain_segment(struct track *t, uint32_t ref, struct flow *f, const struct segment *g);

// Whether a segment is what nearly every SYN is answered by: asked before the record becomes a full one.
bool plain_is_answer(const struct track *t, const struct flow_one *one, const struct segment *g);
// It is.
void plain_answer(struct track *t, struct flow *f, const struct segment *g);

#endif
