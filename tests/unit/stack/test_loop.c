// SPDX-License-Identifier: BSD-2-Clause
// test_loop.c - both ends in one stack: packets to one's own address go round inside.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/kit.h"

#define BYTES 100000

struct loop {
  struct kit_mem mem;
  estab_stack *s;
  struct estab_ip ip;
  uint64_t now_ns;
  unsigned frames; // that left the stack: none may
};

static void begin(struct loop *l, bool ip6)
{
  struct estab_settings settings;
  struct estab_netif_settings link;
  memset(l, 0, sizeof *l);
  estab_settings_default(&settings);
  settings.mem = kit_mem_door(&l->mem);
  estab_netif_settings_default(&link);
  assert_int_equal(estab_stack_new(&settings, 0, &l->s), ESTAB_OK);
  assert_int_equal(estab_netif_add(l->s, &link), 1);
  l->ip = estab_ip4(192, 0, 2, 1);
  if (ip6) assert_int_equal(estab_ip_parse("2001:db8::1", &l->ip), ESTAB_OK);
  assert_int_equal(estab_address_add(l->s, 1, &l->ip, ip6 ? 64 : 24), ESTAB_OK);
}

static void end(struct loop *l)
{
  estab_stack_free(l->s);
  assert_int_equal(l->mem.strict.live_bytes, 0);
}

// One call of each; false: nothing is left to do at this moment.
static bool turn(struct loop *l)
{
  static struct estab_frame frames[ESTAB_OUTPUT_MAX];
  int n = estab_stack_output(l->s, l->now_ns, frames, ESTAB_OUTPUT_MAX);
  assert_true(n >= 0);
  l->frames += (unsigned)n;
  estab_stack_output_done(l->s, (unsigned)n, l->now_ns);
  uint64_t next = estab_stack_deadline(l->s);
  if (next == ESTAB_NEVER) return false;
  if (next > l->now_ns) l->now_ns = next;
  estab_stack_handle_deadline(l->s, l->now_ns);
  return true;
}

static int connect_to(struct loop *l, uint16_t local_port, uint16_t port, estab_conn *out)
{
  struct estab_connect_settings c;
  estab_connect_settings_default(&c);
  c.remote = l->ip;
  c.remote_port = port;
  c.local_port = local_port;
  return estab_connect(l->s, &c, l->now_ns, out);
}

static uint8_t octet(uint32_t i)
{
  return (uint8_t)(i * 3 + i / 250);
}

// Sends all of its stream and reads all of the other's.
struct party {
  estab_conn conn;
  uint32_t sent, got;
  bool closed, ended;
};

static void act(struct loop *l, struct party *p)
{
  uint8_t bytes[5000];
  int n;
  if (!p->conn) return;
  while (p->sent < BYTES) {
    uint32_t some = BYTES - p->sent < sizeof bytes ? BYTES - p->sent : sizeof bytes;
    for (uint32_t i = 0; i < some; i++)
      bytes[i] = octet(p->sent + i);
    if ((n = estab_send(l->s, p->conn, bytes, some)) <= 0) break;
    p->sent += (uint32_t)n;
  }
  while ((n = estab_recv(l->s, p->conn, bytes, sizeof bytes)) > 0)
    for (int i = 0; i < n; i++)
      assert_int_equal(bytes[i], octet(p->got++));
  if (n == 0) p->ended = true;
  if (p->sent == BYTES && !p->closed && estab_status(l->s, p->conn) >= ESTAB_ESTABLISHED)
    p->closed = estab_close(l->s, p->conn) == ESTAB_OK;
}

static void finish(struct loop *l, struct party *a, struct party *b)
{
  assert_true(a->ended && b->ended);
  assert_int_equal(a->got, BYTES);
  assert_int_equal(b->got, BYTES);
  assert_int_equal(l->frames, 0);
  estab_release(l->s, a->conn);
  if (b->conn != a->conn) estab_release(l->s, b->conn);
  for (unsigned i = 0; i < 1000 && turn(l); i++)
    continue;
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(l->s, &info);
  assert_int_equal(info.connections + info.time_wait + info.half_open, 0);
}

static void both_ends_in_one_stack(void **state)
{
  (void)state;
  for (unsigned ip6 = 0; ip6 < 2; ip6++) {
    struct loop l;
    struct party a = {0}, b = {0};
    begin(&l, ip6);
    struct estab_listen_settings set;
    estab_listen_settings_default(&set);
    set.port_first = set.port_last = 80;
    estab_listener listener;
    assert_int_equal(estab_listen(l.s, &set, &listener), ESTAB_OK);
    assert_int_equal(connect_to(&l, 0, 80, &a.conn), ESTAB_OK);
    for (unsigned i = 0; i < 5000 && !(a.ended && b.ended && a.closed && b.closed); i++) {
      if (!b.conn) (void)estab_accept(l.s, listener, &b.conn);
      act(&l, &a);
      act(&l, &b);
      turn(&l);
    }
    assert_int_equal(estab_listener_close(l.s, listener), ESTAB_OK);
    finish(&l, &a, &b);
    end(&l);
  }
}

// A connection to itself is a simultaneous open with itself (RFC 9293 3.5 Figure 7): what it writes it reads.
static void a_connection_to_itself(void **state)
{
  (void)state;
  for (unsigned ip6 = 0; ip6 < 2; ip6++) {
    struct loop l;
    struct party a = {0};
    begin(&l, ip6);
    assert_int_equal(connect_to(&l, 80, 80, &a.conn), ESTAB_OK);
    for (unsigned i = 0; i < 5000 && !(a.ended && a.closed); i++) {
      act(&l, &a);
      turn(&l);
    }
    finish(&l, &a, &a);
    end(&l);
  }
}

static void nobody_listens(void **state)
{
  (void)state;
  struct loop l;
  estab_conn c;
  begin(&l, false);
  assert_int_equal(connect_to(&l, 0, 80, &c), ESTAB_OK);
  for (unsigned i = 0; i < 10; i++)
    turn(&l);
  assert_int_equal(estab_status(l.s, c), ESTAB_CLOSED);
  uint8_t byte;
  assert_int_equal(estab_recv(l.s, c, &byte, 1), ESTAB_ERR_REFUSED);
  assert_int_equal(estab_release(l.s, c), ESTAB_OK);
  end(&l);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_ends_in_one_stack),
      cmocka_unit_test(a_connection_to_itself),
      cmocka_unit_test(nobody_listens),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
