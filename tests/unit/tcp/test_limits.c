// SPDX-License-Identifier: BSD-2-Clause
// test_limits.c - a connection says why it was not faster, and what its retransmissions were good for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/two.h"

#define SECONDS UINT64_C(1000000000)

static void small_peer(struct estab_settings *settings)
{
  settings->send_buffer_bytes = 30000;
  settings->recv_buffer_bytes = settings->recv_buffer_max_bytes = 8000;
}

static void small_sender(struct estab_settings *settings)
{
  settings->send_buffer_bytes = 4000;
  settings->recv_buffer_bytes = settings->recv_buffer_max_bytes = 1u << 20;
  settings->delayed_ack_ns = 0;
}

static struct estab_conn_info info_of(struct two *t, unsigned who, estab_conn c)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  assert_int_equal(estab_conn_info(t->s[who], c, &info), ESTAB_OK);
  return info;
}

static void write_some(struct two *t, estab_conn c, uint32_t bytes)
{
  static const uint8_t zeros[30000];
  assert_int_equal(estab_send(t->s[0], c, zeros, bytes), bytes);
}

static void the_peer_does_not_read(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = two_open(&t, small_peer, &peer);
  write_some(&t, c, 30000);
  two_run(&t, t.now_ns + 20 * SECONDS);
  struct estab_conn_info i = info_of(&t, 0, c);
  assert_int_equal(i.snd_wnd, 0);
  assert_true(i.limited_peer_window_ns > 19 * SECONDS);
  assert_true(i.limited_cwnd_ns + i.limited_application_ns + i.limited_send_buffer_ns < SECONDS);
  assert_true(two_end(&t));
}

static void the_network_takes_nothing(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = two_open(&t, small_peer, &peer);
  write_some(&t, c, 4000);
  two_run(&t, t.now_ns + SECONDS / 2);
  t.unplugged = true;
  estab_option_set(t.s[0], c, ESTAB_OPT_SEND_BUFFER_BYTES, 3000);
  write_some(&t, c, 3000);
  two_run(&t, t.now_ns + 20 * SECONDS);
  struct estab_conn_info i = info_of(&t, 0, c);
  assert_true(i.segments_retransmitted > 0);
  assert_true(i.limited_cwnd_ns + i.limited_send_buffer_ns > 15 * SECONDS);
  assert_true(two_end(&t));
}

static void the_user_has_nothing_to_send(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = two_open(&t, small_sender, &peer);
  write_some(&t, c, 4000);
  two_carry(&t);
  two_run(&t, t.now_ns + 20 * SECONDS);
  struct estab_conn_info i = info_of(&t, 0, c);
  assert_int_equal(i.flight_bytes, 0);
  assert_true(i.limited_cwnd_ns + i.limited_peer_window_ns < SECONDS);
  assert_int_equal(i.segments_spurious, 0);
  assert_false(i.reordering_seen);
  struct estab_stack_info s = {.struct_bytes = sizeof s};
  estab_stack_trim(t.s[0]);
  estab_stack_info(t.s[0], &s);
  assert_int_equal(s.memory_by_kind_bytes[ESTAB_MEM_WORK],
                   0); // the work block went when nothing was in flight
  assert_true(two_end(&t));
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_peer_does_not_read),
      cmocka_unit_test(the_network_takes_nothing),
      cmocka_unit_test(the_user_has_nothing_to_send),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
