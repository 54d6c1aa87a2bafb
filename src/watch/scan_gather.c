// SPDX-License-Identifier: BSD-2-Clause
// scan_gather.c - a scan shared out among sources of which none reaches its own threshold: seen from its victim.
//
// What would count against a source is noted with its host as well, 80 contacts of each make. They are a scan when
// probes of one make asked 30 ports within 8 minutes, hardly any of them twice, and from at least four sources.
// Strangers do not share ports out: most ask what is popular. Sources with a single probe each, which is what the
// background of the net looks like, have to ask 60 ports. A kernel's SYN has honest authors by the thousand (peers
// that look for ports of yesterday), so there only ports below 1024 count.
//
// Bare ACKs and FIN+ACKs have honest authors as well, so beside all that their make must show a tool, as it must of
// one source (scan_judge.c): half of the notes have a source port that their source used twice, or its neighbour, or,
// ACK only, met a RST. Ports below 1024 alone again: the others are given out, and connections of yesterday end there.
#include "base/bytes.h"
#include "watch/scan_parts.h"

#define GATHER_NOTES     80
#define GATHER_WINDOW_NS (480 * SCAN_S)
#define GATHER_GOES_ON_NS                                                                          \
  (60 * SCAN_S) // who asks the same host with the same make so soon takes part in it
#define GATHER_PORTS    30
#define GATHER_SOURCES  4
#define GATHER_WORTH    4    // notes that keep a place when others must go
#define GATHER_SLOTS    256  // of a set of the notes' ports or sources
#define GATHER_RESERVED 1024 // ports below: nobody is given one by chance

struct gather_note {
  struct estab_ip src;
  uint64_t first_ns, packet;
  uint32_t who;                          // src, as a number that is not 0
  uint16_t port, src_port, flags, probe; // probe: tag
  uint8_t answer;
  bool half_open, again; // again: the same source asked for it before
};

struct gather_victim {
  struct scan_node node; // its address
  uint16_t count, next;  // a ring
  struct gather_note notes[GATHER_NOTES];
};

// Of each make a victim has its own notes, so that strangers do not push out those who work together.
static struct scan_key gather_key(const struct estab_ip *ip, const struct probe *probe)
{
  const uint64_t make =
      probe->technique | (uint64_t)probe->crafted << 8 | (uint64_t)probe->fingerprint << 16;
  return (struct scan_key){{get_be64(ip->bytes), get_be64(ip->bytes + 8), make}};
}

static bool gather_knows(uint8_t technique)
{
  return technique == PROBE_SYN || technique == PROBE_ACK || technique == PROBE_FINACK;
}

// Where a probe of this make says something.
static bool gather_port(const struct probe *probe, uint16_t port)
{
  return (probe->technique == PROBE_SYN && probe->crafted) || port < GATHER_RESERVED;
}

static enum estab_watch_kind gather_kind(const struct probe *probe)
{
  bool connect = probe->technique == PROBE_SYN && !probe->crafted;
  return connect ? ESTAB_WATCH_KIND_CONNECT_SCAN : probe_kind(probe->technique);
}

static bool gather_same_make(uint16_t a, uint16_t b)
{
  struct probe x = probe_from_tag(a), y = probe_from_tag(b);
  return x.technique == y.technique && x.crafted == y.crafted && x.fingerprint == y.fingerprint;
}

// Whether a note counts beside `e`: of its make, recent, and of a port that says something.
static bool gather_sees(const struct scan *s, const struct gather_note *n,
                        const struct gather_note *e)
{
  struct probe probe = probe_from_tag(e->probe);
  return gather_same_make(n->probe, e->probe) && n->first_ns + GATHER_WINDOW_NS >= s->now_ns &&
         gather_port(&probe, n->port);
}

// Whether a number was not in the set.
static bool gather_add(uint32_t set[GATHER_SLOTS], uint32_t number)
{
  uint32_t i = (number * UINT32_C(2654435761)) >> 24;
  for (; set[i]; i = (i + 1) % GATHER_SLOTS)
    if (set[i] == number) return false;
  set[i] = number;
  return true;
}

