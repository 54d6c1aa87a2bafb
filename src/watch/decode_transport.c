// SPDX-License-Identifier: BSD-2-Clause
// decode_transport.c - what an IP packet carries: TCP, ICMP with the packet it quotes, or another packet.
#include <string.h>

#include "watch/decode_internal.h"
#include "wire/encap.h"

// ---------------------------------------------------------------------------------------------
// Tunnels

static WATCH_RARE enum decode_next decode_tunnel(struct decode *d, enum estab_watch_tunnel tunnel,
                                                 enum decode_next next)
{
  struct watch_packet *p = d->out;
  if (!p->has_outer) {
    p->outer_src = p->src;
    p->outer_dst = p->dst;
    p->has_outer = true;
  }
  p->tunnel = (uint8_t)tunnel;
  p->tunnels++; // at most WATCH_DEPTH
  return next;
}

static void decode_tunnel_id(struct decode *d, uint32_t id, bool both_directions)
{
  d->out->tunnel_id = id;
  d->out->tunnel_key = both_directions ? id : 0;
}

static enum decode_next decode_other(struct decode *d, enum estab_watch_count count)
{
  return decode_end(d, WATCH_KIND_OTHER, count);
}

static WATCH_RARE enum decode_next decode_gre(struct decode *d)
{
  struct gre_header h;
  const int n = gre_parse(d->at.at, d->at.left, &h);
  if (n < 0) return decode_other(d, ESTAB_WATCH_COUNT_OTHER_IP); // version 1 above all
  if (h.has_key) decode_tunnel_id(d, h.key, true);
  decode_advance(d, (size_t)n);
  d->type = h.type;
  return decode_tunnel(d, ESTAB_WATCH_TUNNEL_GRE, DECODE_ETH_TYPE);
}

// A port is only a hint: what does not look like the tunnel is a datagram like any other.

static WATCH_RARE enum decode_next decode_vxlan(struct decode *d)
{
  struct vxlan_header h;
  const int n = vxlan_parse(d->at.at, d->at.left, &h);
  if (n < 0) return decode_other(d, ESTAB_WATCH_COUNT_UDP);
  decode_tunnel_id(d, h.vni, true);
  decode_advance(d, (size_t)n);
  return decode_tunnel(d, ESTAB_WATCH_TUNNEL_VXLAN, DECODE_ETHERNET);
}

static WATCH_RARE enum decode_next decode_geneve(struct decode *d)
{
  struct geneve_header h;
  const int n = geneve_parse(d->at.at, d->at.left, &h);
  if (n < 0) return decode_other(d, ESTAB_WATCH_COUNT_UDP);
  decode_tunnel_id(d, h.vni, true);
  decode_advance(d, (size_t)n);
  d->type = h.type;
  return decode_tunnel(d, ESTAB_WATCH_TUNNEL_GENEVE, DECODE_ETH_TYPE);
}

static WATCH_RARE enum decode_next decode_gtpu(struct decode *d)
{
  struct gtpu_header h;
  const int n = gtpu_parse(d->at.at, d->at.left, &h);
  if (n < 0) return decode_other(d, ESTAB_WATCH_COUNT_UDP);
  decode_tunnel_id(d, h.teid, false);
  decode_advance(d, (size_t)n);
  decode_limit(d, h.payload_bytes);
  return decode_tunnel(d, ESTAB_WATCH_TUNNEL_GTPU, DECODE_IP);
}

static WATCH_RARE enum decode_next decode_teredo(struct decode *d)
{
  struct teredo_header h;
  const int n = teredo_parse(d->at.at, d->at.left, &h);
  if (n < 0) return decode_other(d, ESTAB_WATCH_COUNT_UDP);
  // Nothing but the length tells it from chance: RFC 4380 5.2.3 has the packet fill the datagram.
  const uint8_t *const inner = d->at.at + n;
  if (d->at.left - (size_t)n < ESTAB_IP6_HEADER_BYTES ||
      (size_t)n + ESTAB_IP6_HEADER_BYTES + get_be16(inner + 4) != d->wire_bytes)
    return decode_other(d, ESTAB_WATCH_COUNT_UDP);
  decode_advance(d, (size_t)n);
  return decode_tunnel(d, ESTAB_WATCH_TUNNEL_TEREDO, DECODE_IP);
}

