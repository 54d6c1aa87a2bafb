// SPDX-License-Identifier: BSD-2-Clause
// wire_in.c - packets of the script on their way into the host.
#include "run.h"

#include <string.h>

#include "octets.h"

// The flow an inbound packet belongs to. A SYN after listen(), or the first packet of all, comes
// from a new port of the far side.
static struct flow *wire_flow_in(struct run *run, const struct packet_spec *p)
{
  bool syn = (p->flags & (ESTAB_TCP_SYN | ESTAB_TCP_ACK)) == ESTAB_TCP_SYN;
  if (run->flow_now < 0 || (syn && run->listen_is_fresh)) {
    if (run->flow_count == RUN_FLOWS) {
      run_stop(run, VERDICT_ERROR, "too many connections in one script");
      return NULL;
    }
    struct estab_tuple tuple = {run->host.local, run->host.remote, 8080, run->next_port++};
    run->flow_now = (int)run->flow_count++;
    flow_start(&run->flows[run->flow_now], &tuple, run_counts_from_syn(run));
    if (syn) run->listen_is_fresh = false;
  }
  struct flow *flow = &run->flows[run->flow_now];
  enum estab_state state = host_flow_state(&run->host, &flow->tuple);
  if (syn && flow->local_known && (state == ESTAB_CLOSED || state == ESTAB_TIME_WAIT))
    flow->renewed = true;
  if ((p->flags & ESTAB_TCP_SYN) != 0 && (!flow->irs_known || flow->renewed)) {
    flow->irs_known = true;
    flow->script_irs = p->seq;
  }
  return flow;
}

static size_t wire_options(struct run *run, const struct packet_spec *p, const struct flow *flow,
                           uint8_t *out)
{
  memcpy(out, p->option_bytes, p->option_count);
  if (p->cookie_name != NULL) fast_open_named_cookie(run, p->cookie_name, out + p->cookie_at);
  if (p->ts_value_at != 0) {
    uint32_t echo = octets_get32(out + p->ts_echo_at);
    octets_put32(out + p->ts_value_at, octets_get32(out + p->ts_value_at) + FLOW_TS_OFFSET);
    if (echo != 0 || (p->flags & ESTAB_TCP_ACK) != 0)
      octets_put32(out + p->ts_echo_at, flow_ts_live(flow, echo));
  }
  for (unsigned i = 0; i < 2 * p->sack_count; i++) {
    uint8_t *edge = out + p->sack_at + (size_t)4 * i;
    octets_put32(edge, octets_get32(edge) + flow_local(flow, false));
  }
  return p->option_count;
}

static size_t wire_segment(struct run *run, const struct packet_spec *p, const struct flow *flow,
                           uint8_t *out)
{
  const bool syn = (p->flags & ESTAB_TCP_SYN) != 0;
  struct estab_tcp_header h = {.src_port = flow->tuple.remote_port,
                               .dst_port = flow->tuple.local_port,
                               .seq = p->seq + flow_remote(flow, syn),
                               .ack = p->has_ack ? p->ack + flow_local(flow, syn) : 0,
                               .flags = p->flags,
                               .window = p->window,
                               .urgent = p->urgent};
  size_t at = estab_tcp_emit(&h, out);
  size_t options = wire_options(run, p, flow, out + at);
  out[12] = (uint8_t)((out[12] & 0x0f) | (at + options) / 4 << 4);
  at += options;
  uint32_t first =
      p->seq + flow_remote(flow, syn) - flow_remote(flow, true) - flow->script_irs - !syn;
  for (uint32_t i = 0; i < p->text_bytes; i++)
    out[at++] = flow_octet(0, first + i);
  uint64_t sum =
      estab_checksum_pseudo(&run->host.remote, &run->host.local, ESTAB_PROTOCOL_TCP, (uint32_t)at);
  uint16_t checksum = estab_checksum_finish(estab_checksum_add(sum, out, at));
  out[ESTAB_TCP_CHECKSUM_OFFSET] = (uint8_t)(checksum >> 8);
  out[ESTAB_TCP_CHECKSUM_OFFSET + 1] = (uint8_t)checksum;
  return at;
}

