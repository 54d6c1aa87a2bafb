// SPDX-License-Identifier: BSD-2-Clause
// output.c - frames for the device: kept ones, replies, neighbour discovery, then connections in turn.
#include "base/bytes.h"
#include "stack/stack.h"
#include "wire/checksum.h"
#include "wire/tcp.h"
#include <string.h>

#define OUTPUT_BURST      16 // frames of one connection before the next has its turn
#define OUTPUT_LOOP_LIMIT 64 // packets to ourselves in one call

static void frame_init(struct estab_frame *f, uint32_t netif)
{
  f->struct_bytes = sizeof *f;
  f->netif = netif;
  f->piece_count = 1;
  f->l3_offset = f->l4_offset = 0;
  f->checksum = ESTAB_CHECKSUM_UNKNOWN;
  f->gso_type = ESTAB_GSO_NONE;
  f->checksum_start = f->checksum_offset = f->gso_bytes = 0;
  f->segments = 1;
  f->ecn = 0;
  f->held = 0;
  f->not_before_ns = 0;
  f->conn = 0;
  f->pieces[0].bytes = f->header;
  f->pieces[0].ref = NULL;
}

static void frame_ref(struct estab_frame *f)
{
  for (unsigned i = 0; i < f->piece_count; i++)
    if (f->pieces[i].ref) block_ref(f->pieces[i].ref);
}

static void frame_unref(struct estab_stack *s, struct estab_frame *f)
{
  for (unsigned i = 0; i < f->piece_count; i++)
    if (f->pieces[i].ref) block_unref(&s->blocks, f->pieces[i].ref);
}

static __attribute__((noinline)) uint64_t frame_text_sum(const struct estab_frame *f)
{
  uint64_t sum = 0;
  for (unsigned i = 1; i < f->piece_count; i++)
    sum = estab_checksum_add(sum, f->pieces[i].bytes, f->pieces[i].length);
  return sum;
}

// The checksum of a segment whose headers stand in f->header: the device's work or ours. address_sum: of both
// addresses, with protocol and length the pseudo-header's sum (RFC 9293 3.1).
static inline void frame_checksum(struct estab_frame *f, uint8_t *tcp, size_t tcp_bytes,
                                  size_t text_bytes, uint16_t address_sum, bool offload)
{
  const uint32_t sum =
      (uint32_t)address_sum + ESTAB_PROTOCOL_TCP + (uint32_t)tcp_bytes + (uint32_t)text_bytes;
  if (offload) {
    f->checksum = ESTAB_CHECKSUM_PARTIAL;
    f->checksum_start = f->l4_offset;
    f->checksum_offset = ESTAB_TCP_CHECKSUM_OFFSET;
    put_be16(tcp + ESTAB_TCP_CHECKSUM_OFFSET, checksum_fold_few(sum));
    return;
  }
  uint64_t all = checksum_with(checksum_tcp_header(tcp, tcp_bytes), sum);
  if (text_bytes > 0) all = checksum_with(all, frame_text_sum(f));
  const uint16_t field = checksum_field(all);
  memcpy(tcp + ESTAB_TCP_CHECKSUM_OFFSET, &field, sizeof field);
}

// What frame_of_segment_at() has to look for.
enum segment_kind {
  SEGMENT_BARE, // no TCP options; without text, or with a device that sums up: nobody has to be called
  SEGMENT_TEXT,     // no TCP options, and text to sum up
  SEGMENT_UNSUMMED, // no TCP options, and nobody looks at checksums
  SEGMENT_ANY,
};

