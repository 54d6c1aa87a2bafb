// SPDX-License-Identifier: BSD-2-Clause
// capture_pcapng.c - pcapng: sections of blocks, in a byte order of their own; what is not known is passed over.
#include "capture_reader.h"

#define PCAPNG_BYTE_ORDER    0x1a2b3c4d
#define PCAPNG_BLOCK_MIN     12 // type, length, and the length again
#define PCAPNG_HEAD          8  // type and length
#define PCAPNG_NANOSECONDS   9  // if_tsresol
#define PCAPNG_MICROSECONDS  6
#define PCAPNG_POWER_OF_2    0x80
#define NANOSECONDS_A_SECOND UINT64_C(1000000000)

enum pcapng_block {
  PCAPNG_SECTION = 0x0a0d0d0a, // the same in both byte orders
  PCAPNG_INTERFACE = 1,
  PCAPNG_PACKET = 2, // obsolete
  PCAPNG_SIMPLE_PACKET = 3,
  PCAPNG_STATISTICS = 5,
  PCAPNG_ENHANCED_PACKET = 6,
};

enum pcapng_option {
  PCAPNG_OPTION_END = 0,
  PCAPNG_OPTION_TSRESOL = 9, // of an interface
  PCAPNG_OPTION_TSOFFSET = 14,
  PCAPNG_OPTION_ENDTIME = 3, // of statistics
  PCAPNG_OPTION_OSDROP = 7,
  PCAPNG_OPTION_USERAPPL = 4, // of a section
};

// A block's body, of which `left` bytes have not been read.
struct pcapng_body {
  const uint8_t *at;
  size_t left;
};

static const uint8_t *pcapng_take(struct pcapng_body *b, size_t n)
{
  if (b->left < n) return NULL;
  const uint8_t *const p = b->at;
  b->at += n;
  b->left -= n;
  return p;
}

// ---------------------------------------------------------------------------------------------
// Time

