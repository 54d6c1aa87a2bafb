// SPDX-License-Identifier: BSD-2-Clause
// test_own_cc.c - the door for a controller of one's own: chosen at run time, told the facts, kept from doing harm.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "estab/cc.h"
#include "support/two.h"

enum { WINDOW = 5, BYTES = 200000 };

struct heard {
  unsigned acks, losses, wakes, rests, timeouts, transmits;
  uint64_t acked, delivered;
  bool sampled, zeroed;
  uint32_t mss;
  uint32_t window_bytes; // what on_ack leaves
};

static void on_ack(void *ctx, void *room, struct estab_cc_window *w, const struct estab_cc_ack *a)
{
  struct heard *h = ctx;
  assert_true(a->struct_bytes == sizeof *a && w->struct_bytes == sizeof *w);
  h->acks++;
  h->acked += a->acked_bytes;
  h->delivered += a->delivered_bytes;
  h->sampled |= a->rate_bytes > 0 && a->rate_interval_ns > 0;
  h->mss = w->mss_bytes;
  w->cwnd_bytes = h->window_bytes ? h->window_bytes : WINDOW * w->mss_bytes;
  w->ssthresh_bytes = 0;
  if (room) ((uint64_t *)room)[ESTAB_CC_ROOM_BYTES / 8 - 1] = 1;
}

static void on_loss(void *ctx, void *room, struct estab_cc_window *w, uint32_t flight_bytes,
                    uint64_t now_ns)
{
  (void)room;
  (void)flight_bytes;
  (void)now_ns;
  ((struct heard *)ctx)->losses++;
  w->ssthresh_bytes = w->cwnd_bytes = WINDOW * w->mss_bytes;
}

static void on_wake(void *ctx, void *room, struct estab_cc_window *w, uint64_t now_ns)
{
  struct heard *h = ctx;
  (void)now_ns;
  h->zeroed = ((uint64_t *)room)[ESTAB_CC_ROOM_BYTES / 8 - 1] == 0;
  h->wakes++;
  w->cwnd_bytes = WINDOW * w->mss_bytes;
}

static void on_rest(void *ctx, void *room, struct estab_cc_window *w, uint64_t now_ns)
{
  (void)room;
  (void)w;
  (void)now_ns;
  ((struct heard *)ctx)->rests++;
}

static void on_transmit(void *ctx, void *room, struct estab_cc_window *w, uint32_t flight_bytes,
                        uint64_t now_ns)
{
  (void)room;
  (void)w;
  (void)flight_bytes;
  (void)now_ns;
  ((struct heard *)ctx)->transmits++;
}

static struct estab_cc_controller controller(struct heard *h)
{
  return (struct estab_cc_controller){.struct_bytes = sizeof(struct estab_cc_controller),
                                      .name = "mine",
                                      .ctx = h,
                                      .room_bytes = ESTAB_CC_ROOM_BYTES,
                                      .wake = on_wake,
                                      .rest = on_rest,
                                      .on_ack = on_ack,
                                      .on_loss = on_loss,
                                      .on_transmit = on_transmit};
}

static const uint8_t text[BYTES];

static struct estab_conn_info info_of(struct two *t, estab_conn conn)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  assert_int_equal(estab_conn_info(t->s[0], conn, &info), ESTAB_OK);
  return info;
}

// Sends all of it and lets the peer read. Answers the most that was in flight.
static uint32_t transfer(struct two *t, estab_conn conn, estab_conn peer)
{
  static uint8_t got[BYTES];
  uint32_t most = 0;
  assert_int_equal(estab_send(t->s[0], conn, text, BYTES), BYTES);
  for (size_t n = 0; n < BYTES;) {
    int r = estab_recv(t->s[1], peer, got, sizeof got);
    if (r > 0) n += (size_t)r;
    struct estab_frame frames[64];
    int sent = estab_stack_output(t->s[0], t->now_ns, frames, 64);
    uint32_t flight = info_of(t, conn).flight_bytes;
    if (flight > most) most = flight;
    for (int i = 0; i < sent; i++)
      estab_stack_input(t->s[1], t->now_ns, &frames[i], 1);
    estab_stack_output_done(t->s[0], (unsigned)sent, t->now_ns);
    if (sent > 0) t->now_ns += 1000000;
    if (!two_turn(t, t->now_ns + UINT64_C(100000000)) && r <= 0 && sent == 0) break;
  }
  return most;
}

static void unpaced(struct estab_settings *settings)
{
  settings->pacing = false;
}

