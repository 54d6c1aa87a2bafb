// SPDX-License-Identifier: BSD-2-Clause
// segment_arrives.c - RFC 9293 3.10.7: SEGMENT ARRIVES in CLOSED, LISTEN, SYN-SENT, and the way into the others.
#include "base/bytes.h"
#include "tcp/ecn.h"
#include "tcp/fastopen.h"
#include "tcp/uto.h"

// RFC 9293 3.10.7.1: everything but RST is answered with RST.
struct verdict closed_segment_arrives(const struct seg *g)
{
  return verdict_stop(ESTAB_DROP_TCP_CLOSED, (g->flags & ESTAB_TCP_RST) ? REPLY_NONE : REPLY_RST,
                      EFFECT_NONE);
}

// RFC 9293 3.10.7.2: RST, ACK, SYN, anything else. GO_ON: a SYN to be taken.
struct verdict listen_segment_arrives(const struct estab_settings *settings, const struct seg *g)
{
  if (g->flags & ESTAB_TCP_RST)
    return verdict_stop(ESTAB_DROP_TCP_LISTEN_RST, REPLY_NONE, EFFECT_NONE);
  if (g->flags & ESTAB_TCP_ACK)
    return verdict_stop(ESTAB_DROP_TCP_LISTEN_ACK, REPLY_RST, EFFECT_NONE);
  if (!(g->flags & ESTAB_TCP_SYN))
    return verdict_stop(ESTAB_DROP_TCP_LISTEN_NO_SYN, REPLY_NONE, EFFECT_NONE);
  // DEPARTS: RFC 9293 3.10.7.2 because no TCP that means well sends SYN with FIN to a listener; scanners do.
  if ((g->flags & ESTAB_TCP_FIN) && settings->syn_fin_drop)
    return verdict_stop(ESTAB_DROP_TCP_LISTEN_SYN_FIN, REPLY_NONE, EFFECT_NONE);
  return GO_ON;
}

// What the peer's SYN agrees to. Ours offered what the settings say, or it would not have been sent.
static void take_syn_options(struct tcp *c, struct tcb *t, const struct seg *g, uint64_t now_ns)
{
  const struct estab_tcp_options *o = g->options;
  const struct estab_settings *set = c->settings;
  t->peer_mss = (o->present & ESTAB_TCP_OPT_MSS) ? o->mss : 0;
  t->flags &= (uint8_t) ~(SEG_TS | SEG_SACK | SEG_WS | SEG_ECN | SEG_ACCECN);
  if (set->timestamps && (o->present & ESTAB_TCP_OPT_TS)) {
    t->flags |= SEG_TS;
    t->ts_recent = o->ts_value;
    t->ts_recent_s = (uint32_t)(now_ns / 1000000000u);
  }
  if (set->sack && (o->present & ESTAB_TCP_OPT_SACK_PERMITTED)) t->flags |= SEG_SACK;
  t->flags |= ecn_of_answer(set, t, g->flags);
  if (t->flags & SEG_ACCECN) accecn_begin(t, g);
  if (set->window_scaling && (o->present & ESTAB_TCP_OPT_WSCALE)) {
    t->flags |= SEG_WS;
    t->snd_wscale = o->wscale;
  } else {
    t->snd_wscale = 0;
    t->rcv_wscale = 0;
    window_unscaled(set, t);
  }
  tcb_update_mss(c, t);
}

static void take_syn(struct tcp *c, struct tcb *t, const struct seg *g, uint64_t now_ns)
{
  t->rcv.nxt = g->seq + 1;
  t->rcv_read = t->tune_seq = t->rcv.nxt;
  t->rcv_push = t->rcv.nxt;
  t->rcv_up = t->rcv.nxt;
  t->last_ack_sent = t->rcv.nxt;
  take_syn_options(c, t, g, now_ns);
  t->snd.wnd = g->wnd; // the window of a SYN is never scaled, RFC 7323 2.2
  t->snd.max_wnd = u32_max(t->snd.max_wnd, g->wnd);
  t->snd.wl1 = g->seq;
  t->snd.wl2 = g->ack;
}

