// SPDX-License-Identifier: BSD-2-Clause
// test_path.c - paths: sharing, learned MTUs with their floors and their end, the small cache.
#include "ip_world.h"

static struct estab_ip host4(unsigned n)
{
  return estab_ip4(10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n);
}

static void shared_and_counted(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct path *a = ip_path_get(&w.ip, &w.us4, &w.peer4, 0, 0);
  assert_non_null(a);
  assert_int_equal(a->netif, 1);
  assert_int_equal(a->mtu, 1500);
  assert_int_equal(a->device_mtu, 1500);
  assert_int_equal(a->link_header_bytes, 0);
  assert_ptr_equal(ip_path_get(&w.ip, &w.us4, &w.peer4, 1, 0), a);
  assert_int_equal(a->refs, 2);
  assert_ptr_equal(ip_path_find(&w.ip, &w.us4, &w.peer4, 1), a);
  assert_null(ip_path_find(&w.ip, &w.peer4, &w.us4, 1));
  struct estab_ip us_too = world_ip("192.0.2.9");
  assert_int_equal(ip_address_add(&w.ip, 1, &us_too, 24), 0);
  struct path *b = ip_path_get(&w.ip, &us_too, &w.peer4, 0, 0); // another source, another path
  assert_ptr_not_equal(a, b);
  assert_memory_equal(&b->local, &us_too, 16);
  ip_path_put(&w.ip, b);
  struct path *six = ip_path_get(&w.ip, &w.us6, &w.peer6, 0, 0);
  assert_non_null(six);
  assert_true(six->flow_label && six->flow_label <= 0xfffff);
  struct estab_ip group = world_ip("224.0.0.1");
  assert_null(ip_path_get(&w.ip, &w.us4, &group, 0, 0));
  struct path *inside = ip_path_get(&w.ip, &w.us4, &w.us4, 0, 0);
  assert_non_null(inside);
  assert_int_equal(inside->netif, 0);
  assert_int_equal(inside->mtu, 65535);
  ip_path_put(&w.ip, a);
  ip_path_put(&w.ip, a);
  assert_ptr_equal(ip_path_find(&w.ip, &w.us4, &w.peer4, 1), a); // remembered
  ip_trim(&w.ip);
  assert_null(ip_path_find(&w.ip, &w.us4, &w.peer4, 1));
  ip_path_put(&w.ip, six);
  ip_path_put(&w.ip, inside);
  world_end(&w);
}

static void small(void **state)
{
  (void)state;
  assert_true(sizeof(struct path) <= 88); // and 4 to 8 in the table: once a connection
}

// ATTACKS B12: which MTUs are believed.
// [RFC 8200 M4, RFC 8201 M5]
static void floors(void **state)
{
  (void)state;
  static const struct {
    uint32_t mtu;
    uint16_t then4, then6; // from 1500
  } table[] = {
      {0, 552, 1500},
      {1, 552, 1500},
      {40, 552, 1500},
      {48, 552, 1500},
      {55, 552, 1500},
      {67, 552, 1500},
      {68, 552, 1500},
      {551, 552, 1500},
      {552, 552, 1500},
      {553, 553, 1500},
      {1279, 1279, 1500},
      {1280, 1280, 1280},
      {1499, 1499, 1499},
      {1500, 1500, 1500},
      {1501, 1500, 1500},
      {65535, 1500, 1500},
      {65536 + 600, 1500, 1500},
      {UINT32_MAX, 1500, 1500},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct world w;
    world_make(&w);
    struct path *p4 = ip_path_get(&w.ip, &w.us4, &w.peer4, 0, 0);
    struct path *p6 = ip_path_get(&w.ip, &w.us6, &w.peer6, 0, 0);
    struct estab_ip elsewhere = world_ip("2001:db8:1::77");
    struct path *other = ip_path_get(&w.ip, &w.us6, &elsewhere, 0, 0);
    uint16_t g4 = p4->generation, g6 = p6->generation;
    int a4 = ip_path_lower_mtu(&w.ip, p4, table[i].mtu, 0);
    int a6 = ip_path_lower_mtu(&w.ip, p6, table[i].mtu, 0);
    assert_int_equal(p4->mtu, table[i].then4);
    assert_int_equal(p6->mtu, table[i].then6);
    assert_int_equal(a4, table[i].then4 != 1500);
    assert_int_equal(a6, table[i].then6 != 1500);
    assert_int_equal(p4->generation != g4, a4);
    assert_int_equal(p6->generation != g6, a6);
    assert_int_equal(p4->device_mtu, 1500);
    assert_int_equal(other->mtu, 1500);
    ip_path_put(&w.ip, other);
    ip_path_put(&w.ip, p4);
    ip_path_put(&w.ip, p6);
    world_end(&w);
  }
}

