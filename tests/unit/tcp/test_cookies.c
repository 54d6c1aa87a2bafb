// SPDX-License-Identifier: BSD-2-Clause
// test_cookies.c - Fast Open cookies: keys, what Linux gives for the same key, the table of servers' cookies.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tcp/cookies.h"

#define DAY_NS (UINT64_C(86400) * 1000000000)

static bool refuse;

static void *resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes,
                    enum estab_mem_kind kind)
{
  (void)ctx;
  (void)old_bytes;
  (void)kind;
  if (new_bytes == 0) {
    free(p);
    return NULL;
  }
  return refuse ? NULL : realloc(p, new_bytes);
}

static struct mem mem;
static struct cookies c;
static const uint64_t secret[2] = {1, 2}, table_key[2] = {3, 4};

static int set_up(void **state)
{
  (void)state;
  refuse = false;
  mem_init(&mem, (struct estab_mem){.resize = resize});
  cookies_init(&c, secret, table_key, 0);
  return 0;
}

static int tear_down(void **state)
{
  (void)state;
  cookies_destroy(&c, &mem);
  return mem.in_use_bytes == 0 ? 0 : -1;
}

static struct estab_ip host(uint32_t n)
{
  return estab_ip4(192, 0, (uint8_t)(n >> 8), (uint8_t)n);
}

// With its net.ipv4.tcp_fastopen_key 00112233-44556677-8899aabb-ccddeeff, whose words are little-endian.
static void as_linux_has_it(void **state)
{
  (void)state;
  static const uint8_t key[16] = {0x33, 0x22, 0x11, 0x00, 0x77, 0x66, 0x55, 0x44,
                                  0xbb, 0xaa, 0x99, 0x88, 0xff, 0xee, 0xdd, 0xcc};
  static const uint8_t wanted[8] = {0xeb, 0xfa, 0x09, 0xe3, 0xbf, 0xdc, 0xca, 0xee};
  struct estab_ip server = estab_ip4(192, 0, 2, 1), client = estab_ip4(192, 0, 2, 2);
  uint8_t cookie[8];
  cookies_set_key(&c, key);
  cookies_make(&c, &server, &client, 0, cookie);
  assert_memory_equal(cookie, wanted, 8);
}

