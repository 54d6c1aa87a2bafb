// SPDX-License-Identifier: BSD-2-Clause
// memory.c - the observer's memory: of the system, in huge pages as it grows.
//
// Connections are found by keyed hashes: each packet touches a few cache lines anywhere in a hundred
// megabytes, and with pages of 4 KiB the tables of pages are as far away as what they lead to. What is small
// comes from malloc's heap, which grows by HEAP_STEP_BYTES, each step advised before it is used: untouched
// memory costs nothing.
#include "memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAP_STEP_BYTES ((size_t)32 << 20)
#define HUGE_BYTES      ((uintptr_t)2 << 20) // of a page; where they are larger nothing comes of it

// Only what is whole pages of the kind can become some. That the system has none is no failure.
static void memory_advise(uintptr_t begin, uintptr_t end)
{
  begin = (begin + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
  end &= ~(HUGE_BYTES - 1);
  if (begin < end) (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
}

static void *memory_resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes,
                           enum estab_mem_kind kind)
{
  (void)old_bytes, (void)kind;
  struct memory *m = ctx;
  if (new_bytes == 0) {
    free(p);
    return NULL;
  }
  void *const block = realloc(p, new_bytes);
  const uintptr_t top = (uintptr_t)sbrk(0);
  if (top != m->heap_end) {
    memory_advise(m->heap_end, top);
    m->heap_end = top;
  }
  if (block != NULL && new_bytes > HUGE_BYTES)
    memory_advise((uintptr_t)block, (uintptr_t)block + new_bytes);
  return block;
}

struct estab_mem memory_door(struct memory *m)
{
#ifdef M_TOP_PAD
  (void)mallopt(M_TOP_PAD, (int)HEAP_STEP_BYTES);
#endif
  m->heap_end = (uintptr_t)sbrk(0);
  return (struct estab_mem){m, memory_resize};
}
