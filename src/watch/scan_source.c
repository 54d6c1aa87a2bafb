// SPDX-License-Identifier: BSD-2-Clause
// scan_source.c - what each source tried without success, in bounded memory.
//
// A source gets a record at once while there is room. When the table is full, a cell by a fixed hash of the
// source collects a bit for each target; who set fewer than SOURCE_ADMIT_SLOTS of them gets none. So a
// flood from spoofed addresses, one packet each, cannot push out who probes slowly. Records with
// SOURCE_WORTH targets are in the second list, which makes room only when the first is empty. What goes is
// what was quiet longest, whatever the hash.
#include <string.h>

#include "watch/scan_source.h"
#include "base/bytes.h"
#include "base/tuple.h"
#include "watch/scan_campaign.h"

#define SOURCE_DISTINCT 48 // bits of 64 that still tell targets apart

bool sources_init(struct sources *s, struct scan_pool *pool, uint32_t max, uint32_t cells,
                  const uint8_t secret[16])
{
  memset(s, 0, sizeof *s);
  s->pool = pool;
  s->due_first = s->due_last = SLAB_NONE;
  s->due_ns = ESTAB_NEVER;
  s->admit_cells = cells;
  s->admit = mem_new(pool->mem, cells * sizeof *s->admit, ESTAB_MEM_WATCH);
  return s->admit && scan_table_init(&s->table, pool->mem, sizeof(struct source), max, secret);
}

static void source_remove(struct sources *s, uint32_t index)
{
  struct source *it = scan_table_at(&s->table, index);
  source_decided(s, it);
  (void)scan_pool_resize(s->pool, it->targets, it->room * sizeof *it->targets, 0);
  scan_table_remove(&s->table, index);
}

void sources_destroy(struct sources *s)
{
  if (!s->pool) return;
  while (s->table.buckets && s->table.slab.count)
    source_remove(s, scan_table_oldest(&s->table));
  mem_free(s->pool->mem, s->admit, s->admit_cells * sizeof *s->admit, ESTAB_MEM_WATCH);
  scan_table_destroy(&s->table);
}

static struct scan_key source_key(const struct estab_ip *ip)
{
  return (struct scan_key){
      {get_be64(ip->bytes), ip_is_mapped(ip) ? get_be64(ip->bytes + 8) : 0, 0}};
}

struct source *source_find(struct sources *s, const struct estab_ip *ip)
{
  if (s->table.slab.count == 0) return NULL;
  struct scan_key key = source_key(ip);
  uint32_t index = scan_table_find(&s->table, &key);
  return index == SLAB_NONE ? NULL : scan_table_at(&s->table, index);
}

// Whether the table being full, a source showed enough distinct targets to be worth a record.
static bool source_admitted(struct sources *s, const struct estab_ip *source,
                            const struct estab_ip *target, uint16_t port)
{
  if (s->admit_marks >= s->admit_cells * 2) { // a flood filled them: begin anew
    memset(s->admit, 0, s->admit_cells * sizeof *s->admit);
    s->admit_marks = 0;
  }
  uint64_t at = scan_fingerprint(s->pool, source, 0);
  uint16_t *cell = &s->admit[at & (s->admit_cells - 1)];
  uint16_t bit = (uint16_t)(1u << ((scan_fingerprint(s->pool, target, port) ^ at >> 32) & 15));
  if (!(*cell & bit)) s->admit_marks++;
  *cell |= bit;
  unsigned bits = 0;
  for (unsigned x = *cell; x; x &= x - 1)
    bits++;
  return bits >= SOURCE_ADMIT_SLOTS;
}

struct source *source_get(struct sources *s, const struct estab_ip *ip,
                          const struct estab_ip *target, uint16_t port)
{
  struct scan_key key = source_key(ip);
  uint32_t index = scan_table_find(&s->table, &key);
  if (index == SLAB_NONE) {
    if (scan_table_full(&s->table)) {
      struct estab_ip source = campaign_source_of(ip);
      if (!source_admitted(s, &source, target, port)) return NULL;
      source_remove(s, scan_table_oldest(&s->table));
    }
    index = scan_table_add(&s->table, &key);
    if (index == SLAB_NONE) return NULL;
  }
  scan_table_use(&s->table, index);
  return scan_table_at(&s->table, index);
}

