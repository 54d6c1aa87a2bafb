// SPDX-License-Identifier: BSD-2-Clause
// test_checksum.c - worked examples of RFC 1071 3 and RFC 1624 4, and the corners of zero.

#include <estab/wire.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void rfc_1071_example(void **state)
{
  (void)state;
  static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  assert_int_equal(estab_checksum_fold(estab_checksum_add(0, bytes, 8)), 0xddf2);
  for (size_t cut = 0; cut <= 8; cut++) {
    const uint64_t first = estab_checksum_add(0, bytes, cut);
    assert_int_equal(estab_checksum_fold(estab_checksum_add(first, bytes + cut, 8 - cut)), 0xddf2);
  }
}

// RFC 1624 4: old header checksum 0xdd2f, a field from 0x5555 to 0x3285 gives 0x0000.
static void rfc_1624_example(void **state)
{
  (void)state;
  assert_int_equal(estab_checksum_update16(0xdd2f, 0x5555, 0x3285), 0x0000);
  assert_int_equal(estab_checksum_update32(0xdd2f, 0x55550000, 0x32850000), 0x0000);
}

static void an_ip_header_seen_on_a_wire(void **state)
{
  (void)state;
  static const uint8_t header[20] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                     0x00, 0x00, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
  assert_int_equal(estab_checksum_finish(estab_checksum_add(0, header, 20)), 0xb861);
}

static void nothing_and_zeros(void **state)
{
  (void)state;
  const uint8_t zeros[3] = {0}, ones[2] = {0xff, 0xff};
  assert_int_equal(estab_checksum_fold(0), 0);
  assert_int_equal(estab_checksum_fold(estab_checksum_add(0, zeros, 0)), 0);
  assert_int_equal(estab_checksum_finish(estab_checksum_add(0, zeros, 3)), 0xffff);
  assert_int_equal(estab_checksum_finish(estab_checksum_add(0, ones, 2)), 0);
}

// An odd piece shifts all that follow; two odd pieces shift them back.
static void odd_pieces(void **state)
{
  (void)state;
  const uint8_t bytes[] = {0x12, 0x34, 0x56, 0x78};
  uint64_t partial = 0;
  for (size_t i = 0; i < 4; i++)
    partial = estab_checksum_add(partial, bytes + i, 1);
  assert_int_equal(estab_checksum_fold(partial), 0x1234 + 0x5678);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rfc_1071_example),
      cmocka_unit_test(rfc_1624_example),
      cmocka_unit_test(an_ip_header_seen_on_a_wire),
      cmocka_unit_test(nothing_and_zeros),
      cmocka_unit_test(odd_pieces),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
