// SPDX-License-Identifier: BSD-2-Clause
// own_cc.c - a congestion controller of one's own over a link of 20 Mbit/s and 40 ms with a deep queue. It keeps some
// 4 segments in the queue (as TCP Vegas did), and is shown beside CUBIC, which fills it.
#include "estab/cc.h"
#include "host.h"
#include <stdio.h>

enum { MTU = 1500, QUEUE = 2000, SECONDS = 20 };
#define RATE     UINT64_C(2500000)  // octets a second
#define DELAY_NS UINT64_C(20000000) // each way

struct mine {
  bool in_avoidance;
};

// Once a round trip: how much of the window waits in queues, by how much longer than the shortest the round trip is?
static void mine_on_ack(void *ctx, void *room, struct estab_cc_window *w,
                        const struct estab_cc_ack *ack)
{
  struct mine *m = room;
  (void)ctx;
  if (ack->recovering || !ack->round_start || ack->rtt_ns == 0 || ack->min_rtt_ns == 0) return;
  uint64_t excess_ns = ack->rtt_ns > ack->min_rtt_ns ? ack->rtt_ns - ack->min_rtt_ns : 0;
  uint64_t queued = (uint64_t)w->cwnd_bytes * excess_ns / ack->rtt_ns;
  if (!m->in_avoidance && queued <= 2 * (uint64_t)w->mss_bytes) {
    w->cwnd_bytes += w->cwnd_bytes / 2;
  } else if (!m->in_avoidance) {
    m->in_avoidance = true; // the queue has begun to grow: it was enough
    w->cwnd_bytes -= (uint32_t)queued;
  } else if (queued < 3 * (uint64_t)w->mss_bytes) {
    w->cwnd_bytes += w->mss_bytes;
  } else if (queued > 5 * (uint64_t)w->mss_bytes) {
    w->cwnd_bytes -= w->mss_bytes;
  }
  w->pacing_bytes_per_s = (uint64_t)w->cwnd_bytes * 1200000000 / ack->rtt_ns;
}

static void mine_on_loss(void *ctx, void *room, struct estab_cc_window *w, uint32_t flight_bytes,
                         uint64_t now_ns)
{
  (void)ctx, (void)now_ns;
  ((struct mine *)room)->in_avoidance = true;
  w->ssthresh_bytes = w->cwnd_bytes = flight_bytes - flight_bytes / 4;
}

static const struct estab_cc_controller mine = {.struct_bytes = sizeof mine,
                                                .name = "mine",
                                                .room_bytes = sizeof(struct mine),
                                                .on_ack = mine_on_ack,
                                                .on_loss = mine_on_loss};

// One direction of the link: frames in order, each with the time when it arrives.
struct way {
  struct {
    uint64_t at_ns;
    size_t count;
    uint8_t bytes[MTU];
  } ring[QUEUE];
  unsigned first, count;
  uint64_t busy_ns; // until then the frames before are on their way out
  uint64_t queued_ns, frames;
};

static bool put(estab_stack *from, struct way *way, uint64_t now)
{
  struct estab_frame frames[16];
  int n = estab_stack_output(from, now, frames, 16);
  for (int i = 0; i < n && way->count < QUEUE; i++) {
    unsigned at = (way->first + way->count++) % QUEUE;
    size_t bytes = 0;
    for (unsigned k = 0; k < frames[i].piece_count; k++) {
      memcpy(way->ring[at].bytes + bytes, frames[i].pieces[k].bytes, frames[i].pieces[k].length);
      bytes += frames[i].pieces[k].length;
    }
    uint64_t begins = way->busy_ns > now ? way->busy_ns : now;
    way->queued_ns += begins - now;
    way->frames++;
    way->busy_ns = begins + (uint64_t)bytes * 1000000000 / RATE;
    way->ring[at].at_ns = way->busy_ns + DELAY_NS;
    way->ring[at].count = bytes;
  }
  estab_stack_output_done(from, (unsigned)n, now);
  return n > 0;
}

static bool get(estab_stack *to, struct way *way, uint64_t now)
{
  if (way->count == 0 || way->ring[way->first].at_ns > now) return false;
  struct estab_frame f = {.struct_bytes = sizeof f, .netif = 1, .piece_count = 1};
  f.pieces[0] = (struct estab_piece){.bytes = way->ring[way->first].bytes,
                                     .length = way->ring[way->first].count};
  estab_stack_input(to, now, &f, 1);
  way->first = (way->first + 1) % QUEUE;
  way->count--;
  return true;
}

static void earlier(uint64_t *next, uint64_t at_ns)
{
  if (at_ns < *next) *next = at_ns;
}

// Answers Mbit/s; *queue_ms is how long a frame waited in the queue, on the average.
static double run(bool own, double *queue_ms)
{
  static struct way ways[2];
  static uint8_t bytes[65536];
  memset(ways, 0, sizeof ways);
  struct estab_netif_settings netif;
  estab_listener listener;
  estab_conn server = 0;
  uint64_t got = 0, end = SECONDS * UINT64_C(1000000000);
  int n;
  estab_netif_settings_default(&netif);
  netif.mtu = MTU;
  estab_stack *a = host_new("192.0.2.1", &netif), *b = host_new("192.0.2.2", &netif);
  estab_conn client = host_connect(a, b, "192.0.2.2", &listener);
  if (own) {
    int number = estab_cc_add(a, &mine);
    if (number < 0) abort();
    if (estab_option_set(a, client, ESTAB_OPT_CONGESTION_CONTROL, (uint64_t)number)) abort();
  }
  for (uint64_t now = 0; now < end;) {
    while (estab_send(a, client, bytes, sizeof bytes) > 0) {
    }
    if (!server && estab_accept(b, listener, &server) < 0) server = 0;
    while (server && (n = estab_recv(b, server, bytes, sizeof bytes)) > 0)
      got += (uint64_t)n;
    bool moved = put(a, &ways[0], now);
    moved |= put(b, &ways[1], now);
    moved |= get(b, &ways[0], now);
    moved |= get(a, &ways[1], now);
    if (moved) continue;
    uint64_t next = end;
    for (unsigned i = 0; i < 2; i++)
      if (ways[i].count > 0) earlier(&next, ways[i].ring[ways[i].first].at_ns);
    earlier(&next, estab_stack_deadline(a));
    earlier(&next, estab_stack_deadline(b));
    now = next;
    estab_stack_handle_deadline(a, now);
    estab_stack_handle_deadline(b, now);
  }
  *queue_ms = (double)ways[0].queued_ns / 1e6 / (double)ways[0].frames;
  estab_stack_free(a);
  estab_stack_free(b);
  return (double)got * 8 / 1e6 / SECONDS;
}

int main(void)
{
  double queue_ms[2], cubic = run(false, &queue_ms[0]), own = run(true, &queue_ms[1]);
  printf("cubic: %.2f Mbit/s, %.1f ms in the queue\n", cubic, queue_ms[0]);
  printf("mine:  %.2f Mbit/s, %.1f ms in the queue\n", own, queue_ms[1]);
  return own > 0.85 * RATE * 8 / 1e6 && queue_ms[1] < queue_ms[0] / 2 ? 0 : 1;
}
