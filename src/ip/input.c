// SPDX-License-Identifier: BSD-2-Clause
// input.c - one IP packet judged: is it well formed, may its sender exist, is it for us, is it whole.
#include <string.h>

#include "base/bytes.h"
#include "estab/wire.h"
#include "ip/ip_internal.h"
#include "wire/ip.h"

// RFC 1122 3.2.1.3, RFC 1812 5.3.7, RFC 4291 2.5: nobody sends from these. own = our address from outside:
// what loops inside the stack has netif 0 and never comes here from a wire (LAND; ATTACKS B13).
static bool source_allowed(struct ip *ip, const struct ip_packet *p)
{
  enum ip_class class = p->version == 4 ? ip4_class(p->src.bytes + 12) : ip6_class(p->src.bytes);
  switch (class) {
  case IP_CLASS_UNICAST:
  case IP_CLASS_LINK_LOCAL:
    return p->netif == 0 || (!ip_is_own(ip, &p->src) && !ip_is_broadcast(ip, 0, &p->src));
  case IP_CLASS_LOOPBACK: return p->netif == 0;
  case IP_CLASS_ANY:
    // RFC 4861 4.1, 4.3: solicitations of hosts without an address yet.
    return p->version == 6 && p->protocol == ESTAB_PROTOCOL_ICMP6;
  case IP_CLASS_MULTICAST:
  case IP_CLASS_BROADCAST:
  case IP_CLASS_RESERVED: return false;
  }
  return false;
}

// RFC 4291 2.7.1: all-nodes and the solicited-node address of an address of ours on this interface.
static bool group6_joined(const struct ip *ip, uint32_t netif, const uint8_t *group)
{
  static const uint8_t all_nodes[14] = {0}, solicited[11] = {[9] = 1, [10] = 0xff};
  if (group[1] != 1 && group[1] != 2) return false;
  if (memcmp(group + 2, all_nodes, 13) == 0 && group[15] == 1) return true;
  if (group[1] != 2 || memcmp(group + 2, solicited, 11) != 0) return false;
  for (uint32_t i = 0; i < ip->address_count; i++) {
    const struct ip_address *a = &ip->addresses[i];
    if (a->netif == netif && !ip_is_mapped(&a->ip) && memcmp(a->ip.bytes + 13, group + 13, 3) == 0)
      return true;
  }
  return false;
}

// RFC 1122 3.2.1.3: our addresses, broadcasts, and the groups every host is in. Sets p->unicast.
static bool destination_ours(struct ip *ip, struct ip_packet *p)
{
  p->unicast = ip_is_local(ip, p->netif, &p->dst);
  if (p->unicast) return true;
  if (p->version == 6) return p->dst.bytes[0] == 0xff && group6_joined(ip, p->netif, p->dst.bytes);
  if (p->dst.bytes[12] == 224) return get_be32(p->dst.bytes + 12) == 0xe0000001; // all hosts
  return ip_is_broadcast(ip, p->netif, &p->dst);
}

static void error_want(struct ip_packet *p, uint8_t type, uint8_t code, uint32_t pointer)
{
  p->error_due = true;
  p->error_type = type;
  p->error_code = code;
  p->error_pointer = pointer;
}

// The octet that names the protocol behind the last header: RFC 4443 3.4 wants it pointed at.
static uint32_t ip6_next_header_offset(const uint8_t *header, uint32_t header_bytes)
{
  uint32_t at = 6, next = 40;
  uint8_t kind = header[6];
  while (next + 8 <= header_bytes) {
    at = next;
    next += kind == ESTAB_PROTOCOL_FRAGMENT ? 8 : 8 + 8u * header[at + 1];
    kind = header[at];
  }
  return at;
}

// RFC 1122 3.2.2.1, RFC 8200 4: somebody speaks it, or the sender is told. Nothing is taken out of a tunnel
// that nobody set up: 4, 41 and 47 are as unknown as the rest (ATTACKS P14).
static int protocol_judge(struct ip_packet *p)
{
  bool known = p->protocol == ESTAB_PROTOCOL_TCP || p->protocol == ESTAB_PROTOCOL_UDP ||
               p->protocol == (p->version == 4 ? ESTAB_PROTOCOL_ICMP4 : ESTAB_PROTOCOL_ICMP6);
  if (known) return 0;
  if (p->version == 4)
    error_want(p, ESTAB_ICMP4_UNREACHABLE, ESTAB_ICMP4_CODE_PROTOCOL, 0);
  else if (p->protocol != ESTAB_PROTOCOL_NONE)
    error_want(p, ESTAB_ICMP6_PARAMETER_PROBLEM, 1,
               ip6_next_header_offset(p->header, p->header_bytes));
  return -ESTAB_DROP_IP_PROTOCOL;
}

