// SPDX-License-Identifier: BSD-2-Clause
// test_strange.c - floods and probes inside one 4-tuple: what does not go with the life whose ports it has.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "estab/wire.h"
#include "support/watch_kit.h"

#define FLOOD 4500 // segments, one a millisecond

enum { F = ESTAB_TCP_FIN, S = ESTAB_TCP_SYN, R = ESTAB_TCP_RST, P = ESTAB_TCP_PSH };
enum { A = ESTAB_TCP_ACK, U = ESTAB_TCP_URG };

static void open_kit(struct watch_kit *k, const char *before)
{
  watch_kit_init(k);
  k->settings.detect = true;
  k->settings.max_bytes = 32 << 20;
  watch_kit_run(k, before);
}

// What was told of it besides rows and ambiguities: "syn_flood ", each kind once.
static const char *kinds(struct watch_kit *k)
{
  static char text[256];
  text[0] = '\0';
  k->out[0] = '\0';
  estab_watch_flush(k->w);
  struct estab_watch_record r;
  while (estab_watch_next(k->w, &r)) {
    if (r.type != ESTAB_WATCH_ALERT) continue;
    const char *kind = estab_watch_kind_name((enum estab_watch_kind)r.alert.kind);
    if (!strstr(text, kind)) snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", kind);
  }
  watch_kit_free(k);
  return text;
}

struct flood {
  const char *name, *before, *want;
  uint16_t flags;
  bool still;    // the same numbers each time
  bool answered; // by RST
};

static void floods(void **state)
{
  (void)state;
  static const struct flood all[] = {
      {"SYN, nobody answers", "S", "syn_flood ", S, false, false},
      {"SYN of a known connection", "S sa A A100 a", "syn_flood ", S, false, false},
      {"SYN, the same each time", "S", "syn_flood ", S, true, false},
      {"ACK into a connection", "S sa A A100 a", "ack_flood ", A, false, false},
      {"ACK to nobody", "A", "ack_flood ", A, true, false},
      {"ACK, refused each time", "A", "ack_flood ", A, false, true},
      {"RST to nobody", "R", "rst_flood ", R, false, false},
      {"RST into a connection", "S sa A A100 a", "rst_injection rst_flood ", R, false, false},
      {"FIN+ACK into a connection", "S sa A A100 a", "fin_flood ", F | A, false, false},
      {"FIN+ACK, the same each time", "FA", "fin_flood ", F | A, true, false},
      {"SYN-ACK to nobody", "SA", "synack_flood ", S | A, false, false},
  };
  unsigned bad = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    static struct watch_kit k;
    open_kit(&k, all[i].before);
    uint32_t seq = k.side[0].nxt - (all[i].flags & (S | F) ? 1 : 0), ack = k.side[0].got;
    for (uint32_t n = 0; n < (all[i].still ? 4 * FLOOD : FLOOD); n++) {
      if (!all[i].still) seq = seq * 1664525 + 1013904223;
      watch_kit_frame(&k, 0, all[i].flags, seq, ack, 512, NULL, 0, false);
      if (all[i].answered) {
        k.now_ns -= 900000;
        watch_kit_frame(&k, 1, R, ack, 0, 0, NULL, 0, false);
        k.now_ns -= 100000;
      }
      // Identical frames: of four, three may be copies that a mirror made.
      if (all[i].still) k.now_ns -= 750000;
      k.out[0] = '\0';
    }
    const char *got = kinds(&k);
    if (strcmp(got, all[i].want) != 0) {
      print_error("%s: %s, want %s\n", all[i].name, got, all[i].want);
      bad++;
    }
  }
  assert_int_equal(bad, 0);
}

