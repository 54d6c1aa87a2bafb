// SPDX-License-Identifier: BSD-2-Clause
// referee_neutral.c - what a right stack may choose, put into one form: packetdrill compares it byte by byte.
// Options in a fixed order with NOPs behind them, a window scale of 7, the counters of Accurate ECN all three, no PSH.
// tests/conformance/referee.py writes the expectations of scripts in the same form.
#include "referee.h"

#include <string.h>

// The counters e0b, ceb, e1b as the option told them last: it may leave out what has not moved. One connection at a
// time; a SYN begins anew.
static uint32_t neutral_counters[3];

static size_t neutral_put(uint8_t *out, uint32_t v, size_t count)
{
  for (size_t i = 0; i < count; i++)
    out[i] = (uint8_t)(v >> 8 * (count - 1 - i));
  return count;
}

static void neutral_count(const struct estab_tcp_header *h)
{
  const struct estab_tcp_options *o = &h->options;
  const bool reverse = (o->present & ESTAB_TCP_OPT_ACCECN1) != 0;
  if ((h->flags & ESTAB_TCP_SYN) != 0) {
    neutral_counters[0] = neutral_counters[2] = 1;
    neutral_counters[1] = 0;
  }
  for (unsigned i = 0; i < o->accecn_count; i++)
    neutral_counters[reverse ? 2 - i : i] = o->accecn[i];
}

static size_t neutral_options(const struct estab_tcp_options *o, uint8_t *out)
{
  size_t n = 0;
  if ((o->present & ESTAB_TCP_OPT_MSS) != 0) n += neutral_put(out + n, 0x02040000u | o->mss, 4);
  if ((o->present & ESTAB_TCP_OPT_WSCALE) != 0) n += neutral_put(out + n, 0x030307u, 3);
  if ((o->present & ESTAB_TCP_OPT_SACK_PERMITTED) != 0) n += neutral_put(out + n, 0x0402u, 2);
  if ((o->present & ESTAB_TCP_OPT_TS) != 0) {
    n += neutral_put(out + n, 0x080au, 2);
    n += neutral_put(out + n, o->ts_value, 4);
    n += neutral_put(out + n, o->ts_echo, 4);
  }
  if ((o->present & ESTAB_TCP_OPT_SACK) != 0) {
    n += neutral_put(out + n, 0x0500u | (2u + 8u * o->sack_count), 2);
    for (unsigned i = 0; i < o->sack_count; i++) {
      n += neutral_put(out + n, o->sack[i].start, 4);
      n += neutral_put(out + n, o->sack[i].end, 4);
    }
  }
  if ((o->present & ESTAB_TCP_OPT_TFO) != 0) {
    if ((o->present & ESTAB_TCP_OPT_TFO_EXP) != 0)
      n += neutral_put(out + n, 0xfe00f989u | (4u + o->tfo_bytes) << 16, 4);
    else
      n += neutral_put(out + n, 0x2200u | (2u + o->tfo_bytes), 2);
    memcpy(out + n, o->tfo_cookie, o->tfo_bytes);
    n += o->tfo_bytes;
  }
  if ((o->present & (ESTAB_TCP_OPT_ACCECN0 | ESTAB_TCP_OPT_ACCECN1)) != 0) {
    n += neutral_put(out + n, 0xac0bu, 2);
    for (unsigned i = 0; i < 3; i++)
      n += neutral_put(out + n, neutral_counters[i], 3);
  }
  while (n % 4 != 0)
    out[n++] = 1;
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
                         ESTAB_TCP_OPT_TS | ESTAB_TCP_OPT_SACK | ESTAB_TCP_OPT_TFO |
                         ESTAB_TCP_OPT_TFO_EXP | ESTAB_TCP_OPT_ACCECN0 | ESTAB_TCP_OPT_ACCECN1;
  struct estab_packet packet;
  uint8_t options[96]; // all of them together, and more than a header holds
  if (estab_packet_parse(ESTAB_LINK_RAW, bytes, *count, true, &packet) < 0 ||
      packet.kind != ESTAB_PACKET_TCP || (packet.tcp.options.present & ~known) != 0)
    return;
  neutral_count(&packet.tcp);
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
