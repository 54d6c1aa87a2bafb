// SPDX-License-Identifier: BSD-2-Clause
// vxlan.c - VXLAN, RFC 7348 5.

#include "base/bytes.h"
#include "wire/encap.h"

#define VXLAN_HAS_VNI 0x08

int vxlan_parse(const uint8_t *bytes, size_t have, struct vxlan_header *out)
{
  struct cursor c = {bytes, have};
  uint32_t flags, vni;
  if (!cursor_u32(&c, &flags) || !cursor_u32(&c, &vni)) return -ESTAB_DROP_ENCAP_SHORT;
  if (!(flags >> 24 & VXLAN_HAS_VNI)) return -ESTAB_DROP_ENCAP_BAD;
  out->vni = vni >> 8;
  return (int)(have - c.left);
}
