// SPDX-License-Identifier: BSD-2-Clause
// ip_hostile.c - frames made to hurt, through link, ip, icmp and udp: chains, options, lengths, cuts at every byte.
// Each in a heap buffer of its exact size, so that the address sanitizer sees a read past it.
#include "support/prop.h"

#include "base/bytes.h"
#include "base/rand.h"
#include "ip/icmp.h"
#include "link/link.h"
#include "udp/udp.h"

enum { FRAME_MAX = 2048 };

static const uint64_t key[2] = {11, 12};
static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2};

struct world {
  struct prop_mem door;
  struct mem mem;
  struct rng rng;
  struct ip ip;
  struct link link;
  struct udp udp;
  struct estab_ip us[2], peer[2];
  uint64_t now_ns;
  unsigned taken, errors, answers, reports;
};

static struct estab_ip six(uint8_t last)
{
  return (struct estab_ip){{0x20, 1, 0xd, 0xb8, [15] = last}};
}

static void world_make(struct world *w)
{
  static const uint8_t secret[16] = {9};
  memset(w, 0, sizeof *w);
  mem_init(&w->mem, prop_mem_door(&w->door));
  rng_init(&w->rng, secret, (struct estab_random){0});
  ip_init(&w->ip, &w->mem, &w->rng, key);
  link_init(&w->link, &w->mem, key);
  udp_init(&w->udp, &w->mem, &w->rng, key);
  struct estab_netif_settings s = {
      .struct_bytes = sizeof s, .link = ESTAB_LINK_ETHERNET, .mtu = 1500};
  memcpy(s.mac, our_mac, 6);
  ip_netif_add(&w->ip, &s);
  link_netif_add(&w->link, 1, our_mac);
  w->us[0] = estab_ip4(192, 0, 2, 1);
  w->peer[0] = estab_ip4(192, 0, 2, 2);
  w->us[1] = six(1);
  w->peer[1] = six(2);
  ip_address_add(&w->ip, 1, &w->us[0], 24);
  ip_address_add(&w->ip, 1, &w->us[1], 64);
  struct estab_udp_settings u = {.struct_bytes = sizeof u, .local_port = 53, .queue_bytes = 4000};
  estab_udp handle;
  udp_open(&w->udp, &u, &handle);
}

// ---------------------------------------------------------------------------------------------
// Frames

static size_t noise(struct prop_rng *r, uint8_t *out, size_t n)
{
  for (size_t i = 0; i < n; i++)
    out[i] = (uint8_t)prop_u64(r);
  return n;
}

// A transport message of any protocol, lengths mostly right; checksums are put in later.
static size_t transport(struct world *w, struct prop_rng *r, int v, uint8_t protocol, uint8_t *out,
                        int depth);

static size_t ip4_packet(struct world *w, struct prop_rng *r, uint8_t *out, int depth)
{
  static const uint8_t kinds[] = {0, 1, 7, 68, 131, 137, 148, 255, 130};
  static const uint8_t protocols[] = {1, 1, 6, 17, 17, 4, 41, 47, 58, 255};
  uint8_t options[40] = {0}, protocol = protocols[prop_below(r, sizeof protocols)];
  size_t options_bytes = prop_one_in(r, 4) ? 4 * prop_below(r, 11) : 0;
  for (size_t i = 0; i < options_bytes;) { // kinds with lengths that fit, or not
    options[i] = kinds[prop_below(r, sizeof kinds)];
    if (i + 1 < options_bytes) options[i + 1] = (uint8_t)prop_below(r, prop_one_in(r, 3) ? 42 : 8);
    i += 1 + prop_below(r, 8);
  }
  size_t header = 20 + options_bytes;
  size_t payload = transport(w, r, 0, protocol, out + header, depth);
  struct estab_ip4_header h = {.src = w->peer[0],
                               .dst = w->us[0],
                               .protocol = protocol,
                               .ttl = 9,
                               .total_bytes = (uint16_t)(header + payload),
                               .options = options,
                               .options_bytes = (uint8_t)options_bytes};
  if (depth) h.src = w->us[0], h.dst = w->peer[0]; // quoted: ours
  if (prop_one_in(r, 6)) {
    h.fragment = (struct estab_fragment){.id = prop_below(r, 3),
                                         .more = prop_one_in(r, 2),
                                         .offset = (uint16_t)(8 * prop_below(r, 60))};
    h.total_bytes = (uint16_t)(header + (payload & ~(size_t)7));
  }
  if (prop_one_in(r, 12)) h.total_bytes = (uint16_t)prop_u64(r);
  if (prop_one_in(r, 20)) h.src = estab_ip4((uint8_t)prop_u64(r), 0, 0, (uint8_t)prop_u64(r));
  if (prop_one_in(r, 20)) h.dst = estab_ip4(prop_one_in(r, 2) ? 224 : 192, 0, 2, 255);
  estab_ip4_emit(&h, out);
  if (prop_one_in(r, 20)) out[0] = (uint8_t)prop_u64(r);
  return header + payload;
}

