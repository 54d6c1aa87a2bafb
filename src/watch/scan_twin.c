// SPDX-License-Identifier: BSD-2-Clause
// scan_twin.c - the loser of a race between IPv4 and IPv6 (RFC 8305) is no probe.
//
// Where one family leads nowhere, every connection of a host begins with one attempt that stays silent and ends
// with one of the other family. The two have different addresses, so only time and port join them: the
// winner begins within two seconds, to the same port. On a tap that sees one direction nobody wins; there
// the attempt counts.
#include "base/tuple.h"
#include "watch/scan_parts.h"

#define TWIN_SLOT_NS (SCAN_S / 2)
#define TWIN_SLOTS   4

// Never 0: 0 is an unused cell.
static uint32_t scan_twin_stamp(uint64_t slot, uint16_t port, unsigned what, uint32_t *cell)
{
  uint64_t words[2] = {slot, (uint64_t)port << 2 | what};
  uint64_t h = scan_fixed_hash(words, 2);
  *cell = (uint32_t)h & (SCAN_TWINS - 1);
  return (uint32_t)(h >> 32) | 1;
}

// Of an attempt (FIRST) or a handshake that ended (ESTABLISHED).
static unsigned scan_twin_what(const struct estab_ip *ip, bool attempt, bool other)
{
  return (ip_is_mapped(ip) != other ? 1u : 0u) | (attempt ? 2u : 0u);
}

void scan_twin_note(struct scan *s, const struct observation *o)
{
  const unsigned what = scan_twin_what(&o->orig_ip, o->kind == OBSERVE_FIRST, false);
  const uint64_t slot = o->first_ns / TWIN_SLOT_NS;
  struct scan_twin *last = &s->last_twins[what];
  if (last->slot != slot || last->port != o->resp_port || !last->stamp) {
    last->slot = slot;
    last->port = o->resp_port;
    last->stamp = scan_twin_stamp(slot, o->resp_port, what, &last->cell);
  }
  s->twins[last->cell] = last->stamp;
}

bool scan_twin_won(const struct scan *s, const struct observation *o)
{
  return scan_twin_won_by(s, &o->orig_ip, o->resp_port, o->first_ns);
}

bool scan_twin_won_by(const struct scan *s, const struct estab_ip *ip, uint16_t port,
                      uint64_t first_ns)
{
  unsigned what = scan_twin_what(ip, scan_tap_one_way(s), true);
  for (uint64_t i = 0; i <= TWIN_SLOTS; i++) {
    uint32_t cell, stamp = scan_twin_stamp(first_ns / TWIN_SLOT_NS + i, port, what, &cell);
    if (s->twins[cell] == stamp) return true;
  }
  return false;
}
