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

// One world. 0, or the exit status after a complaint.
static int worlds_one(uint64_t seed, struct worlds_sum *sum)
{
  static struct scenario scenario;
  static struct net net;
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
  net = (struct net){0};
  answer = net_start(&net, &scenario, &what);
  if (answer < 0)
    return say_failure("sim", NULL, "world %llu: %s: %s", (unsigned long long)seed, what,
                       estab_strerror(answer));
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
