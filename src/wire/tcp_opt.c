// SPDX-License-Identifier: BSD-2-Clause
// tcp_opt.c - TCP options: RFC 9293 3.1, RFC 7323, RFC 2018, RFC 5482, RFC 7413, RFC 6994, RFC 9768.
//
// A length that cannot be ends the walk: what came before it counts, what follows does not, and the
// walk always moves on [MUST-6] [MUST-7]. RFC 5482 and 7413 ask for their option alone to be ignored
// when its length is none of theirs, so that one is stepped over; RFC 9768 wants the whole counters
// that there are.

#include <estab/wire.h>
#include "base/bytes.h"
#include "wire/tcp_opt.h"

#include <string.h>

#define TCP_OPT_WSCALE_MAX             14
#define TCP_OPT_NOP4                   0x01010101U
#define TCP_OPT_NOP_NOP_SACK_PERMITTED 0x01010402U
#define TCP_OPT_SACK_PERMITTED_TS      0x0402080aU
#define TCP_OPT_NOP_WSCALE             0x010303U // and the shift

static void tcp_opt_take_fastopen(const uint8_t *p, size_t cookie, uint32_t form,
                                  struct estab_tcp_options *o)
{
  if (cookie != 0 && (cookie < 4 || cookie > sizeof o->tfo_cookie || cookie % 2 != 0)) return;
  memcpy(o->tfo_cookie, p, cookie);
  o->tfo_bytes = (uint8_t)cookie;
  o->present = (o->present & ~(uint32_t)ESTAB_TCP_OPT_TFO_EXP) | ESTAB_TCP_OPT_TFO | form;
}

static void tcp_opt_take_accecn(const uint8_t *p, size_t bytes, struct estab_tcp_options *o)
{
  const size_t count = (bytes - 2) / 3; // 3.2.3: what is behind whole counters is padding
  o->accecn_count = (uint8_t)(count < 3 ? count : 3);
  for (unsigned i = 0; i < o->accecn_count; i++, p += 3)
    o->accecn[i] = (uint32_t)p[2] << 16 | get_be16(p + 3);
}

static void tcp_opt_take_sack(const uint8_t *p, size_t bytes, struct estab_tcp_options *o)
{
  o->sack_count = (uint8_t)((bytes - 2) / 8);
  for (unsigned i = 0; i < o->sack_count; i++, p += 8) {
    o->sack[i].start = get_be32(p + 2);
    o->sack[i].end = get_be32(p + 6);
  }
}

// One option of `bytes` >= 2, all there. False: a length that this kind cannot have.
static bool tcp_opt_take(const uint8_t *p, size_t bytes, struct estab_tcp_options *o)
{
  switch (p[0]) {
  case TCP_OPT_KIND_MSS:
    if (bytes != 4) return false;
    if (get_be16(p + 2) != 0) {
      o->mss = get_be16(p + 2);
      o->present |= ESTAB_TCP_OPT_MSS;
    }
    return true;
  case TCP_OPT_KIND_WSCALE:
    if (bytes != 3) return false;
    o->wscale = p[2] < TCP_OPT_WSCALE_MAX ? p[2] : TCP_OPT_WSCALE_MAX;
    o->present |= ESTAB_TCP_OPT_WSCALE;
    return true;
  case TCP_OPT_KIND_SACK_PERMITTED:
    if (bytes != 2) return false;
    o->present |= ESTAB_TCP_OPT_SACK_PERMITTED;
    return true;
  case TCP_OPT_KIND_SACK:
    if (bytes < 10 || bytes > 34 || (bytes - 2) % 8 != 0) return false;
    tcp_opt_take_sack(p, bytes, o);
    o->present |= ESTAB_TCP_OPT_SACK;
    return true;
  case TCP_OPT_KIND_TS:
    if (bytes != 10) return false;
    o->ts_value = get_be32(p + 2);
    o->ts_echo = get_be32(p + 6);
    o->present |= ESTAB_TCP_OPT_TS;
    return true;
  case TCP_OPT_KIND_UTO:
    if (bytes == 4) {
      o->user_timeout = get_be16(p + 2);
      o->present |= ESTAB_TCP_OPT_UTO;
    }
    return true;
  case TCP_OPT_KIND_TFO: tcp_opt_take_fastopen(p + 2, bytes - 2, 0, o); return true;
  case TCP_OPT_KIND_EXP:
    if (bytes >= 4 && get_be16(p + 2) == TCP_OPT_EXP_TFO)
      tcp_opt_take_fastopen(p + 4, bytes - 4, ESTAB_TCP_OPT_TFO_EXP, o);
    return true;
  case TCP_OPT_KIND_ACCECN0:
  case TCP_OPT_KIND_ACCECN1:
    tcp_opt_take_accecn(p, bytes, o);
    o->present &= ~(uint32_t)(ESTAB_TCP_OPT_ACCECN0 | ESTAB_TCP_OPT_ACCECN1);
    o->present |= p[0] == TCP_OPT_KIND_ACCECN0 ? ESTAB_TCP_OPT_ACCECN0 : ESTAB_TCP_OPT_ACCECN1;
    return true;
  default: return true; // unknown: ignored without an error [MUST-6]
  }
}

