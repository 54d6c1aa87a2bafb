// SPDX-License-Identifier: BSD-2-Clause
// story.h - what a qlog says of each connection, gathered record by record in bounded room.
#ifndef ESTAB_QLOG_STORY_H
#define ESTAB_QLOG_STORY_H

#include "qlog/read.h"

#define STORY_LIMITS 5
extern const char *const story_limits[STORY_LIMITS];     // in words
extern const char *const story_limit_keys[STORY_LIMITS]; // as the log has them

// Of a time line, while it lasts as long as `slice_ns` of its story.
struct slice {
  bool used; // a record fell into it
  uint64_t acked_bytes, lost_bytes;
  uint32_t again, spurious;          // segments
  uint64_t cwnd_bytes, flight_bytes; // the last of it
  uint64_t srtt_ns;
  uint64_t limited_ns[STORY_LIMITS];
};

struct tally {
  char what[32];
  uint32_t count;
};

struct moment {
  uint64_t at_ns;
  char what[24], why[48];
};

// Sequence numbers of one direction, counted on from its SYN without ever wrapping.
struct span {
  bool known;
  uint32_t base;     // its SYN
  uint64_t end;      // behind the highest number seen
  uint64_t text_end; // behind the highest octet of text
  uint64_t acked;    // up to here
};

enum { STORY_SLICES = 48, STORY_STATES = 16, STORY_TALLIES = 8 };

struct story {
  struct story *next; // in order of their first record
  char *group;
  unsigned number;           // from 1
  bool closed;               // a later SYN begins another one
  uint64_t begin_ns, end_ns; // first and last record
  struct moment states[STORY_STATES];
  unsigned state_count;
  struct span ours, theirs;
  uint64_t sent_bytes, again_bytes; // text
  uint64_t sent_segments, received_segments, again_segments, spurious_segments, dropped;
  struct tally again[STORY_TALLIES], drops[STORY_TALLIES], turns[STORY_TALLIES],
      timers[STORY_TALLIES];
  uint64_t cwnd_bytes, cwnd_most_bytes, ssthresh_bytes, flight_bytes, window_bytes;
  uint64_t srtt_ns, rttvar_ns, min_rtt_ns, pacing_bits_per_s, lost_bytes;
  bool reordering_seen;
  uint64_t limited_ns[STORY_LIMITS];
  uint64_t slice_ns; // length of a slice
  struct slice slices[STORY_SLICES];
};

struct stories {
  struct story *first, *last;
  void *by_group; // tsearch(3): group to its latest story
  unsigned count;
  uint64_t skipped; // records of other schemas, or of no connection
};

// Takes a record. The story it belongs to, NULL = of none; r->why when it is damaged.
struct story *stories_take(struct stories *all, struct qlog_reader *r,
                           const struct qlog_record *record);
void stories_end(struct stories *all);

// Octets of text that the peer has acknowledged, and that we have.
uint64_t story_acked_bytes(const struct story *s);
uint64_t story_received_bytes(const struct story *s);

#endif
