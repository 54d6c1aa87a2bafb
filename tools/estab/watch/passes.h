// SPDX-License-Identifier: BSD-2-Clause
// passes.h - the packets of a run, more than once: files are read again, what cannot be is kept up to a bound.
#ifndef ESTAB_TOOL_WATCH_PASSES_H
#define ESTAB_TOOL_WATCH_PASSES_H

#include "run.h"

#define PASSES_KEPT_BYTES (UINT64_C(256) << 20) // of standard input and pipes

struct passes_packet {
  uint64_t ts_ns;
  uint32_t interface, linktype, captured_bytes, wire_bytes;
  size_t at; // of its bytes among the kept ones
};

struct passes {
  const struct watch_run *run;
  struct filter *filter;
  unsigned count; // passes made
  bool keeps;     // an input that cannot be read twice is among them
  bool lost;      // more came than is kept
  struct passes_packet *packets;
  uint8_t *bytes;
  size_t packet_count, packet_room, byte_count, byte_room;
  bool failed; // an error was told
};

// Whom to give every record; its pointers live until it returns.
typedef void passes_record(void *ctx, const struct estab_watch_record *record);

// 0, or the exit status after a complaint.
int passes_open(struct passes *p, const struct watch_run *run);
// All packets through an observer with these settings (mem and secret are filled in), to its end. What cannot be read
// is told on stderr in the first pass. 0, or the exit status after a complaint.
int passes_make(struct passes *p, const struct estab_watch_settings *settings,
                passes_record *record, void *ctx);
void passes_close(struct passes *p);

#endif