// What the header of a reassembled datagram says, for those who quote it.
static void reassembled_header_fix(uint8_t *header, uint8_t version, size_t header_bytes,
                                   size_t payload_bytes, uint8_t protocol)
{
  if (version == 6) {
    put_be16(header + 4, (uint16_t)payload_bytes);
    header[6] = protocol;
    return;
  }
  put_be16(header + 2, (uint16_t)(header_bytes + payload_bytes));
  put_be16(header + 6, 0);
  put_be16(header + 10, 0);
  put_be16(header + 10, estab_checksum_finish(estab_checksum_add(0, header, header_bytes)));
}

// RFC 8200 4.5: extension headers behind the fragment header are read now that all is there.
static int reassembled6_parse(struct ip_packet *p, struct estab_ip6_header *h)
{
  int walked = estab_ip6_parse_reassembled(p->payload, p->payload_bytes, h);
  if (walked < 0) {
    if (h->problem.wanted)
      error_want(p, ESTAB_ICMP6_PARAMETER_PROBLEM, h->problem.code,
                 (uint32_t)p->header_bytes + h->problem.pointer);
    return walked;
  }
  p->protocol = h->protocol;
  p->payload += walked;
  p->payload_bytes -= (size_t)walked;
  p->header_bytes = (uint16_t)(p->header_bytes + walked);
  return 0;
}

// p describes one fragment; when it was the last one missing, p becomes the datagram. h6: of IPv6.
static int fragment_input(struct ip *ip, struct ip_packet *p, const struct estab_fragment *f,
                          struct estab_ip6_header *h6, uint64_t now_ns)
{
  bool six = p->version == 6;
  struct frag_piece piece = {.key = {.src = p->src,
                                     .dst = p->dst,
                                     .id = f->id,
                                     .netif = p->netif,
                                     .version = p->version,
                                     .protocol = six ? 0 : p->protocol},
                             .bytes = p->payload,
                             .count = p->payload_bytes,
                             .offset = f->offset,
                             .more = f->more,
                             .header = p->header,
                             .header_bytes = six ? ESTAB_IP6_HEADER_BYTES : p->header_bytes,
                             .protocol = p->protocol,
                             .ecn = p->ecn};
  struct frag_datagram whole;
  int answer = frag_input(&ip->frag, &piece, now_ns, &whole);
  if (answer) return answer;

  // RFC 3168 5.3: congestion that one fragment met is not lost, nor made up.
  if (whole.ecn_seen & 1u << ESTAB_ECN_CE) p->ecn = ESTAB_ECN_CE;
  p->traffic_class = (uint8_t)((p->traffic_class & 0xfc) | p->ecn);
  reassembled_header_fix(whole.header, p->version, whole.header_bytes, whole.payload_bytes,
                         whole.protocol);
  p->reassembled = true;
  p->header = whole.header;
  p->header_bytes = (uint16_t)whole.header_bytes;
  p->payload = whole.payload;
  p->payload_bytes = whole.payload_bytes;
  p->protocol = whole.protocol;
  if (!six) return 0;
  h6->protocol = whole.protocol;
  return reassembled6_parse(p, h6);
}

// Whether packet_judge() would take a whole TCP datagram, for nearly all of them: from a plain unicast address that is
// not ours, to the same address of ours as the packet before. What this does not know goes the long way.
static inline bool packet_ordinary(const struct ip *ip, struct ip_packet *p)
{
  const struct ip_address *a = ip->addresses, *end = a + ip->address_count;
  const uint8_t *src = p->src.bytes;
  if (ip->address_count - 1 > 3) return false; // 1 to 4
  if (!ip_same(&a[ip->address_hint].ip, &p->dst) || a[ip->address_hint].netif != p->netif)
    return false;
  if (p->version == 4) { // not 0, 127, 169, 224..255; no broadcast of any prefix
    if (src[12] - 1u > 222 || src[12] == 127 || src[12] == 169 || (src[15] & 3) == 3) return false;
  } else if ((src[0] & 0xe0) != 0x20) { // RFC 4291 2.4: global unicast as it is given out
    return false;
  }
  for (; a < end; a++)
    if (ip_same(&a->ip, &p->src)) return false;
  p->unicast = true;
  return true;
}

// TCP between the same two addresses as the packet before, which was judged: nothing between them has changed since.
static inline bool packet_of_pair(const struct ip *ip, struct ip_packet *p)
{
  const struct ip_remembered *r = &ip->remembered;
  if (r->pair_version != p->version || p->protocol != ESTAB_PROTOCOL_TCP ||
      r->pair_netif != p->netif || !ip_same(&r->src, &p->src) || !ip_same(&r->dst, &p->dst))
    return false;
  p->unicast = true;
  p->address_sum = r->address_sum;
  return true;
}

