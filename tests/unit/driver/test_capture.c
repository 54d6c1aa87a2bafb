// SPDX-License-Identifier: BSD-2-Clause
// test_capture.c - captures of every flavour, made here; cut at every byte; with lengths that cannot be
// (ATTACKS O12).
#include "support/captures.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#define NS UINT64_C(1000000000)

static const uint8_t bytes[] = "the bytes of a packet, which mean nothing here";

static estab_capture *opened(struct pieces *pieces, const struct file *f, size_t count,
                             size_t piece)
{
  *pieces = (struct pieces){.bytes = f->bytes, .count = count, .piece = piece};
  const struct estab_capture_source source = {pieces, pieces_read};
  struct estab_capture_error error;
  estab_capture *c;
  const int answer = estab_capture_open(&source, &c, &error);
  if (answer < 0) print_message("%s\n", error.text);
  assert_int_equal(answer, 0);
  return c;
}

struct wanted {
  uint64_t ts_ns;
  uint32_t interface, linktype, captured, wire;
};

// What was seen ahead, if anything was, is what then came.
struct ahead {
  const uint8_t *bytes;
  size_t captured;
  uint32_t linktype;
};

static struct ahead ahead_of(const estab_capture *c)
{
  struct ahead a = {NULL, 0, 0};
  a.bytes = estab_capture_ahead(c, &a.linktype, &a.captured);
  return a;
}

static void came(const struct ahead *a, const struct estab_capture_packet *p)
{
  if (a->bytes == NULL) return;
  assert_ptr_equal(a->bytes, p->bytes);
  assert_int_equal(a->captured, p->captured_bytes);
  assert_int_equal(a->linktype, p->linktype);
}

static bool in_native_order(const struct file *f)
{
  uint32_t magic;
  memcpy(&magic, f->bytes, sizeof magic);
  return magic == 0xa1b2c3d4 || magic == 0xa1b23c4d;
}

// The capture in whole and in pieces gives these packets and no error.
static void gives(const struct file *f, const struct wanted *want, size_t count)
{
  static const size_t sizes[] = {1, 2, 3, 7, 16, 29, 1000000};
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
    struct pieces pieces;
    struct estab_capture_packet p;
    struct estab_capture_error error = {.text = ""};
    uint64_t offset = 0;
    estab_capture *c = opened(&pieces, f, f->count, sizes[s]);
    for (size_t i = 0; i < count; i++) {
      const struct ahead ahead = ahead_of(c);
      if (i > 0 && sizes[s] > f->count && in_native_order(f)) assert_non_null(ahead.bytes);
      assert_int_equal(estab_capture_next(c, &p, &error), 1);
      came(&ahead, &p);
      assert_int_equal(p.ts_ns, want[i].ts_ns);
      assert_int_equal(p.interface, want[i].interface);
      assert_int_equal(p.linktype, want[i].linktype);
      assert_int_equal(p.captured_bytes, want[i].captured);
      assert_int_equal(p.wire_bytes, want[i].wire);
      assert_memory_equal(p.bytes, bytes, p.captured_bytes);
      assert_true(p.offset > offset);
      offset = p.offset;
    }
    assert_null(ahead_of(c).bytes);
    assert_int_equal(estab_capture_next(c, &p, &error), 0);
    assert_int_equal(estab_capture_next(c, &p, &error), 0);
    assert_int_equal(estab_capture_offset(c), f->count);
    estab_capture_close(c);
  }
}

static void pcap_four_magics(void **state)
{
  (void)state;
  static struct file f;
  for (int big = 0; big < 2; big++) {
    for (int nano = 0; nano < 2; nano++) {
      pcap_begin(&f, big, nano ? 0xa1b23c4d : 0xa1b2c3d4, 65535, 1);
      pcap_packet(&f, 1000, 999999, bytes, 20, 20);
      pcap_packet(&f, 0xffffffff, 0, bytes, 0, 1500);
      pcap_packet(&f, 1, 1, bytes, 41, 41);
      pcap_packet(&f, 1, 2, bytes, 30, 20); // more than there was: what is there counts
      const struct wanted want[] = {
          {1000 * NS + 999999U * (nano ? 1U : 1000U), 0, 1, 20, 20},
          {0xffffffff * NS, 0, 1, 0, 1500},
          {NS + (nano ? 1U : 1000U), 0, 1, 41, 41},
          {NS + (nano ? 2U : 2000U), 0, 1, 30, 30},
      };
      gives(&f, want, 4);
    }
  }
}

