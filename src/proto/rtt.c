// SPDX-License-Identifier: BSD-2-Clause
// rtt.c - RFC 6298, in integer nanoseconds.
#include "proto/rtt.h"

void rtt_init(struct rtt *r, uint64_t rto_initial_ns)
{
  *r = (struct rtt){.rto_ns = rto_initial_ns};
}

uint64_t rtt_backed_off_by(const struct rtt *r, unsigned count, uint64_t rto_max_ns)
{
  uint64_t ns = r->rto_ns;
  while (count-- > 0 && ns < rto_max_ns)
    ns *= 2;
  return ns < rto_max_ns ? ns : rto_max_ns;
}
