// SPDX-License-Identifier: BSD-2-Clause
// write.h - a stack's trace events as a qlog: the main schema's sequential JSON, names in docs/qlog.schema.json.
#ifndef ESTAB_QLOG_WRITE_H
#define ESTAB_QLOG_WRITE_H

#include "estab/trace.h"

struct qlog;

enum qlog_clock {
  QLOG_CLOCK_MONOTONIC, // of this machine: the header says what the wall clock was
  QLOG_CLOCK_VIRTUAL,   // of a simulation: nothing in the file depends on when it was made
};

// Begins FILE, "-" is stdout. title and vantage: text for the header; times in the file count from start_ns. NULL after
// a complaint in the name of `command`.
struct qlog *qlog_open(const char *command, const char *path, const char *title,
                       const char *vantage, enum qlog_clock clock, uint64_t start_ns);
// What goes into estab_settings.trace.
struct estab_trace_hook qlog_hook(struct qlog *q);
void qlog_event(void *ctx, const struct estab_trace *event);
// Ends the file and frees q; NULL is nothing. 0, or the exit status after a complaint.
int qlog_close(const char *command, struct qlog *q);

#endif
