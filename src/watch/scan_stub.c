// SPDX-License-Identifier: BSD-2-Clause
// scan_stub.c - no detectors yet: takes every fact and says nothing.
#include "watch/scan.h"

struct scan {
  struct mem *mem;
};

struct scan *scan_new(struct mem *mem, const struct estab_watch_settings *settings)
{
  (void)settings;
  struct scan *s = mem_new(mem, sizeof *s, ESTAB_MEM_WATCH);
  if (s) s->mem = mem;
  return s;
}

void scan_free(struct scan *s)
{
  if (s) mem_free(s->mem, s, sizeof *s, ESTAB_MEM_WATCH);
}

uint16_t scan_observe(struct scan *s, const struct observation *o)
{
  (void)s;
  (void)o;
  return 0;
}

void scan_advance(struct scan *s, uint64_t now_ns)
{
  (void)s;
  (void)now_ns;
}

void scan_flush(struct scan *s)
{
  (void)s;
}

bool scan_next(struct scan *s, struct estab_watch_alert *alert)
{
  (void)s;
  (void)alert;
  return false;
}
