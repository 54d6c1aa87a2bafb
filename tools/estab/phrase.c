// SPDX-License-Identifier: BSD-2-Clause
// phrase.c - a text that is put together of parts.
#include "phrase.h"

#include <stdarg.h>
#include <stdio.h>

struct phrase phrase_in(char *text, size_t bytes)
{
  text[0] = '\0';
  return (struct phrase){.text = text, .bytes = bytes};
}

void phrase_add(struct phrase *p, const char *format, ...)
{
  const size_t room = p->bytes - p->used;
  va_list args;
  va_start(args, format);
  const int n = vsnprintf(p->text + p->used, room, format, args);
  va_end(args);
  if (n > 0) p->used += (size_t)n < room ? (size_t)n : room - 1;
}
