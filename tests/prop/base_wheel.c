// SPDX-License-Identifier: BSD-2-Clause
// base_wheel.c - the timing wheel against a plain list: jumps, a clock that goes back (ATTACKS F5), far deadlines.
#include "support/prop.h"

#include "base/wheel.h"

enum { NODES = 200, STEPS = 2000 };

#define MS  UINT64_C(1000000)
#define DAY (UINT64_C(86400000) * MS)

struct world {
  struct wheel wheel;
  struct wheel_node nodes[NODES];
  uint64_t deadline[NODES]; // the model: ESTAB_NEVER = not in
  uint64_t now;
  unsigned in;
};

static uint64_t earliest(const struct world *w)
{
  uint64_t least = ESTAB_NEVER;
  for (unsigned i = 0; i < NODES; i++)
    if (w->deadline[i] < least) least = w->deadline[i];
  return least;
}

static uint64_t some_delay(struct prop_rng *r)
{
  switch (prop_below(r, 8)) {
  case 0: return 0;
  case 1: return prop_below(r, 1000);
  case 2: return prop_below(r, 100000);
  case 3: return prop_below(r, 4) * (UINT64_C(1) << 16);
  case 4: return prop_below(r, 300) * MS;
  case 5: return prop_below(r, 240000) * MS + prop_below(r, 1000);
  case 6: return prop_below(r, 100) * DAY;
  default: return prop_u64(r) >> prop_below(r, 64);
  }
}

static uint64_t later(uint64_t now, uint64_t delay)
{
  return delay < ESTAB_NEVER - 1 - now ? now + delay : ESTAB_NEVER - 1;
}

static void set(struct world *w, unsigned i, uint64_t deadline)
{
  wheel_set(&w->wheel, &w->nodes[i], deadline);
  w->in -= w->deadline[i] != ESTAB_NEVER;
  w->in += deadline != ESTAB_NEVER;
  w->deadline[i] = deadline;
}

// Takes out what is due: each the earliest, none too soon, none left.
static bool pop_all(struct world *w, uint64_t now, unsigned most)
{
  for (unsigned n = 0; n < most; n++) {
    uint64_t least = earliest(w);
    struct wheel_node *node = wheel_pop(&w->wheel, now);
    if (!node) {
      PROP_CHECK(least > now);
      // The wheel goes with the clock, back too, so that what is set next is placed well.
      PROP_CHECK(w->wheel.base >= now >> 16 && w->wheel.base <= (now >> 16) + WHEEL_SLOTS);
      return true;
    }
    unsigned i = (unsigned)(node - w->nodes);
    PROP_CHECK(i < NODES && w->deadline[i] != ESTAB_NEVER);
    PROP_CHECK(w->deadline[i] <= now && w->deadline[i] == least);
    PROP_CHECK(!wheel_has(node));
    w->deadline[i] = ESTAB_NEVER;
    w->in--;
  }
  return true;
}

// Waking when wheel_deadline() says brings every node at its time, without needless wakes.
static bool follow_deadlines(struct world *w)
{
  unsigned wakes = 0, in = w->in;
  while (w->in) {
    uint64_t told = wheel_deadline(&w->wheel);
    PROP_CHECK(told <= earliest(w));
    struct wheel_node *node = wheel_pop(&w->wheel, told);
    if (node) {
      unsigned i = (unsigned)(node - w->nodes);
      PROP_CHECK(w->deadline[i] == told && earliest(w) == told);
      w->deadline[i] = ESTAB_NEVER;
      w->in--;
    } else {
      PROP_CHECK(wheel_deadline(&w->wheel) > told);
    }
    wakes++;
  }
  PROP_CHECK(wakes <= in * (1 + WHEEL_LEVELS));
  PROP_CHECK(wheel_deadline(&w->wheel) == ESTAB_NEVER);
  return true;
}

static void move_time(struct prop_rng *r, struct world *w)
{
  switch (prop_below(r, 10)) {
  case 0: w->now = later(w->now, 25 * DAY); break;
  case 1: w->now -= prop_below(r, 1000000) % (w->now + 1); break;
  case 2: w->now -= prop_u64(r) % DAY % (w->now + 1); break;
  case 3: w->now = later(w->now, some_delay(r) >> 1); break;
  case 4:
  case 5: {
    uint64_t told = wheel_deadline(&w->wheel);
    if (told != ESTAB_NEVER) w->now = told;
    break;
  }
  default: w->now = later(w->now, prop_below(r, 200000));
  }
  if (w->now > UINT64_MAX / 2 && prop_one_in(r, 4)) w->now = prop_u64(r) >> 20;
}

