// SPDX-License-Identifier: BSD-2-Clause
// ip.c - addresses: made, compared, read from text and written as text.
#include <string.h>

#include "base/bytes.h"
#include "base/fmt.h"
#include "base/tuple.h"

static const uint8_t ip_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct estab_ip estab_ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
  struct estab_ip ip = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
  return ip;
}

bool estab_ip_is4(const struct estab_ip *ip)
{
  return memcmp(ip->bytes, ip_mapped, sizeof ip_mapped) == 0;
}

bool estab_ip_equal(const struct estab_ip *a, const struct estab_ip *b)
{
  return ip_equal(a, b);
}

bool estab_ip_is_any(const struct estab_ip *ip)
{
  static const uint8_t zero[12];
  const uint8_t *b = ip->bytes;
  return memcmp(b + 12, zero, 4) == 0 && (memcmp(b, zero, 12) == 0 || estab_ip_is4(ip));
}

// Four decimal numbers and the end of the text. Leading zeros are refused: some read them as octal.
static bool ip_parse4(const char *p, uint8_t out[4])
{
  for (unsigned i = 0; i < 4; i++) {
    if (i && *p++ != '.') return false;
    if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9')) return false;
    unsigned value = 0;
    while (*p >= '0' && *p <= '9') {
      value = value * 10 + (unsigned)(*p++ - '0');
      if (value > 255) return false;
    }
    out[i] = (uint8_t)value;
  }
  return *p == '\0';
}

static int ip_hex_digit(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// One group of 1 to 4 hexadecimal digits; how many characters it has, 0 = none is there.
static unsigned ip_parse_group(const char *p, uint8_t out[2])
{
  unsigned n = 0, value = 0;
  while (n < 5 && ip_hex_digit(p[n]) >= 0)
    value = value << 4 | (unsigned)ip_hex_digit(p[n++]);
  if (n > 4) return 0;
  put_be16(out, (uint16_t)value);
  return n;
}

// The forms of RFC 4291 2.2: all groups, "::" once for one or more zero groups, IPv4 at the end.
static bool ip_parse6(const char *p, uint8_t out[16])
{
  uint8_t bytes[16] = {0};
  unsigned at = 0, gap = 17; // bytes filled; where "::" stands, 17 = nowhere
  if (p[0] == ':' && p[1] == ':') {
    gap = 0;
    p += 2;
  }
  while (*p) {
    if (at == 16) return false;
    if (at <= 12 && ip_parse4(p, bytes + at)) {
      at += 4;
      break;
    }
    unsigned n = ip_parse_group(p, bytes + at);
    if (n == 0) return false;
    p += n;
    at += 2;
    if (*p == '\0') break;
    if (*p++ != ':') return false;
    if (*p == ':' && gap == 17) {
      gap = at;
      p++;
    } else if (*p == '\0') {
      return false;
    }
  }
  if (gap == 17 ? at != 16 : at > 14) return false;
  memset(out, 0, 16);
  if (gap > at) gap = at;
  memcpy(out, bytes, gap);
  memcpy(out + 16 - (at - gap), bytes + gap, at - gap);
  return true;
}

int estab_ip_parse(const char *text, struct estab_ip *ip)
{
  uint8_t bytes[16];
  if (ip_parse4(text, bytes)) {
    *ip = estab_ip4(bytes[0], bytes[1], bytes[2], bytes[3]);
    return 0;
  }
  if (!ip_parse6(text, bytes)) return ESTAB_ERR_INVALID;
  memcpy(ip->bytes, bytes, sizeof ip->bytes);
  return 0;
}

size_t estab_ip_format(const struct estab_ip *ip, char *text, size_t text_bytes)
{
  struct fmt f;
  fmt_init(&f, text, text_bytes);
  fmt_ip(&f, ip);
  return fmt_length(&f);
}
