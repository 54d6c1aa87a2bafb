// SPDX-License-Identifier: BSD-2-Clause
// gre.c - generic routing encapsulation, RFC 2784, RFC 2890, RFC 1701.

#include "base/bytes.h"
#include "wire/encap.h"

#define GRE_CHECKSUM   0x8000
#define GRE_ROUTING    0x4000
#define GRE_KEY        0x2000
#define GRE_SEQUENCE   0x1000
#define GRE_VERSION    0x0007
#define GRE_ROUTES_MAX 16

// Source route entries up to the empty one that ends them. RFC 1701, "Routing".
static int gre_routes(struct cursor *c)
{
  for (unsigned i = 0; i < GRE_ROUTES_MAX; i++) {
    uint16_t family;
    uint8_t offset, count;
    if (!cursor_u16(c, &family) || !cursor_u8(c, &offset) || !cursor_u8(c, &count))
      return -ESTAB_DROP_ENCAP_SHORT;
    if (family == 0 && count == 0) return 0;
    if (cursor_take(c, count) == NULL) return -ESTAB_DROP_ENCAP_SHORT;
  }
  return -ESTAB_DROP_ENCAP_BAD;
}

int gre_parse(const uint8_t *bytes, size_t have, struct gre_header *out)
{
  struct cursor c = {bytes, have};
  uint16_t flags;
  uint32_t word;
  out->has_key = false;
  out->key = 0;
  if (!cursor_u16(&c, &flags) || !cursor_u16(&c, &out->type)) return -ESTAB_DROP_ENCAP_SHORT;
  if (flags & GRE_VERSION) return -ESTAB_DROP_ENCAP_VERSION;
  // Checksum and offset: both are there if either bit is set.
  if ((flags & (GRE_CHECKSUM | GRE_ROUTING)) && !cursor_u32(&c, &word))
    return -ESTAB_DROP_ENCAP_SHORT;
  if (flags & GRE_KEY) {
    if (!cursor_u32(&c, &out->key)) return -ESTAB_DROP_ENCAP_SHORT;
    out->has_key = true;
  }
  if ((flags & GRE_SEQUENCE) && !cursor_u32(&c, &word)) return -ESTAB_DROP_ENCAP_SHORT;
  const int routes = flags & GRE_ROUTING ? gre_routes(&c) : 0;
  return routes < 0 ? routes : (int)(have - c.left);
}
