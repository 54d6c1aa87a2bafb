// SPDX-License-Identifier: BSD-2-Clause
// track.h - the tracker: all connections, found by both ends, told in the order of their ends.
#ifndef ESTAB_WATCH_TRACK_H
#define ESTAB_WATCH_TRACK_H

#include "base/mem.h"
#include "base/pairs.h"
#include "watch/decode.h"
#include "watch/flow.h"
#include "watch/observation.h"
#include "watch/recall.h"

// An ambiguity that waits to be told.
struct track_note {
  struct estab_watch_ambiguity ambiguity;
};

#define TRACK_NOTES 32 // of one packet; more are only counted

// Observations go to whoever named himself; NULL: nobody looks for scans.
// Answers what is kept with a life of FIRST.
typedef uint16_t track_observer(void *ctx, const struct observation *o);

struct stream;
struct watch_duplicates;
struct stream_block;

// A cache line of the table (flow_table.h): what a search has to know, so that it looks at no record but the right one.
#define FLOW_LINE 8
struct flow_line {
  uint32_t hash[FLOW_LINE]; // struct flow_key.hash
  uint32_t ref[FLOW_LINE];  // a record, FLOW_NONE behind the last one
};

struct flow_lines {
  struct flow_line *at; // at a cache line; NULL: there are none
  void *memory;         // that lies in
  uint32_t mask;        // how many - 1, a power of two
};

// Refused lives in the order in which their time comes, those of the same time by their first packets.
struct track_refused {
  struct fifo list;
  uint64_t last_ns, last_packet; // the last one's time and first packet
};

struct track {
  struct mem *mem;
  struct estab_watch_settings settings; // pointers in it are not used
  uint64_t sensor_hash;
  struct pairs_key hash_keys[2]; // of IPv4, of IPv6
  struct slab ones, fulls, refusals, closings, troubles;
  struct flow_lines lines, old_lines; // records by hash; the old ones while the table grows
  uint32_t moved, moves;              // so many of the old lines are moved, by so many insertions
  uint32_t flows;                     // in the table
  struct fifo lists[FLOW_CLASSES];
  uint32_t unsaid; // the first of FLOW_ONE_LONG of which silence is not told yet; SLAB_NONE
  struct track_refused
      refused[2]; // those of one segment; [1]: of a FIN, which Zeek's machine forgets earlier
  struct wheel timers;
  uint32_t queue_head, queue_tail; // records that wait to be told: flow_ref
  struct {           // what a flush has still to end, those of one segment and full ones apart
    uint64_t *order; // where the table was: first packets, and the records below
    uint32_t at[2], end[2];
  } left;
  struct track_note notes[TRACK_NOTES];
  unsigned note_count, note_at;
  uint64_t now_ns;
  struct { // whose time probably comes next: it lives as long as its first packet is this one
    const struct flow *record;
    uint64_t packet;
    uint32_t hash;
  } soon;
  uint64_t due_ns;                // nothing ends before
  uint64_t timers_ns;             // the wheel need not be asked before
  uint64_t budget_bytes;          // of records
  uint64_t leaving_bytes;         // of records that are over and wait to be told
  uint64_t loss_ns, loss_from_ns; // the system lost packets between
  struct recall *recall;
  struct watch_duplicates *duplicates; // NULL: nobody looks for copies
  track_observer *observe;
  void *observe_ctx;
  uint64_t observe_due_ns;           // they wait for this time
  uint64_t observed_ns;              // of what they were not told last, since it says nothing
  const struct watch_packet *packet; // the one that is judged, NULL in a timeout
  struct flow_ahead ahead[2];        // what flow_table_expect() saw last, and before
  bool ahead_last;                   // which it saw last
  const struct flow_key *expected;   // of the packet that track_expect() saw last, in `ahead`
  uint32_t expected_ref;             // the first record of its hash
  struct estab_watch_stats *stats;
  uint64_t ambiguity_second; // the second that ambiguity_count counts
  uint32_t ambiguity_count;
  struct {                 // what the last segment made ready of streams
    struct stream *stream; // NULL: nothing
    const uint8_t *text;   // in the frame
    uint32_t count;
    uint8_t end, orig;         // whose text; which end is the originator
    struct stream_block *gone; // given out, to be freed with the next call
    struct estab_watch_uid uid;
  } ready;
  // settings.segments: the last one, until it is pulled
  struct estab_watch_segment told;
  struct estab_tcp_options told_options;
  bool told_waits;
  bool twins; // a key has had several records: track_twin.h
  bool plain; // what is plain goes straight (plain.h); tests turn it off
  // A record of one segment is told from here, with what that keeps aside, where it does: all zero until then.
  struct flow scratch;
  struct flow_closing scratch_closing;
  struct flow_trouble scratch_trouble;
  bool scratch_closes, scratch_troubled;
  // The record given out: steps and history as the door shows them
  struct estab_watch_step steps[2][FLOW_ALL_STEPS];
  char history[FLOW_HISTORY + FLOW_MORE_HISTORY + 1];
};

