// SPDX-License-Identifier: BSD-2-Clause
// kit_random.h - random segments that are interesting: numbers at and beside every edge a step of RFC 9293 looks at.
#ifndef ESTAB_SUPPORT_KIT_RANDOM_H
#define ESTAB_SUPPORT_KIT_RANDOM_H

#include "support/kit.h"

static inline uint32_t kit_random_near(struct prop_rng *r)
{
  static const int32_t steps[] = {0, 0, 0, 1, -1, 2, 10, -10, 100};
  return (uint32_t)steps[prop_below(r, sizeof steps / sizeof *steps)];
}

static inline uint32_t kit_random_seq(struct prop_rng *r, const struct kit *k,
                                      const struct seg_state *t)
{
  switch (prop_below(r, 12)) {
  case 0: return (uint32_t)prop_u64(r);
  case 1: return k->irs;
  case 2: return t->rcv.nxt + t->rcv.wnd + kit_random_near(r);
  case 3: return t->rcv.nxt + prop_below(r, t->rcv.wnd + 1);
  default: return t->rcv.nxt + kit_random_near(r);
  }
}

static inline uint32_t kit_random_ack(struct prop_rng *r, const struct seg_state *t)
{
  switch (prop_below(r, 10)) {
  case 0: return (uint32_t)prop_u64(r);
  case 1: return t->snd.una - t->snd.max_wnd + kit_random_near(r);
  case 2: return t->snd.una + kit_random_near(r);
  case 3: return t->snd.nxt + kit_random_near(r);
  default: return t->snd.nxt;
  }
}

// A segment for the connection `t`, judged by whoever it is sent to.
static inline struct estab_tcp_header kit_random_header(struct prop_rng *r, struct kit *k,
                                                        const struct seg_state *t)
{
  static const uint16_t usual[] = {
      ESTAB_TCP_ACK,
      ESTAB_TCP_ACK,
      ESTAB_TCP_ACK,
      ESTAB_TCP_ACK | ESTAB_TCP_PSH,
      ESTAB_TCP_ACK | ESTAB_TCP_FIN,
      ESTAB_TCP_ACK | ESTAB_TCP_URG,
      ESTAB_TCP_SYN,
      ESTAB_TCP_SYN | ESTAB_TCP_ACK,
      ESTAB_TCP_RST,
      ESTAB_TCP_RST | ESTAB_TCP_ACK,
  };
  struct estab_tcp_header h = {
      .src_port = k->tuple.remote_port,
      .dst_port = k->tuple.local_port,
      .seq = kit_random_seq(r, k, t),
      .flags = prop_one_in(r, 6) ? (uint16_t)prop_below(r, 64)
                                 : usual[prop_below(r, sizeof usual / sizeof *usual)],
      .window = prop_one_in(r, 4) ? (uint16_t)prop_u64(r) : 512,
      .urgent = prop_one_in(r, 4) ? (uint16_t)prop_u64(r) : 0,
  };
  if (h.flags & ESTAB_TCP_ACK) h.ack = kit_random_ack(r, t);
  struct estab_tcp_options *o = &h.options;
  if (!prop_one_in(r, 8) && (!k->no_options || prop_one_in(r, 8))) {
    static const int32_t steps[] = {-1, 0, 0, 1, 1, 1, 5, INT32_MIN};
    o->present |= ESTAB_TCP_OPT_TS;
    o->ts_value = prop_one_in(r, 3)
                      ? t->ts_recent + (uint32_t)steps[prop_below(r, sizeof steps / sizeof *steps)]
                      : k->ts_ms;
    o->ts_echo = k->ts_echo;
  }
  if (prop_one_in(r, 8)) { // options that belong into a SYN mean nothing elsewhere
    o->present |= ESTAB_TCP_OPT_MSS | ESTAB_TCP_OPT_WSCALE | ESTAB_TCP_OPT_SACK_PERMITTED;
    o->mss = (uint16_t)(1 + prop_below(r, 65535));
    o->wscale = (uint8_t)prop_below(r, 15);
  }
  return h;
}

static inline uint32_t kit_random_text(struct prop_rng *r)
{
  static const uint16_t sizes[] = {0, 0, 0, 1, 2, 10, 100, 1000};
  return sizes[prop_below(r, sizeof sizes / sizeof *sizes)];
}

// The peer's octets for [seq, seq + n); kit_inject_raw() wants them.
static inline void kit_text(const struct kit *k, uint32_t seq, uint32_t n, uint8_t *text)
{
  for (uint32_t i = 0; i < n; i++)
    text[i] = kit_peer_octet(seq + i - (k->irs + 1));
}

#endif
