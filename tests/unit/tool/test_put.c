// SPDX-License-Identifier: BSD-2-Clause
// test_put.c - the forms that rows are made of, against stdio's and known digests.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <inttypes.h>
#include <stdio.h>

#include "../../../tools/estab/watch/community_id.c"
#include "../../../tools/estab/watch/put.c"
#include "../../../tools/estab/watch/sha1.c"

static void same_number(uint64_t n)
{
  char got[64], want[64];
  *put_number(got, n) = '\0';
  snprintf(want, sizeof want, "%" PRIu64, n);
  assert_string_equal(got, want);
  *put_seconds(got, n) = '\0';
  snprintf(want, sizeof want, "%" PRIu64 ".%09" PRIu64, n / 1000000000, n % 1000000000);
  assert_string_equal(got, want);
}

static void numbers(void **state)
{
  (void)state;
  for (uint64_t n = 0; n < 12000; n++)
    same_number(n);
  for (uint64_t power = 1; power < UINT64_MAX / 10; power *= 10)
    for (uint64_t n = power - 2; n != power + 2; n++)
      same_number(n);
  for (uint64_t n = 12345; n < 200000000; n += 1237)
    same_number(n);
  for (unsigned bit = 0; bit < 64; bit++) {
    same_number(UINT64_C(1) << bit);
    same_number((UINT64_C(1) << bit) - 1);
  }
  same_number(UINT64_MAX);
  same_number(UINT64_C(9999999999999999999));
}

static void flags(void **state)
{
  (void)state;
  for (unsigned n = 0; n < 0x1000; n++) {
    char got[8], want[8];
    *put_hex(got, (uint16_t)n) = '\0';
    snprintf(want, sizeof want, "%02x", n);
    assert_string_equal(got, want);
  }
}

static void addresses(void **state)
{
  (void)state;
  for (unsigned n = 0; n < 256; n++) {
    char got[ESTAB_IP_TEXT_BYTES + PUT_SLACK], want[32];
    struct estab_ip ip = estab_ip4((uint8_t)n, (uint8_t)(n * 7), (uint8_t)(n * 31), (uint8_t)~n);
    *put_ip(got, &ip) = '\0';
    snprintf(want, sizeof want, "%u.%u.%u.%u", n, n * 7 & 255, n * 31 & 255, ~n & 255);
    assert_string_equal(got, want);
  }
  // Any pattern of groups that are zero, short and long.
  static const uint16_t groups[] = {0, 0, 0x1, 0xa0, 0xb00, 0xcdef};
  for (unsigned n = 0; n < 6 * 6 * 6 * 6 * 256; n++) {
    char got[ESTAB_IP_TEXT_BYTES + PUT_SLACK], want[ESTAB_IP_TEXT_BYTES];
    struct estab_ip ip;
    for (unsigned i = 0, left = n; i < 8; i++) {
      const unsigned base = i < 4 ? 6 : 4;
      const uint16_t group = groups[left % base];
      ip.bytes[2 * i] = (uint8_t)(group >> 8);
      ip.bytes[2 * i + 1] = (uint8_t)group;
      left /= base;
    }
    if (estab_ip_is4(&ip)) continue;
    *put_ip(got, &ip) = '\0';
    estab_ip_format(&ip, want, sizeof want);
    assert_string_equal(got, want);
  }
}

// A time after another, with what was kept of it.
static void times(void **state)
{
  (void)state;
  static const uint64_t seconds[] = {0, 0, 9, 10, 1600000000, 1600000000, 1599999999, 18446744072};
  struct put_second kept = {0};
  for (unsigned i = 0; i < 400; i++) {
    const uint64_t ns = seconds[i * 7 % 8] * 1000000000 + (i % 3 ? i * 7919u * 131 : 999999999);
    char got[64], want[64];
    *put_time(got, ns, &kept) = '\0';
    snprintf(want, sizeof want, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
    assert_string_equal(got, want);
  }
}

static void block_of(const uint8_t *message, size_t bytes, uint32_t block[SHA1_BLOCK_WORDS])
{
  memset(block, 0, SHA1_BLOCK_WORDS * sizeof *block);
  for (size_t i = 0; i <= bytes; i++)
    block[i / 4] |= (i < bytes ? message[i] : UINT32_C(0x80)) << (24 - 8 * (i % 4));
  block[SHA1_BLOCK_WORDS - 1] = (uint32_t)bytes * 8;
}

// FIPS 180's example, and that both ways give the same for every length.
static void digests(void **state)
{
  (void)state;
  uint32_t block[SHA1_BLOCK_WORDS];
  char fast[SHA1_ROOM], plain[SHA1_ROOM];
  block_of((const uint8_t *)"abc", 3, block);
  sha1_text_plain(block, plain);
  assert_memory_equal(plain, "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=", SHA1_TEXT);
  for (size_t n = 0; n <= 55; n++)
    for (unsigned k = 0; k < 64; k++) { // all 64 digits come in each place
      uint8_t message[55];
      for (size_t i = 0; i < n; i++)
        message[i] = (uint8_t)(n * 77 + i * 13 + k * 29);
      block_of(message, n, block);
      sha1_text(block, fast);
      sha1_text_plain(block, plain);
      assert_memory_equal(fast, plain, SHA1_TEXT);
    }
}

// As the specification's implementations say; both ways the same.
static void same_community(struct estab_watch_conn c, const char *want)
{
  char text[COMMUNITY_ID_ROOM];
  uint32_t block[SHA1_BLOCK_WORDS];
  community_id_block(&c, block);
  assert_ptr_equal(community_id(block, text), text + COMMUNITY_ID_TEXT);
  assert_string_equal(text, want);
  const struct estab_watch_conn turned = {.orig_ip = c.resp_ip,
                                          .resp_ip = c.orig_ip,
                                          .orig_port = c.resp_port,
                                          .resp_port = c.orig_port};
  community_id_block(&turned, block);
  assert_ptr_equal(community_id(block, text), text + COMMUNITY_ID_TEXT);
  assert_string_equal(text, want);
}

static void community(void **state)
{
  (void)state;
  struct estab_watch_conn c = {.orig_ip = estab_ip4(128, 232, 110, 120),
                               .resp_ip = estab_ip4(66, 35, 250, 204),
                               .orig_port = 34855,
                               .resp_port = 80};
  same_community(c, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  c.resp_ip = c.orig_ip; // then the ports decide
  same_community(c, "1:7Ye/ks3e/jyqwBk9NQxFkUOCeQ4=");
  c = (struct estab_watch_conn){
      .orig_ip = {{0x20, 0x01, 0x04, 0x70, 0xe5, 0xbf, 0xde, 0xad, 0x49, 0x57, 0x21, 0x74, 0xe8,
                   0x2c, 0x48, 0x87}},
      .resp_ip = {{0x26, 0x07, 0xf8, 0xb0, 0x40, 0x0c, 0x0c, 0x03, 0, 0, 0, 0, 0, 0, 0, 0x1a}},
      .orig_port = 63943,
      .resp_port = 25};
  same_community(c, "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=");
  c.resp_ip = c.orig_ip;
  same_community(c, "1:GmkAC5s1jYUlerBpn3mDnksQ5QE=");
  c.resp_ip = estab_ip4(66, 35, 250, 204); // of two families: both in sixteen octets
  same_community(c, "1:CXKlCEDnMm40mk+1ormw2iGlxik=");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers), cmocka_unit_test(flags),     cmocka_unit_test(addresses),
      cmocka_unit_test(digests), cmocka_unit_test(community), cmocka_unit_test(times),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
