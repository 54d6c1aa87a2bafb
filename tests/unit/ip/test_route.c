// SPDX-License-Identifier: BSD-2-Clause
// test_route.c - longest prefix, next hop, source address.
#include "ip_world.h"

static const struct estab_ip any;

// [RFC 1122 M29, RFC 1122 M30, RFC 1122 M31]
static void next_hops(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct estab_netif_settings s = world_netif_settings(9000);
  struct estab_ip on_tun = world_ip("10.0.0.1"), net8 = world_ip("10.0.0.0");
  struct estab_ip net16 = world_ip("10.9.0.0"), via16 = world_ip("192.0.2.99");
  assert_int_equal(ip_netif_add(&w.ip, &s), 2);
  assert_int_equal(ip_address_add(&w.ip, 2, &on_tun, 24), 0);
  assert_int_equal(ip_route_add(&w.ip, 2, &net8, 8, NULL), 0);
  assert_int_equal(ip_route_add(&w.ip, 1, &net16, 16, &via16), 0);
  static const struct {
    const char *remote, *next_hop, *local;
    uint32_t netif;
  } table[] = {
      {"192.0.2.2", "192.0.2.2", "192.0.2.1", 1},     // on link
      {"203.0.113.5", "192.0.2.254", "192.0.2.1", 1}, // default
      {"10.0.0.77", "10.0.0.77", "10.0.0.1", 2},      // the address's own prefix
      {"10.200.1.1", "10.200.1.1", "10.0.0.1", 2},    // /8, on link
      {"10.9.1.1", "192.0.2.99", "192.0.2.1", 1},     // /16 is longer than /8
      {"2001:db8::9", "2001:db8::9", "2001:db8::1", 1},
      {"2001:dead::9", "2001:db8::fe", "2001:db8::1", 1},
      {"10.0.0.1", "10.0.0.1", "10.0.0.1", 0}, // ourselves
      {"192.0.2.1", "192.0.2.1", "192.0.2.1", 0},
      {"127.0.0.1", "127.0.0.1", "127.0.0.1", 0},
      {"::1", "::1", "::1", 0},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct estab_ip remote = world_ip(table[i].remote), hop = world_ip(table[i].next_hop);
    struct estab_ip local = world_ip(table[i].local);
    struct ip_route_result r;
    if (ip_route(&w.ip, &any, &remote, 0, &r) != 0) fail_msg("%s: no route", table[i].remote);
    if (!estab_ip_equal(&r.next_hop, &hop) || !estab_ip_equal(&r.local, &local) ||
        r.netif != table[i].netif)
      fail_msg("%s", table[i].remote);
    assert_int_equal(r.mtu, r.netif == 0 ? IP_LOOPBACK_MTU : r.netif == 1 ? 1500 : 9000);
  }
  // An address's own prefix goes before a route of the same length.
  struct estab_ip same = world_ip("10.0.0.0"), beside = world_ip("10.0.0.77");
  struct ip_route_result direct;
  assert_int_equal(ip_route_add(&w.ip, 1, &same, 24, &via16), 0);
  assert_int_equal(ip_route(&w.ip, &any, &beside, 0, &direct), 0);
  assert_memory_equal(&direct.next_hop, &beside, 16);
  // Of two default routers the one named last, whether it answers or not.
  struct estab_ip outside = world_ip("203.0.113.5");
  struct estab_ip zero = world_ip("0.0.0.0");
  assert_int_equal(ip_route_add(&w.ip, 1, &zero, 0, &via16), 0);
  assert_int_equal(ip_route(&w.ip, &any, &outside, 0, &direct), 0);
  assert_memory_equal(&direct.next_hop, &via16, 16);
  // The interface that was asked for, even by a shorter prefix.
  struct estab_ip remote = world_ip("10.9.1.1");
  struct ip_route_result r;
  assert_int_equal(ip_route(&w.ip, &any, &remote, 2, &r), 0);
  assert_int_equal(r.netif, 2);
  world_end(&w);
}

static void refusals(void **state)
{
  (void)state;
  struct world w;
  world_bare(&w);
  struct ip_route_result r;
  assert_int_equal(ip_route(&w.ip, &any, &w.peer4, 0, &r), ESTAB_ERR_UNREACHABLE);
  world_end(&w);
  world_make(&w);
  static const char *const unreachable[] = {"0.0.0.0",   "0.0.0.1",         "224.0.0.1",
                                            "240.0.0.1", "255.255.255.255", "192.0.2.255",
                                            "::",        "ff02::1"};
  for (size_t i = 0; i < sizeof unreachable / sizeof *unreachable; i++) {
    struct estab_ip remote = world_ip(unreachable[i]);
    if (ip_route(&w.ip, &any, &remote, 0, &r) != ESTAB_ERR_UNREACHABLE)
      fail_msg("%s", unreachable[i]);
  }
  struct estab_ip foreign = world_ip("192.0.2.77"), loopback = world_ip("127.0.0.1");
  assert_int_equal(ip_route(&w.ip, &foreign, &w.peer4, 0, &r), ESTAB_ERR_NOT_LOCAL);
  assert_int_equal(ip_route(&w.ip, &loopback, &w.peer4, 0, &r), ESTAB_ERR_NOT_LOCAL);
  assert_int_equal(ip_route(&w.ip, &foreign, &w.us4, 0, &r), ESTAB_ERR_NOT_LOCAL);
  assert_int_equal(ip_route(&w.ip, &w.us6, &w.peer4, 0, &r), ESTAB_ERR_INVALID);
  assert_int_equal(ip_route(&w.ip, &any, &w.peer4, 7, &r), ESTAB_ERR_INVALID);
  assert_int_equal(ip_route(&w.ip, &loopback, &w.us4, 0, &r), 0); // inside, that is fine
  assert_int_equal(ip_netif_set_up(&w.ip, 1, false), 0);
  assert_int_equal(ip_route(&w.ip, &any, &w.peer4, 0, &r), ESTAB_ERR_UNREACHABLE);
  assert_int_equal(ip_route(&w.ip, &any, &w.us4, 0, &r), 0);
  world_end(&w);
}

