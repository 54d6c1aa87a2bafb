// SPDX-License-Identifier: BSD-2-Clause
// measure_limits.c - what a connection waited for: the receiver's window, its sender or the path, repairs, or nothing.
#include "watch/measure.h"

#include "base/bytes.h"
#include "proto/seq.h"
#include "watch/timeline.h"
#include "watch/zeek.h"

#define MEASURE_KNOWN_NS UINT64_C(10000000) // so often a way that is not known is asked for

static inline uint64_t measure_known_step_ns(const struct flow_known *k)
{
  return k->near ? (uint64_t)k->near * (FLOW_RTT_NS / (FLOW_KNOWN - 1)) : MEASURE_KNOWN_NS;
}

static void measure_known_near(struct track *t, struct flow *f, struct flow_known *k, unsigned e)
{
  k->near = (uint32_t)u64_min(measure_half_ns(t, f, e) / FLOW_RTT_NS, UINT32_MAX);
  if (k->most && k->near > k->most) k->near = k->most;
}

static void measure_known_begin(struct track *t, struct flow *f, struct flow_known *k, unsigned e,
                                uint64_t ts_ns)
{
  const struct flow_side *peer = &f->side[1 - e];
  measure_known_near(t, f, k, e);
  k->since_ns = k->told_ns = ts_ns;
  k->una_now = peer->una;
  k->edge_now = peer->edge;
  for (unsigned i = 0; i < FLOW_KNOWN; i++) {
    k->una[i] = peer->una;
    k->edge[i] = peer->edge;
  }
}

// Time has gone on, and una_now was true meanwhile. Beside its sender each segment comes so late.
static __attribute__((noinline)) void measure_known_on(struct track *t, struct flow *f,
                                                       struct flow_known *k, unsigned e,
                                                       uint64_t ts_ns)
{
  const uint64_t step_ns = measure_known_step_ns(k);
  for (unsigned i = 0; i < FLOW_KNOWN && ts_ns - k->since_ns >= step_ns; i++) {
    k->since_ns += step_ns;
    k->newest = k->newest + 1 < FLOW_KNOWN ? k->newest + 1 : 0;
    k->una[k->newest] = k->una_now;
    k->edge[k->newest] = k->edge_now;
  }
  if (ts_ns - k->since_ns >= step_ns) k->since_ns = ts_ns;
  if (k->newest == 0 || !k->near) measure_known_near(t, f, k, e);
}

// Text beyond the window of the oldest entries: its sender knows what was said after the last one of them, so the way
// is no longer than that is old. The handshake took longer.
static WATCH_RARE void measure_known_more(struct flow_known *k, uint32_t nxt, uint64_t ts_ns)
{
  unsigned old = 1;
  while (old < FLOW_KNOWN && seq_gt(nxt, k->edge[(k->newest + 1 + old) % FLOW_KNOWN]))
    old++;
  const uint64_t age_ns = ts_ns - k->since_ns + (FLOW_KNOWN - old) * measure_known_step_ns(k);
  const unsigned at = (k->newest + 1 + old) % FLOW_KNOWN;
  const uint32_t una = old < FLOW_KNOWN ? k->una[at] : k->una_now;
  const uint32_t edge = old < FLOW_KNOWN ? k->edge[at] : k->edge_now;
  for (unsigned i = 0; i < old; i++) {
    k->una[(k->newest + 1 + i) % FLOW_KNOWN] = una;
    k->edge[(k->newest + 1 + i) % FLOW_KNOWN] = edge;
  }
  k->most = (uint32_t)u64_max(age_ns / FLOW_RTT_NS, 1);
  if (k->near > k->most) k->near = k->most;
}

// What limits one sender by what it knows at a time.
static inline enum flow_limit measure_limit_of(const struct flow_side *s, uint32_t una,
                                               uint32_t edge, uint32_t mss, bool shut)
{
  const bool waits = seq_gt(s->nxt, una);
  if (seq_lt(edge, s->nxt + mss) && (waits || (shut && seq_le(edge, s->nxt))))
    return LIMIT_RECEIVER_WINDOW;
  return waits ? LIMIT_SENDER_OR_PATH : LIMIT_IDLE;
}

