// SPDX-License-Identifier: BSD-2-Clause
// shrink.c - the shortest and plainest story that still ends with the same two answers.
#include <string.h>

#include "diff.h"

#define SHRINK_TELLINGS 400

struct shrinking {
  struct target *estab, *kernel;
  struct telling *best, tried;
  unsigned told;
};

// The answers of a name: what stands behind what was told. The way there may become another.
static const char *answers(const char *name)
{
  const char *at = strstr(name, " | ");
  return at != NULL ? at : name;
}

// Tells s->tried.story; keeps it when it is as good.
static bool still(struct shrinking *s)
{
  struct telling *t = &s->tried;
  if (s->told++ >= SHRINK_TELLINGS) return false;
  tell_again(s->estab, s->kernel, t);
  if (t->differs_at < 0 || t->explanation >= 0) return false;
  if (strcmp(answers(t->name), answers(s->best->name)) != 0) return false;
  t->story.count = (unsigned)t->differs_at + 1;
  *s->best = *t;
  return true;
}

static bool without(struct shrinking *s, unsigned first, unsigned n)
{
  s->tried = *s->best;
  struct story *story = &s->tried.story;
  memmove(story->steps + first, story->steps + first + n,
          (story->count - first - n) * sizeof *story->steps);
  story->count -= n;
  return still(s);
}

static void drop_steps(struct shrinking *s)
{
  for (unsigned n = STORY_STEPS / 2; n > 0; n /= 2)
    for (unsigned i = s->best->story.count; i > 1; i--) // the OPEN stays
      if (i - 1 + n < s->best->story.count) (void)without(s, i - 1, n);
}

// What a plain story has, tried one by one.
static void make_plain(struct step *step, unsigned which)
{
  switch (which) {
  case 0: step->window = 60000; break;
  case 1: step->ts_delta = 0; break;
  case 2: step->ts = true; break;
  case 3:
    step->urgent = 0;
    step->flags &= (uint16_t)~ESTAB_TCP_URG;
    break;
  case 4: step->sacks = 0; break;
  case 5: step->flags &= (uint16_t)~ESTAB_TCP_PSH; break;
  case 6:
    if (step->kind == STEP_SEGMENT) step->bytes = 0;
    break;
  default: break;
  }
}

static void plain_steps(struct shrinking *s)
{
  for (unsigned i = 0; i < s->best->story.count; i++)
    for (unsigned which = 0; which < 7; which++) {
      s->tried = *s->best;
      make_plain(&s->tried.story.steps[i], which);
      if (memcmp(&s->tried.story.steps[i], &s->best->story.steps[i], sizeof(struct step)) != 0)
        (void)still(s);
    }
}

static void plain_offers(struct shrinking *s)
{
  for (unsigned which = 0; which < 7; which++) {
    s->tried = *s->best;
    struct story *story = &s->tried.story;
    switch (which) {
    case 0: story->ip6 = false; break;
    case 1: story->timestamps = false; break;
    case 2: story->sack = false; break;
    case 3: story->scaling = false; break;
    case 4: story->mss = 1460; break;
    case 5: story->letter = false; break;
    default: story->peer_iss = 0; break;
    }
    if (memcmp(story, &s->best->story, sizeof *story) != 0) (void)still(s);
  }
}

unsigned shrink(struct target *estab, struct target *kernel, struct telling *t)
{
  static struct shrinking s;
  s = (struct shrinking){.estab = estab, .kernel = kernel, .best = t};
  t->story.count = (unsigned)t->differs_at + 1;
  unsigned before;
  do {
    before = t->story.count;
    drop_steps(&s);
  } while (t->story.count < before && s.told < SHRINK_TELLINGS);
  plain_offers(&s);
  plain_steps(&s);
  drop_steps(&s);
  return s.told;
}