static void pcap_old_versions(void **state)
{
  (void)state;
  static struct file f;
  const struct wanted want[] = {{NS, 0, 101, 20, 60}};
  // With a frame check sequence, and bits that readers pass over.
  pcap_begin(&f, false, 0xa1b2c3d4, 65535, 0x10000065 | 0x04000000 | 0x02a50000);
  f.bytes[6] = 2;
  pcap_packet(&f, 1, 0, bytes, 20, 60);
  file_store32(&f, 24 + 8, 60); // the other way round
  file_store32(&f, 24 + 12, 20);
  gives(&f, want, 1);
  f.bytes[6] = 3;
  gives(&f, want, 1);
}

static void pcapng_everything(void **state)
{
  (void)state;
  static struct file f;
  for (int big = 0; big < 2; big++) {
    f.count = 0;
    section(&f, big);
    unknown(&f, 0x80000001, 17);
    interface(&f, 1, 0, 0, 0);       // microseconds
    interface(&f, 101, 24, 9, 3600); // nanoseconds, an hour to add
    enhanced(&f, 0, 5000001, bytes, 20, 20);
    unknown(&f, 5, 12);
    enhanced(&f, 1, 5 * NS + 1, bytes, 17, 1500);
    obsolete(&f, 0, 6000000, bytes, 3, 3);
    simple(&f, bytes, 30, 30);
    section(&f, !big); // in the other order, with interfaces of its own
    interface(&f, 276, 16, 0x80 | 10, -1);
    enhanced(&f, 0, 2048 + 512, bytes, 8, 8);
    simple(&f, bytes, 16, 99); // cut by the snapshot length
    const struct wanted want[] = {
        {5 * NS + 1000, 0, 1, 20, 20}, {3605 * NS + 1, 1, 101, 17, 1500},
        {6 * NS, 0, 1, 3, 3},          {6 * NS, 0, 1, 30, 30},
        {NS + NS / 2, 2, 276, 8, 8},   {NS + NS / 2, 2, 276, 16, 99},
    };
    gives(&f, want, 6);
  }
}

// What the capturing system said of an interface: one option, or none.
static void statistics(struct file *f, uint32_t number, uint64_t ts, unsigned code, uint64_t value)
{
  const size_t at = block_begin(f, 5);
  file_32(f, number);
  file_32(f, (uint32_t)(ts >> 32));
  file_32(f, (uint32_t)ts);
  if (code) {
    file_16(f, code);
    file_16(f, 8);
    file_number(f, value, 8);
  }
  option(f, 0, "", 0);
  block_end(f, at);
}

static void section_of(struct file *f, bool big, const char *program)
{
  f->big = big;
  const size_t at = block_begin(f, 0x0a0d0d0a);
  file_32(f, 0x1a2b3c4d);
  file_16(f, 1);
  file_16(f, 0);
  file_number(f, UINT64_MAX, 8);
  option(f, 4, program, (unsigned)strlen(program));
  option(f, 0, "", 0);
  block_end(f, at);
}

