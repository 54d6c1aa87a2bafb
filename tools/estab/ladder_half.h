// SPDX-License-Identifier: BSD-2-Clause
// ladder_half.h - what a ladder knows of one side, and how an unseen side's state follows from segments.
#ifndef ESTAB_TOOL_LADDER_HALF_H
#define ESTAB_TOOL_LADDER_HALF_H

#include "ladder.h"

struct half {
  bool live;
  enum estab_state state;
  enum estab_state states[LADDER_STATES_MAX]; // passed through, the present one last
  unsigned state_count;
  uint64_t entered_ns; // the present state
  bool sent;           // anything at all: isn, snd_max mean something
  uint32_t isn;        // what relative sequence number 0 stands for
  uint32_t snd_max;    // one past the highest octet it ever sent, SYN and FIN counted
  bool syn_ack_sent;
  bool fin_sent;
  uint32_t fin_end; // one past its FIN
  bool acked_any;
  uint32_t acked; // highest acknowledgment that it sent
};

void half_init(struct half *h, bool live, enum estab_state at);
// Sets the state and remembers it; false if it is the present one.
bool half_enter(struct half *h, enum estab_state to, uint64_t now_ns);
// The side sends; answers true if octets go that went before. Live or not.
bool half_sends(struct half *h, const struct ladder_segment *s, uint64_t now_ns);
// A segment reaches the side: what it makes of it if it is not live.
void half_gets(struct half *h, const struct ladder_segment *s, uint64_t now_ns);

#endif
