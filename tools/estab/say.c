// SPDX-License-Identifier: BSD-2-Clause
// say.c - how the command complains.
#include "say.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "json.h"

// A name that somebody chose may hold anything; a terminal obeys some of it: C0, DEL, C1 in UTF-8 or as octets.
static void say_text(const char *format, va_list args)
{
  char text[2048];
  vsnprintf(text, sizeof text, format, args);
  for (const char *c = text; *c;) {
    size_t n = utf8_bytes(c);
    const bool plain = n > 1 ? !(n == 2 && (uint8_t)c[0] == 0xc2 && (uint8_t)c[1] < 0xa0)
                             : n == 1 && *c >= 0x20 && *c != 0x7f;
    if (n == 0) n = 1;
    for (; n > 0; n--, c++)
      fprintf(stderr, plain ? "%c" : "\\x%02x", (uint8_t)*c);
  }
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

bool say_to_nobody(void)
{
  struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
  return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}
