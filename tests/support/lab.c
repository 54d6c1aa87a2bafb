// SPDX-License-Identifier: BSD-2-Clause
// lab.c - one stack and forged frames, see lab.h.
#include "support/lab.h"

#include "base/bytes.h"

static void must(bool holds, const char *what)
{
  if (holds) return;
  printf("lab: %s\n", what);
  fflush(stdout);
  abort();
}

void lab_init(struct lab *l, enum estab_link link, void (*change)(struct estab_settings *settings))
{
  memset(l, 0, sizeof *l);
  l->link = (uint8_t)link;
  l->now_ns = UINT64_C(5000000000);
  estab_settings_default(&l->settings);
  l->settings.mem = kit_mem_door(&l->mem);
  memset(l->settings.secret, 9, sizeof l->settings.secret);
  if (change) change(&l->settings);
  must(estab_stack_new(&l->settings, l->now_ns, &l->s) == ESTAB_OK, "no stack");
  struct estab_netif_settings n;
  estab_netif_settings_default(&n);
  n.link = (uint8_t)link;
  memcpy(n.mac, "\2\0\0\0\0\1", 6);
  must(estab_netif_add(l->s, &n) == 1, "no interface");
  l->us[0] = estab_ip4(192, 0, 2, 1);
  l->peer[0] = estab_ip4(192, 0, 2, 2);
  must(!estab_ip_parse("2001:db8::1", &l->us[1]) && !estab_ip_parse("2001:db8::2", &l->peer[1]),
       "addresses");
  struct estab_ip any[2] = {estab_ip4(0, 0, 0, 0), {{0}}};
  for (unsigned i = 0; i < 2; i++) {
    must(estab_address_add(l->s, 1, &l->us[i], i ? 64 : 24) == ESTAB_OK, "no address");
    must(estab_route_add(l->s, 1, &any[i], 0, &l->peer[i]) == ESTAB_OK, "no route");
  }
}

bool lab_end(struct lab *l)
{
  estab_stack_free(l->s);
  l->s = NULL;
  return l->mem.strict.live_bytes == 0;
}

void lab_input(estab_stack *s, uint64_t now_ns, const uint8_t *bytes, size_t n, const size_t *cuts,
               unsigned count)
{
  struct estab_frame f = {.struct_bytes = sizeof f, .netif = 1};
  uint8_t *blocks[ESTAB_FRAME_PIECES];
  must(count < ESTAB_FRAME_PIECES, "too many pieces");
  size_t from = 0;
  for (unsigned i = 0; i <= count; i++) {
    size_t to = i < count ? cuts[i] : n;
    blocks[i] = malloc(to > from ? to - from : 1);
    must(blocks[i] != NULL && to >= from, "a piece");
    memcpy(blocks[i], bytes + from, to - from);
    f.pieces[f.piece_count++] = (struct estab_piece){.bytes = blocks[i], .length = to - from};
    from = to;
  }
  estab_stack_input(s, now_ns, &f, 1);
  for (unsigned i = 0; i <= count; i++)
    free(blocks[i]);
}

void lab_inject(struct lab *l, const uint8_t *bytes, size_t n)
{
  lab_input(l->s, l->now_ns, bytes, n, NULL, 0);
}

static void lab_take(struct lab *l)
{
  static struct estab_frame frames[ESTAB_OUTPUT_MAX];
  // A packet that waits for its neighbour may leave a question for the next call.
  for (int n, empty = 0; empty<2; empty = n> 0 ? 0 : empty + 1) {
    n = estab_stack_output(l->s, l->now_ns, frames, ESTAB_OUTPUT_MAX);
    for (int i = 0; i < n; i++) {
      struct lab_out *o = &l->out[l->outs < LAB_OUTS ? l->outs : LAB_OUTS - 1];
      l->outs++;
      o->count = 0;
      for (unsigned p = 0; p < frames[i].piece_count; p++) {
        must(o->count + frames[i].pieces[p].length <= sizeof o->bytes, "a frame above the MTU");
        memcpy(o->bytes + o->count, frames[i].pieces[p].bytes, frames[i].pieces[p].length);
        o->count += frames[i].pieces[p].length;
      }
    }
    estab_stack_output_done(l->s, (unsigned)n, l->now_ns);
  }
}

