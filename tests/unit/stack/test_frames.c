// SPDX-License-Identifier: BSD-2-Clause
// test_frames.c - frames in pieces, frames not taken, frames held, packets longer than a block.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "estab/estab.h"
#include "estab/wire.h"
#include "support/prop.h"

struct host {
  struct prop_mem door;
  estab_stack *s;
};

// 192.0.2.LAST and fd00::LAST, over such an interface.
static struct host *host_over(const struct estab_netif_settings *netif, uint8_t last)
{
  struct host *h = calloc(1, sizeof *h);
  assert_non_null(h);
  struct estab_settings settings;
  struct estab_ip ip4 = estab_ip4(192, 0, 2, last), ip6 = {{0xfd, [15] = last}};
  estab_settings_default(&settings);
  settings.mem = prop_mem_door(&h->door);
  assert_int_equal(estab_stack_new(&settings, 0, &h->s), ESTAB_OK);
  assert_int_equal(estab_netif_add(h->s, netif), 1);
  assert_int_equal(estab_address_add(h->s, 1, &ip4, 24), ESTAB_OK);
  assert_int_equal(estab_address_add(h->s, 1, &ip6, 64), ESTAB_OK);
  return h;
}

static struct host *host_new(uint16_t mtu)
{
  struct estab_netif_settings netif;
  estab_netif_settings_default(&netif);
  netif.mtu = mtu;
  return host_over(&netif, 1);
}

static void host_end(struct host *h)
{
  estab_stack_free(h->s);
  assert_int_equal(h->door.live_bytes, 0);
  free(h);
}

static size_t linear(const struct estab_frame *f, uint8_t *out, size_t room)
{
  size_t at = 0;
  for (unsigned i = 0; i < f->piece_count; at += f->pieces[i++].length) {
    assert_true(at + f->pieces[i].length <= room);
    memcpy(out + at, f->pieces[i].bytes, f->pieces[i].length);
  }
  return at;
}

// An echo request comes in two pieces, cut everywhere: the reply brings every octet back.
static void echo_in_pieces(void **state)
{
  (void)state;
  struct host *h = host_new(1500);
  uint8_t data[40], request[128], reply[128];
  for (unsigned i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i + 1);
  static const uint8_t nops[8] = {1, 1, 1, 1, 1,
                                  1, 1, 1}; // so that the request stands elsewhere than the reply
  struct estab_ip4_header ip = {.src = estab_ip4(192, 0, 2, 2),
                                .dst = estab_ip4(192, 0, 2, 1),
                                .total_bytes = 28 + ESTAB_ICMP_HEADER_BYTES + sizeof data,
                                .protocol = ESTAB_PROTOCOL_ICMP4,
                                .ttl = 64,
                                .options = nops,
                                .options_bytes = sizeof nops};
  struct estab_icmp_header echo = {.type = ESTAB_ICMP4_ECHO, .echo = true, .id = 1, .seq = 2};
  size_t at = estab_ip4_emit(&ip, request);
  size_t n = at + estab_icmp4_emit(&echo, request + at);
  memcpy(request + n, data, sizeof data);
  n += sizeof data;
  uint16_t sum = estab_checksum_finish(estab_checksum_add(0, request + at, n - at));
  request[at + 2] = (uint8_t)(sum >> 8);
  request[at + 3] = (uint8_t)sum;
  for (size_t cut = 1; cut < n; cut++) {
    uint64_t now_ns = cut * UINT64_C(1000000000);
    struct estab_frame in = {
        .struct_bytes = sizeof in,
        .netif = 1,
        .piece_count = 2,
        .pieces = {{.bytes = request, .length = cut}, {.bytes = request + cut, .length = n - cut}}};
    struct estab_frame out;
    assert_int_equal(estab_stack_input(h->s, now_ns, &in, 1), 1);
    assert_int_equal(estab_stack_output(h->s, now_ns, &out, 1), 1);
    size_t length = linear(&out, reply, sizeof reply);
    struct estab_packet q;
    assert_true(estab_packet_parse(ESTAB_LINK_RAW, reply, length, false, &q) > 0);
    assert_int_equal(q.icmp.type, ESTAB_ICMP4_ECHO_REPLY);
    assert_int_equal(q.payload_bytes, sizeof data);
    assert_memory_equal(q.payload, data, sizeof data);
    estab_stack_output_done(h->s, 1, now_ns);
  }
  host_end(h);
}

