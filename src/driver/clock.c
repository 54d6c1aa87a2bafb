// SPDX-License-Identifier: BSD-2-Clause
// clock.c - the monotonic clock.
#include "estab/driver.h"

#include <time.h>

uint64_t estab_clock_ns(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