// The one place where a segment of a connection becomes a frame. link, ip: bytes of those headers; where they and the
// kind are known to the compiler it makes one straight line of this.
static inline __attribute__((always_inline)) void frame_of_segment_at(
    const struct tcb *t, const struct tcp_out *o, struct estab_frame *f, const size_t link,
    const size_t ip, const enum segment_kind kind)
{
  const struct path *p = t->path;
  const bool offload = kind != SEGMENT_TEXT && p->checksum_offload; // also inside this stack
  const bool unsummed = kind == SEGMENT_UNSUMMED ||
                        (kind == SEGMENT_ANY && p->checksum_none && ip == ESTAB_IP4_HEADER_BYTES);
  frame_init(f, p->netif);
  if (link) memcpy(f->header, p->link_header, sizeof p->link_header);
  uint8_t *const l3 = f->header + link, *const tcp = l3 + ip;
  size_t tcp_bytes = ESTAB_TCP_HEADER_BYTES;
  if (kind == SEGMENT_ANY)
    tcp_bytes = tcp_emit(&o->h, tcp);
  else
    tcp_emit_fixed(&o->h, tcp_bytes, tcp);
  const uint8_t traffic_class = t->traffic_class | o->ecn;
  if (ip == ESTAB_IP4_HEADER_BYTES)
    ip4_header_put(&p->local, &p->remote, p->address_sum, ESTAB_PROTOCOL_TCP,
                   tcp_bytes + o->text_bytes, traffic_class, t->hop_limit, !unsummed, l3);
  else
    ip6_emit(p, ESTAB_PROTOCOL_TCP, tcp_bytes + o->text_bytes, traffic_class, t->hop_limit,
             tuple_flow(&t->tuple), l3);
  f->pieces[0].length = link + ip + tcp_bytes;
  f->piece_count = (uint16_t)(o->piece_count + 1);
  f->l3_offset = (uint16_t)link;
  f->l4_offset = (uint16_t)(link + ip);
  f->conn = conn_handle(t);
  f->segments = o->segments;
  if (p->departure_times && o->text_bytes && t->work && work_is_paced(t->work))
    f->not_before_ns = t->work->pace.depart_ns;
  f->ecn = o->ecn;
  if (unsummed)
    f->checksum = ESTAB_CHECKSUM_VALID;
  else
    frame_checksum(f, tcp, tcp_bytes, kind == SEGMENT_BARE && !offload ? 0 : o->text_bytes,
                   p->address_sum, offload);
  if (o->gso_bytes) {
    f->gso_type = ip == ESTAB_IP4_HEADER_BYTES ? ESTAB_GSO_TCP4 : ESTAB_GSO_TCP6;
    f->gso_bytes = (uint16_t)o->gso_bytes;
  }
}

static __attribute__((noinline)) void frame_of_any_segment(const struct tcb *t,
                                                           const struct tcp_out *o,
                                                           struct estab_frame *f)
{
  frame_of_segment_at(t, o, f, t->path->link_header_bytes, ip_header_bytes(&t->path->remote),
                      SEGMENT_ANY);
}

static __attribute__((noinline)) void frame_of_bare_segment4(const struct tcb *t,
                                                             const struct tcp_out *o,
                                                             struct estab_frame *f)
{
  frame_of_segment_at(t, o, f, 0, ESTAB_IP4_HEADER_BYTES, SEGMENT_BARE);
}

static __attribute__((noinline)) void frame_of_unsummed_segment4(const struct tcb *t,
                                                                 const struct tcp_out *o,
                                                                 struct estab_frame *f)
{
  frame_of_segment_at(t, o, f, 0, ESTAB_IP4_HEADER_BYTES, SEGMENT_UNSUMMED);
}

static __attribute__((noinline)) void frame_of_bare_segment6(const struct tcb *t,
                                                             const struct tcp_out *o,
                                                             struct estab_frame *f)
{
  frame_of_segment_at(t, o, f, 0, ESTAB_IP6_HEADER_BYTES, SEGMENT_BARE);
}

static __attribute__((noinline)) void frame_of_text_segment4(const struct tcb *t,
                                                             const struct tcp_out *o,
                                                             struct estab_frame *f)
{
  frame_of_segment_at(t, o, f, 0, ESTAB_IP4_HEADER_BYTES, SEGMENT_TEXT);
}

static __attribute__((noinline)) void frame_of_text_segment6(const struct tcb *t,
                                                             const struct tcp_out *o,
                                                             struct estab_frame *f)
{
  frame_of_segment_at(t, o, f, 0, ESTAB_IP6_HEADER_BYTES, SEGMENT_TEXT);
}

