// SPDX-License-Identifier: BSD-2-Clause
// test_doubt.c - fragments that contradict each other, text past the window, and what is counted, through the whole
// observer.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "support/watch_kit.h"
#include "support/wrapped.h"

static void put(struct watch_kit *k, struct wrapped *w, enum wrapping how)
{
  if (!k->w) assert_int_equal(estab_watch_new(&k->settings, &k->w), 0);
  const uint32_t link = wrapped_in(w, how);
  estab_watch_input(k->w, 0, link, wrapped_bytes(w), w->count, w->count, k->now_ns);
  k->now_ns += 20000000;
  if (!k->split_reads) watch_kit_pull(k);
}

static uint64_t counted(struct watch_kit *k, enum estab_watch_count count)
{
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_stats(k->w, &stats);
  return stats.counts[count];
}

// Octets [from, to) of what a segment carries behind its IP header, as a fragment.
static void piece(struct watch_kit *k, const struct estab_packet *sent, uint32_t id, size_t from,
                  size_t to)
{
  struct wrapped whole, w;
  wrapped_packet(&whole, sent);
  const size_t header = sent->version == 4 ? 20 : 40, all = whole.count - header;
  struct estab_packet p = *sent;
  if (to > all) to = all;
  p.kind = ESTAB_PACKET_FRAGMENT;
  p.protocol = ESTAB_PROTOCOL_TCP;
  p.fragment = (struct estab_fragment){id, (uint16_t)from, to < all};
  p.payload = wrapped_bytes(&whole) + header + from;
  p.payload_bytes = to - from;
  wrapped_packet(&w, &p);
  put(k, &w, WRAPPING_ETHERNET);
}

#define END 1000

// ATTACKS O9: an identification is used again, holes are no text, contradictions are said.
static void o9_fragments(void **state)
{
  (void)state;
  for (unsigned version = 4; version <= 6; version += 2) {
    static struct watch_kit k;
    const struct estab_packet a = wrapped_tcp(version, 0x018, "aaaaaaaaaaaaaaaaaaaaaaaa", 24);
    struct estab_packet b = wrapped_tcp(version, 0x018, "bbbbbbbbbbbbbbbbbbbbbbbb", 24);
    b.tcp.seq = a.tcp.seq + 24;

    // One after the other under the same identification: both whole, nothing mixed, no doubt.
    watch_kit_init(&k);
    k.settings.streams = true;
    piece(&k, &a, 9, 0, 40);
    piece(&k, &a, 9, 40, END);
    piece(&k, &b, 9, 40, END);
    piece(&k, &b, 9, 0, 40);
    assert_non_null(strstr(watch_kit_pull(&k), "stream o 0 aaaaaaaaaaaaaaaaaaaaaaaa"));
    assert_non_null(strstr(k.out, "stream o 24 bbbbbbbbbbbbbbbbbbbbbbbb"));
    assert_null(strstr(k.out, "ambiguity"));
    watch_kit_free(&k);

    // A hole of eight octets, then of none: whole only when it is.
    watch_kit_init(&k);
    k.settings.streams = true;
    piece(&k, &a, 9, 0, 32);
    piece(&k, &a, 9, 40, END);
    assert_string_equal(watch_kit_pull(&k), "");
    assert_int_equal(counted(&k, ESTAB_WATCH_COUNT_TCP), 0);
    piece(&k, &a, 9, 32, 40);
    assert_non_null(strstr(watch_kit_pull(&k), "aaaaaaaaaaaaaaaaaaaaaaaa"));
    watch_kit_free(&k);

    // The rest of the first never comes: what it left contradicts the second, and that is said.
    watch_kit_init(&k);
    piece(&k, &a, 9, 0, 40);
    piece(&k, &b, 9, 0, 40);
    piece(&k, &b, 9, 40, END);
    assert_non_null(strstr(watch_kit_pull(&k), "ambiguity fragment_overlap"));
    watch_kit_free(&k);

    // It never comes and nothing contradicts it: counted as lost.
    watch_kit_init(&k);
    piece(&k, &a, 9, 0, 40);
    estab_watch_flush(k.w);
    assert_int_equal(counted(&k, ESTAB_WATCH_COUNT_FRAGMENT), 1);
    assert_int_equal(counted(&k, ESTAB_WATCH_COUNT_FRAGMENT_LOST), 1);
    watch_kit_free(&k);
  }
}

