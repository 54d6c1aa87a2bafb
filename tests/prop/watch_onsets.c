// SPDX-License-Identifier: BSD-2-Clause
// watch_onsets.c - the ring of victims in their first second (src/watch/scan_onsets.h) forgets nobody before his time.
//
// Segments to few victims again and again and to many once, time going on in small and large steps, memory being
// refused at times. An array says what must be known: whoever began in the last second, and since whose last segment
// fewer places were given away than there are.
#include "support/prop.h"

#include "watch/scan_onsets.h"

#define VICTIMS 3000
#define MAX     512
#define STEPS   20000

struct victim {
  uint64_t ts_ns;
  uint32_t count;      // 0: nothing is known
  uint32_t next, room; // of the ring, after the last segment
};

struct world {
  struct prop_mem door;
  struct mem mem;
  struct scan_onsets onsets;
  struct victim victims[VICTIMS];
  uint64_t now_ns;
};

static struct scan_onset victim_of(const struct world *w, unsigned number)
{
  struct scan_onset one = {
      .ip = {{[10] = 0xff, [11] = 0xff, [12] = 10}},
      .port = (uint16_t)(number / 4 % 16),
      .kind = (uint8_t)(number / 64 % 2 ? ESTAB_WATCH_KIND_SYN_FLOOD : ESTAB_WATCH_KIND_FIN_FLOOD),
      .ts_ns = w->now_ns,
      .packet = number};
  one.ip.bytes[15] = (uint8_t)(number % 4);
  one.ip.bytes[14] = (uint8_t)(number / 128);
  return one;
}

static bool look(struct world *w, unsigned number)
{
  const struct scan_onset one = victim_of(w, number);
  const struct victim *v = &w->victims[number];
  const struct scan_onset *it =
      scan_onsets_find(&w->onsets, &one.ip, one.port, one.kind, w->now_ns);
  const bool young = v->count && w->now_ns - v->ts_ns < UINT64_C(1000000000);
  PROP_CHECK(!it || young);
  if (!it) PROP_CHECK(!young || w->onsets.room != v->room || w->onsets.next - v->next >= v->room);
  if (it) PROP_CHECK(it->count == v->count && it->ts_ns == v->ts_ns && it->packet == number);
  return true;
}

static bool hit(struct world *w, unsigned number)
{
  const struct scan_onset one = victim_of(w, number);
  struct victim *v = &w->victims[number];
  const bool known = scan_onsets_find(&w->onsets, &one.ip, one.port, one.kind, w->now_ns);
  struct scan_onset *it =
      scan_onsets_get(&w->onsets, &one.ip, one.port, one.kind, w->now_ns, number);
  PROP_CHECK(it || (w->onsets.room == 0 && w->door.fail_after == 0));
  PROP_CHECK(!it || (it->count == 0) == !known);
  if (it && !known) *v = (struct victim){.ts_ns = w->now_ns};
  if (!it) return true;
  v->next = w->onsets.next;
  v->room = w->onsets.room;
  it->count = ++v->count;
  return true;
}

static bool go(struct world *w, struct prop_rng *r)
{
  unsigned many = VICTIMS;
  for (unsigned i = 0; i < STEPS; i++) {
    if (prop_one_in(r, 2000)) many = 1 + prop_below(r, VICTIMS);
    if (prop_one_in(r, 1000)) w->door.fail_after = prop_one_in(r, 2) ? UINT64_MAX : 0;
    w->now_ns += prop_one_in(r, 4000) ? 400000000 : prop_below(r, 1000000);
    if (!hit(w, prop_one_in(r, 3) ? prop_below(r, 5) : prop_below(r, many))) return false;
    if (!look(w, prop_below(r, 5)) || !look(w, prop_below(r, many))) return false;
  }
  return true;
}

static bool forgets_nobody(struct prop_rng *r)
{
  static struct world w;
  memset(&w, 0, sizeof w);
  mem_init(&w.mem, prop_mem_door(&w.door));
  w.now_ns = UINT64_C(1800000000000000000);
  const uint64_t secret[2] = {prop_u64(r), prop_u64(r)};
  struct pairs_key key;
  pairs_key_make(&key, secret, 0);
  scan_onsets_init(&w.onsets, &w.mem, &key, MAX);
  const bool ok = go(&w, r);
  scan_onsets_destroy(&w.onsets);
  PROP_CHECK(!ok || w.door.live_bytes == 0);
  return ok;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"forgets_nobody", forgets_nobody, 20}};
  return prop_main(argc, argv, props, 1);
}
