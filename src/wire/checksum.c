// SPDX-License-Identifier: BSD-2-Clause
// checksum.c - the Internet checksum of RFC 1071, in pieces.
//
// Ones' complement addition does not care about the width of the words or their byte order, so whole
// machine words are added as they lie in memory and only the end result is turned round. Adding a
// double word compiles to add, adc and adc 0 for its carry: three instructions for 16 bytes, without
// vector registers.
//
// A partial sum is a 63-bit sum of big-endian 16-bit words; bit 63 says that the bytes so far are odd
// in number, and so that the next piece's bytes change places.

#include <estab/wire.h>
#include "base/bytes.h"
#include "wire/checksum.h"

#include <string.h>

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 checksum_word;
#else
typedef uint64_t checksum_word;
#endif

static inline checksum_word checksum_load(const uint8_t *p)
{
  checksum_word v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline bool checksum_little_endian(void)
{
  const uint16_t one = 1;
  uint8_t first;
  memcpy(&first, &one, 1);
  return first == 1;
}

// Bytes within each 16-bit word change places (and so do the words, which is the same to a sum).
static inline uint32_t checksum_swap(uint32_t v)
{
  return v >> 24 | (v >> 8 & 0xff00) | (v << 8 & 0xff0000) | v << 24;
}

// All that was added up so far. Each further word costs an addition and its carry.
struct checksum_sum {
  checksum_word sum;
  uint64_t rest; // carries out of sum, and what is too short for a word; below 2^48
};

static inline void checksum_take(struct checksum_sum *s, const uint8_t *p)
{
  s->rest += __builtin_add_overflow(s->sum, checksum_load(p), &s->sum);
}

static inline void checksum_take2(struct checksum_sum *s, const uint8_t *p)
{
  checksum_take(s, p);
  checksum_take(s, p + sizeof(checksum_word));
}

static inline void checksum_take4(struct checksum_sum *s, const uint8_t *p)
{
  checksum_take2(s, p);
  checksum_take2(s, p + 2 * sizeof(checksum_word));
}

static inline void checksum_take8(struct checksum_sum *s, const uint8_t *p)
{
  checksum_take4(s, p);
  checksum_take4(s, p + 4 * sizeof(checksum_word));
}

// The last bytes, fewer than 16, as if zeros followed.
static inline void checksum_take_tail(struct checksum_sum *s, const uint8_t *p, size_t count)
{
  if (count & 8) {
    uint32_t v[2];
    memcpy(v, p, 8);
    s->rest += v[0];
    s->rest += v[1];
    p += 8;
  }
  if (count & 4) {
    uint32_t v;
    memcpy(&v, p, 4);
    s->rest += v;
    p += 4;
  }
  if (count & 2) {
    uint16_t v;
    memcpy(&v, p, 2);
    s->rest += v;
    p += 2;
  }
  if (count & 1) {
    uint16_t v = 0;
    memcpy(&v, p, 1);
    s->rest += v;
  }
}

static inline uint32_t checksum_total(const struct checksum_sum *s)
{
  const unsigned half_bits = 4 * sizeof s->sum;
  const uint64_t high = (uint64_t)(s->sum >> half_bits);
  const uint64_t low = (uint64_t)(s->sum - ((checksum_word)high << half_bits));
  const uint64_t both = high + low;
  return checksum_fold32((both & UINT32_MAX) + (both >> 32) + s->rest + (both < high));
}

// Fewer than 32 bytes, most of a TCP header: as if zeros followed.
static inline uint32_t checksum_short(const uint8_t *p, size_t count)
{
  struct checksum_sum s = {0, 0};
  if (count & 16) {
    uint32_t v[4];
    memcpy(v, p, sizeof v);
    s.rest = (uint64_t)v[0] + v[1] + v[2] + v[3];
    p += 16;
  }
  checksum_take_tail(&s, p, count & 15);
  return checksum_fold32(s.rest);
}

// The sum of a piece joins those before it.
static inline uint64_t checksum_join(uint64_t partial, uint32_t piece, size_t count)
{
  if (checksum_little_endian() != ((partial & CHECKSUM_ODD) != 0)) piece = checksum_swap(piece);
  return (partial + piece) ^ (uint64_t)(count & 1) << 63;
}

// Out of line, so that short pieces do not save the registers that this one needs.
static __attribute__((noinline)) uint64_t checksum_add_long(uint64_t partial, const void *bytes,
                                                            size_t count)
{
  const size_t word = sizeof(checksum_word);
  const uint8_t *const end = (const uint8_t *)bytes + (count & ~(16 * word - 1));
  const uint8_t *p = end;
  struct checksum_sum s = {0, 0}, rounds = {0, 0};

  if (count & (8 * word)) {
    checksum_take8(&s, p);
    p += 8 * word;
  }
  if (count & (4 * word)) {
    checksum_take4(&s, p);
    p += 4 * word;
  }
  if (count & (2 * word)) {
    checksum_take2(&s, p);
    p += 2 * word;
  }
  if (count & word) {
    checksum_take(&s, p);
    p += word;
  }
  checksum_take_tail(&s, p, count & (word - 1));
  // A sum of their own for the rounds lets compilers keep it in two registers.
  for (p = bytes; p != end; p += 16 * word) {
    checksum_take8(&rounds, p);
    checksum_take8(&rounds, p + 8 * word);
  }
  s.rest += __builtin_add_overflow(s.sum, rounds.sum, &s.sum) + rounds.rest;

  return checksum_join(partial, checksum_total(&s), count);
}

uint64_t estab_checksum_add(uint64_t partial, const void *bytes, size_t count)
{
  if (count < 32) return checksum_join(partial, checksum_short(bytes, count), count);
  return checksum_add_long(partial, bytes, count);
}

uint64_t estab_checksum_pseudo(const struct estab_ip *src, const struct estab_ip *dst,
                               uint8_t protocol, uint32_t upper_bytes)
{
  // An IPv4 address is mapped, so its 16 bytes hold 0xffff besides it: zero to this sum. Length and
  // protocol weigh the same in both pseudo-headers. So one sum serves IPv4 and IPv6.
  struct checksum_sum s = {0, 0};
  for (size_t i = 0; i < sizeof *src; i += sizeof(checksum_word)) {
    checksum_take(&s, src->bytes + i);
    checksum_take(&s, dst->bytes + i);
  }
  const uint32_t addresses = checksum_total(&s);
  return (uint64_t)(checksum_little_endian() ? checksum_swap(addresses) : addresses) + protocol +
         upper_bytes;
}

uint16_t estab_checksum_fold(uint64_t partial)
{
  return checksum_fold16(partial);
}

uint16_t estab_checksum_finish(uint64_t partial)
{
  return (uint16_t)~estab_checksum_fold(partial);
}

uint16_t estab_checksum_update16(uint16_t checksum, uint16_t before, uint16_t after)
{
  return estab_checksum_update32(checksum, before, after);
}

uint16_t estab_checksum_update32(uint16_t checksum, uint32_t before, uint32_t after)
{
  // HC' = ~(~HC + ~m + m'): never turns a sum that is not zero into minus zero, as RFC 1624 2 shows
  // the older equation does.
  return estab_checksum_finish((uint64_t)(uint16_t)~checksum + (uint32_t)~before + after);
}
