// SPDX-License-Identifier: BSD-2-Clause
// transmit.c - what leaves goes on the scoreboard, with its time and what a rate sample needs.
#include "base/bytes.h"
#include "tcp/tcb.h"

// New octets that leave within this part of a round trip are one stretch: RFC 8985 4 asks for times finer than a
// quarter of it.
#define TRANSMIT_GRAIN 64

enum limit transmit_limit(const struct tcb *t)
{
  uint32_t end = t->snd_push; // of all that is queued, until a write has told of more
  uint32_t pipe = tcb_pipe(t), edge = t->snd.una + t->snd.wnd;
  uint32_t unsent = seq_gt(end, t->snd.nxt) ? end - t->snd.nxt : 0;
  uint32_t lost = t->work ? t->work->board.lost_bytes : 0;
  if (unsent == 0 && lost == 0)
    return end - t->snd.una >= t->send_buffer_bytes && seq_gt(end, t->snd.una) ? LIMIT_SEND_BUFFER
                                                                               : LIMIT_APPLICATION;
  uint32_t next = u32_min(lost ? lost : unsent, t->snd_mss);
  if (pipe + next > t->cc.cwnd_bytes) return LIMIT_CWND;
  if (lost == 0 && seq_gt(t->snd.nxt + next, edge)) return LIMIT_PEER_WINDOW;
  return lost == 0 && unsent < t->snd_mss ? LIMIT_APPLICATION : LIMIT_PACING;
}

void transmit_stretch(struct tcp *c, struct tcb *t, uint32_t seq_end, uint64_t now_ns)
{
  struct work *w = t->work;
  uint32_t pipe = tcb_pipe(t), bytes = seq_end - t->snd.nxt;
  if (t->cc.verbs->on_transmit) t->cc.verbs->on_transmit(&t->cc, &w->cc, pipe, now_ns);
  struct board_mark mark = rate_on_sent(&w->rate, pipe, pipe + bytes, now_ns);
  uint8_t bits = w->rate.app_limited_bytes ? BOARD_APP_LIMITED : 0;
  w->grain_ns = t->rtt.srtt_ns / TRANSMIT_GRAIN;
  (void)board_append(&w->board, c->mem, seq_end, now_ns, bits, &mark);
  w->rack.oldest_ns = u64_min(w->rack.oldest_ns, now_ns);
}

void transmit_again(struct tcp *c, struct tcb *t, uint32_t seq, uint32_t seq_end, uint64_t now_ns)
{
  struct work *w = t->work;
  if (!w) return;
  struct board *b = &w->board;
  struct board_at at = board_find(b, seq);
  if (board_is_end(b, at)) return;
  // Without room for a cut the whole stretch counts as sent again: RACK or the timeout will find what was not.
  if (board_start_of(b, at) != seq && board_split(b, c->mem, at, seq, false))
    at = board_find(b, seq);
  if (seq_lt(seq_end, board_record(b, at)->end) && board_split(b, c->mem, at, seq_end, false))
    at = board_find(b, seq);
  uint32_t pipe = tcb_pipe(t), bytes = seq_end - seq;
  if (t->cc.verbs->on_transmit) t->cc.verbs->on_transmit(&t->cc, &w->cc, pipe, now_ns);
  struct board_mark mark = rate_on_sent(&w->rate, pipe, pipe + bytes, now_ns);
  board_set_sent_again(b, c->mem, at, now_ns, w->grain_ns, &mark);
  w->rack.oldest_ns = u64_min(w->rack.oldest_ns, now_ns);
  if (t->bits & TCB_FAST_RECOVERY) prr_on_sent(&w->prr, bytes);
  undo_on_sent_again(&w->undo, seq, bytes, (t->flags & SEG_TS) != 0,
                     tcp_ts_now(t->ts_offset, now_ns));
  // The timeout is that of what is in flight longest.
  if (seq == t->snd.una && tcb_speaks_sack(t))
    w->rto_at_ns = now_ns + rtt_backed_off(&t->rtt, t->backoff, c->settings->rto_max_ns);
}
