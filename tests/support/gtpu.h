// SPDX-License-Identifier: BSD-2-Clause
// gtpu.h - a GTP-U tunnel around a packet: IPv4, UDP, and a header of eight octets (3GPP TS 29.281, 5.1).
#ifndef ESTAB_TESTS_GTPU_H
#define ESTAB_TESTS_GTPU_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GTPU_BYTES 36

static inline void gtpu_put16(uint8_t *at, size_t number)
{
  at[0] = (uint8_t)(number >> 8);
  at[1] = (uint8_t)number;
}

// The packet of so many bytes stands at frame + GTPU_BYTES; what is before it is written.
static inline void gtpu_put(uint8_t *frame, size_t bytes, uint32_t teid)
{
  // From port 2152 to port 2152, no checksum but the header's.
  static const uint8_t around[GTPU_BYTES] = {
      0x45, 0,   0, 0,   0, 0, 0x40, 0, 64,   17,   0, 0, 10, 9, 0, 1, 10, 9, 0, 2, // IPv4
      8,    104, 8, 104, 0, 0, 0,    0, 0x30, 0xff,                                 // UDP, GTP-U
  };
  memcpy(frame, around, sizeof around);
  gtpu_put16(frame + 2, GTPU_BYTES + bytes);
  gtpu_put16(frame + 24, 16 + bytes);
  gtpu_put16(frame + 30, bytes);
  gtpu_put16(frame + 32, teid >> 16);
  gtpu_put16(frame + 34, teid);
  uint32_t sum = 0;
  for (size_t i = 0; i < 20; i += 2)
    sum += (uint32_t)frame[i] << 8 | frame[i + 1];
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  gtpu_put16(frame + 10, ~sum);
}

#endif
