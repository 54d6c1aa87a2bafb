// SPDX-License-Identifier: BSD-2-Clause
// geneve.c - Geneve, RFC 8926 3.4.

#include "base/bytes.h"
#include "wire/encap.h"

int geneve_parse(const uint8_t *bytes, size_t have, struct geneve_header *out)
{
  struct cursor c = {bytes, have};
  uint8_t version_and_options, flags;
  uint32_t vni;
  if (!cursor_u8(&c, &version_and_options) || !cursor_u8(&c, &flags) ||
      !cursor_u16(&c, &out->type) || !cursor_u32(&c, &vni))
    return -ESTAB_DROP_ENCAP_SHORT;
  if (version_and_options >> 6 != 0) return -ESTAB_DROP_ENCAP_VERSION;
  if (cursor_take(&c, (version_and_options & 0x3fU) * 4) == NULL) return -ESTAB_DROP_ENCAP_SHORT;
  out->vni = vni >> 8;
  return (int)(have - c.left);
}