unsigned lab_drain(struct lab *l)
{
  l->outs = 0;
  lab_take(l);
  return l->outs;
}

unsigned lab_ask(struct lab *l, const uint8_t *bytes, size_t n)
{
  lab_inject(l, bytes, n);
  return lab_drain(l);
}

void lab_advance(struct lab *l, uint64_t ns)
{
  uint64_t until = l->now_ns + ns;
  l->outs = 0;
  for (uint64_t next; (next = estab_stack_deadline(l->s)) <= until;) {
    if (next > l->now_ns) l->now_ns = next;
    estab_stack_handle_deadline(l->s, l->now_ns);
    lab_take(l);
  }
  l->now_ns = until;
  estab_stack_handle_deadline(l->s, until);
  lab_take(l);
}

uint64_t lab_drops(const struct lab *l)
{
  uint64_t n = 0;
  for (unsigned i = 1; i < ESTAB_DROPS; i++)
    n += estab_drop_count(l->s, (enum estab_drop)i);
  return n;
}

// ---- Packets

size_t lab_ip4(uint8_t *out, const struct estab_ip *src, const struct estab_ip *dst,
               uint8_t protocol, const uint8_t *payload, size_t n)
{
  struct estab_ip4_header h = {
      .src = *src, .dst = *dst, .protocol = protocol, .ttl = 64, .total_bytes = (uint16_t)(20 + n)};
  size_t header = estab_ip4_emit(&h, out);
  if (n) memmove(out + header, payload, n);
  return header + n;
}

size_t lab_ip6(uint8_t *out, const struct estab_ip *src, const struct estab_ip *dst,
               uint8_t next_header, const uint8_t *payload, size_t n)
{
  struct estab_ip6_header h = {.src = *src,
                               .dst = *dst,
                               .next_header = next_header,
                               .hop_limit = 64,
                               .payload_bytes = (uint16_t)n};
  size_t header = estab_ip6_emit(&h, out);
  if (n) memmove(out + header, payload, n);
  return header + n;
}

size_t lab_packet(const struct lab *l, bool six, uint8_t protocol, const uint8_t *payload, size_t n,
                  uint8_t *out)
{
  return (six ? lab_ip6 : lab_ip4)(out, &l->peer[six], &l->us[six], protocol, payload, n);
}

void lab_checksum(uint8_t *packet, size_t n, size_t l4)
{
  bool six = packet[0] >> 4 == 6;
  size_t header = six ? 40 : (packet[0] & 15u) * 4u;
  uint8_t protocol = six ? packet[6] : packet[9];
  struct estab_ip src, dst;
  if (six) {
    memcpy(src.bytes, packet + 8, 16);
    memcpy(dst.bytes, packet + 24, 16);
    if (l4 != SIZE_MAX && l4 >= 48)
      protocol = packet[l4 - 8]; // the last extension header has 8 bytes
  } else {
    put_be16(packet + 10, 0);
    put_be16(packet + 10, estab_checksum_finish(estab_checksum_add(0, packet, header)));
    src = estab_ip4(packet[12], packet[13], packet[14], packet[15]);
    dst = estab_ip4(packet[16], packet[17], packet[18], packet[19]);
  }
  if (l4 == SIZE_MAX) return;
  if (l4 == 0) l4 = header;
  size_t at;
  switch (protocol) {
  case ESTAB_PROTOCOL_TCP: at = l4 + 16; break;
  case ESTAB_PROTOCOL_UDP: at = l4 + 6; break;
  case ESTAB_PROTOCOL_ICMP4:
  case ESTAB_PROTOCOL_ICMP6: at = l4 + 2; break;
  default: return;
  }
  if (at + 2 > n) return;
  put_be16(packet + at, 0);
  uint64_t sum = protocol == ESTAB_PROTOCOL_ICMP4
                     ? 0
                     : estab_checksum_pseudo(&src, &dst, protocol, (uint32_t)(n - l4));
  put_be16(packet + at, estab_checksum_finish(estab_checksum_add(sum, packet + l4, n - l4)));
}

