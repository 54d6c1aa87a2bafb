// SPDX-License-Identifier: BSD-2-Clause
// isn.c - initial sequence numbers (RFC 6528, RFC 9293 3.4.1 [MUST-8]) and timestamp offsets (RFC 7323 7.1).
#include "base/hash.h"
#include "base/tuple.h"
#include "tcp/tcb.h"

static uint32_t tuple_mac(const uint64_t key[2], const struct estab_tuple *tuple)
{
  uint64_t words[TUPLE_WORDS];
  return tuple_words(tuple, words) == 2 ? (uint32_t)siphash24_words(key, words, 2)
                                        : (uint32_t)siphash24_words(key, words, TUPLE_WORDS);
}

// M + F(tuple, secret): a clock of 4 us and a keyed hash.
uint32_t isn_generate(const struct tcp *c, const struct estab_tuple *tuple, uint64_t now_ns)
{
  return tuple_mac(c->isn_key, tuple) + (uint32_t)(now_ns / 4000u);
}

uint32_t isn_ts_offset(const struct tcp *c, const struct estab_tuple *tuple)
{
  return tuple_mac(c->ts_key, tuple);
}
