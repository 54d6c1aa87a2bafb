// SPDX-License-Identifier: BSD-2-Clause
// cc_bbr_probe.c - ProbeBW: slow down, cruise, refill the pipe, send faster than before and see what it does.
#include "tcp/cc_bbr.h"

#define BBR_RENO_ROUNDS                                                                            \
  63u // a Reno flow of so many segments would probe once in as many round trips

// A chance that differs from flow to flow and from cycle to cycle: of the time's lowest bits.
static uint32_t bbr_chance(uint64_t now_ns)
{
  uint64_t x = now_ns * UINT64_C(0x9e3779b97f4a7c15);
  return (uint32_t)(x >> 32);
}

void bbr_start_down(struct bbr *b, uint64_t delivered_bytes, uint64_t now_ns)
{
  uint32_t chance = bbr_chance(now_ns);
  bbr_reset_signals(b);
  b->up_acked_per_segment = UINT32_MAX;
  b->rounds_since_up = chance & 1;
  b->probe_wait_ns =
      2 * BBR_SECOND_NS + (uint64_t)(chance >> 1) * BBR_SECOND_NS / (UINT32_MAX >> 1);
  b->cycle_at_ns = now_ns;
  b->acks = BBR_ACKS_STOPPING;
  bbr_start_round(b, delivered_bytes);
  b->state = BBR_DOWN;
}

void bbr_start_refill(struct bbr *b, uint64_t delivered_bytes)
{
  bbr_reset_shortterm(b);
  b->up_rounds = 0;
  b->up_acked = 0;
  b->precautionary = false;
  b->acks = BBR_ACKS_REFILLING;
  bbr_start_round(b, delivered_bytes);
  b->state = BBR_REFILL;
}

// RaiseInflightLongtermSlope: one segment more in the first round, then 2, 4, 8.
static void bbr_raise_slope(struct bbr *b, const struct cc *cc)
{
  uint32_t growth = UINT32_C(1) << b->up_rounds;
  if (b->up_rounds < 30) b->up_rounds++;
  b->up_acked_per_segment = u32_max(cc->cwnd_bytes / growth, cc->mss_bytes);
}

// What is lost without the probe is no sign against it, up to twice as much as the probe itself may cost.
static uint16_t bbr_lost_before(const struct bbr *b, const struct cc_ack *a)
{
  uint64_t all = a->total_delivered_bytes - b->quiet_delivered + b->quiet_lost;
  uint64_t share = (uint64_t)b->quiet_lost * BBR_SHARE_ONE / u64_max(all, 1);
  return (uint16_t)u64_min(share, 2 * BBR_SHARE_ONE / BBR_LOSS_SHARE);
}

static void bbr_start_up(struct bbr *b, const struct cc *cc, const struct cc_ack *a)
{
  b->probe_sample = true;
  b->lost_before = bbr_lost_before(b, a);
  b->acks = BBR_ACKS_STARTING;
  bbr_start_round(b, a->total_delivered_bytes);
  bbr_reset_full_bw(b, bbr_sample_bw(a));
  b->state = BBR_UP;
  bbr_raise_slope(b, cc);
}

uint32_t bbr_with_headroom(const struct bbr *b, const struct cc *cc)
{
  if (b->inflight_longterm == BBR_NONE) return BBR_NONE;
  uint32_t room = u32_max(cc->mss_bytes, (uint32_t)((uint64_t)b->inflight_longterm * 15 / 100));
  uint32_t rest = b->inflight_longterm > room ? b->inflight_longterm - room : 0;
  return u32_max(rest, 4u * cc->mss_bytes);
}

// TargetInflight.
static uint32_t bbr_target(const struct bbr *b, const struct cc *cc)
{
  return u32_min(bbr_bdp(b, b->bw, 100), cc->cwnd_bytes);
}

static bool bbr_time_to_probe(struct bbr *b, const struct cc *cc, const struct cc_ack *a)
{
  uint32_t reno = u32_min(bbr_target(b, cc) / cc->mss_bytes, BBR_RENO_ROUNDS);
  if (a->now_ns <= b->cycle_at_ns + b->probe_wait_ns && b->rounds_since_up < reno) return false;
  bbr_start_refill(b, a->total_delivered_bytes);
  return true;
}