// ACK and FIN+ACK: whether a tool sent them, and whoever sent them has no connections that were cut at their start.
static bool gather_made(struct scan *s, const struct gather_victim *v, const struct gather_note *e)
{
  bool resets = probe_from_tag(e->probe).technique == PROBE_ACK;
  uint32_t all = 0, made = 0, alive = 0;
  for (uint16_t i = 0; i < v->count; i++) {
    const struct gather_note *n = &v->notes[i];
    if (!gather_sees(s, n, e)) continue;
    bool row = resets && n->answer == ESTAB_WATCH_UNFILTERED;
    for (uint16_t j = 0; j < v->count && !row; j++) {
      const struct gather_note *m = &v->notes[j];
      uint16_t step = (uint16_t)(m->src_port - n->src_port + 2);
      row = j != i && m->who == n->who && step <= 4 && gather_sees(s, m, e);
    }
    const struct source *source = source_find(&s->sources, &n->src);
    all++;
    made += row;
    alive += source && source->live;
  }
  return made * 2 >= all && alive * 4 <= all;
}

static bool gather_is_scan(struct scan *s, const struct gather_victim *v,
                           const struct gather_note *e)
{
  uint32_t ports = 0, sources = 0, shared = 0, again = 0;
  uint32_t port_set[GATHER_SLOTS] = {0}, source_set[GATHER_SLOTS] = {0};
  if (!gather_sees(s, e, e)) return false;
  for (uint16_t i = 0; i < v->count; i++) {
    const struct gather_note *n = &v->notes[i];
    if (!gather_sees(s, n, e) || n->answer == ESTAB_WATCH_OPEN) continue;
    bool new_port = gather_add(port_set, n->port + 1u);
    ports += new_port;
    shared += !new_port;
    sources += gather_add(source_set, n->who);
    again += n->again;
  }
  if (sources < GATHER_SOURCES || ports < GATHER_PORTS || shared * 4 > ports || again * 2 > ports)
    return false;
  bool few = ports < 2 * sources; // hardly more than a port each
  if (probe_from_tag(e->probe).technique != PROBE_SYN) return !few && gather_made(s, v, e);
  return !few ||
         (probe_from_tag(e->probe).crafted && ports >= 2 * GATHER_PORTS && shared * 8 <= ports);
}

static struct campaign_probe gather_record(const struct gather_note *n,
                                           const struct estab_ip *victim)
{
  return (struct campaign_probe){
      .src = n->src,
      .dst = *victim,
      .src_port = n->src_port,
      .dst_port = n->port,
      .flags = n->flags,
      .answer = n->answer,
      .modifiers = probe_from_tag(n->probe).modifiers,
      .ts_ns = n->first_ns,
      .packet = n->packet,
  };
}

// The contact is told: its source's own record need not tell it again.
static void gather_told(struct scan *s, const struct campaign_probe *probe)
{
  struct source *it = source_find(&s->sources, &probe->src);
  for (uint16_t i = 0; it && i < it->count; i++)
    if (it->targets[i].port == probe->dst_port && estab_ip_equal(&it->targets[i].ip, &probe->dst))
      it->targets[i].told = true;
}

static struct gather_note *gather_earliest(const struct scan *s, struct gather_victim *v,
                                           const struct gather_note *e)
{
  struct gather_note *first = NULL;
  for (uint16_t i = 0; i < v->count; i++) {
    struct gather_note *n = &v->notes[i];
    if (!n->packet || !gather_sees(s, n, e)) continue;
    if (!first || n->first_ns < first->first_ns ||
        (n->first_ns == first->first_ns && n->packet < first->packet))
      first = n;
  }
  return first;
}

static void gather_name(struct scan *s, struct gather_victim *v, const struct gather_note *e,
                        const struct estab_ip *victim)
{
  struct probe probe = probe_from_tag(e->probe);
  enum estab_watch_kind kind = gather_kind(&probe);
  struct campaign *c = NULL;
  for (struct gather_note *n; (n = gather_earliest(s, v, e)) != NULL; n->packet = 0) {
    struct campaign_probe record = gather_record(n, victim);
    if (!c) {
      c = campaign_start(&s->campaigns, kind, &n->src, &record);
      if (!c) return;
      c->fingerprint = probe.fingerprint;
      c->crafted = probe.crafted;
      c->gathered = true;
    }
    campaign_add(&s->campaigns, c, &record);
    if (n->answer == ESTAB_WATCH_OPEN && !n->half_open) campaign_proven(&s->campaigns, c, &n->src);
    gather_told(s, &record);
  }
  if (c) c->source_count = (uint32_t)scan_set_count(&c->src.all);
}

