// SPDX-License-Identifier: BSD-2-Clause
// say.c - how the command complains.
#include "say.h"

#include <stdarg.h>
#include <stdio.h>

int say_usage(const char *command, const char *format, ...)
{
  va_list args;
  const char *space = command[0] ? " " : "";
  va_start(args, format);
  fprintf(stderr, "estab%s%s: ", space, command);
  vfprintf(stderr, format, args);
  fprintf(stderr, "\nTry 'estab%s%s --help'.\n", space, command);
  va_end(args);
  return EXIT_USAGE;
}

int say_failure(const char *command, const char *remedy, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  fprintf(stderr, "estab %s: ", command);
  vfprintf(stderr, format, args);
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