// What limits `e` from ts_ns on until its peer's last word has come to it and it answers the tap, and behind that.
static enum flow_limit measure_limit(struct track *t, struct flow *f, struct flow_trouble *r,
                                     unsigned e, uint64_t ts_ns, enum flow_limit *later)
{
  const struct flow_side *s = &f->side[e], *peer = &f->side[1 - e];
  struct flow_known *k = &r->known[e];
  if (ts_ns - k->since_ns >= measure_known_step_ns(k)) measure_known_on(t, f, k, e, ts_ns);
  if (k->una_now != peer->una || k->edge_now != peer->edge) {
    k->una_now = peer->una;
    k->edge_now = peer->edge;
    k->told_ns = ts_ns;
  }
  if (r->side[e].recovering && seq_ge(peer->una, r->side[e].recover)) r->side[e].recovering = false;
  if (peer->bits & SIDE_ZERO) return *later = LIMIT_RECEIVER_WINDOW;
  if (r->side[e].recovering) return *later = LIMIT_LOSS;
  const uint32_t mss = peer->mss ? peer->mss : 536;
  *later = measure_limit_of(s, peer->una, peer->edge, mss, false);
  if (!k->near) return *later;
  const unsigned oldest = (k->newest + 1u) % FLOW_KNOWN;
  if (seq_gt(s->nxt, k->edge[oldest])) measure_known_more(k, s->nxt, ts_ns);
  r->limited_until_ns = u64_max(r->limited_until_ns, k->told_ns + (uint64_t)k->near * FLOW_RTT_NS);
  return measure_limit_of(s, k->una[oldest], k->edge[oldest], mss, true);
}

// Of both ends the one that has more to say.
static inline enum flow_limit measure_limit_both(enum flow_limit a, enum flow_limit b)
{
  if (a == LIMIT_LOSS || b == LIMIT_LOSS) return LIMIT_LOSS;
  return a < b ? a : b;
}

static uint64_t measure_row_ns(struct track *t, struct flow *f)
{
  const struct flow_closing *c = f->bits & FLOW_CONTINUES ? track_has_closing(t, f) : NULL;
  return c ? c->row_ns : f->life_ns;
}

// What limited it until now, of which there is no account. Each text was under way for about a round trip, so nobody
// waited for the network for longer than all of them took, and until it was open, and for what was repaired just now:
// the rest was idle. Where no round trip is known, it is not.
static void measure_limits_begin(struct track *t, struct flow *f, struct flow_trouble *r,
                                 uint64_t ts_ns)
{
  const uint64_t from_ns = measure_row_ns(t, f), all_ns = ts_ns - from_ns;
  uint64_t busy_ns = ((uint64_t)f->side[0].pkts + f->side[1].pkts) * f->rtt_median * FLOW_RTT_NS;
  uint64_t open_ns, packet;
  if (f->opened_by <= FLOW_WHO_1 && !(f->bits & FLOW_CONTINUES) &&
      timeline_when(t, f, f->opened_by, ESTAB_ESTABLISHED, &open_ns, &packet))
    busy_ns += open_ns - from_ns;
  if (r->side[0].recovering || r->side[1].recovering) busy_ns += ts_ns - f->last_ns;
  if (!f->rtt_median || busy_ns > all_ns) busy_ns = all_ns;
  r->limits_kept = true;
  r->limited_ns[LIMIT_SENDER_OR_PATH] = busy_ns;
  r->limited_ns[LIMIT_IDLE] = all_ns - busy_ns;
  r->limited_since_ns = r->limited_until_ns = ts_ns;
  for (unsigned e = 0; e < 2; e++)
    measure_known_begin(t, f, &r->known[e], e, ts_ns);
}

// Something was sent again, or had no room: from then on there is an account, for its memory is there.
static bool measure_waits(const struct flow_trouble *r)
{
  return (r->side[0].retransmitted_pkts | r->side[1].retransmitted_pkts | r->side[0].zero_windows |
          r->side[1].zero_windows) != 0;
}

void measure_limits(struct track *t, struct flow *f, const struct segment *g)
{
  if (g->bits & SEGMENT_BAD) return;
  struct flow_trouble *r = track_has_trouble(t, f);
  if (!r || !r->limits_told) {
    const bool much = zeek_span(&f->side[g->end]) >= MEASURE_LIMIT_BYTES &&
                      zeek_bytes(f, g->end) >= MEASURE_LIMIT_BYTES;
    if (much) r = track_trouble(t, f);
    if (!r) return;
    if (!r->limits_kept) {
      if (!much && !measure_waits(r)) return;
      measure_limits_begin(t, f, r, g->ts_ns);
    }
    r->limits_told = much;
  }
  const uint64_t since_ns = r->limited_since_ns, now_ns = g->ts_ns;
  const uint64_t until_ns = u64_max(since_ns, u64_min(r->limited_until_ns, now_ns));
  r->limited_ns[r->limited] += until_ns - since_ns;
  r->limited_ns[r->limited_later] += now_ns - until_ns;
  r->limited_since_ns = now_ns;
  enum flow_limit limit = LIMIT_IDLE, behind = LIMIT_IDLE, later;
  r->limited_until_ns = now_ns;
  for (unsigned e = 0; e < 2; e++) {
    if (!(f->side[e].bits & SIDE_TEXT) || !(f->side[1 - e].bits & SIDE_ACKED)) continue;
    limit = measure_limit_both(limit, measure_limit(t, f, r, e, now_ns, &later));
    behind = measure_limit_both(behind, later);
  }
  r->limited = (uint8_t)limit;
  r->limited_later = (uint8_t)behind;
}
