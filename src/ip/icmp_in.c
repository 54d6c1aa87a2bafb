// SPDX-License-Identifier: BSD-2-Clause
// icmp_in.c - ICMP messages that come in: RFC 792, RFC 1122 3.2.2, RFC 4443, RFC 5927.
#include <string.h>

#include "base/bytes.h"
#include "ip/icmp.h"
#include "ip/ip_internal.h"

// RFC 1191 7: what links there are, for routers that do not say: the next one below the packet.
static uint32_t icmp_plateau(uint32_t total_bytes)
{
  static const uint16_t plateaus[] = {65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};
  for (size_t i = 0; i < sizeof plateaus / sizeof *plateaus; i++)
    if (plateaus[i] < total_bytes) return plateaus[i];
  return 68;
}

// RFC 1122 4.2.3.9 and 3.2.2.1, RFC 1812 5.2.7.1.
static uint8_t icmp4_kind(uint8_t type, uint8_t code)
{
  if (type != ESTAB_ICMP4_UNREACHABLE) return ICMP_REPORT_SOFT;
  switch (code) {
  case ESTAB_ICMP4_CODE_FRAG_NEEDED: return ICMP_REPORT_TOO_BIG;
  case ESTAB_ICMP4_CODE_PROTOCOL:
  case ESTAB_ICMP4_CODE_PORT:
  case 9:  // network administratively prohibited
  case 10: // host
  case 13: // communication
    return ICMP_REPORT_HARD;
  default: return ICMP_REPORT_SOFT;
  }
}

// RFC 4443 3. Types up to 127 that nobody knows are errors too (2.4 (a)).
static uint8_t icmp6_kind(uint8_t type, uint8_t code)
{
  switch (type) {
  case ESTAB_ICMP6_PACKET_TOO_BIG: return ICMP_REPORT_TOO_BIG;
  case ESTAB_ICMP6_UNREACHABLE:
    return code == 1 || code == ESTAB_ICMP6_CODE_PORT || code == 5 || code == 6 ? ICMP_REPORT_HARD
                                                                                : ICMP_REPORT_SOFT;
  case ESTAB_ICMP6_PARAMETER_PROBLEM: return code == 1 ? ICMP_REPORT_HARD : ICMP_REPORT_SOFT;
  default: return ICMP_REPORT_SOFT;
  }
}

// The quoted packet must be one we can have sent to that host: RFC 5927 4.1. Whether its sequence number is in
// flight, only tcp knows.
static int icmp_report_fill(struct ip *ip, const struct ip_packet *p,
                            const struct estab_icmp_header *h, struct icmp_report *report)
{
  const uint8_t *quoted = p->payload + ESTAB_ICMP_HEADER_BYTES;
  size_t have = p->payload_bytes - ESTAB_ICMP_HEADER_BYTES;
  struct estab_quote q;
  if (estab_quote_parse(p->version, quoted, have, &q) < 0) return -ESTAB_DROP_ICMP_EMBEDDED;
  if (!q.has_ports || (q.protocol == ESTAB_PROTOCOL_TCP && !q.has_seq))
    return -ESTAB_DROP_ICMP_EMBEDDED;
  if (!ip_same(&q.src, &p->dst) || !ip_is_local(ip, p->netif, &q.src))
    return -ESTAB_DROP_ICMP_EMBEDDED;

  *report = (struct icmp_report){.reporter = p->src,
                                 .tuple = {.local = q.src,
                                           .remote = q.dst,
                                           .local_port = q.src_port,
                                           .remote_port = q.dst_port},
                                 .netif = p->netif,
                                 .seq = q.seq,
                                 .kind = p->version == 6 ? icmp6_kind(h->type, h->code)
                                                         : icmp4_kind(h->type, h->code),
                                 .type = h->type,
                                 .code = h->code,
                                 .version = p->version,
                                 .protocol = q.protocol};
  report->port_unreachable =
      p->version == 6 ? h->type == ESTAB_ICMP6_UNREACHABLE && h->code == ESTAB_ICMP6_CODE_PORT
                      : h->type == ESTAB_ICMP4_UNREACHABLE && h->code == ESTAB_ICMP4_CODE_PORT;
  if (report->kind == ICMP_REPORT_TOO_BIG) {
    report->mtu = h->mtu;
    if (p->version == 4 && !h->mtu) report->mtu = icmp_plateau(get_be16(quoted + 2));
  }
  return ICMP_ERROR_REPORT;
}

