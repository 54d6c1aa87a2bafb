// SPDX-License-Identifier: BSD-2-Clause
// icmp.c - the 8 bytes at the head of ICMP (RFC 792) and ICMPv6 (RFC 4443) messages.

#include <estab/wire.h>
#include "base/bytes.h"

// What bytes 4..7 mean depends on the type.
enum icmp_rest {
  ICMP_REST_OTHER,
  ICMP_REST_ECHO,     // identifier, sequence number
  ICMP_REST_UNUSED,   // an error with nothing to say there
  ICMP_REST_MTU16,    // RFC 1191 4: the low half
  ICMP_REST_MTU32,    // RFC 4443 3.2
  ICMP_REST_POINTER8, // RFC 792: the first byte
  ICMP_REST_POINTER32,
};

static enum icmp_rest icmp4_rest(unsigned type, unsigned code)
{
  switch (type) {
  case ESTAB_ICMP4_ECHO:
  case ESTAB_ICMP4_ECHO_REPLY: return ICMP_REST_ECHO;
  case ESTAB_ICMP4_UNREACHABLE:
    return code == ESTAB_ICMP4_CODE_FRAG_NEEDED ? ICMP_REST_MTU16 : ICMP_REST_UNUSED;
  case ESTAB_ICMP4_TIME_EXCEEDED: return ICMP_REST_UNUSED;
  case ESTAB_ICMP4_PARAMETER_PROBLEM: return ICMP_REST_POINTER8;
  default: return ICMP_REST_OTHER;
  }
}

static enum icmp_rest icmp6_rest(unsigned type)
{
  switch (type) {
  case ESTAB_ICMP6_ECHO:
  case ESTAB_ICMP6_ECHO_REPLY: return ICMP_REST_ECHO;
  case ESTAB_ICMP6_UNREACHABLE:
  case ESTAB_ICMP6_TIME_EXCEEDED: return ICMP_REST_UNUSED;
  case ESTAB_ICMP6_PACKET_TOO_BIG: return ICMP_REST_MTU32;
  case ESTAB_ICMP6_PARAMETER_PROBLEM: return ICMP_REST_POINTER32;
  default: return ICMP_REST_OTHER;
  }
}

static void icmp_read(const uint8_t *bytes, enum icmp_rest rest, struct estab_icmp_header *out)
{
  const uint32_t word = get_be32(bytes + 4);
  *out = (struct estab_icmp_header){.type = bytes[0], .code = bytes[1]};
  out->error = rest != ICMP_REST_OTHER && rest != ICMP_REST_ECHO;
  switch (rest) {
  case ICMP_REST_OTHER: out->rest = word; break;
  case ICMP_REST_ECHO:
    out->echo = true;
    out->id = (uint16_t)(word >> 16);
    out->seq = (uint16_t)word;
    break;
  case ICMP_REST_UNUSED: break;
  case ICMP_REST_MTU16: out->mtu = word & 0xffff; break;
  case ICMP_REST_MTU32: out->mtu = word; break;
  case ICMP_REST_POINTER8: out->pointer = word >> 24; break;
  case ICMP_REST_POINTER32: out->pointer = word; break;
  }
}

static size_t icmp_write(const struct estab_icmp_header *h, enum icmp_rest rest, uint8_t *out)
{
  uint32_t word = 0;
  switch (rest) {
  case ICMP_REST_OTHER: word = h->rest; break;
  case ICMP_REST_ECHO: word = (uint32_t)h->id << 16 | h->seq; break;
  case ICMP_REST_UNUSED: break;
  case ICMP_REST_MTU16: word = h->mtu & 0xffff; break;
  case ICMP_REST_MTU32: word = h->mtu; break;
  case ICMP_REST_POINTER8: word = h->pointer << 24; break;
  case ICMP_REST_POINTER32: word = h->pointer; break;
  }
  out[0] = h->type;
  out[1] = h->code;
  put_be16(out + ESTAB_ICMP_CHECKSUM_OFFSET, 0);
  put_be32(out + 4, word);
  return ESTAB_ICMP_HEADER_BYTES;
}

int estab_icmp4_parse(const uint8_t *bytes, size_t have, struct estab_icmp_header *out)
{
  if (have < ESTAB_ICMP_HEADER_BYTES) return -ESTAB_DROP_ICMP_SHORT;
  icmp_read(bytes, icmp4_rest(bytes[0], bytes[1]), out);
  return ESTAB_ICMP_HEADER_BYTES;
}

int estab_icmp6_parse(const uint8_t *bytes, size_t have, struct estab_icmp_header *out)
{
  if (have < ESTAB_ICMP_HEADER_BYTES) return -ESTAB_DROP_ICMP_SHORT;
  icmp_read(bytes, icmp6_rest(bytes[0]), out);
  return ESTAB_ICMP_HEADER_BYTES;
}

size_t estab_icmp4_emit(const struct estab_icmp_header *h, uint8_t *out)
{
  return icmp_write(h, icmp4_rest(h->type, h->code), out);
}

size_t estab_icmp6_emit(const struct estab_icmp_header *h, uint8_t *out)
{
  return icmp_write(h, icmp6_rest(h->type), out);
}
