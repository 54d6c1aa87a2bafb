// SPDX-License-Identifier: BSD-2-Clause
// scan_contact.c - which contacts without success count against their source, and which do not.
//
// SYN: an attempt that failed. Excused is what real clients do and probes do not: patience (the SYN repeated
// twice and more), no way there (ICMP), a service known to have answered, the loser of a race between
// address families. A crafted SYN (without the options of every kernel) is never excused: only tools send
// them, and small devices, which are known by asking again (scan_judge.c). ACK, FIN+ACK: one segment, no text,
// no timestamps, answered by RST or not at all, and not sent by a server's port to a client's: the others belong
// to lives that were cut at their start. SYN+ACK: answered by RST, or silent and not from a server's port to a
// client's.
#include "base/tuple.h"
#include "watch/scan_parts.h"

#define CONTACT_PATIENCE 3 // SYNs of one attempt
// Between two of them: a kernel waits so long for the third and later ones only, the tap has not those before.
#define CONTACT_PATIENT_NS (SCAN_S * 7 / 2)

static bool contact_is_patient(const struct observation *o)
{
  const uint32_t syns = o->segments[ESTAB_WATCH_ORIG];
  return syns >= CONTACT_PATIENCE || (syns == 2 && o->kind == OBSERVE_SILENCE &&
                                      o->last_ns >= o->first_ns + CONTACT_PATIENT_NS);
}

bool scan_icmp_no_route(const struct observation *o)
{
  if (!o->answered_by_icmp) return false;
  if (estab_ip_is4(&o->orig_ip)) return o->icmp_type == 3 && o->icmp_code <= 1;
  return o->icmp_type == 1 && (o->icmp_code == 0 || o->icmp_code == 3);
}

bool scan_faces_client(uint16_t src_port, uint16_t dst_port)
{
  if (src_port < 1024) return dst_port >= 1024;
  return src_port < 32768 && dst_port >= 32768;
}

uint8_t scan_answer(const struct scan *s, const struct observation *o, uint8_t technique)
{
  bool quiet = technique == PROBE_FIN || technique == PROBE_NULL || technique == PROBE_XMAS ||
               technique == PROBE_FINACK || technique == PROBE_SYNFIN || technique == PROBE_BOGUS;
  switch ((enum observation_kind)o->kind) {
  case OBSERVE_ANSWER:
    if (o->answered_by_icmp) return ESTAB_WATCH_FILTERED;
    if (o->answer_flags & ESTAB_TCP_RST)
      return technique == PROBE_ACK || technique == PROBE_SYNACK ? ESTAB_WATCH_UNFILTERED
                                                                 : ESTAB_WATCH_CLOSED;
    return (o->answer_flags & ESTAB_TCP_SYN) ? ESTAB_WATCH_OPEN : CAMPAIGN_WAITING;
  case OBSERVE_SILENCE:
    if (scan_tap_one_way(s)) return ESTAB_WATCH_UNKNOWN;
    return quiet ? ESTAB_WATCH_OPEN_OR_FILTERED : ESTAB_WATCH_FILTERED;
  case OBSERVE_CLOSE:
  case OBSERVE_END:
    return (o->answer_flags & (ESTAB_TCP_SYN | ESTAB_TCP_RST)) == ESTAB_TCP_SYN ? ESTAB_WATCH_OPEN
                                                                                : CAMPAIGN_WAITING;
  case OBSERVE_FIRST:
  case OBSERVE_ESTABLISHED:
  case OBSERVE_SERVED:
  case OBSERVE_DATA:
  case OBSERVE_SEGMENT:
  case OBSERVE_SUSPECT: break;
  }
  return CAMPAIGN_WAITING;
}

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

