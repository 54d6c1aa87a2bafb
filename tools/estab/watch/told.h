// SPDX-License-Identifier: BSD-2-Clause
// told.h - what was told of rows and alerts that will be told again, by their ids: live, Zeek's logs and the table take
// the first word.
//
// What Zeek has on a connection is fixed when its row is first told; what comes later is the end of TIME-WAIT. So
// there are never more of them than the observer keeps connections.
#ifndef ESTAB_TOOL_WATCH_TOLD_H
#define ESTAB_TOOL_WATCH_TOLD_H

#include "estab/watch.h"

struct told_slot {
  struct estab_watch_uid uid;
  uint32_t what; // a bit for each that was told, 0 = free
};

struct told {
  struct told_slot *slots;
  size_t room, count; // room: a power of 2, at least half of it free
  uint64_t seed;
};

// Remembers `what` of it, 0 to 31. false: that is known already, or there is no memory: it is to be told when it comes
// for the last time.
bool told_first(struct told *t, const struct estab_watch_uid *uid, unsigned what);
// Its last time: whether anything was remembered. Forgets all of it.
bool told_last(struct told *t, const struct estab_watch_uid *uid);
void told_free(struct told *t);

#endif
