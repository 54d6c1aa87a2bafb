// SPDX-License-Identifier: BSD-2-Clause
// input_tcp.c - frames from a device; a TCP segment on its way to its connection: length, tuple, checksum, then the
// state machine.
#include "base/bytes.h"
#include "stack/stack.h"
#include "wire/checksum.h"
#include "wire/tcp.h"

// The header, whose length is known, and the text behind it.
static inline __attribute__((always_inline)) bool checksum_ok(const struct estab_stack *s,
                                                              const struct ip_segment *in,
                                                              size_t header_bytes,
                                                              const struct estab_frame *f,
                                                              const bool expected)
{
  if (f->checksum != ESTAB_CHECKSUM_UNKNOWN || in->netif == 0) return true;
  if (ip_netif(&s->ip, in->netif)->settings.checksum_trusted) return true;
  const uint64_t addresses = expected || in->address_sum
                                 ? in->address_sum
                                 : estab_checksum_pseudo(&in->tuple.remote, &in->tuple.local, 0, 0);
  uint64_t sum = checksum_with(checksum_tcp_header(in->bytes, header_bytes),
                               addresses + ESTAB_PROTOCOL_TCP + in->count);
  if (in->count > header_bytes)
    sum = checksum_with(sum,
                        estab_checksum_add(0, in->bytes + header_bytes, in->count - header_bytes));
  return checksum_is_right(sum);
}

// Ports that nobody may use.
static inline enum estab_drop ports_judge(const struct ip_segment *in)
{
  const uint16_t local = in->tuple.local_port, remote = in->tuple.remote_port;
  if (local == 0 || remote == 0) return ESTAB_DROP_TCP_PORT_ZERO;
  if (local == remote && in->netif != 0 && estab_ip_equal(&in->tuple.remote, &in->tuple.local))
    return ESTAB_DROP_TCP_LAND;
  return ESTAB_DROP_NONE;
}

static void trace_received(const struct estab_stack *s, const struct ip_segment *in,
                           const struct seg *g, uint32_t tagged)
{
  if (!tagged && ports_judge(in)) return; // dropped at once
  const struct estab_tuple *tuple = tagged ? s->demux.last_tuple : &in->tuple;
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

static inline __attribute__((always_inline)) void full_segment_arrives(struct estab_stack *s,
                                                                       struct tcb *t, struct seg *g)
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
  if (v.drop || v.reply == REPLY_RST) {
    seg_untrim(g, flags, text_bytes);
    if (v.drop) stack_drop(s, (enum estab_drop)v.drop, t->netif, &t->tuple, g);
    if (v.reply == REPLY_RST) reply_rst(s, &t->tuple, t->netif, g);
  }
  if (t->bits & TCB_FAST_OPEN) fast_listen_look(s, t);
  stack_collect(s, t);
}

// CLOSED and LISTEN.
static void no_connection(struct estab_stack *s, const struct ip_segment *in, struct seg *g,
                          bool of_pair)
{
  const struct estab_tuple *tuple = &in->tuple;
  const enum estab_drop bad = ports_judge(in);
  if (bad) {
    stack_drop(s, bad, in->netif, tuple, g);
    return;
  }
  uint32_t listener = listener_find(s, tuple, in->netif);
  struct verdict v =
      listener == SLAB_NONE ? closed_segment_arrives(g) : listen_segment_arrives(&s->settings, g);
  if (!v.stop && !in->unicast) // [MUST-57]
    v = verdict_stop(ESTAB_DROP_TCP_NOT_UNICAST, REPLY_NONE, EFFECT_NONE);
  if (!v.stop) {
    if (half_open(s, listener, tuple, in->netif, g, SLAB_NONE) && of_pair && s->demux.last)
      s->ip.remembered.pair_ports = ip_pair_ports(in->bytes);
    return;
  }
  if (v.reply == REPLY_RST && in->unicast) reply_rst(s, tuple, in->netif, g);
  stack_drop(s, (enum estab_drop)v.drop, in->netif, tuple, g);
}

