// SPDX-License-Identifier: BSD-2-Clause
// hash.c - SipHash over bytes.
#include "base/bytes.h"
#include "base/hash.h"

static uint64_t siphash_bytes(const uint64_t key[2], const void *bytes, size_t n,
                              unsigned word_rounds, unsigned last_rounds)
{
  const uint8_t *p = bytes;
  struct siphash_state s;
  siphash_start(&s, key);
  size_t left = n;
  for (; left >= 8; p += 8, left -= 8)
    siphash_word(&s, get_le64(p), word_rounds);
  uint64_t last = (uint64_t)(n & 0xff) << 56;
  for (unsigned i = 0; i < left; i++)
    last |= (uint64_t)p[i] << (8 * i);
  siphash_word(&s, last, word_rounds);
  return siphash_finish(&s, last_rounds);
}

uint64_t siphash24(const uint64_t key[2], const void *bytes, size_t n)
{
  return siphash_bytes(key, bytes, n, 2, 4);
}

uint64_t siphash13(const uint64_t key[2], const void *bytes, size_t n)
{
  return siphash_bytes(key, bytes, n, 1, 3);
}