// ATTACKS O9, O10: datagrams that are never whole, more than the cap allows.
static void o9_fragment_flood(void **state)
{
  (void)state;
  static struct watch_kit k;
  watch_kit_init(&k);
  const struct estab_packet a = wrapped_tcp(4, 0x018, "aaaaaaaaaaaaaaaaaaaaaaaa", 24);
  for (uint32_t id = 1; id < 40000; id++) {
    k.now_ns -= 19990000;
    piece(&k, &a, id, 0, 40);
  }
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_stats(k.w, &stats);
  assert_true(stats.memory_peak_bytes <= k.settings.max_bytes);
  assert_int_equal(stats.counts[ESTAB_WATCH_COUNT_FRAGMENT], 39999);
  assert_true(stats.counts[ESTAB_WATCH_COUNT_FRAGMENT_CAP] +
                  stats.counts[ESTAB_WATCH_COUNT_FRAGMENT_LOST] >
              0);
  watch_kit_free(&k);
}

// The first ambiguity of a kind.
static struct estab_watch_ambiguity doubt_of(struct watch_kit *k,
                                             enum estab_watch_ambiguity_kind kind)
{
  struct estab_watch_record r;
  struct estab_watch_ambiguity a = {.chosen = ""};
  while (estab_watch_next(k->w, &r))
    if (r.type == ESTAB_WATCH_AMBIGUITY && r.ambiguity.kind == kind && !a.chosen[0])
      a = r.ambiguity;
  return a;
}

// Both readings, the one that the observer goes by first.
static void readings(void **state)
{
  (void)state;
  static const struct {
    const char *tokens;
    enum estab_watch_ambiguity_kind kind;
    const char *chosen, *other;
  } rows[] = {
      {"S sa A A10 a A5h3", ESTAB_WATCH_AMBIGUITY_LOW_TTL, "dies on its way: usual TTL 64",
       "arrives: TTL 3"},
      {"S sa A A10 a A5h40", ESTAB_WATCH_AMBIGUITY_LOW_TTL, "arrives: TTL 40",
       "dies on its way: usual TTL 64"},
      {"S sa A A10 a rh3", ESTAB_WATCH_AMBIGUITY_LOW_TTL, "arrives: TTL 3",
       "dies on its way: usual TTL 64"},
      {"=5000 S S+70000", ESTAB_WATCH_AMBIGUITY_SEVERAL_SYNS, "isn 5000", "isn 75001"},
      {"=5000 S sa A A10 a S+70000", ESTAB_WATCH_AMBIGUITY_SEVERAL_SYNS,
       "not taken, expected seq 5011", "isn 75011"},
      {"=5000 S sa A A10 a r+9", ESTAB_WATCH_AMBIGUITY_RST_OUT_OF_WINDOW,
       "not taken, expected seq 6001", "taken, seq 6010"},
      {"=5000 S ra#7", ESTAB_WATCH_AMBIGUITY_RST_OUT_OF_WINDOW, "not taken, expected ack 5001",
       "taken, ack 5008"},
  };
  static struct watch_kit k;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    watch_kit_init(&k);
    k.split_reads = true;
    watch_kit_run(&k, rows[i].tokens);
    const struct estab_watch_ambiguity a = doubt_of(&k, rows[i].kind);
    assert_string_equal(a.chosen, rows[i].chosen);
    assert_string_equal(a.other, rows[i].other);
    watch_kit_free(&k);
  }
  static const char *const joined[][2] = {
      [ESTAB_WATCH_FIRST] = {"joined, of two octets the first one",
                             "joined, of two octets the last one"},
      [ESTAB_WATCH_LAST] = {"joined, of two octets the last one",
                            "joined, of two octets the first one"},
      [ESTAB_WATCH_LINUX] = {"dropped whole", "joined, of two octets the first one"},
  };
  for (size_t i = 0; i < sizeof joined / sizeof *joined; i++) {
    const struct estab_packet a = wrapped_tcp(4, 0x018, "aaaaaaaaaaaaaaaaaaaaaaaa", 24);
    const struct estab_packet b = wrapped_tcp(4, 0x018, "bbbbbbbbbbbbbbbbbbbbbbbb", 24);
    watch_kit_init(&k);
    k.settings.policy = (uint8_t)i;
    k.split_reads = true;
    piece(&k, &a, 9, 0, 40);
    piece(&k, &b, 9, 32, END);
    const struct estab_watch_ambiguity doubt = doubt_of(&k, ESTAB_WATCH_AMBIGUITY_FRAGMENT_OVERLAP);
    assert_string_equal(doubt.chosen, joined[i][0]);
    assert_string_equal(doubt.other, joined[i][1]);
    watch_kit_free(&k);
  }
}

static void text_past_the_window(void **state)
{
  (void)state;
  static struct watch_kit k;
  watch_kit_init(&k);
  watch_kit_run(&k, "S saw100 A A100 aw100 A100+1 aw100");
  assert_string_equal(watch_kit_pull(&k), "ambiguity data_past_window");
  watch_kit_free(&k);
  watch_kit_init(&k);
  watch_kit_run(&k, "S saw100 A A100 aw100 A100 aw100 A1+100 aw100"); // a probe of a closed window
  assert_string_equal(watch_kit_pull(&k), "");
  watch_kit_free(&k);
}

