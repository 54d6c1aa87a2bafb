// SPDX-License-Identifier: BSD-2-Clause
// ip.h - interfaces, addresses, routes, paths; IP headers written; IP packets judged and put together.
#ifndef ESTAB_IP_IP_H
#define ESTAB_IP_IP_H

#include "base/tuple.h"
#include "base/mem.h"
#include "base/slab.h"
#include "estab/estab.h"
#include "ip/emit.h"
#include "proto/frag.h"
#include "proto/path.h"

struct rng;

#define IP4_MTU_FLOOR      552 // no learned MTU below this is believed: RFC 5927 7.2 and common practice
#define IP6_MTU_FLOOR      1280 // RFC 8201 4
#define IP_LOOPBACK_MTU    65535
#define IP_NETIFS          64
#define IP_CACHED_PATHS    64                           // unreferenced ones that are remembered
#define IP_LOWERED_MAX     4096                         // paths with a learned MTU
#define IP_MTU_LIFETIME_NS (UINT64_C(600) * 1000000000) // RFC 1191 6.3, RFC 8201 4

struct ip_netif {
  struct estab_netif_settings settings; // as given; mtu as it is now
  bool up;
};

struct ip_address {
  struct estab_ip ip;
  uint32_t netif;
  uint8_t prefix_bits; // of the 128
};

struct ip_route_entry {
  struct estab_ip prefix, gateway; // gateway any: on link
  uint32_t netif;
  uint8_t prefix_bits; // of the 128
};

// Open addressing: an index into ip.paths, SLAB_NONE = free.
struct path_table {
  uint32_t *slots;
  uint32_t count; // of slots, a power of 2, or 0
};

struct ip_route_result {
  struct estab_ip local;    // the given one, or what was chosen
  struct estab_ip next_hop; // gateway, or the destination
  uint32_t netif;           // 0: the destination is ours, the packet stays inside
  uint16_t mtu;             // of that interface
};

// Answers that hold until an interface, an address or a route changes: packets come in trains.
struct ip_remembered {
  uint8_t
      pair_version;  // TCP between src and dst, in by pair_netif, may come in; 0 = no pair is known
  bool pair_trusted; // the interface says that nothing needs a checksum
  bool route_known;  // `route` is what ip_route() answers these three
  struct path *path; // the last one asked for, NULL = none
  uint32_t pair_netif, route_wanted;
  uint32_t pair_raw_netif; // the same if it has no link headers, or 0
  struct estab_ip src, dst;
  uint64_t
      pair_ports; // the user's: which connection of the pair he has met, 0 = none since it is remembered
  uint64_t ends4;       // of IPv4: both as they stand in the header
  uint16_t address_sum; // of both
  struct estab_ip route_local, route_remote;
  struct ip_route_result route;
};

struct ip_lowered; // a path with a learned MTU, and until when
struct ip_bucket;  // of the limiter of own ICMP errors

struct ip {
  struct mem *mem;
  struct rng *rng;
  uint64_t key[2];               // of all keyed hashes in here
  struct ip_netif *netifs;       // number n at n - 1
  struct ip_address *addresses;  // sorted by bytes, then netif
  struct ip_route_entry *routes; // longest prefix first
  uint32_t netif_count, address_count, route_count;
  uint32_t address_hint; // where the last lookup hit
  struct ip_remembered remembered;
  struct slab paths;            // struct path
  struct path_table path_table; // all of them, but for those still in path_old
  struct path_table path_old; // while it grows: what is moved over, a few slots with each new path
  uint32_t path_moved;        // slots of path_old that are done
  uint32_t *cache;            // IP_CACHED_PATHS path indices, or NULL before the first
  uint32_t cache_hand;
  struct ip_lowered *lowered; // a queue: oldest first, as all live equally long
  uint32_t lowered_slots, lowered_first, lowered_count;
  struct frag frag;
  struct ip_bucket *buckets;
};

// key is copied. Takes no memory yet.
void ip_init(struct ip *ip, struct mem *mem, struct rng *rng, const uint64_t key[2]);
void ip_destroy(struct ip *ip);
// Gives back fragments and unreferenced paths.
void ip_trim(struct ip *ip);

