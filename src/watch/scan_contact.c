// SPDX-License-Identifier: BSD-2-Clause
// scan_contact.c - contacts, each put where it belongs: to a campaign that goes on, to its source until that is judged,
// or, where it succeeded, to what speaks for the source.
#include "base/tuple.h"
#include "watch/scan_parts.h"

struct campaign_probe scan_probe_record(const struct observation *o, const struct probe *probe,
                                        uint8_t answer)
{
  return (struct campaign_probe){
      .src = o->orig_ip,
      .dst = o->resp_ip,
      .src_port = o->orig_port,
      .dst_port = o->resp_port,
      .flags = o->first_flags,
      .answer = answer,
      .modifiers = probe->modifiers,
      .ts_ns = o->first_ns,
      .packet = o->first_packet,
  };
}

struct campaign_probe scan_packet_record(const struct observation *o, const struct probe *probe)
{
  bool orig = o->side == ESTAB_WATCH_ORIG;
  return (struct campaign_probe){
      .src = orig ? o->orig_ip : o->resp_ip,
      .dst = orig ? o->resp_ip : o->orig_ip,
      .src_port = orig ? o->orig_port : o->resp_port,
      .dst_port = orig ? o->resp_port : o->orig_port,
      .flags = o->packet ? o->packet->tcp.flags : o->first_flags,
      .answer = CAMPAIGN_WAITING,
      .modifiers = probe->modifiers,
      .ts_ns = o->ts_ns,
      .packet = o->packet_number,
  };
}

// Whether a connect scan's targets go on with this one: its host, one of its ports, or of a block of hosts and ports
// one of the hosts, or the net.
static bool contact_is_near(const struct campaign *it, const struct observation *o)
{
  if (estab_ip_equal(&it->victim, &o->resp_ip) || campaign_has_port(it, o->resp_port)) return true;
  return it->block &&
         (scan_same_net(&it->victim, &o->resp_ip) || campaign_has_host(it, &o->resp_ip));
}

// The open campaign that a probe of this source belongs to.
static struct campaign *contact_campaign(struct scan *s, const struct observation *o,
                                         const struct probe *probe)
{
  enum estab_watch_kind kind = probe_kind(probe->technique);
  struct campaigns *c = &s->campaigns;
  struct campaign *it = NULL;
  if (probe->technique != PROBE_SYN) {
    it = campaign_find(c, CAMPAIGN_BY_SOURCE, &o->orig_ip, kind);
    if (!it && probe->technique == PROBE_SYNACK)
      it = campaign_find(c, CAMPAIGN_BY_SOURCE, &o->orig_ip, ESTAB_WATCH_KIND_BACKSCATTER);
    return it;
  }
  if (!probe->crafted)
    it = campaign_find(c, CAMPAIGN_BY_SOURCE, &o->orig_ip, ESTAB_WATCH_KIND_CONNECT_SCAN);
  if (!it) it = campaign_find(c, CAMPAIGN_BY_SOURCE, &o->orig_ip, kind);
  if (!it) it = campaign_find(c, CAMPAIGN_BY_SOURCE, &o->orig_ip, ESTAB_WATCH_KIND_IDLE_SCAN);
  if (!it) return NULL;
  // What else its host does is told from a SYN scan by the kind of SYN, from a connect scan by the targets. A tool's
  // window may be another in each probe.
  bool same;
  if (it->kind == ESTAB_WATCH_KIND_CONNECT_SCAN)
    same = contact_is_near(it, o);
  else
    same = it->crafted ? probe->crafted : it->fingerprint == probe->fingerprint;
  return same ? it : NULL;
}

// Whether its target is one of the campaign's: of a late answer the probe is counted, as silent or forbidden.
static bool contact_is_told(struct scan *s, struct campaign *it, const struct observation *o)
{
  bool close_by;
  return campaign_has(&s->pool, it, &o->resp_ip, o->resp_port, o->first_ns, &close_by);
}

// Text on a connection: success.
void scan_contact_text(struct scan *s, const struct observation *o, const struct probe *probe)
{
  uint64_t service = scan_service(s, o);
  if (probe->technique == PROBE_SYN) scan_seen_add(&s->services, service);
  struct source *it = source_find(&s->sources, &o->orig_ip);
  if (!it) return;
  source_success(&s->sources, it, &o->resp_ip, o->resp_port, probe->crafted, o->ts_ns);
  for (uint16_t i = 0; i < it->count; i++)
    if (it->targets[i].port == o->resp_port && ip_equal(&it->targets[i].ip, &o->resp_ip))
      it->targets[i].told = true;
  scan_trw_contact(s, it, o, false);
}

// What was silent at first is a life after all.
static void contact_take_back(struct scan *s, const struct observation *o)
{
  struct source *it = source_find(&s->sources, &o->orig_ip);
  for (uint16_t i = 0; it && i < it->count; i++)
    if (it->targets[i].packet == o->first_packet) it->targets[i].told = true;
}

// A handshake that seemed half-open was ended after all.
void scan_contact_opened(struct scan *s, const struct observation *o, const struct probe *probe)
{
  if (!probe->crafted) return;
  struct source *it = source_find(&s->sources, &o->orig_ip);
  for (uint16_t i = 0; it && i < it->count; i++)
    if (it->targets[i].packet == o->first_packet) it->targets[i].half_open = false;
  struct campaign *c = contact_campaign(s, o, probe);
  if (c && contact_is_told(s, c, o)) campaign_proven(&s->campaigns, c, &o->orig_ip);
}

