// SPDX-License-Identifier: BSD-2-Clause
// lane.c - one direction of a link: loss, delay, order.
#include "lane.h"

#include <stdlib.h>
#include <string.h>

#define LANE_BURST_NS UINT64_C(1000000000)
#define LANE_HOLD_NS  UINT64_C(400000000) // a held packet goes on after this even if nothing follows

void lane_start(struct lane *lane, const struct lane_faults *faults, uint64_t seed, uint64_t now_ns)
{
  *lane = (struct lane){.faults = *faults, .chance = {chance_mix(seed)}, .start_ns = now_ns};
  lane->tokens = faults->police_bytes;
  lane->token_ns = now_ns;
}

static void lane_free_list(struct lane_packet *p)
{
  while (p != NULL) {
    struct lane_packet *next = p->next;
    free(p);
    p = next;
  }
}

void lane_end(struct lane *lane)
{
  lane_free_list(lane->first);
  lane_free_list(lane->held);
  lane_free_list(lane->queue.first);
  lane->first = lane->last = lane->held = NULL;
  lane->queue = (struct lane_queue){0};
}

// Most packets are due after all others: from the end.
static void lane_insert(struct lane *lane, struct lane_packet *p)
{
  struct lane_packet *before = lane->last;
  while (before != NULL && before->due_ns > p->due_ns)
    before = before->before;
  p->before = before;
  p->next = before != NULL ? before->next : lane->first;
  *(before != NULL ? &before->next : &lane->first) = p;
  *(p->next != NULL ? &p->next->before : &lane->last) = p;
}

// Packets that were overtaken often enough go on behind the one that overtook them last; held long enough: at once.
static void lane_let_go(struct lane *lane, uint64_t now_ns)
{
  for (struct lane_packet **at = &lane->held; *at != NULL;) {
    struct lane_packet *p = *at;
    if (p->after > lane->launched && p->due_ns > now_ns) {
      at = &p->next;
      continue;
    }
    *at = p->next;
    if (p->due_ns > now_ns)
      p->due_ns = lane->last != NULL && lane->last->due_ns > now_ns ? lane->last->due_ns : now_ns;
    lane_insert(lane, p);
  }
}

static bool lane_bursts(struct lane *lane, uint64_t now_ns)
{
  const struct lane_faults *f = &lane->faults;
  bool burst = lane->burst_left > 0 && now_ns < lane->burst_until_ns;
  if (burst) lane->burst_left--;
  if (!burst && chance_ppm(&lane->chance, f->burst_ppm)) {
    burst = true;
    lane->burst_left = (uint32_t)chance_below(&lane->chance, f->burst_packets);
    lane->burst_until_ns = now_ns + LANE_BURST_NS;
  }
  if (f->bad_ppm > 0 && chance_ppm(&lane->chance, lane->bad ? f->good_ppm : f->bad_ppm))
    lane->bad = !lane->bad;
  return burst || (lane->bad && chance_ppm(&lane->chance, f->bad_loss_ppm));
}

static bool lane_loses(struct lane *lane, uint64_t now_ns)
{
  const struct lane_faults *f = &lane->faults;
  uint64_t age = now_ns - lane->start_ns, number = lane->counters.packets;
  bool burst = lane_bursts(lane, now_ns);
  bool dark = age >= f->blackout_at_ns && age - f->blackout_at_ns < f->blackout_ns;
  bool rehearsed = number >= lane->lose_at && number < lane->lose_at + lane->lose_count;
  bool periodic = (f->loss_period > 0 && number % f->loss_period == 0) ||
                  (f->lose_number > 0 && number == f->lose_number);
  return chance_ppm(&lane->chance, f->loss_ppm) || burst || dark || rehearsed || periodic ||
         lane->cut;
}

static bool lane_polices(struct lane *lane, uint64_t now_ns, size_t count)
{
  const struct lane_faults *f = &lane->faults;
  if (f->police_bits_per_s == 0) return false;
  uint64_t earned = (now_ns - lane->token_ns) / 1000 * (f->police_bits_per_s / 1000) / 8000;
  if (earned > 0) {
    lane->tokens =
        earned > f->police_bytes - lane->tokens ? f->police_bytes : lane->tokens + earned;
    lane->token_ns = now_ns;
  }
  if (lane->tokens < count) return true;
  lane->tokens -= count;
  return false;
}

