// SPDX-License-Identifier: BSD-2-Clause
// test_gso.c - cutting and merging super-segments: cut equals what is emitted plainly, merged is cut again the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "estab/driver.h"
#include "support/packets.h"

#include <stdlib.h>

#define SEQ 0xfffffff0u // wraps within every test
#define MSS 1448

// The IPv4 identification is counted up by the cut, so the plain frame is given the same one.
static void set_id(uint8_t *frame, size_t l3, unsigned id)
{
  uint8_t *ip = frame + l3;
  if (ip[0] >> 4 != 4) return;
  ip[4] = (uint8_t)(id >> 8);
  ip[5] = (uint8_t)id;
  ip[10] = ip[11] = 0;
  uint16_t sum = estab_checksum_finish(estab_checksum_add(0, ip, 20));
  ip[10] = (uint8_t)(sum >> 8);
  ip[11] = (uint8_t)sum;
}

static void super_frame(struct estab_frame *f, uint8_t *bytes, int version, int link,
                        size_t text_bytes, uint16_t flags)
{
  size_t n = packet_tcp(bytes, 66000, version, link, SEQ, text_bytes, flags);
  assert_true(n > 0);
  packet_frame(f, bytes, n, link);
  f->gso_type = version == 4 ? ESTAB_GSO_TCP4 : ESTAB_GSO_TCP6;
  f->gso_bytes = MSS;
}

static void cut_equals_plain(int version, int link, size_t text_bytes, uint16_t flags)
{
  static uint8_t super[66000], cut[2000], plain[2000];
  struct estab_frame f;
  super_frame(&f, super, version, link, text_bytes, flags);
  unsigned count = estab_gso_count(&f);
  assert_int_equal(count, (text_bytes + MSS - 1) / MSS);
  unsigned id = (unsigned)super[f.l3_offset + 4] << 8 | super[f.l3_offset + 5];
  for (unsigned i = 0; i < count; i++) {
    size_t from = (size_t)i * MSS, part = text_bytes - from < MSS ? text_bytes - from : MSS;
    uint16_t want = flags;
    if (i + 1 < count) want &= (uint16_t) ~(ESTAB_TCP_PSH | ESTAB_TCP_FIN);
    if (i > 0) want &= (uint16_t)~ESTAB_TCP_CWR;
    size_t n = packet_tcp(plain, sizeof plain, version, link, SEQ + (uint32_t)from, part, want);
    set_id(plain, f.l3_offset, id + i);
    // In an exact-size buffer, so that a byte too far is seen.
    uint8_t *exact = malloc(n);
    int m = estab_gso_cut(&f, i, exact, n);
    assert_int_equal(m, n);
    assert_memory_equal(exact, plain, n);
    free(exact);
    assert_int_equal(estab_gso_cut(&f, i, cut, n - 1), ESTAB_ERR_TOO_BIG);
  }
  assert_int_equal(estab_gso_cut(&f, count, cut, sizeof cut), ESTAB_ERR_INVALID);
}

static void cuts(void **state)
{
  (void)state;
  for (int version = 4; version <= 6; version += 2)
    for (int link = ESTAB_LINK_RAW; link <= ESTAB_LINK_ETHERNET; link++) {
      cut_equals_plain(version, link, MSS + 1, ESTAB_TCP_PSH);
      cut_equals_plain(version, link, 3 * MSS, ESTAB_TCP_PSH | ESTAB_TCP_FIN);
      cut_equals_plain(version, link, 44 * MSS, ESTAB_TCP_CWR | ESTAB_TCP_ECE);
      cut_equals_plain(version, link, 10 * MSS + 700, 0);
    }
}

// Text in several pieces whose borders are not the segments'.
static void cuts_pieces(void **state)
{
  static uint8_t super[66000], cut[2000], whole[2000];
  struct estab_frame f, g;
  (void)state;
  super_frame(&f, super, 4, ESTAB_LINK_RAW, 5000, ESTAB_TCP_PSH);
  g = f;
  size_t borders[] = {0, 40, 52, 53, 1400, 3001, f.pieces[0].length};
  g.piece_count = 6;
  for (unsigned i = 0; i < 6; i++)
    g.pieces[i] = (struct estab_piece){super + borders[i], borders[i + 1] - borders[i], NULL};
  for (unsigned i = 0; i < estab_gso_count(&f); i++) {
    int n = estab_gso_cut(&f, i, whole, sizeof whole);
    assert_int_equal(estab_gso_cut(&g, i, cut, sizeof cut), n);
    assert_memory_equal(cut, whole, (size_t)n);
  }
}

