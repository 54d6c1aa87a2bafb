// SPDX-License-Identifier: BSD-2-Clause
// rtt.c - RFC 6298, in integer nanoseconds.
#include "proto/rtt.h"

void rtt_init(struct rtt *r, uint64_t rto_initial_ns)
{
  *r = (struct rtt){.rto_ns = rto_initial_ns};
}