// Up to 12 extension headers, any order, any length octet.
static size_t extensions(struct prop_rng *r, uint8_t *first, uint8_t last, uint8_t *out)
{
  static const uint8_t kinds[] = {0, 43, 44, 60, 60, 44, 51, 135};
  unsigned count = prop_one_in(r, 2) ? 0 : prop_below(r, prop_one_in(r, 4) ? 12 : 4);
  size_t at = 0;
  uint8_t *next = first;
  for (unsigned i = 0; i < count; i++) {
    uint8_t *h = out + at;
    *next = kinds[prop_below(r, sizeof kinds)];
    next = h;
    size_t bytes = 8;
    memset(h, 0, 8);
    if (*(i ? out : first) == 44 || prop_one_in(r, 3)) { // a fragment header's fields
      put_be16(h + 2, (uint16_t)(prop_one_in(r, 3) ? prop_u64(r) : prop_below(r, 2)));
      put_be32(h + 4, prop_below(r, 3));
    } else {
      bytes = 8 * (1 + prop_below(r, 4));
      noise(r, h, bytes);
      h[1] = (uint8_t)(prop_one_in(r, 8) ? prop_u64(r) : bytes / 8 - 1);
      if (prop_one_in(r, 2)) h[2] = 1, h[3] = (uint8_t)(bytes - 4); // PadN
      if (prop_one_in(r, 3)) h[2] = 0, h[3] = 1;                    // routing: a segment left
    }
    at += bytes;
  }
  *next = last;
  return at;
}

static size_t ip6_packet(struct world *w, struct prop_rng *r, uint8_t *out, int depth)
{
  static const uint8_t protocols[] = {58, 58, 58, 6, 17, 17, 59, 4, 41, 1, 255};
  uint8_t protocol = protocols[prop_below(r, sizeof protocols)], chain[512], first;
  size_t chain_bytes = extensions(r, &first, protocol, chain);
  size_t payload = transport(w, r, 1, protocol, out + 40 + chain_bytes, depth);
  struct estab_ip6_header h = {.src = w->peer[1],
                               .dst = w->us[1],
                               .next_header = first,
                               .payload_bytes = (uint16_t)(chain_bytes + payload),
                               .extensions = chain,
                               .extension_bytes = (uint16_t)chain_bytes,
                               .hop_limit = prop_one_in(r, 8) ? 64 : 255};
  if (depth) h.src = w->us[1], h.dst = w->peer[1];
  if (prop_one_in(r, 12)) h.payload_bytes = (uint16_t)prop_u64(r);
  if (prop_one_in(r, 20)) h.src.bytes[0] = (uint8_t)prop_u64(r);
  if (prop_one_in(r, 20)) memset(h.src.bytes, 0, 16);
  if (prop_one_in(r, 8)) h.dst = (struct estab_ip){{0xff, 2, [15] = 1}};
  estab_ip6_emit(&h, out);
  return 40 + chain_bytes + payload;
}

