// SPDX-License-Identifier: BSD-2-Clause
// input_tcp.c - a TCP segment on its way to its connection: length, checksum, tuple, then the state machine.
#include "base/bytes.h"
#include "stack/stack.h"
#include "wire/checksum.h"
#include "wire/tcp.h"

static bool checksum_ok(const struct estab_stack *s, const struct ip_packet *packet,
                        const struct estab_frame *f)
{
  if (packet->netif == 0 || f->checksum != ESTAB_CHECKSUM_UNKNOWN) return true;
  if (ip_netif(&s->ip, packet->netif)->settings.checksum_trusted) return true;
  uint64_t sum = packet->address_sum ? packet->address_sum
                                     : estab_checksum_pseudo(&packet->src, &packet->dst, 0, 0);
  sum += ESTAB_PROTOCOL_TCP + packet->payload_bytes;
  sum = estab_checksum_add(sum, packet->payload, packet->payload_bytes);
  return checksum_fold16(sum) == 0xffff;
}

static void trace_received(const struct estab_stack *s, const struct estab_tuple *tuple,
                           const struct seg *g, uint32_t tagged)
{
  const struct seg_state *t = NULL;
  uint64_t conn = 0;
  uint32_t index = tagged & TAG_INDEX;
  if ((tagged & TAG_KIND) == TAG_FULL) {
    const struct tcb *full = stack_conn(s, index);
    t = &full->seg;
    conn = conn_handle(full);
  } else if ((tagged & TAG_KIND) == TAG_HALF) {
    t = slab_at(&s->halves, index);
  } else if (tagged) {
    t = slab_at(&s->waits, index);
  }
  // Also the ACK that ends a handshake: only windows of SYNs are not scaled (RFC 7323 2.2).
  uint8_t shift = t && !(g->flags & ESTAB_TCP_SYN) ? t->snd_wscale : 0;
  struct estab_trace e = {
      .kind = ESTAB_TRACE_segment_received,
      .now_ns = s->now_ns,
      .conn = conn,
      .tuple = tuple,
      .u.segment_received = {.flags = g->flags,
                             .seq = g->seq,
                             .ack = g->ack,
                             .window = g->wnd << shift,
                             .text_bytes = g->text_bytes,
                             .segments = g->segments,
                             .urgent = g->up,
                             .options = g->options,
                             .state = t ? (enum estab_state)t->state : ESTAB_CLOSED},
  };
  s->settings.trace.event(s->settings.trace.ctx, &e);
}

static void full_segment_arrives(struct estab_stack *s, struct tcb *t, struct seg *g)
{
  if (t->state == ESTAB_TIME_WAIT && time_wait_syn_is_new(&t->seg, g) &&
      listener_find(s, &t->tuple, t->netif) != SLAB_NONE) { // RFC 6191: whoever holds the handle
    uint32_t index = timewait_detach(s, t);
    if (index != SLAB_NONE) {
      timewait_segment_arrives(s, index, g);
      return;
    }
  }
  const uint16_t flags = g->flags;
  const uint32_t text_bytes = g->text_bytes;
  struct verdict v = tcp_segment_arrives(&s->tcp, t, g, s->now_ns);
  if (v.drop || v.reply == REPLY_RST) { // an RST answers the segment as it came, untrimmed
    g->seq = g->seq_arrived;
    g->flags = flags;
    g->text_bytes = text_bytes;
    if (v.drop) stack_drop(s, (enum estab_drop)v.drop, t->netif, &t->tuple, g);
    if (v.reply == REPLY_RST) reply_rst(s, &t->tuple, t->netif, g);
  }
  stack_collect(s, t);
}

// CLOSED and LISTEN.
static void no_connection(struct estab_stack *s, const struct ip_packet *packet,
                          const struct estab_tuple *tuple, struct seg *g)
{
  uint32_t listener = listener_find(s, tuple, packet->netif);
  struct verdict v =
      listener == SLAB_NONE ? closed_segment_arrives(g) : listen_segment_arrives(&s->settings, g);
  if (!v.stop && (!packet->unicast || packet->link_multicast)) // [MUST-57]
    v = verdict_stop(ESTAB_DROP_TCP_NOT_UNICAST, REPLY_NONE, EFFECT_NONE);
  if (!v.stop) {
    half_open(s, listener, tuple, packet->netif, g, SLAB_NONE);
    return;
  }
  if (v.reply == REPLY_RST && packet->unicast && !packet->link_multicast)
    reply_rst(s, tuple, packet->netif, g);
  stack_drop(s, (enum estab_drop)v.drop, packet->netif, tuple, g);
}

// Ports that nobody may use.
static enum estab_drop ports_judge(const struct ip_packet *packet, const struct estab_tcp_header *h)
{
  if (h->src_port == 0 || h->dst_port == 0) return ESTAB_DROP_TCP_PORT_ZERO;
  if (packet->netif != 0 && h->src_port == h->dst_port &&
      estab_ip_equal(&packet->src, &packet->dst))
    return ESTAB_DROP_TCP_LAND;
  return ESTAB_DROP_NONE;
}

void input_tcp(struct estab_stack *s, struct ip_packet *packet, const struct estab_frame *f)
{
  struct estab_tcp_header h;
  struct estab_tcp_options options;
  int r = tcp_parse_fixed(packet->payload, packet->payload_bytes, &h);
  if (r >= 0 && !checksum_ok(s, packet, f)) r = -ESTAB_DROP_TCP_CHECKSUM;
  if (r < 0) {
    stack_drop(s, (enum estab_drop) - r, packet->netif, NULL, NULL);
    return;
  }
  tcp_parse_options(packet->payload, (size_t)r, &options);
  struct estab_tuple tuple = {packet->dst, packet->src, h.dst_port, h.src_port};
  struct seg g = {
      .seq = h.seq,
      .seq_arrived = h.seq,
      .ack = h.ack,
      .wnd = h.window,
      .text_bytes = (uint32_t)packet->payload_bytes - (uint32_t)r,
      .flags = h.flags,
      .up = h.urgent,
      .segments = f->segments ? f->segments : 1,
      .ecn = packet->ecn,
      .text = packet->payload + r,
      .options = &options,
  };
  s->segments_in += g.segments;
  if (g.flags & ESTAB_TCP_RST) s->resets_in++;
  enum estab_drop bad = ports_judge(packet, &h);
  if (bad) {
    stack_drop(s, bad, packet->netif, &tuple, &g);
    return;
  }
  uint32_t tagged = demux_find(s, &tuple);
  if (s->settings.trace.event) trace_received(s, &tuple, &g, tagged);
  switch (tagged & TAG_KIND) {
  case TAG_FULL: full_segment_arrives(s, stack_conn(s, tagged & TAG_INDEX), &g); break;
  case TAG_HALF: half_segment_arrives(s, tagged & TAG_INDEX, &g); break;
  case TAG_THIRD: timewait_segment_arrives(s, tagged & TAG_INDEX, &g); break;
  default: no_connection(s, packet, &tuple, &g);
  }
}
