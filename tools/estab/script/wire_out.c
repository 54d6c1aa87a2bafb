// SPDX-License-Identifier: BSD-2-Clause
// wire_out.c - packets that left the host against what the script says, by neutral rules: options as
// a set, windows as zero or not, PSH and the window scale forgiven; everything else to the letter.
#include "run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct flow *wire_flow(struct run *run, const struct estab_packet *packet, bool inbound)
{
  if (packet->kind != ESTAB_PACKET_TCP) return NULL;
  uint16_t local = inbound ? packet->tcp.dst_port : packet->tcp.src_port;
  uint16_t remote = inbound ? packet->tcp.src_port : packet->tcp.dst_port;
  for (unsigned i = run->flow_count; i-- > 0;)
    if (run->flows[i].tuple.local_port == local && run->flows[i].tuple.remote_port == remote)
      return &run->flows[i];
  return NULL;
}

void wire_format(struct run *run, const struct estab_packet *packet, char *text, size_t text_bytes)
{
  if (packet->kind != ESTAB_PACKET_TCP) {
    estab_packet_format(packet, NULL, text, text_bytes);
    return;
  }
  bool inbound = estab_ip_equal(&packet->dst, &run->host.local);
  const struct flow *flow = wire_flow(run, packet, inbound);
  struct estab_format_options how = {0};
  const bool syn = (packet->tcp.flags & ESTAB_TCP_SYN) != 0;
  if (flow != NULL) {
    how.seq_base = inbound ? flow_remote(flow, syn) : flow_local(flow, syn);
    how.ack_base = inbound ? flow_local(flow, syn) : flow_remote(flow, syn);
  }
  if ((packet->tcp.flags & ESTAB_TCP_ACK) == 0) how.ack_base = 0;
  estab_tcp_format(&packet->tcp, packet->payload_bytes, &how, text, text_bytes);
}

void wire_log(struct run *run, const struct estab_packet *packet, uint64_t ns, char mark)
{
  char text[ESTAB_PACKET_TEXT_BYTES];
  wire_format(run, packet, text, sizeof text);
  int64_t us = (int64_t)(ns - run->begin_ns) / 1000;
  log_line(&run->log, "%6lld.%06lld %c %s", (long long)(us / 1000000), (long long)(us % 1000000),
           mark, text);
}

