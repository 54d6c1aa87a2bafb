// SPDX-License-Identifier: BSD-2-Clause
// test_settings.c - values nobody had in mind: for ever, nearly for ever, too long to count, unknown.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "support/kit.h"

#define SECONDS UINT64_C(1000000000)
#define DAYS    (86400 * SECONDS)

static struct kit kit;

static void never(struct estab_settings *settings)
{
  settings->user_timeout_ns = settings->syn_timeout_ns = ESTAB_NEVER;
  settings->fin_wait_2_timeout_ns = ESTAB_NEVER;
  settings->keepalive_idle_ns = settings->keepalive_interval_ns = ESTAB_NEVER;
  settings->challenge_interval_ns = settings->timewait_reuse_min_ns = ESTAB_NEVER;
}

// "For ever" is no time that is over at once.
static void never_is_later(void **state)
{
  (void)state;
  kit_init(&kit, false, never);
  kit_make(&kit, KIT_SYN_SENT);
  kit_advance(&kit, 600 * SECONDS);
  assert_int_equal(kit_state(&kit), ESTAB_SYN_SENT);
  assert_true(kit_end(&kit));

  kit_init(&kit, false, never);
  kit_make(&kit, KIT_FIN_WAIT_2);
  assert_int_equal(estab_release(kit.s, kit.conn), ESTAB_OK);
  kit_advance(&kit, 600 * SECONDS);
  assert_int_equal(kit_state(&kit), ESTAB_FIN_WAIT_2);
  assert_true(kit_end(&kit));
}

static void options_for_ever(void **state)
{
  (void)state;
  kit_init(&kit, false, NULL);
  kit_make(&kit, KIT_ESTABLISHED);
  assert_true(kit_send(&kit, 100) == 100);
  kit_drain(&kit);
  assert_int_equal(estab_option_set(kit.s, kit.conn, ESTAB_OPT_USER_TIMEOUT_NS, ESTAB_NEVER),
                   ESTAB_OK);
  assert_int_equal(estab_option_set(kit.s, kit.conn, ESTAB_OPT_KEEPALIVE_IDLE_NS, ESTAB_NEVER),
                   ESTAB_OK);
  assert_int_equal(estab_option_set(kit.s, kit.conn, ESTAB_OPT_KEEPALIVE_INTERVAL_NS, ESTAB_NEVER),
                   ESTAB_OK);
  assert_int_equal(estab_option_set(kit.s, kit.conn, ESTAB_OPT_TIME_WAIT_NS, ESTAB_NEVER),
                   ESTAB_ERR_INVALID);
  assert_int_equal(estab_option_set(kit.s, kit.conn, ESTAB_OPT_TIME_WAIT_NS, 25 * DAYS),
                   ESTAB_ERR_INVALID);
  kit_advance(&kit, 3600 * SECONDS);
  assert_int_equal(kit_state(&kit), ESTAB_ESTABLISHED);
  assert_true(kit_end(&kit));
}

// Less than a millisecond is not nothing.
static void short_is_not_none(void **state)
{
  (void)state;
  kit_init(&kit, false, NULL);
  kit_make(&kit, KIT_ESTABLISHED);
  uint64_t value = 0;
  assert_int_equal(estab_option_set(kit.s, kit.conn, ESTAB_OPT_USER_TIMEOUT_NS, 1), ESTAB_OK);
  assert_int_equal(estab_option_get(kit.s, kit.conn, ESTAB_OPT_USER_TIMEOUT_NS, &value), ESTAB_OK);
  assert_int_equal(value, 1000000);
  assert_true(kit_end(&kit));
}

static void short_interval(struct estab_settings *settings)
{
  settings->keepalive_interval_ns = 1;
}

static void short_setting_is_not_none(void **state)
{
  (void)state;
  kit_init(&kit, false, short_interval);
  kit_make(&kit, KIT_ESTABLISHED);
  uint64_t value = 0;
  assert_int_equal(estab_option_get(kit.s, kit.conn, ESTAB_OPT_KEEPALIVE_INTERVAL_NS, &value),
                   ESTAB_OK);
  assert_int_equal(value, 1000000);
  assert_true(kit_end(&kit));
}

