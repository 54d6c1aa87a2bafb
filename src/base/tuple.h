// SPDX-License-Identifier: BSD-2-Clause
// tuple.h - both ends of a conversation as whole words, for comparing and hashing.
#ifndef ESTAB_BASE_TUPLE_H
#define ESTAB_BASE_TUPLE_H

#include <string.h>

#include "base/hash.h"
#include "estab/base.h"

static inline bool tuple_equal(const struct estab_tuple *a, const struct estab_tuple *b)
{
  uint64_t x[5] = {0}, y[5] = {0};
  memcpy(x, a, sizeof *a);
  memcpy(y, b, sizeof *b);
  return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4])) == 0;
}

static inline bool tuple_is4(const struct estab_tuple *tuple)
{
  static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
  uint64_t high[3];
  uint32_t low[3];
  memcpy(&high[0], tuple->local.bytes, 8);
  memcpy(&high[1], tuple->remote.bytes, 8);
  memcpy(&high[2], mapped, 8);
  memcpy(&low[0], tuple->local.bytes + 8, 4);
  memcpy(&low[1], tuple->remote.bytes + 8, 4);
  memcpy(&low[2], mapped + 8, 4);
  return ((high[0] ^ high[2]) | (high[1] ^ high[2]) | (low[0] ^ low[2]) | (low[1] ^ low[2])) == 0;
}

// SipHash of the addresses and ports: of 12 bytes for IPv4, of 36 for IPv6. As in SipHash itself the last word holds
// what is left, the ports, and the length, so that IPv4 and IPv6 are different.
static inline uint64_t tuple_siphash(const uint64_t key[2], const struct estab_tuple *tuple,
                                     unsigned word_rounds, unsigned last_rounds)
{
  struct siphash_state s;
  uint64_t words[4];
  uint32_t ports, ends[2];
  siphash_start(&s, key);
  memcpy(&ports, &tuple->local_port, sizeof ports);
  if (tuple_is4(tuple)) {
    memcpy(&ends[0], tuple->local.bytes + 12, 4);
    memcpy(&ends[1], tuple->remote.bytes + 12, 4);
    siphash_word(&s, (uint64_t)ends[0] << 32 | ends[1], word_rounds);
    siphash_word(&s, UINT64_C(12) << 56 | ports, word_rounds);
  } else {
    memcpy(words, tuple, sizeof words);
    for (unsigned i = 0; i < 4; i++)
      siphash_word(&s, words[i], word_rounds);
    siphash_word(&s, UINT64_C(36) << 56 | ports, word_rounds);
  }
  return siphash_finish(&s, last_rounds);
}

#endif
