// SPDX-License-Identifier: BSD-2-Clause
// test_alone.c - closed windows on both sides, and peers that vanish: nothing waits for ever.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/two.h"

#define SECONDS UINT64_C(1000000000)

static void small_buffers(struct estab_settings *settings)
{
  settings->send_buffer_bytes = 30000;
  settings->recv_buffer_bytes = settings->recv_buffer_max_bytes = 8000;
}

static uint32_t write_all(struct two *t, unsigned who, estab_conn c, uint32_t sent, uint32_t total)
{
  uint8_t bytes[2000];
  while (sent < total) {
    uint32_t some = total - sent < sizeof bytes ? total - sent : sizeof bytes;
    for (uint32_t i = 0; i < some; i++)
      bytes[i] = kit_user_octet(sent + i);
    int n = estab_send(t->s[who], c, bytes, some);
    if (n <= 0) break;
    sent += (uint32_t)n;
  }
  return sent;
}

static uint32_t read_all(struct two *t, unsigned who, estab_conn c, uint32_t got)
{
  uint8_t bytes[2000];
  int n;
  while ((n = estab_recv(t->s[who], c, bytes, sizeof bytes)) > 0)
    for (int i = 0; i < n; i++)
      assert_int_equal(bytes[i], kit_user_octet(got++));
  return got;
}

// RFC 9293 A.2: both windows are closed and both sides probe; strict checks would throw away each other's ACKs. The
// named way out is [MUST-66] and that what carries no text comes from where the peer's window ends.
static void both_windows_are_closed(void **state)
{
  (void)state;
  for (unsigned run = 0; run < 8; run++) {
    static struct two t;
    const uint32_t total = 60000;
    uint32_t sent[2] = {0}, got[2] = {0};
    estab_conn c[2];
    two_init(&t, run & 1, small_buffers);
    t.lose_one_in = (run & 2) ? 7 : 0;
    estab_listener l = two_listen(&t, 1, 80, 1);
    assert_int_equal(two_connect(&t, 0, 0, 80, &c[0]), ESTAB_OK);
    two_carry(&t);
    assert_int_equal(estab_accept(t.s[1], l, &c[1]), ESTAB_OK);
    for (unsigned who = 0; who < 2; who++)
      sent[who] = write_all(&t, who, c[who], 0, total);
    two_run(&t, t.now_ns + 300 * SECONDS); // nobody reads
    for (unsigned who = 0; who < 2; who++) {
      struct estab_conn_info info = {.struct_bytes = sizeof info};
      estab_conn_info(t.s[who], c[who], &info);
      assert_int_equal(info.state, ESTAB_ESTABLISHED);
      assert_int_equal(info.snd_wnd, 0);
      assert_int_equal(info.rcv_wnd, 0);
    }
    // In half of the runs one side reads only when all of its own octets have arrived: they must get through although
    // its window stays closed all the time.
    for (unsigned turn = 0; turn < 3000 && (got[0] < total || got[1] < total); turn++) {
      for (unsigned who = 0; who < 2; who++) {
        if (who == 0 || !(run & 4) || got[0] == total)
          got[who] = read_all(&t, who, c[who], got[who]);
        sent[who] = write_all(&t, who, c[who], sent[who], total);
      }
      two_turn(&t, t.now_ns + SECONDS);
    }
    assert_int_equal(got[0], total);
    assert_int_equal(got[1], total);
    assert_true(two_end(&t));
  }
}