static void unfinished_checksum(void **state)
{
  uint8_t bytes[200], done[200];
  struct estab_frame f;
  (void)state;
  size_t n = packet_tcp(bytes, sizeof bytes, 4, ESTAB_LINK_RAW, SEQ, 33, 0);
  memcpy(done, bytes, n);
  struct estab_ip src = estab_ip4(192, 0, 2, 1), dst = estab_ip4(192, 0, 2, 2);
  uint16_t sum = estab_checksum_fold(
      estab_checksum_pseudo(&src, &dst, ESTAB_PROTOCOL_TCP, (uint32_t)(n - 20)));
  bytes[36] = (uint8_t)(sum >> 8);
  bytes[37] = (uint8_t)sum;
  packet_frame(&f, bytes, n, ESTAB_LINK_RAW);
  f.checksum = ESTAB_CHECKSUM_PARTIAL;
  f.checksum_start = 20;
  f.checksum_offset = 16;
  uint8_t out[200];
  assert_int_equal(estab_gso_cut(&f, 0, out, sizeof out), n);
  assert_memory_equal(out, done, n);
  f.checksum_start = (uint16_t)(n - 17);
  assert_int_equal(estab_gso_cut(&f, 0, out, sizeof out), ESTAB_ERR_INVALID);
}

// Frames merged and cut again are the frames.
static void merge_round_trip(int version, int link)
{
  static uint8_t merged[66000], frame[2000], again[2000];
  struct estab_gro gro = {.bytes = merged, .room = sizeof merged};
  struct estab_frame f;
  uint16_t l3 = link == ESTAB_LINK_ETHERNET ? ESTAB_ETH_HEADER_BYTES : 0;
  for (unsigned i = 0; i < 20; i++) {
    size_t text = i == 19 ? 300 : MSS;
    size_t n = packet_tcp(frame, sizeof frame, version, link, SEQ + i * MSS, text,
                          i == 19 ? ESTAB_TCP_PSH : 0);
    assert_true(estab_gro_merge(&gro, frame, n, l3));
  }
  size_t n = packet_tcp(frame, sizeof frame, version, link, SEQ + 19 * MSS + 300, 10, 0);
  assert_false(estab_gro_merge(&gro, frame, n, l3)); // a shorter one came before
  estab_gro_frame(&gro, &f);
  assert_int_equal(f.segments, 20);
  assert_int_equal(f.gso_bytes, MSS);
  assert_int_equal(f.checksum, ESTAB_CHECKSUM_PARTIAL);
  assert_int_equal(estab_gso_count(&f), 20);
  unsigned id = (unsigned)merged[l3 + 4] << 8 | merged[l3 + 5];
  for (unsigned i = 0; i < 20; i++) {
    size_t text = i == 19 ? 300 : MSS;
    n = packet_tcp(frame, sizeof frame, version, link, SEQ + i * MSS, text,
                   i == 19 ? ESTAB_TCP_PSH : 0);
    set_id(frame, l3, id + i);
    assert_int_equal(estab_gso_cut(&f, i, again, sizeof again), n);
    assert_memory_equal(again, frame, n);
  }
  // Whole, the unfinished checksum can be finished, and the packet is a right one.
  struct estab_packet p;
  memcpy(again, merged, sizeof again);
  assert_true(estab_checksum_complete(merged, gro.length, f.checksum_start, f.checksum_offset));
  assert_true(estab_packet_parse(link, merged, gro.length, false, &p) > 0);
  assert_int_equal(p.payload_bytes, 19 * MSS + 300);
}

static void merges(void **state)
{
  (void)state;
  for (int version = 4; version <= 6; version += 2)
    for (int link = ESTAB_LINK_RAW; link <= ESTAB_LINK_ETHERNET; link++)
      merge_round_trip(version, link);
}

// What would be lost or changed by merging stays alone.
static void refuses_to_merge(void **state)
{
  static uint8_t merged[66000], first[2000], second[2000];
  size_t n = packet_tcp(first, sizeof first, 4, ESTAB_LINK_RAW, SEQ, MSS, 0);
  (void)state;
  struct {
    uint32_t seq;
    size_t text;
    uint16_t flags;
    int change; // index of a byte to be flipped, checksums put right; 0 = none, -1 = checksum left wrong
    bool taken;
  } cases[] = {
      {SEQ + MSS, MSS, 0, 0, true},
      {SEQ + MSS, MSS, ESTAB_TCP_PSH, 0, true},
      {SEQ + MSS, MSS, ESTAB_TCP_FIN, 0, true},
      {SEQ + MSS + 1, MSS, 0, 0, false},
      {SEQ + MSS, MSS + 1, 0, 0, false},
      {SEQ + MSS, 0, 0, 0, false},
      {SEQ + MSS, MSS, ESTAB_TCP_URG, 0, false},
      {SEQ + MSS, MSS, ESTAB_TCP_CWR, 0, false},
      {SEQ + MSS, MSS, ESTAB_TCP_RST, 0, false},
      {SEQ + MSS, MSS, ESTAB_TCP_ECE, 0, false},
      {SEQ + MSS, MSS, 0, -1, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct estab_gro gro = {.bytes = merged, .room = sizeof merged};
    assert_true(estab_gro_merge(&gro, first, n, 0));
    size_t m = packet_tcp(second, sizeof second, 4, ESTAB_LINK_RAW, cases[i].seq, cases[i].text,
                          cases[i].flags);
    if (cases[i].change < 0) second[m - 1] ^= 1;
    if (estab_gro_merge(&gro, second, m, 0) != cases[i].taken) fail_msg("case %zu", i);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cuts),
      cmocka_unit_test(cuts_pieces),
      cmocka_unit_test(unfinished_checksum),
      cmocka_unit_test(merges),
      cmocka_unit_test(refuses_to_merge),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