// Sixth and onward: URG, text, FIN. SYN-SENT joins here too, so that nothing is done by hand twice.
static inline struct verdict sixth_onward(struct tcp *c, struct tcb *t, const struct seg *g,
                                          uint64_t now_ns)
{
  enum estab_drop drop = ESTAB_DROP_NONE;
  if (g->options->present & ESTAB_TCP_OPT_UTO) uto_take(c, t, g); // after a round trip was measured
  if (g->flags & ESTAB_TCP_URG) sixth_urg(t, g);
  if (g->text_bytes > 0 || (g->flags & ESTAB_TCP_FIN) || g->duplicate_start != g->duplicate_end)
    drop = seventh_text(c, t, g, now_ns);
  // Of a SYN, after the text of this segment, which may overlap it.
  if (t->out_of_order.count > 0) text_take_kept(c, t, now_ns);
  if (drop == ESTAB_DROP_NONE) {
    if (t->bits & TCB_FIN_KNOWN) eighth_fin(c, t, now_ns);
    if (!g->window_closed) return GO_ON;
    t->owed |= OWED_ACK;
    drop = ESTAB_DROP_TCP_SEQUENCE;
  }
  return verdict_stop(drop, REPLY_NONE, EFFECT_NONE);
}

// RFC 9293 3.10.7.3: ACK, RST, (security,) SYN, in this order.
static __attribute__((noinline)) struct verdict syn_sent_segment_arrives(struct tcp *c,
                                                                         struct tcb *t,
                                                                         struct seg *g,
                                                                         uint64_t now_ns)
{
  bool ack_acceptable = false;
  if (g->flags & ESTAB_TCP_ACK) { // first
    if (seq_le(g->ack, t->iss) || seq_gt(g->ack, t->snd.nxt + t->syn_text_bytes))
      return verdict_stop(ESTAB_DROP_TCP_SYN_SENT_ACK,
                          (g->flags & ESTAB_TCP_RST) ? REPLY_NONE : REPLY_RST, EFFECT_NONE);
    ack_acceptable = true;
  }
  if (g->flags & ESTAB_TCP_RST) { // second
    if (!ack_acceptable) return verdict_stop(ESTAB_DROP_TCP_SYN_SENT_RST, REPLY_NONE, EFFECT_NONE);
    tcb_end(c, t, ESTAB_ERR_REFUSED, ESTAB_EVENT_ABORTED, "RST in SYN-SENT", now_ns);
    return GO_ON;
  }
  if (!(g->flags & ESTAB_TCP_SYN)) // fourth and fifth
    return verdict_stop(ESTAB_DROP_TCP_SYN_SENT_NO_SYN, REPLY_NONE, EFFECT_NONE);
  // DEPARTS: RFC 9293 3.10.7.3 because no TCP that means well opens and closes in one segment: see LISTEN.
  if ((g->flags & ESTAB_TCP_FIN) && !ack_acceptable && c->settings->syn_fin_drop)
    return verdict_stop(ESTAB_DROP_TCP_SYN_SENT_SYN_FIN, REPLY_NONE, EFFECT_NONE);
  take_syn(c, t, g, now_ns);
  if (t->bits & TCB_FAST_OPEN) fastopen_on_syn_answer(c, t, g, now_ns);
  g->flags &= (uint16_t)~ESTAB_TCP_SYN;
  g->seq++;
  if (!ack_acceptable) { // simultaneous open, RFC 9293 3.5 Figure 7
    t->rcv.wnd = u32_min(t->rcv.wnd, 65535);
    tcb_enter(c, t, ESTAB_SYN_RECEIVED, "SYN in SYN-SENT", now_ns);
    t->owed |= OWED_SYN;
    text_keep_of_syn(c, t, g); // fourth: text and controls are queued until ESTABLISHED
    return GO_ON;
  }
  fifth_ack_effects(c, t, g, now_ns);
  t->owed |= OWED_ACK;
  uint32_t edge = t->rcv.nxt + t->rcv.wnd;
  if (seq_gt(g->seq + g->text_bytes, edge)) {
    g->text_bytes = edge - g->seq;
    g->flags &= (uint16_t)~ESTAB_TCP_FIN;
  }
  return sixth_onward(c, t, g, now_ns);
}

