// SPDX-License-Identifier: BSD-2-Clause
// isn.c - initial sequence numbers (RFC 6528, RFC 9293 3.4.1 [MUST-8]) and timestamp offsets (RFC 7323 7.1).
#include "base/tuple.h"
#include "tcp/tcb.h"

uint64_t isn_hash(const struct tcp *c, const struct estab_tuple *tuple)
{
  return tuple_siphash(c->isn_key, tuple, 2, 4);
}

// M + F(tuple, secret): a clock of 4 us and the low half of the hash.
uint32_t isn_generate(uint64_t hash, uint64_t now_ns)
{
  return (uint32_t)hash + (uint32_t)(now_ns / 4000u);
}

uint32_t isn_ts_offset(const struct tcp *c, const struct estab_tuple *tuple)
{
  return (uint32_t)tuple_siphash(c->ts_key, tuple, 2, 4);
}
