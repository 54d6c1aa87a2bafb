// SPDX-License-Identifier: BSD-2-Clause
// work.h - the work block: what only a busy sender needs.
//
// Taken when more than one segment is in flight, or one that is not acknowledged in time; given back when nothing was
// in flight or queued for a while. Without memory for it a connection sends as RFC 5681 and RFC 6582 say
// (retransmit.c), and asks again with its next segment.
#ifndef ESTAB_TCP_WORK_H
#define ESTAB_TCP_WORK_H

#include "tcp/board.h"
#include "tcp/cc.h"
#include "tcp/cwv.h"
#include "tcp/limits.h"
#include "tcp/pace.h"
#include "tcp/plpmtud.h"
#include "tcp/prr.h"
#include "tcp/rack.h"
#include "tcp/rate.h"
#include "tcp/undo.h"

// Tail loss probe, RFC 8985 7.
struct tlp {
  uint32_t end_seq;  // SND.NXT behind the probe, while `outstanding`
  bool outstanding;  // a probe was sent and is not yet judged
  bool is_retrans;   // it was a retransmission
  bool needs_sample; // no round trip was measured since the last probe
};

struct work {
  struct board board;
  struct rate rate;
  struct rack rack;
  struct prr prr;
  struct undo undo;
  struct cwv cwv;
  struct tlp tlp;
  struct limits limits;
  struct pace pace;
  struct plpmtud plpmtud;
  uint64_t
      rto_at_ns; // when the retransmission timeout is, while the timer waits for something earlier
  uint64_t probe_since_ns;    // when the probe timer began to count last
  uint64_t grain_ns;          // what leaves within it is one stretch on the board
  uint32_t most_flight_bytes; // the most in flight since SND.UNA passed most_flight_end
  uint32_t most_flight_end;   // SND.NXT when that was
  uint32_t ecn_recover;       // SND.NXT when a mark was answered last
  bool window_full;           // cwnd kept data back since the last ACK
  struct cc_work cc;
  struct work *next_spare; // in struct tcp
};

// What leaves has to keep a rate.
static inline bool work_is_paced(const struct work *w)
{
  return (w->cc.pacing_bytes_per_s | w->pace.most_bytes_per_s) != 0;
}

// The controller's rate, and no more than the settings allow. Of one that is paced.
static inline uint64_t work_pacing_rate(const struct work *w)
{
  uint64_t rate = w->cc.pacing_bytes_per_s, most = w->pace.most_bytes_per_s;
  return rate == 0 || (most != 0 && most < rate) ? most : rate;
}

#define WORK_SPARES 8 // blocks kept for the next busy connection

#endif
