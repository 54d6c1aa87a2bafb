// SPDX-License-Identifier: BSD-2-Clause
// frag.c - fragments of IP datagrams put together again: RFC 791 3.2, RFC 815, RFC 8200 4.5.
//
// Each fragment is kept as it came, in a part of its own, charged at what it costs: a lone fragment far out
// reserves no 64 KiB. Parts are disjoint and sorted; a datagram has at most FRAG_PIECES. Sources are spread over
// buckets by a keyed hash, each with a cap: one source cannot push out the others', and a lookup is bounded. When
// the byte cap is reached the oldest datagram of all goes.
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "estab/wire.h"
#include "proto/frag.h"

enum { FRAG_BUCKETS = 256 };

struct frag_part {
  struct frag_part *next;
  uint32_t offset, count; // bytes of the fragmentable part
  uint8_t bytes[];
};

struct frag_entry {
  struct frag_key key;
  uint64_t expires_ns;
  struct frag_entry *older, *newer;  // of the same IP version
  struct frag_entry *before, *after; // in the bucket, oldest first
  struct frag_part *first, *last;    // by offset
  uint32_t received;                 // bytes in parts
  uint32_t total;                    // bytes of the whole payload, 0 = last fragment not seen
  uint32_t cost;                     // memory
  uint32_t frame_bytes;              // of the fragments that were taken
  uint16_t parts;
  uint8_t header_bytes; // 0 = first fragment not seen
  uint8_t protocol;
  uint8_t ecn_seen;
  bool poisoned; // overlapped: only kept to drop what still comes
  bool overlapped;
  uint8_t header[FRAG_HEADER_BYTES];
};

struct frag_bucket {
  struct frag_entry *oldest, *newest;
  uint32_t count;
};

void frag_settings_default(struct frag_settings *settings)
{
  *settings = (struct frag_settings){
      // DEPARTS: RFC 1122 3.3.2 because its 60 to 120 s let an attacker pin memory; 30 s is what hosts do.
      .timeout4_ns = UINT64_C(30000000000),
      .timeout6_ns = UINT64_C(60000000000),
      .max_bytes = 4u << 20,
      .max_per_source = 64,
      .overlap = FRAG_OVERLAP_DROP,
  };
}

void frag_init(struct frag *f, struct mem *mem, const struct frag_settings *settings,
               const uint64_t key[2])
{
  memset(f, 0, sizeof *f);
  f->mem = mem;
  f->settings = *settings;
  f->key[0] = key[0];
  f->key[1] = key[1];
}

static void frag_whole_free(struct frag *f)
{
  mem_free(f->mem, f->whole, f->whole_bytes, ESTAB_MEM_NET);
  f->whole = NULL;
  f->whole_bytes = 0;
}

static struct frag_bucket *frag_bucket_of(struct frag *f, const struct frag_key *key)
{
  return &f->buckets[siphash13(f->key, key->src.bytes, sizeof key->src.bytes) % FRAG_BUCKETS];
}

static void frag_charge(struct frag *f, struct frag_entry *e, size_t bytes)
{
  e->cost += (uint32_t)bytes;
  f->bytes += (uint32_t)bytes;
}

static void frag_parts_free(struct frag *f, struct frag_entry *e)
{
  for (struct frag_part *p = e->first, *next; p; p = next) {
    next = p->next;
    size_t bytes = sizeof *p + p->count;
    e->cost -= (uint32_t)bytes;
    f->bytes -= (uint32_t)bytes;
    mem_free(f->mem, p, bytes, ESTAB_MEM_NET);
  }
  e->first = e->last = NULL;
  e->received = 0;
  e->parts = 0;
}

static void frag_entry_free(struct frag *f, struct frag_entry *e)
{
  frag_parts_free(f, e);
  struct frag_entry **oldest = e->key.version == 6 ? &f->oldest6 : &f->oldest4;
  struct frag_entry **newest = e->key.version == 6 ? &f->newest6 : &f->newest4;
  *(e->older ? &e->older->newer : oldest) = e->newer;
  *(e->newer ? &e->newer->older : newest) = e->older;
  struct frag_bucket *b = frag_bucket_of(f, &e->key);
  *(e->before ? &e->before->after : &b->oldest) = e->after;
  *(e->after ? &e->after->before : &b->newest) = e->before;
  b->count--;
  f->datagrams--;
  f->bytes -= e->cost;
  mem_free(f->mem, e, sizeof *e, ESTAB_MEM_NET);
}

void frag_trim(struct frag *f)
{
  frag_whole_free(f);
  while (f->oldest4)
    frag_entry_free(f, f->oldest4);
  while (f->oldest6)
    frag_entry_free(f, f->oldest6);
  mem_free(f->mem, f->buckets, FRAG_BUCKETS * sizeof *f->buckets, ESTAB_MEM_TABLE);
  f->buckets = NULL;
}