// Losses and the end are told to those who ask; the end only of files of our own.
static void pcapng_notes(void **state)
{
  (void)state;
  static struct file f;
  for (int big = 0; big < 2; big++)
    for (int own = 0; own < 2; own++)
      for (int wanted = 0; wanted < 2; wanted++) {
        struct pieces pieces;
        struct estab_capture_packet p;
        f.count = 0;
        section_of(&f, big, own ? "estab 1.0" : "dumpcap");
        interface(&f, 1, 0, 9, 0);
        enhanced(&f, 0, 5 * NS, bytes, 20, 20);
        statistics(&f, 0, 6 * NS, 7, 0); // nothing lost yet
        statistics(&f, 0, 7 * NS, 7, 12);
        statistics(&f, 9, 7 * NS, 7, 99); // of no interface
        enhanced(&f, 0, 8 * NS, bytes, 20, 20);
        statistics(&f, 0, 9 * NS, 7, 12); // no more than then
        statistics(&f, 0, 9 * NS, 3, 0);  // the end
        statistics(&f, 0, 9 * NS, 0, 0);
        estab_capture *c = opened(&pieces, &f, f.count, 64);
        estab_capture_notes(c, wanted);
        assert_int_equal(estab_capture_next(c, &p, NULL), 1);
        if (wanted) {
          assert_int_equal(estab_capture_next(c, &p, NULL), ESTAB_CAPTURE_NOTE);
          assert_int_equal(p.lost_packets, 12);
          assert_int_equal(p.lasted, own);
          assert_int_equal(p.ts_ns, own ? 7 * NS : 5 * NS);
          assert_int_equal(p.lost_from_ns, own ? 6 * NS : 0);
          assert_null(p.bytes);
        }
        assert_int_equal(estab_capture_next(c, &p, NULL), 1);
        assert_int_equal(p.ts_ns, 8 * NS);
        if (wanted && own) {
          assert_int_equal(estab_capture_next(c, &p, NULL), ESTAB_CAPTURE_NOTE);
          assert_int_equal(p.lost_packets, 0);
          assert_int_equal(p.ts_ns, 9 * NS);
        }
        assert_int_equal(estab_capture_next(c, &p, NULL), 0);
        estab_capture_close(c);
      }
}

static void pcapng_resolutions(void **state)
{
  (void)state;
  static const struct {
    uint8_t resolution;
    int64_t offset_s;
    uint64_t units, ns;
  } rows[] = {
      {0x80, 0, 3, 3 * NS}, // 2^0
      {0x80 | 32, 0, (UINT64_C(5) << 32) | 0x80000000, 5 * NS + NS / 2},
      {0x80 | 63, 0, UINT64_C(3) << 62, NS + NS / 2},
      {0x80 | 64, 0, UINT64_C(1) << 63, NS / 2},
      {0x80 | 65, 0, UINT64_C(1) << 63, NS / 4},
      {0x80 | 127, 0, UINT64_MAX, 0}, // 2^-127 [O12]
      {1, 0, 15, NS + NS / 2},
      {10, 0, 15, 1},
      {12, 0, 5000, 5},
      {127, 0, UINT64_MAX, 0},
      {1, 0, UINT64_MAX, ESTAB_TIME_MAX}, // later than any time [O12]
      {9, 0, UINT64_MAX, ESTAB_TIME_MAX},
      {9, 0, ESTAB_TIME_MAX + 1, ESTAB_TIME_MAX},
      {9, 0, ESTAB_TIME_MAX, ESTAB_TIME_MAX},
      {9, 1, ESTAB_TIME_MAX - 5, ESTAB_TIME_MAX},
      {0x80 | 1, 0, UINT64_MAX, ESTAB_TIME_MAX},
      {9, -100, 5, 0},
      {9, INT64_MIN, 5, 0},
      {9, INT64_MAX, 5, ESTAB_TIME_MAX},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    static struct file f;
    f.count = 0;
    section(&f, false);
    interface(&f, 1, 0, rows[i].resolution, rows[i].offset_s);
    enhanced(&f, 0, rows[i].units, bytes, 4, 4);
    const struct wanted want[] = {{rows[i].ns, 0, 1, 4, 4}};
    gives(&f, want, 1);
  }
}

