// SPDX-License-Identifier: BSD-2-Clause
// told.c - uids of rows that were told: open addressing, what is taken out closes its gap.
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

static bool told_is_free(const struct estab_watch_uid *slot)
{
  static const struct estab_watch_uid none;
  return memcmp(slot, &none, sizeof none) == 0;
}

// Where it is, or the free slot where it would go.
static size_t told_find(const struct told *t, const struct estab_watch_uid *uid)
{
  size_t i = told_home(t, uid);
  while (!told_is_free(&t->slots[i]) && memcmp(&t->slots[i], uid, sizeof *uid) != 0)
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
    if (!told_is_free(&t->slots[i])) grown.slots[told_find(&grown, &t->slots[i])] = t->slots[i];
  free(t->slots);
  *t = grown;
  return true;
}

bool told_first(struct told *t, const struct estab_watch_uid *uid)
{
  if (told_is_free(uid)) return false;
  if (2 * (t->count + 1) > t->room && !told_grow(t)) return false;
  struct estab_watch_uid *slot = &t->slots[told_find(t, uid)];
  if (!told_is_free(slot)) return false;
  *slot = *uid;
  t->count++;
  return true;
}

bool told_last(struct told *t, const struct estab_watch_uid *uid)
{
  if (t->count == 0 || told_is_free(uid)) return false;
  size_t gap = told_find(t, uid);
  if (told_is_free(&t->slots[gap])) return false;
  t->count--;
  // What stands behind it and does not begin its search behind the gap moves into it.
  for (size_t i = gap;;) {
    i = (i + 1) & (t->room - 1);
    if (told_is_free(&t->slots[i])) break;
    size_t home = told_home(t, &t->slots[i]);
    if (((i - home) & (t->room - 1)) < ((i - gap) & (t->room - 1))) continue;
    t->slots[gap] = t->slots[i];
    gap = i;
  }
  memset(&t->slots[gap], 0, sizeof *t->slots);
  return true;
}

void told_free(struct told *t)
{
  free(t->slots);
  *t = (struct told){.seed = t->seed};
}
