// SPDX-License-Identifier: BSD-2-Clause
// track_rows.c - rows: queued to be told, as copies where the life goes on with another one, and told.
#include "watch/track_internal.h"

#include "base/bytes.h"
#include "watch/measure.h"
#include "watch/observe.h"
#include "watch/record.h"

// Whether the row, told now, is the last word on it.
static bool track_is_final(const struct flow *f)
{
  return (f->bits & FLOW_GONE) || life_is_over(f) || life_class(f) == FLOW_HALF;
}

// What a record keeps aside, for its copy. What there is no memory for is missing from the row, which says so of steps.
static void track_copy_aside(struct track *t, const struct flow *f, struct flow *g)
{
  struct flow_closing *const c = f->closing != SLAB_NONE ? track_closing(t, g) : NULL;
  if (c) {
    *c = *(const struct flow_closing *)slab_at(&t->closings, f->closing);
    c->reset = FLOW_NONE;
  }
  struct flow_trouble *const r = f->trouble != SLAB_NONE ? track_trouble(t, g) : NULL;
  if (r) {
    *r = *(const struct flow_trouble *)slab_at(&t->troubles, f->trouble);
    r->stream = NULL;
    memset(&r->side[0].holes, 0, sizeof r->side[0].holes);
    memset(&r->side[1].holes, 0, sizeof r->side[1].holes);
    memset(r->reach, 0, sizeof r->reach);
    for (unsigned i = 0; i < 2; i++)
      g->side[i].bits &= (uint16_t) ~(SIDE_HOLE | SIDE_GAP);
  }
  if ((c || f->closing == SLAB_NONE) && (r || f->trouble == SLAB_NONE)) return;
  t->stats->memory_refusals++;
  // Of the two that may hold steps one is missing, so none behind it counts.
  for (; g->step_count > (c ? FLOW_STEPS + FLOW_MORE_STEPS : FLOW_STEPS); g->step_count--)
    if (g->steps_lost < UINT8_MAX) g->steps_lost++;
}

// A copy of the record as it is, in no list. FLOW_NONE: no memory.
static uint32_t track_copy(struct track *t, uint32_t ref)
{
  const uint32_t copy = slab_new(&t->fulls);
  const struct flow *f = (const struct flow *)track_at(t, ref);
  if (copy == SLAB_NONE) {
    t->stats->memory_refusals++;
    return FLOW_NONE;
  }
  struct flow *g = slab_at(&t->fulls, copy);
  *g = *f;
  memset(&g->timer, 0, sizeof g->timer);
  track_empty(g);
  track_copy_aside(t, f, g);
  // Without it a row that is not the first of its life would go by the first one's name.
  if ((g->bits & FLOW_CONTINUES) && g->closing == SLAB_NONE) {
    track_free(t, copy | FLOW_REF_FULL);
    return FLOW_NONE;
  }
  g->bits |= FLOW_GONE | FLOW_COPY;
  return copy | FLOW_REF_FULL;
}

static void track_queue_copy(struct track *t, uint32_t copy)
{
  t->leaving_bytes += track_cost_of(t, copy);
  track_queue(t, copy);
}

// The record as it is waits to be told; the record itself goes on with another row.
void track_tell_copy(struct track *t, uint32_t ref, const struct segment *next)
{
  const uint32_t copy = track_copy(t, ref);
  if (copy == FLOW_NONE) return;
  if (next) ((struct flow *)track_at(t, copy))->next_by = (next->end + 1u) & 3;
  track_queue_copy(t, copy);
}

void track_keep_reset(struct track *t, uint32_t ref)
{
  struct flow_closing *c = track_has_closing(t, (struct flow *)track_at(t, ref));
  if (c && c->reset == FLOW_NONE) c->reset = track_copy(t, ref);
}

void track_tell_again(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_closing *c = track_has_closing(t, f);
  const uint32_t copy = c->reset;
  struct flow *row = (struct flow *)track_at(t, copy);
  c->reset = FLOW_NONE;
  row->observed |= FLOW_OBSERVED_RST; // of its own record the detectors have heard
  life_contradicts_rst(t, row, g);
  if (row->life_bits & LIFE_RST_HELD) {
    track_free(t, copy);
    return;
  }
  row->life_bits |= LIFE_AGAIN;
  track_queue_copy(t, copy);
}

