// SPDX-License-Identifier: BSD-2-Clause
// ip_paths.c - paths and routes against naive models: found, counted, lowered, forgotten; memory that fails.
#include "support/prop.h"

#include "base/rand.h"
#include "ip/ip.h"

enum { HOSTS = 150, STEPS = 3000 };

static const uint64_t key[2] = {3, 4};

// Two of the paths have each destination, from different addresses of ours: see us[n % 4].
static struct estab_ip host(unsigned n)
{
  n = n / 4 * 2 + n % 2;
  struct estab_ip ip = estab_ip4(10, 0, (uint8_t)(n >> 8), (uint8_t)(n + 2));
  if (n % 2) {
    memset(ip.bytes, 0, 16);
    ip.bytes[0] = 0x20;
    ip.bytes[15] = (uint8_t)(n + 2);
  }
  return ip;
}

struct world {
  struct prop_mem door;
  struct mem mem;
  struct rng rng;
  struct ip ip;
  struct estab_ip us[4]; // IPv4, IPv6, IPv4, IPv6
};

static void world_make(struct world *w)
{
  static const uint8_t secret[16] = {7};
  memset(w, 0, sizeof *w);
  mem_init(&w->mem, prop_mem_door(&w->door));
  rng_init(&w->rng, secret, (struct estab_random){0});
  ip_init(&w->ip, &w->mem, &w->rng, key);
  struct estab_netif_settings s = {.struct_bytes = sizeof s, .mtu = 1500};
  ip_netif_add(&w->ip, &s);
  w->us[0] = estab_ip4(10, 0, 0, 1);
  w->us[1].bytes[0] = 0x20;
  w->us[1].bytes[15] = 1;
  w->us[2] = estab_ip4(10, 0, 255, 255);
  w->us[2].bytes[15] = 254;
  w->us[3] = w->us[1];
  w->us[3].bytes[14] = 1;
  for (int i = 0; i < 4; i++)
    ip_address_add(&w->ip, 1, &w->us[i], i % 2 ? 64 : 16);
}

static bool paths_hold(struct prop_rng *r)
{
  struct world w;
  struct path *held[HOSTS] = {NULL};
  unsigned refs[HOSTS] = {0};
  uint16_t mtu[HOSTS];
  uint64_t until[HOSTS] = {0}, now = 0;
  struct ip_packet expired;
  world_make(&w);
  for (unsigned step = 0; step < STEPS; step++) {
    unsigned n = prop_below(r, HOSTS);
    struct estab_ip remote = host(n);
    now += prop_below(r, 2000000000);
    w.door.fail_after = prop_one_in(r, 10) ? prop_below(r, 3) : UINT64_MAX;
    if (prop_one_in(r, 3)) ip_handle_deadline(&w.ip, now, &expired);
    PROP_CHECK(ip_deadline(&w.ip) == ESTAB_NEVER || !prop_one_in(r, 3) || ip_deadline(&w.ip) > 0);
    struct path *p = NULL;
    switch (prop_below(r, 4)) {
    case 0:
    case 1:
      p = ip_path_get(&w.ip, &w.us[n % 4], &remote, 0, now);
      if (!p) {
        PROP_CHECK(!refs[n] && w.door.fail_after != UINT64_MAX);
        break;
      }
      PROP_CHECK(!refs[n] || held[n] == p);
      PROP_CHECK(memcmp(&p->remote, &remote, 16) == 0 && p->netif == 1);
      PROP_CHECK(p->refs == refs[n] + 1);
      if (!refs[n]++) mtu[n] = p->mtu; // may be remembered from before
      held[n] = p;
      break;
    case 2:
      if (!refs[n]) break;
      refs[n]--;
      ip_path_put(&w.ip, held[n]);
      break;
    default:
      if (!refs[n]) break;
      ip_handle_deadline(&w.ip, now, &expired);
      uint16_t lower = (uint16_t)(1280 + prop_below(r, 300));
      uint16_t before = held[n]->mtu, generation = held[n]->generation;
      uint64_t refused = w.mem.refused;
      int answer = ip_path_lower_mtu(&w.ip, held[n], lower, now);
      for (unsigned i = 0; i < HOSTS && w.mem.refused != refused; i++)
        if (refs[i] && i != n && held[i]->mtu == 1500) mtu[i] = 1500; // forgotten early
      if (answer == 1) {
        PROP_CHECK(lower < before && held[n]->mtu == lower);
        PROP_CHECK(held[n]->generation != generation);
        until[n] = now + IP_MTU_LIFETIME_NS;
      } else {
        PROP_CHECK(held[n]->mtu == before && held[n]->generation == generation);
        PROP_CHECK(answer == 0 ? lower >= before : answer == ESTAB_ERR_NO_MEMORY);
      }
      mtu[n] = held[n]->mtu;
    }
    ip_handle_deadline(&w.ip, now, &expired);
    for (unsigned i = 0; i < HOSTS; i++) {
      if (!refs[i]) continue;
      PROP_CHECK(held[i]->refs == refs[i]);
      if (until[i] <= now) mtu[i] = 1500;
      PROP_CHECK(held[i]->mtu == mtu[i]);
      struct estab_ip there = host(i);
      if (step % 64 == 0) PROP_CHECK(ip_path_find(&w.ip, &w.us[i % 4], &there, 1) == held[i]);
    }
    if (prop_one_in(r, 200)) ip_trim(&w.ip);
  }
  ip_destroy(&w.ip);
  PROP_CHECK(w.door.live_bytes == 0 && w.mem.in_use_bytes == 0);
  return true;
}

