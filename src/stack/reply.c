// SPDX-License-Identifier: BSD-2-Clause
// reply.c - packets of ours that belong to no connection: RST, ACKs of records, ICMP, ARP, UDP; a bounded ring.
#include "base/bytes.h"
#include "stack/stack.h"
#include <string.h>

// A packet that is longer than its interface takes: all of its pieces or none, so that nobody waits for the rest.
static int reply_fragments(struct estab_stack *s, const struct ip_route_result *route,
                           const struct estab_ip *remote, const uint8_t *packet, size_t bytes)
{
  size_t least = (route->mtu - ip_header_bytes(remote) - ESTAB_IP6_FRAGMENT_BYTES) & ~(size_t)7;
  if (bytes / least + 1 > REPLY_RING - s->reply_count) return ESTAB_ERR_WOULD_BLOCK;
  uint8_t *piece = mem_new_raw(&s->mem, route->mtu, ESTAB_MEM_STACK);
  if (!piece) return ESTAB_ERR_NO_MEMORY;
  uint32_t id = ip_fragment_id(&s->ip);
  int r = ESTAB_OK;
  size_t n;
  for (unsigned nth = 0; r == ESTAB_OK; nth++) {
    n = ip_fragment(packet, bytes, route->mtu, id, nth, piece);
    if (!n) break;
    r = reply_packet(s, route, remote, piece, n);
  }
  mem_free(&s->mem, piece, route->mtu, ESTAB_MEM_STACK);
  return r;
}

int reply_packet(struct estab_stack *s, const struct ip_route_result *route,
                 const struct estab_ip *remote, const uint8_t *packet, size_t bytes)
{
  if (remote && bytes > route->mtu) return reply_fragments(s, route, remote, packet, bytes);
  if (!s->replies) s->replies = mem_new(&s->mem, REPLY_RING * sizeof *s->replies, ESTAB_MEM_STACK);
  if (!s->replies || s->reply_count == REPLY_RING) return ESTAB_ERR_WOULD_BLOCK;
  struct reply_entry *p = &s->replies[(s->reply_first + s->reply_count) % REPLY_RING];
  p->route = *route;
  if (remote) p->remote = *remote;
  p->bytes = (uint16_t)bytes;
  p->large = NULL;
  if (bytes > sizeof p->small) {
    p->large = mem_new_raw(&s->mem, bytes, ESTAB_MEM_STACK);
    if (!p->large) return ESTAB_ERR_NO_MEMORY;
  }
  memcpy(p->large ? p->large : p->small, packet, bytes);
  s->reply_count++;
  return ESTAB_OK;
}

struct reply_entry *reply_first(struct estab_stack *s)
{
  return s->reply_count ? &s->replies[s->reply_first] : NULL;
}

void reply_pop(struct estab_stack *s)
{
  struct reply_entry *p = &s->replies[s->reply_first];
  mem_free(&s->mem, p->large, p->bytes, ESTAB_MEM_STACK);
  p->large = NULL;
  s->reply_first = (s->reply_first + 1) % REPLY_RING;
  s->reply_count--;
}

void reply_destroy(struct estab_stack *s)
{
  while (s->reply_count)
    reply_pop(s);
  mem_free(&s->mem, s->replies, REPLY_RING * sizeof *s->replies, ESTAB_MEM_STACK);
  s->replies = NULL;
}

