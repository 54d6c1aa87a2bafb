// SPDX-License-Identifier: BSD-2-Clause
// eth.c - Ethernet II headers.

#include <estab/wire.h>
#include "base/bytes.h"

#include <string.h>

int estab_eth_parse(const uint8_t *bytes, size_t have, struct estab_eth_header *out)
{
  if (have < ESTAB_ETH_HEADER_BYTES) return -ESTAB_DROP_ETH_SHORT;
  memcpy(out->dst, bytes, 6);
  memcpy(out->src, bytes + 6, 6);
  out->type = get_be16(bytes + 12);
  return ESTAB_ETH_HEADER_BYTES;
}

size_t estab_eth_emit(const struct estab_eth_header *h, uint8_t *out)
{
  memcpy(out, h->dst, 6);
  memcpy(out + 6, h->src, 6);
  put_be16(out + 12, h->type);
  return ESTAB_ETH_HEADER_BYTES;
}
