// SPDX-License-Identifier: BSD-2-Clause
// render.c - the story's relative numbers as packets, and packets as outcomes.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "diff.h"

static uint8_t peer_octet(uint32_t at)
{
  return (uint8_t)(at * 7 + at / 251);
}

size_t render(const struct story *story, const struct step *step, struct ends *ends, uint8_t *out,
              size_t room)
{
  uint8_t text[4096];
  struct estab_packet p = {.kind = ESTAB_PACKET_TCP,
                           .link = ESTAB_LINK_RAW,
                           .version = story->ip6 ? 6 : 4,
                           .protocol = ESTAB_PROTOCOL_TCP,
                           .ttl = 64,
                           .dont_fragment = true,
                           .src = ends->peer,
                           .dst = ends->us};
  struct estab_tcp_options *o = &p.tcp.options;
  p.tcp.src_port = ends->peer_port;
  p.tcp.dst_port = ends->our_port;
  p.tcp.seq = ends->peer_iss + step->seq;
  p.tcp.ack = step->flags & ESTAB_TCP_ACK ? ends->iss + step->ack : 0;
  p.tcp.flags = step->flags;
  p.tcp.window = step->window;
  p.tcp.urgent = step->urgent;
  if (step->flags & ESTAB_TCP_SYN) {
    o->mss = story->mss;
    o->wscale = story->wscale;
    if (story->mss > 0) o->present |= ESTAB_TCP_OPT_MSS;
    if (story->sack) o->present |= ESTAB_TCP_OPT_SACK_PERMITTED;
    if (story->scaling) o->present |= ESTAB_TCP_OPT_WSCALE;
  }
  bool stamped = step->flags & ESTAB_TCP_SYN ? story->timestamps
                                             : ends->timestamps && story->timestamps && step->ts;
  ends->ts_clock++;
  if (stamped) {
    o->present |= ESTAB_TCP_OPT_TS;
    o->ts_value = ends->ts_clock + (uint32_t)step->ts_delta;
    o->ts_echo = step->flags & ESTAB_TCP_ACK ? ends->ts_recent : 0;
  }
  if (step->sacks > 0 && ends->sack && story->sack) {
    o->present |= ESTAB_TCP_OPT_SACK;
    o->sack_count = step->sacks;
    for (unsigned i = 0; i < step->sacks; i++) {
      o->sack[i].start = ends->iss + step->sack[i][0];
      o->sack[i].end = ends->iss + step->sack[i][1];
    }
  }
  uint32_t first = step->seq + (step->flags & ESTAB_TCP_SYN ? 1 : 0);
  for (uint32_t i = 0; i < step->bytes && i < sizeof text; i++)
    text[i] = peer_octet(first + i);
  p.payload = text;
  p.payload_bytes = step->bytes < sizeof text ? step->bytes : sizeof text;
  int n = estab_packet_emit(&p, out, room);
  return n > 0 ? (size_t)n : 0;
}

static void observe_syn(struct ends *ends, const struct estab_tcp_header *h,
                        struct out_segment *out)
{
  const struct estab_tcp_options *o = &h->options;
  ends->iss = h->seq; // another SYN may begin another life, with another number
  ends->iss_known = true;
  ends->timestamps = (o->present & ESTAB_TCP_OPT_TS) != 0;
  if (o->present & ESTAB_TCP_OPT_MSS) out->mss = o->mss;
  ends->sack = (o->present & ESTAB_TCP_OPT_SACK_PERMITTED) != 0;
  if (ends->sack) out->options |= OUT_SACK_PERMITTED;
  if (o->present & ESTAB_TCP_OPT_WSCALE) {
    out->options |= OUT_SCALE;
    out->wscale = o->wscale;
  }
}

// Text that goes on where the segment before it ended belongs to it, and so does a FIN behind it.
static bool joins(const struct out_segment *before, const struct out_segment *next)
{
  return before->bytes > 0 && (next->bytes > 0 || next->flags & ESTAB_TCP_FIN) &&
         before->seq + before->bytes == next->seq && before->ack == next->ack &&
         before->flags == (next->flags & ~(unsigned)ESTAB_TCP_FIN) &&
         (next->sacks == before->sacks || next->sacks == 0);
}

