// SPDX-License-Identifier: BSD-2-Clause
// accecn.c - Accurate ECN, RFC 9768: the counters of both sides, and what makes one of them doubt the path.
#include "tcp/accecn.h"
#include "tcp/tcb.h"

#define ACCECN_ACE_MOST 7u
#define ACCECN_PROOF                                                                               \
  31u // segments of text in a row: more than a peer sends that hears no ACK of ours
#define ACCECN_THIN_EIGHTHS 32u // an ACK for more than four segments: thinned out, or merged
#define ACCECN_OPTION_ROOM  40u

static unsigned accecn_ace_of(uint16_t flags)
{
  return (unsigned)(flags & ACCECN_FLAGS) >> ACCECN_ACE_SHIFT;
}

uint16_t accecn_ace(const struct tcb *t)
{
  return (uint16_t)(((ACCECN_ACE_FIRST + t->accecn.ce_received) & 7u) << ACCECN_ACE_SHIFT);
}

// ---- Handshake

bool accecn_conflicts(const struct estab_settings *set, uint8_t has, uint16_t flags)
{
  if (set->ecn < ESTAB_ECN_ACCURATE || !(has & (SEG_ECN | SEG_ACCECN))) return false;
  uint8_t says = (flags & ESTAB_TCP_ACK) ? accecn_of_syn_ack(flags) : accecn_of_syn(set, flags);
  return says != 0 && !(has & says);
}

static void accecn_count_octets(struct accecn *a, unsigned ecn, uint32_t octets)
{
  static const uint8_t at[4] = {
      [ESTAB_ECN_ECT0] = ACCECN_E0B, [ESTAB_ECN_ECT1] = ACCECN_E1B, [ESTAB_ECN_CE] = ACCECN_CEB};
  if (ecn == ESTAB_ECN_NOT_ECT || octets == 0) return;
  uint8_t *counter = a->received[at[ecn & 3u]];
  accecn_put24(counter, accecn_get24(counter) + octets);
  a->bits |= ACCECN_DUE;
}

// 3.2.3.2.4: counters that begin with one and come as zero.
static void accecn_check_zeroed(struct accecn *a, const struct estab_tcp_options *o)
{
  if (!(o->present & (ESTAB_TCP_OPT_ACCECN0 | ESTAB_TCP_OPT_ACCECN1))) return;
  a->bits |= ACCECN_SEEN;
  if ((o->accecn_count > 0 && o->accecn[0] == 0) || (o->accecn_count > 2 && o->accecn[2] == 0))
    a->bits |= ACCECN_ZEROED;
}

// Our SYN and SYN-ACK are never ECT: what says that they came otherwise tells of somebody who writes there (3.2.2.3).
static void accecn_check_field(struct accecn *a, unsigned ace)
{
  if (ace == 3 || ace == 4 || ace == 6) a->bits |= ACCECN_NO_ECT;
}

void accecn_begin(struct tcb *t, const struct seg *g)
{
  struct accecn *a = &t->accecn;
  t->bits |= TCB_ACCECN;
  a->bits = (a->bits & ~(uint32_t)ACCECN_FIELD) | (g->ecn & 3u);
  if (!(g->flags & ESTAB_TCP_ACK)) return; // a SYN that crossed ours
  a->bits |= ACCECN_HANDSHAKE;
  if (g->ecn == ESTAB_ECN_CE) a->ce_received = 1;
  accecn_count_octets(a, g->ecn, g->text_bytes);
  accecn_check_zeroed(a, g->options);
  accecn_check_field(a, accecn_ace_of(g->flags));
}

bool accecn_handshake_done(struct tcb *t, const struct seg *g)
{
  struct accecn *a = &t->accecn;
  const unsigned ace = accecn_ace_of(g->flags);
  if (t->state == ESTAB_SYN_SENT || g->syn_trimmed) { // the flags of a SYN-ACK
    accecn_check_field(a, ace);
    return ace == 6;
  }
  accecn_check_zeroed(a, g->options);
  const bool pure = seg_len(g) == 0 && !(g->options->present & ESTAB_TCP_OPT_SACK);
  if (ace == 0) { // Table 4, note 1; on text 3.2.2.4
    a->bits |= ACCECN_NO_ECT | ACCECN_DEAF;
  } else if (pure) {
    accecn_check_field(a, ace);
    a->ce_reported = ace == 6;
  } else {
    a->ce_reported = (ace - ACCECN_ACE_FIRST) & 7u;
  }
  return a->ce_reported > 0;
}

