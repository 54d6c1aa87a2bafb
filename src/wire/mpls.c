// SPDX-License-Identifier: BSD-2-Clause
// mpls.c - MPLS label stacks, RFC 3032 2.1.

#include "base/bytes.h"
#include "wire/encap.h"

#define MPLS_BOTTOM             0x100
#define MPLS_CONTROL_WORD_BYTES 4

// Whether an Ethernet frame with something known in it may begin `skip` bytes on.
static bool mpls_ethernet_at(struct cursor c, size_t skip)
{
  uint16_t type;
  if (cursor_take(&c, skip + ESTAB_ETH_HEADER_BYTES - 2) == NULL || !cursor_u16(&c, &type))
    return false;
  return type == ESTAB_ETH_IP4 || type == ESTAB_ETH_IP6 || type == ESTAB_ETH_ARP ||
         vlan_is_tag(type);
}

// Nothing says what follows. An IP packet says so itself. An Ethernet frame may stand behind a control word,
// whose first 16 bits are 0 (RFC 4448 4.6), or bare: then only its own type tells.
static enum mpls_inner mpls_guess(struct cursor *c)
{
  if (c->left == 0) return MPLS_INNER_UNKNOWN;
  const unsigned nibble = *c->at >> 4;
  if (nibble == 4 || nibble == 6) return MPLS_INNER_IP;
  struct cursor ahead = *c;
  uint16_t high;
  if (cursor_u16(&ahead, &high) && high == 0 && mpls_ethernet_at(*c, MPLS_CONTROL_WORD_BYTES)) {
    (void)cursor_take(c, MPLS_CONTROL_WORD_BYTES);
    return MPLS_INNER_ETHERNET;
  }
  return mpls_ethernet_at(*c, 0) ? MPLS_INNER_ETHERNET : MPLS_INNER_UNKNOWN;
}

int mpls_parse(const uint8_t *bytes, size_t have, struct mpls_stack *out)
{
  struct cursor c = {bytes, have};
  uint32_t entry = 0;
  out->labels = 0;
  while (!(entry & MPLS_BOTTOM)) {
    if (out->labels == MPLS_LABELS) return -ESTAB_DROP_ENCAP_BAD;
    if (!cursor_u32(&c, &entry)) return -ESTAB_DROP_ENCAP_SHORT;
    out->labels++;
  }
  out->label = entry >> 12;
  out->inner = (uint8_t)mpls_guess(&c);
  return (int)(have - c.left);
}
