// SPDX-License-Identifier: BSD-2-Clause
// ladder.h - the picture of one connection, two columns of states, arrows between.
//
//   ladder_new -> ladder_event for every event of the live side or sides -> ladder_end -> ladder_free
//   ladder_new -> ladder_seen for every segment that an observer judged    -> ladder_end -> ladder_free
//
// A live side is a stack whose trace events are handed in; the other side's states are inferred from
// the segments and shown in parentheses. With two live sides a segment is one arrow if its arrival is
// the next thing that happens, else two: from its sender into the distance, and later out of it.
// The first tuple seen is the one that is followed; events of others are passed over.
#ifndef ESTAB_TOOL_LADDER_H
#define ESTAB_TOOL_LADDER_H

#include "estab/trace.h"

#include <stdio.h>

enum ladder_side { LADDER_LEFT, LADDER_RIGHT };

#define LADDER_STATES_MAX 32

// A line of the picture, for who draws it in another way than as text.
struct ladder_line {
  bool arrow; // a segment: all of this; else words across, or states alone
  enum ladder_side from;
  uint64_t at_ns;       // since the ladder's start
  const char *text;     // the segment's label, or the words; NULL = none
  const char *state[2]; // after it, an inferred one in parentheses; NULL = none
};

struct ladder_settings {
  const char *title;   // NULL = none
  const char *name[2]; // "kernel (curl)", "estab"
  const char *key[2];  // the same in JSON: "kernel", "estab"; NULL = the name
  bool live[2];        // at least one, or none with ladder_seen()
  enum estab_state
      at[2]; // where each side starts; an inferred one that listens must be told to be LISTEN
  uint64_t time_wait_ns[2]; // a live side's 2 x MSL, for the time that remains; 0 = not known
  FILE *out;                // NULL = draw nothing, unless `take` does
  void (*take)(void *ctx,
               const struct ladder_line *line); // instead of `out`; the line lasts for the call
  void *take_ctx;
  unsigned width;  // columns, 0 = of the terminal, else 100
  bool ascii;      // no arrows beyond ASCII
  bool full;       // every segment; else runs of data and acknowledgments are gathered
  bool explain;    // one line each says what a flag did
  bool json;       // one object a segment instead of a picture
  unsigned number; // of the connection, for JSON
};

struct ladder;

// NULL without memory.
struct ladder *ladder_new(const struct ladder_settings *settings);
// `side` is the live one whose stack said it.
void ladder_event(struct ladder *l, enum ladder_side side, const struct estab_trace *event);
// With two live sides: the segment that `from` sent last was lost on the way.
void ladder_lost(struct ladder *l, enum ladder_side from);

struct ladder_segment {
  uint16_t flags;
  uint32_t seq, ack, window; // window in bytes, scaled
  uint32_t text_bytes;
  uint16_t segments;
  struct estab_tcp_options options;
};

// A segment between two sides of which neither is live: what an observer made of it.
struct ladder_seen {
  uint64_t at_ns;
  enum ladder_side from;
  struct ladder_segment segment;
  enum estab_state states[2]; // after it, by side
  bool sure[2];               // false: inferred
  bool again;
  bool fold;        // leave it to the sum, whatever it is
  const char *word; // in the arrow, "again"; NULL = none
  const char *says; // in a line below; NULL = what its flags say
};
// `tuple` as the left side sees it. `says` and `word` live until ladder_end().
void ladder_seen(struct ladder *l, const struct estab_tuple *tuple, const struct ladder_seen *seen);

// A line of text across, "ss: ESTAB, as inferred". What came before is drawn first.
void ladder_note(struct ladder *l, uint64_t now_ns, const char *text);
// Draws what is still held back, and at the end the states both sides are in.
void ladder_end(struct ladder *l, uint64_t now_ns);
void ladder_free(struct ladder *l);

enum estab_state ladder_state(const struct ladder *l, enum ladder_side side);
// The states a side went through, in order; answers how many.
unsigned ladder_states(const struct ladder *l, enum ladder_side side,
                       enum estab_state states[LADDER_STATES_MAX]);
// The tuple that is followed, as the live side sees it (LADDER_RIGHT's if both are); NULL before the first event.
const struct estab_tuple *ladder_tuple(const struct ladder *l);
// Everything either side sent has been acknowledged by what the other sent: inferred states are certain.
bool ladder_settled(const struct ladder *l);

struct ladder_totals {
  uint64_t segments[2];   // sent by each side
  uint64_t text_bytes[2]; // sent for the first time
  uint64_t again[2];      // segments with octets that were sent before
};
void ladder_totals(const struct ladder *l, struct ladder_totals *totals);

#endif
