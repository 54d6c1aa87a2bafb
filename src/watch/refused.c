// SPDX-License-Identifier: BSD-2-Clause
// refused.c - a probe and the RST that refused it.
#include "watch/refused.h"

#include "base/bytes.h"
#include "watch/observe.h"
#include "watch/track_internal.h"

// What life.h and zeek.h say of it: over with the RST and kept for as long as an attempt; by Zeek's clock a FIN had
// closed it already.
static uint64_t refused_ns(const struct track *t, const struct track_refused *list,
                           const struct flow_one *one, uint64_t rst_ns)
{
  return (list == &t->refused[1] ? one->first.ts_ns : rst_ns) + ZEEK_ATTEMPT_NS;
}

bool refused_keep(struct track *t, uint32_t ref, const struct segment *g)
{
  struct flow_one *const one = (struct flow_one *)track_at(t, ref);
  struct track_refused *const r = refused_list(t, one);
  const uint64_t ns = refused_ns(t, r, one, g->ts_ns), packet = one->first.packet;
  // Whoever is refused later than others that asked later, or at once with them, would stand out of order.
  if (r->list.count && (ns < r->last_ns || (ns == r->last_ns && packet < r->last_packet)))
    return false;
  uint32_t index;
  struct flow_refusal *const kept = slab_new_at(&t->refusals, &index);
  if (!kept) return false;
  *kept = (struct flow_refusal){
      .ts_ns = g->ts_ns,
      .packet = g->packet,
      .seq = g->seq,
      .ip_bytes = g->ip_bytes,
      .frame_more = g->frame_more,
      .window = g->window,
      .flags = g->flags,
      .ttl = g->ttl,
      .bits = g->bits,
  };
  track_unlist(t, ref);
  one->first.text_bytes = index;
  track_list(t, ref, FLOW_DONE);
  r->last_ns = ns;
  r->last_packet = packet;
  t->due_ns = u64_min(t->due_ns, ns);
  if (!t->observe) return true;
  one->bits = (one->bits & ~(uint32_t)FLOW_ICMP) | FLOW_ANSWERED;
  observe_one(t, one, OBSERVE_ANSWER, g);
  return true;
}

void refused_segments(const struct track *t, const struct flow_one *one, struct segment *first,
                      struct segment *rst)
{
  const struct flow_refusal *const kept = refused_at(t, one);
  *first = one->first;
  first->text_bytes = 0;
  *rst = (struct segment){
      .ts_ns = kept->ts_ns,
      .packet = kept->packet,
      .seq = kept->seq,
      .ack = kept->flags & ESTAB_TCP_ACK ? first->seq + segment_length(first) : 0,
      .ip_bytes = kept->ip_bytes,
      .frame_more = kept->frame_more,
      .window = kept->window,
      .flags = kept->flags,
      .ttl = kept->ttl,
      .bits = kept->bits,
      .end = 1 - first->end,
  };
}

struct track_refused *refused_first(struct track *t, uint64_t *at_ns)
{
  struct track_refused *best = NULL;
  uint64_t packet = 0;
  *at_ns = ESTAB_NEVER;
  for (unsigned i = 0; i < 2; i++) {
    struct track_refused *const r = &t->refused[i];
    if (!r->list.count) continue;
    const struct flow_one *const one = slab_at(&t->ones, r->list.head);
    const uint64_t ns = refused_ns(t, r, one, refused_at(t, one)->ts_ns);
    if (best && (ns > *at_ns || (ns == *at_ns && one->first.packet > packet))) continue;
    best = r;
    *at_ns = ns;
    packet = one->first.packet;
  }
  return best;
}
