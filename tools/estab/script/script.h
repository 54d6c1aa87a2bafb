// SPDX-License-Identifier: BSD-2-Clause
// script.h - a script as it was read: options, then events in their order.
#ifndef ESTAB_SCRIPT_SCRIPT_H
#define ESTAB_SCRIPT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lex.h"
#include "estab/wire.h"

enum when_kind {
  WHEN_AT,            // t: since the script began
  WHEN_AFTER,         // +t: since the previous event
  WHEN_BETWEEN,       // a~b
  WHEN_AFTER_BETWEEN, // +a~+b
  WHEN_ANY,           // *
};

struct when {
  enum when_kind kind;
  int64_t ns, until_ns; // until_ns: the end of a range
};

// What stands in the parentheses of a call, and behind its "=".
enum value_kind {
  VALUE_ANY,     // ...
  VALUE_INTEGER, // number
  VALUE_WORD,    // a constant: text
  VALUE_STRING,  // "...": text
  VALUE_OR,      // items, joined by |
  VALUE_LIST,    // [items]
  VALUE_STRUCT,  // {items}, each with a name or none
  VALUE_CALL,    // name(items), such as htons(8080)
};

struct value {
  enum value_kind kind;
  struct place place;
  const char *name; // of a struct's member, terminated, or NULL
  const char *text; // word, string, or the function's name
  int64_t number;
  struct value *items; // the first one
  struct value *next;  // within the parent's items
};

struct call {
  struct place place;
  const char *name;
  struct value *arguments;
  struct value *result;
  const char *error; // "EAGAIN", or NULL
  bool has_end;      // started at the event's time, finished at end_ns after the same origin
  int64_t end_ns;
};

enum ecn_expected {
  ECN_UNSAID,
  ECN_NONE,
  ECN_0,
  ECN_1,
  ECN_CE,
  ECN_0_OR_1,
};

struct icmp_spec {
  uint8_t type4, code4; // ICMPv4, type4 = 255: there is no such thing
  uint8_t type6, code6;
  uint32_t mtu;
  uint32_t seq, text_bytes; // of the quoted segment
};

#define SCRIPT_OPTIONS_BYTES 64

struct packet_spec {
  struct place place;
  size_t begin, end; // in the source, for messages
  bool inbound;      // <
  bool icmp;
  enum ecn_expected ecn;
  bool has_ttl, has_tos;
  uint8_t ttl, tos;
  bool bad_checksum; // inbound: of TCP
  bool fragment;     // inbound: only octets [frag_begin, frag_end) of the IP payload arrive
  uint32_t frag_begin, frag_end;
  uint32_t ip_id; // of fragments that belong together
  uint16_t flags; // enum estab_tcp_flag
  bool ace_given; // digits among the flags
  bool any_seq;   // ...(n): whatever it is
  uint32_t seq, ack, text_bytes;
  bool has_ack, has_window, has_urgent;
  uint16_t window, urgent;
  bool has_options, any_options;
  struct estab_tcp_options options; // what the bytes mean
  uint8_t option_bytes[SCRIPT_OPTIONS_BYTES];
  size_t option_count; // bytes
  // Where in option_bytes numbers stand that must be turned into live ones; 0 = there are none.
  size_t ts_value_at, ts_echo_at, sack_at;
  unsigned sack_count;
  const char *cookie_name; // of a Fast Open cookie that only the live side knows, or NULL
  size_t cookie_at;
  struct icmp_spec icmp_spec;
};

enum event_kind {
  EVENT_PACKET,
  EVENT_CALL,
  EVENT_COMMAND,
  EVENT_CODE,
};

struct event {
  enum event_kind kind;
  struct place place;
  struct when when;
  struct packet_spec *packet;
  struct call *call;
  const char *text; // command or code
  struct event *next;
};

struct script_option {
  struct place place;
  const char *name, *value;
  struct script_option *next;
};

struct script {
  const char *path;
  char *source;
  size_t source_bytes;
  struct script_option *options;
  const char *init; // the command before the first event, or NULL
  struct place init_place;
  struct event *events;
  unsigned assertions; // events that can fail a right-speaking stack: packets out, results, asserts
  struct place error_place;
  const char *error; // NULL, or why it could not be read
  char error_text[160];
  struct chunk *chunks; // memory of all this
};

// Reads a file. 0, or -1 with script->error (and error_place.line 0 if it could not be opened).
int script_read(struct script *script, const char *path);
void script_free(struct script *script);
// Zeroed memory that lives as long as the script.
void *script_take(struct script *script, size_t bytes);
const char *script_text(struct script *script, const char *text, size_t length);

// parse_packet.c: from the direction mark on. NULL with lx->error.
struct packet_spec *parse_packet(struct script *script, struct lex *lx);
// parse_call.c: from the name on. NULL with lx->error.
struct call *parse_call(struct script *script, struct lex *lx);
// parse_options.c: from "<" on; false with lx->error.
bool parse_tcp_options(struct script *script, struct lex *lx, struct packet_spec *p);
// parse_icmp.c: from "icmp" on; false with lx->error.
bool parse_icmp(struct script *script, struct lex *lx, struct packet_spec *p);

#endif
