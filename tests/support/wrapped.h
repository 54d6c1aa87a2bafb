// SPDX-License-Identifier: BSD-2-Clause
// wrapped.h - a packet and what is put around it, from the inside out: for tests of decoders.
#ifndef ESTAB_SUPPORT_WRAPPED_H
#define ESTAB_SUPPORT_WRAPPED_H

#include <stdlib.h>
#include <string.h>

#include "estab/watch.h"
#include "estab/wire.h"

#define WRAPPED_ROOM 4000

struct wrapped {
  uint8_t room[WRAPPED_ROOM];
  size_t count; // the last bytes of room
};

static inline uint8_t *wrapped_bytes(struct wrapped *w)
{
  return w->room + WRAPPED_ROOM - w->count;
}

static inline void wrapped_put(struct wrapped *w, const void *bytes, size_t count)
{
  if (count > WRAPPED_ROOM - w->count) abort();
  w->count += count;
  memcpy(wrapped_bytes(w), bytes, count);
}

static inline void wrapped_put16(struct wrapped *w, unsigned value)
{
  const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};
  wrapped_put(w, bytes, 2);
}

// The packet alone: raw IP.
static inline void wrapped_packet(struct wrapped *w, const struct estab_packet *p)
{
  uint8_t bytes[WRAPPED_ROOM];
  struct estab_packet raw = *p;
  raw.link = ESTAB_LINK_RAW;
  const int n = estab_packet_emit(&raw, bytes, sizeof bytes);
  if (n < 0) abort();
  w->count = 0;
  wrapped_put(w, bytes, (size_t)n);
}

// A segment from 192.0.2.1:1000 or 2001:db8::1 to .2 and ::2, port 80, with timestamps.
static inline struct estab_packet wrapped_tcp(unsigned version, uint16_t flags, const void *text,
                                              size_t text_bytes)
{
  struct estab_packet p = {
      .kind = ESTAB_PACKET_TCP,
      .version = (uint8_t)version,
      .ttl = 64,
      .fragment = {.id = version == 4 ? 4711 : 0},
      .src = estab_ip4(192, 0, 2, 1),
      .dst = estab_ip4(192, 0, 2, 2),
      .payload = text,
      .payload_bytes = text_bytes,
      .tcp = {.src_port = 1000,
              .dst_port = 80,
              .seq = 0xfffffff0,
              .ack = 7,
              .flags = flags,
              .window = 512},
  };
  p.tcp.options.present = ESTAB_TCP_OPT_TS;
  p.tcp.options.ts_value = 11;
  p.tcp.options.ts_echo = 12;
  if (version == 6) {
    estab_ip_parse("2001:db8::1", &p.src);
    estab_ip_parse("2001:db8::2", &p.dst);
  }
  return p;
}

static inline void wrapped_ip4(struct wrapped *w, unsigned protocol)
{
  struct estab_ip4_header h = {.src = estab_ip4(198, 51, 100, 1),
                               .dst = estab_ip4(198, 51, 100, 2),
                               .total_bytes = (uint16_t)(20 + w->count),
                               .protocol = (uint8_t)protocol,
                               .ttl = 9};
  uint8_t bytes[20];
  estab_ip4_emit(&h, bytes);
  wrapped_put(w, bytes, 20);
}

static inline void wrapped_ip6(struct wrapped *w, unsigned protocol)
{
  struct estab_ip6_header h = {
      .payload_bytes = (uint16_t)w->count, .next_header = (uint8_t)protocol, .hop_limit = 9};
  uint8_t bytes[40];
  estab_ip_parse("2001:db8:f::1", &h.src);
  estab_ip_parse("2001:db8:f::2", &h.dst);
  estab_ip6_emit(&h, bytes);
  wrapped_put(w, bytes, 40);
}

static inline void wrapped_udp(struct wrapped *w, unsigned src_port, unsigned dst_port)
{
  const size_t total = 8 + w->count;
  wrapped_put16(w, 0);
  wrapped_put16(w, (unsigned)total);
  wrapped_put16(w, dst_port);
  wrapped_put16(w, src_port);
}

static inline void wrapped_eth(struct wrapped *w, unsigned type)
{
  static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
  wrapped_put16(w, type);
  wrapped_put(w, macs, 12);
}

