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
static inline void rtt_sample(struct rtt *r, uint64_t sample_ns, uint64_t granularity_ns,
                              uint64_t rto_min_ns, uint64_t rto_max_ns)
{
  if (sample_ns == 0) sample_ns = 1;
  uint64_t srtt_ns = r->srtt_ns, rttvar_ns = r->rttvar_ns;
  if (srtt_ns == 0) { // RFC 6298 2.2
    srtt_ns = sample_ns;
    rttvar_ns = sample_ns / 2;
  } else { // RFC 6298 2.3: beta = 1/4, alpha = 1/8, RTTVAR first
    uint64_t error_ns = srtt_ns > sample_ns ? srtt_ns - sample_ns : sample_ns - srtt_ns;
    rttvar_ns = rttvar_ns - rttvar_ns / 4 + error_ns / 4;
    srtt_ns = srtt_ns - srtt_ns / 8 + sample_ns / 8;
  }
  r->srtt_ns = srtt_ns;
  r->rttvar_ns = rttvar_ns;
  if (r->min_ns == 0 || sample_ns < r->min_ns) r->min_ns = sample_ns;
  uint64_t spread_ns = 4 * rttvar_ns;
  if (spread_ns < granularity_ns) spread_ns = granularity_ns;
  uint64_t rto_ns = srtt_ns + spread_ns;
  if (rto_ns < rto_min_ns) rto_ns = rto_min_ns; // RFC 6298 2.4
  if (rto_ns > rto_max_ns) rto_ns = rto_max_ns; // RFC 6298 2.5
  r->rto_ns = rto_ns;
}

// RFC 6298 5.5: the timeout after count doublings, at most rto_max_ns.
static inline uint64_t rtt_backed_off(const struct rtt *r, unsigned count, uint64_t rto_max_ns)
{
  uint64_t ns = r->rto_ns;
  for (; count > 0 && ns < rto_max_ns; count--)
    ns *= 2;
  return ns < rto_max_ns ? ns : rto_max_ns;
}

#endif
