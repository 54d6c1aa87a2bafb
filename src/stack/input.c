// SPDX-License-Identifier: BSD-2-Clause
// input.c - a frame from a device, as far as the transport protocol.
#include "base/bytes.h"
#include "stack/stack.h"
#include <string.h>

// Neighbour discovery and ARP may have resolved somebody, or want to answer.
static void after_link(struct estab_stack *s, uint32_t netif, const uint8_t *reply,
                       size_t reply_bytes)
{
  stack_link_news(s);
  if (reply_bytes == 0) return;
  struct ip_route_result route = {.netif = netif};
  // A whole frame of its own: kept with next_hop = any, which output reads as "no link header to add".
  if (reply_packet(s, &route, NULL, reply, reply_bytes) < 0)
    stack_drop(s, ESTAB_DROP_OUTPUT_RING_FULL, netif, NULL, NULL);
}

static void input_arp(struct estab_stack *s, uint32_t netif, const uint8_t *bytes, size_t count)
{
  struct estab_arp arp;
  int r = estab_arp_parse(bytes, count, &arp);
  if (r < 0) {
    stack_drop(s, (enum estab_drop) - r, netif, NULL, NULL);
    return;
  }
  uint8_t reply[LINK_MESSAGE_BYTES];
  size_t reply_bytes = 0;
  bool ours = ip_has_address(&s->ip, netif, &arp.target_ip);
  r = link_arp_input(&s->link, netif, &arp, ours, s->now_ns, reply, &reply_bytes);
  if (r < 0) stack_drop(s, (enum estab_drop) - r, netif, NULL, NULL);
  after_link(s, netif, reply, reply_bytes);
}

static void input_neighbour(struct estab_stack *s, const struct ip_packet *packet)
{
  struct estab_nd nd;
  int r = icmp_neighbour(packet, &nd);
  if (r < 0) {
    stack_drop(s, (enum estab_drop) - r, packet->netif, NULL, NULL);
    return;
  }
  uint8_t reply[LINK_MESSAGE_BYTES];
  size_t reply_bytes = 0;
  bool ours = ip_has_address(&s->ip, packet->netif, &nd.target);
  r = link_nd_input(&s->link, packet->netif, &packet->src, &packet->dst, &nd, ours, s->now_ns,
                    reply, &reply_bytes);
  if (r < 0) stack_drop(s, (enum estab_drop) - r, packet->netif, NULL, NULL);
  after_link(s, packet->netif, reply, reply_bytes);
}

// RFC 1122 4.2.3.9 with RFC 5927: an error counts only for a segment that is in flight.
static int input_report_tcp(struct estab_stack *s, const struct icmp_report *report)
{
  uint32_t tagged = demux_find(s, &report->tuple);
  if ((tagged & TAG_KIND) != TAG_FULL) return -ESTAB_DROP_ICMP_EMBEDDED;
  struct tcb *t = stack_conn(s, tagged & TAG_INDEX);
  if (!retransmit_in_flight(t, report->seq)) return -ESTAB_DROP_ICMP_EMBEDDED;
  if (report->kind == ICMP_REPORT_TOO_BIG) {
    if (ip_path_lower_mtu(&s->ip, t->path, report->mtu, s->now_ns) <= 0)
      return -ESTAB_DROP_ICMP_TYPE;
    tcb_update_mss(&s->tcp, t);
    if (s->settings.trace.event) {
      struct estab_trace e = {.kind = ESTAB_TRACE_path_changed,
                              .u.path_changed = {t->path->remote, t->path->mtu}};
      tcp_trace(&s->tcp, t, &e, s->now_ns);
    }
  } else {
    bool hard = report->kind == ICMP_REPORT_HARD;
    tcp_soft_error(&s->tcp, t, report->port_unreachable ? ESTAB_ERR_REFUSED : ESTAB_ERR_UNREACHABLE,
                   hard, s->now_ns);
  }
  stack_collect(s, t);
  return 0;
}

static int input_echo(struct estab_stack *s, const struct ip_packet *packet)
{
  struct ip_route_result route;
  size_t room = ip_header_bytes(&packet->src) + packet->payload_bytes;
  uint8_t *out = mem_new_raw(&s->mem, room, ESTAB_MEM_STACK); // the request may stand in s->scratch
  if (!out) return -ESTAB_DROP_OUTPUT_RING_FULL;
  int r = icmp_echo_reply(&s->ip, packet, s->now_ns, out, room, &route);
  if (r > 0)
    r = reply_packet(s, &route, &packet->src, out, (size_t)r) < 0 ? -ESTAB_DROP_OUTPUT_RING_FULL
                                                                  : 0;
  mem_free(&s->mem, out, room, ESTAB_MEM_STACK);
  return r;
}

void input_icmp(struct estab_stack *s, struct ip_packet *packet)
{
  struct icmp_report report;
  int r = icmp_input(&s->ip, packet, &report);
  if (r == ICMP_NEIGHBOUR) {
    input_neighbour(s, packet);
    return;
  }
  if (r == ICMP_ERROR_REPORT) {
    if (report.protocol == ESTAB_PROTOCOL_TCP)
      r = input_report_tcp(s, &report);
    else
      r = udp_report(&s->udp, report.netif, &report.tuple,
                     report.port_unreachable ? ESTAB_ERR_REFUSED : ESTAB_ERR_UNREACHABLE);
  } else if (r == ICMP_ECHO_REQUEST) {
    r = input_echo(s, packet);
  }
  if (r < 0) stack_drop(s, (enum estab_drop) - r, packet->netif, NULL, NULL);
}

