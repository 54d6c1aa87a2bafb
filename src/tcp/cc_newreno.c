// SPDX-License-Identifier: BSD-2-Clause
// cc_newreno.c - RFC 5681 slow start and congestion avoidance, byte counting as RFC 3465 with L = 2 at most.
#include "base/bytes.h"
#include "tcp/cc.h"

uint32_t cc_initial_window(uint32_t mss_bytes, uint32_t segments)
{
  if (segments > 0) return u32_min(segments * mss_bytes, u32_max(2 * mss_bytes, segments * 1460));
  if (mss_bytes > 2190) return 2 * mss_bytes; // RFC 5681 3.1
  return (mss_bytes > 1095 ? 3 : 4) * mss_bytes;
}

void cc_start(struct cc *cc, uint32_t mss_bytes, uint32_t initial_window_bytes)
{
  cc->mss_bytes = (uint16_t)mss_bytes;
  cc->cwnd_bytes = initial_window_bytes;
  cc->ssthresh_bytes = UINT32_MAX; // "arbitrarily high"
  cc->acked_bytes = 0;
}

static void newreno_on_ack(struct cc *cc, struct cc_work *work, const struct cc_ack *a)
{
  (void)work;
  if (a->recovering || a->held || a->acked_bytes == 0) return;
  // A window that is not used says nothing about the path (RFC 7661): slow start doubles what was in flight at most.
  if (cc->cwnd_bytes < cc->ssthresh_bytes) {
    if (cc->cwnd_bytes / 2 >= a->most_flight_bytes) return;
    // RFC 5681 3.1 (2): by bytes acknowledged, at most L segments an ACK: ACK division gains nothing.
    uint32_t grow = u32_min(a->acked_bytes, (uint32_t)cc->slow_start_segments * cc->mss_bytes);
    if (cc->cwnd_bytes < UINT32_MAX / 2) cc->cwnd_bytes += grow;
    return;
  }
  if (a->prior_flight_bytes + 2u * cc->mss_bytes < cc->cwnd_bytes / 2) return;
  cc->acked_bytes += a->acked_bytes; // RFC 5681 3.1: one segment a round trip
  if (cc->acked_bytes >= cc->cwnd_bytes) {
    cc->acked_bytes -= cc->cwnd_bytes;
    if (cc->cwnd_bytes < UINT32_MAX / 2) cc->cwnd_bytes += cc->mss_bytes;
  }
}

static uint32_t newreno_half(const struct cc *cc, uint32_t flight_bytes)
{
  return u32_max(flight_bytes / 2, 2u * cc->mss_bytes); // RFC 5681 3.1 (4)
}

static void newreno_on_loss(struct cc *cc, struct cc_work *work, uint32_t flight_bytes,
                            uint64_t now_ns)
{
  (void)work;
  (void)now_ns;
  cc->ssthresh_bytes = newreno_half(cc, flight_bytes);
  cc->cwnd_bytes = cc->ssthresh_bytes;
  cc->acked_bytes = 0;
}

// RFC 8511 3: who marks keeps queues short, so that less is enough; in slow start as for a loss (4).
static void newreno_on_mark(struct cc *cc, struct cc_work *work, uint32_t flight_bytes,
                            uint64_t now_ns)
{
  if (cc->cwnd_bytes < cc->ssthresh_bytes) {
    newreno_on_loss(cc, work, flight_bytes, now_ns);
    return;
  }
  cc->ssthresh_bytes = u32_max((uint32_t)((uint64_t)flight_bytes * 4 / 5), 2u * cc->mss_bytes);
  cc->cwnd_bytes = cc->ssthresh_bytes;
  cc->acked_bytes = 0;
}

static void newreno_on_timeout(struct cc *cc, struct cc_work *work, uint32_t flight_bytes,
                               bool first, uint64_t now_ns)
{
  (void)work;
  (void)now_ns;
  if (first) cc->ssthresh_bytes = newreno_half(cc, flight_bytes);
  cc->cwnd_bytes = cc->mss_bytes; // the loss window, RFC 5681 3.1
  cc->acked_bytes = 0;
}

static void newreno_on_idle(struct cc *cc, struct cc_work *work, uint32_t initial_window_bytes)
{
  (void)work;
  cc->cwnd_bytes = u32_min(cc->cwnd_bytes, initial_window_bytes);
}

void cc_on_mss(struct cc *cc, uint32_t mss_bytes)
{
  cc->mss_bytes = (uint16_t)mss_bytes;
  cc->cwnd_bytes = u32_max(cc->cwnd_bytes, mss_bytes);
}

const struct cc_verbs cc_newreno = {
    .name = "newreno",
    .validated = true,
    .start = cc_start,
    .on_ack = newreno_on_ack,
    .on_loss = newreno_on_loss,
    .on_mark = newreno_on_mark,
    .on_timeout = newreno_on_timeout,
    .on_idle = newreno_on_idle,
    .on_mss = cc_on_mss,
};
