// SPDX-License-Identifier: BSD-2-Clause
// ladder_words.h - what a flag did, in one line each.
#ifndef ESTAB_TOOL_LADDER_WORDS_H
#define ESTAB_TOOL_LADDER_WORDS_H

#include "ladder_half.h"

// What was explained before is not explained again.
struct ladder_words {
  bool data, window_zero, handshake, again;
};

// What this segment newly says to side `to`, as that is after it; `before`: the states of its sender and of that side.
// NULL = nothing to explain.
const char *ladder_says(struct ladder_words *w, const struct ladder_segment *s, bool again,
                        const struct half *to, const enum estab_state before[2]);

#endif
