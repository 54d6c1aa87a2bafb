// SPDX-License-Identifier: BSD-2-Clause
// rand.c - unpredictable numbers: SipHash-2-4 of a counter, mixed with the embedder's bytes.
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/rand.h"

void rng_init(struct rng *r, const uint8_t secret[16], struct estab_random hook)
{
  memset(r, 0, sizeof *r);
  r->hook = hook;
  // The secret keys other hashes too; a key of its own keeps these numbers apart from theirs.
  const uint64_t key[2] = {get_le64(secret), get_le64(secret + 8)};
  r->key[0] = siphash24(key, "rng key 0", 9);
  r->key[1] = siphash24(key, "rng key 1", 9);
}

uint64_t rng_u64(struct rng *r)
{
  uint64_t v = siphash24_words(r->key, &r->counter, 1);
  r->counter++;
  if (r->hook.fill) {
    uint8_t bytes[8] = {0};
    // Either source alone suffices: the sum is unpredictable when one of the two is.
    r->hook.fill(r->hook.ctx, bytes, sizeof bytes);
    v ^= get_le64(bytes);
  }
  return v;
}

uint32_t rng_u32(struct rng *r)
{
  if (r->has_half) { // the other half of the number before
    r->has_half = false;
    return r->half;
  }
  uint64_t v = rng_u64(r);
  r->half = (uint32_t)v;
  r->has_half = true;
  return (uint32_t)(v >> 32);
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
  if (n < 2) return 0;
  uint64_t product = (uint64_t)rng_u32(r) * n;
  if ((uint32_t)product < n) {          // else the remainder below is smaller, too
    uint32_t reject = (uint32_t)-n % n; // 2^32 mod n values would be drawn once too often
    while ((uint32_t)product < reject)
      product = (uint64_t)rng_u32(r) * n;
  }
  return (uint32_t)(product >> 32);
}
