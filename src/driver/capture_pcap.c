// SPDX-License-Identifier: BSD-2-Clause
// capture_pcap.c - the classic format: a header of 24 bytes, then records of 16 bytes and a packet.
#include "capture_reader.h"

#define PCAP_HEADER_BYTES 24
#define PCAP_MAGIC_MICROS 0xa1b2c3d4
#define PCAP_MAGIC_NANOS  0xa1b23c4d
#define PCAP_LINKTYPE     0xffff // the rest of the word tells of frame check sequences, or is reserved
#define PCAP_CAPTURED_MAX 262144 // libpcap's, for files that promise less than they hold

static bool pcap_magic(struct estab_capture *c)
{
  for (unsigned order = 0; order < 2; order++) {
    c->swapped = order == 1;
    const uint32_t magic = capture_u32(c, capture_at(c));
    c->fraction_ns = magic == PCAP_MAGIC_NANOS ? 1 : 1000;
    if (magic == PCAP_MAGIC_MICROS || magic == PCAP_MAGIC_NANOS) return true;
  }
  return false;
}

int capture_pcap_open(struct estab_capture *c)
{
  if (!pcap_magic(c))
    return capture_failed(c, ESTAB_ERR_INVALID,
                          "no capture: neither pcap nor pcapng begins like this");
  const int answer = capture_need(c, PCAP_HEADER_BYTES);
  if (answer < 0) return answer;
  if (answer == 0) return capture_cut(c, "file header");
  const uint8_t *const h = capture_at(c);
  const uint16_t major = capture_u16(c, h + 4), minor = capture_u16(c, h + 6);
  if (major != 2)
    return capture_damaged(c, "file header", "version %u.%u is unknown", major, minor);
  c->lengths_swapped = minor < 3;
  c->lengths_uncertain = minor == 3;
  c->plain = minor > 3 && !c->swapped;
  const uint32_t snap_bytes = capture_u32(c, h + 16);
  c->captured_max = snap_bytes > PCAP_CAPTURED_MAX ? snap_bytes : PCAP_CAPTURED_MAX;
  if (c->captured_max > ESTAB_CAPTURE_PACKET_MAX) c->captured_max = ESTAB_CAPTURE_PACKET_MAX;
  const struct capture_interface interface = {
      .linktype = capture_u32(c, h + 20) & PCAP_LINKTYPE,
      .snap_bytes = snap_bytes,
  };
  capture_use(c, PCAP_HEADER_BYTES);
  return capture_interface_add(c, &interface);
}

int capture_pcap_next(struct estab_capture *c, struct estab_capture_packet *packet)
{
  int answer = capture_need(c, PCAP_RECORD_BYTES);
  if (answer < 0) return answer;
  if (answer == 0) return capture_left(c) == 0 ? 0 : capture_cut(c, "packet");
  const uint8_t *h = capture_at(c);
  uint32_t captured = capture_u32(c, h + 8), wire = capture_u32(c, h + 12);
  if (c->lengths_swapped || (c->lengths_uncertain && captured > wire)) {
    const uint32_t first = captured;
    captured = wire;
    wire = first;
  }
  if (captured > c->captured_max)
    return capture_damaged(c, "packet", "captured length %lu is impossible",
                           (unsigned long)captured);
  answer = capture_need(c, PCAP_RECORD_BYTES + (size_t)captured);
  if (answer < 0) return answer;
  if (answer == 0) return capture_cut(c, "packet");
  h = capture_at(c);
  packet->ts_ns = (uint64_t)capture_u32(c, h) * UINT64_C(1000000000) +
                  (uint64_t)capture_u32(c, h + 4) * c->fraction_ns;
  packet->offset = c->offset;
  packet->interface = 0;
  packet->linktype = c->interfaces[0].linktype;
  packet->captured_bytes = captured;
  packet->wire_bytes = wire > captured ? wire : captured;
  packet->bytes = h + PCAP_RECORD_BYTES;
  capture_use(c, PCAP_RECORD_BYTES + (size_t)captured);
  return 1;
}
