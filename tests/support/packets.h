// SPDX-License-Identifier: BSD-2-Clause
// packets.h - frames for tests of drivers: TCP segments with text that tells where it belongs.
#ifndef ESTAB_TESTS_PACKETS_H
#define ESTAB_TESTS_PACKETS_H

#include "estab/estab.h"
#include "estab/wire.h"

#include <string.h>

// A segment of IPv4 or IPv6 with timestamps; text octet i is (seq + i) % 251.
static inline size_t packet_tcp(uint8_t *out, size_t room, int version, int link, uint32_t seq,
                                size_t text_bytes, uint16_t flags)
{
  static uint8_t text[65536];
  for (size_t i = 0; i < text_bytes; i++)
    text[i] = (uint8_t)((uint32_t)(seq + i) % 251);
  struct estab_packet p = {.kind = ESTAB_PACKET_TCP,
                           .link = (uint8_t)link,
                           .version = (uint8_t)version,
                           .protocol = ESTAB_PROTOCOL_TCP,
                           .ttl = 64,
                           .dont_fragment = true,
                           .payload = text,
                           .payload_bytes = text_bytes};
  if (version == 4) {
    p.src = estab_ip4(192, 0, 2, 1);
    p.dst = estab_ip4(192, 0, 2, 2);
  } else {
    estab_ip_parse("2001:db8::1", &p.src);
    estab_ip_parse("2001:db8::2", &p.dst);
  }
  p.eth.type = version == 4 ? ESTAB_ETH_IP4 : ESTAB_ETH_IP6;
  p.tcp = (struct estab_tcp_header){.src_port = 5000,
                                    .dst_port = 80,
                                    .seq = seq,
                                    .ack = 77,
                                    .flags = (uint16_t)(flags | ESTAB_TCP_ACK),
                                    .window = 1000};
  p.tcp.options.present = ESTAB_TCP_OPT_TS;
  p.tcp.options.ts_value = 5;
  p.tcp.options.ts_echo = 6;
  int n = estab_packet_emit(&p, out, room);
  return n < 0 ? 0 : (size_t)n;
}

static inline void packet_frame(struct estab_frame *f, const uint8_t *bytes, size_t n, int link)
{
  memset(f, 0, sizeof *f);
  f->struct_bytes = sizeof *f;
  f->piece_count = 1;
  f->l3_offset = link == ESTAB_LINK_ETHERNET ? ESTAB_ETH_HEADER_BYTES : 0;
  f->pieces[0].bytes = bytes;
  f->pieces[0].length = n;
}

#endif
