// SPDX-License-Identifier: BSD-2-Clause
// chance.h - repeatable chance: equal seeds give equal worlds.
#ifndef ESTAB_SIM_CHANCE_H
#define ESTAB_SIM_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
  uint64_t state;
};

static inline uint64_t chance_mix(uint64_t x)
{
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

static inline uint64_t chance_next(struct chance *c)
{
  c->state += 0x9e3779b97f4a7c15u;
  return chance_mix(c->state);
}

// 0 .. below-1; 0 for below 0.
static inline uint64_t chance_below(struct chance *c, uint64_t below)
{
  return below > 0 ? chance_next(c) % below : 0;
}

// ppm times in a million. Draws nothing when it never happens.
static inline bool chance_ppm(struct chance *c, uint32_t ppm)
{
  return ppm > 0 && chance_below(c, 1000000) < ppm;
}

// Octet `at` of the stream that goes in this direction.
static inline uint8_t chance_octet(uint64_t seed, unsigned direction, uint64_t at)
{
  uint64_t word = chance_mix(seed * 2 + direction + (at / 8) * 0x100000001b3u);
  return (uint8_t)(word >> 8 * (at % 8));
}

#endif
