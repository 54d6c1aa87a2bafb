// SPDX-License-Identifier: BSD-2-Clause
// gtpu.h - a GTP-U tunnel around a packet: IPv4, UDP, and a header of eight octets (3GPP TS 29.281, 5.1).
#ifndef ESTAB_TESTS_GTPU_H
#define ESTAB_TESTS_GTPU_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define GTPU_BYTES 36
#define IPIP_BYTES 20

static inline void gtpu_put16(uint8_t *at, size_t number)
{
  at[0] = (uint8_t)(number >> 8);
  at[1] = (uint8_t)number;
}

static inline void gtpu_put_sum(uint8_t *ip)
{
  uint32_t sum = 0;
  for (size_t i = 0; i < 20; i += 2)
    sum += (uint32_t)ip[i] << 8 | ip[i + 1];
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  gtpu_put16(ip + 10, ~sum);
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
  gtpu_put_sum(frame);
}

// An IPv4 packet in one of IPv4: it stands at frame + IPIP_BYTES.
static inline void ipip_put(uint8_t *frame, size_t bytes)
{
  static const uint8_t around[IPIP_BYTES] = {0x45, 0, 0,  0, 0, 0, 0x40, 0, 64, 4,
                                             0,    0, 10, 8, 0, 1, 10,   8, 0,  2};
  memcpy(frame, around, sizeof around);
  gtpu_put16(frame + 2, IPIP_BYTES + bytes);
  gtpu_put_sum(frame);
}

#endif
