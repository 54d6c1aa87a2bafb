// SPDX-License-Identifier: BSD-2-Clause
// text.c - rows on their way to a file.
#include "text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "put.h"

void text_init(struct text *t, FILE *file)
{
  t->file = file;
  t->used = 0;
  t->written = 0;
  t->failed = false;
  t->sys_errno = 0;
}

// Straight to the system where there is one below the file: stdio would cut it in two, the second one less than a page.
static bool text_write(struct text *t)
{
  const int fd = fileno(t->file);
  if (fd < 0) return fwrite(t->bytes, 1, t->used, t->file) == t->used; // a file in memory
  if (fflush(t->file) != 0) return false;
  for (size_t at = 0; at < t->used;) {
    const ssize_t n = write(fd, t->bytes + at, t->used - at);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) at += (size_t)n;
  }
  return true;
}

static void text_drain(struct text *t)
{
  if (t->used > 0 && !t->failed && !text_write(t)) {
    t->failed = true;
    t->sys_errno = errno;
  }
  t->written += t->used;
  t->used = 0;
}

bool text_flush(struct text *t)
{
  text_drain(t);
  if (!t->failed && fflush(t->file) != 0) {
    t->failed = true;
    t->sys_errno = errno;
  }
  return !t->failed;
}

// Room for one form.
static char *text_room(struct text *t)
{
  if (t->used > TEXT_BYTES - TEXT_ROOM) text_drain(t);
  return t->bytes + t->used;
}

char *text_at(struct text *t)
{
  if (t->used > TEXT_BYTES - PUT_ROOM - PUT_SLACK) text_drain(t);
  return t->bytes + t->used;
}

void text_bytes(struct text *t, const char *bytes, size_t n)
{
  while (n > 0) {
    char *p = text_room(t);
    size_t part = n < TEXT_ROOM ? n : TEXT_ROOM;
    memcpy(p, bytes, part);
    t->used += part;
    bytes += part;
    n -= part;
  }
}

void text_string(struct text *t, const char *string)
{
  text_bytes(t, string, strlen(string));
}

void text_char(struct text *t, char c)
{
  *text_room(t) = c;
  t->used++;
}

void text_number(struct text *t, uint64_t n)
{
  text_put(t, put_number(text_at(t), n));
}

void text_hex(struct text *t, uint64_t n, unsigned digits)
{
  while (digits < 16 && n >> (4 * digits) != 0)
    digits++;
  char *p = text_room(t);
  for (unsigned i = 0; i < digits; i++)
    p[i] = "0123456789abcdef"[n >> (4 * (digits - 1 - i)) & 15];
  t->used += digits;
}

void text_seconds(struct text *t, uint64_t ns)
{
  text_put(t, put_seconds(text_at(t), ns));
}

void text_seconds6(struct text *t, uint64_t ns)
{
  text_put(t, put_seconds6(text_at(t), ns));
}

void text_ip(struct text *t, const struct estab_ip *ip)
{
  text_put(t, put_ip(text_at(t), ip));
}

void text_endpoint(struct text *t, const struct estab_ip *ip, uint16_t port)
{
  text_put(t, put_endpoint(text_at(t), ip, port));
}

// How many octets stand as they are.
static size_t json_plain(const char *string)
{
  size_t n = 0;
  while (string[n] >= ' ' && string[n] <= '~' && string[n] != '"' && string[n] != '\\')
    n++;
  return n;
}

void text_json(struct text *t, const char *string)
{
  char piece[JSON_PIECE_BYTES];
  text_char(t, '"');
  while (*string != '\0') {
    size_t n = json_plain(string);
    text_bytes(t, string, n);
    string += n;
    if (*string == '\0') break;
    n = json_piece(&string, piece);
    text_bytes(t, piece, n);
  }
  text_char(t, '"');
}
