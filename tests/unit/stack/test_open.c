// SPDX-License-Identifier: BSD-2-Clause
// test_open.c - OPEN that is refused changes nothing: a guard in TIME-WAIT, a prefix that is listened to.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "support/kit.h"

static struct kit kit;

static void one_connection(struct estab_settings *settings)
{
  settings->max_connections = 1;
}

// The tuple may be used again, but there is no room for a connection: the old one's guard stays.
static void refused_reuse_keeps_time_wait(void **state)
{
  (void)state;
  kit_init(&kit, false, one_connection);
  kit.active = true;
  kit_make(&kit, KIT_TIME_WAIT);
  kit_advance(&kit, UINT64_C(2000000000));
  assert_int_equal(estab_state_count(kit.s, ESTAB_TIME_WAIT), 1);
  struct estab_connect_settings to;
  estab_connect_settings_default(&to);
  to.remote = kit.tuple.remote;
  to.remote_port = 9;
  estab_conn other, again;
  assert_int_equal(estab_connect(kit.s, &to, kit.now_ns, &other), ESTAB_OK);
  to.remote_port = kit.tuple.remote_port;
  to.local_port = kit.tuple.local_port;
  assert_int_equal(estab_connect(kit.s, &to, kit.now_ns, &again), ESTAB_ERR_NO_MEMORY);
  assert_int_equal(estab_state_count(kit.s, ESTAB_TIME_WAIT), 1);
  assert_int_equal(estab_abort(kit.s, other), ESTAB_OK);
  assert_int_equal(estab_release(kit.s, other), ESTAB_OK);
  assert_int_equal(estab_connect(kit.s, &to, kit.now_ns, &again), ESTAB_OK);
  assert_int_equal(estab_state_count(kit.s, ESTAB_TIME_WAIT), 0);
  assert_int_equal(estab_status(kit.s, again), ESTAB_SYN_SENT);
  assert_true(kit_end(&kit));
}

// What lies behind the prefix's bits does not count.
static void prefix_in_use(void **state)
{
  (void)state;
  kit_init(&kit, false, NULL);
  struct estab_listen_settings settings;
  estab_listener listener;
  estab_listen_settings_default(&settings);
  settings.port_first = settings.port_last = 4000;
  settings.prefix = estab_ip4(192, 0, 2, 1);
  settings.prefix_bits = 96 + 27;
  assert_int_equal(estab_listen(kit.s, &settings, &listener), ESTAB_OK);
  settings.prefix = estab_ip4(192, 0, 2, 31);
  assert_int_equal(estab_listen(kit.s, &settings, &listener), ESTAB_ERR_ADDRESS_IN_USE);
  settings.prefix = estab_ip4(192, 0, 2, 32);
  assert_int_equal(estab_listen(kit.s, &settings, &listener), ESTAB_OK);
  settings.prefix_bits = 0;
  assert_int_equal(estab_listen(kit.s, &settings, &listener), ESTAB_OK);
  settings.prefix = estab_ip4(0, 0, 0, 0);
  assert_int_equal(estab_listen(kit.s, &settings, &listener), ESTAB_ERR_ADDRESS_IN_USE);
  assert_true(kit_end(&kit));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refused_reuse_keeps_time_wait),
      cmocka_unit_test(prefix_in_use),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
