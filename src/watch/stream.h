// SPDX-License-Identifier: BSD-2-Clause
// stream.h - the octets of both sides in order, for those who ask for them.
//
// Text in order is handed on where it lies in the frame. Text above a hole is kept, within the settings' bound, until
// the hole is filled, or an acknowledgment or the bound says that the capture will never have it. What contradicts
// kept text is judged by the settings' policy (policy.h).
#ifndef ESTAB_WATCH_STREAM_H
#define ESTAB_WATCH_STREAM_H

#include "watch/track.h"

// Before the machines see the segment; text as captured. `settings.streams` only.
WATCH_RARE void stream_segment(struct track *t, struct flow *f, const struct segment *g,
                               const uint8_t *text);
// The same for a life's first segment, which the machines have seen already.
WATCH_RARE void stream_first(struct track *t, struct flow *f, const struct segment *g,
                             const uint8_t *text);
// The next piece that the last segment made ready.
WATCH_RARE bool stream_next(struct track *t, struct estab_watch_stream *out);
void stream_free(struct track *t, struct flow *f);

#endif
