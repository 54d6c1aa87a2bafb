// SPDX-License-Identifier: BSD-2-Clause
// fuzz_stack.c - any frames at any time to a stack with a listener, a connection and a UDP endpoint on a raw and an
// Ethernet interface. A small grammar makes most of them right enough to get behind the codec.
//
// What must hold: nothing is read past a frame's end, every frame that leaves can be read and its sums are right, one
// frame makes few answers, no deadline stays in the past, and all memory comes back.
#include "fuzz/feed.h"

#include <estab/wire.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
  SLOTS = 8,         // conversations whose numbers are remembered
  RAW_NETIF = 1,     // 192.0.2.1, 2001:db8:1::1
  ETH_NETIF = 2,     // 198.51.100.1, 2001:db8:2::1
  STEPS_MAX = 400,   // of one input
  ROUNDS_MAX = 2000, // of output at one moment
};

struct slot {
  struct estab_tuple tuple; // as the stack sees it
  uint32_t netif;
  uint32_t peer_nxt; // what the peer sends next: the stack's last ACK
  uint32_t peer_ack; // what the stack sends next
  uint32_t ts;       // the stack's last TSval
};

struct bench {
  struct feed feed;
  struct fuzz_mem mem;
  estab_stack *s;
  uint64_t now_ns;
  estab_conn conns[SLOTS];
  unsigned conn_count;
  estab_listener listeners[2];
  estab_udp udp;
  struct slot slots[SLOTS];
  unsigned slot_next;
  bool fast_open; // the connections opened later ask for it
  uint8_t *last;  // the last IP packet that left, for ICMP errors to quote
  size_t last_bytes;
};

static struct estab_ip host_ip(uint32_t netif, bool ip6, uint8_t number)
{
  if (!ip6)
    return netif == RAW_NETIF ? estab_ip4(192, 0, 2, number) : estab_ip4(198, 51, 100, number);
  struct estab_ip ip = {{0x20, 0x01, 0x0d, 0xb8, 0, (uint8_t)netif}};
  ip.bytes[15] = number;
  return ip;
}

// ---- What leaves

static void learn(struct bench *b, const struct estab_packet *p, uint32_t netif)
{
  struct estab_tuple tuple = {p->src, p->dst, p->tcp.src_port, p->tcp.dst_port};
  struct slot *slot = NULL;
  for (unsigned i = 0; i < SLOTS && !slot; i++)
    if (memcmp(&b->slots[i].tuple, &tuple, sizeof tuple) == 0) slot = &b->slots[i];
  if (!slot) slot = &b->slots[b->slot_next++ % SLOTS];
  slot->tuple = tuple;
  slot->netif = netif;
  slot->peer_ack = p->tcp.seq + (uint32_t)p->payload_bytes + (p->tcp.flags & 3 ? 1 : 0);
  if (p->tcp.flags & ESTAB_TCP_ACK) slot->peer_nxt = p->tcp.ack;
  if (p->tcp.options.present & ESTAB_TCP_OPT_TS) slot->ts = p->tcp.options.ts_value;
}

static void look_at(struct bench *b, const struct estab_frame *frame)
{
  struct estab_packet p;
  size_t n;
  uint8_t *bytes = fuzz_linear(frame, &n);
  MUST(frame->netif == RAW_NETIF || frame->netif == ETH_NETIF);
  const int link = frame->netif == ETH_NETIF ? ESTAB_LINK_ETHERNET : ESTAB_LINK_RAW;
  const int at = estab_packet_parse(link, bytes, n, false, &p);
  MUST(at >= 0);
  MUST(n <= 1500 + p.l3_offset);
  if (p.kind == ESTAB_PACKET_TCP) learn(b, &p, frame->netif);
  if (p.kind != ESTAB_PACKET_ARP) {
    free(b->last);
    b->last_bytes = n - p.l3_offset;
    b->last = malloc(b->last_bytes);
    MUST(b->last != NULL);
    memcpy(b->last, bytes + p.l3_offset, b->last_bytes);
  }
  free(bytes);
}

