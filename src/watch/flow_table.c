// SPDX-License-Identifier: BSD-2-Clause
// flow_table.c - connections by both ends.
#include "watch/flow_table.h"

#include "base/bytes.h"
#include "base/tuple.h"

#define FLOW_LINES_FIRST 64u
#define FLOW_VLAN_BITS   UINT32_C(0xffffff)
#define FLOW_MAPPED      UINT64_C(0xffff00000000) // of an IPv4 address, RFC 4291 2.5.5.2

// An address in halves, as numbers.
struct flow_address {
  uint64_t high, low;
};

// Tags and tunnel, as in a key.
struct flow_around {
  uint32_t vlan, tunnel_id;
};

static inline struct flow_address flow_address_of(const struct estab_ip *ip)
{
  return (struct flow_address){get_be64(ip->bytes), get_be64(ip->bytes + 8)};
}

static inline bool flow_address_is4(struct flow_address a)
{
  return a.high == 0 && a.low >> 32 == FLOW_MAPPED >> 32;
}

// A TEID is no part of the key, which may have several records then (track_twin.h).
static uint32_t flow_table_tunnel_key(uint32_t vlan, uint32_t tunnel_id)
{
  return vlan & FLOW_TEID ? 0 : tunnel_id;
}

// Of ports in the order of a key, and what is around; addresses are in `sum`.
static inline uint32_t flow_table_hash_rest(const struct track *t, const struct pairs_key *key,
                                            uint64_t sum, uint32_t ports, struct flow_around x)
{
  sum = pairs_add(sum, key, 0, ports, flow_table_tunnel_key(x.vlan, x.tunnel_id));
  if (t->settings.key_vlan) sum = pairs_add(sum, key, 2, x.vlan & FLOW_VLAN_BITS, 0);
  return (uint32_t)(sum >> 32);
}

static inline uint64_t flow_table_hash4(const struct pairs_key *key, uint32_t a, uint32_t b)
{
  return pairs_add(key->words[PAIRS_WORDS], key, 4, a, b);
}

static inline uint64_t flow_table_hash6(const struct pairs_key *key, struct flow_address a,
                                        struct flow_address b)
{
  uint64_t sum = key->words[PAIRS_WORDS];
  sum = pairs_add(sum, key, 4, (uint32_t)(a.high >> 32), (uint32_t)(b.high >> 32));
  sum = pairs_add(sum, key, 6, (uint32_t)a.high, (uint32_t)b.high);
  sum = pairs_add(sum, key, 8, (uint32_t)(a.low >> 32), (uint32_t)(b.low >> 32));
  return pairs_add(sum, key, 10, (uint32_t)a.low, (uint32_t)b.low);
}

static inline void flow_key_ip(struct estab_ip *ip, uint64_t high, uint64_t low)
{
  put_be64(ip->bytes, high);
  put_be64(ip->bytes + 8, low);
}

// Both are IPv4's: an address and its port fit into one number.
static inline void flow_key_order4(const struct track *t, uint32_t src, uint16_t src_port,
                                   uint32_t dst, uint16_t dst_port, struct flow_around around,
                                   struct flow_key *out)
{
  const struct pairs_key *const key = &t->hash_keys[0];
  const uint64_t a = (uint64_t)src << 16 | src_port, b = (uint64_t)dst << 16 | dst_port;
  const bool e = a > b;
  const uint64_t first = e ? b : a, second = e ? a : b;
  flow_key_ip(&out->ip[0], 0, FLOW_MAPPED | first >> 16);
  flow_key_ip(&out->ip[1], 0, FLOW_MAPPED | second >> 16);
  out->port[0] = (uint16_t)first;
  out->port[1] = (uint16_t)second;
  out->src_end = e;
  const uint64_t sum = flow_table_hash4(key, (uint32_t)(first >> 16), (uint32_t)(second >> 16));
  const uint32_t ports = (uint32_t)first << 16 | (uint16_t)second;
  out->hash = flow_table_hash_rest(t, key, sum, ports, around);
  out->vlan = around.vlan;
  out->tunnel_id = around.tunnel_id;
}