static void forgotten_after_ten_minutes(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct ip_packet expired;
  struct path *p = ip_path_get(&w.ip, &w.us4, &w.peer4, 0, 0);
  assert_int_equal(ip_deadline(&w.ip), ESTAB_NEVER);
  assert_int_equal(ip_path_lower_mtu(&w.ip, p, 1400, 5 * SECOND), 1);
  assert_int_equal(ip_deadline(&w.ip), 605 * SECOND);
  assert_int_equal(ip_path_lower_mtu(&w.ip, p, 1300, 100 * SECOND), 1); // starts anew
  assert_int_equal(ip_path_lower_mtu(&w.ip, p, 1350, 200 * SECOND), 0); // never up
  assert_int_equal(ip_deadline(&w.ip), 700 * SECOND);
  assert_int_equal(ip_handle_deadline(&w.ip, 700 * SECOND - 1, &expired), 0);
  assert_int_equal(p->mtu, 1300);
  uint16_t generation = p->generation;
  assert_int_equal(ip_handle_deadline(&w.ip, 700 * SECOND, &expired), 0);
  assert_int_equal(p->mtu, 1500);
  assert_int_not_equal(p->generation, generation);
  assert_int_equal(ip_deadline(&w.ip), ESTAB_NEVER);
  ip_path_put(&w.ip, p);
  world_end(&w);
}

static void survives_short_connections(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct path *p = ip_path_get(&w.ip, &w.us4, &w.peer4, 0, 0);
  ip_path_lower_mtu(&w.ip, p, 1400, 0);
  ip_path_put(&w.ip, p);
  for (unsigned n = 0; n < IP_CACHED_PATHS - 1; n++) {
    struct estab_ip host = host4(n);
    ip_path_put(&w.ip, ip_path_get(&w.ip, &w.us4, &host, 0, 0));
  }
  p = ip_path_get(&w.ip, &w.us4, &w.peer4, 0, SECOND);
  assert_int_equal(p->mtu, 1400);
  ip_path_put(&w.ip, p);
  for (unsigned n = 1000; n < 1000 + 2 * IP_CACHED_PATHS; n++) {
    struct estab_ip host = host4(n);
    ip_path_put(&w.ip, ip_path_get(&w.ip, &w.us4, &host, 0, 0));
  }
  assert_int_equal(w.ip.paths.count, IP_CACHED_PATHS); // bounded
  assert_null(ip_path_find(&w.ip, &w.us4, &w.peer4, 1));
  assert_int_equal(ip_deadline(&w.ip), ESTAB_NEVER); // the learned MTU went with its path
  world_end(&w);
}

static void interface_mtu_reaches_paths(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct path *p = ip_path_get(&w.ip, &w.us4, &w.peer4, 0, 0);
  struct path *low = ip_path_get(&w.ip, &w.us6, &w.peer6, 0, 0);
  ip_path_lower_mtu(&w.ip, low, 1300, 0);
  uint16_t g = p->generation;
  assert_int_equal(ip_netif_set_mtu(&w.ip, 1, 1400), 0);
  assert_int_equal(p->mtu, 1400);
  assert_int_not_equal(p->generation, g);
  assert_int_equal(low->mtu, 1300);
  assert_int_equal(ip_netif_set_mtu(&w.ip, 1, 9000), 0);
  assert_int_equal(p->mtu, 9000);
  assert_int_equal(low->mtu, 1300);
  assert_int_equal(low->device_mtu, 9000);
  ip_path_put(&w.ip, p);
  ip_path_put(&w.ip, low);
  world_end(&w);
}

static void route_change_moves_next_hop(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct estab_ip far = world_ip("203.0.113.1"), net = world_ip("203.0.113.0");
  struct path *p = ip_path_get(&w.ip, &w.us4, &far, 0, 0);
  p->neighbour = PATH_NEIGHBOUR_RESOLVED;
  struct estab_ip via = world_ip("192.0.2.200");
  assert_int_equal(ip_route_add(&w.ip, 1, &net, 24, &via), 0);
  assert_memory_equal(&p->next_hop, &via, 16);
  assert_int_equal(p->neighbour, PATH_NEIGHBOUR_NONE); // to be resolved again
  ip_path_put(&w.ip, p);
  world_end(&w);
}

