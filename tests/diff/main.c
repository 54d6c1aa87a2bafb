// SPDX-License-Identifier: BSD-2-Clause
// main.c - diff [-n STORIES] [-s SEED] [-j WORKERS] [-e EXPLAINED] [-o FOLDER] [-p PLANT] [-a] [-v] [-P] [-T N]:
// estab and the kernel hear the same stories.
//
// Exit 0: every difference is explained by a line of EXPLAINED; with -a also: each line was needed. Unexplained ones
// are made shorter and written to FOLDER as scripts. -p plants a fault in estab; -P plants each in turn and wants all
// found; -T tells N stories of timers in real time.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "diff.h"

#define NAMES_MAX   512
#define WORKERS_MAX 16
#define SHOWN_MAX   150 // unexplained differences told again, shortened and written down

struct difference {
  char name[NAME_BYTES];
  uint64_t seed; // of the shortest story
  unsigned count, steps;
};

// What a worker has seen; shared with the parent.
struct tally {
  struct difference differences[NAMES_MAX]; // unexplained
  unsigned difference_count, used[EXPLAINED_MAX], coverage[ESTAB_STATES];
  uint64_t alike, noted, steps, stories;
};

static struct options {
  uint64_t stories, first;
  unsigned workers, timers;
  const char *explained, *folder, *plant;
  bool all_used, verbose, plants;
} options = {.stories = 1000, .first = 1, .workers = 2};

static struct telling telling;

static void tally_difference(struct tally *all, const char *name, uint64_t seed, unsigned steps,
                             unsigned count)
{
  struct difference *d = NULL;
  for (unsigned i = 0; i < all->difference_count && d == NULL; i++)
    if (strcmp(all->differences[i].name, name) == 0) d = &all->differences[i];
  if (d == NULL) {
    if (all->difference_count == NAMES_MAX) return;
    d = &all->differences[all->difference_count++];
    *d = (struct difference){.seed = seed, .steps = steps};
    snprintf(d->name, sizeof d->name, "%s", name);
  }
  d->count += count;
  if (steps >= d->steps) return;
  d->steps = steps;
  d->seed = seed;
}

static void tally_telling(struct tally *all, const struct telling *t)
{
  unsigned last = t->differs_at >= 0 ? (unsigned)t->differs_at : t->story.count - 1;
  all->stories++;
  for (unsigned i = 0; i <= last; i++)
    all->coverage[t->before[i].state]++;
  all->coverage[t->after.state]++;
  all->steps += last + 1;
  all->noted += t->noted;
  for (unsigned i = 0; i < t->noted; i++)
    all->used[t->notes[i]]++;
  if (t->differs_at < 0)
    all->alike++;
  else if (t->explanation >= 0)
    all->used[t->explanation]++;
  else
    tally_difference(all, t->name, t->story.seed, (unsigned)t->differs_at, 1);
}

static void tally_add(struct tally *all, const struct tally *one)
{
  for (unsigned i = 0; i < one->difference_count; i++) {
    const struct difference *d = &one->differences[i];
    tally_difference(all, d->name, d->seed, d->steps, d->count);
  }
  for (unsigned i = 0; i < EXPLAINED_MAX; i++)
    all->used[i] += one->used[i];
  for (unsigned i = 0; i < ESTAB_STATES; i++)
    all->coverage[i] += one->coverage[i];
  all->alike += one->alike;
  all->noted += one->noted;
  all->steps += one->steps;
  all->stories += one->stories;
}

static void open_targets(struct target *estab, struct target *kernel)
{
  const char *why = "";
  if (!target_estab_open(estab, options.plant)) {
    fprintf(stderr, "diff: no plant is named so; there are:\n");
    for (const struct plant *p = plants; p->name != NULL; p++)
      fprintf(stderr, "  %-18s %s\n", p->name, p->words);
    exit(2);
  }
  if (target_kernel_open(kernel, &why)) return;
  printf("SKIPPED: no namespace with a TUN device: %s\n", why);
  fflush(stdout);
  _exit(77);
}

