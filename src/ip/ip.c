// SPDX-License-Identifier: BSD-2-Clause
// ip.c - birth, death and the clock of the ip room.
//
// Theory of operation. Interfaces, addresses and routes are short sorted arrays that the administrator
// changes. A path joins what they say about one (remote, local, netif) with what was learned about it: the
// MTU. Paths are counted and found by a keyed hash; a small ring remembers those that nobody holds. A learned MTU
// stands in a queue until it is forgotten; as all live equally long, the queue is in order and its head is
// the deadline. Input judges one packet and answers with it or with the name of a drop; fragments wait in
// proto/frag. Nothing here sends: errors and echoes are written into the caller's buffer.
#include <string.h>

#include "base/bytes.h"
#include "ip/ip_internal.h"

void ip_init(struct ip *ip, struct mem *mem, struct rng *rng, const uint64_t key[2])
{
  memset(ip, 0, sizeof *ip);
  ip->mem = mem;
  ip->rng = rng;
  ip->key[0] = key[0];
  ip->key[1] = key[1];
  slab_init(&ip->paths, mem, sizeof(struct path), ESTAB_MEM_NET);
  struct frag_settings settings;
  frag_settings_default(&settings);
  frag_init(&ip->frag, mem, &settings, key);
}

void ip_destroy(struct ip *ip)
{
  frag_destroy(&ip->frag);
  ip_paths_destroy(ip);
  ip_limit_destroy(ip);
  mem_free(ip->mem, ip->netifs, ip->netif_count * sizeof *ip->netifs, ESTAB_MEM_NET);
  mem_free(ip->mem, ip->addresses, ip->address_count * sizeof *ip->addresses, ESTAB_MEM_NET);
  mem_free(ip->mem, ip->routes, ip->route_count * sizeof *ip->routes, ESTAB_MEM_NET);
  ip_init(ip, ip->mem, ip->rng, ip->key);
}

void ip_trim(struct ip *ip)
{
  frag_trim(&ip->frag);
  ip_paths_trim(ip);
}

uint64_t ip_deadline(const struct ip *ip)
{
  return u64_min(frag_deadline(&ip->frag), ip_lowered_deadline(ip));
}

int ip_handle_deadline(struct ip *ip, uint64_t now_ns, struct ip_packet *expired)
{
  ip_lowered_expire(ip, now_ns);
  struct frag_datagram d;
  if (!frag_expire(&ip->frag, now_ns, &d)) return 0;
  return ip_reassembly_timeout(&d, expired) ? 1 : -ESTAB_DROP_FRAG_TIMEOUT;
}