// Downloads that are given up: each late segment is refused, at the number that its sender stands at, in bursts.
static void aborts(void **state)
{
  (void)state;
  for (unsigned one_way = 0; one_way < 2; one_way++)
    for (unsigned forged = 0; forged < 2; forged++) {
      static struct watch_kit k;
      open_kit(&k, "");
      for (unsigned n = 0; n < 120; n++) {
        memset(k.side, 0, sizeof k.side);
        k.port[0] = (uint16_t)(20000 + n);
        watch_kit_run(&k, "=70000 S");
        k.no_frames = one_way;
        watch_kit_run(&k, "sa");
        k.no_frames = false;
        watch_kit_run(&k, "A A9");
        uint32_t seq = k.side[0].nxt;
        k.no_frames = one_way;
        for (unsigned late = 0; late < 60; late++)
          watch_kit_run(&k, "a100x");
        k.no_frames = false;
        watch_kit_frame(&k, 0, R | A, seq, k.side[0].got, 512, NULL, 0, false);
        for (unsigned late = 0; late < 60; late++) {
          if (forged) seq = seq * 1664525 + 1013904223;
          watch_kit_frame(&k, 0, R, seq, 0, (uint16_t)late, NULL, 0, false); // no copies
          k.now_ns -= 990000;
        }
        k.now_ns -= 30000000;
        k.out[0] = '\0';
      }
      const char *got = kinds(&k);
      assert_true(!strstr(got, "rst_flood") == !forged);
    }
}

// A client that opens and closes thousands of connections a second comes back to its ports. Where the tap sees it
// alone, nothing says that the first of a port is over.
static void ports_again(void **state)
{
  (void)state;
  static struct watch_kit k;
  open_kit(&k, "");
  for (unsigned n = 0; n < 4 * FLOOD; n++) {
    k.port[0] = (uint16_t)(20000 + n % 3000);
    watch_kit_run(&k, n < 3000 ? "=70000" : "=90000");
    k.side[0].nxt += n * 1000;
    k.side[0].got = k.side[1].got = 0;
    k.side[0].acks = k.side[1].acks = false;
    watch_kit_run(&k, "St5"); // a kernel's
    k.no_frames = true;
    watch_kit_run(&k, "sa");
    k.no_frames = false;
    watch_kit_run(&k, "At5 A40t5 FAt5");
    k.now_ns -= 4700000;
    k.out[0] = '\0';
  }
  assert_string_equal(kinds(&k), "");
}

// One segment is enough where no TCP sends it, and none where a clumsy one may.
static void probes_inside(void **state)
{
  (void)state;
  static const struct {
    uint16_t flags;
    long ts;
    const char *want;
  } all[] = {
      {0, -1, "null_scan "},
      {F | P | U, -1, "xmas_scan "},
      {S | F, -1, "synfin_scan "},
      {S | R, -1, "bogus_flags "},
      {S | F | R | P | A | U, -1, "bogus_flags "},
      {A, UINT32_MAX, "os_probe "},
      {S | F | P | U, UINT32_MAX, "os_probe "},
      {F, -1, ""},
      {P, -1, ""},
      {A, -1, ""},
      {A, UINT32_MAX - 1, ""},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    static struct watch_kit k;
    open_kit(&k, "S sa A A100 a a100 A");
    k.ts = all[i].ts;
    watch_kit_frame(&k, 0, all[i].flags, k.side[0].nxt, k.side[0].got, 1024, NULL, 0, false);
    k.ts = -1;
    watch_kit_run(&k, "A10 a");
    assert_string_equal(kinds(&k), all[i].want);
  }
}

// RSTs that try several places, whatever their hop count; a host that says its RST again does not march.
static void rst_marches(void **state)
{
  (void)state;
  static const struct {
    const char *tokens, *want;
  } all[] = {
      {"S sa A A100 a r r+1460 r+4380 a50 A", "rst_injection "},
      {"S sa A A100 a r+10 r+1460 r+4380", "rst_injection "},
      {"S sa A A100 a r r+1460", ""},
      // One is enough beyond all that the server has sent, where its text goes on past that place and arrives.
      {"S sa A A100 a r+700 a1400 A a", "rst_injection "},
      {"S sa A A100 a R+700 A1400 a A", "rst_injection "},
      {"S sa A A100 a r+700 a600 A a", ""}, // not as far
      {"S sa A A100 a r+700 a1400 a", ""},  // did not arrive
      {"S sa A A100 a a600 A r-600 a1400 A a",
       ""}, // refuses what was under way, in a name that another host has as well
      {"S sa A A100 a r A100 r A100 r A100 r A100 r", ""},
      {"S sa A A100 a100 a100 a100 ra A#-200 r-200 A#-100 r-100 A r r", ""},
      {"r r+1460 r+4380 r+9000", ""},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    static struct watch_kit k;
    open_kit(&k, all[i].tokens);
    const char *got = kinds(&k);
    if (strcmp(got, all[i].want) != 0) fail_msg("%s: %s", all[i].tokens, got);
  }
}

