// SPDX-License-Identifier: BSD-2-Clause
// tell.c - one story: estab hears it first, then the kernel, and each step's outcomes are compared.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "diff.h"

#define STORY_SECONDS 0.1 // in more than that a timer of the kernel has its say
#define STORY_TRIES   5
#define PATIENCE_MS   3

static double seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void begin(struct target *target, const struct story *story)
{
  if (target->begin(target->ctx, story)) return;
  fprintf(stderr, "diff: no world for story %llu\n", (unsigned long long)story->seed);
  exit(2);
}

static void tell_step(struct target *estab, struct telling *t, unsigned i)
{
  estab->look(estab->ctx, &t->before[i]);
  estab->tell(estab->ctx, &t->story.steps[i], 0, &t->estab[i]);
}

static void tell_kernel_once(struct target *kernel, struct telling *t, unsigned wait_ms)
{
  t->differs_at = t->explanation = -1;
  t->noted = 0;
  begin(kernel, &t->story);
  for (unsigned i = 0; i < t->story.count && t->differs_at < 0; i++) {
    kernel->tell(kernel->ctx, &t->story.steps[i], wait_ms, &t->kernel[i]);
    const char *name = compare(&t->story.steps[i], &t->before[i], &t->estab[i], &t->kernel[i]);
    if (name == NULL) continue;
    int explanation = explanation_of(name);
    if (explanation >= 0 && explained[explanation].goes_on && t->noted < TELLING_NOTED) {
      t->notes[t->noted++] = explanation;
      continue;
    }
    t->differs_at = (int)i;
    t->explanation = explanation;
    memcpy(t->name, name, sizeof t->name);
  }
  kernel->end(kernel->ctx);
}

static void tell_kernel(struct target *kernel, struct telling *t)
{
  unsigned wait_ms = 0;
  for (unsigned i = 0; i < STORY_TRIES; i++) {
    double begun = seconds();
    tell_kernel_once(kernel, t, wait_ms);
    if (t->differs_at < 0) return;
    bool in_time = seconds() - begun < STORY_SECONDS + wait_ms * t->story.count / 1e3;
    if (in_time && (t->explanation >= 0 || wait_ms > 0)) return;
    if (in_time) wait_ms = PATIENCE_MS; // once more: was it only late?
  }
}

void tell_new(struct target *estab, struct target *kernel, struct telling *t, uint64_t seed)
{
  struct generator g;
  struct step step;
  struct view view;
  memset(t, 0, sizeof *t);
  generator_start(&g, &t->story, seed);
  begin(estab, &t->story);
  for (;;) {
    estab->look(estab->ctx, &view);
    if (!generator_next(&g, &view, &step)) break;
    t->story.steps[t->story.count++] = step;
    tell_step(estab, t, t->story.count - 1);
  }
  t->after = view;
  estab->end(estab->ctx);
  tell_kernel(kernel, t);
}

void tell_again(struct target *estab, struct target *kernel, struct telling *t)
{
  begin(estab, &t->story);
  for (unsigned i = 0; i < t->story.count; i++)
    tell_step(estab, t, i);
  estab->look(estab->ctx, &t->after);
  estab->end(estab->ctx);
  tell_kernel(kernel, t);
}

void telling_print(const struct telling *t)
{
  char step[256], outcome[1024];
  unsigned last = t->differs_at >= 0 ? (unsigned)t->differs_at : t->story.count - 1;
  printf("  story %llu, %s, %s settings, peer offers%s%s%s mss %u\n",
         (unsigned long long)t->story.seed, t->story.ip6 ? "IPv6" : "IPv4",
         t->story.letter ? "the letter's" : "default", t->story.timestamps ? " timestamps" : "",
         t->story.sack ? " SACK" : "", t->story.scaling ? " scaling" : "", t->story.mss);
  for (unsigned i = 0; i <= last; i++) {
    step_format(&t->story.steps[i], step, sizeof step);
    outcome_format(&t->estab[i], outcome, sizeof outcome);
    printf("    %-52s %s\n", step, outcome);
    if (compare(&t->story.steps[i], &t->before[i], &t->estab[i], &t->kernel[i]) == NULL) continue;
    outcome_format(&t->kernel[i], outcome, sizeof outcome);
    printf("    %-52s %s\n", "kernel:", outcome);
  }
}
