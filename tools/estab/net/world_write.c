// SPDX-License-Identifier: BSD-2-Clause
// world_write.c - a scenario by chance, in the words of a scenario file.
//
// Two pairs of hosts at the most, on either side of one to three routers in a row. The first pair talks, with all
// checks; the second talks or has a flow that competes, or is not there. Anything may be wrong with any link.
#include "sim/chance.h"
#include "worlds.h"

#define MS UINT64_C(1000000)

static bool one_in(struct chance *c, uint64_t n)
{
  return chance_below(c, n) == 0;
}

static unsigned long long pick(struct chance *c, uint64_t from, uint64_t to)
{
  return from + chance_below(c, to - from + 1);
}

// Small numbers as likely as large ones.
static unsigned long long pick_scale(struct chance *c, uint64_t least, unsigned doublings)
{
  uint64_t base = least << chance_below(c, doublings);
  return base + chance_below(c, base);
}

static void write_host(FILE *out, struct chance *c, const char *name)
{
  static const char *const controls[] = {"reno", "cubic", "cubic", "bbr"};
  static const unsigned mtus[] = {1500, 1500, 1500, 1500, 1280, 4470, 9000};
  fprintf(out, "host %s cc=%s mtu=%u", name, controls[chance_below(c, 4)],
          mtus[chance_below(c, 7)]);
  if (one_in(c, 3)) fprintf(out, " sndbuf=%llu", pick_scale(c, 2048, 9));
  if (one_in(c, 3)) fprintf(out, " rcvbuf=%llu", pick_scale(c, 2048, 9));
  if (one_in(c, 5)) fprintf(out, " delack=%llums", pick(c, 0, 200));
  if (one_in(c, 10)) fprintf(out, " maxrate=%lluk", pick_scale(c, 500, 6));
  if (one_in(c, 5)) fputs(" nosack", out);
  if (one_in(c, 5)) fputs(" nots", out);
  if (one_in(c, 6)) fputs(" nopacing", out);
  if (one_in(c, 6)) fputs(" nohystart", out);
  if (one_in(c, 3)) fputs(one_in(c, 2) ? " ecn" : " accecn", out);
  if (one_in(c, 5)) fputs(one_in(c, 2) ? " plpmtud" : " noplpmtud", out);
  fputc('\n', out);
}

// What chance does to single packets.
static void write_faults(FILE *out, struct chance *c)
{
  switch (chance_below(c, 8)) {
  case 0: fprintf(out, " loss=%llu%%", pick(c, 1, 15)); break;
  case 1: fprintf(out, " loss=0.%llu%%", pick(c, 1, 9)); break;
  case 2: fprintf(out, " every=%llu", pick(c, 5, 300)); break;
  case 3: fprintf(out, " lose=%llu", pick(c, 1, 60)); break;
  case 4:
    fprintf(out, " bad=0.%llu%% good=%llu%% badloss=%llu%%", pick(c, 1, 9), pick(c, 5, 50),
            pick(c, 20, 100));
    break;
  default: break;
  }
  if (one_in(c, 4)) fprintf(out, " reorder=%llu%% depth=%llu", pick(c, 1, 30), pick_scale(c, 1, 7));
  if (one_in(c, 6)) fprintf(out, " duplicate=%llu%%", pick(c, 1, 10));
  if (one_in(c, 8)) fprintf(out, " corrupt=%llu%%", pick(c, 1, 5));
  if (one_in(c, 4)) fprintf(out, " jitter=%llums", pick_scale(c, 1, 7));
}

static void write_link(FILE *out, struct chance *c, const char *a, const char *b)
{
  static const char *const queues[] = {"tail", "red", "codel"};
  static const unsigned mtus[] = {1280, 1400, 1492, 4470};
  fprintf(out, "link %s %s delay=%lluus", a, b, pick_scale(c, 100, 9));
  if (one_in(c, 2))
    fprintf(out, " rate=%lluk queue=%llu aqm=%s%s", pick_scale(c, 500, 8), pick_scale(c, 6000, 7),
            queues[chance_below(c, 3)], one_in(c, 2) ? " ecn" : "");
  if (one_in(c, 10))
    fprintf(out, " police=%lluk bucket=%llu", pick_scale(c, 500, 6), pick_scale(c, 10000, 4));
  if (one_in(c, 8))
    fprintf(out, " mtu=%u%s", mtus[chance_below(c, 4)], one_in(c, 2) ? " blackhole" : "");
  if (one_in(c, 2)) write_faults(out, c);
  fputc('\n', out);
  if (!one_in(c, 4)) return;
  fprintf(out, "link %s>%s", b, a); // the way back is another one
  if (one_in(c, 2))
    fprintf(out, " rate=%lluk queue=%llu", pick_scale(c, 60, 8), pick_scale(c, 4000, 6));
  write_faults(out, c);
  fputc('\n', out);
}

