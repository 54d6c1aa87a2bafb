// SPDX-License-Identifier: BSD-2-Clause
// scan.c - the detectors' door: who is asked about which observation, and when time decides.
#include <string.h>

#include "base/bytes.h"
#include "watch/scan_parts.h"

// The budget is an eighth of the ceiling: a quarter of it for the tables of fixed size, three for what grows.
#define SCAN_SHARE         8
#define SCAN_CAMPAIGN_EACH 4096 // bytes of budget for each campaign there may be

static uint32_t scan_power(uint64_t most)
{
  uint32_t n = 64;
  while ((uint64_t)n * 2 <= most)
    n *= 2;
  return n;
}

static bool scan_init(struct scan *s, struct mem *mem, const struct estab_watch_settings *settings)
{
  uint64_t budget = settings->max_bytes / SCAN_SHARE;
  if (budget > UINT64_C(1) << 30) budget = UINT64_C(1) << 30;
  s->mem = mem;
  s->settings = settings;
  s->due_ns = ESTAB_NEVER;
  s->pool.mem = mem;
  s->pool.limit_bytes = budget / 8 * 3;
  const uint64_t secret[2] = {get_le64(settings->secret), get_le64(settings->secret + 8)};
  pairs_key_make(&s->pool.key, secret, 0);
  uint32_t campaigns = (uint32_t)(budget / 4 / SCAN_CAMPAIGN_EACH);
  if (campaigns > 4096) campaigns = 4096;
  uint32_t sources = (uint32_t)(budget / 4 / (sizeof(struct source) + 16));
  uint32_t small = scan_power(budget / 64 / 128);
  s->twins = mem_new(mem, SCAN_TWINS * sizeof *s->twins, ESTAB_MEM_WATCH);
  return s->twins && scan_seen_init(&s->services, mem, scan_power(budget / 64 / 16)) &&
         campaigns_init(&s->campaigns, &s->pool, campaigns, settings) &&
         sources_init(&s->sources, &s->pool, sources, scan_power(budget / 32 / 2),
                      settings->secret) &&
         scan_floods_init(s, small) && scan_holders_init(s, small) &&
         scan_versions_init(s, small / 4) && scan_zombies_init(s, small / 4) &&
         scan_gathers_init(s, small / 4);
}

struct scan *scan_new(struct mem *mem, const struct estab_watch_settings *settings)
{
  struct scan *s = mem_new(mem, sizeof *s, ESTAB_MEM_WATCH);
  if (!s) return NULL;
  if (!scan_init(s, mem, settings)) {
    scan_free(s);
    return NULL;
  }
  return s;
}

void scan_free(struct scan *s)
{
  if (!s) return;
  struct mem *mem = s->mem;
  sources_destroy(&s->sources);
  campaigns_destroy(&s->campaigns);
  scan_onsets_destroy(&s->onsets);
  scan_table_destroy(&s->victims);
  scan_table_destroy(&s->holders);
  scan_table_destroy(&s->versions);
  scan_table_destroy(&s->zombies);
  scan_table_destroy(&s->gathers);
  scan_seen_destroy(&s->services, mem);
  mem_free(mem, s->twins, SCAN_TWINS * sizeof *s->twins, ESTAB_MEM_WATCH);
  mem_free(mem, s, sizeof *s, ESTAB_MEM_WATCH);
}

uint64_t scan_deadline(struct scan *s)
{
  return s->due_ns;
}

static void scan_time(struct scan *s, uint64_t now_ns)
{
  if (now_ns > s->now_ns) s->now_ns = s->campaigns.now_ns = now_ns;
}

static uint64_t scan_soonest(const struct scan *s)
{
  uint64_t soonest = u64_min(s->sources.due_ns, s->campaigns.next_end_ns);
  return s->holders.listed[1] ? u64_min(soonest, scan_hold_deadline(s)) : soonest;
}

// What is due by now_ns, in the order of the deadlines, so that calling more often changes nothing.
static void scan_due(struct scan *s, uint64_t now_ns)
{
  for (uint64_t first; (first = scan_soonest(s)) <= now_ns;) {
    scan_time(s, first);
    if (first == s->campaigns.next_end_ns)
      campaigns_advance(&s->campaigns, first);
    else if (first == s->sources.due_ns)
      scan_decide(s, sources_due(&s->sources));
    else
      scan_hold_due(s, first, false);
  }
}

void scan_advance(struct scan *s, uint64_t now_ns)
{
  scan_due(s, now_ns);
  s->due_ns = scan_soonest(s);
}

// Lives that went on although nothing came back.
static void scan_note_alone(struct scan *s, const struct observation *o)
{
  if (o->text_bytes[ESTAB_WATCH_ORIG] > 0 ||
      (o->first_flags & ESTAB_TCP_SYN && o->flags[ESTAB_WATCH_ORIG] & ESTAB_TCP_FIN &&
       o->segments[ESTAB_WATCH_ORIG] > 2))
    s->tap.alone++;
}