static unsigned drain(struct bench *b)
{
  struct estab_frame frames[16];
  unsigned all = 0, rounds = 0;
  for (int n; (n = estab_stack_output(b->s, b->now_ns, frames, 16)) > 0; all += (unsigned)n) {
    for (int i = 0; i < n; i++)
      look_at(b, &frames[i]);
    estab_stack_output_done(b->s, (unsigned)n, b->now_ns);
    MUST(++rounds < ROUNDS_MAX);
  }
  return all;
}

static void add_conn(struct bench *b, estab_conn conn)
{
  if (b->conn_count == SLOTS) {
    MUST(estab_release(b->s, b->conns[0]) == ESTAB_OK);
    memmove(b->conns, b->conns + 1, (SLOTS - 1) * sizeof *b->conns);
    b->conn_count--;
  }
  b->conns[b->conn_count++] = conn;
}

static void events(struct bench *b)
{
  struct estab_event e;
  unsigned count = 0;
  while (estab_stack_next_event(b->s, &e)) {
    MUST(e.events != 0 && ++count < ROUNDS_MAX);
    if (e.events & ESTAB_EVENT_SYN) {
      int r = (e.conn & 1)
                  ? estab_accept_syn(b->s, e.conn)
                  : estab_refuse_syn(b->s, e.conn, (enum estab_refusal)(feed_u8(&b->feed) % 3));
      MUST(r == ESTAB_OK);
    }
    estab_conn conn;
    while ((e.events & ESTAB_EVENT_ACCEPT) && estab_accept(b->s, e.listener, &conn) == ESTAB_OK)
      add_conn(b, conn);
  }
}

// ---- Frames

static void input(struct bench *b, uint32_t netif, const uint8_t *bytes, size_t n)
{
  uint8_t *copy = malloc(n ? n : 1);
  MUST(copy != NULL);
  memcpy(copy, bytes, n);
  struct estab_frame frame = {.struct_bytes = sizeof frame,
                              .netif = netif,
                              .piece_count = 1,
                              .pieces = {{.bytes = copy, .length = n}}};
  const uint8_t how = feed_u8(&b->feed);
  if ((how & 7) == 1 && n > 1) { // in pieces
    frame.piece_count = 2;
    frame.pieces[0].length = how % n;
    frame.pieces[1] = (struct estab_piece){.bytes = copy + how % n, .length = n - how % n};
  }
  if ((how & 15) == 2) frame.segments = how >> 4;
  if ((how & 15) == 4) frame.checksum = ESTAB_CHECKSUM_VALID;
  (void)estab_stack_input(b->s, b->now_ns, &frame, 1);
  free(copy);
}

// A whole packet, perhaps spoiled or in fragments.
static void input_packet_of(struct bench *b, const struct estab_packet *p, uint32_t netif)
{
  static uint8_t bytes[4096];
  const int n = estab_packet_emit(p, bytes, sizeof bytes);
  MUST(n > 0);
  size_t length = (size_t)n;
  const uint8_t how = feed_u8(&b->feed);
  if ((how & 7) == 1) bytes[feed_u16(&b->feed) % length] ^= (uint8_t)(1u << (how >> 5));
  if ((how & 7) == 2) length = feed_u16(&b->feed) % length;
  if ((how & 7) == 3) length += how >> 3; // padding of whatever stood there
  input(b, netif, bytes, length);
}

static void ethernet(struct estab_packet *p, uint32_t netif)
{
  p->link = netif == ETH_NETIF ? ESTAB_LINK_ETHERNET : ESTAB_LINK_RAW;
  static const uint8_t ours[6] = {2, 0, 0, 0, 0, 1}, theirs[6] = {2, 0, 0, 0, 0, 2};
  memcpy(p->eth.dst, ours, 6);
  memcpy(p->eth.src, theirs, 6);
}

static void op_raw(struct bench *b)
{
  uint8_t bytes[256];
  const size_t n = feed_u8(&b->feed);
  for (size_t i = 0; i < n; i++)
    bytes[i] = feed_u8(&b->feed);
  input(b, feed_u8(&b->feed) & 3, bytes, n);
}

