// SPDX-License-Identifier: BSD-2-Clause
// history.c - the letters of a connection's history.
#include "watch/history.h"

void history_put_more(struct track *t, struct flow *f, char letter)
{
  struct flow_trouble *r = track_trouble(t, f);
  unsigned at = f->history_count - FLOW_HISTORY;
  if (!r || at >= FLOW_MORE_HISTORY) return;
  r->history[at] = letter;
  f->history_count++;
}

void history_flip(struct track *t, struct flow *f)
{
  history_put(t, f, '^');
}

void history_tens(struct track *t, struct flow *f, unsigned end, char letter, uint32_t *count,
                  uint8_t *tens)
{
  uint32_t threshold = 1;
  for (unsigned i = 0; i < *tens; i++)
    threshold *= 10;
  if (*count < UINT32_MAX) ++*count;
  if (*count != threshold) return;
  history_add(t, f, end, letter);
  if (*tens < 9) ++*tens;
}

char history_at(struct track *t, struct flow *f, unsigned index)
{
  if (index < FLOW_HISTORY) return f->history[index];
  struct flow_trouble *r = track_has_trouble(t, f);
  return r ? r->history[index - FLOW_HISTORY] : '?';
}