static uint16_t scan_observe_first(struct scan *s, const struct observation *o)
{
  struct probe probe = probe_of(o->packet, o->fragmented);
  if (probe_alone(probe.technique)) scan_alone(s, o, &probe);
  if (probe.technique == PROBE_SYN && !probe.crafted) scan_twin_note(s, o);
  scan_flood(s, o, &probe);
  return probe_tag(&probe);
}

// In a life a FIN, PSH or URG without ACK may be a clumsy stack's; in numbers it is a flood all the same.
static void scan_observe_segment(struct scan *s, const struct observation *o)
{
  struct probe probe = probe_of(o->packet, false);
  bool clumsy = probe.technique == PROBE_FIN ||
                (probe.technique == PROBE_BOGUS && !(o->packet->tcp.flags & ESTAB_TCP_SYN));
  if (probe_alone(probe.technique) && !clumsy) scan_alone(s, o, &probe);
  scan_idle(s, o, &probe);
  scan_flood(s, o, &probe);
}

// What became of a probe. Of those of which one packet is enough no detector but their own wants to know.
static void scan_observe_fate(struct scan *s, const struct observation *o)
{
  struct probe probe = probe_from_tag(o->probe);
  if (probe_alone(probe.technique)) {
    scan_alone_answer(s, o, &probe);
    return;
  }
  scan_idle(s, o, &probe);
  scan_contact(s, o, &probe);
  scan_flood(s, o, &probe);
}

// A handshake ended, and then text came: nothing of it is a failure.
static void scan_observe_success(struct scan *s, const struct observation *o)
{
  struct probe probe = probe_from_tag(o->probe);
  scan_hold(s, o);
  if (o->kind == OBSERVE_DATA) scan_version(s, o);
  if (probe_alone(probe.technique)) return;
  if (o->kind == OBSERVE_DATA) {
    scan_contact_text(s, o, &probe);
    return;
  }
  if (probe.technique == PROBE_SYN) {
    scan_twin_note(s, o);
    scan_contact_opened(s, o, &probe);
  }
  scan_flood(s, o, &probe);
}

static uint16_t scan_take(struct scan *s, const struct observation *o)
{
  switch ((enum observation_kind)o->kind) {
  case OBSERVE_FIRST: return scan_observe_first(s, o);
  case OBSERVE_SEGMENT:
    if (o->packet) scan_observe_segment(s, o);
    break;
  case OBSERVE_SERVED: scan_hold(s, o); break;
  case OBSERVE_ESTABLISHED:
  case OBSERVE_DATA: scan_observe_success(s, o); break;
  case OBSERVE_ANSWER:
    if (!o->answered_by_icmp) s->tap.both++;
    scan_observe_fate(s, o);
    break;
  case OBSERVE_SILENCE:
    scan_note_alone(s, o);
    scan_observe_fate(s, o);
    break;
  case OBSERVE_SUSPECT:
    scan_inject(s, o);
    scan_hold(s, o);
    scan_observe_fate(s, o);
    break;
  case OBSERVE_CLOSE:
  case OBSERVE_END:
    scan_hold(s, o);
    scan_observe_fate(s, o);
    break;
  }
  return 0;
}

void scan_begin(struct scan *s, uint64_t now_ns)
{
  s->begin_ns = now_ns;
}

uint16_t scan_observe(struct scan *s, const struct observation *o)
{
  if (o->ts_ns > s->now_ns) {
    if (o->ts_ns >= s->due_ns) scan_due(s, o->ts_ns);
    scan_time(s, o->ts_ns);
  }
  uint16_t answer = scan_take(s, o);
  s->due_ns = scan_soonest(s);
  return answer;
}

void scan_flush(struct scan *s, uint64_t now_ns)
{
  scan_time(s, now_ns);
  for (struct source *source; (source = sources_due(&s->sources));)
    scan_decide(s, source);
  while (s->holders.listed[1])
    scan_hold_due(s, s->now_ns, true);
  campaigns_flush(&s->campaigns);
}

bool scan_waits(const struct scan *s)
{
  return s->campaigns.queue_count > 0;
}

bool scan_next(struct scan *s, struct estab_watch_alert *alert)
{
  if (!s->telling && s->campaigns.queue_count == 0) return false;
  if (s->telling) campaign_told(&s->campaigns, s->telling);
  s->telling = campaigns_next(&s->campaigns);
  if (!s->telling) return false;
  scan_alert(s, s->telling, alert);
  return true;
}

uint64_t scan_alerts(const struct scan *s)
{
  return s->campaigns.told;
}
