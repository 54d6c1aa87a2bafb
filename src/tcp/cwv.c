// SPDX-License-Identifier: BSD-2-Clause
// cwv.c - congestion window validation, RFC 7661.
#include "tcp/cwv.h"

#include "base/bytes.h"

#define CWV_SECOND_NS UINT64_C(1000000000)
// The non-validated period counts in units of 69 s, of which struct cc has room for one octet: four of them have gone
// by after 206 to 275 s, no more than five minutes.
#define CWV_UNIT_SHIFT   36
#define CWV_PERIOD_UNITS 4u
#define CWV_LONG_UNITS   64u // of rest: whatever it was, it is the initial window

static uint8_t cwv_unit(uint64_t now_ns)
{
  return (uint8_t)(now_ns >> CWV_UNIT_SHIFT);
}

static uint64_t cwv_sampling_period(uint64_t srtt_ns)
{
  return u64_max(3 * srtt_ns, CWV_SECOND_NS);
}

static uint32_t cwv_pipe_ack(const struct cwv *v)
{
  return u32_max(v->pipe_bytes[0], v->pipe_bytes[1]);
}

// RFC 7661 4.4.3: ssthresh remembers three quarters of what it was.
static void cwv_lower(struct cc *cc, uint32_t window_bytes)
{
  cc->ssthresh_bytes = u32_max(cc->ssthresh_bytes, cc->cwnd_bytes / 4 * 3);
  cc->cwnd_bytes = u32_min(cc->cwnd_bytes, window_bytes);
}

// Halved for each period that has gone by.
static void cwv_age(struct cc *cc, uint32_t initial_window_bytes, uint64_t now_ns)
{
  for (uint8_t units = (uint8_t)(cwv_unit(now_ns) - cc->validated_unit); units >= CWV_PERIOD_UNITS;
       units = (uint8_t)(units - CWV_PERIOD_UNITS)) {
    cc->validated_unit = (uint8_t)(cc->validated_unit + CWV_PERIOD_UNITS);
    cwv_lower(cc, u32_max(cc->cwnd_bytes / 2, initial_window_bytes));
  }
}

void cwv_begin(struct cwv *v, struct cc *cc, uint32_t initial_window_bytes, uint64_t now_ns)
{
  *v = (struct cwv){.since_ns = now_ns};
  v->nonvalidated = cc->cwnd_bytes > initial_window_bytes;
  if (!v->nonvalidated) cc->validated_unit = cwv_unit(now_ns);
}

// Three buckets' worth of memory in two: what is older than the sampling period is not in them.
static void cwv_take(struct cwv *v, uint32_t sample_bytes, uint64_t srtt_ns, uint64_t now_ns)
{
  const uint64_t third_ns = cwv_sampling_period(srtt_ns) / 3, age_ns = now_ns - v->since_ns;
  if (age_ns > third_ns) {
    v->pipe_bytes[1] = age_ns <= 2 * third_ns ? v->pipe_bytes[0] : 0;
    v->pipe_bytes[0] = 0;
    v->since_ns = now_ns;
  }
  v->pipe_bytes[0] = u32_max(v->pipe_bytes[0], sample_bytes);
}

void cwv_on_round(struct cwv *v, struct cc *cc, const struct cc_ack *a,
                  uint32_t initial_window_bytes)
{
  const uint64_t sample = a->total_delivered_bytes - v->round_bytes;
  const bool measured = v->measuring;
  // What arrives in a round trip is the fruit of the window at its beginning: a slow start that doubles it has
  // used all of it.
  const uint32_t window_bytes = u32_min(v->round_cwnd_bytes, cc->cwnd_bytes);
  v->round_cwnd_bytes = cc->cwnd_bytes;
  v->round_bytes = a->total_delivered_bytes;
  v->measuring = !a->recovering; // RFC 7661 4.2: nothing is measured in a recovery
  if (!measured || a->recovering) return;
  cwv_take(v, (uint32_t)u64_min(sample, UINT32_MAX), a->srtt_ns, a->now_ns);
  if (v->nonvalidated) cwv_age(cc, initial_window_bytes, a->now_ns);
  v->nonvalidated = cwv_pipe_ack(v) < window_bytes / 2;
  if (!v->nonvalidated) cc->validated_unit = cwv_unit(a->now_ns);
}

void cwv_after_rest(struct cwv *v, struct cc *cc, uint32_t initial_window_bytes,
                    uint64_t last_send_ns, uint64_t now_ns)
{
  if ((now_ns - last_send_ns) >> CWV_UNIT_SHIFT >= CWV_LONG_UNITS) {
    cwv_lower(cc, initial_window_bytes);
    cc->validated_unit = cwv_unit(now_ns);
  }
  cwv_age(cc, initial_window_bytes, now_ns);
  if (!v) return;
  cwv_begin(v, cc, initial_window_bytes, now_ns);
}

uint32_t cwv_on_loss(struct cwv *v, struct cc *cc, uint32_t flight_bytes, uint64_t srtt_ns,
                     uint64_t now_ns)
{
  v->loss_bytes = 0;
  if (!v->nonvalidated) return flight_bytes;
  const bool old = now_ns - v->since_ns > cwv_sampling_period(srtt_ns);
  v->nonvalidated = false;
  v->loss_bytes = u32_max(old ? 0 : cwv_pipe_ack(v), flight_bytes);
  cc->cwnd_bytes =
      u32_min(cc->cwnd_bytes, v->loss_bytes); // what is remembered of it is what was used
  return v->loss_bytes;
}

void cwv_reduced(const struct cwv *v, struct cc *cc)
{
  if (v->loss_bytes == 0) return;
  cc->ssthresh_bytes = u32_min(cc->ssthresh_bytes, u32_max(v->loss_bytes / 2, 2u * cc->mss_bytes));
  cc->cwnd_bytes = u32_min(cc->cwnd_bytes, cc->ssthresh_bytes);
}

void cwv_recovered(struct cwv *v, struct cc *cc, uint32_t again_bytes)
{
  if (v->loss_bytes > 0) {
    uint32_t left = v->loss_bytes > again_bytes ? v->loss_bytes - again_bytes : 0;
    cc->ssthresh_bytes = u32_min(cc->ssthresh_bytes, u32_max(left / 2, cc->mss_bytes));
  }
  cwv_forget(v);
}

void cwv_forget(struct cwv *v)
{
  v->pipe_bytes[0] = v->pipe_bytes[1] = v->loss_bytes = 0;
  v->measuring = v->nonvalidated = false;
}

void cwv_pace(struct cwv *v, const struct cc *cc, struct cc_work *work, uint64_t srtt_ns)
{
  const bool pace = v->nonvalidated && work->pacing && srtt_ns > 0;
  if (pace) work->pacing_bytes_per_s = muldiv64(cc->cwnd_bytes, CWV_SECOND_NS, srtt_ns);
  v->paced = pace;
}
