// SPDX-License-Identifier: BSD-2-Clause
// trace.c - the events of events.def by name, and one as a JSON object.
#include "base/fmt.h"
#include "estab/trace.h"

static const struct trace_words {
  const char *name, *english;
} trace_words[ESTAB_TRACE_KINDS] = {
#define EVENT(name, english, fields) [ESTAB_TRACE_##name] = {#name, english},
#include "estab/events.def"
#undef EVENT
};

const char *estab_trace_name(enum estab_trace_kind kind)
{
  return (unsigned)kind < ESTAB_TRACE_KINDS ? trace_words[kind].name : "unknown";
}

const char *estab_trace_text_of(enum estab_trace_kind kind)
{
  return (unsigned)kind < ESTAB_TRACE_KINDS ? trace_words[kind].english : "unknown event";
}

// ---------------------------------------------------------------------------------------------
// JSON (RFC 8259): one function for each type that events.def names.
// States, flags and options are written by their own rooms, through the public doors.

static void trace_string(struct fmt *f, const char *text)
{
  if (!text) {
    fmt_str(f, "null");
    return;
  }
  fmt_char(f, '"');
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c < 0x20) {
      fmt_str(f, "\\u");
      fmt_hex(f, c, 4);
      continue;
    }
    if (c == '"' || c == '\\') fmt_char(f, '\\');
    fmt_char(f, *text);
  }
  fmt_char(f, '"');
}

static void trace_key(struct fmt *f, const char *key)
{
  fmt_char(f, ',');
  trace_string(f, key);
  fmt_char(f, ':');
}

static void trace_put_u64(struct fmt *f, uint64_t v)
{
  fmt_u64(f, v);
}

static void trace_put_u32(struct fmt *f, uint32_t v)
{
  fmt_u64(f, v);
}

static void trace_put_u16(struct fmt *f, uint16_t v)
{
  fmt_u64(f, v);
}

static void trace_put_u8(struct fmt *f, uint8_t v)
{
  fmt_u64(f, v);
}

static void trace_put_text(struct fmt *f, const char *text)
{
  trace_string(f, text);
}

static void trace_put_state(struct fmt *f, enum estab_state state)
{
  trace_string(f, estab_state_name(state));
}

static void trace_put_drop(struct fmt *f, enum estab_drop drop)
{
  trace_string(f, estab_drop_name(drop));
}

static void trace_put_ip(struct fmt *f, struct estab_ip ip)
{
  char text[ESTAB_IP_TEXT_BYTES];
  estab_ip_format(&ip, text, sizeof text);
  trace_string(f, text);
}

static void trace_put_flags(struct fmt *f, uint16_t flags)
{
  char text[16];
  estab_flags_format(flags, text, sizeof text);
  trace_string(f, text);
}

static void trace_put_options(struct fmt *f, const struct estab_tcp_options *options)
{
  char text[256] = "";
  uint8_t bytes[ESTAB_TCP_OPTIONS_BYTES];
  if (options) {
    size_t n = estab_tcp_options_emit(options, bytes);
    estab_tcp_options_format(bytes, n, NULL, text, sizeof text);
  }
  trace_string(f, text);
}

static void trace_fields(struct fmt *f, const struct estab_trace *event)
{
#define FIELD(type, name)                                                                          \
  trace_key(f, #name);                                                                             \
  trace_put_##type(f, e->name);
#define EVENT(name, english, fields)                                                               \
  case ESTAB_TRACE_##name: {                                                                       \
    const struct estab_trace_##name *e = &event->u.name;                                           \
    fields                                                                                         \
  } break;
  switch (event->kind) {
#include "estab/events.def"
  case ESTAB_TRACE_KINDS: break;
  }
#undef EVENT
#undef FIELD
}

size_t estab_trace_json(const struct estab_trace *event, char *text, size_t text_bytes)
{
  struct fmt f;
  fmt_init(&f, text, text_bytes);
  fmt_str(&f, "{\"event\":");
  trace_string(&f, estab_trace_name(event->kind));
  trace_key(&f, "now_ns");
  fmt_u64(&f, event->now_ns);
  if (event->conn) {
    trace_key(&f, "conn");
    fmt_u64(&f, event->conn);
  }
  if (event->tuple) {
    trace_key(&f, "local");
    trace_put_ip(&f, event->tuple->local);
    trace_key(&f, "local_port");
    fmt_u64(&f, event->tuple->local_port);
    trace_key(&f, "remote");
    trace_put_ip(&f, event->tuple->remote);
    trace_key(&f, "remote_port");
    fmt_u64(&f, event->tuple->remote_port);
  }
  trace_fields(&f, event);
  fmt_char(&f, '}');
  return fmt_length(&f);
}
