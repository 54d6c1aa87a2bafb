// SPDX-License-Identifier: BSD-2-Clause
// worlds.c - many scenarios by chance: each ends with whole streams or a clean error, and every invariant holds.
#include "worlds.h"

#include <stdlib.h>
#include <string.h>

#include "net.h"
#include "report.h"
#include "say.h"

struct worlds_sum {
  unsigned whole, ended, broken; // talks
  unsigned worlds_broken;
  unsigned watched, on_link; // connections compared with what observers say
};

static void worlds_count(struct worlds_sum *sum, const struct net *net)
{
  for (unsigned i = 0; i < net->scenario->talk_count; i++) {
    const struct sim *t = net->talks[i];
    if (t->check.broken != INVARIANT_NONE)
      sum->broken++;
    else if (t->hosts[0].app.error != 0 || t->hosts[1].app.error != 0)
      sum->ended++;
    else
      sum->whole++;
    sum->watched += t->oracle.compared;
    sum->on_link += t->oracle.on_link;
  }
}

// Reads the world of this seed and starts it. 0, or the exit status after a complaint.
static int worlds_start(uint64_t seed, enum plant plant, struct net *net)
{
  static struct scenario scenario;
  struct scenario_error error;
  const char *what = "";
  char *text = NULL;
  size_t text_bytes = 0;
  FILE *out = open_memstream(&text, &text_bytes);
  if (out == NULL) abort();
  world_write(out, seed);
  fclose(out);
  FILE *in = fmemopen(text, text_bytes, "r");
  if (in == NULL) abort();
  int answer = scenario_read_stream(in, &scenario, &error);
  fclose(in);
  free(text);
  if (answer < 0)
    return say_failure("sim", NULL, "world %llu:%u:%u: %s", (unsigned long long)seed, error.line,
                       error.column, error.text);
  *net = (struct net){.plant = plant};
  answer = net_start(net, &scenario, &what);
  if (answer < 0)
    return say_failure("sim", NULL, "world %llu: %s: %s", (unsigned long long)seed, what,
                       estab_strerror(answer));
  return 0;
}

// One world. 0, or the exit status after a complaint.
static int worlds_one(uint64_t seed, struct worlds_sum *sum)
{
  static struct net net;
  int status = worlds_start(seed, PLANT_NONE, &net);
  if (status != 0) return status;
  net_run(&net, NULL);
  worlds_count(sum, &net);
  if (strcmp(report_verdict(&net), "ok") != 0) {
    sum->worlds_broken++;
    printf("world %llu:\n", (unsigned long long)seed);
    report_text(&net);
  }
  net_end(&net);
  return 0;
}

int worlds_run(uint64_t first, uint64_t last, bool json)
{
  struct worlds_sum sum = {0};
  for (uint64_t seed = first; seed <= last; seed++) {
    int status = worlds_one(seed, &sum);
    if (status != 0) return status;
  }
  if (json)
    printf("{\"whole\":%u,\"ended\":%u,\"broken\":%u,\"watched\":%u,\"watched_on_link\":%u}\n",
           sum.whole, sum.ended, sum.broken, sum.watched, sum.on_link);
  else
    printf("%u talks whole, %u ended by a clean error, %u broken; an observer says what the host "
           "says %u "
           "times, on the link %u times\n%llu passed, %u failed\n",
           sum.whole, sum.ended, sum.broken, sum.watched, sum.on_link,
           (unsigned long long)(last - first + 1 - sum.worlds_broken), sum.worlds_broken);
  return sum.worlds_broken == 0 && sum.whole > 0 && sum.on_link > 0 ? 0 : 1;
}

// ---------------------------------------------------------------------------------------------
// Lies told in worlds

struct worlds_lies {
  unsigned told, found; // worlds
  enum invariant other; // by which it was found instead, or none
  uint64_t missed;      // the first world where it was told and not found
};

static int worlds_lie(uint64_t seed, enum plant plant, struct worlds_lies *lies)
{
  static struct net net;
  int status = worlds_start(seed, plant, &net);
  if (status != 0) return status;
  net_run(&net, NULL);
  bool told = false, excused = false;
  for (unsigned i = 0; i < net.scenario->talk_count; i++) {
    const struct sim *t = net.talks[i];
    told |= t->planted.told;
    // Where somebody aborts text and states may be missing, where a buffer is made smaller its window may shrink.
    excused |= t->check.may_reset || t->check.shrink_allowed;
  }
  const struct sim *broken = net_talks_broken(&net);
  const enum invariant what = broken != NULL ? broken->check.broken : INVARIANT_NONE;
  const bool found = told && what == plant_invariant(plant);
  lies->found += found;
  lies->told += found || (told && !(excused && what == INVARIANT_NONE));
  if (lies->found < lies->told && lies->missed == 0) {
    lies->missed = seed;
    lies->other = what;
  }
  net_end(&net);
  return 0;
}

int worlds_plants(uint64_t first, uint64_t last, enum plant only)
{
  unsigned passed = 0, failed = 0;
  for (int i = PLANT_NONE + 1; i < PLANTS; i++) {
    const enum plant plant = (enum plant)i;
    struct worlds_lies lies = {0};
    if (only != PLANT_NONE && plant != only) continue;
    for (uint64_t seed = first; seed <= last; seed++) {
      int status = worlds_lie(seed, plant, &lies);
      if (status != 0) return status;
    }
    const bool found = lies.found > 0 && lies.found == lies.told;
    printf("%-6s %-18s %s: %s in %u of %u worlds", found ? "found" : "MISSED", plant_name(plant),
           plant_text(plant), invariant_name(plant_invariant(plant)), lies.found, lies.told);
    if (lies.missed > 0)
      printf(", but in world %llu: %s", (unsigned long long)lies.missed,
             lies.other == INVARIANT_NONE ? "nothing is noticed" : invariant_name(lies.other));
    putchar('\n');
    *(found ? &passed : &failed) += 1;
  }
  printf("%u passed, %u failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
