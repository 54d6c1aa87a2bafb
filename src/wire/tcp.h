// SPDX-License-Identifier: BSD-2-Clause
// tcp.h - the TCP header's reading, in line: the stack does it once a segment.
#ifndef ESTAB_WIRE_TCP_H
#define ESTAB_WIRE_TCP_H

#include <estab/wire.h>

#include "base/bytes.h"
#include "wire/tcp_opt.h"

// Answers the header's bytes, RFC 9293 3.1, or a drop.
static inline int tcp_header_bytes(const uint8_t *bytes, size_t have)
{
  if (have < ESTAB_TCP_HEADER_BYTES) return -ESTAB_DROP_TCP_SHORT;
  const unsigned header_bytes = (bytes[12] >> 4) * 4U;
  if (header_bytes < ESTAB_TCP_HEADER_BYTES || header_bytes > have)
    return -ESTAB_DROP_TCP_DATA_OFFSET;
  return (int)header_bytes;
}

// All but the options of a header whose length is known.
static inline void tcp_read_fixed(const uint8_t *bytes, struct estab_tcp_header *out)
{
  out->src_port = get_be16(bytes);
  out->dst_port = get_be16(bytes + 2);
  out->seq = get_be32(bytes + 4);
  out->ack = get_be32(bytes + 8);
  out->flags = get_be16(bytes + 12) & 0xfff;
  out->window = get_be16(bytes + 14);
  out->urgent = get_be16(bytes + 18);
}

// All but the options. Answers as tcp_header_bytes().
static inline int tcp_parse_fixed(const uint8_t *bytes, size_t have, struct estab_tcp_header *out)
{
  const int header_bytes = tcp_header_bytes(bytes, have);
  if (header_bytes < 0) return header_bytes;
  tcp_read_fixed(bytes, out);
  out->header_bytes = (uint8_t)header_bytes;
  return header_bytes;
}

// The options of a header whose fixed part was read.
static inline void tcp_parse_options(const uint8_t *bytes, size_t header_bytes,
                                     struct estab_tcp_options *out)
{
  // No options, or timestamps alone in their usual place: almost every segment.
  const uint8_t *const options = bytes + ESTAB_TCP_HEADER_BYTES;
  out->present = 0;
  if (header_bytes == ESTAB_TCP_HEADER_BYTES) return;
  if (header_bytes == ESTAB_TCP_HEADER_BYTES + TCP_OPT_TS_ALIGNED &&
      get_be32(options) == TCP_OPT_NOP_NOP_TS) {
    out->present = ESTAB_TCP_OPT_TS;
    out->ts_value = get_be32(options + 4);
    out->ts_echo = get_be32(options + 8);
    return;
  }
  estab_tcp_options_parse(options, header_bytes - ESTAB_TCP_HEADER_BYTES, out);
}

// All but the options, of which header_bytes knows.
static inline void tcp_emit_fixed(const struct estab_tcp_header *h, size_t header_bytes,
                                  uint8_t *out)
{
  put_be16(out, h->src_port);
  put_be16(out + 2, h->dst_port);
  put_be32(out + 4, h->seq);
  put_be32(out + 8, h->ack);
  put_be16(out + 12, (uint16_t)(header_bytes << 10 | (h->flags & 0xfff)));
  put_be16(out + 14, h->window);
  put_be16(out + ESTAB_TCP_CHECKSUM_OFFSET, 0);
  put_be16(out + 18, h->urgent);
}

// Header and options, as estab_tcp_emit().
static inline size_t tcp_emit(const struct estab_tcp_header *h, uint8_t *out)
{
  size_t header_bytes = ESTAB_TCP_HEADER_BYTES;
  if (h->options.present != 0)
    header_bytes += estab_tcp_options_emit(&h->options, out + ESTAB_TCP_HEADER_BYTES);
  tcp_emit_fixed(h, header_bytes, out);
  return header_bytes;
}

#endif
