// SPDX-License-Identifier: BSD-2-Clause
// feed.h - what the stateful fuzzers share: input bytes as choices, a memory door that refuses, checks that abort.
#ifndef ESTAB_FUZZ_FEED_H
#define ESTAB_FUZZ_FEED_H

#include "support/prop.h"

#include <estab/estab.h>

#define FUZZ_SECONDS UINT64_C(1000000000)
#define FUZZ_MILLIS  UINT64_C(1000000)

// Like assert, but says so even if nobody looks at stderr's source line.
#define MUST(condition)                                                                            \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);               \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

// ---- The input: a tape of choices; behind its end all are 0

struct feed {
  const uint8_t *at, *end;
};

static inline bool feed_more(const struct feed *f)
{
  return f->at < f->end;
}

static inline uint8_t feed_u8(struct feed *f)
{
  return f->at < f->end ? *f->at++ : 0;
}

static inline uint16_t feed_u16(struct feed *f)
{
  uint16_t high = feed_u8(f);
  return (uint16_t)(high << 8 | feed_u8(f));
}

static inline uint32_t feed_u32(struct feed *f)
{
  uint32_t high = feed_u16(f);
  return high << 16 | feed_u16(f);
}

// Time to let pass: mostly short, sometimes days.
static inline uint64_t feed_wait_ns(struct feed *f)
{
  static const uint64_t unit[8] = {
      1000,         FUZZ_MILLIS,       10 * FUZZ_MILLIS,   100 * FUZZ_MILLIS,
      FUZZ_SECONDS, 10 * FUZZ_SECONDS, 100 * FUZZ_SECONDS, 3600 * FUZZ_SECONDS};
  uint8_t b = feed_u8(f);
  return unit[b & 7] * (1u + (b >> 3));
}

// ---- Memory

struct fuzz_mem {
  struct prop_mem strict;
  uint32_t refuse; // so many of the next requests for more
};

static inline void *fuzz_mem_resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes,
                                    enum estab_mem_kind kind)
{
  struct fuzz_mem *m = ctx;
  if (new_bytes > old_bytes && m->refuse > 0) {
    m->refuse--;
    return NULL;
  }
  return prop_mem_resize(&m->strict, p, old_bytes, new_bytes, kind);
}

static inline struct estab_mem fuzz_mem_door(struct fuzz_mem *m)
{
  *m = (struct fuzz_mem){.strict.fail_after = UINT64_MAX};
  return (struct estab_mem){m, fuzz_mem_resize};
}

// ---- Frames

// A copy of exactly its own size: what reads past it is seen.
static inline uint8_t *fuzz_linear(const struct estab_frame *frame, size_t *length)
{
  size_t n = estab_frame_bytes(frame), at = 0;
  uint8_t *bytes = malloc(n ? n : 1);
  MUST(bytes != NULL);
  for (unsigned i = 0; i < frame->piece_count; at += frame->pieces[i++].length)
    memcpy(bytes + at, frame->pieces[i].bytes, frame->pieces[i].length);
  *length = n;
  return bytes;
}

#endif
