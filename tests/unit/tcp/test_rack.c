// SPDX-License-Identifier: BSD-2-Clause
// test_rack.c - RFC 8985 6 step by step, on a board of five segments sent a millisecond apart.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/prop.h"

#include "tcp/rack.h"

#define MS   UINT64_C(1000000)
#define BASE 0xffffff00u // the third segment lies across 2^32
#define MSS  100u

struct flight {
  struct prop_mem door;
  struct mem mem;
  struct board board;
  struct rack rack;
};

static const struct board_mark no_mark;

// Segments 0..4, sent at 100, 101, ... ms; the least round trip is 40 ms.
static void begin(struct flight *f)
{
  mem_init(&f->mem, prop_mem_door(&f->door));
  board_init(&f->board, BASE);
  rack_init(&f->rack, BASE, 0);
  rack_min_rtt(&f->rack, 40 * MS, 50 * MS);
  for (unsigned i = 0; i < 5; i++)
    assert_true(
        board_append(&f->board, &f->mem, BASE + (i + 1) * MSS, (100 + i) * MS, 0, &no_mark));
}

static void end(struct flight *f)
{
  board_free(&f->board, &f->mem);
  assert_int_equal(f->door.live_pieces, 0);
}

static struct board_record *segment(struct flight *f, unsigned i)
{
  return board_record(&f->board, board_find(&f->board, BASE + i * MSS));
}

static void sacked(struct flight *f, unsigned i, uint64_t now_ns)
{
  struct rack_ack a = {.now_ns = now_ns, .prior_fack = f->rack.fack};
  rack_delivered(&f->rack, segment(f, i), BASE + (i + 1) * MSS, &a);
  board_set_sacked(&f->board, segment(f, i), MSS, 1);
}

static uint64_t look(struct flight *f, bool recovering, uint64_t now_ns)
{
  uint64_t reo_wnd_ns = rack_reo_wnd(&f->rack, &f->board, recovering, 48 * MS);
  return rack_detect(&f->rack, &f->board, reo_wnd_ns, 48 * MS, now_ns);
}

static bool lost(struct flight *f, unsigned i)
{
  return (segment(f, i)->bits & BOARD_LOST) != 0;
}

// RFC 8985 6.2 step 5: one block alone starts the reordering window, a quarter of the least round trip.
static void waits_for_reordering(void **state)
{
  (void)state;
  struct flight f;
  begin(&f);
  sacked(&f, 2, 142 * MS);
  assert_int_equal(look(&f, false, 142 * MS), 150 * MS); // 100 + 40 + 10
  assert_false(lost(&f, 0));
  assert_int_equal(look(&f, false, 150 * MS), 151 * MS);
  assert_true(lost(&f, 0));
  assert_false(lost(&f, 1));
  look(&f, false, 151 * MS);
  assert_true(lost(&f, 1));
  assert_false(lost(&f, 3)); // sent later than what arrived
  end(&f);
}

// RFC 8985 6.2 step 4: three SACKed segments, or a recovery, and no reordering so far: no window.
static void three_blocks_need_no_window(void **state)
{
  (void)state;
  struct flight f;
  begin(&f);
  sacked(&f, 1, 141 * MS);
  sacked(&f, 2, 142 * MS);
  look(&f, false, 142 * MS);
  assert_false(lost(&f, 0));
  sacked(&f, 3, 143 * MS);
  look(&f, false, 143 * MS);
  assert_true(lost(&f, 0));
  assert_false(lost(&f, 4));
  end(&f);
  begin(&f);
  sacked(&f, 1, 141 * MS);
  look(&f, true, 141 * MS);
  assert_true(lost(&f, 0));
  end(&f);
}

// A path without delay, and a receiver that has no room: what was sent again left when it was to be lost by.
static void nothing_is_lost_as_it_leaves(void **state)
{
  (void)state;
  struct flight f;
  begin(&f);
  rack_min_rtt(&f.rack, 0, 50 * MS);
  for (unsigned i = 0; i < 3; i += 2) {
    board_set_lost(&f.board, segment(&f, i), BASE + i * MSS);
    board_set_sent_again(&f.board, &f.mem, board_find(&f.board, BASE + i * MSS), 150 * MS, 0,
                         &no_mark);
  }
  f.rack.min_ns[0] = 0;
  sacked(&f, 2, 150 * MS);
  assert_true(f.rack.again);
  assert_int_equal(look(&f, true, 150 * MS), 150 * MS + 1);
  assert_false(lost(&f, 0));
  look(&f, true, 150 * MS + 1);
  assert_true(lost(&f, 0));
  end(&f);
}

// What left in one moment behind what was sent again, at the end of a stretch that began before, is not older.
static void the_end_of_a_stretch_counts(void **state)
{
  (void)state;
  struct flight f;
  begin(&f);
  board_set_lost(&f.board, segment(&f, 0), BASE);
  assert_true(board_append(&f.board, &f.mem, BASE + 6 * MSS, 149 * MS, 0, &no_mark));
  board_set_sent_again(&f.board, &f.mem, board_find(&f.board, BASE), 150 * MS, 0, &no_mark);
  assert_true(board_extend(&f.board, BASE + 7 * MSS, 150 * MS, 2 * MS, 0));
  assert_ptr_equal(segment(&f, 5), segment(&f, 6));
  sacked(&f, 0, 190 * MS);
  look(&f, true, 190 * MS);
  assert_true(lost(&f, 4));
  assert_false(lost(&f, 5));
  assert_true(board_append(&f.board, &f.mem, BASE + 8 * MSS, 153 * MS, 0, &no_mark));
  sacked(&f, 7, 193 * MS);
  look(&f, true, 193 * MS);
  assert_true(lost(&f, 5));
  end(&f);
}

