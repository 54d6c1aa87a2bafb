// SPDX-License-Identifier: BSD-2-Clause
// test_answers.c - what ARP and Neighbour Discovery ask of us, and what we answer.
#include "link_world.h"

static int arp(struct world *w, uint16_t operation, const char *sender, const char *target,
               bool ours)
{
  struct estab_arp a = {
      .operation = operation, .sender_ip = world_ip(sender), .target_ip = world_ip(target)};
  memcpy(a.sender_mac, peer_mac, 6);
  return link_arp_input(&w->link, 1, &a, ours, 0, w->frame, &w->frame_bytes);
}

static void arp_answers(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct estab_eth_header eth;
  struct estab_arp a;
  assert_int_equal(arp(&w, ESTAB_ARP_REQUEST, "192.0.2.2", "192.0.2.1", true), 0);
  assert_int_equal(w.frame_bytes, 42);
  estab_eth_parse(w.frame, 42, &eth);
  assert_memory_equal(eth.dst, peer_mac, 6);
  assert_memory_equal(eth.src, our_mac, 6);
  assert_int_equal(eth.type, ESTAB_ETH_ARP);
  assert_int_equal(estab_arp_parse(w.frame + 14, 28, &a), 28);
  assert_int_equal(a.operation, ESTAB_ARP_REPLY);
  assert_memory_equal(&a.sender_ip, &w.us[0], 16);
  assert_memory_equal(&a.target_ip, &w.peer[0], 16);
  assert_memory_equal(a.sender_mac, our_mac, 6);
  assert_memory_equal(a.target_mac, peer_mac, 6);
  assert_int_equal(w.link.neighbours.count, 0); // asking us makes no entry: ATTACKS R13

  // RFC 5227 2.1.1: a probe before an address is taken is answered.
  assert_int_equal(arp(&w, ESTAB_ARP_REQUEST, "0.0.0.0", "192.0.2.1", true), 0);
  assert_int_equal(w.frame_bytes, 42);
  // Not for us, no question, a conflict: silence.
  assert_int_equal(arp(&w, ESTAB_ARP_REQUEST, "192.0.2.2", "192.0.2.7", false),
                   -ESTAB_DROP_ARP_NOT_OURS);
  assert_int_equal(w.frame_bytes, 0);
  assert_int_equal(arp(&w, ESTAB_ARP_REPLY, "192.0.2.2", "192.0.2.1", true), 0);
  assert_int_equal(w.frame_bytes, 0);
  assert_int_equal(arp(&w, ESTAB_ARP_REQUEST, "192.0.2.1", "192.0.2.1", true),
                   -ESTAB_DROP_ARP_NOT_OURS);
  assert_int_equal(w.frame_bytes, 0);
  world_end(&w);
}

// Somebody we ask for asks us at the same moment: that tells its address, too.
static void arp_crossing(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct path p = world_path(&w, &w.peer[0]);
  link_resolve(&w.link, &p, 0);
  world_output(&w, 0);
  assert_int_equal(arp(&w, ESTAB_ARP_REQUEST, "192.0.2.2", "192.0.2.1", true), 0);
  assert_ptr_equal(link_woken(&w.link), &p);
  assert_header(&p, peer_mac);
  world_end(&w);
}

static struct estab_nd solicitation(const struct world *w, bool with_mac)
{
  struct estab_nd nd = {.type = ESTAB_ICMP6_NEIGHBOUR_SOLICITATION, .target = w->us[1]};
  if (with_mac) {
    nd.present = ESTAB_ND_SOURCE_MAC;
    memcpy(nd.source_mac, peer_mac, 6);
  }
  return nd;
}

// [RFC 4861 M5]
static void nd_answers(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct estab_nd nd = solicitation(&w, true), out;
  struct estab_eth_header eth;
  struct estab_ip6_header h;
  struct estab_ip none = world_ip("::"), all = world_ip("ff02::1");
  static const uint8_t all_nodes_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
  for (int from_nowhere = 0; from_nowhere < 2; from_nowhere++) {
    if (from_nowhere) nd = solicitation(&w, false);
    assert_int_equal(link_nd_input(&w.link, 1, from_nowhere ? &none : &w.peer[1], &w.us[1], &nd,
                                   true, 0, w.frame, &w.frame_bytes),
                     0);
    assert_int_equal(w.frame_bytes, 14 + 40 + 32);
    estab_eth_parse(w.frame, w.frame_bytes, &eth);
    assert_memory_equal(eth.dst, from_nowhere ? all_nodes_mac : peer_mac, 6);
    assert_int_equal(estab_ip6_parse(w.frame + 14, 72, &h), 40);
    assert_int_equal(h.hop_limit, 255);
    assert_memory_equal(&h.src, &w.us[1], 16);
    assert_memory_equal(&h.dst, from_nowhere ? &all : &w.peer[1], 16);
    uint64_t sum = estab_checksum_pseudo(&h.src, &h.dst, 58, 32);
    assert_int_equal(estab_checksum_finish(estab_checksum_add(sum, w.frame + 54, 32)), 0);
    assert_int_equal(estab_nd_parse(&h, w.frame + 54, 32, &out), 32);
    assert_int_equal(out.type, ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT);
    assert_memory_equal(&out.target, &w.us[1], 16);
    assert_memory_equal(out.target_mac, our_mac, 6);
    assert_int_equal(out.solicited, !from_nowhere);
    assert_true(out.override);
    assert_false(out.router);
  }
  assert_int_equal(w.link.neighbours.count, 0);
  nd = solicitation(&w, true);
  assert_int_equal(
      link_nd_input(&w.link, 1, &w.peer[1], &w.us[1], &nd, false, 0, w.frame, &w.frame_bytes),
      -ESTAB_DROP_ND_NOT_OURS);
  assert_int_equal(w.frame_bytes, 0);
  nd.source_mac[0] = 0x33;
  assert_int_equal(
      link_nd_input(&w.link, 1, &w.peer[1], &w.us[1], &nd, true, 0, w.frame, &w.frame_bytes),
      -ESTAB_DROP_ND_BAD);
  assert_int_equal(w.frame_bytes, 0);
  world_end(&w);
}

