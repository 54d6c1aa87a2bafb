// SPDX-License-Identifier: BSD-2-Clause
// packet_text.c - one line for any packet.

#include "wire/text.h"

#include <string.h>

static void packet_text_mac(struct fmt *f, const uint8_t mac[6])
{
  for (unsigned i = 0; i < 6; i++) {
    if (i > 0) fmt_char(f, ':');
    fmt_hex(f, mac[i], 2);
  }
}

static void packet_text_end(struct fmt *f, const struct estab_ip *ip, bool has_port, uint16_t port)
{
  const bool brackets = has_port && !estab_ip_is4(ip);
  if (brackets) fmt_char(f, '[');
  fmt_ip(f, ip);
  if (brackets) fmt_char(f, ']');
  if (has_port) text_number(f, ":", port);
}

static void packet_text_addresses(struct fmt *f, const struct estab_packet *p)
{
  uint16_t src_port = 0, dst_port = 0;
  if (p->kind == ESTAB_PACKET_TCP) {
    src_port = p->tcp.src_port;
    dst_port = p->tcp.dst_port;
  } else if (p->kind == ESTAB_PACKET_UDP) {
    src_port = p->udp.src_port;
    dst_port = p->udp.dst_port;
  }
  const bool has_ports = p->kind == ESTAB_PACKET_TCP || p->kind == ESTAB_PACKET_UDP;
  packet_text_end(f, &p->src, has_ports, src_port);
  fmt_str(f, " > ");
  packet_text_end(f, &p->dst, has_ports, dst_port);
  fmt_char(f, ' ');
}

static void packet_text_length(struct fmt *f, size_t bytes)
{
  text_number(f, " (", bytes);
  fmt_char(f, ')');
}

// ---------------------------------------------------------------------------------------------

static void packet_text_code(struct fmt *f, const char *const *names, size_t count, unsigned code)
{
  fmt_char(f, ' ');
  if (code < count)
    fmt_str(f, names[code]);
  else
    text_number(f, "code ", code);
}

static void packet_text_unreachable4(struct fmt *f, unsigned code)
{
  static const char *const names[] = {
      "net_unreachable",
      "host_unreachable",
      "protocol_unreachable",
      "port_unreachable",
      "frag_needed",
      "source_route_failed",
      "net_unknown",
      "host_unknown",
      "source_host_isolated",
      "net_prohibited",
      "host_prohibited",
      "net_unreachable_for_tos",
      "host_unreachable_for_tos",
      "packet_filtered",
      "precedence_violation",
      "precedence_cutoff",
  };
  fmt_str(f, "unreachable");
  packet_text_code(f, names, sizeof names / sizeof names[0], code);
}

static void packet_text_unreachable6(struct fmt *f, unsigned code)
{
  static const char *const names[] = {
      "no_route",         "admin_prohibited", "beyond_scope", "address_unreachable",
      "port_unreachable", "source_policy",    "reject_route",
  };
  fmt_str(f, "unreachable");
  packet_text_code(f, names, sizeof names / sizeof names[0], code);
}

static void packet_text_time_exceeded(struct fmt *f, unsigned code)
{
  static const char *const names[] = {"in_transit", "reassembly"};
  fmt_str(f, "time_exceeded");
  packet_text_code(f, names, 2, code);
}

static void packet_text_icmp4_type(struct fmt *f, const struct estab_icmp_header *h)
{
  switch (h->type) {
  case ESTAB_ICMP4_ECHO: fmt_str(f, "echo"); break;
  case ESTAB_ICMP4_ECHO_REPLY: fmt_str(f, "echo_reply"); break;
  case ESTAB_ICMP4_UNREACHABLE: packet_text_unreachable4(f, h->code); break;
  case ESTAB_ICMP4_REDIRECT: fmt_str(f, "redirect"); break;
  case ESTAB_ICMP4_TIME_EXCEEDED: packet_text_time_exceeded(f, h->code); break;
  case ESTAB_ICMP4_PARAMETER_PROBLEM: text_number(f, "parameter_problem ", h->pointer); break;
  default: text_number(f, "type ", h->type); text_number(f, " code ", h->code);
  }
}

static void packet_text_icmp6_type(struct fmt *f, const struct estab_icmp_header *h)
{
  switch (h->type) {
  case ESTAB_ICMP6_ECHO: fmt_str(f, "echo"); break;
  case ESTAB_ICMP6_ECHO_REPLY: fmt_str(f, "echo_reply"); break;
  case ESTAB_ICMP6_UNREACHABLE: packet_text_unreachable6(f, h->code); break;
  case ESTAB_ICMP6_PACKET_TOO_BIG: fmt_str(f, "packet_too_big"); break;
  case ESTAB_ICMP6_TIME_EXCEEDED: packet_text_time_exceeded(f, h->code); break;
  case ESTAB_ICMP6_PARAMETER_PROBLEM: text_number(f, "parameter_problem ", h->pointer); break;
  case ESTAB_ICMP6_ROUTER_SOLICITATION: fmt_str(f, "router_solicitation"); break;
  case ESTAB_ICMP6_ROUTER_ADVERTISEMENT: fmt_str(f, "router_advertisement"); break;
  case ESTAB_ICMP6_NEIGHBOUR_SOLICITATION: fmt_str(f, "neighbour_solicitation"); break;
  case ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT: fmt_str(f, "neighbour_advertisement"); break;
  case ESTAB_ICMP6_REDIRECT: fmt_str(f, "redirect"); break;
  default: text_number(f, "type ", h->type); text_number(f, " code ", h->code);
  }
}