// A segment without text.
void reply_tcp(struct estab_stack *s, const struct estab_tuple *tuple, uint32_t netif,
               const struct estab_tcp_header *h)
{
  uint8_t packet[ESTAB_IP6_HEADER_BYTES + ESTAB_TCP_HEADER_MAX_BYTES];
  struct ip_route_result route;
  int r = ip_route(&s->ip, &tuple->local, &tuple->remote, netif, &route);
  if (r < 0) {
    stack_drop(s, ESTAB_DROP_IP_NO_ROUTE, netif, tuple, NULL);
    return;
  }
  size_t ip_bytes = ip_header_bytes(&tuple->remote);
  uint8_t *tcp = packet + ip_bytes;
  size_t tcp_bytes = estab_tcp_emit(h, tcp);
  if (ip_bytes + tcp_bytes >
      route.mtu) { // IPv6 with less than its 1280: TCP is never sent in fragments
    stack_drop(s, ESTAB_DROP_IP_TOO_BIG, netif, tuple, NULL);
    return;
  }
  ip_emit_to(&s->ip, &tuple->local, &tuple->remote, ESTAB_PROTOCOL_TCP, tcp_bytes, 0,
             s->settings.hop_limit, (uint32_t)tuple->local_port << 16 | tuple->remote_port, packet);
  uint64_t sum =
      estab_checksum_pseudo(&tuple->local, &tuple->remote, ESTAB_PROTOCOL_TCP, (uint32_t)tcp_bytes);
  uint16_t checksum = estab_checksum_finish(estab_checksum_add(sum, tcp, tcp_bytes));
  tcp[ESTAB_TCP_CHECKSUM_OFFSET] = (uint8_t)(checksum >> 8);
  tcp[ESTAB_TCP_CHECKSUM_OFFSET + 1] = (uint8_t)checksum;
  if (reply_packet(s, &route, &tuple->remote, packet, ip_bytes + tcp_bytes) < 0) {
    stack_drop(s, ESTAB_DROP_OUTPUT_RING_FULL, netif, tuple, NULL);
    return;
  }
  s->segments_out++;
}

void reply_ack(struct estab_stack *s, struct seg_state *t, const struct estab_tuple *tuple,
               uint32_t netif)
{
  uint32_t window = (t->rcv.wnd + (1u << t->rcv_wscale) - 1) >> t->rcv_wscale;
  window = u32_min(window, 65535);
  t->rcv.wnd = window << t->rcv_wscale;
  struct estab_tcp_header h = {
      .src_port = tuple->local_port,
      .dst_port = tuple->remote_port,
      .seq = t->snd.nxt,
      .ack = t->rcv.nxt,
      .flags = ESTAB_TCP_ACK,
      .window = (uint16_t)window,
  };
  // Of a half-open connection, which has counted nothing; one in TIME-WAIT sends nothing more that could be marked.
  if (t->flags & SEG_ACCECN) h.flags |= ACCECN_ACE_FIRST << ACCECN_ACE_SHIFT;
  if (t->flags & SEG_TS) {
    h.options.present = ESTAB_TCP_OPT_TS;
    h.options.ts_value = tcp_ts_now(t->ts_offset, s->now_ns);
    h.options.ts_echo = t->ts_recent;
  }
  if (s->settings.trace.event) tcp_trace_sent(&s->tcp, t, tuple, 0, &h, 0, 1, s->now_ns);
  reply_tcp(s, tuple, netif, &h);
}

void reply_rst(struct estab_stack *s, const struct estab_tuple *tuple, uint32_t netif,
               const struct seg *g)
{
  if (!ip_limit_take(&s->ip, IP_LIMIT_RST, &tuple->remote, s->now_ns)) {
    stack_drop(s, ESTAB_DROP_ICMP_LIMIT, netif, tuple, g);
    return;
  }
  // DEPARTS: RFC 7323 5.2 (timestamps on a RST without a connection) because it is recommended for research only.
  struct estab_tcp_header h = {.src_port = tuple->local_port, .dst_port = tuple->remote_port};
  if (g->flags & ESTAB_TCP_ACK) { // <SEQ=SEG.ACK><CTL=RST>
    h.seq = g->ack;
    h.flags = ESTAB_TCP_RST;
  } else { // <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
    h.ack = g->seq + seg_len(g);
    h.flags = ESTAB_TCP_RST | ESTAB_TCP_ACK;
  }
  s->resets_out++;
  if (s->settings.trace.event) {
    struct seg_state closed = {.state = ESTAB_CLOSED};
    tcp_trace_sent(&s->tcp, &closed, tuple, 0, &h, 0, 1, s->now_ns);
  }
  reply_tcp(s, tuple, netif, &h);
}

void reply_icmp_error(struct estab_stack *s, const struct ip_packet *packet)
{
  uint8_t out[ICMP_ERROR_MAX_BYTES];
  struct ip_route_result route;
  int r = icmp_error_build(&s->ip, packet, s->now_ns, out, sizeof out, &route);
  if (r > 0 && reply_packet(s, &route, &packet->src, out, (size_t)r) < 0)
    r = -ESTAB_DROP_OUTPUT_RING_FULL;
  if (r < 0) stack_drop(s, (enum estab_drop) - r, packet->netif, NULL, NULL);
}
