// SPDX-License-Identifier: BSD-2-Clause
// cc_hystart.c - HyStart++, RFC 9406. Its constants have the RFC's names and recommended values.
#include "tcp/cc_hystart.h"

#include "base/bytes.h"

#define MIN_RTT_THRESH_NS  UINT64_C(4000000)
#define MAX_RTT_THRESH_NS  UINT64_C(16000000)
#define MIN_RTT_DIVISOR    8u
#define N_RTT_SAMPLE       8u
#define CSS_GROWTH_DIVISOR 4u
#define CSS_ROUNDS         5u
#define L_NOT_PACED        8u // segments an ACK may add; a paced sender has no such limit

static void hystart_new_round(struct hystart *h, struct cc *cc)
{
  h->last_round_rtt_ns = h->round_rtt_ns;
  h->round_rtt_ns = h->group_rtt_ns = 0;
  h->samples = 0;
  if (h->css && ++h->css_rounds >= CSS_ROUNDS) cc->ssthresh_bytes = cc->cwnd_bytes;
}

// The round trip to compare with the last round's; 0 = too few samples yet.
// DEPARTS: RFC 9406 4.2 (the least of the whole round) because what a paced sender meets in the midst of a round is no
// burst of its own: the least of the latest eight samples tells of a queue half a round trip or more sooner, when not
// as much is on its way into it.
static uint64_t hystart_judged(struct hystart *h, uint64_t rtt_ns, bool paced)
{
  if (h->samples < UINT16_MAX) h->samples++;
  if (h->round_rtt_ns == 0 || rtt_ns < h->round_rtt_ns) h->round_rtt_ns = rtt_ns;
  if (!paced) return h->samples < N_RTT_SAMPLE ? 0 : h->round_rtt_ns;
  if (h->group_rtt_ns == 0 || rtt_ns < h->group_rtt_ns) h->group_rtt_ns = rtt_ns;
  if (h->samples % N_RTT_SAMPLE) return 0;
  uint64_t judged_ns = h->group_rtt_ns;
  h->group_rtt_ns = 0;
  return judged_ns;
}

static void hystart_sample(struct hystart *h, uint64_t rtt_ns, bool paced)
{
  uint64_t judged_ns = hystart_judged(h, rtt_ns, paced);
  if (judged_ns == 0 || h->last_round_rtt_ns == 0) return;
  if (h->css) {
    if (judged_ns >= h->css_baseline_ns) return;
    h->css = false; // the round trips grew by chance: back to slow start
    h->css_rounds = 0;
    return;
  }
  uint64_t thresh_ns = u64_max(MIN_RTT_THRESH_NS,
                               u64_min(h->last_round_rtt_ns / MIN_RTT_DIVISOR, MAX_RTT_THRESH_NS));
  if (judged_ns < h->last_round_rtt_ns + thresh_ns) return;
  h->css_baseline_ns = judged_ns;
  h->css = true;
  h->css_rounds = 0;
}

uint32_t hystart_on_ack(struct hystart *h, struct cc *cc, const struct cc_ack *a, bool paced)
{
  if (a->round_start) hystart_new_round(h, cc);
  if (a->rtt_ns > 0) hystart_sample(h, a->rtt_ns, paced);
  uint32_t grow = a->acked_bytes;
  if (!paced) grow = u32_min(grow, L_NOT_PACED * cc->mss_bytes);
  return h->css ? grow / CSS_GROWTH_DIVISOR : grow;
}
