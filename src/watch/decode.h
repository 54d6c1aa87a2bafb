// SPDX-License-Identifier: BSD-2-Clause
// decode.h - from a captured frame to the innermost IP packet and what it says: the observer's view of bytes.
//
// An observer is no host: it must not drop what some receiver would take. So where the endpoint's codec judges
// (options, source routes, tiny first fragments), this one reads on and leaves the verdict to a field. No state.
#ifndef ESTAB_WATCH_DECODE_H
#define ESTAB_WATCH_DECODE_H

#include "estab/watch.h"
#include "estab/wire.h"

enum watch_kind {
  WATCH_KIND_TCP,
  WATCH_KIND_ICMP,     // ICMP or ICMPv6
  WATCH_KIND_FRAGMENT, // of a larger packet, for watch_defrag_input()
  WATCH_KIND_OTHER,    // another protocol over IP
  WATCH_KIND_SKIPPED,  // nothing to track: see count and why
};

enum watch_checksum {
  WATCH_CHECKSUM_OK,        // or there is none, as in the header of IPv6
  WATCH_CHECKSUM_BAD,       // no host takes this packet
  WATCH_CHECKSUM_OFFLOADED, // only the pseudo-header's sum (IPv4 header: 0): the card completes it
  WATCH_CHECKSUM_UNVERIFIABLE, // the capture has not all the bytes
};

#define WATCH_DEPTH 16 // headers inside each other that are followed, a label stack counting as one

// Lengths are bytes; pointers point into the frame. Behind `tunnel_key` a field means something only
// for kinds other than WATCH_KIND_SKIPPED, one of the union only for its kind.
struct watch_packet {
  uint8_t kind;  // enum watch_kind
  uint8_t count; // enum estab_watch_count that it belongs to; SKIPPED: why, in short
  uint8_t why;   // enum estab_drop, SKIPPED: why exactly; may be NONE
  // Around the packet
  uint8_t tunnel;     // enum estab_watch_tunnel: the innermost one
  uint8_t tunnels;    // how many inside each other
  uint8_t vlan_count; // tags seen; vlan[] has the first two, outermost first, then 0
  bool has_outer;     // outer_src and outer_dst mean something: there is an IP header around
  uint16_t vlan[2];   // VLAN identifiers, 12 bits
  uint32_t tunnel_id; // of the innermost tunnel that has one: VNI, TEID or GRE's key; else 0
  uint32_t
      tunnel_key; // for the flow key: what of tunnel_id both directions share. Not GTP-U's, where
                  // each side chooses the TEID it receives with: 0
  // The innermost IP packet
  uint8_t version;      // 4 or 6
  uint8_t protocol;     // enum estab_protocol, behind the extension headers
  uint8_t ttl;          // or hop limit
  uint8_t dscp, ecn;    // 6 bits; enum estab_ecn
  uint8_t ip_checksum;  // enum watch_checksum, of IPv4's header
  uint8_t tcp_checksum; // enum watch_checksum, of TCP and ICMP
  bool dont_fragment;
  bool source_routed;   // a source route option, or a routing header with segments left
  bool length_unset;    // the total length is 0, left to the card: the frame's length counts
  bool joined;          // put together of fragments
  uint32_t frame_bytes; // FRAGMENT: of its frame; joined: of all frames that it came in
  _Alignas(uint64_t) struct estab_ip src; // read in words
  struct estab_ip dst;
  struct estab_ip outer_src, outer_dst; // of the outermost packet, see has_outer
  struct estab_fragment
      fragment;      // id: IPv4: of every packet. Else, not a fragment: offset 0, more false
  const uint8_t *ip; // its header
  uint32_t ip_bytes; // the whole packet, as its header says
  uint32_t ip_captured_bytes; // of which these are there
  uint16_t ip_header_bytes;   // extension headers included: the raw TCP header is at ip + this
  const uint8_t
      *payload; // TCP: text; ICMP: behind the 8 bytes; FRAGMENT: its piece; OTHER: behind IP
  uint32_t payload_bytes;          // as the headers say
  uint32_t payload_captured_bytes; // of which these are there
  union {
    struct {
      struct estab_tcp_header tcp;
      bool tcp_options_cut; // the capture ends within them: tcp.options are those that are whole
    };
    struct {
      struct estab_icmp_header icmp;
      struct estab_quote quote; // of an error
      bool has_quote;           // enough of it is there
    };
  };
};

// Reads a frame of a link type (enum estab_linktype or any other). `captured_bytes` are there of the `wire_bytes`
// that were on the wire; fewer wire than captured bytes counts as equal. Everything is read within
// captured_bytes. Answers out->kind.
enum watch_kind watch_decode(uint32_t link_type, const uint8_t *frame, size_t captured_bytes,
                             size_t wire_bytes, struct watch_packet *out);

// Where a frame names both ends, which is in all likelihood one of TCP in IP without options in Ethernet.
struct watch_ends {
  const uint8_t *addresses, *ports; // the source's, and right behind it the destination's
  uint32_t address_words;           // of each: 1 or 4. 0: it is no such frame
};
struct watch_ends watch_decode_ends(uint32_t link_type, const uint8_t *frame,
                                    size_t captured_bytes);

// Reads a whole IP packet that was put together of fragments, `carrier` being one of them: tunnels and tags
// are taken from it. `carrier` and `out` may be the same.
enum watch_kind watch_decode_joined(const struct watch_packet *carrier, const uint8_t *packet,
                                    size_t bytes, struct watch_packet *out);

#endif
