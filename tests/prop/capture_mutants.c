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

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"mutants", mutants, 10000}};
  return prop_main(argc, argv, props, 1);
}