// Every options.workers-th story.
static void work(struct tally *all, unsigned number)
{
  struct target estab, kernel;
  open_targets(&estab, &kernel);
  for (uint64_t i = number; i < options.stories; i += options.workers) {
    tell_new(&estab, &kernel, &telling, options.first + i);
    tally_telling(all, &telling);
    if (!options.verbose) continue;
    if (telling.differs_at >= 0) printf("%s\n", telling.name);
    telling_print(&telling);
  }
  fflush(stdout);
  _exit(0);
}

static void end_skipped(void)
{
  printf("0 passed, 0 failed, 1 skipped\n");
  exit(77);
}

// Workers in parallel, each with a kernel's namespace of its own.
static void work_all(struct tally *shared)
{
  bool skipped = false, failed = false;
  for (unsigned i = 0; i < options.workers; i++)
    if (fork() == 0) work(&shared[i], i);
  for (unsigned i = 0; i < options.workers; i++) {
    int status = 0;
    wait(&status);
    skipped |= WIFEXITED(status) && WEXITSTATUS(status) == 77;
    failed |= !WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 77);
  }
  if (skipped) end_skipped();
  if (failed) {
    printf("a worker did not come to its end\n");
    exit(1);
  }
}

static void write_down(struct telling *t)
{
  char path[512];
  if (options.folder == NULL) return;
  snprintf(path, sizeof path, "%s/story-%llu%s%s.pkt", options.folder,
           (unsigned long long)t->story.seed, options.plant ? "-" : "",
           options.plant ? options.plant : "");
  if (script_write(path, t) < 0)
    perror(path);
  else
    printf("  written to %s\n", path);
}

static void show_unexplained(const struct tally *all)
{
  struct target estab, kernel;
  if (all->difference_count == 0) return;
  open_targets(&estab, &kernel);
  for (unsigned i = 0; i < all->difference_count; i++) {
    const struct difference *d = &all->differences[i];
    printf("unexplained, %u x: %s\n", d->count, d->name);
    if (i >= SHOWN_MAX) continue;
    tell_new(&estab, &kernel, &telling, d->seed);
    if (telling.differs_at < 0 || telling.explanation >= 0) {
      printf("  story %llu: not seen again\n", (unsigned long long)d->seed);
      continue;
    }
    shrink(&estab, &kernel, &telling);
    telling_print(&telling);
    write_down(&telling);
  }
}

static void summary(const struct tally *all, double took)
{
  unsigned unused = 0, missed = 0, kinds = all->difference_count;
  show_unexplained(all);
  for (unsigned i = 0; i < explained_count; i++) {
    printf("%-7s %7u x  %s: %s\n", explained[i].verdict, all->used[i], explained[i].rule,
           explained[i].words);
    if (all->used[i] > 0 || !options.all_used || explained[i].seldom) continue;
    unused++;
    printf("        explains nothing any more: %s\n", explained[i].pattern);
  }
  printf("states, steps told in each:");
  for (int i = 0; i < ESTAB_STATES; i++) {
    printf(" %s %u", estab_state_name((enum estab_state)i), all->coverage[i]);
    if (all->coverage[i] > 0 || all->stories < 1000) continue;
    missed++;
    printf(" (not reached)");
  }
  printf("\n%llu stories of %llu steps in %.0f s: %llu alike to the end, %llu end and %llu steps "
         "differ as explained, "
         "%u kinds of difference unexplained\n",
         (unsigned long long)all->stories, (unsigned long long)all->steps, took,
         (unsigned long long)all->alike, (unsigned long long)(all->stories - all->alike),
         (unsigned long long)all->noted, kinds);
  unsigned bad = kinds + unused + missed;
  printf("%llu passed, %u failed, 0 skipped\n",
         (unsigned long long)(all->stories > bad ? all->stories - bad : 0), bad);
  exit(bad == 0 ? 0 : 1);
}

