// SPDX-License-Identifier: BSD-2-Clause
// explain.c - the list of differences that are understood: pattern, who is right, the rule, our words.
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

struct explanation explained[EXPLAINED_MAX];
unsigned explained_count;

static void explanation_wrong(const char *path, unsigned number, const char *what)
{
  fprintf(stderr, "%s:%u: %s\n", path, number, what);
  exit(2);
}

static bool is_verdict(const char *word)
{
  return strcmp(word, "kernel") == 0 || strcmp(word, "open") == 0 || strcmp(word, "estab") == 0;
}

int explanations_read(const char *path)
{
  static char line[2048];
  FILE *file = fopen(path, "r");
  unsigned number = 0;
  if (file == NULL) return -1;
  while (fgets(line, sizeof line, file) != NULL) {
    number++;
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '#' || line[0] == '\0') continue;
    if (explained_count == EXPLAINED_MAX) explanation_wrong(path, number, "too many");
    char *rest = strdup(line);
    struct explanation *e = &explained[explained_count++];
    e->pattern = strsep(&rest, "\t");
    e->verdict = strsep(&rest, "\t");
    e->rule = strsep(&rest, "\t");
    e->words = rest;
    if (e->words == NULL)
      explanation_wrong(path, number, "pattern, verdict, rule and words are needed");
    e->goes_on = strchr(e->verdict, '+') != NULL;
    e->seldom = strchr(e->verdict, '?') != NULL;
    e->verdict[strcspn(e->verdict, "+?")] = '\0';
    if (!is_verdict(e->verdict)) explanation_wrong(path, number, "verdict: kernel, open or estab");
    // A pattern names what each of the two did; one that fits whatever they do explains nothing.
    if (strstr(e->pattern, " | ") == NULL || strstr(e->pattern, "estab *, kernel *") != NULL)
      explanation_wrong(path, number, "the pattern does not say who answered what");
  }
  fclose(file);
  return 0;
}

int explanation_of(const char *name)
{
  for (unsigned i = 0; i < explained_count; i++)
    if (fnmatch(explained[i].pattern, name, FNM_EXTMATCH) == 0) return (int)i;
  return -1;
}