static struct estab_packet packet_between(struct bench *b, uint32_t *netif)
{
  const uint8_t how = feed_u8(&b->feed);
  *netif = 1 + (how & 1);
  struct estab_packet p = {.version = how & 2 ? 6 : 4, .ttl = how & 4 ? 255 : 64};
  p.src = host_ip(*netif, how & 2, (uint8_t)(2 + (how >> 5)));
  p.dst = host_ip(*netif, how & 2, 1);
  if ((how & 24) == 24) p.dst = feed_u8(&b->feed) & 1 ? estab_ip4(255, 255, 255, 255) : p.src;
  ethernet(&p, *netif);
  return p;
}

static uint32_t near(struct feed *f, uint32_t right)
{
  static const int32_t off[16] = {0, 0, 0, 0, 0, 0, 0, 0, 1, -1, 100, -100, 1460, 65535, -65536, 0};
  const uint8_t b = feed_u8(f);
  if ((b & 15) == 15) return feed_u32(f);
  return right + (uint32_t)off[b & 15] * (1u + (b >> 4));
}

// Options of few segments: a cookie that is right or not, a user timeout, Accurate ECN's counters.
static void rare_options_of(struct bench *b, const struct slot *slot, struct estab_tcp_options *o)
{
  struct feed *f = &b->feed;
  const uint8_t what = feed_u8(f);
  if (what & 1) {
    o->present |= ESTAB_TCP_OPT_TFO;
    o->tfo_bytes = what & 2 ? 8 : (uint8_t)((what >> 4) % 9 * 2);
    if (o->tfo_bytes == 2) o->tfo_bytes = 0;
    if (what & 32) o->present |= ESTAB_TCP_OPT_TFO_EXP;
    if (what & 2)
      estab_fast_open_cookie(b->s, &slot->tuple.local, &slot->tuple.remote, o->tfo_cookie);
  }
  if (what & 4) {
    o->present |= ESTAB_TCP_OPT_UTO;
    o->user_timeout = feed_u16(f);
  }
  if (what & 8) {
    o->present |= what & 128 ? ESTAB_TCP_OPT_ACCECN1 : ESTAB_TCP_OPT_ACCECN0;
    o->accecn_count = (uint8_t)((what >> 4) & 3);
    for (unsigned i = 0; i < o->accecn_count; i++)
      o->accecn[i] = near(f, i == 1 ? 0 : 1) & 0xffffff;
  }
}

static void tcp_options_of(struct bench *b, const struct slot *slot, struct estab_tcp_options *o)
{
  struct feed *f = &b->feed;
  const uint8_t what = feed_u8(f);
  if (slot->ts && !(what & 1)) {
    o->present = ESTAB_TCP_OPT_TS;
    o->ts_value = 1 + (what >> 7) + (what & 2 ? feed_u32(f) : 0);
    o->ts_echo = slot->ts;
  }
  if (what & 4) {
    o->present |= ESTAB_TCP_OPT_MSS | ESTAB_TCP_OPT_WSCALE | ESTAB_TCP_OPT_SACK_PERMITTED;
    o->mss = (uint16_t)(feed_u16(f) | 1);
    o->wscale = what >> 4;
    if (o->wscale > 14) o->wscale = 14;
  }
  if (what & 8) {
    o->present |= ESTAB_TCP_OPT_SACK;
    o->sack_count = (uint8_t)(1 + (what >> 6));
    for (unsigned i = 0; i < o->sack_count; i++) {
      o->sack[i].start = near(f, slot->peer_ack);
      o->sack[i].end = near(f, o->sack[i].start + 1);
    }
  }
  if ((what & 0x30) == 0x30) rare_options_of(b, slot, o);
}

