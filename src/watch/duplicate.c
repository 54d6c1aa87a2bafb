// SPDX-License-Identifier: BSD-2-Clause
// duplicate.c - the same packet seen twice by one tap.
//
// The last packets are a ring of keyed hashes, found through chains that end where the ring has gone over them:
// what is remembered depends on time and number alone, never on the key. The hash is NH (Black, Halevi,
// Krawczyk, Krovetz, Rogaway: UMAC) over blocks, and pairs.h over what comes of them: two packets of one length
// meet with a chance of 2^-32 whoever made them, at the price of one multiplication for 8 bytes; where the compiler
// has integers of 128 bits, for 16 bytes and with a chance of 2^-44, since so many bits are remembered.
//
// Text that recall.h will have is not hashed: the headers say whether there can be a copy, and the texts themselves,
// compared, whether it is one.
#include <string.h>

#include "base/bytes.h"
#include "base/pairs.h"
#include "watch/duplicate.h"
#include "watch/rare.h"

#define DUPLICATE_BLOCK_BYTES 1024
#define DUPLICATE_KEYS        (DUPLICATE_BLOCK_BYTES / sizeof(duplicate_half))
#define DUPLICATE_EIGHT       (16 * sizeof(duplicate_half)) // octets of eight pairs

#ifdef __SIZEOF_INT128__
typedef uint64_t duplicate_half;
__extension__ typedef unsigned __int128 duplicate_word;
#else
typedef uint32_t duplicate_half;
typedef uint64_t duplicate_word;
#endif

// Four of them in a cache line.
struct watch_duplicate {
  uint32_t hash; // its upper half; the chain stands for the lowest bits
  uint32_t text; // where recall.h has its text, 0 = nowhere
  uint32_t ns;   // when it came, the low 48 bits
  uint16_t ns_high;
  uint16_t chain; // enum duplicate_chain
};

enum duplicate_chain {
  DUPLICATE_BEFORE = (1u << 12) - 1, // so many packets before it came the chain's next, 0 = none
  DUPLICATE_COPY = 1u << 12,         // its copies so far, two bits
  DUPLICATE_COPIES = 3u << 12,
  DUPLICATE_WHOLE = 1u << 14, // the hash is of all of it
};

#define DUPLICATE_TEXTS 4 // behind equal headers that are compared: more are no chance

_Static_assert(WATCH_DUPLICATE_PACKETS - 1 <= DUPLICATE_BEFORE, "a chain reaches over the ring");
_Static_assert(WATCH_DUPLICATE_COPIES <= DUPLICATE_COPIES / DUPLICATE_COPY, "two bits count");

// Two bits of a word for each hash that came lately, two generations of a ring's length each: where they have not both
// there is no copy, and the chain, which lies somewhere else each time, need not be read.
#define DUPLICATE_BITS 65536

struct watch_duplicates_table {
  uint64_t packets;   // so far; numbers begin with 1
  uint64_t newest_ns; // when the newest came
  uint32_t counts;    // so many of the newest; those before came longer ago than the window
  uint64_t lately[DUPLICATE_BITS / 64][2];
  uint32_t heads[WATCH_DUPLICATE_PACKETS]; // number of the newest of each chain, the low 32 bits
  uint32_t *head; // of the chain that the newest packet is still to join, or NULL
  struct watch_duplicate ring[WATCH_DUPLICATE_PACKETS];
  duplicate_half keys[DUPLICATE_KEYS];
  struct pairs_key joins[2];
};

void watch_duplicates_init(struct watch_duplicates *d, struct mem *mem, const uint64_t key[2])
{
  *d = (struct watch_duplicates){.mem = mem, .key = {key[0], key[1]}};
}

void watch_duplicates_destroy(struct watch_duplicates *d)
{
  mem_free(d->mem, d->table, sizeof *d->table, ESTAB_MEM_WATCH);
  d->table = NULL;
}

