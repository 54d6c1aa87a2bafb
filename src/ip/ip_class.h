// SPDX-License-Identifier: BSD-2-Clause
// ip_class.h - what an address says by itself: RFC 1122 3.2.1.3, RFC 6890, RFC 4291 2.4.
#ifndef ESTAB_IP_IP_CLASS_H
#define ESTAB_IP_IP_CLASS_H

#include <string.h>

#include "base/bytes.h"
#include "base/tuple.h"
#include "estab/base.h"

enum ip_class {
  IP_CLASS_UNICAST,
  IP_CLASS_LINK_LOCAL, // unicast, too: 169.254.0.0/16, fe80::/10
  IP_CLASS_ANY,        // 0.0.0.0, ::
  IP_CLASS_LOOPBACK,   // 127.0.0.0/8, ::1
  IP_CLASS_MULTICAST,  // 224.0.0.0/4, ff00::/8
  IP_CLASS_BROADCAST,  // 255.255.255.255
  IP_CLASS_RESERVED,   // the rest of 0.0.0.0/8 and 240.0.0.0/4
};

// Once a packet, so in words and not by memcmp().
static inline bool ip_same(const struct estab_ip *a, const struct estab_ip *b)
{
  uint64_t a0, a1, b0, b1;
  memcpy(&a0, a->bytes, 8);
  memcpy(&a1, a->bytes + 8, 8);
  memcpy(&b0, b->bytes, 8);
  memcpy(&b1, b->bytes + 8, 8);
  return ((a0 ^ b0) | (a1 ^ b1)) == 0;
}

// 0.0.0.0 or ::
static inline bool ip_unspecified(const struct estab_ip *ip)
{
  const uint8_t *b = ip->bytes;
  unsigned last = (unsigned)b[12] | b[13] | b[14] | b[15], first = 0;
  for (unsigned i = 0; i < 12; i++)
    first |= b[i];
  return last == 0 && (first == 0 || ip_is_mapped(ip));
}

static inline enum ip_class ip4_class(const uint8_t *b)
{
  if (b[0] < 224) {
    if (b[0] == 127) return IP_CLASS_LOOPBACK;
    if (b[0] == 169 && b[1] == 254) return IP_CLASS_LINK_LOCAL;
    if (b[0] == 0) return b[1] | b[2] | b[3] ? IP_CLASS_RESERVED : IP_CLASS_ANY;
    return IP_CLASS_UNICAST;
  }
  if (b[0] < 240) return IP_CLASS_MULTICAST;
  return (b[0] & b[1] & b[2] & b[3]) == 255 ? IP_CLASS_BROADCAST : IP_CLASS_RESERVED;
}

static inline enum ip_class ip6_class(const uint8_t *b)
{
  if (b[0] == 0xff) return IP_CLASS_MULTICAST;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return IP_CLASS_LINK_LOCAL;
  if (b[0] == 0 && get_be64(b) == 0 && get_be64(b + 8) < 2)
    return b[15] ? IP_CLASS_LOOPBACK : IP_CLASS_ANY;
  return IP_CLASS_UNICAST;
}

static inline enum ip_class ip_classify(const struct estab_ip *ip)
{
  return ip_is_mapped(ip) ? ip4_class(ip->bytes + 12) : ip6_class(ip->bytes);
}

// How many leading bits two addresses share.
static inline unsigned ip_prefix_common(const struct estab_ip *a, const struct estab_ip *b)
{
  for (unsigned i = 0; i < 16; i++) {
    unsigned differ = (unsigned)a->bytes[i] ^ b->bytes[i];
    if (!differ) continue;
    unsigned bits = i * 8;
    for (; !(differ & 0x80); differ <<= 1)
      bits++;
    return bits;
  }
  return 128;
}

#endif
