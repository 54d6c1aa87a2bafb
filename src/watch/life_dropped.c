// SPDX-License-Identifier: BSD-2-Clause
// life_dropped.c - segments that their receiver drops before it looks at what they say.
#include "watch/life.h"

#include "proto/seq.h"
#include "watch/doubt.h"
#include "watch/reach.h"

#define LIFE_TS_OUTDATED_NS (UINT64_C(24) * 24 * 3600 * FLOW_SECOND_NS)
#define LIFE_NEAR                                                                                  \
  (1u << 20)         // so far goes what the capture may lack, or a side says in a few segments
#define LIFE_BLIND 3 // so many that go with each other are not blind

// RFC 7323 5.3: a timestamp older than the last one taken. Not judged: SYN, RST, a pause of 24 days.
bool life_is_old(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  const struct flow_side *peer = &f->side[1 - g->end];
  if (!(g->bits & SEGMENT_TS) || (g->flags & (ESTAB_TCP_SYN | ESTAB_TCP_RST)) ||
      !(s->bits & peer->bits & SIDE_HAS_TS))
    return false;
  if ((s->bits & SIDE_TS) && seq_lt(g->ts_value, s->ts_recent) &&
      g->ts_ns - f->last_ns < LIFE_TS_OUTDATED_NS) {
    doubt_raise(t, f, ESTAB_WATCH_AMBIGUITY_OLD_TIMESTAMP, g, s->ts_recent, g->ts_value);
    return true;
  }
  // RFC 7323 4.3: taken from what is acceptable and covers the octet that the peer acknowledged last.
  uint32_t edge = reach_edge(t, f, g->end), length = segment_length(g);
  bool news =
      !(s->bits & SIDE_KNOWN) || (length ? seq_gt(g->seq + length, edge) : seq_ge(g->seq, edge));
  if (!(s->bits & SIDE_TS) || !(peer->bits & SIDE_ACKED) || (news && seq_le(g->seq, peer->una))) {
    s->ts_recent = g->ts_value;
    s->bits |= SIDE_TS;
  }
  return false;
}

// Whether it goes with those that seemed blind before it, of the same side.
static WATCH_RARE bool life_blind_again(struct flow_trouble *r, const struct segment *g)
{
  struct flow_blind *before = &r->blind[g->end];
  const bool near = g->seq - before->seq < LIFE_NEAR && g->ack - before->ack < LIFE_NEAR;
  before->count = before->count && near ? (uint8_t)(before->count + 1) : 1;
  before->seq = g->seq;
  before->ack = g->ack;
  if (before->count < LIFE_BLIND) return false;
  before->count = 0;
  return true;
}

// By more than the capture may lack beyond both.
static bool life_is_far(uint32_t number, uint32_t edge, uint32_t nxt)
{
  return seq_gt(number, edge + LIFE_NEAR) && seq_gt(number, nxt + LIFE_NEAR);
}

bool life_is_blind(struct track *t, struct flow *f, const struct segment *g)
{
  const struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  const uint16_t known = SIDE_SYN | SIDE_ACKED;
  if ((s->bits & peer->bits & known) != known || (g->flags & (ESTAB_TCP_SYN | ESTAB_TCP_RST)))
    return false;
  const bool acks = g->flags & ESTAB_TCP_ACK;
  const bool beyond = seq_gt(g->seq, peer->edge) && seq_gt(g->seq, s->nxt);
  const bool ahead = acks && seq_gt(g->ack, s->edge) && seq_gt(g->ack, peer->nxt);
  const bool both = beyond && (!acks || ahead || seq_lt(g->ack, s->una - LIFE_FAR));
  const bool far = (beyond && life_is_far(g->seq, peer->edge, s->nxt)) ||
                   (ahead && life_is_far(g->ack, s->edge, peer->nxt));
  if (!far && !both) return false;
  struct flow_trouble *r = track_trouble(t, f);
  if (!r || (acks && life_blind_again(r, g))) return false;
  if (g->flags & ESTAB_TCP_FIN)
    doubt_raise(t, f, ESTAB_WATCH_AMBIGUITY_FIN_OUT_OF_WINDOW, g, s->nxt, g->seq + g->text_bytes);
  return true;
}
