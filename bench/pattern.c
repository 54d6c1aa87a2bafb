// SPDX-License-Identifier: BSD-2-Clause
// pattern.c - a byte stream that every receiver of the bench can check at any offset.

#include "pattern.h"

#include <string.h>

static uint8_t table[PATTERN_PERIOD_BYTES + PATTERN_RUN_BYTES];

void pattern_init(void)
{
  uint64_t x = 0x2545f4914f6cdd1du;
  for (size_t i = 0; i < PATTERN_PERIOD_BYTES; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    table[i] = (uint8_t)(x >> 32);
  }
  for (size_t i = PATTERN_PERIOD_BYTES; i < sizeof table; i++)
    table[i] = table[i - PATTERN_PERIOD_BYTES];
}

const uint8_t *pattern_at(uint64_t offset)
{
  return table + offset % PATTERN_PERIOD_BYTES;
}

bool pattern_matches(uint64_t offset, const void *bytes, size_t n)
{
  const uint8_t *have = bytes;
  while (n > 0) {
    size_t part = n < PATTERN_RUN_BYTES ? n : PATTERN_RUN_BYTES;
    if (memcmp(pattern_at(offset), have, part) != 0) return false;
    offset += part;
    have += part;
    n -= part;
  }
  return true;
}
