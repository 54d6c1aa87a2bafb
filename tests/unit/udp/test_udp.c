// SPDX-License-Identifier: BSD-2-Clause
// test_udp.c - UDP endpoints: who gets a datagram, checksums, lengths, queues, errors, ports.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include "base/bytes.h"
#include "base/rand.h"
#include "support/prop.h"
#include "udp/udp.h"

struct world {
  struct prop_mem door;
  struct mem mem;
  struct rng rng;
  struct udp udp;
  struct estab_ip us[2], peer[2];
};

static struct estab_ip ip_of(const char *text)
{
  struct estab_ip ip;
  assert_int_equal(estab_ip_parse(text, &ip), 0);
  return ip;
}

static void world_make(struct world *w)
{
  static const uint64_t key[2] = {7, 8};
  static const uint8_t secret[16] = {1};
  memset(w, 0, sizeof *w);
  mem_init(&w->mem, prop_mem_door(&w->door));
  rng_init(&w->rng, secret, (struct estab_random){0});
  udp_init(&w->udp, &w->mem, &w->rng, key);
  w->us[0] = ip_of("192.0.2.1");
  w->us[1] = ip_of("2001:db8::1");
  w->peer[0] = ip_of("192.0.2.2");
  w->peer[1] = ip_of("2001:db8::2");
}

static void world_end(struct world *w)
{
  udp_destroy(&w->udp);
  assert_int_equal(w->door.live_bytes, 0);
  assert_int_equal(w->door.live_pieces, 0);
}

static estab_udp open_at(struct world *w, const char *local, uint16_t port, uint32_t netif)
{
  struct estab_udp_settings s = {
      .struct_bytes = sizeof s, .local_port = port, .netif = netif, .queue_bytes = UDP_QUEUE_BYTES};
  if (local) s.local = ip_of(local);
  estab_udp out = 0;
  assert_int_equal(udp_open(&w->udp, &s, &out), 0);
  assert_true(out != 0);
  return out;
}

// A datagram from peer port 53 to `port`, in a buffer of its exact size.
static int deliver(struct world *w, int v, uint32_t netif, const struct estab_ip *dst,
                   uint16_t port, const char *text)
{
  uint8_t bytes[600];
  int n = udp_emit(&w->peer[v], dst, 53, port, text, strlen(text), bytes, sizeof bytes);
  assert_true(n > 0);
  uint8_t *exact = malloc((size_t)n);
  memcpy(exact, bytes, (size_t)n);
  int answer = udp_input(&w->udp, netif, &w->peer[v], dst, exact, (size_t)n, false);
  free(exact);
  return answer;
}

static void there_and_back(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  estab_udp e = open_at(&w, NULL, 4000, 0);
  struct estab_datagram from;
  char text[16];
  for (int v = 0; v < 2; v++) {
    assert_int_equal(udp_recv(&w.udp, e, &from, text, sizeof text), ESTAB_ERR_WOULD_BLOCK);
    assert_int_equal(deliver(&w, v, 1, &w.us[v], 4000, "hello"), 0);
    assert_int_equal(deliver(&w, v, 1, &w.us[v], 4000, ""), 0);
    assert_int_equal(deliver(&w, v, 1, &w.us[v], 4000, "a longer datagram than fits"), 0);
    assert_true(udp_ready(&w.udp) == e); // told once
    assert_true(udp_ready(&w.udp) == 0);
    assert_int_equal(deliver(&w, v, 1, &w.us[v], 4000, "one more"), 0);
    assert_true(udp_ready(&w.udp) == 0);
    assert_int_equal(udp_recv(&w.udp, e, &from, text, sizeof text), 5);
    assert_memory_equal(text, "hello", 5);
    assert_memory_equal(&from.remote, &w.peer[v], 16);
    assert_memory_equal(&from.local, &w.us[v], 16);
    assert_int_equal(from.remote_port, 53);
    assert_int_equal(from.local_port, 4000);
    assert_int_equal(from.error, 0);
    assert_int_equal(udp_recv(&w.udp, e, &from, text, sizeof text), 0); // empty is a datagram
    assert_int_equal(from.remote_port, 53);
    assert_int_equal(udp_recv(&w.udp, e, &from, text, 8), 27);
    assert_memory_equal(text, "a longer", 8);
    assert_int_equal(udp_recv(&w.udp, e, &from, text, sizeof text), 8);
    assert_int_equal(udp_recv(&w.udp, e, &from, text, sizeof text), ESTAB_ERR_WOULD_BLOCK);
    assert_int_equal(deliver(&w, v, 1, &w.us[v], 4000, "x"), 0);
    assert_true(udp_ready(&w.udp) == e); // armed again
    assert_int_equal(udp_recv(&w.udp, e, &from, text, sizeof text), 1);
  }
  world_end(&w);
}

