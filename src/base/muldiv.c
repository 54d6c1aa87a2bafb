// SPDX-License-Identifier: BSD-2-Clause
// muldiv.c - a * b / c through 128 bits, with nothing wider than the machine has.
#include "base/bytes.h"

// The 128-bit product of a and b; the compiler's own 128-bit type is used only to multiply, because
// dividing it would need a function of the compiler's library.
static uint64_t muldiv_product(uint64_t a, uint64_t b, uint64_t *high)
{
#ifdef __SIZEOF_INT128__
  __extension__ unsigned __int128 p = (unsigned __int128)a * b;
  *high = (uint64_t)(p >> 64);
  return (uint64_t)p;
#else
  uint64_t a1 = a >> 32, a0 = (uint32_t)a, b1 = b >> 32, b0 = (uint32_t)b;
  uint64_t low = a0 * b0;
  uint64_t mid = a1 * b0 + (low >> 32); // cannot overflow: (2^32-1)^2 + 2^32-1 < 2^64
  uint64_t mid2 = a0 * b1 + (uint32_t)mid;
  *high = a1 * b1 + (mid >> 32) + (mid2 >> 32);
  return mid2 << 32 | (uint32_t)low;
#endif
}

// One 32-bit digit of the quotient: (r * 2^32 + next) / c for a divisor with its top bit set and
// r < c; *r becomes the remainder. The estimate from the top half of c is at most 2 too large.
static uint32_t muldiv_digit(uint64_t *r, uint32_t next, uint64_t c)
{
  uint64_t c1 = c >> 32, c0 = (uint32_t)c;
  uint64_t q = *r / c1, rest = *r % c1;
  while (q >> 32 || q * c0 > (rest << 32 | next)) {
    q--;
    rest += c1;
    if (rest >> 32) break;
  }
  *r = (*r << 32 | next) - q * c; // modulo 2^64, where the true difference fits
  return (uint32_t)q;
}

uint64_t muldiv64(uint64_t a, uint64_t b, uint64_t c)
{
  uint64_t high, low = muldiv_product(a, b, &high);
  if (high >= c) return UINT64_MAX; // also c == 0
  if (high == 0) return low / c;

  unsigned shift = (unsigned)__builtin_clzll(c);
  if (shift) {
    c <<= shift;
    high = high << shift | low >> (64 - shift);
    low <<= shift;
  }
  uint64_t q1 = muldiv_digit(&high, (uint32_t)(low >> 32), c);
  uint64_t q0 = muldiv_digit(&high, (uint32_t)low, c);
  return q1 << 32 | q0;
}
