// SPDX-License-Identifier: BSD-2-Clause
// stream.h - the octets of both sides in order, for those who ask for them; overlaps with other octets are noticed.
#ifndef ESTAB_WATCH_STREAM_H
#define ESTAB_WATCH_STREAM_H

#include "watch/track.h"

void stream_free(struct track *t, struct flow *f);

#endif
