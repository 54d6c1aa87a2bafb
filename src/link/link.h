// SPDX-License-Identifier: BSD-2-Clause
// link.h - Ethernet neighbours: ARP and Neighbour Discovery.
#ifndef ESTAB_LINK_LINK_H
#define ESTAB_LINK_LINK_H

#include "base/fifo.h"
#include "base/mem.h"
#include "base/slab.h"
#include "estab/wire.h"
#include "proto/path.h"

#define LINK_HEADER_BYTES  14
#define LINK_NETIFS        64
#define LINK_NEIGHBOURS    1024         // at most; those that do not answer go first: RFC 6583 6.2
#define LINK_WAITING       3            // packets that wait for one neighbour: ATTACKS R13
#define LINK_WAITING_BYTES 1514         // the longest of them, link header included
#define LINK_WAITING_MAX   (256 * 1024) // bytes of all of them
#define LINK_MESSAGE_BYTES 128          // longest frame that link makes itself

#define LINK_REQUESTS      3                     // RFC 4861 10: MAX_MULTICAST_SOLICIT
#define LINK_RETRANSMIT_NS UINT64_C(1000000000)  // RETRANS_TIMER; RFC 1122 2.3.2.1
#define LINK_REACHABLE_NS  UINT64_C(30000000000) // REACHABLE_TIME
#define LINK_FAILED_NS     UINT64_C(1000000000)  // no new request before: RFC 1122 2.3.2.1

struct link_waiting;

struct link {
  struct mem *mem;
  uint64_t key[2];
  struct slab neighbours; // struct link_neighbour
  uint32_t *buckets;      // chains of neighbours by (netif, address); NULL before the first
  struct fifo to_ask;     // INCOMPLETE and PROBE whose next request is to be sent now
  struct fifo asking;     // INCOMPLETE and PROBE that were asked, by when that was
  struct fifo fresh;      // REACHABLE, by when that ends
  struct fifo stale;      // STALE and FAILED, oldest first
  struct path *woken;     // paths whose neighbour was resolved or lost, see link_woken()
  struct link_waiting *ready, *ready_last; // packets that can go, see link_output()
  uint32_t waiting_bytes;                  // of packets that wait or are ready
  uint64_t dropped_failed, dropped_full;   // packets that waited in vain: the stack counts them
  uint16_t generation; // of the headers in paths; changes when any of them may be wrong
  uint8_t macs[LINK_NETIFS][6];
  bool ethernet[LINK_NETIFS];
};

void link_init(struct link *l, struct mem *mem, const uint64_t key[2]);
void link_destroy(struct link *l);
// Gives back what is not in use.
void link_trim(struct link *l);

// Tells of an Ethernet interface. netif from 1.
int link_netif_add(struct link *l, uint32_t netif, const uint8_t mac[6]);
// The interface went down: its neighbours are forgotten.
void link_netif_down(struct link *l, uint32_t netif);

// Judges the destination of a frame that came in. 0: for us; 1: for us among others (multicast, broadcast);
// -ESTAB_DROP_ETH_NOT_OURS.
int link_eth_accept(const struct link *l, uint32_t netif, const struct estab_eth_header *eth);

// ---------------------------------------------------------------------------------------------
// Output

// Cheap when nothing changed. Leaves path->neighbour RESOLVED with a right link_header, PENDING or FAILED.
// now_ns also ages: a stale neighbour that is used is asked again, while its old address is used on.
void link_resolve_slow(struct link *l, struct path *path, uint64_t now_ns);
static inline void link_resolve(struct link *l, struct path *path, uint64_t now_ns)
{
  if (path->neighbour == PATH_NEIGHBOUR_RESOLVED && path->link_generation == l->generation) return;
  if (path->link_header_bytes && path->neighbour != PATH_NEIGHBOUR_PENDING)
    link_resolve_slow(l, path, now_ns);
}

// For a reply that belongs to no connection: an IP packet from `local` by way of next_hop. 1: `header` was filled in,
// send it at once. 0: a copy waits for the neighbour and will come out of link_output(). Or a drop.
int link_send(struct link *l, uint32_t netif, const struct estab_ip *local,
              const struct estab_ip *next_hop, const uint8_t *packet, size_t bytes, uint64_t now_ns,
              uint8_t header[LINK_HEADER_BYTES]);

// Writes the next frame that link has to send (a request, or a packet that waited), LINK_WAITING_BYTES at most.
// Answers its bytes and *netif, or 0.
size_t link_output(struct link *l, uint64_t now_ns, uint8_t *out, uint32_t *netif);
static inline bool link_output_pending(const struct link *l, uint64_t now_ns)
{
  (void)now_ns; // what is due now was moved here by link_handle_deadline()
  return l->ready || l->to_ask.head != SLAB_NONE;
}

// The next path whose neighbour is no longer PENDING, or NULL. To be called until NULL after every link_*_input and
// link_handle_deadline: the stack unparks what is parked there, and tells ip of those with no reference
// (ip_path_settle).
struct path *link_woken(struct link *l);

// ---------------------------------------------------------------------------------------------
// Input. Nothing unsolicited makes an entry; an entry changes only as RFC 826 and RFC 4861 7.2.5 say.

// target_is_ours: arp->target_ip is an address of that interface. 0: taken, or -ESTAB_DROP_ARP_NOT_OURS.
// *reply_bytes > 0: a whole frame in `reply` is to be sent on netif.
int link_arp_input(struct link *l, uint32_t netif, const struct estab_arp *arp, bool target_is_ours,
                   uint64_t now_ns, uint8_t reply[LINK_MESSAGE_BYTES], size_t *reply_bytes);

// nd comes from estab_nd_parse() and was validated there. target_is_ours: nd->target is. A router advertisement is
// only used for the router's hardware address; default routes and prefixes are the stack's to take from *nd.
int link_nd_input(struct link *l, uint32_t netif, const struct estab_ip *src,
                  const struct estab_ip *dst, const struct estab_nd *nd, bool target_is_ours,
                  uint64_t now_ns, uint8_t reply[LINK_MESSAGE_BYTES], size_t *reply_bytes);

// ---------------------------------------------------------------------------------------------
// Time

uint64_t link_deadline(const struct link *l);
// Requests become due, neighbours age and fail; then link_woken() and link_output().
void link_handle_deadline(struct link *l, uint64_t now_ns);

#endif
