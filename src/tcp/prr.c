// SPDX-License-Identifier: BSD-2-Clause
// prr.c - Proportional Rate Reduction, RFC 9937.
#include "base/bytes.h"
#include "tcp/prr.h"

uint32_t prr_on_ack(struct prr *p, uint32_t delivered_bytes, uint32_t flight_bytes,
                    uint32_t ssthresh_bytes, uint32_t mss_bytes, bool safe)
{
  p->delivered_bytes += delivered_bytes;
  uint64_t send = 0;
  if (flight_bytes > ssthresh_bytes) { // proportional: down to ssthresh within a round trip
    uint64_t share = ((uint64_t)p->delivered_bytes * ssthresh_bytes + p->recover_fs_bytes - 1) /
                     p->recover_fs_bytes;
    send = share > p->out_bytes ? share - p->out_bytes : 0;
  } else { // losses took it below: conservation of packets, or slow start while all goes well
    uint32_t owed = p->delivered_bytes > p->out_bytes ? p->delivered_bytes - p->out_bytes : 0;
    send = u32_max(owed, delivered_bytes);
    if (safe) send += mss_bytes;
    send = u64_min(send, ssthresh_bytes - flight_bytes);
  }
  if (p->out_bytes == 0) send = u64_max(send, mss_bytes); // the fast retransmit itself
  return flight_bytes + (uint32_t)send;
}