static WATCH_RARE bool watch_duplicates_table_make(struct watch_duplicates *d)
{
  d->table = mem_new(d->mem, sizeof *d->table, ESTAB_MEM_WATCH);
  if (!d->table) return false;
  for (uint64_t i = 0; i < DUPLICATE_KEYS; i++)
    d->table->keys[i] = (duplicate_half)siphash24_words(d->key, &i, 1);
  for (uint64_t i = 0; i < 2; i++)
    pairs_key_make(&d->table->joins[i], d->key, DUPLICATE_KEYS + i);
  return true;
}

static inline duplicate_word duplicate_product(const duplicate_half *keys, const uint8_t *p)
{
  duplicate_half a, b; // in the machine's byte order: the values stay inside
  memcpy(&a, p, sizeof a);
  memcpy(&b, p + sizeof a, sizeof b);
  return (duplicate_word)(duplicate_half)(a + keys[0]) * (duplicate_half)(b + keys[1]);
}

static inline duplicate_word duplicate_products4(const duplicate_half *keys, const uint8_t *p)
{
  const size_t pair = 2 * sizeof *keys;
  return duplicate_product(keys, p) + duplicate_product(keys + 2, p + pair) +
         duplicate_product(keys + 4, p + 2 * pair) + duplicate_product(keys + 6, p + 3 * pair);
}

// Of longer blocks: not in line, so that the others do not save the registers that it needs.
static __attribute__((noinline)) duplicate_word duplicate_eights(const duplicate_half *keys,
                                                                 const uint8_t *p, size_t eights)
{
  duplicate_word sum = 0;
  for (; eights > 0; eights--) {
    sum += duplicate_products4(keys, p);
    sum += duplicate_products4(keys + 8, p + 8 * sizeof *keys);
    p += DUPLICATE_EIGHT;
    keys += 16;
  }
  return sum;
}

// `bytes` is at most a block. A rest counts together with the octets before it once more, which saves a call to copy so
// few of them; where there are none, as if zeros followed.
static inline duplicate_word duplicate_block(const duplicate_half *keys, const uint8_t *p,
                                             size_t bytes)
{
  const size_t pair = 2 * sizeof *keys, eights = bytes / DUPLICATE_EIGHT;
  const uint8_t *const end = p + bytes;
  duplicate_word sum = bytes;
  if (eights > 0) sum += duplicate_eights(keys, p, eights);
  p += eights * DUPLICATE_EIGHT;
  keys += eights * 16;
  for (; (size_t)(end - p) >= pair; p += pair, keys += 2)
    sum += duplicate_product(keys, p);
  if (p == end) return sum;
  if (bytes >= pair) return sum + duplicate_product(keys, end - pair);
  uint8_t rest[2 * sizeof *keys] = {0};
  memcpy(rest, p, bytes);
  return sum + duplicate_product(keys, rest);
}

// What came of a block, and of those before it, to 64 bits; strongly universal.
#ifdef __SIZEOF_INT128__
static inline uint64_t duplicate_join(const struct pairs_key keys[2], uint64_t before,
                                      duplicate_word sum)
{
  // The same multilinear family as that of pairs.h, with words of 64 bits and keys of 128.
  const uint64_t *const k = keys[0].words;
  duplicate_word h = (duplicate_word)k[6] << 64 | k[7];
  h += ((duplicate_word)k[0] << 64 | k[1]) * (uint64_t)sum;
  h += ((duplicate_word)k[2] << 64 | k[3]) * (uint64_t)(sum >> 64);
  h += ((duplicate_word)k[4] << 64 | k[5]) * before;
  return (uint64_t)(h >> 64);
}
#else
static uint64_t duplicate_join(const struct pairs_key keys[2], uint64_t before, duplicate_word sum)
{
  uint64_t halves[2];
  for (unsigned i = 0; i < 2; i++) {
    uint64_t h = keys[i].words[PAIRS_WORDS];
    h = pairs_add(h, &keys[i], 0, (uint32_t)sum, (uint32_t)(sum >> 32));
    halves[i] = pairs_add(h, &keys[i], 2, (uint32_t)before, (uint32_t)(before >> 32)) >> 32;
  }
  return halves[0] << 32 | halves[1];
}
#endif

