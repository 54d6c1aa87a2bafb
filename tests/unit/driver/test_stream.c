// SPDX-License-Identifier: BSD-2-Clause
// test_stream.c - a stack on a device with super-segments does what it does on a plain one: every cut segment
// equals the plain path's, identification aside; streams over each kind of pair are equal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "estab/driver.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS      60
#define FRAMES_MAX  400
#define FRAME_BYTES 1600

static struct estab_ip address(int version, unsigned host)
{
  struct estab_ip ip;
  if (version == 4) return estab_ip4(192, 0, 2, (uint8_t)host);
  assert_int_equal(estab_ip_parse(host == 1 ? "2001:db8::1" : "2001:db8::2", &ip), 0);
  return ip;
}

static estab_stack *new_stack(uint8_t secret)
{
  struct estab_settings settings;
  estab_stack *s;
  estab_settings_default(&settings);
  settings.mem = estab_system_mem();
  settings.send_buffer_bytes = 1 << 20;
  memset(settings.secret, secret, sizeof settings.secret); // equal in every run
  assert_int_equal(estab_stack_new(&settings, 1000000, &s), 0);
  return s;
}

// ---- What one stack emits to a peer made by hand

struct wire {
  uint8_t bytes[FRAMES_MAX][FRAME_BYTES];
  int length[FRAMES_MAX];
  unsigned count, merged; // wire frames; super-segments among what the stack gave
};

// Takes all output, cut; answers the last segment in *last.
static void collect(estab_stack *s, uint64_t now, struct wire *w, struct estab_packet *last)
{
  struct estab_frame frames[16];
  int n;
  while ((n = estab_stack_output(s, now, frames, 16)) > 0) {
    for (int i = 0; i < n; i++) {
      unsigned pieces = estab_gso_count(&frames[i]);
      if (pieces > 1) w->merged++;
      assert_true(pieces == 1 || frames[i].segments == pieces);
      for (unsigned k = 0; k < pieces; k++) {
        assert_true(w->count < FRAMES_MAX);
        uint8_t *to = w->bytes[w->count];
        int m = estab_gso_cut(&frames[i], k, to, FRAME_BYTES);
        assert_true(m > 0);
        assert_true(estab_packet_parse(ESTAB_LINK_RAW, to, (size_t)m, false, last) >= 0);
        w->length[w->count++] = m;
      }
    }
    estab_stack_output_done(s, (unsigned)n, now);
  }
}

static void answer(estab_stack *s, uint64_t now, const struct estab_packet *to, uint16_t flags,
                   uint32_t seq)
{
  uint8_t bytes[200];
  struct estab_frame f = {.struct_bytes = sizeof f, .netif = 1, .piece_count = 1};
  struct estab_packet p = {.kind = ESTAB_PACKET_TCP,
                           .link = ESTAB_LINK_RAW,
                           .version = to->version,
                           .protocol = ESTAB_PROTOCOL_TCP,
                           .ttl = 64,
                           .src = to->dst,
                           .dst = to->src};
  uint32_t syn = (to->tcp.flags & ESTAB_TCP_SYN) != 0;
  p.tcp = (struct estab_tcp_header){.src_port = to->tcp.dst_port,
                                    .dst_port = to->tcp.src_port,
                                    .seq = seq,
                                    .ack = to->tcp.seq + (uint32_t)to->payload_bytes + syn,
                                    .flags = flags,
                                    .window = 65535};
  p.tcp.options.present = ESTAB_TCP_OPT_TS;
  if (flags & ESTAB_TCP_SYN)
    p.tcp.options.present |=
        ESTAB_TCP_OPT_MSS | ESTAB_TCP_OPT_WSCALE | ESTAB_TCP_OPT_SACK_PERMITTED;
  p.tcp.options.mss = 1460;
  p.tcp.options.wscale = 4;
  p.tcp.options.ts_value = (uint32_t)(now / 1000000);
  p.tcp.options.ts_echo = to->tcp.options.ts_value;
  int n = estab_packet_emit(&p, bytes, sizeof bytes);
  assert_true(n > 0);
  f.pieces[0] = (struct estab_piece){bytes, (size_t)n, NULL};
  assert_int_equal(estab_stack_input(s, now, &f, 1), 1);
}