// Room for one more: more memory, or the contact that was not repeated for longest.
static struct source_target *source_room(struct sources *s, struct source *it)
{
  if (it->count == it->room && it->room < SOURCE_TARGETS) {
    uint16_t room = it->room ? (uint16_t)(it->room * 4) : 1;
    void *more = scan_pool_resize(s->pool, it->targets, it->room * sizeof *it->targets,
                                  room * sizeof *it->targets);
    if (more) {
      it->targets = more;
      it->room = room;
    } else if (it->room == 0) {
      return NULL;
    }
  }
  if (it->count < it->room) {
    it->last = it->count++;
    return &it->targets[it->last];
  }
  // What answered goes first: it speaks for no probe.
  uint16_t oldest = 0;
  for (uint16_t i = 1; i < it->count; i++) {
    const struct source_target *t = &it->targets[i], *o = &it->targets[oldest];
    const bool open = source_target_is_open(t), older_open = source_target_is_open(o);
    if (open != older_open ? open : t->last_s < o->last_s) oldest = i;
  }
  it->last = oldest;
  return &it->targets[oldest];
}

struct source_target *source_note(struct sources *s, struct source *it,
                                  const struct source_target *contact)
{
  uint8_t technique = probe_from_tag(contact->probe).technique;
  uint32_t now_s = (uint32_t)(contact->first_ns / 1000000000);
  for (uint16_t i = 0; i < it->count; i++) {
    struct source_target *t = &it->targets[i];
    if (t->port != contact->port || !ip_equal(&t->ip, &contact->ip) ||
        probe_from_tag(t->probe).technique != technique)
      continue;
    uint8_t visits = t->visits;
    uint32_t last_s = now_s > t->last_s ? now_s : t->last_s;
    uint32_t visit_s = t->visit_s;
    // A kernel's SYN to what has refused one, after a pause, or to what was silent so often: somebody waits for a
    // service. A scanner has its answer, or makes sure at once.
    uint8_t asked = t->asked;
    if (now_s > t->last_s && asked < UINT8_MAX) asked++;
    const bool insists = technique == PROBE_SYN && !probe_from_tag(contact->probe).crafted &&
                         now_s > t->last_s &&
                         (t->answer == ESTAB_WATCH_CLOSED || asked >= SOURCE_INSISTS);
    if (insists && now_s < visit_s + SOURCE_REVISIT_S) {
      if (visits < UINT8_MAX) visits++;
    } else if (now_s >= visit_s + SOURCE_REVISIT_S) {
      if (visits < UINT8_MAX) visits++;
      visit_s = now_s;
      if (t->told) *t = *contact; // a new campaign may begin with it
    }
    t->visits = visits;
    t->asked = asked;
    t->visit_s = visit_s;
    t->last_s = last_s;
    t->answer = contact->answer;
    t->patient = contact->patient;
    t->half_open = contact->half_open;
    it->last = i;
    return t;
  }
  struct source_target *t = source_room(s, it);
  if (!t) return NULL;
  *t = *contact;
  t->last_s = t->visit_s = now_s;
  t->visits = t->asked = 1;
  uint32_t index = scan_table_find(&s->table, &it->node.key);
  if (it->count >= SOURCE_WORTH && it->node.list == 0) scan_table_list(&s->table, index, 1);
  return t;
}

void source_today(struct source *it, uint64_t ts_ns)
{
  uint64_t day = ts_ns / (UINT64_C(86400) * 1000000000);
  if (it->ok_day == 0) it->ok_day = day;
  for (; it->ok_day < day; it->ok_day++) {
    it->ok_total /= 2;
    it->ok_crafted /= 2;
    it->live /= 2;
    it->asked /= 2;
    it->excused /= 2;
    for (int i = 0; i < SOURCE_PORTS; i++)
      it->ok_counts[i] /= 2;
    it->ok_bits = it->live_bits = 0;
    if (!it->ok_total && !it->ok_crafted && !it->live && !it->asked && !it->excused) {
      it->ok_day = day;
      return;
    }
  }
}

