// SPDX-License-Identifier: BSD-2-Clause
// attack.h - tests by rows of docs/attacks.md: each row a sweep of named cases, counted and reported by its id.
#ifndef ESTAB_SUPPORT_ATTACK_H
#define ESTAB_SUPPORT_ATTACK_H

#include "support/kit.h"

#include <stdarg.h>

#define ATTACK_SHOWN 5 // failures of a row that are printed whole

struct attack_run {
  unsigned passed, failed, skipped;
  bool verbose; // -v: every case by name
};

struct attack {
  const char *id;   // the row
  const char *what; // what comes, in a few words
  void (*run)(struct attack_run *r);
};

// One case; log: what led to it, or NULL. Answers ok.
__attribute__((format(printf, 4, 5))) static inline bool attack_case(struct attack_run *r, bool ok,
                                                                     const char *log,
                                                                     const char *format, ...)
{
  if (ok)
    r->passed++;
  else
    r->failed++;
  if (!r->verbose && (ok || r->failed > ATTACK_SHOWN)) return ok;
  va_list args;
  va_start(args, format);
  if (!ok && log) fputs(log, stdout);
  printf("  %s: ", ok ? "ok" : "FAILED");
  vprintf(format, args);
  putchar('\n');
  va_end(args);
  return ok;
}

static inline void attack_skip(struct attack_run *r, const char *why)
{
  r->skipped++;
  printf("  skipped: %s\n", why);
}

// PROGRAM [-v] [ID...]: all rows, or these.
static inline int attack_main(int argc, char **argv, const struct attack *rows, unsigned count)
{
  bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
  int first = verbose ? 2 : 1;
  struct attack_run all = {0};
  for (unsigned i = 0; i < count; i++) {
    bool wanted = argc <= first;
    for (int a = first; a < argc; a++)
      wanted = wanted || strcmp(argv[a], rows[i].id) == 0;
    if (!wanted) continue;
    struct attack_run r = {.verbose = verbose};
    rows[i].run(&r);
    if (r.passed + r.failed + r.skipped == 0) r.failed++; // a row without a case proves nothing
    printf("%-4s %6u passed, %u failed, %u skipped  %s\n", rows[i].id, r.passed, r.failed,
           r.skipped, rows[i].what);
    fflush(stdout);
    all.passed += r.passed;
    all.failed += r.failed;
    all.skipped += r.skipped;
  }
  printf("%u passed, %u failed, %u skipped\n", all.passed, all.failed, all.skipped);
  fflush(stdout);
  return all.failed > 0 || all.passed == 0;
}

#endif