// Whether a SYN that failed says something about who sent it.
static bool contact_syn_failed(struct scan *s, const struct observation *o,
                               const struct probe *probe)
{
  if (o->kind == OBSERVE_SILENCE) {
    // Behind a crafted SYN a RST says that its sender's kernel knew nothing of it.
    uint16_t beyond = ESTAB_TCP_FIN | ESTAB_TCP_ACK | (probe->crafted ? 0 : ESTAB_TCP_RST);
    if (o->flags[ESTAB_WATCH_ORIG] & beyond || o->text_bytes[ESTAB_WATCH_RESP]) return false;
  } else if (o->kind != OBSERVE_ANSWER ||
             !(o->answered_by_icmp || o->answer_flags & ESTAB_TCP_RST)) {
    return false;
  }
  if (probe->crafted) return true;
  if (scan_seen_has(&s->services, scan_service(s, o))) return false;
  if (!contact_is_patient(o) && !scan_icmp_no_route(o) &&
      (o->kind != OBSERVE_SILENCE || !scan_twin_won(s, o)))
    return true;
  // What excuses most of its failures excuses those of which the tap lost the excuse.
  struct source *it = source_find(&s->sources, &o->orig_ip);
  if (it) source_today(it, o->ts_ns);
  if (it) it->excused++;
  return false;
}

// Whether an ACK or FIN+ACK was a probe. No RST is a sign of life.
static bool contact_ack_probe(struct scan *s, const struct observation *o,
                              const struct probe *probe, bool *alive)
{
  bool answered = o->kind == OBSERVE_ANSWER;
  *alive = o->midstream || o->text_bytes[0] || o->text_bytes[1] ||
           (answered && !o->answered_by_icmp && !(o->answer_flags & ESTAB_TCP_RST));
  if (*alive || o->kind == OBSERVE_CLOSE || o->kind == OBSERVE_END || !probe->crafted) return false;
  if (o->segments[ESTAB_WATCH_ORIG] > 1) return false;
  if (!scan_faces_client(o->orig_port, o->resp_port)) return true;
  // What a tool sends from a server's port, once it is named.
  const struct campaign *it =
      campaign_find(&s->campaigns, CAMPAIGN_BY_SOURCE, &o->orig_ip, probe_kind(probe->technique));
  return it && campaign_has_host(it, &o->resp_ip);
}

static bool contact_synack_probe(const struct observation *o, bool *alive)
{
  *alive = o->text_bytes[0] || o->text_bytes[1] || o->established;
  if (*alive || o->kind == OBSERVE_CLOSE || o->kind == OBSERVE_END) return false;
  if (o->kind == OBSERVE_ANSWER)
    return !o->answered_by_icmp && (o->answer_flags & ESTAB_TCP_RST) != 0;
  return (o->flags[ESTAB_WATCH_ORIG] & (ESTAB_TCP_FIN | ESTAB_TCP_RST | ESTAB_TCP_PSH)) == 0;
}

