// SPDX-License-Identifier: BSD-2-Clause
// frame.c - frames made of pieces, read as if they were one.
#include "device.h"

#include <string.h>

void frame_set(struct estab_frame *frame, const uint8_t *bytes, size_t n, uint16_t l3_offset)
{
  frame->struct_bytes = (uint32_t)sizeof *frame;
  frame->netif = 0;
  frame->piece_count = 1;
  frame->l3_offset = l3_offset;
  frame->l4_offset = 0;
  frame->checksum = ESTAB_CHECKSUM_UNKNOWN;
  frame->gso_type = ESTAB_GSO_NONE;
  frame->checksum_start = 0;
  frame->checksum_offset = 0;
  frame->gso_bytes = 0;
  frame->segments = 1;
  frame->ecn = 0;
  frame->held = 0;
  frame->not_before_ns = 0;
  frame->conn = 0;
  frame->pieces[0] = (struct estab_piece){.bytes = bytes, .length = n, .ref = NULL};
}

size_t frame_copy(const struct estab_frame *frame, size_t from, uint8_t *out, size_t n)
{
  size_t done = 0;
  for (unsigned i = 0; i < frame->piece_count && done < n; i++) {
    const struct estab_piece *p = &frame->pieces[i];
    if (from >= p->length) {
      from -= p->length;
      continue;
    }
    size_t part = p->length - from;
    if (part > n - done) part = n - done;
    memcpy(out + done, p->bytes + from, part);
    done += part;
    from = 0;
  }
  return done;
}

bool frame_find_headers(const struct estab_frame *frame, struct frame_headers *h)
{
  uint8_t b[40];
  h->l3 = frame->l3_offset;
  size_t have = frame_copy(frame, h->l3, b, sizeof b);
  if (have < ESTAB_IP4_HEADER_BYTES) return false;
  h->ip6 = b[0] >> 4 == 6;
  if (h->ip6) {
    if (have < ESTAB_IP6_HEADER_BYTES) return false;
    // Extension headers are not walked: a frame that has some says where its transport header is.
    if (b[6] != ESTAB_PROTOCOL_TCP && frame->l4_offset == 0) return false;
    h->l4 = frame->l4_offset ? frame->l4_offset : h->l3 + ESTAB_IP6_HEADER_BYTES;
  } else {
    if (b[0] >> 4 != 4 || b[9] != ESTAB_PROTOCOL_TCP) return false;
    h->l4 = h->l3 + (size_t)(b[0] & 15) * 4;
  }
  if (frame_copy(frame, h->l4, b, ESTAB_TCP_HEADER_BYTES) < ESTAB_TCP_HEADER_BYTES) return false;
  size_t tcp_bytes = (size_t)(b[12] >> 4) * 4;
  h->payload = h->l4 + tcp_bytes;
  return tcp_bytes >= ESTAB_TCP_HEADER_BYTES && h->payload <= estab_frame_bytes(frame);
}