void frag_destroy(struct frag *f)
{
  frag_trim(f);
}

// ---------------------------------------------------------------------------------------------
// Time and caps

static uint64_t frag_born_ns(const struct frag *f, const struct frag_entry *e)
{
  return e->expires_ns - (e->key.version == 6 ? f->settings.timeout6_ns : f->settings.timeout4_ns);
}

static struct frag_entry *frag_oldest(const struct frag *f)
{
  if (!f->oldest4 || !f->oldest6) return f->oldest4 ? f->oldest4 : f->oldest6;
  return frag_born_ns(f, f->oldest4) <= frag_born_ns(f, f->oldest6) ? f->oldest4 : f->oldest6;
}

bool frag_shed(struct frag *f)
{
  struct frag_entry *e = frag_oldest(f);
  if (e)
    frag_entry_free(f, e);
  else if (f->buckets)
    frag_trim(f);
  else
    frag_whole_free(f);
  return e != NULL;
}

// Makes room for so many bytes more; `keep` (may be NULL) is not given up for itself. False: no way.
static bool frag_room(struct frag *f, const struct frag_entry *keep, size_t bytes)
{
  // The datagram that is handed out stands beside its parts for a moment; the cap counts it in.
  uint32_t limit =
      f->settings.max_bytes - u32_min(f->settings.max_bytes / 2, FRAG_PAYLOAD_BYTES + 1);
  while (f->bytes + bytes > limit) {
    struct frag_entry *e = frag_oldest(f);
    if (e == keep) e = e ? e->newer : NULL;
    if (!e) return false;
    f->evicted++;
    frag_entry_free(f, e);
  }
  return true;
}

static uint64_t frag_next_expiry(const struct frag *f)
{
  return u64_min(f->oldest4 ? f->oldest4->expires_ns : ESTAB_NEVER,
                 f->oldest6 ? f->oldest6->expires_ns : ESTAB_NEVER);
}

uint64_t frag_deadline(const struct frag *f)
{
  return frag_next_expiry(f);
}

// ---------------------------------------------------------------------------------------------
// Entries

static bool frag_key_same(const struct frag_key *a, const struct frag_key *b)
{
  return a->id == b->id && a->version == b->version && a->protocol == b->protocol &&
         a->netif == b->netif && memcmp(&a->src, &b->src, sizeof a->src) == 0 &&
         memcmp(&a->dst, &b->dst, sizeof a->dst) == 0;
}

static struct frag_entry *frag_find(struct frag *f, const struct frag_key *key)
{
  struct frag_entry *e = frag_bucket_of(f, key)->newest;
  while (e && !frag_key_same(&e->key, key))
    e = e->before;
  return e;
}

static struct frag_entry *frag_entry_new(struct frag *f, const struct frag_key *key,
                                         uint64_t now_ns)
{
  struct frag_bucket *b = frag_bucket_of(f, key);
  if (b->count >= f->settings.max_per_source && b->oldest) {
    f->evicted++;
    frag_entry_free(f, b->oldest);
  }
  struct frag_entry *e = NULL;
  if (frag_room(f, NULL, sizeof *e)) e = mem_new(f->mem, sizeof *e, ESTAB_MEM_NET);
  if (!e) return NULL;
  frag_charge(f, e, sizeof *e);
  bool six = key->version == 6;
  struct frag_entry **oldest = six ? &f->oldest6 : &f->oldest4;
  struct frag_entry **newest = six ? &f->newest6 : &f->newest4;
  e->key = *key;
  e->expires_ns = now_ns + (six ? f->settings.timeout6_ns : f->settings.timeout4_ns);
  e->older = *newest;
  *(e->older ? &e->older->newer : oldest) = e;
  *newest = e;
  e->before = b->newest;
  *(e->before ? &e->before->after : &b->oldest) = e;
  b->newest = e;
  b->count++;
  f->datagrams++;
  return e;
}

// ---------------------------------------------------------------------------------------------
// Parts

// New part behind `before` (NULL: first). False: caps or memory.
static bool frag_part_add(struct frag *f, struct frag_entry *e, struct frag_part *before,
                          const uint8_t *bytes, uint32_t offset, uint32_t count)
{
  struct frag_part *p = NULL;
  if (e->parts < FRAG_PIECES && frag_room(f, e, sizeof *p + count))
    p = mem_new_raw(f->mem, sizeof *p + count, ESTAB_MEM_NET);
  if (!p) return false;
  frag_charge(f, e, sizeof *p + count);
  p->offset = offset;
  p->count = count;
  memcpy(p->bytes, bytes, count);
  struct frag_part **link = before ? &before->next : &e->first;
  p->next = *link;
  *link = p;
  if (!p->next) e->last = p;
  e->received += count;
  e->parts++;
  return true;
}

