// SPDX-License-Identifier: BSD-2-Clause
// address.c - interfaces and the addresses they have.
#include <string.h>

#include "ip/ip_internal.h"

int ip_netif_add(struct ip *ip, const struct estab_netif_settings *settings)
{
  if (settings->mtu < 68 || settings->link > ESTAB_LINK_ETHERNET) return ESTAB_ERR_INVALID;
  if (ip->netif_count == IP_NETIFS) return ESTAB_ERR_NO_MEMORY;
  uint32_t count = ip->netif_count;
  struct ip_netif *grown = mem_resize(ip->mem, ip->netifs, count * sizeof *grown,
                                      (count + 1) * sizeof *grown, ESTAB_MEM_NET);
  if (!grown) return ESTAB_ERR_NO_MEMORY;
  ip->netifs = grown;
  grown[count].settings = *settings;
  grown[count].up = true;
  return (int)++ip->netif_count;
}

void ip_netif_take_back(struct ip *ip)
{
  size_t last = --ip->netif_count;
  ip->netifs = mem_resize(ip->mem, ip->netifs, (last + 1) * sizeof *ip->netifs,
                          last * sizeof *ip->netifs, ESTAB_MEM_NET);
}

int ip_netif_set_up(struct ip *ip, uint32_t netif, bool up)
{
  if (!ip_netif(ip, netif)) return ESTAB_ERR_INVALID;
  ip->netifs[netif - 1].up = up;
  ip_paths_refresh(ip);
  return 0;
}

int ip_netif_set_mtu(struct ip *ip, uint32_t netif, uint16_t mtu)
{
  if (!ip_netif(ip, netif) || mtu < 68) return ESTAB_ERR_INVALID;
  ip->netifs[netif - 1].settings.mtu = mtu;
  ip_paths_refresh(ip);
  return 0;
}

// ---------------------------------------------------------------------------------------------

