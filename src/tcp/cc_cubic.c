// SPDX-License-Identifier: BSD-2-Clause
// cc_cubic.c - CUBIC (RFC 9438) behind HyStart++ (RFC 9406). C = 0.4, beta = 0.7; integers, times in milliseconds.
//
// Between two losses cwnd follows W_cubic(t) = C (t - K)^3 + W_max, in segments and seconds: it comes back quickly to
// where it was when the loss came, lingers there, and then looks for more. Where Reno would have a larger window
// (short round trips, small windows) Reno's, W_est, is taken.
#include "base/bytes.h"
#include "tcp/cc.h"
#include "tcp/cc_hystart.h"

// Zeroed at each rest: only the windows outlast it.
struct cubic {
  struct hystart hystart;
  uint64_t
      epoch_ns;     // when this congestion avoidance began, idle time taken out; 0 = it did not yet
  uint64_t last_ns; // of the last ACK in it
  uint64_t k_ms;    // K: until W_max is reached again
  uint32_t w_max;   // bytes
  uint32_t w_est;   // bytes, RFC 9438 4.3
  uint32_t w_prior; // cwnd when the last loss came: above it W_est grows as Reno does
  uint32_t target_rest, est_rest; // parts of an octet, to be added later
  // As it was before the last loss, RFC 9438 4.9
  uint64_t undo_epoch_ns, undo_k_ms;
  uint32_t undo_w_max, undo_w_est, undo_w_prior;
};
_Static_assert(sizeof(struct cubic) <= sizeof(uint64_t) * CC_ROOM_WORDS, "it has its place there");

static struct cubic *cubic_of(struct cc_work *work)
{
  return (struct cubic *)(void *)work->room;
}

// The largest r with r^3 <= n.
static uint64_t cubic_root(uint64_t n)
{
  uint64_t root = 0;
  for (int shift = 63; shift >= 0; shift -= 3) {
    root *= 2;
    uint64_t cube = 3 * root * (root + 1) + 1;
    if (n >> shift < cube) continue;
    n -= cube << shift;
    root++;
  }
  return root;
}

// C t^3 in bytes, t in ms.
static uint64_t cubic_bytes(uint64_t ms, uint32_t mss_bytes)
{
  uint64_t t = u64_min(ms, 1000000), cube = t * t * t; // below 2^60
  if (cube >> 48) return cube / UINT64_C(10000000000) * 4 * mss_bytes;
  return cube * 4 * mss_bytes / UINT64_C(10000000000); // below 2^64 for every MSS
}

// K, RFC 9438 4.2: how long W_cubic takes from the present window to W_max.
static uint64_t cubic_k_ms(uint32_t w_max, uint32_t cwnd, uint32_t mss_bytes)
{
  if (w_max <= cwnd) return 0;
  return cubic_root((uint64_t)(w_max - cwnd) * UINT64_C(2500000000) / mss_bytes);
}

// W_cubic at a time since the epoch began.
static uint32_t cubic_window(const struct cubic *q, uint64_t ms, uint32_t mss_bytes)
{
  uint64_t difference = ms > q->k_ms ? ms - q->k_ms : q->k_ms - ms;
  uint64_t bytes = cubic_bytes(difference, mss_bytes);
  if (ms < q->k_ms) return bytes < q->w_max ? q->w_max - (uint32_t)bytes : 0;
  return bytes < UINT32_MAX / 2 - q->w_max / 2 ? q->w_max + (uint32_t)bytes : UINT32_MAX / 2;
}

static void cubic_begin_epoch(struct cubic *q, const struct cc *cc, uint64_t now_ns)
{
  q->epoch_ns = now_ns;
  if (q->w_max < cc->cwnd_bytes) q->w_max = cc->cwnd_bytes;
  q->k_ms = cubic_k_ms(q->w_max, cc->cwnd_bytes, cc->mss_bytes);
  q->w_est = cc->cwnd_bytes;
  q->target_rest = q->est_rest = 0;
}

