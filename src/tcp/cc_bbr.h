// SPDX-License-Identifier: BSD-2-Clause
// cc_bbr.h - BBR version 3, after draft-ietf-ccwg-bbr (August 2026): its state, and who does what to it.
//
//   cc_bbr.c        the verbs; Startup, Drain, ProbeRTT; pacing rate and cwnd from the model
//   cc_bbr_model.c  the model: bandwidth, least round trip, aggregation of ACKs, what losses say
//   cc_bbr_probe.c  ProbeBW: when to probe for more, how far, when to give way
//
// Differs from the draft: a lost segment is judged by the rate sample of the ACK that told of it and by the most
// that was in flight in its round trip, not by its own flight (and the prefix of a burst at which losses crossed the
// threshold); what was lost while nothing was probed is not counted against a probe, up to 4 %: else a path that loses
// more than 2 % by chance ends each probe at once, and what Startup found is never outgrown; losses of up to 6 % do
// not end Startup while the rate grows by a quarter a round; a round with fewer losses than a probe may cause (2 %, and
// a segment) lowers no bound; over round trips of more than 156 ms ProbeRTT comes less often, and the least round trip
// lasts as much longer; samples in ProbeRTT are ignored here instead of marked app-limited; the initial window leaves
// unpaced, as with every controller here. Of marks the draft only says that they are congestion; the answer to them is
// at bbr_update_marks(). Not done: at rest only the bandwidth outlasts the work block.
#ifndef ESTAB_TCP_CC_BBR_H
#define ESTAB_TCP_CC_BBR_H

#include "base/bytes.h"
#include "tcp/cc.h"

#define BBR_NONE       UINT32_MAX // an inflight that is not bounded
#define BBR_BW_NONE    UINT64_MAX
#define BBR_SECOND_NS  UINT64_C(1000000000)
#define BBR_LOSS_SHARE 50u // BBR.LossThresh: one part of so many, 2 %
#define BBR_ALPHA_ONE  1024u
#define BBR_SHARE_ONE  10000u

enum bbr_state {
  BBR_STARTUP,
  BBR_DRAIN,
  BBR_DOWN, // the four of ProbeBW in a row
  BBR_CRUISE,
  BBR_REFILL,
  BBR_UP,
  BBR_PROBE_RTT,
};

enum bbr_acks { // what arriving ACKs tell of, with respect to probing
  BBR_ACKS_INIT,
  BBR_ACKS_REFILLING,
  BBR_ACKS_STARTING,
  BBR_ACKS_FEEDBACK,
  BBR_ACKS_STOPPING,
};

// Names are the draft's; rates in bytes a second, volumes in bytes, times in ns.
struct bbr {
  uint64_t max_bw[2]; // greatest sample of this cycle of ProbeBW and of the one before
  uint64_t bw_shortterm, bw_latest, bw, undo_bw_shortterm;
  uint64_t full_bw; // to be outgrown by a quarter
  uint64_t min_rtt_ns, min_rtt_at_ns;
  uint64_t probe_rtt_min_ns, probe_rtt_min_at_ns, probe_rtt_done_ns;
  uint64_t cycle_at_ns, probe_wait_ns;
  uint64_t round_delivered, loss_round_delivered; // delivered in total, when these rounds end
  uint64_t extra_since_ns, extra_delivered;
  uint32_t extra_acked[2],
      extra_round; // greatest of these rounds and of those before; when they began
  uint32_t inflight_longterm, inflight_shortterm, inflight_latest;
  uint32_t undo_longterm, undo_shortterm;
  uint32_t initial_window, prior_cwnd;
  uint32_t round, rounds_since_up, drain_round, startup_loss_round;
  uint32_t up_acked, up_acked_per_segment;
  uint64_t marks_delivered; // delivered in total, when this round of marks began
  uint64_t quiet_delivered; // delivered in total, when the last probe was over
  uint32_t quiet_lost;      // bytes, since then
  uint32_t marked_bytes;    // in this round, as far as they are counted
  uint16_t alpha;           // share of what is marked, averaged over rounds, in BBR_ALPHA_ONE
  uint16_t lost_before;     // while a probe runs: share that was lost before it, in BBR_SHARE_ONE
  uint8_t marked_rounds;    // in a row, with marks
  bool marked_in_round, marked_heavily; // heavily: in the last round more than half
  uint8_t state, undo_state;            // enum bbr_state; undo: BBR_PROBE_RTT = none
  uint8_t acks;                         // enum bbr_acks
  uint8_t full_bw_count, up_rounds, loss_events;
  bool round_start, loss_round_start, loss_in_round, full_bw_now, full_bw_reached;
  bool probe_sample;            // samples are of the accelerating phases
  bool too_high, precautionary; // how the last probe ended
  bool idle_restart, probe_rtt_expired, probe_rtt_round_done;
  bool recovering;
};
_Static_assert(sizeof(struct bbr) <= sizeof(uint64_t) * CC_ROOM_WORDS, "it has its place there");

