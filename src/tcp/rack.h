// SPDX-License-Identifier: BSD-2-Clause
// rack.h - RACK, RFC 8985 6: what was sent well before something that has arrived, and has not arrived, is lost.
#ifndef ESTAB_TCP_RACK_H
#define ESTAB_TCP_RACK_H

#include "tcp/board.h"

#define RACK_DUP_THRESH                                                                            \
  3 // SACKed segments that do away with the reordering window, RFC 8985 6.2 step 4
#define RACK_PERSIST 16 // recoveries without DSACK after which a grown window shrinks again

// The RFC's names, without the RACK. in front of them.
struct rack {
  uint64_t xmit_ns;      // when the segment sent last among those delivered was sent
  uint64_t rtt_ns;       // round trip of the one delivered last, 0 = none yet
  uint64_t ack_rtt_ns;   // of the one acknowledged last in order and sent once, 0 = none yet
  uint64_t min_ns[2];    // least round trip of this epoch and of the one before, 0 = none
  uint64_t min_since_ns; // when this epoch began
  uint64_t oldest_ns; // nothing in flight and not lost was sent before: when looking is worth while
  uint32_t end_seq;   // sequence number behind the one of xmit_ns
  uint32_t fack;      // highest sequence number delivered
  uint32_t dsack_round; // SND.NXT at the last DSACK, while `dsack_pending`
  bool dsack_pending;   // a DSACK was counted in this round trip
  bool reordering_seen; // something arrived after what was sent later
  bool delivered;       // xmit_ns and end_seq hold
  bool again;           // and are those of a retransmission
  uint8_t reo_wnd_mult; // quarters of the least round trip
  uint8_t reo_wnd_persist;
};

// What an ACK says beyond its numbers.
struct rack_ack {
  uint64_t now_ns;
  uint32_t prior_fack; // highest sequence number delivered before it
  bool echo_valid;     // it carries a timestamp echo
  uint32_t echo;       // and this is it, on the clock of `sent_ts`
  uint32_t ts_offset;  // of that clock
};

void rack_init(struct rack *r, uint32_t snd_una, uint64_t now_ns);

// RFC 8985 6.2 step 1.
void rack_min_rtt(struct rack *r, uint64_t rtt_ns, uint64_t now_ns);
static inline uint64_t rack_min(const struct rack *r)
{
  uint64_t a = r->min_ns[0], b = r->min_ns[1];
  return a == 0 || (b != 0 && b < a) ? b : a;
}

// Steps 2 and 3 for one stretch that was delivered up to end_seq, for the first time.
void rack_delivered(struct rack *r, const struct board_record *s, uint32_t end_seq,
                    const struct rack_ack *a);

// Step 4, before the window is asked for: a DSACK came; a recovery is over.
void rack_dsack(struct rack *r, uint32_t snd_nxt);
void rack_recovered(struct rack *r);
uint64_t rack_reo_wnd(const struct rack *r, const struct board *b, bool recovering,
                      uint64_t srtt_ns);

// Step 5: marks what is lost. Answers when to look again, ESTAB_NEVER = not by time.
uint64_t rack_detect(struct rack *r, struct board *b, uint64_t reo_wnd_ns, uint64_t srtt_ns,
                     uint64_t now_ns);

// RFC 8985 6.3: the retransmission timer went off.
void rack_on_timeout(struct rack *r, struct board *b, uint64_t reo_wnd_ns, uint64_t now_ns);

#endif
