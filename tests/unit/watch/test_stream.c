// SPDX-License-Identifier: BSD-2-Clause
// test_stream.c - the octets of both sides in order: holes, overlaps under each policy, ends, gaps.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "support/watch_kit.h"
#include "estab/driver.h"
#include "estab/wire.h"
#include "watch/stream_wait.h"

#define ISN 0xfffffffau // the text crosses 2^32

static char streams[2][8192];
static unsigned ends[2], gaps[2], overlaps;

static void open_kit(struct watch_kit *k, enum estab_watch_policy policy)
{
  watch_kit_init(k);
  k->settings.streams = true;
  k->settings.policy = (uint8_t)policy;
  k->split_reads = true;
  memset(streams, 0, sizeof streams);
  memset(ends, 0, sizeof ends);
  memset(gaps, 0, sizeof gaps);
  overlaps = 0;
  watch_kit_frame(k, 0, ESTAB_TCP_SYN, ISN, 0, 1000, NULL, 0, false);
  watch_kit_frame(k, 1, ESTAB_TCP_SYN | ESTAB_TCP_ACK, 5000, ISN + 1, 1000, NULL, 0, false);
  watch_kit_frame(k, 0, ESTAB_TCP_ACK, ISN + 1, 5001, 1000, NULL, 0, false);
}

static void take(struct watch_kit *k)
{
  struct estab_watch_record r;
  while (estab_watch_next(k->w, &r)) {
    if (r.type == ESTAB_WATCH_AMBIGUITY)
      overlaps += r.ambiguity.kind == ESTAB_WATCH_AMBIGUITY_OVERLAP;
    if (r.type != ESTAB_WATCH_STREAM) continue;
    char *to = streams[r.stream.side];
    for (uint64_t i = 0; i < r.stream.gap_bytes; i++)
      strcat(to, "?");
    gaps[r.stream.side] += r.stream.gap_bytes > 0;
    assert_int_equal(strlen(to), r.stream.offset);
    if (r.stream.length) strncat(to, (const char *)r.stream.bytes, r.stream.length);
    ends[r.stream.side] += r.stream.end;
  }
}

// Text of the client at a place of its stream.
static void text(struct watch_kit *k, uint32_t at, const char *octets)
{
  watch_kit_frame(k, 0, ESTAB_TCP_ACK, ISN + 1 + at, 5001, 1000, octets, strlen(octets), false);
  take(k);
}

static void close_kit(struct watch_kit *k)
{
  estab_watch_flush(k->w);
  take(k);
  watch_kit_free(k);
}

static void in_order_and_not(void **state)
{
  (void)state;
  static struct watch_kit k;
  open_kit(&k, ESTAB_WATCH_LINUX);
  text(&k, 0, "abc");
  assert_string_equal(streams[0], "abc");
  text(&k, 6, "ghi");
  text(&k, 12, "m");
  assert_string_equal(streams[0], "abc");
  text(&k, 9, "jkl");
  text(&k, 3, "def");
  assert_string_equal(streams[0], "abcdefghijklm");
  text(&k, 10, "klmno"); // again, and more
  assert_string_equal(streams[0], "abcdefghijklmno");
  watch_kit_frame(&k, 0, ESTAB_TCP_FIN | ESTAB_TCP_ACK, ISN + 1 + 15, 5001, 1000, "!", 1, false);
  take(&k);
  assert_string_equal(streams[0], "abcdefghijklmno!");
  assert_int_equal(ends[0], 1);
  assert_int_equal(gaps[0] + overlaps, 0);
  close_kit(&k);
  assert_int_equal(ends[0], 1);
}

static void what_was_never_captured(void **state)
{
  (void)state;
  static struct watch_kit k;
  open_kit(&k, ESTAB_WATCH_LINUX);
  text(&k, 0, "abc");
  text(&k, 5, "fg");
  watch_kit_frame(&k, 1, ESTAB_TCP_ACK, 5001, ISN + 1 + 7, 1000, NULL, 0, false);
  take(&k);
  assert_string_equal(streams[0], "abc??fg");
  text(&k, 7, "h");
  assert_string_equal(streams[0], "abc??fgh");
  close_kit(&k);
}