// A segment whose connection is s->demux.last. header_bytes: of TCP's header, or a drop, negative. expected: it has a
// connection, and its tuple stands there alone.
static inline __attribute__((always_inline)) void take_segment(struct estab_stack *s,
                                                               const struct ip_segment *in,
                                                               const struct estab_frame *f,
                                                               int header_bytes,
                                                               const bool expected, bool of_pair)
{
  struct estab_tcp_header h;
  struct estab_tcp_options options;
  int r = header_bytes;
  if (r >= 0 && !checksum_ok(s, in, (size_t)r, f, expected)) r = -ESTAB_DROP_TCP_CHECKSUM;
  if (r < 0) {
    stack_drop(s, (enum estab_drop) - r, in->netif, NULL, NULL);
    return;
  }
  tcp_parse_options(in->bytes, (size_t)r, &options);
  tcp_read_fixed(in->bytes, &h);
  struct seg g; // field by field: most compilers would clear it all first
  g.seq = g.seq_arrived = h.seq;
  g.ack = h.ack;
  g.wnd = h.window;
  g.text_bytes = (uint32_t)in->count - (uint32_t)r;
  g.flags = h.flags;
  g.up = h.urgent;
  g.segments = f->segments ? f->segments : 1;
  g.ecn = in->ecn;
  g.syn_trimmed = g.window_closed = false;
  g.text = in->bytes + r;
  g.options = &options;
  g.duplicate_start = g.duplicate_end = 0;
  s->segments_in += g.segments;
  if (g.flags & ESTAB_TCP_RST) s->resets_in++;
  const uint32_t tagged = s->demux.last;
  if (s->settings.trace.event) trace_received(s, expected ? NULL : in, &g, tagged);
  if ((tagged & TAG_KIND) == TAG_FULL)
    full_segment_arrives(s, demux_last_conn(s), &g);
  else if ((tagged & TAG_KIND) == TAG_HALF)
    half_segment_arrives(s, tagged & TAG_INDEX, &g);
  else if (expected || tagged)
    timewait_segment_arrives(s, tagged & TAG_INDEX, &g);
  else
    no_connection(s, in, &g, of_pair);
}

// Who it is for is found by the tuple, which has no ports yet. of_pair: nor addresses, it is out of ip_input_pair().
static __attribute__((noinline)) void input_segment(struct estab_stack *s, struct ip_segment *in,
                                                    const struct estab_frame *f, bool of_pair)
{
  const int header_bytes = tcp_header_bytes(in->bytes, in->count);
  if (header_bytes >= 0) {
    // Another than before is met cold: what is needed of it comes while the checksum is made.
    if (of_pair) ip_pair_addresses(&s->ip, &in->tuple);
    in->tuple.local_port = get_be16(in->bytes + 2);
    in->tuple.remote_port = get_be16(in->bytes);
    if (demux_find(s, &in->tuple) && of_pair)
      s->ip.remembered.pair_ports = ip_pair_ports(in->bytes);
  }
  take_segment(s, in, f, header_bytes, false, of_pair);
}

void input_tcp(struct estab_stack *s, struct ip_segment *in, const struct estab_frame *f)
{
  input_segment(s, in, f, false);
}

// Out of ip_input_pair(): nearly always of the connection of the segment before, whose ports are noted.
static inline __attribute__((always_inline)) void input_of_pair(struct estab_stack *s,
                                                                const struct ip_segment *in,
                                                                const struct estab_frame *f)
{
  const int header_bytes = tcp_header_bytes(in->bytes, in->count);
  if (header_bytes >= 0 && s->ip.remembered.pair_ports == ip_pair_ports(in->bytes)) {
    take_segment(s, in, f, header_bytes, true, true);
  } else {
    struct ip_segment other = *in; // so that the usual one needs no place in memory
    input_segment(s, &other, f, true);
  }
}

// Here, not in input.c: nearly every frame is a segment of TCP between addresses that are known, and goes straight on.
int estab_stack_input(estab_stack *s, uint64_t now_ns, const struct estab_frame *frames,
                      unsigned count)
{
  s->now_ns = u64_max(s->now_ns, now_ns);
  s->frames_in += count;
  const uint64_t before = s->drops[ESTAB_DROP_NONE]; // of all of them
  for (unsigned i = 0; i < count; i++) {
    const struct estab_frame *f = &frames[i];
    struct ip_segment segment;
    shed_if_short(s);
    if (f->piece_count == 1 && f->pieces[0].bytes &&
        ip_input_pair(&s->ip, f->netif, f->pieces[0].bytes, f->pieces[0].length, &segment))
      input_of_pair(s, &segment, f);
    else
      input_frame(s, f);
  }
  return (int)(count - (unsigned)(s->drops[ESTAB_DROP_NONE] - before));
}
