// SPDX-License-Identifier: BSD-2-Clause
// trace.h - typed events from inside a stack, as they happen.
#ifndef ESTAB_TRACE_H
#define ESTAB_TRACE_H

#include "base.h"
#include "wire.h"

#ifdef __cplusplus
extern "C" {
#endif

enum estab_trace_kind {
#define EVENT(name, english, fields) ESTAB_TRACE_##name,
#include "events.def"
#undef EVENT
  ESTAB_TRACE_KINDS
};

typedef uint8_t estab_trace_u8;
typedef uint16_t estab_trace_u16;
typedef uint32_t estab_trace_u32;
typedef uint64_t estab_trace_u64;
typedef uint16_t estab_trace_flags;
typedef enum estab_state estab_trace_state;
typedef enum estab_drop estab_trace_drop;
typedef struct estab_ip estab_trace_ip;
typedef const struct estab_tcp_options *estab_trace_options;
typedef const char *estab_trace_text;

#define FIELD(type, name) estab_trace_##type name;
#define EVENT(name, english, fields)                                                               \
  struct estab_trace_##name {                                                                      \
    fields                                                                                         \
  };
#include "events.def"
#undef EVENT
#undef FIELD

// One event. Pointers in it live until the hook returns.
struct estab_trace {
  enum estab_trace_kind kind;
  uint64_t now_ns;
  uint64_t conn; // handle, 0 = none (listener, half-open, TIME-WAIT record, no connection)
  const struct estab_tuple *tuple; // NULL = not about one tuple
  union {
#define EVENT(name, english, fields) struct estab_trace_##name name;
#include "events.def"
#undef EVENT
  } u;
};

// Called synchronously. It must not call estab on the same stack.
struct estab_trace_hook {
  void *ctx;
  void (*event)(void *ctx, const struct estab_trace *event);
};

ESTAB_API const char *estab_trace_name(enum estab_trace_kind kind); // "segment_sent"
ESTAB_API const char *estab_trace_text_of(enum estab_trace_kind kind);

// Writes one JSON object without a line end: {"event":"state_changed","now_ns":...,"from":"LISTEN",...}.
// Always terminated; answers the length it needs without the NUL, like snprintf.
ESTAB_API size_t estab_trace_json(const struct estab_trace *event, char *text, size_t text_bytes);

#ifdef __cplusplus
}
#endif
#endif