static bool bbr_time_to_go_down(struct bbr *b, const struct cc *cc, const struct cc_ack *a)
{
  if (b->too_high && a->flight_bytes >= b->inflight_longterm) {
    b->precautionary = true;
    return true;
  }
  if (a->window_full && cc->cwnd_bytes >= b->inflight_longterm) {
    bbr_reset_full_bw(b, bbr_sample_bw(a)); // it is that bound which keeps it from growing
    return false;
  }
  return b->full_bw_now;
}

static void bbr_raise_longterm(struct bbr *b, const struct cc *cc, const struct cc_ack *a)
{
  if (!a->window_full || cc->cwnd_bytes < b->inflight_longterm) return;
  b->up_acked += a->delivered_bytes;
  uint32_t segments = b->up_acked / b->up_acked_per_segment;
  b->up_acked -= segments * b->up_acked_per_segment;
  b->inflight_longterm += segments * cc->mss_bytes;
  if (b->round_start) bbr_raise_slope(b, cc);
}

// AdaptLongTermModel. True: it has decided a transition.
static bool bbr_adapt_longterm(struct bbr *b, const struct cc *cc, const struct cc_ack *a)
{
  b->quiet_lost += a->lost_bytes;
  if (b->acks == BBR_ACKS_STARTING && b->round_start) b->acks = BBR_ACKS_FEEDBACK;
  if (b->acks == BBR_ACKS_STOPPING && b->round_start) {
    b->probe_sample = false;
    b->lost_before = 0;
    b->quiet_lost = 0;
    b->quiet_delivered = a->total_delivered_bytes;
    b->acks = BBR_ACKS_INIT;
    if (bbr_probes_bw(b) && !a->rate.app_limited && b->max_bw[0] > 0) { // AdvanceMaxBwFilter
      b->max_bw[1] = b->max_bw[0];
      b->max_bw[0] = 0;
    }
    if (bbr_probes_bw(b) && b->precautionary && !b->too_high) {
      bbr_start_refill(b, a->total_delivered_bytes);
      return true;
    }
  }
  if (bbr_too_high(b, a) || b->inflight_longterm == BBR_NONE) return false;
  b->inflight_longterm = u32_max(b->inflight_longterm, a->rate.flight_bytes);
  if (b->state == BBR_UP) bbr_raise_longterm(b, cc, a);
  return false;
}

// HandleInflightTooHigh.
static void bbr_probed_too_high(struct bbr *b, const struct cc *cc, const struct cc_ack *a)
{
  b->too_high = true;
  b->probe_sample = false; // once a probe
  if (!a->rate.app_limited)
    b->inflight_longterm =
        u32_max(bbr_loss_flight(a), (uint32_t)((uint64_t)bbr_target(b, cc) * 7 / 10));
}

// While UP: marked is what was sent before, too, so only heavy marking bounds the volume.
void bbr_probe_on_marks(struct bbr *b, const struct cc *cc, const struct cc_ack *a)
{
  if (b->marked_heavily)
    bbr_probed_too_high(b, cc, a);
  else
    b->too_high = false;
  bbr_start_down(b, a->total_delivered_bytes, a->now_ns);
}

void bbr_probe_on_loss(struct bbr *b, const struct cc *cc, const struct cc_ack *a)
{
  if (!b->probe_sample || !bbr_too_high(b, a)) return;
  bbr_probed_too_high(b, cc, a);
  if (b->state != BBR_UP) return;
  b->undo_state = BBR_UP;
  bbr_start_down(b, a->total_delivered_bytes, a->now_ns);
}

void bbr_probe_cycle(struct bbr *b, const struct cc *cc, uint64_t rate, const struct cc_ack *a)
{
  if (!b->full_bw_reached || bbr_adapt_longterm(b, cc, a)) return;
  switch ((enum bbr_state)b->state) {
  case BBR_DOWN:
    if (bbr_time_to_probe(b, cc, a)) return;
    if (a->flight_bytes <= bbr_with_headroom(b, cc) &&
        a->flight_bytes <= bbr_inflight(b, cc, rate, bbr_bdp(b, bbr_max_bw(b), 100)))
      b->state = BBR_CRUISE;
    return;
  case BBR_CRUISE: (void)bbr_time_to_probe(b, cc, a); return;
  case BBR_REFILL:
    if (b->round_start) bbr_start_up(b, cc, a);
    return;
  case BBR_UP:
    if (!bbr_time_to_go_down(b, cc, a)) return;
    b->too_high = false;
    bbr_start_down(b, a->total_delivered_bytes, a->now_ns);
    return;
  case BBR_STARTUP:
  case BBR_DRAIN:
  case BBR_PROBE_RTT: return;
  }
}