// The last part that begins before `offset`, or NULL. In order, as fragments mostly come, at once.
static struct frag_part *frag_part_before(const struct frag_entry *e, uint32_t offset)
{
  if (!e->first || e->first->offset >= offset) return NULL;
  if (e->last->offset < offset) return e->last;
  struct frag_part *p = e->first;
  while (p->next && p->next->offset < offset)
    p = p->next;
  return p;
}

enum frag_fit { FRAG_FIT_NEW, FRAG_FIT_REPEATED, FRAG_FIT_OVERLAP };

static enum frag_fit frag_fits(const struct frag_piece *piece, const struct frag_part *before,
                               const struct frag_part *after)
{
  uint32_t end = piece->offset + (uint32_t)piece->count;
  if (before && before->offset + before->count > piece->offset) return FRAG_FIT_OVERLAP;
  if (!after || after->offset >= end) return FRAG_FIT_NEW;
  bool same = after->offset == piece->offset && after->count == piece->count &&
              memcmp(after->bytes, piece->bytes, piece->count) == 0;
  return same ? FRAG_FIT_REPEATED : FRAG_FIT_OVERLAP;
}

// FRAG_OVERLAP_FIRST and _LAST: settles what both have, then fills the gaps between parts.
static int frag_merge(struct frag *f, struct frag_entry *e, const struct frag_piece *piece)
{
  uint32_t at = piece->offset, end = piece->offset + (uint32_t)piece->count;
  struct frag_part *before = frag_part_before(e, at);
  struct frag_part *p = before ? before : e->first;
  if (before && before->offset + before->count <= at) p = before->next;
  for (; at < end; before = p, p = p->next) {
    uint32_t gap_end = p && p->offset < end ? p->offset : end;
    if (at < gap_end) {
      const uint8_t *bytes = piece->bytes + (at - piece->offset);
      if (!frag_part_add(f, e, before, bytes, at, gap_end - at)) return -ESTAB_DROP_FRAG_CAP;
      at = gap_end;
    }
    if (at == end || !p) break;
    uint32_t common = u32_min(end, p->offset + p->count) - at;
    uint8_t *there = p->bytes + (at - p->offset);
    const uint8_t *here = piece->bytes + (at - piece->offset);
    if (memcmp(there, here, common) != 0) {
      e->overlapped = true;
      if (f->settings.overlap == FRAG_OVERLAP_LAST) memcpy(there, here, common);
    }
    at += common;
  }
  return 0;
}

static int frag_insert(struct frag *f, struct frag_entry *e, const struct frag_piece *piece)
{
  struct frag_part *before = frag_part_before(e, piece->offset);
  switch (frag_fits(piece, before, before ? before->next : e->first)) {
  case FRAG_FIT_REPEATED: return 0;
  case FRAG_FIT_NEW:
    return frag_part_add(f, e, before, piece->bytes, piece->offset, (uint32_t)piece->count)
               ? 0
               : -ESTAB_DROP_FRAG_CAP;
  case FRAG_FIT_OVERLAP: break;
  }
  if (f->settings.overlap != FRAG_OVERLAP_DROP) return frag_merge(f, e, piece);
  // RFC 8200 4.5, RFC 5722 4: silently, and what still comes of it, too. IPv4 alike by choice.
  frag_parts_free(f, e);
  e->header_bytes = 0;
  e->poisoned = true;
  return -ESTAB_DROP_FRAG_OVERLAP;
}

// Whether the piece can belong to any datagram, and to this one.
static bool frag_bounds_ok(const struct frag_piece *piece)
{
  size_t header = piece->key.version == 4 ? piece->header_bytes : 0;
  return piece->count && piece->offset % 8 == 0 && !(piece->more && piece->count % 8) &&
         piece->offset + piece->count + header <= FRAG_PAYLOAD_BYTES;
}

static bool frag_end_ok(const struct frag_entry *e, const struct frag_piece *piece)
{
  uint32_t end = piece->offset + (uint32_t)piece->count;
  if (e->total) return piece->more ? end <= e->total : end == e->total;
  return piece->more || !e->last || e->last->offset + e->last->count <= end;
}

// ---------------------------------------------------------------------------------------------

// Header and the first `count` bytes of payload in one piece. False: no memory.
static bool frag_whole_make(struct frag *f, const struct frag_entry *e, uint32_t count,
                            struct frag_datagram *out)
{
  size_t bytes = e->header_bytes + (size_t)count;
  f->whole = mem_new_raw(f->mem, bytes, ESTAB_MEM_NET);
  if (!f->whole) return false;
  f->whole_bytes = bytes;
  memcpy(f->whole, e->header, e->header_bytes);
  for (const struct frag_part *p = e->first; p && p->offset < count; p = p->next)
    memcpy(f->whole + e->header_bytes + p->offset, p->bytes, p->count);
  out->header = f->whole;
  out->header_bytes = e->header_bytes;
  out->payload = f->whole + e->header_bytes;
  out->payload_bytes = count;
  return true;
}

