// SPDX-License-Identifier: BSD-2-Clause
// scan_flood.c - floods: segments a second towards one (host, port), three seconds on end, that lead nowhere.
//
// What counts: SYNs whose handshake nobody ends; SYN-ACKs, RSTs and FINs of no life; ACKs of no life that
// are answered by RST or not at all. A crafted SYN counts at once and fourfold: it is no client's. Once it is
// refused it counts singly: it fills no backlog, and small devices, whose SYNs look crafted, ask a service
// that is down again and again. A kernel's SYN counts when it was given up after one try, which crowds that
// come back after an outage do not do. Silent ACKs with timestamps are keepalives on a tap that sees one
// direction.
#include <string.h>

#include "watch/scan_parts.h"
#include "base/bytes.h"

#define FLOOD_SECONDS 3
#define FLOOD_CRAFTED 4
#define FLOOD_PERCENT 80 // of the rate: timers of senders are not exact
#define FLOOD_MANY    30 // sources

// How many sources there were, nearly: 64 ranks of four bits, each the greatest of the fingerprints that have its
// place. HyperLogLog with so few says it within an eighth (Flajolet et al. 2007); forged and other sources differ by
// far more.
#define FLOOD_PLACES 64
#define FLOOD_WORDS  (FLOOD_PLACES / 16)

struct flood_victim {
  struct scan_node node;             // address; port and kind
  uint64_t start_ns;                 // of the second that runs
  uint64_t first_ns, first_packet;   // when it came; the second runs by when segments are told
  uint64_t ranks[FLOOD_WORDS];       // of sources
  uint32_t weight, count, completed; // in this second
  uint64_t total, ranked;            // since first_ns; of those, with a source in `ranks`
  uint32_t seconds;                  // on end, before this one, that were full
};

static void flood_source(struct scan *s, struct flood_victim *v, const struct estab_ip *source)
{
  uint64_t print = scan_fingerprint(&s->pool, source, 0);
  uint64_t *const word = &v->ranks[print % FLOOD_WORDS];
  const unsigned place = print / FLOOD_WORDS % 16 * 4;
  uint64_t rank = 1;
  for (print /= FLOOD_PLACES; !(print & 1) && rank < 15; print >>= 1)
    rank++;
  if (rank > (*word >> place & 15)) *word = (*word & ~(UINT64_C(15) << place)) | rank << place;
  v->ranked++;
}

// Of all segments, as those that were ranked have them.
static uint64_t flood_sources(const struct flood_victim *v)
{
  uint64_t sum = 0; // of 2^-rank, in units of 2^-16
  unsigned empty = 0;
  for (unsigned n = 0; n < FLOOD_PLACES; n++) {
    const unsigned rank = v->ranks[n / 16] >> n % 16 * 4 & 15;
    sum += UINT64_C(1) << (16 - rank);
    empty += rank == 0;
  }
  uint64_t ranked = UINT64_C(190316544) / sum; // 0.709 * 64 * 64 * 2^16
  if (empty > 0 && ranked <= FLOOD_PLACES * 5 / 2) {
    // Few: by how many places they took, 64 * (1/64 + 1/63 + ... + 1/(empty + 1)).
    ranked = 0;
    for (unsigned left = empty + 1; left <= FLOOD_PLACES; left++)
      ranked += (FLOOD_PLACES << 10) / left;
    ranked >>= 10;
  }
  return v->ranked ? ranked * v->total / v->ranked : 0;
}

static struct scan_key flood_key(const struct estab_ip *ip, uint16_t port, uint8_t kind)
{
  return (struct scan_key){
      {get_be64(ip->bytes), get_be64(ip->bytes + 8), (uint64_t)kind << 16 | port}};
}

static uint32_t flood_victim_find(const struct scan *s, uint8_t kind, const struct estab_ip *ip,
                                  uint16_t port)
{
  if (s->victims.slab.count == 0) return SLAB_NONE; // nearly always
  const struct scan_key key = flood_key(ip, port, kind);
  return scan_table_find(&s->victims, &key);
}

static bool flood_rate_met(const struct scan *s, uint32_t weight)
{
  uint64_t rate = s->settings->thresholds.flood_rate;
  return (uint64_t)weight * 100 >= rate * FLOOD_PERCENT;
}

static bool flood_full(const struct scan *s, const struct flood_victim *v)
{
  return flood_rate_met(s, v->weight) && v->completed * 4 <= v->count;
}

static void flood_second(const struct scan *s, struct flood_victim *v, uint64_t ts_ns)
{
  if (v->first_ns && ts_ns < v->start_ns + SCAN_S) return;
  bool next = v->first_ns && ts_ns < v->start_ns + 2 * SCAN_S && flood_full(s, v);
  v->seconds = next ? v->seconds + 1 : 0;
  v->start_ns = next ? v->start_ns + SCAN_S : ts_ns;
  if (!next) memset(v->ranks, 0, sizeof v->ranks);
  if (!next) v->total = v->ranked = 0;
  v->weight = v->count = v->completed = 0;
}

