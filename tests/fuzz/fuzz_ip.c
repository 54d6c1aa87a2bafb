// SPDX-License-Identifier: BSD-2-Clause
// fuzz_ip.c - frames one after the other into one link, ip, icmp and udp: nothing read too far, nothing answered that
// must not be, memory within its caps and given back.
//
// The input: for each frame an octet of how and two of length, then its bytes. how: bit 0 puts right checksums in, so
// that the fuzzer need not guess them; bit 1 takes the bytes as IP, without an Ethernet header; the rest is time that
// passes.
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/rand.h"
#include "estab/driver.h"
#include "ip/icmp.h"
#include "link/link.h"
#include "udp/udp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1};

struct world {
  struct mem mem;
  struct rng rng;
  struct ip ip;
  struct link link;
  struct udp udp;
  uint64_t now_ns;
};

static void must(bool condition)
{
  if (!condition) abort();
}

static void world_make(struct world *w)
{
  static const uint64_t key[2] = {1, 2};
  static const uint8_t secret[16] = {3};
  memset(w, 0, sizeof *w);
  mem_init(&w->mem, estab_system_mem());
  rng_init(&w->rng, secret, (struct estab_random){0});
  ip_init(&w->ip, &w->mem, &w->rng, key);
  link_init(&w->link, &w->mem, key);
  udp_init(&w->udp, &w->mem, &w->rng, key);
  struct estab_netif_settings s = {
      .struct_bytes = sizeof s, .link = ESTAB_LINK_ETHERNET, .mtu = 1500};
  memcpy(s.mac, our_mac, 6);
  ip_netif_add(&w->ip, &s);
  link_netif_add(&w->link, 1, our_mac);
  struct estab_ip us4 = estab_ip4(192, 0, 2, 1), us6;
  estab_ip_parse("2001:db8::1", &us6);
  ip_address_add(&w->ip, 1, &us4, 24);
  ip_address_add(&w->ip, 1, &us6, 64);
  struct estab_udp_settings u = {.struct_bytes = sizeof u, .local_port = 53, .queue_bytes = 4000};
  estab_udp handle;
  udp_open(&w->udp, &u, &handle);
}

static void checksums(uint8_t *ip, size_t bytes)
{
  struct estab_ip6_header h;
  if (bytes >= 20 && ip[0] >> 4 == 4) {
    size_t header = (ip[0] & 15u) * 4, total = get_be16(ip + 2);
    if (header < 20 || header > bytes) return;
    put_be16(ip + 10, 0);
    put_be16(ip + 10, estab_checksum_finish(estab_checksum_add(0, ip, header)));
    if (ip[9] != 1 || total < header + 4 || total > bytes) return;
    put_be16(ip + header + 2, 0);
    put_be16(ip + header + 2,
             estab_checksum_finish(estab_checksum_add(0, ip + header, total - header)));
    return;
  }
  int header = estab_ip6_parse(ip, bytes, &h);
  if (header < 0 || h.protocol != 58 || 40u + h.payload_bytes < (unsigned)header + 4) return;
  size_t message = 40u + h.payload_bytes - (size_t)header;
  put_be16(ip + header + 2, 0);
  uint64_t sum = estab_checksum_pseudo(&h.src, &h.dst, 58, (uint32_t)message);
  put_be16(ip + header + 2, estab_checksum_finish(estab_checksum_add(sum, ip + header, message)));
}

static void error(struct world *w, const struct ip_packet *p)
{
  uint8_t out[ICMP_ERROR_MAX_BYTES];
  struct ip_route_result to;
  int n = icmp_error_build(&w->ip, p, w->now_ns, out, sizeof out, &to);
  must(n < 0 || (n <= (p->version == 4 ? 576 : 1280) && (p->unicast || p->error_multicast)));
}

