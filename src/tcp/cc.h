// SPDX-License-Identifier: BSD-2-Clause
// cc.h - congestion control as a value: a small state and a table of verbs. Detection of loss is not its business.
#ifndef ESTAB_TCP_CC_H
#define ESTAB_TCP_CC_H

#include <stdbool.h>
#include <stdint.h>

// What every controller keeps while a connection is idle. A bigger one takes its room from the work block.
struct cc {
  const struct cc_verbs *verbs;
  uint32_t cwnd_bytes;          // congestion window
  uint32_t ssthresh_bytes;      // slow start below, congestion avoidance above
  uint32_t acked_bytes;         // acknowledged since cwnd grew last
  uint16_t mss_bytes;           // SMSS, RFC 5681 2
  uint16_t slow_start_segments; // most that an ACK adds in slow start: L of RFC 3465 2.1
};

struct cc_verbs {
  const char *name;
  void (*start)(struct cc *cc, uint32_t mss_bytes, uint32_t initial_window_bytes);
  // New octets were acknowledged; not called while recovering from loss.
  void (*on_acked)(struct cc *cc, uint32_t acked_bytes, uint32_t flight_bytes, uint64_t now_ns);
  // Loss was detected by duplicate ACKs (RFC 5681 3.2): a new ssthresh, cwnd goes there.
  void (*on_loss)(struct cc *cc, uint32_t flight_bytes, uint64_t now_ns);
  // The retransmission timer went off (RFC 5681 3.1); first is false for the same octets again.
  void (*on_timeout)(struct cc *cc, uint32_t flight_bytes, bool first, uint64_t now_ns);
  // Nothing was sent for longer than the retransmission timeout (RFC 5681 4.1).
  void (*on_idle)(struct cc *cc, uint32_t initial_window_bytes);
  // The path's MTU changed.
  void (*on_mss)(struct cc *cc, uint32_t mss_bytes);
};

extern const struct cc_verbs cc_newreno;

// RFC 6928 2, or RFC 5681 3.1 when segments is 0.
uint32_t cc_initial_window(uint32_t mss_bytes, uint32_t segments);

#endif
