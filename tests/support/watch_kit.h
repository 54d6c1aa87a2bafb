// SPDX-License-Identifier: BSD-2-Clause
// watch_kit.h - connections in a few letters for tests of the observer: "S sa A A100 a FA fa A".
//
// One token a segment. Upper case letters come from the client, lower case from the server: S A F R P U, or N for
// no flag. Digits: octets of text. Numbers of sequence and acknowledgment follow from what was sent and has arrived.
//   -A100   again: the sequence number of the sender's last segment that took any
//   A5x     lost behind the tap: the other side does not get it
//   A5!     wrong checksum: the other side does not take it
//   R+100   100 further in sequence space; R-100 before
//   A#7     acknowledges 7 more than has arrived
//   Aw0     window 0
//   At7     timestamp 7, echoing 0
//   Ah50    hop count 50, not 64
//   A5y     other octets than this place has otherwise
//   A5c     the capture has none of its text, or where there is none, of its options
//   A5o     its checksum was left to the device
//   =5000   both sides' next sequence numbers (client, server = that + 1000); the first token
//   @5      five seconds pass;  @0.5
//   ~       the client's next SYN is of another connection: its sequence numbers go on 100000 further
#ifndef ESTAB_TESTS_WATCH_KIT_H
#define ESTAB_TESTS_WATCH_KIT_H

#include "estab/watch.h"

struct watch_kit_side {
  uint32_t nxt, got; // what it sends next, what it has got of the other
  uint32_t last;     // sequence number of its last segment that took any
  bool acks;         // it has got something to acknowledge
};

struct watch_kit {
  estab_watch *w;
  struct estab_watch_settings settings;
  uint64_t now_ns;
  int version;      // 4 or 6
  uint16_t port[2]; // 40000, 80
  bool no_frames;   // frames are not given to the observer
  struct watch_kit_side side[2];
  char out[16384]; // what came out, see watch_kit_pull()
  unsigned rows, alerts, ambiguities;
  uint8_t text[2048];  // what segments carry
  long ts;             // of the next frame, -1 = none
  uint8_t ttl;         // of the next frame, 0 = 64
  bool cut, offloaded; // the next frame
  uint32_t teid[2];    // by sender: GTP-U's, in which its packets come; 0 = in no tunnel
  bool ipip;           // within GTP-U, in a tunnel without identifier
  bool still;          // all at one time
  bool split_reads;    // every record is pulled only after the packet, whatever happens
};

// Settings are the defaults, detectors off, 4 MiB; change kit->settings before the first token.
void watch_kit_init(struct watch_kit *k);
void watch_kit_run(struct watch_kit *k, const char *tokens);
// Everything ends; answers all that came out since the last answer, a line a record:
//   row      "S1 ShADad o=SYN-SENT@1,ESTABLISHED@2 r=SYN-RECEIVED@1,ESTABLISHED@3"; a step of a timer "@t"
//   segment  with settings.segments: who sent it, flags, marks: "o S", "r . zero_window"
//   others   "ambiguity overlap", "stream o 0 hello", "alert syn_scan"
const char *watch_kit_flush(struct watch_kit *k);
const char *watch_kit_pull(struct watch_kit *k);
void watch_kit_free(struct watch_kit *k);

// The next frame of these ports and flags goes in as it is.
void watch_kit_frame(struct watch_kit *k, unsigned from, uint16_t flags, uint32_t seq, uint32_t ack,
                     uint16_t window, const void *text, size_t text_bytes, bool bad);

#endif