// Neighbour discovery with options of any length octet: ATTACKS P11.
static size_t neighbour_message(struct world *w, struct prop_rng *r, uint8_t *out)
{
  static const uint8_t fixed[] = {8, 16, 24, 24, 40};
  unsigned kind = prop_below(r, 5);
  size_t at = fixed[kind];
  memset(out, 0, at);
  out[0] = (uint8_t)(133 + kind);
  if (kind == 2 || kind == 3)
    memcpy(out + 8, prop_one_in(r, 2) ? w->us[1].bytes : w->peer[1].bytes, 16);
  for (unsigned i = prop_below(r, 5); i > 0; i--) {
    static const uint8_t kinds[] = {1, 2, 3, 5, 24, 25, 31, 255};
    size_t bytes = 8 * (1 + prop_below(r, 4));
    noise(r, out + at, bytes);
    out[at] = kinds[prop_below(r, sizeof kinds)];
    out[at + 1] = (uint8_t)(prop_one_in(r, 8) ? prop_u64(r) : bytes / 8);
    at += bytes;
  }
  return at;
}

static size_t transport(struct world *w, struct prop_rng *r, int v, uint8_t protocol, uint8_t *out,
                        int depth)
{
  size_t n = prop_below(r, 60);
  noise(r, out, 8 + n);
  if (protocol == 17) {
    put_be16(out + 2, prop_one_in(r, 2) ? 53 : 54);
    put_be16(out + 4, (uint16_t)(prop_one_in(r, 6) ? prop_u64(r) : 8 + n));
    if (prop_one_in(r, 3)) put_be16(out + 6, 0);
    return 8 + n;
  }
  if (protocol != (v ? 58 : 1)) return n;
  if (v && prop_one_in(r, 3)) return neighbour_message(w, r, out);
  static const uint8_t types[2][6] = {{0, 3, 5, 8, 11, 12}, {1, 2, 3, 4, 128, 137}};
  out[0] = prop_one_in(r, 8) ? (uint8_t)prop_u64(r) : types[v][prop_below(r, 6)];
  out[1] = (uint8_t)prop_below(r, 8);
  if (depth > 1 || prop_one_in(r, 8)) return 8 + n;
  return 8 + (v ? ip6_packet(w, r, out + 8, depth + 1) : ip4_packet(w, r, out + 8, depth + 1));
}

// Right checksums where the frame is sane enough to have a place for them, so that the damage gets further in.
static void checksums(uint8_t *ip, size_t bytes)
{
  if (bytes >= 20 && ip[0] >> 4 == 4) {
    size_t header = (ip[0] & 15u) * 4;
    if (header < 20 || header > bytes) return;
    put_be16(ip + 10, 0);
    put_be16(ip + 10, estab_checksum_finish(estab_checksum_add(0, ip, header)));
    size_t total = get_be16(ip + 2);
    if (ip[9] != 1 || total < header + 4 || total > bytes) return;
    put_be16(ip + header + 2, 0);
    put_be16(ip + header + 2,
             estab_checksum_finish(estab_checksum_add(0, ip + header, total - header)));
  } else if (bytes >= 40 && ip[0] >> 4 == 6) {
    struct estab_ip6_header h;
    int header = estab_ip6_parse(ip, bytes, &h);
    if (header < 0 || h.protocol != 58 || 40u + h.payload_bytes < (unsigned)header + 4) return;
    size_t message = 40u + h.payload_bytes - (size_t)header;
    put_be16(ip + header + 2, 0);
    uint64_t sum = estab_checksum_pseudo(&h.src, &h.dst, 58, (uint32_t)message);
    put_be16(ip + header + 2, estab_checksum_finish(estab_checksum_add(sum, ip + header, message)));
  }
}

