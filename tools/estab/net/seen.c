// SPDX-License-Identifier: BSD-2-Clause
// seen.c - which octets of a sequence space have come by.
#include "seen.h"

#include <stdlib.h>
#include <string.h>

static bool before(uint32_t a, uint32_t b)
{
  return (int32_t)(a - b) < 0;
}

void seen_start(struct seen *seen, uint32_t first)
{
  seen->known = true;
  seen->next = first;
  seen->count = 0;
}

void seen_end(struct seen *seen)
{
  free(seen->ranges);
  *seen = (struct seen){0};
}

static void seen_remove(struct seen *seen, unsigned from, unsigned n)
{
  memmove(seen->ranges + from, seen->ranges + from + n,
          (seen->count - from - n) * sizeof *seen->ranges);
  seen->count -= n;
}

// Ranges that begin at or before `next` move it on.
static void seen_close(struct seen *seen)
{
  unsigned n = 0;
  while (n < seen->count && !before(seen->next, seen->ranges[n].first)) {
    if (before(seen->next, seen->ranges[n].end)) seen->next = seen->ranges[n].end;
    n++;
  }
  if (n > 0) seen_remove(seen, 0, n);
}

bool seen_add(struct seen *seen, uint32_t seq, uint32_t count)
{
  uint32_t end = seq + count;
  if (!seen->known) seen_start(seen, seq);
  if (!before(seen->next, end)) return true;
  if (!before(seen->next, seq)) {
    seen->next = end;
    seen_close(seen);
    return false;
  }
  // From the end: most of what comes is new.
  unsigned at = seen->count;
  while (at > 0 && before(seq, seen->ranges[at - 1].first))
    at--;
  if (at > 0 && !before(seen->ranges[at - 1].end, end)) return true;
  if (at > 0 && !before(seen->ranges[at - 1].end, seq)) {
    at--;
    seen->ranges[at].end = end;
  } else {
    if (seen->ranges == NULL) {
      seen->ranges = malloc(SEEN_RANGES * sizeof *seen->ranges);
      if (seen->ranges == NULL) abort();
    }
    if (seen->count == SEEN_RANGES) {
      seen->next = seen->ranges[0].end;
      seen_close(seen);
      return seen_add(seen, seq, count);
    }
    memmove(seen->ranges + at + 1, seen->ranges + at, (seen->count - at) * sizeof *seen->ranges);
    seen->ranges[at] = (struct seen_range){seq, end};
    seen->count++;
  }
  unsigned swallowed = 0;
  while (at + 1 + swallowed < seen->count && !before(end, seen->ranges[at + 1 + swallowed].first)) {
    if (before(seen->ranges[at].end, seen->ranges[at + 1 + swallowed].end))
      seen->ranges[at].end = seen->ranges[at + 1 + swallowed].end;
    swallowed++;
  }
  if (swallowed > 0) seen_remove(seen, at + 1, swallowed);
  return false;
}
