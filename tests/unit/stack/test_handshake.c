// SPDX-License-Identifier: BSD-2-Clause
// test_handshake.c - what a handshake agrees on, and what an OPEN that fails leaves behind.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/two.h"

#define SYN ESTAB_TCP_SYN
#define ACK ESTAB_TCP_ACK

// RFC 7323 2.2: the window of a segment with SYN is never scaled, nor that of the second half of a simultaneous open.
static void the_window_of_a_syn_is_not_scaled(void **state)
{
  (void)state;
  static const enum kit_place places[] = {KIT_SYN_SENT, KIT_SYN_RECEIVED_ACTIVE, KIT_SYN_RECEIVED};
  for (unsigned i = 0; i < 3; i++) {
    static struct kit k;
    kit_init(&k, i & 1, NULL);
    kit_make(&k, places[i]);
    kit_inject(&k, &(struct kit_in){.flags = SYN | ACK, .seq = k.irs, .ack = k.iss + 1});
    kit_drain(&k);
    kit_user(&k);
    assert_int_equal(kit_state(&k), ESTAB_ESTABLISHED);
    struct estab_conn_info info = {.struct_bytes = sizeof info};
    assert_int_equal(estab_conn_info(k.s, k.conn, &info), ESTAB_OK);
    assert_int_equal(info.snd_wnd, 64000);
    kit_inject(&k, &(struct kit_in){.flags = ACK, .seq = info.rcv_nxt, .ack = info.snd_nxt});
    estab_conn_info(k.s, k.conn, &info);
    assert_int_equal(info.snd_wnd, 512 << 7); // and from then on it is
    assert_true(kit_lives(&k));
    assert_true(kit_end(&k));
  }
}

static void two_at_most(struct estab_settings *settings)
{
  settings->max_connections = 2;
  settings->port_first = settings->port_last = 80;
}

static int connect_again(struct kit *k, uint16_t local_port, uint16_t remote_port, estab_conn *c)
{
  struct estab_connect_settings set;
  estab_connect_settings_default(&set);
  set.local_port = local_port;
  set.remote = k->tuple.remote;
  set.remote_port = remote_port;
  return estab_connect(k->s, &set, k->now_ns, c);
}

// A tuple in TIME-WAIT may be used again, but an OPEN that comes to nothing must not end its guard.
static void an_open_that_fails_leaves_time_wait(void **state)
{
  (void)state;
  static struct kit k;
  estab_conn c[3];
  kit_init(&k, false, two_at_most);
  k.active = true;
  kit_make(&k, KIT_TIME_WAIT);
  kit_advance(&k, UINT64_C(2000000000));
  assert_int_equal(connect_again(&k, 81, 1, &c[0]), ESTAB_OK);
  assert_int_equal(connect_again(&k, 82, 1, &c[1]), ESTAB_OK);
  assert_int_equal(connect_again(&k, 0, k.tuple.remote_port, &c[2]), ESTAB_ERR_NO_MEMORY);
  assert_int_equal(kit_state(&k), ESTAB_TIME_WAIT);
  assert_int_equal(estab_abort(k.s, c[0]), ESTAB_OK);
  assert_int_equal(estab_release(k.s, c[0]), ESTAB_OK);
  assert_int_equal(connect_again(&k, 0, k.tuple.remote_port, &c[2]), ESTAB_OK);
  assert_int_equal(kit_state(&k), ESTAB_SYN_SENT);
  assert_true(kit_end(&k));
}

// Nor may it take a tuple whose TIME-WAIT record stands behind a half-open one.
static void a_tuple_that_is_being_reopened_is_not_chosen(void **state)
{
  (void)state;
  static struct kit k;
  estab_conn c;
  kit_init(&k, false, two_at_most);
  kit_make(&k, KIT_TIME_WAIT);
  kit_advance(&k, UINT64_C(2000000000));
  kit_inject(&k, &(struct kit_in){.flags = SYN, .seq = kit_seg(&k)->rcv.nxt + 1000});
  assert_int_equal(kit_state(&k), ESTAB_SYN_RECEIVED);
  assert_int_equal(connect_again(&k, 0, k.tuple.remote_port, &c), ESTAB_ERR_NO_PORT);
  assert_int_equal(kit_state(&k), ESTAB_SYN_RECEIVED);
  assert_true(kit_end(&k));
}

// RFC 9293 3.5 Figure 7, between two stacks: both connect, nobody listens.
static void simultaneous_open(void **state)
{
  (void)state;
  for (unsigned run = 0; run < 4; run++) {
    static struct two t;
    estab_conn c[2];
    uint8_t byte;
    two_init(&t, run & 1, NULL);
    assert_int_equal(two_connect(&t, 0, 1000, 2000, &c[0]), ESTAB_OK);
    assert_int_equal(two_connect(&t, 1, 2000, 1000, &c[1]), ESTAB_OK);
    if (run & 2) { // and the first SYNs are lost
      t.unplugged = true;
      two_carry(&t);
      t.unplugged = false;
    }
    two_run(&t, t.now_ns + UINT64_C(10000000000));
    for (unsigned who = 0; who < 2; who++) {
      assert_int_equal(estab_status(t.s[who], c[who]), ESTAB_ESTABLISHED);
      assert_int_equal(estab_send(t.s[who], c[who], "x", 1), 1);
    }
    two_run(&t, t.now_ns + UINT64_C(1000000000));
    for (unsigned who = 0; who < 2; who++) {
      assert_int_equal(estab_recv(t.s[who], c[who], &byte, 1), 1);
      assert_int_equal(estab_close(t.s[who], c[who]), ESTAB_OK);
    }
    two_run(&t, t.now_ns + UINT64_C(1000000000));
    for (unsigned who = 0; who < 2; who++) // both FINs crossed
      assert_int_equal(estab_status(t.s[who], c[who]), ESTAB_TIME_WAIT);
    assert_true(two_end(&t));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_window_of_a_syn_is_not_scaled),
      cmocka_unit_test(an_open_that_fails_leaves_time_wait),
      cmocka_unit_test(a_tuple_that_is_being_reopened_is_not_chosen),
      cmocka_unit_test(simultaneous_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