static void bad_routes(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct estab_ip net = world_ip("10.0.0.0"), group = world_ip("224.0.0.1");
  assert_int_equal(ip_route_add(&w.ip, 9, &net, 8, NULL), ESTAB_ERR_INVALID);
  assert_int_equal(ip_route_add(&w.ip, 1, &net, 33, NULL), ESTAB_ERR_INVALID);
  assert_int_equal(ip_route_add(&w.ip, 1, &net, 8, &group), ESTAB_ERR_INVALID);
  assert_int_equal(ip_route_add(&w.ip, 1, &net, 8, &w.peer6), ESTAB_ERR_INVALID);
  // The same prefix again: the gateway is replaced, not another route added.
  uint32_t before = w.ip.route_count;
  struct estab_ip zero = world_ip("0.0.0.0"), remote = world_ip("203.0.113.5");
  assert_int_equal(ip_route_add(&w.ip, 1, &zero, 0, &w.peer4), 0);
  assert_int_equal(w.ip.route_count, before);
  struct ip_route_result r;
  assert_int_equal(ip_route(&w.ip, &any, &remote, 0, &r), 0);
  assert_memory_equal(&r.next_hop, &w.peer4, 16);
  world_end(&w);
}

// [RFC 1122 M3]
// [RFC 1122 M34]
static void source_choice(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct estab_ip ll = world_ip("fe80::1"), ll_peer = world_ip("fe80::2");
  struct estab_ip other = world_ip("2001:db8:0:1::1"), far = world_ip("2001:db8:0:1::9");
  assert_int_equal(ip_address_add(&w.ip, 1, &ll, 64), 0);
  assert_int_equal(ip_address_add(&w.ip, 1, &other, 64), 0);
  struct ip_route_result r;
  assert_int_equal(ip_route(&w.ip, &any, &ll_peer, 1, &r), 0);
  assert_memory_equal(&r.local, &ll, 16); // RFC 6724 5 rule 2
  assert_int_equal(ip_route(&w.ip, &any, &w.peer6, 0, &r), 0);
  assert_memory_equal(&r.local, &w.us6, 16);
  assert_int_equal(ip_route(&w.ip, &any, &far, 0, &r), 0);
  assert_memory_equal(&r.local, &other, 16); // rule 8
  // An interface without an address of its own borrows one.
  struct estab_netif_settings s = world_netif_settings(1500);
  struct estab_ip net = world_ip("10.0.0.0"), remote = world_ip("10.1.1.1");
  assert_int_equal(ip_netif_add(&w.ip, &s), 2);
  assert_int_equal(ip_route_add(&w.ip, 2, &net, 8, NULL), 0);
  assert_int_equal(ip_route(&w.ip, &any, &remote, 0, &r), 0);
  assert_memory_equal(&r.local, &w.us4, 16);
  assert_int_equal(r.netif, 2);
  world_end(&w);
}

static void transparent_source(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct estab_netif_settings s = world_netif_settings(1500);
  s.transparent = true;
  assert_int_equal(ip_netif_add(&w.ip, &s), 2);
  struct estab_ip net = world_ip("10.0.0.0"), inside = world_ip("10.1.1.1");
  struct estab_ip somebody = world_ip("203.0.113.7");
  struct ip_route_result r;
  assert_int_equal(ip_route_add(&w.ip, 2, &net, 8, NULL), 0);
  assert_int_equal(ip_route(&w.ip, &somebody, &inside, 0, &r), 0);
  assert_memory_equal(&r.local, &somebody, 16);
  assert_int_equal(ip_route(&w.ip, &somebody, &w.peer4, 0, &r), ESTAB_ERR_NOT_LOCAL);
  world_end(&w);
}

// The N-th request for memory fails, for every N: an error, and what was there stays as it was.
static void memory_fails(void **state)
{
  (void)state;
  bool clean = false;
  for (unsigned n = 0; n < 60 && !clean; n++) {
    struct world w;
    world_bare(&w);
    w.door.fail_after = n;
    struct estab_netif_settings s = world_netif_settings(1500);
    int netif = ip_netif_add(&w.ip, &s), answer;
    assert_true(netif == 1 || netif == ESTAB_ERR_NO_MEMORY);
    for (uint8_t i = 0; netif == 1 && i < 10; i++) {
      struct estab_ip ip = estab_ip4(10, 0, i, 1), net = estab_ip4(11, i, 0, 0);
      uint32_t addresses = w.ip.address_count, routes = w.ip.route_count;
      answer = ip_address_add(&w.ip, 1, &ip, 24);
      assert_true(answer == 0 || answer == ESTAB_ERR_NO_MEMORY);
      assert_int_equal(w.ip.address_count, addresses + (answer == 0));
      assert_int_equal(ip_is_local(&w.ip, 1, &ip), answer == 0);
      answer = ip_route_add(&w.ip, 1, &net, 16, NULL);
      assert_true(answer == 0 || answer == ESTAB_ERR_NO_MEMORY);
      assert_int_equal(w.ip.route_count, routes + (answer == 0));
    }
    clean = w.mem.refused == 0;
    world_end(&w);
  }
  assert_true(clean);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(next_hops),          cmocka_unit_test(refusals),
      cmocka_unit_test(bad_routes),         cmocka_unit_test(source_choice),
      cmocka_unit_test(transparent_source), cmocka_unit_test(memory_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
