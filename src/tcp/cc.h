// SPDX-License-Identifier: BSD-2-Clause
// cc.h - congestion control as a value: a small state and a table of verbs. Detection of loss is not its business.
//
// A controller sees, for each ACK that delivered or lost something, one struct cc_ack, and owns cwnd_bytes,
// ssthresh_bytes and the pacing rate. While a fast recovery runs, cwnd_bytes is set by PRR (RFC 9937) towards
// ssthresh_bytes, unless the controller has `own_recovery`. What it keeps beyond struct cc lies in the work block,
// which a connection has while it sends: `work` is NULL when memory was refused, and then cc_newreno is used.
#ifndef ESTAB_TCP_CC_H
#define ESTAB_TCP_CC_H

#include <stdbool.h>
#include <stdint.h>

// What every controller keeps while a connection is idle. A bigger one takes its room from the work block.
struct cc {
  const struct cc_verbs *verbs;
  uint32_t cwnd_bytes;         // congestion window
  uint32_t ssthresh_bytes;     // slow start below, congestion avoidance above
  uint32_t acked_bytes;        // acknowledged since cwnd grew last
  uint16_t mss_bytes;          // SMSS, RFC 5681 2
  uint8_t slow_start_segments; // most that an ACK adds in slow start: L of RFC 3465 2.1
  uint8_t validated_unit;      // cwv.c: when the window was in use last
};

#define CC_ROOM_WORDS 40

// The controller's part of the work block.
struct cc_work {
  uint64_t pacing_bytes_per_s; // what leaves, at most; 0 = not paced
  bool pacing;                 // settings: pace although this controller can do without
  bool hystart;                // settings: end slow start by RFC 9406
  uint64_t
      room[CC_ROOM_WORDS]; // the controller's own; a struct of at most this size is laid over it
};

// Delivery rate over the flight of the segment that was sent last among those an ACK delivered.
struct rate_sample {
  uint64_t delivered_bytes;       // between the two ends of the sample; 0 = no sample
  uint64_t interval_ns;           // the longer of the time to send and the time to be acknowledged
  uint64_t prior_delivered_bytes; // in total, when that segment was sent
  uint64_t sent_ns;               // when it was sent
  uint32_t lost_bytes;            // found lost between the two ends
  uint32_t flight_bytes;          // in flight when it had been sent, itself counted
  bool app_limited;   // the sender had too little to fill the window: the path may give more
  bool retransmitted; // it was a retransmission
};

// What an ACK told.
struct cc_ack {
  uint64_t now_ns;
  uint32_t acked_bytes;        // newly acknowledged, cumulatively
  uint32_t prior_flight_bytes; // in flight before the ACK
  uint32_t most_flight_bytes;  // the most that was in flight in this round trip
  bool recovering;             // in fast recovery, or this ACK has ended one or told of a mark
  bool held; // the window was not in use lately, and is not now: it does not grow (RFC 7661)
  // The rest is not told without a work block: cc_newreno looks at nothing of it.
  uint32_t delivered_bytes; // newly acknowledged or SACKed
  uint32_t lost_bytes;      // newly believed lost
  uint32_t ce_segments;     // newly told of as marked, by Accurate ECN (RFC 9768)
  uint32_t flight_bytes;    // in flight now: sent, not delivered, not believed lost
  uint64_t rtt_ns;          // of the latest segment it delivered that was sent once; 0 = none
  uint64_t min_rtt_ns;      // least of the last minutes, 0 = none yet
  uint64_t srtt_ns;
  uint64_t total_delivered_bytes; // of the connection's work block
  uint32_t round;                 // packet-timed round trips so far
  bool round_start;               // the first ACK of a round trip
  bool after_timeout;             // in the slow start after a retransmission timeout
  bool window_full;               // the congestion window kept data back since the last ACK
  struct rate_sample rate;
};

