// SPDX-License-Identifier: BSD-2-Clause
// test_twin.c - subscribers behind GTP-U tunnels that have one address: each connection is a life of its own, and a
// handover, which changes TEIDs, is none.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/watch_kit.h"

#define SUBSCRIBERS 10

struct subscriber {
  struct watch_kit_side side[2];
  uint32_t teid[2];
  bool ipip;
};

#define EVERYBODY SUBSCRIBERS

// "0 =1000 S sa A|1 =500000 S sa": who says the next tokens; "0 teid 7 8": its tunnels from now on; "0 unseen S sa":
// passes where the tap is not; "0 ipip": in another tunnel in those. `who` alone speaks in no tunnel.
static void play(struct watch_kit *k, const char *steps, unsigned who)
{
  static struct subscriber all[SUBSCRIBERS];
  for (uint32_t i = 0; i < SUBSCRIBERS; i++)
    all[i] = (struct subscriber){.teid = {100 + i, 200 + i}};
  char text[1024];
  snprintf(text, sizeof text, "%s", steps);
  watch_kit_init(k);
  for (char *at = text, *save = NULL; (at = strtok_r(at, "|", &save)); at = NULL) {
    char *tokens;
    const unsigned n = (unsigned)strtoul(at, &tokens, 10);
    struct subscriber *const it = &all[n];
    if (strncmp(tokens, " teid ", 6) == 0) {
      it->teid[0] = (uint32_t)strtoul(tokens + 6, &tokens, 10);
      it->teid[1] = (uint32_t)strtoul(tokens, NULL, 10);
      continue;
    }
    if (strcmp(tokens, " ipip") == 0) {
      it->ipip = true;
      continue;
    }
    if (who != EVERYBODY && who != n) continue;
    memcpy(k->side, it->side, sizeof k->side);
    if (who == EVERYBODY) memcpy(k->teid, it->teid, sizeof k->teid);
    k->ipip = who == EVERYBODY && it->ipip;
    k->no_frames = strncmp(tokens, " unseen ", 8) == 0;
    watch_kit_run(k, tokens + (k->no_frames ? 8 : 1));
    memcpy(it->side, k->side, sizeof k->side);
  }
}

