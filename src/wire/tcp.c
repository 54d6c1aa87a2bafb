// SPDX-License-Identifier: BSD-2-Clause
// tcp.c - TCP headers, RFC 9293 3.1. Options are in tcp_opt.c.

#include <estab/wire.h>
#include "base/bytes.h"
#include "wire/tcp.h"

int estab_tcp_parse(const uint8_t *bytes, size_t have, struct estab_tcp_header *out)
{
  const int n = tcp_parse_fixed(bytes, have, out);
  if (n >= 0) tcp_parse_options(bytes, (size_t)n, &out->options);
  return n;
}

size_t estab_tcp_emit(const struct estab_tcp_header *h, uint8_t *out)
{
  size_t header_bytes = ESTAB_TCP_HEADER_BYTES;
  if (h->options.present != 0)
    header_bytes += estab_tcp_options_emit(&h->options, out + ESTAB_TCP_HEADER_BYTES);
  put_be16(out, h->src_port);
  put_be16(out + 2, h->dst_port);
  put_be32(out + 4, h->seq);
  put_be32(out + 8, h->ack);
  put_be16(out + 12, (uint16_t)(header_bytes << 10 | (h->flags & 0xfff)));
  put_be16(out + 14, h->window);
  put_be16(out + ESTAB_TCP_CHECKSUM_OFFSET, 0);
  put_be16(out + 18, h->urgent);
  return header_bytes;
}
