// SPDX-License-Identifier: BSD-2-Clause
// pace.c - pacing: how much may leave now, and when the rest may.
#include "tcp/pace.h"

#include "base/bytes.h"

#define SECOND_NS UINT64_C(1000000000)
#define RATE_MOST (UINT64_C(1) << 40) // bytes a second: what is faster is not slowed down by this

static uint64_t pace_time(uint64_t bytes, uint64_t rate)
{
  return (bytes * SECOND_NS + rate - 1) / rate;
}

uint32_t pace_credit(uint64_t rate_bytes_per_s, uint32_t mss_bytes)
{
  return (uint32_t)u64_max(u64_min(rate_bytes_per_s, RATE_MOST) / 1000, 2 * (uint64_t)mss_bytes);
}

uint32_t pace_allows(struct pace *p, uint64_t rate_bytes_per_s, uint32_t want_bytes,
                     uint32_t ready_bytes, uint32_t mss_bytes, bool grouped, uint64_t now_ns)
{
  p->depart_ns = u64_max(p->full_ns, now_ns);
  if (p->full_ns <= now_ns && want_bytes <= 2 * mss_bytes) return want_bytes;
  uint64_t rate = u64_min(rate_bytes_per_s, RATE_MOST);
  uint32_t credit = pace_credit(rate, mss_bytes);
  uint32_t group = u32_min(ready_bytes, u32_max(credit / 2, mss_bytes));
  uint64_t empty_ns = p->full_ns > now_ns ? p->full_ns - now_ns : 0; // to be filled, as time
  uint64_t credit_ns = pace_time(credit, rate);
  uint32_t have = 0;
  if (empty_ns < credit_ns)
    have = (uint32_t)u64_min((credit_ns - empty_ns) * rate / SECOND_NS, credit);
  if (have < (grouped ? u32_min(group, want_bytes) : u32_min(want_bytes, mss_bytes))) {
    p->wake_ns = p->full_ns + pace_time(group, rate) - credit_ns;
    if (p->wake_ns <= now_ns) p->wake_ns = now_ns + 1; // rounding
    return 0;
  }
  if (have >= want_bytes) return want_bytes;
  return have - have % mss_bytes;
}

void pace_sent(struct pace *p, uint64_t rate_bytes_per_s, uint32_t bytes, uint64_t now_ns)
{
  p->full_ns = u64_max(p->full_ns, now_ns) + pace_time(bytes, u64_min(rate_bytes_per_s, RATE_MOST));
}