void accecn_on_syn_ack_again(struct tcb *t, const struct seg *g)
{
  struct accecn *a = &t->accecn;
  a->bits = (a->bits & ~(uint32_t)ACCECN_FIELD) | ACCECN_HANDSHAKE | (g->ecn & 3u);
  if (g->ecn == ESTAB_ECN_CE && a->ce_received == 0) a->ce_received = 1; // once at most, 3.2.2.2
}

static void accecn_put_counters(struct estab_tcp_options *o, const uint32_t octets[ACCECN_OCTETS],
                                unsigned fields, bool reverse)
{
  o->present |= reverse ? ESTAB_TCP_OPT_ACCECN1 : ESTAB_TCP_OPT_ACCECN0;
  o->accecn_count = (uint8_t)fields;
  for (unsigned i = 0; i < fields; i++) {
    unsigned at = reverse ? ACCECN_OCTETS - 1 - i : i;
    o->accecn[i] = (octets[at] + (at == ACCECN_CEB ? 0u : 1u)) & 0xffffffu; // 3.2.1
  }
}

void accecn_put_first(struct estab_tcp_options *o)
{
  static const uint32_t none[ACCECN_OCTETS] = {0};
  accecn_put_counters(o, none, ACCECN_OCTETS, false);
}

// ---- Receiver

void accecn_on_arrival(struct tcb *t, const struct seg *g)
{
  t->accecn.bits &= ~(uint32_t)ACCECN_NEWER;
  if ((t->flags & SEG_TS) && (g->options->present & ESTAB_TCP_OPT_TS) &&
      seq_gt(g->options->ts_value, t->ts_recent))
    t->accecn.bits |= ACCECN_NEWER;
}

// 3.2.2.5.1: a mark behind none is told at once, if it is on text; and every second mark while text waits for its ACK,
// every third where only ACKs come.
static void accecn_on_marked(struct tcb *t, uint32_t segments, bool text)
{
  struct accecn *a = &t->accecn;
  a->ce_received += segments;
  const uint32_t since = (a->ce_received - (a->bits >> ACCECN_TOLD_SHIFT)) & 7u;
  const bool change = text && !(a->bits & ACCECN_LAST_CE);
  const uint32_t most = text || t->segments_unacked > 0 ? 2 : 3;
  if (change || since >= most || segments >= most) t->owed |= OWED_ACK;
  a->bits |= ACCECN_LAST_CE;
}

void accecn_on_segment(struct tcb *t, const struct seg *g)
{
  struct accecn *a = &t->accecn;
  const uint32_t text = g->text_bytes + (g->duplicate_end - g->duplicate_start);
  if (g->ecn == ESTAB_ECN_CE)
    accecn_on_marked(t, u32_max(g->segments, 1), text > 0);
  else
    a->bits &= ~(uint32_t)ACCECN_LAST_CE;
  accecn_count_octets(a, g->ecn, text);
  if (g->text_bytes == 0 || (a->bits & ACCECN_PROVEN)) return;
  if ((a->bits & ACCECN_FRESH) == ACCECN_FRESH)
    a->bits |= ACCECN_PROVEN;
  else
    a->bits += 1u << ACCECN_FRESH_SHIFT;
}

// A segment of ours with the option seems to be lost; a second time that is no accident.
static void accecn_strike(struct accecn *a)
{
  a->bits |= (a->bits & ACCECN_STRIKE) ? ACCECN_SILENT : ACCECN_STRIKE;
}

void accecn_on_repeat(struct tcb *t)
{
  struct accecn *a = &t->accecn;
  if ((a->bits & ACCECN_PROVEN) || !(a->bits & ACCECN_FRESH))
    return; // of several in a row the first counts
  a->bits &= ~(uint32_t)ACCECN_FRESH;
  accecn_strike(a);
}

// ---- What leaves

// Counters that fit, 0: not those that have ever moved (3.2.3.3 wants all of these or no option).
static unsigned accecn_fields_in(const struct accecn *a, unsigned room)
{
  const bool both = accecn_get24(a->received[ACCECN_E0B]) && accecn_get24(a->received[ACCECN_E1B]);
  if (room >= 12) return ACCECN_OCTETS;
  return room >= 8 && !both ? 2 : 0;
}

