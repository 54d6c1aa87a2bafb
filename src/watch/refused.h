// SPDX-License-Identifier: BSD-2-Clause
// refused.h - a probe and the RST that refused it: a record of one segment that has the RST aside.
//
// Most of a scan is this. Such a life is over, and its row is all that is left to say of it, so that no full record is
// made: both segments are told to one when the row is written, or when a third segment comes after all.
#ifndef ESTAB_WATCH_REFUSED_H
#define ESTAB_WATCH_REFUSED_H

#include "watch/track.h"

// Keeps with a record the RST that plain_is_answer() says ends its life. false: it has to become a full one.
bool refused_keep(struct track *t, uint32_t ref, const struct segment *g);

// Both segments of a refused one, as they came.
void refused_segments(const struct track *t, const struct flow_one *one, struct segment *first,
                      struct segment *rst);

// The list whose head's time comes first, of those of the same time the one that began first, and that time. NULL:
// there are none.
struct track_refused *refused_first(struct track *t, uint64_t *at_ns);

static inline struct flow_refusal *refused_at(const struct track *t, const struct flow_one *one)
{
  return slab_at(&t->refusals, one->first.text_bytes);
}

// The list that a refused one is in.
static inline struct track_refused *refused_list(struct track *t, const struct flow_one *one)
{
  const bool early =
      t->settings.rows == ESTAB_WATCH_ROWS_ZEEK && (one->first.flags & ESTAB_TCP_FIN);
  return &t->refused[early];
}

#endif
