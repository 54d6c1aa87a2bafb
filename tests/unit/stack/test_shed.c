// SPDX-License-Identifier: BSD-2-Clause
// test_shed.c - memory near its cap: what is given up, in which order, and that nothing acknowledged is (ATTACKS R14).
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "support/kit.h"

enum {
  CAP_BYTES = 3 << 20,
  DATAGRAMS = 20,
  HALVES = 300,
  WAITS = 300,
  FLOOD = 100, // connections whose user reads nothing
  SEGMENT = 1000,
};

static struct kit k;

static void capped(struct estab_settings *settings)
{
  settings->max_bytes = CAP_BYTES;
}

static void peer(uint32_t i)
{
  k.tuple.remote.bytes[13] = (uint8_t)(i >> 8);
  k.tuple.remote.bytes[14] = (uint8_t)i;
  k.conn = 0;
}

static void segment(uint16_t flags, uint32_t ahead, uint32_t text_bytes)
{
  const struct seg_state *t = kit_seg(&k);
  kit_inject(&k, &(struct kit_in){.flags = flags,
                                  .seq = t ? t->rcv.nxt + ahead : k.irs,
                                  .ack = t ? t->snd.nxt : 0,
                                  .text_bytes = text_bytes});
  kit_clear(&k);
  kit_drain(&k);
}

static estab_conn open_one(uint32_t i)
{
  estab_conn conn = 0;
  peer(i);
  segment(ESTAB_TCP_SYN, 0, 0);
  segment(ESTAB_TCP_ACK, 0, 0);
  if (estab_accept(k.s, k.listener, &conn) != ESTAB_OK) return 0;
  return conn;
}

// The first fragment of a datagram that never becomes whole.
static void fragment(uint32_t i)
{
  uint8_t packet[40 + 8 + SEGMENT] = {0x60, [4] = (8 + SEGMENT) >> 8, (8 + SEGMENT) & 0xff, 44, 64};
  memcpy(packet + 8, k.tuple.remote.bytes, 16);
  memcpy(packet + 24, k.tuple.local.bytes, 16);
  packet[22] = (uint8_t)i; // another source
  packet[40] = 17;
  packet[43] = 1; // more of it follows
  packet[47] = (uint8_t)i;
  struct estab_frame f = {.struct_bytes = sizeof f, .netif = 1, .piece_count = 1};
  f.pieces[0].bytes = packet;
  f.pieces[0].length = sizeof packet;
  estab_stack_input(k.s, k.now_ns, &f, 1);
}

struct levels {
  uint32_t of[4]; // in the order in which they go
};

static struct levels levels_now(estab_conn holed)
{
  const struct tcb *t = stack_find(k.s, holed);
  assert_non_null(t);
  return (struct levels){
      {k.s->ip.frag.datagrams, k.s->halves.count, k.s->waits.count, t->out_of_order.count}};
}

static void fill(estab_conn *holed)
{
  k.quiet = true;
  struct estab_listen_settings l;
  estab_listen_settings_default(&l);
  l.port_first = l.port_last = k.tuple.local_port;
  l.backlog = 4;
  assert_int_equal(estab_listen(k.s, &l, &k.listener), ESTAB_OK);
  *holed = open_one(1);
  segment(ESTAB_TCP_ACK, 0, SEGMENT);
  for (unsigned i = 1; i < 4; i++)
    segment(ESTAB_TCP_ACK, i * 17000, SEGMENT);
  for (uint32_t i = 0; i < WAITS; i++) {
    estab_conn conn = open_one(1000 + i);
    assert_int_equal(estab_close(k.s, conn), ESTAB_OK);
    kit_drain(&k);
    segment(ESTAB_TCP_FIN | ESTAB_TCP_ACK, 0, 0);
    assert_int_equal(estab_release(k.s, conn), ESTAB_OK);
  }
  for (uint32_t i = 0; i < HALVES; i++) {
    peer(2000 + i);
    segment(ESTAB_TCP_SYN, 0, 0);
  }
  for (uint32_t i = 0; i < DATAGRAMS; i++)
    fragment(i);
}

static void goes_in_order(void **state)
{
  (void)state;
  kit_init(&k, true, capped);
  estab_conn holed, flood[FLOOD];
  uint32_t taken[FLOOD] = {0};
  for (unsigned i = 0; i < FLOOD; i++)
    flood[i] = 0;
  fill(&holed);
  struct levels before = levels_now(holed);
  assert_int_equal(before.of[0], DATAGRAMS);
  assert_int_equal(before.of[1], HALVES);
  assert_int_equal(before.of[2], WAITS);
  assert_int_equal(before.of[3], 3);

  // The connections are there before memory is short.
  unsigned connections = 0;
  for (unsigned i = 0; i < 60; i++)
    flood[connections++] = open_one(3000 + i);
  bool refused = false;
  for (unsigned round = 0; !refused && round < 60; round++)
    for (unsigned i = 0; i < connections && !refused; i++) {
      peer(3000 + i);
      const struct seg_state *t = kit_seg(&k);
      uint32_t nxt = t->rcv.nxt;
      segment(ESTAB_TCP_ACK, 0, SEGMENT);
      taken[i] += t->rcv.nxt - nxt;
      refused = t->rcv.nxt != nxt + SEGMENT;
      struct levels now = levels_now(holed);
      for (unsigned kind = 0; kind < 4; kind++) {
        if (now.of[kind] < before.of[kind])
          for (unsigned first = 0; first < kind; first++)
            if (now.of[first])
              fail_msg("kind %u shrinks while %u of kind %u are there", kind, now.of[first], first);
        if (refused && now.of[kind]) fail_msg("refused while kind %u is there", kind);
      }
      before = now;
    }
  assert_true(refused);
  assert_true(k.s->mem.peak_bytes <= CAP_BYTES);

  // What was acknowledged is all there.
  static uint8_t bytes[60 * SEGMENT];
  assert_int_equal(estab_recv(k.s, holed, bytes, sizeof bytes), SEGMENT);
  for (unsigned i = 0; i < SEGMENT; i++)
    assert_int_equal(bytes[i], kit_peer_octet(i));
  for (unsigned i = 0; i < connections; i++) {
    uint32_t got = 0;
    for (int n; (n = estab_recv(k.s, flood[i], bytes + got, sizeof bytes - got)) > 0;)
      got += (uint32_t)n;
    assert_int_equal(got, taken[i]);
    for (uint32_t at = 0; at < got; at++)
      assert_int_equal(bytes[at], kit_peer_octet(at));
  }
  // And what was given up may come again.
  peer(1);
  for (unsigned at = 1; at < 52; at++)
    segment(ESTAB_TCP_ACK, 0, SEGMENT);
  assert_int_equal(estab_recv(k.s, holed, bytes, sizeof bytes), 51 * SEGMENT);
  for (unsigned i = 0; i < 51 * SEGMENT; i++)
    assert_int_equal(bytes[i], kit_peer_octet(SEGMENT + i));
  assert_true(kit_end(&k));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(goes_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