// ---------------------------------------------------------------------------------------------
// Interfaces, numbered from 1. 0 is the inside of the stack: packets to one's own address.

int ip_netif_add(struct ip *ip, const struct estab_netif_settings *settings);
// The last one added, which nothing knows of yet, is none after all.
void ip_netif_take_back(struct ip *ip); // number, or an error
int ip_netif_set_up(struct ip *ip, uint32_t netif, bool up);
int ip_netif_set_mtu(struct ip *ip, uint32_t netif, uint16_t mtu); // reaches all its paths
// NULL: no such number.
static inline const struct ip_netif *ip_netif(const struct ip *ip, uint32_t netif)
{
  return netif - 1 < ip->netif_count ? &ip->netifs[netif - 1] : NULL;
}

// ---------------------------------------------------------------------------------------------
// Addresses and routes

// prefix_bits within the address's own family. ESTAB_ERR_EXISTS, _INVALID, _NO_MEMORY.
int ip_address_add(struct ip *ip, uint32_t netif, const struct estab_ip *address,
                   unsigned prefix_bits);
int ip_address_remove(struct ip *ip, uint32_t netif, const struct estab_ip *address);
// An address of `netif` in the family of `like` that fits it best (RFC 6724 light); false: there is none.
bool ip_address_for(const struct ip *ip, uint32_t netif, const struct estab_ip *like,
                    struct estab_ip *out);

// Whether a packet that came in on netif is for us: RFC 1122 3.3.4.2's strong host, so the address must be
// that interface's; a transparent one takes any unicast address. netif 0: any address of ours.
bool ip_is_local(struct ip *ip, uint32_t netif, const struct estab_ip *address);

// Whether it is an address of that interface, transparent or not: what ARP and Neighbour Discovery answer for. Else a
// transparent one would speak for every host of its link.
bool ip_has_address(struct ip *ip, uint32_t netif, const struct estab_ip *address);

// The same prefix again on the same interface replaces the gateway.
int ip_route_add(struct ip *ip, uint32_t netif, const struct estab_ip *prefix, unsigned prefix_bits,
                 const struct estab_ip *gateway);

// Longest prefix first. local any: chosen; netif 0: any. ESTAB_ERR_UNREACHABLE: no route, interface down, or
// multicast and broadcast, which nothing here sends to; ESTAB_ERR_NOT_LOCAL; _INVALID: families differ.
int ip_route(struct ip *ip, const struct estab_ip *local, const struct estab_ip *remote,
             uint32_t netif, struct ip_route_result *out);

// ---------------------------------------------------------------------------------------------
// Paths

// Finds or makes; one reference more. local must be set (from ip_route); netif 0: as ip_route says.
// NULL: no memory, or no route.
struct path *ip_path_get(struct ip *ip, const struct estab_ip *local, const struct estab_ip *remote,
                         uint32_t netif, uint64_t now_ns);
// The path that was asked for last, if it is this one; no reference is taken.
static inline const struct path *ip_path_of_last(const struct ip *ip, const struct estab_ip *local,
                                                 const struct estab_ip *remote, uint32_t netif)
{
  const struct path *p = ip->remembered.path;
  return p && p->netif == netif && memcmp(&p->remote, remote, sizeof *remote) == 0 &&
                 memcmp(&p->local, local, sizeof *local) == 0
             ? p
             : NULL;
}
// One reference less. A few unreferenced paths are kept, so that a learned MTU survives short connections.
void ip_path_put(struct ip *ip, struct path *path);
// For every path that link_woken() hands out while nobody holds it (refs 0): a path that waits for its
// neighbour stays alive until then, as link's list goes through it.
void ip_path_settle(struct ip *ip, struct path *path);
// NULL: none. No reference is taken.
struct path *ip_path_find(const struct ip *ip, const struct estab_ip *local,
                          const struct estab_ip *remote, uint32_t netif);