// [RFC 7413 M11]: it is of one address, one key, all its bits.
static void of_one_bearer(void **state)
{
  (void)state;
  struct estab_ip us = host(1), a = host(2), b = host(3);
  uint8_t cookie[8], other[8];
  cookies_make(&c, &us, &a, 0, cookie);
  cookies_make(&c, &us, &b, 0, other);
  assert_memory_not_equal(cookie, other, 8);
  assert_int_equal(cookies_check(&c, &us, &a, cookie, 8, 0), COOKIE_GOOD);
  assert_int_equal(cookies_check(&c, &us, &b, cookie, 8, 0), COOKIE_BAD);
  assert_int_equal(cookies_check(&c, &a, &us, cookie, 8, 0), COOKIE_BAD);
  for (unsigned n = 0; n < 8; n++)
    assert_int_equal(cookies_check(&c, &us, &a, cookie, n, 0), COOKIE_BAD);
  for (unsigned bit = 0; bit < 64; bit++) {
    cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(cookies_check(&c, &us, &a, cookie, 8, 0), COOKIE_BAD);
    cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
}

// [RFC 7413 M12]: the key of the day, and that of the day before.
static void for_a_time(void **state)
{
  (void)state;
  struct estab_ip us = host(1), a = host(2);
  uint8_t cookie[8];
  cookies_make(&c, &us, &a, DAY_NS / 2, cookie);
  assert_int_equal(cookies_check(&c, &us, &a, cookie, 8, DAY_NS - 1), COOKIE_GOOD);
  assert_int_equal(cookies_check(&c, &us, &a, cookie, 8, DAY_NS), COOKIE_OF_OLD_KEY);
  assert_int_equal(cookies_check(&c, &us, &a, cookie, 8, 2 * DAY_NS - 1), COOKIE_OF_OLD_KEY);
  assert_int_equal(cookies_check(&c, &us, &a, cookie, 8, 2 * DAY_NS), COOKIE_BAD);
}

static void key_of_the_user(void **state)
{
  (void)state;
  struct estab_ip us = host(1), a = host(2);
  uint8_t own[8], first[8], second[8], key[16] = {1};
  cookies_make(&c, &us, &a, 0, own);
  cookies_set_key(&c, key);
  assert_int_equal(cookies_check(&c, &us, &a, own, 8, 0), COOKIE_OF_OLD_KEY);
  cookies_make(&c, &us, &a, 0, first);
  cookies_set_key(&c, key); // again: nothing
  assert_int_equal(cookies_check(&c, &us, &a, own, 8, 0), COOKIE_OF_OLD_KEY);
  key[15] = 9;
  cookies_set_key(&c, key);
  cookies_make(&c, &us, &a, 0, second);
  assert_int_equal(cookies_check(&c, &us, &a, own, 8, 0), COOKIE_BAD);
  assert_int_equal(cookies_check(&c, &us, &a, first, 8, 9 * DAY_NS), COOKIE_OF_OLD_KEY);
  assert_int_equal(cookies_check(&c, &us, &a, second, 8, 9 * DAY_NS), COOKIE_GOOD);
}

// [RFC 7413 M13]: one a pair of addresses; a full table forgets, and never grows.
static void a_table_of_fixed_size(void **state)
{
  (void)state;
  struct estab_ip us = host(1), we = host(2), they = host(0x100);
  assert_null(cookies_find(&c, &us, &they));
  refuse = true;
  assert_null(cookies_place(&c, &mem, &us, &they, 0));
  refuse = false;
  struct cookie *k = cookies_place(&c, &mem, &us, &they, 0);
  assert_non_null(k);
  k->bytes_count = 8;
  uint64_t bytes = mem.in_use_bytes;
  refuse = true;
  assert_ptr_equal(cookies_place(&c, &mem, &us, &they, 1), k);
  assert_int_equal(k->bytes_count, 8);
  assert_ptr_not_equal(cookies_place(&c, &mem, &we, &they, 1), k);
  for (uint32_t n = 0; n < 5000; n++) {
    struct estab_ip other = host(0x200 + n);
    struct cookie *place = cookies_place(&c, &mem, &us, &other, UINT64_C(1000000000) * (2 + n));
    assert_non_null(place);
    assert_ptr_equal(cookies_find(&c, &us, &other), place);
    cookies_place(&c, &mem, &us, &they, UINT64_C(1000000000) * (2 + n)); // in use: it stays
  }
  assert_ptr_equal(cookies_find(&c, &us, &they), k);
  assert_int_equal(k->bytes_count, 8);
  assert_int_equal(mem.in_use_bytes, bytes);
}

static void denied_for_a_while(void **state)
{
  (void)state;
  struct estab_ip us = host(1), they = host(2);
  struct cookie *k = cookies_place(&c, &mem, &us, &they, 0);
  const uint64_t s = 1000000000;
  assert_false(cookie_is_denied(k, 80, 0));
  cookie_deny(k, 80, 5 * s);
  assert_true(cookie_is_denied(k, 80, (5 + COOKIE_REFUSED_S - 1) * s));
  assert_false(cookie_is_denied(k, 80, (5 + COOKIE_REFUSED_S) * s));
  uint64_t now = 10000 * s;
  for (uint32_t wait = COOKIE_LOST_S; wait <= COOKIE_LOST_S << COOKIE_LOSSES_COUNT; wait *= 2) {
    cookie_lost(k, 80, false, now);
    assert_true(cookie_is_denied(k, 80, now + (wait - 1) * s));
    assert_false(cookie_is_denied(k, 80, now + wait * s));
    now += wait * s;
  }
  cookie_lost(k, 80, false, now); // no longer than that
  assert_false(cookie_is_denied(k, 80, now + ((uint64_t)COOKIE_LOST_S << COOKIE_LOSSES_COUNT) * s));
}

// [RFC 7413 S3]: what one port has refused is asked of the others; a full list forgets what ends first.
static void denied_by_port(void **state)
{
  (void)state;
  struct estab_ip us = host(1), they = host(2);
  struct cookie *k = cookies_place(&c, &mem, &us, &they, 0);
  const uint64_t s = 1000000000;
  for (uint16_t port = 1; port <= COOKIE_PORTS; port++)
    cookie_deny(k, port, port * s);
  for (uint16_t port = 1; port <= COOKIE_PORTS; port++)
    assert_true(cookie_is_denied(k, port, 10 * s));
  assert_false(cookie_is_denied(k, 80, 10 * s));
  cookie_allow(k, 3);
  assert_false(cookie_is_denied(k, 3, 10 * s));
  cookie_deny(k, 80, 10 * s); // in the place of 3
  cookie_deny(k, 81, 10 * s); // in that of 1
  assert_false(cookie_is_denied(k, 1, 10 * s));
  assert_true(cookie_is_denied(k, 2, 10 * s) && cookie_is_denied(k, 4, 10 * s));
  assert_true(cookie_is_denied(k, 80, 11 * s) && cookie_is_denied(k, 81, 11 * s));
  cookie_lost(k, 82, true, 11 * s); // of a request the first says nothing
  assert_false(cookie_is_denied(k, 82, 11 * s));
  cookie_lost(k, 82, true, 11 * s);
  assert_true(cookie_is_denied(k, 82, 11 * s));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(as_linux_has_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_one_bearer, set_up, tear_down),
      cmocka_unit_test_setup_teardown(for_a_time, set_up, tear_down),
      cmocka_unit_test_setup_teardown(key_of_the_user, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_table_of_fixed_size, set_up, tear_down),
      cmocka_unit_test_setup_teardown(denied_for_a_while, set_up, tear_down),
      cmocka_unit_test_setup_teardown(denied_by_port, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
