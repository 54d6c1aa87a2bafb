// SPDX-License-Identifier: BSD-2-Clause
// test_fastopen.c - Fast Open between two stacks: what a SYN carries of what the user wrote before it left.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/two.h"

// Writes at once, carries, and answers what became of the SYN, enum estab_fast_open. Both ends are gone then.
static unsigned attempt_as(struct two *t, uint16_t port, bool experimental)
{
  static const uint8_t text[100] = {1};
  struct estab_connect_settings how;
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  estab_conn c;
  estab_connect_settings_default(&how);
  how.remote = t->ip[1];
  how.remote_port = port;
  how.fast_open = true;
  how.fast_open_experimental = experimental;
  assert_int_equal(estab_connect(t->s[0], &how, t->now_ns, &c), ESTAB_OK);
  assert_int_equal(estab_send(t->s[0], c, text, sizeof text), sizeof text);
  two_run(t, t->now_ns + 1000000000); // an ACK may be delayed
  assert_int_equal(estab_conn_info(t->s[0], c, &info), ESTAB_OK);
  assert_int_equal(info.bytes_acked, sizeof text);
  assert_int_equal(estab_abort(t->s[0], c), ESTAB_OK);
  two_carry(t);
  return info.fast_open;
}

static unsigned attempt(struct two *t, uint16_t port)
{
  return attempt_as(t, port, false);
}

static void listen_at(struct two *t, uint16_t port, uint32_t fast_open)
{
  struct estab_listen_settings how;
  estab_listener l;
  estab_listen_settings_default(&how);
  how.port_first = how.port_last = port;
  how.fast_open = fast_open;
  assert_int_equal(estab_listen(t->s[1], &how, &l), ESTAB_OK);
}

// [RFC 7413 M15]: without a cookie of that server no text goes into the SYN, though it is there; with one it does.
static void no_text_without_a_cookie(void **state)
{
  (void)state;
  static struct two t;
  two_init(&t, false, NULL);
  listen_at(&t, 80, 8);
  assert_int_equal(attempt(&t, 80), ESTAB_FAST_OPEN_ASKED | ESTAB_FAST_OPEN_LEARNED);
  assert_int_equal(attempt(&t, 80), ESTAB_FAST_OPEN_ASKED | ESTAB_FAST_OPEN_COOKIE |
                                        ESTAB_FAST_OPEN_TEXT | ESTAB_FAST_OPEN_TAKEN);
  assert_true(two_end(&t));
}

// [RFC 7413 S3]: a port that has it off is left alone, another one of the same server is asked.
static void by_port(void **state)
{
  (void)state;
  static struct two t;
  two_init(&t, true, NULL);
  listen_at(&t, 80, 0);
  listen_at(&t, 81, 8);
  assert_int_equal(attempt(&t, 80), ESTAB_FAST_OPEN_ASKED);
  assert_int_equal(attempt(&t, 80), ESTAB_FAST_OPEN_DENIED);
  assert_int_equal(attempt(&t, 81), ESTAB_FAST_OPEN_ASKED | ESTAB_FAST_OPEN_LEARNED);
  assert_int_equal(attempt(&t, 80), ESTAB_FAST_OPEN_DENIED);
  assert_true(attempt(&t, 81) & ESTAB_FAST_OPEN_TAKEN);
  assert_true(two_end(&t));
}

// [RFC 7413 S5]: a cookie that was learned in one form of the option is shown in the other.
static void either_form(void **state)
{
  (void)state;
  static struct two t;
  const unsigned learned = ESTAB_FAST_OPEN_ASKED | ESTAB_FAST_OPEN_LEARNED;
  const unsigned taken =
      ESTAB_FAST_OPEN_ASKED | ESTAB_FAST_OPEN_COOKIE | ESTAB_FAST_OPEN_TEXT | ESTAB_FAST_OPEN_TAKEN;
  two_init(&t, true, NULL);
  listen_at(&t, 80, 8);
  assert_int_equal(attempt_as(&t, 80, true), learned | ESTAB_FAST_OPEN_EXPERIMENTAL);
  assert_int_equal(attempt_as(&t, 80, false), taken);
  assert_int_equal(attempt_as(&t, 80, true), taken | ESTAB_FAST_OPEN_EXPERIMENTAL);
  assert_true(two_end(&t));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_text_without_a_cookie),
      cmocka_unit_test(by_port),
      cmocka_unit_test(either_form),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