static uint32_t source_count_bits(uint64_t bits)
{
  uint32_t n = 0;
  for (; bits; bits &= bits - 1)
    n++;
  return n;
}

// Whether a target was not counted yet; once most bits are taken nobody can tell, and it counts. So whoever wants to
// be excused for much needs as many that serve him.
static bool source_is_new(struct sources *s, uint64_t *bits, const struct estab_ip *target,
                          uint16_t port)
{
  const uint64_t bit = UINT64_C(1) << (scan_fingerprint(s->pool, target, port) & 63);
  const bool fresh = !(*bits & bit) || source_count_bits(*bits) >= SOURCE_DISTINCT;
  *bits |= bit;
  return fresh;
}

void source_lives(struct sources *s, struct source *it, const struct estab_ip *target,
                  uint16_t port, uint64_t ts_ns)
{
  source_today(it, ts_ns);
  it->live += source_is_new(s, &it->live_bits, target, port);
}

void source_success(struct sources *s, struct source *it, const struct estab_ip *target,
                    uint16_t port, bool crafted, uint64_t ts_ns)
{
  source_today(it, ts_ns);
  const bool fresh = source_is_new(s, &it->ok_bits, target, port);
  if (it->ok_total < UINT32_MAX) it->ok_total += fresh;
  it->ok_crafted += crafted && fresh;
  int at = 0;
  while (at < SOURCE_PORTS - 1 && it->ok_ports[at] != port && it->ok_counts[at])
    at++;
  uint16_t count = it->ok_ports[at] == port ? it->ok_counts[at] : 0;
  for (; at > 0; at--) { // to the front: the port not used for longest goes
    it->ok_ports[at] = it->ok_ports[at - 1];
    it->ok_counts[at] = it->ok_counts[at - 1];
  }
  it->ok_ports[0] = port;
  it->ok_counts[0] = (uint16_t)(count == 0 ? 1 : count < UINT16_MAX ? count + fresh : count);
}

uint32_t source_successes(const struct source *it)
{
  const uint32_t distinct = source_count_bits(it->ok_bits);
  return distinct < SOURCE_DISTINCT ? distinct : it->ok_total;
}

uint32_t source_port_successes(const struct source *it, uint16_t port)
{
  for (int i = 0; i < SOURCE_PORTS; i++)
    if (it->ok_ports[i] == port) return it->ok_counts[i];
  return 0;
}

void source_wait(struct sources *s, struct source *it, uint64_t due_ns)
{
  if (it->due_ns) return;
  uint32_t index = scan_table_find(&s->table, &it->node.key);
  it->due_ns = due_ns;
  it->due_next = SLAB_NONE;
  it->due_previous = s->due_last;
  if (s->due_last != SLAB_NONE)
    ((struct source *)scan_table_at(&s->table, s->due_last))->due_next = index;
  else {
    s->due_first = index;
    s->due_ns = due_ns;
  }
  s->due_last = index;
}

struct source *sources_due(struct sources *s)
{
  return s->due_first == SLAB_NONE ? NULL : scan_table_at(&s->table, s->due_first);
}

void source_decided(struct sources *s, struct source *it)
{
  if (!it->due_ns) return;
  it->due_ns = 0;
  if (it->due_previous != SLAB_NONE)
    ((struct source *)scan_table_at(&s->table, it->due_previous))->due_next = it->due_next;
  else
    s->due_first = it->due_next;
  if (it->due_next != SLAB_NONE)
    ((struct source *)scan_table_at(&s->table, it->due_next))->due_previous = it->due_previous;
  else
    s->due_last = it->due_previous;
  const struct source *first = sources_due(s);
  s->due_ns = first ? first->due_ns : ESTAB_NEVER;
}