// Any. Addresses stay in registers from first to last: they were written only now, and what is written in one size and
// read in another waits until all that was written before has left for memory.
static inline void flow_key_order(const struct track *t, struct flow_address src, uint16_t src_port,
                                  struct flow_address dst, uint16_t dst_port,
                                  struct flow_around around, struct flow_key *out)
{
  if (flow_address_is4(src) && flow_address_is4(dst)) {
    flow_key_order4(t, (uint32_t)src.low, src_port, (uint32_t)dst.low, dst_port, around, out);
    return;
  }
  const struct pairs_key *const key = &t->hash_keys[1];
  const bool e =
      src.high > dst.high ||
      (src.high == dst.high && (src.low > dst.low || (src.low == dst.low && src_port > dst_port)));
  const struct flow_address first = {e ? dst.high : src.high, e ? dst.low : src.low};
  const struct flow_address second = {e ? src.high : dst.high, e ? src.low : dst.low};
  flow_key_ip(&out->ip[0], first.high, first.low);
  flow_key_ip(&out->ip[1], second.high, second.low);
  out->port[0] = e ? dst_port : src_port;
  out->port[1] = e ? src_port : dst_port;
  out->src_end = e;
  out->hash = flow_table_hash_rest(t, key, flow_table_hash6(key, first, second),
                                   (uint32_t)out->port[0] << 16 | out->port[1], around);
  out->vlan = around.vlan;
  out->tunnel_id = around.tunnel_id;
}

void flow_key_make(const struct track *t, const struct estab_ip *src, uint16_t src_port,
                   const struct estab_ip *dst, uint16_t dst_port, const struct watch_packet *p,
                   struct flow_key *out)
{
  const bool teid = p->tunnel == ESTAB_WATCH_TUNNEL_GTPU || p->tunnel_id != p->tunnel_key;
  const struct flow_around around = {(uint32_t)(p->vlan[0] & 0xfff) |
                                         (uint32_t)(p->vlan[1] & 0xfff) << 12 |
                                         (uint32_t)p->tunnel << 24 | (teid ? FLOW_TEID : 0),
                                     p->tunnel_id};
  flow_key_order(t, flow_address_of(src), src_port, flow_address_of(dst), dst_port, around, out);
}

static bool flow_table_is(const struct track *t, const struct flow_head *f,
                          const struct flow_key *key)
{
  return ip_equal(&f->ip[0], &key->ip[0]) && ip_equal(&f->ip[1], &key->ip[1]) &&
         f->port[0] == key->port[0] && f->port[1] == key->port[1] &&
         ((f->vlan == key->vlan && f->tunnel_id == key->tunnel_id) ||
          (flow_table_tunnel_key(f->vlan, f->tunnel_id) ==
               flow_table_tunnel_key(key->vlan, key->tunnel_id) &&
           (!t->settings.key_vlan || ((f->vlan ^ key->vlan) & FLOW_VLAN_BITS) == 0)));
}

// The hash of what a record has for its key.
static uint32_t flow_table_hash_of(const struct track *t, const struct flow_head *f)
{
  const struct flow_address a = flow_address_of(&f->ip[0]), b = flow_address_of(&f->ip[1]);
  const bool four = flow_address_is4(a) && flow_address_is4(b);
  const struct pairs_key *const key = &t->hash_keys[!four];
  const uint64_t sum =
      four ? flow_table_hash4(key, (uint32_t)a.low, (uint32_t)b.low) : flow_table_hash6(key, a, b);
  return flow_table_hash_rest(t, key, sum, (uint32_t)f->port[0] << 16 | f->port[1],
                              (struct flow_around){f->vlan, f->tunnel_id});
}

// ---------------------------------------------------------------------------------------------
// Lines. A record stands in the line that its hash names or, where that and those behind are full, in the next one
// with room: so a search ends at the first line that is not full. One of them always is not.

static bool flow_line_is_full(const struct flow_line *l)
{
  return l->ref[FLOW_LINE - 1] != FLOW_NONE;
}

// The lowest place with this hash; FLOW_LINE: there is none, and no record behind one that has nothing either. All are
// compared: where it stands cannot be foretold, and a jump that goes wrong costs more than the rest of the line.
static inline unsigned flow_line_search(const struct flow_line *l, uint32_t hash)
{
  unsigned at = FLOW_LINE;
  for (unsigned i = FLOW_LINE; i-- > 0;)
    at = l->hash[i] == hash ? i : at;
  return at == FLOW_LINE || l->ref[at] == FLOW_NONE ? FLOW_LINE : at;
}

