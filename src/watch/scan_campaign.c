// SPDX-License-Identifier: BSD-2-Clause
// scan_campaign.c - campaigns: found, started, joined, told and ended.
#include <string.h>

#include "watch/scan_campaign.h"
#include "base/bytes.h"
#include "base/tuple.h"

#define CAMPAIGN_JOINERS 256 // sources of one campaign that find it by their own address

struct campaign_link_record {
  struct scan_node node;
  uint64_t number; // of the campaign
  uint32_t index;
};

struct estab_ip campaign_source_of(const struct estab_ip *ip)
{
  struct estab_ip source = *ip;
  if (!estab_ip_is4(ip)) memset(source.bytes + 8, 0, 8);
  return source;
}

// What a link is of. A victim is flooded at each of its ports by itself.
static uint32_t campaign_link_what(enum campaign_link link, uint16_t port,
                                   enum estab_watch_kind kind)
{
  return (uint32_t)port << 16 | (kind * 2u + link);
}

static struct scan_key campaign_link_key(enum campaign_link link, const struct estab_ip *ip,
                                         uint32_t what)
{
  const bool whole = link == CAMPAIGN_BY_VICTIM || ip_is_mapped(ip);
  return (struct scan_key){{get_be64(ip->bytes), whole ? get_be64(ip->bytes + 8) : 0, what}};
}

bool campaigns_init(struct campaigns *c, struct scan_pool *pool, uint32_t max,
                    const struct estab_watch_settings *settings)
{
  memset(c, 0, sizeof *c);
  c->pool = pool;
  c->max = max;
  c->idle_ns = settings->thresholds.campaign_idle_ns;
  c->idle_gaps = settings->thresholds.campaign_idle_gaps;
  c->next_end_ns = ESTAB_NEVER;
  c->changes = 1;
  c->queue_room = max * 2;
  c->queue = mem_new_raw(pool->mem, c->queue_room * sizeof *c->queue, ESTAB_MEM_WATCH);
  const uint32_t lines = (sizeof(struct campaign) + 63) / 64 * 64; // they begin at cache lines then
  // Those that ended and were not fetched yet need room as well.
  return c->queue && scan_table_init(&c->table, pool->mem, lines, max * 2, settings->secret) &&
         scan_table_init(&c->links, pool->mem, sizeof(struct campaign_link_record), max * 8,
                         settings->secret);
}

void campaigns_destroy(struct campaigns *c)
{
  if (!c->pool) return;
  for (uint32_t list = 0; c->table.buckets && list < 2; list++)
    while (c->table.listed[list]) {
      uint32_t index = c->table.oldest[list];
      campaign_targets_free(c->pool, scan_table_at(&c->table, index));
      scan_table_remove(&c->table, index);
    }
  mem_free(c->pool->mem, c->queue, c->queue_room * sizeof *c->queue, ESTAB_MEM_WATCH);
  scan_table_destroy(&c->table);
  scan_table_destroy(&c->links);
}

// By the links themselves, and remembers it.
static struct campaign *campaign_find_link(struct campaigns *c, enum campaign_link link,
                                           const struct estab_ip *ip, uint32_t what,
                                           struct campaign_finding *found)
{
  struct scan_key key = campaign_link_key(link, ip, what);
  const uint32_t at = scan_table_find(&c->links, &key);
  if (at == SLAB_NONE) return NULL;
  const struct campaign_link_record *record = scan_table_at(&c->links, at);
  if (slab_live(&c->table.slab, record->index)) {
    struct campaign *it = scan_table_at(&c->table, record->index);
    if (it->node.key.words[0] == record->number && it->kind == (what & 0xffff) / 2 && !it->ended) {
      *found = (struct campaign_finding){*ip, what, at, c->changes, it};
      return it;
    }
  }
  scan_table_remove(&c->links, at);
  return NULL;
}

