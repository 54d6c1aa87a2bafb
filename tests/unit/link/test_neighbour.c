// SPDX-License-Identifier: BSD-2-Clause
// test_neighbour.c - resolution, retransmission, failure, aging, waiting, caps: RFC 4861 7.3, ATTACKS R13.
#include "link_world.h"

// [RFC 4861 M4]
static void resolves(void **state)
{
  (void)state;
  for (int v = 0; v < 2; v++) {
    struct world w;
    world_make(&w);
    struct path a = world_path(&w, &w.peer[v]), b = a, c = a;
    link_resolve(&w.link, &a, 0);
    link_resolve(&w.link, &b, 0);
    link_resolve(&w.link, &b, 0); // once more changes nothing
    assert_int_equal(a.neighbour, PATH_NEIGHBOUR_PENDING);
    assert_true(link_output_pending(&w.link, 0));
    assert_true(world_output(&w, 0) > 0);
    assert_request(&w, &w.peer[v], NULL);
    assert_int_equal(world_output(&w, 0), 0); // one request for all who wait
    assert_null(link_woken(&w.link));
    assert_int_equal(world_says(&w, &w.peer[v], peer_mac, true, 1), 0);
    struct path *first = link_woken(&w.link), *second = link_woken(&w.link);
    assert_true((first == &a && second == &b) || (first == &b && second == &a));
    assert_null(link_woken(&w.link));
    assert_header(&a, peer_mac);
    assert_header(&b, peer_mac);
    link_resolve(&w.link, &c, 2); // known by now
    assert_header(&c, peer_mac);
    assert_int_equal(link_deadline(&w.link), 30 * SECOND + 1);
    world_end(&w);
  }
}

static void gives_up(void **state)
{
  (void)state;
  for (int v = 0; v < 2; v++) {
    struct world w;
    world_make(&w);
    struct path p = world_path(&w, &w.peer[v]);
    link_resolve(&w.link, &p, 0);
    for (uint64_t t = 0; t < 3; t++) { // RFC 4861 7.2.2: three, a second apart
      assert_true(world_output(&w, t * SECOND) > 0);
      assert_request(&w, &w.peer[v], NULL);
      assert_int_equal(world_output(&w, t * SECOND), 0);
      assert_int_equal(link_deadline(&w.link), (t + 1) * SECOND);
      link_handle_deadline(&w.link, (t + 1) * SECOND - 1);
      assert_int_equal(world_output(&w, t * SECOND), 0);
      link_handle_deadline(&w.link, (t + 1) * SECOND);
    }
    assert_ptr_equal(link_woken(&w.link), &p);
    assert_int_equal(p.neighbour, PATH_NEIGHBOUR_FAILED);
    assert_int_equal(link_deadline(&w.link), ESTAB_NEVER);
    // RFC 1122 2.3.2.1: not more than one a second; then the next try asks anew.
    link_resolve(&w.link, &p, 3 * SECOND + 1);
    assert_int_equal(p.neighbour, PATH_NEIGHBOUR_FAILED);
    assert_int_equal(world_output(&w, 3 * SECOND + 1), 0);
    link_resolve(&w.link, &p, 4 * SECOND);
    assert_int_equal(p.neighbour, PATH_NEIGHBOUR_PENDING);
    assert_true(world_output(&w, 4 * SECOND) > 0);
    assert_int_equal(world_says(&w, &w.peer[v], peer_mac, true, 4 * SECOND), 0);
    assert_ptr_equal(link_woken(&w.link), &p);
    assert_header(&p, peer_mac);
    world_end(&w);
  }
}

