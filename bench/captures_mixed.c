// SPDX-License-Identifier: BSD-2-Clause
// captures_mixed.c - a capture as an access link carries it: clients behind the tap, servers beyond it.
//
// Each connection is a flow that knows when its next packet passes the tap; a heap has the next of
// all, and memory is what is open at once.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "captures_flow.h"

#define ARRIVAL_US 3437 // from one connection to the next, on average: 174,553 in ten minutes
#define CLIENTS    2000
#define SERVERS    4000
#define DEAD       300 // further servers that refuse or say nothing
#define FIRST_END  0x400000
#define GOES_ON_US 3000000 // the tap stays when the last connection has come

// Unevenly popular: of 4,000 the first is chosen by one in 90, the first 280 by half of all.
static uint32_t popular(struct flow *f, uint32_t of)
{
  return flow_below(f, flow_below(f, flow_below(f, of) + 1) + 1);
}

struct heap {
  struct flow *flows; // the earliest first
  size_t count, room;
};

static bool earlier(const struct flow *a, const struct flow *b)
{
  return a->at_us != b->at_us ? a->at_us < b->at_us : a->id < b->id;
}

static bool heap_add(struct heap *h, const struct flow *f)
{
  if (h->count == h->room) {
    const size_t room = h->room ? 2 * h->room : 1024;
    struct flow *const flows = realloc(h->flows, room * sizeof *flows);
    if (flows == NULL) return false;
    h->flows = flows;
    h->room = room;
  }
  size_t i = h->count++;
  for (; i > 0 && earlier(f, &h->flows[(i - 1) / 2]); i = (i - 1) / 2)
    h->flows[i] = h->flows[(i - 1) / 2];
  h->flows[i] = *f;
  return true;
}

// The first one has another time now, or is over.
static void heap_renew(struct heap *h, bool over)
{
  const struct flow moved = over ? h->flows[--h->count] : h->flows[0];
  size_t i = 0;
  for (size_t child; (child = 2 * i + 1) < h->count; i = child) {
    child += child + 1 < h->count && earlier(&h->flows[child + 1], &h->flows[child]);
    if (!earlier(&h->flows[child], &moved)) break;
    h->flows[i] = h->flows[child];
  }
  h->flows[i] = moved;
}

// What an end is, always the same: a number below the limit for each of its properties.
static uint32_t property(uint32_t end, uint32_t which, uint32_t limit)
{
  return mix(end * 8 + which) % limit;
}

static void flow_begin(struct flow *f, uint32_t id, uint64_t at_us)
{
  static const uint16_t ports[64] = {[0] = 22, 25, 993, 993, 993, 80, 80, 80, 80, 80, 80, 80, 80};
  static const uint16_t gaps_us[5] = {12, 24, 60, 121, 242}; // 1,000 to 50 Mbit/s
  static uint16_t last_ports[CLIENTS];
  *f = (struct flow){.at_us = at_us, .id = id};
  const uint32_t fate = flow_below(f, 1000);
  f->fate = fate < 30 ? REFUSED : fate < 50 ? SILENT : fate < 55 ? SYN_LOST : SERVED;
  const uint32_t client = popular(f, CLIENTS),
                 server = f->fate == REFUSED  ? SERVERS + popular(f, DEAD)
                          : f->fate == SILENT ? SERVERS + DEAD + popular(f, DEAD)
                                              : popular(f, SERVERS);
  f->address[CLIENT] = FIRST_END + 0x10000 + client;
  f->address[SERVER] = FIRST_END + server;
  f->port[CLIENT] = (uint16_t)(32768 + last_ports[client]++ % 28232);
  const uint16_t port = ports[property(server, 0, 64)];
  f->port[SERVER] = port ? port : 443;
  f->near_us[CLIENT] = 300 + property(client, 1, 4000);
  const uint32_t octave_us = 2000u << property(server, 1, 7); // 2 to 200 ms
  f->near_us[SERVER] = octave_us + property(server, 2, octave_us);
  if (f->near_us[SERVER] > 200000) f->near_us[SERVER] = 200000;
  f->gap_us = gaps_us[property(client, 2, 5)];
  f->limit = 32u << property(server, 3, 5); // 46 to 740 KB under way
  f->seq[CLIENT] = flow_below(f, UINT32_MAX);
  f->seq[SERVER] = flow_below(f, UINT32_MAX);
  f->ip6 = flow_percent(f, 25);
  f->uploads = f->port[SERVER] == 25 || flow_percent(f, 5);
  f->closer = flow_percent(f, 60) ? CLIENT : SERVER;
  f->exchanges = (uint8_t)(f->port[SERVER] == 22 ? 3 + flow_below(f, 5)
                           : flow_percent(f, 95) ? 1
                                                 : 2 + flow_below(f, flow_below(f, 6) + 1));
}

bool mixed(uint32_t count)
{
  struct heap heap = {0};
  struct flow next = {0}, arrivals = {.id = UINT32_MAX};
  struct flow_counts made = {0};
  uint64_t end_us = UINT64_MAX, arrival_us = BEGIN_US;
  size_t most = 0;
  bool good = true;
  for (uint32_t begun = 0; good && (begun < count || heap.count > 0);) {
    if (begun < count && (heap.count == 0 || arrival_us <= heap.flows[0].at_us)) {
      flow_begin(&next, begun++, arrival_us);
      made.silent += next.fate == SILENT;
      good = heap_add(&heap, &next);
      most = heap.count > most ? heap.count : most;
      if (begun == count) end_us = arrival_us + GOES_ON_US;
      arrival_us += flow_wait_us(&arrivals, ARRIVAL_US);
    } else if (heap.flows[0].at_us > end_us) {
      break;
    } else {
      heap_renew(&heap, !flow_step(&heap.flows[0], &made));
    }
  }
  free(heap.flows);
  fprintf(stderr,
          "mixed: %" PRIu32 " packets of %" PRIu32 " connections in %" PRIu64 " s, "
          "at most %zu with more to send; %" PRIu32 " refused, %" PRIu32 " unanswered, "
          "%" PRIu32 " aborted; sent again: %" PRIu32 " SYNs, "
          "%" PRIu32 " segments seen twice, %" PRIu32 " that fill a hole\n",
          made.packets, count, (end_us - BEGIN_US) / 1000000, most, made.refused, made.silent,
          made.aborted, made.syns, made.twice, made.filled);
  return good;
}
