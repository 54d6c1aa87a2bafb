// SPDX-License-Identifier: BSD-2-Clause
// track.c - records of connections: made, promoted, queued to be told, freed.
#include "watch/track_internal.h"

#include "base/bytes.h"
#include "watch/life.h"
#include "watch/measure.h"
#include "watch/observe.h"
#include "watch/record.h"
#include "watch/refused.h"
#include "watch/stream.h"
#include "watch/zeek.h"

static uint64_t track_cost_of(const struct track *t, uint32_t ref)
{
  const struct flow_head *const head = track_at(t, ref);
  if (!(ref & FLOW_REF_FULL))
    return TRACK_ONE_BYTES + (flow_is_refused(head) ? sizeof(struct flow_refusal) : 0);
  const struct flow *f = (const struct flow *)head;
  return TRACK_FULL_BYTES + (f->closing == SLAB_NONE ? 0 : sizeof(struct flow_closing)) +
         (f->trouble == SLAB_NONE ? 0 : sizeof(struct flow_trouble));
}

struct flow_closing *track_closing(struct track *t, struct flow *f)
{
  struct flow_closing *c = track_has_closing(t, f);
  if (c) return c;
  if (f == &t->scratch) {
    t->scratch_closes = true;
    c = &t->scratch_closing;
  } else {
    c = slab_new_at(&t->closings, &f->closing);
    if (!c) return NULL;
    flow_expect_next(c, sizeof *c);
  }
  c->z_delete_ns = c->wait_ns[0] = c->wait_ns[1] = ESTAB_NEVER;
  return c;
}

struct flow_trouble *track_trouble(struct track *t, struct flow *f)
{
  if (f == &t->scratch) {
    t->scratch_troubled = true;
    return &t->scratch_trouble;
  }
  if (f->trouble == SLAB_NONE) f->trouble = slab_new(&t->troubles);
  return f->trouble == SLAB_NONE ? NULL : slab_at(&t->troubles, f->trouble);
}

// ---------------------------------------------------------------------------------------------
// Lists

struct slab *track_slab(struct track *t, uint32_t ref)
{
  return ref & FLOW_REF_FULL ? &t->fulls : &t->ones;
}

static struct fifo *track_list_of(struct track *t, const struct flow_head *f)
{
  if (flow_is_refused(f)) return &refused_list(t, (const struct flow_one *)f)->list;
  return &t->lists[flow_class(f)];
}

void track_list(struct track *t, uint32_t ref, enum flow_class class)
{
  struct flow_head *f = track_at(t, ref);
  f->bits = (f->bits & ~(uint32_t)FLOW_CLASS) | (uint32_t) class << FLOW_CLASS_SHIFT;
  fifo_push_link(track_list_of(t, f), track_slab(t, ref), FLOW_LINK, ref & ~FLOW_REF_FULL,
                 &f->link);
  if (class == FLOW_ONE_LONG && t->unsaid == SLAB_NONE) t->unsaid = ref;
}

void track_unlist(struct track *t, uint32_t ref)
{
  struct flow_head *f = track_at(t, ref);
  if (ref == t->unsaid) t->unsaid = f->link.next;
  fifo_remove_link(track_list_of(t, f), track_slab(t, ref), FLOW_LINK, &f->link);
}

void track_relist(struct track *t, uint32_t ref, struct flow *f)
{
  const enum flow_class class = life_class(f);
  if (class == flow_class((struct flow_head *)f)) return;
  track_unlist(t, ref);
  track_list(t, ref, class);
}

// To the records that wait to be told. It is in no list then.
void track_queue(struct track *t, uint32_t ref)
{
  struct flow_head *f = track_at(t, ref);
  f->bits |= FLOW_QUEUED;
  f->link.next = FLOW_NONE;
  if (t->queue_tail == FLOW_NONE)
    t->queue_head = ref;
  else
    track_at(t, t->queue_tail)->link.next = ref;
  t->queue_tail = ref;
}