// RFC 8985 6.2 step 3: a segment sent once arrives behind a later one.
static void reordering_is_seen(void **state)
{
  (void)state;
  struct flight f;
  begin(&f);
  sacked(&f, 3, 143 * MS);
  assert_false(f.rack.reordering_seen);
  sacked(&f, 2, 144 * MS);
  assert_true(f.rack.reordering_seen);
  sacked(&f, 4, 145 * MS);
  look(&f, true, 145 * MS);
  assert_false(lost(&f, 0)); // the window stays open now
  end(&f);
}

// RFC 8985 6.2 step 3, "in ascending order": of what one ACK tells nothing overtook anything.
static void one_ack_is_no_disorder(void **state)
{
  (void)state;
  struct flight f;
  begin(&f);
  struct rack_ack a = {.now_ns = 143 * MS, .prior_fack = f.rack.fack};
  rack_delivered(&f.rack, segment(&f, 3), BASE + 4 * MSS, &a);
  rack_delivered(&f.rack, segment(&f, 0), BASE + MSS, &a);
  assert_false(f.rack.reordering_seen);
  assert_int_equal(f.rack.fack, BASE + 4 * MSS);
  end(&f);
}

// RFC 8985 6.2 step 2: a retransmission's ACK that the original may have caused is no measurement.
static void doubtful_retransmissions_do_not_count(void **state)
{
  (void)state;
  struct flight f;
  begin(&f);
  board_set_lost(&f.board, segment(&f, 0), BASE);
  board_set_sent_again(&f.board, &f.mem, board_find(&f.board, BASE), 150 * MS, 0, &no_mark);
  struct rack_ack too_soon = {.now_ns = 170 * MS};
  rack_delivered(&f.rack, segment(&f, 0), BASE + MSS, &too_soon);
  assert_false(f.rack.delivered);
  struct rack_ack old_echo = {.now_ns = 195 * MS, .echo_valid = true, .echo = 149};
  rack_delivered(&f.rack, segment(&f, 0), BASE + MSS, &old_echo);
  assert_false(f.rack.delivered);
  struct rack_ack new_echo = {.now_ns = 195 * MS, .echo_valid = true, .echo = 150};
  rack_delivered(&f.rack, segment(&f, 0), BASE + MSS, &new_echo);
  assert_true(f.rack.delivered);
  assert_int_equal(f.rack.rtt_ns, 45 * MS);
  // Everything sent before that retransmission is overdue: a lost retransmission would be, too.
  look(&f, true, 195 * MS);
  assert_true(lost(&f, 1) && lost(&f, 4));
  end(&f);
}

// RFC 8985 6.2 step 4: a DSACK a round trip widens the window by a quarter, up to SRTT; sixteen recoveries without
// one narrow it again.
static void dsack_widens_the_window(void **state)
{
  (void)state;
  struct flight f;
  begin(&f);
  f.rack.reordering_seen = true;
  rack_dsack(&f.rack, BASE + 5 * MSS);
  rack_dsack(&f.rack, BASE + 5 * MSS); // the same round trip
  assert_int_equal(rack_reo_wnd(&f.rack, &f.board, true, 48 * MS), 20 * MS);
  for (unsigned i = 0; i < 5; i++) {
    f.rack.dsack_pending = false;
    rack_dsack(&f.rack, BASE + 5 * MSS);
  }
  assert_int_equal(rack_reo_wnd(&f.rack, &f.board, true, 48 * MS), 48 * MS);
  for (unsigned i = 0; i < 15; i++)
    rack_recovered(&f.rack);
  assert_int_equal(f.rack.reo_wnd_mult, 7);
  rack_recovered(&f.rack);
  assert_int_equal(rack_reo_wnd(&f.rack, &f.board, true, 48 * MS), 10 * MS);
  end(&f);
}

// RFC 8985 6.3: the first is lost, the others only when a round trip and the window have gone by.
static void timeout_marks_what_is_old(void **state)
{
  (void)state;
  struct flight f;
  begin(&f);
  f.rack.rtt_ns = 40 * MS;
  rack_on_timeout(&f.rack, &f.board, 0, 142 * MS);
  assert_true(lost(&f, 0) && lost(&f, 1) && lost(&f, 2));
  assert_false(lost(&f, 3) || lost(&f, 4));
  end(&f);
}

// RFC 8985 6.2 step 1: the least of the last minutes, not of all time.
static void least_round_trip_is_forgotten(void **state)
{
  (void)state;
  struct rack r;
  rack_init(&r, 0, 0);
  rack_min_rtt(&r, 10 * MS, 1 * MS);
  for (uint64_t s = 1; s < 700; s++)
    rack_min_rtt(&r, 30 * MS, s * 1000 * MS);
  assert_int_equal(rack_min(&r), 30 * MS);
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(waits_for_reordering),
      cmocka_unit_test(three_blocks_need_no_window),
      cmocka_unit_test(nothing_is_lost_as_it_leaves),
      cmocka_unit_test(the_end_of_a_stretch_counts),
      cmocka_unit_test(reordering_is_seen),
      cmocka_unit_test(one_ack_is_no_disorder),
      cmocka_unit_test(doubtful_retransmissions_do_not_count),
      cmocka_unit_test(dsack_widens_the_window),
      cmocka_unit_test(timeout_marks_what_is_old),
      cmocka_unit_test(least_round_trip_is_forgotten),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
