// SPDX-License-Identifier: BSD-2-Clause
// track.c - records of connections: their lists, what they keep aside, their timers, their ends.
#include "watch/track_internal.h"

#include "base/bytes.h"
#include "watch/measure.h"
#include "watch/observe.h"
#include "watch/stream.h"

uint64_t track_cost_of(const struct track *t, uint32_t ref)
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
  c->reset = FLOW_NONE;
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
  if (f->closing != SLAB_NONE) {
    const uint32_t reset = ((const struct flow_closing *)slab_at(&t->closings, f->closing))->reset;
    if (reset != FLOW_NONE) track_free(t, reset); // has none of its own
    slab_free(&t->closings, f->closing);
  }
  f->closing = f->trouble = SLAB_NONE;
}

void track_free(struct track *t, uint32_t ref)
{
  struct flow_head *const f = track_at(t, ref);
  if (ref & FLOW_REF_FULL)
    track_free_aside(t, (struct flow *)f);
  else if (flow_is_refused(f))
    slab_free(&t->refusals, ((struct flow_one *)f)->first.text_bytes);
  slab_free(track_slab(t, ref), ref & ~FLOW_REF_FULL);
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

// When a full record needs to be looked at again.
uint64_t track_deadline(struct track *t, struct flow *f)
{
  uint64_t life = life_deadline(t, f);
  if (life_is_over(f)) life = f->last_ns + LIFE_RST_LINGER_NS;
  if (f->life_bits & LIFE_ROW_TOLD) return life;
  if (t->settings.rows == ESTAB_WATCH_ROWS_LIFE) {
    const bool held = (f->life_bits & LIFE_RST_HELD) && (f->life_bits & LIFE_WAS_OPEN);
    if (life_is_over(f) && !held) life = f->last_ns + ZEEK_ATTEMPT_NS;
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

// A window that is held is told in between.
static uint64_t track_wakes(struct track *t, struct flow *f)
{
  const uint64_t at_ns = track_deadline(t, f);
  return measure_is_shut(f) ? u64_min(at_ns, measure_hold_deadline(t, f)) : at_ns;
}

void track_arm(struct track *t, struct flow *f)
{
  track_set_timer(t, f, track_wakes(t, f));
}

void track_arm_sooner(struct track *t, struct flow *f)
{
  uint64_t at = track_wakes(t, f);
  if (!wheel_has(&f->timer) || at < f->timer.deadline_ns) track_set_timer(t, f, at);
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