// What a SYN has in nearly all stacks: MSS, SACK-permitted with timestamps or alone, window scale, each in words of its
// own. Answers how many bytes were read.
static size_t tcp_opt_take_handshake(const uint8_t *bytes, size_t have, struct estab_tcp_options *o)
{
  size_t at = 0;
  if (have >= 4 && get_be16(bytes) == (TCP_OPT_KIND_MSS << 8 | 4) && get_be16(bytes + 2) != 0) {
    o->mss = get_be16(bytes + 2);
    o->present = ESTAB_TCP_OPT_MSS;
    at = 4;
  }
  if (have >= at + 12 && get_be32(bytes + at) == TCP_OPT_SACK_PERMITTED_TS) {
    o->ts_value = get_be32(bytes + at + 4);
    o->ts_echo = get_be32(bytes + at + 8);
    o->present |= ESTAB_TCP_OPT_SACK_PERMITTED | ESTAB_TCP_OPT_TS;
    at += 12;
  } else if (have >= at + 4 && get_be32(bytes + at) == TCP_OPT_NOP_NOP_SACK_PERMITTED) {
    o->present |= ESTAB_TCP_OPT_SACK_PERMITTED;
    at += 4;
  }
  if (have >= at + 4 && get_be32(bytes + at) >> 8 == TCP_OPT_NOP_WSCALE) {
    const uint8_t shift = bytes[at + 3];
    o->wscale = shift < TCP_OPT_WSCALE_MAX ? shift : TCP_OPT_WSCALE_MAX;
    o->present |= ESTAB_TCP_OPT_WSCALE;
    at += 4;
  }
  return at;
}

void estab_tcp_options_parse(const uint8_t *bytes, size_t have, struct estab_tcp_options *out)
{
  out->present = 0;
  for (size_t at = tcp_opt_take_handshake(bytes, have, out); at < have;) {
    const uint8_t *p = bytes + at;
    if (p[0] == TCP_OPT_KIND_END) return;
    if (p[0] == TCP_OPT_KIND_NOP) {
      at++;
      continue;
    }
    if (have - at < 2 || p[1] < 2 || p[1] > have - at || !tcp_opt_take(p, p[1], out)) {
      out->present |= ESTAB_TCP_OPT_MALFORMED;
      return;
    }
    at += p[1];
  }
}

// ---------------------------------------------------------------------------------------------
// Writing: each group starts at a multiple of 4 bytes and is written only if it fits.

struct tcp_opt_writer {
  uint8_t *out;
  size_t used; // bytes
};

static uint8_t *tcp_opt_room(struct tcp_opt_writer *w, size_t bytes)
{
  if (bytes > ESTAB_TCP_OPTIONS_BYTES - w->used) return NULL;
  uint8_t *p = w->out + w->used;
  w->used += bytes;
  return p;
}

static void tcp_opt_put_ts(uint8_t *p, uint32_t head, const struct estab_tcp_options *o)
{
  put_be32(p, head);
  put_be32(p + 4, o->ts_value);
  put_be32(p + 8, o->ts_echo);
}

static void tcp_opt_put_handshake(struct tcp_opt_writer *w, const struct estab_tcp_options *o)
{
  const bool sack_permitted = (o->present & ESTAB_TCP_OPT_SACK_PERMITTED) != 0;
  uint8_t *p;
  if ((o->present & ESTAB_TCP_OPT_MSS) && (p = tcp_opt_room(w, 4)) != NULL)
    put_be32(p, (uint32_t)TCP_OPT_KIND_MSS << 24 | 4U << 16 | o->mss);
  if ((o->present & ESTAB_TCP_OPT_TS) && (p = tcp_opt_room(w, TCP_OPT_TS_ALIGNED)) != NULL)
    tcp_opt_put_ts(p, sack_permitted ? TCP_OPT_SACK_PERMITTED_TS : TCP_OPT_NOP_NOP_TS, o);
  else if (sack_permitted && (p = tcp_opt_room(w, 4)) != NULL)
    put_be32(p, TCP_OPT_NOP_NOP_SACK_PERMITTED);
  if ((o->present & ESTAB_TCP_OPT_WSCALE) && (p = tcp_opt_room(w, 4)) != NULL)
    put_be32(p, TCP_OPT_NOP_WSCALE << 8 | o->wscale);
}