static bool wire_differs(struct run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool wire_differs(struct run *run, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  vsnprintf(run->reason, sizeof run->reason, format, args);
  va_end(args);
  return false;
}

static bool wire_sack_matches(struct run *run, const struct packet_spec *p, const struct flow *flow,
                              const struct estab_tcp_options *got)
{
  const struct estab_tcp_options *want = &p->options;
  if (got->sack_count != want->sack_count)
    return wire_differs(run, "%u SACK blocks instead of %u", got->sack_count, want->sack_count);
  for (unsigned i = 0; i < want->sack_count; i++)
    if (got->sack[i].start != want->sack[i].start + flow_remote(flow, false) ||
        got->sack[i].end != want->sack[i].end + flow_remote(flow, false))
      return wire_differs(run, "SACK block %u", i + 1);
  return true;
}

static bool wire_ts_matches(struct run *run, const struct packet_spec *p, struct flow *flow,
                            const struct estab_tcp_options *got)
{
  uint32_t want = p->options.ts_echo;
  bool nothing = want == 0 && got->ts_echo == 0;
  if (!nothing && got->ts_echo != want + FLOW_TS_OFFSET)
    return wire_differs(run, "TS ecr %u instead of %u", got->ts_echo - FLOW_TS_OFFSET, want);
  if (flow->ts_pairs > 0) {
    uint32_t before = flow->ts[(flow->ts_pairs - 1) % FLOW_TS_PAIRS].live;
    if ((int32_t)(got->ts_value - before) < 0) return wire_differs(run, "TS val runs backwards");
  }
  flow_note_ts(flow, p->options.ts_value, got->ts_value);
  return true;
}

// The kinds in their order, padding included.
static bool wire_order_matches(struct run *run, const struct packet_spec *p,
                               const struct estab_packet *packet)
{
  const uint8_t *got = packet->bytes + packet->l4_offset + ESTAB_TCP_HEADER_BYTES;
  size_t count = packet->tcp.header_bytes - ESTAB_TCP_HEADER_BYTES, i = 0;
  bool same = count == p->option_count;
  while (same && i < count) {
    same = got[i] == p->option_bytes[i];
    if (same && got[i] == 0) break;
    i += got[i] <= 1 ? 1 : i + 1 < count && got[i + 1] >= 2 ? got[i + 1] : count;
  }
  return same || wire_differs(run, "the order of the options");
}

// Writes the counters that the option has over those that were told before.
static bool wire_counters(const struct estab_tcp_options *o, uint32_t marked_bytes[3])
{
  const bool reverse = (o->present & ESTAB_TCP_OPT_ACCECN1) != 0;
  if (!reverse && (o->present & ESTAB_TCP_OPT_ACCECN0) == 0) return false;
  for (unsigned i = 0; i < o->accecn_count; i++)
    marked_bytes[reverse ? 2 - i : i] = o->accecn[i];
  return true;
}

// By the counters' values: order and what is left out, because it has not moved, are the host's choice.
static bool wire_accecn_matches(struct run *run, struct flow *flow,
                                const struct estab_tcp_options *want,
                                const struct estab_tcp_options *got)
{
  static const char *const names[] = {"e0b", "ceb", "e1b"};
  uint32_t wanted[3], is[3];
  memcpy(wanted, flow->marked_bytes, sizeof wanted);
  memcpy(is, flow->marked_bytes, sizeof is);
  const bool has = wire_counters(got, is);
  if (wire_counters(want, wanted) != has)
    return wire_differs(run, "option ECN is %s", has ? "not expected" : "missing");
  for (unsigned i = 0; i < 3; i++)
    if (is[i] != wanted[i])
      return wire_differs(run, "ECN %s %u instead of %u", names[i], is[i], wanted[i]);
  memcpy(flow->marked_bytes, is, sizeof is);
  return true;
}

static bool wire_options_match(struct run *run, const struct packet_spec *p, struct flow *flow,
                               const struct estab_tcp_options *got)
{
  static const struct {
    uint32_t bit;
    const char *name;
  } names[] = {{ESTAB_TCP_OPT_MSS, "mss"},
               {ESTAB_TCP_OPT_WSCALE, "wscale"},
               {ESTAB_TCP_OPT_SACK_PERMITTED, "sackOK"},
               {ESTAB_TCP_OPT_SACK, "sack"},
               {ESTAB_TCP_OPT_TS, "TS"},
               {ESTAB_TCP_OPT_UTO, "uto"},
               {ESTAB_TCP_OPT_TFO, "FO"},
               {ESTAB_TCP_OPT_TFO_EXP, "FOEXP"}};
  const struct estab_tcp_options *want = &p->options;
  if ((got->present & ESTAB_TCP_OPT_MALFORMED) != 0) return wire_differs(run, "broken options");
  if (p->any_options) return true;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    bool is = (got->present & names[i].bit) != 0, wanted = (want->present & names[i].bit) != 0;
    if (is != wanted)
      return wire_differs(run, "option %s is %s", names[i].name, is ? "not expected" : "missing");
  }
  if ((want->present & ESTAB_TCP_OPT_MSS) != 0 && got->mss != want->mss)
    return wire_differs(run, "mss %u instead of %u", got->mss, want->mss);
  if (run->options->strict && (want->present & ESTAB_TCP_OPT_WSCALE) != 0 &&
      got->wscale != want->wscale)
    return wire_differs(run, "wscale %u instead of %u", got->wscale, want->wscale);
  if ((want->present & ESTAB_TCP_OPT_UTO) != 0 && got->user_timeout != want->user_timeout)
    return wire_differs(run, "uto %u instead of %u", got->user_timeout, want->user_timeout);
  if ((want->present & ESTAB_TCP_OPT_TFO) != 0 && !fast_open_cookie_matches(run, p, got))
    return wire_differs(run, "another cookie");
  if ((want->present & ESTAB_TCP_OPT_SACK) != 0 && !wire_sack_matches(run, p, flow, got))
    return false;
  if (!wire_accecn_matches(run, flow, want, got)) return false;
  return (want->present & ESTAB_TCP_OPT_TS) == 0 || wire_ts_matches(run, p, flow, got);
}

static bool wire_text_matches(struct run *run, const struct flow *flow,
                              const struct estab_packet *packet)
{
  bool syn = (packet->tcp.flags & ESTAB_TCP_SYN) != 0;
  uint32_t first = packet->tcp.seq - flow->local_offset - flow->script_iss - !syn;
  // A keepalive or window probe may carry one octet that was never written: RFC 9293 3.8.4.
  bool probe = packet->payload_bytes == 1;
  for (size_t i = 0; i < packet->payload_bytes && !probe; i++)
    if (packet->payload[i] != flow_octet(1, first + (uint32_t)i))
      return wire_differs(run, "octet %zu of the text is not what was written", i);
  return true;
}

static bool wire_ecn_matches(const struct packet_spec *p, uint8_t ecn)
{
  switch (p->ecn) {
  case ECN_UNSAID: return true;
  case ECN_NONE: return ecn == ESTAB_ECN_NOT_ECT;
  case ECN_0: return ecn == ESTAB_ECN_ECT0;
  case ECN_1: return ecn == ESTAB_ECN_ECT1;
  case ECN_CE: return ecn == ESTAB_ECN_CE;
  case ECN_0_OR_1: return ecn == ESTAB_ECN_ECT0 || ecn == ESTAB_ECN_ECT1;
  }
  return false;
}

