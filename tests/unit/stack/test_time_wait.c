// SPDX-License-Identifier: BSD-2-Clause
// test_time_wait.c - a SYN in TIME-WAIT: RFC 6191, RFC 9293 3.6.1 [MAY-2]; the record outlives an attempt that fails.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/kit.h"
#include "support/two.h"

#define SYN ESTAB_TCP_SYN
#define ACK ESTAB_TCP_ACK
#define FIN ESTAB_TCP_FIN
#define RST ESTAB_TCP_RST

#define NO_TS INT32_MAX // the SYN has no timestamp

// TSval against TS.Recent, SEQ against RCV.NXT: does the SYN begin a new connection?
static const struct {
  bool with_ts; // the old connection had timestamps
  int32_t ts, seq;
  bool opens;
} cases[] = {
    {true, 1, 1000, true},
    {true, 1, -1000, true}, // RFC 6191 2: the newer timestamp alone is enough
    {true, 1, 0, true},
    {true, 0, 1, true},
    {true, 0, 0, false}, // equal, and not above
    {true, 0, -1000, false},
    {true, -1, 1000, false},
    {true, INT32_MIN + 1, 1000, false},
    {true, 1000000, -1, true},
    {true, NO_TS, 1, true},
    {true, NO_TS, 0, false},
    {true, NO_TS, -1000, false},
    {false, NO_TS, 1, true},
    {false, NO_TS, 0, false},
    {false, NO_TS, -1000, false},
    {false, NO_TS, INT32_MAX, true},
    {false, 1, 1, true}, // a timestamp where none was before says nothing
    {false, 1, -1, false},
};

static void syn(struct kit *k, uint32_t seq, int32_t ts)
{
  struct estab_tcp_header h = {.src_port = k->tuple.remote_port,
                               .dst_port = k->tuple.local_port,
                               .seq = seq,
                               .flags = SYN,
                               .window = 60000};
  h.options.present = ESTAB_TCP_OPT_MSS;
  h.options.mss = 1000;
  if (ts != NO_TS) {
    h.options.present |= ESTAB_TCP_OPT_TS;
    h.options.ts_value = kit_seg(k)->ts_recent + (uint32_t)ts;
    k->ts_ms = h.options.ts_value;
  }
  kit_clear(k);
  kit_inject_raw(k, &h, NULL, 0);
  kit_drain(k);
}

static void a_syn_in_time_wait(void **state)
{
  (void)state;
  static const enum kit_place places[] = {KIT_TIME_WAIT, KIT_TIME_WAIT_FULL};
  for (unsigned p = 0; p < 4; p++)
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
      static struct kit k;
      kit_init(&k, p & 1, NULL);
      k.no_options = !cases[i].with_ts;
      kit_make(&k, places[p / 2]);
      uint32_t old_nxt = kit_seg(&k)->snd.nxt, rcv_nxt = kit_seg(&k)->rcv.nxt;
      uint32_t seq = rcv_nxt + (uint32_t)cases[i].seq;
      syn(&k, seq, cases[i].ts);
      bool opened = kit_state(&k) == ESTAB_SYN_RECEIVED;
      if (k.outs != 1 || opened != cases[i].opens) {
        print_error("%s", k.log);
        fail_msg("case %u (ts %d, seq %d) %s", i, cases[i].ts, cases[i].seq,
                 opened ? "opens" : "does not open");
      }
      if (!opened) { // a challenge ACK from where the old connection is
        assert_int_equal(k.out[0].h.flags, ACK);
        assert_int_equal(k.out[0].h.ack, rcv_nxt);
        assert_true(kit_lives(&k));
      } else { // our new numbers are above all the old connection used
        assert_int_equal(k.out[0].h.flags, SYN | ACK);
        assert_true(seq_gt(k.out[0].h.seq, old_nxt));
        kit_new_peer(&k, seq);
        k.peer_rcv_nxt = k.iss + 1;
        k.conn = 0;
        k.no_options = !(k.out[0].h.options.present & ESTAB_TCP_OPT_TS);
        if (!kit_lives(&k)) {
          print_error("%s", k.log);
          fail_msg("case %u: the new connection does not live", i);
        }
      }
      assert_true(kit_end(&k));
    }
}