// Octets of a connection whose peer answers the SYN; then one write, which is in flight.
static estab_conn connected(struct host *h, const void *bytes, size_t n, bool lend)
{
  struct estab_connect_settings to;
  estab_conn conn;
  estab_connect_settings_default(&to);
  to.remote = estab_ip4(192, 0, 2, 2);
  to.remote_port = 7;
  assert_int_equal(estab_connect(h->s, &to, 0, &conn), ESTAB_OK);
  struct estab_frame f;
  uint8_t packet[128];
  struct estab_packet syn;
  assert_int_equal(estab_stack_output(h->s, 0, &f, 1), 1);
  size_t length = linear(&f, packet, sizeof packet);
  assert_true(estab_packet_parse(ESTAB_LINK_RAW, packet, length, false, &syn) > 0);
  estab_stack_output_done(h->s, 1, 0);
  struct estab_packet p = {.kind = ESTAB_PACKET_TCP,
                           .version = 4,
                           .protocol = ESTAB_PROTOCOL_TCP,
                           .ttl = 64,
                           .src = syn.dst,
                           .dst = syn.src,
                           .tcp = {.src_port = 7,
                                   .dst_port = syn.tcp.src_port,
                                   .seq = 1000,
                                   .ack = syn.tcp.seq + 1,
                                   .flags = ESTAB_TCP_SYN | ESTAB_TCP_ACK,
                                   .window = 65535,
                                   .options = {.present = ESTAB_TCP_OPT_MSS, .mss = 1460}}};
  length = (size_t)estab_packet_emit(&p, packet, sizeof packet);
  struct estab_frame in = {.struct_bytes = sizeof in,
                           .netif = 1,
                           .piece_count = 1,
                           .pieces = {{.bytes = packet, .length = length}}};
  assert_int_equal(estab_stack_input(h->s, 0, &in, 1), 1);
  int r = lend ? estab_send_ref(h->s, conn, bytes, n, 77) : estab_send(h->s, conn, bytes, n);
  assert_int_equal(r, n);
  return conn;
}

// Held and not taken, offered again, held again and then the connection ends: the device still has its octets, and
// lent memory does not come back before the last release.
static void hold_after_not_taken(void **state)
{
  (void)state;
  struct host *h = host_new(1500);
  static const uint8_t text[] = "what a device still has to send";
  estab_conn conn = connected(h, text, sizeof text, true);
  static struct estab_frame first, second;
  assert_int_equal(estab_stack_output(h->s, 0, &first, 1), 1);
  assert_int_equal(first.piece_count, 2);
  estab_frame_hold(h->s, &first);
  estab_stack_output_done(h->s, 0, 0); // it changed its mind
  estab_frame_release(h->s, &first);
  assert_int_equal(estab_stack_output(h->s, 0, &second, 1), 1);
  assert_int_equal(second.held, 0);
  estab_frame_hold(h->s, &second);
  estab_stack_output_done(h->s, 1, 0);
  assert_int_equal(estab_abort(h->s, conn), ESTAB_OK);
  assert_int_equal(estab_release(h->s, conn), ESTAB_OK);
  struct estab_event e;
  while (estab_stack_next_event(h->s, &e))
    assert_false(e.events & ESTAB_EVENT_SEND_RELEASED);
  assert_memory_equal(second.pieces[1].bytes, text, sizeof text);
  estab_frame_release(h->s, &second);
  bool back = false;
  while (estab_stack_next_event(h->s, &e))
    back = back || ((e.events & ESTAB_EVENT_SEND_RELEASED) && e.cookie == 77);
  assert_true(back);
  host_end(h);
}