// Fast Open: the server's text may overtake its SYN-ACK. It is not taken then; said again behind it it is, and is no
// copy that the capture made. Who gave up meanwhile takes nothing.
static void text_before_the_answer(void **state)
{
  (void)state;
  for (unsigned given_up = 0; given_up < 2; given_up++) {
    static struct watch_kit k;
    open_kit(&k, ESTAB_WATCH_LINUX);
    k.port[0]++; // another connection
    watch_kit_frame(&k, 0, ESTAB_TCP_SYN, ISN, 0, 1000, NULL, 0, false);
    if (given_up) watch_kit_frame(&k, 0, ESTAB_TCP_RST, ISN + 1, 0, 0, NULL, 0, false);
    for (unsigned i = 0; i < 2; i++) {
      watch_kit_frame(&k, 1, ESTAB_TCP_ACK, 5004, ISN + 1, 1000, "def", 3, false);
      take(&k);
      if (i == 0)
        watch_kit_frame(&k, 1, ESTAB_TCP_SYN | ESTAB_TCP_ACK, 5000, ISN + 1, 1000, NULL, 0, false);
    }
    watch_kit_frame(&k, 1, ESTAB_TCP_ACK, 5001, ISN + 1, 1000, "abc", 3, false);
    take(&k);
    assert_string_equal(streams[1], given_up ? "" : "abcdef");
    close_kit(&k);
  }
}

struct overlap {
  const char *name;
  struct {
    uint32_t at;
    const char *octets;
  } segments[5];
  const char *by[5]; // enum estab_watch_policy; NULL = not looked at
};

// ATTACKS O1. The first three lines and the last three are what a Linux kernel was seen to do.
static void o1_overlaps(void **state)
{
  (void)state;
  static const struct overlap all[] = {
      {"before and the same end",
       {{3, "AAAAAA"}, {0, "bbbbbbbbb"}},
       {"bbbAAAAAA", "bbbbbbbbb", "bbbbbbbbb", "bbbbbbbbb", "bbbAAAAAA"}},
      {"before and into it",
       {{3, "AAAAAA"}, {0, "bbbbb"}},
       {"bbbAAAAAA", "bbbbbAAAA", "bbbbbAAAA", "bbbbbAAAA", "bbbAAAAAA"}},
      {"three, each before the last",
       {{6, "AAAA"}, {3, "cccccc"}, {0, "ddd"}},
       {"dddcccAAAA", "dddccccccA", "dddccccccA", "dddccccccA", "dddcccAAAA"}},
      {"inside",
       {{1, "AAAAAA"}, {3, "bb"}, {0, "c"}},
       {"cAAAAAA", "cAAbbAA", "cAAAAAA", "cAAAAAA", "cAAAAAA"}},
      {"the same begin, longer",
       {{1, "AAA"}, {1, "bbbbb"}, {0, "c"}},
       {"cAAAbb", "cbbbbb", "cbbbbb", "cAAAbb", "cAAAbb"}},
      {"around it",
       {{3, "AA"}, {1, "bbbbbb"}, {0, "c"}},
       {"cbbAAbb", "cbbbbbb", "cbbbbbb", "cbbbbbb", "cbbbbbb"}},
      {"after it",
       {{1, "AAA"}, {3, "bbb"}, {0, "c"}},
       {"cAAAbb", "cAAbbb", "cAAAbb", "cAAAbb", "cAAAbb"}},
      {"given out already",
       {{0, "abcdef"}, {2, "XXXX"}},
       {"abcdef", "abcdef", "abcdef", "abcdef", "abcdef"}},
      {"the same begin, longer, behind another",
       {{1, "AAA"}, {4, "BBB"}, {4, "ccccc"}, {0, "z"}},
       {"zAAABBBcc", "zAAAccccc", "zAAABBBcc", "zAAABBBcc", "zAAABBBcc"}},
      {"the same, which came before that",
       {{4, "BBB"}, {1, "AAA"}, {4, "ccccc"}, {0, "z"}},
       {"zAAABBBcc", "zAAAccccc", "zAAAccccc", "zAAABBBcc", "zAAABBBcc"}},
      {"into the first of three in a row",
       {{1, "AAA"}, {4, "BBB"}, {7, "CC"}, {5, "ddddd"}, {0, "z"}},
       {"zAAABBBCCd", "zAAABddddd", "zAAABBBCCd", "zAAABBBddd", "zAAABBBddd"}},
  };
  unsigned bad = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    for (int policy = ESTAB_WATCH_FIRST; policy <= ESTAB_WATCH_WINDOWS; policy++) {
      static struct watch_kit k;
      open_kit(&k, (enum estab_watch_policy)policy);
      for (unsigned j = 0; j < 5 && all[i].segments[j].octets; j++)
        text(&k, all[i].segments[j].at, all[i].segments[j].octets);
      if (strcmp(streams[0], all[i].by[policy]) != 0 || overlaps == 0) {
        print_error("%s, policy %d: %s, want %s; %u ambiguities\n", all[i].name, policy, streams[0],
                    all[i].by[policy], overlaps);
        bad++;
      }
      close_kit(&k);
    }
  assert_int_equal(bad, 0);
}