static void write_habit(FILE *out, struct chance *c, const char *name, bool may_wait)
{
  fprintf(out, "habit %s write=%llu read=%llu", name,
          one_in(c, 4) ? pick(c, 1, 200) : pick(c, 200, 16384),
          one_in(c, 4) ? pick(c, 1, 200) : pick(c, 200, 16384));
  if (one_in(c, 4)) fprintf(out, " pause=%llu%% rest=%llums", pick(c, 1, 5), pick_scale(c, 1, 10));
  if (one_in(c, 5)) fprintf(out, " late=%llums", pick_scale(c, 10, 9));
  if (one_in(c, 10)) fprintf(out, " abort=%llums", pick_scale(c, 5, 10));
  if (one_in(c, 3)) fprintf(out, " calls=%llu%%", pick(c, 1, 10));
  if (may_wait && one_in(c, 2)) fputs(" closelast", out);
  if (one_in(c, 4)) fputs(" early", out);
  fputc('\n', out);
}

static void write_talk(FILE *out, struct chance *c, const char *a, const char *b)
{
  fprintf(out, "talk %s %s", a, b);
  if (!one_in(c, 8)) fprintf(out, " bytes=%llu", pick_scale(c, 100, 12));
  if (one_in(c, 2)) fprintf(out, " back=%llu", pick_scale(c, 100, 12));
  if (one_in(c, 4)) fprintf(out, " start=%llums", pick(c, 1, 500));
  if (one_in(c, 4)) fputs(" fastopen", out);
  if (one_in(c, 40)) fputs(" closed", out);
  fputc('\n', out);
  bool first = one_in(c, 2); // not both may wait for the other's end
  write_habit(out, c, a, first);
  write_habit(out, c, b, !first);
}

static void write_changes(FILE *out, struct chance *c, const char *a, const char *b)
{
  uint64_t ms = 0;
  for (uint64_t n = chance_below(c, 4); n > 0; n--) {
    ms += pick_scale(c, 10, 8);
    fprintf(out, "at %llums link %s%s%s", (unsigned long long)ms, a, one_in(c, 3) ? ">" : " ", b);
    switch (chance_below(c, 4)) {
    case 0: fprintf(out, " rate=%lluk", pick_scale(c, 300, 8)); break;
    case 1: fprintf(out, " delay=%lluus", pick_scale(c, 100, 10)); break;
    case 2: fprintf(out, " loss=%llu%%", pick(c, 0, 20)); break;
    default:
      fputs(" down\n", out);
      ms += pick_scale(c, 20, one_in(c, 20) ? 14 : 8);
      fprintf(out, "at %llums link %s %s up", (unsigned long long)ms, a, b);
      break;
    }
    fputc('\n', out);
  }
}

void world_write(FILE *out, uint64_t seed)
{
  static const char *const routers[] = {"r", "s", "t"};
  struct chance c = {chance_mix(seed + 20260)};
  unsigned router_count = 1 + (unsigned)chance_below(&c, 3);
  uint64_t second = chance_below(&c, 3); // pair: none, a flow, a talk
  fprintf(out, "seed %llu\n%s", (unsigned long long)seed, one_in(&c, 3) ? "ipv6\n" : "");
  for (unsigned i = 0; i < router_count; i++)
    fprintf(out, "router %s\n", routers[i]);
  const char *last = routers[router_count - 1];
  write_host(out, &c, "a");
  write_host(out, &c, "b");
  if (second > 0) write_host(out, &c, "c");
  if (second > 0) write_host(out, &c, "d");
  write_link(out, &c, "a", "r");
  write_link(out, &c, "b", last);
  if (second > 0) write_link(out, &c, "c", "r");
  if (second > 0) write_link(out, &c, "d", one_in(&c, 3) ? "r" : last);
  for (unsigned i = 1; i < router_count; i++)
    write_link(out, &c, routers[i - 1], routers[i]);
  write_talk(out, &c, "a", "b");
  if (second == 1)
    fprintf(out, "flow c d bytes=%llu start=%llums repeat=%llu mayfail\n", pick_scale(&c, 1000, 9),
            pick(&c, 0, 300), pick(&c, 1, 3));
  if (second == 2) write_talk(out, &c, "c", "d");
  if (router_count > 1)
    write_changes(out, &c, "r", routers[1]);
  else
    write_changes(out, &c, "b", "r");
}
