// SPDX-License-Identifier: BSD-2-Clause
// observe.c - what the tracker tells the detectors of a life.
#include "watch/observe.h"

#include "base/bytes.h"
#include "proto/seq.h"
#include "watch/refused.h"
#include "watch/timeline.h"
#include "watch/zeek.h"

#define OBSERVE_USED        (FLOW_OBSERVED_USED | FLOW_OBSERVED_DATA)
#define OBSERVE_GREETING_NS (2 * FLOW_SECOND_NS)

static void observe_head(const struct flow_head *f, struct observation *o)
{
  unsigned first = flow_first(f);
  o->orig_ip = f->ip[first];
  o->resp_ip = f->ip[1 - first];
  o->orig_port = f->port[first];
  o->resp_port = f->port[1 - first];
  o->vlan[0] = f->vlan & 0xfff;
  o->vlan[1] = f->vlan >> 12 & 0xfff;
  o->tunnel_id = f->tunnel_id;
  o->probe = (uint16_t)(f->bits >> FLOW_PROBE_SHIFT);
}

static void observe_start(struct observation *o, enum observation_kind kind)
{
  o->kind = (uint8_t)kind;
  o->suspicion = SUSPECT_NOTHING;
  o->used = false;
}

// What is there of each life behind its head, before it is filled in.
static void observe_empty(const struct flow_head *f, struct observation *o)
{
  const size_t from = offsetof(struct observation, answer_flags);
  memset((uint8_t *)o + from, 0, sizeof *o - from);
  o->answered_by_icmp = f->bits & FLOW_ICMP;
  o->late = f->bits & FLOW_SILENT;
}

static void observe_fill_refusal(const struct flow_refusal *r, struct observation *o)
{
  o->answer_flags = o->flags[1] = r->flags;
  o->answer_window = r->window;
  o->segments[1] = 1;
  o->reset_by_resp = true;
}

static void observe_fill_one(const struct track *t, const struct flow_one *f, struct observation *o)
{
  observe_head((const struct flow_head *)f, o);
  observe_empty((const struct flow_head *)f, o);
  o->first_flags = f->first.flags;
  o->first_ns = f->first.ts_ns;
  o->first_packet = f->first.packet;
  o->last_ns = f->first.ts_ns;
  o->segments[0] = 1;
  o->flags[0] = f->first.flags;
  o->reset_by_orig = f->first.flags & ESTAB_TCP_RST;
  o->closed_by_fin = f->first.flags & ESTAB_TCP_FIN;
  if (flow_is_refused((const struct flow_head *)f))
    observe_fill_refusal(refused_at(t, f), o);
  else
    o->text_bytes[0] = f->first.text_bytes;
}

uint64_t observe_segments(struct track *t, struct flow *f, unsigned end)
{
  const struct flow_trouble *r = track_has_trouble(t, f);
  const struct flow_closing *c = f->bits & FLOW_CONTINUES ? track_has_closing(t, f) : NULL;
  return (uint64_t)f->side[end].pkts + (r ? r->side[end].offloaded : 0) + (c ? c->earlier[end] : 0);
}

static void observe_fill(struct track *t, struct flow *f, struct observation *o)
{
  observe_head((const struct flow_head *)f, o);
  observe_empty((const struct flow_head *)f, o);
  unsigned first = flow_first((const struct flow_head *)f);
  for (unsigned i = 0; i < 2; i++) {
    unsigned e = i ? 1 - first : first;
    const struct flow_side *s = &f->side[e];
    const uint64_t pkts = observe_segments(t, f, e);
    o->segments[i] = (uint32_t)(s->bits & SIDE_ROUTED ? (pkts + 1) / 2 : pkts);
    o->flags[i] = s->flags;
    o->text_bytes[i] = u64_max(zeek_bytes(f, e), s->bits & SIDE_TEXT ? 1 : 0);
  }
  const struct flow_side *orig = &f->side[first], *resp = &f->side[1 - first];
  o->first_flags = orig->first_flags;
  o->answer_flags = resp->bits & SIDE_SENT ? resp->first_flags : 0;
  o->answer_window = resp->first_window;
  o->first_ns = f->life_ns;
  o->first_packet = f->life_packet;
  o->last_ns = f->last_ns;
  o->midstream = (f->life_bits & LIFE_MIDSTREAM) && (orig->flags & ESTAB_TCP_ACK) &&
                 (resp->flags & ESTAB_TCP_ACK) && !(resp->first_flags & ESTAB_TCP_RST);
  o->established = f->observed & FLOW_OBSERVED_ESTABLISHED;
  o->used = f->observed & OBSERVE_USED;
  o->held = orig->bits & SIDE_HELD;
  o->reset_by_orig = orig->flags & ESTAB_TCP_RST;
  o->reset_by_resp = resp->flags & ESTAB_TCP_RST;
  o->closed_by_fin = (orig->flags | resp->flags) & ESTAB_TCP_FIN;
}

