// SPDX-License-Identifier: BSD-2-Clause
// udp.c - UDP headers, RFC 768.

#include <estab/wire.h>
#include "base/bytes.h"

int estab_udp_parse(const uint8_t *bytes, size_t have, struct estab_udp_header *out)
{
  if (have < ESTAB_UDP_HEADER_BYTES) return -ESTAB_DROP_UDP_LENGTH;
  const uint16_t total_bytes = get_be16(bytes + 4);
  if (total_bytes < ESTAB_UDP_HEADER_BYTES || total_bytes > have) return -ESTAB_DROP_UDP_LENGTH;
  out->src_port = get_be16(bytes);
  out->dst_port = get_be16(bytes + 2);
  out->total_bytes = total_bytes;
  out->checksum = get_be16(bytes + 6);
  return ESTAB_UDP_HEADER_BYTES;
}

size_t estab_udp_emit(const struct estab_udp_header *h, uint8_t *out)
{
  put_be16(out, h->src_port);
  put_be16(out + 2, h->dst_port);
  put_be16(out + 4, h->total_bytes);
  put_be16(out + 6, h->checksum);
  return ESTAB_UDP_HEADER_BYTES;
}
