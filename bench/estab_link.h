// SPDX-License-Identifier: BSD-2-Clause
// estab_link.h - two estab stacks with a link in memory between them.
#ifndef ESTAB_BENCH_ESTAB_LINK_H
#define ESTAB_BENCH_ESTAB_LINK_H

#include <estab/estab.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum link_kind {
  LINK_PLAIN, // MTU 1500, each packet copied once, as a device would
  LINK_SUPER, // super-segments of 64 KiB, passed on where they lie, nobody sums
};

// The client's end is 0, the server's 1. door_bytes counts what its memory door has given out.
struct end {
  estab_stack *stack;
  size_t door_bytes;
  struct estab_ip ip4, ip6;
};

extern struct end ends[2];
extern uint64_t link_now_ns;

// Packets that have crossed, both ways; a super-segment counts as what it would be cut into.
extern uint64_t estab_link_packets;

// Makes both stacks, their interfaces and addresses. `nagle` is for bulk data. Ends the process
// with a message when anything fails, as all below.
void estab_link_open(enum link_kind kind, bool nagle, uint32_t max_time_wait);
void estab_link_close(void);

// Takes what `from` has to send, at most one batch, to the other end. True if there was anything.
bool estab_link_carry(int from);

// Loses one batch of what `from` has to send.
void estab_link_discard(int from);

// Lets the clock go on, with whatever is due.
void estab_link_advance(uint64_t ns);

// The process ends: that call has answered so.
void refused(int answer, const char *call) __attribute__((noreturn));

// Ends the process unless answer >= 0; answers it.
static inline int must(int answer, const char *call)
{
  if (answer < 0) refused(answer, call);
  return answer;
}

#endif
