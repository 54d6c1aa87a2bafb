// SPDX-License-Identifier: BSD-2-Clause
// tool_stack.c - a stack for a program.
#include "tool_stack.h"

#include "say.h"

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

void tool_settings(struct estab_settings *settings)
{
  estab_settings_default(settings);
  settings->mem = tool_mem();
  settings->random = (struct estab_random){NULL, fill};
  fill(NULL, settings->secret, sizeof settings->secret);
}

int tool_stack_new(const char *command, const struct estab_settings *settings, estab_stack **out)
{
  int r = estab_stack_new(settings, estab_clock_ns(), out);
  return r < 0 ? say_failure(command, NULL, "cannot make a stack: %s", estab_strerror(r)) : 0;
}