static void chosen_for_one_connection(void **state)
{
  (void)state;
  struct two t;
  struct heard h = {0};
  estab_conn peer, conn = two_open(&t, unpaced, &peer);
  struct estab_cc_controller mine = controller(&h);
  uint64_t value = 0;
  int number = estab_cc_add(t.s[0], &mine);
  assert_int_equal(number, ESTAB_CC_OWN);
  assert_int_equal(estab_option_set(t.s[1], peer, ESTAB_OPT_CONGESTION_CONTROL, (uint64_t)number),
                   ESTAB_ERR_UNSUPPORTED); // another stack does not know it
  assert_int_equal(estab_option_set(t.s[0], conn, ESTAB_OPT_CONGESTION_CONTROL, (uint64_t)number),
                   ESTAB_OK);
  assert_int_equal(estab_option_get(t.s[0], conn, ESTAB_OPT_CONGESTION_CONTROL, &value), ESTAB_OK);
  assert_int_equal(value, number);
  uint32_t most = transfer(&t, conn, peer);
  assert_true(h.wakes > 0 && h.zeroed && h.transmits > 0 && h.sampled && h.mss > 0);
  assert_true(h.acks > 10 && h.acked >= BYTES - WINDOW * h.mss && h.delivered == h.acked);
  assert_int_equal(most, WINDOW * h.mss);
  two_run(&t, t.now_ns + UINT64_C(5000000000));
  assert_int_equal(h.rests, h.wakes); // idle: the room is gone
  assert_int_equal(estab_option_set(t.s[0], conn, ESTAB_OPT_CONGESTION_CONTROL, ESTAB_CC_CUBIC),
                   ESTAB_OK);
  unsigned acks = h.acks;
  transfer(&t, conn, peer);
  assert_int_equal(h.acks, acks);
  assert_true(two_end(&t));
}

static void chosen_by_the_setting(void **state)
{
  (void)state;
  struct two t;
  struct heard h = {0};
  uint64_t value = 0;
  estab_conn peer, conn = two_open(&t, unpaced, &peer), late;
  struct estab_cc_controller mine = controller(&h);
  struct estab_settings settings = t.settings;
  settings.congestion_control = ESTAB_CC_OWN;
  assert_int_equal(estab_stack_set_settings(t.s[0], &settings), ESTAB_ERR_INVALID); // not yet
  assert_int_equal(estab_cc_add(t.s[0], &mine), ESTAB_CC_OWN);
  assert_int_equal(estab_stack_set_settings(t.s[0], &settings), ESTAB_OK);
  two_listen(&t, 1, 81, 4);
  assert_int_equal(two_connect(&t, 0, 0, 81, &late), ESTAB_OK);
  assert_int_equal(estab_option_get(t.s[0], late, ESTAB_OPT_CONGESTION_CONTROL, &value), ESTAB_OK);
  assert_int_equal(value, ESTAB_CC_OWN);
  assert_int_equal(estab_option_get(t.s[0], conn, ESTAB_OPT_CONGESTION_CONTROL, &value), ESTAB_OK);
  assert_int_equal(value, ESTAB_CC_CUBIC); // what it began with it keeps
  estab_abort(t.s[0], late);
  assert_true(two_end(&t));
}

// A window of nothing, or of everything, is bounded; what is missing is RFC 5681's.
static void does_no_harm(void **state)
{
  (void)state;
  for (unsigned k = 0; k < 2; k++) {
    struct two t;
    struct heard h = {.window_bytes = k == 0 ? 1 : UINT32_MAX};
    estab_conn peer, conn = two_open(&t, unpaced, &peer);
    struct estab_cc_controller mine = controller(&h);
    mine.wake = NULL;
    mine.rest = NULL;
    mine.on_transmit = NULL;
    int number = estab_cc_add(t.s[0], &mine);
    estab_option_set(t.s[0], conn, ESTAB_OPT_CONGESTION_CONTROL, (uint64_t)number);
    t.lose_one_in = 17;
    transfer(&t, conn, peer);
    assert_int_equal(info_of(&t, conn).bytes_acked + info_of(&t, conn).flight_bytes +
                         info_of(&t, conn).not_sent_bytes,
                     BYTES);
    assert_true(info_of(&t, conn).cwnd_bytes >= h.mss);
    assert_true(info_of(&t, conn).cwnd_bytes <= UINT32_MAX / 2);
    assert_true(two_end(&t));
  }
}

static void refused(void **state)
{
  (void)state;
  struct two t;
  struct heard h = {0};
  two_init(&t, false, NULL);
  struct estab_cc_controller mine = controller(&h), bad = mine;
  bad.on_ack = NULL;
  assert_int_equal(estab_cc_add(t.s[0], &bad), ESTAB_ERR_INVALID);
  bad = mine;
  bad.room_bytes = ESTAB_CC_ROOM_BYTES + 1;
  assert_int_equal(estab_cc_add(t.s[0], &bad), ESTAB_ERR_INVALID);
  bad = mine;
  bad.struct_bytes = 8;
  assert_int_equal(estab_cc_add(t.s[0], &bad), ESTAB_ERR_INVALID);
  bad = mine;
  bad.struct_bytes = offsetof(struct estab_cc_controller, on_timeout); // of an older program
  for (unsigned i = 0; i < ESTAB_CC_OWN_MOST; i++)
    assert_int_equal(estab_cc_add(t.s[0], i % 2 ? &mine : &bad), ESTAB_CC_OWN + i);
  assert_int_equal(estab_cc_add(t.s[0], &mine), ESTAB_ERR_NO_MEMORY);
  assert_true(two_end(&t));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(chosen_for_one_connection),
      cmocka_unit_test(chosen_by_the_setting),
      cmocka_unit_test(does_no_harm),
      cmocka_unit_test(refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