// Success, and lives that were cut at their start: they speak for a source.
static void contact_excuse(struct scan *s, const struct observation *o, const struct probe *probe,
                           bool alive)
{
  const bool goes_on = o->kind == OBSERVE_SILENCE && o->segments[ESTAB_WATCH_ORIG] > 1;
  if (probe->technique != PROBE_SYN && (alive || goes_on)) contact_take_back(s, o);
  if (alive && (o->kind == OBSERVE_ANSWER || o->kind == OBSERVE_SILENCE)) {
    struct source *it = source_get(&s->sources, &o->orig_ip, &o->resp_ip, o->resp_port);
    if (it) source_lives(&s->sources, it, &o->resp_ip, o->resp_port, o->ts_ns);
    // On a tap that sees servers alone a service begins with its SYN-ACK.
    if (probe->technique == PROBE_SYNACK)
      scan_seen_add(&s->services, scan_fingerprint(&s->pool, &o->orig_ip, o->orig_port));
  }
  // Whoever answers what was asked answers as well where the tap lost the question.
  if (o->kind == OBSERVE_ANSWER && probe->technique == PROBE_SYN && !o->answered_by_icmp) {
    struct source *it = source_find(&s->sources, &o->resp_ip);
    if (it) it->asked++;
  }
  // On a tap that sees one direction a life with text is one whose originator went on.
  if (o->kind == OBSERVE_SILENCE && probe->technique == PROBE_SYN &&
      o->flags[ESTAB_WATCH_ORIG] & ESTAB_TCP_ACK &&
      (o->text_bytes[ESTAB_WATCH_ORIG] || o->segments[ESTAB_WATCH_ORIG] > 3))
    scan_contact_text(s, o, probe);
}

// An open port more of one source's scan with a kernel's SYNs: half-open or connected, as it does mostly.
static void contact_name_open(struct scan *s, struct campaign *it, const struct observation *o,
                              bool half_open)
{
  if (it->crafted || it->source_count > 1 ||
      (it->kind != ESTAB_WATCH_KIND_SYN_SCAN && it->kind != ESTAB_WATCH_KIND_CONNECT_SCAN))
    return;
  *(half_open ? &it->half_open : &it->connected) += 1;
  const bool syn = it->kind == ESTAB_WATCH_KIND_SYN_SCAN;
  const enum estab_watch_kind other =
      syn ? ESTAB_WATCH_KIND_CONNECT_SCAN : ESTAB_WATCH_KIND_SYN_SCAN;
  // Told under another name each time; so it takes twice as many, and no campaign of that name.
  const uint32_t same = syn ? it->half_open : it->connected;
  const uint32_t others = syn ? it->connected : it->half_open;
  if (others == 0 || others < 2 * same) return;
  if (!campaign_find(&s->campaigns, CAMPAIGN_BY_SOURCE, &o->orig_ip, other))
    campaign_rename(&s->campaigns, it, other, &o->orig_ip);
}

static void contact_note(struct scan *s, const struct observation *o, const struct probe *probe,
                         const struct campaign_probe *record, const struct contact *c)
{
  struct source *source = source_get(&s->sources, &o->orig_ip, &o->resp_ip, o->resp_port);
  if (!source) return;
  source->last_ns = s->now_ns;
  source_today(source, s->now_ns);
  if (source->count) scan_judge_race(s, source, source->last);
  if (probe->technique == PROBE_SYN && !c->open && !c->half_open)
    scan_trw_contact(s, source, o, true);
  struct source_target target = {
      .src = o->orig_ip,
      .ip = o->resp_ip,
      .first_ns = o->first_ns,
      .packet = o->first_packet,
      .port = o->resp_port,
      .src_port = o->orig_port,
      .flags = o->first_flags,
      .probe = o->probe,
      .answer = record->answer,
      .patient = c->patient,
      .half_open = c->half_open,
  };
  if (source_note(&s->sources, source, &target)) scan_judge(s, source);
}

void scan_contact(struct scan *s, const struct observation *o, const struct probe *probe)
{
  const struct contact c = scan_counts(s, o, probe);
  contact_excuse(s, o, probe, c.alive);
  if (!c.counts || scan_flooded(s, o)) return;

  struct campaign *it = contact_campaign(s, o, probe);
  uint8_t answer = c.open ? ESTAB_WATCH_OPEN : scan_answer(s, o, probe->technique);
  if (it && it->kind == ESTAB_WATCH_KIND_BACKSCATTER) answer = CAMPAIGN_WAITING;
  struct campaign_probe record = scan_probe_record(o, probe, answer);
  if (it) {
    if (probe->technique == PROBE_ACK && o->answer_flags & ESTAB_TCP_RST && o->answer_window)
      it->window_seen = 1;
    if (c.open && o->established) campaign_proven(&s->campaigns, it, &o->orig_ip);
    if (c.open || c.half_open) contact_name_open(s, it, o, c.half_open);
    if (o->kind == OBSERVE_ANSWER && o->late && contact_is_told(s, it, o))
      campaign_answer(&s->campaigns, it, &record);
    else
      campaign_add(&s->campaigns, it, &record);
    return;
  }
  if (scan_gather_takes(s, o, probe, &record)) return;
  contact_note(s, o, probe, &record, &c);
  if (!contact_campaign(s, o, probe)) scan_gather(s, o, probe, &record);
}
