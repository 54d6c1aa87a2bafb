// SPDX-License-Identifier: BSD-2-Clause
// live.h - a run on interfaces: packets as they come, time when none comes, counters, files that are turned.
#ifndef ESTAB_TOOL_WATCH_LIVE_H
#define ESTAB_TOOL_WATCH_LIVE_H

#include "tap.h"
#include "watching.h"

// Opens the interfaces and gives up what only that needed. 0, or the exit status after a complaint.
int live_open(struct watching *w, struct tap *tap);
// Until Ctrl-C, or the loss of an interface or of a file to write to.
void live_run(struct watching *w, struct tap *tap);

#endif
