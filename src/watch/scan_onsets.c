// SPDX-License-Identifier: BSD-2-Clause
// scan_onsets.c - victims in the first second of what may become a flood.
#include "base/bytes.h"
#include "base/tuple.h"
#include "watch/scan_onsets.h"

#define ONSETS_LEAST  256u
#define ONSETS_STEP   4u // times as many
#define ONSETS_CHAINS 4u // to a place: mostly nobody is in a stranger's
#define ONSETS_NS     UINT64_C(1000000000)

void scan_onsets_init(struct scan_onsets *s, struct mem *mem, const struct pairs_key *key,
                      uint32_t max)
{
  *s = (struct scan_onsets){.mem = mem, .key = key, .max = max};
}

void scan_onsets_destroy(struct scan_onsets *s)
{
  if (!s->mem) return;
  mem_free(s->mem, s->ring, s->room * sizeof *s->ring, ESTAB_MEM_WATCH);
  mem_free(s->mem, s->heads, s->room * ONSETS_CHAINS * sizeof *s->heads, ESTAB_MEM_WATCH);
  scan_onsets_init(s, s->mem, s->key, s->max);
}

static struct scan_onset *onset_at(const struct scan_onsets *s, uint32_t number)
{
  return &s->ring[number & (s->room - 1)];
}

// The chain of a victim. Neighbours, as scanners go through them, have theirs in one cache line.
static uint32_t *onset_head(const struct scan_onsets *s, const struct estab_ip *ip, uint16_t port,
                            uint8_t kind)
{
  const struct pairs_key *const key = s->key;
  const uint32_t host = get_be32(ip->bytes + 12);
  uint64_t sum =
      pairs_add(key->words[PAIRS_WORDS], key, 4, get_be32(ip->bytes), get_be32(ip->bytes + 4));
  sum = pairs_add(sum, key, 6, get_be32(ip->bytes + 8), host & ~UINT32_C(3));
  sum = pairs_add(sum, key, 8, port & ~UINT32_C(3), kind);
  const uint32_t hash = (uint32_t)(sum >> 32), neighbour = (host & 3) << 2 | (port & 3);
  return &s->heads[(hash ^ neighbour) & (s->room * ONSETS_CHAINS - 1)];
}

static struct scan_onset *onset_in(const struct scan_onsets *s, uint32_t number,
                                   const struct estab_ip *ip, uint16_t port, uint8_t kind,
                                   uint64_t now_ns)
{
  // Numbers in a chain fall; what is further back than there is room was overwritten.
  for (uint32_t back, last = 0; (back = s->next - number) > last && back <= s->room; last = back) {
    struct scan_onset *const it = onset_at(s, number);
    if (it->port == port && it->kind == kind && ip_equal(&it->ip, ip))
      return now_ns - it->ts_ns < ONSETS_NS ? it : NULL;
    number = it->before;
  }
  return NULL;
}

struct scan_onset *scan_onsets_find(const struct scan_onsets *s, const struct estab_ip *ip,
                                    uint16_t port, uint8_t kind, uint64_t now_ns)
{
  if (s->room == 0 || now_ns - s->newest_ns >= ONSETS_NS) return NULL; // a quiet day
  return onset_in(s, *onset_head(s, ip, port, kind), ip, port, kind, now_ns);
}

// Gives the last place of the ring, and the first of its chain.
static void onset_enter(struct scan_onsets *s, uint32_t *head)
{
  onset_at(s, s->next)->before = *head;
  *head = s->next++;
  if (s->held < s->room) s->held++;
}

static bool onsets_grow(struct scan_onsets *s)
{
  struct scan_onsets more = *s;
  more.room = s->room ? s->room * ONSETS_STEP : ONSETS_LEAST;
  if (more.room > s->max) more.room = s->max;
  more.ring = mem_new_raw(s->mem, more.room * sizeof *more.ring, ESTAB_MEM_WATCH);
  more.heads = mem_new(s->mem, more.room * ONSETS_CHAINS * sizeof *more.heads, ESTAB_MEM_WATCH);
  if (!more.ring || !more.heads) {
    scan_onsets_destroy(&more);
    return false;
  }
  more.held = 0;
  more.next = more.room + 1; // number 0 was overwritten long ago
  for (uint32_t n = s->held; n > 0; n--) {
    const struct scan_onset *const one = onset_at(s, s->next - n);
    *onset_at(&more, more.next) = *one;
    onset_enter(&more, onset_head(&more, &one->ip, one->port, one->kind));
  }
  scan_onsets_destroy(s);
  *s = more;
  return true;
}

// A place for one more. false: no memory for any.
static bool onsets_room(struct scan_onsets *s, uint64_t now_ns)
{
  while (s->held == s->room) {
    struct scan_onset *const oldest = s->room ? onset_at(s, s->next) : NULL;
    const bool young = oldest && now_ns - oldest->ts_ns < ONSETS_NS;
    if ((!oldest || (young && s->room < s->max)) && onsets_grow(s)) return true;
    if (!young || !oldest->touched || oldest->kind == ESTAB_WATCH_KINDS) return oldest != NULL;
    oldest->touched = false;
    onset_enter(s, onset_head(s, &oldest->ip, oldest->port, oldest->kind));
  }
  return true;
}

struct scan_onset *scan_onsets_get(struct scan_onsets *s, const struct estab_ip *ip, uint16_t port,
                                   uint8_t kind, uint64_t now_ns, uint64_t packet)
{
  const uint32_t room = s->room;
  uint32_t *head = room ? onset_head(s, ip, port, kind) : NULL;
  struct scan_onset *it = head ? onset_in(s, *head, ip, port, kind, now_ns) : NULL;
  if (it) {
    it->touched = true;
    return it;
  }
  if (s->held == room && !onsets_room(s, now_ns)) return NULL;
  if (s->room != room) head = onset_head(s, ip, port, kind);
  s->newest_ns = now_ns;
  it = onset_at(s, s->next);
  onset_enter(s, head);
  it->ip = *ip;
  it->ts_ns = now_ns;
  it->packet = packet;
  it->weight = it->count = it->completed = 0;
  it->port = port;
  it->kind = kind;
  it->touched = false;
  return it;
}
