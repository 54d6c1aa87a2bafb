// SPDX-License-Identifier: BSD-2-Clause
// watching.h - what a run over files and a run on interfaces share.
#ifndef ESTAB_TOOL_WATCH_WATCHING_H
#define ESTAB_TOOL_WATCH_WATCHING_H

#include <signal.h>

#include "filter.h"
#include "input.h"
#include "memory.h"
#include "outputs.h"
#include "run.h"

#define WATCHING_FLUSH_NS UINT64_C(1000000000) // no row waits longer in a buffer

struct watching {
  const struct watch_run *run;
  struct memory memory; // of the observer
  estab_watch *watch;
  struct outputs outputs;
  struct input input;
  struct filter *filter; // of files; on interfaces the kernel has it
  uint8_t secret[16];    // of the observer
  uint64_t read;         // packets, of files
  uint64_t packets;      // of them those that the observer has seen: what `packet` counts
  uint64_t most;         // to be read
  int interrupts;        // before it began
  bool failed;           // an error was told
  bool warned;           // of checksums left to the device
  double begun_s, told_s;
  uint64_t flushed_ns; // when rows that waited were given out
};

extern volatile sig_atomic_t watching_interrupted; // Ctrl-C or SIGTERM

// After a SIGHUP that does not end the run: files are begun anew.
void watching_turn(struct watching *w);
// Once, if there is something to warn of.
void watching_warn(struct watching *w, const struct estab_watch_stats *stats);
// Time goes on to then, stopping wherever it brings something: so the same comes out, whoever moves it.
void watching_until(struct watching *w, uint64_t ns);
void watching_packet(struct watching *w, const struct estab_capture_packet *p);
// ESTAB_CAPTURE_NOTE: packets were lost, or the capture went on until then.
void watching_note(struct watching *w, const struct estab_capture_packet *note);

#endif