static bool wheel_is_a_sorted_list(struct prop_rng *r)
{
  static struct world w;
  memset(&w, 0, sizeof w);
  memset(w.deadline, 0xff, sizeof w.deadline);
  w.now = prop_u64(r) >> prop_below(r, 64);
  wheel_init(&w.wheel, prop_one_in(r, 4) ? 0 : w.now);
  unsigned nodes = 1 + prop_below(r, NODES);
  bool crowded = prop_one_in(r, 3); // all in a slot or two

  for (unsigned step = 0; step < STEPS; step++) {
    unsigned i = prop_below(r, nodes);
    switch (prop_below(r, 8)) {
    case 0: set(&w, i, ESTAB_NEVER); break;
    case 1:
      wheel_cancel(&w.wheel, &w.nodes[i]);
      w.in -= w.deadline[i] != ESTAB_NEVER;
      w.deadline[i] = ESTAB_NEVER;
      break;
    case 2:
      move_time(r, &w);
      if (!pop_all(&w, w.now, prop_one_in(r, 3) ? 1 : NODES + 1)) return false;
      break;
    case 3: set(&w, i, prop_one_in(r, 2) ? w.now - w.now / 3 : w.deadline[i]); break;
    default: set(&w, i, later(w.now, crowded ? prop_below(r, 60000) : some_delay(r)));
    }
    PROP_CHECK(wheel_has(&w.nodes[i]) == (w.deadline[i] != ESTAB_NEVER));
    if (prop_one_in(r, 2)) continue; // asking puts slots in order: not always
    PROP_CHECK(wheel_deadline(&w.wheel) <= earliest(&w));
    PROP_CHECK((wheel_deadline(&w.wheel) == ESTAB_NEVER) == (w.in == 0));
  }
  return follow_deadlines(&w);
}

// After a pop at `now` nothing is earlier, and a deadline in the same span of the lowest level is
// told exactly, however many nodes there are.
static bool near_deadline_is_exact(struct prop_rng *r)
{
  static struct world w;
  memset(&w, 0, sizeof w);
  memset(w.deadline, 0xff, sizeof w.deadline);
  w.now = prop_u64(r) >> (1 + prop_below(r, 40));
  wheel_init(&w.wheel, 0);
  for (unsigned i = 0; i < NODES; i++)
    set(&w, i, later(w.now, 1 + prop_below(r, prop_one_in(r, 2) ? 4000000 : 4000000000u)));
  uint64_t end = w.now + 20 * MS;
  while (w.now < end) {
    if (!pop_all(&w, w.now, NODES + 1)) return false;
    uint64_t least = earliest(&w), told = wheel_deadline(&w.wheel);
    PROP_CHECK(told <= least && told > w.now);
    if (least >> 22 == w.now >> 22) PROP_CHECK(told == least);
    if (prop_one_in(r, 2)) set(&w, prop_below(r, NODES), later(w.now, 1 + prop_below(r, 200000)));
    w.now += prop_one_in(r, 2) ? prop_below(r, 200000) : told - w.now;
    if (told == ESTAB_NEVER) break;
  }
  return true;
}

// 25 days asleep with many deadlines in between: all come, in order.
static bool long_sleep(struct prop_rng *r)
{
  static struct world w;
  memset(&w, 0, sizeof w);
  memset(w.deadline, 0xff, sizeof w.deadline);
  w.now = prop_u64(r) >> 2;
  wheel_init(&w.wheel, w.now);
  for (unsigned i = 0; i < NODES; i++)
    set(&w, i, later(w.now, prop_u64(r) % (30 * DAY)));
  w.now += 25 * DAY;
  if (!pop_all(&w, w.now, NODES + 1)) return false;
  PROP_CHECK(earliest(&w) > w.now);
  w.now -= 25 * DAY; // back again: what is set now comes before what is left
  set(&w, 0, w.now + MS);
  PROP_CHECK(wheel_pop(&w.wheel, w.now) == NULL);
  PROP_CHECK(wheel_deadline(&w.wheel) <= w.now + MS);
  if (!pop_all(&w, w.now + MS, NODES + 1)) return false;
  PROP_CHECK(w.deadline[0] == ESTAB_NEVER);
  return follow_deadlines(&w);
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"wheel_is_a_sorted_list", wheel_is_a_sorted_list, 120},
      {"near_deadline_is_exact", near_deadline_is_exact, 60},
      {"long_sleep", long_sleep, 60},
  };
  return prop_main(argc, argv, props, sizeof props / sizeof props[0]);
}