static inline void frame_of_segment(const struct tcb *t, const struct tcp_out *o,
                                    struct estab_frame *f)
{
  const struct path *p = t->path;
  const bool text = o->text_bytes > 0 && !p->checksum_offload;
  if (p->link_header_bytes || o->h.options.present != 0)
    frame_of_any_segment(t, o, f);
  else if (p->checksum_none && ip_is_mapped(&p->remote))
    frame_of_unsummed_segment4(t, o, f);
  else if (ip_is_mapped(&p->remote))
    text ? frame_of_text_segment4(t, o, f) : frame_of_bare_segment4(t, o, f);
  else
    text ? frame_of_text_segment6(t, o, f) : frame_of_bare_segment6(t, o, f);
}

// The same for a half-open record, on an interface without link headers. p: its path, if one is at hand.
static void frame_of_syn_ack(const struct estab_stack *s, const struct half *h,
                             const struct estab_tcp_header *syn_ack, const struct path *p,
                             bool offload, struct estab_frame *f)
{
  const struct estab_ip *local = &h->tuple.local, *remote = &h->tuple.remote;
  const uint8_t hop_limit = s->settings.hop_limit;
  frame_init(f, h->netif);
  const size_t ip = ip_header_bytes(remote);
  const bool unsummed = p && p->checksum_none && ip == ESTAB_IP4_HEADER_BYTES;
  size_t tcp_bytes = tcp_emit(syn_ack, f->header + ip);
  const uint16_t address_sum =
      p ? p->address_sum : estab_checksum_fold(estab_checksum_pseudo(local, remote, 0, 0));
  if (ip == ESTAB_IP4_HEADER_BYTES)
    ip4_header_put(local, remote, address_sum, ESTAB_PROTOCOL_TCP, tcp_bytes, 0, hop_limit,
                   !unsummed, f->header);
  else if (p)
    ip6_emit(p, ESTAB_PROTOCOL_TCP, tcp_bytes, 0, hop_limit, tuple_flow(&h->tuple), f->header);
  else
    ip_emit_to(&s->ip, local, remote, ESTAB_PROTOCOL_TCP, tcp_bytes, 0, hop_limit,
               tuple_flow(&h->tuple), f->header);
  f->pieces[0].length = ip + tcp_bytes;
  f->l4_offset = (uint16_t)ip;
  if (unsummed)
    f->checksum = ESTAB_CHECKSUM_VALID;
  else
    frame_checksum(f, f->header + ip, tcp_bytes, 0, address_sum, offload);
}

// Fits a reply or a frame of link's into f. 1: filled, 0: waits for a neighbour or was dropped.
static int frame_of_packet(struct estab_stack *s, struct estab_frame *f, uint32_t netif,
                           const struct estab_ip *local, const struct estab_ip *next_hop,
                           const uint8_t *packet, size_t bytes)
{
  frame_init(f, netif);
  const struct ip_netif *n = netif ? ip_netif(&s->ip, netif) : NULL;
  size_t link = 0;
  if (n && n->settings.link == ESTAB_LINK_ETHERNET && next_hop) {
    int r = link_send(&s->link, netif, local, next_hop, packet, bytes, s->now_ns, f->header);
    if (r < 0) stack_drop(s, (enum estab_drop) - r, netif, NULL, NULL);
    if (r <= 0) return 0;
    link = LINK_HEADER_BYTES;
  }
  f->l3_offset = (uint16_t)link;
  if (link + bytes <= sizeof f->header) {
    memcpy(f->header + link, packet, bytes);
    f->pieces[0].length = link + bytes;
    return 1;
  }
  // Too long for the header room: blocks carry it, and go when the frame is done.
  f->pieces[0].length = link;
  f->piece_count = link ? 1 : 0;
  for (size_t at = 0; at < bytes; at += f->pieces[f->piece_count - 1].length) {
    struct block *b = f->piece_count < ESTAB_FRAME_PIECES ? block_new(&s->blocks) : NULL;
    if (!b) {
      frame_unref(s, f);
      stack_drop(s, ESTAB_DROP_OUTPUT_RING_FULL, netif, NULL, NULL);
      return 0;
    }
    size_t part = size_min(bytes - at, ESTAB_BLOCK_BYTES);
    memcpy(b->bytes, packet + at, part);
    f->pieces[f->piece_count++] = (struct estab_piece){.bytes = b->bytes, .length = part, .ref = b};
  }
  return 1;
}

