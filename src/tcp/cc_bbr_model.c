// SPDX-License-Identifier: BSD-2-Clause
// cc_bbr_model.c - BBR's model of the path: how fast it delivers, how long it is, what losses and clumps of ACKs say.
#include "tcp/cc_bbr.h"

#define BBR_PROBE_RTT_NS       UINT64_C(5000000000) // BBR.ProbeRTTInterval
#define BBR_PROBE_RTT_MOST_NS  UINT64_C(10000000000)
#define BBR_PROBE_RTT_IN_TRIPS 32u // where that is longer
#define BBR_EXTRA_ROUNDS       5u  // two windows of so many: the draft's filter of 10 rounds
#define BBR_ALPHA_SHIFT        4   // a sixteenth of alpha is new in each round
#define BBR_MARK_PERCENT       15u // a round with marks costs at least so much (RFC 8511)
#define BBR_MARKED_ROUNDS      2u

static uint32_t bbr_u32(uint64_t n)
{
  return (uint32_t)u64_min(n, UINT32_MAX / 2);
}

uint32_t bbr_bdp(const struct bbr *b, uint64_t bw, unsigned percent)
{
  if (b->min_rtt_ns == 0) return b->initial_window;
  return bbr_u32(muldiv64(bw, b->min_rtt_ns, BBR_SECOND_NS) * percent / 100);
}

// QuantizationBudget: room for three quanta of offload, and for delayed ACKs.
uint32_t bbr_inflight(const struct bbr *b, const struct cc *cc, uint64_t rate, uint64_t volume)
{
  const uint32_t mss = cc->mss_bytes;
  uint64_t quantum = u64_max(u64_min(rate / 1000, 65536), 2u * mss); // SetSendQuantum
  volume = u64_max(volume, u64_max(3 * quantum, 4u * mss));
  return bbr_u32(b->state == BBR_UP ? volume + 2u * mss : volume);
}

void bbr_reset_full_bw(struct bbr *b, uint64_t bw)
{
  b->full_bw = bw;
  b->full_bw_count = 0;
  b->full_bw_now = false;
}

void bbr_reset_shortterm(struct bbr *b)
{
  b->bw_shortterm = BBR_BW_NONE;
  b->inflight_shortterm = BBR_NONE;
}

void bbr_reset_signals(struct bbr *b)
{
  b->loss_in_round = false;
  b->bw_latest = 0;
  b->inflight_latest = 0;
}

void bbr_note_loss(struct bbr *b, const struct cc *cc, uint64_t delivered_bytes)
{
  if (!b->loss_in_round) { // SaveStateUponLoss
    b->loss_round_delivered = delivered_bytes;
    b->loss_events = 0;
    b->prior_cwnd = b->recovering || b->state == BBR_PROBE_RTT
                        ? u32_max(b->prior_cwnd, cc->cwnd_bytes)
                        : cc->cwnd_bytes;
    b->undo_state = BBR_PROBE_RTT;
    b->undo_bw_shortterm = b->bw_shortterm;
    b->undo_shortterm = b->inflight_shortterm;
    b->undo_longterm = b->inflight_longterm;
  }
  if (b->loss_events < UINT8_MAX) b->loss_events++;
  b->loss_in_round = true;
}

// What was lost was sent before what was delivered: the most in flight in this round trip stands for its own flight.
uint32_t bbr_loss_flight(const struct cc_ack *a)
{
  return u32_max(a->rate.flight_bytes, a->most_flight_bytes);
}

bool bbr_too_high(const struct bbr *b, const struct cc_ack *a)
{
  const uint64_t most = BBR_SHARE_ONE / BBR_LOSS_SHARE + b->lost_before;
  return (uint64_t)a->rate.lost_bytes * BBR_SHARE_ONE > bbr_loss_flight(a) * most;
}

static void bbr_count_rounds(struct bbr *b, const struct cc_ack *a)
{
  b->round_start = a->delivered_bytes > 0 && a->rate.prior_delivered_bytes >= b->round_delivered;
  if (!b->round_start) return;
  bbr_start_round(b, a->total_delivered_bytes);
  b->round++;
  b->rounds_since_up++;
}