static size_t frame(struct world *w, struct prop_rng *r, uint8_t *out)
{
  struct estab_eth_header eth;
  memcpy(eth.src, peer_mac, 6);
  memcpy(eth.dst, our_mac, 6);
  if (prop_one_in(r, 10)) memset(eth.dst, 0xff, 6);
  size_t n = 0;
  if (prop_one_in(r, 8)) {
    struct estab_arp arp = {.operation = (uint16_t)(1 + prop_below(r, 2)),
                            .sender_ip = w->peer[0],
                            .target_ip = prop_one_in(r, 3) ? w->peer[0] : w->us[0]};
    noise(r, arp.sender_mac, 6);
    eth.type = ESTAB_ETH_ARP;
    n = estab_arp_emit(&arp, out + 14);
  } else if (prop_one_in(r, 2)) {
    eth.type = ESTAB_ETH_IP4;
    n = ip4_packet(w, r, out + 14, 0);
  } else {
    eth.type = ESTAB_ETH_IP6;
    n = ip6_packet(w, r, out + 14, 0);
  }
  estab_eth_emit(&eth, out);
  for (unsigned i = prop_below(r, 4) ? 0 : prop_below(r, 4); i > 0; i--)
    out[14 + prop_below(r, (uint32_t)n)] = (uint8_t)prop_u64(r);
  if (!prop_one_in(r, 8)) checksums(out + 14, n);
  return 14 + n;
}

// ---------------------------------------------------------------------------------------------
// What a stack does with them, and what must hold

static bool error_holds(struct world *w, const struct ip_packet *p)
{
  uint8_t out[1280];
  struct ip_route_result to;
  int n = icmp_error_build(&w->ip, p, w->now_ns, out, sizeof out, &to);
  if (n < 0) return true;
  w->errors++;
  PROP_CHECK(p->version == 4 || p->version == 6);
  PROP_CHECK(n <= (p->version == 4 ? 576 : 1280));
  PROP_CHECK(p->unicast || p->error_multicast);
  PROP_CHECK(p->protocol != (p->version == 4 ? 1 : 58) ||
             p->payload[0] >= (p->version == 4 ? 0 : 128));
  PROP_CHECK(memcmp(out + (p->version == 4 ? 16 : 24), p->src.bytes + (p->version == 4 ? 12 : 0),
                    p->version == 4 ? 4 : 16) == 0);
  return true;
}

static bool icmp_holds(struct world *w, const struct ip_packet *p)
{
  struct icmp_report report;
  struct ip_route_result to;
  struct estab_nd nd;
  uint8_t out[1500];
  size_t reply_bytes = 0;
  int verdict = icmp_input(&w->ip, p, &report);
  if (verdict == ICMP_ECHO_REQUEST) {
    PROP_CHECK(p->unicast);
    int n = icmp_echo_reply(&w->ip, p, w->now_ns, out, sizeof out, &to);
    PROP_CHECK(n < 0 || (size_t)n == ip_header_bytes(&p->src) + p->payload_bytes);
    w->answers += n > 0;
  } else if (verdict == ICMP_ERROR_REPORT) {
    w->reports++;
    PROP_CHECK(memcmp(&report.tuple.local, &p->dst, 16) == 0 && p->unicast);
    PROP_CHECK(report.protocol == 6 || report.protocol == 17);
    if (report.protocol == 17) udp_report(&w->udp, 1, &report.tuple, ESTAB_ERR_REFUSED);
  } else if (verdict == ICMP_NEIGHBOUR && icmp_neighbour(p, &nd) == 0) {
    PROP_CHECK(p->hop_limit == 255 && !p->fragment_header);
    bool ours = ip_is_local(&w->ip, 1, &nd.target);
    int answer =
        link_nd_input(&w->link, 1, &p->src, &p->dst, &nd, ours, w->now_ns, out, &reply_bytes);
    PROP_CHECK(reply_bytes <= LINK_MESSAGE_BYTES && (answer == 0 || !reply_bytes));
    w->answers += reply_bytes > 0;
  }
  return true;
}

