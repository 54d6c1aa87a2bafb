// SPDX-License-Identifier: BSD-2-Clause
// hash.h - SipHash (Aumasson and Bernstein): a keyed hash whose values nobody without the key can aim at.
#ifndef ESTAB_BASE_HASH_H
#define ESTAB_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

// SipHash-2-4: where the value is shown to others (initial sequence numbers, timestamps offsets).
uint64_t siphash24(const uint64_t key[2], const void *bytes, size_t n);

// SipHash-1-3: where only collisions matter (tables).
uint64_t siphash13(const uint64_t key[2], const void *bytes, size_t n);

struct siphash_state {
  uint64_t v0, v1, v2, v3;
};

static inline uint64_t siphash_rotate(uint64_t v, unsigned bits)
{
  return v << bits | v >> (64 - bits);
}

static inline void siphash_round(struct siphash_state *s)
{
  s->v0 += s->v1;
  s->v2 += s->v3;
  s->v1 = siphash_rotate(s->v1, 13) ^ s->v0;
  s->v3 = siphash_rotate(s->v3, 16) ^ s->v2;
  s->v0 = siphash_rotate(s->v0, 32);
  s->v2 += s->v1;
  s->v0 += s->v3;
  s->v1 = siphash_rotate(s->v1, 17) ^ s->v2;
  s->v3 = siphash_rotate(s->v3, 21) ^ s->v0;
  s->v2 = siphash_rotate(s->v2, 32);
}

// Up to four, written out: as a loop each round would cost a quarter more.
static inline void siphash_rounds(struct siphash_state *s, unsigned rounds)
{
  if (rounds > 0) siphash_round(s);
  if (rounds > 1) siphash_round(s);
  if (rounds > 2) siphash_round(s);
  if (rounds > 3) siphash_round(s);
}

static inline void siphash_start(struct siphash_state *s, const uint64_t key[2])
{
  s->v0 = key[0] ^ UINT64_C(0x736f6d6570736575);
  s->v1 = key[1] ^ UINT64_C(0x646f72616e646f6d);
  s->v2 = key[0] ^ UINT64_C(0x6c7967656e657261);
  s->v3 = key[1] ^ UINT64_C(0x7465646279746573);
}

static inline void siphash_word(struct siphash_state *s, uint64_t word, unsigned rounds)
{
  s->v3 ^= word;
  siphash_rounds(s, rounds);
  s->v0 ^= word;
}

static inline uint64_t siphash_finish(struct siphash_state *s, unsigned rounds)
{
  s->v2 ^= 0xff;
  siphash_rounds(s, rounds);
  return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t siphash_words(const uint64_t key[2], const uint64_t *words, size_t count,
                                     unsigned word_rounds, unsigned last_rounds)
{
  struct siphash_state s;
  siphash_start(&s, key);
  for (size_t i = 0; i < count; i++)
    siphash_word(&s, words[i], word_rounds);
  // The last word: length in bytes modulo 256.
  siphash_word(&s, (uint64_t)(count & 31) << 59, word_rounds);
  return siphash_finish(&s, last_rounds);
}

// SipHash-1-3 of whole words: the same as siphash13() of their bytes, each word little-endian.
static inline uint64_t siphash13_words(const uint64_t key[2], const uint64_t *words, size_t count)
{
  return siphash_words(key, words, count, 1, 3);
}

// SipHash-2-4, the same way.
static inline uint64_t siphash24_words(const uint64_t key[2], const uint64_t *words, size_t count)
{
  return siphash_words(key, words, count, 2, 4);
}

#endif
