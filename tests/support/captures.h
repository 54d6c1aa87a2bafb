// SPDX-License-Identifier: BSD-2-Clause
// captures.h - capture files made by hand, in either byte order, and a source that gives them in pieces.
#ifndef ESTAB_SUPPORT_CAPTURES_H
#define ESTAB_SUPPORT_CAPTURES_H

#include <stdlib.h>
#include <string.h>

#include "estab/capture.h"

struct file {
  uint8_t bytes[60000];
  size_t count;
  bool big; // byte order of what is written
};

static inline void file_put(struct file *f, const void *bytes, size_t count)
{
  if (count > sizeof f->bytes - f->count) abort();
  if (count > 0) memcpy(f->bytes + f->count, bytes, count);
  f->count += count;
}

static inline void file_number(struct file *f, uint64_t value, unsigned bytes)
{
  for (unsigned i = 0; i < bytes; i++) {
    const unsigned shift = f->big ? 8 * (bytes - 1 - i) : 8 * i;
    const uint8_t byte = (uint8_t)(value >> shift);
    file_put(f, &byte, 1);
  }
}

static inline void file_16(struct file *f, unsigned value)
{
  file_number(f, value, 2);
}

static inline void file_32(struct file *f, uint32_t value)
{
  file_number(f, value, 4);
}

static inline void file_store32(struct file *f, size_t at, uint32_t value)
{
  const size_t count = f->count;
  f->count = at;
  file_32(f, value);
  f->count = count;
}

static inline void file_pad(struct file *f)
{
  while (f->count % 4 != 0)
    file_put(f, "", 1);
}

// ---------------------------------------------------------------------------------------------
// pcap

static inline void pcap_begin(struct file *f, bool big, uint32_t magic, uint32_t snap_bytes,
                              uint32_t linktype)
{
  f->count = 0;
  f->big = big;
  file_32(f, magic);
  file_16(f, 2);
  file_16(f, 4);
  file_32(f, 0);
  file_32(f, 0);
  file_32(f, snap_bytes);
  file_32(f, linktype);
}

static inline void pcap_packet(struct file *f, uint32_t seconds, uint32_t fraction,
                               const void *bytes, uint32_t captured, uint32_t wire)
{
  file_32(f, seconds);
  file_32(f, fraction);
  file_32(f, captured);
  file_32(f, wire);
  file_put(f, bytes, captured);
}

// ---------------------------------------------------------------------------------------------
// pcapng. A block is begun, filled and ended; begin answers where.

static inline size_t block_begin(struct file *f, uint32_t type)
{
  const size_t at = f->count;
  file_32(f, type);
  file_32(f, 0);
  return at;
}

static inline void block_end(struct file *f, size_t at)
{
  file_pad(f);
  const uint32_t bytes = (uint32_t)(f->count - at) + 4;
  file_32(f, bytes);
  file_store32(f, at + 4, bytes);
}

static inline void option(struct file *f, unsigned code, const void *value, unsigned bytes)
{
  file_16(f, code);
  file_16(f, bytes);
  file_put(f, value, bytes);
  file_pad(f);
}

static inline void section(struct file *f, bool big)
{
  f->big = big;
  const size_t at = block_begin(f, 0x0a0d0d0a);
  file_32(f, 0x1a2b3c4d);
  file_16(f, 1);
  file_16(f, 0);
  file_number(f, UINT64_MAX, 8);
  option(f, 4, "a program", 9);
  option(f, 0, "", 0);
  block_end(f, at);
}

// resolution 0 = not said
static inline void interface(struct file *f, unsigned linktype, uint32_t snap_bytes,
                             uint8_t resolution, int64_t offset_s)
{
  const size_t at = block_begin(f, 1);
  file_16(f, linktype);
  file_16(f, 0);
  file_32(f, snap_bytes);
  option(f, 2, "eth0", 4);
  if (resolution) option(f, 9, &resolution, 1);
  if (offset_s) {
    file_16(f, 14);
    file_16(f, 8);
    file_number(f, (uint64_t)offset_s, 8);
  }
  option(f, 0, "", 0);
  block_end(f, at);
}

static inline void enhanced(struct file *f, uint32_t number, uint64_t units, const void *bytes,
                            uint32_t captured, uint32_t wire)
{
  const size_t at = block_begin(f, 6);
  file_32(f, number);
  file_32(f, (uint32_t)(units >> 32));
  file_32(f, (uint32_t)units);
  file_32(f, captured);
  file_32(f, wire);
  file_put(f, bytes, captured);
  file_pad(f);
  option(f, 1, "a comment", 9);
  option(f, 0, "", 0);
  block_end(f, at);
}

static inline void obsolete(struct file *f, unsigned number, uint64_t units, const void *bytes,
                            uint32_t captured, uint32_t wire)
{
  const size_t at = block_begin(f, 2);
  file_16(f, number);
  file_16(f, 7); // drops
  file_32(f, (uint32_t)(units >> 32));
  file_32(f, (uint32_t)units);
  file_32(f, captured);
  file_32(f, wire);
  file_put(f, bytes, captured);
  block_end(f, at);
}

static inline void simple(struct file *f, const void *bytes, uint32_t captured, uint32_t wire)
{
  const size_t at = block_begin(f, 3);
  file_32(f, wire);
  file_put(f, bytes, captured);
  block_end(f, at);
}

static inline void unknown(struct file *f, uint32_t type, uint32_t bytes)
{
  const size_t at = block_begin(f, type);
  for (uint32_t i = 0; i < bytes; i++)
    file_put(f, "?", 1);
  block_end(f, at);
}

// ---------------------------------------------------------------------------------------------

// Gives a file in pieces of at most `piece` bytes.
struct pieces {
  const uint8_t *bytes;
  size_t count, at, piece;
  int fails; // answered at the end instead of 0
};

static inline ptrdiff_t pieces_read(void *ctx, void *bytes, size_t room)
{
  struct pieces *p = ctx;
  size_t n = p->count - p->at;
  if (n > p->piece) n = p->piece;
  if (n > room) n = room;
  if (n == 0) return p->fails;
  memcpy(bytes, p->bytes + p->at, n);
  p->at += n;
  return (ptrdiff_t)n;
}

#endif
