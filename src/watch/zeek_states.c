// SPDX-License-Identifier: BSD-2-Clause
// zeek_states.c - the states of Zeek's two endpoints, and when both have closed.
#include "watch/zeek_internal.h"

#include "watch/history.h"

static bool zeek_is_handshake(unsigned state)
{
  return state <= ZEEK_SYN_ACK_SENT;
}

void zeek_enter(struct flow *f, unsigned end, enum zeek_state state)
{
  struct flow_side *s = &f->side[end];
  if (s->z == state) return;
  if (!zeek_is_handshake(state) && zeek_is_handshake(s->z) && zeek_is_handshake(f->side[1 - end].z))
    f->inactivity = ZEEK_INACTIVITY_MINUTES;
  s->z_prev = s->z;
  s->z = (unsigned)state & 0xfu;
}

void zeek_flip(struct track *t, struct flow *f)
{
  f->bits ^= FLOW_ORIG;
  history_flip(t, f);
}

void zeek_port_minutes(struct flow *f)
{
  uint16_t port = f->port[1 - flow_orig((struct flow_head *)f)];
  if (port == 21 || port == 22 || port == 23 || port == 513) f->inactivity = ZEEK_PORT_MINUTES;
}

static void zeek_inactive(struct track *t, struct flow *f, const struct segment *g, bool *close)
{
  unsigned e = g->end, p = 1 - e;
  struct flow_side *s = &f->side[e], *peer = &f->side[p];
  bool is_orig = flow_orig((struct flow_head *)f) == e;
  if (g->flags & ESTAB_TCP_SYN) {
    if (is_orig)
      zeek_enter(f, e, g->flags & ESTAB_TCP_ACK ? ZEEK_SYN_ACK_SENT : ZEEK_SYN_SENT);
    else {
      if (!(g->flags & ESTAB_TCP_ACK) && peer->z == ZEEK_SYN_ACK_SENT && g->seq == s->start_seq) {
        zeek_flip(t, f); // the SYN of a SYN-ACK that came first
        zeek_enter(f, p, ZEEK_ESTABLISHED);
      }
      if (peer->z == ZEEK_SYN_SENT) zeek_enter(f, p, ZEEK_ESTABLISHED);
      zeek_enter(f, e, ZEEK_ESTABLISHED);
      if (peer->z != ZEEK_PARTIAL) zeek_port_minutes(f);
    }
  }
  if (g->flags & ESTAB_TCP_FIN) {
    zeek_enter(f, e, ZEEK_CLOSED);
    *close = true;
  }
  if (g->flags & ESTAB_TCP_RST) {
    zeek_enter(f, e, ZEEK_RESET);
    *close = true;
  }
  if (s->z != ZEEK_INACTIVE) return;
  if (!is_orig && g->text_bytes == 0 && peer->z == ZEEK_SYN_SENT) return; // acked before its SYN
  zeek_enter(f, e,
             (g->flags & ESTAB_TCP_ACK) && peer->z == ZEEK_ESTABLISHED ? ZEEK_ESTABLISHED
                                                                       : ZEEK_PARTIAL);
}

// Answers whether the side has closed, now.
bool zeek_step(struct track *t, struct flow *f, const struct segment *g)
{
  unsigned e = g->end;
  struct flow_side *s = &f->side[e], *peer = &f->side[1 - e];
  bool close = false, fin = g->flags & ESTAB_TCP_FIN, rst = g->flags & ESTAB_TCP_RST;
  switch ((enum zeek_state)s->z) {
  case ZEEK_INACTIVE: zeek_inactive(t, f, g, &close); break;
  case ZEEK_SYN_SENT:
  case ZEEK_SYN_ACK_SENT:
    if (fin) zeek_enter(f, e, ZEEK_CLOSED);
    if (rst) zeek_enter(f, e, ZEEK_RESET);
    close = fin || rst;
    break;
  case ZEEK_PARTIAL:
  case ZEEK_ESTABLISHED:
    if ((g->flags & ESTAB_TCP_SYN) && s->z == ZEEK_PARTIAL && peer->z == ZEEK_INACTIVE &&
        !(g->flags & ESTAB_TCP_ACK))
      zeek_enter(f, e, ZEEK_SYN_SENT);
    if (fin && !rst) {
      zeek_enter(f, e, ZEEK_CLOSED);
      // A FIN and then a RST of the peer were a normal end after all.
      if (peer->z == ZEEK_RESET && peer->z_prev == ZEEK_CLOSED) zeek_enter(f, 1 - e, ZEEK_CLOSED);
    }
    if (rst) zeek_enter(f, e, ZEEK_RESET);
    close = fin || rst;
    break;
  case ZEEK_CLOSED:
    if (rst && peer->z != ZEEK_CLOSED) {
      zeek_enter(f, e, ZEEK_RESET);
      close = !(s->z_bits & ZEEK_DID_CLOSE);
    }
    break;
  case ZEEK_RESET: break;
  }
  return close;
}

void zeek_closed(struct track *t, struct flow *f, unsigned end)
{
  struct flow_side *s = &f->side[end], *peer = &f->side[1 - end];
  if (zeek_pending(t, f, end)) {
    f->side[0].z_bits |= ZEEK_DEFERRED;
    f->side[1].z_bits |= ZEEK_DEFERRED;
    return;
  }
  f->side[0].z_bits &= (uint8_t)~ZEEK_DEFERRED;
  f->side[1].z_bits &= (uint8_t)~ZEEK_DEFERRED;
  if (s->z_bits & ZEEK_DID_CLOSE) return;
  s->z_bits |= ZEEK_DID_CLOSE;
  if (s->z == ZEEK_RESET || (peer->z_bits & ZEEK_DID_CLOSE) || peer->z == ZEEK_INACTIVE) {
    struct flow_closing *c = track_closing(t, f);
    if (c && c->z_delete_ns == ESTAB_NEVER) c->z_delete_ns = zeek_last_ns(c, f) + ZEEK_ATTEMPT_NS;
  }
}

void zeek_check_end(struct track *t, struct flow *f, unsigned end)
{
  struct flow_side *s = &f->side[end];
  if ((s->z_bits & ZEEK_DID_EOF) ||
      !((s->z_bits & ZEEK_FIN) || s->z == ZEEK_CLOSED || s->z == ZEEK_RESET) ||
      zeek_pending(t, f, end))
    return;
  s->z_bits |= ZEEK_DID_EOF;
  if (!(s->z_bits & ZEEK_DEFERRED)) return;
  zeek_closed(t, f, end);
  f->side[0].z_bits &= (uint8_t)~ZEEK_DEFERRED;
  f->side[1].z_bits &= (uint8_t)~ZEEK_DEFERRED;
}
