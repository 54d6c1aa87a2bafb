// SPDX-License-Identifier: BSD-2-Clause
// defrag.h - fragments that the observer sees, joined before anything else is said of them.
#ifndef ESTAB_WATCH_DEFRAG_H
#define ESTAB_WATCH_DEFRAG_H

#include "proto/frag.h"
#include "watch/decode.h"

#define WATCH_NESTED 4 // fragments of packets that were themselves put together

struct watch_defrag {
  struct frag frag;
  uint64_t joined; // packets put together
  uint64_t
      overlapped; // fragments refused, or packets joined, in spite of other bytes at the same place
  uint64_t timed_out; // packets that were never whole
  uint64_t cut;       // fragments that the capture has not whole, and so cannot be joined
  uint64_t refused;   // fragments not kept for want of memory, and impossible ones
};

// 4 MiB at most, 30 s (IPv4) and 60 s (IPv6). `overlap`: enum frag_overlap: which bytes count where
// fragments contradict each other; FRAG_OVERLAP_DROP is what today's hosts do. Takes no memory before the first
// fragment.
void watch_defrag_init(struct watch_defrag *d, struct mem *mem, enum frag_overlap overlap,
                       uint32_t max_bytes, const uint64_t key[2]);
void watch_defrag_destroy(struct watch_defrag *d);
// Gives all memory back, what waits included.
void watch_defrag_trim(struct watch_defrag *d);

// What a policy for TCP's text means for fragments. Today's Linux gives the whole packet up. Of BSD's finer rule
// (the fragment that begins earlier wins) and of Windows's: first come, which decides most.
enum frag_overlap watch_defrag_overlap(enum estab_watch_policy policy);

// Takes a packet of WATCH_KIND_FRAGMENT, with an IP checksum that the caller believes. `out` may be `fragment`
// itself; its pointers live until the next call on `d`. Answers
//   ESTAB_DROP_NONE: *out is the whole packet, decoded, of any kind (again a fragment: of a packet in a tunnel);
//   -ESTAB_DROP_FRAG_WAITING: kept;
//   another drop: not kept. IP_SHORT: the capture cut it; FRAG_OVERLAP: all of this packet goes with it.
// *ambiguous: fragments of this packet contradict each other.
int watch_defrag_input(struct watch_defrag *d, const struct watch_packet *fragment, uint64_t ts_ns,
                       struct watch_packet *out, bool *ambiguous);

// Gives up what has waited too long; called with time going on. Answers how many packets.
unsigned watch_defrag_expire(struct watch_defrag *d, uint64_t now_ns);
// When the next one will have, or ESTAB_NEVER.
uint64_t watch_defrag_deadline(const struct watch_defrag *d);

#endif
