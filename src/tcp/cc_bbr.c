// SPDX-License-Identifier: BSD-2-Clause
// cc_bbr.c - BBR version 3: the verbs, Startup, Drain, ProbeRTT, and the control of rate and window.
#include "tcp/cc_bbr.h"

#define BBR_PROBE_RTT_TIME_NS   UINT64_C(200000000) // BBR.ProbeRTTDuration
#define BBR_STARTUP_LOSSES      6u                  // BBRStartupFullLossCnt
#define BBR_DRAIN_ROUNDS        3u
#define BBR_BANDWIDTH_KEPT_UNIT 1024u // bytes a second, of what is kept at rest

static struct bbr *bbr_of(struct cc_work *work)
{
  return (struct bbr *)(void *)work->room;
}

static unsigned bbr_pacing_percent(const struct bbr *b)
{
  switch ((enum bbr_state)b->state) {
  case BBR_STARTUP: return 277;
  case BBR_DRAIN: return 50;
  case BBR_DOWN: return 90;
  case BBR_UP: return 125;
  case BBR_CRUISE:
  case BBR_REFILL:
  case BBR_PROBE_RTT: break;
  }
  return 100;
}

static unsigned bbr_window_percent(const struct bbr *b)
{
  return b->state == BBR_UP ? 225 : b->state == BBR_PROBE_RTT ? 50 : 200;
}

// A percent below the model, so that queues drain on the average.
static uint64_t bbr_rate(const struct bbr *b, unsigned percent)
{
  return muldiv64(b->bw, percent * 99u, 10000);
}

// ---- Startup and Drain

static void bbr_enter_drain(struct bbr *b)
{
  b->state = BBR_DRAIN;
  b->drain_round = b->round;
}

// While the rate grows by a quarter a round the pipe is not full: then losses are by chance, unless they are many.
static bool bbr_startup_too_high(const struct bbr *b, const struct cc_ack *a)
{
  const bool many =
      (uint64_t)a->rate.lost_bytes * BBR_LOSS_SHARE > 3 * (uint64_t)bbr_loss_flight(a);
  return many || (b->full_bw_count > 0 && bbr_too_high(b, a));
}

// CheckStartupHighLoss: a round of fast recovery with more than 2 % lost, in several places.
static void bbr_check_startup(struct bbr *b, const struct cc_ack *a)
{
  if (b->state != BBR_STARTUP) return;
  if (!b->full_bw_reached && b->recovering && b->loss_round_start && b->loss_in_round &&
      b->round != b->startup_loss_round && b->loss_events >= BBR_STARTUP_LOSSES &&
      bbr_startup_too_high(b, a)) {
    b->undo_state = BBR_STARTUP;
    b->full_bw_reached = true;
    b->inflight_longterm = u32_max(bbr_bdp(b, b->bw, 100), b->inflight_latest);
  }
  if (b->full_bw_reached) bbr_enter_drain(b);
}

static void bbr_check_drain(struct bbr *b, const struct cc *cc, uint64_t rate,
                            const struct cc_ack *a)
{
  if (b->state != BBR_DRAIN) return;
  if (a->flight_bytes <= bbr_inflight(b, cc, rate, bbr_bdp(b, b->bw, 100)) ||
      b->round > b->drain_round + BBR_DRAIN_ROUNDS)
    bbr_start_down(b, a->total_delivered_bytes, a->now_ns);
}

// ---- ProbeRTT

static uint32_t bbr_probe_rtt_window(const struct bbr *b, const struct cc *cc)
{
  return u32_max(bbr_bdp(b, b->bw, 50), 4u * cc->mss_bytes);
}

static void bbr_save_window(struct bbr *b, const struct cc *cc)
{
  bool modulated = b->recovering || b->state == BBR_PROBE_RTT;
  b->prior_cwnd = modulated ? u32_max(b->prior_cwnd, cc->cwnd_bytes) : cc->cwnd_bytes;
}

static void bbr_restore_window(const struct bbr *b, struct cc *cc)
{
  cc->cwnd_bytes = u32_max(cc->cwnd_bytes, b->prior_cwnd);
}

static void bbr_check_probe_rtt_done(struct bbr *b, struct cc *cc, uint64_t delivered_bytes,
                                     uint64_t now_ns)
{
  if (b->probe_rtt_done_ns == 0 || now_ns <= b->probe_rtt_done_ns) return;
  b->probe_rtt_min_at_ns = now_ns; // the next is due that much later
  bbr_restore_window(b, cc);
  bbr_reset_shortterm(b);
  if (!b->full_bw_reached) {
    b->state = BBR_STARTUP;
    return;
  }
  bbr_start_down(b, delivered_bytes, now_ns);
  b->state = BBR_CRUISE; // it is drained
}

