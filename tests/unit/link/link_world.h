// SPDX-License-Identifier: BSD-2-Clause
// link_world.h - what tests of the link room start from: one Ethernet interface, paths over it.
#ifndef ESTAB_TESTS_LINK_WORLD_H
#define ESTAB_TESTS_LINK_WORLD_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "base/bytes.h"
#include "link/neighbour.h"
#include "support/prop.h"

#define SECOND UINT64_C(1000000000)

static const uint8_t our_mac[6] = {0x02, 0, 0, 0, 0, 1};
static const uint8_t peer_mac[6] = {0x02, 0, 0, 0, 0, 2};
static const uint8_t evil_mac[6] = {0x02, 0x66, 0x66, 0x66, 0x66, 0x66};
static const uint8_t all_mac[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

struct world {
  struct prop_mem door;
  struct mem mem;
  struct link link;
  struct estab_ip us[2], peer[2];    // [0] IPv4, [1] IPv6
  uint8_t frame[LINK_WAITING_BYTES]; // the last one from link_output or a reply
  size_t frame_bytes;
};

static inline struct estab_ip world_ip(const char *text)
{
  struct estab_ip ip;
  assert_int_equal(estab_ip_parse(text, &ip), 0);
  return ip;
}

static inline void world_make(struct world *w)
{
  static const uint64_t key[2] = {5, 6};
  memset(w, 0, sizeof *w);
  mem_init(&w->mem, prop_mem_door(&w->door));
  link_init(&w->link, &w->mem, key);
  assert_int_equal(link_netif_add(&w->link, 1, our_mac), 0);
  w->us[0] = world_ip("192.0.2.1");
  w->us[1] = world_ip("2001:db8::1");
  w->peer[0] = world_ip("192.0.2.2");
  w->peer[1] = world_ip("2001:db8::2");
}

static inline void world_end(struct world *w)
{
  link_destroy(&w->link);
  assert_int_equal(w->door.live_bytes, 0);
  assert_int_equal(w->door.live_pieces, 0);
}

// A path as ip makes it.
static inline struct path world_path(const struct world *w, const struct estab_ip *to)
{
  struct path p = {.remote = *to, .next_hop = *to, .netif = 1, .link_header_bytes = 14, .refs = 1};
  p.local = w->us[!estab_ip_is4(to)];
  return p;
}

static inline size_t world_output(struct world *w, uint64_t now_ns)
{
  uint32_t netif = 0;
  w->frame_bytes = link_output(&w->link, now_ns, w->frame, &netif);
  if (w->frame_bytes) assert_int_equal(netif, 1);
  return w->frame_bytes;
}

// The frame in hand is a request for `ip`, to everybody (mac NULL) or to one.
static inline void assert_request(const struct world *w, const struct estab_ip *ip,
                                  const uint8_t *mac)
{
  struct estab_eth_header eth;
  bool four = estab_ip_is4(ip);
  assert_int_equal(estab_eth_parse(w->frame, w->frame_bytes, &eth), 14);
  assert_memory_equal(eth.src, our_mac, 6);
  if (four) {
    struct estab_arp arp;
    assert_int_equal(eth.type, ESTAB_ETH_ARP);
    assert_memory_equal(eth.dst, mac ? mac : all_mac, 6);
    assert_int_equal(w->frame_bytes, 42);
    assert_int_equal(estab_arp_parse(w->frame + 14, 28, &arp), 28);
    assert_int_equal(arp.operation, ESTAB_ARP_REQUEST);
    assert_memory_equal(&arp.target_ip, ip, 16);
    assert_memory_equal(&arp.sender_ip, &w->us[0], 16);
    assert_memory_equal(arp.sender_mac, our_mac, 6);
    return;
  }
  struct estab_ip6_header h;
  struct estab_nd nd;
  assert_int_equal(eth.type, ESTAB_ETH_IP6);
  assert_int_equal(estab_ip6_parse(w->frame + 14, w->frame_bytes - 14, &h), 40);
  size_t n = w->frame_bytes - 54;
  assert_int_equal(estab_nd_parse(&h, w->frame + 54, n, &nd), (int)n);
  uint64_t sum = estab_checksum_pseudo(&h.src, &h.dst, 58, (uint32_t)n);
  assert_int_equal(estab_checksum_finish(estab_checksum_add(sum, w->frame + 54, n)), 0);
  assert_int_equal(nd.type, ESTAB_ICMP6_NEIGHBOUR_SOLICITATION);
  assert_memory_equal(&nd.target, ip, 16);
  assert_memory_equal(&h.src, &w->us[1], 16);
  assert_memory_equal(nd.source_mac, our_mac, 6);
  if (mac) {
    assert_memory_equal(eth.dst, mac, 6);
    assert_memory_equal(&h.dst, ip, 16);
  } else { // RFC 4291 2.7.1, RFC 2464 7
    assert_int_equal(get_be16(eth.dst), 0x3333);
    assert_memory_equal(eth.dst + 2, h.dst.bytes + 12, 4);
    assert_int_equal(get_be32(h.dst.bytes), 0xff020000);
    assert_int_equal(h.dst.bytes[12], 0xff);
    assert_memory_equal(h.dst.bytes + 13, ip->bytes + 13, 3);
  }
}

// `ip` says: my hardware address is mac. reply: as an answer to us, else gratuitously.
static inline int world_says(struct world *w, const struct estab_ip *ip, const uint8_t mac[6],
                             bool reply, uint64_t now_ns)
{
  int answer;
  size_t bytes = 0;
  uint8_t out[LINK_MESSAGE_BYTES];
  if (estab_ip_is4(ip)) {
    struct estab_arp arp = {
        .operation = ESTAB_ARP_REPLY, .sender_ip = *ip, .target_ip = reply ? w->us[0] : *ip};
    memcpy(arp.sender_mac, mac, 6);
    answer = link_arp_input(&w->link, 1, &arp, reply, now_ns, out, &bytes);
  } else {
    struct estab_nd nd = {.type = ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT,
                          .target = *ip,
                          .present = ESTAB_ND_TARGET_MAC,
                          .solicited = reply,
                          .override = true};
    memcpy(nd.target_mac, mac, 6);
    struct estab_ip all = world_ip("ff02::1");
    answer =
        link_nd_input(&w->link, 1, ip, reply ? &w->us[1] : &all, &nd, false, now_ns, out, &bytes);
  }
  assert_int_equal(bytes, 0);
  return answer;
}

static inline void assert_header(const struct path *p, const uint8_t mac[6])
{
  assert_int_equal(p->neighbour, PATH_NEIGHBOUR_RESOLVED);
  assert_memory_equal(p->link_header, mac, 6);
  assert_memory_equal(p->link_header + 6, our_mac, 6);
  assert_int_equal(get_be16(p->link_header + 12), estab_ip_is4(&p->next_hop) ? 0x0800 : 0x86dd);
}

// Asks for and gets to know a neighbour at time now_ns.
static inline void world_resolve(struct world *w, struct path *p, const uint8_t mac[6],
                                 uint64_t now_ns)
{
  link_resolve(&w->link, p, now_ns);
  assert_int_equal(p->neighbour, PATH_NEIGHBOUR_PENDING);
  assert_true(world_output(w, now_ns) > 0);
  assert_int_equal(world_says(w, &p->next_hop, mac, true, now_ns), 0);
  assert_ptr_equal(link_woken(&w->link), p);
  assert_header(p, mac);
}

#endif
