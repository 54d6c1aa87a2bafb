// SPDX-License-Identifier: BSD-2-Clause
// test_address.c - interfaces, addresses, classes of addresses.
#include "ip_world.h"

#include "ip/ip_class.h"

static void classes(void **state)
{
  (void)state;
  static const struct {
    const char *text;
    enum ip_class class;
  } table[] = {
      {"0.0.0.0", IP_CLASS_ANY},
      {"0.0.0.1", IP_CLASS_RESERVED},
      {"1.0.0.0", IP_CLASS_UNICAST},
      {"126.255.255.255", IP_CLASS_UNICAST},
      {"127.0.0.0", IP_CLASS_LOOPBACK},
      {"127.255.255.255", IP_CLASS_LOOPBACK},
      {"128.0.0.0", IP_CLASS_UNICAST},
      {"169.253.255.255", IP_CLASS_UNICAST},
      {"169.254.0.1", IP_CLASS_LINK_LOCAL},
      {"169.255.0.0", IP_CLASS_UNICAST},
      {"223.255.255.255", IP_CLASS_UNICAST},
      {"224.0.0.0", IP_CLASS_MULTICAST},
      {"239.255.255.255", IP_CLASS_MULTICAST},
      {"240.0.0.0", IP_CLASS_RESERVED},
      {"255.255.255.254", IP_CLASS_RESERVED},
      {"255.255.255.255", IP_CLASS_BROADCAST},
      {"::", IP_CLASS_ANY},
      {"::1", IP_CLASS_LOOPBACK},
      {"::2", IP_CLASS_UNICAST},
      {"fe7f::1", IP_CLASS_UNICAST},
      {"fe80::1", IP_CLASS_LINK_LOCAL},
      {"febf::1", IP_CLASS_LINK_LOCAL},
      {"fec0::1", IP_CLASS_UNICAST},
      {"feff::1", IP_CLASS_UNICAST},
      {"ff00::", IP_CLASS_MULTICAST},
      {"ff02::1", IP_CLASS_MULTICAST},
      {"2001:db8::1", IP_CLASS_UNICAST},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct estab_ip ip = world_ip(table[i].text);
    if (ip_classify(&ip) != table[i].class) fail_msg("%s", table[i].text);
  }
}

static void prefixes(void **state)
{
  (void)state;
  struct estab_ip a = world_ip("10.0.0.128"), b = world_ip("10.0.0.127");
  assert_int_equal(ip_prefix_common(&a, &b), 96 + 24);
  for (unsigned bits = 0; bits <= 128; bits++) {
    assert_int_equal(ip_prefix_match(&a, &b, bits), bits <= 96 + 24);
    assert_true(ip_prefix_match(&a, &a, bits));
  }
  assert_int_equal(ip_prefix_common(&a, &a), 128);
}

static void interfaces(void **state)
{
  (void)state;
  struct world w;
  world_bare(&w);
  struct estab_netif_settings s = world_netif_settings(67);
  assert_int_equal(ip_netif_add(&w.ip, &s), ESTAB_ERR_INVALID);
  s.mtu = 68;
  for (int i = 1; i <= IP_NETIFS; i++)
    assert_int_equal(ip_netif_add(&w.ip, &s), i);
  assert_int_equal(ip_netif_add(&w.ip, &s), ESTAB_ERR_NO_MEMORY);
  assert_null(ip_netif(&w.ip, 0));
  assert_null(ip_netif(&w.ip, IP_NETIFS + 1));
  assert_non_null(ip_netif(&w.ip, IP_NETIFS));
  assert_int_equal(ip_netif_set_mtu(&w.ip, 1, 67), ESTAB_ERR_INVALID);
  assert_int_equal(ip_netif_set_mtu(&w.ip, 0, 1500), ESTAB_ERR_INVALID);
  assert_int_equal(ip_netif_set_up(&w.ip, IP_NETIFS + 1, true), ESTAB_ERR_INVALID);
  world_end(&w);
}

