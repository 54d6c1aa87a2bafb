// SPDX-License-Identifier: BSD-2-Clause
// segment_out.h - forming a segment of a full connection: header, options, text, and what leaving means for the TCB.
//
// A segment is begun, has text attached, is marked and finished, in this order; output.c says which one.
#ifndef ESTAB_TCP_SEGMENT_OUT_H
#define ESTAB_TCP_SEGMENT_OUT_H

#include "tcp/ecn.h"
#include "tcp/window.h"

// The options of a SYN or SYN-ACK, but for timestamps and Fast Open.
void segment_put_syn_options(const struct tcp *c, const struct tcb *t, struct estab_tcp_options *o);

// Blocks that 40 octets of options hold; one of them makes room for the option of Accurate ECN.
static inline unsigned segment_sack_most(const struct tcb *t)
{
  const bool less = t->uto_owed || ((t->bits & TCB_ACCECN) && (t->accecn.bits & ACCECN_PUT));
  return ((t->flags & SEG_TS) ? 3u : 4u) - (less ? 1u : 0u);
}

static inline void segment_put_timestamp(const struct tcb *t, struct estab_tcp_header *h,
                                         uint64_t now_ns)
{
  h->options.present |= ESTAB_TCP_OPT_TS;
  h->options.ts_value = tcp_ts_now(t->ts_offset, now_ns);
  h->options.ts_echo = (h->flags & ESTAB_TCP_ACK) ? t->ts_recent : 0;
}

// Header of the next segment, without text and window. Every segment but the first SYN acknowledges.
static inline void segment_put_header(const struct tcb *t, struct tcp_out *out, uint32_t seq,
                                      uint16_t flags, uint64_t now_ns)
{
  struct estab_tcp_header *h = &out->h;
  h->src_port = t->tuple.local_port;
  h->dst_port = t->tuple.remote_port;
  h->seq = seq;
  h->ack = (flags & ESTAB_TCP_ACK) ? t->rcv.nxt : 0;
  h->flags = flags;
  h->urgent = 0;
  h->options.present = 0;
  out->text_bytes = out->gso_bytes = 0;
  out->segments = 1;
  out->ecn = 0;
  out->retransmission = false;
  out->piece_count = 0;
  if (t->flags & SEG_TS) segment_put_timestamp(t, h, now_ns); // RST too: RFC 7323 3.2
}

// The ACK that is about to leave settles what was owed.
static inline void segment_acknowledges(struct tcb *t)
{
  uint16_t settled = OWED_WINDOW | OWED_CHALLENGE;
  if (t->acks_owed <= 1) settled |= OWED_ACK;
  if (t->acks_owed > 0)
    t->acks_owed--; // duplicate ACKs of a batch go out one by one [RFC 5681 4.2]
  t->owed &= (uint16_t)~settled;
  t->last_ack_sent = t->rcv.nxt;
  t->at[TIMER_ACK] = ESTAB_NEVER;
  t->segments_unacked = 0;
}

// All of a segment but its text.
static inline void segment_begin_inline(const struct tcp *c, struct tcb *t, struct tcp_out *out,
                                        uint32_t seq, uint64_t now_ns)
{
  segment_put_header(t, out, seq, ESTAB_TCP_ACK | ecn_echo(t), now_ns);
  out->h.window = window_to_advertise(c->settings, t);
  segment_acknowledges(t);
}

// The same for those who are not in a hurry.
void segment_begin(const struct tcp *c, struct tcb *t, struct tcp_out *out, uint32_t seq,
                   uint64_t now_ns);

// Text [seq, seq + n) out of the send buffer. Answers how much fits into the pieces.
static inline uint32_t segment_attach_text(struct tcb *t, struct tcp_out *out, uint32_t seq,
                                           uint32_t n)
{
  if (n == t->sendq.bytes && n <= t->snd_mss && seq == t->snd.una &&
      sendq_alone(&t->sendq, out->pieces)) {
    out->piece_count = 1;
    out->text_bytes = n;
    return n;
  }
  unsigned count = 0;
  uint32_t got = (uint32_t)sendq_pieces(&t->sendq, seq - t->snd.una, n, out->pieces,
                                        ESTAB_FRAME_PIECES - 1, &count);
  out->piece_count = count;
  out->text_bytes = got;
  if (got > t->snd_mss) {
    out->gso_bytes = t->snd_mss;
    out->segments = (uint16_t)((got + t->snd_mss - 1) / t->snd_mss);
  }
  return got;
}

// What hardly any segment has: an urgent pointer, SACK blocks, counters.
void segment_mark_rarely(struct tcb *t, struct tcp_out *out) TCP_APART;

// PSH ends what the user wrote [MUST-61].
static inline void segment_mark_text(struct tcb *t, struct tcp_out *out)
{
  uint32_t end = out->h.seq + out->text_bytes;
  if (out->text_bytes > 0 && seq_lt(out->h.seq, t->snd_push) && seq_ge(end, t->snd_push))
    out->h.flags |= ESTAB_TCP_PSH;
  if (t->bits & (TCB_URGENT_OUT | TCB_BLOCKS | TCB_ACCECN)) segment_mark_rarely(t, out);
}

void segment_trace_out(const struct tcp *c, const struct tcb *t, const struct tcp_out *out,
                       uint64_t now_ns) TCP_APART;
// Counted, traced. Answers 1: a segment leaves.
static inline int segment_finish(struct tcp *c, struct tcb *t, const struct tcp_out *out,
                                 uint64_t now_ns)
{
  t->segments_sent += out->segments;
  if (out->retransmission) {
    t->segments_retransmitted += out->segments;
    t->bytes_retransmitted += out->text_bytes;
    c->retransmissions += out->segments;
    t->bits &= ~(uint32_t)TCB_RTT_TIMED; // Karn
  } else {
    t->bytes_sent += out->text_bytes;
  }
  if (tcp_tracing(c)) segment_trace_out(c, t, out, now_ns);
  return 1;
}

// RFC 9293 A.2: after a probe SND.NXT lies beyond a closed window, and an ACK from there would be judged
// unacceptable. So what carries no text comes from the last place the peer's window reaches.
static inline uint32_t segment_acceptable_seq(const struct tcb *t)
{
  uint32_t edge = t->snd.una + t->snd.wnd;
  bool text_only = (t->bits & (TCB_FIN_SENT | TCB_SYN_ACKED)) == TCB_SYN_ACKED;
  return seq_lt(edge, t->snd.nxt) && text_only ? seq_max(edge, t->snd.una) : t->snd.nxt;
}

#endif
