// SPDX-License-Identifier: BSD-2-Clause
// octets.h - numbers in the octets of a packet, the highest first.
#ifndef ESTAB_TOOL_OCTETS_H
#define ESTAB_TOOL_OCTETS_H

#include <stdint.h>

static inline uint32_t octets_get32(const uint8_t *at)
{
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void octets_put32(uint8_t *at, uint32_t n)
{
  at[0] = (uint8_t)(n >> 24);
  at[1] = (uint8_t)(n >> 16);
  at[2] = (uint8_t)(n >> 8);
  at[3] = (uint8_t)n;
}

#endif