static void add_and_remove(void **state)
{
  (void)state;
  struct world w;
  world_bare(&w);
  struct estab_netif_settings s = world_netif_settings(1500);
  assert_int_equal(ip_address_add(&w.ip, 1, &w.us4, 24), ESTAB_ERR_INVALID); // no interface yet
  ip_netif_add(&w.ip, &s);
  ip_netif_add(&w.ip, &s);
  static const char *const bad[] = {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255",
                                    "::",      "::1",       "ff02::1",   "240.0.0.1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct estab_ip ip = world_ip(bad[i]);
    assert_int_equal(ip_address_add(&w.ip, 1, &ip, 0), ESTAB_ERR_INVALID);
  }
  assert_int_equal(ip_address_add(&w.ip, 1, &w.us4, 33), ESTAB_ERR_INVALID);
  assert_int_equal(ip_address_add(&w.ip, 1, &w.us6, 129), ESTAB_ERR_INVALID);
  assert_int_equal(ip_address_add(&w.ip, 1, &w.us4, 32), 0);
  assert_int_equal(ip_address_add(&w.ip, 1, &w.us4, 24), ESTAB_ERR_EXISTS);
  assert_int_equal(ip_address_add(&w.ip, 2, &w.us4, 24), 0); // the same on another interface
  assert_true(ip_is_local(&w.ip, 1, &w.us4));
  assert_true(ip_is_local(&w.ip, 2, &w.us4));
  assert_true(ip_is_local(&w.ip, 0, &w.us4));
  assert_int_equal(ip_address_remove(&w.ip, 1, &w.us4), 0);
  assert_int_equal(ip_address_remove(&w.ip, 1, &w.us4), ESTAB_ERR_NOT_LOCAL);
  assert_false(ip_is_local(&w.ip, 1, &w.us4));
  assert_true(ip_is_local(&w.ip, 2, &w.us4));
  assert_int_equal(ip_address_remove(&w.ip, 2, &w.us4), 0);
  assert_false(ip_is_local(&w.ip, 0, &w.us4));
  world_end(&w);
}

static void many_addresses(void **state)
{
  (void)state;
  struct world w;
  world_bare(&w);
  struct estab_netif_settings s = world_netif_settings(1500);
  ip_netif_add(&w.ip, &s);
  struct prop_rng r = {1};
  struct estab_ip in[300];
  for (int i = 0; i < 300; i++) {
    in[i] = estab_ip4(10, (uint8_t)prop_u64(&r), (uint8_t)i, (uint8_t)(i >> 8));
    assert_int_equal(ip_address_add(&w.ip, 1, &in[i], 8), 0);
  }
  for (int round = 0; round < 2; round++)
    for (int i = 0; i < 300; i++) {
      struct estab_ip near = in[i];
      near.bytes[12] = 11;
      assert_true(ip_is_local(&w.ip, 1, &in[i]));
      assert_false(ip_is_local(&w.ip, 1, &near));
    }
  for (int i = 0; i < 300; i += 2)
    assert_int_equal(ip_address_remove(&w.ip, 1, &in[i]), 0);
  for (int i = 0; i < 300; i++)
    assert_int_equal(ip_is_local(&w.ip, 1, &in[i]), i % 2);
  world_end(&w);
}

static void strong_host(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct estab_netif_settings s = world_netif_settings(1500);
  struct estab_ip second = world_ip("198.51.100.1"), loopback = world_ip("127.0.0.1");
  assert_int_equal(ip_netif_add(&w.ip, &s), 2);
  assert_int_equal(ip_address_add(&w.ip, 2, &second, 24), 0);
  assert_true(ip_is_local(&w.ip, 2, &second));
  assert_false(ip_is_local(&w.ip, 1, &second)); // RFC 1122 3.3.4.2 strong host
  assert_true(ip_is_local(&w.ip, 0, &second));
  assert_true(ip_is_local(&w.ip, 0, &loopback));
  assert_false(ip_is_local(&w.ip, 1, &loopback));
  world_end(&w);
}

static void transparent(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct estab_netif_settings s = world_netif_settings(1500);
  s.transparent = true;
  assert_int_equal(ip_netif_add(&w.ip, &s), 2);
  struct estab_ip own = world_ip("10.1.2.3");
  assert_int_equal(ip_address_add(&w.ip, 2, &own, 24), 0);
  static const struct {
    const char *text;
    bool local;
  } table[] = {{"8.8.8.8", true},     {"2001:4860::1", true}, {"10.1.2.3", true},
               {"10.1.2.255", false}, {"224.0.0.1", false},   {"255.255.255.255", false},
               {"127.0.0.1", false},  {"0.0.0.0", false},     {"::", false},
               {"::1", false},        {"ff02::1", false},     {"240.1.1.1", false}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    struct estab_ip ip = world_ip(table[i].text);
    if (ip_is_local(&w.ip, 2, &ip) != table[i].local) fail_msg("%s", table[i].text);
    assert_int_equal(ip_has_address(&w.ip, 2, &ip), estab_ip_equal(&ip, &own)); // for ARP, ND
    assert_false(ip_has_address(&w.ip, 1, &ip));
  }
  world_end(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(classes),        cmocka_unit_test(prefixes),
      cmocka_unit_test(interfaces),     cmocka_unit_test(add_and_remove),
      cmocka_unit_test(many_addresses), cmocka_unit_test(strong_host),
      cmocka_unit_test(transparent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
