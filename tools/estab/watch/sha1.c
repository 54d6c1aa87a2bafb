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

static void sha1_digest(const uint32_t block[SHA1_BLOCK_WORDS], uint32_t digest[5])
{
  static const uint32_t start[5] = SHA1_START;
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

static inline void sha1_digits(char *text, uint32_t group)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  text[0] = digits[group >> 18 & 63];
  text[1] = digits[group >> 12 & 63];
  text[2] = digits[group >> 6 & 63];
  text[3] = digits[group & 63];
}

void sha1_text_plain(const uint32_t block[SHA1_BLOCK_WORDS], char text[SHA1_ROOM])
{
  uint32_t d[5];
  sha1_digest(block, d);
  sha1_digits(text, d[0] >> 8);
  sha1_digits(text + 4, d[0] << 16 | d[1] >> 16);
  sha1_digits(text + 8, d[1] << 8 | d[2] >> 24);
  sha1_digits(text + 12, d[2]);
  sha1_digits(text + 16, d[3] >> 8);
  sha1_digits(text + 20, d[3] << 16 | d[4] >> 16);
  sha1_digits(text + 24, d[4] << 8);
  text[SHA1_TEXT - 1] = '=';
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

// Sixteen digits of twelve octets: each lane of `v` has octets 1, 0, 2 and 1 of its three, lowest first, so that all
// bits of two digits lie in each half of it. Multiplying shifts them, each to its octet's end.
__attribute__((target("ssse3"))) static inline __m128i sha1_digits_x86(__m128i v)
{
  const __m128i even =
      _mm_mulhi_epu16(_mm_and_si128(v, _mm_set1_epi32(0x0fc0fc00)), _mm_set1_epi32(0x04000040));
  const __m128i odd =
      _mm_mullo_epi16(_mm_and_si128(v, _mm_set1_epi32(0x003f03f0)), _mm_set1_epi32(0x01000010));
  const __m128i digit = _mm_or_si128(even, odd);
  // Which of the alphabet's ranges: 0 small letters, 1 to 10 digits, 11 plus, 12 slash, 13 capitals.
  const __m128i capital = _mm_cmpgt_epi8(_mm_set1_epi8(26), digit);
  const __m128i range = _mm_or_si128(_mm_subs_epu8(digit, _mm_set1_epi8(51)),
                                     _mm_and_si128(capital, _mm_set1_epi8(13)));
  const char small = 'a' - 26, number = '0' - 52, plus = '+' - 62, slash = '/' - 63;
  const __m128i from = _mm_setr_epi8(small, number, number, number, number, number, number, number,
                                     number, number, number, plus, slash, 'A', 0, 0);
  return _mm_add_epi8(digit, _mm_shuffle_epi8(from, range));
}

__attribute__((target("sha,ssse3"))) static void sha1_text_x86(const uint32_t *block, char *text)
{
  static const uint32_t start[5] = SHA1_START;
  const __m128i first = _mm_set_epi32((int)start[0], (int)start[1], (int)start[2], (int)start[3]);
  const __m128i first_e = _mm_set_epi32((int)start[4], 0, 0, 0);
  __m128i m[4], abcd = first, e = first_e;
  for (unsigned i = 0; i < 4; i++) // the first word is the highest
    m[i] = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(block + 4 * i)), 0x1b);
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
  abcd = _mm_add_epi32(abcd, first);
  // The digest's octets 0 to 11 lie in `abcd` from 15 down, those from 12 in `rest` from 7 down; -1 gives a zero.
  const __m128i rest = _mm_alignr_epi8(abcd, e, 12);
  const __m128i order = _mm_setr_epi8(14, 15, 13, 14, 11, 12, 10, 11, 8, 9, 7, 8, 5, 6, 4, 5);
  const __m128i order_rest = _mm_setr_epi8(6, 7, 5, 6, 3, 4, 2, 3, 0, 1, -1, 0, -1, -1, -1, -1);
  _mm_storeu_si128((__m128i *)(void *)text, sha1_digits_x86(_mm_shuffle_epi8(abcd, order)));
  _mm_storeu_si128((__m128i *)(void *)(text + 16),
                   sha1_digits_x86(_mm_shuffle_epi8(rest, order_rest)));
  text[SHA1_TEXT - 1] = '=';
}

static bool sha1_has_x86(void)
{
  unsigned a, b = 0, c = 0, d;
  const unsigned ssse3 = 1u << 9, sha = 1u << 29;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & ssse3)) return false;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & sha);
}

void sha1_text(const uint32_t block[SHA1_BLOCK_WORDS], char text[SHA1_ROOM])
{
  static int has = -1; // asked once: cpuid takes longer than a digest
  if (has < 0) has = sha1_has_x86();
  (has ? sha1_text_x86 : sha1_text_plain)(block, text);
}

#else

void sha1_text(const uint32_t block[SHA1_BLOCK_WORDS], char text[SHA1_ROOM])
{
  sha1_text_plain(block, text);
}

#endif