// ATTACKS P12: every length the header can claim x what is there.
static void lengths(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  open_at(&w, NULL, 4000, 0);
  for (unsigned have = 0; have <= 40; have++)
    for (unsigned claims = 0; claims <= 48; claims++) {
      uint8_t whole[64] = {0};
      put_be16(whole, 53);
      put_be16(whole + 2, 4000);
      put_be16(whole + 4, (uint16_t)claims);
      uint8_t *exact = malloc(have ? have : 1);
      memcpy(exact, whole, have);
      // Vouched for, so that only lengths count; a checksum that is not 0.
      if (have >= 8) exact[6] = 1;
      int answer = udp_input(&w.udp, 1, &w.peer[1], &w.us[1], exact, have, true);
      free(exact);
      bool good = have >= 8 && claims >= 8 && claims <= have;
      if ((answer == 0) != good) fail_msg("have %u claims %u: %d", have, claims, answer);
      if (!good) assert_int_equal(answer, -ESTAB_DROP_UDP_LENGTH);
      struct estab_datagram from;
      uint8_t text[64];
      estab_udp e = udp_ready(&w.udp);
      if (!good) continue;
      assert_int_equal(udp_recv(&w.udp, e, &from, text, sizeof text), claims - 8);
      udp_recv(&w.udp, e, &from, text, sizeof text);
    }
  world_end(&w);
}

