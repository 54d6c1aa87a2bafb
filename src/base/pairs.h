// SPDX-License-Identifier: BSD-2-Clause
// pairs.h - a keyed hash of few words at a multiplication for two of them, for tables whose order nobody sees.
//
// The pairwise multilinear family of Lemire and Kaser ("Strongly universal string hashing is fast", 2014): words
// of 32 bits, keys of 64, arithmetic modulo 2^64, the upper half is the value. Strongly universal: whoever does
// not know the key meets any two values with a chance of 2^-64, whatever words he takes. It has no mixing to
// hide the key: where values are seen, base/hash.h it is.
#ifndef ESTAB_BASE_PAIRS_H
#define ESTAB_BASE_PAIRS_H

#include "base/hash.h"

#define PAIRS_WORDS 12 // of 32 bits, at most

struct pairs_key {
  uint64_t words[PAIRS_WORDS + 1]; // the last one is added
};

// `which` makes one of many keys of one secret.
static inline void pairs_key_make(struct pairs_key *key, const uint64_t secret[2], uint64_t which)
{
  for (uint64_t i = 0; i <= PAIRS_WORDS; i++) {
    const uint64_t words[2] = {which, i};
    key->words[i] = siphash24_words(secret, words, 2);
  }
}

// One pair more. A hash begins with key->words[PAIRS_WORDS] and ends with its upper half; how many words there are
// must not depend on what they say.
static inline uint64_t pairs_add(uint64_t sum, const struct pairs_key *key, unsigned at, uint32_t a,
                                 uint32_t b)
{
  return sum + (key->words[at] + a) * (key->words[at + 1] + b);
}

#endif
