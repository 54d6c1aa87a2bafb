// SPDX-License-Identifier: BSD-2-Clause
// rtt.h - round-trip estimate and retransmission timeout, RFC 6298.
#ifndef ESTAB_PROTO_RTT_H
#define ESTAB_PROTO_RTT_H

#include <stdbool.h>
#include <stdint.h>

struct rtt {
  uint64_t srtt_ns;   // smoothed round trip, 0 = no sample yet
  uint64_t rttvar_ns; // its variation
  uint64_t min_ns;    // smallest sample, 0 = none
  uint64_t rto_ns;    // retransmission timeout without backoff
};

// RFC 6298 2.1.
void rtt_init(struct rtt *r, uint64_t rto_initial_ns);

// RFC 6298 2.2 to 2.5 with clock granularity granularity_ns.
void rtt_sample(struct rtt *r, uint64_t sample_ns, uint64_t granularity_ns, uint64_t rto_min_ns,
                uint64_t rto_max_ns);

// RFC 6298 5.5: the timeout after count doublings, at most rto_max_ns.
uint64_t rtt_backed_off(const struct rtt *r, unsigned count, uint64_t rto_max_ns);

#endif
