// SPDX-License-Identifier: BSD-2-Clause
// observe.h - what the tracker tells the detectors of a life, at the moments observation.h names.
#ifndef ESTAB_WATCH_OBSERVE_H
#define ESTAB_WATCH_OBSERVE_H

#include "watch/track.h"

#define OBSERVE_FAR (1 << 24) // further than this from what a side has sent: no host says it

// A record of one segment: that segment itself, the RST that refused it, no answer in time, shed or over; g NULL: a
// timer. FIRST keeps the detectors' answer. END of it says nothing.
void observe_one(struct track *t, struct flow_one *f, enum observation_kind kind,
                 const struct segment *g);
// A full record; g NULL: a timer.
void observe_flow(struct track *t, struct flow *f, enum observation_kind kind,
                  const struct segment *g);
struct observe_suspicion {
  uint8_t what;                   // enum observation_suspicion
  uint8_t suspect_ttl, usual_ttl; // as in struct observation
  uint32_t count;
};
// Of the side that sent `g`; NULL: a timer, the originator.
WATCH_RARE void observe_suspect(struct track *t, struct flow *f, const struct segment *g,
                                const struct observe_suspicion *of);
// An ICMP error that quotes a segment of end `quoted`.
WATCH_RARE void observe_icmp(struct track *t, struct flow_head *f, unsigned quoted, uint64_t ts_ns,
                             uint64_t packet);
// Answers, handshakes, first text and ends that a segment brought, after it was judged.
void observe_news(struct track *t, struct flow *f, const struct segment *g);
// In the middle of a life there are none, once its originator has spoken.
static inline void observe_segment(struct track *t, struct flow *f, const struct segment *g)
{
  const bool middle = (f->observed & FLOW_OBSERVED_DATA) || (f->life_bits & LIFE_MIDSTREAM) ||
                      (g->end != flow_first((const struct flow_head *)f) && !g->text_bytes);
  if (middle && (f->bits & FLOW_ANSWERED) && !(g->flags & (ESTAB_TCP_FIN | ESTAB_TCP_RST))) return;
  observe_news(t, f, g);
}

// What end `end` has sent in this life, its rows told so far included: of those 255 at most.
uint64_t observe_segments(struct track *t, struct flow *f, unsigned end);

// Whether a segment does not go with its life: asked before the machines see it. Of what lives are made of nothing is.
bool observe_is_strange(struct track *t, struct flow *f, const struct segment *g);
// It does not.
WATCH_RARE void observe_strange(struct track *t, const struct flow *f, const struct segment *g);

#endif
