// SPDX-License-Identifier: BSD-2-Clause
// lane.c - one direction of the link: what happens to packets between two hosts.
#include "lane.h"

#include <stdlib.h>
#include <string.h>

#define LANE_BURST_NS UINT64_C(1000000000)
#define LANE_HOLD_NS  UINT64_C(400000000) // a held packet goes on after this even if nothing follows

void lane_start(struct lane *lane, const struct lane_faults *faults, uint64_t seed, uint64_t now_ns)
{
  *lane = (struct lane){.faults = *faults, .chance = {chance_mix(seed)}, .start_ns = now_ns};
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
  lane->first = lane->held = NULL;
}

static void lane_insert(struct lane *lane, struct lane_packet *p)
{
  struct lane_packet **at = &lane->first;
  while (*at != NULL && (*at)->due_ns <= p->due_ns)
    at = &(*at)->next;
  p->next = *at;
  *at = p;
}

// Packets that were overtaken often enough, or held long enough, go on.
static void lane_let_go(struct lane *lane, uint64_t now_ns)
{
  for (struct lane_packet **at = &lane->held; *at != NULL;) {
    struct lane_packet *p = *at;
    if (p->after > lane->counters.packets && p->due_ns > now_ns) {
      at = &p->next;
      continue;
    }
    *at = p->next;
    if (p->due_ns > now_ns) p->due_ns = now_ns;
    lane_insert(lane, p);
  }
}

static bool lane_loses(struct lane *lane, uint64_t now_ns)
{
  const struct lane_faults *f = &lane->faults;
  uint64_t age = now_ns - lane->start_ns, number = lane->counters.packets;
  bool burst = lane->burst_left > 0 && now_ns < lane->burst_until_ns;
  if (burst) lane->burst_left--;
  if (!burst && chance_ppm(&lane->chance, f->burst_ppm)) {
    burst = true;
    lane->burst_left = (uint32_t)chance_below(&lane->chance, f->burst_packets);
    lane->burst_until_ns = now_ns + LANE_BURST_NS;
  }
  bool dark = age >= f->blackout_at_ns && age - f->blackout_at_ns < f->blackout_ns;
  bool rehearsed = number >= lane->lose_at && number < lane->lose_at + lane->lose_count;
  return chance_ppm(&lane->chance, f->loss_ppm) || burst || dark || rehearsed || lane->cut;
}

// When the last bit leaves the rate limit; 0 = the queue in front of it is full.
static uint64_t lane_depart(struct lane *lane, uint64_t now_ns, size_t count)
{
  const struct lane_faults *f = &lane->faults;
  if (f->rate_bits_per_s == 0) return now_ns;
  uint64_t from = lane->free_ns > now_ns ? lane->free_ns : now_ns;
  uint64_t waiting = (from - now_ns) / 1000 * (f->rate_bits_per_s / 1000) / 8000; // bytes
  if (waiting + count > f->queue_bytes && waiting > 0) return 0;
  lane->free_ns = from + (uint64_t)count * 8 * 1000000 / (f->rate_bits_per_s / 1000);
  return lane->free_ns;
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

static void lane_pass(struct lane *lane, uint64_t depart_ns, const uint8_t *bytes, size_t count)
{
  const struct lane_faults *f = &lane->faults;
  struct lane_packet *p = malloc(sizeof *p + count);
  if (p == NULL) abort();
  memcpy(p->bytes, bytes, count);
  p->count = count;
  p->after = 0;
  p->due_ns = depart_ns + f->delay_ns + chance_below(&lane->chance, f->jitter_ns + 1);
  if (count > 0 && chance_ppm(&lane->chance, f->corrupt_ppm)) lane_corrupt(lane, p);
  if (chance_ppm(&lane->chance, f->reorder_ppm)) {
    lane->counters.reordered++;
    p->after = lane->counters.packets + 1 + chance_below(&lane->chance, f->reorder_packets);
    p->due_ns += LANE_HOLD_NS;
    p->next = lane->held;
    lane->held = p;
    return;
  }
  lane_insert(lane, p);
}

bool lane_admit(struct lane *lane, uint64_t now_ns, const uint8_t *bytes, size_t count)
{
  lane->counters.packets++;
  lane->counters.bytes += count;
  lane_let_go(lane, now_ns);
  uint64_t depart_ns = lane_loses(lane, now_ns) ? 0 : lane_depart(lane, now_ns, count);
  if (depart_ns == 0) {
    lane->counters.lost++;
    return false;
  }
  lane_pass(lane, depart_ns, bytes, count);
  if (chance_ppm(&lane->chance, lane->faults.duplicate_ppm)) {
    lane->counters.duplicated++;
    lane_pass(lane, depart_ns, bytes, count);
  }
  return true;
}

uint64_t lane_deadline(const struct lane *lane)
{
  uint64_t due = lane->first != NULL ? lane->first->due_ns : UINT64_MAX;
  for (const struct lane_packet *p = lane->held; p != NULL; p = p->next)
    if (p->due_ns < due) due = p->due_ns;
  return due;
}

struct lane_packet *lane_take(struct lane *lane, uint64_t now_ns)
{
  lane_let_go(lane, now_ns);
  struct lane_packet *p = lane->first;
  if (p == NULL || p->due_ns > now_ns) return NULL;
  lane->first = p->next;
  return p;
}