static void emit(int version, uint32_t gso_max_bytes, struct wire *w)
{
  static const size_t writes[] = {1000, 1, 5000, 40000, 1448, 2896, 70000, 3, 100000};
  static uint8_t text[100000];
  struct estab_netif_settings netif;
  struct estab_connect_settings settings;
  struct estab_packet last;
  estab_conn conn;
  uint64_t now = 2000000;
  memset(w, 0, sizeof *w);
  estab_stack *s = new_stack(7);
  estab_netif_settings_default(&netif);
  netif.gso_max_bytes = gso_max_bytes;
  netif.checksum_offload = gso_max_bytes > 0;
  assert_int_equal(estab_netif_add(s, &netif), 1);
  struct estab_ip ours = address(version, 1);
  assert_int_equal(estab_address_add(s, 1, &ours, version == 4 ? 24 : 64), 0);
  estab_connect_settings_default(&settings);
  settings.remote = address(version, 2);
  settings.remote_port = 80;
  assert_int_equal(estab_connect(s, &settings, now, &conn), 0);
  collect(s, now, w, &last);
  answer(s, now += 10000000, &last, ESTAB_TCP_SYN | ESTAB_TCP_ACK, 5000);
  for (size_t i = 0; i < sizeof text; i++)
    text[i] = (uint8_t)(i % 253);
  for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
    assert_int_equal(estab_send(s, conn, text, writes[i]), writes[i]);
  assert_int_equal(estab_close(s, conn), 0);
  for (int i = 0; i < ROUNDS; i++) {
    collect(s, now, w, &last);
    answer(s, now += 10000000, &last, ESTAB_TCP_ACK, 5001);
  }
  estab_stack_free(s);
}

static void clear_id(uint8_t *ip)
{
  if (ip[0] >> 4 != 4) return;
  ip[4] = ip[5] = ip[10] = ip[11] = 0;
}

static void cut_is_plain(void **state)
{
  struct wire *plain = malloc(sizeof *plain), *cut = malloc(sizeof *cut);
  (void)state;
  assert_true(plain && cut);
  for (int version = 4; version <= 6; version += 2) {
    emit(version, 0, plain);
    emit(version, 65415, cut);
    assert_int_equal(plain->merged, 0);
    assert_true(cut->merged > 5);
    assert_true(plain->count > 100);
    assert_int_equal(cut->count, plain->count);
    for (unsigned i = 0; i < plain->count; i++) {
      clear_id(plain->bytes[i]);
      clear_id(cut->bytes[i]);
      assert_int_equal(cut->length[i], plain->length[i]);
      if (memcmp(cut->bytes[i], plain->bytes[i], (size_t)plain->length[i]) != 0)
        fail_msg("IPv%d: frame %u differs", version, i);
    }
  }
  free(plain);
  free(cut);
}

// ---- Streams between two stacks

#define STREAM_BYTES 700000

struct side {
  estab_stack *s;
  struct estab_device dev;
  estab_conn conn;
  size_t sent, received;
  bool closed;
};

static uint8_t octet(unsigned side, size_t i)
{
  return (uint8_t)((i * 31 + i / 251 + side * 97) & 0xff);
}

static void work(struct side *x, unsigned number)
{
  static uint8_t piece[8192];
  int r = 1;
  while (x->sent < STREAM_BYTES && r > 0) {
    size_t n = STREAM_BYTES - x->sent < sizeof piece ? STREAM_BYTES - x->sent : sizeof piece;
    for (size_t i = 0; i < n; i++)
      piece[i] = octet(number, x->sent + i);
    r = estab_send(x->s, x->conn, piece, n);
    if (r > 0) x->sent += (size_t)r;
  }
  // CLOSE in SYN-SENT would forget what is queued (RFC 9293 3.10.4).
  bool there = estab_status(x->s, x->conn) != ESTAB_SYN_SENT;
  if (x->sent == STREAM_BYTES && there && !x->closed) x->closed = estab_close(x->s, x->conn) == 0;
  while ((r = estab_recv(x->s, x->conn, piece, sizeof piece)) > 0)
    for (int i = 0; i < r; i++)
      if (piece[i] != octet(1 - number, x->received++))
        fail_msg("octet %zu differs", x->received - 1);
}

