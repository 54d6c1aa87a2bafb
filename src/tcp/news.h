// SPDX-License-Identifier: BSD-2-Clause
// news.h - what one ACK told the sender, gathered before anybody acts on it.
#ifndef ESTAB_TCP_NEWS_H
#define ESTAB_TCP_NEWS_H

#include "tcp/ecn.h"

struct news {
  struct cc_ack cc;
  struct rack_ack rack;
  uint64_t rtt_sent_ns; // when the segment was sent that cc.rtt_ns is of
  uint64_t ack_rtt_ns; // round trip of the latest acknowledged cumulatively and sent once, 0 = none
  uint32_t sacked_bytes;      // newly SACKed
  uint32_t outstanding_bytes; // before the ACK: sent, neither acknowledged nor SACKed
  uint32_t dsack_start, dsack_end;
  bool forward;   // SND.UNA moved
  bool duplicate; // a duplicate ACK, RFC 5681 2
  bool has_sack;  // it carried blocks, valid or not
  bool dsack;     // dsack_start .. dsack_end were received twice, RFC 2883
  bool original;  // octets below t->recover arrived that had been sent once
};

// The most that was in flight since SND.UNA passed what was SND.NXT then.
static inline uint32_t news_most_flight(const struct tcb *t, uint32_t flight_bytes)
{
  struct work *w = t->work;
  if (!w) return flight_bytes;
  if (flight_bytes > w->most_flight_bytes || seq_ge(t->snd.una, w->most_flight_end)) {
    w->most_flight_bytes = flight_bytes;
    w->most_flight_end = t->snd.nxt;
  }
  return w->most_flight_bytes;
}

// Field by field: what is written later is not zeroed first.
static inline void news_begin(struct news *n, const struct tcb *t, const struct seg *g,
                              bool forward, bool duplicate, uint64_t now_ns)
{
  const struct estab_tcp_options *o = g->options;
  const uint32_t flight_bytes = tcb_pipe(t);
  cc_ack_begin(&n->cc, now_ns, 0, flight_bytes, news_most_flight(t, flight_bytes));
  n->cc.recovering = ecn_is_echo(t, g); // RFC 3168 6.1.2: such an ACK opens no window
  if (!t->work) return;                 // there is nobody to hear the rest
  n->cc.delivered_bytes = n->cc.lost_bytes = n->cc.ce_segments = 0;
  n->cc.rtt_ns = n->rtt_sent_ns = n->ack_rtt_ns = 0;
  n->cc.round_start = false;
  n->cc.rate.sent_ns = 0;
  n->sacked_bytes = 0;
  n->has_sack = n->dsack = n->original = false;
  n->forward = forward;
  n->duplicate = duplicate;
  n->rack.now_ns = now_ns;
  n->rack.prior_fack = t->work->rack.fack;
  n->rack.ts_offset = t->ts_offset;
  n->rack.echo_valid = (t->flags & SEG_TS) && (o->present & ESTAB_TCP_OPT_TS) && o->ts_echo != 0;
  n->rack.echo = o->ts_echo;
  n->outstanding_bytes = tcb_flight(t) - t->work->board.sacked_bytes;
}

// Of stretch r, the octets up to `end` arrived, `bytes` of them for the first time.
static inline void news_delivered(struct news *n, struct tcb *t, const struct board_record *r,
                                  uint32_t end, uint32_t bytes)
{
  struct work *w = t->work;
  n->cc.delivered_bytes += bytes;
  rate_on_delivered(&w->rate, &n->cc.rate, r, bytes);
  rack_delivered(&w->rack, r, end, &n->rack);
  if (r->bits & BOARD_RETRANSMITTED) return;
  if (r->born_ns >= n->rtt_sent_ns) {
    n->rtt_sent_ns = r->born_ns;
    n->cc.rtt_ns = n->cc.now_ns - r->born_ns;
  }
  if (seq_le(end, t->recover)) n->original = true;
}

// All of the ACK is known: its rate sample, and whether a round trip begins.
static inline void news_round(struct news *n, struct work *w)
{
  if (n->ack_rtt_ns) rack_min_rtt(&w->rack, n->ack_rtt_ns, n->cc.now_ns);
  n->cc.min_rtt_ns = rack_min(&w->rack);
  if (n->cc.delivered_bytes)
    n->cc.round_start = rate_finish(&w->rate, &n->cc.rate, n->cc.min_rtt_ns, n->cc.now_ns);
  else
    n->cc.rate = (struct rate_sample){0};
  n->cc.total_delivered_bytes = w->rate.delivered_bytes;
  n->cc.round = w->rate.round;
}

// sack.c: the blocks of an ACK onto the board. Before SND.UNA moves.
void sack_take(struct tcp *c, struct tcb *t, const struct seg *g, struct news *n);

// recovery.c
void recovery_delivered(struct tcp *c, struct tcb *t, uint32_t ack, struct news *n);
void recovery_on_ack(struct tcp *c, struct tcb *t, struct news *n, uint64_t now_ns);

// retransmit.c: without SACK
void retransmit_on_duplicate_ack(struct tcp *c, struct tcb *t, uint64_t now_ns);
void retransmit_on_new_ack(struct tcp *c, struct tcb *t, struct news *n, uint64_t now_ns);

#endif