static struct estab_stack_info info_of(struct kit *k)
{
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(k->s, &info);
  return info;
}

// The old connection's FIN is acknowledged again: it stands guard.
static void stands_guard(struct kit *k, uint32_t rcv_nxt, uint32_t snd_nxt)
{
  kit_clear(k);
  kit_inject(k, &(struct kit_in){.flags = FIN | ACK, .seq = rcv_nxt - 1, .ack = snd_nxt});
  kit_drain(k);
  assert_int_equal(k->outs, 1);
  assert_int_equal(k->out[0].h.flags, ACK);
  assert_int_equal(k->out[0].h.seq, snd_nxt);
  assert_int_equal(k->out[0].h.ack, rcv_nxt);
}

enum end { BY_TIMEOUT, BY_RST, BY_SYN, ENDS };

static void an_attempt_that_fails_gives_time_wait_back(void **state)
{
  (void)state;
  for (unsigned end = 0; end < ENDS; end++) {
    static struct kit k;
    kit_init(&k, end & 1, NULL);
    kit_make(&k, KIT_TIME_WAIT);
    uint32_t snd_nxt = kit_seg(&k)->snd.nxt, rcv_nxt = kit_seg(&k)->rcv.nxt;
    uint32_t ts_recent = kit_seg(&k)->ts_recent;
    syn(&k, rcv_nxt + 5000, 10);
    assert_int_equal(kit_state(&k), ESTAB_SYN_RECEIVED);
    assert_int_equal(info_of(&k).half_open, 1);
    assert_int_equal(info_of(&k).time_wait, 1); // kept until ESTABLISHED
    if (end == BY_TIMEOUT) {
      k.quiet = true;
      kit_advance(&k, k.settings.half_open_timeout_ns + 1000000);
      k.quiet = false;
    } else if (end == BY_RST) {
      kit_inject(&k, &(struct kit_in){.flags = RST, .seq = rcv_nxt + 5001, .ts = KIT_TS_NONE});
    } else {
      kit_inject(&k, &(struct kit_in){.flags = SYN, .seq = rcv_nxt + 5100});
    }
    kit_drain(&k);
    assert_int_equal(kit_state(&k), ESTAB_TIME_WAIT);
    assert_int_equal(info_of(&k).half_open, 0);
    assert_int_equal(kit_seg(&k)->ts_recent, ts_recent);
    stands_guard(&k, rcv_nxt, snd_nxt);
    kit_advance(&k, 2 * k.settings.msl_ns + 1000000);
    assert_null(kit_seg(&k));
    assert_true(kit_end(&k));
  }
}

// FIN and a new SYN in one batch: the record answers before the connection could acknowledge the FIN. What the peer was
// promised before is no multiple of the window's scale any more, and the right edge never moves left [SHLD-14].
static void the_right_edge_stays(void **state)
{
  (void)state;
  struct kit k;
  kit_init(&k, false, NULL);
  kit_make(&k, KIT_FIN_WAIT_2);
  uint32_t fin = kit_seg(&k)->rcv.nxt, nxt = kit_seg(&k)->snd.nxt;
  uint32_t edge = fin + kit_seg(&k)->rcv.wnd;
  unsigned shift = kit_seg(&k)->rcv_wscale;
  assert_true(shift > 0);
  kit_inject(&k, &(struct kit_in){.flags = FIN | ACK, .seq = fin, .ack = nxt});
  syn(&k, fin + 5000, 10);
  assert_int_equal(kit_state(&k), ESTAB_SYN_RECEIVED);
  kit_inject(&k, &(struct kit_in){.flags = RST, .seq = fin + 5001, .ts = KIT_TS_NONE});
  assert_int_equal(kit_state(&k), ESTAB_TIME_WAIT);
  stands_guard(&k, fin + 1, nxt);
  assert_true(seq_ge(fin + 1 + ((uint32_t)k.out[0].h.window << shift), edge));
  assert_true(kit_end(&k));
}

