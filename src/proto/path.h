// SPDX-License-Identifier: BSD-2-Clause
// path.h - all that TCP may know of the network: one way from a local to a remote address.
#ifndef ESTAB_PROTO_PATH_H
#define ESTAB_PROTO_PATH_H

#include "estab/base.h"

enum path_neighbour {
  PATH_NEIGHBOUR_NONE,     // not asked for yet; on a raw or loopback interface: not needed
  PATH_NEIGHBOUR_RESOLVED, // link_header is what goes before the IP header
  PATH_NEIGHBOUR_PENDING,  // the next hop was asked for: park, the stack wakes the path
  PATH_NEIGHBOUR_FAILED,   // it did not answer; the next try asks again
};

// One for each (remote, local, netif) that a connection uses, owned by the ip room, shared and
// counted. TCP holds it const and compares `generation` at output: so a change of the MTU reaches
// every connection without walking them. It may exist once a connection, hence the narrow fields.
struct path {
  struct estab_ip local, remote;
  struct estab_ip next_hop; // who gets the frame: a gateway, or `remote` itself
  union {
    struct {
      uint8_t link_header[14];  // link's, when RESOLVED: destination, source, EtherType
      uint16_t link_generation; // link's: which neighbour table this header comes from
    };
    struct path *wait_next; // link's, when PENDING: the next path that waits for the same neighbour
  };
  uint32_t refs;              // connections that hold it
  uint32_t flow_label : 20;   // IPv6: RFC 6437 3, a keyed hash of the addresses
  uint32_t checksum_none : 1; // nobody on this way looks at checksums
  uint16_t generation;        // changes whenever mtu or a device limit does
  uint16_t netif;             // 0 = inside this stack: the destination is an address of ours
  uint16_t mtu;               // bytes of an IP packet that goes through whole, as far as we know
  uint16_t device_mtu;        // bytes of an IP packet that the interface takes
  uint16_t gso_max_bytes;     // payload of the largest super-segment the device takes, 0 = none
  uint16_t lowered;     // ip's: place in the queue of lowered MTUs, counted from 1; 0 = not lowered
  uint16_t address_sum; // of both addresses: a partial sum of the Internet checksum, RFC 1071
  uint8_t neighbour;    // enum path_neighbour
  uint8_t link_header_bytes : 4; // 0 = raw; 14 = Ethernet, for which neighbour must be RESOLVED
  bool checksum_offload : 1;     // the device completes ESTAB_CHECKSUM_PARTIAL
  bool departure_times : 1;      // the device holds a frame back until its time
  bool cached : 1;               // ip's: it is in the small cache and outlives its last reference
  bool cut_off : 1;              // the interface is down
};

// What goes this way leaves at once: no neighbour to ask.
static inline bool path_is_open(const struct path *p)
{
  return p->neighbour == PATH_NEIGHBOUR_NONE && !p->link_header_bytes && !p->cut_off;
}

#endif
