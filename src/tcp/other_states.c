// SPDX-License-Identifier: BSD-2-Clause
// other_states.c - RFC 9293 3.10.7.4, first to fifth: judging a segment in SYN-RECEIVED and later.
//
// These steps see only a seg_state, so that a half-open record, a TIME-WAIT record and a full TCB are judged by
// the same code. A segment rejected by a step changes nothing but what the head of each step says.
#include "tcp/tcb.h"

// RFC 5961 7 (and ATTACKS B6): challenge ACKs and answers to unacceptable segments without length, at most one
// in challenge_interval_ns, for each connection by itself: a shared counter would be a side channel.
bool limiter_allows(const struct estab_settings *settings, struct seg_state *t, uint64_t now_ns)
{
  uint32_t now_ms = (uint32_t)(now_ns / 1000000u);
  if ((t->flags & SEG_LIMITED) &&
      now_ms - t->limiter_ms < settings->challenge_interval_ns / 1000000u)
    return false;
  t->flags |= SEG_LIMITED;
  t->limiter_ms = now_ms;
  return true;
}

static struct verdict challenge(const struct estab_settings *settings, struct seg_state *t,
                                enum estab_drop drop, uint64_t now_ns)
{
  return verdict_stop(drop, limiter_allows(settings, t, now_ns) ? REPLY_ACK : REPLY_NONE,
                      EFFECT_NONE);
}

// "<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>", unless RST is set. Segments with text or FIN are always answered: their
// sender waits for it. Those without would start an ACK war between two desynchronized ends (ATTACKS B14).
static struct verdict unacceptable(const struct estab_settings *settings, struct seg_state *t,
                                   const struct seg *g, enum estab_drop drop, uint64_t now_ns)
{
  if (g->flags & ESTAB_TCP_RST) return verdict_stop(drop, REPLY_NONE, EFFECT_NONE);
  if (seg_len(g) > 0) return verdict_stop(drop, REPLY_ACK, EFFECT_NONE);
  return challenge(settings, t, drop, now_ns);
}

// RFC 7323 5.3 R1. After 24 days without a valid segment TS.Recent says nothing any more (RFC 7323 5.5).
static bool paws_rejects(const struct seg_state *t, const struct seg *g, uint64_t now_ns)
{
  const uint32_t idle_limit_s = 24u * 86400u;
  if ((int32_t)(g->options->ts_value - t->ts_recent) >= 0) return false;
  return (uint32_t)(now_ns / 1000000000u) - t->ts_recent_s < idle_limit_s;
}

// Cuts off what was received before and what is beyond the window; remembers the first for DSACK.
static void trim_to_window(const struct seg_state *t, struct seg *g)
{
  if (seq_lt(g->seq, t->rcv.nxt)) {
    uint32_t cut =
        t->rcv.nxt - g->seq; // at most the text: the last octet, text or FIN, is acceptable
    g->duplicate_start = g->seq;
    g->duplicate_end = t->rcv.nxt;
    g->text += cut;
    g->text_bytes -= cut;
    g->seq = t->rcv.nxt;
  }
  uint32_t edge = t->rcv.nxt + t->rcv.wnd;
  uint32_t end = g->seq + g->text_bytes;
  if (seq_gt(end, edge)) {
    g->text_bytes -= end - edge;
    g->flags &= (uint16_t) ~(ESTAB_TCP_FIN | ESTAB_TCP_PSH);
  } else if ((g->flags & ESTAB_TCP_FIN) && seq_ge(end, edge)) {
    g->flags &= (uint16_t)~ESTAB_TCP_FIN;
  }
}

