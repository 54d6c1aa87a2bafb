// SPDX-License-Identifier: BSD-2-Clause
// scan_set.c - sets of fingerprints that count exactly first, then nearly.
#include <string.h>

#include "watch/scan_set.h"
#include "base/hash.h"

#define SCAN_SET_6 (UINT64_C(1) << 63) // of a slot: an address of IPv6

void *scan_pool_resize(struct scan_pool *pool, void *p, size_t old_bytes, size_t new_bytes)
{
  if (!p) old_bytes = 0;
  if (new_bytes > old_bytes && pool->used_bytes + (new_bytes - old_bytes) > pool->limit_bytes)
    return NULL;
  void *q = mem_resize(pool->mem, p, old_bytes, new_bytes, ESTAB_MEM_WATCH);
  if (q || new_bytes == 0) pool->used_bytes = pool->used_bytes - old_bytes + new_bytes;
  return q;
}

uint64_t scan_fixed_hash(const uint64_t *words, size_t count)
{
  static const uint64_t key[2] = {UINT64_C(0x6573746162207761), UINT64_C(0x746368207363616e)};
  return siphash13_words(key, words, count);
}

// And keeps it at its place of those asked for last.
uint64_t scan_fingerprint_make(struct scan_pool *pool, const struct estab_ip *ip, uint32_t with,
                               uint32_t at)
{
  const uint64_t words[3] = {get_be64(ip->bytes), get_be64(ip->bytes + 8), with};
  pool->prints[at].ip = *ip;
  pool->prints[at].with = with;
  return pool->prints[at].print = scan_fixed_hash(words, 3);
}

static void scan_set_register(struct scan_set *s, uint64_t fingerprint, bool *moved)
{
  uint32_t place = (uint32_t)(fingerprint & (SCAN_SET_REGISTERS - 1));
  uint64_t rest = fingerprint >> 10;
  uint8_t rank = 1;
  while (!(rest & 1) && rank < 32) {
    rest >>= 1;
    rank++;
  }
  *moved = rank > s->registers[place];
  if (*moved) s->registers[place] = rank;
}

// What a slot says of an address. IPv4: 27 bits, and one of 32 for the address. IPv6: a fingerprint without its upper
// bit, which no register asks for.
static uint64_t scan_set_word(struct scan_pool *pool, const struct estab_ip *ip)
{
  if (!ip_is_mapped(ip)) return scan_fingerprint(pool, ip, 0) | SCAN_SET_6;
  const uint32_t host = get_be32(ip->bytes + 12);
  return (uint64_t)(host >> 5) << 32 | UINT32_C(1) << (host & 31);
}

// Whether two words are of neighbours, or of the same address of IPv6.
static bool scan_set_beside(uint64_t a, uint64_t b)
{
  const uint64_t differ = a ^ b;
  return a & SCAN_SET_6 ? differ == 0 : differ >> 32 == 0;
}

// The slot of a word's neighbours, or the free one where it would be.
static uint32_t scan_set_slot(const struct scan_set *s, const struct scan_pool *pool, uint64_t word)
{
  const uint64_t last = s->last < s->room ? s->slots[s->last] : 0;
  if (last && scan_set_beside(last, word)) return s->last;
  const uint32_t low = word & SCAN_SET_6 ? (uint32_t)word : 0;
  const uint64_t hash =
      pairs_add(pool->key.words[PAIRS_WORDS], &pool->key, 2, (uint32_t)(word >> 32), low);
  uint32_t i = scan_share((uint32_t)(hash >> 32), s->room);
  while (s->slots[i] && !scan_set_beside(s->slots[i], word))
    i = (i + 1) & (s->room - 1);
  return i;
}

// The fingerprints of a slot's members into the registers.
static void scan_set_register_all(struct scan_set *s, struct scan_pool *pool, uint64_t slot)
{
  bool moved;
  if (slot & SCAN_SET_6) {
    scan_set_register(s, slot, &moved);
    return;
  }
  struct estab_ip ip = {{[10] = 0xff, [11] = 0xff}};
  for (uint32_t n = 0; n < 32; n++) {
    if (!(slot >> n & 1)) continue;
    put_be32(ip.bytes + 12, (uint32_t)(slot >> 32) << 5 | n);
    scan_set_register(s, scan_fingerprint(pool, &ip, 0), &moved);
  }
}

// Twice the room, or registers when that is too much. false: no memory.
static bool scan_set_grow(struct scan_set *s, struct scan_pool *pool)
{
  struct scan_set next = {.room = s->room ? s->room * 2 : 16, .used = s->used, .count = s->count};
  if (s->count < SCAN_SET_EXACT)
    next.slots = scan_pool_resize(pool, NULL, 0, next.room * sizeof *next.slots);
  if (next.slots) {
    memset(next.slots, 0, next.room * sizeof *next.slots);
  } else {
    next = (struct scan_set){.registers = scan_pool_resize(pool, NULL, 0, SCAN_SET_REGISTERS)};
    if (!next.registers) return false;
    memset(next.registers, 0, SCAN_SET_REGISTERS);
  }
  for (uint32_t i = 0; i < s->room; i++) {
    if (!s->slots[i]) continue;
    if (next.slots)
      next.slots[scan_set_slot(&next, pool, s->slots[i])] = s->slots[i];
    else
      scan_set_register_all(&next, pool, s->slots[i]);
  }
  (void)scan_pool_resize(pool, s->slots, s->room * sizeof *s->slots, 0);
  *s = next;
  return true;
}

