// SPDX-License-Identifier: BSD-2-Clause
// board.h - the scoreboard: what is in flight, in stretches of the sequence space with one fate and one time each.
//
// Stretches follow each other without a gap from `start` (SND.UNA) to the end of the last (SND.NXT). Those that left
// within a small part of a round trip are one stretch until their fates part, so a flight of any size takes a few dozen
// of them; SACK blocks and losses split them. They stand in chunks, so that to split one moves at most a chunk, and the
// number of chunks is bounded: a peer can make the board coarse, never large or slow (ATTACKS R3).
#ifndef ESTAB_TCP_BOARD_H
#define ESTAB_TCP_BOARD_H

#include "base/mem.h"
#include "proto/seq.h"

enum board_bits {
  BOARD_SACKED = 1u << 0,        // the peer has it
  BOARD_LOST = 1u << 1,          // its latest transmission is believed lost: to be sent again
  BOARD_RETRANSMITTED = 1u << 2, // was sent more than once
  BOARD_APP_LIMITED = 1u << 3,   // left while there was less to send than the window allowed
};
#define BOARD_FATE (BOARD_SACKED | BOARD_LOST | BOARD_RETRANSMITTED)

// Where delivery stood when something was sent: what a rate sample is the difference to.
struct board_mark {
  uint64_t delivered_bytes; // in total
  uint64_t delivered_ns;    // when that total was reached
  uint64_t first_sent_ns;   // when the first of the sample's flight was sent
  uint32_t lost_bytes;      // in total, modulo 2^32
  uint32_t flight_bytes;    // in flight, itself counted
};

struct board_record {
  uint64_t born_ns; // when the first of it was sent last: by this, stretches are in order of time
  uint64_t sent_ns; // when the last of it was sent last: by this, time has gone by
  struct board_mark mark; // at that time, the first of the stretch
  uint32_t end;           // sequence number behind it; it starts where the one before ends
  uint16_t segments;      // SACKed: about how many
  uint8_t bits;           // enum board_bits
};

enum { BOARD_CHUNK_RECORDS = 64, BOARD_CHUNKS = 96, BOARD_CHUNKS_FOR_SACK = 80 };
enum { BOARD_CHUNK_JOIN = 56 }; // records of two neighbours that become one chunk

struct board_chunk {
  uint64_t
      oldest_ns; // nothing in it that is in flight was sent before; ESTAB_NEVER = nothing is in flight
  uint16_t first, count; // at[first] .. at[first + count - 1] are in use
  struct board_record at[BOARD_CHUNK_RECORDS];
};

struct board {
  uint32_t start;            // sequence number where the first stretch starts
  uint32_t sacked_bytes;     // in stretches that the peer has
  uint32_t lost_bytes;       // in stretches believed lost
  uint32_t sacked_segments;  // about how many the first are
  uint32_t lost_hint;        // nothing below this sequence number is lost
  uint64_t tail_born_ns;     // when the first of the last stretch was sent
  uint16_t count;            // chunks in use
  struct board_chunk *spare; // an empty one, kept for the next
  struct board_chunk *chunks[BOARD_CHUNKS];
};

// A place on the board. Valid until the board changes before it.
struct board_at {
  unsigned chunk, record;
};

void board_init(struct board *b, uint32_t start);
void board_begin(struct board *b, uint32_t start);  // anew, on one that board_clear() left
void board_clear(struct board *b, struct mem *mem); // keeps at most one chunk
void board_free(struct board *b, struct mem *mem);

static inline bool board_is_end(const struct board *b, struct board_at at)
{
  return at.chunk >= b->count;
}

static inline struct board_record *board_record(const struct board *b, struct board_at at)
{
  struct board_chunk *c = b->chunks[at.chunk];
  return &c->at[c->first + at.record];
}

static inline struct board_at board_first(void)
{
  return (struct board_at){0, 0};
}

static inline struct board_at board_next(const struct board *b, struct board_at at)
{
  if (++at.record == b->chunks[at.chunk]->count) at = (struct board_at){at.chunk + 1, 0};
  return at;
}

// The last stretch; NULL when nothing is in flight.
static inline struct board_record *board_last(const struct board *b)
{
  if (b->count == 0) return NULL;
  struct board_chunk *c = b->chunks[b->count - 1];
  return &c->at[c->first + c->count - 1];
}

// Where the last stretch ends.
static inline uint32_t board_end(const struct board *b)
{
  const struct board_record *last = board_last(b);
  return last ? last->end : b->start;
}

// Where the stretch at `at` starts.
uint32_t board_start_of(const struct board *b, struct board_at at);

// The stretch that holds seq, which must be on the board; the end when it is not.
struct board_at board_find(const struct board *b, uint32_t seq);

// New octets up to `end` left at now_ns, within grain_ns of the first of the last stretch: they join it. False: they
// need a stretch of their own.
static inline bool board_extend(struct board *b, uint32_t end, uint64_t now_ns, uint64_t grain_ns,
                                uint8_t bits)
{
  struct board_record *last = board_last(b);
  if (!last || last->bits != bits || now_ns - b->tail_born_ns > grain_ns) return false;
  last->end = end;
  last->sent_ns = now_ns;
  return true;
}

// That stretch. False: no memory for it and none to join; the board is unchanged and no longer covers SND.NXT.
bool board_append(struct board *b, struct mem *mem, uint32_t end, uint64_t now_ns, uint8_t bits,
                  const struct board_mark *mark);

// Makes the stretch at `at` end at seq, which must lie inside it; the rest follows it. False: no room or no memory.
// The last chunks are not for what a peer says.
bool board_split(struct board *b, struct mem *mem, struct board_at at, uint32_t seq, bool of_peer);

// Forgets what lies below seq; the stretch that holds seq is cut. Counters follow.
void board_drop_below(struct board *b, struct mem *mem, uint32_t seq);

// Changes of fate; counters follow. `bytes` is the length of the stretch.
void board_set_sacked(struct board *b, struct board_record *r, uint32_t bytes, uint32_t segments);
void board_set_lost(struct board *b, struct board_record *r, uint32_t start);
// What lies at `at` was sent again. Joins the stretch before when that began to leave again within grain_ns.
void board_set_sent_again(struct board *b, struct mem *mem, struct board_at at, uint64_t now_ns,
                          uint64_t grain_ns, const struct board_mark *mark);

// Joins the SACKed stretch at `at` with SACKed neighbours; answers where it is now.
struct board_at board_join_sacked(struct board *b, struct mem *mem, struct board_at at);

// The lowest stretch that is lost; the end when none is. Moves the hint.
struct board_at board_first_lost(struct board *b);

// As if the peer had never sent a SACK block (RFC 2018 8: what it held it may have thrown away).
void board_forget_sacks(struct board *b);
// What is lost and was not yet sent again is in flight after all.
void board_forget_losses(struct board *b);

#endif
