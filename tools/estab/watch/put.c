// SPDX-License-Identifier: BSD-2-Clause
// put.c - addresses and flags of a row.
#include "put.h"

// Nine digits and more.
static __attribute__((noinline)) char *put_more(char *p, uint64_t n)
{
  p = put_number(p, n / 100000000);
  put_word(p, put_eight((uint32_t)(n % 100000000)) | PUT_ZEROS);
  return p + 8;
}

__attribute__((noinline)) char *put_digits(char *p, uint64_t n)
{
  if (n < 10000) {
    const uint32_t digits = put_four((uint32_t)n);
    const unsigned zeros = (unsigned)__builtin_ctz(digits) & ~7u; // bits of leading ones
    put_half(p, (digits | (uint32_t)PUT_ZEROS) >> zeros);
    return p + 4 - zeros / 8;
  }
  if (n >= 100000000) return put_more(p, n);
  const uint64_t digits = put_eight((uint32_t)n);
  const unsigned zeros = (unsigned)__builtin_ctzll(digits) & ~7u;
  put_word(p, (digits | PUT_ZEROS) >> zeros);
  return p + 8 - zeros / 8;
}

__attribute__((noinline)) char *put_seconds(char *p, uint64_t ns)
{
  uint64_t seconds = 0;
  if (ns >= 1000000000u) { // what is measured is mostly less
    seconds = ns / 1000000000u;
    ns -= seconds * 1000000000u;
  }
  p = put_number(p, seconds);
  *p = '.';
  return put_decimals(p + 1, (uint32_t)ns);
}

void put_second(struct put_second *kept, uint64_t ns)
{
  char *end = put_number(kept->text, ns / 1000000000u);
  *end = '.';
  kept->bytes = (uint32_t)(end + 1 - kept->text);
  kept->begin_ns = ns - ns % 1000000000u;
  kept->span_ns = 1000000000u;
}

static const char put_hexes[16] = "0123456789abcdef";

char *put_hex(char *p, uint16_t n)
{
  if (n >= 0x1000) *p++ = put_hexes[n >> 12];
  if (n >= 0x100) *p++ = put_hexes[n >> 8 & 15];
  p[0] = put_hexes[n >> 4 & 15];
  p[1] = put_hexes[n & 15];
  return p + 2;
}

// An octet as an address says it, spelled by the compiler: its digits and how many.
struct octet {
  char digits[3];
  uint8_t bytes;
};

#define ONE(n)                                                                                     \
  {                                                                                                \
    {'0' + (n)}, 1                                                                                 \
  }
#define TWO(n)                                                                                     \
  {                                                                                                \
    {'0' + (n) / 10, '0' + (n) % 10}, 2                                                            \
  }
#define THREE(n)                                                                                   \
  {                                                                                                \
    {'0' + (n) / 100, '0' + (n) / 10 % 10, '0' + (n) % 10}, 3                                      \
  }
#define FIVE(like, n) like(n), like((n) + 1), like((n) + 2), like((n) + 3), like((n) + 4)
#define TEN(like, n)  FIVE(like, n), FIVE(like, (n) + 5)
#define FIFTY(like, n)                                                                             \
  TEN(like, n), TEN(like, (n) + 10), TEN(like, (n) + 20), TEN(like, (n) + 30), TEN(like, (n) + 40)

static const struct octet put_octets[256] = {
    TEN(ONE, 0),       TEN(TWO, 10),     TEN(TWO, 20),      TEN(TWO, 30),
    TEN(TWO, 40),      FIFTY(TWO, 50),   FIFTY(THREE, 100), FIFTY(THREE, 150),
    FIFTY(THREE, 200), FIVE(THREE, 250), THREE(255),
};

static inline char *put_octet(char *p, uint8_t n)
{
  memcpy(p, &put_octets[n], sizeof put_octets[n]); // the fourth one is written over
  return p + put_octets[n].bytes;
}

static char *put_group(char *p, unsigned n)
{
  if (n >= 0x1000) *p++ = put_hexes[n >> 12];
  if (n >= 0x100) *p++ = put_hexes[n >> 8 & 15];
  if (n >= 0x10) *p++ = put_hexes[n >> 4 & 15];
  *p++ = put_hexes[n & 15];
  return p;
}

// As estab_ip_format() says it, RFC 5952 4: "::" stands for the first of the longest runs of at least two zero groups.
static char *put_ip6(char *p, const uint8_t *octets)
{
  unsigned groups[8], run = 0, start = 8, longest = 1;
  for (unsigned i = 0; i < 8; i++) {
    groups[i] = (unsigned)octets[2 * i] << 8 | octets[2 * i + 1];
    run = groups[i] == 0 ? run + 1 : 0;
    if (run <= longest) continue;
    longest = run;
    start = i + 1 - run;
  }
  for (unsigned i = 0; i < 8; i++) {
    if (i == start) {
      *p++ = ':';
      if (i == 0) *p++ = ':';
      i += longest - 1;
      continue;
    }
    p = put_group(p, groups[i]);
    if (i < 7) *p++ = ':';
  }
  return p;
}

char *put_ip(char *p, const struct estab_ip *ip)
{
  if (!estab_ip_is4(ip)) return put_ip6(p, ip->bytes);
  const uint8_t *octets = ip->bytes + 12;
  p = put_octet(p, octets[0]);
  *p++ = '.';
  p = put_octet(p, octets[1]);
  *p++ = '.';
  p = put_octet(p, octets[2]);
  *p++ = '.';
  return put_octet(p, octets[3]);
}

char *put_endpoint(char *p, const struct estab_ip *ip, uint16_t port)
{
  const bool brackets = !estab_ip_is4(ip);
  if (brackets) *p++ = '[';
  p = put_ip(p, ip);
  if (brackets) *p++ = ']';
  *p++ = ':';
  return put_number(p, port);
}
