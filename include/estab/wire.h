// SPDX-License-Identifier: BSD-2-Clause
// wire.h - the codec: what the bytes of a packet mean, and back. No state, no allocation.
//
// Two levels. *_parse() reads bytes into a plain struct whose values are validated and clamped;
// *_emit() writes such a struct. parse(emit(h)) == h. Everything in a struct is in host order;
// lengths are bytes.
//
//   int estab_X_parse(const uint8_t *bytes, size_t have, struct X *out)
//     `bytes` starts at the header and `have` counts what is there; nothing past it is read. Answers
//     the header's length in bytes, so that the next header is at bytes + answer, or
//     -(enum estab_drop) when the packet must not be taken. Pointers in *out point into `bytes`.
//   size_t estab_X_emit(const struct X *h, uint8_t *out)
//     `out` has room for the ESTAB_X_..._BYTES named beside it. Answers the bytes written. Checksums
//     other than that of the IPv4 header are left 0 (UDP: as given), for the caller to fill in once
//     it has the payload.
#ifndef ESTAB_WIRE_H
#define ESTAB_WIRE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---------------------------------------------------------------------------------------------
// Checksums, RFC 1071. A partial sum starts at 0, takes pieces in order, each of any length and
// alignment (an odd piece is remembered), and is independent of the machine's byte order.

ESTAB_API uint64_t estab_checksum_add(uint64_t partial, const void *bytes, size_t count);

// The sum of the pseudo-header (RFC 9293 3.1, RFC 8200 8.1); upper_bytes = transport header and
// payload. Both addresses of one family. Goes first, or is added to a partial sum of an even number
// of bytes with +.
ESTAB_API uint64_t estab_checksum_pseudo(const struct estab_ip *src, const struct estab_ip *dst,
                                         uint8_t protocol, uint32_t upper_bytes);

// The sum folded to 16 bits, not complemented: what ESTAB_CHECKSUM_PARTIAL wants in the field.
ESTAB_API uint16_t estab_checksum_fold(uint64_t partial);

// What belongs in the field, to be written big-endian; over bytes that include a right checksum: 0.
ESTAB_API uint16_t estab_checksum_finish(uint64_t partial);

// The checksum after a 16-bit or 32-bit field of the packet, at an even offset, changed. RFC 1624
// 3, equation 3.
ESTAB_API uint16_t estab_checksum_update16(uint16_t checksum, uint16_t before, uint16_t after);
ESTAB_API uint16_t estab_checksum_update32(uint16_t checksum, uint32_t before, uint32_t after);

// ---------------------------------------------------------------------------------------------
// Ethernet II and ARP (RFC 826)

#define ESTAB_ETH_HEADER_BYTES 14
#define ESTAB_ARP_BYTES        28

enum estab_eth_type {
  ESTAB_ETH_IP4 = 0x0800,
  ESTAB_ETH_ARP = 0x0806,
  ESTAB_ETH_IP6 = 0x86dd,
};

struct estab_eth_header {
  uint8_t dst[6], src[6];
  uint16_t type; // enum estab_eth_type or any other
};

enum estab_arp_operation {
  ESTAB_ARP_REQUEST = 1,
  ESTAB_ARP_REPLY = 2,
};

struct estab_arp {
  uint16_t operation; // enum estab_arp_operation
  uint8_t sender_mac[6], target_mac[6];
  struct estab_ip sender_ip, target_ip; // IPv4
};

ESTAB_API int estab_eth_parse(const uint8_t *bytes, size_t have, struct estab_eth_header *out);
ESTAB_API size_t estab_eth_emit(const struct estab_eth_header *h, uint8_t *out);

// Starts behind the Ethernet header. Only Ethernet and IPv4, only requests and replies.
ESTAB_API int estab_arp_parse(const uint8_t *bytes, size_t have, struct estab_arp *out);
ESTAB_API size_t estab_arp_emit(const struct estab_arp *h, uint8_t *out);

// ---------------------------------------------------------------------------------------------
// IP

#define ESTAB_IP4_HEADER_BYTES     20
#define ESTAB_IP4_HEADER_MAX_BYTES 60
#define ESTAB_IP6_HEADER_BYTES     40
#define ESTAB_IP6_FRAGMENT_BYTES   8

