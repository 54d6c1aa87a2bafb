// SPDX-License-Identifier: BSD-2-Clause
// watch_targets.c - a campaign knows the targets and addresses it was told of and no others, however they lie.
//
// Ports in a row, addresses in a row, grids of both and targets anywhere, of both families; memory is refused at times.
// An array says what must be known.
#include "support/prop.h"

#include "base/bytes.h"
#include "watch/scan_campaign.h"

#define HOSTS 96
#define PORTS 96
#define STEPS 600

struct world {
  struct prop_mem door;
  struct mem mem;
  struct scan_pool pool;
  struct campaign it;
  struct scan_set set;
  bool known[2][HOSTS][PORTS], member[2][HOSTS];
  uint32_t count, members;
};

static struct estab_ip address(bool six, unsigned host)
{
  struct estab_ip ip = {{[10] = 0xff, [11] = 0xff, [12] = 10}};
  if (six) ip.bytes[0] = 0x20;
  ip.bytes[15] = (uint8_t)host;
  ip.bytes[13] = host % 7 == 6; // not all in one row
  return ip;
}

static bool tell(struct world *w, bool six, unsigned host, unsigned port)
{
  const struct campaign_probe probe = {
      .dst = address(six, host), .dst_port = (uint16_t)(port + 20), .answer = CAMPAIGN_WAITING};
  bool *const known = &w->known[six][host][port];
  if (campaign_target_note(&w->pool, &w->it, &probe)) {
    w->count += !*known;
    *known = true;
  } else
    PROP_CHECK(w->door.fail_after == 0 && !*known);
  PROP_CHECK(w->it.targets.count == w->count);

  bool *const member = &w->member[six][host];
  if (scan_set_add(&w->set, &w->pool, &probe.dst)) {
    PROP_CHECK(!*member);
    *member = true;
    w->members++;
  } else
    PROP_CHECK(*member || w->door.fail_after == 0);
  PROP_CHECK(scan_set_count(&w->set) == w->members);
  return true;
}

static bool knows(struct world *w, bool six, unsigned host, unsigned port)
{
  const struct estab_ip ip = address(six, host);
  bool close_by;
  PROP_CHECK(campaign_has(&w->pool, &w->it, &ip, (uint16_t)(port + 20), 0, &close_by) ==
             w->known[six][host][port]);
  return true;
}

// Some targets as scanners go through them.
static bool walk(struct world *w, struct prop_rng *r)
{
  const bool six = prop_one_in(r, 4), hosts = prop_one_in(r, 2), ports = prop_one_in(r, 2);
  unsigned host = prop_below(r, HOSTS), port = prop_below(r, PORTS);
  for (unsigned n = 1 + prop_below(r, 60); n > 0; n--) {
    if (!tell(w, six, host, port)) return false;
    if (!knows(w, prop_one_in(r, 2), prop_below(r, HOSTS), prop_below(r, PORTS))) return false;
    if (!hosts && !ports) {
      host = prop_below(r, HOSTS);
      port = prop_below(r, PORTS);
    }
    host = (host + hosts) % HOSTS;
    port = (port + (ports && (!hosts || host == 0))) % PORTS;
  }
  return true;
}

static bool knows_what_it_was_told(struct prop_rng *r)
{
  static struct world w;
  memset(&w, 0, sizeof w);
  mem_init(&w.mem, prop_mem_door(&w.door));
  w.pool.mem = &w.mem;
  w.pool.limit_bytes = UINT64_MAX / 2;
  const uint64_t secret[2] = {prop_u64(r), prop_u64(r)};
  pairs_key_make(&w.pool.key, secret, 0);
  bool ok = true;
  for (unsigned i = 0; ok && i < STEPS; i++) {
    if (prop_one_in(r, 20)) w.door.fail_after = prop_one_in(r, 4) ? 0 : UINT64_MAX;
    ok = walk(&w, r);
  }
  for (unsigned i = 0; ok && i < 2 * HOSTS * PORTS; i++)
    ok = knows(&w, i % 2, i / 2 % HOSTS, i / 2 / HOSTS);
  campaign_targets_free(&w.pool, &w.it);
  scan_set_free(&w.set, &w.pool);
  PROP_CHECK(w.door.live_bytes == 0 && w.pool.used_bytes == 0);
  return ok;
}

#define NUMBERS 65536

// Address number so and so: IPv4 side by side, or IPv6.
static struct estab_ip address_numbered(uint32_t number)
{
  struct estab_ip ip = {{[10] = 0xff, [11] = 0xff}};
  if (number % 16 == 15) ip.bytes[0] = 0x20;
  put_be32(ip.bytes + 12, number / 8192 << 24 | number % 8192); // 0.0.0.0 among them
  return ip;
}

// Addresses in a row and anywhere: each counts once, and more than are counted one by one nearly so.
static bool counts_addresses(struct prop_rng *r)
{
  static bool member[NUMBERS];
  struct prop_mem door = {.fail_after = UINT64_MAX};
  struct mem mem;
  mem_init(&mem, prop_mem_door(&door));
  struct scan_pool pool = {.mem = &mem, .limit_bytes = UINT64_MAX / 2};
  const uint64_t secret[2] = {prop_u64(r), prop_u64(r)};
  pairs_key_make(&pool.key, secret, 0);
  struct scan_set set = {0};
  memset(member, 0, sizeof member);
  uint32_t members = 0;
  while (members < SCAN_SET_EXACT * 2) {
    const bool walks = prop_one_in(r, 2);
    uint32_t at = prop_below(r, NUMBERS);
    for (unsigned n = prop_below(r, 400); n > 0; n--) {
      const bool one_by_one = !set.registers && set.count < SCAN_SET_EXACT;
      const struct estab_ip ip = address_numbered(at);
      const bool fresh = scan_set_add(&set, &pool, &ip);
      PROP_CHECK(!one_by_one || fresh == !member[at]);
      members += !member[at];
      member[at] = true;
      PROP_CHECK(!one_by_one || scan_set_count(&set) == members);
      at = walks ? (at + 1) % NUMBERS : prop_below(r, NUMBERS);
    }
  }
  const uint64_t count = scan_set_count(&set);
  PROP_CHECK(set.registers && count > members / 100 * 85 && count < members / 100 * 115);
  scan_set_free(&set, &pool);
  PROP_CHECK(door.live_bytes == 0 && pool.used_bytes == 0);
  return true;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"knows_what_it_was_told", knows_what_it_was_told, 20},
      {"counts_addresses", counts_addresses, 5},
  };
  return prop_main(argc, argv, props, 2);
}
