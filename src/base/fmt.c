// SPDX-License-Identifier: BSD-2-Clause
// fmt.c - text into a buffer of the caller's, without stdio.
#include "base/bytes.h"
#include "base/fmt.h"

void fmt_init(struct fmt *f, char *out, size_t bytes)
{
  f->wanted = 0;
  f->at = bytes ? out : NULL;
  f->end = bytes ? out + bytes - 1 : NULL;
  if (f->at) *f->at = '\0';
}

void fmt_char(struct fmt *f, char c)
{
  f->wanted++;
  if (f->at == f->end) return;
  *f->at++ = c;
  *f->at = '\0';
}

void fmt_str(struct fmt *f, const char *text)
{
  while (*text)
    fmt_char(f, *text++);
}

// Digits, filled up with zeros to `digits`; with `point` > 0 a point before that many last ones.
static void fmt_digits(struct fmt *f, uint64_t value, unsigned base, unsigned digits,
                       unsigned point)
{
  char text[64];
  unsigned n = 0;
  do {
    text[n++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value || (n < digits && n < sizeof text));
  while (n) {
    if (n == point) fmt_char(f, '.');
    fmt_char(f, text[--n]);
  }
}

void fmt_u64(struct fmt *f, uint64_t value)
{
  fmt_digits(f, value, 10, 1, 0);
}

void fmt_i64(struct fmt *f, int64_t value)
{
  if (value < 0) fmt_char(f, '-');
  fmt_u64(f, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void fmt_hex(struct fmt *f, uint64_t value, unsigned digits)
{
  fmt_digits(f, value, 16, digits, 0);
}

void fmt_fixed(struct fmt *f, uint64_t value, unsigned decimals)
{
  fmt_digits(f, value, 10, decimals + 1, decimals);
}

void fmt_seconds(struct fmt *f, uint64_t ns, unsigned decimals)
{
  for (unsigned i = decimals; i < 9; i++)
    ns /= 10;
  fmt_fixed(f, ns, decimals < 9 ? decimals : 9);
}

static void fmt_ip6(struct fmt *f, const uint8_t *bytes)
{
  // RFC 5952 4.2: "::" stands for the longest run of zero groups, the first of equals, never for
  // a single one.
  unsigned run_start = 8, run_groups = 1;
  for (unsigned i = 0; i < 8;) {
    unsigned groups = 0;
    while (i + groups < 8 && get_be16(bytes + 2 * (i + groups)) == 0)
      groups++;
    if (groups > run_groups) {
      run_start = i;
      run_groups = groups;
    }
    i += groups + 1;
  }
  for (unsigned i = 0; i < 8; i++) {
    if (i == run_start) {
      fmt_str(f, "::");
      i += run_groups - 1;
      continue;
    }
    if (i && i != run_start + run_groups) fmt_char(f, ':');
    fmt_hex(f, get_be16(bytes + 2 * i), 1);
  }
}

void fmt_ip(struct fmt *f, const struct estab_ip *ip)
{
  if (!estab_ip_is4(ip)) {
    fmt_ip6(f, ip->bytes);
    return;
  }
  for (unsigned i = 12; i < 16; i++) {
    if (i > 12) fmt_char(f, '.');
    fmt_u64(f, ip->bytes[i]);
  }
}
