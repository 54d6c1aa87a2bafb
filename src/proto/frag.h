// SPDX-License-Identifier: BSD-2-Clause
// frag.h - fragments of IP datagrams put together again, with caps; for the endpoint and for observers.
#ifndef ESTAB_PROTO_FRAG_H
#define ESTAB_PROTO_FRAG_H

#include "base/mem.h"

// What to do when fragments overlap with other bounds or other bytes. An exact repetition is always
// taken for what it is.
enum frag_overlap {
  FRAG_OVERLAP_DROP, // the whole datagram goes, later fragments of it too: RFC 8200 4.5, RFC 5722 4
  FRAG_OVERLAP_FIRST, // for observers: bytes that came first stay
  FRAG_OVERLAP_LAST,  // for observers: bytes that came last win
};

struct frag_settings {
  uint64_t timeout4_ns, timeout6_ns; // 30 s and 60 s: RFC 1122 3.3.2 (departs), RFC 8200 4.5
  uint32_t max_bytes;                // of everything kept here, at its real size
  uint16_t max_per_source;           // datagrams in the making of one source (of one hash bucket)
  uint8_t overlap;                   // enum frag_overlap
};

// 4 MiB, 64 datagrams a source, 30 s and 60 s, FRAG_OVERLAP_DROP: ATTACKS row R5.
void frag_settings_default(struct frag_settings *settings);

// RFC 791 3.2, RFC 8200 4.5: what fragments of one datagram have in common.
struct frag_key {
  struct estab_ip src, dst;
  uint32_t id;
  uint32_t netif;
  uint8_t version;  // 4 or 6
  uint8_t protocol; // IPv4; 0 in IPv6, where only the first fragment's counts
};

struct frag_piece {
  struct frag_key key;
  const uint8_t *bytes;  // of the fragmentable part
  size_t count;          // bytes
  uint32_t offset;       // bytes, a multiple of 8
  bool more;             // another one follows
  const uint8_t *header; // all before `bytes` (IPv6: without the fragment header), kept of offset 0
  size_t header_bytes;   // at most FRAG_HEADER_BYTES are kept
  uint8_t protocol;      // IPv6: what the fragmentable part starts with
  uint8_t ecn;           // enum estab_ecn
  uint32_t frame_bytes;  // for observers: what it came in
};

#define FRAG_HEADER_BYTES  60    // an IPv4 header with options; of IPv6, the fixed header
#define FRAG_PAYLOAD_BYTES 65535 // no datagram is longer than this with its header
#define FRAG_PIECES        128   // in one datagram: enough for 64 KiB through an MTU of 576

// A datagram, whole or timed out. `header` stands right before `payload`. Lives until the next call is over: a piece
// may lie in it.
struct frag_datagram {
  struct frag_key key;
  uint8_t *header; // of the first fragment as it came, the owner may rewrite it; NULL: missing
  size_t header_bytes;
  const uint8_t *payload;
  size_t payload_bytes; // timed out: of the first fragment
  uint32_t frame_bytes; // of every fragment
  uint8_t protocol;     // of the first fragment
  uint8_t ecn_seen;     // bit 1 << enum estab_ecn of every fragment
  bool overlapped;      // FRAG_OVERLAP_FIRST and _LAST: there was an ambiguity
};

struct frag_entry;

struct frag {
  struct mem *mem;
  struct frag_settings settings;
  uint64_t key[2];             // of the hash that spreads sources over buckets
  struct frag_bucket *buckets; // FRAG_BUCKETS, or NULL before the first fragment
  struct frag_entry *oldest4, *newest4, *oldest6, *newest6; // in order of arrival = of expiry
  uint64_t evicted;                                         // datagrams that made room for others
  uint32_t bytes;                                           // kept now
  uint32_t datagrams;                                       // in the making, poisoned ones included
  uint8_t *whole;                                           // the last frag_datagram's bytes
  size_t whole_bytes;
};

// Takes no memory yet. settings is copied.
void frag_init(struct frag *f, struct mem *mem, const struct frag_settings *settings,
               const uint64_t key[2]);
void frag_destroy(struct frag *f);
// Gives back everything, datagrams in the making too: first to go when memory is short (ATTACKS R14).
void frag_trim(struct frag *f);
// The oldest datagram in the making alone. False: there was none, and nothing is kept any more.
bool frag_shed(struct frag *f);

// Takes one fragment. 0: *out is a whole datagram. -ESTAB_DROP_FRAG_WAITING: kept, more is to come.
// Any other drop: FRAG_BOUNDS (the datagram goes), FRAG_OVERLAP, FRAG_ECN, FRAG_CAP (also: no memory).
int frag_input(struct frag *f, const struct frag_piece *piece, uint64_t now_ns,
               struct frag_datagram *out);

// When the oldest datagram times out, or ESTAB_NEVER.
// The datagram got a fragment that cannot be: nothing of it is kept.
void frag_forget(struct frag *f, const struct frag_key *key);
uint64_t frag_deadline(const struct frag *f);
// One datagram that has timed out by now: 1 and *out (header NULL when there is nothing to quote), to be
// called again; 0 when there is none.
int frag_expire(struct frag *f, uint64_t now_ns, struct frag_datagram *out);

#endif
