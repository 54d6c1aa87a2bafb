// SPDX-License-Identifier: BSD-2-Clause
// bytes.h - numbers in byte order, a checked reading cursor, small arithmetic.
#ifndef ESTAB_BASE_BYTES_H
#define ESTAB_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Compilers turn these into one load or store and a swap. The place may have any alignment.

static inline uint16_t get_be16(const uint8_t *p)
{
  return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t get_be32(const uint8_t *p)
{
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t get_be64(const uint8_t *p)
{
  return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

static inline uint64_t get_le64(const uint8_t *p)
{
  return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
         (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

// Storing: one whole number, swapped where the machine wants that (the test folds away). gcc 12 joins single bytes of
// neighbouring fields into eight, shifted together one by one, which doubles the cost of writing a header.
static inline bool bytes_swapped(void)
{
  const uint16_t one = 1;
  uint8_t first;
  memcpy(&first, &one, 1);
  return first == 1;
}

static inline void put_be16(uint8_t *p, uint16_t v)
{
  if (bytes_swapped()) v = __builtin_bswap16(v);
  memcpy(p, &v, sizeof v);
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
  if (bytes_swapped()) v = __builtin_bswap32(v);
  memcpy(p, &v, sizeof v);
}

static inline void put_be64(uint8_t *p, uint64_t v)
{
  if (bytes_swapped()) v = __builtin_bswap64(v);
  memcpy(p, &v, sizeof v);
}

// ---------------------------------------------------------------------------------------------
// A place in bytes that may end too soon. A reader that answers false or NULL has moved nothing.

struct cursor {
  const uint8_t *at; // the next byte
  size_t left;       // bytes from `at` to the end
};

// The next n bytes, passed over; NULL when there are fewer.
static inline const uint8_t *cursor_take(struct cursor *c, size_t n)
{
  if (n > c->left) return NULL;
  const uint8_t *p = c->at;
  c->at += n;
  c->left -= n;
  return p;
}

static inline bool cursor_u8(struct cursor *c, uint8_t *out)
{
  if (c->left < 1) return false;
  *out = *cursor_take(c, 1);
  return true;
}

static inline bool cursor_u16(struct cursor *c, uint16_t *out)
{
  if (c->left < 2) return false;
  *out = get_be16(cursor_take(c, 2));
  return true;
}

static inline bool cursor_u32(struct cursor *c, uint32_t *out)
{
  if (c->left < 4) return false;
  *out = get_be32(cursor_take(c, 4));
  return true;
}

// ---------------------------------------------------------------------------------------------

static inline uint32_t u32_min(uint32_t a, uint32_t b)
{
  return a < b ? a : b;
}

static inline uint32_t u32_max(uint32_t a, uint32_t b)
{
  return a > b ? a : b;
}

// A sum that stays at the largest number: what is to happen for ever after now is not over at once.
static inline uint64_t u64_sum(uint64_t a, uint64_t b)
{
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static inline uint64_t u64_min(uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

static inline uint64_t u64_max(uint64_t a, uint64_t b)
{
  return a > b ? a : b;
}

static inline size_t size_min(size_t a, size_t b)
{
  return a < b ? a : b;
}

// a * b / c rounded down, exact through a 128-bit product. UINT64_MAX when the quotient is larger
// than that or c is 0.
uint64_t muldiv64(uint64_t a, uint64_t b, uint64_t c);

#endif