static void observe_when(struct track *t, struct observation *o, const struct segment *g,
                         unsigned first)
{
  if (g) {
    o->ts_ns = g->ts_ns;
    o->packet_number = g->packet;
    o->packet = t->packet;
    o->side = g->end == first ? ESTAB_WATCH_ORIG : ESTAB_WATCH_RESP;
    return;
  }
  o->ts_ns = t->now_ns;
  o->packet_number = 0;
  o->packet = NULL;
  o->side = ESTAB_WATCH_ORIG;
}

static uint16_t observe_tell(struct track *t, const struct observation *o)
{
  return t->observe(t->observe_ctx, o);
}

// What the detectors want to find again with the life.
static void observe_keep_probe(uint32_t *bits, uint16_t probe)
{
  *bits = (*bits & ((1u << FLOW_PROBE_SHIFT) - 1)) | (uint32_t)probe << FLOW_PROBE_SHIFT;
}

// What would say nothing is not told, unless the detectors wait for that time.
static bool observe_passes(struct track *t, uint64_t ts_ns)
{
  if (ts_ns >= t->observe_due_ns) return false;
  t->observed_ns = ts_ns;
  return true;
}

void observe_one(struct track *t, struct flow_one *f, enum observation_kind kind,
                 const struct segment *g)
{
  if (!t->observe || (kind == OBSERVE_END && observe_passes(t, t->now_ns))) return;
  struct observation o;
  observe_start(&o, kind);
  observe_fill_one(t, f, &o);
  observe_when(t, &o, g, f->first.end);
  if (kind == OBSERVE_FIRST) o.fragmented = t->packet && t->packet->joined;
  uint16_t probe = observe_tell(t, &o);
  if (kind == OBSERVE_FIRST) observe_keep_probe(&f->bits, probe);
}

static void observe_send(struct track *t, const struct flow *f, struct observation *o,
                         const struct segment *g)
{
  observe_when(t, o, g, flow_first((const struct flow_head *)f));
  (void)observe_tell(t, o);
}

// Nobody took it up, or it was a conversation: how it closes and ends nobody asks.
static bool observe_is_settled(const struct flow *f)
{
  const unsigned first = flow_first((const struct flow_head *)f);
  if (f->side[first].bits & SIDE_HELD) return false;
  if (!(f->observed & FLOW_OBSERVED_ESTABLISHED))
    return !(f->side[1 - first].first_flags & ESTAB_TCP_SYN);
  return (f->side[first].bits & SIDE_TEXT) && (f->observed & FLOW_OBSERVED_DATA) &&
         !(f->bits & (uint32_t)OBSERVE_TO_ITS_END << FLOW_PROBE_SHIFT);
}

void observe_flow(struct track *t, struct flow *f, enum observation_kind kind,
                  const struct segment *g)
{
  if (!t->observe || f == &t->scratch) return;
  if ((kind == OBSERVE_CLOSE || kind == OBSERVE_END) && observe_is_settled(f) &&
      observe_passes(t, g ? g->ts_ns : t->now_ns))
    return;
  struct observation o;
  observe_start(&o, kind);
  observe_fill(t, f, &o);
  observe_send(t, f, &o, g);
}

// ESTABLISHED, SERVED and DATA, before the flow has it that they are told.
static void observe_on(struct track *t, struct flow *f, enum observation_kind kind,
                       const struct segment *g)
{
  if (!t->observe || f == &t->scratch) return;
  struct observation o;
  observe_start(&o, kind);
  observe_head((struct flow_head *)f, &o);
  o.first_flags = f->side[flow_first((struct flow_head *)f)].first_flags;
  o.first_ns = f->life_ns;
  o.first_packet = f->life_packet;
  o.used = f->observed & OBSERVE_USED;
  uint64_t packet;
  if (kind != OBSERVE_DATA || !timeline_when(t, f, flow_first((struct flow_head *)f),
                                             ESTAB_ESTABLISHED, &o.handshake_ns, &packet))
    o.handshake_ns = g->ts_ns;
  observe_send(t, f, &o, g);
}

