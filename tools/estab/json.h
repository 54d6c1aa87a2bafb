// SPDX-License-Identifier: BSD-2-Clause
// json.h - the one place that escapes.
#ifndef ESTAB_TOOL_JSON_H
#define ESTAB_TOOL_JSON_H

#include <stdio.h>

#define JSON_PIECE_BYTES 8

// Bytes of the UTF-8 character that text begins with (RFC 3629 4), 0 = it is none. text ends with NUL.
size_t utf8_bytes(const char *text);

// Escapes the first character of *text, which is not empty, into piece and moves *text behind it.
// Answers the length of the piece, which has no NUL. Bytes that are no UTF-8 become U+FFFD.
size_t json_piece(const char **text, char piece[JSON_PIECE_BYTES]);

// Writes "text" with its quotes. (json_string() is of libjansson.)
void json_put(FILE *out, const char *text);

#endif
