// SPDX-License-Identifier: BSD-2-Clause
// cc_hystart.h - HyStart++: slow start ends when round trips grow, before the queue overflows. RFC 9406.
#ifndef ESTAB_TCP_CC_HYSTART_H
#define ESTAB_TCP_CC_HYSTART_H

#include "tcp/cc.h"

// Only for the first slow start of a connection (RFC 9406 4.3). A zeroed one is at its beginning.
struct hystart {
  uint64_t last_round_rtt_ns; // least of the round before; 0 = none yet
  uint64_t round_rtt_ns;      // least of this one; 0 = none yet
  uint64_t group_rtt_ns;      // least of the latest samples, of a paced sender
  uint64_t css_baseline_ns;   // what made conservative slow start begin
  uint16_t samples;           // of this round
  uint8_t css_rounds;         // rounds that conservative slow start has lasted
  bool css;                   // conservative slow start, RFC 9406 4.2
};

// What this ACK adds to cwnd in slow start; cc->ssthresh_bytes is set when slow start is over.
uint32_t hystart_on_ack(struct hystart *h, struct cc *cc, const struct cc_ack *a, bool paced);

#endif