// ATTACKS O2, O8: what its receiver does not get, or does not take, is not given out.
static void o2_not_delivered(void **state)
{
  (void)state;
  static struct watch_kit k;
  for (int policy = ESTAB_WATCH_FIRST; policy <= ESTAB_WATCH_WINDOWS; policy++) {
    open_kit(&k, (enum estab_watch_policy)policy);
    k.ttl = 3;
    text(&k, 0, "evil");
    assert_string_equal(streams[0], "");
    k.ttl = 64;
    text(&k, 0, "good");
    assert_string_equal(streams[0], "good");
    k.ttl = 3;
    text(&k, 2, "vil, too");
    k.ttl = 50; // other, but enough to come anywhere
    text(&k, 4, " work");
    assert_string_equal(streams[0], "good work");
    assert_int_equal(overlaps, 3);
    close_kit(&k);
  }
  // What was acknowledged, and nobody sent again, came: so will what has as many hops left.
  open_kit(&k, ESTAB_WATCH_LINUX);
  k.ttl = 10;
  text(&k, 0, "abc");
  watch_kit_frame(&k, 1, ESTAB_TCP_ACK, 5001, ISN + 4, 1000, NULL, 0, false);
  take(&k);
  assert_string_equal(streams[0], "???");
  k.ttl = 10;
  text(&k, 3, "def");
  assert_string_equal(streams[0], "???def");
  close_kit(&k);
  // However much is under way by then. A FIN is believed, and so is the text before it.
  open_kit(&k, ESTAB_WATCH_LINUX);
  k.ttl = 10;
  for (uint32_t i = 0; i < 5; i++)
    text(&k, 3 * i, "abc");
  watch_kit_frame(&k, 1, ESTAB_TCP_ACK, 5001, ISN + 4, 1000, NULL, 0, false);
  text(&k, 15, "def");
  watch_kit_frame(&k, 1, ESTAB_TCP_ACK, 5001, ISN + 19, 1000, NULL, 0, false);
  take(&k);
  k.ttl = 3;
  watch_kit_frame(&k, 0, ESTAB_TCP_ACK | ESTAB_TCP_FIN, ISN + 19, 5001, 1000, "end", 3, false);
  take(&k);
  assert_string_equal(streams[0], "???????????????defend");
  assert_int_equal(ends[0], 1);
  close_kit(&k);
  // But not where it came again.
  open_kit(&k, ESTAB_WATCH_LINUX);
  k.ttl = 10;
  text(&k, 0, "abc");
  k.ttl = 64;
  text(&k, 0, "abc");
  watch_kit_frame(&k, 1, ESTAB_TCP_ACK, 5001, ISN + 4, 1000, NULL, 0, false);
  k.ttl = 10;
  text(&k, 3, "def");
  assert_string_equal(streams[0], "abc");
  close_kit(&k);
  // RFC 7323 5.3.
  watch_kit_init(&k);
  k.settings.streams = true;
  k.split_reads = true;
  k.ts = 100;
  memset(streams, 0, sizeof streams);
  watch_kit_frame(&k, 0, ESTAB_TCP_SYN, ISN, 0, 1000, NULL, 0, false);
  watch_kit_frame(&k, 1, ESTAB_TCP_SYN | ESTAB_TCP_ACK, 5000, ISN + 1, 1000, NULL, 0, false);
  watch_kit_frame(&k, 0, ESTAB_TCP_ACK, ISN + 1, 5001, 1000, NULL, 0, false);
  k.ts = 99;
  text(&k, 0, "old");
  k.ts = 101;
  text(&k, 0, "new");
  assert_string_equal(streams[0], "new");
  close_kit(&k);
}