// Routes: the longest prefix that matches, found by looking at all of them bit by bit.
static bool routes_hold(struct prop_rng *r)
{
  struct world w;
  world_make(&w);
  struct {
    uint32_t prefix;
    unsigned bits;
    struct estab_ip gateway;
  } model[40];
  unsigned count = 0;
  for (unsigned i = 0; i < 40; i++) {
    unsigned bits = prop_below(r, 33);
    uint32_t prefix = (uint32_t)prop_u64(r) & 0x3f0f0f0f;
    if (bits < 32) prefix &= ~(UINT32_MAX >> bits);
    struct estab_ip p = estab_ip4((uint8_t)(prefix >> 24), (uint8_t)(prefix >> 16),
                                  (uint8_t)(prefix >> 8), (uint8_t)prefix);
    struct estab_ip gateway = estab_ip4(10, 0, 9, (uint8_t)(i + 1));
    PROP_CHECK(ip_route_add(&w.ip, 1, &p, bits, &gateway) == 0);
    unsigned k = 0;
    while (k < count && (model[k].bits != bits || model[k].prefix != prefix))
      k++;
    if (k == count) count++;
    model[k].prefix = prefix;
    model[k].bits = bits;
    model[k].gateway = gateway;
  }
  for (unsigned i = 0; i < 500; i++) {
    uint32_t to = (uint32_t)prop_u64(r) & 0x3f0f0f0f;
    if (to >> 24 == 0 || to >> 24 == 10) continue;
    struct estab_ip remote = estab_ip4((uint8_t)(to >> 24), (uint8_t)(to >> 16), (uint8_t)(to >> 8),
                                       (uint8_t)to),
                    any = {{0}};
    int best = -1;
    for (unsigned k = 0; k < count; k++) {
      bool match = model[k].bits == 0 || (model[k].prefix ^ to) >> (32 - model[k].bits) == 0;
      if (match && (best < 0 || model[k].bits > model[best].bits)) best = (int)k;
    }
    struct ip_route_result got;
    int answer = ip_route(&w.ip, &any, &remote, 0, &got);
    PROP_CHECK((answer == 0) == (best >= 0));
    if (best >= 0) PROP_CHECK(memcmp(&got.next_hop, &model[best].gateway, 16) == 0);
  }
  ip_destroy(&w.ip);
  PROP_CHECK(w.door.live_bytes == 0);
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"paths", paths_hold, 25}, {"routes", routes_hold, 200}};
  return prop_main(argc, argv, props, sizeof props / sizeof *props);
}
