// SPDX-License-Identifier: BSD-2-Clause
// main.c - diff [-n STORIES] [-s SEED] [-e EXPLAINED] [-v]: estab and the kernel hear the same stories.
//
// Exit 0: every difference is explained. A difference is explained by a line of EXPLAINED: a pattern of its name
// (fnmatch), a tab, who is right (kernel, open, estab), a tab, the rule, a tab, our words.
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "diff.h"

#define NAMES_MAX     1024
#define EXPLAINED_MAX 512

static struct difference {
  char name[512];
  uint64_t seed; // of the first story
  unsigned count, steps;
  int explained; // index, -1 = not
} differences[NAMES_MAX];
static unsigned difference_count;

static struct explanation {
  char *pattern, *verdict, *rule, *words;
  unsigned used;
} explained[EXPLAINED_MAX];
static unsigned explained_count;

static unsigned coverage[ESTAB_STATES];

static int explanations_read(const char *path)
{
  static char line[2048];
  FILE *file = fopen(path, "r");
  unsigned number = 0;
  if (file == NULL) return -1;
  while (fgets(line, sizeof line, file) != NULL) {
    number++;
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '#' || line[0] == '\0') continue;
    char *rest = strdup(line);
    struct explanation *e = &explained[explained_count++];
    e->pattern = strsep(&rest, "\t");
    e->verdict = strsep(&rest, "\t");
    e->rule = strsep(&rest, "\t");
    e->words = rest;
    if (e->words == NULL || explained_count == EXPLAINED_MAX) {
      fprintf(stderr, "%s:%u: pattern, verdict, rule and words are needed\n", path, number);
      exit(2);
    }
  }
  fclose(file);
  return 0;
}

static int explanation_of(const char *name)
{
  for (unsigned i = 0; i < explained_count; i++)
    if (fnmatch(explained[i].pattern, name, 0) == 0) return (int)i;
  return -1;
}

static struct difference *difference_of(const char *name, uint64_t seed)
{
  for (unsigned i = 0; i < difference_count; i++)
    if (strcmp(differences[i].name, name) == 0) return &differences[i];
  if (difference_count == NAMES_MAX) return &differences[NAMES_MAX - 1];
  struct difference *d = &differences[difference_count++];
  snprintf(d->name, sizeof d->name, "%s", name);
  d->seed = seed;
  d->explained = explanation_of(name);
  return d;
}

struct telling {
  struct story story;
  struct outcome estab[STORY_STEPS], kernel[STORY_STEPS];
  int state_before[STORY_STEPS];
  int differs_at; // -1 = nowhere
  char name[512];
};

// Makes the story up while estab hears it.
static void tell_estab(struct target *estab, struct telling *t, uint64_t seed)
{
  struct generator g;
  struct step step;
  generator_start(&g, &t->story, seed);
  if (!estab->begin(estab->ctx, &t->story)) exit(2);
  while (generator_next(&g, &step)) {
    unsigned i = t->story.count++;
    t->story.steps[i] = step;
    t->state_before[i] = g.state;
    estab->tell(estab->ctx, &step, 0, &t->estab[i]);
    generator_hears(&g, &step, &t->estab[i]);
    if (g.state >= 0)
      coverage[g.state]++;
    else if (i == 0)
      coverage[step.kind == STEP_LISTEN ? ESTAB_LISTEN : ESTAB_SYN_SENT]++;
    else if (!g.opened && g.rcv_nxt > 0)
      coverage[ESTAB_SYN_RECEIVED]++;
    else
      coverage[ESTAB_CLOSED]++;
  }
  estab->end(estab->ctx);
}