// The packets before the damage are given, then its place, again and again.
static void breaks(const struct file *f, size_t packets, uint64_t offset, bool cut)
{
  struct pieces pieces;
  struct estab_capture_packet p;
  struct estab_capture_error error;
  estab_capture *c = opened(&pieces, f, f->count, 1000);
  for (size_t i = 0; i < packets; i++)
    assert_int_equal(estab_capture_next(c, &p, &error), 1);
  for (unsigned i = 0; i < 2; i++) {
    memset(&error, 0, sizeof error);
    assert_int_equal(estab_capture_next(c, &p, &error), ESTAB_ERR_INVALID);
    assert_int_equal(error.error, ESTAB_ERR_INVALID);
    assert_int_equal(error.offset, offset);
    assert_int_equal(error.cut, cut);
    assert_true(strlen(error.text) > 10);
  }
  estab_capture_close(c);
}

static void wild_lengths_in_pcap(void **state)
{
  (void)state;
  static struct file f;
  static const uint32_t wild[] = {262145, ESTAB_CAPTURE_PACKET_MAX + 1, 0x80000000, UINT32_MAX};
  for (size_t i = 0; i < sizeof wild / sizeof wild[0]; i++) {
    pcap_begin(&f, false, 0xa1b2c3d4, i == 0 ? 65535 : UINT32_MAX, 1);
    pcap_packet(&f, 1, 0, bytes, 40, 40);
    const uint64_t at = f.count;
    pcap_packet(&f, 1, 0, bytes, 40, 40);
    file_store32(&f, at + 8, wild[i]);
    breaks(&f, 1, at, false);
  }
  pcap_begin(&f, false, 0xa1b2c3d4, UINT32_MAX, 1); // possible, but not there
  pcap_packet(&f, 1, 0, bytes, 40, 40);
  file_store32(&f, 24 + 8, ESTAB_CAPTURE_PACKET_MAX);
  breaks(&f, 0, 24, true);
}

static void wild_lengths_in_pcapng(void **state)
{
  (void)state;
  static struct file f;
  static const uint32_t wild[] = {0, 4, 8, 11, 13, 62, ESTAB_CAPTURE_PACKET_MAX + 4, UINT32_MAX};
  for (size_t i = 0; i <= sizeof wild / sizeof wild[0]; i++) {
    f.count = 0;
    section(&f, true);
    interface(&f, 1, 0, 0, 0);
    enhanced(&f, 0, 1, bytes, 20, 20);
    const size_t at = f.count;
    enhanced(&f, 0, 1, bytes, 20, 20);
    if (i < sizeof wild / sizeof wild[0])
      file_store32(&f, at + 4, wild[i]);
    else
      f.bytes[f.count - 1] ^= 4; // the second length
    breaks(&f, 1, at, false);
    f.count = at;
    enhanced(&f, 0, 1, bytes, 20, 20);
    file_store32(&f, at + 20, 56); // the packet's length
    breaks(&f, 1, at, false);
    file_store32(&f, at + 20, UINT32_MAX);
    breaks(&f, 1, at, false);
    file_store32(&f, at + 20, 20);
    file_store32(&f, at + 8, 1); // its interface
    breaks(&f, 1, at, false);
  }
}

static void pcapng_out_of_order(void **state)
{
  (void)state;
  static struct file f;
  f.count = 0;
  section(&f, false);
  const size_t first = f.count;
  enhanced(&f, 0, 1, bytes, 20, 20); // before any interface
  breaks(&f, 0, first, false);
  f.count = first;
  simple(&f, bytes, 4, 4);
  breaks(&f, 0, first, false);
  f.count = first;
  interface(&f, 1, 0, 0, 0);
  section(&f, false);
  const size_t second = f.count;
  enhanced(&f, 0, 1, bytes, 20, 20); // the interface belonged to the section before
  breaks(&f, 0, second, false);
  f.count = first;
  interface(&f, 1, 0, 6, 0);
  file_store32(&f, first + 16,
               0xffff0009); // an option longer than its block, at either end of the word
  breaks(&f, 0, first, false);
}