static int flow_lines_make(struct flow_lines *x, struct mem *mem, uint32_t count)
{
  const size_t bytes = count * sizeof(struct flow_line);
  uint8_t *const memory = mem_new_raw(mem, bytes + sizeof(struct flow_line), ESTAB_MEM_WATCH);
  if (!memory) return ESTAB_ERR_NO_MEMORY;
  const size_t behind = (uintptr_t)memory % sizeof(struct flow_line);
  void *const first = memory + (sizeof(struct flow_line) - behind) % sizeof(struct flow_line);
  *x = (struct flow_lines){.at = first, .memory = memory, .mask = count - 1};
  memset(x->at, 0xff, bytes);
  return 0;
}

static void flow_lines_free(struct flow_lines *x, struct mem *mem)
{
  const size_t bytes = ((size_t)x->mask + 2) * sizeof(struct flow_line);
  if (x->at) mem_free(mem, x->memory, bytes, ESTAB_MEM_WATCH);
  *x = (struct flow_lines){.at = NULL};
}

static void flow_lines_put(struct flow_lines *x, uint32_t hash, uint32_t ref)
{
  struct flow_line *l = &x->at[hash & x->mask];
  for (uint32_t at = hash; flow_line_is_full(l);)
    l = &x->at[++at & x->mask];
  unsigned i = 0;
  while (l->ref[i] != FLOW_NONE)
    i++;
  l->hash[i] = hash;
  l->ref[i] = ref;
}

// Where a record stands. NULL: not here.
static uint32_t *flow_lines_place(const struct flow_lines *x, uint32_t hash, uint32_t ref)
{
  for (uint32_t at = hash;; at++) {
    struct flow_line *const l = &x->at[at & x->mask];
    for (unsigned i = 0; i < FLOW_LINE; i++)
      if (l->ref[i] == ref) return &l->ref[i];
    if (!flow_line_is_full(l)) return NULL;
  }
}

// Behind line `at`, the first record that would stand in it or before, had there been room.
static bool flow_lines_pushed_on(const struct flow_lines *x, uint32_t at, uint32_t *line,
                                 unsigned *place)
{
  for (uint32_t next = (at + 1) & x->mask;; next = (next + 1) & x->mask) {
    const struct flow_line *const l = &x->at[next];
    for (unsigned i = 0; i < FLOW_LINE && l->ref[i] != FLOW_NONE; i++)
      if (((next - l->hash[i]) & x->mask) >= ((next - at) & x->mask)) {
        *line = next;
        *place = i;
        return true;
      }
    if (!flow_line_is_full(l)) return false;
  }
}

static void flow_lines_take(struct flow_lines *x, const uint32_t *ref)
{
  const size_t offset = (size_t)((const uint8_t *)ref - (const uint8_t *)x->at);
  uint32_t at = (uint32_t)(offset / sizeof(struct flow_line)), from = 0;
  unsigned i = (unsigned)(ref - x->at[at].ref), place = 0;
  for (;;) {
    struct flow_line *const l = &x->at[at];
    const bool full = flow_line_is_full(l);
    unsigned last = FLOW_LINE - 1;
    while (l->ref[last] == FLOW_NONE)
      last--;
    l->hash[i] = l->hash[last];
    l->ref[i] = l->ref[last];
    l->hash[last] = l->ref[last] = FLOW_NONE;
    if (!full || !flow_lines_pushed_on(x, at, &from, &place)) return;
    l->hash[last] = x->at[from].hash[place];
    l->ref[last] = x->at[from].ref[place];
    at = from;
    i = place;
  }
}

// ---------------------------------------------------------------------------------------------
// The table

// While the table grows, a record may still stand among the old lines, if its own is not moved.
static bool flow_table_is_old(const struct track *t, uint32_t hash)
{
  return t->old_lines.at && (hash & t->old_lines.mask) >= t->moved;
}

static FLOW_AHEAD void flow_table_expect_lines(const struct track *t, uint32_t hash)
{
  __builtin_prefetch(&t->lines.at[hash & t->lines.mask]);
  if (flow_table_is_old(t, hash)) __builtin_prefetch(&t->old_lines.at[hash & t->old_lines.mask]);
}

