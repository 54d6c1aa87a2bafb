// SPDX-License-Identifier: BSD-2-Clause
// pppoe.c - PPPoE session packets, RFC 2516 5, with the protocol field of PPP.

#include "base/bytes.h"
#include "wire/encap.h"

#define PPPOE_VERSION_AND_TYPE 0x11
#define PPPOE_CODE_SESSION     0

// One byte when it is odd and compression was agreed on, else two. RFC 1661 2, 6.5
static bool pppoe_protocol(struct cursor *c, uint16_t *out)
{
  uint8_t low;
  if (c->left > 0 && *c->at & 1) {
    if (!cursor_u8(c, &low)) return false;
    *out = low;
    return true;
  }
  return cursor_u16(c, out);
}

int pppoe_parse(const uint8_t *bytes, size_t have, struct pppoe_header *out)
{
  struct cursor c = {bytes, have};
  uint8_t version_and_type, code;
  uint16_t length;
  if (!cursor_u8(&c, &version_and_type) || !cursor_u8(&c, &code) ||
      !cursor_u16(&c, &out->session) || !cursor_u16(&c, &length))
    return -ESTAB_DROP_ENCAP_SHORT;
  if (version_and_type != PPPOE_VERSION_AND_TYPE || code != PPPOE_CODE_SESSION)
    return -ESTAB_DROP_ENCAP_VERSION;
  const size_t before = c.left;
  if (!pppoe_protocol(&c, &out->protocol)) return -ESTAB_DROP_ENCAP_SHORT;
  if (length < before - c.left) return -ESTAB_DROP_ENCAP_BAD;
  out->payload_bytes = (uint16_t)(length - (before - c.left));
  return (int)(have - c.left);
}
