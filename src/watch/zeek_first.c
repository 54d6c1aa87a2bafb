// SPDX-License-Identifier: BSD-2-Clause
// zeek_first.c - first segments of the usual kinds, without a look at all that they are not.
#include "watch/zeek_internal.h"

#include "watch/history.h"

// What the first segment of a side has sent: the one number behind `start`.
static inline void zeek_first_sent(struct flow_side *s, const struct segment *g, uint32_t start)
{
  s->pkts = 1;
  if (!(g->bits & SEGMENT_IP_UNSET)) s->ip_bytes = g->ip_bytes;
  s->frame_bytes = g->ip_bytes + g->frame_more;
  s->start_seq = s->ack_seq = start;
  s->last_seq = s->delivered = start + 1;
  s->seq_wraps = s->last_seq < s->start_seq;
}

void zeek_first_syn(struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  f->inactivity = ZEEK_HANDSHAKE_MINUTES;
  zeek_first_sent(s, g, g->seq);
  s->z = ZEEK_SYN_SENT;
  s->z_seen = ZEEK_SEEN_SYN;
  f->history[f->history_count++] = 'S';
}

void zeek_first_answer(struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end], *peer = &f->side[1 - g->end];
  f->inactivity = ZEEK_INACTIVITY_MINUTES;
  zeek_port_minutes(f);
  zeek_first_sent(s, g, g->seq);
  s->z = ZEEK_ESTABLISHED;
  s->z_seen = ZEEK_SEEN_SYN;
  f->history[f->history_count++] = 'h';
  peer->ack_wraps = g->ack < peer->ack_seq;
  peer->ack_seq = g->ack;
  peer->z_prev = ZEEK_SYN_SENT;
  peer->z = ZEEK_ESTABLISHED;
}

void zeek_first_refusal(struct track *t, struct flow *f, const struct segment *g)
{
  unsigned e = g->end, p = 1 - e;
  struct flow_side *s = &f->side[e], *peer = &f->side[p];
  zeek_first_sent(s, g, g->seq - 1);
  s->z_seen = ZEEK_SEEN_RST;
  s->z_bits |= ZEEK_RST;
  history_add(t, f, e, 'R');
  struct flow_closing *c = track_closing(t, f);
  if (c) {
    c->side[e].hist_rst = 1;
    c->z_last_ns = g->ts_ns;
  }
  bool acked =
      (g->flags & ESTAB_TCP_ACK) && !zeek_underflow(peer, g->ack, peer->ack_seq, peer->ack_wraps);
  zeek_enter(f, e, ZEEK_RESET);
  if (acked) {
    zeek_acked(t, f, p, g->ack, peer->z == ZEEK_PARTIAL);
    zeek_check_end(t, f, p);
  }
  zeek_check_end(t, f, e);
  zeek_closed(t, f, e);
}

void zeek_refused_syn(struct track *t, struct flow *f, const struct segment *g)
{
  struct flow_side *s = &f->side[g->end];
  zeek_first_sent(s, g, g->seq - 1);
  s->z_seen = ZEEK_SEEN_RST;
  s->z_bits = ZEEK_RST | ZEEK_DID_EOF | ZEEK_DID_CLOSE;
  s->z = ZEEK_RESET;
  f->inactivity = ZEEK_INACTIVITY_MINUTES;
  f->history[f->history_count++] = 'r';
  struct flow_closing *c = track_closing(t, f);
  if (!c) return;
  c->side[g->end].hist_rst = 1;
  c->z_last_ns = g->ts_ns;
  c->z_delete_ns = g->ts_ns + ZEEK_ATTEMPT_NS;
}
