// SPDX-License-Identifier: BSD-2-Clause
// pace_out.h - what pacing lets output.c send of a connection, and what it is told has left.
#ifndef ESTAB_TCP_PACE_OUT_H
#define ESTAB_TCP_PACE_OUT_H

#include "tcp/tcb.h"

// Both want a work block that is paced. What new text has left since pacing was asked is counted now.
void pace_out_settle(struct tcb *t);

// The part of the usable window that may leave now. Probes do not wait, nor does a FIN alone.
uint32_t pace_out_window(struct tcb *t, uint32_t usable, uint64_t now_ns) TCP_APART;

// Any connection. May n octets at seq leave again now? The first that is missing does at once: all else waits for it.
bool pace_out_again(struct tcb *t, uint32_t seq, uint32_t n, uint64_t now_ns);
// So many leave again.
void pace_out_count(struct tcb *t, uint32_t bytes, uint64_t now_ns);

#endif