// Frames both ways until neither has any.
static bool carry(struct side x[2], uint64_t now)
{
  struct estab_frame frames[ESTAB_DEVICE_BATCH];
  bool moved = false;
  for (unsigned i = 0; i < 2; i++) {
    int n = estab_stack_output(x[i].s, now, frames, ESTAB_DEVICE_BATCH);
    if (n > 0) {
      int sent = estab_device_send(&x[i].dev, now, frames, (unsigned)n);
      estab_stack_output_done(x[i].s, (unsigned)sent, now);
      moved = true;
    }
    n = estab_device_recv(&x[i].dev, now, frames, ESTAB_DEVICE_BATCH);
    if (n > 0) {
      assert_int_equal(estab_stack_input(x[i].s, now, frames, (unsigned)n), n);
      moved = true;
    }
  }
  return moved;
}

static void stream(int version, int link, enum estab_pair_gso gso)
{
  struct estab_pair_settings pair;
  struct estab_device dev[2];
  struct estab_listen_settings port;
  struct estab_connect_settings peer;
  struct side x[2] = {{0}, {0}};
  estab_listener listener;
  uint64_t now = 2000000;
  estab_pair_settings_default(&pair);
  pair.link = (uint8_t)link;
  pair.gso = (uint8_t)gso;
  assert_int_equal(estab_device_open_pair(&pair, dev, NULL), 0);
  for (unsigned i = 0; i < 2; i++) {
    struct estab_ip ip = address(version, i + 1);
    x[i].s = new_stack((uint8_t)(i + 1));
    x[i].dev = dev[i];
    assert_int_equal(estab_device_attach(&x[i].dev, x[i].s), 1);
    assert_int_equal(estab_address_add(x[i].s, 1, &ip, version == 4 ? 24 : 64), 0);
  }
  estab_listen_settings_default(&port);
  port.port_first = port.port_last = 7;
  assert_int_equal(estab_listen(x[1].s, &port, &listener), 0);
  estab_connect_settings_default(&peer);
  peer.remote = address(version, 2);
  peer.remote_port = 7;
  assert_int_equal(estab_connect(x[0].s, &peer, now, &x[0].conn), 0);
  while (x[0].received < STREAM_BYTES || x[1].received < STREAM_BYTES) {
    if (!x[1].conn && estab_accept(x[1].s, listener, &x[1].conn) < 0) x[1].conn = 0;
    for (unsigned i = 0; i < 2; i++)
      if (x[i].conn) work(&x[i], i);
    if (carry(x, now)) continue;
    uint64_t a = estab_stack_deadline(x[0].s), b = estab_stack_deadline(x[1].s);
    now = a < b ? a : b;
    if (now > 60000000000u) // no loss: it takes no minute
      fail_msg("IPv%d, link %d, pair %d: stuck at %zu and %zu octets, %d %d", version, link, gso,
               x[0].received, x[1].received, now == ESTAB_NEVER, x[1].conn != 0);
    estab_stack_handle_deadline(x[0].s, now);
    estab_stack_handle_deadline(x[1].s, now);
  }
  // Super-segments are what makes frames fewer than segments.
  const struct estab_device_counters *c = &x[0].dev.counters;
  if (gso == ESTAB_PAIR_PLAIN) assert_true(c->segments_out == c->frames_out);
  if (gso != ESTAB_PAIR_PLAIN) assert_true(c->segments_out > 3 * c->frames_out);
  if (gso != ESTAB_PAIR_PLAIN) assert_true(c->segments_in > c->frames_in * 2);
  for (unsigned i = 0; i < 2; i++) {
    estab_stack_free(x[i].s);
    estab_device_close(&x[i].dev);
  }
}

static void streams(void **state)
{
  (void)state;
  for (int version = 4; version <= 6; version += 2)
    for (int link = ESTAB_LINK_RAW; link <= ESTAB_LINK_ETHERNET; link++)
      for (int gso = ESTAB_PAIR_PLAIN; gso <= ESTAB_PAIR_CUT; gso++)
        stream(version, link, (enum estab_pair_gso)gso);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cut_is_plain),
      cmocka_unit_test(streams),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