// Who speaks in a side's name speaks from elsewhere: what came over another number of hops, and what contradicts it.
static void forgeries(void **state)
{
  (void)state;
  static const struct {
    const char *tokens, *want;
  } all[] = {
      {"S sa A A100 a rh50 a50 A", "rst_injection "}, // the server goes on
      {"S sa A A100 a rh50 a50 R", "rst_injection "}, // the client took it
      {"S sa A A100 a r a50 A", ""},                  // the text was overtaken by the server's own
      {"S sah63 A A100 ah63 r a50h63 A", "rst_injection "}, // a hop nearer
      {"S sah200 A A100 a r a50 A", ""},                    // a proxy answered the SYN
      {"S sa A A100 a rh50 A a A FA", ""},                  // nothing goes on
      {"S sa A A100 a rh50 Rh40", "rst_injection "},        // of both, in one breath
      {"S sa A A100 a a50 Rh50 @0.5 a50 rh50", "rst_injection "},
      {"S sa A A100 a rh50 R", ""}, // the other is the client's own
      {"S sa A A100 a r Rh40", ""},
      {"S sa A A100 a rh50 rh40", ""},
      {"S sa A A100 a rh50 @5 Rh40", ""},  // one after the other
      {"S sa A A100 a @90 rh50 Rh40", ""}, // a firewall that has waited long enough
      {"S sa rh50 Rh40", ""},              // never open
      {"S sa A A100 a a80 -a90yh50 A", "overlap_injection "},    // it comes late
      {"S sa A A100 a a80yh50 A -a200 A", "overlap_injection "}, // it wins the race
      {"S sa A A100 a a80yh50 A A50 -a200 R", "overlap_injection "},
      {"S sa A A100 a a80h50 A -a200 A", ""},   // the same text
      {"S sa A A100 a a80y A -a200 A", ""},     // over the same hops
      {"S sah200 A A100 a a80y A -a200 A", ""}, // a proxy answered the SYN
  };
  unsigned bad = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    static struct watch_kit k;
    open_kit(&k, all[i].tokens);
    const char *got = kinds(&k);
    if (strcmp(got, all[i].want) == 0) continue;
    print_error("%s: %s, want %s\n", all[i].tokens, got, all[i].want);
    bad++;
  }
  assert_int_equal(bad, 0);
}

// Many connections of one pair, played together in rounds: "(A100)" passes where the tap does not see it.
static const char *held_kinds(const char *const rounds[3], unsigned count, unsigned seconds,
                              bool together)
{
  static struct watch_kit k;
  struct watch_kit_side side[150][2];
  open_kit(&k, "");
  memset(side, 0, sizeof side);
  for (unsigned n = 0; n < 3 * count; n++) {
    const unsigned round = together ? n / count : n % 3, i = together ? n % count : n / 3;
    if (!together || i == 0) k.now_ns += seconds * UINT64_C(1000000000);
    k.port[0] = (uint16_t)(20000 + i);
    if (round) memcpy(k.side, side[i], sizeof k.side);
    if (round == 0) watch_kit_run(&k, "=70000");
    char tokens[160];
    snprintf(tokens, sizeof tokens, "%s", rounds[round]);
    for (char *at = tokens, *end; at && *at; at = end ? end + 1 : NULL) {
      end = strpbrk(at, "()");
      k.no_frames = end && *end == ')';
      if (end) *end = '\0';
      watch_kit_run(&k, at);
      k.no_frames = false;
    }
    memcpy(side[i], k.side, sizeof k.side);
  }
  return kinds(&k);
}

