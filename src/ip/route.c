// SPDX-License-Identifier: BSD-2-Clause
// route.c - which interface and neighbour a destination is reached by: RFC 1122 3.3.1.
#include <string.h>

#include "ip/ip_internal.h"

int ip_route_add(struct ip *ip, uint32_t netif, const struct estab_ip *prefix, unsigned prefix_bits,
                 const struct estab_ip *gateway)
{
  bool is4 = ip_is_mapped(prefix), direct = !gateway || ip_unspecified(gateway);
  if (!ip_netif(ip, netif) || prefix_bits > (is4 ? 32 : 128)) return ESTAB_ERR_INVALID;
  if (!direct) {
    enum ip_class class = ip_classify(gateway);
    if (ip_is_mapped(gateway) != is4) return ESTAB_ERR_INVALID;
    if (class != IP_CLASS_UNICAST && class != IP_CLASS_LINK_LOCAL) return ESTAB_ERR_INVALID;
  }
  uint8_t bits = (uint8_t)(prefix_bits + (is4 ? 96 : 0));
  struct estab_ip via = {{0}};
  if (!direct) via = *gateway;

  uint32_t place = 0, count = ip->route_count;
  for (; place < count && ip->routes[place].prefix_bits >= bits; place++) {
    struct ip_route_entry *r = &ip->routes[place];
    if (r->prefix_bits == bits && r->netif == netif && ip_is_mapped(&r->prefix) == is4 &&
        ip_prefix_match(&r->prefix, prefix, bits)) {
      r->gateway = via;
      ip_paths_refresh(ip);
      return 0;
    }
  }
  if (count == IP_ROUTES) return ESTAB_ERR_NO_MEMORY;
  struct ip_route_entry *grown = mem_resize(ip->mem, ip->routes, count * sizeof *grown,
                                            (count + 1) * sizeof *grown, ESTAB_MEM_NET);
  if (!grown) return ESTAB_ERR_NO_MEMORY;
  ip->routes = grown;
  memmove(grown + place + 1, grown + place, (count - place) * sizeof *grown);
  grown[place] = (struct ip_route_entry){
      .prefix = *prefix, .gateway = via, .netif = netif, .prefix_bits = bits};
  ip->route_count++;
  ip_paths_refresh(ip);
  return 0;
}

// An interface that may be used, asked for or not.
static bool ip_route_usable(const struct ip *ip, uint32_t netif, uint32_t wanted)
{
  return (!wanted || wanted == netif) && ip->netifs[netif - 1].up;
}

// Fills netif and next_hop. False: no route.
static bool ip_route_lookup(const struct ip *ip, const struct estab_ip *remote, uint32_t netif,
                            struct ip_route_result *out)
{
  bool is4 = ip_is_mapped(remote);
  int best = -1;
  for (uint32_t i = 0; i < ip->address_count; i++) {
    const struct ip_address *a = &ip->addresses[i];
    if ((int)a->prefix_bits <= best || ip_is_mapped(&a->ip) != is4) continue;
    if (!ip_route_usable(ip, a->netif, netif)) continue;
    if (!ip_prefix_match(&a->ip, remote, a->prefix_bits)) continue;
    best = a->prefix_bits;
    out->netif = a->netif;
    out->next_hop = *remote;
  }
  for (uint32_t i = 0; i < ip->route_count; i++) {
    const struct ip_route_entry *r = &ip->routes[i];
    if ((int)r->prefix_bits <= best) break; // longest first
    if (ip_is_mapped(&r->prefix) != is4 || !ip_route_usable(ip, r->netif, netif)) continue;
    if (!ip_prefix_match(&r->prefix, remote, r->prefix_bits)) continue;
    best = r->prefix_bits;
    out->netif = r->netif;
    out->next_hop = ip_unspecified(&r->gateway) ? *remote : r->gateway;
  }
  return best >= 0;
}

// A source for a packet that leaves by out->netif.
static int ip_route_source(struct ip *ip, const struct estab_ip *local,
                           const struct estab_ip *remote, struct ip_route_result *out)
{
  if (!ip_unspecified(local)) {
    out->local = *local;
    return ip_is_own(ip, local) || ip_is_local(ip, out->netif, local) ? 0 : ESTAB_ERR_NOT_LOCAL;
  }
  if (ip_address_for(ip, out->netif, remote, &out->local)) return 0;
  for (uint32_t netif = 1; netif <= ip->netif_count; netif++)
    if (ip_address_for(ip, netif, remote, &out->local) &&
        ip_classify(&out->local) != IP_CLASS_LINK_LOCAL)
      return 0; // an address of another interface, on one that has none itself
  return ESTAB_ERR_NOT_LOCAL;
}

static int ip_route_find(struct ip *ip, const struct estab_ip *local, const struct estab_ip *remote,
                         uint32_t netif, struct ip_route_result *out)
{
  bool chosen = ip_unspecified(local); // any of either family stands for "choose"
  if (!chosen && ip_is_mapped(local) != ip_is_mapped(remote)) return ESTAB_ERR_INVALID;
  if (netif && !ip_netif(ip, netif)) return ESTAB_ERR_INVALID;
  switch (ip_classify(remote)) {
  case IP_CLASS_UNICAST:
  case IP_CLASS_LINK_LOCAL:
  case IP_CLASS_LOOPBACK: break;
  case IP_CLASS_ANY:
  case IP_CLASS_MULTICAST:
  case IP_CLASS_BROADCAST:
  case IP_CLASS_RESERVED: return ESTAB_ERR_UNREACHABLE;
  }

  if (ip_is_local(ip, 0, remote)) { // ours: it never leaves, whatever interface was named
    *out = (struct ip_route_result){
        .local = chosen ? *remote : *local, .next_hop = *remote, .mtu = IP_LOOPBACK_MTU};
    return ip_is_local(ip, 0, &out->local) ? 0 : ESTAB_ERR_NOT_LOCAL;
  }
  if (!ip_route_lookup(ip, remote, netif, out)) return ESTAB_ERR_UNREACHABLE;
  if (ip_is_broadcast(ip, out->netif, remote)) return ESTAB_ERR_UNREACHABLE;
  out->mtu = ip->netifs[out->netif - 1].settings.mtu;
  return ip_route_source(ip, local, remote, out);
}

int ip_route(struct ip *ip, const struct estab_ip *local, const struct estab_ip *remote,
             uint32_t netif, struct ip_route_result *out)
{
  struct ip_remembered *r = &ip->remembered;
  if (r->route_known && r->route_wanted == netif && ip_same(&r->route_remote, remote) &&
      ip_same(&r->route_local, local)) {
    *out = r->route;
    return 0;
  }
  struct estab_ip asked = *local; // which may be in *out
  int answer = ip_route_find(ip, local, remote, netif, out);
  if (answer < 0) return answer;
  r->route_known = true;
  r->route_wanted = netif;
  r->route_local = asked;
  r->route_remote = *remote;
  r->route = *out;
  return 0;
}