static void bbr_check_probe_rtt(struct bbr *b, struct cc *cc, const struct cc_ack *a)
{
  if (b->state != BBR_PROBE_RTT && b->probe_rtt_expired && !b->idle_restart) {
    bbr_save_window(b, cc);
    b->state = BBR_PROBE_RTT;
    b->probe_rtt_done_ns = 0;
    b->acks = BBR_ACKS_STOPPING;
    bbr_start_round(b, a->total_delivered_bytes);
  }
  if (a->rate.delivered_bytes > 0) b->idle_restart = false;
  if (b->state != BBR_PROBE_RTT) return;
  if (b->probe_rtt_done_ns == 0) {
    if (a->flight_bytes > bbr_probe_rtt_window(b, cc)) return;
    b->probe_rtt_done_ns = a->now_ns + BBR_PROBE_RTT_TIME_NS;
    b->probe_rtt_round_done = false;
    bbr_start_round(b, a->total_delivered_bytes);
    return;
  }
  if (b->round_start) b->probe_rtt_round_done = true;
  if (b->probe_rtt_round_done) bbr_check_probe_rtt_done(b, cc, a->total_delivered_bytes, a->now_ns);
}

// ---- Control

static void bbr_set_rate(struct bbr *b, struct cc_work *work, const struct cc_ack *a)
{
  uint64_t rate = bbr_rate(b, bbr_pacing_percent(b));
  if (work->pacing_bytes_per_s == 0 && !b->full_bw_reached) // InitPacingRate
    work->pacing_bytes_per_s = muldiv64((uint64_t)b->initial_window * 277 / 100, BBR_SECOND_NS,
                                        a->srtt_ns ? a->srtt_ns : 1000000);
  if (rate > 0 && (b->full_bw_reached || rate > work->pacing_bytes_per_s))
    work->pacing_bytes_per_s = rate;
}

static void bbr_set_window(const struct bbr *b, struct cc *cc, uint64_t rate,
                           const struct cc_ack *a)
{
  const uint32_t least = 4u * cc->mss_bytes;
  uint64_t volume = bbr_bdp(b, b->bw, bbr_window_percent(b));
  volume += u32_max(b->extra_acked[0], b->extra_acked[1]);
  uint32_t most = bbr_inflight(b, cc, rate, volume);
  uint32_t grown = cc->cwnd_bytes + a->delivered_bytes;
  if (b->full_bw_reached)
    cc->cwnd_bytes = u32_min(grown, most);
  else if (cc->cwnd_bytes < most || a->total_delivered_bytes < b->initial_window)
    cc->cwnd_bytes = grown;
  cc->cwnd_bytes = u32_max(cc->cwnd_bytes, least);
  if (b->state == BBR_PROBE_RTT)
    cc->cwnd_bytes = u32_min(cc->cwnd_bytes, bbr_probe_rtt_window(b, cc));
  uint32_t cap = BBR_NONE;
  if (b->state == BBR_PROBE_RTT || b->state == BBR_CRUISE)
    cap = bbr_with_headroom(b, cc);
  else if (bbr_probes_bw(b))
    cap = b->inflight_longterm;
  cap = u32_max(u32_min(cap, b->inflight_shortterm), least);
  cc->cwnd_bytes = u32_min(cc->cwnd_bytes, cap);
}

static void bbr_on_ack(struct cc *cc, struct cc_work *work, const struct cc_ack *a)
{
  struct bbr *b = bbr_of(work);
  const uint64_t rate = work->pacing_bytes_per_s;
  b->recovering = a->recovering;
  if (a->lost_bytes > 0) {
    bbr_note_loss(b, cc, a->total_delivered_bytes);
    bbr_probe_on_loss(b, cc, a);
  }
  bbr_model_update(b, cc, a);
  bbr_check_startup(b, a);
  bbr_check_drain(b, cc, rate, a);
  bbr_probe_cycle(b, cc, rate, a);
  bbr_model_min_rtt(b, a);
  bbr_check_probe_rtt(b, cc, a);
  bbr_model_finish(b, a);
  bbr_set_rate(b, work, a);
  bbr_set_window(b, cc, work->pacing_bytes_per_s, a);
}

// ---- The other verbs

static void bbr_wake(struct cc *cc, struct cc_work *work, uint64_t now_ns)
{
  struct bbr *b = bbr_of(work);
  b->min_rtt_at_ns = b->probe_rtt_min_at_ns = b->extra_since_ns = now_ns;
  b->initial_window = cc->cwnd_bytes;
  b->inflight_longterm = BBR_NONE;
  b->undo_state = BBR_PROBE_RTT;
  b->up_acked_per_segment = UINT32_MAX;
  b->alpha = BBR_ALPHA_ONE;
  bbr_reset_shortterm(b);
  cc->ssthresh_bytes = UINT32_MAX;
  if (cc->acked_bytes == 0) return; // Startup
  // After a rest: as it was, without knowing yet how long the path is.
  b->bw = b->max_bw[0] = (uint64_t)cc->acked_bytes * BBR_BANDWIDTH_KEPT_UNIT;
  b->full_bw_reached = true;
  work->pacing_bytes_per_s = bbr_rate(b, 100);
  bbr_start_down(b, 0, now_ns);
  b->state = BBR_CRUISE;
}

