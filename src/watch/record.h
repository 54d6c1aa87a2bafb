// SPDX-License-Identifier: BSD-2-Clause
// record.h - from what is kept of a connection to the row that is given out.
#ifndef ESTAB_WATCH_RECORD_H
#define ESTAB_WATCH_RECORD_H

#include "watch/track.h"

// The name of the row, or life, of these two ends that began at ts_ns.
void record_uid(const struct track *t, const struct flow_head *f, uint64_t ts_ns, uint64_t apart,
                struct estab_watch_uid *out);
void record_life_uid(const struct track *t, const struct flow *f, struct estab_watch_uid *out);

// The row as it stands. Its pointers point into t.
void record_conn(struct track *t, struct flow *f, struct estab_watch_conn *out);

#endif