// [RFC 4861 M8]
static void ages(void **state)
{
  (void)state;
  for (int v = 0; v < 2; v++) {
    struct world w;
    world_make(&w);
    struct path p = world_path(&w, &w.peer[v]);
    world_resolve(&w, &p, peer_mac, 0);
    link_handle_deadline(&w.link, 30 * SECOND);
    assert_int_equal(world_output(&w, 30 * SECOND), 0); // nobody uses it: nothing is sent
    assert_int_equal(link_deadline(&w.link), ESTAB_NEVER);
    link_resolve(&w.link, &p, 31 * SECOND);
    assert_header(&p, peer_mac); // used on while it is asked
    assert_true(world_output(&w, 31 * SECOND) > 0);
    assert_request(&w, &w.peer[v], peer_mac);
    link_resolve(&w.link, &p, 31 * SECOND);
    assert_int_equal(world_output(&w, 31 * SECOND), 0);
    assert_int_equal(world_says(&w, &w.peer[v], peer_mac, true, 32 * SECOND), 0);
    assert_int_equal(link_deadline(&w.link), 62 * SECOND);
    uint16_t generation = w.link.generation;
    link_resolve(&w.link, &p, 33 * SECOND);
    assert_int_equal(w.link.generation, generation);
    // It goes away: three unicast requests, then everybody is asked.
    link_handle_deadline(&w.link, 62 * SECOND);
    link_resolve(&w.link, &p, 62 * SECOND);
    for (uint64_t t = 62; t < 65; t++) {
      assert_header(&p, peer_mac);
      assert_true(world_output(&w, t * SECOND) > 0);
      assert_request(&w, &w.peer[v], peer_mac);
      link_handle_deadline(&w.link, (t + 1) * SECOND);
      link_resolve(&w.link, &p, (t + 1) * SECOND);
    }
    assert_int_equal(p.neighbour, PATH_NEIGHBOUR_PENDING);
    assert_true(world_output(&w, 65 * SECOND) > 0);
    assert_request(&w, &w.peer[v], NULL);
    world_end(&w);
  }
}

// ATTACKS R13: nothing unsolicited makes an entry, or takes one over.
// [RFC 4861 M6, RFC 4861 M7]
static void poisoning(void **state)
{
  (void)state;
  for (int v = 0; v < 2; v++) {
    struct world w;
    world_make(&w);
    for (int reply = 0; reply < 2; reply++)
      assert_true(world_says(&w, &w.peer[v], evil_mac, reply, 0) <= 0);
    assert_int_equal(w.link.neighbours.count, 0);
    struct path p = world_path(&w, &w.peer[v]);
    world_resolve(&w, &p, peer_mac, 0);
    uint16_t generation = w.link.generation;
    for (int i = 0; i < 1000; i++) {
      world_says(&w, &w.peer[v], evil_mac, i % 2, SECOND);
      link_resolve(&w.link, &p, SECOND);
      assert_header(&p, peer_mac);
    }
    assert_int_equal(w.link.generation, generation);
    // The old address is asked, once, and its answer settles it.
    assert_true(world_output(&w, SECOND) > 0);
    assert_request(&w, &w.peer[v], peer_mac);
    assert_int_equal(world_output(&w, SECOND), 0);
    assert_int_equal(world_says(&w, &w.peer[v], peer_mac, true, SECOND), 0);
    link_resolve(&w.link, &p, SECOND);
    assert_header(&p, peer_mac);
    assert_int_equal(w.link.neighbours.count, 1);
    // A neighbour that really moved is found in three seconds: the old one does not answer any more.
    uint8_t moved[6] = {2, 0, 0, 0, 0, 9};
    world_says(&w, &w.peer[v], moved, false, 2 * SECOND);
    for (uint64_t t = 2; t < 5; t++) {
      world_output(&w, t * SECOND);
      link_handle_deadline(&w.link, (t + 1) * SECOND);
    }
    link_resolve(&w.link, &p, 5 * SECOND);
    assert_int_equal(p.neighbour, PATH_NEIGHBOUR_PENDING);
    assert_true(world_output(&w, 5 * SECOND) > 0);
    assert_int_equal(world_says(&w, &w.peer[v], moved, true, 5 * SECOND), 0);
    assert_ptr_equal(link_woken(&w.link), &p);
    assert_header(&p, moved);
    world_end(&w);
  }
}

