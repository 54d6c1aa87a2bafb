// SPDX-License-Identifier: BSD-2-Clause
// fragment.c - packets of ours cut to an interface's MTU: RFC 791 3.2, RFC 8200 4.5. TCP never comes here.
#include <string.h>

#include "base/bytes.h"
#include "estab/wire.h"
#include "ip/ip_internal.h"

uint32_t ip_fragment_id(struct ip *ip)
{
  return rng_u32(
      ip->rng); // RFC 7739 5.3: at random, nobody can count our packets by it (ATTACKS E3)
}

size_t ip_fragment(const uint8_t *packet, size_t bytes, size_t mtu, uint32_t id, unsigned nth,
                   uint8_t *out)
{
  bool six = packet[0] >> 4 == 6;
  size_t header = six ? ESTAB_IP6_HEADER_BYTES : (packet[0] & 15u) * 4;
  size_t front = six ? header + ESTAB_IP6_FRAGMENT_BYTES : header;
  if (mtu < front + 8) return 0;
  size_t whole = bytes - header, step = (mtu - front) & ~(size_t)7, offset = nth * step;
  if (offset >= whole) return 0;
  size_t count = size_min(step, whole - offset);
  struct estab_fragment f = {.id = id, .offset = (uint16_t)offset, .more = offset + count < whole};
  memcpy(out, packet, header);
  memcpy(out + front, packet + header + offset, count);
  if (six) {
    put_be16(out + 4, (uint16_t)(ESTAB_IP6_FRAGMENT_BYTES + count));
    out[6] = ESTAB_PROTOCOL_FRAGMENT;
    estab_ip6_fragment_emit(&f, packet[6], out + header);
    return front + count;
  }
  put_be16(out + 2, (uint16_t)(header + count));
  put_be16(out + 4, (uint16_t)id);
  put_be16(out + 6, (uint16_t)(offset / 8 | (f.more ? 0x2000 : 0)));
  put_be16(out + 10, 0);
  put_be16(out + 10, estab_checksum_finish(estab_checksum_add(0, out, header)));
  return front + count;
}