static int new_with(void (*change)(struct estab_settings *settings))
{
  struct prop_mem door;
  struct estab_settings settings;
  estab_stack *s = NULL;
  estab_settings_default(&settings);
  settings.mem = prop_mem_door(&door);
  change(&settings);
  int r = estab_stack_new(&settings, 0, &s);
  if (r == ESTAB_OK) estab_stack_free(s);
  assert_int_equal(door.live_bytes, 0);
  return r;
}

static void long_msl(struct estab_settings *s)
{
  s->msl_ns = 11 * DAYS;
}
static void endless_msl(struct estab_settings *s)
{
  s->msl_ns = ESTAB_NEVER;
}
static void endless_half_open(struct estab_settings *s)
{
  s->half_open_timeout_ns = ESTAB_NEVER;
}
static void endless_rto(struct estab_settings *s)
{
  s->rto_max_ns = ESTAB_NEVER;
}
static void first_rto_above_all(struct estab_settings *s)
{
  s->rto_initial_ns = s->rto_max_ns + 1;
}
static void unknown_congestion_control(struct estab_settings *s)
{
  s->congestion_control = 200;
}
static void nothing(struct estab_settings *s)
{
  (void)s;
}

// Records count milliseconds modulo 2^32: what they cannot count is refused, not cut short.
static void refused(void **state)
{
  (void)state;
  assert_int_equal(new_with(nothing), ESTAB_OK);
  assert_int_equal(new_with(long_msl), ESTAB_ERR_INVALID);
  assert_int_equal(new_with(endless_msl), ESTAB_ERR_INVALID);
  assert_int_equal(new_with(endless_half_open), ESTAB_ERR_INVALID);
  assert_int_equal(new_with(endless_rto), ESTAB_ERR_INVALID);
  assert_int_equal(new_with(first_rto_above_all), ESTAB_ERR_INVALID);
  assert_int_equal(new_with(unknown_congestion_control), ESTAB_ERR_INVALID);
}

// A program that was built with an earlier, shorter struct gets what it knows and nothing beyond.
static void an_older_caller(void **state)
{
  (void)state;
  kit_init(&kit, false, NULL);
  kit_make(&kit, KIT_ESTABLISHED);
  struct estab_stack_info whole = {.struct_bytes = sizeof whole}, old;
  const size_t known = offsetof(struct estab_stack_info, segments_in);
  memset(&old, 0x5a, sizeof old);
  old.struct_bytes = known;
  estab_stack_info(kit.s, &whole);
  estab_stack_info(kit.s, &old);
  assert_int_equal(whole.connections, 1);
  assert_int_equal(old.connections, 1);
  assert_int_equal(old.frames_out, whole.frames_out);
  for (size_t i = known; i < sizeof old; i++)
    assert_int_equal(((uint8_t *)&old)[i], 0x5a);
  assert_int_equal(old.struct_bytes, known);
  assert_true(kit_end(&kit));
}

static void a_refused_interface_takes_no_number(void **state)
{
  (void)state;
  kit_init(&kit, false, NULL); // has one
  struct estab_netif_settings set;
  estab_netif_settings_default(&set);
  set.link = ESTAB_LINK_ETHERNET;
  set.mac[0] = 1; // a group address
  for (unsigned i = 0; i < 100; i++)
    assert_int_equal(estab_netif_add(kit.s, &set), ESTAB_ERR_INVALID);
  set.mac[0] = 2;
  assert_int_equal(estab_netif_add(kit.s, &set), 2);
  assert_true(kit_end(&kit));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(never_is_later),
      cmocka_unit_test(options_for_ever),
      cmocka_unit_test(short_is_not_none),
      cmocka_unit_test(short_setting_is_not_none),
      cmocka_unit_test(refused),
      cmocka_unit_test(an_older_caller),
      cmocka_unit_test(a_refused_interface_takes_no_number),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