enum estab_protocol {
  ESTAB_PROTOCOL_HOP_BY_HOP = 0,
  ESTAB_PROTOCOL_ICMP4 = 1,
  ESTAB_PROTOCOL_TCP = 6,
  ESTAB_PROTOCOL_UDP = 17,
  ESTAB_PROTOCOL_ROUTING = 43,
  ESTAB_PROTOCOL_FRAGMENT = 44,
  ESTAB_PROTOCOL_ICMP6 = 58,
  ESTAB_PROTOCOL_NONE = 59,
  ESTAB_PROTOCOL_DESTINATION = 60,
};

enum estab_ecn {
  ESTAB_ECN_NOT_ECT = 0,
  ESTAB_ECN_ECT1 = 1,
  ESTAB_ECN_ECT0 = 2,
  ESTAB_ECN_CE = 3,
};

// Where a piece of a fragmented datagram belongs. Not a fragment, or an atomic one (RFC 6946):
// offset 0, more false.
struct estab_fragment {
  uint32_t id;     // IPv4: 16 bits, also of whole packets
  uint16_t offset; // bytes from the start of the fragmentable part, a multiple of 8
  bool more;       // another one follows
};

struct estab_ip4_header {
  struct estab_ip src, dst;
  struct estab_fragment fragment;
  uint16_t total_bytes; // header and payload; parse: never more than there are
  uint8_t header_bytes; // parse: 20..60, options included. emit: not read
  uint8_t protocol;     // enum estab_protocol
  uint8_t ttl;
  uint8_t dscp; // 6 bits
  uint8_t ecn;  // enum estab_ecn
  bool dont_fragment;
  uint8_t options_bytes;  // 0..40, a multiple of 4
  const uint8_t *options; // NULL when there are none
};

// Drops a total length below the header's or past `have`, a wrong header checksum, an option of
// impossible length and source routes. Bytes past total_bytes are padding: the payload is
// total_bytes - answer. On -ESTAB_DROP_IP4_CHECKSUM *out is filled in all the same, for those who
// only watch.
ESTAB_API int estab_ip4_parse(const uint8_t *bytes, size_t have, struct estab_ip4_header *out);

// The same for a packet that was cut off: `wire_bytes` were there, `have` are left (a capture's
// snapshot length, or SIZE_MAX for a packet quoted in an ICMP error). The header itself must be
// whole.
ESTAB_API int estab_ip4_parse_cut(const uint8_t *bytes, size_t have, size_t wire_bytes,
                                  struct estab_ip4_header *out);

// Writes header and options, at most ESTAB_IP4_HEADER_MAX_BYTES, checksum filled in.
ESTAB_API size_t estab_ip4_emit(const struct estab_ip4_header *h, uint8_t *out);

// RFC 8200 4.2, 4: the ICMPv6 Parameter Problem that a dropped packet asks for.
struct estab_ip6_problem {
  bool wanted;
  bool even_multicast; // to be sent even if the destination was a multicast address
  uint8_t code;        // RFC 4443 3.4: 0 field, 1 next header, 2 option; RFC 7112 5: 3 chain
  uint32_t pointer;    // bytes from the IPv6 header to what was not understood
};

struct estab_ip6_header {
  struct estab_ip src, dst;
  struct estab_fragment fragment;
  uint32_t flow_label;    // 20 bits
  uint16_t payload_bytes; // all behind the 40 bytes, extension headers too; at most what is there
  uint16_t header_bytes;  // parse: 40 and the extension headers walked over. emit: not read
  uint8_t next_header;    // of the 40 bytes: the first extension header's number, or the protocol
  uint8_t protocol;       // parse: what follows header_bytes. emit: not read
  uint8_t hop_limit;
  uint8_t dscp;                     // 6 bits
  uint8_t ecn;                      // enum estab_ecn
  bool has_fragment;                // there is a fragment header, perhaps an atomic one
  uint16_t extension_bytes;         // header_bytes - 40
  const uint8_t *extensions;        // as they stand; emit: copied. NULL when there are none
  struct estab_ip6_problem problem; // parse: of a drop; else wanted is false
};

