// SPDX-License-Identifier: BSD-2-Clause
// evict.c - which connection is shed when the ceiling is reached: a rule that no sender's hash key can bend.
//
// In this order: attempts whose row is told; refused ones; connections that are over but for TIME-WAIT; one segment
// with a wrong checksum; one SYN, FIN or RST; one segment of something else: the oldest of them, since it has waited
// longest for an answer. Then full records: never established; closing; established last: of the eight that stand
// first in line, the one that was idle longest, and the other seven go to the end of the line.
#include "watch/refused.h"
#include "watch/track_internal.h"

_Static_assert((unsigned)ESTAB_WATCH_SHEDS == (unsigned)FLOW_CLASSES,
               "watch_sheds.def is in the order of enum flow_class");

#define EVICT_PER_PACKET 16
#define EVICT_COMPARED   8

static WATCH_RARE uint32_t evict_idle_longest(struct track *t, struct fifo *line)
{
  uint32_t best = line->head;
  struct flow *f = slab_at(&t->fulls, best);
  uint64_t least = f->last_ns;
  unsigned n = line->count < EVICT_COMPARED ? line->count : EVICT_COMPARED;
  uint32_t seen[EVICT_COMPARED];
  uint32_t at = line->head;
  for (unsigned i = 0; i < n; i++) {
    seen[i] = at;
    f = slab_at(&t->fulls, at);
    if (f->last_ns < least) {
      least = f->last_ns;
      best = at;
    }
    at = fifo_next(&t->fulls, FLOW_LINK, at);
  }
  for (unsigned i = 0; i < n && line->count > EVICT_COMPARED; i++) {
    if (seen[i] == best) continue;
    fifo_remove(line, &t->fulls, FLOW_LINK, seen[i]);
    fifo_push(line, &t->fulls, FLOW_LINK, seen[i]);
  }
  return best | FLOW_REF_FULL;
}

static WATCH_RARE bool evict_refused(struct track *t)
{
  uint64_t at_ns;
  const struct track_refused *const r = refused_first(t, &at_ns);
  if (!r) return false;
  t->stats->shed[FLOW_DONE]++;
  track_finish(t, r->list.head, true);
  return true;
}

static WATCH_RARE bool evict_one(struct track *t)
{
  static const uint8_t order[] = {FLOW_ONE_TOLD, FLOW_DONE, FLOW_ONE_BAD, FLOW_ONE_SHORT,
                                  FLOW_ONE_LONG, FLOW_HALF, FLOW_OVER,    FLOW_ESTABLISHED};
  for (unsigned i = 0; i < sizeof order; i++) {
    struct fifo *line = &t->lists[order[i]];
    if (order[i] == FLOW_DONE && evict_refused(t)) return true;
    if (!line->count) continue;
    uint32_t ref = line->head;
    if (order[i] == FLOW_DONE)
      ref |= FLOW_REF_FULL;
    else if (order[i] > FLOW_DONE)
      ref = evict_idle_longest(t, line);
    t->stats->shed[order[i]]++;
    track_finish(t, ref, true);
    return true;
  }
  return false;
}

void evict_some(struct track *t)
{
  for (unsigned i = 0; i < EVICT_PER_PACKET && track_is_full(t); i++)
    if (!evict_one(t)) break;
}
