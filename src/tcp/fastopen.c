// SPDX-License-Identifier: BSD-2-Clause
// fastopen.c - TCP Fast Open, RFC 7413: what SYNs carry, and what their answers teach.
#include "tcp/fastopen.h"
#include "base/bytes.h"
#include <string.h>

#define FASTOPEN_OPTIONS_BYTES 40 // left free in a SYN with text, for what may be added on the way

uint32_t fastopen_room(const struct tcp *c, const struct cookie *k, uint16_t port, uint32_t mtu,
                       bool ip4, uint64_t now_ns)
{
  if (!k || k->bytes_count == 0 || cookie_is_denied(k, port, now_ns)) return 0;
  const uint32_t headers = ip4 ? 40 : 60; // RFC 9293 3.7.1 [MUST-15]: the default without an option
  uint32_t mss = k->peer_mss ? u32_max(k->peer_mss, c->settings->min_mss) : ip4 ? 536 : 1220;
  mss = u32_min(mss, mtu > headers ? mtu - headers : 1);
  if (c->settings->max_mss) mss = u32_min(mss, c->settings->max_mss);
  return mss > FASTOPEN_OPTIONS_BYTES ? mss - FASTOPEN_OPTIONS_BYTES : 0;
}

// DEPARTS: RFC 9293 3.9.1.2 [MUST-61] because a SYN with PSH is taken for a scan on the way; what a SYN brings is
// delivered at once anyway (RFC 7413 4.2).
static void fastopen_put_text(struct tcb *t, uint32_t room, struct tcp_out *out)
{
  if (room == 0 || t->sendq.bytes == 0 || (t->bits & TCB_URGENT_OUT)) return;
  unsigned count = 0;
  out->text_bytes = (uint32_t)sendq_pieces(&t->sendq, 0, u32_min(t->sendq.bytes, room), out->pieces,
                                           ESTAB_FRAME_PIECES - 1, &count);
  out->piece_count = count;
  t->syn_text_bytes = (uint16_t)out->text_bytes;
  if (out->text_bytes) t->fast_open |= ESTAB_FAST_OPEN_TEXT;
}

// In the form that this connection speaks: the one that was registered, or the one before it.
static void fastopen_put_option(const struct tcb *t, struct estab_tcp_options *o,
                                uint8_t cookie_bytes)
{
  o->tfo_bytes = cookie_bytes;
  o->present |= ESTAB_TCP_OPT_TFO;
  if (t->fast_open & ESTAB_FAST_OPEN_EXPERIMENTAL) o->present |= ESTAB_TCP_OPT_TFO_EXP;
}

void fastopen_put_syn(struct tcp *c, struct tcb *t, struct tcp_out *out, uint64_t now_ns)
{
  struct estab_tcp_options *o = &out->h.options;
  if (t->state == ESTAB_SYN_RECEIVED) { // the peer's cookie will not be good for long
    if (!(t->fast_open & ESTAB_FAST_OPEN_LEARNED) || !(t->flags & SEG_PASSIVE) ||
        out->retransmission)
      return;
    cookies_make(&c->cookies, &t->tuple.local, &t->tuple.remote, now_ns, o->tfo_cookie);
    fastopen_put_option(t, o, COOKIE_BYTES);
    return;
  }
  if (t->snd.nxt != t->iss) return; // RFC 7413 4.2.2: a second SYN has nothing that could be why
  struct cookie *k = cookies_find(&c->cookies, &t->tuple.local, &t->tuple.remote);
  if (k && cookie_is_denied(k, t->tuple.remote_port, now_ns)) {
    t->fast_open |= ESTAB_FAST_OPEN_DENIED;
    return;
  }
  t->fast_open |= ESTAB_FAST_OPEN_ASKED;
  fastopen_put_option(t, o, k ? k->bytes_count : 0);
  if (!k || k->bytes_count == 0) return;
  k->used_s = (uint32_t)(now_ns / 1000000000u);
  memcpy(o->tfo_cookie, k->bytes, k->bytes_count);
  t->fast_open |= ESTAB_FAST_OPEN_COOKIE;
  const uint16_t port = t->tuple.remote_port;
  fastopen_put_text(t, fastopen_room(c, k, port, t->path->mtu, tcb_is4(t), now_ns), out);
}

// What the SYN-ACK says of the server, RFC 7413 4.1.3 and 4.1.3.1.
static void fastopen_learn(struct tcp *c, struct tcb *t, const struct estab_tcp_options *o,
                           uint32_t acked_bytes, uint64_t now_ns)
{
  if (!(t->fast_open & ESTAB_FAST_OPEN_ASKED)) return;
  const bool given = (o->present & ESTAB_TCP_OPT_TFO) && o->tfo_bytes > 0;
  const bool again = t->backoff > 0; // the peer may have seen only a SYN without all this
  struct cookie *k = cookies_place(&c->cookies, c->mem, &t->tuple.local, &t->tuple.remote, now_ns);
  if (!k) return;
  k->peer_mss = t->peer_mss;
  if (given) {
    memcpy(k->bytes, o->tfo_cookie, o->tfo_bytes);
    k->bytes_count = o->tfo_bytes;
    t->fast_open |= ESTAB_FAST_OPEN_LEARNED;
  }
  const bool hoped = !(t->fast_open & ESTAB_FAST_OPEN_COOKIE) || t->syn_text_bytes > 0;
  if (given || acked_bytes > 0) {
    cookie_allow(k, t->tuple.remote_port);
  } else if (hoped && !again) {
    cookie_deny(k, t->tuple.remote_port, now_ns);
  }
}

void fastopen_on_syn_answer(struct tcp *c, struct tcb *t, const struct seg *g, uint64_t now_ns)
{
  if (!(g->flags & ESTAB_TCP_ACK)) { // as RFC 9293 has it: no listener looks at the cookie
    t->snd.nxt = t->iss + 1 + t->syn_text_bytes;
    return;
  }
  t->bits &= ~(uint32_t)TCB_FAST_OPEN;
  const uint32_t acked = g->ack - t->iss - 1, text = t->syn_text_bytes;
  fastopen_learn(c, t, g->options, acked, now_ns);
  if (text == 0) return;
  if (acked == text) t->fast_open |= ESTAB_FAST_OPEN_TAKEN;
  if (acked == text) c->cookies.texts_taken++;
  sendq_drop(&t->sendq, c->blocks, acked);
  t->bytes_acked += acked;
  t->snd.nxt = g->ack;
  t->bytes_sent -= text - acked; // will be sent as if for the first time
  t->bytes_retransmitted += text - acked;
}

void fastopen_on_syn_lost(struct tcp *c, struct tcb *t, uint64_t now_ns)
{
  if (t->state != ESTAB_SYN_SENT || t->backoff > 0 || !(t->fast_open & ESTAB_FAST_OPEN_ASKED))
    return;
  struct cookie *k = cookies_place(&c->cookies, c->mem, &t->tuple.local, &t->tuple.remote, now_ns);
  if (k) cookie_lost(k, t->tuple.remote_port, t->syn_text_bytes == 0, now_ns);
}
