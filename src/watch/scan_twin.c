// SPDX-License-Identifier: BSD-2-Clause
// scan_twin.c - the loser of a race between IPv4 and IPv6 (RFC 8305) is no probe.
//
// Where one family leads nowhere, every connection of a host begins with one attempt that stays silent and ends
// with one of the other family. The two have different addresses, so only time and port join them: the
// winner begins within two seconds, to the same port.
#include "watch/scan_parts.h"

#define TWIN_SLOT_NS (SCAN_S / 2)
#define TWIN_SLOTS   4

// Never 0: 0 is an unused cell.
static uint32_t scan_twin_stamp(uint64_t slot, uint16_t port, bool ip4, uint32_t *cell)
{
  uint64_t words[2] = {slot, (uint64_t)port << 1 | ip4};
  uint64_t h = scan_fixed_hash(words, 2);
  *cell = (uint32_t)h & (SCAN_TWINS - 1);
  return (uint32_t)(h >> 32) | 1;
}

void scan_twin_note(struct scan *s, const struct observation *o)
{
  uint32_t cell, stamp = scan_twin_stamp(o->first_ns / TWIN_SLOT_NS, o->resp_port,
                                         estab_ip_is4(&o->orig_ip), &cell);
  s->twins[cell] = stamp;
}

bool scan_twin_won(const struct scan *s, const struct observation *o)
{
  for (uint64_t i = 0; i <= TWIN_SLOTS; i++) {
    uint32_t cell, stamp = scan_twin_stamp(o->first_ns / TWIN_SLOT_NS + i, o->resp_port,
                                           !estab_ip_is4(&o->orig_ip), &cell);
    if (s->twins[cell] == stamp) return true;
  }
  return false;
}
