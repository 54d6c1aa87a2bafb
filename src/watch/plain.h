// SPDX-License-Identifier: BSD-2-Clause
// plain.h - the straight way of what nearly every segment is, through both machines at once.
//
// Nothing here is a rule of its own: what zeek.h, life.h, measure.h and the rest do to such a segment, one step after
// the other and with all their questions answered beforehand. What is not plain is left untouched to them.
#ifndef ESTAB_WATCH_PLAIN_H
#define ESTAB_WATCH_PLAIN_H

#include "watch/track.h"

// A segment of a life of which both SYNs were seen and nothing is missing: text, ACK or FIN, in order, that brings
// up no doubt. false: it is another, and nothing was done. track_judge() is the general way.
bool plain_segment(struct track *t, uint32_t ref, struct flow *f, const struct segment *g);

// What the second segment of a life mostly is: asked before the record becomes a full one.
enum plain_answer {
  PLAIN_NO_ANSWER, // something else, or its first segment was out of the ordinary
  PLAIN_SYN_ACK,
  PLAIN_REFUSAL, // a RST
  PLAIN_END,     // a RST that both machines take for the end, as hosts send it: refused_keep()
};
enum plain_answer plain_is_answer(const struct track *t, const struct flow_one *one,
                                  const struct segment *g);
// Then, with the full record. false: not after all, and nothing was done.
bool plain_answer(struct track *t, uint32_t ref, struct flow *f, const struct segment *g,
                  enum plain_answer what);

#endif
