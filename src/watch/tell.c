// SPDX-License-Identifier: BSD-2-Clause
// tell.c - single segments, as both machines judged them.
#include "watch/tell.h"

#include <string.h>

#include "proto/seq.h"
#include "watch/life.h"
#include "watch/record.h"

#define TELL_MARK(name) (UINT32_C(1) << ESTAB_WATCH_MARK_##name)

void tell_before(struct track *t, struct flow *f, const struct segment *g, struct tell_before *b)
{
  const struct flow_trouble *r = track_has_trouble(t, f);
  memset(b, 0, sizeof *b);
  memcpy(b->side, f->side, sizeof b->side);
  b->life_bits = f->life_bits;
  b->over = life_is_over(f);
  if (!r) return;
  b->retransmitted = r->side[g->end].retransmitted_pkts;
  b->spurious = r->side[g->end].spurious_pkts;
  b->reordered = r->side[g->end].reordered_pkts;
  b->dup_acks = r->side[g->end].dup_acks;
  b->zero_windows = r->side[g->end].zero_windows;
}

static uint32_t tell_bits(const struct segment *g)
{
  uint32_t marks = 0;
  if (g->bits & SEGMENT_BAD) marks |= TELL_MARK(BAD_CHECKSUM);
  if (g->bits & SEGMENT_CUT) marks |= TELL_MARK(CUT);
  return marks;
}

// What the measurements counted.
static uint32_t tell_counted(struct track *t, struct flow *f, const struct segment *g,
                             const struct tell_before *b)
{
  const struct flow_trouble *r = track_has_trouble(t, f);
  uint32_t marks = 0;
  if (!r) return 0;
  if (r->side[g->end].retransmitted_pkts > b->retransmitted) marks |= TELL_MARK(AGAIN);
  if (r->side[g->end].spurious_pkts > b->spurious) marks |= TELL_MARK(SPURIOUS);
  if (r->side[g->end].reordered_pkts > b->reordered) marks |= TELL_MARK(LATE);
  if (r->side[g->end].dup_acks > b->dup_acks) marks |= TELL_MARK(DUP_ACK);
  if (r->side[g->end].zero_windows > b->zero_windows) marks |= TELL_MARK(ZERO_WINDOW);
  if (b->side[g->end].bits & ~f->side[g->end].bits & SIDE_ZERO) marks |= TELL_MARK(WINDOW_OPENS);
  return marks;
}

// One octet, or none, that was acknowledged before; or one octet into a window of zero.
static uint32_t tell_probe(const struct segment *g, const struct flow_side *s,
                           const struct flow_side *peer)
{
  const unsigned special = ESTAB_TCP_SYN | ESTAB_TCP_FIN | ESTAB_TCP_RST;
  if ((g->flags & special) || !(g->flags & ESTAB_TCP_ACK) || g->text_bytes > 1 ||
      !(s->bits & SIDE_KNOWN) || !(peer->bits & SIDE_ACKED))
    return 0;
  bool back = g->seq == s->nxt - 1 && seq_ge(peer->una, s->nxt);
  if (peer->bits & SIDE_ZERO)
    return back || (g->text_bytes && seq_ge(g->seq, peer->una)) ? TELL_MARK(WINDOW_PROBE) : 0;
  return back ? TELL_MARK(KEEPALIVE) : 0;
}

