// SPDX-License-Identifier: BSD-2-Clause
// uid.c - names of rows.
#include "watch/uid.h"

#include "base/bytes.h"
#include "base/hash.h"

#define UID_FIVE_DIGITS 916132832u // 62^5
#define UID_FOUR_DIGITS 14776336u  // 62^4

// Fixed on purpose: a uid is a name, not a secret.
static const uint64_t uid_keys[2][2] = {
    {UINT64_C(0x65737461622d7569), UINT64_C(0x642d666972737420)},
    {UINT64_C(0x65737461622d7569), UINT64_C(0x642d7365636f6e64)},
};

uint64_t uid_sensor(const char *sensor)
{
  size_t bytes = 0;
  if (!sensor || !sensor[0]) return 0;
  while (bytes < ESTAB_WATCH_SENSOR_BYTES && sensor[bytes] != 0)
    bytes++;
  return siphash24(uid_keys[0], sensor, bytes);
}

// Of whole words, under both keys at once: neither hash waits for the other. words[count] is written.
static void uid_hash(uint64_t *words, size_t count, uint64_t hash[2])
{
  struct siphash_state a, b;
  siphash_start(&a, uid_keys[0]);
  siphash_start(&b, uid_keys[1]);
  words[count] = (uint64_t)count << 59; // as SipHash ends: its length
  for (size_t i = 0; i <= count; i++) {
    siphash_word(&a, words[i], 1);
    siphash_word(&b, words[i], 1);
  }
  hash[0] = siphash_finish(&a, 3);
  hash[1] = siphash_finish(&b, 3);
}

void uid_make(uint64_t ts_ns, const struct estab_ip ip[2], const uint16_t port[2],
              uint32_t tunnel_id, uint64_t sensor, uint64_t apart, struct estab_watch_uid *out)
{
  uint64_t hash[2];
  uint64_t words[9] = {
      ts_ns,
      get_be64(ip[0].bytes),
      get_be64(ip[0].bytes + 8),
      get_be64(ip[1].bytes),
      get_be64(ip[1].bytes + 8),
      (uint64_t)port[0] << 48 | (uint64_t)port[1] << 32 | tunnel_id,
      sensor,
      apart,
  };
  uid_hash(words, apart ? 8 : 7, hash);
  put_be64(out->bytes, hash[0]);
  put_be32(out->bytes + 8, (uint32_t)hash[1]);
}

static const char uid_digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// Five digits of a value < 62^5, as a fraction of it that is multiplied by 62 for each. What the fraction is too
// large by stays below the last digit: less than 2^30 of 2^57, 62^4 times.
static inline void uid_put(char *text, uint64_t value)
{
  const uint64_t one = UINT64_C(1) << 57;
  uint64_t rest = value * (one / UID_FOUR_DIGITS + 1);
  for (unsigned i = 0; i < 5; i++, rest = (rest & (one - 1)) * 62)
    text[i] = uid_digits[rest >> 57];
}

// Five digits at a time: 62^5 is the largest power whose remainders fit 32 bits. The quotients of 96 bits shrink by 29
// bits a time, and with them the words to divide.
void estab_watch_uid_format(const struct estab_watch_uid *uid, char text[ESTAB_WATCH_UID_TEXT])
{
  const uint32_t high = get_be32(uid->bytes);
  uint64_t a = (uint64_t)(high % UID_FIVE_DIGITS) << 32 | get_be32(uid->bytes + 4);
  uint64_t b = a % UID_FIVE_DIGITS << 32 | get_be32(uid->bytes + 8);
  text[0] = 'C';
  text[ESTAB_WATCH_UID_TEXT - 1] = 0;
  uid_put(text + 13, b % UID_FIVE_DIGITS);
  a = (uint64_t)(high / UID_FIVE_DIGITS) << 32 | (uint32_t)(a / UID_FIVE_DIGITS);
  b = a % UID_FIVE_DIGITS << 32 | (uint32_t)(b / UID_FIVE_DIGITS);
  uid_put(text + 8, b % UID_FIVE_DIGITS);
  b = a / UID_FIVE_DIGITS << 32 | (uint32_t)(b / UID_FIVE_DIGITS);
  uid_put(text + 3, b % UID_FIVE_DIGITS);
  const uint32_t first = (uint32_t)(b / UID_FIVE_DIGITS);
  text[1] = uid_digits[first / 62];
  text[2] = uid_digits[first % 62];
}
