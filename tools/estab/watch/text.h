// SPDX-License-Identifier: BSD-2-Clause
// text.h - rows on their way to a file: a buffer with the few forms that rows are made of.
//
// A row costs less than a microsecond here; printf's family takes several.
#ifndef ESTAB_TOOL_WATCH_TEXT_H
#define ESTAB_TOOL_WATCH_TEXT_H

#include <stdio.h>

#include "estab/base.h"

#define TEXT_BYTES 65536
#define TEXT_ROOM  4096 // no single form is longer

struct text {
  FILE *file;
  size_t used;
  bool failed; // a write did: errno is kept
  int sys_errno;
  uint64_t written; // bytes given to the file
  char bytes[TEXT_BYTES];
};

void text_init(struct text *t, FILE *file);
// Gives everything to the file and the file to the system. false: a write failed, now or earlier.
bool text_flush(struct text *t);

// Room for what put.h writes, PUT_ROOM octets, and where that ended.
char *text_at(struct text *t);

static inline void text_put(struct text *t, const char *end)
{
  t->used = (size_t)(end - t->bytes);
}

void text_bytes(struct text *t, const char *bytes, size_t n);
void text_string(struct text *t, const char *string);
void text_char(struct text *t, char c);
void text_number(struct text *t, uint64_t n);
void text_hex(struct text *t, uint64_t n, unsigned digits); // at least so many digits
void text_seconds(struct text *t, uint64_t ns);             // 9 decimals
void text_seconds6(struct text *t, uint64_t ns);            // 6 decimals, cut
void text_ip(struct text *t, const struct estab_ip *ip);
void text_endpoint(struct text *t, const struct estab_ip *ip,
                   uint16_t port); // 192.0.2.1:80, [::1]:80
// With its quotes, escaped as RFC 8259 7 says; bytes that are no UTF-8 become U+FFFD.
void text_json(struct text *t, const char *string);

#endif
