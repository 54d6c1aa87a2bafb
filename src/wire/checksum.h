// SPDX-License-Identifier: BSD-2-Clause
// checksum.h - the end of a checksum, in line: once a segment each way.
#ifndef ESTAB_WIRE_CHECKSUM_H
#define ESTAB_WIRE_CHECKSUM_H

#include <stdint.h>

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

// As estab_checksum_fold().
static inline uint16_t checksum_fold16(uint64_t partial)
{
  return checksum_fold_few(checksum_fold32(partial & ~CHECKSUM_ODD));
}

#endif