static void bbr_update_max_bw(struct bbr *b, const struct cc_ack *a, uint64_t bw)
{
  if (bw == 0 || (a->rate.app_limited && bw < bbr_max_bw(b))) return;
  b->max_bw[0] = u64_max(b->max_bw[0], bw);
}

// The end of a round with losses, while nothing is probed: down to what was delivered in it, at most by 30 %. Not for
// less than a probe may lose, one segment not counted: else random losses of 1 % take a percent or two of the rate in
// each round trip, since what is lost is never delivered.
static void bbr_adapt_shortterm(struct bbr *b, const struct cc *cc, const struct cc_ack *a)
{
  if (b->state == BBR_STARTUP || b->state == BBR_REFILL || b->state == BBR_UP || !b->loss_in_round)
    return;
  uint64_t lost = a->rate.lost_bytes > cc->mss_bytes ? a->rate.lost_bytes - cc->mss_bytes : 0;
  if (lost * BBR_LOSS_SHARE <= bbr_loss_flight(a)) return;
  if (b->bw_shortterm == BBR_BW_NONE) b->bw_shortterm = bbr_max_bw(b);
  if (b->inflight_shortterm == BBR_NONE) b->inflight_shortterm = cc->cwnd_bytes;
  b->bw_shortterm = u64_max(b->bw_latest, b->bw_shortterm / 10 * 7);
  b->inflight_shortterm =
      u32_max(b->inflight_latest, (uint32_t)((uint64_t)b->inflight_shortterm * 7 / 10));
}

static void bbr_adapt_alpha(struct bbr *b, const struct cc_ack *a)
{
  uint64_t delivered = u64_max(a->total_delivered_bytes - b->marks_delivered, 1);
  uint32_t share = (uint32_t)(u64_min(b->marked_bytes, delivered) * BBR_ALPHA_ONE / delivered);
  b->marked_heavily = share > BBR_ALPHA_ONE / 2;
  b->alpha = (uint16_t)(b->alpha - (b->alpha >> BBR_ALPHA_SHIFT) + (share >> BBR_ALPHA_SHIFT));
}

static void bbr_adapt_to_marks(struct bbr *b, const struct cc *cc, const struct cc_ack *a)
{
  switch ((enum bbr_state)b->state) {
  case BBR_STARTUP:
    if (b->marked_rounds >= BBR_MARKED_ROUNDS) b->full_bw_reached = true;
    return;
  case BBR_UP: bbr_probe_on_marks(b, cc, a); return;
  case BBR_REFILL: return; // the bounds of the cycle before were just taken away
  case BBR_DRAIN:
  case BBR_DOWN:
  case BBR_CRUISE:
  case BBR_PROBE_RTT: break;
  }
  uint32_t percent = u32_max(BBR_MARK_PERCENT, b->alpha * 100u / (3 * BBR_ALPHA_ONE));
  uint32_t in_use = u32_min(u32_min(b->inflight_shortterm, cc->cwnd_bytes), bbr_loss_flight(a));
  b->inflight_shortterm = (uint32_t)((uint64_t)in_use * (100 - percent) / 100);
}

void bbr_update_marks(struct bbr *b, const struct cc *cc, const struct cc_ack *a)
{
  if (a->ce_segments > 0) {
    b->marked_in_round = true;
    b->marked_bytes += a->ce_segments * cc->mss_bytes;
  }
  if (!b->round_start) return;
  bbr_adapt_alpha(b, a);
  b->marked_rounds = b->marked_in_round ? (uint8_t)(b->marked_rounds + 1u) : 0;
  if (b->marked_rounds > BBR_MARKED_ROUNDS) b->marked_rounds = BBR_MARKED_ROUNDS;
  if (b->marked_in_round) bbr_adapt_to_marks(b, cc, a);
  b->marks_delivered = a->total_delivered_bytes;
  b->marked_bytes = 0;
  b->marked_in_round = false;
}

