// SPDX-License-Identifier: BSD-2-Clause
// community_id.c - Community ID version 1: base 64 of SHA-1 over seed, ordered endpoints and protocol.
#include "community_id.h"

#include <string.h>

#include "sha1.h"

#define MESSAGE_BYTES 40 // two IPv6 addresses and eight octets

static char *base64_group(char *text, uint32_t group)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  text[0] = digits[group >> 18];
  text[1] = digits[group >> 12 & 63];
  text[2] = digits[group >> 6 & 63];
  text[3] = digits[group & 63];
  return text + 4;
}

// 27 digits, and one of padding.
static char *base64(const uint8_t digest[SHA1_BYTES], char *text)
{
  for (unsigned i = 0; i + 3 <= SHA1_BYTES; i += 3)
    text = base64_group(text,
                        (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | digest[i + 2]);
  text = base64_group(text, (uint32_t)digest[SHA1_BYTES - 2] << 16 |
                                (uint32_t)digest[SHA1_BYTES - 1] << 8);
  text[-1] = '=';
  *text = '\0';
  return text;
}

char *community_id(const struct estab_watch_conn *c, char text[COMMUNITY_ID_TEXT])
{
  bool ip4 = estab_ip_is4(&c->orig_ip) && estab_ip_is4(&c->resp_ip);
  size_t skip = ip4 ? 12 : 0, n = 16 - skip;
  const uint8_t *a = c->orig_ip.bytes + skip, *b = c->resp_ip.bytes + skip;
  uint16_t a_port = c->orig_port, b_port = c->resp_port;
  int order = memcmp(a, b, n);
  if (order > 0 || (order == 0 && a_port > b_port)) {
    const uint8_t *swap = a;
    uint16_t swap_port = a_port;
    a = b;
    b = swap;
    a_port = b_port;
    b_port = swap_port;
  }
  uint8_t message[MESSAGE_BYTES] = {0, 0}, digest[SHA1_BYTES]; // seed 0
  size_t used = 2;
  memcpy(message + used, a, n);
  memcpy(message + used + n, b, n);
  used += 2 * n;
  message[used++] = 6; // TCP
  message[used++] = 0;
  message[used++] = (uint8_t)(a_port >> 8);
  message[used++] = (uint8_t)a_port;
  message[used++] = (uint8_t)(b_port >> 8);
  message[used++] = (uint8_t)b_port;
  sha1_short(message, used, digest);
  memcpy(text, "1:", 2);
  return base64(digest, text + 2);
}
