// SPDX-License-Identifier: BSD-2-Clause
// say.c - how the command complains.
#include "say.h"

#include <stdarg.h>
#include <stdio.h>

// A name that somebody chose may hold anything; a terminal obeys some of it.
static void say_text(const char *format, va_list args)
{
  char text[2048];
  vsnprintf(text, sizeof text, format, args);
  for (const char *c = text; *c; c++)
    if (((unsigned char)*c < 0x20 && *c != '\n') || *c == 0x7f)
      fprintf(stderr, "\\x%02x", (unsigned)*c);
    else
      fputc(*c, stderr);
}

int say_usage(const char *command, const char *format, ...)
{
  va_list args;
  const char *space = command[0] ? " " : "";
  va_start(args, format);
  fprintf(stderr, "estab%s%s: ", space, command);
  say_text(format, args);
  fprintf(stderr, "\nTry 'estab%s%s --help'.\n", space, command);
  va_end(args);
  return EXIT_USAGE;
}

int say_failure(const char *command, const char *remedy, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  fprintf(stderr, "estab %s: ", command);
  say_text(format, args);
  fputc('\n', stderr);
  if (remedy && remedy[0]) fprintf(stderr, "To do: %s.\n", remedy);
  va_end(args);
  return EXIT_FAIL;
}

int say_device(const char *command, const char *where, const struct estab_device_error *error)
{
  if (where) return say_failure(command, error->remedy, "%s: %s", where, error->text);
  return say_failure(command, error->remedy, "%s", error->text);
}