// Whatever ends too soon: the packets that are whole, then where it ends.
static void cut_everywhere(void **state)
{
  (void)state;
  static struct file f;
  for (int ng = 0; ng < 2; ng++) {
    size_t ends[6], packets = 0, header, first;
    f.count = 0;
    if (ng) {
      section(&f, false);
      header = f.count;
      interface(&f, 1, 0, 0, 0);
    } else {
      pcap_begin(&f, false, 0xa1b2c3d4, 65535, 1);
      header = f.count;
    }
    first = f.count;
    for (uint32_t i = 0; i < 5; i++) {
      if (!ng) pcap_packet(&f, 1, i, bytes, 20 + i, 20 + i);
      if (ng && i % 2) enhanced(&f, 0, i, bytes, 20 + i, 20 + i);
      if (ng && !(i % 2)) simple(&f, bytes, 20 + i, 20 + i);
      ends[packets++] = f.count;
    }
    for (size_t n = 0; n <= f.count; n++) {
      struct pieces pieces = {.count = n, .piece = 33};
      uint8_t *exact = malloc(n ? n : 1);
      assert_non_null(exact);
      memcpy(exact, f.bytes, n);
      pieces.bytes = exact;
      const struct estab_capture_source source = {&pieces, pieces_read};
      struct estab_capture_packet p;
      struct estab_capture_error error = {.text = ""};
      estab_capture *c;
      const int answer = estab_capture_open(&source, &c, &error);
      assert_int_equal(answer, n < header ? ESTAB_ERR_INVALID : 0);
      size_t whole = 0, got = 0;
      while (whole < packets && ends[whole] <= n)
        whole++;
      if (answer == 0) {
        int next;
        while ((next = estab_capture_next(c, &p, &error)) > 0)
          got++;
        assert_int_equal(got, whole);
        const bool clean = n == header || n == first || (whole > 0 && ends[whole - 1] == n);
        if (next == 0 && !clean) print_message("cut at %zu went unnoticed\n", n);
        if (clean && next != 0) print_message("%s\n", error.text);
        assert_int_equal(next, clean ? 0 : ESTAB_ERR_INVALID);
        assert_int_equal(error.cut, !clean);
      }
      estab_capture_close(c);
      free(exact);
    }
  }
}