static struct estab_frame *next_frame(struct estab_stack *s, unsigned count, unsigned room)
{
  return count < room ? &s->batch_frames[count] : NULL;
}

// A frame of no connection. Answers the new count of frames, as everything here that makes some.
static unsigned batch_add(struct estab_stack *s, unsigned count)
{
  struct batch_entry *e = &s->batch[count];
  e->t = NULL;
  e->conn = 0;
  const struct estab_frame *f = &s->batch_frames[count];
  e->bits = f->piece_count > 1 || f->pieces[0].ref ? BATCH_OWNS_BLOCKS : 0;
  return count + 1;
}

// A packet to ourselves goes around inside.
static void loop_back(struct estab_stack *s, struct estab_frame *f)
{
  s->looped = true;
  size_t count = estab_frame_bytes(f);
  uint8_t *copy = count <= SCRATCH_BYTES ? mem_new_raw(&s->mem, count, ESTAB_MEM_STACK) : NULL;
  if (!copy) {
    stack_drop(s, ESTAB_DROP_TCP_NO_MEMORY, 0, NULL, NULL);
    return;
  }
  size_t at = 0;
  for (unsigned i = 0; i < f->piece_count; at += f->pieces[i++].length)
    memcpy(copy + at, f->pieces[i].bytes, f->pieces[i].length);
  input_packet(s, 0, copy, count, f, false);
  mem_free(&s->mem, copy, count, ESTAB_MEM_STACK);
}

// What link has to say, and what waited for a neighbour.
static unsigned output_link(struct estab_stack *s, unsigned count, unsigned room)
{
  struct estab_frame *f;
  while (link_output_pending(&s->link, s->now_ns) && (f = next_frame(s, count, room)) != NULL) {
    uint8_t bytes[LINK_WAITING_BYTES];
    uint32_t netif = 0;
    size_t n = link_output(&s->link, s->now_ns, bytes, &netif);
    if (n == 0) break;
    if (frame_of_packet(s, f, netif, NULL, NULL, bytes, n)) count = batch_add(s, count);
  }
  return count;
}

static unsigned output_replies(struct estab_stack *s, unsigned count, unsigned room)
{
  struct estab_frame *f;
  struct reply_entry *p;
  while ((p = reply_first(s)) != NULL && (f = next_frame(s, count, room)) != NULL) {
    const uint8_t *packet = p->large ? p->large : p->small;
    bool whole_frame = estab_ip_is_any(&p->route.next_hop) && p->route.netif != 0;
    if (p->route.netif == 0) {
      if (s->loops++ >= OUTPUT_LOOP_LIMIT) break;
      if (frame_of_packet(s, f, 0, NULL, NULL, packet, p->bytes)) {
        reply_pop(s);
        f->checksum = ESTAB_CHECKSUM_VALID;
        loop_back(s, f);
        frame_unref(s, f);
      } else {
        reply_pop(s);
      }
      continue;
    }
    int filled = frame_of_packet(s, f, p->route.netif, &p->route.local,
                                 whole_frame ? NULL : &p->route.next_hop, packet, p->bytes);
    reply_pop(s);
    if (filled) count = batch_add(s, count);
  }
  return count;
}

static void trace_syn_ack(struct estab_stack *s, const struct half *h,
                          const struct estab_tcp_header *syn_ack)
{
  if (s->settings.trace.event)
    tcp_trace_sent(&s->tcp, &h->seg, &h->tuple, 0, syn_ack, 0, 1, s->now_ns);
}

