// SPDX-License-Identifier: BSD-2-Clause
// gso.c - cuts a super-segment into the frames that a wire carries.
//
// Each cut frame is what the stack would have emitted for its octets: same options, sequence number
// moved on, PSH and FIN only on the last one, CWR only on the first (RFC 3168 6.1.2: once a window).
// The IPv4 identification counts up from the super-segment's.
#include "device.h"

#include <string.h>

static void put16(uint8_t *p, unsigned v)
{
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool estab_checksum_complete(uint8_t *bytes, size_t n, size_t start, size_t offset)
{
  if (start > n || offset > n - start || n - start - offset < 2) return false;
  // The field holds the folded pseudo-header and so takes part in the sum.
  unsigned sum = estab_checksum_finish(estab_checksum_add(0, bytes + start, n - start));
  // UDP: 0 would mean "no checksum" (RFC 768). TCP sums are never affected: 0xffff verifies as 0 does.
  put16(bytes + start + offset, sum == 0 && offset == ESTAB_UDP_CHECKSUM_OFFSET ? 0xffff : sum);
  return true;
}

unsigned estab_gso_count(const struct estab_frame *frame)
{
  struct frame_headers h;
  if (frame->gso_type == ESTAB_GSO_NONE || frame->gso_bytes == 0) return 1;
  if (!frame_find_headers(frame, &h)) return 1;
  size_t text = estab_frame_bytes(frame) - h.payload;
  return text <= frame->gso_bytes ? 1
                                  : (unsigned)((text + frame->gso_bytes - 1) / frame->gso_bytes);
}

static void finish_ip4(uint8_t *ip, size_t bytes, unsigned index)
{
  size_t header = (size_t)(ip[0] & 15) * 4;
  put16(ip + 2, (unsigned)bytes);
  put16(ip + 4, (((unsigned)ip[4] << 8 | ip[5]) + index) & 0xffff);
  put16(ip + 10, 0);
  put16(ip + 10, estab_checksum_finish(estab_checksum_add(0, ip, header)));
}

static void finish_tcp(const uint8_t *ip, bool ip6, uint8_t *tcp, size_t bytes)
{
  uint64_t sum = ip6 ? estab_checksum_add(0, ip + 8, 32) : estab_checksum_add(0, ip + 12, 8);
  uint8_t rest[8] = {0, 0, (uint8_t)(bytes >> 8), (uint8_t)bytes, 0, 0, 0, ESTAB_PROTOCOL_TCP};
  sum = estab_checksum_add(sum, rest, sizeof rest);
  put16(tcp + ESTAB_TCP_CHECKSUM_OFFSET, 0);
  put16(tcp + ESTAB_TCP_CHECKSUM_OFFSET,
        estab_checksum_finish(estab_checksum_add(sum, tcp, bytes)));
}

static int copy_whole(const struct estab_frame *frame, uint8_t *bytes, size_t room)
{
  size_t n = estab_frame_bytes(frame);
  if (n > room) return ESTAB_ERR_TOO_BIG;
  frame_copy(frame, 0, bytes, n);
  if (frame->checksum == ESTAB_CHECKSUM_PARTIAL &&
      !estab_checksum_complete(bytes, n, frame->checksum_start, frame->checksum_offset))
    return ESTAB_ERR_INVALID;
  return (int)n;
}

int estab_gso_cut(const struct estab_frame *frame, unsigned index, uint8_t *bytes, size_t room)
{
  unsigned count = estab_gso_count(frame);
  struct frame_headers h;
  if (index >= count) return ESTAB_ERR_INVALID;
  if (count == 1) return copy_whole(frame, bytes, room);
  if (!frame_find_headers(frame, &h)) return ESTAB_ERR_INVALID;

  size_t from = (size_t)index * frame->gso_bytes;
  size_t text = estab_frame_bytes(frame) - h.payload - from;
  if (text > frame->gso_bytes) text = frame->gso_bytes;
  size_t n = h.payload + text;
  if (n > room) return ESTAB_ERR_TOO_BIG;
  frame_copy(frame, 0, bytes, h.payload);
  frame_copy(frame, h.payload + from, bytes + h.payload, text);

  uint8_t *ip = bytes + h.l3, *tcp = bytes + h.l4;
  uint32_t seq = get32(tcp + 4) + (uint32_t)from;
  put16(tcp + 4, seq >> 16);
  put16(tcp + 6, seq & 0xffff);
  if (index + 1 < count) tcp[13] &= (uint8_t) ~(ESTAB_TCP_PSH | ESTAB_TCP_FIN);
  if (index > 0) tcp[13] &= (uint8_t)~ESTAB_TCP_CWR;
  if (h.ip6)
    put16(ip + 4, (unsigned)(n - h.l3 - ESTAB_IP6_HEADER_BYTES));
  else
    finish_ip4(ip, n - h.l3, index);
  finish_tcp(ip, h.ip6, tcp, n - h.l4);
  return (int)n;
}