uint32_t ip_address_place(const struct ip *ip, const struct estab_ip *address)
{
  uint32_t low = 0, high = ip->address_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (memcmp(ip->addresses[middle].ip.bytes, address->bytes, sizeof address->bytes) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

int ip_address_add(struct ip *ip, uint32_t netif, const struct estab_ip *address,
                   unsigned prefix_bits)
{
  bool is4 = ip_is_mapped(address);
  enum ip_class class = ip_classify(address);
  if (!ip_netif(ip, netif) || prefix_bits > (is4 ? 32 : 128)) return ESTAB_ERR_INVALID;
  if (class != IP_CLASS_UNICAST && class != IP_CLASS_LINK_LOCAL) return ESTAB_ERR_INVALID;

  uint32_t place = ip_address_place(ip, address), count = ip->address_count;
  for (; place < count && ip_same(&ip->addresses[place].ip, address); place++)
    if (ip->addresses[place].netif == netif) return ESTAB_ERR_EXISTS;
  if (count == IP_ADDRESSES) return ESTAB_ERR_NO_MEMORY;
  struct ip_address *grown = mem_resize(ip->mem, ip->addresses, count * sizeof *grown,
                                        (count + 1) * sizeof *grown, ESTAB_MEM_NET);
  if (!grown) return ESTAB_ERR_NO_MEMORY;
  ip->addresses = grown;
  memmove(grown + place + 1, grown + place, (count - place) * sizeof *grown);
  grown[place] = (struct ip_address){
      .ip = *address, .netif = netif, .prefix_bits = (uint8_t)(prefix_bits + (is4 ? 96 : 0))};
  ip->address_count++;
  ip->address_hint = 0;
  ip_paths_refresh(ip);
  return 0;
}

int ip_address_remove(struct ip *ip, uint32_t netif, const struct estab_ip *address)
{
  uint32_t place = ip_address_place(ip, address), count = ip->address_count;
  while (place < count && ip_same(&ip->addresses[place].ip, address) &&
         ip->addresses[place].netif != netif)
    place++;
  if (place == count || !ip_same(&ip->addresses[place].ip, address)) return ESTAB_ERR_NOT_LOCAL;
  struct ip_address *a = ip->addresses;
  memmove(a + place, a + place + 1, (count - place - 1) * sizeof *a);
  ip->addresses = mem_resize(ip->mem, a, count * sizeof *a, (count - 1) * sizeof *a, ESTAB_MEM_NET);
  ip->address_count--;
  ip->address_hint = 0;
  ip_paths_refresh(ip);
  return 0;
}

// RFC 6724 5, the rules that hosts with a few addresses meet: 2 (scope), 8 (longest common prefix).
bool ip_address_for(const struct ip *ip, uint32_t netif, const struct estab_ip *like,
                    struct estab_ip *out)
{
  bool is4 = ip_is_mapped(like), near = ip_classify(like) == IP_CLASS_LINK_LOCAL;
  const struct ip_address *best = NULL;
  unsigned best_score = 0;
  for (uint32_t i = 0; i < ip->address_count; i++) {
    const struct ip_address *a = &ip->addresses[i];
    if (a->netif != netif || ip_is_mapped(&a->ip) != is4) continue;
    unsigned score = 1 + ip_prefix_common(&a->ip, like);
    if ((ip_classify(&a->ip) == IP_CLASS_LINK_LOCAL) == near) score += 256;
    if (score <= best_score) continue;
    best = a;
    best_score = score;
  }
  if (best) *out = best->ip;
  return best != NULL;
}

// ---------------------------------------------------------------------------------------------

// The first entry of this address, or NULL. Asked for both addresses of every packet: most hosts have few addresses,
// and most packets are for the address of the one before.
static const struct ip_address *ip_address_find(struct ip *ip, const struct estab_ip *address)
{
  uint32_t count = ip->address_count, place = ip->address_hint;
  const struct ip_address *a = ip->addresses;
  if (place < count && ip_same(&a[place].ip, address)) return &a[place];
  if (count <= 8) {
    for (place = 0; place < count && !ip_same(&a[place].ip, address);)
      place++;
  } else {
    place = ip_address_place(ip, address);
    if (place < count && !ip_same(&a[place].ip, address)) place = count;
  }
  if (place == count) return NULL;
  ip->address_hint = place; // always the first of its kind
  return &a[place];
}

bool ip_is_own(struct ip *ip, const struct estab_ip *address)
{
  return ip_address_find(ip, address) != NULL;
}

bool ip_has_address(struct ip *ip, uint32_t netif, const struct estab_ip *address)
{
  const struct ip_address *a = ip_address_find(ip, address);
  for (; a && a < ip->addresses + ip->address_count && ip_same(&a->ip, address); a++)
    if (a->netif == netif) return true;
  return false;
}

bool ip_is_local(struct ip *ip, uint32_t netif, const struct estab_ip *address)
{
  if (netif == 0) return ip_is_own(ip, address) || ip_classify(address) == IP_CLASS_LOOPBACK;
  if (ip_has_address(ip, netif, address)) return true;
  const struct ip_netif *n = ip_netif(ip, netif);
  if (!n || !n->settings.transparent) return false;
  enum ip_class class = ip_classify(address);
  return (class == IP_CLASS_UNICAST || class == IP_CLASS_LINK_LOCAL) &&
         !ip_is_broadcast(ip, netif, address);
}

bool ip_is_broadcast(const struct ip *ip, uint32_t netif, const struct estab_ip *address)
{
  if (!ip_is_mapped(address)) return false;
  // Every prefix up to /30 leaves two host bits at least: most addresses are done here.
  if ((address->bytes[15] & 3) != 3) return false;
  if (ip4_class(address->bytes + 12) == IP_CLASS_BROADCAST) return true;
  for (uint32_t i = 0; i < ip->address_count; i++) {
    const struct ip_address *a = &ip->addresses[i];
    if ((netif && a->netif != netif) || !ip_is_mapped(&a->ip) || a->prefix_bits > 126) continue;
    if (!ip_prefix_match(&a->ip, address, a->prefix_bits)) continue;
    uint32_t host = UINT32_MAX >> (a->prefix_bits - 96);
    uint32_t value = (uint32_t)address->bytes[12] << 24 | (uint32_t)address->bytes[13] << 16 |
                     (uint32_t)address->bytes[14] << 8 | address->bytes[15];
    if ((value & host) == host) return true;
  }
  return false;
}
