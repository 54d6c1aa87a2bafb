// SPDX-License-Identifier: BSD-2-Clause
// test_keep.c - packets kept as pcapng, read again: octets, times, interfaces, losses, the end, several sections.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>

#include "../../../tools/estab/watch/keep.c"
#include "support/captures.h"

#define NS UINT64_C(1000000000)

static uint8_t written[1 << 20];
static size_t written_bytes;

// Instead of text.c: the file is memory.
void text_bytes(struct text *t, const char *bytes, size_t n)
{
  (void)t;
  assert_true(written_bytes + n <= sizeof written);
  if (n > 0) memcpy(written + written_bytes, bytes, n);
  written_bytes += n;
}

static const uint8_t octets[300] = "octets of a packet";

static void keeps(struct keep *k, uint32_t interface, uint32_t linktype, uint64_t ts_ns,
                  uint32_t captured, uint32_t wire)
{
  const struct estab_capture_packet p = {.ts_ns = ts_ns,
                                         .interface = interface,
                                         .linktype = linktype,
                                         .captured_bytes = captured,
                                         .wire_bytes = wire,
                                         .bytes = octets};
  keep_packet(k, &p);
}

static void notes(struct keep *k, uint32_t interface, uint64_t lost, uint64_t from_ns,
                  uint64_t until_ns)
{
  const struct estab_capture_packet note = {.ts_ns = until_ns,
                                            .interface = interface,
                                            .linktype = 1,
                                            .lost_packets = lost,
                                            .lost_from_ns = from_ns,
                                            .lasted = true};
  keep_note(k, &note);
}

static estab_capture *again(struct pieces *pieces)
{
  *pieces = (struct pieces){.bytes = written, .count = written_bytes, .piece = 4096};
  const struct estab_capture_source source = {pieces, pieces_read};
  estab_capture *c;
  assert_int_equal(estab_capture_open(&source, &c, NULL), 0);
  estab_capture_notes(c, true);
  return c;
}

static void is_packet(estab_capture *c, uint32_t interface, uint32_t linktype, uint64_t ts_ns,
                      uint32_t captured, uint32_t wire)
{
  struct estab_capture_packet p;
  struct estab_capture_error error = {.text = ""};
  int answer = estab_capture_next(c, &p, &error);
  if (answer != 1) fail_msg("%d %s", answer, error.text);
  assert_int_equal(p.interface, interface);
  assert_int_equal(p.linktype, linktype);
  assert_int_equal(p.ts_ns, ts_ns);
  assert_int_equal(p.captured_bytes, captured);
  assert_int_equal(p.wire_bytes, wire);
  assert_memory_equal(p.bytes, octets, captured);
}

static void is_note(estab_capture *c, uint32_t interface, uint64_t lost, uint64_t from_ns,
                    uint64_t until_ns)
{
  struct estab_capture_packet p;
  assert_int_equal(estab_capture_next(c, &p, NULL), ESTAB_CAPTURE_NOTE);
  assert_int_equal(p.interface, interface);
  assert_int_equal(p.lost_packets, lost);
  if (lost) assert_int_equal(p.lost_from_ns, from_ns);
  assert_int_equal(p.ts_ns, until_ns);
  assert_true(p.lasted);
}

static void ends(estab_capture *c)
{
  struct estab_capture_packet p;
  assert_int_equal(estab_capture_next(c, &p, NULL), 0);
  estab_capture_close(c);
}

static void round_trip(void **state)
{
  (void)state;
  struct keep k = {.live = true};
  struct pieces pieces;
  written_bytes = 0;
  keep_name(&k, 0, 1, "eth0", 262144);
  keep_name(&k, 1, 276, "any", 262144);
  for (uint32_t n = 0; n < 9; n++) // every padding
    keeps(&k, n & 1, n & 1 ? 276 : 1, 1700000000 * NS + n, n * 31, n * 31 + 7);
  notes(&k, 0, 12, 1700000001 * NS, 1700000002 * NS);
  notes(&k, 0, 5, 1700000002 * NS, 1700000003 * NS);
  keeps(&k, 1, 276, ESTAB_TIME_MAX, 300, 300);
  notes(&k, 0, 0, 0, 1700000009 * NS); // the end
  keep_tail(&k, 0, true);
  keep_free(&k);
  estab_capture *c = again(&pieces);
  for (uint32_t n = 0; n < 9; n++)
    is_packet(c, n & 1, n & 1 ? 276 : 1, 1700000000 * NS + n, n * 31, n * 31 + 7);
  is_note(c, 0, 12, 1700000001 * NS, 1700000002 * NS);
  is_note(c, 0, 5, 1700000002 * NS, 1700000003 * NS);
  is_packet(c, 1, 276, ESTAB_TIME_MAX, 300, 300);
  is_note(c, 0, 0, 0, 1700000009 * NS);
  is_note(c, 1, 0, 0, 1700000009 * NS);
  ends(c);
}

// A file that goes on has sections; each counts its losses from nothing, and only the last says the end.
static void sections(void **state)
{
  (void)state;
  struct keep k = {.live = true};
  struct pieces pieces;
  written_bytes = 0;
  keep_name(&k, 0, 1, "eth0", 0);
  keeps(&k, 0, 1, 10 * NS, 60, 60);
  notes(&k, 0, 3, 11 * NS, 12 * NS);
  keep_tail(&k, 13 * NS, false);
  keeps(&k, 0, 1, 14 * NS, 60, 60);
  notes(&k, 0, 3, 15 * NS, 16 * NS);
  notes(&k, 0, 0, 0, 17 * NS);
  keep_tail(&k, 17 * NS, true);
  keep_free(&k);
  estab_capture *c = again(&pieces);
  is_packet(c, 0, 1, 10 * NS, 60, 60);
  is_note(c, 0, 3, 11 * NS, 12 * NS);
  is_packet(c, 1, 1, 14 * NS, 60, 60);
  is_note(c, 1, 3, 15 * NS, 16 * NS);
  is_note(c, 1, 0, 0, 17 * NS);
  ends(c);
}

// Of files: interfaces turn up as they come; nothing is known of the end.
static void files(void **state)
{
  (void)state;
  struct keep k = {.live = false};
  struct pieces pieces;
  written_bytes = 0;
  for (uint32_t n = 0; n < 20; n++)
    keeps(&k, n % 7 * 65536, n % 2 ? 1 : 101, n * NS, 40, 40);
  keep_tail(&k, 99 * NS, true);
  keep_free(&k);
  estab_capture *c = again(&pieces);
  for (uint32_t n = 0; n < 20; n++)
    is_packet(c, n % 14, n % 2 ? 1 : 101, n * NS, 40, 40);
  ends(c);
}

static void nothing(void **state)
{
  (void)state;
  struct keep k = {.live = false};
  struct pieces pieces;
  written_bytes = 0;
  keep_tail(&k, 0, true);
  keep_free(&k);
  ends(again(&pieces));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(round_trip),
      cmocka_unit_test(sections),
      cmocka_unit_test(files),
      cmocka_unit_test(nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
