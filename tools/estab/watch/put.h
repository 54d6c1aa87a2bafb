// SPDX-License-Identifier: BSD-2-Clause
// put.h - the forms of a row written at a place with room enough: each answers where the next one goes.
//
// A row is two kilobytes in a microsecond: no form asks for room, and some write a few octets beyond their end,
// which the next one writes over. text_at() gives PUT_ROOM octets.
#ifndef ESTAB_TOOL_WATCH_PUT_H
#define ESTAB_TOOL_WATCH_PUT_H

#include <string.h>

#include "estab/base.h"

#define PUT_ROOM                                                                                   \
  4096               // octets; between two calls of text_at() no more is put, steps of a side apart
#define PUT_SLACK 32 // octets beyond the end that a form may spoil

static inline char *put_bytes(char *p, const char *bytes, size_t n)
{
  memcpy(p, bytes, n);
  return p + n;
}

// Literals alone: their length is known.
#define PUT(p, literal) put_bytes((p), (literal), sizeof(literal) - 1)

static inline char *put_string(char *p, const char *string)
{
  while (*string != '\0')
    *p++ = *string++;
  return p;
}

extern const char put_pairs[201]; // "00" to "99"

static inline char *put_two(char *p, uint32_t n)
{
  return put_bytes(p, put_pairs + 2 * n, 2);
}

extern const uint64_t put_powers[20]; // of 10

static inline char *put_number(char *p, uint64_t n)
{
  if (n < 10) {
    *p = (char)('0' + n);
    return p + 1;
  }
  // 1233 / 4096 is the logarithm of 2 to the base of 10, near enough.
  unsigned digits = (64u - (unsigned)__builtin_clzll(n)) * 1233 >> 12;
  digits += n >= put_powers[digits];
  char *end = p + digits, *at = end;
  for (; n > UINT32_MAX; n /= 100)
    put_two(at -= 2, (uint32_t)(n % 100));
  uint32_t rest = (uint32_t)n;
  for (; rest >= 100; rest /= 100)
    put_two(at -= 2, rest % 100);
  if (rest >= 10)
    put_two(at - 2, rest);
  else
    at[-1] = (char)('0' + rest);
  return end;
}

// A point and 9 decimals.
static inline char *put_fraction(char *p, uint32_t ns)
{
  uint32_t high = ns / 10000, low = ns % 10000;
  *p++ = '.';
  *p++ = (char)('0' + high / 10000);
  high %= 10000;
  p = put_two(p, high / 100);
  p = put_two(p, high % 100);
  p = put_two(p, low / 100);
  return put_two(p, low % 100);
}

static inline char *put_seconds(char *p, uint64_t ns)
{
  return put_fraction(put_number(p, ns / 1000000000u), (uint32_t)(ns % 1000000000u));
}

// In at least two digits.
char *put_hex(char *p, uint16_t n);
char *put_ip(char *p, const struct estab_ip *ip);

#endif
