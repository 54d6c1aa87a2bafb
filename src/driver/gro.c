// SPDX-License-Identifier: BSD-2-Clause
// gro.c - merges frames of one connection that follow each other into a super-segment.
//
// Only what cutting would give back exactly is merged: same addresses, ports, acknowledgment,
// window, options and IP fields; text that follows on; all pieces of one size but the last. PSH and
// FIN end a super-segment, everything else unusual (SYN, RST, URG, CWR, fragments) stays alone.
#include "device.h"

#include <string.h>

static unsigned get16(const uint8_t *p)
{
  return (unsigned)p[0] << 8 | p[1];
}

// Whether the frame may be part of a super-segment at all.
static bool mergeable(const struct estab_packet *p)
{
  const unsigned plain = ESTAB_TCP_ACK | ESTAB_TCP_PSH | ESTAB_TCP_FIN | ESTAB_TCP_ECE;
  if (p->kind != ESTAB_PACKET_TCP || p->payload_bytes == 0) return false;
  if (!(p->tcp.flags & ESTAB_TCP_ACK) || (p->tcp.flags & ~plain) != 0) return false;
  const uint8_t *ip = p->bytes + p->l3_offset;
  if (p->version == 6) return ip[6] == ESTAB_PROTOCOL_TCP;
  return (ip[0] & 15) == 5 && p->dont_fragment; // only with DF the identification says nothing
}

static void start(struct estab_gro *gro, const struct estab_packet *p, bool sound, size_t n)
{
  memcpy(gro->bytes, p->bytes, n);
  gro->length = n;
  gro->l3_offset = p->l3_offset;
  gro->l4_offset = p->l4_offset;
  gro->segments = 1;
  gro->gso_type = ESTAB_GSO_NONE;
  gro->finished = true;
  if (!sound || !mergeable(p)) return;
  gro->gso_type = p->version == 6 ? ESTAB_GSO_TCP6 : ESTAB_GSO_TCP4;
  gro->gso_bytes = (uint16_t)p->payload_bytes;
  gro->next_seq = p->tcp.seq + (uint32_t)p->payload_bytes;
  gro->finished = (p->tcp.flags & (ESTAB_TCP_PSH | ESTAB_TCP_FIN)) != 0;
  gro->length = (size_t)(p->payload - p->bytes) + p->payload_bytes; // without padding
}

// Whether all header bytes agree but lengths, identification, checksums, sequence, PSH and FIN.
static bool same_headers(const struct estab_gro *gro, const struct estab_packet *p)
{
  const uint8_t *a = gro->bytes, *b = p->bytes;
  size_t l3 = gro->l3_offset, l4 = gro->l4_offset, tcp_bytes = p->tcp.header_bytes;
  if (p->l3_offset != l3 || p->l4_offset != l4 || memcmp(a, b, l3) != 0) return false;
  if (gro->gso_type == ESTAB_GSO_TCP6) {
    if (memcmp(a + l3, b + l3, 4) != 0 || memcmp(a + l3 + 6, b + l3 + 6, l4 - l3 - 6) != 0)
      return false;
  } else if (memcmp(a + l3, b + l3, 2) != 0 || memcmp(a + l3 + 6, b + l3 + 6, 4) != 0 ||
             memcmp(a + l3 + 12, b + l3 + 12, 8) != 0) {
    return false;
  }
  const uint8_t *s = a + l4, *t = b + l4;
  if (memcmp(s, t, 4) != 0 || memcmp(s + 8, t + 8, 5) != 0) return false; // ports; ack and offset
  if (((s[13] ^ t[13]) & ~(ESTAB_TCP_PSH | ESTAB_TCP_FIN) & 0xff) != 0) return false;
  return memcmp(s + 14, t + 14, 2) == 0 && memcmp(s + 18, t + 18, tcp_bytes - 18) == 0;
}

