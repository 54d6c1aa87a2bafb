// SPDX-License-Identifier: BSD-2-Clause
// ip_internal.h - what the files of the ip room know of each other.
#ifndef ESTAB_IP_IP_INTERNAL_H
#define ESTAB_IP_IP_INTERNAL_H

#include "base/rand.h"
#include "ip/ip.h"
#include "ip/ip_class.h"

#define IP_ADDRESSES 4096 // of all interfaces
#define IP_ROUTES    4096

struct ip_lowered {
  struct path *path; // NULL = nobody: lowered again since, or gone
  uint64_t expires_ns;
};

// Where `address` is, or would be, in ip->addresses: the first entry not before it.
uint32_t ip_address_place(const struct ip *ip, const struct estab_ip *address);
// An address of any interface.
bool ip_is_own(struct ip *ip, const struct estab_ip *address);
// The directed broadcast address of an on-link IPv4 prefix, or 255.255.255.255. netif 0 = any.
bool ip_is_broadcast(const struct ip *ip, uint32_t netif, const struct estab_ip *address);

// Addresses, routes or interfaces changed: every path is looked at again. Administrators only.
void ip_paths_refresh(struct ip *ip);
void ip_paths_trim(struct ip *ip);
void ip_paths_destroy(struct ip *ip);
uint32_t ip_flow_label(const struct ip *ip, const struct estab_ip *local,
                       const struct estab_ip *remote);

// Learned MTUs, a queue.
uint64_t ip_lowered_deadline(const struct ip *ip);
void ip_lowered_expire(struct ip *ip, uint64_t now_ns);
void ip_lowered_forget(struct ip *ip, struct path *path);

void ip_limit_destroy(struct ip *ip);

// A datagram that was never completed: false when nothing may be said about it.
bool ip_reassembly_timeout(const struct frag_datagram *d, struct ip_packet *out);

#endif