static double seconds(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#define STORY_SECONDS 0.15 // in more than that a timer of the kernel has its say
#define STORY_TRIES   5

static void tell_kernel_once(struct target *kernel, struct telling *t, unsigned wait_ms)
{
  t->differs_at = -1;
  if (!kernel->begin(kernel->ctx, &t->story)) exit(2);
  for (unsigned i = 0; i < t->story.count && t->differs_at < 0; i++) {
    kernel->tell(kernel->ctx, &t->story.steps[i], wait_ms, &t->kernel[i]);
    const char *name = compare(&t->story.steps[i], t->state_before[i], &t->estab[i], &t->kernel[i]);
    if (name == NULL) continue;
    t->differs_at = (int)i;
    snprintf(t->name, sizeof t->name, "%s", name);
  }
  kernel->end(kernel->ctx);
}

static void tell_kernel(struct target *kernel, struct telling *t, unsigned wait_ms)
{
  for (unsigned i = 0; i < STORY_TRIES; i++) {
    double begun = seconds();
    tell_kernel_once(kernel, t, wait_ms);
    if (t->differs_at < 0 || seconds() - begun < STORY_SECONDS) return;
  }
}

static void say_story(const struct telling *t)
{
  char step[256], outcome[1024];
  unsigned last = t->differs_at >= 0 ? (unsigned)t->differs_at : t->story.count - 1;
  printf("  story %llu, %s, peer offers%s%s%s mss %u\n", (unsigned long long)t->story.seed,
         t->story.ip6 ? "IPv6" : "IPv4", t->story.timestamps ? " timestamps" : "",
         t->story.sack ? " SACK" : "", t->story.scaling ? " scaling" : "", t->story.mss);
  for (unsigned i = 0; i <= last; i++) {
    step_format(&t->story.steps[i], step, sizeof step);
    outcome_format(&t->estab[i], outcome, sizeof outcome);
    printf("    %-52s %s\n", step, outcome);
    if (t->differs_at != (int)i) continue;
    outcome_format(&t->kernel[i], outcome, sizeof outcome);
    printf("    %-52s %s\n", "kernel:", outcome);
  }
}

static void run(struct target *estab, struct target *kernel, uint64_t seed, bool verbose)
{
  static struct telling t;
  memset(&t, 0, sizeof t);
  tell_estab(estab, &t, seed);
  tell_kernel(kernel, &t, 0);
  if (t.differs_at >= 0) { // once more with patience: was it only late?
    tell_kernel(kernel, &t, 3);
  }
  if (t.differs_at < 0) {
    if (verbose) say_story(&t);
    return;
  }
  struct difference *d = difference_of(t.name, seed);
  bool shorter = d->count == 0 || (unsigned)t.differs_at < d->steps;
  if (shorter) {
    d->steps = (unsigned)t.differs_at;
    d->seed = seed;
  }
  d->count++;
  if (d->explained >= 0) explained[d->explained].used++;
  if (verbose || (d->count == 1 && d->explained < 0)) {
    printf("%s\n", t.name);
    say_story(&t);
    fflush(stdout);
  }
}

static void summary(uint64_t stories)
{
  unsigned unexplained = 0, stopped = 0;
  printf("\nstates reached:");
  for (int i = 0; i < ESTAB_STATES; i++)
    printf(" %s %u", estab_state_name((enum estab_state)i), coverage[i]);
  printf("\n");
  for (unsigned i = 0; i < difference_count; i++) {
    stopped += differences[i].count;
    if (differences[i].explained >= 0) continue;
    unexplained++;
    printf("unexplained, %u x, shortest in story %llu: %s\n", differences[i].count,
           (unsigned long long)differences[i].seed, differences[i].name);
  }
  for (unsigned i = 0; i < explained_count; i++)
    printf("%-7s %6u x  %s: %s\n", explained[i].verdict, explained[i].used, explained[i].rule,
           explained[i].words);
  printf("%llu stories, %llu alike to the end, %u with a difference, %u kinds of it unexplained\n",
         (unsigned long long)stories, (unsigned long long)(stories - stopped), stopped,
         unexplained);
  printf("%llu passed, %u failed, 0 skipped\n", (unsigned long long)(stories - unexplained),
         unexplained);
  exit(unexplained == 0 ? 0 : 1);
}

int main(int argc, char **argv)
{
  uint64_t stories = 1000, first = 1;
  const char *path = NULL, *why = "";
  bool verbose = false;
  int option;
  while ((option = getopt(argc, argv, "n:s:e:v")) != -1)
    switch (option) {
    case 'n': stories = strtoull(optarg, NULL, 10); break;
    case 's': first = strtoull(optarg, NULL, 10); break;
    case 'e': path = optarg; break;
    case 'v': verbose = true; break;
    default: return 2;
    }
  if (path != NULL && explanations_read(path) < 0) {
    perror(path);
    return 2;
  }
  struct target estab, kernel;
  target_estab_open(&estab);
  if (!target_kernel_open(&kernel, &why)) {
    printf("SKIPPED: no namespace with a TUN device: %s\n0 passed, 0 failed, 1 skipped\n", why);
    return 77;
  }
  time_t told = time(NULL);
  for (uint64_t i = 0; i < stories; i++) {
    run(&estab, &kernel, first + i, verbose);
    if (isatty(STDERR_FILENO) && time(NULL) != told) {
      told = time(NULL);
      fprintf(stderr, "\r%llu of %llu stories ", (unsigned long long)i,
              (unsigned long long)stories);
    }
  }
  summary(stories);
}