// A port that answered: half-open, or opened and left without a word. Success is a life with text.
static bool contact_syn_open(const struct observation *o, const struct probe *probe)
{
  if (o->kind == OBSERVE_ANSWER)
    return probe->crafted && !o->answered_by_icmp &&
           (o->answer_flags & (ESTAB_TCP_SYN | ESTAB_TCP_RST)) == ESTAB_TCP_SYN;
  if (!scan_over(o) || o->text_bytes[ESTAB_WATCH_ORIG]) return false;
  return !probe->crafted && (o->answer_flags & (ESTAB_TCP_SYN | ESTAB_TCP_RST)) == ESTAB_TCP_SYN;
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

// Its kernel knows nothing of what came back, where no tap saw it: half-open.
static bool contact_hangs_up(const struct scan *s, const struct observation *o,
                             const struct probe *probe)
{
  return o->kind == OBSERVE_SILENCE && probe->technique == PROBE_SYN && !probe->crafted &&
         scan_tap_one_way(s) && o->segments[ESTAB_WATCH_ORIG] == 2 &&
         (o->flags[ESTAB_WATCH_ORIG] & (ESTAB_TCP_RST | ESTAB_TCP_ACK)) == ESTAB_TCP_RST;
}

static bool contact_counts(struct scan *s, const struct observation *o, const struct probe *probe,
                           bool *open, bool *alive)
{
  *open = *alive = false;
  switch ((enum probe_technique)probe->technique) {
  case PROBE_SYN:
    *open = contact_syn_open(o, probe);
    return *open || contact_hangs_up(s, o, probe) || contact_syn_failed(s, o, probe);
  case PROBE_ACK:
  case PROBE_FINACK: return contact_ack_probe(s, o, probe, alive);
  case PROBE_SYNACK: return contact_synack_probe(o, alive);
  case PROBE_RST: return o->kind == OBSERVE_SILENCE;
  case PROBE_NONE:
  case PROBE_FIN:
  case PROBE_NULL:
  case PROBE_XMAS:
  case PROBE_SYNFIN:
  case PROBE_BOGUS:
  case PROBE_OS:
  case PROBE_LAND:
  case PROBE_TECHNIQUES: break;
  }
  return false;
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

// A handshake that nobody ended: a kernel that knows nothing of it says RST without ACK, who closes says it with one.
static bool contact_is_half_open(const struct observation *o)
{
  return !o->established && !(o->flags[ESTAB_WATCH_ORIG] & ESTAB_TCP_ACK);
}

// An open port more of one source's scan with a kernel's SYNs: half-open or connected, as it does mostly.
static void contact_name_open(struct scan *s, struct campaign *it, const struct observation *o)
{
  if (it->crafted || it->source_count > 1 ||
      (it->kind != ESTAB_WATCH_KIND_SYN_SCAN && it->kind != ESTAB_WATCH_KIND_CONNECT_SCAN))
    return;
  *(contact_is_half_open(o) ? &it->half_open : &it->connected) += 1;
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
                         const struct campaign_probe *record, bool open)
{
  struct source *source = source_get(&s->sources, &o->orig_ip, &o->resp_ip, o->resp_port);
  if (!source) return;
  source->last_ns = s->now_ns;
  source_today(source, s->now_ns);
  if (source->count) scan_judge_race(s, source, source->last);
  const bool hangs_up = contact_hangs_up(s, o, probe);
  if (probe->technique == PROBE_SYN && !open && !hangs_up) scan_trw_contact(s, source, o, true);
  struct source_target contact = {
      .src = o->orig_ip,
      .ip = o->resp_ip,
      .first_ns = o->first_ns,
      .packet = o->first_packet,
      .port = o->resp_port,
      .src_port = o->orig_port,
      .flags = o->first_flags,
      .probe = o->probe,
      .answer = record->answer,
      .patient = o->kind == OBSERVE_SILENCE && contact_is_patient(o),
      .half_open = hangs_up || (open && contact_is_half_open(o)),
  };
  if (source_note(&s->sources, source, &contact)) scan_judge(s, source);
}

void scan_contact(struct scan *s, const struct observation *o, const struct probe *probe)
{
  bool open, alive;
  bool counts = contact_counts(s, o, probe, &open, &alive);
  contact_excuse(s, o, probe, alive);
  if (!counts || scan_flooded(s, o)) return;

  struct campaign *it = contact_campaign(s, o, probe);
  uint8_t answer = open ? ESTAB_WATCH_OPEN : scan_answer(s, o, probe->technique);
  if (it && it->kind == ESTAB_WATCH_KIND_BACKSCATTER) answer = CAMPAIGN_WAITING;
  struct campaign_probe record = scan_probe_record(o, probe, answer);
  if (it) {
    if (probe->technique == PROBE_ACK && o->answer_flags & ESTAB_TCP_RST && o->answer_window)
      it->window_seen = 1;
    if (open && o->established) campaign_proven(&s->campaigns, it, &o->orig_ip);
    if (open || contact_hangs_up(s, o, probe)) contact_name_open(s, it, o);
    if (o->kind == OBSERVE_ANSWER && o->late && contact_is_told(s, it, o))
      campaign_answer(&s->campaigns, it, &record);
    else
      campaign_add(&s->campaigns, it, &record);
    return;
  }
  if (scan_gather_takes(s, o, probe, &record)) return;
  contact_note(s, o, probe, &record, open);
  if (!contact_campaign(s, o, probe)) scan_gather(s, o, probe, &record);
}
