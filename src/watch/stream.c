// SPDX-License-Identifier: BSD-2-Clause
// stream.c - the octets of both sides in order.
#include "watch/stream.h"

#include "base/bytes.h"
#include "proto/seq.h"
#include "watch/doubt.h"
#include "watch/record.h"
#include "watch/stream_wait.h"

struct stream_side {
  struct stream_wait wait;
  uint64_t offset; // of `next`
  uint32_t next;   // what comes next
  uint32_t fin;
  uint32_t skip_to; // given up before here, with `skips`
  bool begun, fin_known, ended, skips;
};

struct stream {
  struct stream_side side[2];
};

static struct stream *stream_of(struct track *t, struct flow *f)
{
  struct flow_trouble *r = track_trouble(t, f);
  if (!r || f == &t->scratch) return NULL;
  if (!r->stream) r->stream = mem_new(t->mem, sizeof *r->stream, ESTAB_MEM_WATCH);
  return r->stream;
}

void stream_free(struct track *t, struct flow *f)
{
  struct flow_trouble *r = track_has_trouble(t, f);
  if (!r || !r->stream) return;
  for (unsigned e = 0; e < 2; e++)
    stream_wait_free(&r->stream->side[e].wait, t->mem);
  if (t->ready.stream == r->stream) t->ready.stream = NULL;
  mem_free(t->mem, r->stream, sizeof *r->stream, ESTAB_MEM_WATCH);
  r->stream = NULL;
}

// ---------------------------------------------------------------------------------------------
// Segments

static void stream_begin(struct stream_side *s, const struct flow_side *side,
                         const struct segment *g)
{
  s->begun = true;
  if (g->flags & ESTAB_TCP_SYN)
    s->next = g->seq + 1;
  else if ((side->bits & SIDE_SYN) && side->z != ZEEK_INACTIVE)
    s->next = side->start_seq + 1; // where the text begins, whatever overtook it
  else
    s->next = side->bits & SIDE_KNOWN ? side->nxt : g->seq;
}

static void stream_text(struct track *t, struct stream_side *s, const struct segment *g,
                        const uint8_t *text)
{
  uint32_t g_seq = g->seq + (g->flags & ESTAB_TCP_SYN ? 1u : 0u), seq = g_seq;
  uint32_t end = seq + g->text_bytes;
  if (seq_le(end, s->next) || end - s->next > (1u << 30)) return; // given out already
  if (seq_lt(seq, s->next)) {
    text += s->next - seq;
    seq = s->next;
  }
  struct stream_block *first = stream_wait_first(&s->wait);
  bool meets = first && seq_lt(first->seq, end);
  if (seq == s->next && !meets) {
    t->ready.text = text;
    t->ready.count = end - seq;
    return;
  }
  struct stream_rule rule = {t->mem, t->settings.stream_hole_bytes,
                             (enum estab_watch_policy)t->settings.policy};
  stream_wait_insert(&s->wait, &rule, seq, end, text, g_seq, end);
  first = stream_wait_first(&s->wait);
  if (first && (s->wait.held + RECALL_TEXT > t->settings.stream_hole_bytes ||
                s->wait.count >= STREAM_WAIT_BLOCKS)) {
    s->skips = true; // the hole will not be filled in time
    s->skip_to = first->seq;
  }
}

