// SPDX-License-Identifier: BSD-2-Clause
// gtpu.c - the user plane of GTP, 3GPP TS 29.281 5.1 and 5.2.

#include "base/bytes.h"
#include "wire/encap.h"

#define GTPU_VERSION_AND_TYPE      0x30 // version 1, GTP and not GTP'
#define GTPU_VERSION_AND_TYPE_MASK 0xf0
#define GTPU_OPTIONAL              0x07 // E, S or PN: four more bytes
#define GTPU_EXTENSION             0x04 // E: the last of them counts
#define GTPU_G_PDU                 255
#define GTPU_EXTENSIONS_MAX        16

// Extension headers: their length in units of four bytes, then contents, then the next one's type.
static int gtpu_extensions(struct cursor *c, uint8_t type)
{
  for (unsigned i = 0; type != 0; i++) {
    uint8_t units;
    if (i == GTPU_EXTENSIONS_MAX) return -ESTAB_DROP_ENCAP_BAD;
    if (!cursor_u8(c, &units)) return -ESTAB_DROP_ENCAP_SHORT;
    if (units == 0) return -ESTAB_DROP_ENCAP_BAD;
    if (cursor_take(c, units * 4U - 2) == NULL || !cursor_u8(c, &type))
      return -ESTAB_DROP_ENCAP_SHORT;
  }
  return 0;
}

int gtpu_parse(const uint8_t *bytes, size_t have, struct gtpu_header *out)
{
  struct cursor c = {bytes, have};
  uint8_t flags, message, pdu, extension;
  uint16_t length, sequence;
  if (!cursor_u8(&c, &flags) || !cursor_u8(&c, &message) || !cursor_u16(&c, &length) ||
      !cursor_u32(&c, &out->teid))
    return -ESTAB_DROP_ENCAP_SHORT;
  if ((flags & GTPU_VERSION_AND_TYPE_MASK) != GTPU_VERSION_AND_TYPE || message != GTPU_G_PDU)
    return -ESTAB_DROP_ENCAP_VERSION;
  const size_t counted = c.left; // the length counts from here
  if (flags & GTPU_OPTIONAL) {
    if (!cursor_u16(&c, &sequence) || !cursor_u8(&c, &pdu) || !cursor_u8(&c, &extension))
      return -ESTAB_DROP_ENCAP_SHORT;
    const int answer = flags & GTPU_EXTENSION ? gtpu_extensions(&c, extension) : 0;
    if (answer < 0) return answer;
  }
  if (length < counted - c.left) return -ESTAB_DROP_ENCAP_BAD;
  out->payload_bytes = (uint32_t)(length - (counted - c.left));
  return (int)(have - c.left);
}