static void op_tcp(struct bench *b)
{
  struct feed *f = &b->feed;
  const uint8_t which = feed_u8(f);
  uint32_t netif;
  struct slot fresh = {0}, *slot = &b->slots[which % SLOTS];
  struct estab_packet p;
  if ((which & 0xc0) == 0 || slot->tuple.local_port == 0) { // a conversation that is not known yet
    p = packet_between(b, &netif);
    static const uint16_t ports[4] = {80, 81, 7, 0};
    fresh.tuple =
        (struct estab_tuple){p.dst, p.src, ports[(which >> 3) & 3], (uint16_t)(1000 + (which & 7))};
    fresh.peer_nxt = 0xffffff00u;
    slot = &fresh;
  } else {
    netif = slot->netif;
    p = (struct estab_packet){.version = estab_ip_is4(&slot->tuple.remote) ? 4 : 6,
                              .ttl = 64,
                              .src = slot->tuple.remote,
                              .dst = slot->tuple.local};
    ethernet(&p, netif);
  }
  static const uint16_t flags[16] = {
      ESTAB_TCP_ACK,
      ESTAB_TCP_ACK,
      ESTAB_TCP_ACK | ESTAB_TCP_PSH,
      ESTAB_TCP_ACK | ESTAB_TCP_FIN,
      ESTAB_TCP_SYN,
      ESTAB_TCP_SYN | ESTAB_TCP_ACK,
      ESTAB_TCP_RST,
      ESTAB_TCP_RST | ESTAB_TCP_ACK,
      ESTAB_TCP_ACK | ESTAB_TCP_URG,
      ESTAB_TCP_ACK | ESTAB_TCP_FIN | ESTAB_TCP_PSH,
      ESTAB_TCP_SYN | ESTAB_TCP_FIN,
      ESTAB_TCP_FIN,
      ESTAB_TCP_ACK | ESTAB_TCP_ECE | ESTAB_TCP_CWR,
      0,
      0x1ff,
      ESTAB_TCP_ACK,
  };
  p.kind = ESTAB_PACKET_TCP;
  p.protocol = ESTAB_PROTOCOL_TCP;
  const uint8_t kind = feed_u8(f);
  p.tcp.flags = slot == &fresh && !(kind & 0x80) ? ESTAB_TCP_SYN : flags[kind & 15];
  p.tcp.src_port = slot->tuple.remote_port;
  p.tcp.dst_port = slot->tuple.local_port;
  p.tcp.seq = near(f, slot->peer_nxt);
  p.tcp.ack = near(f, slot->peer_ack);
  p.tcp.window = kind & 0x40 ? feed_u16(f) : 2000;
  if (p.tcp.flags & ESTAB_TCP_URG) p.tcp.urgent = feed_u16(f);
  static uint8_t text[1460];
  p.payload = text;
  if (kind & 0x20) p.payload_bytes = feed_u16(f) % sizeof text;
  if (kind & 0x10)
    tcp_options_of(b, slot, &p.tcp.options);
  else if (slot->ts && slot != &fresh) {
    p.tcp.options.present = ESTAB_TCP_OPT_TS;
    p.tcp.options.ts_value = 1;
    p.tcp.options.ts_echo = slot->ts;
  }
  if ((p.tcp.flags & ESTAB_TCP_SYN) && (kind & 0x10) == 0) {
    p.tcp.options =
        (struct estab_tcp_options){.present = ESTAB_TCP_OPT_MSS | ESTAB_TCP_OPT_TS |
                                              ESTAB_TCP_OPT_WSCALE | ESTAB_TCP_OPT_SACK_PERMITTED,
                                   .mss = 1460,
                                   .wscale = 3,
                                   .ts_value = 1};
  }
  input_packet_of(b, &p, netif);
}

static void op_udp(struct bench *b)
{
  uint32_t netif;
  struct estab_packet p = packet_between(b, &netif);
  static const uint8_t text[600];
  p.kind = ESTAB_PACKET_UDP;
  p.protocol = ESTAB_PROTOCOL_UDP;
  p.udp.dst_port = feed_u8(&b->feed) & 3 ? 53 : 54;
  p.udp.src_port = 5353;
  p.payload = text;
  p.payload_bytes = feed_u16(&b->feed) % sizeof text;
  input_packet_of(b, &p, netif);
}

