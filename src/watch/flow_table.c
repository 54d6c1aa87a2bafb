// SPDX-License-Identifier: BSD-2-Clause
// flow_table.c - connections by both ends.
#include "watch/flow_table.h"

#include "base/bytes.h"
#include "base/tuple.h"

#define FLOW_BUCKETS_FIRST 1024u
#define FLOW_BUCKETS_AHEAD                                                                         \
  16u // records of the buckets moved a few insertions from now are asked for
#define FLOW_BUCKETS_MOVED 4u // old buckets that each insertion moves: twice what is needed
#define FLOW_VLAN_BITS     UINT32_C(0xffffff)

static bool flow_table_is4(const struct estab_ip *ip)
{
  return get_be64(ip->bytes) == 0 && get_be32(ip->bytes + 8) == 0xffff;
}

static uint32_t flow_table_hash(const struct track *t, const struct estab_ip ip[2],
                                const uint16_t port[2], uint32_t vlan, uint32_t tunnel_key)
{
  const uint32_t ports = (uint32_t)port[0] << 16 | port[1];
  const struct pairs_key *key = &t->hash_keys[0];
  uint64_t sum = key->words[PAIRS_WORDS];
  if (flow_table_is4(&ip[0]) && flow_table_is4(&ip[1]))
    sum = pairs_add(sum, key, 4, get_be32(ip[0].bytes + 12), get_be32(ip[1].bytes + 12));
  else {
    key = &t->hash_keys[1];
    sum = key->words[PAIRS_WORDS];
    for (unsigned i = 0; i < 4; i++)
      sum = pairs_add(sum, key, 4 + 2 * i, get_be32(ip[0].bytes + 4 * i),
                      get_be32(ip[1].bytes + 4 * i));
  }
  sum = pairs_add(sum, key, 0, ports, tunnel_key);
  if (t->settings.key_vlan) sum = pairs_add(sum, key, 2, vlan & FLOW_VLAN_BITS, 0);
  return (uint32_t)(sum >> 32);
}

// GTP-U's TEID is another one each way: not a part of the key.
static uint32_t flow_table_tunnel_key(uint32_t vlan, uint32_t tunnel_id)
{
  return vlan >> 24 == ESTAB_WATCH_TUNNEL_GTPU ? 0 : tunnel_id;
}