// Walks the extension headers: hop-by-hop only first, at most 8 headers and 8 options in each
// (padding apart), routing type 0 and a second fragment header dropped, whole chain and the
// transport header's fixed part in the first fragment (RFC 7112 5). Stops behind the header of a
// fragment that is no atomic one: `protocol` is then what the fragmentable part starts with.
// Jumbograms (RFC 2675) are not taken.
ESTAB_API int estab_ip6_parse(const uint8_t *bytes, size_t have, struct estab_ip6_header *out);
ESTAB_API int estab_ip6_parse_cut(const uint8_t *bytes, size_t have, size_t wire_bytes,
                                  struct estab_ip6_header *out);

// The extension headers at the start of a reassembled fragmentable part, `out` being what its first
// fragment gave: goes on from out->protocol, a fragment header is not allowed any more. Answers the
// bytes walked over and sets out->protocol, or a drop and out->problem (pointer counted from
// `bytes`).
ESTAB_API int estab_ip6_parse_reassembled(const uint8_t *bytes, size_t have,
                                          struct estab_ip6_header *out);

// Writes the 40 bytes and copies the extension headers behind them.
ESTAB_API size_t estab_ip6_emit(const struct estab_ip6_header *h, uint8_t *out);

// Writes a fragment header of ESTAB_IP6_FRAGMENT_BYTES; next = what the fragmentable part starts
// with.
ESTAB_API size_t estab_ip6_fragment_emit(const struct estab_fragment *f, uint8_t next,
                                         uint8_t *out);

// ---------------------------------------------------------------------------------------------
// ICMP (RFC 792) and ICMPv6 (RFC 4443, RFC 4861)

#define ESTAB_ICMP_HEADER_BYTES    8
#define ESTAB_ICMP_CHECKSUM_OFFSET 2

enum estab_icmp4_type {
  ESTAB_ICMP4_ECHO_REPLY = 0,
  ESTAB_ICMP4_UNREACHABLE = 3, // code 4: mtu
  ESTAB_ICMP4_REDIRECT = 5,
  ESTAB_ICMP4_ECHO = 8,
  ESTAB_ICMP4_TIME_EXCEEDED = 11,
  ESTAB_ICMP4_PARAMETER_PROBLEM = 12,
};

enum estab_icmp6_type {
  ESTAB_ICMP6_UNREACHABLE = 1,
  ESTAB_ICMP6_PACKET_TOO_BIG = 2,
  ESTAB_ICMP6_TIME_EXCEEDED = 3,
  ESTAB_ICMP6_PARAMETER_PROBLEM = 4,
  ESTAB_ICMP6_ECHO = 128,
  ESTAB_ICMP6_ECHO_REPLY = 129,
  ESTAB_ICMP6_ROUTER_SOLICITATION = 133,
  ESTAB_ICMP6_ROUTER_ADVERTISEMENT = 134,
  ESTAB_ICMP6_NEIGHBOUR_SOLICITATION = 135,
  ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT = 136,
  ESTAB_ICMP6_REDIRECT = 137,
};

// The code of ICMPv4 Destination Unreachable that carries an MTU (RFC 1191 4), and that of a closed
// port.
#define ESTAB_ICMP4_CODE_PROTOCOL    2
#define ESTAB_ICMP4_CODE_PORT        3
#define ESTAB_ICMP4_CODE_FRAG_NEEDED 4
#define ESTAB_ICMP6_CODE_PORT        4

// Both families. What a type does not have is 0.
struct estab_icmp_header {
  uint8_t type, code;
  bool echo;        // parse: an echo or its reply: id and seq count
  bool error;       // parse: an error message: a quoted packet follows the 8 bytes
  uint16_t id, seq; // echo
  uint32_t mtu; // bytes: fragmentation needed (0 from routers older than RFC 1191), packet too big
  uint32_t pointer; // parameter problem: offset in the quoted packet
  uint32_t rest;    // bytes 4..7 of every other type
};

// The checksum is not looked at: sum all bytes of the message (ICMPv6: and the pseudo-header).
ESTAB_API int estab_icmp4_parse(const uint8_t *bytes, size_t have, struct estab_icmp_header *out);
ESTAB_API int estab_icmp6_parse(const uint8_t *bytes, size_t have, struct estab_icmp_header *out);
ESTAB_API size_t estab_icmp4_emit(const struct estab_icmp_header *h, uint8_t *out);
ESTAB_API size_t estab_icmp6_emit(const struct estab_icmp_header *h, uint8_t *out);