static __attribute__((noinline)) unsigned output_half(struct estab_stack *s, uint32_t index,
                                                      unsigned count, unsigned room)
{
  struct half *h = slab_at(&s->halves, index);
  struct estab_tcp_header syn_ack;
  h->bits &= (uint8_t)~HALF_ON_LIST;
  // No path is made for a record, but peers often come back.
  const struct path *p = ip_path_of_last(&s->ip, &h->tuple.local, &h->tuple.remote, h->netif);
  if (p && path_is_open(p) && p->netif != 0) {
    half_syn_ack(s, h, p->device_mtu, &syn_ack);
    trace_syn_ack(s, h, &syn_ack);
    frame_of_syn_ack(s, h, &syn_ack, p, p->checksum_offload, &s->batch_frames[count]);
    s->segments_out++;
    return batch_add(s, count);
  }
  struct ip_route_result route;
  if (ip_route(&s->ip, &h->tuple.local, &h->tuple.remote, h->netif, &route) < 0) {
    h->seg.snd.nxt = h->seg.snd.una + 1; // as if it had been lost
    stack_drop(s, ESTAB_DROP_IP_NO_ROUTE, h->netif, &h->tuple, NULL);
    return count;
  }
  half_syn_ack(s, h, route.mtu, &syn_ack);
  trace_syn_ack(s, h, &syn_ack);
  const struct ip_netif *n = ip_netif(&s->ip, route.netif);
  if (!n || n->settings.link == ESTAB_LINK_ETHERNET || route.netif != h->netif) {
    reply_tcp(s, &h->tuple, h->netif, &syn_ack); // around inside, or by way of a neighbour
    return output_replies(s, count, room);
  }
  frame_of_syn_ack(s, h, &syn_ack, NULL, n->settings.checksum_offload, &s->batch_frames[count]);
  s->segments_out++;
  return batch_add(s, count);
}

// A path that has to be asked first: its interface is down, or its neighbour not known for sure. False: nothing of this
// connection can leave now; it may be gone.
static __attribute__((noinline)) bool output_may_leave(struct estab_stack *s, struct tcb *t)
{
  bool cut_off = t->path->cut_off;
  if (cut_off && t->state == ESTAB_CLOSED) { // its RST cannot leave
    t->owed = 0;
    stack_settle(s, t);
    return false;
  }
  if (!cut_off) link_resolve(&s->link, t->path, s->now_ns);
  if (cut_off || t->path->neighbour == PATH_NEIGHBOUR_PENDING) {
    t->bits |= TCB_PARKED;
    list_push(s, &s->parked, TAG_FULL | t->index, &t->ready);
    return false;
  }
  if (t->path->neighbour != PATH_NEIGHBOUR_FAILED) return true;
  t->owed &= (uint16_t)~OWED_RST; // RFC 1122 2.4: as an ICMP host unreachable
  tcp_soft_error(&s->tcp, t, ESTAB_ERR_UNREACHABLE, true, s->now_ns);
  t->path->neighbour =
      PATH_NEIGHBOUR_NONE; // asked again when the timer or a segment brings it back here
  if (t->state != ESTAB_CLOSED) {
    if (t->at[TIMER_RETRANSMIT] == ESTAB_NEVER) t->at[TIMER_RETRANSMIT] = s->now_ns + t->rtt.rto_ns;
    if (t->at[TIMER_USER] == ESTAB_NEVER && t->user_timeout_ms)
      t->at[TIMER_USER] = s->now_ns + (uint64_t)t->user_timeout_ms * 1000000u;
  }
  stack_settle(s, t);
  return false;
}

// A burst is over and there is more. more: tcp_output()'s answer.
static __attribute__((noinline)) void output_more(struct estab_stack *s, struct tcb *t, int more)
{
  if (more > 0)
    stack_ready(s, t);
  else
    stack_wake_at(s, t, t->work->pace.wake_ns);
}

// More than a timer to set, which output_done does where frames [first, count) are: the user has news, or this was the
// connection's end. told: what was pending before.
static __attribute__((noinline)) void output_settle(struct estab_stack *s, struct tcb *t,
                                                    uint32_t told, unsigned first, unsigned count)
{
  const bool stale = s->batch_stale;
  if (t->pending & ~told & ESTAB_EVENT_WRITABLE) s->room_came = true;
  stack_settle(s, t);
  if (stale || !s->batch_stale) return;
  for (; first < count; first++) // it is gone, and no other
    s->batch[first].t = NULL;
  s->batch_stale = false;
}

// The next segment of a connection, its text where f has room for it. As tcp_output().
static inline int output_next(struct estab_stack *s, struct tcb *t, struct tcp_out *o,
                              struct estab_frame *f)
{
  o->pieces = f->pieces + 1;
  return tcp_output(&s->tcp, t, o, s->now_ns);
}

