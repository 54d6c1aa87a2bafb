// SPDX-License-Identifier: BSD-2-Clause
// tcp_board.c - the scoreboard against octets one by one, across 2^32 and with memory refused.
#include "support/prop.h"

#include "tcp/board.h"

enum { UNIVERSE = 3000, STEPS = 400, SEGMENT = 20, GRAIN_NS = 3 };

struct octet {
  uint8_t bits;
  uint64_t sent_ns;
};

struct model {
  uint32_t base; // sequence number of at[0]
  uint32_t una, nxt;
  uint64_t now_ns;
  struct octet at[UNIVERSE];
};

static bool same(struct board *b, const struct model *m)
{
  uint32_t sacked = 0, lost = 0, lowest_lost = m->nxt, segments = 0;
  for (uint32_t i = m->una; i < m->nxt; i++) {
    sacked += (m->at[i].bits & BOARD_SACKED) != 0;
    lost += (m->at[i].bits & BOARD_LOST) != 0;
    if ((m->at[i].bits & BOARD_LOST) && lowest_lost == m->nxt) lowest_lost = i;
  }
  PROP_CHECK(b->start == m->base + m->una);
  PROP_CHECK(b->sacked_bytes == sacked && b->lost_bytes == lost);
  uint32_t seq = b->start;
  for (struct board_at at = board_first(); !board_is_end(b, at); at = board_next(b, at)) {
    const struct board_record *r = board_record(b, at);
    PROP_CHECK(board_start_of(b, at) == seq);
    PROP_CHECK(seq_lt(seq, r->end));
    struct board_at first = board_find(b, seq), last = board_find(b, r->end - 1);
    PROP_CHECK(first.chunk == at.chunk && first.record == at.record);
    PROP_CHECK(last.chunk == at.chunk && last.record == at.record);
    if (r->bits & BOARD_SACKED) segments += r->segments;
    for (; seq != r->end; seq++) {
      const struct octet *o = &m->at[seq - m->base];
      const uint8_t fate = BOARD_SACKED | BOARD_LOST;
      PROP_CHECK((o->bits & fate) == (r->bits & fate));
      PROP_CHECK(!(o->bits & BOARD_RETRANSMITTED) || (r->bits & BOARD_RETRANSMITTED));
      PROP_CHECK(r->sent_ns >= o->sent_ns);
    }
  }
  PROP_CHECK(seq == m->base + m->nxt);
  PROP_CHECK(segments == b->sacked_segments);
  struct board_at at = board_first_lost(b);
  PROP_CHECK(board_is_end(b, at) == (lost == 0));
  if (lost) PROP_CHECK(board_start_of(b, at) == m->base + lowest_lost);
  return true;
}

static bool append(struct prop_rng *rng, struct board *b, struct mem *mem, struct model *m)
{
  uint32_t bytes = 1 + prop_below(rng, SEGMENT);
  if (m->nxt + bytes > UNIVERSE) return true;
  uint32_t end = m->base + m->nxt + bytes;
  const struct board_mark mark = {0};
  if (!board_extend(b, end, m->now_ns, GRAIN_NS, 0) &&
      !board_append(b, mem, end, m->now_ns, 0, &mark))
    return true; // no memory: what was not taken down is as if never sent
  for (; bytes > 0; bytes--)
    m->at[m->nxt++] = (struct octet){0, m->now_ns};
  return true;
}

// As a sender takes in a block of a SACK option.
static bool sack(struct prop_rng *rng, struct board *b, struct mem *mem, struct model *m)
{
  if (m->una == m->nxt) return true;
  uint32_t start = m->una + prop_below(rng, m->nxt - m->una);
  uint32_t end = start + 1 + prop_below(rng, 3 * SEGMENT);
  if (end > m->nxt) end = m->nxt;
  for (uint32_t seq = m->base + start; seq_lt(seq, m->base + end);) {
    struct board_at at = board_find(b, seq);
    PROP_CHECK(!board_is_end(b, at));
    uint32_t behind = seq_min(board_record(b, at)->end, m->base + end);
    if (!(board_record(b, at)->bits & BOARD_SACKED)) {
      bool cut = behind == board_record(b, at)->end || board_split(b, mem, at, behind, true);
      at = board_find(b, seq);
      if (cut && board_start_of(b, at) != seq) {
        cut = board_split(b, mem, at, seq, true);
        at = board_find(b, seq);
      }
      if (!cut) return true;
      board_set_sacked(b, board_record(b, at), behind - seq, 1);
      at = board_join_sacked(b, mem, at);
      PROP_CHECK(seq_le(board_start_of(b, at), seq) && seq_ge(board_record(b, at)->end, behind));
      for (uint32_t i = seq - m->base; i < behind - m->base; i++)
        m->at[i].bits = (uint8_t)((m->at[i].bits | BOARD_SACKED) & ~BOARD_LOST);
    }
    seq = behind;
  }
  return true;
}

