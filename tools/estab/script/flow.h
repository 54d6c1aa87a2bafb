// SPDX-License-Identifier: BSD-2-Clause
// flow.h - one connection of a script: how its numbers map to the live ones.
#ifndef ESTAB_SCRIPT_FLOW_H
#define ESTAB_SCRIPT_FLOW_H

#include "estab/estab.h"

// Live number = script's number + offset, modulo 2^32. The far side's live initial sequence number
// is ours to choose: 1024 under the wrap, so that every script crosses it. The near side's is what
// the stack sends in its first SYN. Before that, numbers of the near side map to themselves.
#define FLOW_REMOTE_OFFSET 0xfffffc00u
#define FLOW_TS_OFFSET     0xfffff000u
#define FLOW_TS_PAIRS      64

struct flow {
  bool used;
  struct estab_tuple tuple; // as the host under test sees it
  uint32_t remote_offset, local_offset;
  bool local_known; // a SYN of the host's was seen
  bool renewed;     // the far side began anew: the host's next SYN sets local_offset again
  uint32_t script_irs, script_iss; // where the streams begin, less 1
  bool irs_known;
  bool counts_from_syn; // see flow_remote()
  uint32_t live_iss;
  unsigned ts_pairs;
  struct {
    uint32_t script, live;
  } ts[FLOW_TS_PAIRS]; // TSvals of the host
  uint32_t
      marked_bytes[3]; // the host's counters of Accurate ECN: e0b, ceb, e1b, as it told them last
};

static inline void flow_start(struct flow *flow, const struct estab_tuple *tuple,
                              bool counts_from_syn)
{
  *flow = (struct flow){.used = true,
                        .tuple = *tuple,
                        .remote_offset = FLOW_REMOTE_OFFSET,
                        .counts_from_syn = counts_from_syn,
                        .marked_bytes = {1, 0, 1}};
}

// RFC 9768 3.2.1
static inline void flow_reset_counters(struct flow *flow)
{
  flow->marked_bytes[0] = flow->marked_bytes[2] = 1;
  flow->marked_bytes[1] = 0;
}

// A SYN of the host left with this sequence number where the script says script_seq.
static inline void flow_synchronize(struct flow *flow, uint32_t live_seq, uint32_t script_seq)
{
  flow->local_offset = live_seq - script_seq;
  flow->script_iss = script_seq;
  flow->live_iss = live_seq;
  flow_reset_counters(flow);
  flow->local_known = true;
  flow->renewed = false;
}

// From a script's numbers to the live ones. In Linux's scripts the numbers of SYNs stand as they are, all others count
// from the SYN; a script whose streams begin with 0 sees no difference.
static inline uint32_t flow_remote(const struct flow *flow, bool syn)
{
  return flow->remote_offset + (syn || !flow->counts_from_syn ? 0 : flow->script_irs);
}

static inline uint32_t flow_local(const struct flow *flow, bool syn)
{
  return flow->local_offset + (syn || !flow->counts_from_syn ? 0 : flow->script_iss);
}

static inline void flow_note_ts(struct flow *flow, uint32_t script, uint32_t live)
{
  unsigned at = flow->ts_pairs++ % FLOW_TS_PAIRS;
  flow->ts[at].script = script;
  flow->ts[at].live = live;
}

// What the far side echoes when the script says so.
static inline uint32_t flow_ts_live(const struct flow *flow, uint32_t script)
{
  unsigned known = flow->ts_pairs < FLOW_TS_PAIRS ? flow->ts_pairs : FLOW_TS_PAIRS;
  for (unsigned i = known; i-- > 0;)
    if (flow->ts[i].script == script) return flow->ts[i].live;
  if (known == 0) return script;
  return flow->ts[0].live + (script - flow->ts[0].script);
}

// Octet number n of a stream, from 0, the same in every run: direction 0 towards the host, 1 from it.
static inline uint8_t flow_octet(unsigned direction, uint32_t n)
{
  uint32_t x = (n + 1) * 2654435761u + direction * 40503u;
  return (uint8_t)(x >> 24 ^ x >> 11);
}

#endif
