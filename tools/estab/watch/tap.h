// SPDX-License-Identifier: BSD-2-Clause
// tap.h - interfaces to capture from, by libpcap: the packets of all of them in the order of their times.
//
// libpcap maps the kernel's ring (TPACKET_V3), puts back the VLAN tags that the kernel took out, and runs the filter
// in the kernel. A block of the ring is handed over when it is full or TAP_RETIRE_NS old: what came TAP_SETTLE_NS
// before has been seen when the ring is empty.
#ifndef ESTAB_TOOL_WATCH_TAP_H
#define ESTAB_TOOL_WATCH_TAP_H

#include "estab/capture.h"

#define TAP_MAX       16
#define TAP_RETIRE_NS UINT64_C(50000000)
#define TAP_SETTLE_NS (3 * TAP_RETIRE_NS) // what came so long ago has been handed over

struct tap_settings {
  const char *const *names; // "eth0", "any"
  unsigned count;
  uint64_t snap_bytes;   // of a packet, at most
  uint64_t buffer_bytes; // of the kernel's ring, for each interface
  bool promiscuous;
  const char *filter; // pcap-filter(7); NULL = everything
};

struct tap_error {
  char text[256]; // one line
  char remedy[256];
  bool usage;        // the command line makes no sense
  const char *where; // the interface
};

struct tap_source {
  struct pcap *pcap;
  const char *name;
  uint32_t linktype; // LINKTYPE_*
  bool pending;      // `packet` waits for its turn
  struct estab_capture_packet packet;
  uint64_t empty_ns;                            // the ring was empty then
  uint32_t raw_lost, raw_dropped, raw_received; // as libpcap counts, modulo 2^32
  uint64_t lost;                                // packets for which the ring had no room
  uint64_t dropped;                             // by the interface
  uint64_t received;                            // by the interface, filter passed
};

struct tap {
  struct tap_source sources[TAP_MAX];
  unsigned count;
};

// 0, or -1 and *error. Interfaces are numbered in the order given.
int tap_open(struct tap *t, const struct tap_settings *settings, struct tap_error *error);
void tap_close(struct tap *t);

// 1 and the packet whose turn it is; 0: none may be given out now; -1 and *error: an interface is gone.
int tap_next(struct tap *t, uint64_t now_ns, struct estab_capture_packet *packet,
             struct tap_error *error);
// All packets before this time were given out.
uint64_t tap_complete_ns(const struct tap *t);
// Asks the kernel. Answers how many packets source i lost since the last time.
uint64_t tap_lost(struct tap *t, unsigned i);
// Until something comes, at most so long.
void tap_wait(const struct tap *t, int milliseconds);

uint64_t tap_now_ns(void); // since 1970, the clock of packets

#endif
