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
  8192 // octets; between two calls of text_at() no more is put, many steps of a side apart
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

// Eight digits at a time, all of them at once, in a word whose lowest octet comes first in the text.

static inline bool put_swapped(void) // the test folds away
{
  const uint16_t one = 1;
  char lowest;
  memcpy(&lowest, &one, 1);
  return lowest == 0;
}

static inline void put_word(char *p, uint64_t word)
{
  if (put_swapped()) word = __builtin_bswap64(word);
  memcpy(p, &word, sizeof word);
}

static inline void put_half(char *p, uint32_t half)
{
  if (put_swapped()) half = __builtin_bswap32(half);
  memcpy(p, &half, sizeof half);
}

#define PUT_ZEROS UINT64_C(0x3030303030303030) // "00000000"

// The values of the digits of n < 10^8: its halves, then its quarters, then its eighths in the lanes of a word, the
// higher one in the lower lane. With q = n / b, q + ((n - b * q) << w) is (n << w) - q * ((b << w) - 1), for all lanes
// at once; 10486 / 2^20 is a hundredth and 103 / 2^10 a tenth, near enough for what is divided.
static inline uint64_t put_eight(uint32_t n)
{
  uint64_t v = ((uint64_t)n << 32) - n / 10000 * ((UINT64_C(10000) << 32) - 1);
  uint64_t q = (v * 10486 >> 20) & UINT64_C(0x7f0000007f);
  v = (v << 16) - q * ((100 << 16) - 1);
  q = (v * 103 >> 10) & UINT64_C(0x000f000f000f000f);
  return (v << 8) - q * ((10 << 8) - 1);
}

// The same of n < 10^4, the highest digit in the lowest octet.
static inline uint32_t put_four(uint32_t n)
{
  uint32_t q = n * 5243 >> 19, v = (n << 16) - q * ((100 << 16) - 1);
  q = (v * 103 >> 10) & 0x000f000f;
  return (v << 8) - q * ((10 << 8) - 1);
}

// A row has forty numbers, most of one digit: the others stand apart, so that a row's code leaves room in the cache.
char *put_digits(char *p, uint64_t n);

static inline char *put_number(char *p, uint64_t n)
{
  if (n >= 10) return put_digits(p, n);
  *p = (char)('0' + n);
  return p + 1;
}

// 9 decimals.
static inline char *put_decimals(char *p, uint32_t ns)
{
  *p = (char)('0' + ns / 100000000);
  put_word(p + 1, put_eight(ns % 100000000) | PUT_ZEROS);
  return p + 9;
}

char *put_seconds(char *p, uint64_t ns); // 9 decimals

// The six that a capture mostly has, and no more.
static inline char *put_seconds6(char *p, uint64_t ns)
{
  return put_seconds(p, ns) - 3;
}

// Times of a row lie within a second or few: the digits of the last one are kept.
struct put_second {
  uint64_t begin_ns;
  uint32_t span_ns; // a second; 0 = none is kept yet
  uint32_t bytes;   // of text
  char text[16];    // its digits, at most eleven, and a point
};

void put_second(struct put_second *kept, uint64_t ns);

static inline char *put_time(char *p, uint64_t ns, struct put_second *kept)
{
  if (ns - kept->begin_ns >= kept->span_ns) put_second(kept, ns);
  memcpy(p, kept->text, sizeof kept->text);
  return put_decimals(p + kept->bytes, (uint32_t)(ns - kept->begin_ns));
}

// In at least two digits.
char *put_hex(char *p, uint16_t n);
char *put_ip(char *p, const struct estab_ip *ip);
char *put_endpoint(char *p, const struct estab_ip *ip, uint16_t port); // 192.0.2.1:80, [::1]:80

#endif