static void an_attempt_that_succeeds_ends_it(void **state)
{
  (void)state;
  struct kit k;
  kit_init(&k, true, NULL);
  kit_make(&k, KIT_TIME_WAIT);
  syn(&k, kit_seg(&k)->rcv.nxt + 5000, 10);
  kit_inject(
      &k, &(struct kit_in){.flags = ACK, .seq = kit_seg(&k)->rcv.nxt, .ack = kit_seg(&k)->snd.nxt});
  assert_int_equal(kit_state(&k), ESTAB_ESTABLISHED);
  assert_int_equal(info_of(&k).time_wait, 0);
  assert_true(kit_end(&k));
}

// 2 x MSL ends behind the half-open record's back.
static void time_wait_ends_while_an_attempt_is_judged(void **state)
{
  (void)state;
  struct kit k;
  kit_init(&k, false, NULL);
  kit_make(&k, KIT_TIME_WAIT);
  k.quiet = true;
  kit_advance(&k, 2 * k.settings.msl_ns - UINT64_C(20000000000));
  k.quiet = false;
  syn(&k, kit_seg(&k)->rcv.nxt + 5000, 10);
  assert_int_equal(info_of(&k).time_wait, 1);
  kit_advance(&k, UINT64_C(30000000000));
  assert_int_equal(info_of(&k).time_wait, 0);
  assert_int_equal(kit_state(&k), ESTAB_SYN_RECEIVED);
  kit_advance(&k, UINT64_C(40000000000));
  assert_null(kit_seg(&k)); // nothing to come back
  assert_true(kit_end(&k));
}

static void without_a_listener_a_new_syn_is_challenged(void **state)
{
  (void)state;
  struct kit k;
  kit_init(&k, false, NULL);
  k.active = true;
  kit_make(&k, KIT_TIME_WAIT);
  syn(&k, kit_seg(&k)->rcv.nxt + 5000, 10);
  assert_int_equal(kit_state(&k), ESTAB_TIME_WAIT);
  assert_string_equal(kit_dropped(&k), "TCP_SYN_IN_WINDOW");
  assert_int_equal(k.outs, 1);
  assert_true(kit_lives(&k));
  assert_true(kit_end(&k));
}

static void obeys(struct estab_settings *settings)
{
  struct estab_settings rfc;
  estab_settings_rfc(&rfc);
  settings->time_wait_ignores_rst = rfc.time_wait_ignores_rst;
}

// RFC 9293 3.10.7.4, second, obeyed by settings_rfc; RFC 1337 otherwise, see the table of segments.
static void settings_rfc_lets_an_exact_rst_end_it(void **state)
{
  (void)state;
  struct kit k;
  kit_init(&k, false, obeys);
  kit_make(&k, KIT_TIME_WAIT);
  kit_inject(&k, &(struct kit_in){.flags = RST, .seq = kit_seg(&k)->rcv.nxt, .ts = KIT_TS_NONE});
  assert_null(kit_seg(&k));
  assert_true(kit_end(&k));
}

// ESTAB_OPT_TIME_WAIT_NS holds for the record, too, also when the FIN comes once more.
static void a_time_wait_of_its_own(void **state)
{
  (void)state;
  static const enum kit_place places[] = {KIT_TIME_WAIT, KIT_TIME_WAIT_FULL};
  for (unsigned i = 0; i < 2; i++) {
    static struct kit k;
    kit_init(&k, i & 1, NULL);
    kit_make(&k, KIT_FIN_WAIT_2);
    assert_int_equal(estab_option_set(k.s, k.conn, ESTAB_OPT_TIME_WAIT_NS, UINT64_C(10000000000)),
                     ESTAB_OK);
    uint32_t fin = kit_seg(&k)->rcv.nxt, nxt = kit_seg(&k)->snd.nxt;
    kit_inject(&k, &(struct kit_in){.flags = FIN | ACK, .seq = fin, .ack = nxt});
    kit_drain(&k);
    if (places[i] == KIT_TIME_WAIT) {
      assert_int_equal(estab_release(k.s, k.conn), ESTAB_OK);
      k.conn = 0;
    }
    kit_advance(&k, UINT64_C(5000000000));
    stands_guard(&k, fin + 1, nxt);
    kit_advance(&k, UINT64_C(9900000000));
    assert_int_equal(kit_state(&k), ESTAB_TIME_WAIT);
    kit_advance(&k, UINT64_C(200000000));
    assert_null(kit_seg(&k));
    assert_true(kit_end(&k));
  }
}

