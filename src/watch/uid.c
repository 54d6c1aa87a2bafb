// SPDX-License-Identifier: BSD-2-Clause
// uid.c - names of rows.
#include "watch/uid.h"

#include "base/bytes.h"
#include "base/hash.h"

#define UID_SENSOR_BYTES 63         // of a sensor's name count
#define UID_FIVE_DIGITS  916132832u // 62^5

// Fixed on purpose: a uid is a name, not a secret.
static const uint64_t uid_keys[2][2] = {
    {UINT64_C(0x65737461622d7569), UINT64_C(0x642d666972737420)},
    {UINT64_C(0x65737461622d7569), UINT64_C(0x642d7365636f6e64)},
};

uint64_t uid_sensor(const char *sensor)
{
  size_t bytes = 0;
  if (!sensor) return 0;
  while (bytes < UID_SENSOR_BYTES && sensor[bytes] != 0)
    bytes++;
  return siphash24(uid_keys[0], sensor, bytes);
}

void uid_make(uint64_t ts_ns, const struct estab_ip ip[2], const uint16_t port[2],
              uint32_t tunnel_id, uint64_t sensor, struct estab_watch_uid *out)
{
  uint64_t words[7] = {
      ts_ns,
      get_be64(ip[0].bytes),
      get_be64(ip[0].bytes + 8),
      get_be64(ip[1].bytes),
      get_be64(ip[1].bytes + 8),
      (uint64_t)port[0] << 48 | (uint64_t)port[1] << 32 | tunnel_id,
      sensor,
  };
  put_be64(out->bytes, siphash13_words(uid_keys[0], words, 7));
  put_be32(out->bytes + 8, (uint32_t)siphash13_words(uid_keys[1], words, 7));
}

void estab_watch_uid_format(const struct estab_watch_uid *uid, char text[ESTAB_WATCH_UID_TEXT])
{
  static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  uint32_t limbs[3] = {get_be32(uid->bytes), get_be32(uid->bytes + 4), get_be32(uid->bytes + 8)};
  text[0] = 'C';
  text[ESTAB_WATCH_UID_TEXT - 1] = 0;
  // Five digits at a time: 62^5 is the largest power whose remainders fit 32 bits.
  for (unsigned i = ESTAB_WATCH_UID_TEXT - 2; i > 0;) {
    uint64_t rest = 0;
    for (unsigned j = 0; j < 3; j++) {
      rest = rest << 32 | limbs[j];
      limbs[j] = (uint32_t)(rest / UID_FIVE_DIGITS);
      rest %= UID_FIVE_DIGITS;
    }
    uint32_t five = (uint32_t)rest;
    for (unsigned j = 0; j < 5 && i > 0; j++, five /= 62)
      text[i--] = digits[five % 62];
  }
}
