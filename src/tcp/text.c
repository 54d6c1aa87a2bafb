// SPDX-License-Identifier: BSD-2-Clause
// text.c - RFC 9293 3.10.7.4, sixth to eighth: urgent mark, text, FIN.
#include "base/bytes.h"
#include "tcp/ecn.h"

// Islands of out-of-order text a connection may hold: bounds the work of each segment (ATTACKS R4).
#define TEXT_MAX_ISLANDS 2048
// Duplicate ACKs owed at most after a batch, for peers without SACK.
#define TEXT_MAX_DUPLICATE_ACKS 8

// Sixth: the urgent pointer is a mark in the stream and never a length (RFC 6093 3; ATTACKS P1).
void sixth_urg(struct tcb *t, const struct seg *g)
{
  if (!(g->flags & ESTAB_TCP_URG)) return;
  switch ((enum estab_state)t->state) {
  case ESTAB_ESTABLISHED:
  case ESTAB_FIN_WAIT_1:
  case ESTAB_FIN_WAIT_2: {
    uint32_t up = g->seq_arrived + g->up; // [MUST-62]: the octet after the urgent one
    if (seq_le(up, t->rcv_read) || ((t->bits & TCB_URGENT_IN) && seq_le(up, t->rcv_up))) return;
    t->rcv_up = up;
    t->bits |= TCB_URGENT_IN;
    t->pending |= ESTAB_EVENT_URGENT; // [MUST-32]
    return;
  }
  case ESTAB_CLOSE_WAIT: // the peer has closed: ignored
  case ESTAB_CLOSING:
  case ESTAB_LAST_ACK:
  case ESTAB_TIME_WAIT:
  case ESTAB_CLOSED:
  case ESTAB_LISTEN:
  case ESTAB_SYN_SENT:
  case ESTAB_SYN_RECEIVED:
  case ESTAB_STATES: return;
  }
}

static void raise_readable(struct tcb *t)
{
  if (!(t->bits & TCB_READ_ARMED)) return;
  t->bits &= ~(uint32_t)TCB_READ_ARMED;
  t->pending |= ESTAB_EVENT_READABLE;
}

// RFC 9293 3.8.6.3 and RFC 5681 4.2: every second segment at once, anything unusual at once, the rest after the
// delay. A full window of small segments from a peer with Nagle never waits twice.
static void acknowledge_text(struct tcb *t, const struct seg *g, bool at_once, uint64_t now_ns)
{
  uint32_t segments = u32_max(g->segments, 1);
  if (g->text_bytes > t->rcv_mss) // [SHLD-19]: or 2 x RMSS octets
    segments = u32_max(segments, g->text_bytes / t->rcv_mss);
  uint32_t waiting = t->segments_unacked + segments;
  t->segments_unacked = (uint8_t)u32_min(waiting, 255);
  if (at_once || waiting >= 2 || t->delayed_ack_ms == 0) {
    t->owed |= OWED_ACK;
    return;
  }
  if (t->at[TIMER_ACK] == ESTAB_NEVER)
    t->at[TIMER_ACK] = now_ns + (uint64_t)t->delayed_ack_ms * 1000000u;
}

// RCV.NXT has reached `next`: and what is behind it without a hole.
static uint32_t skip_kept(struct tcp *c, struct tcb *t, uint32_t next)
{
  int i = ranges_find(&t->out_of_order, next);
  if (i >= 0) next = t->out_of_order.at[i].end;
  ranges_drop_below(&t->out_of_order, next);
  if (t->out_of_order.count == 0) ranges_free(&t->out_of_order, c->mem);
  return next;
}

static void advance(struct tcb *t, uint32_t next)
{
  uint32_t octets = next - t->rcv.nxt;
  if (octets == 0) return;
  t->rcv.nxt = next;
  t->rcv.wnd -= u32_min(t->rcv.wnd, octets);
  t->bytes_received += octets;
  raise_readable(t);
}

void text_keep_of_syn(struct tcp *c, struct tcb *t, const struct seg *g)
{
  uint32_t text_bytes = u32_min(g->text_bytes, t->rcv.wnd);
  if (text_bytes > 0 &&
      ranges_insert(&t->out_of_order, c->mem, g->seq, g->seq + text_bytes, 1, NULL) == ESTAB_OK) {
    uint32_t at = g->seq - t->rcv_read;
    uint32_t kept = (uint32_t)recvq_write(&t->recvq, c->blocks, at, g->text, text_bytes);
    ranges_drop_from(&t->out_of_order, g->seq + kept);
  }
  if ((g->flags & ESTAB_TCP_FIN) && text_bytes == g->text_bytes && text_bytes < t->rcv.wnd) {
    t->bits |= TCB_FIN_KNOWN;
    t->fin_seq = g->seq + text_bytes;
  }
}

void text_forget(struct tcp *c, struct tcb *t)
{
  ranges_free(&t->out_of_order, c->mem);
  recvq_cut(&t->recvq, c->blocks, t->rcv.nxt - t->rcv_read);
}

