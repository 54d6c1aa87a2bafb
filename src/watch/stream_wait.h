// SPDX-License-Identifier: BSD-2-Clause
// stream_wait.h - the octets of a stream that wait above a hole, under a policy for those that came twice.
#ifndef ESTAB_WATCH_STREAM_WAIT_H
#define ESTAB_WATCH_STREAM_WAIT_H

#include "base/mem.h"
#include "watch/policy.h"

struct stream_block {
  uint32_t seq, end;             // of the octets
  uint32_t first_seq, first_end; // of the segment that brought them, for the policy
  uint32_t room;                 // bytes[] as asked for
  uint8_t bytes[];
};

// Blocks by sequence number, never overlapping: at[head] .. at[head + count - 1]. All zero = empty, no memory held.
struct stream_wait {
  struct stream_block **at;
  uint32_t head, count, cap;
  uint32_t held; // octets
};

// What a place takes at most of octets, and who wins where they came twice.
struct stream_rule {
  struct mem *mem;
  uint32_t max_bytes;
  enum estab_watch_policy policy;
};

// So many pieces wait at most; then the first hole is given up.
#define STREAM_WAIT_BLOCKS 4096u

static inline struct stream_block *stream_wait_first(const struct stream_wait *w)
{
  return w->count ? w->at[w->head] : NULL;
}

// Puts [seq, end) to what waits; first_seq, first_end are the whole segment's. What finds no room is lost.
void stream_wait_insert(struct stream_wait *w, const struct stream_rule *rule, uint32_t seq,
                        uint32_t end, const uint8_t *text, uint32_t first_seq, uint32_t first_end);
// The first block, no longer kept: the caller frees it.
struct stream_block *stream_wait_take(struct stream_wait *w);
void stream_block_free(struct stream_block *b, struct mem *mem);
void stream_wait_free(struct stream_wait *w, struct mem *mem);

#endif