#define PLANT_STORIES 3000 // a fault that so many do not show is not found

// Each plant by itself: how many stories it took, and what is left of the one that found it.
static void find_plants(void)
{
  unsigned found = 0, missed = 0;
  struct target estab, kernel;
  open_targets(&estab, &kernel);
  for (const struct plant *p = plants; p->name != NULL; p++) {
    uint64_t told = 0;
    options.plant = p->name;
    target_estab_open(&estab, p->name);
    do
      tell_new(&estab, &kernel, &telling, options.first + told);
    while (++told < PLANT_STORIES && (telling.differs_at < 0 || telling.explanation >= 0));
    if (telling.differs_at < 0 || telling.explanation >= 0) {
      printf("%-17s NOT FOUND in %llu stories: %s\n", p->name, (unsigned long long)told, p->words);
      missed++;
      continue;
    }
    unsigned steps = (unsigned)telling.differs_at + 1;
    unsigned tellings = shrink(&estab, &kernel, &telling);
    printf("%-17s found by story %llu, %u steps, %u after %u tellings: %s\n", p->name,
           (unsigned long long)told, steps, telling.story.count, tellings, telling.name);
    if (options.verbose) telling_print(&telling);
    found++;
    // What the kernel answers is what estab answers without the plant: then it is a script that estab passes.
    static struct telling healthy;
    healthy = telling;
    target_estab_open(&estab, NULL);
    tell_again(&estab, &kernel, &healthy);
    if (healthy.differs_at < 0 && healthy.noted == 0) write_down(&telling);
  }
  printf("%u passed, %u failed, 0 skipped\n", found, missed);
  exit(missed == 0 ? 0 : 1);
}

static void tell_timers(void)
{
  struct target estab, kernel;
  open_targets(&estab, &kernel);
  unsigned bad = timers_run(options.timers, options.verbose);
  printf("%u passed, %u failed, 0 skipped\n", options.timers > bad ? options.timers - bad : 0, bad);
  exit(bad == 0 ? 0 : 1);
}

static void read_options(int argc, char **argv)
{
  int option;
  while ((option = getopt(argc, argv, "n:s:j:e:o:p:T:avP")) != -1)
    switch (option) {
    case 'n': options.stories = strtoull(optarg, NULL, 10); break;
    case 's': options.first = strtoull(optarg, NULL, 10); break;
    case 'j': options.workers = (unsigned)strtoul(optarg, NULL, 10); break;
    case 'e': options.explained = optarg; break;
    case 'o': options.folder = optarg; break;
    case 'p': options.plant = optarg; break;
    case 'T': options.timers = (unsigned)strtoul(optarg, NULL, 10); break;
    case 'a': options.all_used = true; break;
    case 'v': options.verbose = true; break;
    case 'P': options.plants = true; break;
    default: exit(2);
    }
  if (options.workers == 0 || options.workers > WORKERS_MAX) options.workers = 1;
  if (options.verbose) options.workers = 1;
  if (options.explained != NULL && explanations_read(options.explained) < 0) {
    perror(options.explained);
    exit(2);
  }
}

int main(int argc, char **argv)
{
  struct timespec begun, ended;
  read_options(argc, argv);
  if (options.plants) find_plants();
  if (options.timers > 0) tell_timers();
  size_t room = (options.workers + 1) * sizeof(struct tally);
  struct tally *shared =
      mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 2;
  clock_gettime(CLOCK_MONOTONIC, &begun);
  work_all(shared);
  clock_gettime(CLOCK_MONOTONIC, &ended);
  for (unsigned i = 0; i < options.workers; i++)
    tally_add(&shared[options.workers], &shared[i]);
  summary(&shared[options.workers],
          (double)(ended.tv_sec - begun.tv_sec) + (double)(ended.tv_nsec - begun.tv_nsec) / 1e9);
}