static void tcp_opt_put_fastopen(struct tcp_opt_writer *w, const struct estab_tcp_options *o)
{
  const bool experimental = (o->present & ESTAB_TCP_OPT_TFO_EXP) != 0;
  const size_t head = experimental ? 4 : 2, bytes = head + o->tfo_bytes;
  const size_t padded = (bytes + 3) & ~(size_t)3;
  uint8_t *p = tcp_opt_room(w, padded);
  if (p == NULL) return;
  put_be32(p + padded - 4, TCP_OPT_NOP4);
  p[0] = experimental ? TCP_OPT_KIND_EXP : TCP_OPT_KIND_TFO;
  p[1] = (uint8_t)bytes;
  if (experimental) put_be16(p + 2, TCP_OPT_EXP_TFO);
  memcpy(p + head, o->tfo_cookie, o->tfo_bytes);
}

static void tcp_opt_put_sack(struct tcp_opt_writer *w, const struct estab_tcp_options *o)
{
  const size_t room = ESTAB_TCP_OPTIONS_BYTES - w->used;
  size_t blocks = o->sack_count;
  if (room < 12 || blocks == 0) return;
  if (blocks > (room - 4) / 8) blocks = (room - 4) / 8;
  uint8_t *p = tcp_opt_room(w, 4 + 8 * blocks);
  put_be32(p, 0x01010500U | (uint32_t)(2 + 8 * blocks));
  for (size_t i = 0; i < blocks; i++) {
    put_be32(p + 4 + 8 * i, o->sack[i].start);
    put_be32(p + 8 + 8 * i, o->sack[i].end);
  }
}

static void tcp_opt_put_accecn(struct tcp_opt_writer *w, const struct estab_tcp_options *o)
{
  const size_t room = ESTAB_TCP_OPTIONS_BYTES - w->used;
  size_t count = o->accecn_count;
  while (count > 0 && ((2 + 3 * count + 3) & ~(size_t)3) > room)
    count--;
  if (count == 0 && o->accecn_count > 0) return; // an empty option would say something else
  const size_t bytes = 2 + 3 * count, padded = (bytes + 3) & ~(size_t)3;
  uint8_t *p = tcp_opt_room(w, padded);
  if (p == NULL) return;
  put_be32(p + padded - 4, TCP_OPT_NOP4);
  p[0] = o->present & ESTAB_TCP_OPT_ACCECN0 ? TCP_OPT_KIND_ACCECN0 : TCP_OPT_KIND_ACCECN1;
  p[1] = (uint8_t)bytes;
  for (size_t i = 0; i < count; i++) {
    p[2 + 3 * i] = (uint8_t)(o->accecn[i] >> 16);
    put_be16(p + 3 + 3 * i, (uint16_t)o->accecn[i]);
  }
}

size_t estab_tcp_options_emit(const struct estab_tcp_options *o, uint8_t *out)
{
  if (o->present == ESTAB_TCP_OPT_TS) {
    tcp_opt_put_ts(out, TCP_OPT_NOP_NOP_TS, o);
    return TCP_OPT_TS_ALIGNED;
  }
  struct tcp_opt_writer w = {out, 0};
  tcp_opt_put_handshake(&w, o);
  if (o->present & ESTAB_TCP_OPT_TFO) tcp_opt_put_fastopen(&w, o);
  uint8_t *p;
  if ((o->present & ESTAB_TCP_OPT_UTO) && (p = tcp_opt_room(&w, 4)) != NULL)
    put_be32(p, (uint32_t)TCP_OPT_KIND_UTO << 24 | 4U << 16 | o->user_timeout);
  if (o->present & ESTAB_TCP_OPT_SACK) tcp_opt_put_sack(&w, o);
  if (o->present & (ESTAB_TCP_OPT_ACCECN0 | ESTAB_TCP_OPT_ACCECN1)) tcp_opt_put_accecn(&w, o);
  return w.used;
}

size_t estab_tcp_options_bytes(const struct estab_tcp_options *o)
{
  if (o->present == 0) return 0;
  if (o->present == ESTAB_TCP_OPT_TS) return TCP_OPT_TS_ALIGNED;
  uint8_t scratch[ESTAB_TCP_OPTIONS_BYTES];
  return estab_tcp_options_emit(o, scratch);
}