void flow_key_make(const struct track *t, const struct estab_ip *src, uint16_t src_port,
                   const struct estab_ip *dst, uint16_t dst_port, const struct watch_packet *p,
                   struct flow_key *out)
{
  uint64_t a = get_be64(src->bytes), b = get_be64(dst->bytes);
  if (a == b) {
    a = get_be64(src->bytes + 8);
    b = get_be64(dst->bytes + 8);
  }
  unsigned e = a > b || (a == b && src_port > dst_port);
  out->ip[e] = *src;
  out->ip[1 - e] = *dst;
  out->port[e] = src_port;
  out->port[1 - e] = dst_port;
  out->src_end = (uint8_t)e;
  out->vlan = (uint32_t)(p->vlan[0] & 0xfff) | (uint32_t)(p->vlan[1] & 0xfff) << 12 |
              (uint32_t)p->tunnel << 24;
  out->tunnel_id = p->tunnel_id;
  out->hash = flow_table_hash(t, out->ip, out->port, out->vlan,
                              flow_table_tunnel_key(out->vlan, out->tunnel_id));
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

static uint32_t *flow_table_bucket(const struct track *t, uint32_t hash)
{
  if (t->old_buckets) {
    uint32_t old = hash & (t->old_count - 1);
    if (old >= t->moved) return &t->old_buckets[old];
  }
  return &t->buckets[hash & (t->bucket_count - 1)];
}

void flow_table_expect(const struct track *t, uint32_t hash)
{
  __builtin_prefetch(flow_table_bucket(t, hash));
}

uint32_t flow_table_expect_record(const struct track *t, const struct flow_key *key)
{
  uint32_t ref = *flow_table_bucket(t, key->hash);
  if (ref == FLOW_NONE) return ref;
  if (ref & FLOW_REF_FULL)
    flow_expect(track_at(t, ref), sizeof(struct flow));
  else
    flow_expect(track_at(t, ref), sizeof(struct flow_one));
  return ref;
}

uint32_t flow_table_find(const struct track *t, const struct flow_key *key)
{
  return flow_table_find_from(t, key, *flow_table_bucket(t, key->hash));
}

uint32_t flow_table_find_from(const struct track *t, const struct flow_key *key, uint32_t ref)
{
  while (ref != FLOW_NONE) {
    const struct flow_head *f = track_at(t, ref);
    if (f->hash == key->hash && flow_table_is(t, f, key)) return ref;
    ref = f->chain;
  }
  return FLOW_NONE;
}

static void flow_table_move(struct track *t, unsigned count)
{
  for (; count && t->moved < t->old_count; count--) {
    uint32_t ref = t->old_buckets[t->moved++];
    if (t->moved + FLOW_BUCKETS_AHEAD < t->old_count) {
      uint32_t soon = t->old_buckets[t->moved + FLOW_BUCKETS_AHEAD];
      if (soon != FLOW_NONE) __builtin_prefetch(track_at(t, soon));
    }
    while (ref != FLOW_NONE) {
      struct flow_head *f = track_at(t, ref);
      uint32_t next = f->chain;
      uint32_t *to = &t->buckets[f->hash & (t->bucket_count - 1)];
      f->chain = *to;
      *to = ref;
      ref = next;
    }
  }
  if (t->moved < t->old_count) return;
  mem_free(t->mem, t->old_buckets, (size_t)t->old_count * sizeof(uint32_t), ESTAB_MEM_WATCH);
  t->old_buckets = NULL;
  t->old_count = 0;
}

// Refused memory: the table stays as full as it is.
static void flow_table_grow(struct track *t)
{
  if (t->old_buckets || t->bucket_count >= UINT32_C(0x40000000)) return;
  uint32_t count = t->bucket_count * 2;
  uint32_t *more = mem_new_raw(t->mem, (size_t)count * sizeof *more, ESTAB_MEM_WATCH);
  if (!more) return;
  memset(more, 0xff, (size_t)count * sizeof *more);
  t->old_buckets = t->buckets;
  t->old_count = t->bucket_count;
  t->moved = 0;
  t->buckets = more;
  t->bucket_count = count;
}

void flow_table_insert(struct track *t, const struct flow_key *key, uint32_t ref)
{
  if (t->old_buckets) flow_table_move(t, FLOW_BUCKETS_MOVED);
  if (t->flows >= t->bucket_count) flow_table_grow(t);
  uint32_t *bucket = flow_table_bucket(t, key->hash);
  track_at(t, ref)->chain = *bucket;
  *bucket = ref;
  t->flows++;
}

static uint32_t *flow_table_place(struct track *t, const struct flow_head *f, uint32_t ref)
{
  uint32_t *at = flow_table_bucket(t, f->hash);
  while (*at != ref)
    at = &track_at(t, *at)->chain;
  return at;
}

void flow_table_remove(struct track *t, const struct flow_head *head, uint32_t ref)
{
  *flow_table_place(t, head, ref) = head->chain;
  t->flows--;
}

void flow_table_replace(struct track *t, const struct flow_head *head, uint32_t ref, uint32_t by)
{
  *flow_table_place(t, head, ref) = by;
  track_at(t, by)->chain = head->chain;
}

int flow_table_init(struct track *t)
{
  t->buckets = mem_new_raw(t->mem, FLOW_BUCKETS_FIRST * sizeof *t->buckets, ESTAB_MEM_WATCH);
  if (!t->buckets) return ESTAB_ERR_NO_MEMORY;
  memset(t->buckets, 0xff, FLOW_BUCKETS_FIRST * sizeof *t->buckets);
  t->bucket_count = FLOW_BUCKETS_FIRST;
  return 0;
}

void flow_table_destroy(struct track *t)
{
  mem_free(t->mem, t->old_buckets, (size_t)t->old_count * sizeof(uint32_t), ESTAB_MEM_WATCH);
  mem_free(t->mem, t->buckets, (size_t)t->bucket_count * sizeof(uint32_t), ESTAB_MEM_WATCH);
  t->buckets = t->old_buckets = NULL;
}
