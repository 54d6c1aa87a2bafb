// SPDX-License-Identifier: BSD-2-Clause
// parse_packet.c - packets: < [ect0] S. 0:0(0) ack 1 win 65535 urg 1 <mss 1460>
#include "script.h"

#include <ctype.h>
#include <string.h>

static bool parse_word(struct lex *lx, const char *word)
{
  if (!token_is_word(&lx->token, word)) return false;
  lex_next(lx);
  return true;
}

static bool parse_mark(struct lex *lx, char mark, const char *error)
{
  if (!token_is_mark(&lx->token, mark)) {
    lex_fail(lx, lx->token.place, error);
    return false;
  }
  lex_next(lx);
  return true;
}

static bool parse_number(struct lex *lx, uint64_t most, uint64_t *value)
{
  if (lx->token.kind != TOKEN_INTEGER || lx->token.value < 0 || (uint64_t)lx->token.value > most) {
    lex_fail(lx, lx->token.place, "a number is expected here, or it is too large");
    return false;
  }
  *value = (uint64_t)lx->token.value;
  lex_next(lx);
  return true;
}

// A codepoint of the ECN field.
static bool parse_ecn(struct lex *lx, struct packet_spec *p)
{
  static const struct {
    const char *word;
    enum ecn_expected ecn;
  } words[] = {
      {"noecn", ECN_NONE}, {"ect0", ECN_0}, {"ect1", ECN_1}, {"ce", ECN_CE}, {"ect01", ECN_0_OR_1}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (parse_word(lx, words[i].word)) {
      p->ecn = words[i].ecn;
      return true;
    }
  return false;
}

// A word for the IP header: a codepoint, ttl N, tos N; own words, for packets that arrive: frag first:last, id N,
// badsum.
static bool parse_ip_word(struct lex *lx, struct packet_spec *p)
{
  uint64_t n, m;
  if (parse_ecn(lx, p)) return true;
  if (parse_word(lx, "ttl")) {
    p->has_ttl = true;
    if (!parse_number(lx, UINT8_MAX, &n)) return false;
    p->ttl = (uint8_t)n;
  } else if (parse_word(lx, "tos")) {
    p->has_tos = true;
    if (!parse_number(lx, UINT8_MAX, &n)) return false;
    p->tos = (uint8_t)n;
  } else if (p->inbound && parse_word(lx, "badsum")) {
    p->bad_checksum = true;
  } else if (p->inbound && parse_word(lx, "id")) {
    if (!parse_number(lx, UINT16_MAX, &n)) return false;
    p->ip_id = (uint32_t)n;
  } else if (p->inbound && parse_word(lx, "frag")) {
    p->fragment = true;
    if (!parse_number(lx, 65528, &n) || !parse_mark(lx, ':', "a fragment is written first:last") ||
        !parse_number(lx, 65535, &m))
      return false;
    p->frag_begin = (uint32_t)n;
    p->frag_end = (uint32_t)m;
  } else {
    lex_fail(lx, lx->token.place,
             "in [ ]: noecn ect0 ect1 ect01 ce, ttl N, tos N, frag first:last, id N, badsum");
    return false;
  }
  return true;
}

static bool parse_ip(struct lex *lx, struct packet_spec *p)
{
  if (!token_is_mark(&lx->token, '[')) return true;
  do {
    lex_next(lx);
    if (!parse_ip_word(lx, p)) return false;
  } while (token_is_mark(&lx->token, ','));
  return parse_mark(lx, ']', "] is missing");
}

// S F R P U E W A . - and, for RFC 9768's ACE field, a digit.
static bool parse_flags(struct lex *lx, struct packet_spec *p)
{
  static const char letters[] = "FSRP.UEWA";
  lex_flags(lx);
  const struct token *t = &lx->token;
  for (size_t i = 0; i < t->length; i++) {
    char c = t->text[i];
    const char *found = memchr(letters, c, sizeof letters - 1);
    if (found != NULL) {
      unsigned bit = 1u << (found - letters);
      if ((p->flags & bit) != 0) {
        lex_fail(lx, t->place, "a flag is there twice");
        return false;
      }
      p->flags = (uint16_t)(p->flags | bit);
    } else if (c >= '0' && c <= '7' && !p->ace_given) {
      p->ace_given = true;
      unsigned ace = (unsigned)(c - '0');
      p->flags = (uint16_t)(p->flags | ace << 6); // ECE, CWR, AE from the lowest bit up
    } else if (c != '-' || t->length != 1) {
      lex_fail(lx, t->place, "flags are letters of SFRPUEWA, a point for ACK, or - for none");
      return false;
    }
  }
  lex_next(lx);
  return true;
}

// first:last(length), or ...(length)
static bool parse_sequence(struct lex *lx, struct packet_spec *p)
{
  uint64_t first = 0, last = 0, length;
  struct place place = lx->token.place;
  if (!p->inbound && lx->token.kind == TOKEN_ELLIPSIS) {
    p->any_seq = true;
    lex_next(lx);
  } else if (!parse_number(lx, UINT32_MAX, &first) ||
             !parse_mark(lx, ':', "sequence numbers are written first:last(length)") ||
             !parse_number(lx, UINT32_MAX, &last)) {
    return false;
  }
  if (!parse_mark(lx, '(', "sequence numbers are written first:last(length)") ||
      !parse_number(lx, UINT32_MAX, &length) || !parse_mark(lx, ')', ") is missing"))
    return false;
  p->seq = (uint32_t)first;
  p->text_bytes = (uint32_t)length;
  if (!p->any_seq && (uint32_t)(first + length) != (uint32_t)last) {
    lex_fail(lx, place, "first + length is not last");
    return false;
  }
  if (p->inbound && length > 65000) {
    lex_fail(lx, place, "no packet is that long");
    return false;
  }
  return true;
}

static bool parse_tcp(struct script *script, struct lex *lx, struct packet_spec *p)
{
  uint64_t n;
  if (!parse_flags(lx, p) || !parse_sequence(lx, p)) return false;
  for (;;) {
    if (!p->has_ack && parse_word(lx, "ack")) {
      if (!parse_number(lx, UINT32_MAX, &n)) return false;
      p->has_ack = true;
      p->ack = (uint32_t)n;
    } else if (!p->has_window && parse_word(lx, "win")) {
      if (!parse_number(lx, UINT16_MAX, &n)) return false;
      p->has_window = true;
      p->window = (uint16_t)n;
    } else if (!p->has_urgent && parse_word(lx, "urg")) {
      if (!parse_number(lx, UINT16_MAX, &n)) return false;
      p->has_urgent = true;
      p->urgent = (uint16_t)n;
    } else {
      break;
    }
  }
  if (token_is_mark(&lx->token, '<')) return parse_tcp_options(script, lx, p);
  return true;
}

struct packet_spec *parse_packet(struct script *script, struct lex *lx)
{
  struct packet_spec *p = script_take(script, sizeof *p);
  p->place = lx->token.place;
  p->begin = lx->token.begin;
  p->inbound = lx->token.mark == '<';
  lex_next(lx);
  bool read;
  if (!parse_ip(lx, p)) return NULL;
  if (token_is_word(&lx->token, "icmp")) {
    p->icmp = true;
    read = parse_icmp(script, lx, p);
  } else if (token_is_word(&lx->token, "udp")) {
    lex_fail(lx, lx->token.place, "UDP packets are not spoken here");
    read = false;
  } else {
    read = parse_tcp(script, lx, p);
  }
  if (!read || lx->error != NULL) return NULL;
  p->end = lx->token.begin;
  while (p->end > p->begin && isspace((unsigned char)script->source[p->end - 1]))
    p->end--;
  // A comment behind the packet is not part of it.
  for (size_t i = p->begin; i + 1 < p->end; i++)
    if (script->source[i] == '\n' || (script->source[i] == '/' && script->source[i + 1] == '/')) {
      p->end = i;
      break;
    }
  return p;
}