bool scan_set_add(struct scan_set *s, struct scan_pool *pool, const struct estab_ip *ip)
{
  const bool full = s->used >= s->room / 4 * 3 || s->count >= SCAN_SET_EXACT;
  if (!s->registers && full && !scan_set_grow(s, pool)) return false;
  if (s->registers) {
    bool moved;
    scan_set_register(s, scan_fingerprint(pool, ip, 0), &moved);
    return moved;
  }
  const uint64_t word = scan_set_word(pool, ip);
  s->last = scan_set_slot(s, pool, word);
  uint64_t *const slot = &s->slots[s->last];
  if ((*slot & word) == word) return false;
  s->used += !*slot;
  s->count++;
  *slot |= word;
  return true;
}

uint64_t scan_set_count(const struct scan_set *s)
{
  if (!s->registers) return s->count;
  uint64_t sum = 0; // of 2^-register, in units of 2^-32
  for (unsigned i = 0; i < SCAN_SET_REGISTERS; i++)
    sum += UINT64_C(1) << (32 - s->registers[i]);
  // alpha m^2 2^32, alpha = 0.7213 / (1 + 1.079 / 1024). Thousands of members fill every register: no
  // correction for few is needed.
  return UINT64_C(3245027090684401) / sum;
}

void scan_set_free(struct scan_set *s, struct scan_pool *pool)
{
  (void)scan_pool_resize(pool, s->slots, s->room * sizeof *s->slots, 0);
  (void)scan_pool_resize(pool, s->registers, SCAN_SET_REGISTERS, 0);
  memset(s, 0, sizeof *s);
}

bool scan_seen_init(struct scan_seen *s, struct mem *mem, uint32_t words)
{
  memset(s, 0, sizeof *s);
  s->words = words;
  for (int i = 0; i < 2; i++) {
    s->bits[i] = mem_new(mem, words * sizeof(uint64_t), ESTAB_MEM_WATCH);
    if (!s->bits[i]) {
      scan_seen_destroy(s, mem);
      return false;
    }
  }
  return true;
}

void scan_seen_destroy(struct scan_seen *s, struct mem *mem)
{
  for (int i = 0; i < 2; i++)
    mem_free(mem, s->bits[i], s->words * sizeof(uint64_t), ESTAB_MEM_WATCH);
  memset(s, 0, sizeof *s);
}

static bool scan_seen_in(const uint64_t *bits, uint32_t words, uint64_t fingerprint)
{
  uint32_t a = (uint32_t)fingerprint, b = (uint32_t)(fingerprint >> 32);
  return bits[(a >> 6) & (words - 1)] >> (a & 63) & bits[(b >> 6) & (words - 1)] >> (b & 63) & 1;
}

static void scan_seen_write(struct scan_seen *s, uint64_t fingerprint)
{
  if (scan_seen_in(s->bits[0], s->words, fingerprint)) return;
  if (s->added >= s->words * 6) { // a tenth of the bits: 1 in 30 strangers is found
    uint64_t *older = s->bits[1];
    s->bits[1] = s->bits[0];
    s->bits[0] = older;
    memset(older, 0, s->words * sizeof *older);
    s->added = 0;
  }
  uint32_t a = (uint32_t)fingerprint, b = (uint32_t)(fingerprint >> 32);
  s->bits[0][(a >> 6) & (s->words - 1)] |= UINT64_C(1) << (a & 63);
  s->bits[0][(b >> 6) & (s->words - 1)] |= UINT64_C(1) << (b & 63);
  s->added++;
}

static void scan_seen_settle(struct scan_seen *s)
{
  if (s->waits) scan_seen_write(s, s->waiting);
  s->waits = false;
}

bool scan_seen_has(struct scan_seen *s, uint64_t fingerprint)
{
  scan_seen_settle(s);
  return scan_seen_in(s->bits[0], s->words, fingerprint) ||
         scan_seen_in(s->bits[1], s->words, fingerprint);
}

void scan_seen_add(struct scan_seen *s, uint64_t fingerprint)
{
  scan_seen_settle(s);
  s->waiting = fingerprint;
  s->waits = true;
  __builtin_prefetch(&s->bits[0][((uint32_t)fingerprint >> 6) & (s->words - 1)], 1);
  __builtin_prefetch(&s->bits[0][((uint32_t)(fingerprint >> 32) >> 6) & (s->words - 1)], 1);
}
