// SPDX-License-Identifier: BSD-2-Clause
// rate.h - delivery-rate samples: how fast the path delivered, whatever was lost or reordered meanwhile.
//
// Each stretch on the board remembers where delivery stood when it was sent. When it is delivered, the octets delivered
// since then over the longer of the time they took to be sent and to be acknowledged is a sample of the path's rate
// (the method of BBR's draft and of Linux; no RFC).
#ifndef ESTAB_TCP_RATE_H
#define ESTAB_TCP_RATE_H

#include "tcp/board.h"
#include "tcp/cc.h"

struct rate {
  uint64_t delivered_bytes; // in total, cumulatively or by SACK
  uint64_t delivered_ns;    // when that total was reached
  uint64_t first_sent_ns;   // when the first of the current sample's flight was sent
  uint64_t
      app_limited_bytes; // delivered_bytes at which what was sent too thinly has left; 0 = none is out
  uint64_t round_end_bytes; // delivered_bytes when the current round trip ends
  uint32_t round;           // packet-timed round trips
  uint32_t lost_bytes;      // in total, modulo 2^32
};

// Octets leave; flight_bytes are out, themselves counted, flight_before those before them.
static inline struct board_mark rate_on_sent(struct rate *r, uint32_t flight_before,
                                             uint32_t flight_bytes, uint64_t now_ns)
{
  if (flight_before == 0) r->first_sent_ns = r->delivered_ns = now_ns;
  return (struct board_mark){r->delivered_bytes, r->delivered_ns, r->first_sent_ns, r->lost_bytes,
                             flight_bytes};
}

// `bytes` of stretch s, for the first time.
static inline void rate_on_delivered(struct rate *r, struct rate_sample *a,
                                     const struct board_record *s, uint32_t bytes)
{
  r->delivered_bytes += bytes;
  // Of what was sent again it matters whether a round trip can have gone by since the first of it left.
  const uint64_t sent_ns = s->bits & BOARD_RETRANSMITTED ? s->born_ns : s->sent_ns;
  if (a->sent_ns > sent_ns) return;
  a->sent_ns = sent_ns;
  a->prior_delivered_bytes = s->mark.delivered_bytes;
  a->interval_ns = s->mark.delivered_ns; // an instant until rate_finish()
  a->delivered_bytes = sent_ns - s->mark.first_sent_ns;
  a->lost_bytes = s->mark.lost_bytes;
  a->flight_bytes = s->mark.flight_bytes;
  a->app_limited = (s->bits & BOARD_APP_LIMITED) != 0;
  a->retransmitted = (s->bits & BOARD_RETRANSMITTED) != 0;
}

// After all stretches of an ACK that delivered something: turns what rate_on_delivered() gathered into a sample. True:
// a round trip begins.
bool rate_finish(struct rate *r, struct rate_sample *a, uint64_t min_rtt_ns, uint64_t now_ns);

// The application, not the path, is what limits now; flight_bytes are out.
static inline void rate_app_limited(struct rate *r, uint32_t flight_bytes)
{
  r->app_limited_bytes = r->delivered_bytes + (flight_bytes ? flight_bytes : 1);
}

#endif