// A burst to ourselves: each goes around at once.
static TCP_APART void output_around(struct estab_stack *s, struct tcb *t, struct estab_frame *f)
{
  const uint32_t index = t->index, generation = t->generation;
  const uint32_t told = t->pending;
  struct tcp_out o;
  int more = 1;
  for (unsigned left = OUTPUT_BURST; left > 0 && s->loops < OUTPUT_LOOP_LIMIT; left--) {
    more = stack_wants_output(t) ? output_next(s, t, &o, f) : 0;
    if (more <= 0) break;
    frame_of_segment(t, &o, f);
    s->segments_out += o.segments;
    tcp_output_done(&s->tcp, t, o.h.seq, tcp_out_counts(&o), o.retransmission, s->now_ns);
    s->loops++;
    loop_back(s, f);
    if (!slab_live(&s->conns, index) || t->generation != generation) return;
  }
  if (more != 0)
    output_more(s, t, more);
  else
    t->owed = 0;
  output_settle(s, t, told, 0, 0);
}

static inline void batch_note(struct batch_entry *e, struct tcb *t, const struct tcp_out *o)
{
  e->t = t;
  e->conn = conn_handle(t);
  e->seq = o->h.seq;
  e->counts = tcp_out_counts(o);
  e->retransmission = o->retransmission;
  e->bits = 0;
}

// The next segment of a connection becomes frame `count`. As tcp_output().
static inline __attribute__((always_inline)) int output_segment(struct estab_stack *s,
                                                                struct tcb *t, unsigned count)
{
  struct tcp_out o;
  struct estab_frame *f = &s->batch_frames[count];
  const int sent = output_next(s, t, &o, f);
  if (sent <= 0) return sent;
  frame_of_segment(t, &o, f);
  s->segments_out += o.segments;
  batch_note(&s->batch[count], t, &o);
  return sent;
}

// Frames [first, count) are the connection's. more: tcp_output()'s answer, and whether there is more.
static inline unsigned output_over(struct estab_stack *s, struct tcb *t, uint32_t told, int more,
                                   unsigned first, unsigned count)
{
  if (more != 0)
    output_more(s, t, more);
  else
    t->owed = 0; // whatever was asked for turned out to be needless, or waits for an ACK
  if (count == first || stack_has_news(t)) output_settle(s, t, told, first, count);
  return count;
}

// What is left of a burst that began with frame `first`.
static __attribute__((noinline)) unsigned output_burst(struct estab_stack *s, struct tcb *t,
                                                       uint32_t told, unsigned first,
                                                       unsigned count, unsigned room)
{
  const unsigned end = u32_min(room, first + OUTPUT_BURST);
  int more = 1; // or 0, or TCP_OUTPUT_LATER
  while (more && count < end) {
    if ((more = output_segment(s, t, count)) <= 0) break;
    count++;
    more = stack_wants_output(t);
  }
  return output_over(s, t, told, more, first, count);
}

// Frames leave by it, not around inside. False: none now, and the connection may be gone.
static inline bool output_leaves(struct estab_stack *s, struct tcb *t, unsigned count)
{
  if (!path_is_open(t->path) && !output_may_leave(s, t)) return false;
  if (t->path->netif != 0) return true;
  output_around(s, t, &s->batch_frames[count]);
  return false;
}

// Up to a burst of one connection's segments; it may be gone afterwards.
static unsigned output_conn(struct estab_stack *s, struct tcb *t, unsigned count, unsigned room)
{
  return output_leaves(s, t, count) ? output_burst(s, t, t->pending, count, count, room) : count;
}

static unsigned output_ready(struct estab_stack *s, unsigned count, unsigned room)
{
  while (s->ready.head && count < room && s->loops < OUTPUT_LOOP_LIMIT) {
    uint32_t tagged = list_pop(s, &s->ready);
    uint32_t index = tagged & TAG_INDEX;
    if ((tagged & TAG_KIND) == TAG_HALF) {
      count = output_half(s, index, count, room);
      continue;
    }
    struct tcb *t = stack_conn(s, index);
    t->bits &= ~(uint32_t)TCB_ON_READY;
    count = output_conn(s, t, count, room);
  }
  return count;
}

