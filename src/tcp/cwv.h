// SPDX-License-Identifier: BSD-2-Clause
// cwv.h - congestion window validation, RFC 7661: a window that is not used is kept, and trusted less.
//
// pipeACK is the most that was delivered in a round trip lately. While it is less than half of the window the window is
// not validated: it is kept, grows only when it is all in use, is paced, and a loss makes the new one of pipeACK. After
// five minutes of that it is halved. For the controllers whose table says `validated`, with SACK and pacing; others
// begin again with the initial window after a rest (RFC 5681 4.1).
#ifndef ESTAB_TCP_CWV_H
#define ESTAB_TCP_CWV_H

#include "tcp/cc.h"

// In the work block. How long the window was not validated outlasts it in struct cc.
struct cwv {
  uint64_t since_ns;         // when pipe_bytes[0] began
  uint64_t round_bytes;      // delivered in total, when the round that is measured began
  uint32_t pipe_bytes[2];    // greatest samples of this third of the sampling period, and before
  uint32_t round_cwnd_bytes; // the window, when that round began
  uint32_t
      loss_bytes; // what the window was made from in this recovery; 0 = as in the validated phase
  bool measuring; // round_bytes holds; else pipeACK is undefined
  bool nonvalidated;
  bool paced; // the pacing rate is from here
};

// The work block was taken; initial_window_bytes: a window of no more is always good.
void cwv_begin(struct cwv *v, struct cc *cc, uint32_t initial_window_bytes, uint64_t now_ns);

// A round trip begins, a->recovering: within a recovery.
void cwv_on_round(struct cwv *v, struct cc *cc, const struct cc_ack *a,
                  uint32_t initial_window_bytes);

// Sending begins after a rest since last_send_ns, with the work block or without.
void cwv_after_rest(struct cwv *v, struct cc *cc, uint32_t initial_window_bytes,
                    uint64_t last_send_ns, uint64_t now_ns);

// A recovery begins: before and after the controller hears of it. The first answers what counts as FlightSize.
uint32_t cwv_on_loss(struct cwv *v, struct cc *cc, uint32_t flight_bytes, uint64_t srtt_ns,
                     uint64_t now_ns);
void cwv_reduced(const struct cwv *v, struct cc *cc);
// It is over, again_bytes were sent again in it; and: how it ended says nothing (a timeout, a mistake).
void cwv_recovered(struct cwv *v, struct cc *cc, uint32_t again_bytes);
void cwv_forget(struct cwv *v);

// The pacing rate of a window that is not validated; the controller has had its say.
void cwv_pace(struct cwv *v, const struct cc *cc, struct cc_work *work, uint64_t srtt_ns);

#endif
