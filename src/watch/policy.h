// SPDX-License-Identifier: BSD-2-Clause
// policy.h - which octets a receiver keeps where two segments overlap that wait above a hole.
#ifndef ESTAB_WATCH_POLICY_H
#define ESTAB_WATCH_POLICY_H

#include "estab/watch.h"
#include "proto/seq.h"

// Whether the later segment [seq, end) wins over the earlier one [old, old_end) where they overlap. What was in order
// and so delivered stays under every policy.
static inline bool policy_new_wins(enum estab_watch_policy policy, uint32_t old, uint32_t old_end,
                                   uint32_t seq, uint32_t end)
{
  switch (policy) {
  case ESTAB_WATCH_FIRST: return false;
  case ESTAB_WATCH_LAST: return true;
  case ESTAB_WATCH_BSD: return seq_lt(seq, old);
  case ESTAB_WATCH_LINUX: return seq_lt(seq, old) || (seq == old && seq_gt(end, old_end));
  case ESTAB_WATCH_WINDOWS: return seq_lt(seq, old) && seq_gt(end, old_end);
  }
  return false;
}

#endif
