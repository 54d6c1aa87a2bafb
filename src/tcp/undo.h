// SPDX-License-Identifier: BSD-2-Clause
// undo.h - was the last reduction a mistake? Eifel (RFC 3522), DSACK (RFC 2883, 3708) and F-RTO (RFC 5682) tell.
#ifndef ESTAB_TCP_UNDO_H
#define ESTAB_TCP_UNDO_H

#include <stdbool.h>
#include <stdint.h>

enum frto {
  FRTO_OFF,  // not watching: losses are real, or no timeout
  FRTO_SENT, // RFC 5682 3.1 step 2: the retransmission is out, its ACK is awaited
  FRTO_NEW,  // step 3: new data was sent, the next ACK decides
};

struct undo {
  bool armed;              // a reduction can still be taken back
  bool echo_known;         // first_ts holds
  uint8_t frto;            // enum frto
  uint8_t frto_segments;   // new segments that step 2 may still send
  uint32_t marker;         // SND.UNA at the reduction
  uint32_t first_ts;       // timestamp on the first retransmission since
  uint32_t cwnd_bytes;     // before it
  uint32_t ssthresh_bytes; // before it
  uint32_t pipe_bytes;     // RFC 4015 3.2: FlightSize at the timeout, at least ssthresh
  uint32_t again_bytes;    // retransmitted since, and not reported as needless
};

static inline void undo_arm(struct undo *u, uint32_t snd_una, uint32_t cwnd_bytes,
                            uint32_t ssthresh_bytes, uint32_t flight_bytes)
{
  uint32_t pipe =
      ssthresh_bytes != UINT32_MAX && ssthresh_bytes > flight_bytes ? ssthresh_bytes : flight_bytes;
  *u = (struct undo){.armed = true,
                     .marker = snd_una,
                     .cwnd_bytes = cwnd_bytes,
                     .ssthresh_bytes = ssthresh_bytes,
                     .pipe_bytes = pipe};
}

// A retransmission leaves; ts is on it when ts_sent. RFC 3522 3.2 (1): only that of the earliest octet outstanding when
// the episode began is a witness: what an episode before has sent again may still be in flight, and its ACK older.
static inline void undo_on_sent_again(struct undo *u, uint32_t seq, uint32_t bytes, bool ts_sent,
                                      uint32_t ts)
{
  if (!u->armed) return;
  if (!u->echo_known && seq == u->marker && ts_sent) {
    u->first_ts = ts;
    u->echo_known = true;
  }
  u->again_bytes += bytes;
}

// RFC 3522 3.2: the ACK answers a segment from before the first retransmission.
static inline bool undo_by_echo(const struct undo *u, bool echo_valid, uint32_t echo)
{
  return u->armed && u->echo_known && u->again_bytes > 0 && echo_valid &&
         (int32_t)(echo - u->first_ts) < 0;
}

// A DSACK for `bytes` that were sent twice. True: that was the last of them, all had been needless.
static inline bool undo_by_dsack(struct undo *u, uint32_t bytes)
{
  if (!u->armed || u->again_bytes == 0) return false;
  u->again_bytes = u->again_bytes > bytes ? u->again_bytes - bytes : 0;
  return u->again_bytes == 0;
}

#endif
