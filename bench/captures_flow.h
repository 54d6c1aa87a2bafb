// SPDX-License-Identifier: BSD-2-Clause
// captures_flow.h - one connection of the mixed capture: what is told of it at birth, and its next packet.
#ifndef BENCH_CAPTURES_FLOW_H
#define BENCH_CAPTURES_FLOW_H

#include "captures.h"

enum { CLIENT, SERVER };
enum stage { ASK, ANSWER, THIRD, FLIGHT, FIN_FIRST, FIN_ACKED, FIN_SECOND, LAST_ACK, ABORT, OVER };
enum fate { SERVED, SYN_LOST, REFUSED, SILENT };

struct flow {
  uint64_t at_us;      // of its next packet
  uint64_t flight_us;  // when the first segment of the flight passed
  uint64_t data_us;    // when the last text passed
  uint32_t near_us[2]; // from the tap to that end and back
  uint32_t gap_us;     // between segments in a row
  uint32_t think_us;   // from the end of a message until its receiver goes on
  uint32_t id, draws;
  uint32_t address[2], seq[2];       // the number each sends next
  uint32_t stamp_ms[2];              // the timestamp each sent last, in order
  uint32_t left_bytes, flight_bytes; // of the message: after this flight, in it
  uint32_t window, limit, threshold; // of the sender, in segments
  uint32_t segments, sent, heard;    // of the flight: all, passed, judged by the receiver
  uint32_t lost;                     // which one, or NONE
  uint16_t port[2];
  uint8_t stage, fate, tries, sender, closer, exchanges;
  bool ip6, uploads, before, resent; // before: lost before it came to the tap, which sees a hole
};

// What all flows have put on the tap.
struct flow_counts {
  uint32_t packets, refused, silent, aborted;
  uint32_t syns, twice, filled; // sent again: SYNs, text seen twice, text that fills a hole
};

// A number that looks random and is smaller than the limit; each call draws another.
uint32_t flow_below(struct flow *f, uint32_t limit);
bool flow_percent(struct flow *f, uint32_t of_100);

// Exponential.
uint32_t flow_wait_us(struct flow *f, uint32_t mean_us);

// Puts the packet whose time has come, and sets the time of the next; false: there is none.
bool flow_step(struct flow *f, struct flow_counts *made);

#endif