static void bbr_rest(struct cc *cc, struct cc_work *work, uint64_t now_ns)
{
  const struct bbr *b = bbr_of(work);
  (void)now_ns;
  uint64_t kept = b->full_bw_reached ? bbr_max_bw(b) / BBR_BANDWIDTH_KEPT_UNIT : 0;
  cc->acked_bytes = (uint32_t)u64_min(kept, UINT32_MAX);
  if (b->state == BBR_PROBE_RTT) bbr_restore_window(b, cc);
}

// The window of a recovery without SACK (retransmit.c) is around ssthresh; with SACK the model alone decides.
static void bbr_on_loss(struct cc *cc, struct cc_work *work, uint32_t flight_bytes, uint64_t now_ns)
{
  struct bbr *b = bbr_of(work);
  (void)flight_bytes;
  (void)now_ns;
  bbr_save_window(b, cc);
  b->recovering = true;
  b->startup_loss_round = b->round;
  cc->ssthresh_bytes = cc->cwnd_bytes;
}

// What is done about it waits for the end of the round. Where marks are counted on_ack() has heard of it already.
static void bbr_on_mark(struct cc *cc, struct cc_work *work, uint32_t flight_bytes, uint64_t now_ns)
{
  (void)cc;
  (void)flight_bytes;
  (void)now_ns;
  bbr_of(work)->marked_in_round = true;
}

static void bbr_on_timeout(struct cc *cc, struct cc_work *work, uint32_t flight_bytes, bool first,
                           uint64_t now_ns)
{
  struct bbr *b = bbr_of(work);
  (void)flight_bytes;
  (void)now_ns;
  if (first) bbr_save_window(b, cc);
  b->recovering = true;
  cc->cwnd_bytes = cc->mss_bytes;
}

static void bbr_on_recovered(struct cc *cc, struct cc_work *work, uint64_t now_ns)
{
  struct bbr *b = bbr_of(work);
  (void)now_ns;
  b->recovering = false;
  cc->ssthresh_bytes = UINT32_MAX;
  bbr_restore_window(b, cc);
}

// HandleSpuriousLossDetection.
static void bbr_on_undo(struct cc *cc, struct cc_work *work, uint64_t now_ns)
{
  struct bbr *b = bbr_of(work);
  (void)now_ns;
  bbr_restore_window(b, cc);
  b->loss_in_round = false;
  bbr_reset_full_bw(b, 0);
  b->bw_shortterm = u64_max(b->bw_shortterm, b->undo_bw_shortterm);
  b->inflight_shortterm = u32_max(b->inflight_shortterm, b->undo_shortterm);
  b->inflight_longterm = u32_max(b->inflight_longterm, b->undo_longterm);
  if (b->undo_state == BBR_STARTUP && b->state != BBR_STARTUP) {
    b->full_bw_reached = false;
    if (b->state != BBR_PROBE_RTT) b->state = BBR_STARTUP;
  } else if (b->undo_state == BBR_UP && b->state != BBR_UP && b->state != BBR_PROBE_RTT) {
    bbr_start_refill(b, b->round_delivered);
  }
  b->undo_state = BBR_PROBE_RTT;
}

// HandleRestartFromIdle.
static void bbr_on_transmit(struct cc *cc, struct cc_work *work, uint32_t flight_bytes,
                            uint64_t now_ns)
{
  struct bbr *b = bbr_of(work);
  if (flight_bytes > 0) return;
  b->idle_restart = true;
  b->extra_since_ns = now_ns;
  if (bbr_probes_bw(b) && b->bw > 0)
    work->pacing_bytes_per_s = bbr_rate(b, 100);
  else if (b->state == BBR_PROBE_RTT)
    bbr_check_probe_rtt_done(b, cc, b->round_delivered, now_ns);
}

// What is in the model stays true.
static void bbr_on_idle(struct cc *cc, struct cc_work *work, uint32_t initial_window_bytes)
{
  if (work == NULL || !bbr_of(work)->full_bw_reached)
    cc->cwnd_bytes = u32_min(cc->cwnd_bytes, initial_window_bytes);
}

const struct cc_verbs cc_bbr = {
    .name = "bbr",
    .room_bytes = sizeof(struct bbr),
    .own_recovery = true,
    .start = cc_start,
    .wake = bbr_wake,
    .rest = bbr_rest,
    .on_ack = bbr_on_ack,
    .on_loss = bbr_on_loss,
    .on_mark = bbr_on_mark,
    .on_timeout = bbr_on_timeout,
    .on_recovered = bbr_on_recovered,
    .on_undo = bbr_on_undo,
    .on_transmit = bbr_on_transmit,
    .on_idle = bbr_on_idle,
    .on_mss = cc_on_mss,
};