static unsigned accecn_room_beside(const struct tcb *t, unsigned blocks)
{
  return ACCECN_OPTION_ROOM - ((t->flags & SEG_TS) ? 12u : 0u) - (blocks ? 4u + 8u * blocks : 0u);
}

unsigned accecn_plan(const struct tcp *c, struct tcb *t, unsigned blocks)
{
  struct accecn *a = &t->accecn;
  a->bits &= ~(uint32_t)(ACCECN_PUT | ACCECN_ECT_ALL);
  // With SACK an ACK of an ACK is never taken for a duplicate: it has no blocks.
  if (c->settings->ecn_on_control && (t->flags & SEG_SACK)) a->bits |= ACCECN_ECT_ALL;
  const unsigned how = c->settings->ecn_option;
  if (how == ESTAB_ECN_OPTION_NEVER || (a->bits & ACCECN_SILENT) || t->uto_owed) return 0;
  if (how == ESTAB_ECN_OPTION_WHERE_SEEN && !(a->bits & ACCECN_SEEN)) return 0;
  const bool first_text =
      !(a->bits & (ACCECN_TEXT_OUT | ACCECN_PROVEN)) && t->sendq.bytes > tcb_flight(t);
  if (!(a->bits & (ACCECN_DUE | ACCECN_HANDSHAKE)) && !first_text) return 0;
  blocks = u32_min(blocks, (t->flags & SEG_TS) ? 2 : 3); // one less than without
  const unsigned fields = accecn_fields_in(a, accecn_room_beside(t, blocks));
  if (fields == 0) return 0;
  a->bits |= ACCECN_PUT;
  return fields == 2 ? 8 : 12;
}

static void accecn_put_option(struct tcb *t, struct tcp_out *out)
{
  struct accecn *a = &t->accecn;
  struct estab_tcp_options *o = &out->h.options;
  a->bits &= ~(uint32_t)ACCECN_PUT;
  unsigned fields = accecn_fields_in(
      a, accecn_room_beside(t, (o->present & ESTAB_TCP_OPT_SACK) ? o->sack_count : 0));
  if (fields == 0) return;
  uint32_t octets[ACCECN_OCTETS];
  for (unsigned i = 0; i < ACCECN_OCTETS; i++)
    octets[i] = accecn_get24(a->received[i]);
  accecn_put_counters(o, octets, fields, octets[ACCECN_E1B] != 0 && fields < ACCECN_OCTETS);
  a->bits &= ~(uint32_t)ACCECN_DUE;
  if (out->text_bytes > 0 && !(a->bits & ACCECN_PROVEN)) a->bits |= ACCECN_TEXT_OUT;
}

void accecn_mark(struct tcb *t, struct tcp_out *out)
{
  struct accecn *a = &t->accecn;
  if ((a->bits & ACCECN_TEXT_OUT) && out->text_bytes > 0 && seq_lt(out->h.seq, t->snd.nxt)) {
    a->bits &= ~(uint32_t)(ACCECN_TEXT_OUT | ACCECN_PUT); // 3.2.3.2.2: again, and without it
    accecn_strike(a);
  }
  if (a->bits & ACCECN_PUT) accecn_put_option(t, out);
  const bool pure = out->text_bytes == 0 && !(out->h.options.present & ESTAB_TCP_OPT_SACK);
  if ((a->bits & ACCECN_HANDSHAKE) && pure) {
    out->h.flags |= accecn_handshake_flags(a->bits & ACCECN_FIELD);
    a->bits &= ~(uint32_t)ACCECN_HANDSHAKE;
  } else {
    out->h.flags |= accecn_ace(t);
  }
  a->bits = (a->bits & ~(uint32_t)ACCECN_TOLD) | (a->ce_received & 7u) << ACCECN_TOLD_SHIFT;
  if ((a->bits & (ACCECN_ECT_ALL | ACCECN_NO_ECT)) == ACCECN_ECT_ALL) out->ecn = ESTAB_ECN_ECT0;
}

// ---- Sender

// The counter moves to what the option says; answers by how much, 0 when it is older.
static uint32_t accecn_take_counter(uint8_t *counter, uint32_t said)
{
  uint32_t more = (said - accecn_get24(counter)) & 0xffffffu;
  if (more >= 1u << 23) return 0;
  accecn_put24(counter, said);
  return more;
}