// Echo, errors that quote what left last, and whatever else there is.
static void op_icmp(struct bench *b)
{
  struct feed *f = &b->feed;
  uint32_t netif;
  struct estab_packet p = packet_between(b, &netif);
  uint8_t quote[600];
  const uint8_t how = feed_u8(f);
  p.kind = p.version == 4 ? ESTAB_PACKET_ICMP4 : ESTAB_PACKET_ICMP6;
  p.protocol = p.version == 4 ? ESTAB_PROTOCOL_ICMP4 : ESTAB_PROTOCOL_ICMP6;
  p.icmp.type = how & 1 ? (p.version == 4 ? ESTAB_ICMP4_ECHO : ESTAB_ICMP6_ECHO) : feed_u8(f);
  p.icmp.code = how >> 4;
  if ((how & 6) == 2) { // fragmentation needed, packet too big
    p.icmp.type = p.version == 4 ? ESTAB_ICMP4_UNREACHABLE : ESTAB_ICMP6_PACKET_TOO_BIG;
    p.icmp.code = p.version == 4 ? ESTAB_ICMP4_CODE_FRAG_NEEDED : 0;
    p.icmp.error = true;
    p.icmp.mtu = feed_u16(f);
  } else if ((how & 6) == 4) {
    p.icmp.type = p.version == 4 ? ESTAB_ICMP4_UNREACHABLE : ESTAB_ICMP6_UNREACHABLE;
    p.icmp.error = true;
  } else {
    p.icmp.echo = how & 1;
    p.icmp.rest = feed_u32(f);
  }
  p.payload = quote;
  if (p.icmp.error && b->last) {
    p.version = b->last[0] >> 4 == 4 ? 4 : 6;
    p.payload_bytes = b->last_bytes < sizeof quote ? b->last_bytes : sizeof quote;
    memcpy(quote, b->last, p.payload_bytes);
  } else {
    p.payload_bytes = feed_u8(f) % 64;
    for (size_t i = 0; i < p.payload_bytes; i++)
      quote[i] = feed_u8(f);
  }
  if ((p.version == 4) != estab_ip_is4(&p.src)) {
    p.src = host_ip(netif, p.version == 6, 2);
    p.dst = host_ip(netif, p.version == 6, 1);
    p.kind = p.version == 4 ? ESTAB_PACKET_ICMP4 : ESTAB_PACKET_ICMP6;
    p.protocol = p.version == 4 ? ESTAB_PROTOCOL_ICMP4 : ESTAB_PROTOCOL_ICMP6;
    p.icmp.type = p.version == 4 ? ESTAB_ICMP4_UNREACHABLE : ESTAB_ICMP6_UNREACHABLE;
  }
  input_packet_of(b, &p, netif);
}

static void op_fragment(struct bench *b)
{
  struct feed *f = &b->feed;
  uint32_t netif;
  struct estab_packet p = packet_between(b, &netif);
  static uint8_t piece[1400];
  const uint8_t how = feed_u8(f);
  p.kind = ESTAB_PACKET_FRAGMENT;
  p.protocol = how & 1 ? ESTAB_PROTOCOL_UDP : feed_u8(f);
  p.fragment.id = how >> 6;
  p.fragment.offset = (uint16_t)((feed_u16(f) % 200) * 8);
  if ((how & 6) == 2) p.fragment.offset = 0;
  p.fragment.more = how & 8;
  p.payload = piece;
  p.payload_bytes = feed_u16(f) % 1400;
  if (p.fragment.more) p.payload_bytes &= ~(size_t)7;
  if (!p.fragment.more && p.fragment.offset == 0) p.fragment.offset = 8;
  input_packet_of(b, &p, netif);
}