static void input_udp(struct estab_stack *s, struct ip_packet *packet, const struct estab_frame *f)
{
  bool checksum_known = packet->netif == 0 || f->checksum != ESTAB_CHECKSUM_UNKNOWN;
  if (!checksum_known) checksum_known = ip_netif(&s->ip, packet->netif)->settings.checksum_trusted;
  int r = udp_input(&s->udp, packet->netif, &packet->src, &packet->dst, packet->payload,
                    packet->payload_bytes, checksum_known);
  if (r == 0) return;
  if (r == -ESTAB_DROP_UDP_NO_ENDPOINT) {
    icmp_error_set(packet, ICMP_ERROR_PORT);
    reply_icmp_error(s, packet);
  }
  stack_drop(s, (enum estab_drop) - r, packet->netif, NULL, NULL);
}

// From the IP header on.
void input_packet(struct estab_stack *s, uint32_t netif, const uint8_t *bytes, size_t count,
                  const struct estab_frame *f, bool link_multicast)
{
  struct ip_packet packet;
  int r = ip_input(&s->ip, netif, bytes, count, s->now_ns, &packet);
  packet.link_multicast = link_multicast;
  if (r < 0) {
    if (packet.version && packet.error_due) reply_icmp_error(s, &packet);
    stack_drop(s, (enum estab_drop) - r, netif, NULL, NULL);
    return;
  }
  switch (packet.protocol) {
  case ESTAB_PROTOCOL_TCP: {
    struct ip_segment segment = {
        .tuple = {packet.dst, packet.src, 0, 0},
        .bytes = packet.payload,
        .count = packet.payload_bytes,
        .netif = packet.netif,
        .address_sum = packet.address_sum,
        .ecn = packet.ecn,
        .unicast = packet.unicast && !packet.link_multicast,
    };
    input_tcp(s, &segment, f);
    break;
  }
  case ESTAB_PROTOCOL_UDP: input_udp(s, &packet, f); break;
  case ESTAB_PROTOCOL_ICMP4:
  case ESTAB_PROTOCOL_ICMP6: input_icmp(s, &packet); break;
  default:
    stack_drop(s, ESTAB_DROP_IP_PROTOCOL, netif, NULL,
               NULL); // ip_input() lets no other one through
  }
}

// One piece out of many, for parsers that read straight on.
static const uint8_t *linear(struct estab_stack *s, const struct estab_frame *f, size_t count)
{
  if (count > SCRATCH_BYTES) return NULL;
  if (!s->scratch) s->scratch = mem_new_raw(&s->mem, SCRATCH_BYTES, ESTAB_MEM_STACK);
  if (!s->scratch) return NULL;
  size_t at = 0;
  for (unsigned i = 0; i < f->piece_count; at += f->pieces[i++].length)
    memcpy(s->scratch + at, f->pieces[i].bytes, f->pieces[i].length);
  return s->scratch;
}

static void input_ethernet(struct estab_stack *s, const struct estab_frame *f, const uint8_t *bytes,
                           size_t count)
{
  struct estab_eth_header eth;
  int r = estab_eth_parse(bytes, count, &eth);
  int accepted = r < 0 ? r : link_eth_accept(&s->link, f->netif, &eth);
  if (accepted < 0)
    stack_drop(s, (enum estab_drop) - accepted, f->netif, NULL, NULL);
  else if (eth.type == ESTAB_ETH_ARP)
    input_arp(s, f->netif, bytes + r, count - (size_t)r);
  else if (eth.type == ESTAB_ETH_IP4 || eth.type == ESTAB_ETH_IP6)
    input_packet(s, f->netif, bytes + r, count - (size_t)r, f, accepted == 1);
  else
    stack_drop(s, ESTAB_DROP_ETH_TYPE, f->netif, NULL, NULL);
}

void input_frame(struct estab_stack *s, const struct estab_frame *f)
{
  const struct ip_netif *n = ip_netif(&s->ip, f->netif);
  if (!n || !n->up) {
    stack_drop(s, ESTAB_DROP_NETIF_DOWN, f->netif, NULL, NULL);
    return;
  }
  size_t count = f->pieces[0].length;
  const uint8_t *bytes = f->pieces[0].bytes;
  if (f->piece_count != 1) {
    count = f->piece_count <= ESTAB_FRAME_PIECES ? estab_frame_bytes(f) : 0;
    bytes = count > 0 ? linear(s, f, count) : NULL;
  }
  if (!bytes || count == 0)
    stack_drop(s, ESTAB_DROP_FRAME_PIECES, f->netif, NULL, NULL);
  else if (n->settings.link == ESTAB_LINK_ETHERNET)
    input_ethernet(s, f, bytes, count);
  else
    input_packet(s, f->netif, bytes, count, f, false);
}
