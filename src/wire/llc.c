// SPDX-License-Identifier: BSD-2-Clause
// llc.c - IEEE 802.2 LLC and SNAP, RFC 1042.

#include "base/bytes.h"
#include "wire/encap.h"

#define LLC_SAP_SNAP    0xaa
#define LLC_SAP_IP      0x06
#define LLC_UNNUMBERED  0x03 // control: unnumbered information
#define LLC_OUI_BRIDGED 0x0000f8

int llc_parse(const uint8_t *bytes, size_t have, struct llc_header *out)
{
  struct cursor c = {bytes, have};
  uint8_t dsap, ssap, control, oui_high;
  uint16_t oui_low, type;
  out->type = 0;
  if (!cursor_u8(&c, &dsap) || !cursor_u8(&c, &ssap) || !cursor_u8(&c, &control))
    return -ESTAB_DROP_ENCAP_SHORT;
  if (control != LLC_UNNUMBERED) return (int)(have - c.left);
  if (dsap == LLC_SAP_IP && ssap == LLC_SAP_IP) out->type = ESTAB_ETH_IP4;
  if (dsap != LLC_SAP_SNAP || ssap != LLC_SAP_SNAP) return (int)(have - c.left);

  if (!cursor_u8(&c, &oui_high) || !cursor_u16(&c, &oui_low) || !cursor_u16(&c, &type))
    return -ESTAB_DROP_ENCAP_SHORT;
  const uint32_t oui = (uint32_t)oui_high << 16 | oui_low;
  if (oui == 0 || oui == LLC_OUI_BRIDGED) out->type = type;
  return (int)(have - c.left);
}