// The packet quoted in an error message, as much of it as is there.
struct estab_quote {
  struct estab_ip src, dst; // so src was the sender of what the error is about
  uint16_t src_port, dst_port;
  uint32_t seq;          // TCP
  uint8_t version;       // 4 or 6
  uint8_t protocol;      // enum estab_protocol
  bool has_ports;        // first fragment of TCP or UDP, with 4 bytes of it
  bool has_seq;          // TCP with 8 bytes
  uint16_t header_bytes; // IP header and extension headers in the quote
};

// version = that of the message around it: a quote of the other is refused. Source routes and
// checksum do not count.
ESTAB_API int estab_quote_parse(unsigned version, const uint8_t *bytes, size_t have,
                                struct estab_quote *out);

#define ESTAB_ND_PREFIXES  4
#define ESTAB_ND_MAX_BYTES (16 + 8 + 8 + 8 + 32 * ESTAB_ND_PREFIXES)

enum estab_nd_option {
  ESTAB_ND_SOURCE_MAC = 0x01,
  ESTAB_ND_TARGET_MAC = 0x02,
  ESTAB_ND_MTU = 0x04,
};

struct estab_nd_prefix {
  struct estab_ip prefix;
  uint32_t valid_s, preferred_s; // UINT32_MAX = for ever
  uint8_t prefix_bits;           // 0..128
  bool on_link;
  bool autonomous;
};

// Neighbour discovery, RFC 4861 4.1-4.4: solicitations and advertisements of neighbours and
// routers.
struct estab_nd {
  uint8_t type;                      // ESTAB_ICMP6_ROUTER_SOLICITATION ... _NEIGHBOUR_ADVERTISEMENT
  uint8_t present;                   // enum estab_nd_option bits
  bool router, solicited, override;  // NA
  bool managed, other;               // RA: addresses, other settings, by DHCPv6
  uint8_t hop_limit;                 // RA: 0 = unspecified
  uint16_t router_lifetime_s;        // RA: 0 = not a default router
  uint32_t reachable_ms, retrans_ms; // RA: 0 = unspecified
  struct estab_ip target;            // NS, NA
  uint8_t source_mac[6], target_mac[6];
  uint32_t mtu;         // RA
  uint8_t prefix_count; // RA: at most ESTAB_ND_PREFIXES are kept
  struct estab_nd_prefix prefixes[ESTAB_ND_PREFIXES];
};

// The whole ICMPv6 message from its type on, judged with the header that brought it: RFC 4861 6.1,
// 7.1, RFC 6980 5. Answers the bytes of the message. The checksum is the caller's.
ESTAB_API int estab_nd_parse(const struct estab_ip6_header *ip, const uint8_t *bytes, size_t have,
                             struct estab_nd *out);
ESTAB_API size_t estab_nd_emit(const struct estab_nd *h, uint8_t *out);

// ---------------------------------------------------------------------------------------------
// UDP (RFC 768)

#define ESTAB_UDP_HEADER_BYTES    8
#define ESTAB_UDP_CHECKSUM_OFFSET 6

struct estab_udp_header {
  uint16_t src_port, dst_port;
  uint16_t total_bytes; // header and payload; parse: 8 and never more than there are
  uint16_t
      checksum; // as it stands; 0 = none, for the caller to judge: only IPv4 allows it (RFC 8200 8.1)
};

ESTAB_API int estab_udp_parse(const uint8_t *bytes, size_t have, struct estab_udp_header *out);
ESTAB_API size_t estab_udp_emit(const struct estab_udp_header *h, uint8_t *out);

// ---------------------------------------------------------------------------------------------
// TCP (RFC 9293 3.1)

#define ESTAB_TCP_HEADER_BYTES     20
#define ESTAB_TCP_HEADER_MAX_BYTES 60
#define ESTAB_TCP_OPTIONS_BYTES    40
#define ESTAB_TCP_CHECKSUM_OFFSET  16

enum estab_tcp_flag {
  ESTAB_TCP_FIN = 0x001,
  ESTAB_TCP_SYN = 0x002,
  ESTAB_TCP_RST = 0x004,
  ESTAB_TCP_PSH = 0x008,
  ESTAB_TCP_ACK = 0x010,
  ESTAB_TCP_URG = 0x020,
  ESTAB_TCP_ECE = 0x040,
  ESTAB_TCP_CWR = 0x080,
  ESTAB_TCP_AE = 0x100,       // RFC 9768 3.1, once NS
  ESTAB_TCP_RESERVED = 0xe00, // the rest of the 12 bits beside the data offset
};