// A path in link's waiting list must not be freed under it.
static void pending_is_kept(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct path *p = ip_path_get(&w.ip, &w.us4, &w.peer4, 0, 0);
  p->neighbour = PATH_NEIGHBOUR_PENDING;
  ip_path_put(&w.ip, p);
  for (unsigned n = 0; n < 3 * IP_CACHED_PATHS; n++) {
    struct estab_ip host = host4(n);
    ip_path_put(&w.ip, ip_path_get(&w.ip, &w.us4, &host, 0, 0));
  }
  ip_trim(&w.ip);
  assert_ptr_equal(ip_path_find(&w.ip, &w.us4, &w.peer4, 1), p);
  p->neighbour = PATH_NEIGHBOUR_FAILED;
  ip_path_settle(&w.ip, p);
  ip_trim(&w.ip);
  assert_null(ip_path_find(&w.ip, &w.us4, &w.peer4, 1));
  assert_int_equal(w.ip.paths.count, 0);
  world_end(&w);
}

static void many_lowered(void **state)
{
  (void)state;
  enum { N = IP_LOWERED_MAX + 100 };
  static struct path *paths[N];
  struct world w;
  struct ip_packet expired;
  world_make(&w);
  for (unsigned n = 0; n < N; n++) {
    struct estab_ip host = host4(n);
    paths[n] = ip_path_get(&w.ip, &w.us4, &host, 0, 0);
    assert_int_equal(ip_path_lower_mtu(&w.ip, paths[n], 1400, n), 1);
  }
  for (unsigned n = 0; n < N;
       n++) // the oldest were forgotten early, so that no more than the cap is kept
    assert_int_equal(paths[n]->mtu, n < 100 ? 1500 : 1400);
  for (unsigned n = 100; n < N; n += 3) // lowered again: out of their turn
    assert_int_equal(ip_path_lower_mtu(&w.ip, paths[n], 1300, N), 1);
  assert_int_equal(ip_handle_deadline(&w.ip, IP_MTU_LIFETIME_NS + N - 1, &expired), 0);
  unsigned still = 0;
  for (unsigned n = 0; n < N; n++)
    still += paths[n]->mtu != 1500;
  assert_true(still > 0 && still <= (N - 100) / 3 + 1);
  ip_handle_deadline(&w.ip, IP_MTU_LIFETIME_NS + N, &expired);
  for (unsigned n = 0; n < N; n++) {
    assert_int_equal(paths[n]->mtu, 1500);
    ip_path_put(&w.ip, paths[n]);
  }
  assert_int_equal(ip_deadline(&w.ip), ESTAB_NEVER);
  world_end(&w);
}

// The N-th request for memory fails, for every N: an error or a path, and everything goes back.
static void memory_fails(void **state)
{
  (void)state;
  bool clean = false;
  for (unsigned n = 0; n < 200 && !clean; n++) {
    struct world w;
    world_make(&w);
    w.door.fail_after = n;
    unsigned made = 0;
    for (unsigned k = 0; k < 40; k++) {
      struct estab_ip host = host4(k);
      struct path *p = ip_path_get(&w.ip, &w.us4, &host, 0, 0);
      if (!p) continue;
      made++;
      int answer = ip_path_lower_mtu(&w.ip, p, 1400, 0);
      assert_true(answer == 1 || answer == ESTAB_ERR_NO_MEMORY);
      assert_int_equal(p->mtu, answer == 1 ? 1400 : 1500);
      ip_path_put(&w.ip, p);
    }
    clean = w.mem.refused == 0;
    if (clean) assert_int_equal(made, 40);
    w.door.fail_after = UINT64_MAX;
    struct path *p = ip_path_get(&w.ip, &w.us4, &w.peer4, 0, 0); // and then it works again
    assert_non_null(p);
    ip_path_put(&w.ip, p);
    world_end(&w);
  }
  assert_true(clean);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shared_and_counted),
      cmocka_unit_test(small),
      cmocka_unit_test(floors),
      cmocka_unit_test(forgotten_after_ten_minutes),
      cmocka_unit_test(survives_short_connections),
      cmocka_unit_test(interface_mtu_reaches_paths),
      cmocka_unit_test(route_change_moves_next_hop),
      cmocka_unit_test(pending_is_kept),
      cmocka_unit_test(many_lowered),
      cmocka_unit_test(memory_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