// What is told with or without a work block; the caller may set `recovering` and what follows `held`.
static inline void cc_ack_begin(struct cc_ack *a, uint64_t now_ns, uint32_t acked_bytes,
                                uint32_t prior_flight_bytes, uint32_t most_flight_bytes)
{
  a->now_ns = now_ns;
  a->acked_bytes = acked_bytes;
  a->prior_flight_bytes = prior_flight_bytes;
  a->most_flight_bytes = most_flight_bytes;
  a->recovering = a->held = false;
}

struct cc_verbs {
  const char *name;
  uint16_t room_bytes; // what it lays over struct cc_work's room: zeroed when the block is taken
  bool own_recovery;   // cwnd in fast recovery is the controller's, not PRR's
  bool validated;      // RFC 7661 is for this one: a window that is not used is kept (cwv.h)
  void (*start)(struct cc *cc, uint32_t mss_bytes, uint32_t initial_window_bytes);
  // The work block was taken, and will be given back: keep in struct cc what must last. May be NULL.
  void (*wake)(struct cc *cc, struct cc_work *work, uint64_t now_ns);
  void (*rest)(struct cc *cc, struct cc_work *work, uint64_t now_ns);
  // Something was delivered or lost.
  void (*on_ack)(struct cc *cc, struct cc_work *work, const struct cc_ack *a);
  // A fast recovery begins (RFC 5681 3.2): a new ssthresh. flight_bytes is FlightSize.
  void (*on_loss)(struct cc *cc, struct cc_work *work, uint32_t flight_bytes, uint64_t now_ns);
  // The network marked what it could have dropped (RFC 3168 6.1.2, RFC 8511). NULL: as on_loss, and over at once.
  void (*on_mark)(struct cc *cc, struct cc_work *work, uint32_t flight_bytes, uint64_t now_ns);
  // The retransmission timer went off (RFC 5681 3.1); first is false for the same octets again.
  void (*on_timeout)(struct cc *cc, struct cc_work *work, uint32_t flight_bytes, bool first,
                     uint64_t now_ns);
  // A fast recovery or the slow start after a timeout is over; cwnd is set. May be NULL.
  void (*on_recovered)(struct cc *cc, struct cc_work *work, uint64_t now_ns);
  // The last on_loss or on_timeout was a mistake; cwnd and ssthresh are restored already. May be NULL.
  void (*on_undo)(struct cc *cc, struct cc_work *work, uint64_t now_ns);
  // Data is about to leave, flight_bytes are out before it. May be NULL.
  void (*on_transmit)(struct cc *cc, struct cc_work *work, uint32_t flight_bytes, uint64_t now_ns);
  // Nothing was sent for longer than the retransmission timeout (RFC 5681 4.1).
  void (*on_idle)(struct cc *cc, struct cc_work *work, uint32_t initial_window_bytes);
  // The path's MTU changed.
  void (*on_mss)(struct cc *cc, uint32_t mss_bytes);
};

extern const struct cc_verbs cc_newreno;
// An ACK of all that was in flight: may it change anything? A window that was not used says nothing about the path.
static inline bool cc_newreno_listens(const struct cc *cc, uint32_t flight_bytes)
{
  return cc->cwnd_bytes / 2 <= flight_bytes + 2u * cc->mss_bytes;
}
extern const struct cc_verbs cc_cubic;
extern const struct cc_verbs cc_bbr;

// What start() and on_mss() do where a controller keeps nothing beyond struct cc.
void cc_start(struct cc *cc, uint32_t mss_bytes, uint32_t initial_window_bytes);
void cc_on_mss(struct cc *cc, uint32_t mss_bytes);
// The block is the controller's from here: unpaced, its room zeroed, wake() told.
void cc_wake(struct cc *cc, struct cc_work *work, uint64_t now_ns);

// enum estab_cc to verbs, NULL = there is none; and back.
const struct cc_verbs *cc_by_number(uint64_t number);
unsigned cc_number(const struct cc_verbs *verbs);

// RFC 6928 2, or RFC 5681 3.1 when segments is 0.
uint32_t cc_initial_window(uint32_t mss_bytes, uint32_t segments);

#endif