static int icmp4_judge(struct ip *ip, const struct ip_packet *p, const struct estab_icmp_header *h,
                       struct icmp_report *report)
{
  switch (h->type) {
  case ESTAB_ICMP4_ECHO:
    // RFC 1122 3.2.2.6 lets broadcasts go unanswered: nobody shall use us to flood another.
    return p->unicast && !p->link_multicast ? ICMP_ECHO_REQUEST : -ESTAB_DROP_ICMP_TYPE;
  case ESTAB_ICMP4_UNREACHABLE:
  case ESTAB_ICMP4_TIME_EXCEEDED:
  case ESTAB_ICMP4_PARAMETER_PROBLEM: return icmp_report_fill(ip, p, h, report);
  default:
    // Source quench (RFC 6633), redirects, timestamps, masks: ATTACKS I4.
    // DEPARTS: RFC 1122 3.2.2.2 because a forged redirect would turn our packets; routes are the user's.
    return -ESTAB_DROP_ICMP_TYPE;
  }
}

static int icmp6_judge(struct ip *ip, const struct ip_packet *p, const struct estab_icmp_header *h,
                       struct icmp_report *report)
{
  switch (h->type) {
  case ESTAB_ICMP6_ECHO:
    // DEPARTS: RFC 4443 4.2 (echo requests to groups are answered) because nobody shall flood another through us.
    return p->unicast && !p->link_multicast ? ICMP_ECHO_REQUEST : -ESTAB_DROP_ICMP_TYPE;
  case ESTAB_ICMP6_ROUTER_SOLICITATION:
  case ESTAB_ICMP6_ROUTER_ADVERTISEMENT:
  case ESTAB_ICMP6_NEIGHBOUR_SOLICITATION:
  case ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT: return ICMP_NEIGHBOUR;
  default:
    if (h->type >= 1 && h->type < 128) return icmp_report_fill(ip, p, h, report);
    return -ESTAB_DROP_ICMP_TYPE; // redirects, multicast listeners, echo replies: ATTACKS I4
  }
}

int icmp_input(struct ip *ip, const struct ip_packet *packet, struct icmp_report *report)
{
  bool six = packet->version == 6;
  const uint8_t *bytes = packet->payload;
  size_t have = packet->payload_bytes;
  struct estab_icmp_header h;
  int header = six ? estab_icmp6_parse(bytes, have, &h) : estab_icmp4_parse(bytes, have, &h);
  if (header < 0) return header;
  uint64_t sum = 0;
  if (six)
    sum = estab_checksum_pseudo(&packet->src, &packet->dst, ESTAB_PROTOCOL_ICMP6, (uint32_t)have);
  if (estab_checksum_finish(estab_checksum_add(sum, bytes, have)) != 0)
    return -ESTAB_DROP_ICMP_CHECKSUM;
  return six ? icmp6_judge(ip, packet, &h, report) : icmp4_judge(ip, packet, &h, report);
}

int icmp_neighbour(const struct ip_packet *packet, struct estab_nd *out)
{
  struct estab_ip6_header h;
  memset(&h, 0, sizeof h);
  h.src = packet->src;
  h.dst = packet->dst;
  h.hop_limit = packet->hop_limit;
  h.protocol = packet->protocol;
  h.has_fragment = packet->fragment_header; // RFC 6980 5
  int answer = estab_nd_parse(&h, packet->payload, packet->payload_bytes, out);
  return answer < 0 ? answer : 0;
}