// Out of the middle of them and back into its list: rare, so it is searched for.
void track_unqueue(struct track *t, uint32_t ref)
{
  uint32_t before = FLOW_NONE;
  for (uint32_t at = t->queue_head; at != ref; at = track_at(t, at)->link.next)
    before = at;
  struct flow_head *f = track_at(t, ref);
  if (before == FLOW_NONE)
    t->queue_head = f->link.next;
  else
    track_at(t, before)->link.next = f->link.next;
  if (t->queue_tail == ref) t->queue_tail = before;
  f->bits &= ~(uint32_t)FLOW_QUEUED;
  track_list(t, ref, life_class((struct flow *)f));
}

// ---------------------------------------------------------------------------------------------
// Births and deaths

void track_free_aside(struct track *t, struct flow *f)
{
  stream_free(t, f);
  if (f->trouble != SLAB_NONE) {
    struct flow_trouble *r = slab_at(&t->troubles, f->trouble);
    ranges_free(&r->side[0].holes, t->mem);
    ranges_free(&r->side[1].holes, t->mem);
    ranges_free(&r->reach[0].held, t->mem);
    ranges_free(&r->reach[1].held, t->mem);
    slab_free(&t->troubles, f->trouble);
  }
  if (f->closing != SLAB_NONE) slab_free(&t->closings, f->closing);
  f->closing = f->trouble = SLAB_NONE;
}

static void track_free(struct track *t, uint32_t ref)
{
  struct flow_head *const f = track_at(t, ref);
  if (ref & FLOW_REF_FULL)
    track_free_aside(t, (struct flow *)f);
  else if (flow_is_refused(f))
    slab_free(&t->refusals, ((struct flow_one *)f)->first.text_bytes);
  slab_free(track_slab(t, ref), ref & ~FLOW_REF_FULL);
}

static void track_copy_key(struct flow_head *f, const struct flow_key *key)
{
  memcpy(f->ip, key->ip, sizeof f->ip);
  f->port[0] = key->port[0];
  f->port[1] = key->port[1];
  f->vlan = key->vlan;
  f->tunnel_id = key->tunnel_id;
}

static void track_empty(struct flow *f)
{
  f->closing = f->trouble = SLAB_NONE;
}

static void track_replay_first(struct track *t, struct flow *f, const struct segment *g)
{
  f->last_ns = g->ts_ns;
  flow_last(f, g);
  if (segment_is_plain_syn(g)) {
    zeek_first_syn(f, g);
    life_first_syn(t, f, g);
  } else {
    life_begin(f, g);
    zeek_begin(t, f, g);
    measure_segment(t, f, g);
    zeek_segment(t, f, g);
    life_segment(t, f, g);
  }
}

// The record of one segment told to a full one.
static void track_replay(struct track *t, struct flow *f, const struct flow_one *one)
{
  memcpy(f, one, sizeof(struct flow_head));
  f->bits |= FLOW_FULL;
  if (!flow_is_refused((const struct flow_head *)one)) {
    track_replay_first(t, f, &one->first);
    return;
  }
  struct segment first, rst;
  refused_segments(t, one, &first, &rst);
  track_replay_first(t, f, &first);
  if (first.flags & ESTAB_TCP_SYN)
    zeek_refused_syn(t, f, &rst);
  else
    zeek_first_refusal(t, f, &rst);
  life_first_end(t, f, &rst);
  f->last_ns = rst.ts_ns;
  flow_last(f, &rst);
}

static uint32_t track_new_one(struct track *t, const struct flow_key *key, const struct segment *g)
{
  uint32_t ref = slab_new(&t->ones);
  if (ref == SLAB_NONE) return FLOW_NONE;
  struct flow_one *one = slab_at(&t->ones, ref);
  flow_expect_next(one, sizeof *one);
  track_copy_key((struct flow_head *)one, key);
  one->first = *g;
  one->bits = g->end ? FLOW_ORIG | FLOW_FIRST : 0;
  return ref;
}

