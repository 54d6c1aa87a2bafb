// SPDX-License-Identifier: BSD-2-Clause
// told.h - uids of rows, and ids of alerts, that were told and will be told again: live, Zeek's logs and the table take
// the first word.
//
// What Zeek has on a connection is fixed when its row is first told; what comes later is the end of TIME-WAIT. So
// there are never more of them than the observer keeps connections.
#ifndef ESTAB_TOOL_WATCH_TOLD_H
#define ESTAB_TOOL_WATCH_TOLD_H

#include "estab/watch.h"

struct told {
  struct estab_watch_uid *slots; // all zero = free
  size_t room, count;            // room: a power of 2, at least half of it free
  uint64_t seed;
};

// Remembers it. false: it is known already, or there is no memory: it is to be told when it comes for the last time.
bool told_first(struct told *t, const struct estab_watch_uid *uid);
// Its last time: whether it was remembered. Forgets it.
bool told_last(struct told *t, const struct estab_watch_uid *uid);
void told_free(struct told *t);

#endif
