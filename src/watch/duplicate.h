// SPDX-License-Identifier: BSD-2-Clause
// duplicate.h - the same packet seen twice by one tap: a mirror port that copies both sides of a switch.
#ifndef ESTAB_WATCH_DUPLICATE_H
#define ESTAB_WATCH_DUPLICATE_H

#include "base/mem.h"
#include "watch/decode.h"
#include "watch/recall.h"

#define WATCH_DUPLICATE_WINDOW_NS UINT64_C(10000000) // 10 ms
#define WATCH_DUPLICATE_PACKETS   4096               // the last ones that are remembered
#define WATCH_DUPLICATE_COPIES    3                  // of a packet; one more is another packet
#ifndef WATCH_DUPLICATE_RECALL_BYTES                 // fuzzers have small ceilings
#define WATCH_DUPLICATE_RECALL_BYTES (4u << 20)      // of text, or it is hashed
#endif

struct watch_duplicates_table;

struct watch_duplicates {
  struct mem *mem;
  struct watch_duplicates_table *table; // NULL: no memory for it, nothing is recognised
  uint64_t key[2];
  const struct recall *recall; // has the texts of those that came; NULL: whole packets are hashed
  bool key_vlan;               // settings.key_vlan
  uint32_t *text;              // where it has that of the newest, once it has; NULL: hashed
};

// Takes about 100 KiB at the first packet; refused memory is asked for again later.
void watch_duplicates_init(struct watch_duplicates *d, struct mem *mem, const uint64_t key[2]);
void watch_duplicates_destroy(struct watch_duplicates *d);

// Whether the innermost IP packet is, byte for byte, one of the last WATCH_DUPLICATE_PACKETS and within the window.
// Of what is around it, what tells connections apart counts: the tunnel's identifier, unless each way has its own, and
// with `key_vlan` the VLANs. Else a copy may come in another link header, tag or tunnel. Remembers it otherwise.
// Without an IP identification (IPv6, or 0) two segments that carry nothing are alike because the same was said twice,
// so only packets with text, SYN, FIN or RST are judged then. Packets that the capture cut are compared as far as they
// go. With `recall`, what is gone from there counts no more.
bool watch_duplicate_seen(struct watch_duplicates *d, const struct watch_packet *p, uint64_t ts_ns);

// The text of the packet that was judged last is in `recall` at that place.
static inline void watch_duplicate_recalled(struct watch_duplicates *d, uint32_t place)
{
  if (d->text) *d->text = place;
  d->text = NULL;
}

// The packet that was judged last is not remembered: its receiver took it for nothing, so a copy is news.
void watch_duplicate_forget(struct watch_duplicates *d);

#endif