// Neighbours answer, or say what nobody asked.
static void op_neighbour(struct bench *b)
{
  struct feed *f = &b->feed;
  const uint8_t how = feed_u8(f);
  const uint8_t number = (uint8_t)(1 + (how >> 5));
  struct estab_packet p = {.link = ESTAB_LINK_ETHERNET, .ttl = 255};
  ethernet(&p, ETH_NETIF);
  if (how & 1) {
    p.kind = ESTAB_PACKET_ARP;
    p.arp.operation = how & 2 ? ESTAB_ARP_REPLY : ESTAB_ARP_REQUEST;
    p.arp.sender_ip = host_ip(ETH_NETIF, false, number);
    p.arp.target_ip = host_ip(ETH_NETIF, false, 1);
    memcpy(p.arp.sender_mac, p.eth.src, 6);
    memcpy(p.arp.target_mac, p.eth.dst, 6);
    input_packet_of(b, &p, ETH_NETIF);
    return;
  }
  uint8_t message[ESTAB_ND_MAX_BYTES];
  struct estab_nd nd = {.type = (uint8_t)(ESTAB_ICMP6_ROUTER_SOLICITATION + (feed_u8(f) & 3)),
                        .present = ESTAB_ND_TARGET_MAC | ESTAB_ND_SOURCE_MAC | ESTAB_ND_MTU,
                        .solicited = how & 4,
                        .override = how & 8,
                        .target = host_ip(ETH_NETIF, true, how & 16 ? 1 : number),
                        .mtu = 1400};
  memcpy(nd.target_mac, p.eth.src, 6);
  memcpy(nd.source_mac, p.eth.src, 6);
  const size_t n = estab_nd_emit(&nd, message);
  p.version = 6;
  p.kind = ESTAB_PACKET_OTHER;
  p.protocol = ESTAB_PROTOCOL_ICMP6;
  p.src = host_ip(ETH_NETIF, true, number);
  p.dst = host_ip(ETH_NETIF, true, 1);
  const uint64_t sum = estab_checksum_pseudo(&p.src, &p.dst, ESTAB_PROTOCOL_ICMP6, (uint32_t)n);
  const uint16_t field = estab_checksum_finish(estab_checksum_add(sum, message, n));
  message[2] = (uint8_t)(field >> 8);
  message[3] = (uint8_t)field;
  p.payload = message;
  p.payload_bytes = n;
  input_packet_of(b, &p, ETH_NETIF);
}

// Extension headers before a UDP datagram, from the tape.
static void op_chain(struct bench *b)
{
  struct feed *f = &b->feed;
  uint8_t bytes[40 + 256];
  uint8_t extensions[128];
  struct estab_ip6_header h = {
      .src = host_ip(RAW_NETIF, true, 2), .dst = host_ip(RAW_NETIF, true, 1), .hop_limit = 64};
  size_t n = feed_u8(f) % sizeof extensions;
  for (size_t i = 0; i < n; i++)
    extensions[i] = feed_u8(f);
  h.next_header = feed_u8(f) & 1 ? extensions[0] : ESTAB_PROTOCOL_DESTINATION;
  h.extensions = extensions;
  h.extension_bytes = (uint16_t)n;
  h.payload_bytes = (uint16_t)(n + 20);
  const size_t at = estab_ip6_emit(&h, bytes);
  memset(bytes + at, 0, 20);
  input(b, RAW_NETIF, bytes, at + 20);
}

// ---- The user

// As if the server had given a cookie earlier.
static void learn_cookie(struct bench *b, const struct estab_connect_settings *peer)
{
  struct estab_fast_open_cookie cookie = {.struct_bytes = sizeof cookie,
                                          .local =
                                              host_ip(RAW_NETIF, !estab_ip_is4(&peer->remote), 1),
                                          .remote = peer->remote,
                                          .count = 8,
                                          .peer_mss = (uint16_t)(feed_u8(&b->feed) * 8)};
  (void)estab_fast_open_put(b->s, &cookie);
  (void)estab_fast_open_room(b->s, peer);
}

