// SPDX-License-Identifier: BSD-2-Clause
// watch_table.c - the table of connections (src/watch/flow_table.h) has what was put into it and nothing else.
//
// Records come, go and are replaced while the table grows, memory for that being refused at times, so that lines
// become full and records stand behind their own. An array says what must be found.
#include "support/prop.h"

#include "base/bytes.h"
#include "base/tuple.h"
#include "watch/flow_table.h"
#include "watch/track_internal.h"

#define KEYS  4000
#define STEPS 12000

struct world {
  struct prop_mem door;
  struct mem mem;
  struct track t;
  uint32_t refs[KEYS]; // FLOW_NONE: not in the table
  uint32_t count;
  uint32_t since; // records that were put in since the table began to grow
};

static void key_of(const struct world *w, unsigned number, struct flow_key *key)
{
  struct watch_packet p = {.tunnel_id = number % 3, .tunnel_key = number % 3};
  struct estab_ip ip[2] = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}},
                           {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2}}};
  if (number % 2) ip[0].bytes[0] = ip[1].bytes[0] = 0x20;
  ip[1].bytes[14] = (uint8_t)(number / 100);
  const unsigned from = number / 2 % 2;
  flow_key_make(&w->t, &ip[from], (uint16_t)(1000 + number), &ip[1 - from], 80, &p, key);
}

static uint32_t record_new(struct world *w, const struct flow_key *key)
{
  const uint32_t index = slab_new(&w->t.ones);
  if (index == SLAB_NONE) return FLOW_NONE;
  struct flow_head *const f = track_at(&w->t, index);
  memcpy(f->ip, key->ip, sizeof f->ip);
  memcpy(f->port, key->port, sizeof f->port);
  f->vlan = key->vlan;
  f->tunnel_id = key->tunnel_id;
  return index;
}

static bool look(struct world *w, unsigned number)
{
  struct flow_key key;
  key_of(w, number, &key);
  const uint32_t ref = w->refs[number];
  PROP_CHECK(flow_table_find(&w->t, &key) == ref);
  PROP_CHECK(flow_table_find_from(&w->t, &key, flow_table_expect_record(&w->t, &key)) == ref);
  if (ref == FLOW_NONE) return true;
  const struct flow_head *const f = track_at(&w->t, ref);
  PROP_CHECK(flow_table_ref_of(&w->t, f, flow_table_expect_of(&w->t, f)) == ref);
  return true;
}

static bool put(struct world *w, unsigned number)
{
  struct flow_key key;
  key_of(w, number, &key);
  const uint32_t ref = record_new(w, &key);
  if (ref == FLOW_NONE) return true;
  const struct flow_lines old = w->t.old_lines;
  if (flow_table_insert(&w->t, &key, ref)) {
    w->refs[number] = ref;
    w->count++;
  } else {
    PROP_CHECK(w->door.fail_after == 0 && w->count >= (w->t.lines.mask + 1) * (FLOW_LINE - 1));
    slab_free(&w->t.ones, ref);
  }
  // Memory may be short when the old lines are given back: that moment decides over rows, so no key may.
  w->since = old.at ? w->since + 1 : 0;
  PROP_CHECK(!old.at || (w->t.old_lines.at != NULL) == (w->since <= old.mask));
  return true;
}

static bool change(struct world *w, struct prop_rng *r, unsigned number)
{
  struct flow_key key;
  const uint32_t ref = w->refs[number];
  key_of(w, number, &key);
  if (prop_one_in(r, 4)) {
    const uint32_t by = record_new(w, &key);
    if (by == FLOW_NONE) return true;
    flow_table_replace(&w->t, &key, ref, by);
    w->refs[number] = by;
  } else {
    flow_table_remove(&w->t, track_at(&w->t, ref), ref);
    w->refs[number] = FLOW_NONE;
    w->count--;
  }
  slab_free(&w->t.ones, ref);
  return true;
}

static bool go(struct world *w, struct prop_rng *r)
{
  unsigned less = 3; // of so many steps one takes out
  for (unsigned i = 0; i < STEPS; i++) {
    const unsigned number = prop_below(r, KEYS);
    if (prop_one_in(r, 1000)) less = 1 + prop_below(r, 3);
    if (prop_one_in(r, 500)) w->door.fail_after = prop_one_in(r, 3) ? UINT64_MAX : 0;
    if (w->refs[number] == FLOW_NONE) {
      if (!put(w, number)) return false;
    } else if (prop_one_in(r, less) && !change(w, r, number))
      return false;
    PROP_CHECK(w->t.flows == w->count);
    if (!look(w, number) || !look(w, prop_below(r, KEYS))) return false;
  }
  for (unsigned i = 0; i < KEYS; i++)
    if (!look(w, i)) return false;
  return true;
}