int track_init(struct track *t, struct mem *mem, const struct estab_watch_settings *settings,
               struct estab_watch_stats *stats);
void track_destroy(struct track *t);

// A TCP segment that track_packet() may get next: memory is asked for its connection meanwhile.
void track_expect(struct track *t, const struct watch_packet *p);
// A TCP segment, checksum judged, that track_expect() saw; an ICMP error that quotes one. ts_ns never runs backward.
void track_packet(struct track *t, const struct watch_packet *p, uint64_t ts_ns, uint64_t number,
                  size_t wire_bytes);
WATCH_RARE void track_icmp(struct track *t, const struct watch_packet *p, uint64_t ts_ns,
                           uint64_t number);
// Time goes on; rows that end by then wait to be told.
void track_advance(struct track *t, uint64_t now_ns);
// Everything ends now; the next rows that are asked for are those of all that was open. Before anything else is told
// to it, track_left_end().
void track_flush(struct track *t);
void track_left_end(struct track *t);
WATCH_RARE void track_loss(struct track *t, uint64_t from_ns, uint64_t until_ns);
// Fragments of a packet contradict each other.
WATCH_RARE void track_fragment_doubt(struct track *t, uint64_t ts_ns, uint64_t number);
// Ambiguities and streams of the last segment, after the rows.
bool track_next_note(struct track *t, struct estab_watch_record *out);
static inline bool track_is_left(const struct track *t)
{
  return t->left.at[0] < t->left.end[0] || t->left.at[1] < t->left.end[1];
}
// Whether a row, an ambiguity, a segment or a stream may wait. After most packets none does.
static inline bool track_waits(const struct track *t)
{
  return t->queue_head != UINT32_MAX || t->note_count > 0 || t->told_waits || t->settings.streams ||
         track_is_left(t);
}
// Rows in the order of their ends.
bool track_next_row_told(struct track *t, struct estab_watch_conn *out);

// A record of either size: its slab's index, bit 31 = full.
#define FLOW_NONE     UINT32_MAX
#define FLOW_REF_FULL UINT32_C(0x80000000)

static inline struct flow_head *track_at(const struct track *t, uint32_t ref)
{
  return ref & FLOW_REF_FULL ? slab_at(&t->fulls, ref & ~FLOW_REF_FULL) : slab_at(&t->ones, ref);
}

// It will be looked at soon.
static FLOW_AHEAD void track_expect_record(const struct track *t, uint32_t ref)
{
  flow_expect(track_at(t, ref),
              ref & FLOW_REF_FULL ? sizeof(struct flow) : sizeof(struct flow_one));
}

// What a full record keeps aside, taken when first needed. NULL: there is no memory for it.
struct flow_closing *track_closing(struct track *t, struct flow *f);
WATCH_RARE struct flow_trouble *track_trouble(struct track *t, struct flow *f);

// The same, NULL: the record has none.
static inline struct flow_closing *track_has_closing(struct track *t, struct flow *f)
{
  if (f == &t->scratch) return t->scratch_closes ? &t->scratch_closing : NULL;
  return f->closing == SLAB_NONE ? NULL : slab_at(&t->closings, f->closing);
}

static inline struct flow_trouble *track_has_trouble(struct track *t, struct flow *f)
{
  if (f == &t->scratch) return t->scratch_troubled ? &t->scratch_trouble : NULL;
  return f->trouble == SLAB_NONE ? NULL : slab_at(&t->troubles, f->trouble);
}

#endif
