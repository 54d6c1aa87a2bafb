// SPDX-License-Identifier: BSD-2-Clause
// capture_reader.h - what the readers of both formats share: one buffer, and a way to say what is wrong.
#ifndef ESTAB_DRIVER_CAPTURE_READER_H
#define ESTAB_DRIVER_CAPTURE_READER_H

#include <estab/capture.h>

#include <string.h>

struct capture_interface {
  uint32_t linktype;
  uint32_t snap_bytes; // 0 = no limit
  int64_t offset_s;    // added to every time
  uint8_t resolution;  // as if_tsresol: bit 7: a power of 2, else of 10; units of a second
  uint64_t lost;       // packets by the system's last word
  uint64_t asked_ns;   // when that was; 0 = never
};

struct estab_capture {
  struct estab_capture_source source;
  int fd; // what source reads, -1 = something else
  uint8_t *buffer;
  size_t room, start, end; // buffer[start, end) was read and not yet used
  uint64_t offset;         // of buffer[start] in the file
  bool source_ended;
  bool is_pcapng;
  bool swapped; // the file's byte order is not this machine's
  bool plain; // pcap in this machine's byte order, lengths in theirs: see capture_pcap_next_plain()
  // pcap
  uint32_t fraction_ns;   // one unit of the fraction: 1000 or 1
  uint32_t captured_max;  // bytes
  bool lengths_swapped;   // captured and original length, before version 2.3
  bool lengths_uncertain; // version 2.3: either way
  // pcapng
  struct capture_interface *interfaces; // of this section; pcap: one
  uint32_t interface_count, interface_room;
  uint32_t interfaces_before; // of the sections before
  uint64_t last_ns;
  bool own;                         // estab wrote this section
  bool notes;                       // are wanted
  struct estab_capture_error error; // error.error != 0: nothing more is read
};

// At least n bytes at buffer + start: 1; 0: the file ends before, maybe within them; negative: an error.
int capture_fill(struct estab_capture *c, size_t n);

static inline const uint8_t *capture_at(const struct estab_capture *c)
{
  return c->buffer + c->start;
}

static inline size_t capture_left(const struct estab_capture *c)
{
  return c->end - c->start;
}

static inline int capture_need(struct estab_capture *c, size_t n)
{
  return capture_left(c) >= n ? 1 : capture_fill(c, n);
}

static inline void capture_use(struct estab_capture *c, size_t n)
{
  c->start += n;
  c->offset += n;
}

static inline uint16_t capture_u16(const struct estab_capture *c, const uint8_t *p)
{
  uint16_t v;
  memcpy(&v, p, sizeof v);
  return c->swapped ? __builtin_bswap16(v) : v;
}

static inline uint32_t capture_u32(const struct estab_capture *c, const uint8_t *p)
{
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return c->swapped ? __builtin_bswap32(v) : v;
}

static inline uint64_t capture_u64(const struct estab_capture *c, const uint8_t *p)
{
  uint64_t v;
  memcpy(&v, p, sizeof v);
  return c->swapped ? __builtin_bswap64(v) : v;
}

// The record at the offset cannot be read: "WHAT at OFFSET: " and the rest. Answers the error.
int capture_damaged(struct estab_capture *c, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// The file ends within it.
int capture_cut(struct estab_capture *c, const char *what);
int capture_failed(struct estab_capture *c, int error, const char *text);

int capture_interface_add(struct estab_capture *c, const struct capture_interface *interface);

int capture_pcap_open(struct estab_capture *c);
int capture_pcap_next(struct estab_capture *c, struct estab_capture_packet *packet);
#define PCAP_RECORD_BYTES 16

// The next packet, where all of it has been read: nearly always. False: capture_pcap_next() is to say.
static inline bool capture_pcap_next_plain(struct estab_capture *c,
                                           struct estab_capture_packet *packet)
{
  const size_t left = capture_left(c);
  if (!c->plain || left < PCAP_RECORD_BYTES) return false;
  const uint8_t *const h = capture_at(c);
  uint32_t words[PCAP_RECORD_BYTES / 4]; // seconds, their fraction, captured and original length
  memcpy(words, h, sizeof words);
  if (words[2] > c->captured_max || left - PCAP_RECORD_BYTES < words[2]) return false;
  packet->ts_ns = (uint64_t)words[0] * UINT64_C(1000000000) + (uint64_t)words[1] * c->fraction_ns;
  packet->offset = c->offset;
  packet->interface = 0;
  packet->linktype = c->interfaces[0].linktype;
  packet->captured_bytes = words[2];
  packet->wire_bytes = words[3] > words[2] ? words[3] : words[2];
  packet->bytes = h + PCAP_RECORD_BYTES;
  capture_use(c, PCAP_RECORD_BYTES + (size_t)words[2]);
  return true;
}

int capture_pcapng_open(struct estab_capture *c);
int capture_pcapng_next(struct estab_capture *c, struct estab_capture_packet *packet);

#endif