static void pair_remember(struct ip *ip, const struct ip_packet *p)
{
  struct ip_remembered *r = &ip->remembered;
  const struct ip_netif *n = ip_netif(ip, p->netif);
  r->pair_version = p->version;
  r->pair_netif = p->netif;
  r->pair_trusted = n && n->settings.checksum_trusted;
  r->pair_raw_netif = n && n->settings.link == ESTAB_LINK_RAW ? p->netif : 0;
  r->src = p->src;
  r->dst = p->dst;
  r->pair_ports = 0;
  memcpy(&r->ends4, p->src.bytes + 12, 4);
  memcpy((uint8_t *)&r->ends4 + 4, p->dst.bytes + 12, 4);
  r->address_sum = estab_checksum_fold(estab_checksum_pseudo(&p->src, &p->dst, 0, 0));
}

// Everything behind the parsing of the header. h6 NULL: IPv4.
static int packet_judge(struct ip *ip, struct ip_packet *p, const struct estab_fragment *f,
                        struct estab_ip6_header *h6, uint64_t now_ns)
{
  if (!packet_of_pair(ip, p)) {
    if (!source_allowed(ip, p)) return -ESTAB_DROP_IP_SOURCE;
    if (!destination_ours(ip, p)) return -ESTAB_DROP_IP_NOT_OURS;
    if (p->unicast && p->protocol == ESTAB_PROTOCOL_TCP) pair_remember(ip, p);
  }
  if (f->more || f->offset) {
    int answer = fragment_input(ip, p, f, h6, now_ns);
    if (answer) return answer;
  }
  return protocol_judge(p);
}

// Whole TCP datagrams behind a header without options are nearly all there are: read into *out at once, and judged if
// that is quickly done. False: somebody else has to look, and *out means nothing.
static inline bool ip4_input_plain(struct ip *ip, uint32_t netif, const uint8_t *bytes, size_t have,
                                   bool trusted, struct ip_packet *out)
{
  if (have < ESTAB_IP4_HEADER_BYTES || !ip4_is_plain(bytes) || bytes[9] != ESTAB_PROTOCOL_TCP)
    return false;
  size_t total_bytes = get_be16(bytes + 2);
  if (total_bytes < ESTAB_IP4_HEADER_BYTES || total_bytes > have) return false;
  if (!trusted && !ip4_checksum_right(bytes, ESTAB_IP4_HEADER_BYTES)) return false;
  ip_read4(&out->src, bytes + 12);
  ip_read4(&out->dst, bytes + 16);
  out->address_sum = 0;
  out->header = bytes;
  out->payload = bytes + ESTAB_IP4_HEADER_BYTES;
  out->payload_bytes = total_bytes - ESTAB_IP4_HEADER_BYTES;
  out->netif = netif;
  out->header_bytes = ESTAB_IP4_HEADER_BYTES;
  out->version = 4;
  out->protocol = ESTAB_PROTOCOL_TCP;
  out->hop_limit = bytes[8];
  out->traffic_class = bytes[1];
  out->ecn = bytes[1] & 3;
  out->fragment_header = out->reassembled = out->link_multicast = false;
  out->error_due = out->error_multicast = false;
  if (packet_of_pair(ip, out)) return true;
  if (!packet_ordinary(ip, out)) return false;
  pair_remember(ip, out);
  return true;
}

// A fragment past 65535 octets, or that ends nowhere: its datagram is given up at once (ATTACKS P13).
static void fragment_forget(struct ip *ip, const struct ip_packet *p, uint32_t id)
{
  struct frag_key key = {.src = p->src,
                         .dst = p->dst,
                         .id = id,
                         .netif = p->netif,
                         .version = p->version,
                         .protocol = p->version == 6 ? 0 : p->protocol};
  frag_forget(&ip->frag, &key);
}

static int ip4_input(struct ip *ip, const uint8_t *bytes, size_t have, bool trusted,
                     uint64_t now_ns, struct ip_packet *out)
{
  struct estab_ip4_header h;
  int header = estab_ip4_parse(bytes, have, &h);
  if (header == -ESTAB_DROP_IP4_CHECKSUM && trusted) header = h.header_bytes; // judged last
  if (header < 0 && header != -ESTAB_DROP_FRAG_BOUNDS) return header;
  out->version = 4;
  out->src = h.src;
  out->dst = h.dst;
  out->protocol = h.protocol;
  if (header < 0) {
    fragment_forget(ip, out, h.fragment.id);
    out->version = 0; // nobody is told
    return header;
  }
  out->hop_limit = h.ttl;
  out->ecn = h.ecn;
  out->traffic_class = (uint8_t)(h.dscp << 2 | h.ecn);
  out->header_bytes = (uint16_t)header;
  out->payload = bytes + header;
  out->payload_bytes = h.total_bytes - (size_t)header;
  return packet_judge(ip, out, &h.fragment, NULL, now_ns);
}