// Hosts of Teredo and its relays talk on any port. There the addresses say what it is: RFC 4380 2.6, 2001:0::/32.
static WATCH_RARE bool decode_is_teredo(const struct cursor *payload, unsigned wire_bytes)
{
  static const uint8_t prefix[4] = {0x20, 0x01, 0, 0};
  const uint8_t *const ip = payload->at;
  return payload->left >= ESTAB_IP6_HEADER_BYTES && ip[0] >> 4 == 6 &&
         (unsigned)ESTAB_IP6_HEADER_BYTES + get_be16(ip + 4) == wire_bytes &&
         (memcmp(ip + 8, prefix, sizeof prefix) == 0 ||
          memcmp(ip + 24, prefix, sizeof prefix) == 0);
}

static enum decode_next decode_udp(struct decode *d)
{
  struct cursor c = d->at;
  uint16_t src_port, dst_port, total_bytes, checksum;
  if (!cursor_u16(&c, &src_port) || !cursor_u16(&c, &dst_port) || !cursor_u16(&c, &total_bytes) ||
      !cursor_u16(&c, &checksum) || total_bytes < ESTAB_UDP_HEADER_BYTES ||
      total_bytes > d->wire_bytes)
    return decode_other(d, ESTAB_WATCH_COUNT_UDP);
  const bool known = src_port == ENCAP_UDP_TEREDO || dst_port == ENCAP_UDP_TEREDO ||
                     dst_port == ENCAP_UDP_VXLAN || dst_port == ENCAP_UDP_VXLAN_LINUX ||
                     dst_port == ENCAP_UDP_GENEVE || dst_port == ENCAP_UDP_GTPU;
  if (!known && !decode_is_teredo(&c, total_bytes - ESTAB_UDP_HEADER_BYTES))
    return decode_other(d, ESTAB_WATCH_COUNT_UDP);
  decode_limit(d, total_bytes);
  decode_advance(d, ESTAB_UDP_HEADER_BYTES);
  switch (dst_port) {
  case ENCAP_UDP_VXLAN:
  case ENCAP_UDP_VXLAN_LINUX: return decode_vxlan(d);
  case ENCAP_UDP_GENEVE: return decode_geneve(d);
  case ENCAP_UDP_GTPU: return decode_gtpu(d);
  default: return decode_teredo(d);
  }
}

// ---------------------------------------------------------------------------------------------
// TCP and ICMP

// `field` is the offset of the checksum, `pseudo` the sum of the pseudo-header.
static uint8_t decode_checksum(const struct decode *d, size_t field, uint64_t pseudo)
{
  const struct watch_packet *p = d->out;
  if (d->at.left < d->wire_bytes) return WATCH_CHECKSUM_UNVERIFIABLE;
  const uint64_t sum = pseudo + estab_checksum_add(0, d->at.at, d->at.left);
  if (estab_checksum_finish(sum) == 0) return WATCH_CHECKSUM_OK;
  // The last address of a routing header is the one that was summed, or a node on the way changed it.
  if (p->version == 6 && p->source_routed) return WATCH_CHECKSUM_UNVERIFIABLE;
  const uint16_t there = get_be16(d->at.at + field);
  const uint64_t without_length =
      pseudo - d->wire_bytes; // some systems leave that to the card, too
  if (pseudo != 0 &&
      (there == estab_checksum_fold(pseudo) || there == estab_checksum_fold(without_length)))
    return WATCH_CHECKSUM_OFFLOADED;
  return WATCH_CHECKSUM_BAD;
}

static uint64_t decode_pseudo(const struct decode *d)
{
  const struct watch_packet *p = d->out;
  return estab_checksum_pseudo(&p->src, &p->dst, p->protocol, (uint32_t)d->wire_bytes);
}

static void decode_payload(struct decode *d, size_t header_bytes)
{
  struct watch_packet *p = d->out;
  const size_t there = size_min(header_bytes, d->at.left);
  p->payload = d->at.at + there;
  p->payload_captured_bytes = (uint32_t)(d->at.left - there);
  p->payload_bytes = (uint32_t)(d->wire_bytes - header_bytes);
}

