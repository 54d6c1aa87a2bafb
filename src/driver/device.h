// SPDX-License-Identifier: BSD-2-Clause
// device.h - what the drivers share: filling in errors, and reading frames made of pieces.
#ifndef ESTAB_DRIVER_DEVICE_H
#define ESTAB_DRIVER_DEVICE_H

#include "estab/driver.h"

// Largest frame of any device: 65535 bytes of IP behind an Ethernet header and a VLAN tag.
#define DEVICE_FRAME_BYTES (65535 + 18)

// Fills *error (which may be NULL) and answers `code`. `call` is a literal; sys_errno 0 = not a system call's.
int device_fail(struct estab_device_error *error, int code, const char *call, int sys_errno,
                const char *remedy);
int device_no_memory(struct estab_device_error *error);

// A hardware address nobody else has: random, unicast, locally administered. All-zero `given` is replaced.
void device_mac(uint8_t mac[6], const uint8_t given[6]);

// A received frame of one piece. Leaves the unused pieces and the header alone: they are large.
void frame_set(struct estab_frame *frame, const uint8_t *bytes, size_t n, uint16_t l3_offset);

// Copies n bytes from `from` on, over the pieces' borders. Answers how many there were.
size_t frame_copy(const struct estab_frame *frame, size_t from, uint8_t *out, size_t n);

// Where the headers of a TCP super-segment are. false: it is not TCP, or cut short.
struct frame_headers {
  size_t l3, l4, payload; // bytes from the frame's start
  bool ip6;
};
bool frame_find_headers(const struct estab_frame *frame, struct frame_headers *h);

#endif