void observe_suspect(struct track *t, struct flow *f, const struct segment *g,
                     const struct observe_suspicion *of)
{
  if (!t->observe || f == &t->scratch) return;
  struct observation o;
  observe_start(&o, OBSERVE_SUSPECT);
  observe_fill(t, f, &o);
  o.suspicion = of->what;
  o.suspect_ttl = of->suspect_ttl;
  o.usual_ttl = of->usual_ttl;
  o.suspect_count = of->count;
  observe_send(t, f, &o, g);
}

// No way there, or somebody forbids it: what a probe is answered with. Errors about the way itself are none, and what
// comes behind them counts.
static bool observe_is_unreachable(const struct watch_packet *p)
{
  static const uint16_t codes4 =
      1u << 0 | 1u << 1 | 1u << 2 | 1u << 3 | 1u << 9 | 1u << 10 | 1u << 13;
  static const uint16_t codes6 = 1u << 0 | 1u << 1 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6;
  const bool four = estab_ip_is4(&p->quote.dst);
  if (p->icmp.type != (four ? 3 : 1) || p->icmp.code > 15) return false;
  return (four ? codes4 : codes6) >> p->icmp.code & 1;
}

void observe_icmp(struct track *t, struct flow_head *head, unsigned quoted, uint64_t ts_ns,
                  uint64_t packet)
{
  if (head->bits & (FLOW_ANSWERED | FLOW_ICMP) || !observe_is_unreachable(t->packet)) return;
  const bool late = head->bits & FLOW_SILENT;
  head->bits |= FLOW_SILENT | FLOW_ICMP; // an answer of the host itself is still to be told
  if (!t->observe) return;
  struct observation o;
  observe_start(&o, OBSERVE_ANSWER);
  if (head->bits & FLOW_FULL)
    observe_fill(t, (struct flow *)head, &o);
  else
    observe_fill_one(t, (struct flow_one *)head, &o);
  o.ts_ns = ts_ns;
  o.packet_number = packet;
  o.packet = t->packet;
  o.side = quoted == flow_first(head) ? ESTAB_WATCH_RESP : ESTAB_WATCH_ORIG;
  o.icmp_type = t->packet->icmp.type;
  o.icmp_code = t->packet->icmp.code;
  o.late = late;
  observe_tell(t, &o);
}

// Far from what a side has sent: no reordering, no gap of the capture explains it.
static bool observe_far(uint32_t number, uint32_t place)
{
  int32_t off = (int32_t)(number - place);
  return off > OBSERVE_FAR || off < -OBSERVE_FAR;
}

// An ACK without text that does not go with what is known of its life.
static bool observe_stray_ack(const struct track *t, const struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  if (f->life_bits & LIFE_OVER) return true;
  if ((s->bits & SIDE_KNOWN) && observe_far(g->seq, s->nxt)) return true;
  if (peer->bits & SIDE_SENT) return (peer->bits & SIDE_KNOWN) && observe_far(g->ack, peer->nxt);
  // Nobody is there, and it says the same again: a receiver of what the tap does not see says it with timestamps, or
  // with SACK blocks.
  return (s->bits & SIDE_ACKED) && g->ack == s->una && g->seq == s->nxt &&
         !(t->packet->tcp.options.present & (ESTAB_TCP_OPT_TS | ESTAB_TCP_OPT_SACK));
}

// A RST of a side that has spoken, at what the other side may have acknowledged last: so a closed socket refuses each
// segment that was under way, in bursts, or where the tap does not see them. Who forges RSTs does not know the number.
static bool observe_refuses(const struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  if (!(s->bits & SIDE_TEXT) || !(s->bits & SIDE_KNOWN)) return false;
  return g->seq == s->nxt ||
         ((peer->bits & SIDE_ACKED) && seq_ge(g->seq, peer->una) && seq_lt(g->seq, s->nxt));
}

bool observe_is_strange(struct track *t, struct flow *f, const struct segment *g)
{
  uint16_t mark = g->flags & (ESTAB_TCP_SYN | ESTAB_TCP_FIN | ESTAB_TCP_RST);
  if (g->bits & SEGMENT_BAD) return false;
  const struct flow_side *const own = &f->side[g->end];
  if ((own->bits & SIDE_ROUTED) && own->pkts == 1) return false;        // this is it
  if ((g->bits & SEGMENT_TS) && g->ts_value == UINT32_MAX) return true; // nmap -O, scan_probe.c
  if (!mark) return !(g->flags & ESTAB_TCP_ACK) || (!g->text_bytes && observe_stray_ack(t, f, g));
  // Two of them, or one that this side has said before: but a listener says its SYN again until it is heard, and a RST
  // answers what the other side has just said.
  if (mark & (mark - 1)) return true;
  if (mark & f->side[g->end].flags) {
    if (mark == ESTAB_TCP_RST)
      return ((f->observed & FLOW_LAST_END) != 0) == (g->end != 0) && !observe_refuses(f, g);
    if (mark == ESTAB_TCP_FIN) return true;
    return !(g->flags & ESTAB_TCP_ACK) || flow_first((const struct flow_head *)f) == g->end;
  }
  return !(g->flags & (ESTAB_TCP_ACK | ESTAB_TCP_SYN | ESTAB_TCP_RST));
}

