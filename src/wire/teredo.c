// SPDX-License-Identifier: BSD-2-Clause
// teredo.c - Teredo, RFC 4380 5.1.1.

#include "base/bytes.h"
#include "wire/encap.h"

#define TEREDO_ORIGIN         0x0000
#define TEREDO_AUTHENTICATION 0x0001
#define TEREDO_ORIGIN_BYTES   6 // port and address
#define TEREDO_NONCE_BYTES    9 // and confirmation

// Whether the next two bytes are an indicator: an IPv6 packet does not begin with 0.
static bool teredo_indicator(struct cursor *c, uint16_t wanted)
{
  struct cursor ahead = *c;
  uint16_t indicator;
  if (!cursor_u16(&ahead, &indicator) || indicator != wanted) return false;
  *c = ahead;
  return true;
}

int teredo_parse(const uint8_t *bytes, size_t have, struct teredo_header *out)
{
  struct cursor c = {bytes, have};
  uint8_t client_bytes, value_bytes;
  out->has_authentication = teredo_indicator(&c, TEREDO_AUTHENTICATION);
  if (out->has_authentication &&
      (!cursor_u8(&c, &client_bytes) || !cursor_u8(&c, &value_bytes) ||
       cursor_take(&c, (size_t)client_bytes + value_bytes + TEREDO_NONCE_BYTES) == NULL))
    return -ESTAB_DROP_ENCAP_SHORT;
  out->has_origin = teredo_indicator(&c, TEREDO_ORIGIN);
  if (out->has_origin && cursor_take(&c, TEREDO_ORIGIN_BYTES) == NULL)
    return -ESTAB_DROP_ENCAP_SHORT;
  if (c.left == 0) return -ESTAB_DROP_ENCAP_SHORT;
  return *c.at >> 4 == 6 ? (int)(have - c.left) : -ESTAB_DROP_ENCAP_BAD;
}