static uint64_t pcapng_times(uint64_t a, uint64_t b)
{
  uint64_t product;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

// Units of 10^-n or 2^-n seconds, n up to 127, as nanoseconds.
static uint64_t pcapng_to_ns(uint64_t units, uint8_t resolution)
{
  unsigned n = resolution & 0x7f;
  if (resolution & PCAPNG_POWER_OF_2) {
    uint64_t seconds = n < 64 ? units >> n : 0;
    uint64_t rest = n == 0 ? 0 : n < 64 ? units & ((UINT64_C(1) << n) - 1) : units;
    if (n > 34) { // finer than a nanosecond by far: so that the product fits
      rest = n - 34 < 64 ? rest >> (n - 34) : 0;
      n = 34;
    }
    const uint64_t ns = rest * NANOSECONDS_A_SECOND >> n;
    const uint64_t whole = pcapng_times(seconds, NANOSECONDS_A_SECOND);
    return whole > UINT64_MAX - ns ? UINT64_MAX : whole + ns;
  }
  for (; n < PCAPNG_NANOSECONDS; n++)
    units = pcapng_times(units, 10);
  for (; n > PCAPNG_NANOSECONDS && units > 0; n--)
    units /= 10;
  return units;
}

// What is later than any time is the latest.
static uint64_t pcapng_shift(uint64_t ns, int64_t seconds)
{
  if (seconds < 0) {
    const uint64_t back = pcapng_times((uint64_t)0 - (uint64_t)seconds, NANOSECONDS_A_SECOND);
    ns = ns < back ? 0 : ns - back;
    return ns < ESTAB_TIME_MAX ? ns : ESTAB_TIME_MAX;
  }
  const uint64_t forth = pcapng_times((uint64_t)seconds, NANOSECONDS_A_SECOND);
  return ns > ESTAB_TIME_MAX || forth > ESTAB_TIME_MAX - ns ? ESTAB_TIME_MAX : ns + forth;
}

// ---------------------------------------------------------------------------------------------
// Blocks

// The whole block is in the buffer: 1 and its length; 0: there is none; negative: an error.
static int pcapng_block_read(struct estab_capture *c, size_t *block_bytes)
{
  int answer = capture_need(c, PCAPNG_HEAD);
  if (answer < 0) return answer;
  if (answer == 0) return capture_left(c) == 0 ? 0 : capture_cut(c, "block");
  const uint8_t *h = capture_at(c);
  if (capture_u32(c, h) == PCAPNG_SECTION) {
    answer = capture_need(c, PCAPNG_HEAD + 4);
    if (answer < 0) return answer;
    if (answer == 0) return capture_cut(c, "section header");
    h = capture_at(c);
    // The byte order of what follows, the length before it included.
    c->swapped = false;
    c->swapped = capture_u32(c, h + PCAPNG_HEAD) != PCAPNG_BYTE_ORDER;
    if (capture_u32(c, h + PCAPNG_HEAD) != PCAPNG_BYTE_ORDER)
      return capture_damaged(c, "section header", "no byte-order magic");
  }
  const uint32_t bytes = capture_u32(c, h + 4);
  if (bytes < PCAPNG_BLOCK_MIN || bytes % 4 != 0 || bytes > ESTAB_CAPTURE_PACKET_MAX)
    return capture_damaged(c, "block", "length %lu is impossible", (unsigned long)bytes);
  answer = capture_need(c, bytes);
  if (answer < 0) return answer;
  if (answer == 0) return capture_cut(c, "block");
  const uint32_t again = capture_u32(c, capture_at(c) + bytes - 4);
  if (again != bytes)
    return capture_damaged(c, "block", "begins with length %lu and ends with %lu",
                           (unsigned long)bytes, (unsigned long)again);
  *block_bytes = bytes;
  return 1;
}

struct pcapng_option_value {
  unsigned code;
  size_t bytes;
  const uint8_t *value;
};

// 1 and the next option; 0: there are no more; -1: it is longer than the block.
static int pcapng_option_next(struct estab_capture *c, struct pcapng_body *b,
                              struct pcapng_option_value *o)
{
  const uint8_t *const p = pcapng_take(b, 4);
  if (!p) return 0;
  o->code = capture_u16(c, p);
  o->bytes = capture_u16(c, p + 2);
  if (o->code == PCAPNG_OPTION_END) return 0;
  o->value = pcapng_take(b, (o->bytes + 3) & ~(size_t)3);
  return o->value ? 1 : -1;
}

static int pcapng_section(struct estab_capture *c, struct pcapng_body b)
{
  const uint8_t *const p = pcapng_take(&b, 16);
  if (!p) return capture_damaged(c, "section header", "too short");
  const unsigned major = capture_u16(c, p + 4), minor = capture_u16(c, p + 6);
  if (major != 1)
    return capture_damaged(c, "section header", "version %u.%u is unknown", major, minor);
  c->interfaces_before += c->interface_count;
  c->interface_count = 0;
  c->own = false;
  struct pcapng_option_value o;
  while (pcapng_option_next(c, &b, &o) > 0)
    if (o.code == PCAPNG_OPTION_USERAPPL) c->own = o.bytes >= 5 && memcmp(o.value, "estab", 5) == 0;
  return 0;
}

static int pcapng_interface_options(struct estab_capture *c, struct pcapng_body b,
                                    struct capture_interface *interface)
{
  struct pcapng_option_value o;
  int answer;
  while ((answer = pcapng_option_next(c, &b, &o)) > 0) {
    if (o.code == PCAPNG_OPTION_TSRESOL && o.bytes >= 1) interface->resolution = o.value[0];
    if (o.code == PCAPNG_OPTION_TSOFFSET && o.bytes >= 8)
      interface->offset_s = (int64_t)capture_u64(c, o.value);
  }
  if (answer < 0)
    return capture_damaged(c, "interface", "option %u is longer than the block", o.code);
  return 0;
}

static int pcapng_interface(struct estab_capture *c, struct pcapng_body b)
{
  const uint8_t *const p = pcapng_take(&b, 8);
  if (!p) return capture_damaged(c, "interface", "too short");
  struct capture_interface interface = {
      .linktype = capture_u16(c, p),
      .snap_bytes = capture_u32(c, p + 4),
      .resolution = PCAPNG_MICROSECONDS,
  };
  const int answer = pcapng_interface_options(c, b, &interface);
  return answer < 0 ? answer : capture_interface_add(c, &interface);
}

// `number` within its section.
static int pcapng_give(struct estab_capture *c, uint32_t number, const uint8_t *bytes,
                       uint32_t captured, uint32_t wire, struct estab_capture_packet *packet)
{
  packet->offset = c->offset;
  packet->interface = c->interfaces_before + number;
  packet->linktype = c->interfaces[number].linktype;
  packet->captured_bytes = captured;
  packet->wire_bytes = wire > captured ? wire : captured;
  packet->bytes = bytes;
  packet->ts_ns = c->last_ns;
  return 1;
}

static int pcapng_no_interface(struct estab_capture *c, uint32_t number)
{
  return capture_damaged(c, "packet", "interface %lu was not described", (unsigned long)number);
}

// Enhanced and obsolete packet blocks differ in two fields.
static int pcapng_packet(struct estab_capture *c, struct pcapng_body b, bool obsolete,
                         struct estab_capture_packet *packet)
{
  const uint8_t *const p = pcapng_take(&b, 20);
  if (!p) return capture_damaged(c, "packet", "its block is too short");
  const uint32_t number = obsolete ? capture_u16(c, p) : capture_u32(c, p);
  if (number >= c->interface_count) return pcapng_no_interface(c, number);
  const uint64_t units = (uint64_t)capture_u32(c, p + 4) << 32 | capture_u32(c, p + 8);
  const uint32_t captured = capture_u32(c, p + 12);
  const uint8_t *const bytes = pcapng_take(&b, captured);
  if (!bytes)
    return capture_damaged(c, "packet", "captured length %lu is longer than its block",
                           (unsigned long)captured);
  const struct capture_interface *const interface = &c->interfaces[number];
  c->last_ns = pcapng_shift(pcapng_to_ns(units, interface->resolution), interface->offset_s);
  return pcapng_give(c, number, bytes, captured, capture_u32(c, p + 16), packet);
}

// What the capturing system said of itself: told as a note if packets were lost since it said so last, or at the
// end of a capture of our own.
static int pcapng_statistics(struct estab_capture *c, struct pcapng_body b,
                             struct estab_capture_packet *packet)
{
  const uint8_t *const p = pcapng_take(&b, 12);
  if (!p || !c->notes) return 0;
  const uint32_t number = capture_u32(c, p);
  if (number >= c->interface_count) return 0;
  struct capture_interface *const interface = &c->interfaces[number];
  const uint64_t units = (uint64_t)capture_u32(c, p + 4) << 32 | capture_u32(c, p + 8);
  const uint64_t at_ns =
      pcapng_shift(pcapng_to_ns(units, interface->resolution), interface->offset_s);
  struct pcapng_option_value o;
  uint64_t lost = interface->lost, from_ns = interface->asked_ns;
  bool ended = false;
  while (pcapng_option_next(c, &b, &o) > 0) {
    if (o.code == PCAPNG_OPTION_OSDROP && o.bytes >= 8) lost = capture_u64(c, o.value);
    if (o.code == PCAPNG_OPTION_ENDTIME) ended = c->own;
  }
  const uint64_t more = lost > interface->lost ? lost - interface->lost : 0;
  interface->lost = lost;
  interface->asked_ns = at_ns;
  if (!more && !ended) return 0;
  pcapng_give(c, number, NULL, 0, 0, packet);
  packet->ts_ns = c->own ? at_ns : c->last_ns;
  packet->lost_packets = more;
  packet->lost_from_ns = c->own ? from_ns : 0;
  packet->lasted = c->own;
  return ESTAB_CAPTURE_NOTE;
}

// Of interface 0, without a time; how much of it was captured follows from the rest.
static int pcapng_simple_packet(struct estab_capture *c, struct pcapng_body b,
                                struct estab_capture_packet *packet)
{
  const uint8_t *const p = pcapng_take(&b, 4);
  if (!p) return capture_damaged(c, "packet", "its block is too short");
  if (c->interface_count == 0) return pcapng_no_interface(c, 0);
  const uint32_t wire = capture_u32(c, p), snap_bytes = c->interfaces[0].snap_bytes;
  uint32_t captured = wire;
  if (snap_bytes != 0 && captured > snap_bytes) captured = snap_bytes;
  const uint8_t *const bytes = pcapng_take(&b, captured);
  if (!bytes)
    return capture_damaged(c, "packet", "length %lu is longer than its block",
                           (unsigned long)captured);
  return pcapng_give(c, 0, bytes, captured, wire, packet);
}

int capture_pcapng_next(struct estab_capture *c, struct estab_capture_packet *packet)
{
  size_t bytes = 0;
  int answer;
  while ((answer = pcapng_block_read(c, &bytes)) > 0) {
    const uint8_t *const block = capture_at(c);
    const struct pcapng_body body = {block + PCAPNG_HEAD, bytes - PCAPNG_BLOCK_MIN};
    answer = 0;
    switch (capture_u32(c, block)) {
    case PCAPNG_SECTION: answer = pcapng_section(c, body); break;
    case PCAPNG_INTERFACE: answer = pcapng_interface(c, body); break;
    case PCAPNG_PACKET: answer = pcapng_packet(c, body, true, packet); break;
    case PCAPNG_SIMPLE_PACKET: answer = pcapng_simple_packet(c, body, packet); break;
    case PCAPNG_STATISTICS: answer = pcapng_statistics(c, body, packet); break;
    case PCAPNG_ENHANCED_PACKET: answer = pcapng_packet(c, body, false, packet); break;
    default: break;
    }
    if (answer < 0) return answer;
    capture_use(c, bytes);
    if (answer > 0) return answer;
  }
  return answer;
}

// The section header: what is no pcapng is found here and not with the first packet.
int capture_pcapng_open(struct estab_capture *c)
{
  size_t bytes = 0;
  const int answer = pcapng_block_read(c, &bytes);
  if (answer < 0) return answer;
  const struct pcapng_body body = {capture_at(c) + PCAPNG_HEAD, bytes - PCAPNG_BLOCK_MIN};
  const int section = pcapng_section(c, body);
  if (section == 0) capture_use(c, bytes);
  return section;
}