// The reply a step asks for is written down; only output sends.
static void owe_reply(struct tcp *c, struct tcb *t, struct verdict v)
{
  switch ((enum reply)v.reply) {
  case REPLY_NONE:
  case REPLY_RST: break; // formed from the segment by the caller
  case REPLY_SYN_ACK: t->owed |= OWED_SYN; break;
  case REPLY_ACK:
    t->owed |= OWED_ACK;
    if (v.drop == ESTAB_DROP_TCP_RST_INEXACT || v.drop == ESTAB_DROP_TCP_SYN_IN_WINDOW)
      c->challenge_acks++;
    break;
  }
}

static void end_by_rst(struct tcp *c, struct tcb *t, struct verdict v, uint64_t now_ns)
{
  if (v.effect == EFFECT_RESET)
    tcb_end(c, t, ESTAB_ERR_RESET, ESTAB_EVENT_RESET, "RST", now_ns);
  else if (v.effect == EFFECT_REFUSED)
    tcb_end(c, t, ESTAB_ERR_REFUSED, ESTAB_EVENT_ABORTED, "RST in SYN-RECEIVED", now_ns);
  else if (v.effect == EFFECT_TO_LISTEN)
    tcb_end(c, t, ESTAB_ERR_RESET, ESTAB_EVENT_RESET, "back to LISTEN", now_ns);
}

// In TIME-WAIT only the peer's FIN once more means anything: it restarts 2 x MSL (RFC 9293 3.10.7.4, eighth). Its
// sequence number is below RCV.NXT, so the first step rejects it; that is the exception ATTACKS' order names.
static void time_wait_restart(struct tcb *t, uint32_t seq, uint32_t len, uint16_t flags,
                              uint64_t now_ns)
{
  if (t->state == ESTAB_TIME_WAIT && (flags & ESTAB_TCP_FIN) &&
      !(flags & (ESTAB_TCP_RST | ESTAB_TCP_SYN)) && seq + len == t->rcv.nxt)
    t->at[TIMER_LIFE] = now_ns + (uint64_t)t->time_wait_ms * 1000000u;
}

// RFC 2883; in TIME-WAIT the peer sends nothing that an answer could still help.
static bool tells_dsack(const struct tcb *t)
{
  return (t->flags & SEG_SACK) && state_is_synchronized((enum estab_state)t->state) &&
         t->state != ESTAB_TIME_WAIT;
}

// What Accurate ECN makes of a segment that is rejected: the SYN or SYN-ACK once more, or text that was acknowledged.
static void judge_accecn(struct tcb *t, const struct seg *g, uint32_t seq, uint16_t flags,
                         const struct verdict *v)
{
  if (v->reply == REPLY_SYN_ACK && seq == tcb_irs(t)) {
    t->accecn.bits = (t->accecn.bits & ~(uint32_t)ACCECN_FIELD) | (g->ecn & 3u);
    if (!(flags & ACCECN_FLAGS)) t->accecn.bits |= ACCECN_NO_ECT; // 3.1.5
  }
  if (v->reply != REPLY_ACK) return;
  if ((flags & (ESTAB_TCP_SYN | ESTAB_TCP_ACK)) == (ESTAB_TCP_SYN | ESTAB_TCP_ACK)) {
    if (!(t->flags & SEG_PASSIVE) && seq == tcb_irs(t) && g->ack == t->iss + 1u)
      accecn_on_syn_ack_again(t, g);
  } else if (v->drop == ESTAB_DROP_TCP_SEQUENCE && g->text_bytes > 0 && seq_lt(seq, t->rcv.nxt)) {
    accecn_on_repeat(t);
  }
}

