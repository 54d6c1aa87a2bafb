// SPDX-License-Identifier: BSD-2-Clause
// knobs.c - the observer's settings by name.
#include "knobs.h"

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

struct knobs_file {
  struct estab_watch_settings *settings;
  const char *why;
};

static int knobs_line(void *ctx, const char *section, const char *name, const char *value)
{
  struct knobs_file *file = ctx;
  (void)section; // headings only group
  if (file->why == NULL) file->why = knob_write(file->settings, name, strlen(name), value);
  return file->why == NULL;
}

int knobs_read_file(struct estab_watch_settings *settings, const char *path, const char **why)
{
  struct knobs_file file = {settings, NULL};
  int line = ini_parse(path, knobs_line, &file);
  *why = file.why != NULL ? file.why : "is not NAME = VALUE";
  return line;
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
    if (knob->kind == KNOB_TIME)
      snprintf(value, sizeof value, "%" PRIu64 "s", number / 1000000000);
    else if (knob->kind == KNOB_BYTES && number % 1048576 == 0)
      snprintf(value, sizeof value, "%" PRIu64 "M", number / 1048576);
    else
      snprintf(value, sizeof value, "%" PRIu64, number);
    fprintf(out, "%-20s %-8s %s\n", knob->name, value, knob->help);
  }
}
