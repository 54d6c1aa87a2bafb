// SPDX-License-Identifier: BSD-2-Clause
// sha1.c - SHA-1 of one block, written out, and by the instructions that x86-64 has for it.
#include "sha1.h"

#include <stdbool.h>
#include <string.h>

#define SHA1_START                                                                                 \
  {                                                                                                \
    0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0                                     \
  }

static inline uint32_t rotate(uint32_t v, unsigned bits)
{
  return v << bits | v >> (32 - bits);
}

#define CHOOSE(b, c, d)   ((d) ^ ((b) & ((c) ^ (d))))
#define PARITY(b, c, d)   ((b) ^ (c) ^ (d))
#define MAJORITY(b, c, d) (((b) & (c)) | ((d) & ((b) | (c))))

// Word i of the schedule, in the place of word i - 16.
#define WORD(i)                                                                                    \
  ((i) < 16 ? w[(i)&15]                                                                            \
            : (w[(i)&15] = rotate(                                                                 \
                   w[((i) + 13) & 15] ^ w[((i) + 8) & 15] ^ w[((i) + 2) & 15] ^ w[(i)&15], 1)))

#define ROUND(a, b, c, d, e, f, k, i)                                                              \
  (e += rotate(a, 5) + f(b, c, d) + (k) + WORD(i), b = rotate(b, 30))
#define ROUNDS(f, k, i)                                                                            \
  (ROUND(a, b, c, d, e, f, k, (i)), ROUND(e, a, b, c, d, f, k, (i) + 1),                           \
   ROUND(d, e, a, b, c, f, k, (i) + 2), ROUND(c, d, e, a, b, f, k, (i) + 3),                       \
   ROUND(b, c, d, e, a, f, k, (i) + 4))
#define TWENTY(f, k, i)                                                                            \
  (ROUNDS(f, k, (i)), ROUNDS(f, k, (i) + 5), ROUNDS(f, k, (i) + 10), ROUNDS(f, k, (i) + 15))

void sha1_block_plain(const uint32_t block[SHA1_BLOCK_WORDS], uint32_t digest[SHA1_WORDS])
{
  static const uint32_t start[SHA1_WORDS] = SHA1_START;
  uint32_t w[SHA1_BLOCK_WORDS];
  uint32_t a = start[0], b = start[1], c = start[2], d = start[3], e = start[4];
  memcpy(w, block, sizeof w);
  TWENTY(CHOOSE, 0x5a827999, 0);
  TWENTY(PARITY, 0x6ed9eba1, 20);
  TWENTY(MAJORITY, 0x8f1bbcdc, 40);
  TWENTY(PARITY, 0xca62c1d6, 60);
  digest[0] = a + start[0];
  digest[1] = b + start[1];
  digest[2] = c + start[2];
  digest[3] = d + start[3];
  digest[4] = e + start[4];
}

#if defined __x86_64__

#include <cpuid.h>
#include <immintrin.h>

// Four rounds of the twenty that `k` belongs to. m[i & 3] is words 4 i to 4 i + 3 of the schedule, made of those
// before; e has the state's fifth word as sha1nexte wants it.
#define SHA1_FOUR(i, k)                                                                            \
  do {                                                                                             \
    if ((i) >= 4)                                                                                  \
      m[(i)&3] = _mm_sha1msg2_epu32(                                                               \
          _mm_xor_si128(_mm_sha1msg1_epu32(m[(i)&3], m[((i) + 1) & 3]), m[((i) + 2) & 3]),         \
          m[((i) + 3) & 3]);                                                                       \
    const __m128i with = (i) == 0 ? _mm_add_epi32(e, m[0]) : _mm_sha1nexte_epu32(e, m[(i)&3]);     \
    e = abcd;                                                                                      \
    abcd = _mm_sha1rnds4_epu32(abcd, with, k);                                                     \
  } while (0)

// A vector's highest word comes first there.
#define SHA1_TURN(v) _mm_shuffle_epi32((v), 0x1b)

__attribute__((target("sha,sse4.1"))) static void sha1_block_x86(const uint32_t *block,
                                                                 uint32_t digest[SHA1_WORDS])
{
  static const uint32_t start[SHA1_WORDS] = SHA1_START;
  const __m128i first = _mm_set_epi32((int)start[0], (int)start[1], (int)start[2], (int)start[3]);
  const __m128i first_e = _mm_set_epi32((int)start[4], 0, 0, 0);
  __m128i m[4], abcd = first, e = first_e;
  for (unsigned i = 0; i < 4; i++)
    m[i] = SHA1_TURN(_mm_loadu_si128((const __m128i *)(const void *)(block + 4 * i)));
  SHA1_FOUR(0, 0);
  SHA1_FOUR(1, 0);
  SHA1_FOUR(2, 0);
  SHA1_FOUR(3, 0);
  SHA1_FOUR(4, 0);
  SHA1_FOUR(5, 1);
  SHA1_FOUR(6, 1);
  SHA1_FOUR(7, 1);
  SHA1_FOUR(8, 1);
  SHA1_FOUR(9, 1);
  SHA1_FOUR(10, 2);
  SHA1_FOUR(11, 2);
  SHA1_FOUR(12, 2);
  SHA1_FOUR(13, 2);
  SHA1_FOUR(14, 2);
  SHA1_FOUR(15, 3);
  SHA1_FOUR(16, 3);
  SHA1_FOUR(17, 3);
  SHA1_FOUR(18, 3);
  SHA1_FOUR(19, 3);
  e = _mm_sha1nexte_epu32(e, first_e);
  abcd = SHA1_TURN(_mm_add_epi32(abcd, first));
  memcpy(digest, &abcd, sizeof abcd);
  digest[4] = (uint32_t)_mm_extract_epi32(e, 3);
}

static bool sha1_has_x86(void)
{
  unsigned a, b = 0, c = 0, d;
  const unsigned sse41 = 1u << 19, sha = 1u << 29;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & sse41)) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & sha);
}

void sha1_block(const uint32_t block[SHA1_BLOCK_WORDS], uint32_t digest[SHA1_WORDS])
{
  static int has = -1; // asked once: cpuid takes longer than a digest
  if (has < 0) has = sha1_has_x86();
  (has ? sha1_block_x86 : sha1_block_plain)(block, digest);
}

#else

void sha1_block(const uint32_t block[SHA1_BLOCK_WORDS], uint32_t digest[SHA1_WORDS])
{
  sha1_block_plain(block, digest);
}

#endif
