// SPDX-License-Identifier: BSD-2-Clause
// checksum.h - the end of a checksum, in line: once a segment each way.
#ifndef ESTAB_WIRE_CHECKSUM_H
#define ESTAB_WIRE_CHECKSUM_H

#include <stdint.h>

#include "base/bytes.h"
#include "estab/wire.h"

#define CHECKSUM_ODD (UINT64_C(1) << 63)

// 64 bits to 32 by end-around carry: both halves together, and a carry back in.
static inline uint32_t checksum_fold32(uint64_t v)
{
  v = (v & UINT32_MAX) + (v >> 32);
  return (uint32_t)(v + (v >> 32));
}

// A sum of a few 16-bit numbers.
static inline uint16_t checksum_fold_few(uint32_t sum)
{
  sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)(sum + (sum >> 16));
}

// Sums in the machine's byte order, for one segment: turned round only where they end. The bytes of a 16-bit word
// change places when it is multiplied by 256, as 2^16 is 1 modulo 0xffff.

static inline uint32_t checksum_load32(const uint8_t *p)
{
  uint32_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

// Of a TCP header: a multiple of 4 bytes, at least 20.
static inline uint64_t checksum_tcp_header(const uint8_t *p, size_t header_bytes)
{
  uint64_t sum = (uint64_t)checksum_load32(p) + checksum_load32(p + 4) + checksum_load32(p + 8) +
                 checksum_load32(p + 12) + checksum_load32(p + 16);
  for (size_t at = 20; at < header_bytes; at += 4)
    sum += checksum_load32(p + at);
  return sum;
}

// A partial sum, as estab_checksum_add() gives it, joins one of those.
static inline uint64_t checksum_with(uint64_t sum, uint64_t partial)
{
  const uint64_t big = partial & ~CHECKSUM_ODD; // far below 2^40
  return sum + (bytes_swapped() ? big << 8 : big);
}

// The sum over a segment with a right checksum, which is not 0.
static inline bool checksum_is_right(uint64_t sum)
{
  return checksum_fold32(sum) % 0xffff == 0;
}

// The field of a header, to be stored as it is.
static inline uint16_t checksum_field(uint64_t sum)
{
  return (uint16_t)~checksum_fold_few(checksum_fold32(sum));
}

// As estab_checksum_fold().
static inline uint16_t checksum_fold16(uint64_t partial)
{
  return checksum_fold_few(checksum_fold32(partial & ~CHECKSUM_ODD));
}

#endif