// How much more was acknowledged than the bandwidth explains: ACKs that come in clumps.
static void bbr_update_aggregation(struct bbr *b, const struct cc *cc, const struct cc_ack *a)
{
  uint64_t expected = muldiv64(b->bw, a->now_ns - b->extra_since_ns, BBR_SECOND_NS);
  if (b->extra_delivered <= expected) {
    b->extra_delivered = expected = 0;
    b->extra_since_ns = a->now_ns;
  }
  b->extra_delivered += a->delivered_bytes;
  uint32_t extra = bbr_u32(u64_min(b->extra_delivered - expected, cc->cwnd_bytes));
  if (b->round - b->extra_round >= (b->full_bw_reached ? BBR_EXTRA_ROUNDS : 1)) {
    b->extra_acked[1] = b->full_bw_reached ? b->extra_acked[0] : 0;
    b->extra_acked[0] = 0;
    b->extra_round = b->round;
  }
  b->extra_acked[0] = u32_max(b->extra_acked[0], extra);
}

// CheckFullBWReached: three rounds without growth by a quarter.
static void bbr_check_full(struct bbr *b, const struct cc_ack *a, uint64_t bw)
{
  if (b->full_bw_now || !b->round_start || a->rate.app_limited || b->state == BBR_PROBE_RTT ||
      bw == 0)
    return;
  if (bw >= b->full_bw + b->full_bw / 4) {
    bbr_reset_full_bw(b, bw);
    return;
  }
  b->full_bw_now = ++b->full_bw_count >= 3;
  if (b->full_bw_now) b->full_bw_reached = true;
}

void bbr_model_update(struct bbr *b, const struct cc *cc, const struct cc_ack *a)
{
  uint64_t bw = bbr_sample_bw(a);
  b->loss_round_start = false;
  b->bw_latest = u64_max(b->bw_latest, bw);
  b->inflight_latest = u32_max(b->inflight_latest, bbr_u32(a->rate.delivered_bytes));
  if (a->delivered_bytes > 0 && a->rate.prior_delivered_bytes >= b->loss_round_delivered) {
    b->loss_round_delivered = a->total_delivered_bytes;
    b->loss_round_start = true;
  }
  bbr_count_rounds(b, a);
  bbr_update_max_bw(b, a, bw);
  if (b->loss_round_start) bbr_adapt_shortterm(b, cc, a);
  bbr_update_marks(b, cc, a);
  bbr_update_aggregation(b, cc, a);
  bbr_check_full(b, a, bw);
}

// To look for the round trip costs half of the pipe for 200 ms, in five seconds 2 %. Where the round trip is longer, it
// costs all that one carries: half of the pipe must empty, and stays empty until that has come back. Then it is done
// once in 32 of them, at the latest after ten seconds. (The least of minutes: where a queue stands, not what it makes
// of the round trip.)
static uint64_t bbr_probe_rtt_interval(const struct cc_ack *a)
{
  uint64_t trips_ns = u64_min(a->min_rtt_ns, BBR_PROBE_RTT_MOST_NS) * BBR_PROBE_RTT_IN_TRIPS;
  return u64_max(BBR_PROBE_RTT_NS, u64_min(trips_ns, BBR_PROBE_RTT_MOST_NS));
}

void bbr_model_min_rtt(struct bbr *b, const struct cc_ack *a)
{
  const uint64_t interval_ns = bbr_probe_rtt_interval(a);
  b->probe_rtt_expired = a->now_ns > b->probe_rtt_min_at_ns + interval_ns;
  if (a->rtt_ns > 0 &&
      (b->probe_rtt_min_ns == 0 || a->rtt_ns < b->probe_rtt_min_ns || b->probe_rtt_expired)) {
    b->probe_rtt_min_ns = a->rtt_ns;
    b->probe_rtt_min_at_ns = a->now_ns;
  }
  if (b->probe_rtt_min_ns == 0) return;
  const uint64_t filter_ns = 2 * interval_ns; // MinRTTFilterLen
  if (b->min_rtt_ns == 0 || b->probe_rtt_min_ns < b->min_rtt_ns ||
      a->now_ns > b->min_rtt_at_ns + filter_ns) {
    b->min_rtt_ns = b->probe_rtt_min_ns;
    b->min_rtt_at_ns = b->probe_rtt_min_at_ns;
  }
}

void bbr_model_finish(struct bbr *b, const struct cc_ack *a)
{
  if (b->loss_round_start) {
    b->loss_in_round = false;
    b->bw_latest = bbr_sample_bw(a);
    b->inflight_latest = bbr_u32(a->rate.delivered_bytes);
  }
  b->bw = u64_min(bbr_max_bw(b), b->bw_shortterm);
}
