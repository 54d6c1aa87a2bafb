// SPDX-License-Identifier: BSD-2-Clause
// test_err.c - every error and every drop has words.

#include "estab/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void errors_have_different_words(void **state)
{
  (void)state;
  for (int a = 0; a >= ESTAB_ERR_ABORTED; a--) {
    assert_non_null(estab_strerror(a));
    assert_string_not_equal(estab_strerror(a), "unknown error");
    for (int b = a - 1; b >= ESTAB_ERR_ABORTED; b--)
      assert_string_not_equal(estab_strerror(a), estab_strerror(b));
  }
  assert_string_equal(estab_strerror(ESTAB_ERR_ABORTED - 1), "unknown error");
  assert_string_equal(estab_strerror(-2147483647 - 1), "unknown error");
  assert_string_equal(estab_strerror(1460), "ok"); // a count of bytes
}

// RFC 9293 3.10
static void the_rfcs_words(void **state)
{
  (void)state;
  assert_string_equal(estab_strerror(ESTAB_ERR_NO_CONNECTION), "connection does not exist");
  assert_string_equal(estab_strerror(ESTAB_ERR_EXISTS), "connection already exists");
  assert_string_equal(estab_strerror(ESTAB_ERR_CLOSING), "connection closing");
  assert_string_equal(estab_strerror(ESTAB_ERR_RESET), "connection reset");
  assert_string_equal(estab_strerror(ESTAB_ERR_REFUSED), "connection refused");
  assert_string_equal(estab_strerror(ESTAB_ERR_NO_MEMORY), "insufficient resources");
  assert_string_equal(estab_strerror(ESTAB_ERR_TIMEOUT), "connection aborted due to user timeout");
}

static void drops_have_names(void **state)
{
  (void)state;
  assert_string_equal(estab_drop_name(ESTAB_DROP_NONE), "NONE");
  assert_string_equal(estab_drop_name(ESTAB_DROP_TCP_PAWS), "TCP_PAWS");
  assert_string_equal(estab_drop_citation(ESTAB_DROP_TCP_PAWS), "RFC 7323 5.3");
  for (int a = 0; a < ESTAB_DROPS; a++) {
    enum estab_drop drop = (enum estab_drop)a;
    assert_true(strlen(estab_drop_name(drop)) > 0 && strlen(estab_drop_text(drop)) > 0);
    assert_non_null(estab_drop_citation(drop));
    for (int b = a + 1; b < ESTAB_DROPS; b++)
      assert_string_not_equal(estab_drop_name(drop), estab_drop_name((enum estab_drop)b));
  }
  assert_string_equal(estab_drop_name(ESTAB_DROPS), "UNKNOWN");
  assert_string_equal(estab_drop_name((enum estab_drop) - 1), "UNKNOWN");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(errors_have_different_words),
      cmocka_unit_test(the_rfcs_words),
      cmocka_unit_test(drops_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