#define WRAPPED_PUT(w, ...)                                                                        \
  do {                                                                                             \
    static const uint8_t wrapped_these[] = {__VA_ARGS__};                                          \
    wrapped_put(w, wrapped_these, sizeof wrapped_these);                                           \
  } while (0)

// With a sequence number and an extension header: 3GPP TS 29.281, 5.1.
static inline void wrapped_gtpu(struct wrapped *w, uint32_t teid)
{
  const unsigned length = (unsigned)w->count + 8;
  WRAPPED_PUT(w, 0, 0, 0, 0x85, 1, 0x10, 9, 0);
  wrapped_put16(w, teid & 0xffff);
  wrapped_put16(w, teid >> 16);
  wrapped_put16(w, length);
  WRAPPED_PUT(w, 0x34, 0xff);
  wrapped_udp(w, 2152, 2152);
  wrapped_ip4(w, 17);
}

// ---------------------------------------------------------------------------------------------
// Everything that can stand around a packet. All begin with Ethernet but the last ones.

enum wrapping {
  WRAPPING_ETHERNET,
  WRAPPING_VLAN, // 100
  WRAPPING_QINQ, // 200 in 100
  WRAPPING_MPLS, // two labels
  WRAPPING_PSEUDOWIRE,
  WRAPPING_PPPOE,
  WRAPPING_LLC,
  WRAPPING_VLAN_LLC,
  WRAPPING_IPIP,
  WRAPPING_IP_IN_IP6,
  WRAPPING_GRE, // key 77
  WRAPPING_GRE_ETHERNET,
  WRAPPING_VXLAN,  // 9
  WRAPPING_GENEVE, // 9
  WRAPPING_GTPU,   // 0x1234
  WRAPPING_TEREDO, // IPv6 only
  WRAPPING_GTPU_IN_VXLAN,
  WRAPPING_RAW,
  WRAPPING_NULL,
  WRAPPING_LOOP,
  WRAPPING_SLL,
  WRAPPING_SLL2,
  WRAPPINGS
};

static inline void wrapped_in_tunnel(struct wrapped *w, enum wrapping how)
{
  const bool six = wrapped_bytes(w)[0] >> 4 == 6;
  const unsigned type = six ? 0x86dd : 0x0800;
  switch (how) {
  case WRAPPING_IPIP: wrapped_ip4(w, six ? 41 : 4); break;
  case WRAPPING_IP_IN_IP6: wrapped_ip6(w, six ? 41 : 4); break;
  case WRAPPING_GRE:
    WRAPPED_PUT(w, 0, 0, 0, 77);
    wrapped_put16(w, type);
    WRAPPED_PUT(w, 0x20, 0);
    wrapped_ip4(w, 47);
    break;
  case WRAPPING_GRE_ETHERNET:
    wrapped_eth(w, type);
    WRAPPED_PUT(w, 0, 0, 0x65, 0x58);
    wrapped_ip4(w, 47);
    break;
  case WRAPPING_VXLAN:
    wrapped_eth(w, type);
    WRAPPED_PUT(w, 8, 0, 0, 0, 0, 0, 9, 0);
    wrapped_udp(w, 40000, 4789);
    wrapped_ip4(w, 17);
    break;
  case WRAPPING_GENEVE:
    wrapped_eth(w, type);
    WRAPPED_PUT(w, 1, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 3, 0);
    wrapped_udp(w, 40000, 6081);
    wrapped_ip6(w, 17);
    break;
  case WRAPPING_GTPU: wrapped_gtpu(w, 0x1234); break;
  case WRAPPING_TEREDO:
    WRAPPED_PUT(w, 0, 0, 0xf2, 0x27, 0x3f, 0x57, 0xfe, 0xfd);
    wrapped_udp(w, 3544, 40000);
    wrapped_ip4(w, 17);
    break;
  case WRAPPING_GTPU_IN_VXLAN: {
    wrapped_in_tunnel(w, WRAPPING_GTPU);
    wrapped_eth(w, 0x0800);
    WRAPPED_PUT(w, 8, 0, 0, 0, 0, 0, 9, 0);
    wrapped_udp(w, 40000, 4789);
    wrapped_ip4(w, 17);
    break;
  }
  case WRAPPING_ETHERNET:
  case WRAPPING_VLAN:
  case WRAPPING_QINQ:
  case WRAPPING_MPLS:
  case WRAPPING_PSEUDOWIRE:
  case WRAPPING_PPPOE:
  case WRAPPING_LLC:
  case WRAPPING_VLAN_LLC:
  case WRAPPING_RAW:
  case WRAPPING_NULL:
  case WRAPPING_LOOP:
  case WRAPPING_SLL:
  case WRAPPING_SLL2:
  case WRAPPINGS: break;
  }
}

