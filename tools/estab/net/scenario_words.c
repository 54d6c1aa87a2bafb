// SPDX-License-Identifier: BSD-2-Clause
// scenario_words.c - the lines of a scenario as words.
#include "scenario_words.h"

#include <string.h>

int scenario_words_next(struct scenario_words *w, FILE *file)
{
  while (fgets(w->text, sizeof w->text, file) != NULL) {
    w->line++;
    w->count = 0;
    w->end_column = (unsigned)strcspn(w->text, "\n") + 1;
    if (strchr(w->text, '\n') == NULL && strlen(w->text) == sizeof w->text - 1) {
      w->error->line = w->line;
      w->error->column = w->end_column;
      snprintf(w->error->text, sizeof w->error->text, "the line is longer than %d",
               SCENARIO_LINE_BYTES - 2);
      return -1;
    }
    char *p = w->text;
    p[strcspn(p, "#\n\r")] = '\0';
    while (*(p += strspn(p, " \t")) != '\0') {
      if (w->count == SCENARIO_WORDS) {
        w->error->line = w->line;
        w->error->column = (unsigned)(p - w->text) + 1;
        snprintf(w->error->text, sizeof w->error->text, "more than %d words", SCENARIO_WORDS);
        return -1;
      }
      w->column[w->count] = (unsigned)(p - w->text) + 1;
      w->word[w->count++] = p;
      p += strcspn(p, " \t");
      if (*p != '\0') *p++ = '\0';
    }
    if (w->count > 0) return 1;
  }
  return 0;
}