// The peer's option, if this ACK has one that can be believed. *ce_octets: marked ones that it adds.
static bool accecn_take_option(struct accecn *a, const struct estab_tcp_options *o,
                               uint32_t *ce_octets)
{
  *ce_octets = 0;
  const bool reverse = (o->present & ESTAB_TCP_OPT_ACCECN1) != 0;
  if (!reverse && !(o->present & ESTAB_TCP_OPT_ACCECN0)) return false;
  a->bits |= ACCECN_SEEN;
  if (a->bits & ACCECN_ZEROED) return false;
  const unsigned e0b = reverse ? 2 : 0;
  if (o->accecn_count > e0b)
    (void)accecn_take_counter(a->reported[ACCECN_E0B], o->accecn[e0b] - 1u);
  if (o->accecn_count < 2) return true; // what it leaves out has not moved
  *ce_octets = accecn_take_counter(a->reported[ACCECN_CEB], o->accecn[1]);
  return true;
}

// A.2: how often the three bits went round, by what the ACK covers and, with the option, by the octets that were
// marked. Where ACKs for many segments are the rule, those are no sign of it.
static uint32_t accecn_unwrap(const struct tcb *t, uint32_t least, uint32_t segments, bool option,
                              uint32_t ce_octets)
{
  if (segments <= ACCECN_ACE_MOST) return least;
  const uint32_t safe = segments - ((segments - least) & 7u);
  const uint32_t usual = t->accecn.acked_eighths ? t->accecn.acked_eighths : 8u * segments;
  if (!option) return usual > ACCECN_THIN_EIGHTHS ? least : safe;
  const uint32_t held = (ce_octets + t->cc.mss_bytes - 1u) / t->cc.mss_bytes;
  const uint32_t marks = held <= least ? least : held + ((least - held) & 7u);
  return u32_min(marks, safe);
}

static void accecn_average(struct accecn *a, uint32_t segments)
{
  if (segments == 0) return;
  uint32_t eighths = 8u * u32_min(segments, 31);
  if (a->acked_eighths) eighths = (7u * a->acked_eighths + eighths) / 8u;
  a->acked_eighths = (uint8_t)eighths;
}

uint32_t accecn_on_ack(struct tcb *t, const struct seg *g, uint32_t octets, bool forward)
{
  struct accecn *a = &t->accecn;
  if (!forward && !(a->bits & ACCECN_NEWER)) return 0; // it may be older than what was heard, A.1
  if (g->syn_trimmed) return 0;
  if (forward && (a->bits & ACCECN_TEXT_OUT)) {
    a->bits &= ~(uint32_t)ACCECN_TEXT_OUT;
    a->bits |= ACCECN_PROVEN;
  }
  const uint32_t mss = u32_max(t->cc.mss_bytes, 1), segments = (octets + mss - 1u) / mss;
  const uint32_t ace = accecn_ace_of(g->flags);
  // The ACK of the SYN-ACK once more, in its own encoding (3.2.2.2).
  if (!forward && g->ack == t->iss + 1u && (ace == 2 || ace == 3 || ace == 4)) return 0;
  const uint32_t least = (ace - ACCECN_ACE_FIRST - a->ce_reported) & 7u;
  uint32_t ce_octets;
  const bool option = accecn_take_option(a, g->options, &ce_octets);
  // Three marks at least, or somebody who writes zeroes: 3.2.2.4 does not advise to look.
  if (!(a->bits & ACCECN_HEARD)) {
    a->bits |= ACCECN_HEARD;
    if (ace == 0 && segments < 3 && ce_octets == 0) a->bits |= ACCECN_NO_ECT | ACCECN_DEAF;
  }
  // 3.2.3.2.5: marked octets in no marked segment, although both counters were heard of just before.
  if (option && (a->bits & ACCECN_OPTION) && ce_octets > 0 && least == 0 &&
      segments <= ACCECN_ACE_MOST)
    a->bits |= ACCECN_NO_ECT;
  a->bits = (a->bits & ~(uint32_t)ACCECN_OPTION) | (option ? ACCECN_OPTION : 0u);
  const uint32_t marks = accecn_unwrap(t, least, segments, option, ce_octets);
  accecn_average(a, segments);
  a->ce_reported += marks;
  return (a->bits & ACCECN_DEAF) ? 0 : marks;
}