void text_take_kept(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  if (t->out_of_order.count == 0) return;
  uint32_t next = skip_kept(c, t, t->rcv.nxt);
  if (next != t->rcv.nxt && t->at[TIMER_ACK] == ESTAB_NEVER)
    t->at[TIMER_ACK] = now_ns + (uint64_t)t->delayed_ack_ms * 1000000u;
  advance(t, next);
}

// RFC 2883 4: the first part of [start, end) that is kept above a hole already.
static void report_overlap(struct tcb *t, uint32_t start, uint32_t end)
{
  unsigned i = ranges_from(&t->out_of_order, start);
  if (!(t->flags & SEG_SACK) || i == t->out_of_order.count) return;
  struct range r = t->out_of_order.at[i];
  if (seq_ge(r.start, end)) return;
  t->bits |= TCB_DSACK | TCB_BLOCKS;
  t->dsack_start = seq_max(r.start, start);
  t->dsack_end = seq_min(r.end, end);
}

// In order: RCV.NXT moves over it, and over what had come earlier behind it.
static enum estab_drop text_in_order(struct tcp *c, struct tcb *t, const struct seg *g,
                                     uint32_t text_bytes, uint64_t now_ns)
{
  uint32_t kept =
      (uint32_t)recvq_write(&t->recvq, c->blocks, t->rcv.nxt - t->rcv_read, g->text, text_bytes);
  bool filled = t->out_of_order.count > 0;
  if (filled && g->duplicate_start == g->duplicate_end) report_overlap(t, g->seq, g->seq + kept);
  uint32_t next = t->rcv.nxt + kept;
  if (filled && kept == text_bytes) next = skip_kept(c, t, next);
  advance(t, next);
  tune_on_text(c, t, g, now_ns);
  acknowledge_text(t, g, filled || kept < text_bytes || g->duplicate_start != g->duplicate_end,
                   now_ns);
  if (kept < text_bytes) return ESTAB_DROP_TCP_TEXT_NO_MEMORY;
  return ESTAB_DROP_NONE;
}

// RFC 2018 4: the order in which blocks are reported. An octet of a block that grew stands for the whole.
static void remember_recent(struct tcb *t, uint32_t seq)
{
  uint32_t *recent = ranges_notes(&t->out_of_order);
  int now = ranges_find(&t->out_of_order, seq);
  unsigned i = 0; // the place of an older octet of the same block, or the last
  while (i < RANGES_NOTES - 1 && ranges_find(&t->out_of_order, recent[i]) != now)
    i++;
  for (; i > 0; i--)
    recent[i] = recent[i - 1];
  recent[0] = seq;
}

// Ahead of a hole: written at its final place, announced by SACK, or by a duplicate ACK for each.
static enum estab_drop text_out_of_order(struct tcp *c, struct tcb *t, const struct seg *g,
                                         uint32_t text_bytes)
{
  t->owed |= OWED_ACK;
  if (!(t->flags & SEG_SACK) && t->acks_owed < TEXT_MAX_DUPLICATE_ACKS) t->acks_owed++;
  struct range duplicate;
  if (ranges_insert(&t->out_of_order, c->mem, g->seq, g->seq + text_bytes, TEXT_MAX_ISLANDS,
                    &duplicate) < 0)
    return ESTAB_DROP_TCP_REASSEMBLY_FULL;
  uint32_t kept =
      (uint32_t)recvq_write(&t->recvq, c->blocks, g->seq - t->rcv_read, g->text, text_bytes);
  if (kept < text_bytes) {
    // No memory: forget what could not be written, and everything behind it. Nothing of it was acknowledged.
    ranges_drop_from(&t->out_of_order, g->seq + kept);
    return ESTAB_DROP_TCP_TEXT_NO_MEMORY;
  }
  remember_recent(t, g->seq);
  if (t->flags & SEG_SACK) t->bits |= TCB_BLOCKS;
  if (duplicate.start != duplicate.end && (t->flags & SEG_SACK)) { // RFC 2883 4.2
    t->bits |= TCB_DSACK | TCB_BLOCKS;
    t->dsack_start = duplicate.start;
    t->dsack_end = duplicate.end;
  }
  return ESTAB_DROP_NONE;
}

