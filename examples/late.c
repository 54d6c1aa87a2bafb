// SPDX-License-Identifier: BSD-2-Clause
// late.c - a device that finishes late: every frame is held for 60 s after it went out, long after its octets were
// acknowledged, the connection is closed and forgotten. What it points to must not change or go away meanwhile.
#include "host.h"
#include <stdio.h>

enum { BYTES = 200000, LENT = 50000, HELD = 1024 };
static const uint64_t hold_ns = UINT64_C(60000000000);

static struct held { // a frame in the device's hands
  struct estab_frame frame;
  uint64_t sum, until;
} held[HELD];
static unsigned oldest, newest; // held[oldest .. newest - 1] modulo HELD

static uint64_t sum_of(const struct estab_frame *f)
{
  uint64_t sum = 0;
  for (unsigned i = 0; i < f->piece_count; i++)
    for (size_t k = 0; k < f->pieces[i].length; k++)
      sum = sum * 31 + f->pieces[i].bytes[k];
  return sum;
}

// One frame at a time, each written straight into the device's own ring, where it stays until released.
static int carry_late(estab_stack *from, estab_stack *to, uint64_t now)
{
  int n = 0;
  for (; newest - oldest < HELD; newest++, n++) {
    struct held *h = &held[newest % HELD];
    if (estab_stack_output(from, now, &h->frame, 1) != 1) break;
    estab_frame_hold(from, &h->frame);
    estab_stack_output_done(from, 1, now);
    h->sum = sum_of(&h->frame);
    h->until = now + hold_ns;
    estab_stack_input(to, now, &h->frame, 1);
  }
  return n;
}

static int finish_late(estab_stack *from, uint64_t now)
{
  int changed = 0;
  for (; oldest < newest && held[oldest % HELD].until <= now; oldest++) {
    struct held *h = &held[oldest % HELD];
    changed += sum_of(&h->frame) != h->sum;
    estab_frame_release(from, &h->frame);
  }
  return changed;
}

int main(void)
{
  static uint8_t sent[BYTES], got[BYTES];
  struct estab_netif_settings netif;
  estab_listener listener;
  estab_conn server = 0;
  estab_netif_settings_default(&netif);
  estab_stack *a = host_new("192.0.2.1", &netif), *b = host_new("192.0.2.2", &netif);
  estab_conn client = host_connect(a, b, "192.0.2.2", &listener);
  size_t out = 0, in = 0;
  int changed = 0, came_back = 0;
  uint64_t now = 0, came_back_at = 0;
  for (size_t i = 0; i < BYTES; i++)
    sent[i] = (uint8_t)(i * 7 + i / 251);
  if (estab_send_ref(a, client, sent, LENT, 42) != LENT) return 1; // the caller's memory, lent
  for (out = LENT; now < 400 * UINT64_C(1000000000);) {
    struct estab_event e;
    int n = out < BYTES ? estab_send(a, client, sent + out, BYTES - out) : 0;
    if (n > 0) out += (size_t)n;
    if (out == BYTES && estab_status(a, client) == ESTAB_ESTABLISHED) estab_close(a, client);
    if (!server) estab_accept(b, listener, &server);
    while ((n = estab_recv(b, server, got + in, BYTES - in)) > 0)
      in += (size_t)n;
    if (n == 0 && in == BYTES) estab_release(b, server);
    if (estab_recv(a, client, got, 1) == 0) estab_release(a, client);
    while (estab_stack_next_event(a, &e))
      if ((e.events & ESTAB_EVENT_SEND_RELEASED) && e.cookie == 42) came_back++, came_back_at = now;
    changed += finish_late(a, now);
    if (carry_late(a, b, now) + host_carry(b, a, now) > 0) continue;
    uint64_t before = now;
    if (!host_wait(a, b, &now)) now = before + 1000000000;
    if (oldest < newest && held[oldest % HELD].until < now) now = held[oldest % HELD].until;
  }
  printf("%zu bytes arrived; %u frames held for 60 s, %d changed meanwhile; lent memory back after "
         "%.1f s\n",
         in, newest, changed, (double)came_back_at / 1e9);
  estab_stack_free(a);
  estab_stack_free(b);
  bool late_enough = came_back == 1 && came_back_at >= hold_ns;
  return !(in == BYTES && memcmp(sent, got, BYTES) == 0 && changed == 0 && late_enough &&
           oldest == newest);
}
