// SPDX-License-Identifier: BSD-2-Clause
// watch_flush.c - what is open at the end of a capture (src/watch/track_flush.c) ends in the order of first packets.
//
// Some hundred connections go on in any order, so that the lists they stand in are shuffled; some are refused, some are
// over, some rows are told before the end. Then each that is left leaves one row, and the rows are in order; also where
// packets are so many that 32 bits do not count them.
#include "support/prop.h"

#include "watch/track_internal.h"

#define TALKS 400

enum { S = ESTAB_TCP_SYN, A = ESTAB_TCP_ACK, F = ESTAB_TCP_FIN, R = ESTAB_TCP_RST };

struct talk {
  unsigned said;
  bool refused;
  uint64_t first; // packet
  unsigned final; // rows
};

struct world {
  struct prop_mem door;
  struct mem mem;
  struct estab_watch_stats stats;
  struct track t;
  struct talk talks[TALKS];
  uint64_t ns, number;
};

// The next segment of a talk that is closed by both, or refused.
static void talk_on(struct world *w, unsigned i)
{
  static const struct {
    bool answers;
    uint16_t flags;
    uint32_t seq, ack;
  } says[] = {{false, S, 0, 0},        {true, S | A, 5000, 1}, {false, A, 1, 5001},
              {false, F | A, 1, 5001}, {true, F | A, 5001, 2}, {false, A, 2, 5002}};
  struct talk *const k = &w->talks[i];
  if (k->said >= (k->refused ? 2u : 6u)) return;
  const unsigned at = k->said++;
  const bool refusal = k->refused && at == 1;
  struct watch_packet p = {.kind = WATCH_KIND_TCP, .version = 4, .ttl = 60, .ip_bytes = 40};
  struct estab_ip ip[2] = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}},
                           {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2}}};
  const uint16_t port[2] = {(uint16_t)(10000 + i), 80};
  const unsigned from = says[at].answers;
  p.src = ip[from];
  p.dst = ip[1 - from];
  p.tcp = (struct estab_tcp_header){.src_port = port[from],
                                    .dst_port = port[1 - from],
                                    .seq = refusal ? 0 : says[at].seq,
                                    .ack = says[at].ack,
                                    .flags = refusal ? R | A : says[at].flags,
                                    .window = 1000};
  track_advance(&w->t, w->ns);
  track_expect(&w->t, &p);
  track_packet(&w->t, &p, w->ns, ++w->number, 54);
  if (at == 0) k->first = w->number;
}

// Answers whether rows came in order, if they have to.
static bool pull(struct world *w, bool ordered)
{
  struct estab_watch_conn c;
  uint64_t last = 0;
  while (track_next_row_told(&w->t, &c)) {
    struct talk *const k = &w->talks[c.orig_port - 10000];
    PROP_CHECK(!ordered || k->first > last);
    last = k->first;
    k->final += c.final;
  }
  return true;
}

static bool go(struct world *w, struct prop_rng *r)
{
  const unsigned bits = 16 + prop_below(r, 34); // of what is left out between two packets
  const bool gaps = prop_one_in(r, 2);
  if (gaps) w->number = prop_below(r, UINT32_MAX);
  const unsigned lots = 1 + prop_below(r, 4000), reach = 1 + prop_below(r, TALKS);
  unsigned first = 0;
  for (unsigned i = 0; i < TALKS; i++)
    w->talks[i].refused = prop_one_in(r, 3);
  for (unsigned n = 0; n < lots; n++) {
    if (prop_one_in(r, 10)) first = prop_below(r, TALKS);
    talk_on(w, (first + prop_below(r, reach)) % TALKS);
    w->ns += prop_one_in(r, 4) ? 0 : prop_below(r, 5000000);
    if (gaps && prop_one_in(r, 1 + lots / 8)) w->number += prop_u64(r) >> (64 - bits);
    if (!pull(w, false)) return false;
  }
  track_flush(&w->t);
  if (!pull(w, true)) return false;
  for (unsigned i = 0; i < TALKS; i++)
    PROP_CHECK((w->talks[i].final > 0) == (w->talks[i].said > 0));
  return true;
}

static bool ends_in_order(struct prop_rng *r)
{
  static struct world w;
  struct estab_watch_settings settings;
  memset(&w, 0, sizeof w);
  w.ns = UINT64_C(1700000000000000000);
  estab_watch_settings_default(&settings);
  settings.rows = (uint8_t)prop_below(r, 2);
  mem_init(&w.mem, prop_mem_door(&w.door));
  PROP_CHECK(track_init(&w.t, &w.mem, &settings, &w.stats) == 0);
  const bool ok = go(&w, r);
  track_destroy(&w.t);
  PROP_CHECK(w.door.live_bytes == 0);
  return ok;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"ends_in_order", ends_in_order, 200}};
  return prop_main(argc, argv, props, 1);
}