bool observe(struct ends *ends, const uint8_t *bytes, size_t count, struct outcome *outcome)
{
  struct estab_packet p;
  if (estab_packet_parse(ESTAB_LINK_RAW, bytes, count, true, &p) < 0) return false;
  if (p.kind != ESTAB_PACKET_TCP || p.tcp.src_port != ends->our_port ||
      p.tcp.dst_port != ends->peer_port || !estab_ip_equal(&p.dst, &ends->peer))
    return false;
  struct out_segment out = {.flags = p.tcp.flags & (uint16_t)~ESTAB_TCP_PSH,
                            .window = p.tcp.window,
                            .bytes = (uint32_t)p.payload_bytes};
  const struct estab_tcp_options *o = &p.tcp.options;
  if (p.tcp.flags & ESTAB_TCP_SYN) observe_syn(ends, &p.tcp, &out);
  // A reset that belongs to no connection begins at 0 itself: RFC 9293 3.10.7.1.
  bool own = ends->iss_known && !(p.tcp.flags & ESTAB_TCP_RST && p.tcp.seq == 0);
  out.seq = p.tcp.seq - (own ? ends->iss : 0);
  if (p.tcp.flags & ESTAB_TCP_ACK) {
    out.ack = p.tcp.ack - ends->peer_iss;
    ends->last_ack = p.tcp.ack;
  }
  if (o->present & ESTAB_TCP_OPT_TS) {
    out.options |= OUT_TIMESTAMPS;
    out.ts_echo = o->ts_echo;
    // The peer echoes what came with a sequence number of its own: some stacks believe no other echo in the handshake.
    if (out.bytes > 0 || p.tcp.flags & (ESTAB_TCP_SYN | ESTAB_TCP_FIN))
      ends->ts_recent = o->ts_value;
  }
  if (p.tcp.window == 0 && !(p.tcp.flags & ESTAB_TCP_RST)) out.options |= OUT_WINDOW_ZERO;
  if (o->present & ESTAB_TCP_OPT_SACK)
    for (unsigned i = 0; i < o->sack_count && i < 4; i++) {
      out.sack[out.sacks][0] = o->sack[i].start - ends->peer_iss;
      out.sack[out.sacks++][1] = o->sack[i].end - ends->peer_iss;
    }
  struct out_segment *last = outcome->out_count > 0 ? &outcome->outs[outcome->out_count - 1] : NULL;
  if (last != NULL && joins(last, &out)) {
    last->bytes += out.bytes;
    last->flags |= out.flags;
  } else if (outcome->out_count < STEP_OUTS) {
    outcome->outs[outcome->out_count++] = out;
  }
  return true;
}

static size_t add(char *text, size_t room, size_t used, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static size_t add(char *text, size_t room, size_t used, const char *format, ...)
{
  va_list args;
  if (used >= room) return used;
  va_start(args, format);
  int n = vsnprintf(text + used, room - used, format, args);
  va_end(args);
  used += n > 0 ? (size_t)n : 0;
  return used < room ? used : room - 1;
}

size_t step_format(const struct step *step, char *text, size_t room)
{
  static const char *const calls[STEP_KINDS] = {"listen", "connect",  "",      "send",
                                                "recv",   "shutdown", "close", "abort"};
  char flags[32];
  if (step->kind == STEP_SEND) return add(text, room, 0, "send %u", step->bytes);
  if (step->kind != STEP_SEGMENT) return add(text, room, 0, "%s", calls[step->kind]);
  estab_flags_format(step->flags, flags, sizeof flags);
  size_t used =
      add(text, room, 0, "< %s %u:%u(%u)", flags, step->seq, step->seq + step->bytes, step->bytes);
  if (step->flags & ESTAB_TCP_ACK) used = add(text, room, used, " ack %u", step->ack);
  used = add(text, room, used, " win %u", step->window);
  if (step->urgent > 0) used = add(text, room, used, " urg %u", step->urgent);
  if (!step->ts) used = add(text, room, used, " no-ts");
  if (step->ts_delta != 0) used = add(text, room, used, " ts%+d", step->ts_delta);
  for (unsigned i = 0; i < step->sacks; i++)
    used = add(text, room, used, " sack %u:%u", step->sack[i][0], step->sack[i][1]);
  return used;
}

size_t outcome_format(const struct outcome *outcome, char *text, size_t room)
{
  size_t used = 0;
  text[0] = '\0';
  for (unsigned i = 0; i < outcome->out_count; i++) {
    const struct out_segment *o = &outcome->outs[i];
    char flags[32];
    estab_flags_format(o->flags, flags, sizeof flags);
    used = add(text, room, used, "%s> %s %u:%u(%u)", i > 0 ? "; " : "", flags, o->seq,
               o->seq + o->bytes, o->bytes);
    if (o->flags & ESTAB_TCP_ACK) used = add(text, room, used, " ack %u", o->ack);
    if (o->options & OUT_WINDOW_ZERO) used = add(text, room, used, " win 0");
    if (o->mss > 0) used = add(text, room, used, " mss %u", o->mss);
    if (o->options & OUT_TIMESTAMPS) used = add(text, room, used, " ts");
    if (o->options & OUT_SACK_PERMITTED) used = add(text, room, used, " sackOK");
    if (o->options & OUT_SCALE) used = add(text, room, used, " wscale");
    for (unsigned k = 0; k < o->sacks; k++)
      used = add(text, room, used, " sack %u:%u", o->sack[k][0], o->sack[k][1]);
  }
  if (outcome->out_count == 0) used = add(text, room, used, "-");
  if (outcome->result != 0) used = add(text, room, used, " = %d", outcome->result);
  if (outcome->state >= 0)
    used = add(text, room, used, " [%s]", estab_state_name((enum estab_state)outcome->state));
  return used;
}