// What an ICMP error said about it, already judged by the transport. 1: mtu went down, 0: ignored (not lower, or
// IPv6 below 1280), ESTAB_ERR_NO_MEMORY: not remembered, mtu unchanged. Below the IPv4 floor counts as the floor.
int ip_path_lower_mtu(struct ip *ip, struct path *path, uint32_t mtu, uint64_t now_ns);

// Learned MTUs and fragments that get old.
uint64_t ip_deadline(const struct ip *ip);

struct ip_packet;
// 0: done. 1: *expired holds what came of a datagram that timed out incomplete and wants an ICMP error (its
// error_* fields say which); -ESTAB_DROP_FRAG_TIMEOUT: one that does not. Call again unless 0.
int ip_handle_deadline(struct ip *ip, uint64_t now_ns, struct ip_packet *expired);

// ---------------------------------------------------------------------------------------------
// Output: headers. IPv4 goes out with DF and ID 0 (RFC 6864 4.1).

// traffic_class: DSCP << 2 | ECN. flow: anything that tells connections between the same two hosts apart, the ports
// say; it is mixed into IPv6's flow label (RFC 6437 3). Answers the header's bytes. IPv4 is ip4_header_put()'s.
static inline size_t ip6_emit(const struct path *path, uint8_t protocol, size_t payload_bytes,
                              uint8_t traffic_class, uint8_t hop_limit, uint32_t flow, uint8_t *out)
{
  return ip6_header_put(&path->local, &path->remote, protocol, payload_bytes, traffic_class,
                        hop_limit, ip_label_mix(path->flow_label, flow), out);
}
// The same without a path, for replies that belong to no connection.
size_t ip_emit_to(const struct ip *ip, const struct estab_ip *local, const struct estab_ip *remote,
                  uint8_t protocol, size_t payload_bytes, uint8_t traffic_class, uint8_t hop_limit,
                  uint32_t flow, uint8_t *out);
// The nth piece (from 0) of a whole packet without extension headers that is longer than mtu, for echoes and UDP:
// writes at most mtu bytes and answers how many, 0 when there is no such piece. All pieces of a packet have one id.
uint32_t ip_fragment_id(struct ip *ip);
size_t ip_fragment(const uint8_t *packet, size_t bytes, size_t mtu, uint32_t id, unsigned nth,
                   uint8_t *out);

// What the emitting functions write.
static inline size_t ip_header_bytes(const struct estab_ip *remote)
{
  return ip_is_mapped(remote) ? 20 : 40;
}

// ---------------------------------------------------------------------------------------------
// Input

// An IP datagram that is for us, whole; or one that is not, and what is to be said about it.
struct ip_packet {
  struct estab_ip src, dst;
  uint16_t address_sum;  // of both, a partial checksum; 0 = not summed up
  const uint8_t *header; // header_bytes + payload_bytes from here can be quoted in an ICMP error
  const uint8_t *payload;
  size_t payload_bytes;
  uint32_t netif;        // where it came in
  uint16_t header_bytes; // with options or extension headers
  uint8_t version;       // 4 or 6
  uint8_t protocol;      // enum estab_protocol: what the payload is
  uint8_t hop_limit;
  uint8_t traffic_class; // DSCP << 2 | ECN
  uint8_t ecn;           // enum estab_ecn
  bool unicast;          // dst is a unicast address: anything may be answered
  bool fragment_header;  // IPv6: it had one, perhaps an atomic one
  bool reassembled;      // it lives only until the next ip_input or ip_handle_deadline
  bool link_multicast;   // for the caller to set: the frame was not sent to us alone
  bool error_due;        // with a drop: icmp_error_build() what follows, if it allows
  bool error_multicast;  // it is due though dst is a multicast address
  uint8_t error_type, error_code;
  uint32_t error_pointer;
};

// bytes: from the IP header to the end of the frame, in one piece. 0 and *out, or a drop; then out->error_due says
// whether an ICMP error is wanted, and version 0 that not even the header could be read.
int ip_input(struct ip *ip, uint32_t netif, const uint8_t *bytes, size_t have, uint64_t now_ns,
             struct ip_packet *out);

#endif
