// SPDX-License-Identifier: BSD-2-Clause
// prop.h - property tests without a framework: seeded runs, the failing seed printed, a strict allocator.
#ifndef ESTAB_SUPPORT_PROP_H
#define ESTAB_SUPPORT_PROP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "estab/base.h"

// ---------------------------------------------------------------------------------------------
// Numbers: splitmix64, the same on every machine.

struct prop_rng {
  uint64_t state;
};

static inline uint64_t prop_u64(struct prop_rng *r)
{
  uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

// 0 .. n - 1
static inline uint32_t prop_below(struct prop_rng *r, uint32_t n)
{
  return (uint32_t)((prop_u64(r) >> 32) * n >> 32);
}

static inline bool prop_one_in(struct prop_rng *r, uint32_t n)
{
  return prop_below(r, n) == 0;
}

// ---------------------------------------------------------------------------------------------
// Runs. A property answers true; PROP_CHECK answers false for it and says where and why.

#define PROP_CHECK(condition)                                                                      \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      printf("%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                        \
      return false;                                                                                \
    }                                                                                              \
  } while (0)

typedef bool prop_fn(struct prop_rng *r);

struct prop {
  const char *name;
  prop_fn *holds;
  unsigned
      runs; // seeds 1 .. runs; with ESTAB_LONG in the environment ten times, with ESTAB_SHORT half as many
};

// The main() of a property test. `PROGRAM` runs all; `PROGRAM NAME SEED` repeats one run.
static inline int prop_main(int argc, char **argv, const struct prop *props, unsigned count)
{
  unsigned passed = 0, failed = 0;
  unsigned times = getenv("ESTAB_LONG") ? 10 : 1;
  for (unsigned i = 0; i < count; i++) {
    bool ok = true;
    uint64_t first = 1, last = (uint64_t)props[i].runs * times;
    if (getenv("ESTAB_SHORT")) last = (last + 1) / 2;
    if (argc > 1 && strcmp(argv[1], props[i].name) != 0) continue;
    if (argc > 2) first = last = strtoull(argv[2], NULL, 0);
    for (uint64_t seed = first; ok && seed <= last; seed++) {
      struct prop_rng r = {seed * UINT64_C(0x2545f4914f6cdd1d)};
      ok = props[i].holds(&r);
      if (!ok)
        printf("FAILED: repeat with `%s %s %llu`\n", argv[0], props[i].name,
               (unsigned long long)seed);
    }
    if (ok)
      passed++;
    else
      failed++;
  }
  printf("%u passed, %u failed\n", passed, failed);
  fflush(stdout);
  return failed || passed == 0;
}

// ---------------------------------------------------------------------------------------------
// A memory door that holds its users to the rules: sizes must be given back as they were taken,
// every resize moves, new bytes are dirty, and requests fail when told to.

struct prop_mem {
  uint64_t live_bytes, live_pieces;
  uint64_t fail_after; // this many growing requests succeed, then all fail; UINT64_MAX = never
};

#define PROP_MEM_HEAD 32 // keeps what follows aligned for any type

static inline void *prop_mem_resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes,
                                    enum estab_mem_kind kind)
{
  struct prop_mem *m = ctx;
  uint8_t *old = p ? (uint8_t *)p - PROP_MEM_HEAD : NULL;
  size_t was = 0;
  if (old) memcpy(&was, old, sizeof was);
  if (was != old_bytes || (unsigned)kind >= ESTAB_MEM_KINDS) {
    printf("memory door: %zu bytes taken, %zu said, kind %d\n", was, old_bytes, (int)kind);
    abort();
  }
  if (new_bytes > old_bytes) {
    if (m->fail_after == 0) return NULL;
    if (m->fail_after != UINT64_MAX) m->fail_after--;
  }
  uint8_t *fresh = NULL;
  if (new_bytes) {
    fresh = malloc(PROP_MEM_HEAD + new_bytes);
    if (!fresh) abort();
    memset(fresh, 0xa5, PROP_MEM_HEAD + new_bytes);
    memcpy(fresh, &new_bytes, sizeof new_bytes);
    if (old) memcpy(fresh + PROP_MEM_HEAD, p, old_bytes < new_bytes ? old_bytes : new_bytes);
    m->live_pieces++;
  }
  if (old) {
    memset(old, 0xdd, PROP_MEM_HEAD + was);
    __asm__ volatile(""
                     :
                     : "r"(old)
                     : "memory"); // compilers leave out what is written before free()
    free(old);
    m->live_pieces--;
  }
  m->live_bytes += new_bytes;
  m->live_bytes -= old_bytes;
  return fresh ? fresh + PROP_MEM_HEAD : NULL;
}

static inline struct estab_mem prop_mem_door(struct prop_mem *m)
{
  *m = (struct prop_mem){.fail_after = UINT64_MAX};
  return (struct estab_mem){m, prop_mem_resize};
}

#endif