enum estab_tcp_option {
  ESTAB_TCP_OPT_MSS = 0x001,            // kind 2, RFC 9293 3.7.1
  ESTAB_TCP_OPT_WSCALE = 0x002,         // kind 3, RFC 7323 2
  ESTAB_TCP_OPT_SACK_PERMITTED = 0x004, // kind 4, RFC 2018 2
  ESTAB_TCP_OPT_SACK = 0x008,           // kind 5, RFC 2018 3
  ESTAB_TCP_OPT_TS = 0x010,             // kind 8, RFC 7323 3
  ESTAB_TCP_OPT_UTO = 0x020,            // kind 28, RFC 5482 3
  ESTAB_TCP_OPT_TFO = 0x040,            // kind 34, RFC 7413 4.1.1
  ESTAB_TCP_OPT_ACCECN0 = 0x080,        // kind 172, RFC 9768 3.2.3
  ESTAB_TCP_OPT_ACCECN1 = 0x100,        // kind 174
  ESTAB_TCP_OPT_TFO_EXP = 0x200, // besides TFO: as it was before, kind 254 and 0xf989 (RFC 6994)
  ESTAB_TCP_OPT_MALFORMED =
      0x8000, // parse: an illegal length ended the walk; what came before it counts
};

struct estab_sack_block {
  uint32_t start, end; // [start, end)
};

// A field means something only if its bit is in `present`; parse writes no others.
struct estab_tcp_options {
  uint32_t present;      // enum estab_tcp_option bits
  uint16_t mss;          // bytes, never 0: an MSS of 0 counts as absent
  uint16_t user_timeout; // as it stands: bit 15 set = minutes, else seconds
  uint32_t ts_value;     // TSval
  uint32_t ts_echo;      // TSecr
  uint8_t wscale;        // shift count 0..14, larger ones clamped [RFC 7323 2.3]
  uint8_t sack_count;    // 1..4
  uint8_t tfo_bytes;     // of the cookie: 0 (a request) or 4..16, even
  uint8_t accecn_count;  // 0..3
  struct estab_sack_block sack[4];
  uint8_t tfo_cookie[16];
  uint32_t
      accecn[3]; // 24 bits each, in the option's order: kind 172 e0b ceb e1b, kind 174 e1b ceb e0b
};

struct estab_tcp_header {
  uint16_t src_port, dst_port;
  uint32_t seq, ack; // ack is kept as it stands without the ACK flag, too
  uint16_t flags;    // enum estab_tcp_flag bits
  uint16_t window;   // as on the wire, not scaled
  uint16_t urgent;
  uint8_t header_bytes; // parse: 20..60. emit: not read
  struct estab_tcp_options options;
};

// The checksum is not looked at: sum all bytes of the segment and the pseudo-header.
ESTAB_API int estab_tcp_parse(const uint8_t *bytes, size_t have, struct estab_tcp_header *out);

// Writes header and options, at most ESTAB_TCP_HEADER_MAX_BYTES. Order, each aligned to 4 bytes
// with NOPs as usual: MSS; SACK-permitted and TS as one group, or NOP NOP and the one there is; NOP
// WSCALE; TFO; UTO; NOP NOP SACK; ACCECN. What does not fit in 40 bytes is left out: of SACK and
// ACCECN, as many blocks or counters as fit are written.
ESTAB_API size_t estab_tcp_emit(const struct estab_tcp_header *h, uint8_t *out);

// The options alone. Answers 0..40, a multiple of 4.
ESTAB_API size_t estab_tcp_options_emit(const struct estab_tcp_options *o, uint8_t *out);
// How many bytes that would be.
ESTAB_API size_t estab_tcp_options_bytes(const struct estab_tcp_options *o);
// Reads options alone; there is nothing that could be refused: see ESTAB_TCP_OPT_MALFORMED.
ESTAB_API void estab_tcp_options_parse(const uint8_t *bytes, size_t have,
                                       struct estab_tcp_options *out);

// ---------------------------------------------------------------------------------------------
// A packet as a whole, for tools, tests and observers