static void icmp(struct world *w, const struct ip_packet *p)
{
  static uint8_t out[65600];
  struct icmp_report report;
  struct ip_route_result to;
  struct estab_nd nd;
  size_t reply_bytes;
  int verdict = icmp_input(&w->ip, p, &report);
  if (verdict == ICMP_ECHO_REQUEST) {
    int n = icmp_echo_reply(&w->ip, p, w->now_ns, out, sizeof out, &to);
    must(p->unicast && (n < 0 || (size_t)n == ip_header_bytes(&p->src) + p->payload_bytes));
  } else if (verdict == ICMP_ERROR_REPORT) {
    must(p->unicast && memcmp(&report.tuple.local, &p->dst, 16) == 0);
    udp_report(&w->udp, 1, &report.tuple, ESTAB_ERR_REFUSED);
  } else if (verdict == ICMP_NEIGHBOUR && icmp_neighbour(p, &nd) == 0) {
    bool ours = ip_has_address(&w->ip, 1, &nd.target);
    link_nd_input(&w->link, 1, &p->src, &p->dst, &nd, ours, w->now_ns, out, &reply_bytes);
    must(p->hop_limit == 255 && reply_bytes <= LINK_MESSAGE_BYTES);
  }
}

static void packet(struct world *w, const uint8_t *bytes, size_t have)
{
  struct ip_packet p;
  int answer = ip_input(&w->ip, 1, bytes, have, w->now_ns, &p);
  if (answer < 0) {
    if (p.error_due) error(w, &p);
    return;
  }
  must(p.header + p.header_bytes == p.payload);
  must(p.reassembled || (p.header == bytes && p.payload + p.payload_bytes <= bytes + have));
  if (p.protocol == ESTAB_PROTOCOL_ICMP4 || p.protocol == ESTAB_PROTOCOL_ICMP6) {
    icmp(w, &p);
  } else if (p.protocol == ESTAB_PROTOCOL_UDP) {
    answer = udp_input(&w->udp, 1, &p.src, &p.dst, p.payload, p.payload_bytes, false);
    icmp_error_set(&p, ICMP_ERROR_PORT);
    if (answer == -ESTAB_DROP_UDP_NO_ENDPOINT) error(w, &p);
  }
}

static void frame(struct world *w, const uint8_t *bytes, size_t have)
{
  struct estab_eth_header eth;
  struct estab_arp arp;
  uint8_t reply[LINK_MESSAGE_BYTES];
  size_t reply_bytes;
  int header = estab_eth_parse(bytes, have, &eth);
  if (header < 0 || link_eth_accept(&w->link, 1, &eth) < 0) return;
  if (eth.type != ESTAB_ETH_ARP) {
    packet(w, bytes + header, have - (size_t)header);
  } else if (estab_arp_parse(bytes + header, have - (size_t)header, &arp) > 0) {
    bool ours = ip_has_address(&w->ip, 1, &arp.target_ip);
    link_arp_input(&w->link, 1, &arp, ours, w->now_ns, reply, &reply_bytes);
  }
}

static void time_passes(struct world *w)
{
  struct ip_packet expired;
  uint8_t out[LINK_WAITING_BYTES];
  uint32_t netif;
  for (int r; (r = ip_handle_deadline(&w->ip, w->now_ns, &expired)) != 0;)
    if (r == 1) error(w, &expired);
  link_handle_deadline(&w->link, w->now_ns);
  while (link_output(&w->link, w->now_ns, out, &netif))
    continue;
  must(w->link.neighbours.count <= LINK_NEIGHBOURS && w->mem.in_use_bytes < 6 << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct world w;
  world_make(&w);
  while (size >= 3) {
    uint8_t how = data[0];
    size_t n = size_min(get_be16(data + 1), size - 3);
    uint8_t *exact = malloc(n ? n : 1); // so that a read past it is seen
    must(exact != NULL);
    memcpy(exact, data + 3, n);
    bool bare = how & 2;
    if (how & 1 && n >= (bare ? 1u : 15u)) checksums(exact + (bare ? 0 : 14), n - (bare ? 0 : 14));
    if (bare)
      packet(&w, exact, n);
    else
      frame(&w, exact, n);
    free(exact);
    data += 3 + n;
    size -= 3 + n;
    w.now_ns += (uint64_t)(how >> 2) * UINT64_C(500000000);
    time_passes(&w);
  }
  ip_destroy(&w.ip);
  link_destroy(&w.link);
  udp_destroy(&w.udp);
  must(w.mem.in_use_bytes == 0);
  return 0;
}