static void no_captures(void **state)
{
  (void)state;
  static const struct {
    const char *bytes;
    size_t count;
    int error;
    const char *says;
  } rows[] = {
      {"", 0, ESTAB_ERR_INVALID, "empty"},
      {"ab", 2, ESTAB_ERR_INVALID, "too short"},
      {"#!/bin/sh, or something else", 28, ESTAB_ERR_INVALID, "no capture"},
      {"\x1f\x8b\x08\x00........................", 28, ESTAB_ERR_UNSUPPORTED, "gzip"},
      {"\x28\xb5\x2f\xfd........................", 28, ESTAB_ERR_UNSUPPORTED, "zstd"},
      {"\xd4\xc3\xb2\xa1\x03\x00\x00\x00................", 24, ESTAB_ERR_INVALID, "version"},
      {"\x0a\x0d\x0d\x0a....................", 24, ESTAB_ERR_INVALID, "byte-order"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct pieces pieces = {
        .bytes = (const uint8_t *)rows[i].bytes, .count = rows[i].count, .piece = 100};
    const struct estab_capture_source source = {&pieces, pieces_read};
    struct estab_capture_error error;
    estab_capture *c;
    assert_int_equal(estab_capture_open(&source, &c, &error), rows[i].error);
    assert_null(c);
    assert_non_null(strstr(error.text, rows[i].says));
    assert_int_equal(estab_capture_open(&source, &c, NULL), ESTAB_ERR_INVALID); // read up
  }
}

// A packet larger than the buffer, between small ones.
static void large_packets(void **state)
{
  (void)state;
  const uint32_t large = 3000000;
  struct file *small = calloc(1, sizeof *small);
  uint8_t *whole = calloc(1, 200 + large);
  assert_true(small && whole);
  pcap_begin(small, false, 0xa1b2c3d4, 1 << 22, 1);
  pcap_packet(small, 1, 0, bytes, 40, 40);
  pcap_packet(small, 2, 0, bytes, 0, large);
  file_store32(small, 24 + 16 + 40 + 8, large);
  memcpy(whole, small->bytes, small->count);
  size_t n = small->count + large;
  whole[n - 1] = 77;
  small->count = 0;
  pcap_packet(small, 3, 0, bytes, 40, 40);
  memcpy(whole + n, small->bytes, small->count);
  n += small->count;
  struct pieces pieces = {.bytes = whole, .count = n, .piece = 65536};
  const struct estab_capture_source source = {&pieces, pieces_read};
  struct estab_capture_packet p;
  estab_capture *c;
  assert_int_equal(estab_capture_open(&source, &c, NULL), 0);
  assert_int_equal(estab_capture_next(c, &p, NULL), 1);
  assert_int_equal(estab_capture_next(c, &p, NULL), 1);
  assert_int_equal(p.captured_bytes, large);
  assert_int_equal(p.bytes[large - 1], 77);
  assert_int_equal(estab_capture_next(c, &p, NULL), 1);
  assert_int_equal(p.captured_bytes, 40);
  assert_memory_equal(p.bytes, bytes, 40);
  assert_int_equal(estab_capture_next(c, &p, NULL), 0);
  estab_capture_close(c);
  free(whole);
  free(small);
}

static void sources_that_fail(void **state)
{
  (void)state;
  static struct file f;
  struct pieces pieces;
  struct estab_capture_packet p;
  struct estab_capture_error error;
  pcap_begin(&f, false, 0xa1b2c3d4, 65535, 1);
  pcap_packet(&f, 1, 0, bytes, 20, 20);
  estab_capture *c = opened(&pieces, &f, f.count, 100);
  pieces.fails = ESTAB_ERR_RESET;
  assert_int_equal(estab_capture_next(c, &p, &error), 1);
  assert_int_equal(estab_capture_next(c, &p, &error), ESTAB_ERR_RESET);
  assert_int_equal(error.error, ESTAB_ERR_RESET);
  assert_int_equal(error.offset, f.count);
  estab_capture_close(c);
}

static void descriptors(void **state)
{
  (void)state;
  static struct file f;
  struct estab_capture_packet p;
  struct estab_capture_error error;
  estab_capture *c;
  int ends[2];
  pcap_begin(&f, false, 0xa1b2c3d4, 65535, 1);
  pcap_packet(&f, 1, 0, bytes, 20, 20);
  assert_int_equal(pipe(ends), 0);
  assert_int_equal(write(ends[1], f.bytes, f.count), (ssize_t)f.count);
  close(ends[1]);
  assert_int_equal(estab_capture_open_fd(ends[0], &c, &error), 0);
  assert_int_equal(estab_capture_format(c), ESTAB_CAPTURE_PCAP);
  assert_int_equal(estab_capture_interfaces(c), 1);
  assert_int_equal(estab_capture_next(c, &p, &error), 1);
  assert_int_equal(estab_capture_next(c, &p, &error), 0);
  estab_capture_close(c);
  close(ends[0]);
  const int directory = open(".", O_RDONLY);
  assert_int_equal(estab_capture_open_fd(directory, &c, &error), ESTAB_ERR_INVALID);
  assert_non_null(strstr(error.text, "directory"));
  close(directory);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pcap_four_magics),
      cmocka_unit_test(pcap_old_versions),
      cmocka_unit_test(pcapng_everything),
      cmocka_unit_test(pcapng_notes),
      cmocka_unit_test(pcapng_resolutions),
      cmocka_unit_test(wild_lengths_in_pcap),
      cmocka_unit_test(wild_lengths_in_pcapng),
      cmocka_unit_test(pcapng_out_of_order),
      cmocka_unit_test(cut_everywhere),
      cmocka_unit_test(no_captures),
      cmocka_unit_test(large_packets),
      cmocka_unit_test(sources_that_fail),
      cmocka_unit_test(descriptors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
