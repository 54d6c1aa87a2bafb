// SPDX-License-Identifier: BSD-2-Clause
// test_autotune.c - buffers grow with what flows, up to their limits, and not where the user has set them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/two.h"

enum { AT_FIRST = 1 << 16, MOST = 1 << 20 };
#define ROUND_TRIP_NS UINT64_C(1000000)

static void narrow(struct estab_settings *settings)
{
  settings->send_buffer_bytes = settings->recv_buffer_bytes = AT_FIRST;
  settings->send_buffer_max_bytes = settings->recv_buffer_max_bytes = MOST;
}

static void send_fixed(struct estab_settings *settings)
{
  narrow(settings);
  settings->send_buffer_max_bytes = 0;
}

static uint64_t buffer(struct two *t, unsigned who, estab_conn c, enum estab_option option)
{
  uint64_t bytes;
  assert_int_equal(estab_option_get(t->s[who], c, option, &bytes), ESTAB_OK);
  return bytes;
}

// Writes all that fits, a round trip at a time, `rounds` times; the other side reads all of it, or nothing.
static void flow(struct two *t, estab_conn from, estab_conn to, unsigned rounds, bool read)
{
  static uint8_t bytes[4 * MOST];
  for (unsigned i = 0; i < rounds; i++) {
    (void)estab_send(t->s[0], from, bytes, sizeof bytes);
    two_carry(t);
    while (read && estab_recv(t->s[1], to, bytes, sizeof bytes) > 0)
      continue;
    two_carry(t);
    t->now_ns += ROUND_TRIP_NS;
  }
}

static void both_grow_up_to_their_limits(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = two_open(&t, narrow, &peer);
  assert_int_equal(buffer(&t, 0, c, ESTAB_OPT_SEND_BUFFER_BYTES), AT_FIRST);
  assert_int_equal(buffer(&t, 1, peer, ESTAB_OPT_RECV_BUFFER_BYTES), AT_FIRST);
  flow(&t, c, peer, 100, true);
  // As far as the congestion window has come: half of the buffer.
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  assert_int_equal(estab_conn_info(t.s[0], c, &info), ESTAB_OK);
  uint64_t send_buffer = buffer(&t, 0, c, ESTAB_OPT_SEND_BUFFER_BYTES);
  assert_true(send_buffer > 4 * AT_FIRST && send_buffer <= MOST);
  assert_true(send_buffer <= 2 * (uint64_t)info.cwnd_bytes);
  assert_int_equal(buffer(&t, 1, peer, ESTAB_OPT_RECV_BUFFER_BYTES), MOST);
  // Nothing flows the other way.
  assert_int_equal(buffer(&t, 1, peer, ESTAB_OPT_SEND_BUFFER_BYTES), AT_FIRST);
  assert_int_equal(buffer(&t, 0, c, ESTAB_OPT_RECV_BUFFER_BYTES), AT_FIRST);
  assert_true(two_end(&t));
}

static void what_nobody_reads_needs_no_more_room(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = two_open(&t, narrow, &peer);
  flow(&t, c, peer, 100, false);
  assert_int_equal(buffer(&t, 1, peer, ESTAB_OPT_RECV_BUFFER_BYTES), AT_FIRST);
  assert_true(buffer(&t, 0, c, ESTAB_OPT_SEND_BUFFER_BYTES) <= 4 * AT_FIRST);
  assert_true(two_end(&t));
}

static void a_flow_that_fits_changes_nothing(void **state)
{
  (void)state;
  static struct two t;
  static const uint8_t little[4000];
  uint8_t bytes[sizeof little];
  estab_conn peer, c = two_open(&t, narrow, &peer);
  for (unsigned i = 0; i < 100; i++) {
    assert_int_equal(estab_send(t.s[0], c, little, sizeof little), sizeof little);
    two_carry(&t);
    assert_int_equal(estab_recv(t.s[1], peer, bytes, sizeof bytes), sizeof bytes);
    two_carry(&t);
    t.now_ns += ROUND_TRIP_NS;
  }
  assert_int_equal(buffer(&t, 0, c, ESTAB_OPT_SEND_BUFFER_BYTES), AT_FIRST);
  assert_int_equal(buffer(&t, 1, peer, ESTAB_OPT_RECV_BUFFER_BYTES), AT_FIRST);
  assert_true(two_end(&t));
}

static void what_the_user_has_set_stays(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = two_open(&t, narrow, &peer);
  estab_option_set(t.s[0], c, ESTAB_OPT_SEND_BUFFER_BYTES, 2 * AT_FIRST);
  estab_option_set(t.s[1], peer, ESTAB_OPT_RECV_BUFFER_BYTES, 3 * AT_FIRST);
  flow(&t, c, peer, 100, true);
  assert_int_equal(buffer(&t, 0, c, ESTAB_OPT_SEND_BUFFER_BYTES), 2 * AT_FIRST);
  assert_int_equal(buffer(&t, 1, peer, ESTAB_OPT_RECV_BUFFER_BYTES), 3 * AT_FIRST);
  assert_true(two_end(&t));
}

static void no_room_to_grow_is_no_growth(void **state)
{
  (void)state;
  static struct two t;
  estab_conn peer, c = two_open(&t, send_fixed, &peer);
  flow(&t, c, peer, 100, true);
  assert_int_equal(buffer(&t, 0, c, ESTAB_OPT_SEND_BUFFER_BYTES), AT_FIRST);
  assert_true(two_end(&t));
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_grow_up_to_their_limits),
      cmocka_unit_test(what_nobody_reads_needs_no_more_room),
      cmocka_unit_test(a_flow_that_fits_changes_nothing),
      cmocka_unit_test(what_the_user_has_set_stays),
      cmocka_unit_test(no_room_to_grow_is_no_growth),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
