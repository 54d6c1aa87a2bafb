// SPDX-License-Identifier: BSD-2-Clause
// look.h - one connection of a capture, found by its row's number, its uid or its two ends, with all its segments.
#ifndef ESTAB_TOOL_WATCH_LOOK_H
#define ESTAB_TOOL_WATCH_LOOK_H

#include "estab/wire.h"
#include "passes.h"

#define LOOK_SEGMENTS (1u << 20) // of one connection; the rest is only counted

struct look_segment {
  uint64_t ts_ns, packet;
  uint32_t seq, ack, window_bytes, text_bytes;
  uint32_t marks; // 1 << enum estab_watch_mark
  uint16_t flags;
  uint8_t from;     // enum estab_watch_side
  uint8_t state[2]; // enum estab_state after it, by side
  bool sure[2];     // false: inferred
  struct estab_tcp_options options;
};

struct look {
  struct estab_watch_conn conn; // as its last row says; steps are not kept
  char conn_state[16], history[256];
  struct look_segment *segments;
  size_t count, room;
  uint64_t left_out; // segments beyond LOOK_SEGMENTS
  bool damaged;      // an input could not be read to its end; it was told
  uint64_t others;   // more connections that CONN fits
};

// `what` is CONN of the command line. 0, or the exit status after a complaint.
int look_find(struct look *l, const struct watch_run *run, const char *what);
void look_free(struct look *l);

struct ladder_line;
// The sequence diagram on a file. false: no memory.
bool look_ladder(const struct look *l, FILE *out);
// The same, line by line. false: no memory.
bool look_lines(const struct look *l, void (*take)(void *ctx, const struct ladder_line *line),
                void *ctx);
// The time-sequence graph, and below it the sequence diagram. 0, or -1 and *why.
int look_picture(const struct look *l, const char *path, const char **why);

#endif