// One TIME-WAIT record of s[0], time_wait_ns long (0 = as the settings have it); held: released so much later.
static void one_record(struct two *t, uint64_t time_wait_ns, uint64_t held_ns)
{
  estab_conn c, server;
  assert_int_equal(two_connect(t, 0, 0, 80, &c), ESTAB_OK);
  two_carry(t);
  if (time_wait_ns)
    assert_int_equal(estab_option_set(t->s[0], c, ESTAB_OPT_TIME_WAIT_NS, time_wait_ns), ESTAB_OK);
  assert_int_equal(estab_close(t->s[0], c), ESTAB_OK);
  two_carry(t);
  struct estab_event e;
  bool accepted = false;
  while (estab_stack_next_event(t->s[1], &e))
    if (e.events & ESTAB_EVENT_ACCEPT)
      accepted = estab_accept(t->s[1], e.listener, &server) == ESTAB_OK;
  assert_true(accepted);
  assert_int_equal(estab_release(t->s[1], server), ESTAB_OK);
  two_carry(t);
  two_run(t, t->now_ns + held_ns);
  assert_int_equal(estab_status(t->s[0], c), ESTAB_TIME_WAIT);
  assert_int_equal(estab_release(t->s[0], c), ESTAB_OK);
}

static uint32_t records(struct two *t)
{
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(t->s[0], &info);
  return info.time_wait;
}

// Each goes when its own time is over, whatever came before it: short ones behind long ones, and one that the user
// held back for a while.
static void each_for_its_own_time(void **state)
{
  (void)state;
  const uint64_t second = 1000000000;
  static const struct {
    unsigned seconds, held;
  } each[] = {{0, 0},   {1, 0},   {300, 0}, {60, 0}, {0, 100},  {2, 0}, {120, 0}, {61, 0},
              {500, 0}, {0, 239}, {7, 0},   {1, 0},  {1000, 0}, {3, 2}, {0, 0},   {1728000, 0}};
  enum { RECORDS = sizeof each / sizeof each[0] };
  static struct two t;
  uint64_t ends[RECORDS];
  two_init(&t, false, NULL);
  two_listen(&t, 1, 80, 10);
  for (unsigned i = 0; i < RECORDS; i++) {
    one_record(&t, each[i].seconds * second, each[i].held * second);
    ends[i] = t.now_ns + ((each[i].seconds ? each[i].seconds : 240) - each[i].held) * second;
  }
  uint64_t start = t.now_ns;
  for (unsigned step = 0; step < 1100; step++) {
    uint64_t at = start + step * second + second / 10;
    two_run(&t, at);
    uint32_t left = 0;
    for (unsigned i = 0; i < RECORDS; i++)
      left += ends[i] > at;
    if (records(&t) != left)
      fail_msg("%u records %u s later, not %u", (unsigned)records(&t), step, left);
  }
  two_run(&t, start + 1728001 * second);
  assert_int_equal(records(&t), 0);
  assert_true(two_end(&t));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_syn_in_time_wait),
      cmocka_unit_test(an_attempt_that_fails_gives_time_wait_back),
      cmocka_unit_test(the_right_edge_stays),
      cmocka_unit_test(an_attempt_that_succeeds_ends_it),
      cmocka_unit_test(time_wait_ends_while_an_attempt_is_judged),
      cmocka_unit_test(without_a_listener_a_new_syn_is_challenged),
      cmocka_unit_test(a_time_wait_of_its_own),
      cmocka_unit_test(each_for_its_own_time),
      cmocka_unit_test(settings_rfc_lets_an_exact_rst_end_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
