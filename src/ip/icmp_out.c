// SPDX-License-Identifier: BSD-2-Clause
// icmp_out.c - ICMP messages of ours: errors about what came in, and answers to echoes.
#include <string.h>

#include "base/bytes.h"
#include "ip/icmp.h"
#include "ip/ip_internal.h"

enum {
  ICMP_HOP_LIMIT = 64,
  ICMP4_ERROR_BYTES = 576, // RFC 1812 4.3.2.3
};

void icmp_error_set(struct ip_packet *packet, enum icmp_error error)
{
  static const uint8_t table[][4] = {
      [ICMP_ERROR_PORT] = {ESTAB_ICMP4_UNREACHABLE, ESTAB_ICMP4_CODE_PORT, ESTAB_ICMP6_UNREACHABLE,
                           ESTAB_ICMP6_CODE_PORT},
      [ICMP_ERROR_PROHIBITED] = {ESTAB_ICMP4_UNREACHABLE, 13, ESTAB_ICMP6_UNREACHABLE, 1},
  };
  packet->error_due = true;
  packet->error_type = table[error][packet->version == 6 ? 2 : 0];
  packet->error_code = table[error][packet->version == 6 ? 3 : 1];
  packet->error_pointer = 0;
}

// An ICMP error must not be answered by one; what is too short to tell counts as one.
static bool icmp_is_error(const struct ip_packet *p)
{
  if (p->version == 6) {
    if (p->protocol != ESTAB_PROTOCOL_ICMP6) return false;
    return p->payload_bytes < 1 || p->payload[0] < 128 || p->payload[0] == ESTAB_ICMP6_REDIRECT;
  }
  if (p->protocol != ESTAB_PROTOCOL_ICMP4) return false;
  if (p->payload_bytes < 1) return true;
  switch (p->payload[0]) { // RFC 1122 3.2.2: the query messages
  case ESTAB_ICMP4_ECHO:
  case ESTAB_ICMP4_ECHO_REPLY:
  case 13: // timestamp
  case 14:
  case 15: // information
  case 16:
  case 17: // address mask
  case 18: return false;
  default: return true;
  }
}

// RFC 1122 3.2.2, RFC 1812 4.3.2.7, RFC 4443 2.4 (e): about whom an error may be sent.
static bool icmp_error_allowed(const struct ip *ip, const struct ip_packet *p)
{
  if (icmp_is_error(p)) return false;
  if ((!p->unicast || p->link_multicast) && !p->error_multicast) return false;
  enum ip_class dst = ip_classify(&p->dst), src = ip_classify(&p->src);
  bool group = dst == IP_CLASS_MULTICAST || ip_is_broadcast(ip, 0, &p->dst);
  if (group && !p->error_multicast) return false;
  if (src != IP_CLASS_UNICAST && src != IP_CLASS_LINK_LOCAL && src != IP_CLASS_LOOPBACK)
    return false; // it names no single host
  if (ip_is_broadcast(ip, 0, &p->src)) return false;
  // Not about later fragments: whoever sent the first one is told then.
  return p->version == 6 || !(get_be16(p->header + 6) & 0x1fff);
}

// Where a reply to the packet goes and whence: from the address that was written to, by the interface it came in if
// that has a way back.
static int icmp_reply_route(struct ip *ip, const struct ip_packet *p, struct ip_route_result *to)
{
  static const struct estab_ip any;
  const struct estab_ip *local = p->unicast ? &p->dst : &any;
  if (ip_route(ip, local, &p->src, p->netif, to) == 0) return 0;
  return ip_route(ip, local, &p->src, 0, to) == 0 ? 0 : -ESTAB_DROP_IP_NO_ROUTE;
}

// The IP header in front of `bytes` of ICMP message that stand at `message`, and its checksum.
static int icmp_finish(struct ip *ip, const struct ip_route_result *to, const struct estab_ip *dst,
                       uint8_t *out, size_t bytes, uint8_t traffic_class)
{
  bool six = !ip_is_mapped(dst);
  uint8_t protocol = six ? ESTAB_PROTOCOL_ICMP6 : ESTAB_PROTOCOL_ICMP4;
  size_t header =
      ip_emit_to(ip, &to->local, dst, protocol, bytes, traffic_class, ICMP_HOP_LIMIT, 0, out);
  uint8_t *message = out + header;
  uint64_t sum = six ? estab_checksum_pseudo(&to->local, dst, protocol, (uint32_t)bytes) : 0;
  put_be16(message + ESTAB_ICMP_CHECKSUM_OFFSET, 0);
  sum = estab_checksum_add(sum, message, bytes);
  put_be16(message + ESTAB_ICMP_CHECKSUM_OFFSET, estab_checksum_finish(sum));
  return (int)(header + bytes);
}

int icmp_error_build(struct ip *ip, const struct ip_packet *packet, uint64_t now_ns, uint8_t *out,
                     size_t room, struct ip_route_result *to)
{
  bool six = packet->version == 6;
  if (!packet->version || !icmp_error_allowed(ip, packet)) return -ESTAB_DROP_ICMP_TYPE;
  int answer = icmp_reply_route(ip, packet, to);
  if (answer) return answer;
  size_t header = ip_header_bytes(&packet->src);
  if (room < header + ESTAB_ICMP_HEADER_BYTES) return -ESTAB_DROP_IP_TOO_BIG;
  if (!ip_limit_take(ip, IP_LIMIT_ERROR, &packet->src, now_ns)) return -ESTAB_DROP_ICMP_LIMIT;

  struct estab_icmp_header h = {.type = packet->error_type,
                                .code = packet->error_code,
                                .error = true,
                                .pointer = packet->error_pointer};
  uint8_t *message = out + header;
  size_t written = six ? estab_icmp6_emit(&h, message) : estab_icmp4_emit(&h, message);
  size_t limit = size_min(room, six ? ICMP_ERROR_MAX_BYTES : ICMP4_ERROR_BYTES) - header - written;
  size_t quote = size_min(packet->header_bytes + packet->payload_bytes, limit);
  memcpy(message + written, packet->header, quote);
  return icmp_finish(ip, to, &packet->src, out, written + quote, 0);
}

int icmp_echo_reply(struct ip *ip, const struct ip_packet *packet, uint64_t now_ns, uint8_t *out,
                    size_t room, struct ip_route_result *to)
{
  bool six = packet->version == 6;
  int answer = icmp_reply_route(ip, packet, to);
  if (answer) return answer;
  size_t header = ip_header_bytes(&packet->src), bytes = packet->payload_bytes;
  if (header + bytes > room) return -ESTAB_DROP_IP_TOO_BIG;
  if (!ip_limit_take(ip, IP_LIMIT_ECHO, &packet->src, now_ns)) return -ESTAB_DROP_ICMP_LIMIT;
  memcpy(out + header, packet->payload, bytes);
  out[header] = six ? ESTAB_ICMP6_ECHO_REPLY : ESTAB_ICMP4_ECHO_REPLY;
  out[header + 1] = 0;
  return icmp_finish(ip, to, &packet->src, out, bytes, packet->traffic_class & 0xfc);
}
