// SPDX-License-Identifier: BSD-2-Clause
// cookies.c - Fast Open cookies: keys, the cookies made with them, and the table of servers' cookies.
#include "tcp/cookies.h"
#include "base/bytes.h"
#include "base/tuple.h"
#include <string.h>

#define COOKIES_TABLE_BYTES (COOKIES_SETS * COOKIES_WAYS * sizeof(struct cookie))

static uint32_t cookies_seconds(uint64_t now_ns)
{
  return (uint32_t)(now_ns / 1000000000u);
}

// ---- Those we give

static void cookies_key_of(const struct cookies *c, uint64_t epoch, uint64_t key[2])
{
  for (unsigned half = 0; half < 2; half++) {
    const uint64_t words[2] = {epoch, half};
    key[half] = siphash24_words(c->master, words, 2);
  }
}

// RFC 7413 4.1.2 and 5.2: a key has its time, so that a cookie that was found out has, too.
static void cookies_turn(struct cookies *c, uint64_t now_ns)
{
  const uint64_t epoch = now_ns / COOKIE_KEY_LIFE_NS + 1;
  if (c->key_is_users || epoch == c->epoch) return;
  c->epoch = epoch;
  cookies_key_of(c, epoch, c->key[0]);
  cookies_key_of(c, epoch - 1, c->key[1]);
}

void cookies_init(struct cookies *c, const uint64_t secret[2], const uint64_t table_key[2],
                  uint64_t now_ns)
{
  const uint64_t name[2][2] = {{0, 7413},
                               {1, 7413}}; // a key of its own out of one with another use
  *c = (struct cookies){
      .master = {siphash24_words(secret, name[0], 2), siphash24_words(secret, name[1], 2)},
      .table_key = {table_key[0], table_key[1]}};
  cookies_turn(c, now_ns);
}

void cookies_destroy(struct cookies *c, struct mem *mem)
{
  if (c->table) mem_free(mem, c->table, COOKIES_TABLE_BYTES, ESTAB_MEM_TABLE);
  c->table = NULL;
}

void cookies_set_key(struct cookies *c, const uint8_t key[16])
{
  const uint64_t words[2] = {get_le64(key), get_le64(key + 8)};
  if (c->key_is_users && words[0] == c->key[0][0] && words[1] == c->key[0][1]) return;
  memcpy(c->key[1], c->key[0], sizeof c->key[1]);
  memcpy(c->key[0], words, sizeof words);
  c->key_is_users = true;
}

static uint64_t cookies_hash(const uint64_t key[2], const struct estab_ip *local,
                             const struct estab_ip *remote)
{
  uint8_t bytes[32]; // the client's address first, as in his packets
  const size_t skip = ip_is_mapped(local) && ip_is_mapped(remote) ? 12 : 0, n = 16 - skip;
  memcpy(bytes, remote->bytes + skip, n);
  memcpy(bytes + n, local->bytes + skip, n);
  return siphash24(key, bytes, 2 * n);
}

static void cookies_put(uint64_t hash, uint8_t *out)
{
  for (unsigned i = 0; i < COOKIE_BYTES; i++)
    out[i] = (uint8_t)(hash >> (8 * i));
}

void cookies_make(struct cookies *c, const struct estab_ip *local, const struct estab_ip *remote,
                  uint64_t now_ns, uint8_t *out)
{
  cookies_turn(c, now_ns);
  cookies_put(cookies_hash(c->key[0], local, remote), out);
}

enum cookie_verdict cookies_check(struct cookies *c, const struct estab_ip *local,
                                  const struct estab_ip *remote, const uint8_t *bytes, size_t n,
                                  uint64_t now_ns)
{
  if (n != COOKIE_BYTES) return COOKIE_BAD;
  cookies_turn(c, now_ns);
  uint64_t sent = get_le64(bytes);
  if (sent == cookies_hash(c->key[0], local, remote)) return COOKIE_GOOD;
  return sent == cookies_hash(c->key[1], local, remote) ? COOKIE_OF_OLD_KEY : COOKIE_BAD;
}