// First to fifth, and what follows from a step that rejects it.
static TCP_APART struct verdict judge(struct tcp *c, struct tcb *t, struct seg *g, uint64_t now_ns)
{
  const uint32_t seq = g->seq, len = seg_len(g);
  const uint16_t flags = g->flags;
  if ((t->bits & TCB_FAST_OPEN) && fastopen_is_syn_again(t, g)) {
    t->owed |= OWED_SYN;
    return verdict_stop(ESTAB_DROP_TCP_DUPLICATE, REPLY_SYN_ACK, EFFECT_NONE);
  }
  struct verdict v = judge_segment(c->settings, &t->seg, g, now_ns);
  if ((flags & ESTAB_TCP_SYN) && t->state == ESTAB_SYN_RECEIVED && seq == tcb_irs(t) &&
      accecn_conflicts(c->settings, t->flags, flags))
    v = verdict_stop(ESTAB_DROP_TCP_ECN_CONFLICT, REPLY_RST, EFFECT_REFUSED);
  if (!v.stop) return v;
  if (v.reply != REPLY_NONE || v.drop == ESTAB_DROP_TCP_SEQUENCE)
    time_wait_restart(t, seq, len, flags, now_ns);
  if (t->bits & TCB_ACCECN) judge_accecn(t, g, seq, flags, &v);
  if (v.drop == ESTAB_DROP_TCP_SEQUENCE && v.reply == REPLY_ACK && g->text_bytes > 0 &&
      seq_lt(seq, t->rcv.nxt) && tells_dsack(t)) { // RFC 2883 4: a whole duplicate
    t->bits |= TCB_DSACK | TCB_BLOCKS;
    t->dsack_start = seq;
    t->dsack_end = seq + g->text_bytes;
  }
  owe_reply(c, t, v);
  end_by_rst(c, t, v, now_ns);
  return v;
}

static inline struct verdict takes_effect(struct tcp *c, struct tcb *t, const struct seg *g,
                                          uint64_t now_ns)
{
  if (g->duplicate_start != g->duplicate_end && tells_dsack(t)) { // RFC 2883 4.2: a partial one
    t->bits |= TCB_DSACK | TCB_BLOCKS;
    t->dsack_start = g->duplicate_start;
    t->dsack_end = g->duplicate_end;
  }
  t->last_recv_ns = now_ns;
  if (t->keepalive_probes > 0) { // answered: idle time counts anew
    t->keepalive_probes = 0;
    t->at[TIMER_KEEPALIVE] = now_ns + (uint64_t)t->keepalive_idle_ms * 1000000u;
  }
  if (t->bits & TCB_ACCECN) accecn_on_segment(t, g);
  fifth_ack_effects(c, t, g, now_ns);
  if (t->state == ESTAB_CLOSED) return GO_ON; // LAST-ACK's end
  return sixth_onward(c, t, g, now_ns);
}

static void count_segment(struct tcb *t, const struct seg *g)
{
  t->segments_received += g->segments > 1 ? g->segments : 1u;
}

struct verdict tcp_segment_takes_effect(struct tcp *c, struct tcb *t, const struct seg *g,
                                        uint64_t now_ns)
{
  count_segment(t, g);
  return takes_effect(c, t, g, now_ns);
}

struct verdict tcp_segment_arrives(struct tcp *c, struct tcb *t, struct seg *g, uint64_t now_ns)
{
  count_segment(t, g);
  if (t->state == ESTAB_SYN_SENT) return syn_sent_segment_arrives(c, t, g, now_ns);
  if (t->bits & TCB_ACCECN) accecn_on_arrival(t, g);
  if (segment_is_plain(&t->seg, g)) {
    update_ts_recent(&t->seg, g, now_ns);
  } else {
    struct verdict v = judge(c, t, g, now_ns);
    if (v.stop) return v;
  }
  return takes_effect(c, t, g, now_ns);
}
