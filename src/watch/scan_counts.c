// SPDX-License-Identifier: BSD-2-Clause
// scan_counts.c - which contacts without success count against their source, and which do not.
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

// A handshake that nobody ended: a kernel that knows nothing of it says RST without ACK, who closes says it with one.
static bool contact_is_half_open(const struct observation *o)
{
  return !o->established && !(o->flags[ESTAB_WATCH_ORIG] & ESTAB_TCP_ACK);
}

// A SYN whose kernel knows nothing of what came back, where no tap saw it: half-open.
static bool contact_hangs_up(const struct scan *s, const struct observation *o,
                             const struct probe *probe)
{
  return o->kind == OBSERVE_SILENCE && !probe->crafted && scan_tap_one_way(s) &&
         o->segments[ESTAB_WATCH_ORIG] == 2 &&
         (o->flags[ESTAB_WATCH_ORIG] & (ESTAB_TCP_RST | ESTAB_TCP_ACK)) == ESTAB_TCP_RST;
}

struct contact scan_counts(struct scan *s, const struct observation *o, const struct probe *probe)
{
  struct contact c = {.patient = o->kind == OBSERVE_SILENCE && contact_is_patient(o)};
  switch ((enum probe_technique)probe->technique) {
  case PROBE_SYN:
    c.open = contact_syn_open(o, probe);
    c.half_open = c.open ? contact_is_half_open(o) : contact_hangs_up(s, o, probe);
    c.counts = c.open || c.half_open || contact_syn_failed(s, o, probe);
    break;
  case PROBE_ACK:
  case PROBE_FINACK: c.counts = contact_ack_probe(s, o, probe, &c.alive); break;
  case PROBE_SYNACK: c.counts = contact_synack_probe(o, &c.alive); break;
  case PROBE_RST: c.counts = o->kind == OBSERVE_SILENCE; break;
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
  return c;
}