// ATTACKS F7: what is left when the user has released the connection and the peer is silent, and for how long at most.
static void a_peer_that_vanishes(void **state)
{
  (void)state;
  static const struct {
    enum kit_place place;
    uint32_t at_most_s;
  } bounds[] = {
      {KIT_SYN_SENT, 181},    {KIT_SYN_RECEIVED, 64},    {KIT_SYN_RECEIVED_ACTIVE, 181},
      {KIT_ESTABLISHED, 121}, {KIT_FIN_WAIT_1, 121},     {KIT_FIN_WAIT_2, 61},
      {KIT_CLOSE_WAIT, 121},  {KIT_CLOSING, 121},        {KIT_LAST_ACK, 121},
      {KIT_TIME_WAIT, 241},   {KIT_TIME_WAIT_FULL, 241},
  };
  for (unsigned i = 0; i < sizeof bounds / sizeof bounds[0]; i++)
    for (unsigned ip6 = 0; ip6 < 2; ip6++) {
      static struct kit k;
      kit_init(&k, ip6, NULL);
      kit_make(&k, bounds[i].place);
      if (k.conn) assert_int_equal(estab_release(k.s, k.conn), ESTAB_OK);
      k.conn = 0;
      kit_advance(&k, bounds[i].at_most_s * SECONDS);
      if (kit_seg(&k)) {
        print_error("%s", k.log);
        fail_msg("still in %s after %u s, it began in %s", estab_state_name(kit_state(&k)),
                 bounds[i].at_most_s, kit_place_name(bounds[i].place));
      }
      assert_true(kit_end(&k));
    }
}

// The user stays: what is in flight, or a SYN, ends by the user timeout, and he is told.
static void a_user_who_waits_is_told(void **state)
{
  (void)state;
  static const enum kit_place places[] = {KIT_SYN_SENT,   KIT_SYN_RECEIVED_ACTIVE, KIT_ESTABLISHED,
                                          KIT_FIN_WAIT_1, KIT_CLOSE_WAIT,          KIT_CLOSING,
                                          KIT_LAST_ACK};
  for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
    static struct kit k;
    kit_init(&k, false, NULL);
    kit_make(&k, places[i]);
    k.events = 0;
    kit_advance(&k, k.settings.user_timeout_ns + SECONDS);
    kit_user(&k);
    if (!(k.events & ESTAB_EVENT_ABORTED) || k.error != ESTAB_ERR_TIMEOUT ||
        estab_status(k.s, k.conn) != ESTAB_CLOSED) {
      print_error("%s", k.log);
      fail_msg("in %s: events %x, error %d, %s", kit_place_name(places[i]), k.events, k.error,
               estab_state_name(kit_state(&k)));
    }
    assert_true(kit_end(&k));
  }
}

// ATTACKS P1: an urgent pointer of any value in any state; the stream is what was sent, octet for octet.
static void any_urgent_pointer(void **state)
{
  (void)state;
  static const uint16_t pointers[] = {0, 1, 9, 10, 11, 65535};
  static const uint32_t lengths[] = {0, 1, 5, 10, 40};
  for (unsigned place = KIT_SYN_SENT; place < KIT_PLACES; place++)
    for (unsigned p = 0; p < 6; p++)
      for (unsigned n = 0; n < 5; n++) {
        static struct kit k;
        kit_init(&k, n & 1, NULL);
        kit_make(&k, (enum kit_place)place);
        const struct seg_state *t = kit_seg(&k);
        if (place == KIT_SYN_SENT)
          kit_inject(&k, &(struct kit_in){.flags = ESTAB_TCP_SYN | ESTAB_TCP_ACK | ESTAB_TCP_URG,
                                          .seq = k.irs,
                                          .ack = k.iss + 1,
                                          .urgent = pointers[p]});
        else
          kit_inject(&k, &(struct kit_in){.flags = ESTAB_TCP_ACK | ESTAB_TCP_URG,
                                          .seq = t->rcv.nxt,
                                          .ack = t->snd.nxt,
                                          .text_bytes = lengths[n],
                                          .urgent = pointers[p]});
        kit_drain(&k);
        if (kit_seg(&k) && !kit_lives(&k)) {
          print_error("%s", k.log);
          fail_msg("urgent pointer %u with %u octets in %s", pointers[p], lengths[n],
                   kit_place_name((enum kit_place)place));
        }
        assert_true(kit_end(&k));
      }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_windows_are_closed),
      cmocka_unit_test(a_peer_that_vanishes),
      cmocka_unit_test(a_user_who_waits_is_told),
      cmocka_unit_test(any_urgent_pointer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
