// SPDX-License-Identifier: BSD-2-Clause
// wire_checksum.c - the fast checksum against the definition of RFC 1071 1, byte by byte.
#include "support/prop.h"

#include <estab/wire.h>

#include "base/bytes.h"
#include "wire/checksum.h"

static void fill(struct prop_rng *r, uint8_t *p, size_t n)
{
  const uint32_t manner = prop_below(r, 4); // all ones and all zeros are where carries go wrong
  for (size_t i = 0; i < n; i++) {
    const uint8_t random = (uint8_t)prop_u64(r);
    if (manner == 0)
      p[i] = random;
    else if (manner == 1)
      p[i] = 0xff;
    else if (manner == 2)
      p[i] = prop_one_in(r, 50) ? random : 0xff;
    else
      p[i] = prop_one_in(r, 50) ? random : 0;
  }
}

static uint16_t naive(const uint8_t *p, size_t n)
{
  uint32_t sum = 0;
  for (size_t i = 0; i < n; i++) {
    sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    if (sum > 0xffff) sum -= 0xffff;
  }
  return (uint16_t)sum;
}

// Two ways to write the same ones' complement number: 0 and 0xffff.
static bool same_sum(uint16_t a, uint16_t b)
{
  return a % 0xffff == b % 0xffff;
}

// A copy with nothing before or behind it, at any alignment; freed by the caller through *whole.
static const uint8_t *exact(struct prop_rng *r, const uint8_t *p, size_t n, void **whole)
{
  const size_t shift = prop_below(r, 16);
  uint8_t *copy = malloc(shift + n > 0 ? shift + n : 1);
  if (copy == NULL) abort();
  if (n > 0) memcpy(copy + shift, p, n);
  *whole = copy;
  return copy + shift;
}

static bool pieces_add_up(struct prop_rng *r)
{
  uint8_t bytes[3000];
  const size_t n = prop_one_in(r, 3) ? prop_below(r, 40) : prop_below(r, sizeof bytes);
  fill(r, bytes, n);
  uint64_t partial = 0;
  for (size_t at = 0; at < n;) {
    size_t piece = prop_one_in(r, 2) ? n - at : 1 + prop_below(r, (uint32_t)(n - at));
    if (prop_one_in(r, 4) && piece > 7) piece = prop_below(r, 8);
    void *whole;
    partial = estab_checksum_add(partial, exact(r, bytes + at, piece, &whole), piece);
    free(whole);
    at += piece;
  }
  PROP_CHECK(same_sum(estab_checksum_fold(partial), naive(bytes, n)));
  PROP_CHECK((estab_checksum_fold(partial) ^ estab_checksum_finish(partial)) == 0xffff);
  return true;
}

static bool every_length(struct prop_rng *r)
{
  uint8_t bytes[700];
  fill(r, bytes, sizeof bytes);
  for (size_t n = 0; n <= sizeof bytes; n++) {
    void *whole;
    const uint64_t partial = estab_checksum_add(0, exact(r, bytes, n, &whole), n);
    free(whole);
    PROP_CHECK(same_sum(estab_checksum_fold(partial), naive(bytes, n)));
  }
  return true;
}

static bool a_filled_in_checksum_sums_to_zero(struct prop_rng *r)
{
  uint8_t bytes[200];
  const size_t n = 2 + prop_below(r, sizeof bytes - 2), at = prop_below(r, (uint32_t)n / 2) * 2;
  fill(r, bytes, n);
  bytes[at] = bytes[at + 1] = 0;
  const uint16_t checksum = estab_checksum_finish(estab_checksum_add(0, bytes, n));
  bytes[at] = (uint8_t)(checksum >> 8);
  bytes[at + 1] = (uint8_t)checksum;
  PROP_CHECK(estab_checksum_finish(estab_checksum_add(0, bytes, n)) == 0);
  return true;
}