// A datagram that fits the device but not one block of memory.
static void datagram_longer_than_a_block(void **state)
{
  (void)state;
  struct host *h = host_new(65535);
  static uint8_t data[40000], bytes[41000];
  for (unsigned i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i * 7);
  struct estab_udp_settings settings;
  estab_udp udp;
  estab_udp_settings_default(&settings);
  assert_int_equal(estab_udp_open(h->s, &settings, &udp), ESTAB_OK);
  struct estab_datagram to = {.remote = estab_ip4(192, 0, 2, 2), .remote_port = 53};
  for (size_t n = 16000; n <= sizeof data; n += 4000) {
    assert_int_equal(estab_udp_send(h->s, udp, &to, data, n), n);
    struct estab_frame f;
    assert_int_equal(estab_stack_output(h->s, 0, &f, 1), 1);
    size_t length = linear(&f, bytes, sizeof bytes);
    struct estab_packet p;
    assert_true(estab_packet_parse(ESTAB_LINK_RAW, bytes, length, false, &p) > 0);
    assert_int_equal(p.payload_bytes, n);
    assert_memory_equal(p.payload, data, n);
    estab_stack_output_done(h->s, n % 8000 ? 1 : 0, 0); // every other one is not taken at first
    if (n % 8000) continue;
    assert_int_equal(estab_stack_output(h->s, 0, &f, 1), 1);
    assert_int_equal(linear(&f, bytes, sizeof bytes), length);
    estab_stack_output_done(h->s, 1, 0);
  }
  host_end(h);
}

// The program gives up between output and output_done: nothing is lost of its memory.
static void freed_in_the_middle(void **state)
{
  (void)state;
  struct host *h = host_new(1500);
  static const uint8_t data[600];
  struct estab_udp_settings settings;
  estab_udp udp;
  estab_udp_settings_default(&settings);
  assert_int_equal(estab_udp_open(h->s, &settings, &udp), ESTAB_OK);
  struct estab_datagram to = {.remote = estab_ip4(192, 0, 2, 2), .remote_port = 53};
  (void)connected(h, data, sizeof data, false);
  assert_int_equal(estab_udp_send(h->s, udp, &to, data, sizeof data), sizeof data);
  struct estab_frame frames[4];
  assert_true(estab_stack_output(h->s, 0, frames, 4) >= 1);
  host_end(h);
}

// The stack goes first: what a device held is gone with it, and its memory is back.
static void freed_while_held(void **state)
{
  (void)state;
  struct host *h = host_new(1500);
  static const uint8_t data[600];
  (void)connected(h, data, sizeof data, false);
  struct estab_frame frame;
  assert_int_equal(estab_stack_output(h->s, 0, &frame, 1), 1);
  estab_frame_hold(h->s, &frame);
  estab_stack_output_done(h->s, 1, 0);
  host_end(h);
}

// ATTACKS F6: what is queued while the interface is down leaves when it is up, and an RST that cannot leave keeps
// nobody alive.
static void interface_down(void **state)
{
  (void)state;
  struct host *h = host_new(1500);
  static const uint8_t data[600] = {1};
  estab_conn conn = connected(h, data, sizeof data, false);
  struct estab_frame f;
  assert_int_equal(estab_netif_set_up(h->s, 1, false), ESTAB_OK);
  assert_int_equal(estab_stack_output(h->s, 0, &f, 1), 0);
  estab_stack_output_done(h->s, 0, 0);
  assert_int_equal(estab_netif_set_up(h->s, 1, true), ESTAB_OK);
  assert_int_equal(estab_stack_output(h->s, 0, &f, 1), 1);
  assert_int_equal(estab_frame_bytes(&f), 20 + 20 + sizeof data);
  estab_stack_output_done(h->s, 1, 0);
  assert_int_equal(estab_netif_set_up(h->s, 1, false), ESTAB_OK);
  assert_int_equal(estab_abort(h->s, conn), ESTAB_OK);
  assert_int_equal(estab_release(h->s, conn), ESTAB_OK);
  assert_int_equal(estab_stack_output(h->s, 0, &f, 1), 0);
  estab_stack_output_done(h->s, 0, 0);
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(h->s, &info);
  assert_int_equal(info.connections, 0);
  host_end(h);
}

