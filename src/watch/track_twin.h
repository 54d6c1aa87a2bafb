// SPDX-License-Identifier: BSD-2-Clause
// track_twin.h - lives of one 4-tuple beside each other.
#ifndef ESTAB_WATCH_TRACK_TWIN_H
#define ESTAB_WATCH_TRACK_TWIN_H

#include "watch/track_internal.h"

// Whether a key may have several records: only within GTP-U some begin.
static inline bool track_has_twins(const struct track *t, const struct flow_key *key)
{
  return t->twins || (key->vlan & FLOW_TEID);
}

// With track_has_twins(): whose this segment is of all records of its key; FLOW_NONE: a life of its own.
WATCH_RARE uint32_t track_twin(struct track *t, const struct flow_key *key,
                               const struct segment *g);
// Of an ICMP error about a segment; some record, if there is any.
WATCH_RARE uint32_t track_twin_quoted(const struct track *t, const struct flow_key *key,
                                      uint32_t seq);

#endif