// The first text_bytes of a segment, which are more than none and no part of them behind the peer's FIN.
static inline __attribute__((always_inline)) enum estab_drop take_octets(
    struct tcp *c, struct tcb *t, const struct seg *g, uint32_t text_bytes, uint64_t now_ns)
{
  if (t->bits & (TCB_RELEASED | TCB_RECV_SHUT)) { // [SHLD-3]: nobody will ever read this
    t->owed |= OWED_RST;
    tcb_end(c, t, ESTAB_ERR_ABORTED, ESTAB_EVENT_ABORTED, "text for a user who reads no more",
            now_ns);
    return ESTAB_DROP_TCP_TEXT_RELEASED;
  }
  if (g->flags & ESTAB_TCP_PSH) {
    uint32_t end = g->seq + text_bytes;
    if (!(t->bits & TCB_PUSHED) || seq_gt(end, t->rcv_push)) t->rcv_push = end;
    t->bits |= TCB_PUSHED;
  }
  if (text_bytes > t->rcv_mss &&
      g->segments <= 1) // more than we offered is several, merged on the way
    t->rcv_mss = (uint16_t)u32_min(text_bytes, tcb_mss_for(c->settings, t->path, tcb_is4(t)));
  ecn_on_text(t, g);
  if (g->seq == t->rcv.nxt) return text_in_order(c, t, g, text_bytes, now_ns);
  return text_out_of_order(c, t, g, text_bytes);
}

static enum estab_drop take_text(struct tcp *c, struct tcb *t, const struct seg *g, uint64_t now_ns)
{
  if ((g->flags & ESTAB_TCP_FIN) && !(t->bits & TCB_FIN_KNOWN)) {
    // The end of the stream, perhaps ahead of missing text: remembered, with no other effect until RCV.NXT is there.
    t->bits |= TCB_FIN_KNOWN;
    t->fin_seq = g->seq + g->text_bytes;
    if (t->out_of_order.count > 0) ranges_drop_from(&t->out_of_order, t->fin_seq);
  }
  uint32_t text_bytes = g->text_bytes;
  if ((t->bits & TCB_FIN_KNOWN) && seq_gt(g->seq + text_bytes, t->fin_seq))
    text_bytes = seq_lt(g->seq, t->fin_seq) ? t->fin_seq - g->seq : 0;
  if (text_bytes == 0) {
    if (g->text_bytes > 0 || (g->flags & ESTAB_TCP_FIN) || g->duplicate_start != g->duplicate_end)
      t->owed |= OWED_ACK;
    if (g->text_bytes > 0) return ESTAB_DROP_TCP_TEXT_AFTER_FIN;
    return ESTAB_DROP_NONE;
  }
  return take_octets(c, t, g, text_bytes, now_ns);
}

// Seventh: only while the peer may still send. Answers why text was not taken.
enum estab_drop seventh_text(struct tcp *c, struct tcb *t, const struct seg *g, uint64_t now_ns)
{
  switch ((enum estab_state)t->state) {
  case ESTAB_SYN_RECEIVED: // only what a SYN with a good cookie brought, RFC 7413 4.2
  case ESTAB_ESTABLISHED:
  case ESTAB_FIN_WAIT_1:
  case ESTAB_FIN_WAIT_2: return take_text(c, t, g, now_ns);
  case ESTAB_CLOSE_WAIT: // after the peer's FIN: never delivered
  case ESTAB_CLOSING:
  case ESTAB_LAST_ACK:
  case ESTAB_TIME_WAIT:
    if (seg_len(g) == 0) return ESTAB_DROP_NONE;
    t->owed |= OWED_ACK;
    return ESTAB_DROP_TCP_TEXT_AFTER_FIN;
  case ESTAB_CLOSED:
  case ESTAB_LISTEN:
  case ESTAB_SYN_SENT:
  case ESTAB_STATES: break;
  }
  return ESTAB_DROP_NONE;
}

// Eighth: when RCV.NXT reaches the peer's FIN. First the text, then the end of the stream, then the state.
void eighth_fin(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  if (!(t->bits & TCB_FIN_KNOWN) || (t->bits & TCB_FIN_TAKEN) || t->rcv.nxt != t->fin_seq) return;
  t->bits |= TCB_FIN_TAKEN | TCB_PUSHED; // FIN implies PUSH
  t->rcv_push = t->fin_seq;
  t->rcv.nxt++;
  if (t->rcv.wnd > 0) t->rcv.wnd--;
  t->owed |= OWED_ACK;
  t->pending |= ESTAB_EVENT_END;
  raise_readable(t);
  ranges_free(&t->out_of_order, c->mem);
  switch ((enum estab_state)t->state) {
  case ESTAB_SYN_RECEIVED:
  case ESTAB_ESTABLISHED: tcb_enter(c, t, ESTAB_CLOSE_WAIT, "FIN", now_ns); break;
  case ESTAB_FIN_WAIT_1:
    tcb_enter(c, t, ESTAB_CLOSING, "FIN before the ACK of ours", now_ns);
    break;
  case ESTAB_FIN_WAIT_2: tcb_enter(c, t, ESTAB_TIME_WAIT, "FIN", now_ns); break;
  case ESTAB_CLOSE_WAIT:
  case ESTAB_CLOSING:
  case ESTAB_LAST_ACK:
  case ESTAB_TIME_WAIT:
  case ESTAB_CLOSED:
  case ESTAB_LISTEN:
  case ESTAB_SYN_SENT:
  case ESTAB_STATES: break;
  }
}