static bool lose(struct prop_rng *rng, struct board *b, struct model *m)
{
  for (struct board_at at = board_first(); !board_is_end(b, at); at = board_next(b, at)) {
    struct board_record *r = board_record(b, at);
    if (!prop_one_in(rng, 4) || (r->bits & BOARD_SACKED)) continue;
    uint32_t start = board_start_of(b, at);
    board_set_lost(b, r, start);
    for (; start != r->end; start++)
      m->at[start - m->base].bits |= BOARD_LOST;
  }
  return true;
}

static bool send_again(struct board *b, struct mem *mem, struct model *m)
{
  struct board_at at = board_first_lost(b);
  if (board_is_end(b, at)) return true;
  const struct board_mark mark = {0};
  uint32_t seq = board_start_of(b, at);
  if (board_record(b, at)->end - seq > SEGMENT && board_split(b, mem, at, seq + SEGMENT, false))
    at = board_find(b, seq);
  uint32_t end = board_record(b, at)->end;
  board_set_sent_again(b, mem, at, m->now_ns, GRAIN_NS, &mark);
  for (; seq != end; seq++)
    m->at[seq - m->base] = (struct octet){BOARD_RETRANSMITTED, m->now_ns};
  return true;
}

static void all_at_once(struct prop_rng *rng, struct board *b, struct model *m)
{
  bool sacks = prop_one_in(rng, 2);
  if (sacks)
    board_forget_sacks(b);
  else
    board_forget_losses(b);
  for (uint32_t i = m->una; i < m->nxt; i++)
    m->at[i].bits &= (uint8_t) ~(sacks ? BOARD_SACKED : BOARD_LOST);
}

static bool board_is_octets(struct prop_rng *rng)
{
  struct prop_mem door;
  struct mem mem;
  mem_init(&mem, prop_mem_door(&door));
  static struct model m;
  struct board b;
  m.base = (uint32_t)prop_u64(rng);
  if (prop_one_in(rng, 2)) m.base = 0u - prop_below(rng, UNIVERSE);
  m.una = m.nxt = 0;
  m.now_ns = 1;
  board_init(&b, m.base);
  const unsigned busy = 2 + prop_below(rng, 20);
  for (unsigned step = 0; step < STEPS; step++) {
    door.fail_after = prop_one_in(rng, 8) ? 0 : UINT64_MAX;
    m.now_ns += prop_below(rng, 3);
    bool held = true;
    switch (prop_below(rng, busy)) {
    case 0:
      m.una += prop_below(rng, (m.nxt - m.una) / 2 + 1);
      if (prop_one_in(rng, 10)) m.una = m.nxt;
      board_drop_below(&b, &mem, m.base + m.una);
      break;
    case 1: held = prop_one_in(rng, 3) ? lose(rng, &b, &m) : true; break;
    case 2:
    case 3: held = send_again(&b, &mem, &m); break;
    case 4:
      if (prop_one_in(rng, 5)) all_at_once(rng, &b, &m);
      break;
    case 5:
    case 6:
    case 7:
    case 8: held = append(rng, &b, &mem, &m); break;
    default: held = sack(rng, &b, &mem, &m);
    }
    if (!held || !same(&b, &m)) return false;
  }
  board_free(&b, &mem);
  PROP_CHECK(door.live_pieces == 0 && mem.in_use_bytes == 0);
  return true;
}

