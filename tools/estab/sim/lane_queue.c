// SPDX-License-Identifier: BSD-2-Clause
// lane_queue.c - the rate limit of a lane and the queue in front of it: drop-tail, RED, CoDel.
#include <stdlib.h>

#include "estab/wire.h"
#include "lane.h"

#define CODEL_TARGET_NS   UINT64_C(5000000)   // RFC 8289 4.3
#define CODEL_INTERVAL_NS UINT64_C(100000000) // RFC 8289 4.2
#define RED_MAX_PPM       100000u             // at the upper threshold
#define LANE_LONGEST      1514u               // CoDel leaves alone a queue of less than one packet

// Congestion Experienced: RFC 3168 5, RFC 8200 7.
bool lane_mark(uint8_t *packet, size_t count)
{
  if (count < 20) return false;
  if (packet[0] >> 4 == 4) {
    if ((packet[1] & 3) == 0) return false;
    uint16_t before = (uint16_t)(packet[0] << 8 | packet[1]);
    uint16_t checksum = (uint16_t)(packet[10] << 8 | packet[11]);
    packet[1] |= 3;
    checksum = estab_checksum_update16(checksum, before, (uint16_t)(packet[0] << 8 | packet[1]));
    packet[10] = (uint8_t)(checksum >> 8);
    packet[11] = (uint8_t)checksum;
    return true;
  }
  if (packet[0] >> 4 != 6 || (packet[1] & 0x30) == 0) return false;
  packet[1] |= 0x30;
  return true;
}

// Marks where that is allowed. true: the packet is to be lost instead.
static bool queue_signals(struct lane *lane, struct lane_packet *p)
{
  if (!lane->faults.ecn || !lane_mark(p->bytes, p->count)) return true;
  lane->counters.marked++;
  return false;
}

// Floyd and Jacobson's RED: a chance that grows with the average length.
static bool red_drops(struct lane *lane, struct lane_packet *p)
{
  struct lane_queue *q = &lane->queue;
  uint64_t low = lane->faults.queue_bytes / 6, high = lane->faults.queue_bytes / 2;
  // weight 1/256: average += (bytes - average) / 256
  q->average_256 += q->bytes;
  q->average_256 -= q->average_256 / 257;
  uint64_t average = q->average_256 / 256;
  if (average <= low) return false;
  uint32_t ppm =
      average >= high ? 1000000u : (uint32_t)(RED_MAX_PPM * (average - low) / (high - low));
  return chance_ppm(&lane->chance, ppm) && queue_signals(lane, p);
}

static uint64_t service_ns(const struct lane *lane, size_t count)
{
  return (uint64_t)count * 8 * 1000000 / (lane->faults.rate_bits_per_s / 1000);
}

bool lane_queue_add(struct lane *lane, struct lane_packet *p, uint64_t now_ns)
{
  struct lane_queue *q = &lane->queue;
  if (q->first != NULL && q->bytes + p->count > lane->faults.queue_bytes) return false;
  if (lane->faults.queue == LANE_RED && red_drops(lane, p)) return false;
  p->next = NULL;
  p->due_ns = now_ns;
  if (q->first == NULL) {
    q->first = p;
    q->free_ns = now_ns + service_ns(lane, p->count);
  } else {
    q->last->next = p;
  }
  q->last = p;
  q->bytes += p->count;
  if (q->bytes > lane->counters.queue_peak_bytes) lane->counters.queue_peak_bytes = q->bytes;
  return true;
}

static uint64_t square_root(uint64_t n)
{
  uint64_t root = 0;
  for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1)
    if ((root + bit) * (root + bit) <= n) root += bit;
  return root;
}

// The control law of RFC 8289 5.5: interval / sqrt(drops).
static uint64_t codel_next(uint64_t from_ns, uint32_t drops)
{
  return from_ns + CODEL_INTERVAL_NS * 1024 / square_root((uint64_t)drops << 20);
}

// RFC 8289 5.6: has the queue stood above the target for an interval?
static bool codel_may_drop(struct lane *lane, const struct lane_packet *p, uint64_t now_ns)
{
  struct lane_queue *q = &lane->queue;
  if (now_ns - p->due_ns < CODEL_TARGET_NS || q->bytes <= LANE_LONGEST) {
    q->above_since_ns = 0;
    return false;
  }
  if (q->above_since_ns == 0) {
    q->above_since_ns = now_ns + CODEL_INTERVAL_NS;
    return false;
  }
  return now_ns >= q->above_since_ns;
}

// RFC 8289 5.4: is this packet, about to leave, one to lose (or to mark)?
static bool codel_drops(struct lane *lane, struct lane_packet *p, uint64_t now_ns)
{
  struct lane_queue *q = &lane->queue;
  bool may = codel_may_drop(lane, p, now_ns);
  if (q->dropping) {
    if (!may) {
      q->dropping = false;
      return false;
    }
    if (now_ns < q->drop_next_ns) return false;
    q->drops++;
    q->drop_next_ns = codel_next(q->drop_next_ns, q->drops);
    return queue_signals(lane, p);
  }
  if (!may) return false;
  q->dropping = true;
  uint32_t since = q->drops - q->drops_before;
  q->drops = since > 1 && now_ns - q->drop_next_ns < 16 * CODEL_INTERVAL_NS ? since : 1;
  q->drop_next_ns = codel_next(now_ns, q->drops);
  q->drops_before = q->drops;
  return queue_signals(lane, p);
}

struct lane_packet *lane_queue_take(struct lane *lane, uint64_t now_ns, uint64_t *left_ns)
{
  struct lane_queue *q = &lane->queue;
  while (q->first != NULL && q->free_ns <= now_ns) {
    struct lane_packet *p = q->first;
    *left_ns = q->free_ns;
    q->first = p->next;
    q->bytes -= p->count;
    // CoDel looks at the next one as it begins to leave; what it loses takes no time.
    while (q->first != NULL && lane->faults.queue == LANE_CODEL &&
           codel_drops(lane, q->first, *left_ns)) {
      struct lane_packet *lost = q->first;
      q->first = lost->next;
      q->bytes -= lost->count;
      lane->counters.lost++;
      lane->counters.lost_in_queue++;
      free(lost);
    }
    if (q->first != NULL) q->free_ns = *left_ns + service_ns(lane, q->first->count);
    return p;
  }
  return NULL;
}