// Frames that the device did not take the last time.
static unsigned output_kept(struct estab_stack *s, unsigned count, unsigned room)
{
  for (uint32_t i = 0; i < s->kept_count && count < room; i++) {
    uint32_t at = (s->kept_first + i) % ESTAB_OUTPUT_MAX;
    struct estab_frame *f = &s->batch_frames[count];
    *f = s->kept[at];
    if (f->pieces[0].ref == NULL) f->pieces[0].bytes = f->header;
    s->batch[count] = s->kept_info[at];
    s->batch[count++].bits |= BATCH_KEPT;
  }
  return count;
}

static inline int batch_close(struct estab_stack *s, unsigned count)
{
  s->batch_count = count;
  s->frames_out += count;
  return (int)count;
}

// Behind count frames of connections.
static __attribute__((noinline)) int output_rest(struct estab_stack *s, unsigned count,
                                                 unsigned room)
{
  count = output_ready(s, count, room);
  if (link_output_pending(&s->link, s->now_ns)) count = output_link(s, count, room);
  return batch_close(s, count);
}

static __attribute__((noinline)) int output_all(struct estab_stack *s, unsigned room)
{
  const unsigned n = output_replies(s, output_kept(s, 0, room), room);
  return output_rest(s, n, room);
}

// Nothing else has anything to send: a short exchange, or a transfer.
static __attribute__((noinline)) int output_alone(struct estab_stack *s, struct tcb *t,
                                                  unsigned room)
{
  unsigned n = 0;
  t->bits &= ~(uint32_t)TCB_ON_READY;
  if (output_leaves(s, t, 0)) {
    const uint32_t told = t->pending;
    const int sent = output_segment(s, t, 0);
    if (sent > 0 && stack_wants_output(t))
      n = output_burst(s, t, told, 0, 1, room);
    else
      n = output_over(s, t, told, sent > 0 ? 0 : sent, 0, sent > 0);
  }
  if (s->ready.head || link_output_pending(&s->link, s->now_ns)) return output_rest(s, n, room);
  return batch_close(s, n);
}

int estab_stack_output(estab_stack *s, uint64_t now_ns, struct estab_frame *frames, unsigned count)
{
  s->now_ns = u64_max(s->now_ns, now_ns);
  if (s->batch_count) return ESTAB_ERR_INVALID; // estab_stack_output_done() is missing
  const unsigned room = u32_min(count, ESTAB_OUTPUT_MAX);
  s->batch_frames = frames;
  s->looped = s->batch_stale = false;
  s->loops = 0;
  const uint32_t tagged = s->ready.head;
  if (tagged == s->ready.tail && (tagged & TAG_KIND) == TAG_FULL && room > 0 &&
      !(s->kept_count | s->reply_count)) {
    s->ready = (struct list){0, 0};
    return output_alone(s, stack_conn_again(s, tagged & TAG_INDEX), room);
  }
  if (s->kept_count | s->reply_count) return output_all(s, room);
  if (tagged || link_output_pending(&s->link, s->now_ns)) return output_rest(s, 0, room);
  return 0; // asked until it says so
}

static bool keep_frame(struct estab_stack *s, struct estab_frame *f, const struct batch_entry *e)
{
  const enum estab_mem_kind kind = ESTAB_MEM_STACK;
  if (!s->kept) {
    s->kept = mem_new_raw(&s->mem, ESTAB_OUTPUT_MAX * sizeof *s->kept, kind);
    s->kept_info = mem_new_raw(&s->mem, ESTAB_OUTPUT_MAX * sizeof *s->kept_info, kind);
    if (!s->kept || !s->kept_info) {
      mem_free(&s->mem, s->kept, ESTAB_OUTPUT_MAX * sizeof *s->kept, kind);
      mem_free(&s->mem, s->kept_info, ESTAB_OUTPUT_MAX * sizeof *s->kept_info, kind);
      s->kept = NULL;
      s->kept_info = NULL;
      return false;
    }
  }
  if (s->kept_count == ESTAB_OUTPUT_MAX) return false;
  uint32_t at = (s->kept_first + s->kept_count++) % ESTAB_OUTPUT_MAX;
  s->kept[at] = *f;
  s->kept[at].held = 0; // who holds f gives that one back; the copy is offered as new
  s->kept_info[at] = *e;
  if (!(e->bits & BATCH_OWNS_BLOCKS)) frame_ref(f);
  return true;
}

