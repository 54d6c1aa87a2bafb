// SPDX-License-Identifier: BSD-2-Clause
// run.h - a run of the observer over files: packets in, records to the outputs, progress on a terminal.
#ifndef ESTAB_TOOL_WATCH_RUN_H
#define ESTAB_TOOL_WATCH_RUN_H

#include "outputs.h"

struct watch_run {
  struct estab_watch_settings settings;
  const char *const *files; // in the order they are read; "-" = standard input
  unsigned file_count;
  bool merge;         // by time instead
  const char *filter; // of libpcap; NULL = everything
};

// Answers the exit status.
int watch_run(const struct watch_run *run, const struct outputs_settings *outputs);

#endif