static bool wire_numbers_match(struct run *run, const struct packet_spec *p, struct flow *flow,
                               const struct estab_tcp_header *h, uint32_t done)
{
  const bool syn = (h->flags & ESTAB_TCP_SYN) != 0;
  const uint32_t local = flow_local(flow, syn), remote = flow_remote(flow, syn);
  if (!p->any_seq && h->seq != p->seq + done + local)
    return wire_differs(run, "SEQ %u instead of %u", h->seq - local, p->seq + done);
  bool ack = (h->flags & ESTAB_TCP_ACK) != 0;
  uint32_t want = ack ? p->ack + remote : p->ack;
  if (p->has_ack && h->ack != want)
    return wire_differs(run, "ACK %u instead of %u", ack ? h->ack - remote : h->ack, p->ack);
  if (!ack && h->ack != 0) return wire_differs(run, "an ACK number without the ACK flag");
  if (p->has_window && !(h->flags & ESTAB_TCP_RST) && // of a reset nobody reads it
      ((h->window != 0) != (p->window != 0) || (run->options->strict && h->window != p->window)))
    return wire_differs(run, "window %u instead of %u", h->window, p->window);
  uint16_t urgent = p->has_urgent ? (uint16_t)(p->urgent - done) : 0;
  if (h->urgent != urgent)
    return wire_differs(run, "urgent pointer %u instead of %u", h->urgent, urgent);
  return true;
}

// An ICMP error of ours about a segment that arrived: type, code, MTU, and the segment's number.
static bool wire_icmp_matches(struct run *run, const struct packet_spec *p,
                              const struct estab_packet *packet)
{
  const struct icmp_spec *spec = &p->icmp_spec;
  bool ip6 = run->host.ip6;
  struct estab_quote quote;
  if (packet->kind != (ip6 ? ESTAB_PACKET_ICMP6 : ESTAB_PACKET_ICMP4))
    return wire_differs(run, "not an ICMP message");
  if (packet->icmp.type != (ip6 ? spec->type6 : spec->type4) ||
      packet->icmp.code != (ip6 ? spec->code6 : spec->code4))
    return wire_differs(run, "another type or code");
  if (spec->mtu != 0 && packet->icmp.mtu != spec->mtu) return wire_differs(run, "another MTU");
  if (estab_quote_parse(ip6 ? 6 : 4, packet->payload, packet->payload_bytes, &quote) < 0 ||
      !quote.has_seq)
    return wire_differs(run, "it quotes no TCP segment");
  for (unsigned i = 0; i < run->flow_count; i++) {
    const struct flow *flow = &run->flows[i];
    if (flow->tuple.remote_port == quote.src_port && flow->tuple.local_port == quote.dst_port)
      return quote.seq == spec->seq + flow_remote(flow, false) ||
             wire_differs(run, "it is about SEQ %u", quote.seq - flow_remote(flow, false));
  }
  return wire_differs(run, "it is about a connection that nobody opened");
}

bool wire_matches(struct run *run, const struct packet_spec *p, const struct sent *sent,
                  uint32_t done, uint32_t *text)
{
  const struct estab_packet *packet = &sent->packet;
  *text = 0;
  if (!sent->parsed)
    return wire_differs(run, "the packet is broken: %s",
                        estab_drop_text((enum estab_drop) - sent->drop));
  if (p->icmp) return wire_icmp_matches(run, p, packet);
  if (packet->kind != ESTAB_PACKET_TCP) return wire_differs(run, "not a TCP segment");
  struct flow *flow = wire_flow(run, packet, false);
  if (flow == NULL) return wire_differs(run, "a segment of a connection that nobody opened");
  const struct estab_tcp_header *h = &packet->tcp;
  uint32_t left = p->text_bytes - done, have = (uint32_t)packet->payload_bytes;
  uint16_t mask = (uint16_t)~ESTAB_TCP_PSH;
  if (run->options->strict) mask = UINT16_MAX;
  if (have < left) mask = (uint16_t)(mask & ~(ESTAB_TCP_FIN | ESTAB_TCP_PSH)); // come at the end
  if ((h->flags & mask) != (p->flags & mask)) return wire_differs(run, "flags");
  if (have < left && (h->flags & ESTAB_TCP_FIN) != 0) return wire_differs(run, "an early FIN");
  if ((h->flags & ESTAB_TCP_SYN) != 0 && (!flow->local_known || flow->renewed))
    flow_synchronize(flow, h->seq, p->seq);
  if (!wire_numbers_match(run, p, flow, h, done)) return false;
  if (have > left || (have < left && have == 0))
    return wire_differs(run, "%u octets of text instead of %u", have, left);
  if (p->has_ttl && packet->ttl != p->ttl)
    return wire_differs(run, "ttl %u instead of %u", packet->ttl, p->ttl);
  if (p->has_tos && (packet->dscp << 2 | packet->ecn) != p->tos)
    return wire_differs(run, "tos %u instead of %u", packet->dscp << 2 | packet->ecn, p->tos);
  if (!wire_ecn_matches(p, packet->ecn)) return wire_differs(run, "the IP header's ECN field");
  if (!wire_options_match(run, p, flow, &h->options)) return false;
  if (run->options->strict && !p->any_options && !wire_order_matches(run, p, packet)) return false;
  *text = have;
  return wire_text_matches(run, flow, packet);
}
