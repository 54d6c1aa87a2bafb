// SPDX-License-Identifier: BSD-2-Clause
// track_time.c - what time alone brings: rows and lives that end, in the order of their ends.
//
// Ends at the same nanosecond: full records and refused ones first, then those of one segment; within each, by the
// number of the life's first packet. So nothing depends on the hash key or on how often time is moved.
#include "watch/track_internal.h"

#include "base/bytes.h"
#include "watch/life.h"
#include "watch/observe.h"
#include "watch/refused.h"
#include "watch/zeek.h"

#define TRACK_ONE_LISTS   4 // FLOW_ONE_SHORT .. FLOW_ONE_TOLD
#define TRACK_ORDER_AHEAD 8 // records
#define TRACK_RUNS        4

static struct flow *track_of_timer(const struct wheel_node *n)
{
  void *f = (uint8_t *)(uintptr_t)n - offsetof(struct flow, timer);
  return f;
}

// It was not looked at for long: all that is its own is asked for at once, and the record whose time comes next.
// Answers its hash.
static uint32_t track_warm(struct track *t, struct flow *f)
{
  const struct flow_closing *c = track_has_closing(t, f);
  if (c) flow_expect(c, sizeof *c);
  const struct wheel_node *const soon = wheel_soon(&t->timers);
  if (soon) flow_expect(track_of_timer(soon), sizeof(struct flow));
  return flow_table_expect_of(t, (struct flow_head *)f);
}

// A full record's time has come.
static void track_fire(struct track *t, struct flow *f, uint64_t at_ns)
{
  t->now_ns = at_ns;
  const uint32_t hash = track_warm(t, f);
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
    if (life_is_over(f) ? at_ns >= track_deadline(t, f) || told : life_deadline(t, f) <= at_ns)
      track_finish(t, ref, false);
    else
      track_arm(t, f);
    return;
  }
  uint64_t row = zeek_deadline(t, f);
  if (row > at_ns) {
    // A life of which one direction is seen may be over by its own clock before its row is.
    const uint64_t later = track_deadline(t, f);
    track_set_timer(t, f, later > at_ns ? later : row);
    return;
  }
  if (!(f->bits & (FLOW_ANSWERED | FLOW_SILENT))) {
    f->bits |= FLOW_SILENT;
    observe_flow(t, f, OBSERVE_SILENCE, NULL);
  }
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
  if (flow_is_refused((const struct flow_head *)next)) __builtin_prefetch(refused_at(t, next));
  (void)flow_table_expect_of(t, (const struct flow_head *)next);
  if (next->link.next != SLAB_NONE)
    flow_expect(slab_at(&t->ones, next->link.next), sizeof(struct flow_one));
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

static uint64_t track_one_deadline(struct track *t, enum flow_class class)
{
  uint32_t head = t->lists[class].head;
  if (head == SLAB_NONE) return ESTAB_NEVER;
  const struct flow_one *f = slab_at(&t->ones, head);
  if (class == FLOW_ONE_TOLD) return track_told_deadline(f);
  return f->first.ts_ns + zeek_class_ns(class);
}

// The list whose head ends first.
static enum flow_class track_first_one(struct track *t, uint64_t *deadline)
{
  enum flow_class best = FLOW_ONE_SHORT;
  uint64_t packet = 0;
  *deadline = ESTAB_NEVER;
  for (unsigned i = 0; i < TRACK_ONE_LISTS; i++) {
    uint64_t at = track_one_deadline(t, (enum flow_class)i);
    if (at == ESTAB_NEVER || at > *deadline) continue;
    const struct flow_one *f = slab_at(&t->ones, t->lists[i].head);
    if (at == *deadline && f->first.packet > packet) continue;
    *deadline = at;
    packet = f->first.packet;
    best = (enum flow_class)i;
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
      track_fire_one(t, t->lists[soon.class].head, soon.class, soon.one_ns);
      soon.class = track_first_one(t, &soon.one_ns);
    } else
      break;
  }
  t->now_ns = now_ns;
  t->due_ns = u64_min(u64_min(soon.one_ns, soon.refused_ns), t->timers_ns);
}

// ---------------------------------------------------------------------------------------------
// The end of the capture: open lives in the order of their first packets

// Records of one size by their slab's index, in the order of their first packets, linked both ways.
struct track_run {
  uint32_t head, tail; // SLAB_NONE: none
};

// The lists of a size: FLOW_REF_FULL or 0.
typedef uint32_t track_size;

static uint64_t track_first_packet(const struct track *t, uint32_t ref)
{
  const struct flow_head *f = track_at(t, ref);
  return ref & FLOW_REF_FULL ? ((const struct flow *)f)->life_packet
                             : ((const struct flow_one *)f)->first.packet;
}

static struct fifo_link *track_link(const struct track *t, uint32_t ref)
{
  return &track_at(t, ref)->link;
}

// Records that began one after the other mostly lie one behind the other: what is a few places on is asked for, as far
// as the order and the links need it.
static FLOW_AHEAD void track_expect_order(const struct track *t, uint32_t ref)
{
  const uintptr_t at =
      (uintptr_t)track_at(t, ref) +
      TRACK_ORDER_AHEAD * (ref & FLOW_REF_FULL ? sizeof(struct flow) : sizeof(struct flow_one));
  __builtin_prefetch((const void *)at, 1);
  __builtin_prefetch((const void *)(at + 64), 1);
}