static void packet_text_quote(struct fmt *f, const struct estab_packet *p)
{
  struct estab_quote q;
  if (estab_quote_parse(p->version, p->payload, p->payload_bytes, &q) < 0) return;
  fmt_str(f, " [");
  packet_text_end(f, &q.src, q.has_ports, q.src_port);
  fmt_str(f, " > ");
  packet_text_end(f, &q.dst, q.has_ports, q.dst_port);
  if (q.protocol == ESTAB_PROTOCOL_TCP)
    fmt_str(f, " tcp");
  else if (q.protocol == ESTAB_PROTOCOL_UDP)
    fmt_str(f, " udp");
  else
    text_number(f, " proto ", q.protocol);
  if (q.has_seq) text_number(f, " seq ", q.seq);
  fmt_char(f, ']');
}

// The content of a neighbour's message, if the packet was parsed from bytes and is in order.
static void packet_text_nd(struct fmt *f, const struct estab_packet *p)
{
  const struct estab_ip6_header ip = {.src = p->src, .dst = p->dst, .hop_limit = p->ttl};
  struct estab_nd nd;
  if (p->bytes == NULL || estab_nd_parse(&ip, p->payload - ESTAB_ICMP_HEADER_BYTES,
                                         p->payload_bytes + ESTAB_ICMP_HEADER_BYTES, &nd) < 0)
    return;
  if (nd.type == ESTAB_ICMP6_NEIGHBOUR_SOLICITATION) {
    fmt_str(f, " who-has ");
    fmt_ip(f, &nd.target);
  } else if (nd.type == ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT) {
    fmt_char(f, ' ');
    fmt_ip(f, &nd.target);
  }
  if (nd.type == ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT && (nd.present & ESTAB_ND_TARGET_MAC)) {
    fmt_str(f, " is-at ");
    packet_text_mac(f, nd.target_mac);
  }
}

static void packet_text_icmp(struct fmt *f, const struct estab_packet *p)
{
  fmt_str(f, "icmp ");
  if (p->kind == ESTAB_PACKET_ICMP4)
    packet_text_icmp4_type(f, &p->icmp);
  else
    packet_text_icmp6_type(f, &p->icmp);
  if (p->icmp.mtu != 0) text_number(f, " mtu ", p->icmp.mtu);
  if (p->icmp.echo) {
    text_number(f, " id ", p->icmp.id);
    text_number(f, " seq ", p->icmp.seq);
    packet_text_length(f, p->payload_bytes);
  } else if (p->icmp.error) {
    packet_text_quote(f, p);
  } else if (p->kind == ESTAB_PACKET_ICMP6) {
    packet_text_nd(f, p);
  }
}

// ---------------------------------------------------------------------------------------------

static void packet_text_arp(struct fmt *f, const struct estab_arp *arp)
{
  if (arp->operation == ESTAB_ARP_REQUEST) {
    fmt_str(f, "arp who-has ");
    fmt_ip(f, &arp->target_ip);
    fmt_str(f, " tell ");
    fmt_ip(f, &arp->sender_ip);
  } else {
    fmt_str(f, "arp reply ");
    fmt_ip(f, &arp->sender_ip);
    fmt_str(f, " is-at ");
    packet_text_mac(f, arp->sender_mac);
  }
}

static void packet_text_fragment(struct fmt *f, const struct estab_packet *p)
{
  text_number(f, "frag id ", p->fragment.id);
  text_number(f, " offset ", p->fragment.offset);
  if (p->fragment.more) fmt_char(f, '+');
  packet_text_length(f, p->payload_bytes);
  text_number(f, " proto ", p->protocol);
}

static void packet_text_tcp(struct fmt *f, const struct estab_packet *p,
                            const struct estab_format_options *how)
{
  const uint8_t *raw = NULL;
  size_t raw_bytes = 0;
  if (p->bytes != NULL) {
    raw = p->bytes + p->l4_offset + ESTAB_TCP_HEADER_BYTES;
    raw_bytes = (size_t)p->tcp.header_bytes - ESTAB_TCP_HEADER_BYTES;
  }
  tcp_text_put(f, &p->tcp, p->payload_bytes, how, raw, raw_bytes);
}

size_t estab_packet_format(const struct estab_packet *p, const struct estab_format_options *how,
                           char *text, size_t text_bytes)
{
  static const struct estab_format_options plain;
  static const char *const ecn_names[] = {"", "[ect1] ", "[ect0] ", "[ce] "};
  struct fmt f;
  fmt_init(&f, text, text_bytes);
  if (how == NULL) how = &plain;
  if (p->kind != ESTAB_PACKET_ARP) {
    if (how->addresses) packet_text_addresses(&f, p);
    fmt_str(&f, ecn_names[p->ecn & 3]);
  }
  switch ((enum estab_packet_kind)p->kind) {
  case ESTAB_PACKET_TCP: packet_text_tcp(&f, p, how); break;
  case ESTAB_PACKET_UDP:
    fmt_str(&f, "udp");
    packet_text_length(&f, p->payload_bytes);
    break;
  case ESTAB_PACKET_ICMP4:
  case ESTAB_PACKET_ICMP6: packet_text_icmp(&f, p); break;
  case ESTAB_PACKET_ARP: packet_text_arp(&f, &p->arp); break;
  case ESTAB_PACKET_FRAGMENT: packet_text_fragment(&f, p); break;
  case ESTAB_PACKET_OTHER:
    text_number(&f, "proto ", p->protocol);
    packet_text_length(&f, p->payload_bytes);
    break;
  }
  return fmt_length(&f);
}