static int by_text(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

#define ROWS 64

struct rows {
  char text[ROWS][64]; // "SF ShADadFf"
  size_t count;
};

static void add_rows(struct rows *r, struct watch_kit *k)
{
  char all[16384];
  snprintf(all, sizeof all, "%s", watch_kit_flush(k));
  for (char *at = all, *save = NULL; (at = strtok_r(at, "\n", &save)); at = NULL) {
    const size_t first = strcspn(at, " ") + 1;
    if (strncmp(at, "ambiguity", 9) != 0 && r->count < ROWS)
      snprintf(r->text[r->count++], sizeof r->text[0], "%.*s",
               (int)(first + strcspn(at + first, " ")), at);
  }
  watch_kit_free(k);
}

// Sorted.
static const char *joined(struct rows *r, char *out, size_t bytes)
{
  const char *row[ROWS];
  for (size_t i = 0; i < r->count; i++)
    row[i] = r->text[i];
  qsort(row, r->count, sizeof *row, by_text);
  out[0] = '\0';
  for (size_t i = 0; i < r->count; i++)
    snprintf(out + strlen(out), bytes - strlen(out), "%s, ", row[i]);
  return out;
}

// All together in tunnels have the rows that each has alone in none.
static unsigned differs(const char *name, const char *steps)
{
  static struct rows alone, together;
  static struct watch_kit k;
  alone.count = together.count = 0;
  for (unsigned i = 0; i < SUBSCRIBERS; i++) {
    play(&k, steps, i);
    if (k.w) add_rows(&alone, &k);
  }
  play(&k, steps, EVERYBODY);
  add_rows(&together, &k);
  char got[2048], want[2048];
  joined(&together, got, sizeof got);
  joined(&alone, want, sizeof want);
  if (strcmp(got, want) == 0) return 0;
  print_error("%s: %s want %s\n", name, got, want);
  return 1;
}

static void twins(void **state)
{
  (void)state;
  static const struct {
    const char *name, *steps;
  } all[] = {
      {"one", "0 =1000 S sa A A100 a a50 A FA fa A"},
      {"two, together",
       "0 =1000 S sa A|1 =700000000 S sa A|0 A100 a|1 A50 a|0 a60 A|1 FA fa A|0 FA fa A"},
      {"two SYNs, then the answers", "0 =1000 S|1 =700000000 S|1 sa A FA fa A|0 sa A A9 a R"},
      {"one is refused", "0 =1000 S|1 =700000000 S|1 ra|0 sa A A9 a FA fa A"},
      {"both are", "0 =1000 S|1 =700000000 S|1 ra|0 ra"},
      {"one is reset", "0 =1000 S sa A|1 =700000000 S sa A A9 a|0 A100 a|1 r|0 a60 A FA fa A"},
      {"begun before the capture",
       "0 unseen =1000 S sa A|1 unseen =700000000 S sa A|0 A100 a50|1 A100 a50|0 A1 a1|1 A1 a1"},
      {"the server goes first",
       "0 unseen =1000 S sa A|1 unseen =700000000 S sa A|0 a50 A100|1 a50 A100|0 A1 a1|1 A1 a1"},
      {"up alone", "0 =1000 S|1 =700000000 S|0 A A100|1 A A90|0 A5|1 A5 FA|0 FA"},
      {"down alone",
       "0 unseen =1000 S|1 unseen =700000000 S|0 sa|1 sa|0 a100 a50|1 a90|0 a5|1 a5 fa|0 fa"},
      {"the downlink is handed over", "0 =1000 S sa A A100 a|0 teid 100 77|0 a50 A A9 a|0 FA fa A"},
      {"the uplink is", "0 =1000 S sa A A100 a|0 teid 77 200|0 a50 A A9 a|0 FA fa A"},
      {"between SYN and SYN", "0 =1000 S|0 teid 77 78|0 -S sa A FA fa A"},
      {"both are, to each other's tunnels",
       "0 =1000 S sa A|1 =700000000 S sa A|0 teid 101 201|1 teid 100 200|0 A100 a|1 A50 a|0 a60 A|"
       "1 FA fa A|0 FA fa A"},
      {"the same TEID both ways",
       "0 teid 5 5|1 teid 6 6|0 =1000 S sa A|1 =700000000 S sa A|0 A100 a FA fa A|1 FA fa A"},
      {"ports again, in the same tunnel", "0 =1000 S sa A FA fa A @2 =900000 S sa A A7 a FA fa A"},
      {"ports again, in another one",
       "0 =1000 S sa A FA fa A|0 teid 70 71|0 @2 =90000000 S sa A A7 a FA fa A"},
      {"one ends, and comes again beside the other",
       "0 =1000 S sa A|1 =700000000 S sa A FA fa A @1 =90000000 S sa A A3 a FA fa A|0 A100 a FA fa "
       "A"},
      {"the capture lacks 10 MB",
       "0 =1000 S sa A A9 a a50 A|0 a50+10000000 A10#10000050|0 a50+10000050 FA#10000100"},
      {"a tunnel without identifier in them", "0 ipip|0 =1000 S sa A A100 a a50 A FA fa A"},
      {"in both",
       "0 ipip|1 ipip|0 =1000 S sa A|1 =700000000 S sa A|0 A100 a|1 A50 a FA fa A|0 FA fa A"},
      {"and handed over", "0 ipip|0 =1000 S sa A A100 a|0 teid 77 78|0 a50 A A9 a|0 FA fa A"},
      {"a TEID of the one's way up is another's way down",
       "0 teid 1 2|1 teid 7 1|0 =1000 S sa A|1 unseen =700000000 S sa A|1 a50|0 A100 a|1 A40 a5|0 "
       "FA fa A"},
      {"SYNs near each other, then the answers",
       "0 =1000 S|1 =301000 S|0 sa A A10 a|1 sa A A90 a FA fa A|0 a50 A FA fa A"},
      {"near each other, whole",
       "0 =500000 S sa A A10 a|1 =1000 S sa A A90 a FA fa A|0 a50 A FA fa A"},
      {"a SYN is handed over, and comes again",
       "0 =1000 S|1 =9000 S|0 teid 77 78|1 teid 87 88|0 -S sa A|1 -S sa A"},
      {"a broken segment of numbers by chance",
       "0 =1000 S sa A|0 a50+700000000#900000000! A|0 a50 A FA fa A"},
      {"a RST of another's tunnel",
       "0 =1000 S sa A|1 unseen =700000000 S sa A|1 R|0 A100 a FA fa A"},
      {"a ninth, when some have ended",
       "0 =1000 S sa A FA fa A|1 =100000000 S sa A FA fa A|2 =200000000 S ra|3 =300000000 S sa A "
       "FA fa A|"
       "4 =400000000 S sa A r|5 =500000000 S sa A FA fa A|6 =600000000 S sa A FA fa A|7 =700000000 "
       "S sa A A5 a|"
       "8 =800000000 S sa A|7 A100 a|8 A50 a|9 =900000000 S sa A|7 a60 A FA fa A|8 FA fa A|9 A7 a"},
      {"the server has an old one still",
       "0 =1000 S|0 a+500000000#700000000|0 R+700000000|0 @1 -S sa A A5 a FA fa A"},
      {"and a twin has been", "1 =900000000 S sa A A4 a FA fa A|0 =1000 S|0 "
                              "a+500000000#700000000|0 R+700000000|0 @1 -S sa A A5 a FA fa A"},
      {"eight at once", "0 =1000 S sa A|1 =100000000 S sa A|2 =200000000 S sa A|3 =300000000 S sa "
                        "A|4 =400000000 S sa A|"
                        "5 =500000000 S sa A|6 =600000000 S sa A|7 =700000000 S sa A|0 A5 a|7 A5 "
                        "a|6 A5 a|7 FA fa A|0 FA fa A"},
  };
  unsigned bad = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    bad += differs(all[i].name, all[i].steps);
  assert_int_equal(bad, 0);
}

// Eight stand beside each other; who comes then falls in with one of them: the table's chains stay short.
static void many(void **state)
{
  (void)state;
  static struct watch_kit k;
  char steps[1024] = "";
  for (unsigned i = 0; i < SUBSCRIBERS; i++)
    snprintf(steps + strlen(steps), sizeof steps - strlen(steps), "%u =%u S|", i,
             1000 + i * 100000000);
  for (unsigned i = 0; i < SUBSCRIBERS; i++)
    snprintf(steps + strlen(steps), sizeof steps - strlen(steps), "%u sa A A10 a|", i);
  play(&k, steps, EVERYBODY);
  static struct rows r;
  add_rows(&r, &k);
  unsigned whole = 0;
  for (size_t i = 0; i < r.count; i++)
    whole += strcmp(r.text[i], "S1 ShADa") == 0;
  assert_in_range(whole, 6, 8);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(twins),
      cmocka_unit_test(many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
