// SPDX-License-Identifier: BSD-2-Clause
// captures.h - what the makers of captures share: a packet, the capture it goes to, and numbers that look random.
#ifndef BENCH_CAPTURES_H
#define BENCH_CAPTURES_H

#include <stdbool.h>
#include <stdint.h>

#define BEGIN_US   UINT64_C(1600000000000000)
#define TEXT_BYTES 1460

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32 };

struct packet {
  uint64_t at_us;
  uint32_t src, dst; // one number an end: its address in both families
  uint16_t src_port, dst_port, window, text_bytes;
  uint32_t seq, ack;
  uint8_t flags;
  bool ip6, crafted;              // crafted: a SYN with MSS alone, as scanners send
  uint32_t echo_ms;               // the timestamp echoed; 0: none on a SYN, 10 ms ago on all else
  uint32_t sack_left, sack_right; // equal: no block
};

bool capture_begin(const char *path);

// Packets come in the order of time.
void put_packet(const struct packet *q);

bool capture_end(void);

// The same number for the same n, and unlike its neighbours.
uint32_t mix(uint32_t n);

// COUNT connections as an access link carries them (captures_mixed.c); false without memory.
bool mixed(uint32_t count);

#endif
