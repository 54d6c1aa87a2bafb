// SPDX-License-Identifier: BSD-2-Clause
// limit.c - how much strangers can make us send: RFC 1812 4.3.2.8, RFC 4443 2.4 (f).
//
// Each peer falls, by a keyed hash, into one of 256 buckets, so that what one peer is refused says nothing about
// another (a global limit counts the victim's packets for an attacker: CVE-2020-25705). Two peers may share a bucket;
// therefore the height and the price of each packet are drawn at random, which makes counting worthless. Who has many
// addresses can find one that shares a victim's bucket by what it is refused; therefore every few seconds everybody
// falls into another bucket, long before chance is averaged out. Buckets keep what they owe: all together send no more.
//
// DEPARTS: RFC 4443 2.4 (f) (the limits can be set) because a larger one is of use to attackers only.
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "ip/icmp.h"
#include "ip/ip_internal.h"

enum { IP_BUCKETS = 256 };

// Each time it is over a peer may find a full bucket: errors come to 12 instead of 10 a second at most.
#define IP_LIMIT_SHUFFLE_NS UINT64_C(4000000000)

struct ip_bucket {
  uint64_t paid_ns; // until then, what was sent is paid for
  uint32_t height;  // packets that may be sent in advance
};

static const struct {
  uint32_t price_ns; // mean
  uint32_t height;   // least; at most twice that
} ip_limit_of[IP_LIMITS] = {
    [IP_LIMIT_ERROR] = {100000000, 4},
    [IP_LIMIT_ECHO] = {1000000, 64},
    [IP_LIMIT_RST] = {1000000, 64},
};

bool ip_limit_take(struct ip *ip, enum ip_limit limit, const struct estab_ip *peer, uint64_t now_ns)
{
  if (!ip->buckets) {
    ip->buckets = mem_new(ip->mem, IP_LIMITS * IP_BUCKETS * sizeof *ip->buckets, ESTAB_MEM_NET);
    if (!ip->buckets) return false;
  }
  uint8_t bytes[25];
  memcpy(bytes, peer->bytes, 16);
  bytes[16] = 'R'; // not the hash of another table
  put_be64(bytes + 17, now_ns / IP_LIMIT_SHUFFLE_NS);
  uint32_t nth = (uint32_t)siphash13(ip->key, bytes, sizeof bytes) % IP_BUCKETS;
  struct ip_bucket *b = &ip->buckets[(uint32_t)limit * IP_BUCKETS + nth];
  uint32_t price = ip_limit_of[limit].price_ns, height = ip_limit_of[limit].height;
  if (b->paid_ns <= now_ns) { // empty: a new height
    b->paid_ns = now_ns;
    b->height = height + rng_below(ip->rng, height + 1);
  }
  if (b->paid_ns - now_ns > (uint64_t)b->height * price) return false;
  b->paid_ns += price / 2 + rng_below(ip->rng, price);
  return true;
}

void ip_limit_destroy(struct ip *ip)
{
  mem_free(ip->mem, ip->buckets, IP_LIMITS * IP_BUCKETS * sizeof *ip->buckets, ESTAB_MEM_NET);
  ip->buckets = NULL;
}
