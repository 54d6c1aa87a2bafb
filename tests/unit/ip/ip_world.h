// SPDX-License-Identifier: BSD-2-Clause
// ip_world.h - what tests of the ip room start from: one interface, two addresses, packets to it.
#ifndef ESTAB_TESTS_IP_WORLD_H
#define ESTAB_TESTS_IP_WORLD_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "base/bytes.h"
#include "base/rand.h"
#include "estab/wire.h"
#include "ip/icmp.h"
#include "ip/ip.h"
#include "ip/pair.h"
#include "support/prop.h"

#define SECOND UINT64_C(1000000000)

struct world {
  struct prop_mem door;
  struct mem mem;
  struct rng rng;
  struct ip ip;
  struct estab_ip us4, peer4, us6, peer6;
  uint8_t *frame; // the last packet given to world_input(), in a buffer of its exact size
};

static inline struct estab_ip world_ip(const char *text)
{
  struct estab_ip ip;
  assert_int_equal(estab_ip_parse(text, &ip), 0);
  return ip;
}

static inline struct estab_netif_settings world_netif_settings(uint16_t mtu)
{
  return (struct estab_netif_settings){
      .struct_bytes = sizeof(struct estab_netif_settings), .link = ESTAB_LINK_RAW, .mtu = mtu};
}

static inline void world_bare(struct world *w)
{
  static const uint64_t key[2] = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)};
  static const uint8_t secret[16] = "a secret of test";
  memset(w, 0, sizeof *w);
  mem_init(&w->mem, prop_mem_door(&w->door));
  rng_init(&w->rng, secret, (struct estab_random){0});
  ip_init(&w->ip, &w->mem, &w->rng, key);
  w->us4 = world_ip("192.0.2.1");
  w->peer4 = world_ip("192.0.2.2");
  w->us6 = world_ip("2001:db8::1");
  w->peer6 = world_ip("2001:db8::2");
}

// Interface 1: 192.0.2.1/24 and 2001:db8::1/64, MTU 1500, default routes by .254 and ::fe.
static inline void world_make(struct world *w)
{
  struct estab_netif_settings settings = world_netif_settings(1500);
  struct estab_ip any4 = world_ip("0.0.0.0"), any6 = world_ip("::");
  struct estab_ip gw4 = world_ip("192.0.2.254"), gw6 = world_ip("2001:db8::fe");
  world_bare(w);
  assert_int_equal(ip_netif_add(&w->ip, &settings), 1);
  assert_int_equal(ip_address_add(&w->ip, 1, &w->us4, 24), 0);
  assert_int_equal(ip_address_add(&w->ip, 1, &w->us6, 64), 0);
  assert_int_equal(ip_route_add(&w->ip, 1, &any4, 0, &gw4), 0);
  assert_int_equal(ip_route_add(&w->ip, 1, &any6, 0, &gw6), 0);
}

// Everything goes back through the door.
static inline void world_end(struct world *w)
{
  free(w->frame);
  ip_destroy(&w->ip);
  assert_int_equal(w->door.live_bytes, 0);
  assert_int_equal(w->door.live_pieces, 0);
  assert_int_equal(w->mem.in_use_bytes, 0);
}

static inline int world_input_on(struct world *w, uint32_t netif, const uint8_t *bytes, size_t have,
                                 uint64_t now_ns, struct ip_packet *out)
{
  free(w->frame);
  w->frame = malloc(have ? have : 1);
  assert_non_null(w->frame);
  if (have) memcpy(w->frame, bytes, have);
  struct ip_segment quick;
  bool taken = ip_input_pair(&w->ip, netif, w->frame, have, &quick);
  int r = ip_input(&w->ip, netif, w->frame, have, now_ns, out);
  if (taken) { // what the quick way takes, the long one takes just so
    assert_int_equal(r, 0);
    assert_int_equal(out->protocol, ESTAB_PROTOCOL_TCP);
    ip_pair_addresses(&w->ip, &quick.tuple);
    assert_memory_equal(&quick.tuple.local, &out->dst, 16);
    assert_memory_equal(&quick.tuple.remote, &out->src, 16);
    assert_ptr_equal(quick.bytes, out->payload);
    assert_int_equal(quick.count, out->payload_bytes);
    assert_int_equal(quick.netif, out->netif);
    assert_int_equal(quick.ecn, out->ecn);
    assert_true(quick.unicast && out->unicast);
    assert_int_equal(quick.address_sum,
                     estab_checksum_fold(estab_checksum_pseudo(&out->src, &out->dst, 0, 0)));
  }
  return r;
}

static inline int world_input(struct world *w, const uint8_t *bytes, size_t have, uint64_t now_ns,
                              struct ip_packet *out)
{
  return world_input_on(w, 1, bytes, have, now_ns, out);
}

// A whole IPv4 packet, payload 0, 1, 2, ...; fragment NULL: none.
static inline size_t packet4(uint8_t *out, const struct estab_ip *src, const struct estab_ip *dst,
                             uint8_t protocol, size_t payload_bytes,
                             const struct estab_fragment *fragment)
{
  struct estab_ip4_header h = {.src = *src,
                               .dst = *dst,
                               .protocol = protocol,
                               .ttl = 64,
                               .total_bytes = (uint16_t)(20 + payload_bytes)};
  if (fragment) h.fragment = *fragment;
  size_t n = estab_ip4_emit(&h, out);
  size_t base = fragment ? fragment->offset : 0;
  for (size_t i = 0; i < payload_bytes; i++)
    out[n + i] = (uint8_t)(base + i);
  return n + payload_bytes;
}

// A whole IPv6 packet; fragment NULL: no fragment header.
static inline size_t packet6(uint8_t *out, const struct estab_ip *src, const struct estab_ip *dst,
                             uint8_t protocol, size_t payload_bytes,
                             const struct estab_fragment *fragment)
{
  uint8_t extension[8];
  struct estab_ip6_header h = {.src = *src,
                               .dst = *dst,
                               .next_header = protocol,
                               .hop_limit = 64,
                               .payload_bytes = (uint16_t)payload_bytes};
  if (fragment) {
    h.payload_bytes = (uint16_t)(payload_bytes + 8);
    h.next_header = ESTAB_PROTOCOL_FRAGMENT;
    h.extensions = extension;
    h.extension_bytes = (uint16_t)estab_ip6_fragment_emit(fragment, protocol, extension);
  }
  size_t n = estab_ip6_emit(&h, out);
  size_t base = fragment ? fragment->offset : 0;
  for (size_t i = 0; i < payload_bytes; i++)
    out[n + i] = (uint8_t)(base + i);
  return n + payload_bytes;
}

// Puts a right checksum into the ICMP message of a packet whose IP header is 20 or 40 bytes.
static inline void packet_icmp_checksum(uint8_t *packet, size_t bytes)
{
  bool six = packet[0] >> 4 == 6;
  size_t header = six ? 40 : 20;
  uint64_t sum = 0;
  if (six) {
    struct estab_ip src, dst;
    memcpy(src.bytes, packet + 8, 16);
    memcpy(dst.bytes, packet + 24, 16);
    sum = estab_checksum_pseudo(&src, &dst, ESTAB_PROTOCOL_ICMP6, (uint32_t)(bytes - header));
  }
  put_be16(packet + header + 2, 0);
  sum = estab_checksum_add(sum, packet + header, bytes - header);
  put_be16(packet + header + 2, estab_checksum_finish(sum));
}

#endif
