// SPDX-License-Identifier: BSD-2-Clause
// recall.h - text of all connections that passed lately, to tell a repetition from a forgery: one ring for all.
#ifndef ESTAB_WATCH_RECALL_H
#define ESTAB_WATCH_RECALL_H

#include "base/mem.h"
#include "watch/rare.h"

#define RECALL_BUCKETS  4096u
#define RECALL_STEPS    32u   // older segments of a bucket that are looked at, at most
#define RECALL_TEXT     1500u // octets of a segment that are kept
#define RECALL_TEXT_MIN 2u    // a single one may be a probe: any octet

struct recall {
  uint8_t *ring;  // NULL: no memory, nothing is remembered
  uint32_t size;  // a power of two
  uint32_t most;  // RECALL_TEXT: compilers that know it copy by slow string instructions
  uint64_t head;  // bytes ever written
  uint64_t asked; // memory was asked for up to there
  uint64_t last[RECALL_BUCKETS]; // where the newest entry of a bucket begins, + 1
};

struct recall_difference {
  const uint8_t *old; // its octets from the first other one on, until the next recall_add()
  uint32_t at;        // of the first other octet in the new text
  uint32_t length;    // octets that overlap from there
  uint32_t differ;    // of which so many are others
  uint32_t old_seq, old_bytes; // of the whole old segment
  uint8_t old_ttl;
};

static inline uint32_t recall_bucket(uint64_t who)
{
  return (uint32_t)((who * UINT64_C(0x9e3779b97f4a7c15)) >> 52) & (RECALL_BUCKETS - 1);
}

// Takes about bytes; refused memory: it remembers nothing.
void recall_init(struct recall *r, struct mem *mem, uint32_t bytes);
void recall_destroy(struct recall *r, struct mem *mem);
// A recall_add() of `who` comes soon: what it looks at first is asked of memory.
static inline __attribute__((always_inline)) void recall_expect(const struct recall *r,
                                                                uint64_t who)
{
  __builtin_prefetch(&r->last[recall_bucket(who)], 1);
}
// `who` names one side of one connection. Answers the place for recall_has(), 0 = none. It means something until 32 GiB
// more have come. `ttl` is the hop count it came with.
uint32_t recall_add(struct recall *r, uint64_t who, uint32_t seq, const uint8_t *text,
                    uint32_t count, uint8_t ttl);
// Whether the text at that place is still there, and this one.
WATCH_RARE bool recall_has(const struct recall *r, uint32_t place, const uint8_t *text,
                           uint32_t count);
// Whether text of `who` at seq says anything else than what was there before.
WATCH_RARE bool recall_differs(const struct recall *r, uint64_t who, uint32_t seq,
                               const uint8_t *text, uint32_t count, struct recall_difference *out);

#endif
