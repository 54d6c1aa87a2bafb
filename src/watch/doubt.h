// SPDX-License-Identifier: BSD-2-Clause
// doubt.h - where the wire left two readings: an ambiguity is told, or only counted when there are too many.
#ifndef ESTAB_WATCH_DOUBT_H
#define ESTAB_WATCH_DOUBT_H

#include "watch/track.h"

#define DOUBT_PER_CONNECTION 4    // of a kind
#define DOUBT_PER_SECOND     1000 // of all
#define DOUBT_TTL            4    // hops fewer than this side's other segments
#define DOUBT_NEAR           16   // with as many hops left a segment comes anywhere

// Hops fewer than the side's other segments have.
static inline bool doubt_fewer_hops(const struct flow_side *s, uint8_t ttl)
{
  return ttl + DOUBT_TTL < s->ttl;
}

// Whether what `end` sent has so few hops left, by those of its other segments, that it may die between the tap and its
// receiver. Where the other side is never seen nothing is known.
static inline bool doubt_few_hops(const struct flow *f, unsigned end, uint8_t ttl)
{
  return ttl < DOUBT_NEAR && doubt_fewer_hops(&f->side[end], ttl) &&
         (f->side[0].bits & f->side[1].bits & SIDE_SENT);
}

// Whether that keeps its text from being taken until it is acknowledged. RSTs and FINs are believed until something
// contradicts them: hosts send them with other hop counts, too.
static inline bool doubt_dies(const struct flow *f, const struct segment *g)
{
  const uint16_t special = ESTAB_TCP_SYN | ESTAB_TCP_FIN | ESTAB_TCP_RST;
  return g->text_bytes && !(g->flags & special) && doubt_few_hops(f, g->end, g->ttl);
}

// What was `expected` and what `came` are sequence numbers, if the kind has any.
WATCH_RARE void doubt_raise(struct track *t, struct flow *f, enum estab_watch_ambiguity_kind kind,
                            const struct segment *g, uint32_t expected, uint32_t came);

// The same where the words are of the case, rather than of the kind.
struct doubt_reading {
  const char *words;
  uint32_t number; // behind them
};
WATCH_RARE void doubt_numbers(struct track *t, struct flow *f, enum estab_watch_ambiguity_kind kind,
                              const struct segment *g, const struct doubt_reading *chosen,
                              const struct doubt_reading *other);

// The same with both readings in words.
WATCH_RARE void doubt_words(struct track *t, struct flow *f, enum estab_watch_ambiguity_kind kind,
                            const struct segment *g, const char *chosen, const char *other);

// Of a packet that is of no connection yet. NULL: too many already, it is counted.
WATCH_RARE struct estab_watch_ambiguity *doubt_of_nobody(struct track *t,
                                                         enum estab_watch_ambiguity_kind kind,
                                                         uint64_t ts_ns, uint64_t packet);

// A life's first segment has a wrong checksum: told when it comes, although no more than the segment may be kept.
WATCH_RARE void doubt_first(struct track *t, const struct flow_head *f, const struct segment *g);

// What of this segment its receiver may read otherwise. Before the machines see it.
void doubt_segment(struct track *t, struct flow *f, const struct segment *g, uint16_t urgent);
// The name of a side's text in the ring of recall.h.
static inline uint64_t doubt_who(uint64_t life_packet, unsigned end)
{
  return life_packet * 2 + end;
}

#define DOUBT_MARCH 3 // RSTs at as many places

// Tells the detectors once that somebody else spoke in the name of the side that sent `g`, if the hop counts of what is
// suspect and of what contradicts it differ, or its RSTs march.
WATCH_RARE void doubt_suspect(struct track *t, struct flow *f, const struct segment *g,
                              enum observation_suspicion what, uint8_t suspect_ttl,
                              uint8_t usual_ttl);

#endif
