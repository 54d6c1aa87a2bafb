// SPDX-License-Identifier: BSD-2-Clause
// decode_internal.h - what the files of the decoder share: where it is, and what comes next.
#ifndef ESTAB_WATCH_DECODE_INTERNAL_H
#define ESTAB_WATCH_DECODE_INTERNAL_H

#include "base/bytes.h"
#include "watch/decode.h"
#include "watch/rare.h"

// What the next bytes are. Each step reads one header and names the next, or ends.
enum decode_next {
  DECODE_DONE, // out->kind is set
  DECODE_ETHERNET,
  DECODE_ETH_TYPE, // as struct decode.type says
  DECODE_IP,       // either version, told by its first bits
  DECODE_TRANSPORT,
};

struct decode {
  struct cursor at;  // captured bytes that are left
  size_t wire_bytes; // left of what encloses them: at least as many
  uint16_t type;     // EtherType, for DECODE_ETH_TYPE
  struct watch_packet *out;
};

// `bytes` of header were read.
static inline void decode_advance(struct decode *d, size_t bytes)
{
  (void)cursor_take(&d->at, bytes);
  d->wire_bytes -= bytes;
}

// What encloses the rest says that there are `bytes`; the other bytes are padding.
static inline void decode_limit(struct decode *d, size_t bytes)
{
  d->wire_bytes = size_min(d->wire_bytes, bytes);
  d->at.left = size_min(d->at.left, bytes);
}

static inline enum decode_next decode_end(struct decode *d, enum watch_kind kind,
                                          enum estab_watch_count count)
{
  d->out->kind = (uint8_t)kind;
  d->out->count = (uint8_t)count;
  return DECODE_DONE;
}

static inline enum decode_next decode_skip(struct decode *d, enum estab_watch_count count,
                                           enum estab_drop why)
{
  d->out->why = (uint8_t)why;
  return decode_end(d, WATCH_KIND_SKIPPED, count);
}

// A header could not be read: because the capture cut it, or because it is none.
static inline enum decode_next decode_refused(struct decode *d, enum estab_drop why)
{
  const bool cut = d->at.left < d->wire_bytes;
  return decode_skip(d, cut ? ESTAB_WATCH_COUNT_TRUNCATED : ESTAB_WATCH_COUNT_MALFORMED, why);
}

enum decode_next decode_ip(struct decode *d);
enum decode_next decode_transport(struct decode *d);

// watch_decode() by the walk alone.
enum watch_kind decode_any(uint32_t link_type, const uint8_t *frame, size_t captured_bytes,
                           size_t wire_bytes, struct watch_packet *out);

#endif
