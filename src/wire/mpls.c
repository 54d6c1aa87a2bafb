// SPDX-License-Identifier: BSD-2-Clause
// mpls.c - MPLS label stacks, RFC 3032 2.1.

#include "base/bytes.h"
#include "wire/encap.h"

#define MPLS_BOTTOM 0x100

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
  // Nothing says what follows. An IP packet says so itself; RFC 4385 3 keeps a first nibble of 0 free of IP.
  out->inner = MPLS_INNER_UNKNOWN;
  if (c.left > 0) {
    const unsigned nibble = *c.at >> 4;
    if (nibble == 4 || nibble == 6) out->inner = MPLS_INNER_IP;
    if (nibble == 0 && cursor_take(&c, 4) != NULL) out->inner = MPLS_INNER_ETHERNET;
  }
  return (int)(have - c.left);
}
