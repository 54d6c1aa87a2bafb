// SPDX-License-Identifier: BSD-2-Clause
// parse_call.c - calls: read(4, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)
#include "script.h"

#include <string.h>

static struct value *parse_value(struct script *script, struct lex *lx, unsigned depth);

static struct value *value_new(struct script *script, struct lex *lx, enum value_kind kind)
{
  struct value *v = script_take(script, sizeof *v);
  v->kind = kind;
  v->place = lx->token.place;
  return v;
}

// Values up to `end`, separated by commas; the first one goes to *items.
static bool parse_values(struct script *script, struct lex *lx, char end, struct value **items,
                         unsigned depth)
{
  lex_next(lx);
  if (token_is_mark(&lx->token, end)) {
    lex_next(lx);
    return true;
  }
  for (;;) {
    struct value *v = parse_value(script, lx, depth + 1);
    if (v == NULL) return false;
    *items = v;
    items = &v->next;
    if (token_is_mark(&lx->token, end)) break;
    if (!token_is_mark(&lx->token, ',')) {
      lex_fail(lx, lx->token.place, "a comma or the closing bracket is missing");
      return false;
    }
    lex_next(lx);
  }
  lex_next(lx);
  return true;
}

// The member of a struct after its name: "= value", or "(n) = value".
static bool parse_member(struct script *script, struct lex *lx, struct value **v, unsigned depth)
{
  struct value *name = *v;
  if (!token_is_mark(&lx->token, '=')) return true;
  lex_next(lx);
  *v = parse_value(script, lx, depth + 1);
  if (*v == NULL) return false;
  (*v)->name = name->text;
  return true;
}

static struct value *parse_word_value(struct script *script, struct lex *lx, unsigned depth)
{
  struct value *v = value_new(script, lx, VALUE_WORD);
  v->text = script_text(script, lx->token.text, lx->token.length);
  lex_next(lx);
  if (token_is_mark(&lx->token, '(')) {
    v->kind = VALUE_CALL;
    if (!parse_values(script, lx, ')', &v->items, depth)) return NULL;
  }
  if (depth > 0 && !parse_member(script, lx, &v, depth)) return NULL;
  return v;
}

static struct value *parse_one(struct script *script, struct lex *lx, unsigned depth)
{
  struct value *v;
  switch (lx->token.kind) {
  case TOKEN_ELLIPSIS:
    v = value_new(script, lx, VALUE_ANY);
    lex_next(lx);
    return v;
  case TOKEN_INTEGER:
    v = value_new(script, lx, VALUE_INTEGER);
    v->number = lx->token.value;
    lex_next(lx);
    return v;
  case TOKEN_STRING:
    v = value_new(script, lx, VALUE_STRING);
    v->text = script_text(script, lx->token.text, lx->token.length);
    lex_next(lx);
    if (lx->token.kind == TOKEN_ELLIPSIS) lex_next(lx); // "text"...: more follows
    return v;
  case TOKEN_WORD: return parse_word_value(script, lx, depth);
  case TOKEN_MARK:
    if (lx->token.mark != '[' && lx->token.mark != '{') break;
    v = value_new(script, lx, lx->token.mark == '[' ? VALUE_LIST : VALUE_STRUCT);
    return parse_values(script, lx, lx->token.mark == '[' ? ']' : '}', &v->items, depth) ? v : NULL;
  case TOKEN_END:
  case TOKEN_DECIMAL:
  case TOKEN_COMMAND:
  case TOKEN_CODE:
  case TOKEN_OPTION:
  case TOKEN_FLAGS: break;
  }
  lex_fail(lx, lx->token.place, "an argument is expected here");
  return NULL;
}

static struct value *parse_value(struct script *script, struct lex *lx, unsigned depth)
{
  if (depth > 8) {
    lex_fail(lx, lx->token.place, "brackets nested too deep");
    return NULL;
  }
  struct value *first = parse_one(script, lx, depth);
  if (first == NULL || !token_is_mark(&lx->token, '|')) return first;
  struct value *either = value_new(script, lx, VALUE_OR);
  either->items = first;
  either->name = first->name;
  while (token_is_mark(&lx->token, '|')) {
    lex_next(lx);
    first->next = parse_one(script, lx, 0);
    if (first->next == NULL) return NULL;
    first = first->next;
  }
  return either;
}

// (Operation now in progress): said for people.
static bool parse_note(struct lex *lx)
{
  if (!token_is_mark(&lx->token, '(')) return true;
  while (lx->token.kind != TOKEN_END && !token_is_mark(&lx->token, ')'))
    lex_next(lx);
  if (lx->token.kind == TOKEN_END) {
    lex_fail(lx, lx->token.place, ") is missing");
    return false;
  }
  lex_next(lx);
  return true;
}

// System calls, those that are not played here too.
static bool parse_call_known(const char *name)
{
  static const char *const names[] = {
      "socket",     "bind",       "listen", "accept",      "accept4",    "connect",
      "read",       "readv",      "recv",   "recvfrom",    "recvmsg",    "write",
      "writev",     "send",       "sendto", "sendmsg",     "shutdown",   "close",
      "getsockopt", "setsockopt", "fcntl",  "ioctl",       "poll",       "epoll_create",
      "epoll_ctl",  "epoll_wait", "pipe",   "splice",      "open",       "sendfile",
      "cap_set",    "socketpair", "select", "getpeername", "getsockname"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

struct call *parse_call(struct script *script, struct lex *lx)
{
  struct call *call = script_take(script, sizeof *call);
  call->place = lx->token.place;
  if (lx->token.kind != TOKEN_WORD) {
    lex_fail(lx, lx->token.place, "the name of a call is expected here");
    return NULL;
  }
  call->name = script_text(script, lx->token.text, lx->token.length);
  if (!parse_call_known(call->name)) {
    lex_fail(lx, lx->token.place, "unknown call");
    return NULL;
  }
  lex_next(lx);
  if (!token_is_mark(&lx->token, '(')) {
    lex_fail(lx, lx->token.place, "( is missing");
    return NULL;
  }
  if (!parse_values(script, lx, ')', &call->arguments, 0)) return NULL;
  if (!token_is_mark(&lx->token, '=')) {
    lex_fail(lx, lx->token.place, "= and the result are missing");
    return NULL;
  }
  lex_next(lx);
  call->result = parse_value(script, lx, 0);
  if (call->result == NULL) return NULL;
  if (lx->token.kind == TOKEN_WORD) {
    call->error = script_text(script, lx->token.text, lx->token.length);
    lex_next(lx);
  }
  return parse_note(lx) ? call : NULL;
}
