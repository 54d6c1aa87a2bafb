// SPDX-License-Identifier: BSD-2-Clause
// lab.h - one stack that speaks both families, and frames forged octet by octet, each in heap blocks of its exact size.
#ifndef ESTAB_SUPPORT_LAB_H
#define ESTAB_SUPPORT_LAB_H

#include "support/kit.h"

#define LAB_OUTS 128

struct lab_out {
  uint8_t bytes[1600];
  size_t count;
};

struct lab {
  struct kit_mem mem;
  struct estab_settings settings;
  estab_stack *s;
  uint64_t now_ns;
  uint8_t link;                   // enum estab_link
  struct estab_ip us[2], peer[2]; // IPv4, IPv6
  struct lab_out out[LAB_OUTS];   // since the last lab_drain() began
  unsigned outs;                  // how many came, kept or not
};

// 192.0.2.1/24 and 2001:db8::1/64; the peer is .2; a default route of each family by the peer.
void lab_init(struct lab *l, enum estab_link link, void (*change)(struct estab_settings *settings));
// False: memory is not back to nothing.
bool lab_end(struct lab *l);
// The frame cut at these offsets (ascending) into pieces, each a block of its own.
void lab_input(estab_stack *s, uint64_t now_ns, const uint8_t *bytes, size_t n, const size_t *cuts,
               unsigned count);
void lab_inject(struct lab *l, const uint8_t *bytes, size_t n);
// Takes what comes out; answers how many.
unsigned lab_drain(struct lab *l);
// Both: how many frames answer this one.
unsigned lab_ask(struct lab *l, const uint8_t *bytes, size_t n);
// Time passes, every deadline at its moment; what comes out is taken.
void lab_advance(struct lab *l, uint64_t ns);
uint64_t lab_drops(const struct lab *l); // all of them

// Headers. They answer the bytes written, payload included.
size_t lab_ip4(uint8_t *out, const struct estab_ip *src, const struct estab_ip *dst,
               uint8_t protocol, const uint8_t *payload, size_t n);
size_t lab_ip6(uint8_t *out, const struct estab_ip *src, const struct estab_ip *dst,
               uint8_t next_header, const uint8_t *payload, size_t n);
// From the lab's peer to its own address.
size_t lab_packet(const struct lab *l, bool six, uint8_t protocol, const uint8_t *payload, size_t n,
                  uint8_t *out);
size_t lab_echo(const struct lab *l, bool six, size_t text_bytes, uint8_t *out);
size_t lab_udp(const struct lab *l, bool six, uint16_t port, size_t text_bytes, uint8_t *out);
// An ICMP error from the peer about a TCP segment of the tuple's local end. quote_bytes: of its TCP header.
size_t lab_icmp_error(const struct estab_tuple *tuple, uint8_t type, uint8_t code, uint32_t mtu,
                      uint32_t seq, size_t quote_bytes, uint8_t *out);
// Puts right checksums into a packet: IPv4 header, and TCP, UDP or ICMP at `l4`. 0: behind the plain header;
// SIZE_MAX: only the IPv4 header's.
void lab_checksum(uint8_t *packet, size_t n, size_t l4);
// A TCP segment for the kit's connection: any data offset, any octets behind the 20.
size_t lab_segment(const struct kit *k, const struct estab_tcp_header *h, unsigned data_offset,
                   const uint8_t *rest, size_t rest_bytes, uint8_t *out);

#endif
