// SPDX-License-Identifier: BSD-2-Clause
// rand.h - unpredictable numbers from a secret, a counter and the embedder's hook.
#ifndef ESTAB_BASE_RAND_H
#define ESTAB_BASE_RAND_H

#include "estab/base.h"

struct rng {
  uint64_t key[2];  // made from the secret, used for nothing else
  uint64_t counter; // numbers given so far
  uint32_t half;    // what rng_u32() has left of the last one
  bool has_half;
  struct estab_random hook; // fill NULL = none
};

// The numbers depend on the secret alone, or also on the hook when it has a `fill`. Equal secrets
// (and equal bytes from the hook) give equal numbers.
void rng_init(struct rng *r, const uint8_t secret[16], struct estab_random hook);

uint64_t rng_u64(struct rng *r);
uint32_t rng_u32(struct rng *r);

// 0 .. n - 1, each as likely as the others; 0 for n = 0.
uint32_t rng_below(struct rng *r, uint32_t n);

#endif
