// SPDX-License-Identifier: BSD-2-Clause
// community_id.c - Community ID version 1: base 64 of SHA-1 over seed, ordered endpoints and protocol.
#include "community_id.h"

#include <string.h>

#include "octets.h"

#define PROTOCOL_TCP 6

// The message, in the block's words: seed 0 in two octets, addresses, protocol, a zero, ports; then its padding.
static void message4(const struct estab_watch_conn *c, uint32_t w[SHA1_BLOCK_WORDS])
{
  const uint64_t orig = (uint64_t)octets_get32(c->orig_ip.bytes + 12) << 16 | c->orig_port;
  const uint64_t resp = (uint64_t)octets_get32(c->resp_ip.bytes + 12) << 16 | c->resp_port;
  const uint64_t a = orig < resp ? orig : resp, b = orig < resp ? resp : orig;
  memset(w, 0, SHA1_BLOCK_WORDS * sizeof *w);
  w[0] = (uint32_t)(a >> 32);
  w[1] = (uint32_t)(a >> 16) << 16 | (uint32_t)(b >> 32);
  w[2] = (uint32_t)(b >> 16) << 16 | PROTOCOL_TCP << 8;
  w[3] = (uint32_t)a << 16 | (uint16_t)b;
  w[4] = UINT32_C(1) << 31;
  w[15] = 16 * 8;
}

static void message6(const struct estab_watch_conn *c, uint32_t w[SHA1_BLOCK_WORDS])
{
  const int order = memcmp(&c->orig_ip, &c->resp_ip, sizeof c->orig_ip);
  const bool turned = order > 0 || (order == 0 && c->orig_port > c->resp_port);
  const struct estab_ip *const ip[2] = {turned ? &c->resp_ip : &c->orig_ip,
                                        turned ? &c->orig_ip : &c->resp_ip};
  const uint16_t ports[2] = {turned ? c->resp_port : c->orig_port,
                             turned ? c->orig_port : c->resp_port};
  uint32_t before = 0; // its low half is not written yet
  memset(w, 0, SHA1_BLOCK_WORDS * sizeof *w);
  for (unsigned i = 0; i < 8; i++) {
    const uint32_t word = octets_get32(ip[i / 4]->bytes + 4 * (i % 4));
    w[i] = before << 16 | word >> 16;
    before = word;
  }
  w[8] = before << 16 | PROTOCOL_TCP << 8;
  w[9] = (uint32_t)ports[0] << 16 | ports[1];
  w[10] = UINT32_C(1) << 31;
  w[15] = 40 * 8;
}

void community_id_block(const struct estab_watch_conn *c, uint32_t block[SHA1_BLOCK_WORDS])
{
  if (estab_ip_is4(&c->orig_ip) && estab_ip_is4(&c->resp_ip))
    message4(c, block);
  else
    message6(c, block);
}

char *community_id(const uint32_t block[SHA1_BLOCK_WORDS], char text[COMMUNITY_ID_ROOM])
{
  memcpy(text, "1:", 2);
  sha1_text(block, text + 2);
  text[COMMUNITY_ID_TEXT] = '\0';
  return text + COMMUNITY_ID_TEXT;
}