static bool changes_are_followed(struct prop_rng *r)
{
  uint8_t bytes[40];
  fill(r, bytes, sizeof bytes);
  bytes[0] = 0x45; // as in any IP header: not all zero, so that there is one way to write the sum
  const size_t at = 2 + 2 * prop_below(r, 16), width = prop_one_in(r, 2) ? 2 : 4;
  const uint16_t checksum = estab_checksum_finish(estab_checksum_add(0, bytes, sizeof bytes));
  uint32_t before = 0, after = (uint32_t)prop_u64(r) >> (width == 2 ? 16 : 0);
  if (prop_one_in(r, 4)) after = 0;
  for (size_t i = 0; i < width; i++) {
    before = before << 8 | bytes[at + i];
    bytes[at + i] = (uint8_t)(after >> (8 * (width - 1 - i)));
  }
  const uint16_t changed =
      width == 2 ? estab_checksum_update16(checksum, (uint16_t)before, (uint16_t)after)
                 : estab_checksum_update32(checksum, before, after);
  PROP_CHECK(changed == estab_checksum_finish(estab_checksum_add(0, bytes, sizeof bytes)));
  return true;
}

static bool pseudo_headers(struct prop_rng *r)
{
  uint8_t header[40] = {0}, payload[100];
  struct estab_ip src, dst;
  const bool is4 = prop_one_in(r, 2);
  const uint8_t protocol = (uint8_t)prop_u64(r);
  const size_t n = prop_below(r, sizeof payload);
  fill(r, payload, n);
  size_t header_bytes;
  if (is4) {
    const uint32_t a = (uint32_t)prop_u64(r), b = (uint32_t)prop_u64(r);
    src = estab_ip4((uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a);
    dst = estab_ip4((uint8_t)(b >> 24), (uint8_t)(b >> 16), (uint8_t)(b >> 8), (uint8_t)b);
    memcpy(header, src.bytes + 12, 4);
    memcpy(header + 4, dst.bytes + 12, 4);
    header[9] = protocol;
    header[11] = (uint8_t)n;
    header_bytes = 12;
  } else {
    fill(r, src.bytes, 16);
    fill(r, dst.bytes, 16);
    memcpy(header, src.bytes, 16);
    memcpy(header + 16, dst.bytes, 16);
    header[35] = (uint8_t)n;
    header[39] = protocol;
    header_bytes = 40;
  }
  const uint64_t whole =
      estab_checksum_add(estab_checksum_add(0, header, header_bytes), payload, n);
  const uint64_t pseudo = estab_checksum_pseudo(&src, &dst, protocol, (uint32_t)n);
  PROP_CHECK(same_sum(estab_checksum_fold(whole),
                      estab_checksum_fold(estab_checksum_add(pseudo, payload, n))));
  PROP_CHECK(same_sum(estab_checksum_fold(whole),
                      estab_checksum_fold(pseudo + estab_checksum_add(0, payload, n))));
  return true;
}

// What the stack does with one segment, in the machine's byte order.
static bool segments_add_up(struct prop_rng *r)
{
  uint8_t bytes[160];
  const size_t header = 20 + 4 * prop_below(r, 11), text = prop_below(r, 100);
  const uint32_t pseudo = prop_below(r, 1u << 18);
  fill(r, bytes, sizeof bytes);
  uint64_t sum = checksum_with(checksum_tcp_header(bytes, header), pseudo);
  if (text) sum = checksum_with(sum, estab_checksum_add(0, bytes + header, text));
  const uint32_t expected = ((uint32_t)naive(bytes, header + text) + pseudo) % 0xffff;
  const uint16_t field = checksum_field(sum);
  uint8_t stored[2];
  memcpy(stored, &field, sizeof stored);
  PROP_CHECK(same_sum((uint16_t)~get_be16(stored), (uint16_t)expected));
  PROP_CHECK(checksum_is_right(sum) == (expected == 0));
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"pieces_add_up", pieces_add_up, 20000},
      {"every_length", every_length, 20},
      {"a_filled_in_checksum_sums_to_zero", a_filled_in_checksum_sums_to_zero, 5000},
      {"changes_are_followed", changes_are_followed, 20000},
      {"pseudo_headers", pseudo_headers, 5000},
      {"segments_add_up", segments_add_up, 20000},
  };
  return prop_main(argc, argv, props, sizeof props / sizeof props[0]);
}
