// SPDX-License-Identifier: BSD-2-Clause
// reach.c - how far a side's text has reached its receiver without a hole.
#include "watch/reach.h"

#include "base/bytes.h"
#include "proto/seq.h"
#include "watch/doubt.h"

#define REACH_FAR   (1u << 30) // further away than this, a number belongs to another connection
#define REACH_HOLES 256        // in one direction; with more of them nothing is told any more
#define REACH_GAPS  4          // the same where nothing will ever fill them: begun anew

#define REACH_ANY (SIDE_HOLE | SIDE_GAP)

uint32_t reach_edge(struct track *t, struct flow *f, unsigned end)
{
  const struct flow_side *s = &f->side[end];
  struct flow_trouble *r = s->bits & SIDE_HOLE ? track_has_trouble(t, f) : NULL;
  return r ? r->reach[end].edge : s->nxt;
}

void reach_forget(struct track *t, struct flow *f, unsigned end)
{
  if (!(f->side[end].bits & REACH_ANY)) return;
  struct flow_trouble *r = track_has_trouble(t, f);
  if (r) {
    ranges_free(&r->reach[end].held, t->mem);
    r->reach[end].ahead_count = r->reach[end].died_ttl = 0;
  }
  f->side[end].bits &= (uint16_t)~REACH_ANY;
}

// The edge has moved: over what waited behind it, too.
static WATCH_RARE void reach_settle(struct track *t, struct flow *f, unsigned end,
                                    struct flow_reach *h)
{
  while (h->held.count && seq_le(h->held.at[0].start, h->edge)) {
    h->edge = seq_max(h->edge, h->held.at[0].end);
    ranges_drop_below(&h->held, h->edge);
  }
  if (!h->held.count && seq_ge(h->edge, f->side[end].nxt)) reach_forget(t, f, end);
}

// A segment opens a hole. Those that were filled are forgotten; beyond FLOW_OVERTAKEN of them the newest are as old as
// the first of these, so that text sent again is not taken for overtaken.
static WATCH_RARE void reach_ahead(struct flow_reach *h, const struct segment *g)
{
  uint32_t from = h->edge;
  unsigned open = 0;
  for (unsigned i = 0; i < h->ahead_count; i++) {
    const uint32_t to = h->ahead[i];
    if (seq_le(to, from)) continue;
    if (!ranges_contains_all(&h->held, from, to)) {
      h->ahead[open] = to;
      h->ahead_ts[open] = h->ahead_ts[i];
      h->ahead_ns[open++] = h->ahead_ns[i];
    }
    from = to;
  }
  if (!open) h->untimed = false;
  if (!(g->bits & SEGMENT_TS)) h->untimed = true;
  if (open < FLOW_OVERTAKEN) {
    h->ahead_ts[open].first = g->ts_value;
    h->ahead_ns[open++] = g->ts_ns;
  }
  h->ahead_ts[open - 1].last = g->ts_value;
  h->ahead[open - 1] = g->seq;
  h->ahead_count = (uint8_t)open;
}

enum reach_order reach_overtaken(struct track *t, struct flow *f, const struct segment *g,
                                 uint64_t *ahead_ns)
{
  struct flow_trouble *r = f->side[g->end].bits & REACH_ANY ? track_has_trouble(t, f) : NULL;
  if (!r) return REACH_NOTHING;
  const struct flow_reach *h = &r->reach[g->end];
  if (seq_lt(g->seq, h->edge) || ranges_find(&h->held, g->seq) >= 0) return REACH_NOTHING;
  unsigned i = 0;
  while (i < h->ahead_count && seq_ge(g->seq, h->ahead[i]))
    i++;
  if (i == h->ahead_count) return REACH_NOTHING;
  *ahead_ns = h->ahead_ns[i];
  if (h->untimed || !(g->bits & SEGMENT_TS)) return REACH_UNCLEAR;
  // RFC 7323 4: the clock goes on by a tick in a second, or in a millisecond, so equal ones tell nothing.
  if (seq_lt(g->ts_value, h->ahead_ts[i].first)) return REACH_LATER;
  return seq_gt(g->ts_value, h->ahead_ts[i].last) ? REACH_AGAIN : REACH_UNCLEAR;
}

static WATCH_RARE void reach_beyond(struct track *t, struct flow *f, const struct segment *g,
                                    uint32_t end)
{
  struct flow_side *s = &f->side[g->end];
  const bool both = f->side[1 - g->end].bits & SIDE_SENT, opens = seq_gt(g->seq, s->nxt);
  struct flow_trouble *r = track_trouble(t, f);
  if (r && (s->bits & SIDE_GAP)) {
    // Where only one way is seen no acknowledgment would ever close a hole that the capture made.
    const struct flow_reach *gap = &r->reach[g->end];
    if ((opens && (both || gap->held.count >= REACH_GAPS)) || s->nxt - gap->edge >= REACH_FAR)
      reach_forget(t, f, g->end);
  }
  if (r && !(s->bits & REACH_ANY)) {
    r->reach[g->end].edge = s->nxt;
    s->bits |= both ? SIDE_HOLE : SIDE_GAP;
  }
  if (r && opens) reach_ahead(&r->reach[g->end], g);
  if (seq_gt(end, s->nxt)) s->nxt = end;
  if (!r) return;
  struct flow_reach *h = &r->reach[g->end];
  if (seq_le(g->seq, h->edge)) {
    if (seq_gt(end, h->edge)) h->edge = end;
    reach_settle(t, f, g->end, h);
  } else if (seq_gt(end, g->seq) &&
             ranges_insert(&h->held, t->mem, g->seq, end, REACH_HOLES, NULL) < 0)
    reach_forget(t, f, g->end);
}

