// SPDX-License-Identifier: BSD-2-Clause
// mem.c - the memory door with counters and a cap.
#include <string.h>

#include "base/mem.h"

void mem_init(struct mem *m, struct estab_mem door)
{
  memset(m, 0, sizeof *m);
  m->door = door;
}

void *mem_resize(struct mem *m, void *p, size_t old_bytes, size_t new_bytes,
                 enum estab_mem_kind kind)
{
  if (!p) old_bytes = 0;
  if (!p && new_bytes == 0) return NULL;

  if (new_bytes > old_bytes) {
    uint64_t more = new_bytes - old_bytes;
    if (m->limit_bytes &&
        (m->in_use_bytes > m->limit_bytes || more > m->limit_bytes - m->in_use_bytes)) {
      m->refused++;
      return NULL;
    }
    void *grown = m->door.resize(m->door.ctx, p, old_bytes, new_bytes, kind);
    if (!grown) {
      m->refused++;
      return NULL;
    }
    m->in_use_bytes += more;
    m->by_kind[kind] += more;
    if (m->in_use_bytes > m->peak_bytes) m->peak_bytes = m->in_use_bytes;
    return grown;
  }

  void *shrunk = m->door.resize(m->door.ctx, p, old_bytes, new_bytes, kind);
  m->in_use_bytes -= old_bytes - new_bytes;
  m->by_kind[kind] -= old_bytes - new_bytes;
  if (new_bytes == 0) return NULL;
  return shrunk ? shrunk : p; // a door that breaks its word here costs bytes, not the connection
}

void *mem_new_raw(struct mem *m, size_t bytes, enum estab_mem_kind kind)
{
  return mem_resize(m, NULL, 0, bytes, kind);
}

void *mem_new(struct mem *m, size_t bytes, enum estab_mem_kind kind)
{
  void *p = mem_resize(m, NULL, 0, bytes, kind);
  if (p) memset(p, 0, bytes);
  return p;
}

void mem_free(struct mem *m, void *p, size_t bytes, enum estab_mem_kind kind)
{
  if (p) (void)mem_resize(m, p, bytes, 0, kind);
}
