// SPDX-License-Identifier: BSD-2-Clause
// tuple.h - both ends of a conversation as whole words, for comparing and hashing.
#ifndef ESTAB_BASE_TUPLE_H
#define ESTAB_BASE_TUPLE_H

#include <string.h>

#include "base/hash.h"
#include "estab/base.h"

// An IPv4 address, RFC 4291 2.5.5.2.
static inline bool ip_is_mapped(const struct estab_ip *ip)
{
  static const uint8_t prefix[4] = {0, 0, 0xff, 0xff};
  uint64_t zero;
  uint32_t ones, want;
  memcpy(&zero, ip->bytes, sizeof zero);
  memcpy(&ones, ip->bytes + 8, sizeof ones);
  memcpy(&want, prefix, sizeof want);
  return zero == 0 && ones == want;
}

static inline bool ip_equal(const struct estab_ip *a, const struct estab_ip *b)
{
  uint64_t x[2], y[2];
  memcpy(x, a->bytes, sizeof x);
  memcpy(y, b->bytes, sizeof y);
  return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

// Whether the first `bits` of two addresses agree.
static inline bool ip_prefix_match(const struct estab_ip *a, const struct estab_ip *b,
                                   unsigned bits)
{
  unsigned whole = bits / 8, rest = bits % 8;
  if (memcmp(a->bytes, b->bytes, whole) != 0) return false;
  return !rest || (a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest) == 0;
}

// The nth word of a tuple's addresses.
static inline uint64_t tuple_word(const struct estab_tuple *tuple, unsigned nth)
{
  uint64_t word;
  memcpy(&word, (const uint8_t *)tuple + 8 * nth, sizeof word);
  return word;
}

static inline uint32_t tuple_ports(const struct estab_tuple *tuple)
{
  uint32_t ports;
  memcpy(&ports, &tuple->local_port, sizeof ports);
  return ports;
}

// For ip_emit_to()'s flow.
static inline uint32_t tuple_flow(const struct estab_tuple *tuple)
{
  return (uint32_t)tuple->local_port << 16 | tuple->remote_port;
}

static inline bool tuple_equal(const struct estab_tuple *a, const struct estab_tuple *b)
{
  return ((tuple_word(a, 0) ^ tuple_word(b, 0)) | (tuple_word(a, 1) ^ tuple_word(b, 1)) |
          (tuple_word(a, 2) ^ tuple_word(b, 2)) | (tuple_word(a, 3) ^ tuple_word(b, 3)) |
          (tuple_ports(a) ^ tuple_ports(b))) == 0;
}

static inline bool tuple_is4(const struct estab_tuple *tuple)
{
  return ip_is_mapped(&tuple->local) && ip_is_mapped(&tuple->remote);
}

// SipHash of the addresses and ports: of 12 bytes for IPv4, of 36 for IPv6. As in SipHash itself the last word holds
// what is left, the ports, and the length, so that IPv4 and IPv6 are different.
static inline uint64_t tuple_siphash(const uint64_t key[2], const struct estab_tuple *tuple,
                                     unsigned word_rounds, unsigned last_rounds)
{
  struct siphash_state s;
  uint32_t ports = tuple_ports(tuple), ends[2];
  siphash_start(&s, key);
  if (tuple_is4(tuple)) {
    memcpy(&ends[0], tuple->local.bytes + 12, 4);
    memcpy(&ends[1], tuple->remote.bytes + 12, 4);
    siphash_word(&s, (uint64_t)ends[0] << 32 | ends[1], word_rounds);
    siphash_word(&s, UINT64_C(12) << 56 | ports, word_rounds);
  } else {
    for (unsigned i = 0; i < 4; i++)
      siphash_word(&s, tuple_word(tuple, i), word_rounds);
    siphash_word(&s, UINT64_C(36) << 56 | ports, word_rounds);
  }
  return siphash_finish(&s, last_rounds);
}

#endif