void flow_table_expect(struct track *t, const struct watch_ends *at)
{
  struct flow_ahead *const a = &t->ahead[t->ahead_last = !t->ahead_last];
  const struct flow_around none = {0, 0};
  const uint8_t *const ip = at->addresses;
  const uint16_t src_port = get_be16(at->ports), dst_port = get_be16(at->ports + 2);
  a->words = at->address_words;
  if (at->address_words == 1) {
    memcpy(a->ends, ip, FLOW_ENDS4);
    flow_key_order4(t, get_be32(ip), src_port, get_be32(ip + 4), dst_port, none, &a->key);
  } else {
    const struct flow_address src = {get_be64(ip), get_be64(ip + 8)};
    const struct flow_address dst = {get_be64(ip + 16), get_be64(ip + 24)};
    memcpy(a->ends, ip, FLOW_ENDS6);
    flow_key_order(t, src, src_port, dst, dst_port, none, &a->key);
  }
  flow_table_expect_lines(t, a->key.hash);
}

// Whether it has the ends of this very packet.
static inline bool flow_ahead_is(const struct flow_ahead *a, const struct watch_packet *p)
{
  if (p->tunnels || p->vlan_count) return false;
  if (p->version == 4)
    return a->words == 1 && p->ip_header_bytes == ESTAB_IP4_HEADER_BYTES &&
           memcmp(a->ends, p->ip + 12, FLOW_ENDS4) == 0;
  return a->words == 4 && p->ip_header_bytes == ESTAB_IP6_HEADER_BYTES &&
         memcmp(a->ends, p->ip + 8, FLOW_ENDS6) == 0;
}

const struct flow_key *flow_table_key(struct track *t, const struct watch_packet *p)
{
  struct flow_ahead *const a = &t->ahead[!t->ahead_last];
  if (!flow_ahead_is(a, p)) {
    flow_key_make(t, &p->src, p->tcp.src_port, &p->dst, p->tcp.dst_port, p, &a->key);
    a->words = 0;
  }
  return &a->key;
}

static unsigned flow_lines_find_all(const struct track *t, const struct flow_lines *x,
                                    const struct flow_key *key, uint32_t *refs, unsigned max)
{
  unsigned count = 0;
  for (uint32_t at = key->hash;; at++) {
    const struct flow_line *const l = &x->at[at & x->mask];
    for (unsigned i = 0; i < FLOW_LINE && count < max; i++)
      if (l->hash[i] == key->hash && l->ref[i] != FLOW_NONE &&
          flow_table_is(t, track_at(t, l->ref[i]), key))
        refs[count++] = l->ref[i];
    if (count == max || !flow_line_is_full(l)) return count;
  }
}

unsigned flow_table_find_all(const struct track *t, const struct flow_key *key, uint32_t *refs,
                             unsigned max)
{
  const unsigned count = flow_lines_find_all(t, &t->lines, key, refs, max);
  if (!flow_table_is_old(t, key->hash)) return count;
  return count + flow_lines_find_all(t, &t->old_lines, key, refs + count, max - count);
}

uint32_t flow_table_find(const struct track *t, const struct flow_key *key)
{
  uint32_t ref;
  return flow_table_find_all(t, key, &ref, 1) ? ref : FLOW_NONE;
}

static uint32_t flow_lines_of_hash(const struct flow_lines *x, uint32_t hash)
{
  for (uint32_t at = hash;; at++) {
    const struct flow_line *const l = &x->at[at & x->mask];
    const unsigned i = flow_line_search(l, hash);
    if (i < FLOW_LINE) return l->ref[i];
    if (!flow_line_is_full(l)) return FLOW_NONE;
  }
}

uint32_t flow_table_expect_record(const struct track *t, const struct flow_key *key)
{
  uint32_t ref = flow_lines_of_hash(&t->lines, key->hash);
  if (ref == FLOW_NONE && flow_table_is_old(t, key->hash))
    ref = flow_lines_of_hash(&t->old_lines, key->hash);
  if (ref != FLOW_NONE) track_expect_record(t, ref);
  return ref;
}

uint32_t flow_table_find_from(const struct track *t, const struct flow_key *key, uint32_t ref)
{
  if (ref == FLOW_NONE || flow_table_is(t, track_at(t, ref), key)) return ref;
  return flow_table_find(t, key);
}