static __attribute__((noinline)) uint64_t duplicate_hash_long(
    const struct watch_duplicates_table *t, struct cursor c, uint64_t hash)
{
  while (c.left > 0) {
    const size_t bytes = size_min(c.left, DUPLICATE_BLOCK_BYTES);
    const uint8_t *const p = cursor_take(&c, bytes);
    hash = duplicate_join(t->joins, hash, duplicate_block(t->keys, p, bytes));
  }
  return hash;
}

// What of the packet's surroundings is in the key of its connection: copies that it makes two connections are none.
static inline uint64_t duplicate_around(const struct watch_duplicates *d,
                                        const struct watch_packet *p)
{
  const uint64_t vlan = d->key_vlan ? (uint32_t)p->vlan[0] << 12 | p->vlan[1] : 0;
  return vlan << 32 | p->tunnel_key;
}

static inline uint64_t duplicate_hash(const struct watch_duplicates *d,
                                      const struct watch_packet *p, size_t bytes)
{
  const struct watch_duplicates_table *const t = d->table;
  const uint64_t around = duplicate_around(d, p);
  uint64_t lengths = (uint64_t)p->ip_bytes << 32 | bytes;
  if (around != 0) lengths = duplicate_join(t->joins, lengths, around);
  if (bytes > DUPLICATE_BLOCK_BYTES)
    return duplicate_hash_long(t, (struct cursor){p->ip, bytes}, lengths);
  return duplicate_join(t->joins, lengths, duplicate_block(t->keys, p->ip, bytes));
}

// Saying nothing twice is no copy where nothing tells packets apart.
static bool duplicate_can_be_told(const struct watch_packet *p)
{
  if (p->kind == WATCH_KIND_SKIPPED) return false;
  if (p->fragment.id != 0) return true;
  if (p->kind != WATCH_KIND_TCP) return false;
  return p->payload_bytes > 0 || (p->tcp.flags & (ESTAB_TCP_SYN | ESTAB_TCP_FIN | ESTAB_TCP_RST));
}

// Whether recall.h will have all of its text, if the packet is none that came before.
static bool duplicate_is_recalled(const struct watch_duplicates *d, const struct watch_packet *p)
{
  return d->recall && p->kind == WATCH_KIND_TCP && p->payload_bytes >= RECALL_TEXT_MIN &&
         p->payload_bytes <= RECALL_TEXT && p->payload_captured_bytes == p->payload_bytes &&
         p->tcp_checksum == WATCH_CHECKSUM_OK && p->ip_checksum == WATCH_CHECKSUM_OK;
}

// Answers whether the bits of `hash` were set; sets them in the generation that runs.
static bool duplicate_lately(struct watch_duplicates_table *t, uint64_t hash)
{
  const size_t word = (size_t)(hash >> 48) % DUPLICATE_BITS / 64;
  const uint64_t bits = UINT64_C(1) << (hash >> 48 & 63) | UINT64_C(1) << (hash >> 42 & 63);
  const unsigned now = (unsigned)(t->packets / WATCH_DUPLICATE_PACKETS) & 1;
  const bool there = ((t->lately[word][0] | t->lately[word][1]) & bits) == bits;
  t->lately[word][now] |= bits;
  return there;
}

// The oldest generation is over.
static __attribute__((noinline)) void duplicate_turn(struct watch_duplicates_table *t)
{
  const unsigned next = (unsigned)(t->packets / WATCH_DUPLICATE_PACKETS) & 1;
  for (unsigned word = 0; word < DUPLICATE_BITS / 64; word++)
    t->lately[word][next] = 0;
}

// The newest packet joins its chain when the next one comes: by then the head of it is there.
static void duplicate_join_chain(struct watch_duplicates_table *t)
{
  if (!t->head) return;
  const uint32_t back = (uint32_t)t->packets - *t->head;
  if (back <= DUPLICATE_BEFORE)
    t->ring[t->packets % WATCH_DUPLICATE_PACKETS].chain |= (uint16_t)back;
  *t->head = (uint32_t)t->packets;
  t->head = NULL;
}