// Answers the link type.
static inline uint32_t wrapped_in(struct wrapped *w, enum wrapping how)
{
  const bool six = wrapped_bytes(w)[0] >> 4 == 6;
  const unsigned type = six ? 0x86dd : 0x0800;
  switch (how) {
  case WRAPPING_ETHERNET: wrapped_eth(w, type); return ESTAB_LINKTYPE_ETHERNET;
  case WRAPPING_QINQ:
    wrapped_put16(w, type);
    WRAPPED_PUT(w, 0, 100, 0x81, 0, 0xe0, 200);
    wrapped_eth(w, 0x88a8);
    return ESTAB_LINKTYPE_ETHERNET;
  case WRAPPING_VLAN:
    wrapped_put16(w, type);
    WRAPPED_PUT(w, 0xe0, 100);
    wrapped_eth(w, 0x8100);
    return ESTAB_LINKTYPE_ETHERNET;
  case WRAPPING_MPLS:
    WRAPPED_PUT(w, 0, 1, 0, 64, 0, 2, 1, 64);
    wrapped_eth(w, 0x8847);
    return ESTAB_LINKTYPE_ETHERNET;
  case WRAPPING_PSEUDOWIRE:
    wrapped_eth(w, type);
    WRAPPED_PUT(w, 0, 2, 1, 64, 0, 0, 0, 0);
    wrapped_eth(w, 0x8847);
    return ESTAB_LINKTYPE_ETHERNET;
  case WRAPPING_PPPOE: {
    const unsigned length = (unsigned)w->count + 2;
    wrapped_put16(w, six ? 0x57 : 0x21);
    wrapped_put16(w, length);
    WRAPPED_PUT(w, 0x11, 0, 0, 5);
    wrapped_eth(w, 0x8864);
    return ESTAB_LINKTYPE_ETHERNET;
  }
  case WRAPPING_LLC:
  case WRAPPING_VLAN_LLC: {
    wrapped_put16(w, type);
    WRAPPED_PUT(w, 0xaa, 0xaa, 3, 0, 0, 0);
    const unsigned length = (unsigned)w->count;
    if (how == WRAPPING_VLAN_LLC) {
      wrapped_put16(w, length);
      WRAPPED_PUT(w, 0, 100);
    }
    wrapped_eth(w, how == WRAPPING_LLC ? length : 0x8100);
    return ESTAB_LINKTYPE_ETHERNET;
  }
  case WRAPPING_NULL: {
    const uint32_t family = six ? 30 : 2; // in this machine's order
    wrapped_put(w, &family, sizeof family);
    return ESTAB_LINKTYPE_NULL;
  }
  case WRAPPING_LOOP:
    wrapped_put16(w, six ? 24 : 2);
    wrapped_put16(w, 0);
    return ESTAB_LINKTYPE_LOOP;
  case WRAPPING_SLL:
    wrapped_put16(w, type);
    WRAPPED_PUT(w, 0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0);
    return ESTAB_LINKTYPE_LINUX_SLL;
  case WRAPPING_SLL2:
    WRAPPED_PUT(w, 0, 0, 0, 0, 0, 2, 0, 1, 3, 6, 2, 0, 0, 0, 0, 1, 0, 0);
    wrapped_put16(w, type);
    return ESTAB_LINKTYPE_LINUX_SLL2;
  case WRAPPING_IPIP:
  case WRAPPING_IP_IN_IP6:
  case WRAPPING_GRE:
  case WRAPPING_GRE_ETHERNET:
  case WRAPPING_VXLAN:
  case WRAPPING_GENEVE:
  case WRAPPING_GTPU:
  case WRAPPING_TEREDO:
  case WRAPPING_GTPU_IN_VXLAN:
    wrapped_in_tunnel(w, how);
    wrapped_eth(w, how == WRAPPING_IP_IN_IP6 || how == WRAPPING_GENEVE ? 0x86dd : 0x0800);
    return ESTAB_LINKTYPE_ETHERNET;
  case WRAPPING_RAW:
  case WRAPPINGS: break;
  }
  return ESTAB_LINKTYPE_RAW;
}

#endif
