// SPDX-License-Identifier: BSD-2-Clause
// mem.h - the memory door with counters and a cap: the only way the core gets memory.
#ifndef ESTAB_BASE_MEM_H
#define ESTAB_BASE_MEM_H

#include "estab/base.h"

struct mem {
  struct estab_mem door;
  uint64_t in_use_bytes;             // asked for and not given back
  uint64_t peak_bytes;               // the most in_use_bytes has been
  uint64_t limit_bytes;              // more than this is refused; 0 = no limit
  uint64_t by_kind[ESTAB_MEM_KINDS]; // in_use_bytes by kind
  uint64_t refused;                  // requests refused, by the limit or by the door
};

// No limit, counters 0. The door is copied.
void mem_init(struct mem *m, struct estab_mem door);

// Zeroed memory, or NULL when the limit or the door refuses. 0 bytes: NULL.
void *mem_new(struct mem *m, size_t bytes, enum estab_mem_kind kind);

// The same, contents undefined.
void *mem_new_raw(struct mem *m, size_t bytes, enum estab_mem_kind kind);

// Grows or shrinks; what is new is undefined. NULL: refused and p unchanged, which never happens
// to a shrink. old_bytes must be what p was asked with. p NULL: a new one. new_bytes 0: freed, NULL.
void *mem_resize(struct mem *m, void *p, size_t old_bytes, size_t new_bytes,
                 enum estab_mem_kind kind);

// p NULL: nothing happens.
void mem_free(struct mem *m, void *p, size_t bytes, enum estab_mem_kind kind);

#endif
