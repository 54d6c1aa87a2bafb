// SPDX-License-Identifier: BSD-2-Clause
// parse.c - reads a script: options, first command, events with their times.
#include "script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct chunk {
  struct chunk *next;
};

void *script_take(struct script *script, size_t bytes)
{
  struct chunk *chunk = calloc(1, sizeof *chunk + bytes);
  if (chunk == NULL) {
    fputs("estab script: out of memory\n", stderr);
    exit(1);
  }
  chunk->next = script->chunks;
  script->chunks = chunk;
  return chunk + 1;
}

const char *script_text(struct script *script, const char *text, size_t length)
{
  char *copy = script_take(script, length + 1);
  memcpy(copy, text, length);
  return copy;
}

void script_free(struct script *script)
{
  while (script->chunks != NULL) {
    struct chunk *next = script->chunks->next;
    free(script->chunks);
    script->chunks = next;
  }
  free(script->source);
  script->source = NULL;
}

static bool parse_moment(struct lex *lx, int64_t *ns)
{
  if (lx->token.kind != TOKEN_INTEGER && lx->token.kind != TOKEN_DECIMAL) {
    lex_fail(lx, lx->token.place, "a time in seconds is expected here");
    return false;
  }
  *ns = lx->token.ns;
  lex_next(lx);
  return true;
}

// t, +t, a~b, +a~+b, *
static bool parse_when(struct lex *lx, struct when *when)
{
  if (token_is_mark(&lx->token, '*')) {
    when->kind = WHEN_ANY;
    lex_next(lx);
    return true;
  }
  bool after = token_is_mark(&lx->token, '+');
  when->kind = after ? WHEN_AFTER : WHEN_AT;
  if (after) lex_next(lx);
  if (!parse_moment(lx, &when->ns)) return false;
  if (!token_is_mark(&lx->token, '~')) return true;
  lex_next(lx);
  if (after != token_is_mark(&lx->token, '+')) {
    lex_fail(lx, lx->token.place, "both ends of a time range have a + or none has");
    return false;
  }
  if (after) lex_next(lx);
  when->kind = after ? WHEN_AFTER_BETWEEN : WHEN_BETWEEN;
  if (!parse_moment(lx, &when->until_ns)) return false;
  if (when->until_ns < when->ns) {
    lex_fail(lx, lx->token.place, "the time range ends before it begins");
    return false;
  }
  return true;
}

// Does a result, packet or assert say something about the stack?
static bool parse_asserts(const struct event *event)
{
  switch (event->kind) {
  case EVENT_PACKET: return !event->packet->inbound;
  case EVENT_CALL: {
    // Calls that succeed on any stack prove nothing.
    static const char *const setup[] = {"socket", "bind",       "listen",       "close",
                                        "fcntl",  "setsockopt", "epoll_create", "epoll_ctl"};
    for (size_t i = 0; i < sizeof setup / sizeof *setup; i++)
      if (strcmp(event->call->name, setup[i]) == 0) return event->call->error != NULL;
    return event->call->result->kind != VALUE_ANY;
  }
  case EVENT_COMMAND: return strstr(event->text, "grep") != NULL;
  case EVENT_CODE: return strstr(event->text, "assert") != NULL;
  }
  return false;
}

static struct event *parse_event(struct script *script, struct lex *lx)
{
  struct event *event = script_take(script, sizeof *event);
  event->place = lx->token.place;
  struct token *t = &lx->token;
  if (t->kind == TOKEN_COMMAND) { // the cleaning up at the end needs no time
    event->when.kind = WHEN_AFTER;
  } else if (!parse_when(lx, &event->when)) {
    return NULL;
  }
  if (token_is_mark(t, '<') || token_is_mark(t, '>')) {
    event->kind = EVENT_PACKET;
    event->packet = parse_packet(script, lx);
    return event->packet != NULL ? event : NULL;
  }
  if (t->kind == TOKEN_COMMAND || t->kind == TOKEN_CODE) {
    event->kind = t->kind == TOKEN_CODE ? EVENT_CODE : EVENT_COMMAND;
    event->text = script_text(script, t->text, t->length);
    lex_next(lx);
    return event;
  }
  if (t->kind == TOKEN_WORD || t->kind == TOKEN_ELLIPSIS) {
    bool has_end = t->kind == TOKEN_ELLIPSIS;
    int64_t end_ns = 0;
    if (has_end) {
      lex_next(lx);
      if (!parse_moment(lx, &end_ns)) return NULL;
    }
    event->kind = EVENT_CALL;
    event->call = parse_call(script, lx);
    if (event->call == NULL) return NULL;
    event->call->has_end = has_end;
    event->call->end_ns = end_ns;
    return event;
  }
  lex_fail(lx, t->place, "after the time: a packet (< or >), a call, a `command` or %{ code }%");
  return NULL;
}