struct campaign *campaign_find_open(struct campaigns *c, enum campaign_link link,
                                    const struct estab_ip *ip, uint16_t port,
                                    enum estab_watch_kind kind)
{
  const uint32_t what = campaign_link_what(link, port, kind);
  struct campaign_finding *f = &c->found[(ip->bytes[15] + what * 5 + port) % CAMPAIGN_FINDS];
  const bool again = f->changes == c->changes && f->what == what && ip_equal(&f->ip, ip);
  if (!again && !campaign_find_link(c, link, ip, what, f)) return NULL;
  // Of what goes on for long not each time.
  if (f->it->probes < 64 || f->it->probes % 8 == 0) scan_table_use(&c->links, f->link);
  return f->it;
}

// Port: that of its first probe.
static void campaign_link_to(struct campaigns *c, struct campaign *it, enum campaign_link link,
                             const struct estab_ip *ip, uint16_t port)
{
  const enum estab_watch_kind kind = (enum estab_watch_kind)it->kind;
  const bool ports = link == CAMPAIGN_BY_VICTIM && campaign_is_flood(kind);
  struct scan_key key =
      campaign_link_key(link, ip, campaign_link_what(link, ports ? port : 0, kind));
  uint32_t at = scan_table_get(&c->links, &key);
  c->changes++;
  if (at == SLAB_NONE) return;
  struct campaign_link_record *record = scan_table_at(&c->links, at);
  record->number = it->node.key.words[0];
  record->index = it->index;
}

void campaign_tell(struct campaigns *c, struct campaign *it)
{
  if (it->waits || c->queue_count == c->queue_room) return;
  it->waits = true;
  c->queue[(c->queue_head + c->queue_count++) % c->queue_room] = it->index;
}

static void campaign_end(struct campaigns *c, struct campaign *it)
{
  it->ended = true;
  c->changes++;
  c->open--;
  c->open_of[it->kind]--;
  campaign_tell(c, it);
}

static void campaign_name(struct campaign *it, const struct estab_ip *source)
{
  uint64_t words[6] = {it->first_ns,
                       it->first_packet,
                       get_be64(source->bytes),
                       get_be64(source->bytes + 8),
                       it->kind,
                       0};
  put_be64(it->id.bytes, scan_fixed_hash(words, 6));
  words[5] = 1;
  put_be32(it->id.bytes + 8, (uint32_t)scan_fixed_hash(words, 6));
}

// Makes room: the campaign that was quiet longest ends.
static void campaign_end_quietest(struct campaigns *c)
{
  uint32_t index = c->table.oldest[0];
  struct campaign *it = NULL;
  while (index != SLAB_NONE) {
    it = scan_table_at(&c->table, index);
    if (!it->ended) break;
    index = it->node.newer;
  }
  if (index != SLAB_NONE) campaign_end(c, it);
}

// Where there is no room, more sources of one kind share a campaign rather than push each other out.
static struct campaign *campaign_crowded(struct campaigns *c, enum estab_watch_kind kind)
{
  if (kind >= ESTAB_WATCH_KIND_SYN_FLOOD) return NULL; // told by its victim
  for (uint32_t i = c->table.newest[0]; i != SLAB_NONE;) {
    struct campaign *it = scan_table_at(&c->table, i);
    if (!it->ended && it->kind == kind) return it;
    i = it->node.older;
  }
  return NULL;
}

struct campaign *campaign_start(struct campaigns *c, enum estab_watch_kind kind,
                                const struct estab_ip *source, const struct campaign_probe *first)
{
  if (c->open >= c->max) {
    struct campaign *shared = campaign_crowded(c, kind);
    if (shared) campaign_join(c, shared, source);
    if (shared) return shared;
    campaign_end_quietest(c);
  }
  struct scan_key key = {{++c->numbered}};
  uint32_t index = scan_table_add(&c->table, &key);
  if (index == SLAB_NONE) return NULL;
  struct campaign *it = scan_table_at(&c->table, index);
  it->index = index;
  it->kind = (uint8_t)kind;
  it->first_ns = it->last_ns = first->ts_ns;
  it->heard_ns = u64_max(c->now_ns, it->last_ns);
  it->first_packet = first->packet;
  it->victim = first->dst;
  c->open++;
  c->open_of[kind]++;
  campaign_name(it, source);
  campaign_link_to(c, it, CAMPAIGN_BY_VICTIM, &first->dst, first->dst_port);
  campaign_join(c, it, source);
  campaign_tell(c, it);
  return it;
}

