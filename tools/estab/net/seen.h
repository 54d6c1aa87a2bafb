// SPDX-License-Identifier: BSD-2-Clause
// seen.h - which octets of a sequence space have come by: to tell a retransmission that was needed from one that was
// not.
#ifndef ESTAB_NET_SEEN_H
#define ESTAB_NET_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#define SEEN_RANGES 4096 // above the contiguous part; beyond it the oldest hole counts as filled

struct seen {
  bool known;
  uint32_t next; // all before it has come
  unsigned count;
  struct seen_range {
    uint32_t first, end;
  } * ranges; // sorted, apart, above next
};

// Forgets everything: a new connection's first octet is `first`.
void seen_start(struct seen *seen, uint32_t first);
void seen_end(struct seen *seen);
// true: all of [seq, seq + count) had come before.
bool seen_add(struct seen *seen, uint32_t seq, uint32_t count);

#endif
