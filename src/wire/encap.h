// SPDX-License-Identifier: BSD-2-Clause
// encap.h - tags, link layers and tunnels around an IP packet: parsed only, for observers.
//
// As in estab/wire.h: `bytes` starts at the header, `have` counts what is there, and a parser answers the
// header's bytes or a negative drop: ENCAP_SHORT (it ends too soon), ENCAP_BAD (it contradicts itself) or
// ENCAP_VERSION (another version or message than these). All reads go through the checked cursor.
#ifndef ESTAB_WIRE_ENCAP_H
#define ESTAB_WIRE_ENCAP_H

#include "estab/wire.h"

// EtherTypes beyond those of estab/wire.h
enum encap_eth_type {
  ENCAP_ETH_VLAN = 0x8100,     // IEEE 802.1Q
  ENCAP_ETH_QINQ = 0x88a8,     // IEEE 802.1ad
  ENCAP_ETH_QINQ_OLD = 0x9100, // the same, before the standard
  ENCAP_ETH_QINQ_OLDER = 0x9200,
  ENCAP_ETH_BRIDGED = 0x6558, // an Ethernet frame: RFC 1701, RFC 8926 3.4
  ENCAP_ETH_MPLS = 0x8847,
  ENCAP_ETH_MPLS_MULTICAST = 0x8848,
  ENCAP_ETH_PPP = 0x880b,
  ENCAP_ETH_PPPOE_DISCOVERY = 0x8863,
  ENCAP_ETH_PPPOE = 0x8864,
};

#define ENCAP_ETH_TYPE_MIN 0x0600 // what is less is the length of an IEEE 802.3 frame

// ---------------------------------------------------------------------------------------------
// Tags and link layers

struct vlan_tag {
  uint16_t id;      // VLAN identifier, 12 bits; 0 = only a priority
  uint16_t type;    // EtherType of what follows
  uint8_t priority; // 0..7
};

static inline bool vlan_is_tag(unsigned eth_type)
{
  return eth_type == ENCAP_ETH_VLAN || eth_type == ENCAP_ETH_QINQ ||
         eth_type == ENCAP_ETH_QINQ_OLD || eth_type == ENCAP_ETH_QINQ_OLDER;
}

// Starts behind the EtherType that announces the tag.
int vlan_parse(const uint8_t *bytes, size_t have, struct vlan_tag *out);

enum mpls_inner {
  MPLS_INNER_UNKNOWN,
  MPLS_INNER_IP,       // told by its first four bits, as routers do
  MPLS_INNER_ETHERNET, // told by its type; a control word before it (RFC 4448 4.6) counts as header
};

struct mpls_stack {
  uint32_t label; // of the bottom: 20 bits
  uint8_t labels; // 1..MPLS_LABELS
  uint8_t inner;  // enum mpls_inner
};

#define MPLS_LABELS 16 // in one stack

// RFC 3032 2.1: the whole label stack, down to the bottom.
int mpls_parse(const uint8_t *bytes, size_t have, struct mpls_stack *out);

enum encap_ppp_protocol {
  ENCAP_PPP_IP4 = 0x0021,
  ENCAP_PPP_IP6 = 0x0057,
  ENCAP_PPP_MPLS = 0x0281,
};

struct pppoe_header {
  uint16_t session;
  uint16_t payload_bytes; // behind the answer
  uint16_t protocol;      // of PPP: enum encap_ppp_protocol or any other
};

// RFC 2516 5: a session packet and the protocol field of PPP, RFC 1661 2.
int pppoe_parse(const uint8_t *bytes, size_t have, struct pppoe_header *out);

struct llc_header {
  uint16_t type; // EtherType behind LLC or SNAP (RFC 1042); 0 = something else
};

// IEEE 802.2, behind a length instead of an EtherType.
int llc_parse(const uint8_t *bytes, size_t have, struct llc_header *out);

struct sll_header {
  uint16_t type;     // EtherType, or below ENCAP_ETH_TYPE_MIN: ENCAP_SLL_*
  uint16_t hardware; // ARPHRD_*
  uint8_t direction; // 0 to us, 1 broadcast, 2 multicast, 3 to others, 4 from us
};

#define ENCAP_SLL_8022 4 // sll_header.type: an LLC header follows

// Linux cooked captures: LINKTYPE_LINUX_SLL, LINKTYPE_LINUX_SLL2.
int sll_parse(const uint8_t *bytes, size_t have, struct sll_header *out);
int sll2_parse(const uint8_t *bytes, size_t have, struct sll_header *out);

// ---------------------------------------------------------------------------------------------
// Tunnels

enum encap_protocol {
  ENCAP_PROTOCOL_IP4 = 4,
  ENCAP_PROTOCOL_IP6 = 41,
  ENCAP_PROTOCOL_GRE = 47,
};

enum encap_udp_port {
  ENCAP_UDP_GTPU = 2152,
  ENCAP_UDP_TEREDO = 3544,
  ENCAP_UDP_VXLAN = 4789,
  ENCAP_UDP_VXLAN_LINUX = 8472, // before the port was assigned
  ENCAP_UDP_GENEVE = 6081,
};

struct gre_header {
  uint16_t type; // EtherType of the payload
  bool has_key;
  uint32_t key;
};

// RFC 2784, RFC 2890, and the routing entries of RFC 1701. Version 1 is PPTP's: ENCAP_VERSION.
int gre_parse(const uint8_t *bytes, size_t have, struct gre_header *out);

struct vxlan_header {
  uint32_t vni; // 24 bits
};

// RFC 7348 5. An Ethernet frame follows.
int vxlan_parse(const uint8_t *bytes, size_t have, struct vxlan_header *out);

struct geneve_header {
  uint32_t vni;  // 24 bits
  uint16_t type; // EtherType of the payload
};

// RFC 8926 3.4, its options stepped over.
int geneve_parse(const uint8_t *bytes, size_t have, struct geneve_header *out);

struct gtpu_header {
  uint32_t teid;
  uint32_t payload_bytes; // behind the answer, as the header says
};

// 3GPP TS 29.281 5.1: a G-PDU and its extension headers. An IP packet follows. Other messages: ENCAP_VERSION.
int gtpu_parse(const uint8_t *bytes, size_t have, struct gtpu_header *out);

struct teredo_header {
  bool has_authentication, has_origin;
};

// RFC 4380 5.1.1: authentication and origin indication, of which there may be none (answer 0). An IPv6 packet
// follows: anything else is ENCAP_BAD.
int teredo_parse(const uint8_t *bytes, size_t have, struct teredo_header *out);

#endif