// RFC 4861 7.2.4: no hardware address came with the question, so it must be found out first.
static void nd_answer_waits(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct estab_nd nd = solicitation(&w, false);
  assert_int_equal(
      link_nd_input(&w.link, 1, &w.peer[1], &w.us[1], &nd, true, 0, w.frame, &w.frame_bytes), 0);
  assert_int_equal(w.frame_bytes, 0);
  assert_true(world_output(&w, 0) > 0);
  assert_request(&w, &w.peer[1], NULL);
  assert_int_equal(world_says(&w, &w.peer[1], peer_mac, true, 0), 0);
  assert_int_equal(world_output(&w, 0), 86);
  assert_memory_equal(w.frame, peer_mac, 6);
  assert_int_equal(w.frame[54], ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT);
  assert_int_equal(
      link_nd_input(&w.link, 1, &w.peer[1], &w.us[1], &nd, true, 0, w.frame, &w.frame_bytes), 0);
  assert_int_equal(w.frame_bytes, 86); // known now
  world_end(&w);
}

// RFC 4861 7.2.5, case by case.
static void nd_advertisements(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct path p = world_path(&w, &w.peer[1]);
  struct estab_nd na = {.type = ESTAB_ICMP6_NEIGHBOUR_ADVERTISEMENT, .target = w.peer[1]};
  size_t none;
#define SAY() link_nd_input(&w.link, 1, &w.peer[1], &w.us[1], &na, false, 0, w.frame, &none)
  link_resolve(&w.link, &p, 0);
  world_output(&w, 0);
  assert_int_equal(SAY(), -ESTAB_DROP_ND_BAD); // INCOMPLETE needs the option
  na.present = ESTAB_ND_TARGET_MAC;
  memcpy(na.target_mac, peer_mac, 6);
  assert_int_equal(SAY(), 0); // unsolicited: usable, but STALE
  assert_ptr_equal(link_woken(&w.link), &p);
  assert_header(&p, peer_mac);
  assert_int_equal(link_deadline(&w.link), ESTAB_NEVER);
  struct path q = world_path(&w, &w.peer[1]);
  link_resolve(&w.link, &q, 0);
  assert_true(world_output(&w, 0) > 0); // so its use asks
  na.present = 0;
  na.solicited = true;
  assert_int_equal(SAY(), 0); // a probe may be answered without the option
  assert_int_equal(link_deadline(&w.link), 30 * SECOND);
  struct estab_ip all = world_ip("ff02::1");
  assert_int_equal(link_nd_input(&w.link, 1, &w.peer[1], &all, &na, false, 0, w.frame, &none),
                   -ESTAB_DROP_ND_BAD);
  na.type = ESTAB_ICMP6_ROUTER_SOLICITATION;
  assert_int_equal(SAY(), -ESTAB_DROP_ND_NOT_OURS);
  world_end(&w);
}

static void router_advertisement(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct estab_ip router = world_ip("fe80::1");
  struct estab_nd ra = {.type = ESTAB_ICMP6_ROUTER_ADVERTISEMENT,
                        .router_lifetime_s = 1800,
                        .present = ESTAB_ND_SOURCE_MAC};
  memcpy(ra.source_mac, peer_mac, 6);
  size_t none;
  assert_int_equal(link_nd_input(&w.link, 1, &router, &w.us[1], &ra, false, 0, w.frame, &none), 0);
  assert_int_equal(w.link.neighbours.count, 0);
  struct path p = world_path(&w, &router);
  link_resolve(&w.link, &p, 0);
  assert_int_equal(link_nd_input(&w.link, 1, &router, &w.us[1], &ra, false, 0, w.frame, &none), 0);
  assert_ptr_equal(link_woken(&w.link), &p);
  assert_header(&p, peer_mac);
  world_end(&w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arp_answers),       cmocka_unit_test(arp_crossing),
      cmocka_unit_test(nd_answers),        cmocka_unit_test(nd_answer_waits),
      cmocka_unit_test(nd_advertisements), cmocka_unit_test(router_advertisement),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