// [RFC 8200 M5, RFC 8200 M11]
static void checksums(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  open_at(&w, NULL, 4000, 0);
  for (int v = 0; v < 2; v++) {
    uint8_t bytes[32];
    int n = udp_emit(&w.peer[v], &w.us[v], 53, 4000, "some text", 9, bytes, sizeof bytes);
    for (int bit = 0; bit < n * 8; bit++) {
      if (bit / 8 == 4 || bit / 8 == 5) continue; // the length
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
      assert_int_equal(udp_input(&w.udp, 1, &w.peer[v], &w.us[v], bytes, (size_t)n, false),
                       -ESTAB_DROP_UDP_CHECKSUM);
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    // Another sender: the pseudo-header counts.
    assert_int_equal(udp_input(&w.udp, 1, &w.us[v], &w.us[v], bytes, (size_t)n, false),
                     -ESTAB_DROP_UDP_CHECKSUM);
    put_be16(bytes + 6, 0); // RFC 768: none; RFC 8200 8.1: not in IPv6
    assert_int_equal(udp_input(&w.udp, 1, &w.peer[v], &w.us[v], bytes, (size_t)n, false),
                     v ? -ESTAB_DROP_UDP_CHECKSUM : 0);
    assert_int_equal(udp_input(&w.udp, 1, &w.peer[v], &w.us[v], bytes, (size_t)n, true),
                     v ? -ESTAB_DROP_UDP_CHECKSUM : 0);
  }
  // A sum that comes out as 0 is sent as ffff.
  unsigned seen = 0;
  for (unsigned i = 0; i < 65536; i++) {
    uint8_t bytes[10], two[2];
    put_be16(two, (uint16_t)i);
    assert_int_equal(udp_emit(&w.us[0], &w.peer[0], 1, 2, two, 2, bytes, sizeof bytes), 10);
    assert_int_not_equal(get_be16(bytes + 6), 0);
    seen += get_be16(bytes + 6) == 0xffff;
  }
  assert_int_equal(seen, 1);
  world_end(&w);
}

static void emit_bounds(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  static uint8_t big[65535], out[65535 + 8];
  assert_int_equal(udp_emit(&w.us[0], &w.peer[0], 1, 2, big, 65527, out, 65535), 65535);
  assert_int_equal(udp_emit(&w.us[0], &w.peer[0], 1, 2, big, 65528, out, sizeof out),
                   ESTAB_ERR_TOO_BIG);
  assert_int_equal(udp_emit(&w.us[0], &w.peer[0], 1, 2, big, 10, out, 17), ESTAB_ERR_TOO_BIG);
  assert_int_equal(udp_emit(&w.us[0], &w.peer[0], 1, 2, NULL, 0, out, 8), 8);
  world_end(&w);
}

// The more an endpoint says, the rather it gets a datagram.
static void whose(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  estab_udp any = open_at(&w, NULL, 53, 0), any1 = open_at(&w, NULL, 53, 1);
  estab_udp here = open_at(&w, "192.0.2.1", 53, 0), here1 = open_at(&w, "192.0.2.1", 53, 1);
  struct estab_ip other = ip_of("192.0.2.9");
  const struct {
    uint32_t netif;
    const struct estab_ip *dst;
    estab_udp *whose;
  } table[] = {{1, &w.us[0], &here1}, {2, &w.us[0], &here}, {1, &other, &any1}, {2, &other, &any}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    assert_int_equal(deliver(&w, 0, table[i].netif, table[i].dst, 53, "x"), 0);
    assert_true(udp_ready(&w.udp) == *table[i].whose);
  }
  assert_int_equal(deliver(&w, 0, 1, &w.us[0], 54, "x"), -ESTAB_DROP_UDP_NO_ENDPOINT);
  struct estab_udp_settings s = {.struct_bytes = sizeof s, .local_port = 53};
  estab_udp out = 99;
  assert_int_equal(udp_open(&w.udp, &s, &out), ESTAB_ERR_ADDRESS_IN_USE);
  s.local = ip_of("0.0.0.0"); // any, of either family
  assert_int_equal(udp_open(&w.udp, &s, &out), ESTAB_ERR_ADDRESS_IN_USE);
  assert_true(out == 99);
  assert_int_equal(udp_close(&w.udp, here1), 0);
  struct estab_datagram from;
  char text[4];
  while (udp_recv(&w.udp, here, &from, text, sizeof text) > 0)
    continue;
  assert_int_equal(deliver(&w, 0, 1, &w.us[0], 53, "x"), 0);
  assert_true(udp_ready(&w.udp) == here); // the address counts more than the interface
  assert_int_equal(udp_close(&w.udp, here1), ESTAB_ERR_NO_CONNECTION);
  world_end(&w);
}

static void handles_die(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  estab_udp a = open_at(&w, NULL, 1000, 0);
  assert_int_equal(deliver(&w, 0, 1, &w.us[0], 1000, "x"), 0);
  assert_int_equal(udp_close(&w.udp, a), 0); // queued and ready: gone
  assert_true(udp_ready(&w.udp) == 0);
  estab_udp b = open_at(&w, NULL, 1000, 0);
  assert_true(a != b);
  struct estab_datagram from;
  assert_int_equal(udp_recv(&w.udp, a, &from, NULL, 0), ESTAB_ERR_NO_CONNECTION);
  assert_null(udp_find(&w.udp, 0));
  assert_null(udp_find(&w.udp, ~(estab_udp)0));
  assert_non_null(udp_find(&w.udp, b));
  assert_int_equal(udp_recv(&w.udp, b, &from, NULL, 0), ESTAB_ERR_WOULD_BLOCK);
  world_end(&w);
}

static void queue_is_bounded(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  struct estab_udp_settings s = {.struct_bytes = sizeof s, .local_port = 5, .queue_bytes = 2000};
  estab_udp e;
  assert_int_equal(udp_open(&w.udp, &s, &e), 0);
  unsigned taken = 0;
  for (unsigned i = 0; i < 1000; i++) {
    int answer = deliver(&w, 0, 1, &w.us[0], 5, ""); // empty ones cost as well
    assert_true(answer == 0 || answer == -ESTAB_DROP_UDP_QUEUE_FULL);
    taken += answer == 0;
    assert_true(udp_find(&w.udp, e)->queue_bytes <= 2000);
  }
  assert_in_range(taken, 10, 50);
  struct estab_datagram from;
  for (unsigned i = 0; i < taken; i++)
    assert_int_equal(udp_recv(&w.udp, e, &from, NULL, 0), 0);
  assert_int_equal(udp_recv(&w.udp, e, &from, NULL, 0), ESTAB_ERR_WOULD_BLOCK);
  assert_int_equal(udp_find(&w.udp, e)->queue_bytes, 0);
  world_end(&w);
}

// RFC 1122 4.1.3.3: what ICMP said reaches the user.
static void errors(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  estab_udp e = open_at(&w, NULL, 4000, 0);
  struct estab_tuple t = {
      .local = w.us[0], .remote = w.peer[0], .local_port = 4000, .remote_port = 53};
  assert_int_equal(udp_report(&w.udp, 1, &t, ESTAB_ERR_REFUSED), 0);
  assert_true(udp_ready(&w.udp) == e);
  struct estab_datagram from;
  assert_int_equal(udp_recv(&w.udp, e, &from, NULL, 0), 0);
  assert_int_equal(from.error, ESTAB_ERR_REFUSED);
  assert_int_equal(from.remote_port, 53);
  assert_memory_equal(&from.remote, &w.peer[0], 16);
  t.local_port = 4001;
  assert_int_equal(udp_report(&w.udp, 1, &t, ESTAB_ERR_REFUSED), -ESTAB_DROP_ICMP_EMBEDDED);
  world_end(&w);
}

static void ports(void **state)
{
  (void)state;
  struct world w;
  world_make(&w);
  uint16_t before = 0;
  unsigned near = 0;
  for (unsigned i = 0; i < 300; i++) { // RFC 6056: no pattern
    uint16_t port = udp_find(&w.udp, open_at(&w, NULL, 0, 0))->local_port;
    assert_in_range(port, UDP_PORT_FIRST, UDP_PORT_LAST);
    near += (uint16_t)(port - before) < 16;
    before = port;
  }
  assert_true(near < 5);
  // All taken: an error, not a loop.
  for (uint32_t port = UDP_PORT_FIRST; port <= UDP_PORT_LAST; port++) {
    struct estab_udp_settings s = {.struct_bytes = sizeof s, .local_port = (uint16_t)port};
    estab_udp out;
    udp_open(&w.udp, &s, &out);
  }
  struct estab_udp_settings s = {.struct_bytes = sizeof s};
  estab_udp out;
  assert_int_equal(udp_open(&w.udp, &s, &out), ESTAB_ERR_NO_PORT);
  world_end(&w);
}

static void memory_fails(void **state)
{
  (void)state;
  bool clean = false;
  for (unsigned n = 0; n < 50 && !clean; n++) {
    struct world w;
    world_make(&w);
    w.door.fail_after = n;
    struct estab_udp_settings s = {.struct_bytes = sizeof s, .local_port = 7, .queue_bytes = 9999};
    estab_udp e = 0;
    int answer = udp_open(&w.udp, &s, &e);
    assert_true(answer == 0 || answer == ESTAB_ERR_NO_MEMORY);
    for (int i = 0; i < 5; i++) {
      int got = deliver(&w, 0, 1, &w.us[0], 7, "text");
      if (answer)
        assert_int_equal(got, -ESTAB_DROP_UDP_NO_ENDPOINT);
      else
        assert_true(got == 0 || got == -ESTAB_DROP_UDP_QUEUE_FULL);
    }
    clean = w.mem.refused == 0;
    w.door.fail_after = UINT64_MAX;
    if (answer) e = open_at(&w, NULL, 7, 0);
    struct estab_datagram from;
    char text[8];
    while (udp_recv(&w.udp, e, &from, text, sizeof text) == 4)
      continue;
    assert_int_equal(deliver(&w, 0, 1, &w.us[0], 7, "text"), 0);
    assert_int_equal(udp_recv(&w.udp, e, &from, text, sizeof text), 4);
    world_end(&w);
  }
  assert_true(clean);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(there_and_back),   cmocka_unit_test(lengths), cmocka_unit_test(checksums),
      cmocka_unit_test(emit_bounds),      cmocka_unit_test(whose),   cmocka_unit_test(handles_die),
      cmocka_unit_test(queue_is_bounded), cmocka_unit_test(errors),  cmocka_unit_test(ports),
      cmocka_unit_test(memory_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
