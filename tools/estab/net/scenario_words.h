// SPDX-License-Identifier: BSD-2-Clause
// scenario_words.h - the lines of a scenario as words, with their places.
#ifndef ESTAB_NET_SCENARIO_WORDS_H
#define ESTAB_NET_SCENARIO_WORDS_H

#include <stdio.h>

#include "scenario.h"

#define SCENARIO_WORDS      32
#define SCENARIO_LINE_BYTES 1024

struct scenario_words {
  unsigned line;
  unsigned count;
  char *word[SCENARIO_WORDS];
  unsigned column[SCENARIO_WORDS];
  unsigned end_column;
  struct scenario_error *error;
  char text[SCENARIO_LINE_BYTES];
};

// The next line that has words. 1, 0 = the file is over, -1 = the line is too long or has too many.
int scenario_words_next(struct scenario_words *w, FILE *file);

#endif