enum estab_packet_kind {
  ESTAB_PACKET_OTHER,    // a transport protocol that is not parsed; payload = behind the IP header
  ESTAB_PACKET_FRAGMENT, // a fragment that is no atomic one; payload = its piece
  ESTAB_PACKET_TCP,
  ESTAB_PACKET_UDP,
  ESTAB_PACKET_ICMP4, // payload = behind the 8 bytes
  ESTAB_PACKET_ICMP6,
  ESTAB_PACKET_ARP,
};

struct estab_packet {
  uint8_t kind;     // enum estab_packet_kind
  uint8_t link;     // enum estab_link; ESTAB_LINK_ETHERNET: eth counts
  uint8_t version;  // 4 or 6; 0 = ARP
  uint8_t protocol; // enum estab_protocol
  uint8_t ttl;      // or hop limit
  uint8_t dscp, ecn;
  bool dont_fragment;
  struct estab_fragment fragment;
  uint32_t flow_label; // IPv6
  struct estab_ip src, dst;
  struct estab_eth_header eth;
  uint16_t l3_offset;   // parse: bytes before the IP header or ARP
  uint16_t l4_offset;   // parse: bytes before the transport header
  const uint8_t *bytes; // parse: what was parsed. emit, and for a packet made by hand: NULL
  const uint8_t *payload;
  size_t payload_bytes;
  union {
    struct estab_tcp_header tcp;
    struct estab_udp_header udp; // total_bytes and checksum: emit does not read them
    struct estab_icmp_header icmp;
    struct estab_arp arp;
  };
};

// Reads a whole frame. link is enum estab_link. checksum_known: somebody vouches for the transport
// checksum, it is not looked at. Answers the payload's offset or a drop. If the drop is that of a
// checksum, *out is filled in all the same.
ESTAB_API int estab_packet_parse(int link, const uint8_t *bytes, size_t have, bool checksum_known,
                                 struct estab_packet *out);

// Writes the packet, with an Ethernet header if link says so, without IP options, with right
// lengths and checksums. Answers its bytes, ESTAB_ERR_TOO_BIG (room, or 65535) or ESTAB_ERR_INVALID
// (no such kind or version).
ESTAB_API int estab_packet_emit(const struct estab_packet *p, uint8_t *out, size_t room);

// ---------------------------------------------------------------------------------------------
// One line, as engineers read it (packetdrill's notation). All formatters terminate what they write
// and answer the length they need without the NUL, like snprintf.

// "S." "P." "F." "SEWA": S F R P U E W A and . for ACK; "-" for none.
ESTAB_API size_t estab_flags_format(uint16_t flags, char *text, size_t text_bytes);
// "SYN|ACK": the field's names from its lowest bit up; "0" for none, reserved bits as "0xe00".
ESTAB_API size_t estab_flags_format_names(uint16_t flags, char *text, size_t text_bytes);

// All zero is a good start: absolute numbers, no addresses.
struct estab_format_options {
  bool addresses;        // packets: "192.0.2.1:5000 > 192.0.2.2:80 " first
  bool window_given;     // print window_bytes (a scaled window, say) instead of the header's
  bool no_options;       // leave <...> out
  uint32_t seq_base;     // subtracted from seq: the sender's initial sequence number
  uint32_t ack_base;     // subtracted from ack and SACK blocks: the receiver's
  uint32_t window_bytes; // see window_given
};

// "S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>", "P. 1:101(100) ack 1 win
// 512". NULL = all zero.
ESTAB_API size_t estab_tcp_format(const struct estab_tcp_header *h, size_t payload_bytes,
                                  const struct estab_format_options *how, char *text,
                                  size_t text_bytes);

// "mss 1460,nop,wscale 7": option bytes in their own order, whatever is in them.
ESTAB_API size_t estab_tcp_options_format(const uint8_t *bytes, size_t count,
                                          const struct estab_format_options *how, char *text,
                                          size_t text_bytes);

// The same for any packet: "192.0.2.1:5000 > 192.0.2.2:80 S 0:0(0) win 65535 <mss 1460>", "udp
// (12)", "icmp unreachable frag_needed mtu 1400 [192.0.2.1:80 > 192.0.2.9:4000 tcp seq 7]", "arp
// who-has 192.0.2.1 tell 192.0.2.2".
#define ESTAB_PACKET_TEXT_BYTES 512 // enough for any
ESTAB_API size_t estab_packet_format(const struct estab_packet *p,
                                     const struct estab_format_options *how, char *text,
                                     size_t text_bytes);

#ifdef __cplusplus
}
#endif
#endif