// Some old lines go over: one, and those behind up to one that is not full, since what stands there may be of those
// before.
static void flow_table_move(struct track *t)
{
  bool full = true;
  while (full && t->moved <= t->old_lines.mask) {
    struct flow_line *const l = &t->old_lines.at[t->moved++];
    full = flow_line_is_full(l);
    for (unsigned i = 0; i < FLOW_LINE && l->ref[i] != FLOW_NONE; i++)
      flow_lines_put(&t->lines, l->hash[i], l->ref[i]);
    memset(l, 0xff, sizeof *l);
  }
  // By then all are moved; when the last one was depends on the key, which must not decide what memory others find.
  if (++t->moves > t->old_lines.mask) flow_lines_free(&t->old_lines, t->mem);
}

// Refused memory: the table becomes as full as it can.
static void flow_table_grow(struct track *t)
{
  struct flow_lines more;
  if (t->old_lines.at || t->lines.mask >= UINT32_C(0x3ffffff) ||
      flow_lines_make(&more, t->mem, (t->lines.mask + 1) * 2) < 0)
    return;
  t->old_lines = t->lines;
  t->lines = more;
  t->moved = t->moves = 0;
}

bool flow_table_insert(struct track *t, const struct flow_key *key, uint32_t ref)
{
  const uint64_t lines = (uint64_t)t->lines.mask + 1;
  if (t->old_lines.at) flow_table_move(t);
  if (t->flows >= lines * FLOW_LINE * 13 / 16) {
    flow_table_grow(t);
    if (t->flows >= ((uint64_t)t->lines.mask + 1) * (FLOW_LINE - 1)) return false;
  }
  flow_lines_put(&t->lines, key->hash, ref);
  t->flows++;
  return true;
}

void flow_table_remove(struct track *t, const struct flow_head *head, uint32_t ref)
{
  const uint32_t hash = flow_table_hash_of(t, head);
  const uint32_t *const at = flow_lines_place(&t->lines, hash, ref);
  if (at)
    flow_lines_take(&t->lines, at);
  else
    flow_lines_take(&t->old_lines, flow_lines_place(&t->old_lines, hash, ref));
  t->flows--;
}

void flow_table_replace(struct track *t, const struct flow_key *key, uint32_t ref, uint32_t by)
{
  uint32_t *at = flow_lines_place(&t->lines, key->hash, ref);
  if (!at) at = flow_lines_place(&t->old_lines, key->hash, ref);
  *at = by;
}

// Where the line of a hash, or one behind it, names this very record.
static uint32_t flow_lines_ref_of(const struct track *t, const struct flow_lines *x, uint32_t hash,
                                  const struct flow_head *f)
{
  for (uint32_t at = hash;; at++) {
    const struct flow_line *const l = &x->at[at & x->mask];
    for (unsigned i = 0; i < FLOW_LINE; i++)
      if (l->hash[i] == hash && l->ref[i] != FLOW_NONE && track_at(t, l->ref[i]) == f)
        return l->ref[i];
    if (!flow_line_is_full(l)) return FLOW_NONE;
  }
}

uint32_t flow_table_expect_of(const struct track *t, const struct flow_head *f)
{
  const uint32_t hash = flow_table_hash_of(t, f);
  flow_table_expect_lines(t, hash);
  return hash;
}

uint32_t flow_table_ref_of(const struct track *t, const struct flow_head *f, uint32_t hash)
{
  const uint32_t ref = flow_lines_ref_of(t, &t->lines, hash, f);
  return ref == FLOW_NONE ? flow_lines_ref_of(t, &t->old_lines, hash, f) : ref;
}

uint64_t *flow_table_lend(struct track *t)
{
  t->flows = 0;
  return (void *)t->lines.at;
}

void flow_table_empty(struct track *t)
{
  flow_lines_free(&t->old_lines, t->mem);
  memset(t->lines.at, 0xff, ((size_t)t->lines.mask + 1) * sizeof *t->lines.at);
}

int flow_table_init(struct track *t)
{
  return flow_lines_make(&t->lines, t->mem, FLOW_LINES_FIRST);
}

void flow_table_destroy(struct track *t)
{
  flow_lines_free(&t->old_lines, t->mem);
  flow_lines_free(&t->lines, t->mem);
}
