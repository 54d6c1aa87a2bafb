// SPDX-License-Identifier: BSD-2-Clause
// test_hash.c - SipHash against its authors' vectors.

#include "base/bytes.h"
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

// Key 00 01 .. 0f, message 00 01 .. n-1.
static void published_vectors(void **state)
{
  (void)state;
  static const struct {
    unsigned n;
    uint64_t hash24, hash13;
  } rows[] = {
      {0, UINT64_C(0x726fdb47dd0e0e31), UINT64_C(0xabac0158050fc4dc)},
      {1, UINT64_C(0x74f839c593dc67fd), UINT64_C(0xc9f49bf37d57ca93)},
      {2, UINT64_C(0x0d6c8009d9a94f5a), UINT64_C(0x82cb9b024dc7d44d)},
      {3, UINT64_C(0x85676696d7fb7e2d), UINT64_C(0x8bf80ab8e7ddf7fb)},
      {7, UINT64_C(0xab0200f58b01d137), UINT64_C(0xd3927d989bb11140)},
      {8, UINT64_C(0x93f5f5799a932462), UINT64_C(0x369095118d299a8e)},
      {15, UINT64_C(0xa129ca6149be45e5), UINT64_C(0xd320d86d2a519956)},
      {63, UINT64_C(0x958a324ceb064572), UINT64_C(0x9d199062b7bbb3a8)},
  };
  uint8_t message[64];
  for (unsigned i = 0; i < 64; i++)
    message[i] = (uint8_t)i;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_true(siphash24(key, message, rows[i].n) == rows[i].hash24);
    assert_true(siphash13(key, message, rows[i].n) == rows[i].hash13);
  }
}

static void words_are_bytes(void **state)
{
  (void)state;
  uint8_t bytes[40 * 8];
  uint64_t words[40];
  for (unsigned i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)(i * 37 + 11);
  for (unsigned i = 0; i < 40; i++)
    words[i] = get_le64(bytes + 8 * i);
  for (unsigned n = 0; n <= 40; n++)
    assert_true(siphash13_words(key, words, n) == siphash13(key, bytes, n * 8));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(published_vectors),
      cmocka_unit_test(words_are_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
