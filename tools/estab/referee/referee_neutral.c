// SPDX-License-Identifier: BSD-2-Clause
// referee_neutral.c - what a right stack may choose, put into one form: packetdrill compares it byte by byte.
// Options in a fixed order, each padded with NOPs in front, a window scale of 7, no PSH. tests/conformance/referee.py
// writes the expectations of scripts in the same form.
#include "referee.h"

#include <string.h>

static size_t neutral_put32(uint8_t *out, uint32_t v)
{
  for (unsigned i = 0; i < 4; i++)
    out[i] = (uint8_t)(v >> (24 - 8 * i));
  return 4;
}

static size_t neutral_options(const struct estab_tcp_options *o, uint8_t *out)
{
  size_t n = 0;
  if ((o->present & ESTAB_TCP_OPT_MSS) != 0) n += neutral_put32(out + n, 0x02040000u | o->mss);
  if ((o->present & ESTAB_TCP_OPT_WSCALE) != 0) n += neutral_put32(out + n, 0x01030307u);
  if ((o->present & ESTAB_TCP_OPT_SACK_PERMITTED) != 0) n += neutral_put32(out + n, 0x01010402u);
  if ((o->present & ESTAB_TCP_OPT_TS) != 0) {
    n += neutral_put32(out + n, 0x0101080au);
    n += neutral_put32(out + n, o->ts_value);
    n += neutral_put32(out + n, o->ts_echo);
  }
  if ((o->present & ESTAB_TCP_OPT_SACK) != 0) {
    n += neutral_put32(out + n, 0x01010500u | (2u + 8u * o->sack_count));
    for (unsigned i = 0; i < o->sack_count; i++) {
      n += neutral_put32(out + n, o->sack[i].start);
      n += neutral_put32(out + n, o->sack[i].end);
    }
  }
  return n;
}

static void neutral_put16(uint8_t *out, size_t v)
{
  out[0] = (uint8_t)(v >> 8);
  out[1] = (uint8_t)v;
}

// The lengths and checksums of a packet whose TCP segment has another length now.
static void neutral_seal(uint8_t *bytes, const struct estab_packet *packet, size_t tcp_bytes)
{
  uint8_t *tcp = bytes + packet->l4_offset;
  if (packet->version == 4) {
    neutral_put16(bytes + 2, packet->l4_offset + tcp_bytes);
    neutral_put16(bytes + 10, 0);
    neutral_put16(bytes + 10,
                  estab_checksum_finish(estab_checksum_add(0, bytes, packet->l4_offset)));
  } else {
    neutral_put16(bytes + 4, packet->l4_offset - ESTAB_IP6_HEADER_BYTES + tcp_bytes);
  }
  neutral_put16(tcp + ESTAB_TCP_CHECKSUM_OFFSET, 0);
  uint64_t sum =
      estab_checksum_pseudo(&packet->src, &packet->dst, ESTAB_PROTOCOL_TCP, (uint32_t)tcp_bytes);
  neutral_put16(tcp + ESTAB_TCP_CHECKSUM_OFFSET,
                estab_checksum_finish(estab_checksum_add(sum, tcp, tcp_bytes)));
}

void referee_neutral(uint8_t *bytes, size_t *count, size_t room)
{
  const uint32_t known = ESTAB_TCP_OPT_MSS | ESTAB_TCP_OPT_WSCALE | ESTAB_TCP_OPT_SACK_PERMITTED |
                         ESTAB_TCP_OPT_TS | ESTAB_TCP_OPT_SACK;
  struct estab_packet packet;
  uint8_t options[64];
  if (estab_packet_parse(ESTAB_LINK_RAW, bytes, *count, true, &packet) < 0 ||
      packet.kind != ESTAB_PACKET_TCP || (packet.tcp.options.present & ~known) != 0)
    return;
  size_t n = neutral_options(&packet.tcp.options, options);
  size_t header = ESTAB_TCP_HEADER_BYTES + n, text = packet.payload_bytes;
  if (n > ESTAB_TCP_OPTIONS_BYTES || packet.l4_offset + header + text > room) return;
  uint8_t *tcp = bytes + packet.l4_offset;
  memmove(tcp + header, tcp + packet.tcp.header_bytes, text);
  memcpy(tcp + ESTAB_TCP_HEADER_BYTES, options, n);
  tcp[12] = (uint8_t)((tcp[12] & 0x0f) | header / 4 << 4);
  tcp[13] = (uint8_t)(tcp[13] & ~ESTAB_TCP_PSH);
  neutral_seal(bytes, &packet, header + text);
  *count = packet.l4_offset + header + text;
}
