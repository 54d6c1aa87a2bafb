// SPDX-License-Identifier: BSD-2-Clause
// system.c - what a program on an ordinary system hands to a stack: its clock, its memory, its random bytes.
#include "estab/driver.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

uint64_t estab_clock_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *system_resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes,
                           enum estab_mem_kind kind)
{
  (void)ctx, (void)old_bytes, (void)kind;
  if (new_bytes > 0) return realloc(p, new_bytes);
  free(p);
  return NULL;
}

struct estab_mem estab_system_mem(void)
{
  return (struct estab_mem){NULL, system_resize};
}

static void system_fill(void *ctx, void *bytes, size_t count)
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

struct estab_random estab_system_random(void)
{
  return (struct estab_random){NULL, system_fill};
}