static void op_call(struct bench *b)
{
  struct feed *f = &b->feed;
  uint8_t bytes[2000] = {0};
  const uint8_t what = feed_u8(f);
  const estab_conn conn = b->conn_count ? b->conns[(what >> 4) % b->conn_count] : 0;
  struct estab_connect_settings peer;
  struct estab_datagram d = {0};
  estab_conn fresh;
  switch (what & 15) {
  case 0:
  case 1: (void)estab_send(b->s, conn, bytes, feed_u16(f) % sizeof bytes); break;
  case 2:
  case 3: (void)estab_recv(b->s, conn, bytes, sizeof bytes); break;
  case 4: (void)estab_close(b->s, conn); break;
  case 5: (void)estab_shutdown_recv(b->s, conn); break;
  case 6: (void)estab_abort(b->s, conn); break;
  case 7:
    if (!b->conn_count) break;
    MUST(estab_release(b->s, conn) == ESTAB_OK);
    MUST(estab_release(b->s, conn) == ESTAB_ERR_NO_CONNECTION);
    b->conns[(what >> 4) % b->conn_count] = b->conns[b->conn_count - 1];
    b->conn_count--;
    break;
  case 8: {
    const uint8_t to = feed_u8(f);
    estab_connect_settings_default(&peer);
    peer.remote = host_ip(1 + (to & 1), to & 2, (uint8_t)(1 + ((to >> 2) & 3)));
    peer.remote_port = 80;
    if (to & 16) peer.local_port = 80; // perhaps with itself
    peer.fast_open = b->fast_open;
    peer.fast_open_experimental = to & 64;
    if (to & 32) learn_cookie(b, &peer);
    if (estab_connect(b->s, &peer, b->now_ns, &fresh) == ESTAB_OK) add_conn(b, fresh);
    break;
  }
  case 9:
    (void)estab_option_set(b->s, conn, (enum estab_option)(feed_u8(f) % (ESTAB_OPTIONS + 1)),
                           feed_u8(f) & 1 ? feed_u32(f) : (uint64_t)feed_u32(f) << 20);
    break;
  case 10: {
    const uint8_t how = feed_u8(f);
    (void)estab_netif_set_up(b->s, 1 + (how & 1), how & 2);
    if (how & 4)
      (void)estab_netif_set_mtu(b->s, 1 + (how & 1), (uint16_t)(68 + feed_u16(f) % 1433));
    break;
  }
  case 11:
    d.remote = host_ip(1 + (feed_u8(f) & 1), feed_u8(f) & 1, 2);
    d.remote_port = 53;
    (void)estab_udp_send(b->s, b->udp, &d, bytes, feed_u16(f) % 1600);
    break;
  case 12: (void)estab_udp_recv(b->s, b->udp, &d, bytes, sizeof bytes); break;
  case 13: b->mem.refuse = 1 + (what >> 4); break;
  case 14: estab_stack_trim(b->s); break;
  default: {
    struct estab_conn_info info = {.struct_bytes = sizeof info};
    struct estab_recv_marks marks;
    (void)estab_recv_marks(b->s, conn, &marks);
    if (estab_conn_info(b->s, conn, &info) == ESTAB_OK)
      MUST(info.snd_nxt - info.snd_una < 1u << 31);
  }
  }
}

// ---- One run

// Whatever is due is done, and then nothing is: else a program would spin.
static void settle(struct bench *b)
{
  unsigned rounds = 0;
  for (;;) {
    const unsigned moved = drain(b);
    events(b);
    const uint64_t deadline = estab_stack_deadline(b->s);
    if (moved == 0 && deadline > b->now_ns) return;
    if (deadline <= b->now_ns) estab_stack_handle_deadline(b->s, b->now_ns);
    MUST(++rounds < ROUNDS_MAX);
  }
}

static void pass(struct bench *b, uint64_t wait_ns)
{
  const uint64_t until = b->now_ns + wait_ns;
  for (unsigned rounds = 0; rounds < 64;
       rounds++) { // later deadlines come late, as in a busy program
    const uint64_t deadline = estab_stack_deadline(b->s);
    if (deadline > until) break;
    if (deadline > b->now_ns) b->now_ns = deadline;
    estab_stack_handle_deadline(b->s, b->now_ns);
    settle(b);
  }
  b->now_ns = until;
}

static void netif_of(estab_stack *s, uint8_t link, uint32_t number)
{
  struct estab_netif_settings netif;
  estab_netif_settings_default(&netif);
  netif.link = link;
  netif.mac[0] = 2;
  netif.mac[5] = 1;
  MUST(estab_netif_add(s, &netif) == (int)number);
  for (unsigned ip6 = 0; ip6 < 2; ip6++) {
    struct estab_ip ip = host_ip(number, ip6, 1);
    MUST(estab_address_add(s, number, &ip, ip6 ? 64 : 24) == ESTAB_OK);
  }
}

