// SPDX-License-Identifier: BSD-2-Clause
// told.c - what was told of rows and alerts, by their ids: open addressing, what is taken out closes its gap.
#include "told.h"

#include <stdlib.h>
#include <string.h>

#define TOLD_LEAST 256

static size_t told_home(const struct told *t, const struct estab_watch_uid *uid)
{
  uint64_t a;
  uint32_t b;
  memcpy(&a, uid->bytes, sizeof a);
  memcpy(&b, uid->bytes + sizeof a, sizeof b);
  a = (a ^ t->seed) * UINT64_C(0x9e3779b97f4a7c15);
  a = (a ^ a >> 32 ^ b) * UINT64_C(0xbf58476d1ce4e5b9);
  return (size_t)(a ^ a >> 31) & (t->room - 1);
}

// Where it is, or the free slot where it would go.
static size_t told_find(const struct told *t, const struct estab_watch_uid *uid)
{
  size_t i = told_home(t, uid);
  while (t->slots[i].what != 0 && memcmp(&t->slots[i].uid, uid, sizeof *uid) != 0)
    i = (i + 1) & (t->room - 1);
  return i;
}

static bool told_grow(struct told *t)
{
  struct told grown = {
      .room = t->room ? t->room * 2 : TOLD_LEAST, .count = t->count, .seed = t->seed};
  grown.slots = calloc(grown.room, sizeof *grown.slots);
  if (grown.slots == NULL) return false;
  for (size_t i = 0; i < t->room; i++)
    if (t->slots[i].what != 0) grown.slots[told_find(&grown, &t->slots[i].uid)] = t->slots[i];
  free(t->slots);
  *t = grown;
  return true;
}

bool told_first(struct told *t, const struct estab_watch_uid *uid, unsigned what)
{
  if (2 * (t->count + 1) > t->room && !told_grow(t)) return false;
  struct told_slot *slot = &t->slots[told_find(t, uid)];
  if (slot->what >> what & 1) return false;
  t->count += slot->what == 0;
  slot->uid = *uid;
  slot->what |= 1u << what;
  return true;
}

bool told_last(struct told *t, const struct estab_watch_uid *uid)
{
  if (t->count == 0) return false;
  size_t gap = told_find(t, uid);
  if (t->slots[gap].what == 0) return false;
  t->count--;
  // What stands behind it and does not begin its search behind the gap moves into it.
  for (size_t i = gap;;) {
    i = (i + 1) & (t->room - 1);
    if (t->slots[i].what == 0) break;
    size_t home = told_home(t, &t->slots[i].uid);
    if (((i - home) & (t->room - 1)) < ((i - gap) & (t->room - 1))) continue;
    t->slots[gap] = t->slots[i];
    gap = i;
  }
  t->slots[gap].what = 0;
  return true;
}

void told_free(struct told *t)
{
  free(t->slots);
  *t = (struct told){.seed = t->seed};
}