// The packet that an ICMP error is about: it went from the host to the far side.
static size_t wire_quote(const struct run *run, const struct packet_spec *p,
                         const struct flow *flow, uint8_t *out)
{
  struct estab_tcp_header h = {.src_port = flow->tuple.local_port,
                               .dst_port = flow->tuple.remote_port,
                               .seq = p->icmp_spec.seq + flow_local(flow, false),
                               .flags = ESTAB_TCP_ACK};
  size_t tcp_bytes = ESTAB_TCP_HEADER_BYTES + p->icmp_spec.text_bytes, at;
  if (run->host.ip6) {
    struct estab_ip6_header ip = {.src = run->host.local,
                                  .dst = run->host.remote,
                                  .payload_bytes = (uint16_t)tcp_bytes,
                                  .next_header = ESTAB_PROTOCOL_TCP,
                                  .hop_limit = 60};
    at = estab_ip6_emit(&ip, out);
    return at + estab_tcp_emit(&h, out + at);
  }
  struct estab_ip4_header ip = {.src = run->host.local,
                                .dst = run->host.remote,
                                .total_bytes = (uint16_t)(ESTAB_IP4_HEADER_BYTES + tcp_bytes),
                                .protocol = ESTAB_PROTOCOL_TCP,
                                .dont_fragment = true,
                                .ttl = 60};
  at = estab_ip4_emit(&ip, out);
  estab_tcp_emit(&h, out + at);
  return at + 8; // RFC 792: the header and 64 bits
}

static bool wire_icmp(struct run *run, const struct packet_spec *p, const struct flow *flow,
                      struct estab_packet *packet, uint8_t *payload)
{
  const struct icmp_spec *spec = &p->icmp_spec;
  bool ip6 = run->host.ip6;
  packet->kind = ip6 ? ESTAB_PACKET_ICMP6 : ESTAB_PACKET_ICMP4;
  packet->icmp.type = ip6 ? spec->type6 : spec->type4;
  packet->icmp.code = ip6 ? spec->code6 : spec->code4;
  packet->icmp.error = true;
  packet->icmp.mtu = spec->mtu;
  if (packet->icmp.type == 255) {
    run_stop(run, VERDICT_ERROR, "%s has no such message", ip6 ? "ICMPv6" : "ICMP");
    return false;
  }
  packet->payload = payload;
  packet->payload_bytes = wire_quote(run, p, flow, payload);
  return true;
}

// Only a piece of what would be the whole packet: octets [frag_begin, frag_end) of the IP payload.
static bool wire_fragment(struct run *run, const struct packet_spec *p, struct estab_packet *packet)
{
  size_t all = packet->payload_bytes;
  if (p->frag_begin % 8 != 0 || p->frag_begin >= p->frag_end || p->frag_end > all) {
    run_stop(run, VERDICT_ERROR,
             "a fragment of %zu octets begins at a multiple of 8 and ends behind it", all);
    return false;
  }
  packet->kind = ESTAB_PACKET_FRAGMENT;
  packet->dont_fragment = false;
  packet->fragment = (struct estab_fragment){
      .id = p->ip_id, .offset = (uint16_t)p->frag_begin, .more = p->frag_end < all};
  packet->payload += p->frag_begin;
  packet->payload_bytes = p->frag_end - p->frag_begin;
  return true;
}

void wire_deliver(struct run *run, const struct packet_spec *p)
{
  static uint8_t payload[65536], bytes[65536 + 64];
  struct flow *flow = wire_flow_in(run, p);
  if (flow == NULL || !run_need_stack(run)) return;
  static const uint8_t ecn[] = {
      [ECN_UNSAID] = 0,         [ECN_NONE] = 0,          [ECN_0] = ESTAB_ECN_ECT0,
      [ECN_1] = ESTAB_ECN_ECT1, [ECN_CE] = ESTAB_ECN_CE, [ECN_0_OR_1] = ESTAB_ECN_ECT0};
  struct estab_packet packet = {.kind = ESTAB_PACKET_OTHER,
                                .link = ESTAB_LINK_RAW,
                                .version = run->host.ip6 ? 6 : 4,
                                .protocol = ESTAB_PROTOCOL_TCP,
                                .ttl = p->has_ttl ? p->ttl : 60,
                                .dscp = (uint8_t)(p->tos >> 2),
                                .ecn = (uint8_t)(ecn[p->ecn] | (p->tos & 3)),
                                .dont_fragment = true,
                                .src = run->host.remote,
                                .dst = run->host.local};
  if (p->icmp) {
    if (!wire_icmp(run, p, flow, &packet, payload)) return;
  } else {
    packet.payload = payload;
    packet.payload_bytes = wire_segment(run, p, flow, payload);
    if (p->bad_checksum) payload[ESTAB_TCP_CHECKSUM_OFFSET] ^= 0x40;
    if (p->fragment && !wire_fragment(run, p, &packet)) return;
  }
  int n = estab_packet_emit(&packet, bytes, sizeof bytes);
  if (n < 0) {
    run_stop(run, VERDICT_ERROR, "the packet cannot be built: %s", estab_strerror(n));
    return;
  }
  if (estab_packet_parse(ESTAB_LINK_RAW, bytes, (size_t)n, false, &packet) >= 0)
    wire_log(run, &packet, run->host.now_ns, '<');
  host_deliver(&run->host, bytes, (size_t)n);
}