static void frag_datagram_set(const struct frag_entry *e, struct frag_datagram *out)
{
  memset(out, 0, sizeof *out);
  out->key = e->key;
  out->frame_bytes = e->frame_bytes;
  out->protocol = e->protocol;
  out->ecn_seen = e->ecn_seen;
  out->overlapped = e->overlapped;
}

// All parts are there: hands the datagram out.
static int frag_complete(struct frag *f, struct frag_entry *e, struct frag_datagram *out)
{
  int answer = 0;
  size_t header = e->key.version == 4 ? e->header_bytes : 0;
  const unsigned cannot_and_did = 1u << ESTAB_ECN_NOT_ECT | 1u << ESTAB_ECN_CE;
  frag_datagram_set(e, out);
  if (e->total + header > FRAG_PAYLOAD_BYTES)
    answer = -ESTAB_DROP_FRAG_BOUNDS;
  else if ((e->ecn_seen & cannot_and_did) == cannot_and_did)
    answer = -ESTAB_DROP_FRAG_ECN;
  else if (!frag_whole_make(f, e, e->total, out))
    answer = -ESTAB_DROP_FRAG_CAP;
  frag_entry_free(f, e);
  return answer;
}

static int frag_take(struct frag *f, const struct frag_piece *piece, uint64_t now_ns,
                     struct frag_datagram *out)
{
  if (!f->buckets) {
    f->buckets = mem_new(f->mem, FRAG_BUCKETS * sizeof *f->buckets, ESTAB_MEM_TABLE);
    if (!f->buckets) return -ESTAB_DROP_FRAG_CAP;
  }
  struct frag_entry *e = frag_find(f, &piece->key);
  if (e && e->expires_ns <= now_ns) { // late to be expired, but no longer there
    frag_entry_free(f, e);
    e = NULL;
  }
  if (e && e->poisoned) return -ESTAB_DROP_FRAG_OVERLAP;
  if (!frag_bounds_ok(piece) || (e && !frag_end_ok(e, piece))) {
    if (e) frag_entry_free(f, e);
    return -ESTAB_DROP_FRAG_BOUNDS;
  }
  if (!e) e = frag_entry_new(f, &piece->key, now_ns);
  if (!e) return -ESTAB_DROP_FRAG_CAP;

  int answer = frag_insert(f, e, piece);
  if (answer) {
    if (!e->parts && !e->poisoned) frag_entry_free(f, e);
    return answer;
  }
  e->ecn_seen |= (uint8_t)(1u << piece->ecn);
  e->frame_bytes += piece->frame_bytes;
  if (!piece->more) e->total = piece->offset + (uint32_t)piece->count;
  if (piece->offset == 0 && !e->header_bytes) {
    e->header_bytes = (uint8_t)size_min(piece->header_bytes, FRAG_HEADER_BYTES);
    memcpy(e->header, piece->header, e->header_bytes);
    e->protocol = piece->protocol;
  }
  if (!e->total || e->received < e->total) return -ESTAB_DROP_FRAG_WAITING;
  return frag_complete(f, e, out);
}

int frag_input(struct frag *f, const struct frag_piece *piece, uint64_t now_ns,
               struct frag_datagram *out)
{
  // The piece may lie within the datagram that was given last: a fragment in a tunnel's joined packet.
  uint8_t *const last = f->whole;
  const size_t last_bytes = f->whole_bytes;
  f->whole = NULL;
  f->whole_bytes = 0;
  const int answer = frag_take(f, piece, now_ns, out);
  mem_free(f->mem, last, last_bytes, ESTAB_MEM_NET);
  return answer;
}

void frag_forget(struct frag *f, const struct frag_key *key)
{
  struct frag_entry *e = f->buckets ? frag_find(f, key) : NULL;
  if (e && !e->poisoned) frag_entry_free(f, e);
}

int frag_expire(struct frag *f, uint64_t now_ns, struct frag_datagram *out)
{
  frag_whole_free(f);
  if (frag_next_expiry(f) > now_ns) return 0;
  struct frag_entry *e = f->oldest4;
  if (!e || e->expires_ns > now_ns) e = f->oldest6;
  frag_datagram_set(e, out);
  if (e->header_bytes && !e->poisoned && e->first && e->first->offset == 0)
    frag_whole_make(f, e, e->first->count, out); // no memory: nothing to quote
  frag_entry_free(f, e);
  return 1;
}
