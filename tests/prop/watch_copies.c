// SPDX-License-Identifier: BSD-2-Clause
// watch_copies.c - a row that is told while its life goes on with another one, when there is memory for a part of it or
// for none: the row has its steps or says how many it has lost.
#include "estab/watch.h"
#include "estab/wire.h"
#include "support/prop.h"

#define COPIES_MAX 600

struct copies {
  struct prop_mem mem;
  estab_watch *watch;
  uint64_t now_ns;
  uint32_t rows, short_of_steps;
};

static void copies_segment(struct copies *c, uint32_t n, bool back, uint16_t flags, uint32_t seq,
                           uint32_t ack)
{
  uint8_t bytes[64];
  const struct estab_ip ends[2] = {estab_ip4(10, 0, (uint8_t)(n >> 8), (uint8_t)n),
                                   estab_ip4(192, 168, 0, 1)};
  const uint16_t ports[2] = {40000, 443};
  const struct estab_packet p = {.kind = ESTAB_PACKET_TCP,
                                 .link = ESTAB_LINK_RAW,
                                 .version = 4,
                                 .protocol = ESTAB_PROTOCOL_TCP,
                                 .ttl = 64,
                                 .src = ends[back],
                                 .dst = ends[!back],
                                 .fragment = {.id = (uint16_t)(c->now_ns / 1000)},
                                 .tcp = {.src_port = ports[back],
                                         .dst_port = ports[!back],
                                         .seq = seq,
                                         .ack = ack,
                                         .flags = flags,
                                         .window = 1000}};
  const int count = estab_packet_emit(&p, bytes, sizeof bytes);
  if (count < 0) abort();
  c->now_ns += 1000;
  estab_watch_input(c->watch, 0, ESTAB_LINKTYPE_RAW, bytes, (size_t)count, (size_t)count,
                    c->now_ns);
}

#define COPIES_STEPS 10 // of both sides of a life; four of them have room in the record itself

// Opened, and closed by FINs of both sides.
static void copies_life(struct copies *c, uint32_t n)
{
  copies_segment(c, n, false, ESTAB_TCP_SYN, 100, 0);
  copies_segment(c, n, true, ESTAB_TCP_SYN | ESTAB_TCP_ACK, 500, 101);
  copies_segment(c, n, false, ESTAB_TCP_ACK, 101, 501);
  copies_segment(c, n, false, ESTAB_TCP_FIN | ESTAB_TCP_ACK, 101, 501);
  copies_segment(c, n, true, ESTAB_TCP_FIN | ESTAB_TCP_ACK, 501, 102);
  copies_segment(c, n, false, ESTAB_TCP_ACK, 102, 502);
}

static bool copies_pull(struct copies *c)
{
  struct estab_watch_record r;
  while (estab_watch_next(c->watch, &r)) {
    if (r.type != ESTAB_WATCH_CONN || memcmp(&r.conn.uid, &r.conn.life, sizeof r.conn.uid) != 0)
      continue;
    const struct estab_watch_side_record *const s = r.conn.side;
    PROP_CHECK(s[0].step_count + s[1].step_count + s[0].steps_lost == COPIES_STEPS);
    PROP_CHECK(s[0].steps_lost == s[1].steps_lost);
    c->rows++;
    c->short_of_steps += s[0].steps_lost > 0;
  }
  return true;
}

// A FIN comes again in each TIME-WAIT, after the row was told: that row has its last word, and nobody pulls it before
// memory is refused.
static bool copies_told(struct copies *c, uint32_t lives, uint32_t granted)
{
  struct estab_watch_settings settings;
  *c = (struct copies){.now_ns = UINT64_C(1700000000000000000)};
  estab_watch_settings_default(&settings);
  settings.mem = prop_mem_door(&c->mem);
  settings.detect = false;
  PROP_CHECK(estab_watch_new(&settings, &c->watch) == ESTAB_OK);
  for (uint32_t n = 0; n < lives; n++)
    copies_life(c, n);
  c->now_ns += UINT64_C(10000000000);
  estab_watch_advance(c->watch, c->now_ns);
  PROP_CHECK(copies_pull(c) && c->rows == lives && c->short_of_steps == 0);
  c->mem.fail_after = granted;
  for (uint32_t n = 0; n < lives; n++)
    copies_segment(c, n, true, ESTAB_TCP_FIN | ESTAB_TCP_ACK, 501, 102);
  c->rows = 0;
  PROP_CHECK(copies_pull(c) && c->rows <= lives);
  // And once more, of rows that go on: none of them goes by the name of the first.
  c->now_ns += UINT64_C(10000000000);
  estab_watch_advance(c->watch, c->now_ns);
  for (uint32_t n = 0; n < lives; n++)
    copies_segment(c, n, true, ESTAB_TCP_FIN | ESTAB_TCP_ACK, 501, 102);
  c->rows = 0;
  PROP_CHECK(copies_pull(c) && c->rows == 0);
  struct estab_watch_stats stats = {.struct_bytes = sizeof stats};
  estab_watch_stats(c->watch, &stats);
  PROP_CHECK(c->short_of_steps == 0 || stats.memory_refusals > 0);
  estab_watch_free(c->watch);
  PROP_CHECK(c->mem.live_bytes == 0);
  return true;
}

static bool copies_in_part(struct prop_rng *r)
{
  static struct copies c;
  static uint32_t found; // rows that lost steps, of all runs
  static unsigned runs;
  PROP_CHECK(copies_told(&c, 1 + prop_below(r, COPIES_MAX), prop_below(r, 4)));
  found += c.short_of_steps;
  PROP_CHECK(++runs < 40 || found > 0);
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"copies_in_part", copies_in_part, 100}};
  return prop_main(argc, argv, props, 1);
}
