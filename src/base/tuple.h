// SPDX-License-Identifier: BSD-2-Clause
// tuple.h - both ends of a conversation as whole words, for comparing and hashing.
#ifndef ESTAB_BASE_TUPLE_H
#define ESTAB_BASE_TUPLE_H

#include <string.h>

#include "estab/base.h"

#define TUPLE_WORDS 5

static inline bool tuple_equal(const struct estab_tuple *a, const struct estab_tuple *b)
{
  uint64_t x[TUPLE_WORDS] = {0}, y[TUPLE_WORDS] = {0};
  memcpy(x, a, sizeof *a);
  memcpy(y, b, sizeof *b);
  return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4])) == 0;
}

// Answers how many words a hash of the tuple needs: two for two IPv4 addresses and two ports. To a
// hash that takes their number in, IPv4 and IPv6 are different.
static inline unsigned tuple_words(const struct estab_tuple *tuple, uint64_t words[TUPLE_WORDS])
{
  static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
  words[4] = 0;
  memcpy(words, tuple, sizeof *tuple);
  if (memcmp(tuple->local.bytes, mapped, 12) != 0 || memcmp(tuple->remote.bytes, mapped, 12) != 0)
    return TUPLE_WORDS;
  uint32_t ends[2];
  memcpy(&ends[0], tuple->local.bytes + 12, 4);
  memcpy(&ends[1], tuple->remote.bytes + 12, 4);
  words[0] = (uint64_t)ends[0] << 32 | ends[1];
  words[1] = words[4];
  return 2;
}

#endif