// ---- Those we were given

static struct cookie *cookies_set_of(const struct cookies *c, const struct estab_ip *local,
                                     const struct estab_ip *remote)
{
  const struct estab_tuple tuple = {*local, *remote, 0, 0};
  const uint64_t words[4] = {tuple_word(&tuple, 0), tuple_word(&tuple, 1), tuple_word(&tuple, 2),
                             tuple_word(&tuple, 3)};
  return c->table + siphash13_words(c->table_key, words, 4) % COOKIES_SETS * COOKIES_WAYS;
}

struct cookie *cookies_find(const struct cookies *c, const struct estab_ip *local,
                            const struct estab_ip *remote)
{
  if (!c->table) return NULL;
  struct cookie *set = cookies_set_of(c, local, remote);
  for (unsigned i = 0; i < COOKIES_WAYS; i++)
    if (set[i].live && estab_ip_equal(&set[i].remote, remote) &&
        estab_ip_equal(&set[i].local, local))
      return &set[i];
  return NULL;
}

struct cookie *cookies_place(struct cookies *c, struct mem *mem, const struct estab_ip *local,
                             const struct estab_ip *remote, uint64_t now_ns)
{
  struct cookie *k = cookies_find(c, local, remote);
  if (!k) {
    if (!c->table) c->table = mem_new(mem, COOKIES_TABLE_BYTES, ESTAB_MEM_TABLE);
    if (!c->table) return NULL;
    struct cookie *set = cookies_set_of(c, local, remote);
    k = set;
    for (unsigned i = 1; i < COOKIES_WAYS && k->live; i++)
      if (!set[i].live || (int32_t)(set[i].used_s - k->used_s) < 0) k = &set[i];
    *k = (struct cookie){.local = *local, .remote = *remote, .live = true};
  }
  k->used_s = cookies_seconds(now_ns);
  return k;
}

static struct cookie_port *cookie_port_of(struct cookie *k, uint16_t port)
{
  struct cookie_port *p = k->ports;
  for (unsigned i = 0; i < COOKIE_PORTS; i++)
    if (k->ports[i].port == port) return &k->ports[i];
  for (unsigned i = 1; i < COOKIE_PORTS && p->port != 0; i++)
    if (k->ports[i].port == 0 || (int32_t)(k->ports[i].denied_s - p->denied_s) < 0)
      p = &k->ports[i];
  *p = (struct cookie_port){.port = port};
  return p;
}

static void cookie_port_deny(struct cookie_port *p, uint32_t wait_s, uint64_t now_ns)
{
  p->denied_s = cookies_seconds(now_ns) + wait_s;
  if (p->denied_s == 0) p->denied_s = 1; // 0: nothing is denied
}

void cookie_deny(struct cookie *k, uint16_t port, uint64_t now_ns)
{
  cookie_port_deny(cookie_port_of(k, port), COOKIE_REFUSED_S, now_ns);
}

void cookie_lost(struct cookie *k, uint16_t port, bool request, uint64_t now_ns)
{
  struct cookie_port *p = cookie_port_of(k, port);
  if (request && p->losses == 0) {
    p->losses = 1;
    return;
  }
  cookie_port_deny(p, COOKIE_LOST_S << p->losses, now_ns);
  if (p->losses < COOKIE_LOSSES_COUNT) p->losses++;
}

void cookie_allow(struct cookie *k, uint16_t port)
{
  for (unsigned i = 0; i < COOKIE_PORTS; i++)
    if (k->ports[i].port == port) k->ports[i] = (struct cookie_port){0};
}

bool cookie_is_denied(const struct cookie *k, uint16_t port, uint64_t now_ns)
{
  for (unsigned i = 0; i < COOKIE_PORTS; i++) {
    const struct cookie_port *p = &k->ports[i];
    if (p->port == port && p->denied_s != 0)
      return (int32_t)(p->denied_s - cookies_seconds(now_ns)) > 0;
  }
  return false;
}