static void track_chain(struct track *t, struct track_run *run, uint32_t index, track_size size)
{
  track_link(t, index | size)->prev = run->tail;
  if (run->tail == SLAB_NONE)
    run->head = index;
  else
    track_link(t, run->tail | size)->next = index;
  run->tail = index;
}

// Mostly only the last few of one belong behind the first of the other. No others are looked at.
static struct track_run track_merge_runs(struct track *t, struct track_run a, struct track_run b,
                                         track_size size)
{
  if (a.head == SLAB_NONE || b.head == SLAB_NONE) return a.head == SLAB_NONE ? b : a;
  if (track_first_packet(t, b.head | size) < track_first_packet(t, a.head | size)) {
    const struct track_run other = a;
    a = b;
    b = other;
  }
  const uint64_t first = track_first_packet(t, b.head | size);
  uint32_t at = a.tail, from = SLAB_NONE;
  for (; track_first_packet(t, at | size) > first; at = track_link(t, at | size)->prev)
    from = at;
  struct track_run all = {a.head, at};
  uint32_t left[2] = {from, b.head};
  while (left[0] != SLAB_NONE && left[1] != SLAB_NONE) {
    uint32_t *const less =
        &left[track_first_packet(t, left[1] | size) < track_first_packet(t, left[0] | size)];
    const uint32_t index = *less;
    track_expect_order(t, index | size);
    *less = track_link(t, index | size)->next;
    track_chain(t, &all, index, size);
  }
  const bool rest = left[0] == SLAB_NONE;
  track_chain(t, &all, left[rest], size);
  all.tail = rest ? b.tail : a.tail;
  return all;
}

// From the front of a list as many records as a few runs can take: most lists are one, or two that were shuffled, as
// what is over and what has been told since. Answers all of them as one.
static struct track_run track_take_runs(struct track *t, uint32_t *list, track_size size)
{
  struct track_run runs[TRACK_RUNS], all = {SLAB_NONE, SLAB_NONE};
  uint64_t last[TRACK_RUNS] = {0}; // first packet of a run's last record
  memset(runs, 0xff, sizeof runs); // empty ones
  while (*list != SLAB_NONE) {
    const uint64_t first = track_first_packet(t, *list | size);
    unsigned i = 0;
    while (i < TRACK_RUNS && last[i] > first)
      i++;
    if (i == TRACK_RUNS) break;
    const uint32_t index = *list;
    track_expect_order(t, index | size);
    *list = track_link(t, index | size)->next;
    track_chain(t, &runs[i], index, size);
    last[i] = first;
  }
  for (unsigned i = 0; i < TRACK_RUNS && runs[i].head != SLAB_NONE; i++) {
    track_link(t, runs[i].tail | size)->next = SLAB_NONE;
    all = track_merge_runs(t, all, runs[i], size);
  }
  return all;
}

// All of a list in order, linked by `next`. Answers the first.
static uint32_t track_sort(struct track *t, uint32_t list, track_size size)
{
  struct track_run bins[32], all = {SLAB_NONE, SLAB_NONE};
  memset(bins, 0xff, sizeof bins); // empty ones
  while (list != SLAB_NONE) {
    struct track_run run = track_take_runs(t, &list, size);
    unsigned i = 0;
    for (; bins[i].head != SLAB_NONE && i < 31; i++) {
      run = track_merge_runs(t, bins[i], run, size);
      bins[i].head = SLAB_NONE;
    }
    bins[i] = track_merge_runs(t, bins[i], run, size);
  }
  for (unsigned i = 0; i < 32; i++)
    all = track_merge_runs(t, bins[i], all, size);
  return all.head;
}

// What is left of a list.
struct track_left {
  uint64_t first; // packet of the next record, UINT64_MAX: there is none
  uint32_t next;
  track_size size;
};

static void track_left_step(const struct track *t, struct track_left *left, uint32_t next)
{
  left->next = next;
  left->first = next == SLAB_NONE ? UINT64_MAX : track_first_packet(t, next | left->size);
}

// Ends the first of all that are left. false: none are.
static bool track_end_first(struct track *t, struct track_left *left, unsigned count)
{
  struct track_left *first = left;
  for (unsigned i = 1; i < count; i++)
    if (left[i].first < first->first) first = &left[i];
  if (first->next == SLAB_NONE) return false;
  const uint32_t ref = first->next | first->size;
  track_expect_order(t, ref);
  track_left_step(t, first, track_link(t, ref)->next);
  track_end(t, ref, false);
  return true;
}

void track_flush(struct track *t)
{
  for (uint32_t ref = t->queue_head; ref != FLOW_NONE; ref = track_at(t, ref)->link.next)
    if (!(track_at(t, ref)->bits & FLOW_GONE)) track_end(t, ref, false);
  struct track_left left[FLOW_CLASSES + 2];
  unsigned count = 0;
  for (unsigned i = 0; i < FLOW_CLASSES + 2; i++) {
    struct fifo *const list = i < FLOW_CLASSES ? &t->lists[i] : &t->refused[i - FLOW_CLASSES].list;
    if (!list->count) continue;
    left[count].size = i >= FLOW_DONE && i < FLOW_CLASSES ? FLOW_REF_FULL : 0;
    // Those of one segment stand as they began, but for refused ones.
    const uint32_t head =
        i <= FLOW_ONE_LONG ? list->head : track_sort(t, list->head, left[count].size);
    track_left_step(t, &left[count], head);
    count++;
    fifo_init(list);
  }
  while (count && track_end_first(t, left, count))
    continue;
  wheel_init(&t->timers, t->now_ns);
  t->timers_ns = ESTAB_NEVER;
  flow_table_empty(t);
}