static void a_hole_for_ever(void **state)
{
  (void)state;
  static struct watch_kit k;
  open_kit(&k, ESTAB_WATCH_LINUX);
  watch_kit_free(&k);
  watch_kit_init(&k);
  k.settings.streams = true;
  k.settings.stream_hole_bytes = 16384;
  k.split_reads = true;
  static char much[1001];
  memset(much, 'x', 1000);
  watch_kit_frame(&k, 0, ESTAB_TCP_SYN, ISN, 0, 1000, NULL, 0, false);
  for (uint32_t i = 0; i < 3; i++) // the first octet never comes
    text(&k, 1 + i * 1000, much);
  assert_string_equal(streams[0], "");
  for (uint32_t i = 3; i < 15; i++) {
    watch_kit_frame(&k, 0, ESTAB_TCP_ACK, ISN + 2 + i * 1000, 5001, 1000, much, 1000, false);
    struct estab_watch_record r;
    while (estab_watch_next(k.w, &r))
      if (r.type == ESTAB_WATCH_STREAM) gaps[0] += r.stream.gap_bytes == 1;
  }
  assert_int_equal(gaps[0], 1); // given up when the bound was reached
  watch_kit_free(&k);
}

// A fast flow that loses one segment: thousands of pieces wait behind it, out of order at that.
static void many_pieces_wait(void **state)
{
  (void)state;
  static struct watch_kit k;
  open_kit(&k, ESTAB_WATCH_LINUX);
  for (uint32_t i = 0; i < 2000; i++) // 7 and 2000 share no divisor: each once
    text(&k, 2 + 2 * (i * 7 % 2000), "yz");
  assert_string_equal(streams[0], "");
  text(&k, 0, "ab");
  assert_int_equal(strlen(streams[0]), 4002);
  assert_int_equal(gaps[0], 0);
  assert_memory_equal(streams[0] + 3998, "yzyz", 5);
  close_kit(&k);
}

// Pieces that Linux makes one of are joined, but no further than it costs little to cut the beginning off.
static void joined_text_is_bounded(void **state)
{
  (void)state;
  struct mem mem;
  struct stream_wait w = {0};
  static const uint8_t octets[1448];
  mem_init(&mem, estab_system_mem());
  const struct stream_rule rule = {.mem = &mem, .max_bytes = 1 << 20, .policy = ESTAB_WATCH_LINUX};
  uint32_t most = 0;
  for (uint32_t seq = ISN, i = 0; i < 500; i++, seq += sizeof octets)
    stream_wait_insert(&w, &rule, seq, seq + sizeof octets, octets, seq, seq + sizeof octets);
  assert_int_equal(w.held, 500 * sizeof octets);
  for (uint32_t i = 0; i < w.count; i++) {
    const struct stream_block *b = w.at[w.head + i];
    if (b->end - b->seq > most) most = b->end - b->seq;
  }
  assert_in_range(most, 2 * sizeof octets, 16384);
  stream_wait_free(&w, &mem);
  assert_int_equal(mem.in_use_bytes, 0);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(in_order_and_not),
      cmocka_unit_test(what_was_never_captured),
      cmocka_unit_test(o1_overlaps),
      cmocka_unit_test(o2_not_delivered),
      cmocka_unit_test(a_hole_for_ever),
      cmocka_unit_test(many_pieces_wait),
      cmocka_unit_test(text_before_the_answer),
      cmocka_unit_test(joined_text_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
