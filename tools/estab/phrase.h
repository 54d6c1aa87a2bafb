// SPDX-License-Identifier: BSD-2-Clause
// phrase.h - a text that is put together of parts, in a buffer of fixed size; what does not fit is cut.
#ifndef ESTAB_TOOL_PHRASE_H
#define ESTAB_TOOL_PHRASE_H

#include <stddef.h>

struct phrase {
  char *text;
  size_t bytes; // at text, > 0
  size_t used;  // so far, without the terminating 0; less than bytes
};

// An empty one.
struct phrase phrase_in(char *text, size_t bytes);
__attribute__((format(printf, 2, 3))) void phrase_add(struct phrase *p, const char *format, ...);

#endif