void observe_strange(struct track *t, const struct flow *f, const struct segment *g)
{
  struct observation o;
  observe_start(&o, OBSERVE_SEGMENT);
  observe_head((const struct flow_head *)f, &o);
  observe_empty((const struct flow_head *)f, &o);
  o.first_flags = 0;
  const struct flow_side *resp = &f->side[1 - flow_first((const struct flow_head *)f)];
  o.answer_flags = resp->bits & SIDE_SENT ? resp->first_flags : 0;
  observe_when(t, &o, g, flow_first((const struct flow_head *)f));
  o.first_ns = g->ts_ns;
  o.first_packet = g->packet;
  (void)observe_tell(t, &o);
}

// The responder goes on behind text that the originator has acknowledged, later than the parts of a greeting come.
static void observe_served(struct track *t, struct flow *f, const struct segment *g)
{
  const struct flow_side *resp = &f->side[g->end], *orig = &f->side[1 - g->end];
  if (!g->text_bytes || (f->observed & OBSERVE_USED) ||
      !(f->observed & FLOW_OBSERVED_ESTABLISHED) || g->ts_ns < f->life_ns + OBSERVE_GREETING_NS ||
      !seq_gt(orig->una, resp->start_seq + 1) || !seq_ge(g->seq, orig->una))
    return;
  observe_on(t, f, OBSERVE_SERVED, g);
  f->observed |= FLOW_OBSERVED_USED;
}

static void observe_close(struct track *t, struct flow *f, const struct segment *g)
{
  if (f->observed & FLOW_OBSERVED_CLOSE || !(g->flags & (ESTAB_TCP_FIN | ESTAB_TCP_RST)) ||
      !(f->bits & FLOW_ANSWERED))
    return;
  f->observed |= FLOW_OBSERVED_CLOSE;
  observe_flow(t, f, OBSERVE_CLOSE, g);
}

// The answer acknowledges text of the SYN. Zeek's machine has not the number of one whose checksum was left to the
// device: then what seems acknowledged is no segment's length.
static bool observe_syn_taken(const struct flow_side *orig, const struct flow_side *resp)
{
  return resp->una - orig->start_seq - 2 < UINT16_MAX;
}

void observe_news(struct track *t, struct flow *f, const struct segment *g)
{
  if (g->bits & SEGMENT_BAD) return;
  unsigned first = flow_first((struct flow_head *)f);
  struct flow_side *orig = &f->side[first];
  if (g->end != first && !(f->bits & FLOW_ANSWERED)) {
    f->bits = (f->bits & ~(uint32_t)FLOW_ICMP) | FLOW_ANSWERED;
    observe_flow(t, f, OBSERVE_ANSWER, g);
    return;
  }
  if (g->end != first || (f->life_bits & LIFE_MIDSTREAM)) {
    if (g->end != first) observe_served(t, f, g);
    observe_close(t, f, g);
    return;
  }
  if (!(f->observed & FLOW_OBSERVED_ESTABLISHED) && (g->flags & ESTAB_TCP_ACK) &&
      !(g->flags & (ESTAB_TCP_RST | ESTAB_TCP_SYN)) && (f->side[1 - first].bits & SIDE_SYN) &&
      orig->una == f->side[1 - first].nxt) {
    f->observed |= FLOW_OBSERVED_ESTABLISHED;
    if (observe_syn_taken(orig, &f->side[1 - first])) f->observed |= FLOW_OBSERVED_USED;
    observe_on(t, f, OBSERVE_ESTABLISHED, g);
  }
  if ((f->observed & FLOW_OBSERVED_ESTABLISHED) && !(f->observed & FLOW_OBSERVED_DATA) &&
      g->text_bytes) {
    observe_on(t, f, OBSERVE_DATA, g);
    f->observed |= FLOW_OBSERVED_DATA;
  }
  observe_close(t, f, g);
}
