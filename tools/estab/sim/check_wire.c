// SPDX-License-Identifier: BSD-2-Clause
// check_wire.c - the invariant checker: what a segment on the wire may be, seen from both its ends.
#include "check.h"
#include "chance.h"

#include <string.h>

// TCP of this run, or not: other packets are no business of the checker.
static bool check_parse(struct check *c, unsigned side, const uint8_t *bytes, size_t count,
                        struct estab_packet *p)
{
  int answer = estab_packet_parse(ESTAB_LINK_RAW, bytes, count, false, p);
  if (answer >= 0) return p->kind == ESTAB_PACKET_TCP;
  check_fails(c, side, INVARIANT_PACKET, "%s", estab_drop_text((enum estab_drop) - answer));
  return false;
}

static uint32_t check_window(const struct check_side *s, const struct estab_tcp_header *h,
                             uint8_t scale)
{
  return (uint32_t)h->window << (s->scales && (h->flags & ESTAB_TCP_SYN) == 0 ? scale : 0);
}

// What a SYN settles: initial sequence numbers and window scales.
static void check_syn_sent(struct check_side *s, const struct estab_tcp_header *h)
{
  if ((h->flags & ESTAB_TCP_SYN) == 0) return;
  // Another ISS is another connection, as a SYN that comes late makes at a listener: new books.
  if (s->syn_sent && s->iss != h->seq) {
    s->fin_counts = s->edge_known = s->offered = s->acked = s->numbers_known = false;
    s->snd_max = h->seq;
    s->anew = true;
  }
  s->syn_sent = true;
  s->iss = h->seq;
  if (s->snd_max - h->seq > 1u << 30) s->snd_max = h->seq;
  s->scale_in_syn = (h->options.present & ESTAB_TCP_OPT_WSCALE) != 0;
  s->scale_offered = h->options.wscale;
  s->scales = s->scale_in_syn && s->scale_in_heard;
}

static void check_text(struct check *c, unsigned side, const struct estab_packet *p)
{
  struct check_side *s = &c->sides[side];
  uint64_t first = (uint32_t)(p->tcp.seq + ((p->tcp.flags & ESTAB_TCP_SYN) != 0) - s->iss - 1);
  // A probe of what lies below the window, RFC 9293 3.8.4, may carry any octet.
  if (p->payload_bytes == 1 && s->numbers_known && (int32_t)(p->tcp.seq - s->una) < 0) return;
  // Streams longer than 2^32 are told from the highest octet written.
  while (first + (UINT64_C(1) << 32) <= s->written)
    first += UINT64_C(1) << 32;
  size_t right = chance_agrees(c->seed, side, first, p->payload, p->payload_bytes);
  if (right < p->payload_bytes)
    check_fails(c, side, INVARIANT_TEXT, "octet %llu on the wire is another one",
                (unsigned long long)(first + right));
}

static void check_send_space(struct check *c, unsigned side, const struct estab_packet *p)
{
  struct check_side *s = &c->sides[side];
  const struct estab_tcp_header *h = &p->tcp;
  bool fin = (h->flags & ESTAB_TCP_FIN) != 0, syn = (h->flags & ESTAB_TCP_SYN) != 0;
  uint32_t text_end = h->seq + syn + (uint32_t)p->payload_bytes, end = text_end + fin;
  if (s->fin_counts && (int32_t)(end - s->fin_end) > 0)
    check_fails(c, side, INVARIANT_AFTER_FIN, "%u octets after the FIN", end - s->fin_end);
  if (fin) {
    s->fin_sent = s->fin_counts = true;
    s->fin_end = end;
  }
  // One octet may probe a closed window, and a FIN may stand just beyond it.
  if (s->edge_known && p->payload_bytes > 1 && (int32_t)(text_end - s->edge_heard) > 0)
    check_fails(c, side, INVARIANT_WINDOW, "%u octets beyond the window", text_end - s->edge_heard);
  if ((int32_t)(end - s->snd_max) > 0) s->snd_max = end;
}

static void check_acknowledges(struct check *c, unsigned side, const struct estab_tcp_header *h)
{
  struct check_side *s = &c->sides[side];
  const struct check_side *peer = &c->sides[!side];
  if ((h->flags & ESTAB_TCP_ACK) == 0 || (h->flags & ESTAB_TCP_RST) != 0) return;
  if (peer->syn_sent && (int32_t)(h->ack - peer->snd_max) > 0)
    check_fails(c, side, INVARIANT_ACKNOWLEDGED, "ACK of %u octets that were never sent",
                h->ack - peer->snd_max);
  uint32_t edge = h->ack + check_window(s, h, s->scale_offered);
  if (s->offered && (int32_t)(edge - s->edge_sent) < 0 && (int32_t)(h->ack - s->ack_sent) >= 0 &&
      !c->shrink_allowed && s->edge_sent - edge >= 1u << s->scale_offered)
    check_fails(c, side, INVARIANT_SHRINK, "the right edge moved back by %u", s->edge_sent - edge);
  if (!s->offered || (int32_t)(edge - s->edge_sent) > 0) s->edge_sent = edge;
  if (!s->acked || (int32_t)(h->ack - s->ack_sent) > 0) s->ack_sent = h->ack;
  s->offered = s->acked = true;
}

void check_sent(struct check *c, unsigned side, const uint8_t *bytes, size_t count)
{
  struct check_side *s = &c->sides[side];
  struct estab_packet p;
  if (!check_parse(c, side, bytes, count, &p)) return;
  if (++s->segments - s->segments_at_progress > CHECK_STORM)
    check_fails(c, side, INVARIANT_PROGRESS, "%u segments without progress", CHECK_STORM);
  if ((p.tcp.flags & ESTAB_TCP_RST) != 0) {
    // A host that has closed answers late segments so: RFC 9293 3.10.7.1. And who took a late SYN for a new one
    // resets what the peer's old connection answers: 3.10.7.4, fifth.
    if (!c->may_reset && s->state != ESTAB_CLOSED && !(s->anew && s->state == ESTAB_SYN_RECEIVED))
      check_fails(c, side, INVARIANT_RESET, "RST in %s", estab_state_name(s->state));
    return;
  }
  check_syn_sent(s, &p.tcp);
  check_send_space(c, side, &p);
  check_text(c, side, &p);
  check_acknowledges(c, side, &p.tcp);
}

void check_heard(struct check *c, unsigned side, const uint8_t *bytes, size_t count)
{
  struct check_side *s = &c->sides[side];
  struct estab_packet p;
  if (estab_packet_parse(ESTAB_LINK_RAW, bytes, count, false, &p) < 0) return; // corrupted
  if (p.kind != ESTAB_PACKET_TCP || (p.tcp.flags & ESTAB_TCP_RST) != 0) return;
  if ((p.tcp.flags & ESTAB_TCP_SYN) != 0) {
    s->syn_heard = true;
    s->irs = p.tcp.seq;
    s->scale_in_heard = (p.tcp.options.present & ESTAB_TCP_OPT_WSCALE) != 0;
    s->scale_heard = p.tcp.options.wscale;
    s->scales = s->scale_in_syn && s->scale_in_heard;
  }
  if ((p.tcp.flags & ESTAB_TCP_FIN) != 0 && s->state == ESTAB_TIME_WAIT)
    s->time_wait_again_ns = c->now_ns;
  if ((p.tcp.flags & ESTAB_TCP_ACK) == 0) return;
  uint32_t edge = p.tcp.ack + check_window(s, &p.tcp, s->scale_heard);
  if (!s->edge_known || (int32_t)(edge - s->edge_heard) > 0) s->edge_heard = edge;
  s->edge_known = true;
}
