// SPDX-License-Identifier: BSD-2-Clause
// track_time.c - what time alone brings: rows and lives that end, in the order of their ends.
//
// Ends at the same nanosecond: full records and refused ones first, then those of one segment; within each, by the
// number of the life's first packet. So nothing depends on the hash key or on how often time is moved.
#include "watch/track_internal.h"

#include "base/bytes.h"
#include "watch/life.h"
#include "watch/measure.h"
#include "watch/observe.h"
#include "watch/refused.h"
#include "watch/zeek.h"

#define TRACK_ONE_LISTS 4            // FLOW_ONE_SHORT .. FLOW_ONE_TOLD
#define TRACK_UNSAID    FLOW_CLASSES // no list: the silence of track.unsaid

static struct flow *track_of_timer(const struct wheel_node *n)
{
  void *f = (uint8_t *)(uintptr_t)n - offsetof(struct flow, timer);
  return f;
}

// It was not looked at for long: all that is its own is asked for at once, and what comes next: where the record behind
// it, which was asked for a record ago, stands in the table, and the record behind that. Answers its hash.
static uint32_t track_warm(struct track *t, struct flow *f)
{
  track_expect_aside(t, (struct flow_head *)f);
  const bool told = t->soon.record == f && t->soon.packet == f->life_packet;
  const uint32_t hash = told ? t->soon.hash : flow_table_expect_of(t, (struct flow_head *)f);
  const struct wheel_node *const next = wheel_soon(&t->timers);
  t->soon.record = NULL;
  if (next) {
    const struct flow *const n = track_of_timer(next);
    t->soon.record = n;
    t->soon.packet = n->life_packet;
    t->soon.hash = flow_table_expect_of(t, (const struct flow_head *)n);
    if (next->next) flow_expect(track_of_timer(next->next), sizeof(struct flow));
  }
  return hash;
}

// No answer in the attempt time, whatever rows wait for.
static void track_silence(struct track *t, struct flow *f)
{
  f->bits |= FLOW_SILENT;
  observe_flow(t, f, OBSERVE_SILENCE, NULL);
}

// A full record's time has come.
static void track_fire(struct track *t, struct flow *f, uint64_t at_ns)
{
  t->now_ns = at_ns;
  const uint32_t hash = track_warm(t, f);
  if (measure_is_shut(f)) measure_hold_due(t, f, at_ns);
  if (f->bits & FLOW_QUEUED) return; // armed again when it has been told
  uint64_t due = track_deadline(t, f);
  if (due > at_ns) {
    track_arm(t, f);
    return;
  }
  uint32_t ref = flow_table_ref_of(t, (struct flow_head *)f, hash);
  life_time(t, f, at_ns);
  bool told = f->life_bits & LIFE_ROW_TOLD;
  bool zeek = t->settings.rows == ESTAB_WATCH_ROWS_ZEEK;
  if (told || !zeek) {
    if (track_is_unanswered(t, f) && zeek_deadline(t, f) <= at_ns) track_silence(t, f);
    if (life_is_over(f) ? at_ns >= track_deadline(t, f) || told : life_deadline(t, f) <= at_ns)
      track_finish(t, ref, false);
    else
      track_arm(t, f);
    return;
  }
  uint64_t row = zeek_deadline(t, f);
  if (row > at_ns) {
    // A life of which one direction is seen may be over by its own clock before its row is.
    if (track_deadline(t, f) > at_ns)
      track_arm(t, f);
    else
      track_set_timer(t, f, row);
    return;
  }
  if (!(f->bits & (FLOW_ANSWERED | FLOW_SILENT))) track_silence(t, f);
  // A RST may still prove false, an attempt be repeated, TIME-WAIT has to run out.
  if (life_is_over(f) && !((f->life_bits & LIFE_RST_HELD) && (f->life_bits & LIFE_WAS_OPEN)))
    track_finish(t, ref, false);
  else
    track_tell_row(t, ref);
}

// The same of one of one segment: the one behind it in its list is next, and behind that there is another.
static void track_warm_one(struct track *t, const struct flow_one *f)
{
  if (f->link.next == SLAB_NONE) return;
  const struct flow_one *const next = slab_at(&t->ones, f->link.next);
  track_expect_aside(t, (const struct flow_head *)next);
  (void)flow_table_expect_of(t, (const struct flow_head *)next);
  if (next->link.next != SLAB_NONE) track_expect_record(t, next->link.next);
}

// A record of one segment has waited long enough.
static void track_fire_one(struct track *t, uint32_t ref, enum flow_class class, uint64_t at_ns)
{
  t->now_ns = at_ns;
  struct flow_one *f = (struct flow_one *)track_at(t, ref);
  track_warm_one(t, f);
  bool attempt = (f->first.flags & ESTAB_TCP_SYN) && !(f->first.flags & ESTAB_TCP_ACK);
  if (class != FLOW_ONE_SHORT || !attempt || (f->first.flags & (ESTAB_TCP_FIN | ESTAB_TCP_RST))) {
    track_finish(t, ref, false);
    return;
  }
  if (!(f->bits & (FLOW_ANSWERED | FLOW_SILENT))) {
    f->bits |= FLOW_SILENT;
    observe_one(t, f, OBSERVE_SILENCE, NULL);
  }
  track_unlist(t, ref);
  if (t->settings.rows == ESTAB_WATCH_ROWS_LIFE) {
    track_list(t, ref, FLOW_ONE_TOLD);
    return;
  }
  f->bits |= FLOW_TOLD;
  track_queue(t, ref);
}