bool estab_gro_merge(struct estab_gro *gro, const uint8_t *bytes, size_t n, uint16_t l3_offset)
{
  struct estab_packet p;
  int link = l3_offset ? ESTAB_LINK_ETHERNET : ESTAB_LINK_RAW;
  if (gro->segments == 0) {
    if (n > gro->room) return false;
    bool sound = estab_packet_parse(link, bytes, n, false, &p) >= 0;
    if (!sound) p = (struct estab_packet){.bytes = bytes, .l3_offset = l3_offset};
    start(gro, &p, sound, n);
    return true;
  }
  if (gro->finished || estab_packet_parse(link, bytes, n, false, &p) < 0 || !mergeable(&p))
    return false;
  if (p.tcp.seq != gro->next_seq || p.payload_bytes > gro->gso_bytes) return false;
  if (p.payload_bytes > gro->room - gro->length ||
      gro->length - gro->l3_offset + p.payload_bytes > 65535)
    return false;
  if (!same_headers(gro, &p)) return false;
  memcpy(gro->bytes + gro->length, p.payload, p.payload_bytes);
  gro->length += p.payload_bytes;
  gro->next_seq += (uint32_t)p.payload_bytes;
  gro->segments++;
  gro->bytes[gro->l4_offset + 13] |= (uint8_t)(p.tcp.flags & (ESTAB_TCP_PSH | ESTAB_TCP_FIN));
  gro->finished =
      p.payload_bytes < gro->gso_bytes || (p.tcp.flags & (ESTAB_TCP_PSH | ESTAB_TCP_FIN)) != 0;
  return true;
}

// The header's lengths, and the transport checksum as the unfinished sum that PARTIAL means.
static void finish_headers(struct estab_gro *gro)
{
  uint8_t *ip = gro->bytes + gro->l3_offset;
  size_t upper = gro->length - gro->l4_offset;
  bool ip6 = gro->gso_type == ESTAB_GSO_TCP6;
  size_t field = ip6 ? 4 : 2;
  size_t length = gro->length - gro->l3_offset - (ip6 ? ESTAB_IP6_HEADER_BYTES : 0);
  if (!ip6) {
    unsigned sum = estab_checksum_update16((uint16_t)get16(ip + 10), (uint16_t)get16(ip + 2),
                                           (uint16_t)length);
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
  }
  ip[field] = (uint8_t)(length >> 8);
  ip[field + 1] = (uint8_t)length;
  uint64_t pseudo = ip6 ? estab_checksum_add(0, ip + 8, 32) : estab_checksum_add(0, ip + 12, 8);
  uint8_t rest[4] = {0, ESTAB_PROTOCOL_TCP, (uint8_t)(upper >> 8), (uint8_t)upper};
  unsigned sum = estab_checksum_fold(estab_checksum_add(pseudo, rest, sizeof rest));
  uint8_t *tcp = gro->bytes + gro->l4_offset;
  tcp[ESTAB_TCP_CHECKSUM_OFFSET] = (uint8_t)(sum >> 8);
  tcp[ESTAB_TCP_CHECKSUM_OFFSET + 1] = (uint8_t)sum;
}

void estab_gro_frame(struct estab_gro *gro, struct estab_frame *frame)
{
  frame_set(frame, gro->bytes, gro->length, gro->l3_offset);
  if (gro->gso_type == ESTAB_GSO_NONE) return;
  frame->l4_offset = gro->l4_offset;
  frame->checksum = ESTAB_CHECKSUM_VALID; // estab_gro_merge() verified each one
  if (gro->segments < 2) return;
  finish_headers(gro);
  frame->pieces[0].length = gro->length;
  frame->checksum = ESTAB_CHECKSUM_PARTIAL;
  frame->checksum_start = gro->l4_offset;
  frame->checksum_offset = ESTAB_TCP_CHECKSUM_OFFSET;
  frame->gso_type = gro->gso_type;
  frame->gso_bytes = gro->gso_bytes;
  frame->segments = gro->segments;
}
