// SPDX-License-Identifier: BSD-2-Clause
// cookie_file.c - one line a server: our address, its address, its MSS, the cookie in hexadecimal.
#include "cookie_file.h"

#include "commands.h"
#include "say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MOST 256 // as many as a stack keeps
#define LINE_BYTES 160

static bool line_read(const char *line, struct estab_fast_open_cookie *c)
{
  char local[ESTAB_IP_TEXT_BYTES], remote[ESTAB_IP_TEXT_BYTES], hex[2 * sizeof c->bytes + 1];
  unsigned mss;
  *c = (struct estab_fast_open_cookie){.struct_bytes = sizeof *c};
  if (sscanf(line, "%45s %45s %u %32s", local, remote, &mss, hex) != 4 || mss > UINT16_MAX)
    return false;
  if (estab_ip_parse(local, &c->local) < 0 || estab_ip_parse(remote, &c->remote) < 0) return false;
  c->peer_mss = (uint16_t)mss;
  for (const char *h = hex; h[0] != '\0' && h[1] != '\0'; h += 2) {
    unsigned octet;
    if (sscanf(h, "%2x", &octet) != 1) return false;
    c->bytes[c->count++] = (uint8_t)octet;
  }
  return c->count > 0;
}

int cookie_file_read(const char *command, const char *path, estab_stack *s)
{
  char line[LINE_BYTES];
  struct estab_fast_open_cookie c;
  FILE *f = fopen(path, "r");
  if (!f && errno == ENOENT) return 0;
  if (!f) return say_failure(command, NULL, "%s: %s", path, strerror(errno));
  while (fgets(line, sizeof line, f))
    if (line_read(line, &c)) estab_fast_open_put(s, &c);
  fclose(f);
  return 0;
}

static void line_write(FILE *f, const struct estab_fast_open_cookie *c)
{
  char local[ESTAB_IP_TEXT_BYTES], remote[ESTAB_IP_TEXT_BYTES];
  estab_ip_format(&c->local, local, sizeof local);
  estab_ip_format(&c->remote, remote, sizeof remote);
  fprintf(f, "%s %s %u ", local, remote, c->peer_mss);
  for (unsigned i = 0; i < c->count; i++)
    fprintf(f, "%02x", c->bytes[i]);
  fprintf(f, "\n");
}

int cookie_file_write(const char *command, const char *path, estab_stack *s,
                      const struct estab_ip *local, const struct estab_ip *remote)
{
  static struct estab_fast_open_cookie others[LINES_MOST];
  unsigned count = 0;
  char line[LINE_BYTES];
  struct estab_fast_open_cookie c = {.struct_bytes = sizeof c, .local = *local, .remote = *remote};
  if (estab_fast_open_get(s, &c) <= 0) return 0;
  FILE *f = fopen(path, "r");
  while (f && count < LINES_MOST - 1 && fgets(line, sizeof line, f))
    if (line_read(line, &others[count]) && !(estab_ip_equal(&others[count].local, local) &&
                                             estab_ip_equal(&others[count].remote, remote)))
      count++;
  if (f) fclose(f);
  f = fopen(path, "w");
  if (!f) return say_failure(command, NULL, "%s: %s", path, strerror(errno));
  line_write(f, &c);
  for (unsigned i = 0; i < count; i++)
    line_write(f, &others[i]);
  if (fclose(f) != 0) return say_failure(command, NULL, "%s: %s", path, strerror(errno));
  return 0;
}
