// SPDX-License-Identifier: BSD-2-Clause
// tool_stack.c - a stack for a program.
#include "tool_stack.h"

#include "estab/trace.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static void *resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes,
                    enum estab_mem_kind kind)
{
  (void)ctx;
  (void)old_bytes;
  (void)kind;
  if (new_bytes > 0) return realloc(p, new_bytes);
  free(p);
  return NULL;
}

static void fill(void *ctx, void *bytes, size_t count)
{
  (void)ctx;
  uint8_t *p = bytes;
  while (count > 0) {
    ssize_t n = getrandom(p, count, 0);
    if (n < 0)
      abort(); // never for up to 256 bytes once the kernel's pool is ready, which it waits for
    p += n;
    count -= (size_t)n;
  }
}

struct estab_mem tool_mem(void)
{
  return (struct estab_mem){NULL, resize};
}

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
  settings->mem = tool_mem();
  settings->random = (struct estab_random){NULL, fill};
  fill(NULL, settings->secret, sizeof settings->secret);
  states_to_file(settings);
}

int tool_stack_new(const char *command, const struct estab_settings *settings, estab_stack **out)
{
  int r = estab_stack_new(settings, estab_clock_ns(), out);
  return r < 0 ? say_failure(command, NULL, "cannot make a stack: %s", estab_strerror(r)) : 0;
}
