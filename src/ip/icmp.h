// SPDX-License-Identifier: BSD-2-Clause
// icmp.h - ICMP and ICMPv6: errors that are sent, echoes that are answered, errors that come in.
#ifndef ESTAB_IP_ICMP_H
#define ESTAB_IP_ICMP_H

#include "estab/wire.h"
#include "ip/ip.h"

// ---------------------------------------------------------------------------------------------
// Limits on what strangers can make us send. A bucket of tokens for each peer (256, keyed hash), filled at a
// steady pace up to a random height, so that nobody can count what others used up (ATTACKS E5).

enum ip_limit {
  IP_LIMIT_ERROR, // ICMP errors: 10 a second, about 6 at once
  IP_LIMIT_ECHO,  // echo replies: 1000 a second, about 100 at once
  IP_LIMIT_RST,   // RSTs for segments of no connection: 1000 a second, about 100 at once
  IP_LIMITS
};

// Takes a token. False: do not send (drop ICMP_LIMIT).
bool ip_limit_take(struct ip *ip, enum ip_limit limit, const struct estab_ip *peer,
                   uint64_t now_ns);

// ---------------------------------------------------------------------------------------------
// Errors of ours

enum icmp_error {
  ICMP_ERROR_PORT,       // nobody listens there: 3/3, 1/4
  ICMP_ERROR_PROHIBITED, // administratively: 3/13, 1/1
};

// Fills packet->error_*.
void icmp_error_set(struct ip_packet *packet, enum icmp_error error);

#define ICMP_ERROR_MAX_BYTES                                                                       \
  1280 // of the whole packet; IPv4 576: RFC 1812 4.3.2.3, RFC 4443 2.4 (c)

// Writes the whole IP packet that answers `packet` as its error_* say and answers its bytes; or -ESTAB_DROP_ICMP_LIMIT
// or -ESTAB_DROP_ICMP_TYPE when none may be sent (RFC 1122 3.2.2, RFC 1812 4.3.2.7, RFC 4443 2.4 (e)): for an
// ICMP error, a multicast or broadcast, a later fragment, a source that is no single host. *to: who gets it.
int icmp_error_build(struct ip *ip, const struct ip_packet *packet, uint64_t now_ns, uint8_t *out,
                     size_t room, struct ip_route_result *to);

// ---------------------------------------------------------------------------------------------
// What comes in

enum icmp_report_kind {
  ICMP_REPORT_SOFT, // network, host, time, parameter: may pass
  ICMP_REPORT_HARD, // RFC 1122 4.2.3.9: protocol or port unreachable; RFC 5927 5 says what TCP makes of it
  ICMP_REPORT_TOO_BIG, // see mtu
};

struct icmp_report {
  struct estab_ip reporter; // who sent the error
  struct estab_tuple tuple; // of the quoted packet: local = its source, which is ours
  uint32_t netif;
  uint32_t seq;          // of the quoted TCP segment
  uint32_t mtu;          // TOO_BIG: bytes; from old routers a guess of RFC 1191 7
  uint8_t kind;          // enum icmp_report_kind
  uint8_t type, code;    // as they came
  uint8_t version;       // 4 or 6
  uint8_t protocol;      // of the quoted packet: TCP or UDP
  bool port_unreachable; // a HARD one from the destination host itself
};

enum icmp_verdict {
  ICMP_ERROR_REPORT = 1, // *report: to tcp or udp by its tuple and protocol
  ICMP_ECHO_REQUEST,     // icmp_echo_reply() if that is wanted
  ICMP_NEIGHBOUR,        // neighbour discovery: icmp_neighbour(), then to link
};

// packet->protocol is ICMP4 or ICMP6. enum icmp_verdict, or a drop: ICMP_SHORT, _CHECKSUM, _TYPE, _EMBEDDED.
int icmp_input(struct ip *ip, const struct ip_packet *packet, struct icmp_report *report);

// Reads a neighbour discovery message that icmp_input() named. 0 and *out, or -ESTAB_DROP_ND_BAD.
int icmp_neighbour(const struct ip_packet *packet, struct estab_nd *out);

// Writes the whole IP packet that answers an echo, to be cut by ip_fragment() when it is longer than to->mtu (RFC 1122
// 3.2.2.6 wants all data back). Its bytes, or a drop: ICMP_LIMIT, IP_NO_ROUTE, IP_TOO_BIG (longer than room).
int icmp_echo_reply(struct ip *ip, const struct ip_packet *packet, uint64_t now_ns, uint8_t *out,
                    size_t room, struct ip_route_result *to);

#endif