static bool holds_what_was_put(struct prop_rng *r)
{
  static struct world w;
  memset(&w, 0, sizeof w);
  memset(w.refs, 0xff, sizeof w.refs);
  w.t.mem = &w.mem;
  mem_init(&w.mem, prop_mem_door(&w.door));
  const uint64_t secret[2] = {prop_u64(r), prop_u64(r)};
  pairs_key_make(&w.t.hash_keys[0], secret, 4);
  pairs_key_make(&w.t.hash_keys[1], secret, 6);
  slab_init(&w.t.ones, &w.mem, sizeof(struct flow_one), ESTAB_MEM_WATCH);
  PROP_CHECK(flow_table_init(&w.t) == 0);
  bool ok = go(&w, r);
  flow_table_empty(&w.t);
  memset(w.refs, 0xff, sizeof w.refs);
  for (unsigned i = 0; ok && i < KEYS; i++)
    ok = look(&w, i);
  flow_table_destroy(&w.t);
  slab_destroy(&w.t.ones);
  PROP_CHECK(w.door.live_bytes == 0);
  return ok;
}

// Where a frame is looked for beforehand is where its connection then is.
static bool frame_has_its_place(struct prop_rng *r)
{
  static struct track t;
  uint8_t frame[80] = {0};
  struct estab_ip ip[2];
  struct flow_key key;
  struct watch_packet p = {.kind = WATCH_KIND_TCP};
  const bool six = prop_one_in(r, 2);
  const uint64_t secret[2] = {prop_u64(r), prop_u64(r)};
  memset(&t, 0, sizeof t);
  t.settings.key_vlan = prop_one_in(r, 2);
  pairs_key_make(&t.hash_keys[0], secret, 4);
  pairs_key_make(&t.hash_keys[1], secret, 6);
  struct flow_line line;
  t.lines.at = &line;
  frame[12] = six ? 0x86 : 0x08;
  frame[13] = six ? 0xdd : 0x00;
  frame[14] = six ? 0x60 : 0x45;
  frame[six ? 20 : 23] = 6;
  uint8_t *const ends = frame + (six ? 22 : 26);
  const unsigned each = six ? 16 : 4, same = prop_below(r, each + 1);
  for (unsigned i = 0; i < 2 * each + 4; i++)
    ends[i] = (uint8_t)(prop_one_in(r, 3) ? 0xff : prop_u64(r));
  memcpy(ends + each, ends, same); // so that a later octet or a port says which is smaller
  for (unsigned i = 0; i < 2; i++) {
    ip[i] = (struct estab_ip){{[10] = 0xff, [11] = 0xff}};
    memcpy(ip[i].bytes + 16 - each, ends + i * each, each);
  }
  const uint8_t *const ports = ends + 2 * each;
  flow_key_make(&t, &ip[0], get_be16(ports), &ip[1], get_be16(ports + 2), &p, &key);
  const struct watch_ends at = watch_decode_ends(ESTAB_LINKTYPE_ETHERNET, frame, six ? 58 : 38);
  PROP_CHECK(at.address_words == each / 4);
  flow_table_expect(&t, &at);
  const struct flow_key *const ahead = &t.ahead[t.ahead_last].key;
  PROP_CHECK(ip_equal(&ahead->ip[0], &key.ip[0]) && ip_equal(&ahead->ip[1], &key.ip[1]));
  PROP_CHECK(ahead->port[0] == key.port[0] && ahead->port[1] == key.port[1]);
  PROP_CHECK(ahead->vlan == 0 && ahead->tunnel_id == 0 && ahead->src_end == key.src_end);
  PROP_CHECK(ahead->hash == key.hash);

  // With the packet itself, one later: the same key, unless one octet of its ends is another.
  p.version = six ? 6 : 4;
  p.ip = frame + 14;
  p.ip_header_bytes = six ? 40 : 20;
  p.src = ip[0];
  p.dst = ip[1];
  p.tcp.src_port = get_be16(ports);
  p.tcp.dst_port = get_be16(ports + 2);
  const bool other = prop_one_in(r, 2), tagged = prop_one_in(r, 3);
  p.vlan_count = tagged;
  if (other) t.ahead[t.ahead_last].ends[prop_below(r, 2 * each + 4)] ^= 1;
  t.ahead_last = !t.ahead_last;
  PROP_CHECK(flow_table_key(&t, &p) == ahead && ahead->hash == key.hash);
  PROP_CHECK((t.ahead[!t.ahead_last].words == 0) == (other || tagged)); // made anew
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"holds_what_was_put", holds_what_was_put, 20},
                                      {"frame_has_its_place", frame_has_its_place, 2000}};
  return prop_main(argc, argv, props, 2);
}
