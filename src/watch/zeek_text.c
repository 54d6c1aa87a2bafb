// SPDX-License-Identifier: BSD-2-Clause
// zeek_text.c - text as Zeek's reassembler has it: what is there, what was acknowledged without ever being seen.
#include "watch/zeek_internal.h"

#include "proto/seq.h"
#include "watch/history.h"

#define ZEEK_ABOVE_HOLE 16384u    // text above a hole while nothing was acknowledged
#define ZEEK_UNACKED    10485760u // text without any further acknowledgement

// Zeek looks for no gaps any more. What is there is still known, for the other machine.
static WATCH_RARE void zeek_skip(struct flow *f, unsigned end)
{
  f->side[end].z_bits |= ZEEK_SKIP;
}

// Too many holes to be remembered.
static WATCH_RARE void zeek_lose(struct track *t, struct flow *f, unsigned end)
{
  struct flow_trouble *r = track_has_trouble(t, f);
  if (r) ranges_free(&r->side[end].holes, t->mem);
  f->side[end].z_bits |= ZEEK_SKIP | ZEEK_LOST;
}

// The text at `delivered` came: so did what was kept behind it.
static void zeek_absorb(struct track *t, struct flow *f, unsigned end)
{
  struct flow_trouble *r = track_has_trouble(t, f);
  if (!r || !r->side[end].holes.count) return;
  struct ranges *holes = &r->side[end].holes;
  struct flow_side *s = &f->side[end];
  while (holes->count && seq_le(holes->at[0].start, s->delivered)) {
    if (seq_gt(holes->at[0].end, s->delivered)) s->delivered = holes->at[0].end;
    ranges_drop_below(holes, s->delivered);
  }
  if (!holes->count) ranges_free(holes, t->mem);
}

void zeek_text(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  if (s->z_bits & ZEEK_LOST || g->bits & SEGMENT_CUT) return;
  uint32_t start = g->seq + (g->flags & ESTAB_TCP_SYN ? 1u : 0u), end = start + g->text_bytes;
  if (seq_lt(start, s->ack_seq)) { // acknowledged before it was seen: it counts as lost
    if (seq_le(end, s->ack_seq)) return;
    start = s->ack_seq;
  }
  if (seq_le(end, s->delivered)) return;
  if (seq_le(start, s->delivered)) {
    s->delivered = end;
    zeek_absorb(t, f, g->end);
    return;
  }
  struct flow_trouble *r = track_trouble(t, f);
  struct ranges *holes = r ? &r->side[g->end].holes : NULL;
  if (!holes || ranges_insert(holes, t->mem, start, end, 256, NULL) < 0) {
    zeek_lose(t, f, g->end);
    return;
  }
  uint32_t top = holes->at[holes->count - 1].end;
  if ((zeek_nothing_acked(s) && top - s->delivered > ZEEK_ABOVE_HOLE) ||
      top - s->ack_seq > ZEEK_UNACKED)
    zeek_skip(f, g->end);
}

static bool zeek_clean(const struct flow_side *s)
{
  return s->z == ZEEK_ESTABLISHED || (s->z == ZEEK_CLOSED && s->z_prev == ZEEK_ESTABLISHED);
}

static WATCH_RARE void zeek_gap(struct track *t, struct flow *f, unsigned end, uint32_t bytes)
{
  if (bytes == 0 || !zeek_clean(&f->side[0]) || !zeek_clean(&f->side[1])) return;
  struct flow_trouble *r = track_trouble(t, f);
  if (!r) return;
  history_tens(t, f, end, 'G', &r->side[end].z_gaps, &r->side[end].gap_tens);
  r->missed_bytes += bytes;
}

// The peer says it has everything before `ack`.
void zeek_acked(struct track *t, struct flow *f, unsigned end, uint32_t ack, bool partial)
{
  struct flow_side *s = &f->side[end];
  struct flow_closing *c = track_has_closing(t, f);
  if ((s->z_bits & ZEEK_FIN) && c && seq_ge(ack, c->side[end].fin_end))
    ack = c->side[end].fin_end - 1;
  if (seq_le(ack, s->delivered)) return;
  if (partial && zeek_place(s, ack) <= 2) return;
  struct flow_trouble *r = track_has_trouble(t, f);
  struct ranges *holes = r ? &r->side[end].holes : NULL;
  if (!(s->z_bits & ZEEK_SKIP)) {
    while (holes && holes->count && seq_lt(holes->at[0].start, ack)) {
      zeek_gap(t, f, end, holes->at[0].start - s->delivered);
      s->delivered = holes->at[0].start;
      zeek_absorb(t, f, end);
    }
    if (seq_gt(ack, s->delivered)) zeek_gap(t, f, end, ack - s->delivered);
  }
  if (seq_gt(ack, s->delivered)) {
    s->delivered = ack;
    zeek_absorb(t, f, end);
  }
}

static bool zeek_has_blocks(struct track *t, struct flow *f, unsigned end)
{
  const struct flow_side *s = &f->side[end];
  struct flow_trouble *r = track_has_trouble(t, f);
  if (s->z_bits & ZEEK_SKIP) return false;
  if (r && r->side[end].holes.count) return true;
  return seq_gt(s->delivered, seq_max(s->ack_seq, s->start_seq + 1));
}

// Whether a close of this side has to wait for text that is still on its way.
bool zeek_pending(struct track *t, struct flow *f, unsigned end)
{
  const struct flow_side *s = &f->side[end];
  if (s->z_bits & ZEEK_SKIP) return false;
  if (seq_lt(s->last_seq, s->delivered)) return false;
  if (s->delivered != s->last_seq && s->delivered != s->last_seq - 1) return true;
  return s->z != ZEEK_RESET && !(f->side[1 - end].z_bits & ZEEK_SKIP) &&
         zeek_has_blocks(t, f, 1 - end);
}
