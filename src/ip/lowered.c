// SPDX-License-Identifier: BSD-2-Clause
// lowered.c - learned path MTUs and when they are forgotten: RFC 1191 6.3, RFC 8201 4.
#include <string.h>

#include "base/bytes.h"
#include "ip/ip_internal.h"

// A ring in order of expiry. path->lowered says its place in it, counted from 1; a path that is lowered again
// gets a new place and the old one is left empty.
static struct ip_lowered *lowered_at(const struct ip *ip, uint32_t nth)
{
  return &ip->lowered[(ip->lowered_first + nth) & (ip->lowered_slots - 1)];
}

static void lowered_pop(struct ip *ip)
{
  ip->lowered_first = (ip->lowered_first + 1) & (ip->lowered_slots - 1);
  ip->lowered_count--;
}

// So that the head, when there is one, is a path: the deadline is then exact.
static void lowered_skip_empty(struct ip *ip)
{
  while (ip->lowered_count && !lowered_at(ip, 0)->path)
    lowered_pop(ip);
}

static void lowered_restore(struct ip *ip, struct path *path)
{
  ip_lowered_forget(ip, path);
  path->mtu = path->device_mtu;
  path->generation++;
}

static bool lowered_grow(struct ip *ip)
{
  uint32_t slots = ip->lowered_slots ? ip->lowered_slots * 2 : 16;
  if (slots > IP_LOWERED_MAX) return false;
  struct ip_lowered *ring = mem_new(ip->mem, slots * sizeof *ring, ESTAB_MEM_NET);
  if (!ring) return false;
  uint32_t used = 0;
  for (uint32_t i = 0; i < ip->lowered_count; i++) {
    struct ip_lowered *l = lowered_at(ip, i);
    if (!l->path) continue;
    l->path->lowered = (uint16_t)(used + 1);
    ring[used++] = *l;
  }
  mem_free(ip->mem, ip->lowered, ip->lowered_slots * sizeof *ring, ESTAB_MEM_NET);
  ip->lowered = ring;
  ip->lowered_slots = slots;
  ip->lowered_first = 0;
  ip->lowered_count = used;
  return true;
}

void ip_lowered_forget(struct ip *ip, struct path *path)
{
  if (!path->lowered) return;
  ip->lowered[path->lowered - 1].path = NULL;
  path->lowered = 0;
  lowered_skip_empty(ip);
}

uint64_t ip_lowered_deadline(const struct ip *ip)
{
  return ip->lowered_count ? lowered_at(ip, 0)->expires_ns : ESTAB_NEVER;
}

void ip_lowered_expire(struct ip *ip, uint64_t now_ns)
{
  while (ip->lowered_count && lowered_at(ip, 0)->expires_ns <= now_ns)
    lowered_restore(ip, lowered_at(ip, 0)->path);
}

int ip_path_lower_mtu(struct ip *ip, struct path *path, uint32_t mtu, uint64_t now_ns)
{
  if (ip_is_mapped(&path->remote)) {
    // DEPARTS: RFC 1191 3 because a forged MTU of 68 would cost fifty times the packets (RFC 5927 7): no less than
    // 552 is believed, as most stacks do. What a router of a smaller link drops is lost.
    if (mtu < IP4_MTU_FLOOR) mtu = IP4_MTU_FLOOR;
  } else if (mtu < IP6_MTU_FLOOR) {
    return 0; // RFC 8201 4
  }
  if (mtu >= path->mtu) return 0; // also RFC 8201 4: it never raises one
  if (ip->lowered_count == ip->lowered_slots && !lowered_grow(ip)) {
    if (!ip->lowered_slots) return ESTAB_ERR_NO_MEMORY;
    if (lowered_at(ip, 0)->path == path)
      ip_lowered_forget(ip, path);
    else
      lowered_restore(ip, lowered_at(ip, 0)->path); // the oldest is forgotten early
  }
  ip_lowered_forget(ip, path);
  uint64_t expires = now_ns + IP_MTU_LIFETIME_NS;
  *lowered_at(ip, ip->lowered_count) = (struct ip_lowered){.path = path, .expires_ns = expires};
  path->lowered =
      (uint16_t)(((ip->lowered_first + ip->lowered_count) & (ip->lowered_slots - 1)) + 1);
  ip->lowered_count++;
  path->mtu = (uint16_t)mtu;
  path->generation++;
  return 1;
}