void campaign_join(struct campaigns *c, struct campaign *it, const struct estab_ip *source)
{
  it->source_count++;
  if (it->source_count <= CAMPAIGN_JOINERS) campaign_link_to(c, it, CAMPAIGN_BY_SOURCE, source, 0);
}

void campaign_rename(struct campaigns *c, struct campaign *it, enum estab_watch_kind kind,
                     const struct estab_ip *source)
{
  c->open_of[it->kind]--;
  c->open_of[kind]++;
  c->changes++;
  it->kind = (uint8_t)kind;
  campaign_link_to(c, it, CAMPAIGN_BY_VICTIM, &it->victim, it->first_port);
  if (source) campaign_link_to(c, it, CAMPAIGN_BY_SOURCE, source, 0);
  campaign_tell(c, it);
}

static uint64_t campaign_deadline(const struct campaigns *c, const struct campaign *it)
{
  uint64_t idle = campaign_median_gap(it) * c->idle_gaps;
  return it->heard_ns + (idle > c->idle_ns ? idle : c->idle_ns);
}

// So many probes more, heard of now.
static void campaign_grows(struct campaigns *c, struct campaign *it, uint32_t more)
{
  it->probes += more;
  scan_table_use(&c->table, it->index);
  it->heard_ns = u64_max(c->now_ns, it->last_ns);
  if (it->probes >= it->told_probes * 4) campaign_tell(c, it);
}

static void campaign_clock(struct campaigns *c, struct campaign *it, uint64_t ts_ns)
{
  if (ts_ns > it->last_ns) {
    it->gaps[it->gap_count++ % CAMPAIGN_GAPS] = ts_ns - it->last_ns;
    it->last_ns = ts_ns;
  } else {
    it->gaps[it->gap_count++ % CAMPAIGN_GAPS] = 0;
  }
  campaign_grows(c, it, 1);
  if (c->next_end_ns > it->heard_ns + c->idle_ns) c->next_end_ns = it->heard_ns + c->idle_ns;
}

void campaign_add(struct campaigns *c, struct campaign *it, const struct campaign_probe *probe)
{
  campaign_clock(c, it, probe->ts_ns);
  it->modifiers |= probe->modifiers;
  campaign_address_add(c->pool, &it->src, &probe->src);
  campaign_address_add(c->pool, &it->dst, &probe->dst);
  campaign_port_add(c->pool, it, probe->dst_port);
  (void)campaign_target_note(c->pool, it, probe);
  if (it->evidence_count == ESTAB_WATCH_EVIDENCE_MAX) return;
  it->evidence[it->evidence_count++] = *probe;
  it->evidence_last = u64_max(it->evidence_last, probe->packet);
}

void campaign_answer(struct campaigns *c, struct campaign *it, const struct campaign_probe *probe)
{
  campaign_target_answer(c->pool, it, probe);
  for (uint32_t i = 0; probe->packet <= it->evidence_last && i < it->evidence_count; i++)
    if (it->evidence[i].packet == probe->packet) it->evidence[i].answer = probe->answer;
}

void campaign_proven(struct campaigns *c, struct campaign *it, const struct estab_ip *src)
{
  campaign_address_add(c->pool, &it->proven, src);
}

void campaign_count(struct campaigns *c, struct campaign *it, const struct estab_ip *src,
                    uint64_t ts_ns)
{
  campaign_clock(c, it, ts_ns);
  campaign_address_add(c->pool, &it->src, src);
}