// What its place in the sequence space says.
static uint32_t tell_place(const struct segment *g, const struct tell_before *b)
{
  const struct flow_side *s = &b->side[g->end], *peer = &b->side[1 - g->end];
  uint32_t marks = tell_probe(g, s, peer);
  if ((g->flags & ESTAB_TCP_SYN) && (s->bits & SIDE_SYN)) {
    bool same = g->seq == s->nxt - 1 || g->seq == s->start_seq;
    if (!same)
      marks |= TELL_MARK(SYN_OTHER);
    else if (!((g->flags ^ s->first_flags) & ESTAB_TCP_ACK))
      marks |= TELL_MARK(AGAIN);
  } else if ((s->bits & SIDE_KNOWN) && g->text_bytes && seq_gt(g->seq, s->nxt))
    marks |= TELL_MARK(AHEAD);
  if ((g->flags & ESTAB_TCP_FIN) && (s->bits & SIDE_FIN) && seq_lt(g->seq, s->nxt))
    marks |= TELL_MARK(AGAIN);
  if ((g->flags & ESTAB_TCP_ACK) && !(g->flags & (ESTAB_TCP_SYN | ESTAB_TCP_RST)) &&
      (peer->bits & SIDE_KNOWN) && seq_gt(g->ack, peer->nxt))
    marks |= TELL_MARK(ACKS_UNSEEN);
  return marks;
}

static uint32_t tell_end(const struct flow *f, const struct segment *g, const struct tell_before *b)
{
  bool false_rst = (b->life_bits & LIFE_RST_HELD) && !(f->life_bits & LIFE_RST_HELD);
  if (b->over) return false_rst ? TELL_MARK(RST_PROVED_FALSE) : TELL_MARK(AFTER_END);
  if (!(g->flags & ESTAB_TCP_RST)) return 0;
  bool taken = (f->side[g->end].bits & SIDE_RST) && !(b->side[g->end].bits & SIDE_RST);
  return taken ? TELL_MARK(RST_TAKEN) : TELL_MARK(RST_NOT_TAKEN);
}

static uint32_t tell_marks(struct track *t, struct flow *f, const struct segment *g,
                           const struct tell_before *b)
{
  uint32_t marks = tell_bits(g);
  if (g->bits & SEGMENT_BAD) return marks; // nobody looked further
  if (!b) {
    if ((g->flags & ESTAB_TCP_RST) && (f->side[g->end].bits & SIDE_RST))
      marks |= TELL_MARK(RST_TAKEN);
    return marks;
  }
  if ((g->bits & SEGMENT_OLD) && !b->blind) marks |= TELL_MARK(OLD_TIMESTAMP);
  return marks | tell_counted(t, f, g, b) | tell_place(g, b) | tell_end(f, g, b);
}

void tell_segment(struct track *t, struct flow *f, const struct segment *g,
                  const struct tell_before *b)
{
  const struct watch_packet *p = t->packet;
  struct estab_watch_segment *s = &t->told;
  unsigned orig = flow_orig((struct flow_head *)f);
  const struct flow_side *sender = &f->side[g->end], *peer = &f->side[1 - g->end];
  *s = (struct estab_watch_segment){
      .ts_ns = g->ts_ns,
      .packet = g->packet,
      .src = p->src,
      .dst = p->dst,
      .src_port = p->tcp.src_port,
      .dst_port = p->tcp.dst_port,
      .side = g->end == orig ? ESTAB_WATCH_ORIG : ESTAB_WATCH_RESP,
      .ttl = g->ttl,
      .flags = g->flags,
      .seq = g->seq,
      .ack = g->ack,
      .window_bytes = g->window,
      .text_bytes = g->text_bytes,
      .marks = tell_marks(t, f, g, b),
      .options = &t->told_options,
  };
  t->told_options = p->tcp.options;
  if (!(g->flags & ESTAB_TCP_SYN) && side_has_wscale(sender) && side_has_wscale(peer))
    s->window_bytes <<= sender->wscale;
  for (unsigned i = 0; i < 2; i++) {
    const struct flow_side *side = &f->side[i == ESTAB_WATCH_ORIG ? orig : 1 - orig];
    s->state[i] = side->state;
    s->state_seen[i] = (side->bits & SIDE_SEEN) != 0;
  }
  record_life_uid(t, f, &s->uid);
  t->told_waits = true;
}

bool tell_next(struct track *t, struct estab_watch_segment *out)
{
  if (!t->told_waits) return false;
  t->told_waits = false;
  *out = t->told;
  return true;
}
