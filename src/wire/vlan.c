// SPDX-License-Identifier: BSD-2-Clause
// vlan.c - IEEE 802.1Q and 802.1ad tags.

#include "base/bytes.h"
#include "wire/encap.h"

int vlan_parse(const uint8_t *bytes, size_t have, struct vlan_tag *out)
{
  struct cursor c = {bytes, have};
  uint16_t control;
  if (!cursor_u16(&c, &control) || !cursor_u16(&c, &out->type)) return -ESTAB_DROP_ENCAP_SHORT;
  out->priority = (uint8_t)(control >> 13);
  out->id = control & 0xfff;
  return (int)(have - c.left);
}
