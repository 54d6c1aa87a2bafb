// SPDX-License-Identifier: BSD-2-Clause
// sack.c - what a peer's SACK option says, RFC 2018 and RFC 2883, onto the scoreboard.
#include "base/bytes.h"
#include "tcp/news.h"

// [start, end) lies within what is in flight. Cuts stretches at its edges; where the board has no room for a cut, a
// stretch stays unmarked as a whole, which may cost a needless retransmission and nothing else.
static void sack_mark(struct tcp *c, struct tcb *t, uint32_t start, uint32_t end, struct news *n)
{
  struct board *b = &t->work->board;
  struct board_at at = board_find(b, start);
  if (board_is_end(b, at)) return;
  uint32_t from = board_start_of(b, at);
  while (seq_lt(from, end) && !board_is_end(b, at)) {
    struct board_record *r = board_record(b, at);
    uint32_t first = seq_max(from, start), behind = seq_min(r->end, end);
    from = r->end;
    if (!(r->bits & BOARD_SACKED)) {
      bool whole = behind == r->end || board_split(b, c->mem, at, behind, true);
      if (whole && first != board_start_of(b, at = board_find(b, first))) {
        whole = board_split(b, c->mem, at, first, true);
        at = board_find(b, first);
      }
      if (whole) {
        uint32_t bytes = behind - first;
        r = board_record(b, at);
        news_delivered(n, t, r, behind, bytes);
        n->sacked_bytes += bytes;
        board_set_sacked(b, r, bytes, (bytes + t->snd_mss - 1) / t->snd_mss);
        at = board_join_sacked(b, c->mem, at);
      }
      from = board_record(b, at)->end;
    }
    at = board_next(b, at);
  }
}

// RFC 2883 4: the first block tells of a duplicate when it lies below the ACK or within the second.
static bool is_dsack(const struct tcb *t, const struct seg *g)
{
  const struct estab_tcp_options *o = g->options;
  uint32_t start = o->sack[0].start, end = o->sack[0].end;
  if (seq_gt(end, t->snd.nxt)) return false;
  if (seq_lt(start, g->ack)) return true;
  return o->sack_count > 1 && seq_ge(start, o->sack[1].start) && seq_le(end, o->sack[1].end);
}

void sack_take(struct tcp *c, struct tcb *t, const struct seg *g, struct news *n)
{
  const struct estab_tcp_options *o = g->options;
  n->has_sack = true;
  for (unsigned i = 0; i < o->sack_count; i++) {
    uint32_t start = o->sack[i].start, end = o->sack[i].end;
    if (seq_ge(start, end)) continue;
    if (i == 0 && is_dsack(t, g)) {
      n->dsack = true;
      n->dsack_start = start;
      n->dsack_end = end;
      continue;
    }
    // Only what was sent and is not acknowledged can be news (ATTACKS R3, S3).
    if (seq_gt(end, t->snd.nxt) || seq_le(end, g->ack) || seq_lt(start, t->snd.una)) continue;
    sack_mark(c, t, start, end, n);
  }
}
