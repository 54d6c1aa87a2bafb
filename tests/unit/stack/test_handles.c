// SPDX-License-Identifier: BSD-2-Clause
// test_handles.c - a connection that is spoken to is the one whose segment is looked for first; it and no other.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/kit.h"
#include "support/two.h"

// As if the user had been told of another one since.
static void forget_told(estab_stack *s)
{
  stack_forget_told(s, s->told);
}

// Reset, and asked for by its handle: nothing that arrives is its any more, also when the handle is gone.
static void one_that_is_over(void **state)
{
  (void)state;
  for (unsigned i = 0; i < 4; i++) {
    static struct kit k;
    kit_init(&k, i & 1, NULL);
    kit_make(&k, KIT_ESTABLISHED);
    forget_told(k.s);
    const struct kit_in rst = {.seq = kit_seg(&k)->rcv.nxt, .flags = ESTAB_TCP_RST};
    kit_inject(&k, &rst);
    assert_int_equal(estab_status(k.s, k.conn), ESTAB_CLOSED);
    if (i & 2) {
      assert_int_equal(estab_release(k.s, k.conn), ESTAB_OK);
      k.conn = 0;
    }
    kit_clear(&k);
    assert_true(kit_is_gone(&k));
    assert_true(kit_end(&k));
  }
}

static uint8_t next_octet(estab_stack *s, estab_conn conn)
{
  uint8_t octet = 0;
  assert_int_equal(estab_recv(s, conn, &octet, 1), 1);
  return octet;
}

static void at_once(struct estab_settings *settings)
{
  settings->nagle = false;
}

// Two that take turns: what is sent on one makes it the last one found, and the other's octets still reach it.
static void two_in_turns(void **state)
{
  (void)state;
  static struct two two;
  estab_conn here[2], there[2];
  here[0] = two_open(&two, at_once, &there[0]);
  assert_int_equal(two_connect(&two, 0, 0, 80, &here[1]), ESTAB_OK);
  two_carry(&two);
  struct estab_event e = {0};
  while (!(e.events & ESTAB_EVENT_ACCEPT))
    assert_true(estab_stack_next_event(two.s[1], &e));
  assert_int_equal(estab_accept(two.s[1], e.listener, &there[1]), ESTAB_OK);
  for (uint8_t i = 0; i < 8; i++) {
    const unsigned one = i & 1;
    forget_told(two.s[0]);
    assert_int_equal(estab_send(two.s[0], here[one], &i, 1), 1);
    assert_int_equal(two.s[0]->demux.last, TAG_FULL | (uint32_t)here[one]);
    if (i & 2) assert_int_equal(estab_send(two.s[1], there[!one], &i, 1), 1);
    two_carry(&two);
    assert_int_equal(next_octet(two.s[1], there[one]), i);
    if (i & 2) assert_int_equal(next_octet(two.s[0], here[!one]), i);
  }
  for (unsigned i = 0; i < 2; i++) {
    assert_int_equal(estab_release(two.s[0], here[i]), ESTAB_OK);
    assert_int_equal(estab_release(two.s[1], there[i]), ESTAB_OK);
  }
  two_carry(&two);
  assert_true(two_end(&two));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_that_is_over),
      cmocka_unit_test(two_in_turns),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
