// SPDX-License-Identifier: BSD-2-Clause
// rate.c - delivery-rate samples.
#include "base/bytes.h"
#include "tcp/rate.h"

bool rate_finish(struct rate *r, struct rate_sample *a, uint64_t min_rtt_ns, uint64_t now_ns)
{
  if (r->app_limited_bytes && r->delivered_bytes > r->app_limited_bytes) r->app_limited_bytes = 0;
  r->delivered_ns = now_ns;
  // Sent again less than a round trip ago: the original was what arrived. It says nothing, and ends no round trip.
  if (a->retransmitted && now_ns - a->sent_ns < min_rtt_ns) {
    a->delivered_bytes = a->prior_delivered_bytes = 0;
    a->interval_ns = 0;
    a->lost_bytes = r->lost_bytes - a->lost_bytes;
    return false;
  }
  r->first_sent_ns = a->sent_ns;
  uint64_t send_ns = a->delivered_bytes, ack_ns = now_ns - a->interval_ns;
  a->interval_ns = u64_max(send_ns, ack_ns);
  a->delivered_bytes = r->delivered_bytes - a->prior_delivered_bytes;
  a->lost_bytes = r->lost_bytes - a->lost_bytes;
  // Shorter than any round trip: of a retransmission whose original was what arrived.
  if (a->interval_ns < min_rtt_ns || a->interval_ns == 0) a->delivered_bytes = 0;
  if (a->prior_delivered_bytes < r->round_end_bytes) return false;
  r->round_end_bytes = r->delivered_bytes;
  r->round++;
  return true;
}