// W_est, RFC 9438 4.3: alpha is 3 (1 - beta) / (1 + beta) = 9/17, and 1 above the old window.
static void cubic_grow_est(struct cubic *q, const struct cc *cc, uint32_t acked_bytes)
{
  bool above = q->w_est >= q->w_prior;
  uint64_t part = (uint64_t)acked_bytes * cc->mss_bytes * (above ? 17 : 9) / 17 + q->est_rest;
  q->w_est += (uint32_t)(part / cc->cwnd_bytes);
  q->est_rest = (uint32_t)(part % cc->cwnd_bytes);
}

static void cubic_avoid(struct cubic *q, struct cc *cc, const struct cc_ack *a)
{
  const bool unused =
      a->held || (!a->window_full && a->prior_flight_bytes + 2u * cc->mss_bytes < cc->cwnd_bytes);
  if (q->epoch_ns == 0) {
    if (a->held) return;
    cubic_begin_epoch(q, cc, a->now_ns);
  } else if (unused) {
    q->epoch_ns += a->now_ns - q->last_ns; // RFC 9438 5.8: a window that is not used does not age
    q->last_ns = a->now_ns;
    return;
  }
  q->last_ns = a->now_ns;
  uint64_t ms = (a->now_ns - q->epoch_ns) / 1000000;
  uint64_t cwnd = cc->cwnd_bytes;
  cubic_grow_est(q, cc, a->acked_bytes);
  if (cubic_window(q, ms, cc->mss_bytes) < q->w_est) { // RFC 9438 4.3
    cc->cwnd_bytes = u32_max(cc->cwnd_bytes, q->w_est);
    return;
  }
  // RFC 9438 4.4 and 4.5: towards where the curve is a round trip later, at most half a window more.
  uint64_t target = cubic_window(q, ms + a->srtt_ns / 1000000, cc->mss_bytes);
  target = u64_min(u64_max(target, cwnd), cwnd + cwnd / 2);
  uint64_t part = (target - cwnd) * a->acked_bytes + q->target_rest;
  cc->cwnd_bytes += (uint32_t)(part / cwnd);
  q->target_rest = (uint32_t)(part % cwnd);
}

// Where a millisecond of that rate holds the whole window, pacing would change nothing.
#define CUBIC_PACED_NS UINT64_C(2000000)

// Slow start is paced at twice the window a round trip, as it may double it; afterwards ACKs are the clock.
static void cubic_pace(struct cc_work *work, const struct cc *cc, const struct cc_ack *a)
{
  bool slow_start = work->pacing && cc->cwnd_bytes < cc->ssthresh_bytes;
  work->pacing_bytes_per_s = slow_start && a->srtt_ns > CUBIC_PACED_NS
                                 ? muldiv64(2 * (uint64_t)cc->cwnd_bytes, 1000000000u, a->srtt_ns)
                                 : 0;
}

static void cubic_on_ack(struct cc *cc, struct cc_work *work, const struct cc_ack *a)
{
  struct cubic *q = cubic_of(work);
  if (a->acked_bytes > 0 && !a->recovering && cc->cwnd_bytes < UINT32_MAX / 4) {
    if (cc->cwnd_bytes >= cc->ssthresh_bytes) {
      cubic_avoid(q, cc, a);
    } else if (!a->held && cc->cwnd_bytes / 2 < a->most_flight_bytes) { // as cc_newreno.c
      bool first = work->hystart && cc->ssthresh_bytes == UINT32_MAX;
      cc->cwnd_bytes +=
          first ? hystart_on_ack(&q->hystart, cc, a, work->pacing)
                : u32_min(a->acked_bytes, (uint32_t)cc->slow_start_segments * cc->mss_bytes);
    }
  }
  cubic_pace(work, cc, a);
}

