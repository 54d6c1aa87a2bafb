// SPDX-License-Identifier: BSD-2-Clause
// tool_stack.c - a stack for a program.
#include "tool_stack.h"

#include "estab/driver.h"
#include "estab/trace.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>

static void states_event(void *ctx, const struct estab_trace *event)
{
  char line[512];
  if (event->kind != ESTAB_TRACE_state_changed) return;
  if (estab_trace_json(event, line, sizeof line) < sizeof line) fprintf(ctx, "%s\n", line);
}

// ESTAB_STATES=FILE: each change of a connection's state, appended there. One line a write, as several programs may.
static void states_to_file(struct estab_settings *settings)
{
  const char *path = getenv("ESTAB_STATES");
  FILE *file = path && *path ? fopen(path, "a") : NULL;
  if (!file) return;
  setvbuf(file, NULL, _IOLBF, 4096);
  settings->trace = (struct estab_trace_hook){file, states_event};
}

void tool_settings(struct estab_settings *settings)
{
  estab_settings_default(settings);
  settings->mem = estab_system_mem();
  settings->random = estab_system_random();
  settings->random.fill(NULL, settings->secret, sizeof settings->secret);
  states_to_file(settings);
}

int tool_stack_new(const char *command, const struct estab_settings *settings, estab_stack **out)
{
  int r = estab_stack_new(settings, estab_clock_ns(), out);
  return r < 0 ? say_failure(command, NULL, "cannot make a stack: %s", estab_strerror(r)) : 0;
}
