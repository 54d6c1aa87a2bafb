// SPDX-License-Identifier: BSD-2-Clause
// parse_options.c - TCP options: <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>
#include "script.h"

#include <string.h>

// Writes into p->option_bytes; too much is an error at the place of the option.
static void option_put(struct lex *lx, struct packet_spec *p, uint64_t value, unsigned bytes)
{
  if (p->option_count + bytes > ESTAB_TCP_OPTIONS_BYTES) {
    lex_fail(lx, lx->token.place, "more than 40 bytes of options");
    return;
  }
  for (unsigned i = bytes; i-- > 0;)
    p->option_bytes[p->option_count++] = (uint8_t)(value >> 8 * i);
}

static bool option_number(struct lex *lx, uint64_t most, uint64_t *value)
{
  lex_next(lx);
  if (lx->token.kind != TOKEN_INTEGER || lx->token.value < 0 || (uint64_t)lx->token.value > most) {
    lex_fail(lx, lx->token.place, "a number is expected here, or it is too large");
    return false;
  }
  *value = (uint64_t)lx->token.value;
  return true;
}

static bool option_expect(struct lex *lx, const char *word, const char *error)
{
  lex_next(lx);
  if (token_is_word(&lx->token, word)) return true;
  lex_fail(lx, lx->token.place, error);
  return false;
}

static void option_timestamps(struct lex *lx, struct packet_spec *p)
{
  uint64_t value, echo;
  if (!option_expect(lx, "val", "TS val N ecr N") || !option_number(lx, UINT32_MAX, &value) ||
      !option_expect(lx, "ecr", "TS val N ecr N") || !option_number(lx, UINT32_MAX, &echo))
    return;
  option_put(lx, p, 0x080a, 2);
  p->ts_value_at = p->option_count;
  option_put(lx, p, value, 4);
  p->ts_echo_at = p->option_count;
  option_put(lx, p, echo, 4);
  lex_next(lx);
}

static void option_sack(struct lex *lx, struct packet_spec *p)
{
  size_t head = p->option_count;
  option_put(lx, p, 0x0500, 2);
  p->sack_at = p->option_count;
  lex_next(lx);
  while (lx->error == NULL && lx->token.kind == TOKEN_INTEGER) {
    uint64_t start = (uint64_t)lx->token.value, end;
    lex_next(lx);
    if (!token_is_mark(&lx->token, ':')) {
      lex_fail(lx, lx->token.place, "SACK blocks are written first:last");
      return;
    }
    if (!option_number(lx, UINT32_MAX, &end)) return;
    option_put(lx, p, start, 4);
    option_put(lx, p, end, 4);
    p->sack_count++;
    lex_next(lx);
  }
  if (lx->error == NULL) p->option_bytes[head + 1] = (uint8_t)(p->option_count - head);
}

static int option_hex(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// FO, or FO and a cookie in hexadecimal, or a name for one; FOEXP the same in the experimental form.
static void option_cookie(struct script *script, struct lex *lx, struct packet_spec *p)
{
  size_t head = p->option_count;
  if (token_is_word(&lx->token, "FO"))
    option_put(lx, p, 0x2200, 2);
  else
    option_put(lx, p, 0xfe00f989, 4);
  lex_next(lx);
  if (lx->token.kind == TOKEN_WORD || lx->token.kind == TOKEN_INTEGER) {
    const struct token *t = &lx->token;
    size_t digits = 0;
    while (digits < t->length && option_hex(t->text[digits]) >= 0)
      digits++;
    if (digits == t->length && digits % 2 == 0) {
      for (size_t i = 0; i < digits && lx->error == NULL; i += 2)
        option_put(lx, p, (uint64_t)(option_hex(t->text[i]) << 4 | option_hex(t->text[i + 1])), 1);
    } else {
      p->cookie_name = script_text(script, t->text, t->length);
      p->cookie_at = p->option_count;
      option_put(lx, p, 0, 8);
    }
    lex_next(lx);
  }
  if (lx->error == NULL) p->option_bytes[head + 1] = (uint8_t)(p->option_count - head);
}

// ECN e1b 1 ceb 0 e0b 1: RFC 9768's counters, kind 174 when e1b leads, else 172.
static void option_accecn(struct lex *lx, struct packet_spec *p)
{
  size_t head = p->option_count;
  option_put(lx, p, 0xac02, 2);
  lex_next(lx);
  if (token_is_word(&lx->token, "e1b")) p->option_bytes[head] = 174;
  while (lx->error == NULL && lx->token.kind == TOKEN_WORD) {
    uint64_t count;
    if (!option_number(lx, 0xffffff, &count)) return;
    option_put(lx, p, count, 3);
    lex_next(lx);
  }
  if (lx->error == NULL) p->option_bytes[head + 1] = (uint8_t)(p->option_count - head);
}

static void option_one(struct script *script, struct lex *lx, struct packet_spec *p)
{
  const struct token t = lx->token;
  uint64_t n;
  if (token_is_word(&t, "nop") || token_is_word(&t, "eol")) {
    option_put(lx, p, token_is_word(&t, "nop"), 1);
    lex_next(lx);
  } else if (token_is_word(&t, "mss")) {
    if (!option_number(lx, UINT16_MAX, &n)) return;
    option_put(lx, p, 0x02040000 | n, 4);
    lex_next(lx);
  } else if (token_is_word(&t, "wscale")) {
    if (!option_number(lx, UINT8_MAX, &n)) return;
    option_put(lx, p, 0x030300 | n, 3);
    lex_next(lx);
  } else if (token_is_word(&t, "sackOK")) {
    option_put(lx, p, 0x0402, 2);
    lex_next(lx);
  } else if (token_is_word(&t, "sack")) {
    option_sack(lx, p);
  } else if (token_is_word(&t, "TS")) {
    option_timestamps(lx, p);
  } else if (token_is_word(&t, "uto")) {
    if (!option_number(lx, UINT16_MAX, &n)) return;
    option_put(lx, p, 0x1c040000 | n, 4);
    lex_next(lx);
  } else if (token_is_word(&t, "FO") || token_is_word(&t, "FOEXP")) {
    option_cookie(script, lx, p);
  } else if (token_is_word(&t, "ECN")) {
    option_accecn(lx, p);
  } else if (p->inbound && lx->token.kind == TOKEN_INTEGER) { // an own word: one raw byte
    option_put(lx, p, (uint64_t)lx->token.value & 0xff, 1);
    lex_next(lx);
  } else {
    lex_fail(lx, t.place, "unknown TCP option");
  }
}

bool parse_tcp_options(struct script *script, struct lex *lx, struct packet_spec *p)
{
  p->has_options = true;
  lex_next(lx);
  if (lx->token.kind == TOKEN_ELLIPSIS) {
    p->any_options = true;
    lex_next(lx);
  } else {
    while (lx->error == NULL) {
      option_one(script, lx, p);
      if (!token_is_mark(&lx->token, ',')) break;
      lex_next(lx);
    }
  }
  if (lx->error == NULL && !token_is_mark(&lx->token, '>'))
    lex_fail(lx, lx->token.place, "options end with >");
  if (lx->error != NULL) return false;
  lex_next(lx);
  // Some scripts leave the padding out; a header has whole words.
  while (p->option_count % 4 != 0)
    p->option_bytes[p->option_count++] = 0;
  estab_tcp_options_parse(p->option_bytes, p->option_count, &p->options);
  return true;
}
