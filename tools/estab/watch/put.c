// SPDX-License-Identifier: BSD-2-Clause
// put.c - addresses and flags of a row.
#include "put.h"

const char put_pairs[201] = "00010203040506070809101112131415161718192021222324252627282930313233"
                            "34353637383940414243444546474849505152535455565758596061626364656667"
                            "6869707172737475767778798081828384858687888990919293949596979899";

#define POWERS(n) (n), (n)*10, (n)*100, (n)*1000, (n)*10000
const uint64_t put_powers[20] = {POWERS(UINT64_C(1)), POWERS(UINT64_C(100000)),
                                 POWERS(UINT64_C(10000000000)), POWERS(UINT64_C(1000000000000000))};

static const char put_digits[16] = "0123456789abcdef";

char *put_hex(char *p, uint16_t n)
{
  for (unsigned shift = 12; shift > 4; shift -= 4)
    if (n >> shift != 0) *p++ = put_digits[n >> shift & 15];
  *p++ = put_digits[n >> 4 & 15];
  *p++ = put_digits[n & 15];
  return p;
}

static char *put_octet(char *p, uint8_t n)
{
  if (n >= 100) {
    *p++ = (char)('0' + n / 100);
    return put_two(p, n % 100u);
  }
  if (n >= 10) return put_two(p, n);
  *p++ = (char)('0' + n);
  return p;
}

char *put_ip(char *p, const struct estab_ip *ip)
{
  if (!estab_ip_is4(ip)) return p + estab_ip_format(ip, p, ESTAB_IP_TEXT_BYTES);
  const uint8_t *octets = ip->bytes + 12;
  p = put_octet(p, octets[0]);
  *p++ = '.';
  p = put_octet(p, octets[1]);
  *p++ = '.';
  p = put_octet(p, octets[2]);
  *p++ = '.';
  return put_octet(p, octets[3]);
}
