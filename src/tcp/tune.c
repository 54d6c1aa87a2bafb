// SPDX-License-Identifier: BSD-2-Clause
// tune.c - both buffers grow with what flows; what was promised is never taken back, what the user has set stays.
#include "base/bytes.h"
#include "tcp/tcb.h"

#define TUNE_RTT_UNKNOWN_NS UINT64_C(100000000)
#define TUNE_RTT_STRETCH    8  // most by which a timestamp's round trip exceeds a measured one
#define TUNE_SPARE_SEGMENTS 16 // so that small flows have room for a burst

// How long a round trip of the peer's text takes. Who only receives has measured none since the handshake; a timestamp
// that comes back with the text tells, though a pause of the peer's user looks like a long way.
static uint64_t tune_round_trip(const struct tcb *t, const struct seg *g, uint64_t now_ns)
{
  uint64_t rtt_ns = t->rtt.srtt_ns ? t->rtt.srtt_ns : TUNE_RTT_UNKNOWN_NS;
  if (!(t->flags & SEG_TS) || !(g->options->present & ESTAB_TCP_OPT_TS) || !g->options->ts_echo)
    return rtt_ns;
  uint64_t echo_ns = (uint64_t)(tcp_ts_now(t->ts_offset, now_ns) - g->options->ts_echo) * 1000000u;
  return u64_max(rtt_ns, u64_min(echo_ns, TUNE_RTT_STRETCH * rtt_ns));
}

// Dynamic right-sizing (Fisk and Feng 2001): what the user reads within a round trip is what flows, so twice as much
// never holds the peer back. While it still grows the peer is in slow start, and next time sends twice as much again.
void tune_recv_buffer(const struct tcp *c, struct tcb *t, const struct seg *g, uint64_t now_ns)
{
  const uint32_t most = c->settings->recv_buffer_max_bytes;
  const uint64_t flows = t->rcv_read - t->tune_seq, have = t->recv_buffer_bytes;
  uint64_t want = 2 * flows + TUNE_SPARE_SEGMENTS * t->rcv_mss;
  if (want > have && have < most && !(t->bits & TCB_RECV_FIXED))
    t->recv_buffer_bytes = (uint32_t)u64_min(want + 2 * (want - have), most);
  t->tune_seq = t->rcv_read;
  t->tune_at = (uint32_t)((now_ns + tune_round_trip(t, g, now_ns)) >> TUNE_SHIFT) + 1;
}

// The user waits for room: twice the congestion window, so that there is always something to fill it with.
void tune_send_buffer(const struct tcp *c, struct tcb *t)
{
  uint64_t want = u64_min(2 * (uint64_t)t->cc.cwnd_bytes, c->settings->send_buffer_max_bytes);
  if (!(t->bits & TCB_SEND_FIXED) && want > t->send_buffer_bytes)
    t->send_buffer_bytes = (uint32_t)want;
}