// RFC 9438 4.6 and 4.7: how large the window was, less when it had not come back since the last loss, so that other
// flows find room.
// DEPARTS: RFC 9438 4.7 (whenever W_max was not reached) because up to a segment less is rounding and tells of no
// other flow.
static void cubic_remember(struct cubic *q, const struct cc *cc)
{
  q->undo_epoch_ns = q->epoch_ns;
  q->undo_k_ms = q->k_ms;
  q->undo_w_max = q->w_max;
  q->undo_w_est = q->w_est;
  q->undo_w_prior = q->w_prior;
  q->w_prior = cc->cwnd_bytes;
  bool shrinking = cc->cwnd_bytes + cc->mss_bytes < q->w_max;
  q->w_max = shrinking ? (uint32_t)((uint64_t)cc->cwnd_bytes * 17 / 20) : cc->cwnd_bytes;
  q->epoch_ns = 0;
}

// RFC 9438 4.6. Of a window that is in use, the part of a segment that could not be filled counts, too.
static uint32_t cubic_reduced(const struct cc *cc, uint32_t flight_bytes)
{
  if (cc->cwnd_bytes > flight_bytes && cc->cwnd_bytes - flight_bytes < cc->mss_bytes)
    flight_bytes = cc->cwnd_bytes;
  return u32_max((uint32_t)((uint64_t)flight_bytes * 7 / 10), 2u * cc->mss_bytes);
}

static void cubic_on_loss(struct cc *cc, struct cc_work *work, uint32_t flight_bytes,
                          uint64_t now_ns)
{
  (void)now_ns;
  cubic_remember(cubic_of(work), cc);
  cc->ssthresh_bytes = cc->cwnd_bytes = cubic_reduced(cc, flight_bytes);
  work->pacing_bytes_per_s = 0;
}

// RFC 8511 3.1, 4: after a mark 0.85 of the window, in slow start as after a loss.
static void cubic_on_mark(struct cc *cc, struct cc_work *work, uint32_t flight_bytes,
                          uint64_t now_ns)
{
  const bool slow_start = cc->cwnd_bytes < cc->ssthresh_bytes;
  cubic_on_loss(cc, work, flight_bytes, now_ns);
  if (slow_start) return;
  cc->ssthresh_bytes = cc->cwnd_bytes =
      u32_max((uint32_t)((uint64_t)flight_bytes * 17 / 20), 2u * cc->mss_bytes);
}

static void cubic_on_timeout(struct cc *cc, struct cc_work *work, uint32_t flight_bytes, bool first,
                             uint64_t now_ns)
{
  struct cubic *q = cubic_of(work);
  (void)now_ns;
  if (first) {
    cubic_remember(q, cc);
    cc->ssthresh_bytes = cubic_reduced(cc, flight_bytes);
  }
  q->w_max = 0; // RFC 9438 4.8: the epoch after it begins at its own window
  q->epoch_ns = 0;
  cc->cwnd_bytes = cc->mss_bytes;
  work->pacing_bytes_per_s = 0;
}

static void cubic_on_undo(struct cc *cc, struct cc_work *work, uint64_t now_ns)
{
  struct cubic *q = cubic_of(work);
  (void)cc;
  (void)now_ns;
  q->epoch_ns = q->undo_epoch_ns;
  q->k_ms = q->undo_k_ms;
  q->w_max = q->undo_w_max;
  q->w_est = q->undo_w_est;
  q->w_prior = q->undo_w_prior;
}

static void cubic_on_idle(struct cc *cc, struct cc_work *work, uint32_t initial_window_bytes)
{
  if (work) cubic_of(work)->epoch_ns = 0;
  cc->cwnd_bytes = u32_min(cc->cwnd_bytes, initial_window_bytes);
}

const struct cc_verbs cc_cubic = {
    .name = "cubic",
    .room_bytes = sizeof(struct cubic),
    .validated = true,
    .start = cc_start,
    .on_ack = cubic_on_ack,
    .on_loss = cubic_on_loss,
    .on_mark = cubic_on_mark,
    .on_timeout = cubic_on_timeout,
    .on_undo = cubic_on_undo,
    .on_idle = cubic_on_idle,
    .on_mss = cc_on_mss,
};
