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

#define OPTION_TEXTS 32

// One command line, on its way.
struct parse {
  const struct command_line *line;
  const struct option *texts[OPTION_TEXTS]; // that were given
  unsigned text_count;
  int status; // when it is over
};

// A second text would take the first one's place, and a file that was asked for would not come.
static bool is_again(struct parse *p, const struct option *o)
{
  if (o->kind != OPTION_TEXT && o->kind != OPTION_TO) return false;
  for (unsigned i = 0; i < p->text_count; i++)
    if (p->texts[i] == o) return true;
  if (p->text_count < OPTION_TEXTS) p->texts[p->text_count++] = o;
  return false;
}

// A flag, or a value from behind '=' or from the next word. Answers how many words it used up, 0 = a complaint.
static int take(struct parse *p, const struct option *o, const char *shown, const char *attached,
                char *next)
{
  if (is_again(p, o)) {
    p->status = complain(p->line, shown, NULL, "is given twice");
    return 0;
  }
  if (o->kind == OPTION_FLAG) {
    if (attached) {
      p->status = complain(p->line, shown, NULL, "takes no value");
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
    p->status = complain(p->line, shown, NULL, "needs a value");
    return 0;
  }
  const char *why = option_read(o, value);
  if (why) {
    p->status = complain(p->line, shown, value, why);
    return 0;
  }
  return attached ? 1 : 2;
}

// --name, --name=value, --name value.
static int long_option(struct parse *p, char **words)
{
  const char *name = words[0] + 2, *equals = strchr(name, '=');
  size_t n = equals ? (size_t)(equals - name) : strlen(name);
  if (!equals && strcmp(name, "help") == 0) {
    help(p->line);
    p->status = 0;
    return 0;
  }
  if (!equals && strcmp(name, "version") == 0) {
    printf("estab %s\n", estab_version());
    p->status = 0;
    return 0;
  }
  const struct option *o = find(p->line, name, n, 0);
  char shown[64];
  snprintf(shown, sizeof shown, "%.*s", (int)n + 2, words[0]);
  if (!o) {
    p->status = say_usage(p->line->command, "unknown option %s", shown);
    return 0;
  }
  return take(p, o, shown, equals ? equals + 1 : NULL, words[1]);
}

// -v, -vv, -w5, -w 5, -vw 5.
static int short_options(struct parse *p, char **words)
{
  for (const char *at = words[0] + 1; *at; at++) {
    char shown[3] = {'-', *at, 0};
    const struct option *o = find(p->line, NULL, 0, *at);
    if (!o && *at == 'h') {
      help(p->line);
      p->status = 0;
      return 0;
    }
    if (!o) {
      p->status = say_usage(p->line->command, "unknown option %s", shown);
      return 0;
    }
    if (o->kind != OPTION_FLAG && o->kind != OPTION_TO)
      return take(p, o, shown, at[1] ? at + 1 : NULL, words[1]);
    int used = take(p, o, shown, NULL, NULL);
    if (used == 0) return 0;
  }
  return 1;
}

int options_parse(const struct command_line *line, int argc, char **argv, char ***operands,
                  int *operand_count, int *status)
{
  struct parse p = {.line = line};
  int kept = 0, i = 1;
  while (i < argc) {
    int used = 1;
    if (strcmp(argv[i], "--") == 0) {
      for (i++; i < argc; i++)
        argv[1 + kept++] = argv[i];
      break;
    }
    if (argv[i][0] == '-' && argv[i][1] == '-')
      used = long_option(&p, argv + i);
    else if (argv[i][0] == '-' && argv[i][1])
      used = short_options(&p, argv + i);
    else
      argv[1 + kept++] = argv[i];
    if (used == 0) {
      *status = p.status;
      return 1;
    }
    i += used;
  }
  *operands = argv + 1;
  *operand_count = kept;
  return 0;
}
