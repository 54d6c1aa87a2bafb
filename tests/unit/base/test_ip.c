// SPDX-License-Identifier: BSD-2-Clause
// test_ip.c - addresses as text, both ways: RFC 4291 2.2 in, RFC 5952 out.

#include "estab/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void from_text_and_back(void **state)
{
  (void)state;
  static const struct {
    const char *in, *out;
  } rows[] = {
      {"0.0.0.0", "0.0.0.0"},
      {"192.0.2.1", "192.0.2.1"},
      {"255.255.255.255", "255.255.255.255"},
      {"::", "::"},
      {"::1", "::1"},
      {"1::", "1::"},
      {"fe80::1", "fe80::1"},
      {"2001:DB8::8:800:200C:417A", "2001:db8::8:800:200c:417a"},
      {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
      {"FF01:0:0:0:0:0:0:101", "ff01::101"},
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, // RFC 5952 4.2.2: not for one group
      {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},       // RFC 5952 4.2.3: the longest
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"}, // the first of equals
      {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
      {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
      {"1:0:0:4:5:6:0:0", "1::4:5:6:0:0"},
      {"1:2:3:4:5:0:0:0", "1:2:3:4:5::"},
      {"0:0:0:0:0:0:13.1.68.3", "::d01:4403"},
      {"::13.1.68.3", "::d01:4403"},
      {"::FFFF:129.144.52.38", "129.144.52.38"},
      {"::ffff:0:0", "0.0.0.0"},
      {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
      {"1:2:3:4:5:6:192.0.2.33", "1:2:3:4:5:6:c000:221"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct estab_ip ip, again;
    char text[ESTAB_IP_TEXT_BYTES];
    assert_int_equal(estab_ip_parse(rows[i].in, &ip), 0);
    assert_int_equal(estab_ip_format(&ip, text, sizeof text), strlen(rows[i].out));
    assert_string_equal(text, rows[i].out);
    assert_int_equal(estab_ip_parse(text, &again), 0);
    assert_true(estab_ip_equal(&ip, &again));
  }
}

static void not_addresses(void **state)
{
  (void)state;
  static const char *const rows[] = {
      "",
      " ",
      "1",
      "1.2.3",
      "1.2.3.4.5",
      "1.2.3.256",
      "1.2.3.",
      "01.2.3.4",
      "1.2.3.04",
      "1..2.3",
      "1.2.3.4 ",
      "+1.2.3.4",
      ":",
      ":::",
      "1:",
      ":1",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "12345::",
      "g::",
      "1:2:3:4:5:6:7:8:9",
      "::1:2:3:4:5:6:7:8",
      "1:2:3:4:5:6:7:8::",
      "1:2:3:4:5:6:7:1.2.3.4",
      "::1.2.3",
      "::1.2.3.4:5",
      "1.2.3.4::",
      "fe80::1%eth0",
      "::ffff:1.2.3.4.5",
      "1:2:3:4::5:6:7:8:9",
      "1:2:3:4:5:6:7:",
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct estab_ip ip;
    memset(&ip, 0x5a, sizeof ip);
    assert_int_equal(estab_ip_parse(rows[i], &ip), ESTAB_ERR_INVALID);
    for (unsigned k = 0; k < 16; k++)
      assert_int_equal(ip.bytes[k], 0x5a);
  }
}

static void kinds(void **state)
{
  (void)state;
  struct estab_ip four = estab_ip4(192, 0, 2, 1), any4 = estab_ip4(0, 0, 0, 0), any6 = {{0}}, six;
  assert_true(estab_ip_is4(&four) && estab_ip_is4(&any4) && !estab_ip_is4(&any6));
  assert_true(estab_ip_is_any(&any4) && estab_ip_is_any(&any6) && !estab_ip_is_any(&four));
  assert_false(estab_ip_equal(&any4, &any6));
  assert_memory_equal(four.bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16);
  for (unsigned i = 0; i < 16; i++) {
    six = (struct estab_ip){{0}};
    six.bytes[i] = 1;
    assert_false(estab_ip_is_any(&six));
    six.bytes[i] = 0xff;
    assert_false(estab_ip_is_any(&six) || estab_ip_is4(&six));
  }
}

static void short_room(void **state)
{
  (void)state;
  struct estab_ip ip = estab_ip4(192, 0, 2, 1);
  char text[5];
  assert_int_equal(estab_ip_format(&ip, text, sizeof text), 9);
  assert_string_equal(text, "192.");
  assert_int_equal(estab_ip_format(&ip, NULL, 0), 9);
  struct estab_ip longest;
  char all[ESTAB_IP_TEXT_BYTES];
  memset(&longest, 0xff, sizeof longest);
  assert_true(estab_ip_format(&longest, all, sizeof all) < sizeof all);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(from_text_and_back),
      cmocka_unit_test(not_addresses),
      cmocka_unit_test(kinds),
      cmocka_unit_test(short_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