// A second segment came: the record becomes a full one, as if the first came again.
uint32_t track_promote(struct track *t, const struct flow_key *key, uint32_t ref)
{
  struct flow_one *one = (struct flow_one *)track_at(t, ref);
  uint32_t full = slab_new(&t->fulls);
  if (full == SLAB_NONE) return FLOW_NONE;
  struct flow *f = slab_at(&t->fulls, full);
  flow_expect_next(f, sizeof *f);
  track_empty(f);
  const bool told = one->bits & FLOW_TOLD;
  const bool refused = flow_is_refused((const struct flow_head *)one);
  track_replay(t, f, one);
  f->bits &= ~(uint32_t)FLOW_QUEUED;
  full |= FLOW_REF_FULL;
  flow_table_replace(t, key, ref, full);
  if (one->bits & FLOW_QUEUED) { // its row waits to be told: it stays for that alone
    one->bits |= FLOW_GONE;
    t->leaving_bytes += TRACK_ONE_BYTES;
  } else {
    track_unlist(t, ref);
    track_free(t, ref);
  }
  if (told) f->life_bits |= LIFE_ROW_TOLD;
  track_list(t, full, life_class(f));
  if (refused) track_arm(t, f); // others by what is said of the second segment
  return full;
}

uint32_t track_new(struct track *t, const struct flow_key *key, const struct segment *g)
{
  uint32_t ref = track_new_one(t, key, g);
  if (ref == FLOW_NONE) return FLOW_NONE;
  struct flow_one *one = (struct flow_one *)track_at(t, ref);
  if (!flow_table_insert(t, key, ref)) {
    slab_free(&t->ones, ref);
    return FLOW_NONE;
  }
  t->stats->flows++;
  bool flips = zeek_flips_first(g->flags, key->port[g->end], key->port[1 - g->end]);
  enum flow_class class = zeek_class_of_first(g->flags, g->bits, flips);
  track_list(t, ref, class);
  const uint64_t wait_ns = t->observe ? ZEEK_ATTEMPT_NS : zeek_class_ns(class);
  t->due_ns = u64_min(t->due_ns, g->ts_ns + wait_ns);
  if (!(g->bits & SEGMENT_BAD)) observe_one(t, one, OBSERVE_FIRST, g);
  return ref;
}

// ---------------------------------------------------------------------------------------------
// Ends

// Whether the row, told now, is the last word on it.
static bool track_is_final(const struct flow *f)
{
  return (f->bits & FLOW_GONE) || life_is_over(f) || life_class(f) == FLOW_HALF;
}

// Out of the table and the lists; told if there is something to say, then freed.
void track_finish(struct track *t, uint32_t ref, bool evicted)
{
  struct flow_head *const f = track_at(t, ref);
  if (!(f->bits & FLOW_QUEUED)) track_unlist(t, ref);
  if (ref & FLOW_REF_FULL) wheel_cancel(&t->timers, &((struct flow *)f)->timer);
  flow_table_remove(t, f, ref);
  track_end(t, ref, evicted);
}

void track_end(struct track *t, uint32_t ref, bool evicted)
{
  struct flow_head *f = track_at(t, ref);
  bool tell = !(f->bits & FLOW_TOLD);
  if (ref & FLOW_REF_FULL) {
    struct flow *full = (struct flow *)f;
    if (!(f->bits & (FLOW_ANSWERED | FLOW_SILENT))) observe_flow(t, full, OBSERVE_SILENCE, NULL);
    observe_flow(t, full, OBSERVE_END, NULL);
  } else {
    if (!(f->bits & (FLOW_ANSWERED | FLOW_SILENT)))
      observe_one(t, (struct flow_one *)f, OBSERVE_SILENCE, NULL);
    observe_one(t, (struct flow_one *)f, OBSERVE_END, NULL);
  }
  f->bits |= FLOW_GONE | FLOW_SILENT;
  if (tell || (f->bits & FLOW_QUEUED)) t->leaving_bytes += track_cost_of(t, ref);
  bool whole = ref & FLOW_REF_FULL ? life_is_over((struct flow *)f) : flow_is_refused(f);
  if (evicted && tell && !whole) {
    f->bits |= FLOW_EVICTED;
    t->stats->flows_evicted++;
  }
  if (f->bits & FLOW_QUEUED) return; // it waits already, and is freed when told
  if (tell)
    track_queue(t, ref);
  else
    track_free(t, ref);
}

