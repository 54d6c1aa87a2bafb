// SPDX-License-Identifier: BSD-2-Clause
// community_id.c - Community ID version 1: base 64 of SHA-1 over seed, ordered endpoints and protocol.
#include "community_id.h"

#include <string.h>

#define MESSAGE_BYTES 40 // two IPv6 addresses and eight octets: with its padding one block of SHA-1

// ---------------------------------------------------------------------------------------------
// SHA-1 (FIPS 180-4) of one block: a library's, with its states and copies, takes four times as long

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

// `w`: the block's words; spoiled.
static void sha1_block(uint32_t w[16], uint32_t digest[5])
{
  static const uint32_t start[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  uint32_t a = start[0], b = start[1], c = start[2], d = start[3], e = start[4];
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

static void put_be(uint8_t *p, uint32_t v)
{
  p[0] = (uint8_t)(v >> 24);
  p[1] = (uint8_t)(v >> 16);
  p[2] = (uint8_t)(v >> 8);
  p[3] = (uint8_t)v;
}

// `bytes` is at most MESSAGE_BYTES.
static void sha1_short(const uint8_t *message, size_t bytes, uint8_t digest[20])
{
  uint8_t block[64] = {0};
  uint32_t w[16], words[5];
  memcpy(block, message, bytes);
  block[bytes] = 0x80;
  for (unsigned i = 0; i < 15; i++)
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
           (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
  w[15] = (uint32_t)bytes * 8;
  sha1_block(w, words);
  for (unsigned i = 0; i < 5; i++)
    put_be(digest + 4 * i, words[i]);
}

// ---------------------------------------------------------------------------------------------

static char *base64(const uint8_t *bytes, size_t n, char *text)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < n; i += 3) {
    uint32_t group = (uint32_t)bytes[i] << 16;
    if (i + 1 < n) group |= (uint32_t)bytes[i + 1] << 8;
    if (i + 2 < n) group |= bytes[i + 2];
    *text++ = digits[group >> 18];
    *text++ = digits[group >> 12 & 63];
    *text++ = i + 1 < n ? digits[group >> 6 & 63] : '=';
    *text++ = i + 2 < n ? digits[group & 63] : '=';
  }
  *text = '\0';
  return text;
}

char *community_id(const struct estab_watch_conn *c, char text[COMMUNITY_ID_TEXT])
{
  bool ip4 = estab_ip_is4(&c->orig_ip) && estab_ip_is4(&c->resp_ip);
  size_t skip = ip4 ? 12 : 0, n = 16 - skip;
  const uint8_t *a = c->orig_ip.bytes + skip, *b = c->resp_ip.bytes + skip;
  uint16_t a_port = c->orig_port, b_port = c->resp_port;
  int order = memcmp(a, b, n);
  if (order > 0 || (order == 0 && a_port > b_port)) {
    const uint8_t *swap = a;
    uint16_t swap_port = a_port;
    a = b;
    b = swap;
    a_port = b_port;
    b_port = swap_port;
  }
  uint8_t message[MESSAGE_BYTES] = {0, 0}, digest[20]; // seed 0
  size_t used = 2;
  memcpy(message + used, a, n);
  memcpy(message + used + n, b, n);
  used += 2 * n;
  message[used++] = 6; // TCP
  message[used++] = 0;
  message[used++] = (uint8_t)(a_port >> 8);
  message[used++] = (uint8_t)a_port;
  message[used++] = (uint8_t)(b_port >> 8);
  message[used++] = (uint8_t)b_port;
  sha1_short(message, used, digest);
  memcpy(text, "1:", 2);
  return base64(digest, sizeof digest, text + 2);
}