// Group and null addresses are nobody's.
static void bad_macs(void **state)
{
  (void)state;
  static const uint8_t bad[][6] = {
      {0}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {1, 0, 0x5e, 0, 0, 1}, {0x33, 0x33, 0, 0, 0, 1}};
  for (int v = 0; v < 2; v++)
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
      struct world w;
      world_make(&w);
      struct path p = world_path(&w, &w.peer[v]);
      link_resolve(&w.link, &p, 0);
      assert_true(world_says(&w, &w.peer[v], bad[i], true, 0) < 0);
      assert_null(link_woken(&w.link));
      assert_int_equal(p.neighbour, PATH_NEIGHBOUR_PENDING);
      assert_int_equal(link_netif_add(&w.link, 2, bad[i]), ESTAB_ERR_INVALID);
      world_end(&w);
    }
}

static void packets_wait(void **state)
{
  (void)state;
  for (int v = 0; v < 2; v++) {
    struct world w;
    world_make(&w);
    uint8_t header[14], packet[1500];
    for (uint8_t i = 0; i < 5; i++) {
      memset(packet, i, sizeof packet);
      assert_int_equal(link_send(&w.link, 1, &w.us[v], &w.peer[v], packet, 100u + i, 0, header), 0);
    }
    assert_int_equal(w.link.dropped_full, 2); // the oldest
    assert_true(world_output(&w, 0) > 0);
    assert_request(&w, &w.peer[v], NULL);
    world_says(&w, &w.peer[v], peer_mac, true, 0);
    for (uint8_t i = 2; i < 5; i++) {
      assert_int_equal(world_output(&w, 0), 14u + 100u + i);
      assert_memory_equal(w.frame, peer_mac, 6);
      assert_int_equal(get_be16(w.frame + 12), v ? 0x86dd : 0x0800);
      assert_int_equal(w.frame[14], i);
      assert_int_equal(w.frame[14 + 99 + i], i);
    }
    assert_int_equal(world_output(&w, 0), 0);
    assert_int_equal(w.link.waiting_bytes, 0);
    assert_int_equal(link_send(&w.link, 1, &w.us[v], &w.peer[v], packet, 100, 0, header), 1);
    assert_memory_equal(header, peer_mac, 6);
    assert_int_equal(link_send(&w.link, 1, &w.us[v], &w.peer[v], packet, 1501, 0, header),
                     -ESTAB_DROP_IP_TOO_BIG);
    assert_int_equal(link_send(&w.link, 2, &w.us[v], &w.peer[v], packet, 100, 0, header),
                     -ESTAB_DROP_NETIF_DOWN);
    world_end(&w);
  }
}

static void packets_wait_in_vain(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  uint8_t header[14], packet[100] = {0};
  link_send(&w.link, 1, &w.us[0], &w.peer[0], packet, 100, 0, header);
  link_send(&w.link, 1, &w.us[0], &w.peer[0], packet, 100, 0, header);
  for (uint64_t t = 0; t < 3; t++) {
    world_output(&w, t * SECOND);
    link_handle_deadline(&w.link, (t + 1) * SECOND);
  }
  assert_int_equal(w.link.dropped_failed, 2);
  assert_int_equal(link_send(&w.link, 1, &w.us[0], &w.peer[0], packet, 100, 3 * SECOND, header),
                   -ESTAB_DROP_NEIGHBOUR_FAILED);
  assert_int_equal(link_send(&w.link, 1, &w.us[0], &w.peer[0], packet, 100, 4 * SECOND, header), 0);
  world_end(&w);
}