// The connection of a frame that was kept, or when some have ended since the frame was made; NULL: it is gone.
static TCP_APART struct tcb *frame_conn(struct estab_stack *s, const struct batch_entry *e)
{
  const uint32_t index = (uint32_t)e->conn;
  if (!e->conn || !slab_live(&s->conns, index)) return NULL;
  struct tcb *t = stack_conn(s, index);
  return conn_handle(t) == e->conn ? t : NULL;
}

// The device did not take it: kept for the next time.
static bool frame_stays(struct estab_stack *s, struct estab_frame *f, const struct batch_entry *e)
{
  s->frames_out--;
  if ((e->bits & BATCH_KEPT) || keep_frame(s, f, e)) return true;
  // Nowhere to keep it: as if the network had lost it, so that its timer will bring it again.
  stack_drop(s, ESTAB_DROP_OUTPUT_RING_FULL, f->netif, NULL, NULL);
  return false;
}

// What is not simply a connection's frame that the device took. Answers the connection, or NULL; *sent: as good as.
static __attribute__((noinline)) struct tcb *frame_done_rarely(struct estab_stack *s,
                                                               struct estab_frame *f,
                                                               struct batch_entry *e, bool *sent)
{
  struct tcb *t = frame_conn(s, e);
  *sent = *sent || !frame_stays(s, f, e);
  if (!*sent) return t;
  if (e->bits) frame_unref(s, f);
  if (e->bits & BATCH_KEPT) {
    s->kept_first = (s->kept_first + 1) % ESTAB_OUTPUT_MAX;
    s->kept_count--;
  }
  return t;
}

// The device took a frame of a connection that is still there.
static inline bool frame_is_simply_done(const struct estab_stack *s, const struct batch_entry *e)
{
  return !e->bits && !s->batch_stale;
}

static __attribute__((noinline)) void output_done_batch(struct estab_stack *s, unsigned sent)
{
  struct tcb *last = NULL; // frames of one come in a row, and its timer is set behind them
  for (unsigned i = 0; i < s->batch_count; i++) {
    struct batch_entry *e = &s->batch[i];
    struct tcb *t = e->t;
    bool is_sent = i < sent;
    if (!is_sent || !frame_is_simply_done(s, e))
      t = frame_done_rarely(s, &s->batch_frames[i], e, &is_sent);
    if (last && last != t) stack_arm(s, last);
    last = t;
    if (t && is_sent) tcp_output_done(&s->tcp, t, e->seq, e->counts, e->retransmission, s->now_ns);
  }
  if (last) stack_arm(s, last);
  s->batch_count = 0;
}

void estab_stack_output_done(estab_stack *s, unsigned sent, uint64_t now_ns)
{
  const struct batch_entry *e = &s->batch[0];
  s->now_ns = u64_max(s->now_ns, now_ns);
  if (s->batch_count != 1 || sent == 0 || !frame_is_simply_done(s, e)) {
    output_done_batch(s, sent);
    return;
  }
  s->batch_count = 0; // one frame alone: a short exchange
  if (!e->t) return;
  stack_arm(s, e->t);
  tcp_output_done(&s->tcp, e->t, e->seq, e->counts, e->retransmission, s->now_ns);
}

void estab_frame_hold(estab_stack *s, struct estab_frame *frame)
{
  (void)s;
  if (frame->held) return;
  frame->held = 1;
  frame_ref(frame);
}

void estab_frame_release(estab_stack *s, struct estab_frame *frame)
{
  if (!frame->held) return;
  frame->held = 0;
  frame_unref(s, frame);
}

void output_destroy(struct estab_stack *s)
{
  for (uint32_t i = 0; i < s->kept_count; i++)
    frame_unref(s, &s->kept[(s->kept_first + i) % ESTAB_OUTPUT_MAX]);
  s->kept_count = 0;
  mem_free(&s->mem, s->kept, ESTAB_OUTPUT_MAX * sizeof *s->kept, ESTAB_MEM_STACK);
  mem_free(&s->mem, s->kept_info, ESTAB_OUTPUT_MAX * sizeof *s->kept_info, ESTAB_MEM_STACK);
}