// The row's time is over, the life's is not: told, and kept for what may come.
void track_tell_row(struct track *t, uint32_t ref)
{
  struct flow *f = (struct flow *)track_at(t, ref);
  f->life_bits |= LIFE_ROW_TOLD;
  if (track_is_final(f)) f->bits |= FLOW_TOLD;
  track_unlist(t, ref);
  track_queue(t, ref);
}

// Another row of the same life begins.
void track_next_row(struct track *t, struct flow *f, const struct segment *g)
{
  if (wheel_has(&f->timer)) wheel_cancel(&t->timers, &f->timer); // the row has a time of its own
  struct flow_closing *c = track_closing(t, f);
  if (c) {
    for (unsigned i = 0; i < 2; i++)
      c->earlier[i] = (uint8_t)u64_min(observe_segments(t, f, i), UINT8_MAX);
    const uint64_t before_ns = f->bits & FLOW_CONTINUES ? c->row_ns : f->life_ns;
    c->row_twin = g->ts_ns == before_ns;
    c->row_ns = g->ts_ns;
    c->row_packet = g->packet;
    c->z_last_ns = g->ts_ns;
    c->z_delete_ns = ESTAB_NEVER;
    f->bits |= FLOW_CONTINUES;
  }
  struct flow_trouble *r = track_has_trouble(t, f);
  if (r) {
    r->missed_bytes = 0;
    ranges_free(&r->side[0].holes, t->mem);
    ranges_free(&r->side[1].holes, t->mem);
    memset(r->side, 0, sizeof r->side);
    memset(r->limited_ns, 0, sizeof r->limited_ns);
    r->limits_kept = r->limits_told = false;
    measure_next_row(f, r, g->ts_ns);
  }
  for (unsigned i = 0; i < 2; i++) {
    struct flow_side *s = &f->side[i];
    s->ip_bytes = s->frame_bytes = 0;
    s->start_seq = s->last_seq = s->ack_seq = s->delivered = s->pkts = 0;
    s->seq_wraps = s->ack_wraps = 0;
    s->z = s->z_prev = 0;
    s->z_seen = s->z_bits = 0;
    if (c) c->side[i].hist_fin = c->side[i].hist_rst = 0;
  }
  f->history_count = 0;
  f->life_bits &= (uint8_t)~LIFE_ROW_TOLD;
  f->bits &= ~(uint32_t)(FLOW_TOLD | FLOW_ORIG | FLOW_LOSS);
  if (g->end) f->bits |= FLOW_ORIG;
  zeek_begin(t, f, g);
}

// Rows that wait have mostly left the caches. Two steps ahead a record is asked for, one step ahead what it keeps
// aside.
static FLOW_AHEAD void track_expect_rows(const struct track *t, uint32_t next)
{
  if (next == FLOW_NONE) return;
  track_expect_aside(t, track_at(t, next));
  const uint32_t later = track_at(t, next)->link.next;
  if (later != FLOW_NONE) track_expect_record(t, later);
}

bool track_next_row_told(struct track *t, struct estab_watch_conn *out)
{
  if (track_is_left(t)) track_left_row(t);
  uint32_t ref = t->queue_head;
  if (ref == FLOW_NONE) return false;
  struct flow_head *f = track_at(t, ref);
  t->queue_head = f->link.next;
  track_expect_rows(t, t->queue_head);
  if (t->queue_head == FLOW_NONE) t->queue_tail = FLOW_NONE;
  f->bits &= ~(uint32_t)FLOW_QUEUED;
  if (ref & FLOW_REF_FULL) {
    struct flow *full = (struct flow *)f;
    record_conn(t, full, out);
    out->final = (f->bits & FLOW_COPY) || track_is_final(full);
    out->again = full->life_bits & LIFE_AGAIN;
  } else {
    record_conn(t, track_whole(t, (struct flow_one *)f), out);
  }
  if (f->bits & FLOW_GONE) {
    t->leaving_bytes -= track_cost_of(t, ref);
    track_free(t, ref);
  } else if (ref & FLOW_REF_FULL) {
    track_list(t, ref, life_class((struct flow *)f));
    track_arm(t, (struct flow *)f);
  } else {
    track_list(t, ref, FLOW_ONE_TOLD);
    t->due_ns = u64_min(t->due_ns, track_told_deadline((struct flow_one *)f));
  }
  return true;
}
