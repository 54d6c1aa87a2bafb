// SPDX-License-Identifier: BSD-2-Clause
// oracle.h - an observer at each host of the simulator must say of the connection what the host itself says.
#ifndef ESTAB_SIM_ORACLE_H
#define ESTAB_SIM_ORACLE_H

#include "estab/estab.h"
#include "estab/watch.h"

#define ORACLE_STATES 64

struct sim;

struct oracle_side {
  estab_watch *w;
  uint8_t states[ORACLE_STATES]; // what the host went through
  unsigned state_count;
  struct estab_ip ip;   // of the host
  uint64_t streamed[2]; // octets that the observer gave out: [0] the host's own, [1] the other's
  bool stream_wrong;    // other octets than were written
  bool compared;        // its first row has been looked at
  uint64_t heard_ns;    // when a packet last came to it
  bool silent_end;      // it went to CLOSED when none came
  bool syn_sent;
  uint32_t iss, sent; // octets of text that the host put on the wire
};

struct oracle {
  struct oracle_side sides[2];
  unsigned compared;   // connections, one a host
  unsigned silent;     // of which ended in a way that no packet shows
  unsigned more_lives; // rows after the first: segments that came too late for it
};

// 0, or an enum estab_error.
int oracle_start(struct oracle *o, struct sim *sim);
void oracle_packet(struct oracle *o, struct sim *sim, unsigned side, const uint8_t *bytes,
                   size_t count);
// The same, of one that came to the host.
void oracle_heard(struct oracle *o, struct sim *sim, unsigned side, const uint8_t *bytes,
                  size_t count);
void oracle_event(struct oracle *o, unsigned side, const struct estab_trace *event);
// All is over: compares, and tells the checker what differs.
void oracle_finish(struct oracle *o, struct sim *sim);
void oracle_end(struct oracle *o);

#endif