static bool ip_holds(struct world *w, const uint8_t *bytes, size_t have)
{
  struct ip_packet p;
  int answer = ip_input(&w->ip, 1, bytes, have, w->now_ns, &p);
  PROP_CHECK(answer <= 0 && answer > -ESTAB_DROPS);
  if (answer < 0) return !p.error_due || error_holds(w, &p);
  w->taken++;
  PROP_CHECK(!p.error_due);
  PROP_CHECK(p.header + p.header_bytes == p.payload);
  if (!p.reassembled) {
    PROP_CHECK(p.header == bytes && p.payload + p.payload_bytes <= bytes + have);
  }
  uint8_t last = 0; // every byte that is promised can be read
  for (size_t i = 0; i < p.header_bytes + p.payload_bytes; i++)
    last ^= p.header[i];
  w->now_ns += last & 1;
  if (p.protocol == 1 || p.protocol == 58) return icmp_holds(w, &p);
  if (p.protocol == 17) {
    answer = udp_input(&w->udp, 1, &p.src, &p.dst, p.payload, p.payload_bytes, false);
    if (answer == -ESTAB_DROP_UDP_NO_ENDPOINT) {
      icmp_error_set(&p, ICMP_ERROR_PORT);
      return error_holds(w, &p);
    }
  }
  return true;
}

static bool frame_holds(struct world *w, const uint8_t *bytes, size_t have)
{
  uint8_t *exact = malloc(have ? have : 1), reply[LINK_MESSAGE_BYTES];
  memcpy(exact, bytes, have);
  struct estab_eth_header eth;
  struct estab_arp arp;
  size_t reply_bytes = 0;
  bool ok = true;
  int header = estab_eth_parse(exact, have, &eth);
  if (header > 0 && link_eth_accept(&w->link, 1, &eth) >= 0) {
    if (eth.type != ESTAB_ETH_ARP) {
      ok = ip_holds(w, exact + header, have - (size_t)header);
    } else if (estab_arp_parse(exact + header, have - (size_t)header, &arp) > 0) {
      bool ours = ip_is_local(&w->ip, 1, &arp.target_ip);
      link_arp_input(&w->link, 1, &arp, ours, w->now_ns, reply, &reply_bytes);
      w->answers += reply_bytes > 0;
    }
  }
  free(exact);
  return ok;
}

static bool hostile_holds(struct prop_rng *r)
{
  struct world w;
  world_make(&w);
  uint8_t bytes[2 * FRAME_MAX];
  bool ok = true;
  for (unsigned i = 0; ok && i < 5000; i++) {
    w.now_ns += prop_below(r, 50000000);
    w.door.fail_after = prop_one_in(r, 30) ? prop_below(r, 2) : UINT64_MAX;
    size_t n = frame(&w, r, bytes);
    ok = frame_holds(&w, bytes, n);
    if (prop_one_in(r, 30)) // ATTACKS P7, F3: cut at every byte, padded by some
      for (size_t cut = 0; ok && cut < n + 8; cut++)
        ok = frame_holds(&w, bytes, cut);
    struct ip_packet expired;
    int more = 1;
    while (ok && prop_one_in(r, 20) && (more = ip_handle_deadline(&w.ip, w.now_ns, &expired)) != 0)
      if (more == 1) ok = error_holds(&w, &expired);
    // Only questions without a hardware address make us ask back: bounded, and nothing else makes entries.
    PROP_CHECK(w.link.neighbours.count <= 64);
    uint8_t out[LINK_WAITING_BYTES];
    uint32_t netif;
    while (link_output(&w.link, w.now_ns, out, &netif))
      continue;
    link_handle_deadline(&w.link, w.now_ns);
    PROP_CHECK(w.mem.in_use_bytes < 5 << 20);
  }
  w.door.fail_after = UINT64_MAX;
  ip_destroy(&w.ip);
  link_destroy(&w.link);
  udp_destroy(&w.udp);
  PROP_CHECK(w.door.live_bytes == 0 && w.door.live_pieces == 0);
  if (ok) // much of it got through to where it could do harm
    PROP_CHECK(w.taken > 1000 && w.errors > 100 && w.answers > 50 && w.reports > 5);
  return ok;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"hostile", hostile_holds, 30}};
  return prop_main(argc, argv, props, 1);
}
