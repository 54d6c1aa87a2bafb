// SPDX-License-Identifier: BSD-2-Clause
// passes.h - two runs over the same packets: files are read again, what cannot be is kept up to a bound.
#ifndef ESTAB_TOOL_WATCH_PASSES_H
#define ESTAB_TOOL_WATCH_PASSES_H

#include "run.h"

#define PASSES_KEPT_BYTES (UINT64_C(256) << 20) // of standard input and pipes

struct passes {
  struct watch_run run;
  unsigned count; // passes made
  int kept; // a file in memory: of inputs of which one cannot be read twice; -1 = there is none
  struct watch_end end; // of the first pass
};

// 0, or the exit status after a complaint.
int passes_open(struct passes *p, const struct watch_run *run);
// All packets through an observer, or those up to Ctrl-C, to its end; the second pass has those that the first one
// had, and with `segments` single segments as well. What cannot be read is told on stderr in the first one. 0, or the
// exit status after a complaint.
int passes_make(struct passes *p, bool segments, outputs_taker *take, void *ctx);
void passes_close(struct passes *p);

#endif