static inline bool bbr_probes_bw(const struct bbr *b) // IsInAProbeBWState
{
  return b->state >= BBR_DOWN && b->state <= BBR_UP;
}

static inline uint64_t bbr_max_bw(const struct bbr *b)
{
  return u64_max(b->max_bw[0], b->max_bw[1]);
}

static inline uint64_t bbr_sample_bw(const struct cc_ack *a)
{
  return a->rate.delivered_bytes
             ? muldiv64(a->rate.delivered_bytes, BBR_SECOND_NS, a->rate.interval_ns)
             : 0;
}

static inline void bbr_start_round(struct bbr *b, uint64_t delivered_bytes)
{
  b->round_delivered = delivered_bytes;
}

// ---- cc_bbr_model.c

uint32_t bbr_bdp(const struct bbr *b, uint64_t bw, unsigned percent); // BDPMultiple
uint32_t bbr_inflight(const struct bbr *b, const struct cc *cc, uint64_t rate, uint64_t volume);
void bbr_reset_full_bw(struct bbr *b, uint64_t bw);
void bbr_reset_shortterm(struct bbr *b);
void bbr_reset_signals(struct bbr *b);
void bbr_note_loss(struct bbr *b, const struct cc *cc, uint64_t delivered_bytes);
bool bbr_too_high(const struct bbr *b, const struct cc_ack *a); // IsInflightTooHigh
uint32_t bbr_loss_flight(const struct cc_ack *a);
// Marks of the network (ECN). At the end of a round with some: in Startup the second such round in a row ends it; while
// more is probed for, the probe is over, and if it was more than half, its volume is the bound as after losses;
// otherwise what may be in flight falls to 0.85 of what was (RFC 8511, as CUBIC), or by a third of alpha where that is
// more: by the share of what is marked, so that heavy marking counts for more. Where the peer only says that something
// was marked, alpha falls and 0.85 is left.
void bbr_update_marks(struct bbr *b, const struct cc *cc, const struct cc_ack *a);
// In the draft's order: before the state machine, and its end.
void bbr_model_update(struct bbr *b, const struct cc *cc, const struct cc_ack *a);
void bbr_model_min_rtt(struct bbr *b, const struct cc_ack *a);
void bbr_model_finish(struct bbr *b, const struct cc_ack *a);

// ---- cc_bbr_probe.c

void bbr_start_down(struct bbr *b, uint64_t delivered_bytes, uint64_t now_ns);
void bbr_start_refill(struct bbr *b, uint64_t delivered_bytes);
void bbr_probe_cycle(struct bbr *b, const struct cc *cc, uint64_t rate, const struct cc_ack *a);
void bbr_probe_on_loss(struct bbr *b, const struct cc *cc, const struct cc_ack *a);
void bbr_probe_on_marks(struct bbr *b, const struct cc *cc, const struct cc_ack *a);
uint32_t bbr_with_headroom(const struct bbr *b, const struct cc *cc); // InflightWithHeadroom

#endif