// A first segment without SYN keeps its row open for minutes; the detectors hear of its silence in the attempt time.
// What is no probe they hear of with its row.
static void track_say_silence(struct track *t, uint64_t at_ns)
{
  t->now_ns = at_ns;
  struct flow_one *const f = slab_at(&t->ones, t->unsaid);
  t->unsaid = f->link.next;
  if (t->unsaid != SLAB_NONE) track_expect_record(t, t->unsaid);
  if (f->bits & (FLOW_ANSWERED | FLOW_SILENT) || !(f->bits >> FLOW_PROBE_SHIFT)) return;
  f->bits |= FLOW_SILENT;
  observe_one(t, f, OBSERVE_SILENCE, NULL);
}

static uint32_t track_one_head(const struct track *t, enum flow_class class)
{
  if (class == TRACK_UNSAID) return t->observe ? t->unsaid : SLAB_NONE;
  return t->lists[class].head;
}

static uint64_t track_one_deadline(struct track *t, enum flow_class class)
{
  uint32_t head = track_one_head(t, class);
  if (head == SLAB_NONE) return ESTAB_NEVER;
  const struct flow_one *f = slab_at(&t->ones, head);
  if (class == TRACK_UNSAID) return f->first.ts_ns + ZEEK_ATTEMPT_NS;
  if (class == FLOW_ONE_TOLD) return track_told_deadline(f);
  return f->first.ts_ns + zeek_class_ns(class);
}

// The list whose head ends first, or is to be said silent.
static enum flow_class track_first_one(struct track *t, uint64_t *deadline)
{
  enum flow_class best = FLOW_ONE_SHORT;
  uint64_t packet = 0;
  *deadline = ESTAB_NEVER;
  for (unsigned i = 0; i <= TRACK_ONE_LISTS; i++) {
    const enum flow_class class = i < TRACK_ONE_LISTS ? (enum flow_class)i : TRACK_UNSAID;
    uint64_t at = track_one_deadline(t, class);
    if (at == ESTAB_NEVER || at > *deadline) continue;
    const struct flow_one *f = slab_at(&t->ones, track_one_head(t, class));
    if (at == *deadline && f->first.packet > packet) continue;
    *deadline = at;
    packet = f->first.packet;
    best = class;
  }
  return best;
}

static struct wheel_node *track_merge(struct wheel_node *a, struct wheel_node *b)
{
  struct wheel_node *head = NULL, **end = &head;
  while (a && b) {
    struct wheel_node **less =
        track_of_timer(b)->life_packet < track_of_timer(a)->life_packet ? &b : &a;
    *end = *less;
    end = &(*less)->next;
    *less = *end;
  }
  *end = a ? a : b;
  return head;
}

// All full records whose time is that of the earliest, in the order of their packets. NULL: none by until_ns.
static struct wheel_node *track_pop_equal(struct track *t, uint64_t until_ns)
{
  struct wheel_node *n = wheel_pop(&t->timers, until_ns);
  if (!n) return NULL;
  const uint64_t at = n->deadline_ns;
  struct wheel_node *other = wheel_pop(&t->timers, at);
  n->next = NULL;
  if (!other) return n;              // nearly always
  struct wheel_node *bins[32] = {n}; // bins[i] holds 2^i nodes, sorted
  for (n = other; n; n = wheel_pop(&t->timers, at)) {
    n->next = NULL;
    struct wheel_node *run = n;
    unsigned i = 0;
    for (; bins[i] && i < 31; i++) {
      run = track_merge(bins[i], run);
      bins[i] = NULL;
    }
    bins[i] = track_merge(bins[i], run);
  }
  struct wheel_node *all = NULL;
  for (unsigned i = 0; i < 32; i++)
    all = track_merge(bins[i], all);
  return all;
}

// Of the lists, what ends first, and when.
struct track_soon {
  struct track_refused *refused;
  enum flow_class class;
  uint64_t refused_ns, one_ns;
};

// Full records and refused ones of the same time.
static void track_fire_equal(struct track *t, struct track_soon *soon, struct wheel_node *n,
                             uint64_t at_ns)
{
  while (n || soon->refused_ns == at_ns) {
    const uint32_t ref = soon->refused_ns == at_ns ? soon->refused->list.head : SLAB_NONE;
    const struct flow_one *const one = ref == SLAB_NONE ? NULL : slab_at(&t->ones, ref);
    if (one && (!n || one->first.packet < track_of_timer(n)->life_packet)) {
      t->now_ns = at_ns;
      track_warm_one(t, one);
      track_finish(t, ref, false);
      soon->refused = refused_first(t, &soon->refused_ns);
    } else {
      struct wheel_node *const next = n->next;
      track_fire(t, track_of_timer(n), at_ns);
      n = next;
    }
  }
}

void track_expire(struct track *t, uint64_t now_ns)
{
  struct track_soon soon;
  soon.class = track_first_one(t, &soon.one_ns);
  soon.refused = refused_first(t, &soon.refused_ns);
  for (;;) {
    const uint64_t until = u64_min(u64_min(soon.one_ns, soon.refused_ns), now_ns);
    struct wheel_node *n = NULL;
    if (t->timers_ns <= until) {
      n = track_pop_equal(t, until);
      t->timers_ns = wheel_deadline(&t->timers);
    }
    if (n || soon.refused_ns <= until)
      track_fire_equal(t, &soon, n, n ? n->deadline_ns : soon.refused_ns);
    else if (soon.one_ns <= now_ns) {
      if (soon.class == TRACK_UNSAID)
        track_say_silence(t, soon.one_ns);
      else
        track_fire_one(t, t->lists[soon.class].head, soon.class, soon.one_ns);
      soon.class = track_first_one(t, &soon.one_ns);
    } else
      break;
  }
  t->now_ns = now_ns;
  t->due_ns = u64_min(u64_min(soon.one_ns, soon.refused_ns), t->timers_ns);
}
