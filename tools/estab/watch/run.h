// SPDX-License-Identifier: BSD-2-Clause
// run.h - a run of the observer over files or on interfaces: packets in, records to the outputs.
#ifndef ESTAB_TOOL_WATCH_RUN_H
#define ESTAB_TOOL_WATCH_RUN_H

#include "outputs.h"

// How far a run over files came.
struct watch_end {
  uint64_t read; // packets
  bool failed;   // something could not be read; it was told
};

struct watch_run {
  struct estab_watch_settings settings;
  const char *const *files; // in the order they are read; "-" = standard input
  unsigned file_count;
  bool merge;                    // by time instead
  const char *filter;            // of libpcap; NULL = everything
  const char *const *interfaces; // instead of files
  unsigned interface_count;
  uint64_t snap_bytes;   // of a packet, at most
  uint64_t buffer_bytes; // of the kernel's ring, for each interface
  bool no_promiscuous;
  const char *user;              // to become once they are open; NULL = nobody else
  const struct watch_end *again; // files once more, so far, told already; NULL = the first time
};

// Answers the exit status; *end, if not NULL, is filled in where it began at all.
int watch_run(const struct watch_run *run, const struct outputs_settings *outputs,
              struct watch_end *end);

#endif
