// SPDX-License-Identifier: BSD-2-Clause
// play.h - script files from the command line: each over its IP versions, in one process or several.
#ifndef ESTAB_SCRIPT_PLAY_H
#define ESTAB_SCRIPT_PLAY_H

#include "report.h"

struct play {
  struct run_options options;
  bool oom;      // each allocation fails in turn
  unsigned jobs; // processes, at least 1
};

// Plays all files and writes the report of them in their order, whatever the number of jobs. 0, or -1 when a
// process could not be had.
int play_files(const struct play *play, char **files, int count, struct report *report);

#endif
