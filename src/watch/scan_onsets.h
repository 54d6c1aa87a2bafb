// SPDX-License-Identifier: BSD-2-Clause
// scan_onsets.h - victims in the first second of what may become a flood: hardly any gets a second one.
//
// A ring in the order of time, and chains through it by a hash. Nothing is taken out of a chain: what is no longer in
// the ring is known by its number. Nobody asks for what is a second old, so the ring grows only while what it would
// overwrite is younger. When it may not grow, who was asked for since he had the last place gets it again: whoever
// comes again and again stays, however many come once.
#ifndef ESTAB_WATCH_SCAN_ONSETS_H
#define ESTAB_WATCH_SCAN_ONSETS_H

#include "base/mem.h"
#include "base/pairs.h"
#include "estab/watch.h"

struct scan_onset {
  struct estab_ip ip;
  uint64_t ts_ns, packet; // of the first segment, ts_ns: when it was told
  uint64_t sent_ns;       // when it came; whoever finds count 0 says so
  uint32_t weight, count, completed;
  uint16_t port;
  uint8_t kind;    // of the flood; ESTAB_WATCH_KINDS: nobody's any more
  bool touched;    // since it had the last place
  uint32_t before; // number of the one before it in its chain
};

struct scan_onsets {
  struct mem *mem;
  const struct pairs_key *key;
  struct scan_onset *ring; // number n at n % room
  uint32_t *heads;         // of the chains: the number of the newest
  uint32_t room, max;      // powers of two, room 0 at first
  uint32_t held, next;     // in the ring; the number of the next one
  uint64_t newest_ns;
};

// No memory yet. The key must live longer. `max`: a power of two.
void scan_onsets_init(struct scan_onsets *s, struct mem *mem, const struct pairs_key *key,
                      uint32_t max);
void scan_onsets_destroy(struct scan_onsets *s);

// That of a victim, if it began in the second before now_ns; NULL.
struct scan_onset *scan_onsets_find(const struct scan_onsets *s, const struct estab_ip *ip,
                                    uint16_t port, uint8_t kind, uint64_t now_ns);

// The same, or a new one that begins with this packet and has count 0. Times must not go back. NULL: no memory. It
// stands still until the next call.
struct scan_onset *scan_onsets_get(struct scan_onsets *s, const struct estab_ip *ip, uint16_t port,
                                   uint8_t kind, uint64_t now_ns, uint64_t packet);

#endif