// First: PAWS (RST exempt) and the sequence number, one step.
static struct verdict first_sequence_number(const struct estab_settings *settings,
                                            struct seg_state *t, struct seg *g, uint64_t now_ns)
{
  uint16_t flags = g->flags;
  if (t->state == ESTAB_SYN_RECEIVED && (flags & ESTAB_TCP_SYN) && !(flags & ESTAB_TCP_RST) &&
      g->seq == t->rcv.nxt - 1) {
    // The peer's SYN once more. With an ACK it is the other half of a simultaneous open: strict checking would
    // lose that ACK (RFC 9293 A.2), so the SYN, received before, is trimmed and the rest judged.
    if (!(flags & ESTAB_TCP_ACK))
      return verdict_stop(ESTAB_DROP_TCP_DUPLICATE, REPLY_SYN_ACK, EFFECT_NONE);
    g->flags &= (uint16_t)~ESTAB_TCP_SYN;
    g->syn_trimmed = true;
    g->seq++;
  } else if ((flags & (ESTAB_TCP_SYN | ESTAB_TCP_RST)) == ESTAB_TCP_SYN) {
    return GO_ON; // RFC 5961 4.2: a SYN is judged by the fourth step whatever its sequence number
  }
  if (flags & ESTAB_TCP_RST) {
    // Where it begins counts, not what it holds: with text from before RCV.NXT to behind it, guesses would be cheaper.
    if (acceptable(g->seq, 0, t->rcv.nxt, t->rcv.wnd)) return GO_ON;
    return unacceptable(settings, t, g, ESTAB_DROP_TCP_SEQUENCE, now_ns);
  }
  if (t->flags & SEG_TS) {
    if (!(g->options->present & ESTAB_TCP_OPT_TS)) {
      if (settings->require_timestamps)
        return verdict_stop(ESTAB_DROP_TCP_NO_TIMESTAMP, REPLY_NONE, EFFECT_NONE);
    } else if (paws_rejects(t, g, now_ns)) {
      return unacceptable(settings, t, g, ESTAB_DROP_TCP_PAWS, now_ns);
    }
  }
  if (!acceptable(g->seq, seg_len(g), t->rcv.nxt, t->rcv.wnd)) {
    if (t->rcv.wnd != 0 || g->seq != t->rcv.nxt)
      return unacceptable(settings, t, g, ESTAB_DROP_TCP_SEQUENCE, now_ns);
    g->window_closed =
        true; // [MUST-66]: text at a closed window: its ACK and URG count, the text does not
    g->text_bytes = 0;
    g->flags &= (uint16_t)~ESTAB_TCP_FIN;
    return GO_ON;
  }
  trim_to_window(t, g);
  return GO_ON;
}

// Second: RST, RFC 9293 3.10.7.4 with RFC 5961 3.2: only the exact next sequence number resets.
static struct verdict second_rst(const struct estab_settings *settings, struct seg_state *t,
                                 const struct seg *g, uint64_t now_ns)
{
  if (!(g->flags & ESTAB_TCP_RST)) return GO_ON;
  if (t->state == ESTAB_TIME_WAIT && settings->time_wait_ignores_rst) {
    // DEPARTS: RFC 9293 3.10.7.4 because a late RST would end TIME-WAIT early and let old segments in (RFC 1337 3).
    return verdict_stop(ESTAB_DROP_TCP_RST_TIME_WAIT, REPLY_NONE, EFFECT_NONE);
  }
  if (g->seq != t->rcv.nxt) return challenge(settings, t, ESTAB_DROP_TCP_RST_INEXACT, now_ns);
  switch ((enum estab_state)t->state) {
  case ESTAB_SYN_RECEIVED:
    if (t->flags & SEG_PASSIVE) return verdict_stop(ESTAB_DROP_NONE, REPLY_NONE, EFFECT_TO_LISTEN);
    return verdict_stop(ESTAB_DROP_NONE, REPLY_NONE, EFFECT_REFUSED);
  case ESTAB_ESTABLISHED:
  case ESTAB_FIN_WAIT_1:
  case ESTAB_FIN_WAIT_2:
  case ESTAB_CLOSE_WAIT:
  case ESTAB_CLOSING:
  case ESTAB_LAST_ACK:
  case ESTAB_TIME_WAIT: return verdict_stop(ESTAB_DROP_NONE, REPLY_NONE, EFFECT_RESET);
  case ESTAB_CLOSED:
  case ESTAB_LISTEN:
  case ESTAB_SYN_SENT:
  case ESTAB_STATES: break;
  }
  return verdict_stop(ESTAB_DROP_TCP_CLOSED, REPLY_NONE, EFFECT_NONE);
}

