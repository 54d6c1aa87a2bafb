// SPDX-License-Identifier: BSD-2-Clause
// chance.h - repeatable chance: equal seeds give equal worlds.
#ifndef ESTAB_SIM_CHANCE_H
#define ESTAB_SIM_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

// n of them from `at` on.
static inline void chance_octets(uint64_t seed, unsigned direction, uint64_t at, uint8_t *out,
                                 size_t n)
{
  uint64_t word = 0;
  for (size_t i = 0; i < n; i++, word >>= 8) {
    if (i == 0 || (at + i) % 8 == 0)
      word =
          chance_mix(seed * 2 + direction + ((at + i) / 8) * 0x100000001b3u) >> 8 * ((at + i) % 8);
    out[i] = (uint8_t)word;
  }
}

// How many of n octets are those, up to the first that is another one.
static inline size_t chance_agrees(uint64_t seed, unsigned direction, uint64_t at,
                                   const uint8_t *bytes, size_t n)
{
  uint8_t right[1024];
  for (size_t done = 0; done < n;) {
    size_t part = n - done < sizeof right ? n - done : sizeof right;
    chance_octets(seed, direction, at + done, right, part);
    if (memcmp(right, bytes + done, part) != 0)
      for (size_t i = 0;; i++)
        if (right[i] != bytes[done + i]) return done + i;
    done += part;
  }
  return n;
}

#endif
