// SPDX-License-Identifier: BSD-2-Clause
// options.c - command lines as tables.
#include "options.h"
#include "say.h"

#include "estab/estab.h"

#include <stdio.h>
#include <string.h>

static bool is_end(const struct option *o)
{
  return !o->name && !o->letter && o->kind == OPTION_HEADING && !o->help;
}

static const struct option *find(const struct command_line *line, const char *name, size_t n,
                                 char letter)
{
  for (const struct option *const *t = line->tables; *t; t++)
    for (const struct option *o = *t; !is_end(o); o++) {
      if (o->kind == OPTION_HEADING) continue;
      if (letter ? o->letter == letter
                 : o->name && strlen(o->name) == n && !memcmp(o->name, name, n))
        return o;
    }
  return NULL;
}

static void help(const struct command_line *line)
{
  printf("usage: estab %s %s\n%s\n\nOptions:\n", line->command, line->operands, line->about);
  printf("  %-26s %s\n  %-26s %s\n", "   --help", "this text", "   --version", "the version");
  for (const struct option *const *t = line->tables; *t; t++)
    for (const struct option *o = *t; !is_end(o); o++) {
      char left[64];
      if (o->kind == OPTION_HEADING) {
        printf("\n%s\n", o->help);
        continue;
      }
      int n = o->letter ? snprintf(left, sizeof left, "-%c", o->letter)
                        : snprintf(left, sizeof left, "   ");
      if (o->name)
        n += snprintf(left + n, sizeof left - (size_t)n, "%s--%s", o->letter ? "," : "", o->name);
      if (o->argument)
        snprintf(left + n, sizeof left - (size_t)n, o->kind == OPTION_TO ? "[=%s]" : " %s",
                 o->argument);
      printf("  %-26s %s\n", left, o->help);
    }
  if (line->notes) printf("\n%s\n", line->notes);
}

static int complain(const struct command_line *line, const char *shown, const char *value,
                    const char *why)
{
  if (value) return say_usage(line->command, "%s %s: %s", shown, value, why);
  return say_usage(line->command, "%s: %s", shown, why);
}

// A flag, or a value from behind '=' or from the next word. Answers how many words it used up, 0 = a complaint.
static int take(const struct command_line *line, const struct option *o, const char *shown,
                const char *attached, char *next, int *status)
{
  if (o->kind == OPTION_FLAG) {
    if (attached) {
      *status = complain(line, shown, NULL, "takes no value");
      return 0;
    }
    *(bool *)o->value = true;
    return 1;
  }
  if (o->kind == OPTION_TO && !attached) {
    *(const char **)o->value = "-";
    return 1;
  }
  const char *value = attached ? attached : next;
  if (!value) {
    *status = complain(line, shown, NULL, "needs a value");
    return 0;
  }
  const char *why = option_read(o, value);
  if (why) {
    *status = complain(line, shown, value, why);
    return 0;
  }
  return attached ? 1 : 2;
}

// --name, --name=value, --name value.
static int long_option(const struct command_line *line, char **words, int *status)
{
  const char *name = words[0] + 2, *equals = strchr(name, '=');
  size_t n = equals ? (size_t)(equals - name) : strlen(name);
  if (!equals && strcmp(name, "help") == 0) {
    help(line);
    *status = 0;
    return 0;
  }
  if (!equals && strcmp(name, "version") == 0) {
    printf("estab %s\n", estab_version());
    *status = 0;
    return 0;
  }
  const struct option *o = find(line, name, n, 0);
  char shown[64];
  snprintf(shown, sizeof shown, "%.*s", (int)n + 2, words[0]);
  if (!o) {
    *status = say_usage(line->command, "unknown option %s", shown);
    return 0;
  }
  return take(line, o, shown, equals ? equals + 1 : NULL, words[1], status);
}

// -v, -vv, -w5, -w 5, -vw 5.
static int short_options(const struct command_line *line, char **words, int *status)
{
  for (const char *p = words[0] + 1; *p; p++) {
    char shown[3] = {'-', *p, 0};
    const struct option *o = find(line, NULL, 0, *p);
    if (!o && *p == 'h') {
      help(line);
      *status = 0;
      return 0;
    }
    if (!o) {
      *status = say_usage(line->command, "unknown option %s", shown);
      return 0;
    }
    if (o->kind != OPTION_FLAG && o->kind != OPTION_TO)
      return take(line, o, shown, p[1] ? p + 1 : NULL, words[1], status);
    int used = take(line, o, shown, NULL, NULL, status);
    if (used == 0) return 0;
  }
  return 1;
}

int options_parse(const struct command_line *line, int argc, char **argv, char ***operands,
                  int *operand_count, int *status)
{
  int kept = 0, i = 1;
  while (i < argc) {
    int used = 1;
    if (strcmp(argv[i], "--") == 0) {
      for (i++; i < argc; i++)
        argv[1 + kept++] = argv[i];
      break;
    }
    if (argv[i][0] == '-' && argv[i][1] == '-')
      used = long_option(line, argv + i, status);
    else if (argv[i][0] == '-' && argv[i][1])
      used = short_options(line, argv + i, status);
    else
      argv[1 + kept++] = argv[i];
    if (used == 0) return 1;
    i += used;
  }
  *operands = argv + 1;
  *operand_count = kept;
  return 0;
}
