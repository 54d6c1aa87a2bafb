// SPDX-License-Identifier: BSD-2-Clause
// sll.c - the header that Linux puts before packets of cooked captures, both versions.

#include "base/bytes.h"
#include "wire/encap.h"

#define SLL_ADDRESS_BYTES 8

int sll_parse(const uint8_t *bytes, size_t have, struct sll_header *out)
{
  struct cursor c = {bytes, have};
  uint16_t direction, address_bytes;
  if (!cursor_u16(&c, &direction) || !cursor_u16(&c, &out->hardware) ||
      !cursor_u16(&c, &address_bytes) || cursor_take(&c, SLL_ADDRESS_BYTES) == NULL ||
      !cursor_u16(&c, &out->type))
    return -ESTAB_DROP_ENCAP_SHORT;
  out->direction = (uint8_t)direction;
  return (int)(have - c.left);
}

int sll2_parse(const uint8_t *bytes, size_t have, struct sll_header *out)
{
  struct cursor c = {bytes, have};
  uint16_t reserved;
  uint32_t interface;
  uint8_t address_bytes;
  if (!cursor_u16(&c, &out->type) || !cursor_u16(&c, &reserved) || !cursor_u32(&c, &interface) ||
      !cursor_u16(&c, &out->hardware) || !cursor_u8(&c, &out->direction) ||
      !cursor_u8(&c, &address_bytes) || cursor_take(&c, SLL_ADDRESS_BYTES) == NULL)
    return -ESTAB_DROP_ENCAP_SHORT;
  return (int)(have - c.left);
}