// ATTACKS R13, RFC 6583: a scan of a /64 through us, while a known neighbour is talked to.
static void scan(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct path known = world_path(&w, &w.peer[1]);
  world_resolve(&w, &known, peer_mac, 0);
  struct prop_rng r = {9};
  uint8_t packet[1280] = {0}, header[14];
  unsigned requests = 0;
  for (unsigned i = 0; i < 20000; i++) {
    struct estab_ip victim = w.peer[1];
    put_be64(victim.bytes + 8, prop_u64(&r));
    uint64_t now = i * UINT64_C(100000);
    int answer = link_send(&w.link, 1, &w.us[1], &victim, packet, sizeof packet, now, header);
    assert_true(answer == 0 || answer == -ESTAB_DROP_NEIGHBOUR_QUEUE_FULL);
    assert_true(w.link.neighbours.count <= LINK_NEIGHBOURS);
    assert_true(w.link.waiting_bytes <= LINK_WAITING_MAX);
    assert_true(w.mem.by_kind[ESTAB_MEM_NET] <= 600 * 1024);
    while (world_output(&w, now))
      requests++;
    link_handle_deadline(&w.link, now);
    link_resolve(&w.link, &known, now);
    assert_header(&known, peer_mac);
  }
  assert_true(requests >= 20000);
  // Replies of nobody we asked, gratuitous ones in flood: no entry.
  uint32_t before = w.link.neighbours.count;
  for (unsigned i = 0; i < 5000; i++) {
    struct estab_ip stranger = estab_ip4(10, 0, (uint8_t)(i >> 8), (uint8_t)i);
    world_says(&w, &stranger, evil_mac, i % 2, 0);
  }
  assert_int_equal(w.link.neighbours.count, before);
  world_end(&w);
}

// A full table: who never answered goes first, then who is stale; those in use stay.
static void eviction(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  static struct path fresh[LINK_NEIGHBOURS];
  for (unsigned i = 0; i < LINK_NEIGHBOURS - 1; i++) {
    struct estab_ip ip = estab_ip4(10, 1, (uint8_t)(i >> 8), (uint8_t)i);
    fresh[i] = world_path(&w, &ip);
    world_resolve(&w, &fresh[i], peer_mac, 0);
  }
  struct path asked[3];
  for (uint8_t i = 0; i < 3; i++) {
    struct estab_ip ip = estab_ip4(10, 2, 0, i);
    asked[i] = world_path(&w, &ip);
    link_resolve(&w.link, &asked[i], 1);
    world_output(&w, 1);
    assert_int_equal(w.link.neighbours.count, LINK_NEIGHBOURS);
  }
  for (int i = 0; i < 2; i++) // the first two made room
    assert_non_null(link_woken(&w.link));
  assert_null(link_woken(&w.link));
  assert_int_equal(asked[0].neighbour, PATH_NEIGHBOUR_FAILED);
  assert_int_equal(asked[1].neighbour, PATH_NEIGHBOUR_FAILED);
  assert_int_equal(asked[2].neighbour, PATH_NEIGHBOUR_PENDING);
  for (unsigned i = 0; i < LINK_NEIGHBOURS - 1; i++) {
    link_resolve(&w.link, &fresh[i], 2);
    assert_header(&fresh[i], peer_mac);
  }
  assert_int_equal(w.link.neighbours.count, LINK_NEIGHBOURS);
  // With no one else to go, the oldest known one does, and its path learns of it.
  assert_int_equal(world_says(&w, &asked[2].next_hop, peer_mac, true, 3), 0);
  struct estab_ip ip = estab_ip4(10, 3, 0, 0);
  struct path late = world_path(&w, &ip);
  link_resolve(&w.link, &late, 4);
  assert_int_equal(late.neighbour, PATH_NEIGHBOUR_PENDING);
  link_resolve(&w.link, &fresh[1], 4);
  assert_header(&fresh[1], peer_mac);
  world_end(&w);
}

static void interface_down(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct path known = world_path(&w, &w.peer[0]), waits = world_path(&w, &w.peer[1]);
  world_resolve(&w, &known, peer_mac, 0);
  link_resolve(&w.link, &waits, 0);
  link_netif_down(&w.link, 1);
  assert_ptr_equal(link_woken(&w.link), &waits);
  assert_int_equal(waits.neighbour, PATH_NEIGHBOUR_FAILED);
  assert_int_equal(w.link.neighbours.count, 0);
  link_resolve(&w.link, &known, 1);
  assert_int_equal(known.neighbour, PATH_NEIGHBOUR_PENDING);
  world_end(&w);
}