// What is not switched on by default, or comes in several kinds. 0 leaves everything as it is.
static void choose_modern(struct bench *b, struct estab_settings *settings, uint8_t what)
{
  b->fast_open = what & 1;
  if (what & 2) settings->plpmtud = ESTAB_PLPMTUD_ALWAYS;
  if (what & 4) settings->user_timeout_advertised_ns = 100 * FUZZ_SECONDS;
  const uint8_t ecn = (what >> 3) & 7, cc = what >> 6;
  if (ecn) settings->ecn = ecn % (ESTAB_ECN_ACCURATE_ACCEPT + 1);
  if (ecn > 5) settings->ecn_option = ESTAB_ECN_OPTION_ALWAYS;
  if (cc) settings->congestion_control = cc % (ESTAB_CC_BBR + 1);
}

static void begin(struct bench *b)
{
  struct estab_settings settings;
  const uint8_t how = feed_u8(&b->feed);
  if (how & 1)
    estab_settings_rfc(&settings);
  else
    estab_settings_default(&settings);
  settings.mem = fuzz_mem_door(&b->mem);
  if (how & 2) settings.max_bytes = 200000;
  if (how & 4) settings.max_half_open = 2;
  if (how & 8) settings.max_time_wait = 2;
  if (how & 16) settings.max_connections = 3;
  if (how & 32) settings.keepalive_idle_ns = 10 * FUZZ_SECONDS;
  choose_modern(b, &settings, feed_u8(&b->feed));
  MUST(estab_stack_new(&settings, b->now_ns, &b->s) == ESTAB_OK);
  netif_of(b->s, ESTAB_LINK_RAW, RAW_NETIF);
  netif_of(b->s, ESTAB_LINK_ETHERNET, ETH_NETIF);
  struct estab_listen_settings listen;
  estab_listen_settings_default(&listen);
  listen.port_first = listen.port_last = 80;
  listen.backlog = 3;
  listen.fast_open = b->fast_open ? 2 : 0;
  MUST(estab_listen(b->s, &listen, &b->listeners[0]) == ESTAB_OK);
  listen.port_first = listen.port_last = 81;
  listen.fast_open = 0;
  listen.syn_events = true;
  MUST(estab_listen(b->s, &listen, &b->listeners[1]) == ESTAB_OK);
  struct estab_udp_settings udp;
  estab_udp_settings_default(&udp);
  udp.local_port = 53;
  MUST(estab_udp_open(b->s, &udp, &b->udp) == ESTAB_OK);
  struct estab_connect_settings peer;
  estab_connect_settings_default(&peer);
  peer.remote = host_ip(how & 64 ? ETH_NETIF : RAW_NETIF, how & 128, 2);
  peer.remote_port = 7;
  estab_conn conn;
  if (estab_connect(b->s, &peer, b->now_ns, &conn) == ESTAB_OK) add_conn(b, conn);
  settle(b);
}

static void step(struct bench *b)
{
  switch (feed_u8(&b->feed) & 15) {
  case 0: op_raw(b); break;
  case 1: op_udp(b); break;
  case 2: op_icmp(b); break;
  case 3: op_fragment(b); break;
  case 4: op_neighbour(b); break;
  case 5: op_chain(b); break;
  case 6:
  case 7:
  case 8: op_call(b); break;
  case 9: pass(b, feed_wait_ns(&b->feed)); break;
  default: op_tcp(b);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  struct bench b = {.feed = {data, data + size}, .now_ns = UINT64_C(0xffff0000) * FUZZ_MILLIS};
  begin(&b);
  for (unsigned i = 0; i < STEPS_MAX && feed_more(&b.feed); i++) {
    step(&b);
    if (i & 1) settle(&b); // sometimes two come before anything leaves
  }
  b.mem.refuse = 0;
  settle(&b);
  if (data && size > 1 && (data[size - 1] & 1)) pass(&b, 7200 * FUZZ_SECONDS);
  estab_stack_free(b.s);
  MUST(b.mem.strict.live_bytes == 0 && b.mem.strict.live_pieces == 0);
  free(b.last);
  return 0;
}
