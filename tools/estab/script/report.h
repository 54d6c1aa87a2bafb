// SPDX-License-Identifier: BSD-2-Clause
// report.h - what a run of scripts came to, for people and for programs.
#ifndef ESTAB_SCRIPT_REPORT_H
#define ESTAB_SCRIPT_REPORT_H

#include "run.h"

struct report {
  bool json;
  unsigned passed, failed, unsupported, errors;
};

const char *verdict_name(enum verdict verdict);
// One script over one IP version; script->error set: it could not be read, run may be NULL.
void report_script(struct report *report, const struct script *script, const struct run *run);
void report_totals(const struct report *report);

#endif
