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
  return tcp_emit(h, out);
}