// The route moved while the path waited: the new next hop is asked for at the next try.
static void next_hop_moved(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct path p = world_path(&w, &w.peer[0]);
  link_resolve(&w.link, &p, 0);
  p.next_hop = world_ip("192.0.2.9");
  world_output(&w, 0);
  world_says(&w, &w.peer[0], peer_mac, true, 0);
  assert_ptr_equal(link_woken(&w.link), &p);
  assert_int_equal(p.neighbour, PATH_NEIGHBOUR_FAILED);
  link_resolve(&w.link, &p, 0);
  assert_int_equal(p.neighbour, PATH_NEIGHBOUR_PENDING);
  world_output(&w, 0);
  assert_request(&w, &p.next_hop, NULL);
  world_end(&w);
}

static void destinations(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct estab_eth_header eth = {.type = ESTAB_ETH_IP4};
  memcpy(eth.src, peer_mac, 6);
  memcpy(eth.dst, our_mac, 6);
  assert_int_equal(link_eth_accept(&w.link, 1, &eth), 0);
  assert_int_equal(link_eth_accept(&w.link, 2, &eth), -ESTAB_DROP_NETIF_DOWN);
  assert_int_equal(link_eth_accept(&w.link, 0, &eth), -ESTAB_DROP_NETIF_DOWN);
  memcpy(eth.dst, all_mac, 6);
  assert_int_equal(link_eth_accept(&w.link, 1, &eth), 1);
  memcpy(eth.dst, peer_mac, 6);
  assert_int_equal(link_eth_accept(&w.link, 1, &eth), -ESTAB_DROP_ETH_NOT_OURS);
  memcpy(eth.dst, our_mac, 6);
  eth.src[0] |= 1;
  assert_int_equal(link_eth_accept(&w.link, 1, &eth), -ESTAB_DROP_ETH_NOT_OURS);
  world_end(&w);
}

static void memory_fails(void **state)
{
  (void)state;
  bool clean = false;
  for (unsigned n = 0; n < 60 && !clean; n++) {
    struct world w;
    world_make(&w);
    w.door.fail_after = n;
    uint8_t packet[200] = {0}, header[14];
    static struct path paths[40];
    for (uint8_t i = 0; i < 40; i++) {
      struct estab_ip ip = estab_ip4(10, 0, 0, i);
      paths[i] = world_path(&w, &ip);
      link_resolve(&w.link, &paths[i], 0);
      int answer = link_send(&w.link, 1, &w.us[0], &ip, packet, sizeof packet, 0, header);
      assert_true(answer == 0 || answer == -ESTAB_DROP_NEIGHBOUR_QUEUE_FULL);
    }
    while (world_output(&w, 0))
      continue;
    for (uint8_t i = 0; i < 40; i++)
      world_says(&w, &paths[i].next_hop, peer_mac, true, 0);
    unsigned woken = 0, failed = 0;
    while (link_woken(&w.link))
      woken++;
    for (uint8_t i = 0; i < 40; i++)
      failed += paths[i].neighbour == PATH_NEIGHBOUR_FAILED;
    assert_int_equal(woken + failed, 40);
    clean = w.mem.refused == 0;
    world_end(&w);
  }
  assert_true(clean);
}

static void trimmed(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct path p = world_path(&w, &w.peer[0]);
  world_resolve(&w, &p, peer_mac, 0);
  link_trim(&w.link);
  assert_int_equal(w.link.neighbours.count, 1); // in use
  link_handle_deadline(&w.link, 30 * SECOND);
  link_trim(&w.link);
  assert_int_equal(w.mem.in_use_bytes, 0);
  link_resolve(&w.link, &p, 31 * SECOND);
  assert_int_equal(p.neighbour, PATH_NEIGHBOUR_PENDING); // not a header of long ago
  world_end(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(resolves),
      cmocka_unit_test(gives_up),
      cmocka_unit_test(ages),
      cmocka_unit_test(poisoning),
      cmocka_unit_test(bad_macs),
      cmocka_unit_test(packets_wait),
      cmocka_unit_test(packets_wait_in_vain),
      cmocka_unit_test(scan),
      cmocka_unit_test(eviction),
      cmocka_unit_test(interface_down),
      cmocka_unit_test(next_hop_moved),
      cmocka_unit_test(destinations),
      cmocka_unit_test(memory_fails),
      cmocka_unit_test(trimmed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