static int ip6_input(struct ip *ip, const uint8_t *bytes, size_t have, uint64_t now_ns,
                     struct ip_packet *out)
{
  struct estab_ip6_header h;
  h.problem.wanted = false;
  int header = estab_ip6_parse(bytes, have, &h);
  if (header < 0 && !h.problem.wanted) return header;
  out->version = 6;
  out->src = h.src;
  out->dst = h.dst;
  out->protocol = h.protocol;
  out->hop_limit = h.hop_limit;
  out->ecn = h.ecn;
  out->traffic_class = (uint8_t)(h.dscp << 2 | h.ecn);
  // An IPv4-mapped address means IPv4 everywhere in here; on a wire it means nothing good.
  if (ip_is_mapped(&h.src)) return -ESTAB_DROP_IP_SOURCE;
  if (ip_is_mapped(&h.dst)) return -ESTAB_DROP_IP_NOT_OURS;
  if (header == -ESTAB_DROP_FRAG_BOUNDS) fragment_forget(ip, out, h.fragment.id);
  if (header < 0) { // what was not understood is only reported by whom it was meant for
    out->header_bytes = ESTAB_IP6_HEADER_BYTES;
    out->payload = bytes + ESTAB_IP6_HEADER_BYTES;
    out->payload_bytes = size_min(have - ESTAB_IP6_HEADER_BYTES, h.payload_bytes);
    if (source_allowed(ip, out) && destination_ours(ip, out) &&
        (out->unicast || h.problem.even_multicast)) {
      error_want(out, ESTAB_ICMP6_PARAMETER_PROBLEM, h.problem.code, h.problem.pointer);
      out->error_multicast = h.problem.even_multicast;
    }
    return header;
  }
  out->fragment_header = h.has_fragment;
  out->header_bytes = h.header_bytes;
  out->payload = bytes + header;
  out->payload_bytes = ESTAB_IP6_HEADER_BYTES + (size_t)h.payload_bytes - (size_t)header;
  if (out->protocol == ESTAB_PROTOCOL_TCP && !h.fragment.more && !h.fragment.offset) {
    if (packet_of_pair(ip, out)) return 0;
    if (packet_ordinary(ip, out)) {
      pair_remember(ip, out);
      return 0;
    }
  }
  return packet_judge(ip, out, &h.fragment, &h, now_ns);
}

int ip_input(struct ip *ip, uint32_t netif, const uint8_t *bytes, size_t have, uint64_t now_ns,
             struct ip_packet *out)
{
  const struct ip_netif *n = ip_netif(ip, netif);
  bool up = netif == 0 || (n && n->up), trusted = n && n->settings.checksum_trusted;
  if (up && ip4_input_plain(ip, netif, bytes, have, trusted, out)) return 0;
  memset(out, 0, sizeof *out);
  out->netif = netif;
  out->header = bytes;
  if (!up) return -ESTAB_DROP_NETIF_DOWN;
  if (have < 1) return -ESTAB_DROP_IP_SHORT;
  if (bytes[0] >> 4 == 4) return ip4_input(ip, bytes, have, trusted, now_ns, out);
  if (bytes[0] >> 4 == 6) return ip6_input(ip, bytes, have, now_ns, out);
  return -ESTAB_DROP_IP_VERSION;
}

bool ip_reassembly_timeout(const struct frag_datagram *d, struct ip_packet *out)
{
  memset(out, 0, sizeof *out);
  if (!d->header) return false; // RFC 792, RFC 8200 4.5: only if the first fragment came
  out->version = d->key.version;
  out->src = d->key.src;
  out->dst = d->key.dst;
  out->netif = d->key.netif;
  out->protocol = d->protocol;
  out->header = d->header;
  out->header_bytes = (uint16_t)d->header_bytes;
  out->payload = d->payload;
  out->payload_bytes = d->payload_bytes;
  out->reassembled = true;
  out->unicast = true; // icmp_error_build() looks at dst itself
  bool six = out->version == 6;
  if (six) { // kept without its fragment header: what quotes it must not promise one
    put_be16(d->header + 4, (uint16_t)d->payload_bytes);
    d->header[6] = d->protocol;
  }
  error_want(out, six ? ESTAB_ICMP6_TIME_EXCEEDED : ESTAB_ICMP4_TIME_EXCEEDED, 1, 0);
  return true;
}