// The capture ends within the options: the fixed part, and the options that are whole.
static WATCH_RARE void decode_tcp_cut(struct decode *d, size_t header_bytes)
{
  struct estab_tcp_header *h = &d->out->tcp;
  uint8_t fixed[ESTAB_TCP_HEADER_BYTES];
  memcpy(fixed, d->at.at, sizeof fixed);
  fixed[12] = (uint8_t)(ESTAB_TCP_HEADER_BYTES / 4 << 4 | (fixed[12] & 0xf));
  (void)estab_tcp_parse(fixed, sizeof fixed, h);
  estab_tcp_options_parse(d->at.at + sizeof fixed, d->at.left - sizeof fixed, &h->options);
  h->options.present &= ~(uint32_t)ESTAB_TCP_OPT_MALFORMED; // by the cut, as far as we know
  h->header_bytes = (uint8_t)header_bytes;
  d->out->tcp_options_cut = true;
}

static enum decode_next decode_tcp(struct decode *d)
{
  struct watch_packet *p = d->out;
  if (d->at.left < ESTAB_TCP_HEADER_BYTES) return decode_refused(d, ESTAB_DROP_TCP_SHORT);
  const size_t header_bytes = (d->at.at[12] >> 4) * 4U;
  if (header_bytes < ESTAB_TCP_HEADER_BYTES || header_bytes > d->wire_bytes)
    return decode_skip(d, ESTAB_WATCH_COUNT_MALFORMED, ESTAB_DROP_TCP_DATA_OFFSET);
  p->tcp_options_cut = false;
  if (header_bytes > d->at.left)
    decode_tcp_cut(d, header_bytes);
  else
    (void)estab_tcp_parse(d->at.at, d->at.left, &p->tcp);
  p->tcp_checksum = decode_checksum(d, ESTAB_TCP_CHECKSUM_OFFSET, decode_pseudo(d));
  decode_payload(d, header_bytes);
  return decode_end(d, WATCH_KIND_TCP, ESTAB_WATCH_COUNT_TCP);
}

static WATCH_RARE enum decode_next decode_icmp(struct decode *d)
{
  struct watch_packet *p = d->out;
  const bool four = p->version == 4;
  const int n = four ? estab_icmp4_parse(d->at.at, d->at.left, &p->icmp)
                     : estab_icmp6_parse(d->at.at, d->at.left, &p->icmp);
  if (n < 0) return decode_refused(d, (enum estab_drop) - n);
  p->tcp_checksum = decode_checksum(d, ESTAB_ICMP_CHECKSUM_OFFSET, four ? 0 : decode_pseudo(d));
  decode_payload(d, (size_t)n);
  p->has_quote = p->icmp.error && estab_quote_parse(p->version, p->payload,
                                                    p->payload_captured_bytes, &p->quote) > 0;
  return decode_end(d, WATCH_KIND_ICMP, ESTAB_WATCH_COUNT_ICMP);
}

enum decode_next decode_transport(struct decode *d)
{
  const unsigned protocol = d->out->protocol;
  switch (protocol) {
  case ESTAB_PROTOCOL_TCP: return decode_tcp(d);
  case ESTAB_PROTOCOL_UDP: return decode_udp(d);
  case ENCAP_PROTOCOL_GRE: return decode_gre(d);
  case ENCAP_PROTOCOL_IP4:
  case ENCAP_PROTOCOL_IP6: return decode_tunnel(d, ESTAB_WATCH_TUNNEL_IPIP, DECODE_IP);
  case ESTAB_PROTOCOL_ICMP4:
    return d->out->version == 4 ? decode_icmp(d) : decode_other(d, ESTAB_WATCH_COUNT_OTHER_IP);
  case ESTAB_PROTOCOL_ICMP6:
    return d->out->version == 6 ? decode_icmp(d) : decode_other(d, ESTAB_WATCH_COUNT_OTHER_IP);
  default: return decode_other(d, ESTAB_WATCH_COUNT_OTHER_IP);
  }
}