size_t lab_echo(const struct lab *l, bool six, size_t text_bytes, uint8_t *out)
{
  static uint8_t message[66000];
  memset(message, 0, 8);
  message[0] = six ? ESTAB_ICMP6_ECHO : ESTAB_ICMP4_ECHO;
  message[5] = 7;
  for (size_t i = 0; i < text_bytes; i++)
    message[8 + i] = (uint8_t)i;
  size_t n = lab_packet(l, six, six ? ESTAB_PROTOCOL_ICMP6 : ESTAB_PROTOCOL_ICMP4, message,
                        8 + text_bytes, out);
  lab_checksum(out, n, 0);
  return n;
}

size_t lab_udp(const struct lab *l, bool six, uint16_t port, size_t text_bytes, uint8_t *out)
{
  uint8_t datagram[1600] = {0};
  put_be16(datagram, 4000);
  put_be16(datagram + 2, port);
  put_be16(datagram + 4, (uint16_t)(8 + text_bytes));
  size_t n = lab_packet(l, six, ESTAB_PROTOCOL_UDP, datagram, 8 + text_bytes, out);
  lab_checksum(out, n, 0);
  return n;
}

size_t lab_icmp_error(const struct estab_tuple *tuple, uint8_t type, uint8_t code, uint32_t mtu,
                      uint32_t seq, size_t quote_bytes, uint8_t *out)
{
  bool six = !estab_ip_is4(&tuple->remote);
  uint8_t message[8 + 40 + 20] = {0}, tcp[20] = {0};
  put_be16(tcp, tuple->local_port);
  put_be16(tcp + 2, tuple->remote_port);
  put_be32(tcp + 4, seq);
  tcp[12] = 0x50;
  size_t quoted = (six ? lab_ip6 : lab_ip4)(message + 8, &tuple->local, &tuple->remote,
                                            ESTAB_PROTOCOL_TCP, tcp, 20);
  if (six) {
    put_be16(message + 8 + 4, 1460); // it was a full packet
  } else {
    put_be16(message + 8 + 2, 1500);
    put_be16(message + 8 + 10, 0);
    put_be16(message + 8 + 10, estab_checksum_finish(estab_checksum_add(0, message + 8, 20)));
  }
  message[0] = type;
  message[1] = code;
  put_be32(message + 4, mtu);
  size_t bytes = 8 + quoted - 20 + quote_bytes;
  size_t n =
      (six ? lab_ip6 : lab_ip4)(out, &tuple->remote, &tuple->local,
                                six ? ESTAB_PROTOCOL_ICMP6 : ESTAB_PROTOCOL_ICMP4, message, bytes);
  lab_checksum(out, n, 0);
  return n;
}

size_t lab_segment(const struct kit *k, const struct estab_tcp_header *h, unsigned data_offset,
                   const uint8_t *rest, size_t rest_bytes, uint8_t *out)
{
  uint8_t segment[2000];
  struct estab_tcp_header plain = *h;
  plain.options.present = 0;
  plain.src_port = k->tuple.remote_port;
  plain.dst_port = k->tuple.local_port;
  must(estab_tcp_emit(&plain, segment) == 20 && rest_bytes <= sizeof segment - 20, "a segment");
  segment[12] = (uint8_t)(data_offset << 4 | (segment[12] & 15));
  if (rest_bytes) memcpy(segment + 20, rest, rest_bytes);
  size_t n = (k->ip6 ? lab_ip6 : lab_ip4)(out, &k->tuple.remote, &k->tuple.local,
                                          ESTAB_PROTOCOL_TCP, segment, 20 + rest_bytes);
  lab_checksum(out, n, 0);
  return n;
}