// Passes on what h has to send, and looks at its sums. Answers how many frames.
static unsigned unsummed(struct host *h, struct host *peer, bool ip6)
{
  struct estab_frame f[8];
  const int n = estab_stack_output(h->s, 0, f, 8);
  for (int i = 0; i < n; i++) {
    const uint8_t *ip = f[i].pieces[0].bytes;
    const bool syn_ack = ip[(ip6 ? 40 : 20) + 13] == (ESTAB_TCP_SYN | ESTAB_TCP_ACK);
    assert_int_equal(estab_stack_input(peer->s, 0, &f[i], 1), 1);
    if (syn_ack) continue; // to a peer that nobody has sent to yet: it may have sums
    assert_int_equal(f[i].checksum, ip6 ? ESTAB_CHECKSUM_PARTIAL : ESTAB_CHECKSUM_VALID);
    if (!ip6) assert_int_equal(ip[10] | ip[11], 0);
  }
  estab_stack_output_done(h->s, (unsigned)n, 0);
  return (unsigned)n;
}

// checksum_none: SYN, text, FIN and RST of TCP over IPv4 leave without sums; those over IPv6 as the offload has it.
static void no_checksums_on_a_memory_link(void **state)
{
  (void)state;
  for (unsigned ip6 = 0; ip6 < 2; ip6++) {
    struct estab_netif_settings memory;
    estab_netif_settings_default(&memory);
    memory.checksum_offload = memory.checksum_none = memory.checksum_trusted = true;
    struct host *h[2] = {host_over(&memory, 1), host_over(&memory, 2)};
    struct estab_listen_settings l;
    struct estab_connect_settings c;
    estab_listener listener;
    estab_conn ours, theirs;
    char byte = 'x';
    estab_listen_settings_default(&l);
    l.port_first = l.port_last = 80;
    assert_int_equal(estab_listen(h[1]->s, &l, &listener), ESTAB_OK);
    estab_connect_settings_default(&c);
    c.remote = ip6 ? (struct estab_ip){{0xfd, [15] = 2}} : estab_ip4(192, 0, 2, 2);
    c.remote_port = 80;
    assert_int_equal(estab_connect(h[0]->s, &c, 0, &ours), ESTAB_OK);
    unsigned frames = 0, before;
    do {
      before = frames;
      frames += unsummed(h[0], h[1], ip6) + unsummed(h[1], h[0], ip6);
      if (frames == 3) {
        assert_int_equal(estab_accept(h[1]->s, listener, &theirs), ESTAB_OK);
        assert_int_equal(estab_send(h[0]->s, ours, &byte, 1), 1);
        assert_int_equal(estab_close(h[1]->s, theirs), ESTAB_OK);
      }
    } while (frames > before);
    assert_true(frames >= 5);
    assert_int_equal(estab_recv(h[1]->s, theirs, &byte, 1), 1);
    assert_int_equal(estab_abort(h[0]->s, ours), ESTAB_OK);
    assert_true(unsummed(h[0], h[1], ip6) > 0);
    host_end(h[0]);
    host_end(h[1]);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(echo_in_pieces),
      cmocka_unit_test(hold_after_not_taken),
      cmocka_unit_test(datagram_longer_than_a_block),
      cmocka_unit_test(freed_in_the_middle),
      cmocka_unit_test(freed_while_held),
      cmocka_unit_test(interface_down),
      cmocka_unit_test(no_checksums_on_a_memory_link),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