static void lane_corrupt(struct lane *lane, struct lane_packet *p)
{
  // One bit, or a run of up to 15: what a 16-bit sum always finds.
  uint64_t first = chance_below(&lane->chance, p->count * 8);
  uint64_t bits = 1 + chance_below(&lane->chance, 15);
  p->bytes[first / 8] ^= (uint8_t)(1u << first % 8);
  for (uint64_t i = first + 1; i < first + bits && i < p->count * 8; i++)
    if (chance_below(&lane->chance, 2) != 0) p->bytes[i / 8] ^= (uint8_t)(1u << i % 8);
  lane->counters.corrupted++;
}

static struct lane_packet *lane_copy(const uint8_t *bytes, size_t count)
{
  struct lane_packet *p = malloc(sizeof *p + count);
  if (p == NULL) abort();
  memcpy(p->bytes, bytes, count);
  p->count = count;
  return p;
}

// Into flight, or aside to be overtaken.
static void lane_launch(struct lane *lane, struct lane_packet *p, uint64_t depart_ns)
{
  const struct lane_faults *f = &lane->faults;
  p->after = 0;
  p->due_ns = depart_ns + f->delay_ns + chance_below(&lane->chance, f->jitter_ns + 1);
  if (p->count > 0 && chance_ppm(&lane->chance, f->corrupt_ppm)) lane_corrupt(lane, p);
  if (chance_ppm(&lane->chance, f->reorder_ppm)) {
    lane->counters.reordered++;
    p->after = lane->launched + 1 + chance_below(&lane->chance, f->reorder_packets);
    p->due_ns += LANE_HOLD_NS;
    p->next = lane->held;
    lane->held = p;
    return;
  }
  lane_insert(lane, p);
  lane->launched++;
}

static void lane_depart(struct lane *lane, struct lane_packet *p, uint64_t depart_ns)
{
  struct lane_packet *twin = NULL;
  if (chance_ppm(&lane->chance, lane->faults.duplicate_ppm)) {
    lane->counters.duplicated++;
    twin = lane_copy(p->bytes, p->count);
  }
  lane_launch(lane, p, depart_ns);
  if (twin != NULL) lane_launch(lane, twin, depart_ns);
  lane_let_go(lane, depart_ns);
}

// What has left the queue by now goes into flight.
static void lane_serve(struct lane *lane, uint64_t now_ns)
{
  uint64_t left_ns;
  struct lane_packet *p;
  while ((p = lane_queue_take(lane, now_ns, &left_ns)) != NULL)
    lane_depart(lane, p, left_ns);
}

bool lane_admit(struct lane *lane, uint64_t now_ns, const uint8_t *bytes, size_t count)
{
  const struct lane_faults *f = &lane->faults;
  lane->counters.packets++;
  lane->counters.bytes += count;
  lane_serve(lane, now_ns);
  lane_let_go(lane, now_ns);
  bool lost = lane_loses(lane, now_ns);
  if (f->mtu > 0 && count > f->mtu) {
    lane->counters.too_long += !lost;
    lost = true;
  }
  if (!lost && lane_polices(lane, now_ns, count)) {
    lane->counters.policed++;
    lost = true;
  }
  struct lane_packet *p = lost ? NULL : lane_copy(bytes, count);
  if (p != NULL && f->rate_bits_per_s == 0) {
    lane_depart(lane, p, now_ns);
  } else if (p != NULL && !lane_queue_add(lane, p, now_ns)) {
    lane->counters.lost_in_queue++;
    free(p);
    lost = true;
  }
  lane->counters.lost += lost;
  return !lost;
}

uint64_t lane_deadline(const struct lane *lane)
{
  uint64_t due = lane->first != NULL ? lane->first->due_ns : UINT64_MAX;
  if (lane->queue.first != NULL && lane->queue.free_ns < due) due = lane->queue.free_ns;
  for (const struct lane_packet *p = lane->held; p != NULL; p = p->next)
    if (p->due_ns < due) due = p->due_ns;
  return due;
}

struct lane_packet *lane_take(struct lane *lane, uint64_t now_ns)
{
  lane_serve(lane, now_ns);
  lane_let_go(lane, now_ns);
  struct lane_packet *p = lane->first;
  if (p == NULL || p->due_ns > now_ns) return NULL;
  lane->first = p->next;
  *(p->next != NULL ? &p->next->before : &lane->last) = NULL;
  return p;
}
