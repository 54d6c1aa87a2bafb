// SPDX-License-Identifier: BSD-2-Clause
// memory.h - the observer's memory: of the system, in huge pages as it grows.
#ifndef ESTAB_TOOL_WATCH_MEMORY_H
#define ESTAB_TOOL_WATCH_MEMORY_H

#include <stdint.h>

#include "estab/base.h"

struct memory {
  uintptr_t heap_end; // of malloc's, as far as it was looked at
};

// A door of which `m` is the state: it stays where it is while the door is in use.
struct estab_mem memory_door(struct memory *m);

#endif