// FIN probes to one port of one host were this flood's beginning: the same alert, under its right name.
static struct campaign *flood_of_fins(struct scan *s, const struct campaign_probe *record)
{
  struct campaign *it =
      campaign_find(&s->campaigns, CAMPAIGN_BY_VICTIM, &record->dst, ESTAB_WATCH_KIND_FIN_SCAN);
  if (!it || it->targets.count != 1 || it->first_port != record->dst_port) return NULL;
  campaign_rename(&s->campaigns, it, ESTAB_WATCH_KIND_FIN_FLOOD, NULL);
  return it;
}

static void flood_begin(struct scan *s, const struct flood_victim *v, uint8_t kind,
                        const struct campaign_probe *record)
{
  struct campaign_probe first = *record;
  first.ts_ns = v->first_ns;
  first.packet = v->first_packet;
  struct campaign *it = kind == ESTAB_WATCH_KIND_FIN_FLOOD ? flood_of_fins(s, record) : NULL;
  if (!it) {
    it = campaign_start(&s->campaigns, kind, &record->src, &first);
    if (!it) return;
    campaign_add(&s->campaigns, it, record);
    it->probes = v->total;
    it->before = (uint32_t)u64_min(v->total, UINT32_MAX);
  }
  const uint64_t sources = flood_sources(v);
  it->spoofed = sources >= FLOOD_MANY && v->total < sources * SCAN_FORGED_EACH;
  it->before_sources = it->spoofed ? (uint32_t)u64_min(sources, it->before) : 0;
}

// Who was sent enough for a flood in his first second has a record from now on.
static bool flood_goes_on(struct scan *s, const struct scan_onset *from)
{
  const struct scan_key key = flood_key(&from->ip, from->port, from->kind);
  const uint32_t index = scan_table_put(&s->victims, &key);
  if (index == SLAB_NONE) return false;
  struct flood_victim *v = scan_table_at(&s->victims, index);
  v->start_ns = from->ts_ns;
  v->first_ns = from->sent_ns;
  v->first_packet = from->packet;
  v->weight = from->weight;
  v->count = from->count;
  v->total = from->count;
  v->completed = from->completed;
  return true;
}

// One segment more of a victim in its first second, or the first one.
static void flood_onset(struct scan *s, enum estab_watch_kind kind,
                        const struct campaign_probe *record, uint32_t weight)
{
  struct scan_onset *it = scan_onsets_get(&s->onsets, &record->dst, record->dst_port, (uint8_t)kind,
                                          s->now_ns, record->packet);
  if (!it) return;
  if (it->count == 0 || record->ts_ns < it->sent_ns) {
    it->sent_ns = record->ts_ns;
    it->packet = record->packet;
  }
  it->weight += weight;
  it->count++;
  if (flood_rate_met(s, it->weight) && flood_goes_on(s, it)) it->kind = ESTAB_WATCH_KINDS;
}

static void flood_note(struct scan *s, enum estab_watch_kind kind,
                       const struct campaign_probe *record, uint32_t weight)
{
  struct campaign *it = campaign_flood(&s->campaigns, &record->dst, record->dst_port, kind);
  if (it) {
    campaign_count(&s->campaigns, it, &record->src, record->ts_ns);
    return;
  }
  const uint32_t index = flood_victim_find(s, (uint8_t)kind, &record->dst, record->dst_port);
  if (index == SLAB_NONE) {
    flood_onset(s, kind, record, weight);
    return;
  }
  struct flood_victim *v = scan_table_at(&s->victims, index);
  scan_table_use(&s->victims, index);
  flood_second(s, v, s->now_ns);
  if ((v->seconds == 0 && v->count == 0) || record->ts_ns < v->first_ns) {
    v->first_ns = record->ts_ns;
    v->first_packet = record->packet;
  }
  v->weight += weight;
  v->count++;
  v->total++;
  flood_source(s, v, &record->src);
  if (v->seconds + 1 >= FLOOD_SECONDS && flood_full(s, v)) {
    flood_begin(s, v, (uint8_t)kind, record);
    scan_table_remove(&s->victims, index);
  }
}

bool scan_flooded(struct scan *s, const struct observation *o)
{
  if (!(o->first_flags & ESTAB_TCP_SYN)) return false;
  return campaign_flood(&s->campaigns, &o->resp_ip, o->resp_port, ESTAB_WATCH_KIND_SYN_FLOOD);
}

