// SPDX-License-Identifier: BSD-2-Clause
// knobs.c - the observer's settings by name.
#include "knobs.h"

#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

enum knob_kind { KNOB_COUNT, KNOB_BYTES, KNOB_TIME };

#define THRESHOLD(field) offsetof(struct estab_watch_settings, thresholds.field)

static const struct knob {
  const char *name;
  enum knob_kind kind;
  size_t offset;
  unsigned bytes; // of the field: 4 or 8
  uint64_t min;
  const char *help;
} knobs[] = {
    {"max_bytes", KNOB_BYTES, offsetof(struct estab_watch_settings, max_bytes), 8, 4 << 20,
     "memory ceiling"},
    {"time_wait", KNOB_TIME, offsetof(struct estab_watch_settings, time_wait_ns), 8, 0,
     "2 x MSL of the hosts watched"},
    {"stream_hole_bytes", KNOB_BYTES, offsetof(struct estab_watch_settings, stream_hole_bytes), 4,
     0, "octets kept above a hole, one side"},
    {"syn_targets", KNOB_COUNT, THRESHOLD(syn_targets), 4, 1,
     "unsuccessful distinct targets that name a SYN or connect scan"},
    {"ack_targets", KNOB_COUNT, THRESHOLD(ack_targets), 4, 1,
     "targets that name an ACK, Window or Maimon scan"},
    {"slow_targets", KNOB_COUNT, THRESHOLD(slow_targets), 4, 1,
     "distinct targets that name a slow scan"},
    {"flood_rate", KNOB_COUNT, THRESHOLD(flood_rate), 4, 1,
     "segments a second to one port that name a flood"},
    {"backscatter_targets", KNOB_COUNT, THRESHOLD(backscatter_targets), 4, 1,
     "hosts answered that never asked"},
    {"exhaustion_open", KNOB_COUNT, THRESHOLD(exhaustion_open), 4, 1,
     "connections held open without an octet"},
    {"zero_window", KNOB_TIME, THRESHOLD(zero_window_ns), 8, 0, "a window held at zero so long"},
    {"zero_window_open", KNOB_COUNT, THRESHOLD(zero_window_open), 4, 1,
     "by so many connections of one source"},
    {"campaign_idle", KNOB_TIME, THRESHOLD(campaign_idle_ns), 8, 0,
     "least silence that ends a campaign"},
    {"campaign_idle_gaps", KNOB_COUNT, THRESHOLD(campaign_idle_gaps), 4, 1,
     "or so many of its median gaps"},
};
#define KNOBS (sizeof knobs / sizeof *knobs)

static const char *knob_write(struct estab_watch_settings *settings, const char *name, size_t n,
                              const char *value)
{
  for (size_t i = 0; i < KNOBS; i++) {
    const struct knob *knob = &knobs[i];
    if (strlen(knob->name) != n || strncmp(knob->name, name, n) != 0) continue;
    uint64_t number = 0;
    static const enum option_kind kinds[] = {OPTION_COUNT, OPTION_BYTES, OPTION_TIME};
    const struct option option = {.kind = kinds[knob->kind],
                                  .value = &number,
                                  .min = knob->min,
                                  .max = knob->bytes == 4 ? UINT32_MAX : INT64_MAX};
    const char *why = option_read(&option, value);
    if (why != NULL) return why;
    char *field = (char *)settings + knob->offset;
    uint32_t narrow = (uint32_t)number;
    if (knob->bytes == 4)
      memcpy(field, &narrow, 4);
    else
      memcpy(field, &number, 8);
    return NULL;
  }
  return "there is no such setting; see --list-settings";
}

const char *knobs_set(struct estab_watch_settings *settings, const char *text)
{
  const char *equals = strchr(text, '=');
  if (equals == NULL) return "is not NAME=VALUE";
  return knob_write(settings, text, (size_t)(equals - text), equals + 1);
}

// What inih asks its lines of. It takes at most ini_max_line octets at a time, and goes on as if the rest were
// another line; an indented line it takes for more of the value before.
struct knobs_file {
  struct estab_watch_settings *settings;
  FILE *file;
  char *line;
  size_t room;
  int lines;
  int bad_line; // the first that is none; 0 = none so far
  const char *why;
};

static void knobs_bad(struct knobs_file *f, const char *why)
{
  if (f->bad_line != 0) return;
  f->bad_line = f->lines;
  f->why = why;
}

static char *knobs_next(char *out, int room, void *ctx)
{
  struct knobs_file *f = ctx;
  ssize_t n = getline(&f->line, &f->room, f->file);
  if (n < 0 || f->bad_line != 0) return NULL;
  f->lines++;
  const char *text = f->line + strspn(f->line, " \t");
  while (n > 0 && memchr(" \t\r\n", f->line[n - 1], 4) != NULL)
    f->line[--n] = '\0';
  if (text[0] == '\0' || strchr(ini_start_comment_prefixes, text[0]) != NULL)
    text = "";
  else if (strlen(text) + 2 > (size_t)room || memchr(f->line, '\0', (size_t)n) != NULL) {
    knobs_bad(f, "is too long, or no text");
    text = "";
  }
  snprintf(out, (size_t)room, "%s\n", text);
  return out;
}

static int knobs_line(void *ctx, const char *section, const char *name, const char *value)
{
  struct knobs_file *f = ctx;
  (void)section; // headings only group
  const char *why = knob_write(f->settings, name, strlen(name), value);
  if (why != NULL) knobs_bad(f, why);
  return why == NULL;
}

int knobs_read_file(struct estab_watch_settings *settings, const char *path, const char **why)
{
  struct knobs_file f = {.settings = settings, .file = fopen(path, "r")};
  if (f.file == NULL) return -1;
  int line = ini_parse_stream(knobs_next, &f, knobs_line, &f);
  const int error = ferror(f.file) ? errno : line < 0 ? ENOMEM : 0;
  fclose(f.file);
  free(f.line);
  if (error != 0) {
    errno = error;
    return -1;
  }
  const bool no_pair = line > 0 && (f.bad_line == 0 || line < f.bad_line);
  *why = no_pair ? "is not NAME = VALUE" : f.why;
  return no_pair ? line : f.bad_line;
}

// With the largest unit that leaves a whole number, as --set and --config read it.
static void knob_show(char *out, size_t room, enum knob_kind kind, uint64_t number)
{
  static const struct {
    enum knob_kind kind;
    uint64_t factor;
    const char *unit;
  } units[] = {{KNOB_TIME, 1000000000, "s"}, {KNOB_TIME, 1000000, "ms"}, {KNOB_TIME, 1000, "us"},
               {KNOB_TIME, 1, "ns"},         {KNOB_BYTES, 1048576, "M"}, {KNOB_BYTES, 1024, "K"}};
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (units[i].kind == kind && number % units[i].factor == 0) {
      snprintf(out, room, "%" PRIu64 "%s", number / units[i].factor, units[i].unit);
      return;
    }
  snprintf(out, room, "%" PRIu64, number);
}

void knobs_list(FILE *out, const struct estab_watch_settings *settings)
{
  for (size_t i = 0; i < KNOBS; i++) {
    const struct knob *knob = &knobs[i];
    const char *field = (const char *)settings + knob->offset;
    uint64_t number = 0;
    uint32_t narrow;
    memcpy(&narrow, field, 4);
    if (knob->bytes == 4)
      number = narrow;
    else
      memcpy(&number, field, 8);
    char value[32];
    knob_show(value, sizeof value, knob->kind, number);
    fprintf(out, "%-20s = %-8s ; %s\n", knob->name, value, knob->help);
  }
}