static WATCH_RARE void reach_not_taken(struct track *t, struct flow *f, unsigned end, uint32_t seq)
{
  struct flow_side *s = &f->side[end];
  if (!seq_gt(seq, s->nxt)) return;
  if (s->bits & SIDE_GAP) reach_forget(t, f, end);
  struct flow_trouble *r = track_trouble(t, f);
  if (r && !(s->bits & SIDE_HOLE)) {
    r->reach[end].edge = s->nxt;
    s->bits |= SIDE_HOLE;
  }
  s->nxt = seq;
}

// RFC 5961 5.2: what acknowledges less than SND.UNA - MAX.SND.WND is not taken. Only of who opened before the tap:
// else there may have been a larger window.
static bool reach_is_stale(const struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end];
  if (!(g->flags & ESTAB_TCP_ACK) || !(s->bits & SIDE_ACKED) || seq_ge(g->ack, s->una) ||
      !(s->bits & SIDE_SYN))
    return false;
  uint32_t most = (uint32_t)f->max_window[g->end] << flow_wscale(f, g->end);
  return seq_lt(g->ack, s->una - u32_max(most, s->first_window));
}

// Text that may die on its way; or text that does not, where some did.
static WATCH_RARE void reach_died(struct track *t, struct flow *f, const struct segment *g,
                                  bool dies)
{
  struct flow_trouble *r = track_has_trouble(t, f);
  const uint32_t end = g->seq + g->text_bytes;
  if (!r || !(f->side[g->end].bits & SIDE_HOLE)) return;
  struct flow_reach *h = &r->reach[g->end];
  if (!dies) {
    if (seq_lt(g->seq, h->died_end)) h->died_ttl = 0;
    return;
  }
  if (f->side[g->end].nxt == end) h->died_nxt = end;
  if (h->died_ttl || seq_lt(g->seq, h->edge) || ranges_contains_all(&h->held, g->seq, end)) return;
  h->died_ttl = g->ttl;
  h->died_end = end;
}

uint32_t reach_sent(struct track *t, struct flow *f, unsigned end)
{
  const struct flow_side *s = &f->side[end];
  const struct flow_trouble *r = s->bits & SIDE_HOLE ? track_has_trouble(t, f) : NULL;
  return r && r->reach[end].died_nxt == s->nxt ? r->reach[end].edge : s->nxt;
}

void reach_segment(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  uint32_t end = g->seq + segment_length(g);
  if (!(s->bits & SIDE_KNOWN)) {
    s->bits |= SIDE_KNOWN;
    s->nxt = end;
    return;
  }
  if ((g->flags & ESTAB_TCP_SYN) || (seq_gt(end, s->nxt) && end - s->nxt >= REACH_FAR)) return;
  // A probe of a closed window, RFC 9293 3.8.6.1: its octet is taken when that is said, or when it comes again.
  const struct flow_side *peer = &f->side[1 - g->end];
  bool closed = g->text_bytes && (peer->bits & SIDE_ACKED) && seq_ge(g->seq, peer->edge) &&
                (s->bits & peer->bits & SIDE_SYN);
  bool ahead = seq_gt(g->seq, s->nxt) && (g->text_bytes || (peer->bits & SIDE_SENT));
  bool hole = ahead || (s->bits & REACH_ANY);
  const bool dies = doubt_dies(f, g);
  if (closed || dies || reach_is_stale(f, g))
    reach_not_taken(t, f, g->end, end);
  else if (hole)
    reach_beyond(t, f, g, end);
  else if (seq_gt(end, s->nxt))
    s->nxt = end;
  if (dies || (g->text_bytes && (s->bits & SIDE_HOLE))) reach_died(t, f, g, dies);
}

void reach_acked(struct track *t, struct flow *f, unsigned end, uint32_t ack)
{
  struct flow_trouble *r = f->side[end].bits & SIDE_HOLE ? track_has_trouble(t, f) : NULL;
  if (!r || seq_le(ack, r->reach[end].edge)) return;
  if (r->reach[end].died_ttl && seq_ge(ack, r->reach[end].died_end)) { // it came, so others will
    f->side[end].ttl = r->reach[end].died_ttl;
    r->reach[end].died_ttl = 0;
  }
  r->reach[end].edge = ack;
  reach_settle(t, f, end, &r->reach[end]);
}