// Whether it came longer ago than the window. Those that are remembered came within minutes.
static bool duplicate_is_past(const struct watch_duplicate *e, uint64_t ts_ns)
{
  const uint64_t age_ns = ts_ns - ((uint64_t)e->ns_high << 32 | e->ns);
  return (int64_t)(age_ns << 16) > (int64_t)(WATCH_DUPLICATE_WINDOW_NS << 16);
}

// Whether a packet of equal hash is the same one. `texts` are left to be compared.
static WATCH_RARE bool duplicate_is(const struct watch_duplicates *d,
                                    const struct watch_duplicate *e, const struct watch_packet *p,
                                    bool recalled, unsigned *texts)
{
  if (!recalled) return (e->chain & DUPLICATE_WHOLE) != 0;
  if (e->chain & DUPLICATE_WHOLE || *texts == 0) return false;
  --*texts;
  return recall_has(d->recall, e->text, p->payload, p->payload_bytes);
}

// A packet that is no copy becomes the newest one.
static void duplicate_add(struct watch_duplicates *d, uint64_t hash, uint64_t ts_ns, bool recalled)
{
  struct watch_duplicates_table *t = d->table;
  t->packets++;
  if (t->packets % WATCH_DUPLICATE_PACKETS == 0) duplicate_turn(t);
  if (t->counts < WATCH_DUPLICATE_PACKETS) t->counts++;
  t->newest_ns = ts_ns;
  struct watch_duplicate *const new = &t->ring[t->packets % WATCH_DUPLICATE_PACKETS];
  *new = (struct watch_duplicate){.hash = (uint32_t)(hash >> 32),
                                  .ns = (uint32_t)ts_ns,
                                  .ns_high = (uint16_t)(ts_ns >> 32),
                                  .chain = recalled ? 0 : DUPLICATE_WHOLE};
  if (recalled) d->text = &new->text;
  t->head = &t->heads[hash % WATCH_DUPLICATE_PACKETS];
  __builtin_prefetch(t->head, 1);
}

bool watch_duplicate_seen(struct watch_duplicates *d, const struct watch_packet *p, uint64_t ts_ns)
{
  d->text = NULL;
  if (!duplicate_can_be_told(p)) return false;
  if (!d->table && !watch_duplicates_table_make(d)) return false;
  struct watch_duplicates_table *t = d->table;
  const bool recalled = duplicate_is_recalled(d, p);
  const uint64_t hash =
      duplicate_hash(d, p, recalled ? (size_t)(p->payload - p->ip) : p->ip_captured_bytes);
  duplicate_join_chain(t);
  if (ts_ns > t->newest_ns + WATCH_DUPLICATE_WINDOW_NS) t->counts = 0;

  if (duplicate_lately(t, hash)) {
    unsigned texts = DUPLICATE_TEXTS; // then no other is looked at, however many came
    uint32_t back = (uint32_t)t->packets - t->heads[hash % WATCH_DUPLICATE_PACKETS], before = 1;
    for (; back < t->counts && texts > 0 && before != 0; back += before) {
      struct watch_duplicate *e = &t->ring[(t->packets - back) % WATCH_DUPLICATE_PACKETS];
      if (duplicate_is_past(e, ts_ns)) break;
      if (e->hash == hash >> 32 && duplicate_is(d, e, p, recalled, &texts)) {
        if ((e->chain & DUPLICATE_COPIES) == WATCH_DUPLICATE_COPIES * DUPLICATE_COPY)
          break; // no mirror: a flood
        e->chain = (uint16_t)(e->chain + DUPLICATE_COPY);
        return true;
      }
      before = e->chain & DUPLICATE_BEFORE;
    }
  }
  duplicate_add(d, hash, ts_ns, recalled);
  return false;
}

void watch_duplicate_forget(struct watch_duplicates *d)
{
  if (d->table) d->table->head = NULL; // it joins no chain
}
