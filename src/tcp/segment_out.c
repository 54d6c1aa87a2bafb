// SPDX-License-Identifier: BSD-2-Clause
// segment_out.c - what segments seldom carry, or only some of them: options of SYNs, SACK blocks, marks.
#include "tcp/segment_out.h"
#include "base/bytes.h"
#include "tcp/uto.h"

void segment_put_syn_options(const struct tcp *c, const struct tcb *t, struct estab_tcp_options *o)
{
  bool answer = t->state == ESTAB_SYN_RECEIVED; // a SYN-ACK agrees only to what was offered
  if (c->settings->mss_option) o->present |= ESTAB_TCP_OPT_MSS;
  o->mss = tcb_mss_for(c->settings, t->path, tcb_is4(t));
  if (answer ? (t->flags & SEG_WS) : c->settings->window_scaling) {
    o->present |= ESTAB_TCP_OPT_WSCALE;
    o->wscale = t->rcv_wscale;
  }
  if (answer ? (t->flags & SEG_SACK) : c->settings->sack)
    o->present |= ESTAB_TCP_OPT_SACK_PERMITTED;
  if (t->adv_uto) {
    o->present |= ESTAB_TCP_OPT_UTO;
    o->user_timeout = t->adv_uto;
  }
}

// RFC 2883 4: a duplicate first; RFC 2018 4: then the block with the newest text, then those reported last.
static TCP_APART void segment_put_sack(struct tcb *t, struct estab_tcp_options *o)
{
  unsigned n = 0;
  const unsigned most = segment_sack_most(t);
  if (t->bits & TCB_DSACK) {
    o->sack[n].start = t->dsack_start;
    o->sack[n++].end = t->dsack_end;
    t->bits &= ~(uint32_t)TCB_DSACK;
  }
  const unsigned first = n;
  for (unsigned i = 0; t->out_of_order.count > 0 && i < RANGES_NOTES && n < most; i++) {
    int at = ranges_find(&t->out_of_order, ranges_notes(&t->out_of_order)[i]);
    if (at < 0) continue;
    struct range r = t->out_of_order.at[at];
    bool listed = false;
    for (unsigned k = first; k < n; k++)
      listed = listed || o->sack[k].start == r.start;
    if (listed) continue;
    o->sack[n].start = r.start;
    o->sack[n++].end = r.end;
  }
  if (n == 0) return;
  o->sack_count = (uint8_t)n;
  o->present |= ESTAB_TCP_OPT_SACK;
}

void segment_begin(const struct tcp *c, struct tcb *t, struct tcp_out *out, uint32_t seq,
                   uint64_t now_ns)
{
  segment_begin_inline(c, t, out, seq, now_ns);
}

// URG marks, as long as the urgent octet is ahead [MUST-30]; SACK blocks go on every ACK, with text or without it.
void segment_mark_rarely(struct tcb *t, struct tcp_out *out)
{
  if ((t->bits & TCB_URGENT_OUT) && seq_gt(t->snd.up, out->h.seq)) {
    out->h.flags |= ESTAB_TCP_URG;
    out->h.urgent = (uint16_t)u32_min(t->snd.up - out->h.seq, 65535);
  }
  if (t->bits & TCB_BLOCKS) {
    segment_put_sack(t, &out->h.options);
    uto_put(t, &out->h.options);
  }
  if (t->bits & TCB_ACCECN) accecn_mark(t, out);
}

void segment_trace_out(const struct tcp *c, const struct tcb *t, const struct tcp_out *out,
                       uint64_t now_ns)
{
  if (out->retransmission) {
    const char *cause = !(t->bits & TCB_FAST_RECOVERY) ? "timeout"
                        : tcb_speaks_sack(t)           ? "RACK"
                                                       : "duplicate ACKs";
    if (tcb_speaks_sack(t) && t->timer_use == TIMER_USE_TIMEOUT && !(t->bits & TCB_LOSS_RECOVERY) &&
        !(t->bits & TCB_FAST_RECOVERY))
      cause = "loss probe";
    struct estab_trace e = {.kind = ESTAB_TRACE_retransmitted,
                            .u.retransmitted = {out->h.seq, out->text_bytes, cause}};
    tcp_trace(c, t, &e, now_ns);
  }
  tcp_trace_sent(c, &t->seg, &t->tuple, (uint64_t)t->generation << 32 | t->index, &out->h,
                 out->text_bytes, out->segments, now_ns);
}