// What is counted and not tracked; four at most of a kind and connection are told, the rest is counted as well.
static void counts(void **state)
{
  (void)state;
  static struct watch_kit k;
  struct wrapped w;
  const struct estab_packet a = wrapped_tcp(4, 0x018, "text", 4);
  watch_kit_init(&k);
  wrapped_packet(&w, &a);
  put(&k, &w, WRAPPING_VXLAN);
  assert_int_equal(counted(&k, ESTAB_WATCH_COUNT_TUNNELED), 1);
  k.now_ns -= 15000000; // 5 ms after it: the tap's copy
  wrapped_packet(&w, &a);
  put(&k, &w, WRAPPING_VXLAN);
  assert_int_equal(counted(&k, ESTAB_WATCH_COUNT_DUPLICATE), 1);
  assert_int_equal(counted(&k, ESTAB_WATCH_COUNT_TCP), 1);
  watch_kit_free(&k);

  watch_kit_init(&k);
  watch_kit_run(&k, "S sa A A10o A10 a A10! A10! A10! A10! A10! A10!");
  assert_int_equal(counted(&k, ESTAB_WATCH_COUNT_OFFLOADED), 1);
  assert_int_equal(counted(&k, ESTAB_WATCH_COUNT_BAD_CHECKSUM), 6);
  assert_int_equal(k.ambiguities, 4);
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_stats(k.w, &stats);
  const struct estab_ip host = estab_ip4(192, 0, 2, 1);
  assert_true(estab_ip_equal(&stats.offloaded_host, &host));
  assert_int_equal(stats.ambiguities_counted_only, 2);
  watch_kit_free(&k);
}

// At most 1,000 a second in all, whoever raises them; the rest is counted.
static void a_thousand_a_second(void **state)
{
  (void)state;
  static struct watch_kit k;
  watch_kit_init(&k);
  k.now_ns += 20000000; // all within one second
  const struct estab_packet a = wrapped_tcp(4, 0x018, "aaaaaaaaaaaaaaaaaaaaaaaa", 24);
  struct estab_packet b = a;
  b.payload = (const uint8_t *)"bbbbbbbbbbbbbbbbbbbbbbbb";
  for (uint32_t id = 1; id <= 1500; id++) {
    for (unsigned i = 0; i < 3; i++) {
      k.now_ns -= 19900000; // 100 us each
      piece(&k, i ? &b : &a, id, i == 2 ? 40 : 0, i == 2 ? END : 40);
    }
    k.out[0] = '\0';
  }
  assert_int_equal(k.ambiguities, 1000);
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_stats(k.w, &stats);
  assert_int_equal(stats.ambiguities, 1000);
  assert_true(stats.ambiguities_counted_only >= 500);
  watch_kit_free(&k);
}

// How many names of rows the flush gives: at most two.
static unsigned names(struct watch_kit *k)
{
  struct estab_watch_record r;
  struct estab_watch_uid first;
  unsigned count = 0;
  estab_watch_flush(k->w);
  while (estab_watch_next(k->w, &r)) {
    if (r.type != ESTAB_WATCH_CONN) continue;
    if (count == 0) first = r.conn.uid;
    if (count == 0 || memcmp(&first, &r.conn.uid, sizeof first) != 0) count++;
  }
  return count;
}

// The same ends are one connection in every VLAN unless asked for, and another in another tunnel.
static void networks(void **state)
{
  (void)state;
  static const struct {
    enum wrapping how;
    bool key_vlan;
    uint64_t flows;
  } all[] = {{WRAPPING_VLAN, false, 1},
             {WRAPPING_VLAN, true, 2},
             {WRAPPING_VXLAN, false, 2},
             {WRAPPING_GRE, false, 2},
             {WRAPPING_GENEVE, false, 2}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    static struct watch_kit k;
    struct wrapped w;
    struct estab_packet a = wrapped_tcp(4, 0x018, "text", 4);
    watch_kit_init(&k);
    k.settings.key_vlan = all[i].key_vlan;
    wrapped_packet(&w, &a);
    const uint64_t at_ns = k.now_ns;
    put(&k, &w, WRAPPING_ETHERNET);
    a.tcp.seq += 4;
    wrapped_packet(&w, &a);
    k.now_ns = at_ns; // by their time the names could be the same
    put(&k, &w, all[i].how);
    assert_int_equal(names(&k), all[i].flows);
    struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
    estab_watch_stats(k.w, &stats);
    assert_int_equal(stats.flows, all[i].flows);
    watch_kit_free(&k);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(readings),
      cmocka_unit_test(o9_fragments),
      cmocka_unit_test(o9_fragment_flood),
      cmocka_unit_test(text_past_the_window),
      cmocka_unit_test(counts),
      cmocka_unit_test(a_thousand_a_second),
      cmocka_unit_test(networks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