// Third, security and compartment: not applicable here.

// RFC 7323 5.3 R1: then it is not acceptable.
static bool syn_is_old(const struct seg_state *t, const struct seg *g, uint64_t now_ns)
{
  return (t->flags & SEG_TS) && (g->options->present & ESTAB_TCP_OPT_TS) &&
         paws_rejects(t, g, now_ns);
}

// Fourth: SYN. RFC 5961 4.2 [also RFC 9293 3.10.7.4]: challenged in every synchronized state; a peer that did
// restart answers with the exact RST. TIME-WAIT asks RFC 6191 first, see time_wait_syn_is_new().
static struct verdict fourth_syn(const struct estab_settings *settings, struct seg_state *t,
                                 const struct seg *g, uint64_t now_ns)
{
  if (!(g->flags & ESTAB_TCP_SYN)) return GO_ON;
  if (t->state == ESTAB_SYN_RECEIVED && (t->flags & SEG_PASSIVE) &&
      acceptable(g->seq, seg_len(g), t->rcv.nxt, t->rcv.wnd) && !syn_is_old(t, g, now_ns))
    return verdict_stop(ESTAB_DROP_TCP_SYN_IN_WINDOW, REPLY_NONE, EFFECT_TO_LISTEN);
  return challenge(settings, t, ESTAB_DROP_TCP_SYN_IN_WINDOW, now_ns);
}

// Fifth, the judgement: the ACK field, RFC 9293 3.10.7.4 with RFC 5961 5.2's lower bound.
static struct verdict fifth_ack(const struct estab_settings *settings, struct seg_state *t,
                                const struct seg *g, uint64_t now_ns)
{
  if (!(g->flags & ESTAB_TCP_ACK))
    return verdict_stop(ESTAB_DROP_TCP_NO_ACK_BIT, REPLY_NONE, EFFECT_NONE);
  if (t->state == ESTAB_SYN_RECEIVED) {
    if (seq_lt(t->snd.una, g->ack) && seq_le(g->ack, t->snd.nxt)) return GO_ON;
    return verdict_stop(ESTAB_DROP_TCP_ACK_SYN_RECEIVED, REPLY_RST, EFFECT_NONE);
  }
  if (seq_gt(g->ack, t->snd.nxt)) {
    if (seg_len(g) > 0) return verdict_stop(ESTAB_DROP_TCP_ACK_UNSENT, REPLY_ACK, EFFECT_NONE);
    return challenge(settings, t, ESTAB_DROP_TCP_ACK_UNSENT, now_ns);
  }
  if (seq_lt(g->ack, t->snd.una - t->snd.max_wnd))
    return challenge(settings, t, ESTAB_DROP_TCP_ACK_TOO_OLD, now_ns);
  return GO_ON;
}

struct verdict judge_segment(const struct estab_settings *settings, struct seg_state *t,
                             struct seg *g, uint64_t now_ns)
{
  struct verdict v;
  if ((v = first_sequence_number(settings, t, g, now_ns)).stop) return v;
  if ((v = second_rst(settings, t, g, now_ns)).stop) return v;
  if ((v = fourth_syn(settings, t, g, now_ns)).stop) return v;
  if ((v = fifth_ack(settings, t, g, now_ns)).stop) return v;
  update_ts_recent(t, g, now_ns);
  return GO_ON;
}

// DEPARTS: RFC 6191 2 because a timestamp proves nothing if the old life had none: there only a higher number does.
bool time_wait_syn_is_new(const struct seg_state *t, const struct seg *g)
{
  if ((g->flags & (ESTAB_TCP_SYN | ESTAB_TCP_ACK | ESTAB_TCP_RST | ESTAB_TCP_FIN)) != ESTAB_TCP_SYN)
    return false;
  if ((t->flags & SEG_TS) && (g->options->present & ESTAB_TCP_OPT_TS)) { // RFC 6191 2
    int32_t newer = (int32_t)(g->options->ts_value - t->ts_recent);
    return newer > 0 || (newer == 0 && seq_gt(g->seq, t->rcv.nxt));
  }
  return seq_gt(g->seq, t->rcv.nxt);
}