// What a record keeps aside, for its copy. What there is no memory for is missing from the row, which says so of steps.
static void track_copy_aside(struct track *t, const struct flow *f, struct flow *g)
{
  struct flow_closing *const c = f->closing != SLAB_NONE ? track_closing(t, g) : NULL;
  if (c) *c = *(const struct flow_closing *)slab_at(&t->closings, f->closing);
  struct flow_trouble *const r = f->trouble != SLAB_NONE ? track_trouble(t, g) : NULL;
  if (r) {
    *r = *(const struct flow_trouble *)slab_at(&t->troubles, f->trouble);
    r->stream = NULL;
    memset(&r->side[0].holes, 0, sizeof r->side[0].holes);
    memset(&r->side[1].holes, 0, sizeof r->side[1].holes);
    memset(r->reach, 0, sizeof r->reach);
  }
  if ((c || f->closing == SLAB_NONE) && (r || f->trouble == SLAB_NONE)) return;
  t->stats->memory_refusals++;
  // Of the two that may hold steps one is missing, so none behind it counts.
  for (; g->step_count > (c ? FLOW_STEPS + FLOW_MORE_STEPS : FLOW_STEPS); g->step_count--)
    if (g->steps_lost < UINT8_MAX) g->steps_lost++;
}

// A copy of the record as it is waits to be told; the record itself goes on with another row.
void track_tell_copy(struct track *t, uint32_t ref)
{
  uint32_t copy = slab_new(&t->fulls);
  struct flow *f = (struct flow *)track_at(t, ref);
  if (copy == SLAB_NONE) {
    t->stats->memory_refusals++;
    return;
  }
  struct flow *g = slab_at(&t->fulls, copy);
  *g = *f;
  memset(&g->timer, 0, sizeof g->timer);
  track_empty(g);
  track_copy_aside(t, f, g);
  // Without it a row that is not the first of its life would go by the first one's name.
  if ((g->bits & FLOW_CONTINUES) && g->closing == SLAB_NONE) {
    track_free(t, copy | FLOW_REF_FULL);
    return;
  }
  g->bits |= FLOW_GONE | FLOW_COPY;
  t->leaving_bytes += track_cost_of(t, copy | FLOW_REF_FULL);
  track_queue(t, copy | FLOW_REF_FULL);
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
  struct flow_closing *c = track_closing(t, f);
  if (c) {
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
    const uint32_t offloaded[] = {r->side[0].offloaded, r->side[1].offloaded}; // of the life
    memset(r->side, 0, sizeof r->side);
    for (unsigned i = 0; i < 2; i++)
      r->side[i].offloaded = offloaded[i];
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
  f->life_bits &= (uint8_t) ~(LIFE_ROW_TOLD | LIFE_AGAIN);
  f->bits &= ~(uint32_t)(FLOW_TOLD | FLOW_ORIG | FLOW_LOSS);
  if (g->end) f->bits |= FLOW_ORIG;
  zeek_begin(t, f, g);
}

// ---------------------------------------------------------------------------------------------
// Telling

struct flow *track_whole(struct track *t, const struct flow_one *one)
{
  // By sizes that the compiler does not know: it takes slow string instructions for such as it does.
  memset(&t->scratch, 0, t->fulls.item_bytes);
  if (t->scratch_closes) memset(&t->scratch_closing, 0, t->closings.item_bytes);
  if (t->scratch_troubled) memset(&t->scratch_trouble, 0, t->troubles.item_bytes);
  t->scratch_closes = t->scratch_troubled = false;
  track_empty(&t->scratch);
  track_replay(t, &t->scratch, one);
  t->scratch.bits |= FLOW_GONE; // its row is final
  return &t->scratch;
}

// When a full record needs to be looked at again.
uint64_t track_deadline(struct track *t, struct flow *f)
{
  uint64_t life = life_deadline(t, f);
  if (life_is_over(f)) life = f->last_ns + LIFE_RST_LINGER_NS;
  if (f->life_bits & LIFE_ROW_TOLD) return life;
  if (t->settings.rows == ESTAB_WATCH_ROWS_LIFE) {
    if (life_is_over(f)) life = f->last_ns + ZEEK_ATTEMPT_NS;
    return track_is_unanswered(t, f) ? u64_min(life, zeek_deadline(t, f)) : life;
  }
  return u64_min(zeek_deadline(t, f), life_is_over(f) ? ESTAB_NEVER : life);
}

void track_set_timer(struct track *t, struct flow *f, uint64_t at_ns)
{
  wheel_set(&t->timers, &f->timer, at_ns);
  t->timers_ns = u64_min(t->timers_ns, at_ns);
  t->due_ns = u64_min(t->due_ns, at_ns);
}

void track_arm(struct track *t, struct flow *f)
{
  track_set_timer(t, f, track_deadline(t, f));
}

void track_arm_sooner(struct track *t, struct flow *f)
{
  uint64_t at = track_deadline(t, f);
  if (!wheel_has(&f->timer) || at < f->timer.deadline_ns) track_set_timer(t, f, at);
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

int track_init(struct track *t, struct mem *mem, const struct estab_watch_settings *settings,
               struct estab_watch_stats *stats)
{
  memset(t, 0, sizeof *t);
  t->mem = mem;
  t->settings = *settings;
  t->stats = stats;
  uint64_t secret[2] = {get_le64(settings->secret), get_le64(settings->secret + 8)};
  pairs_key_make(&t->hash_keys[0], secret, 4);
  pairs_key_make(&t->hash_keys[1], secret, 6);
  slab_init(&t->ones, mem, sizeof(struct flow_one), ESTAB_MEM_WATCH);
  slab_init(&t->fulls, mem, sizeof(struct flow), ESTAB_MEM_WATCH);
  slab_init(&t->refusals, mem, sizeof(struct flow_refusal), ESTAB_MEM_WATCH);
  slab_init(&t->closings, mem, sizeof(struct flow_closing), ESTAB_MEM_WATCH);
  slab_init(&t->troubles, mem, sizeof(struct flow_trouble), ESTAB_MEM_WATCH);
  for (unsigned i = 0; i < FLOW_CLASSES; i++)
    fifo_init(&t->lists[i]);
  t->unsaid = SLAB_NONE;
  fifo_init(&t->refused[0].list);
  fifo_init(&t->refused[1].list);
  wheel_init(&t->timers, 0);
  t->queue_head = t->queue_tail = FLOW_NONE;
  t->due_ns = t->timers_ns = ESTAB_NEVER;
  t->plain = !settings->streams && !settings->segments;
  t->budget_bytes = settings->max_bytes / 32 * 25;
  t->recall = mem_new_raw(mem, sizeof *t->recall, ESTAB_MEM_WATCH);
  if (!t->recall) return ESTAB_ERR_NO_MEMORY;
  recall_init(t->recall, mem, (uint32_t)u64_min(settings->max_bytes / 64, UINT32_C(4) << 20));
  return flow_table_init(t);
}

void track_destroy(struct track *t)
{
  struct estab_watch_stream last;
  t->ready.stream = NULL;
  (void)stream_next(t, &last); // the piece given out last
  for (uint32_t i = slab_next(&t->fulls, 0); i != SLAB_NONE; i = slab_next(&t->fulls, i + 1))
    track_free_aside(t, slab_at(&t->fulls, i));
  slab_destroy(&t->ones);
  slab_destroy(&t->fulls);
  slab_destroy(&t->refusals);
  slab_destroy(&t->closings);
  slab_destroy(&t->troubles);
  flow_table_destroy(t);
  if (t->recall) {
    recall_destroy(t->recall, t->mem);
    mem_free(t->mem, t->recall, sizeof *t->recall, ESTAB_MEM_WATCH);
  }
}
