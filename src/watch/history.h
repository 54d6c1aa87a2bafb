// SPDX-License-Identifier: BSD-2-Clause
// history.h - the letters of a connection's history: upper case from the originator, lower case from the responder.
#ifndef ESTAB_WATCH_HISTORY_H
#define ESTAB_WATCH_HISTORY_H

#include "watch/track.h"

// A letter as it stands.
WATCH_RARE void history_put_more(struct track *t, struct flow *f, char letter);
static inline void history_put(struct track *t, struct flow *f, char letter)
{
  if (f->history_count < FLOW_HISTORY)
    f->history[f->history_count++] = letter;
  else
    history_put_more(t, f, letter);
}

// `letter` in upper case. Beyond FLOW_HISTORY + FLOW_MORE_HISTORY letters nothing is added.
static inline void history_add(struct track *t, struct flow *f, unsigned end, char letter)
{
  bool is_orig = flow_orig((struct flow_head *)f) == end;
  history_put(t, f, is_orig ? letter : (char)(letter + ('a' - 'A')));
}
// "^", as it stands: letters before it keep their case.
WATCH_RARE void history_flip(struct track *t, struct flow *f);
// A letter at the 1st, 10th, 100th ... time. `tens` counts the letters written.
WATCH_RARE void history_tens(struct track *t, struct flow *f, unsigned end, char letter,
                             uint32_t *count, uint8_t *tens);
char history_at(struct track *t, struct flow *f, unsigned index);

#endif
