// SPDX-License-Identifier: BSD-2-Clause
// capture_mutants.c - damaged capture files: never past the bytes there are, always on or to an end, and the same
// in one piece as in many.
#include "support/captures.h"
#include "support/prop.h"

static void some_packet(struct prop_rng *r, struct file *f, bool is_ng)
{
  uint8_t bytes[100] = {0};
  const uint32_t captured = prop_below(r, sizeof bytes), wire = captured + prop_below(r, 9);
  if (!is_ng) {
    pcap_packet(f, (uint32_t)prop_u64(r), prop_below(r, 1000000), bytes, captured, wire);
    return;
  }
  switch (prop_below(r, 8)) {
  case 0: simple(f, bytes, captured, captured); break;
  case 1: obsolete(f, 0, prop_u64(r), bytes, captured, wire); break;
  case 2: unknown(f, (uint32_t)prop_u64(r), captured); break;
  case 3:
    section(f, prop_one_in(r, 2));
    interface(f, 101, 0, 0, 0);
    break;
  case 4: interface(f, 1, 0, (uint8_t)prop_u64(r), (int64_t)prop_u64(r)); break;
  default: enhanced(f, 0, prop_u64(r), bytes, captured, wire); break;
  }
}

// All that a capture says, as one number. False: it says what cannot be.
static bool read_all(const struct file *f, size_t piece, uint64_t *told)
{
  uint8_t *exact = malloc(f->count ? f->count : 1);
  if (!exact) abort();
  if (f->count) memcpy(exact, f->bytes, f->count);
  struct pieces pieces = {.bytes = exact, .count = f->count, .piece = piece};
  const struct estab_capture_source source = {&pieces, pieces_read};
  struct estab_capture_packet p;
  struct estab_capture_error error = {.text = ""};
  estab_capture *c;
  int answer = estab_capture_open(&source, &c, &error);
  uint64_t hash = 7, offset = 0;
  PROP_CHECK((answer == 0) == (c != NULL));
  while (answer == 0 && (answer = estab_capture_next(c, &p, &error)) > 0) {
    PROP_CHECK(p.offset > offset && p.offset + p.captured_bytes <= f->count);
    PROP_CHECK(p.ts_ns <= ESTAB_TIME_MAX);
    PROP_CHECK(p.captured_bytes <= p.wire_bytes && p.interface < estab_capture_interfaces(c));
    for (uint32_t i = 0; i < p.captured_bytes; i++)
      hash = hash * 31 + p.bytes[i];
    offset = p.offset;
    hash = (hash * 31 + p.ts_ns) * 31 + p.linktype + p.offset;
    answer = 0;
  }
  if (answer < 0) {
    PROP_CHECK(error.error == answer && error.text[0] != 0 && error.offset <= f->count);
    hash = hash * 31 + error.offset + error.cut;
  } else {
    PROP_CHECK(estab_capture_offset(c) == f->count);
  }
  estab_capture_close(c);
  free(exact);
  *told = hash * 31 + (unsigned)-answer;
  return true;
}

static bool mutants(struct prop_rng *r)
{
  static struct file f;
  const bool is_ng = prop_one_in(r, 2);
  f.count = 0;
  if (is_ng) {
    section(&f, prop_one_in(r, 2));
    interface(&f, 1, prop_one_in(r, 2) ? 0 : 50, 9, 0);
  } else {
    pcap_begin(&f, prop_one_in(r, 2), prop_one_in(r, 2) ? 0xa1b23c4d : 0xa1b2c3d4, 65535, 1);
  }
  for (unsigned i = prop_below(r, 12); i > 0; i--)
    some_packet(r, &f, is_ng);
  for (unsigned i = prop_below(r, 5); i > 0; i--) {
    const size_t at = prop_below(r, (uint32_t)f.count);
    if (prop_one_in(r, 2))
      f.bytes[at] = (uint8_t)prop_u64(r);
    else
      f.bytes[at] ^= (uint8_t)(1U << prop_below(r, 8));
  }
  if (prop_one_in(r, 3)) f.count = prop_below(r, (uint32_t)f.count + 1);
  uint64_t whole, pieces;
  PROP_CHECK(read_all(&f, sizeof f.bytes, &whole));
  PROP_CHECK(read_all(&f, 1 + prop_below(r, 40), &pieces));
  PROP_CHECK(whole == pieces);
  return true;
}

// On a machine of either byte order a file of either gives what was put in.
static bool what_was_written(struct prop_rng *r)
{
  static struct file f;
  uint64_t times[20];
  uint32_t lengths[20];
  static const uint8_t bytes[100] = {1, 2, 3};
  const bool is_ng = prop_one_in(r, 2), nano = prop_one_in(r, 2), big = prop_one_in(r, 2);
  const uint32_t linktype = prop_below(r, 300);
  const unsigned count = prop_below(r, 20);
  f.count = 0;
  if (is_ng) {
    section(&f, big);
    interface(&f, linktype, 0, nano ? 9 : 0, 0);
  } else {
    pcap_begin(&f, big, nano ? 0xa1b23c4d : 0xa1b2c3d4, 65535, linktype);
  }
  for (unsigned i = 0; i < count; i++) {
    const uint64_t seconds = prop_u64(r) >> 34,
                   fraction = prop_below(r, nano ? 1000000000 : 1000000);
    const uint64_t units = seconds * (nano ? 1000000000 : 1000000) + fraction;
    times[i] = units * (nano ? 1 : 1000);
    lengths[i] = prop_below(r, sizeof bytes);
    if (is_ng)
      enhanced(&f, 0, units, bytes, lengths[i], 1500);
    else
      pcap_packet(&f, (uint32_t)seconds, (uint32_t)fraction, bytes, lengths[i], 1500);
  }
  struct pieces pieces = {.bytes = f.bytes, .count = f.count, .piece = 1 + prop_below(r, 5000)};
  const struct estab_capture_source source = {&pieces, pieces_read};
  struct estab_capture_packet p;
  estab_capture *c;
  PROP_CHECK(estab_capture_open(&source, &c, NULL) == 0);
  PROP_CHECK(estab_capture_format(c) == (is_ng ? ESTAB_CAPTURE_PCAPNG : ESTAB_CAPTURE_PCAP));
  for (unsigned i = 0; i < count; i++) {
    PROP_CHECK(estab_capture_next(c, &p, NULL) == 1);
    PROP_CHECK(p.ts_ns == times[i] && p.linktype == linktype && p.interface == 0);
    PROP_CHECK(p.captured_bytes == lengths[i] && p.wire_bytes == 1500);
    PROP_CHECK(memcmp(p.bytes, bytes, lengths[i]) == 0);
  }
  PROP_CHECK(estab_capture_next(c, &p, NULL) == 0);
  estab_capture_close(c);
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"mutants", mutants, 10000},
      {"what_was_written", what_was_written, 1000},
  };
  return prop_main(argc, argv, props, sizeof props / sizeof props[0]);
}