// The flood that a segment of no life, or a first one, may be part of; ESTAB_WATCH_KINDS: of none.
static enum estab_watch_kind flood_kind(const struct observation *o, const struct probe *probe)
{
  const uint16_t flags = o->packet ? o->packet->tcp.flags : o->first_flags;
  const bool first = o->kind == OBSERVE_FIRST;
  if (flags & ESTAB_TCP_RST) return ESTAB_WATCH_KIND_RST_FLOOD;
  if ((flags & (ESTAB_TCP_SYN | ESTAB_TCP_ACK)) == (ESTAB_TCP_SYN | ESTAB_TCP_ACK))
    return ESTAB_WATCH_KIND_SYNACK_FLOOD;
  if (probe->technique == PROBE_SYN && probe->crafted) return ESTAB_WATCH_KIND_SYN_FLOOD;
  if (probe->technique == PROBE_FIN || (!first && probe->technique == PROBE_FINACK))
    return ESTAB_WATCH_KIND_FIN_FLOOD;
  return !first && probe->technique == PROBE_ACK ? ESTAB_WATCH_KIND_ACK_FLOOD : ESTAB_WATCH_KINDS;
}

static void flood_segment(struct scan *s, const struct observation *o, const struct probe *probe)
{
  enum estab_watch_kind kind = flood_kind(o, probe);
  if (kind == ESTAB_WATCH_KINDS) return;
  struct campaign_probe record = scan_packet_record(o, probe);
  flood_note(s, kind, &record, kind == ESTAB_WATCH_KIND_SYN_FLOOD ? FLOOD_CRAFTED : 1);
}

// The flood that only its fate tells from a life.
static enum estab_watch_kind flood_kind_of_fate(const struct observation *o,
                                                const struct probe *probe)
{
  if (o->segments[ESTAB_WATCH_ORIG] > 1) return ESTAB_WATCH_KINDS;
  if (probe->technique == PROBE_SYN && !probe->crafted) {
    bool half = o->kind == OBSERVE_END && !o->established && !o->reset_by_orig &&
                o->answer_flags & ESTAB_TCP_SYN;
    return half || o->kind == OBSERVE_SILENCE ? ESTAB_WATCH_KIND_SYN_FLOOD : ESTAB_WATCH_KINDS;
  }
  bool reset = o->kind == OBSERVE_ANSWER && o->answer_flags & ESTAB_TCP_RST;
  if (o->midstream || (!reset && o->kind != OBSERVE_SILENCE)) return ESTAB_WATCH_KINDS;
  if (probe->technique == PROBE_ACK)
    return reset || probe->crafted ? ESTAB_WATCH_KIND_ACK_FLOOD : ESTAB_WATCH_KINDS;
  return probe->technique == PROBE_FINACK ? ESTAB_WATCH_KIND_FIN_FLOOD : ESTAB_WATCH_KINDS;
}

// What a crafted SYN counted more than others is taken back, of a victim beyond its first second.
static void flood_refused(struct scan *s, const struct observation *o)
{
  const uint32_t index =
      flood_victim_find(s, ESTAB_WATCH_KIND_SYN_FLOOD, &o->resp_ip, o->resp_port);
  if (index == SLAB_NONE) return;
  struct flood_victim *v = scan_table_at(&s->victims, index);
  if (v->weight >= FLOOD_CRAFTED) v->weight -= FLOOD_CRAFTED - 1;
}

static void flood_fate(struct scan *s, const struct observation *o, const struct probe *probe)
{
  if (probe->technique == PROBE_SYN && probe->crafted && o->kind == OBSERVE_ANSWER &&
      o->answer_flags & ESTAB_TCP_RST)
    flood_refused(s, o);
  enum estab_watch_kind kind = flood_kind_of_fate(o, probe);
  if (kind == ESTAB_WATCH_KINDS) return;
  struct campaign_probe record = scan_probe_record(o, probe, CAMPAIGN_WAITING);
  flood_note(s, kind, &record, 1);
}

static void flood_completed(struct scan *s, const struct observation *o)
{
  const uint8_t kind = ESTAB_WATCH_KIND_SYN_FLOOD;
  struct scan_onset *it = scan_onsets_find(&s->onsets, &o->resp_ip, o->resp_port, kind, s->now_ns);
  if (it) it->completed++;
  const uint32_t index = flood_victim_find(s, kind, &o->resp_ip, o->resp_port);
  if (index != SLAB_NONE) ((struct flood_victim *)scan_table_at(&s->victims, index))->completed++;
}

void scan_flood(struct scan *s, const struct observation *o, const struct probe *probe)
{
  switch ((enum observation_kind)o->kind) {
  case OBSERVE_FIRST:
  case OBSERVE_SEGMENT: flood_segment(s, o, probe); break;
  case OBSERVE_ANSWER:
  case OBSERVE_SILENCE:
  case OBSERVE_END: flood_fate(s, o, probe); break;
  case OBSERVE_ESTABLISHED: flood_completed(s, o); break;
  case OBSERVE_SERVED:
  case OBSERVE_DATA:
  case OBSERVE_CLOSE:
  case OBSERVE_SUSPECT: break;
  }
}

bool scan_floods_init(struct scan *s, uint32_t max)
{
  scan_onsets_init(&s->onsets, s->mem, &s->pool.key, max);
  return scan_table_init(&s->victims, s->mem, sizeof(struct flood_victim), max,
                         s->settings->secret);
}
