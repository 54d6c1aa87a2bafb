// SPDX-License-Identifier: BSD-2-Clause
// neighbour.h - one neighbour and what can happen to it; inside the link room only.
#ifndef ESTAB_LINK_NEIGHBOUR_H
#define ESTAB_LINK_NEIGHBOUR_H

#include <string.h>

#include "link/link.h"

// RFC 4861 7.3.2, for ARP alike (RFC 1122 2.3.2.1). DELAY is left out: a stale neighbour that is used is probed at
// once, as no upper layer tells us here that it is reachable.
enum link_state {
  LINK_INCOMPLETE, // asked for, never heard of
  LINK_REACHABLE,
  LINK_STALE,  // its address is good enough to be used; using it asks again
  LINK_PROBE,  // asked again at its old address, which is used on
  LINK_FAILED, // did not answer; remembered a moment so that nobody asks at once again
};

struct link_neighbour {
  struct estab_ip ip;
  struct estab_ip asker; // source of our requests
  uint64_t
      due_ns; // REACHABLE: its end; asked: the next request; FAILED: when it may be asked again
  struct path *paths;           // that wait for it, through path->wait_next
  struct link_waiting *waiting; // packets that wait for it, oldest first
  struct fifo_link link;        // in the list of its state
  uint32_t chain;               // next in its bucket
  uint16_t netif;
  uint8_t mac[6];
  uint8_t state; // enum link_state
  uint8_t tries; // requests sent
  uint8_t waiting_count;
  bool to_ask; // INCOMPLETE, PROBE: in l->to_ask, else in l->asking
};

// A packet with room for its link header in front.
struct link_waiting {
  struct link_waiting *next;
  uint32_t netif;
  uint32_t bytes; // of frame
  uint8_t frame[];
};

static inline struct link_neighbour *neighbour_at(const struct link *l, uint32_t index)
{
  return slab_at(&l->neighbours, index);
}

enum { LINK_BUCKETS = 512 };

// SLAB_NONE: not known.
uint32_t neighbour_find(const struct link *l, uint32_t netif, const struct estab_ip *ip);

// Finds or makes one, to be asked for; a STALE one is probed, a FAILED one asked again if that may be. SLAB_NONE:
// no memory.
uint32_t neighbour_use(struct link *l, uint32_t netif, const struct estab_ip *local,
                       const struct estab_ip *ip, uint64_t now_ns);

// It told its hardware address, which is the same if one was known. solicited: as an answer to us, so it can be
// reached.
void neighbour_resolved(struct link *l, uint32_t index, const uint8_t mac[6], bool solicited,
                        uint64_t now_ns);
// Somebody says it has another hardware address: asked at its old one before that is believed.
void neighbour_doubted(struct link *l, uint32_t index);

// Packets that wait are dropped, paths woken.
void neighbour_remove(struct link *l, uint32_t index);

// Whether its mac can be used.
static inline bool neighbour_known(const struct link_neighbour *n)
{
  return n->state == LINK_REACHABLE || n->state == LINK_STALE || n->state == LINK_PROBE;
}

// The Ethernet header of an IP packet to it.
void neighbour_header(const struct link *l, const struct link_neighbour *n,
                      uint8_t header[LINK_HEADER_BYTES]);

// A hardware address that one host can have.
static inline bool mac_is_unicast(const uint8_t mac[6])
{
  return !(mac[0] & 1) && (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

// Whole frames.
size_t arp_request_emit(const struct link *l, const struct link_neighbour *n, uint8_t *out);
size_t nd_solicitation_emit(const struct link *l, const struct link_neighbour *n, uint8_t *out);

#endif
