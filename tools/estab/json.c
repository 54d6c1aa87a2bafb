// SPDX-License-Identifier: BSD-2-Clause
// json.c - strings of JSON (RFC 8259 7).
#include "json.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

size_t utf8_bytes(const char *text)
{
  const unsigned char *const p = (const unsigned char *)text;
  size_t n = p[0] < 0x80                   ? 1
             : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
             : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
             : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                           : 0;
  for (size_t i = 1; i < n; i++)
    if ((p[i] & 0xc0) != 0x80) return 0;
  bool bad = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
             (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f);
  return bad ? 0 : n;
}

size_t json_piece(const char **text, char piece[JSON_PIECE_BYTES])
{
  const unsigned char *p = (const unsigned char *)*text;
  size_t n = utf8_bytes(*text), length = n;
  if (n == 0) {
    length = (size_t)snprintf(piece, JSON_PIECE_BYTES, "\\ufffd");
    n = 1;
  } else if (*p == '"' || *p == '\\') {
    length = (size_t)snprintf(piece, JSON_PIECE_BYTES, "\\%c", *p);
  } else if (*p < 0x20 || *p == 0x7f) {
    length = (size_t)snprintf(piece, JSON_PIECE_BYTES, "\\u%04x", *p);
  } else {
    memcpy(piece, p, n);
  }
  *text += n;
  return length;
}

void json_put(FILE *out, const char *text)
{
  char piece[JSON_PIECE_BYTES];
  fputc('"', out);
  while (*text != '\0')
    fwrite(piece, 1, json_piece(&text, piece), out);
  fputc('"', out);
}
