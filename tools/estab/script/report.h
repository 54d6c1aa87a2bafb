// SPDX-License-Identifier: BSD-2-Clause
// report.h - what a run of scripts came to, for people and for programs.
#ifndef ESTAB_SCRIPT_REPORT_H
#define ESTAB_SCRIPT_REPORT_H

#include "run.h"

#include <stdio.h>

enum report_form {
  REPORT_TEXT,
  REPORT_JSON,  // one object a script and IP version, one with the totals
  REPORT_JUNIT, // one XML document
};

struct report_totals {
  unsigned passed, failed, unsupported, errors;
};

struct report {
  enum report_form form;
  FILE *out;
  struct report_totals totals;
};

const char *verdict_name(enum verdict verdict);
// One script over one IP version; run is NULL if the script could not be read. ladder: the picture of a failure, or
// NULL.
void report_script(struct report *report, const struct script *script, const struct run *run,
                   const char *ladder);
// What stands before all scripts (the totals are known then) and behind them.
void report_head(const struct report *report);
void report_foot(const struct report *report);
bool report_ok(const struct report *report);

#endif
