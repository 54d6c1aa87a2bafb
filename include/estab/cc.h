// SPDX-License-Identifier: BSD-2-Clause
// cc.h - a congestion controller of one's own, plugged into a stack at run time.
//
//   static const struct estab_cc_controller mine = {.struct_bytes = sizeof mine, .name = "mine",
//                                                   .on_ack = mine_on_ack, .on_loss = mine_on_loss};
//   int number = estab_cc_add(stack, &mine);
//   estab_option_set(stack, conn, ESTAB_OPT_CONGESTION_CONTROL, (uint64_t)number);   one connection, now
//   settings.congestion_control = (uint8_t)number;                                    all from now on,
//   estab_stack_set_settings(stack, &settings);                                       by the setting
//
// The controller owns the congestion window, the slow start threshold and the pacing rate, and nothing else: what
// is lost, when to send again, the peer's window and the bound max_rate_bytes_per_s are the stack's. Its functions
// are called synchronously, while a segment or a timer is judged: they may not call estab on the same stack, and how
// long they take is part of what a segment costs. Equal calls must have equal results, or a simulation repeats no
// more.
//
// Between busy times a connection keeps the windows alone; `room` is taken and zeroed when it has something to send
// again. Where no memory is left for that, RFC 5681 stands in.
#ifndef ESTAB_CC_H
#define ESTAB_CC_H

#include "estab.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ESTAB_CC_OWN        16u  // the first number that estab_cc_add() gives
#define ESTAB_CC_OWN_MOST   16u  // controllers of one's own that a stack has at most
#define ESTAB_CC_ROOM_BYTES 320u // of a controller's own, for each busy connection

// What the controller decides. Its functions find the present values and leave what holds from now on.
struct estab_cc_window {
  size_t struct_bytes;     // what this stack knows
  uint32_t mss_bytes;      // SMSS, RFC 5681 2: octets of text in a full segment. Not to be changed
  uint32_t cwnd_bytes;     // less than a segment counts as one
  uint32_t ssthresh_bytes; // less than two segments counts as two; UINT32_MAX = no loss yet
  uint64_t pacing_bytes_per_s; // what leaves, at most, evenly; 0 = not paced, ACKs are the clock
};

// What an ACK told. All octets are of text, SYN and FIN count as one.
struct estab_cc_ack {
  size_t struct_bytes;         // what this stack knows: fields are only appended
  uint64_t now_ns;             // of the clock that the stack is driven by
  uint32_t acked_bytes;        // newly acknowledged, cumulatively
  uint32_t delivered_bytes;    // newly acknowledged or SACKed
  uint32_t lost_bytes;         // newly believed lost
  uint32_t flight_bytes;       // in flight now: sent, not delivered, not believed lost
  uint32_t prior_flight_bytes; // the same before the ACK
  uint32_t
      most_flight_bytes; // the most of this round trip: a window that was not used proves nothing
  uint64_t rtt_ns;       // of the latest segment it delivered that was sent once; 0 = none
  uint64_t min_rtt_ns;   // least of the last minutes; 0 = none yet
  uint64_t srtt_ns;      // RFC 6298
  uint64_t total_delivered_bytes; // since the connection became busy
  uint32_t round;                 // packet-timed round trips since then
  bool round_start;               // the first ACK of one
  bool
      recovering; // in fast recovery, or this ACK ended one, or told of a mark (RFC 3168): no growth
  bool after_timeout; // in the slow start after a retransmission timeout
  bool window_full;   // the congestion window kept data back since the last ACK
  // The delivery rate over the flight of the segment that was sent last among those delivered
  uint64_t rate_bytes;                 // delivered between its sending and now; 0 = no sample
  uint64_t rate_interval_ns;           // the longer of the time to send it and to be acknowledged
  uint64_t rate_prior_delivered_bytes; // total_delivered_bytes when that segment was sent
  uint32_t rate_lost_bytes;            // found lost in between
  uint32_t rate_flight_bytes;          // in flight when it had been sent, itself counted
  bool rate_app_limited;               // there was too little to send: the path may give more
};

// Fill with zero first. Only on_ack and on_loss must be there; for the others NULL is what the line says.
struct estab_cc_controller {
  size_t struct_bytes; // sizeof(struct estab_cc_controller)
  const char *name;    // for people; must outlive the stack
  void *ctx;           // handed to every function
  size_t room_bytes;   // of `room`, at most ESTAB_CC_ROOM_BYTES, aligned for a uint64_t
  bool
      own_recovery; // cwnd in fast recovery is the controller's; else RFC 9937 leads it to ssthresh
  // The connection became busy, or this controller was chosen just now: room is zeroed. NULL: nothing to do.
  void (*wake)(void *ctx, void *room, struct estab_cc_window *w, uint64_t now_ns);
  // It is idle, room will be gone. NULL: nothing to keep.
  void (*rest)(void *ctx, void *room, struct estab_cc_window *w, uint64_t now_ns);
  // Something was delivered or lost.
  void (*on_ack)(void *ctx, void *room, struct estab_cc_window *w, const struct estab_cc_ack *ack);
  // A fast recovery begins, or a mark came: set ssthresh and the window. flight_bytes is FlightSize.
  void (*on_loss)(void *ctx, void *room, struct estab_cc_window *w, uint32_t flight_bytes,
                  uint64_t now_ns);
  // The retransmission timer went off; again: for the same octets. NULL: RFC 5681 3.1.
  void (*on_timeout)(void *ctx, void *room, struct estab_cc_window *w, uint32_t flight_bytes,
                     bool again, uint64_t now_ns);
  // A fast recovery, or the slow start after a timeout, is over. NULL: the window stays as it is.
  void (*on_recovered)(void *ctx, void *room, struct estab_cc_window *w, uint64_t now_ns);
  // The last on_loss or on_timeout was a mistake: the windows are restored. NULL: that is all.
  void (*on_undo)(void *ctx, void *room, struct estab_cc_window *w, uint64_t now_ns);
  // Text is about to leave, flight_bytes are out before it. NULL: nothing to do.
  void (*on_transmit)(void *ctx, void *room, struct estab_cc_window *w, uint32_t flight_bytes,
                      uint64_t now_ns);
  // Nothing was sent for longer than the retransmission timeout. room is NULL where the connection has none yet.
  // NULL: RFC 5681 4.1, not more than the initial window.
  void (*on_idle)(void *ctx, void *room, struct estab_cc_window *w, uint32_t initial_window_bytes);
};

// Makes it known to this stack, which copies it. Answers its number for ESTAB_OPT_CONGESTION_CONTROL and the setting
// congestion_control (from ESTAB_CC_OWN on); ESTAB_ERR_INVALID when a function that must be there is missing or the
// room is too large, ESTAB_ERR_NO_MEMORY when there is none or ESTAB_CC_OWN_MOST are known. It stays until the stack
// goes.
ESTAB_API int estab_cc_add(estab_stack *s, const struct estab_cc_controller *controller);

#ifdef __cplusplus
}
#endif
#endif