void stream_segment(struct track *t, struct flow *f, const struct segment *g, const uint8_t *text)
{
  unsigned e = g->end;
  t->ready.stream = NULL;
  if (g->bits & (SEGMENT_BAD | SEGMENT_OLD) || (g->flags & ESTAB_TCP_RST)) return;
  bool speaks = g->text_bytes || (g->flags & ESTAB_TCP_FIN);
  struct flow_trouble *r = track_has_trouble(t, f);
  if (!speaks && (!r || !r->stream)) return;
  struct stream *all = stream_of(t, f);
  if (!all) return;
  struct stream_side *s = &all->side[e], *peer = &all->side[1 - e];
  t->ready.text = NULL;
  t->ready.count = 0;
  t->ready.end = (uint8_t)e;
  // Text before the SYN-ACK that has to come first: who asked, and has acknowledged nothing, takes none.
  if (!s->begun && !(g->flags & ESTAB_TCP_SYN) && !(f->side[e].bits & SIDE_SYN) &&
      (f->side[1 - e].bits & (SIDE_SYN | SIDE_ACKED)) == SIDE_SYN)
    return;
  if (speaks && !s->begun) stream_begin(s, &f->side[e], g);
  if (doubt_dies(f, g)) return;
  if (g->text_bytes && !(g->bits & SEGMENT_CUT)) stream_text(t, s, g, text);
  if (g->flags & ESTAB_TCP_FIN) {
    s->fin_known = true;
    s->fin = g->seq + g->text_bytes + (g->flags & ESTAB_TCP_SYN ? 1u : 0u);
  }
  // What is acknowledged and was never captured is given up.
  if ((g->flags & ESTAB_TCP_ACK) && peer->begun) {
    uint32_t ack = g->ack;
    if (peer->fin_known && seq_gt(ack, peer->fin)) ack = peer->fin;
    if (seq_gt(ack, peer->next) && ack - peer->next < (1u << 30)) {
      peer->skips = true;
      peer->skip_to = ack;
      if (!speaks) t->ready.end = (uint8_t)(1 - e);
    }
  }
  t->ready.stream = all;
  t->ready.orig = (uint8_t)flow_orig((struct flow_head *)f);
  record_life_uid(t, f, &t->ready.uid);
  if (t->ready.gone) {
    stream_block_free(t->ready.gone, t->mem);
    t->ready.gone = NULL;
  }
}

void stream_first(struct track *t, struct flow *f, const struct segment *g, const uint8_t *text)
{
  struct flow_side *s = &f->side[g->end];
  uint16_t bits = s->bits;
  s->bits &= (uint16_t)~SIDE_KNOWN; // nothing was known before it
  stream_segment(t, f, g, text);
  s->bits = bits;
}

// One piece of a side, if there is any.
static bool stream_piece(struct track *t, unsigned end, struct estab_watch_stream *out)
{
  struct stream_side *s = &t->ready.stream->side[end];
  *out = (struct estab_watch_stream){.uid = t->ready.uid, .side = (uint8_t)end};
  if (!s->begun || s->ended) return false;
  if (t->ready.count && end == t->ready.end) {
    out->bytes = t->ready.text;
    out->length = t->ready.count;
    t->ready.count = 0;
  } else {
    struct stream_block *b = stream_wait_first(&s->wait);
    if (s->skips && seq_gt(s->skip_to, s->next) && (!b || b->seq != s->next)) {
      uint32_t to = b && seq_lt(b->seq, s->skip_to) ? b->seq : s->skip_to;
      out->gap_bytes = to - s->next;
      s->next = to;
      s->offset += out->gap_bytes;
    }
    if (s->skips && !seq_gt(s->skip_to, s->next)) s->skips = false;
    if (b && b->seq == s->next) {
      out->bytes = b->bytes;
      out->length = b->end - b->seq;
      t->ready.gone = stream_wait_take(&s->wait); // until the next call
    }
  }
  out->offset = s->offset;
  s->next += (uint32_t)out->length;
  s->offset += out->length;
  if (s->fin_known && s->next == s->fin) out->end = s->ended = true;
  return out->length || out->gap_bytes || out->end;
}

bool stream_next(struct track *t, struct estab_watch_stream *out)
{
  if (t->ready.gone) {
    stream_block_free(t->ready.gone, t->mem);
    t->ready.gone = NULL;
  }
  if (!t->ready.stream) return false;
  if (stream_piece(t, t->ready.end, out) || stream_piece(t, 1u - t->ready.end, out)) {
    out->side = (uint8_t)(out->side == t->ready.orig ? ESTAB_WATCH_ORIG : ESTAB_WATCH_RESP);
    return true;
  }
  t->ready.stream = NULL;
  return false;
}