// ATTACKS R3: every second octet of a large flight is reported, in the worst order for a table. The board gets no
// larger than it may, and cuts of the sender's own are still possible.
static bool a_peer_cannot_make_it_large(struct prop_rng *rng)
{
  struct prop_mem door;
  struct mem mem;
  mem_init(&mem, prop_mem_door(&door));
  struct board b;
  const uint32_t flight = 60000, base = (uint32_t)prop_u64(rng);
  const struct board_mark mark = {0};
  board_init(&b, base);
  PROP_CHECK(board_append(&b, &mem, base + flight, 1, 0, &mark));
  unsigned taken = 0;
  for (unsigned i = 0; i < 40000; i++) {
    uint32_t seq = base + 1 + 2 * prop_below(rng, flight / 2 - 1);
    struct board_at at = board_find(&b, seq);
    if (board_record(&b, at)->bits & BOARD_SACKED) continue;
    bool cut = board_record(&b, at)->end == seq + 1 || board_split(&b, &mem, at, seq + 1, true);
    at = board_find(&b, seq);
    cut = cut && (board_start_of(&b, at) == seq || board_split(&b, &mem, at, seq, true));
    if (!cut) continue;
    at = board_find(&b, seq);
    board_set_sacked(&b, board_record(&b, at), 1, 1);
    taken++;
  }
  PROP_CHECK(taken > 500 && b.count <= BOARD_CHUNKS_FOR_SACK);
  PROP_CHECK(door.live_bytes <= BOARD_CHUNKS * sizeof(struct board_chunk));
  PROP_CHECK(b.sacked_bytes == taken);
  unsigned cuts = 0; // as a sender makes them: one after the other, wherever it begins
  for (uint32_t seq = base + prop_below(rng, flight / 2); cuts < 100; seq++) {
    struct board_at at = board_find(&b, seq);
    if (board_is_end(&b, at)) break;
    if (board_start_of(&b, at) != seq || board_record(&b, at)->end - seq < 2) continue;
    PROP_CHECK(board_split(&b, &mem, at, seq + 1, false));
    cuts++;
  }
  PROP_CHECK(cuts > 10);
  board_free(&b, &mem);
  PROP_CHECK(door.live_pieces == 0);
  return true;
}

// Holes that are filled here and there do not wear the chunks thin: two neighbours always hold more than
// BOARD_CHUNK_JOIN stretches. And what is sent again in a row, a little later each time, is one stretch for each grain.
static bool chunks_stay_full(struct prop_rng *rng)
{
  struct prop_mem door;
  struct mem mem;
  mem_init(&mem, prop_mem_door(&door));
  struct board b;
  enum { HOLES = 1500, ROW = 400 };
  const uint32_t base = (uint32_t)prop_u64(rng);
  const struct board_mark mark = {0};
  board_init(&b, base);
  PROP_CHECK(board_append(&b, &mem, base + 2 * HOLES + ROW, 1, 0, &mark));
  for (uint32_t seq = base + 1; seq_lt(seq, base + 2 * HOLES); seq += 2) {
    struct board_at at = board_find(&b, seq);
    PROP_CHECK(board_split(&b, &mem, at, seq + 1, true));
    PROP_CHECK(board_split(&b, &mem, board_find(&b, seq), seq, true));
    board_set_sacked(&b, board_record(&b, board_find(&b, seq)), 1, 1);
  }
  for (unsigned i = 0; i < 20 * HOLES; i++) { // holes are filled, but a few
    uint32_t seq = base + 2 + 2 * prop_below(rng, HOLES - 2);
    struct board_at at = board_find(&b, seq);
    if (board_record(&b, at)->bits & BOARD_SACKED || seq % 32 == 0) continue;
    board_set_sacked(&b, board_record(&b, at), 1, 1);
    at = board_join_sacked(&b, &mem, at);
    PROP_CHECK(seq_le(board_start_of(&b, at), seq) && seq_gt(board_record(&b, at)->end, seq));
  }
  for (unsigned i = 1; i < b.count; i++)
    PROP_CHECK(b.chunks[i - 1]->count + b.chunks[i]->count > BOARD_CHUNK_JOIN);
  PROP_CHECK(b.count < 16);
  for (uint32_t i = 0; i < ROW; i++) {
    uint32_t seq = base + 2 * HOLES + i;
    struct board_at at = board_find(&b, seq);
    if (board_start_of(&b, at) != seq) PROP_CHECK(board_split(&b, &mem, at, seq, false));
    at = board_find(&b, seq);
    if (i + 1 < ROW) PROP_CHECK(board_split(&b, &mem, at, seq + 1, false));
    at = board_find(&b, seq);
    board_set_lost(&b, board_record(&b, at), seq);
    board_set_sent_again(&b, &mem, at, 10 + i, 9, &mark);
  }
  unsigned row = 0;
  for (struct board_at at = board_find(&b, base + 2 * HOLES); !board_is_end(&b, at);
       at = board_next(&b, at), row++)
    PROP_CHECK(board_record(&b, at)->sent_ns - board_record(&b, at)->born_ns <= 9);
  PROP_CHECK(row >= ROW / 10 && row <= ROW / 10 + ROW / BOARD_CHUNK_RECORDS + 2);
  board_free(&b, &mem);
  PROP_CHECK(door.live_pieces == 0);
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"board_is_octets", board_is_octets, 120},
      {"a_peer_cannot_make_it_large", a_peer_cannot_make_it_large, 3},
      {"chunks_stay_full", chunks_stay_full, 20},
  };
  return prop_main(argc, argv, props, sizeof props / sizeof props[0]);
}