static void held(void **state)
{
  (void)state;
  static const struct {
    const char *rounds[3], *want;
    unsigned count, seconds; // between the rounds
    bool together;
  } all[] = {
      {{"S sa A", "a", "a"}, "conn_exhaustion ", 120, 25, true},
      {{"So sa Ao", "a", "a"}, "conn_exhaustion ", 120, 25, true}, // its device makes the checksums
      {{"So sao Ao", "ao", "ao"}, "conn_exhaustion ", 120, 25, true},
      {{"S sa A a100 a100 A a100 A", "a", "a"}, "conn_exhaustion ", 120, 25, true}, // a greeting
      {{"S sa A a100 A", "a100 A", "a100 A"}, "", 120, 25, true},                   // and more
      {{"S sa A", "a100 A", "a100 A"}, "conn_exhaustion ", 120, 62, true},          // too late
      {{"S sa A A9 a9 A", "a", "a"}, "", 120, 25, true},
      {{"S sa A (A9) a9 A FA fa A", "", ""}, "", 120, 25, true},
      {{"S9 sa A a9 A FA fa A", "", ""}, "", 120, 25, true},
      {{"S9 sa A", "a", "a"}, "", 120, 25, true},
      {{"S sa A A9 a9 Aw0", "a", "a"}, "zero_window_hold ", 12, 62, true},
      {{"S sa A A9 a9 Aw0", "a", "A a9 A FA fa A"}, "", 12, 62, false},
      {{"S sa A A9 a9 Aw0", "a", "RA"}, "", 12, 62, false},
      {{"S sa A A9 a9 Aw0", "a", "FAw0 fa Aw0"}, "", 12, 200, false},
      {{"S sa A A9 a9 Aw0 a-1", "RA", ""}, "zero_window_hold ", 12, 62, true}, // between two probes
      {{"S sa A A9 a9 Aw0 a1", "a1", "ra"}, "zero_window_hold ", 12, 40, true},
      {{"S sa A A9 a9 Aw0", "RA", ""}, "", 12, 62, true}, // nothing waits
      {{"S sa A A9 a9 Aw0 a-1", "A a9 A", "RA"}, "", 12, 50, true},
      {{"S sa A A9 a9 Aw0 a-1", "A a9 Aw0 a-1", "RA"}, "", 12, 50, true},
      {{"S sa A a9 A A9 aw0 A-1", "ra", ""}, "", 12, 62, true}, // a server that hangs
  };
  unsigned bad = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const char *got = held_kinds(all[i].rounds, all[i].count, all[i].seconds, all[i].together);
    if (strcmp(got, all[i].want) == 0) continue;
    print_error("%s, %s, %s: %s, want %s\n", all[i].rounds[0], all[i].rounds[1], all[i].rounds[2],
                got, all[i].want);
    bad++;
  }
  assert_int_equal(bad, 0);
}

// A host that watches itself: what it sends has its checksums left to the device, and is there all the same.
static void left_to_the_device(void **state)
{
  (void)state;
  static struct watch_kit k;
  for (unsigned patient = 0; patient < 2; patient++) {
    open_kit(&k, "S sa A A100 a a100 A");
    for (unsigned n = 0; n < 12; n++) {
      memset(k.side, 0, sizeof k.side);
      k.port[1] = (uint16_t)(100 + n);
      watch_kit_run(&k, patient ? "=70000 Sot7 @1 -Sot7 @2 -Sot7 @1" : "=70000 Sot7 @4");
      k.out[0] = '\0';
    }
    assert_string_equal(kinds(&k), patient ? "" : "connect_scan ");
  }
  open_kit(&k, "");
  for (unsigned n = 0; n < 6 * FLOOD; n++) { // a busy client, and nothing seen of its server
    memset(k.side, 0, sizeof k.side);
    k.port[0] = (uint16_t)(20000 + n);
    watch_kit_run(&k, "=70000 Sot7 Aot7 A9ot7 FAot7");
    k.now_ns -= 3500000;
    k.out[0] = '\0';
  }
  assert_string_equal(kinds(&k), "");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(floods),
      cmocka_unit_test(probes_inside),
      cmocka_unit_test(rst_marches),
      cmocka_unit_test(held),
      cmocka_unit_test(aborts),
      cmocka_unit_test(forgeries),
      cmocka_unit_test(left_to_the_device),
      cmocka_unit_test(ports_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