void campaign_goes_on(struct campaigns *c, struct campaign *it, uint64_t ts_ns, uint32_t more)
{
  it->last_ns = u64_max(it->last_ns, ts_ns);
  campaign_grows(c, it, more);
}

// The earliest deadline of those that are open, and whose it is.
static struct campaign *campaigns_first(struct campaigns *c, uint64_t *deadline)
{
  struct campaign *first = NULL;
  *deadline = ESTAB_NEVER;
  for (uint32_t i = c->table.oldest[0]; i != SLAB_NONE;) {
    struct campaign *it = scan_table_at(&c->table, i);
    i = it->node.newer;
    if (it->ended) continue;
    uint64_t ends = campaign_deadline(c, it);
    if (ends < *deadline ||
        (ends == *deadline && it->node.key.words[0] < first->node.key.words[0])) {
      *deadline = ends;
      first = it;
    }
  }
  return first;
}

void campaigns_advance(struct campaigns *c, uint64_t now_ns)
{
  while (c->next_end_ns <= now_ns) {
    struct campaign *it = campaigns_first(c, &c->next_end_ns);
    if (!it || c->next_end_ns > now_ns) return;
    campaign_end(c, it);
  }
}

void campaigns_flush(struct campaigns *c)
{
  for (uint32_t i = c->table.oldest[0]; i != SLAB_NONE;) {
    struct campaign *it = scan_table_at(&c->table, i);
    i = it->node.newer;
    if (!it->ended) campaign_end(c, it);
  }
}

struct campaign *campaigns_next(struct campaigns *c)
{
  if (c->queue_count == 0) return NULL;
  uint32_t index = c->queue[c->queue_head];
  c->queue_head = (c->queue_head + 1) % c->queue_room;
  c->queue_count--;
  struct campaign *it = scan_table_at(&c->table, index);
  it->waits = false;
  if (!it->told_probes) c->told++;
  it->told_probes = it->probes ? it->probes : 1;
  return it;
}

void campaign_told(struct campaigns *c, struct campaign *it)
{
  if (!it->ended || it->waits) return; // it ended after it was told: once more then
  campaign_targets_free(c->pool, it);
  scan_table_remove(&c->table, it->index);
}

uint64_t campaign_median_gap(const struct campaign *it)
{
  uint64_t gaps[CAMPAIGN_GAPS];
  uint32_t n = it->gap_count < CAMPAIGN_GAPS ? it->gap_count : CAMPAIGN_GAPS;
  if (n == 0) return 0;
  for (uint32_t i = 0; i < n; i++) {
    uint64_t x = it->gaps[i];
    uint32_t j = i;
    for (; j > 0 && gaps[j - 1] > x; j--)
      gaps[j] = gaps[j - 1];
    gaps[j] = x;
  }
  return gaps[n / 2];
}

enum estab_watch_geometry campaign_geometry(const struct campaign *it)
{
  if (it->kind >= ESTAB_WATCH_KIND_SYN_FLOOD || it->kind == ESTAB_WATCH_KIND_OS_PROBE)
    return ESTAB_WATCH_GEOMETRY_NONE;
  if (it->source_count > 1 && it->targets.count)
    return it->shared * 2 >= it->targets.count ? ESTAB_WATCH_DECOY_SET : ESTAB_WATCH_DISTRIBUTED;
  uint64_t minutes = (it->last_ns - it->first_ns) / UINT64_C(60000000000);
  if (it->probes >= 3 && minutes >= it->probes - 1) return ESTAB_WATCH_SLOW;
  uint64_t hosts = scan_set_count(&it->dst.all);
  if (hosts <= 1 && it->port_count > 1) return ESTAB_WATCH_VERTICAL;
  if (hosts > 1 && it->port_count == 1) return ESTAB_WATCH_HORIZONTAL;
  if (hosts > 1 && it->port_count > 1) return ESTAB_WATCH_BLOCK;
  return ESTAB_WATCH_GEOMETRY_NONE;
}