// A campaign of this kind that goes on against the contact's host; NULL.
static struct campaign *gather_campaign(struct scan *s, const struct observation *o,
                                        const struct probe *probe)
{
  struct campaign *c =
      campaign_find(&s->campaigns, CAMPAIGN_BY_VICTIM, &o->resp_ip, gather_kind(probe));
  bool takes = c && c->gathered && c->fingerprint == probe->fingerprint &&
               s->now_ns <= c->last_ns + GATHER_GOES_ON_NS &&
               (probe->technique != PROBE_SYN || gather_port(probe, o->resp_port));
  return takes ? c : NULL;
}

bool scan_gather_takes(struct scan *s, const struct observation *o, const struct probe *probe,
                       const struct campaign_probe *record)
{
  struct campaign *c = gather_knows(probe->technique) ? gather_campaign(s, o, probe) : NULL;
  if (c) campaign_add(&s->campaigns, c, record);
  if (c) c->source_count = (uint32_t)scan_set_count(&c->src.all);
  return c != NULL;
}

// Notes that no probe can join any more make room, however many there are.
static void gather_forget(struct scan *s)
{
  if (!scan_table_full(&s->gathers) || !s->gathers.listed[1]) return;
  const uint32_t oldest = s->gathers.oldest[1];
  const struct gather_victim *v = scan_table_at(&s->gathers, oldest);
  const struct gather_note *last = &v->notes[(v->next + GATHER_NOTES - 1) % GATHER_NOTES];
  if (last->first_ns + GATHER_WINDOW_NS < s->now_ns) scan_table_remove(&s->gathers, oldest);
}

void scan_gather(struct scan *s, const struct observation *o, const struct probe *probe,
                 const struct campaign_probe *record)
{
  bool ack = probe->technique != PROBE_SYN;
  if (!gather_knows(probe->technique) || (ack && !gather_port(probe, o->resp_port))) return;
  struct scan_key key = gather_key(&o->resp_ip, probe);
  gather_forget(s);
  uint32_t index = scan_table_get(&s->gathers, &key);
  if (index == SLAB_NONE) return;
  scan_table_use(&s->gathers, index);
  struct gather_victim *v = scan_table_at(&s->gathers, index);
  for (uint16_t i = 0; i < v->count; i++) {
    struct gather_note *n = &v->notes[i];
    if (n->port != record->dst_port || !estab_ip_equal(&n->src, &record->src) ||
        !gather_same_make(n->probe, o->probe))
      continue;
    if (n->packet == record->packet)
      n->answer = record->answer; // it came late
    else
      n->again = true;
    return;
  }
  struct gather_note *n = &v->notes[v->next];
  *n = (struct gather_note){
      .src = record->src,
      .who = (uint32_t)scan_fingerprint(&s->pool, &record->src, 0) | 1,
      .first_ns = record->ts_ns,
      .packet = record->packet,
      .port = record->dst_port,
      .src_port = record->src_port,
      .flags = record->flags,
      .probe = o->probe,
      .answer = record->answer,
      .half_open = record->answer == ESTAB_WATCH_OPEN && !o->established,
  };
  v->next = (uint16_t)((v->next + 1) % GATHER_NOTES);
  if (v->count < GATHER_NOTES) v->count++;
  if (v->count == GATHER_WORTH) scan_table_list(&s->gathers, index, 1);
  if (v->count < GATHER_PORTS || !gather_is_scan(s, v, n)) return;
  struct gather_note e = *n;
  gather_name(s, v, &e, &o->resp_ip);
  scan_table_remove(&s->gathers, index);
}

bool scan_gathers_init(struct scan *s, uint32_t max)
{
  return scan_table_init(&s->gathers, s->mem, sizeof(struct gather_victim), max,
                         s->settings->secret);
}