// Options of packetdrill's, and our own --profile; which of them mean something here is run.c's matter.
static bool parse_option_known(const char *name)
{
  static const char *const names[] = {"bind_port",
                                      "connect_port",
                                      "define",
                                      "gateway_ip",
                                      "init_scripts",
                                      "ip_version",
                                      "local_ip",
                                      "mss",
                                      "mtu",
                                      "netmask_ip",
                                      "non_fatal",
                                      "profile",
                                      "remote_ip",
                                      "send_omit_free",
                                      "speed",
                                      "strict_segments",
                                      "tcp_ts_ecr_scaled",
                                      "tcp_ts_tick_usecs",
                                      "tolerance_percent",
                                      "tolerance_usecs",
                                      "code_command",
                                      "code_format",
                                      "code_sockopt",
                                      "verbose"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

static void parse_script_option(struct script *script, struct lex *lx, struct script_option ***tail)
{
  const struct token *t = &lx->token;
  const char *equals = memchr(t->text, '=', t->length);
  struct script_option *option = script_take(script, sizeof *option);
  option->place = t->place;
  size_t name = equals != NULL ? (size_t)(equals - t->text) : t->length;
  option->name = script_text(script, t->text, name);
  option->value = equals != NULL ? script_text(script, equals + 1, t->length - name - 1) : "";
  if (!parse_option_known(option->name)) {
    lex_fail(lx, t->place, "unknown option");
    return;
  }
  **tail = option;
  *tail = &option->next;
  lex_next(lx);
}

static void parse_all(struct script *script, struct lex *lx)
{
  struct script_option **option = &script->options;
  while (lx->token.kind == TOKEN_OPTION)
    parse_script_option(script, lx, &option);
  if (lx->token.kind == TOKEN_COMMAND) {
    script->init = script_text(script, lx->token.text, lx->token.length);
    script->init_place = lx->token.place;
    lex_next(lx);
  }
  struct event **tail = &script->events;
  while (lx->error == NULL && lx->token.kind != TOKEN_END) {
    struct event *event = parse_event(script, lx);
    if (event == NULL) break;
    if (parse_asserts(event)) script->assertions++;
    *tail = event;
    tail = &event->next;
  }
  if (lx->error == NULL && script->events == NULL)
    lex_fail(lx, lx->token.place, "the script is empty");
  if (lx->error == NULL && script->assertions == 0)
    lex_fail(lx, lx->token.place, "the script asserts nothing: no packet out, no result");
}

static int script_load(struct script *script)
{
  FILE *file = fopen(script->path, "rb");
  if (file == NULL) return -1;
  size_t room = 0;
  for (;;) {
    if (script->source_bytes + 1 >= room) {
      room = room == 0 ? 16384 : 2 * room;
      char *more = realloc(script->source, room);
      if (more == NULL) break;
      script->source = more;
    }
    size_t n =
        fread(script->source + script->source_bytes, 1, room - script->source_bytes - 1, file);
    if (n == 0) break;
    script->source_bytes += n;
  }
  int failed = ferror(file);
  int error = errno;
  fclose(file);
  errno = error;
  if (failed || script->source == NULL) return -1;
  script->source[script->source_bytes] = '\0';
  return 0;
}

int script_read(struct script *script, const char *path)
{
  *script = (struct script){.path = path};
  if (script_load(script) != 0) {
    snprintf(script->error_text, sizeof script->error_text, "cannot be read: %s", strerror(errno));
    script->error = script->error_text;
    return -1;
  }
  struct lex lx;
  lex_start(&lx, script->source, script->source_bytes);
  parse_all(script, &lx);
  if (lx.error == NULL) return 0;
  script->error = lx.error;
  script->error_place = lx.error_place;
  return -1;
}
