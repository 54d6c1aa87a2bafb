// SPDX-License-Identifier: BSD-2-Clause
// parse_icmp.c - ICMP errors: < icmp unreachable frag_needed mtu 1400 [1:1461(1460)]
#include "script.h"

#include <stdlib.h>
#include <string.h>

#define ICMP_NONE 255 // this family has no such message

// Words of both families; the quoted packet and the family of the run decide which is sent.
static const struct icmp_word {
  const char *type, *code; // code "" = none is written
  uint8_t type4, code4, type6, code6;
} icmp_words[] = {
    {"unreachable", "net_unreachable", 3, 0, 1, 0},
    {"unreachable", "host_unreachable", 3, 1, 1, 3},
    {"unreachable", "protocol_unreachable", 3, 2, ICMP_NONE, 0},
    {"unreachable", "port_unreachable", 3, 3, 1, 4},
    {"unreachable", "frag_needed", 3, 4, 2, 0},
    {"unreachable", "source_route_failed", 3, 5, ICMP_NONE, 0},
    {"unreachable", "net_unknown", 3, 6, ICMP_NONE, 0},
    {"unreachable", "host_unknown", 3, 7, ICMP_NONE, 0},
    {"unreachable", "source_host_isolated", 3, 8, ICMP_NONE, 0},
    {"unreachable", "net_prohibited", 3, 9, ICMP_NONE, 0},
    {"unreachable", "host_prohibited", 3, 10, ICMP_NONE, 0},
    {"unreachable", "net_unreachable_for_tos", 3, 11, ICMP_NONE, 0},
    {"unreachable", "host_unreachable_for_tos", 3, 12, ICMP_NONE, 0},
    {"unreachable", "packet_filtered", 3, 13, 1, 1},
    {"unreachable", "precedence_violation", 3, 14, ICMP_NONE, 0},
    {"unreachable", "precedence_cutoff", 3, 15, ICMP_NONE, 0},
    {"unreachable", "no_route", ICMP_NONE, 0, 1, 0},
    {"unreachable", "admin_prohibited", ICMP_NONE, 0, 1, 1},
    {"unreachable", "not_neighbour", ICMP_NONE, 0, 1, 2},
    {"unreachable", "address_unreachable", ICMP_NONE, 0, 1, 3},
    {"packet_too_big", "", ICMP_NONE, 0, 2, 0},
    {"source_quench", "", 4, 0, ICMP_NONE, 0},
    {"redirect", "", 5, 0, 137, 0},
    {"time_exceeded", "ttl_exceeded_in_transit", 11, 0, 3, 0},
    {"time_exceeded", "exceeded_hop_limit", ICMP_NONE, 0, 3, 0},
    {"time_exceeded", "frag_reass_exceeded", 11, 1, 3, 1},
    {"time_exceeded", "exceeded_frag_time", ICMP_NONE, 0, 3, 1},
    {"parameter_problem", "code_0", 12, 0, 4, 0},
    {"parameter_problem", "code_1", 12, 1, 4, 1},
    {"parameter_problem", "code_2", 12, 2, 4, 2},
    {"parameter_problem", "header_field", ICMP_NONE, 0, 4, 0},
    {"parameter_problem", "unknown_next_header", ICMP_NONE, 0, 4, 1},
    {"parameter_problem", "unknown_option", ICMP_NONE, 0, 4, 2},
    {"parameter_problem", "incomplete_chain", ICMP_NONE, 0, 4, 3}, // own word: RFC 7112 5
};

static bool icmp_kind(struct lex *lx, struct packet_spec *p)
{
  struct token type = lx->token;
  lex_next(lx);
  bool coded = lx->token.kind == TOKEN_WORD && !token_is_word(&lx->token, "mtu");
  for (size_t i = 0; i < sizeof icmp_words / sizeof *icmp_words; i++) {
    const struct icmp_word *w = &icmp_words[i];
    if (!token_is_word(&type, w->type)) continue;
    if (coded ? !token_is_word(&lx->token, w->code) : w->code[0] != '\0') continue;
    p->icmp_spec.type4 = w->type4;
    p->icmp_spec.code4 = w->code4;
    p->icmp_spec.type6 = w->type6;
    p->icmp_spec.code6 = w->code6;
    if (coded) lex_next(lx);
    return true;
  }
  lex_fail(lx, type.place, "unknown ICMP type or code");
  return false;
}

static bool icmp_number(struct lex *lx, uint32_t *value)
{
  if (lx->token.kind != TOKEN_INTEGER || lx->token.value < 0 || lx->token.value > UINT32_MAX) {
    lex_fail(lx, lx->token.place, "a number is expected here");
    return false;
  }
  *value = (uint32_t)lx->token.value;
  lex_next(lx);
  return true;
}

static bool icmp_mark(struct lex *lx, char mark)
{
  if (!token_is_mark(&lx->token, mark)) {
    lex_fail(lx, lx->token.place, "the quoted segment is written [first:last(length)]");
    return false;
  }
  lex_next(lx);
  return true;
}

bool parse_icmp(struct script *script, struct lex *lx, struct packet_spec *p)
{
  (void)script;
  uint32_t last;
  lex_next(lx);
  if (lx->token.kind != TOKEN_WORD) {
    lex_fail(lx, lx->token.place, "an ICMP type is expected here");
    return false;
  }
  if (!icmp_kind(lx, p)) return false;
  if (token_is_word(&lx->token, "mtu")) {
    lex_next(lx);
    if (!icmp_number(lx, &p->icmp_spec.mtu)) return false;
  }
  return icmp_mark(lx, '[') && icmp_number(lx, &p->icmp_spec.seq) && icmp_mark(lx, ':') &&
         icmp_number(lx, &last) && icmp_mark(lx, '(') &&
         icmp_number(lx, &p->icmp_spec.text_bytes) && icmp_mark(lx, ')') && icmp_mark(lx, ']');
}
