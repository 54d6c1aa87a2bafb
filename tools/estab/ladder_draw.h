// SPDX-License-Identifier: BSD-2-Clause
// ladder_draw.h - one row of a ladder, as text or as JSON.
#ifndef ESTAB_TOOL_LADDER_DRAW_H
#define ESTAB_TOOL_LADDER_DRAW_H

#include "ladder_half.h"

enum ladder_arrow {
  ARROW_WHOLE,   // from one side to the other
  ARROW_LEAVES,  // sent, not there yet
  ARROW_ARRIVES, // sent earlier, there now
  ARROW_LOST,
};

struct ladder_row {
  enum ladder_arrow arrow;
  enum ladder_side from;
  uint64_t at_ns; // since the ladder's start
  struct ladder_segment segment;
  bool again;
  enum estab_state states[2]; // after it
  bool sure[2];               // false: in parentheses
  const char *word;           // in the arrow, "again"; NULL = none
  const char *says;           // what a flag did; NULL = nothing new
};

// Segments that are told in one line.
struct ladder_sum {
  uint64_t segments[2], text_bytes[2], again[2]; // by sender
};

struct ladder_canvas {
  FILE *out;
  void (*take)(void *ctx, const struct ladder_line *line); // instead of `out`
  void *take_ctx;
  unsigned width;
  bool ascii;
  bool live[2];
  const char *name[2], *key[2];
  unsigned number;
  uint64_t segments; // JSON rows written
};

void draw_head(const struct ladder_canvas *c, const char *title, const struct estab_tuple *tuple,
               enum ladder_side side, const enum estab_state states[2]);
// isn[i]: what side i's sequence numbers are relative to.
void draw_row(struct ladder_canvas *c, const struct ladder_row *row, const uint32_t isn[2]);
void draw_row_json(struct ladder_canvas *c, const struct ladder_row *row, const uint32_t isn[2]);
void draw_gathered(const struct ladder_canvas *c, const struct ladder_sum *sum);
void draw_states(const struct ladder_canvas *c, uint64_t at_ns, const enum estab_state states[2]);
void draw_note(const struct ladder_canvas *c, const char *text);

#endif
