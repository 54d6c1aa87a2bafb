// SPDX-License-Identifier: BSD-2-Clause
// rack.c - RACK, RFC 8985 6.
#include "base/bytes.h"
#include "estab/base.h"
#include "tcp/rack.h"

#define RACK_MIN_EPOCH_NS UINT64_C(150000000000) // the least round trip is of the last 150 to 300 s

void rack_init(struct rack *r, uint32_t snd_una, uint64_t now_ns)
{
  *r =
      (struct rack){.end_seq = snd_una, .fack = snd_una, .min_since_ns = now_ns, .reo_wnd_mult = 1};
}

void rack_min_rtt(struct rack *r, uint64_t rtt_ns, uint64_t now_ns)
{
  if (now_ns - r->min_since_ns > RACK_MIN_EPOCH_NS) {
    r->min_ns[1] = r->min_ns[0];
    r->min_ns[0] = 0;
    r->min_since_ns = now_ns;
  }
  r->ack_rtt_ns = rtt_ns;
  if (r->min_ns[0] == 0 || rtt_ns < r->min_ns[0]) r->min_ns[0] = rtt_ns ? rtt_ns : 1;
}

static bool sent_after(uint64_t t1_ns, uint32_t seq1, uint64_t t2_ns, uint32_t seq2)
{
  return t1_ns > t2_ns || (t1_ns == t2_ns && seq_gt(seq1, seq2));
}

void rack_delivered(struct rack *r, const struct board_record *s, uint32_t end_seq,
                    const struct rack_ack *a)
{
  // In ascending order, says the RFC: only what came before this ACK can have overtaken anything.
  if (seq_gt(end_seq, r->fack))
    r->fack = end_seq;
  else if (seq_lt(end_seq, a->prior_fack) && !(s->bits & BOARD_RETRANSMITTED))
    r->reordering_seen = true;

  uint64_t rtt_ns = a->now_ns - s->born_ns;
  if (s->bits & BOARD_RETRANSMITTED) { // of which transmission is this the ACK?
    uint32_t sent_ts = a->ts_offset + (uint32_t)(s->born_ns / 1000000u);
    if (a->echo_valid && (int32_t)(a->echo - sent_ts) < 0) return;
    if (rtt_ns < rack_min(r)) return;
  }
  r->rtt_ns = rtt_ns;
  if (r->delivered && !sent_after(s->born_ns, end_seq, r->xmit_ns, r->end_seq)) return;
  r->xmit_ns = s->born_ns;
  r->end_seq = end_seq;
  r->again = (s->bits & BOARD_RETRANSMITTED) != 0;
  r->delivered = true;
}

void rack_dsack(struct rack *r, uint32_t snd_nxt)
{
  if (r->dsack_pending) return; // once a round trip
  r->dsack_pending = true;
  r->dsack_round = snd_nxt;
  if (r->reo_wnd_mult < UINT8_MAX) r->reo_wnd_mult++;
  r->reo_wnd_persist = RACK_PERSIST;
}

void rack_recovered(struct rack *r)
{
  if (r->reo_wnd_persist > 0) r->reo_wnd_persist--;
  if (r->reo_wnd_persist == 0) r->reo_wnd_mult = 1;
}

uint64_t rack_reo_wnd(const struct rack *r, const struct board *b, bool recovering,
                      uint64_t srtt_ns)
{
  if (!r->reordering_seen && (recovering || b->sacked_segments >= RACK_DUP_THRESH)) return 0;
  return u64_min(r->reo_wnd_mult * (rack_min(r) / 4), srtt_ns);
}

// DEPARTS: RFC 8985 6.2 (RACK.rtt of whatever arrived last) because what overtook others has a round trip that is not
// theirs: where reordering was seen, never less than those in order had last, and have on the average.
// Nothing is lost at the moment it leaves, where a round trip takes no time: it would be sent again without end.
static uint64_t rack_wait(const struct rack *r, uint64_t reo_wnd_ns, uint64_t srtt_ns)
{
  uint64_t usual_ns = r->reordering_seen ? u64_max(r->ack_rtt_ns, srtt_ns) : 0;
  return u64_max(u64_max(r->rtt_ns, usual_ns) + reo_wnd_ns, 1);
}

// Marks what is lost in one chunk. Answers when to look at it again, 0 = not by time.
static uint64_t detect_in_chunk(const struct rack *r, struct board *b, unsigned i, uint64_t wait_ns,
                                uint64_t now_ns)
{
  struct board_chunk *c = b->chunks[i];
  uint64_t oldest_ns = ESTAB_NEVER, again_ns = 0;
  uint32_t start = board_start_of(b, (struct board_at){i, 0});
  for (struct board_record *s = c->at + c->first, *end = s + c->count; s < end; s++) {
    uint32_t from = start;
    start = s->end;
    if (s->bits & (BOARD_SACKED | BOARD_LOST)) continue;
    bool before = sent_after(r->xmit_ns, r->end_seq, s->born_ns, s->end);
    // The last of it left in the same moment, behind what was delivered.
    if (s->sent_ns == r->xmit_ns && seq_gt(s->end, r->end_seq)) before = false;
    // Where a round trip takes no time, what was sent again is as old as what made us do it, but came later.
    if (s->born_ns == r->xmit_ns && (s->bits & BOARD_RETRANSMITTED) && !r->again) before = false;
    if (before && s->sent_ns + wait_ns <= now_ns) {
      board_set_lost(b, s, from);
      continue;
    }
    if (before) again_ns = u64_max(again_ns, s->sent_ns + wait_ns);
    oldest_ns = u64_min(oldest_ns, s->born_ns);
  }
  c->oldest_ns = oldest_ns;
  return again_ns;
}

uint64_t rack_detect(struct rack *r, struct board *b, uint64_t reo_wnd_ns, uint64_t srtt_ns,
                     uint64_t now_ns)
{
  if (!r->delivered || r->oldest_ns > r->xmit_ns) return ESTAB_NEVER;
  const uint64_t wait_ns = rack_wait(r, reo_wnd_ns, srtt_ns);
  if (r->oldest_ns + wait_ns > now_ns) return r->oldest_ns + wait_ns;
  uint64_t oldest_ns = ESTAB_NEVER, again_ns = 0;
  for (unsigned i = 0; i < b->count; i++) {
    struct board_chunk *c = b->chunks[i];
    if (c->oldest_ns <= r->xmit_ns && c->oldest_ns + wait_ns <= now_ns)
      again_ns = u64_max(again_ns, detect_in_chunk(r, b, i, wait_ns, now_ns));
    else if (c->oldest_ns <= r->xmit_ns)
      again_ns = u64_max(again_ns, c->oldest_ns + wait_ns);
    oldest_ns = u64_min(oldest_ns, c->oldest_ns);
  }
  r->oldest_ns = oldest_ns;
  return again_ns ? again_ns : ESTAB_NEVER;
}

void rack_on_timeout(struct rack *r, struct board *b, uint64_t reo_wnd_ns, uint64_t now_ns)
{
  const uint64_t wait_ns = r->rtt_ns + reo_wnd_ns;
  uint32_t start = b->start;
  for (struct board_at at = board_first(); !board_is_end(b, at); at = board_next(b, at)) {
    struct board_record *s = board_record(b, at);
    if (start == b->start || (r->rtt_ns && s->sent_ns + wait_ns <= now_ns))
      board_set_lost(b, s, start);
    start = s->end;
  }
}
