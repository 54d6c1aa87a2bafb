// SPDX-License-Identifier: BSD-2-Clause
// test_ladder.c - the ladder's books: what is sent again and what is not, states inferred, one arrow or two.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "../../../tools/estab/json.c"
#include "../../../tools/estab/ladder.c"
#include "../../../tools/estab/ladder_draw.c"
#include "../../../tools/estab/endpoint.c"
#include "../../../tools/estab/phrase.c"
#include "../../../tools/estab/ladder_half.c"
#include "../../../tools/estab/ladder_words.c"

#define SYN ESTAB_TCP_SYN
#define ACK ESTAB_TCP_ACK
#define FIN ESTAB_TCP_FIN
#define RST ESTAB_TCP_RST

static struct estab_tuple left_tuple, right_tuple;

static void tuples(void)
{
  left_tuple = (struct estab_tuple){.local = estab_ip4(192, 0, 2, 1),
                                    .remote = estab_ip4(192, 0, 2, 2),
                                    .local_port = 1000,
                                    .remote_port = 2000};
  right_tuple = (struct estab_tuple){.local = left_tuple.remote,
                                     .remote = left_tuple.local,
                                     .local_port = 2000,
                                     .remote_port = 1000};
}

static void sends(struct ladder *l, enum ladder_side side, uint16_t flags, uint32_t seq,
                  uint32_t ack, uint32_t text_bytes)
{
  struct estab_trace e = {
      .kind = ESTAB_TRACE_segment_sent,
      .tuple = side == LADDER_LEFT ? &left_tuple : &right_tuple,
      .u.segment_sent = {
          .flags = flags, .seq = seq, .ack = ack, .text_bytes = text_bytes, .segments = 1}};
  ladder_event(l, side, &e);
}

static void gets(struct ladder *l, enum ladder_side side, uint16_t flags, uint32_t seq,
                 uint32_t ack, uint32_t text_bytes)
{
  struct estab_trace e = {
      .kind = ESTAB_TRACE_segment_received,
      .tuple = side == LADDER_LEFT ? &left_tuple : &right_tuple,
      .u.segment_received = {
          .flags = flags, .seq = seq, .ack = ack, .text_bytes = text_bytes, .segments = 1}};
  ladder_event(l, side, &e);
}

static void enters(struct ladder *l, enum ladder_side side, enum estab_state from,
                   enum estab_state to)
{
  struct estab_trace e = {.kind = ESTAB_TRACE_state_changed,
                          .tuple = side == LADDER_LEFT ? &left_tuple : &right_tuple,
                          .u.state_changed = {from, to, ""}};
  ladder_event(l, side, &e);
}

static struct ladder *begin(bool left_live, bool right_live, enum estab_state right_at, FILE *out)
{
  struct ladder_settings settings = {.name = {"left", "right"},
                                     .live = {left_live, right_live},
                                     .at = {ESTAB_CLOSED, right_at},
                                     .out = out,
                                     .width = 100,
                                     .ascii = true,
                                     .full = true};
  tuples();
  struct ladder *l = ladder_new(&settings);
  assert_non_null(l);
  return l;
}

// Both sides open; each answers the other's SYN by its own once more, with an ACK: nothing was lost.
static void simultaneous_open_sends_nothing_again(void **state)
{
  (void)state;
  struct ladder *l = begin(true, true, ESTAB_CLOSED, NULL);
  const enum ladder_side sides[] = {LADDER_LEFT, LADDER_RIGHT};
  const uint32_t isn[] = {UINT32_MAX, 5000};
  for (unsigned i = 0; i < 2; i++) {
    enters(l, sides[i], ESTAB_CLOSED, ESTAB_SYN_SENT);
    sends(l, sides[i], SYN, isn[i], 0, 0);
  }
  for (unsigned i = 0; i < 2; i++) {
    gets(l, sides[i], SYN, isn[1 - i], 0, 0);
    enters(l, sides[i], ESTAB_SYN_SENT, ESTAB_SYN_RECEIVED);
    sends(l, sides[i], SYN | ACK, isn[i], isn[1 - i] + 1, 0);
  }
  struct ladder_totals totals;
  ladder_totals(l, &totals);
  assert_int_equal(totals.again[LADDER_LEFT], 0);
  assert_int_equal(totals.again[LADDER_RIGHT], 0);
  sends(l, LADDER_LEFT, SYN | ACK, isn[0], isn[1] + 1, 0); // but this one is
  ladder_totals(l, &totals);
  assert_int_equal(totals.again[LADDER_LEFT], 1);
  ladder_free(l);
}

static void what_is_sent_again(void **state)
{
  (void)state;
  struct ladder *l = begin(true, true, ESTAB_LISTEN, NULL);
  sends(l, LADDER_LEFT, SYN, 100, 0, 0);
  sends(l, LADDER_LEFT, SYN, 100, 0, 0); // again
  sends(l, LADDER_RIGHT, SYN | ACK, 900, 101, 0);
  sends(l, LADDER_LEFT, ACK, 101, 901, 0);
  sends(l, LADDER_LEFT, ACK, 101, 901, 10);
  sends(l, LADDER_LEFT, ACK, 111, 901, 10);
  sends(l, LADDER_LEFT, ACK, 101, 901, 10); // again
  sends(l, LADDER_LEFT, ACK, 121, 901, 0);
  sends(l, LADDER_LEFT, FIN | ACK, 121, 901, 0);
  sends(l, LADDER_LEFT, FIN | ACK, 121, 901, 0); // again
  sends(l, LADDER_LEFT, RST, 101, 0, 0);         // numbers nothing
  struct ladder_totals totals;
  ladder_totals(l, &totals);
  assert_int_equal(totals.again[LADDER_LEFT], 3);
  assert_int_equal(totals.again[LADDER_RIGHT], 0);
  assert_int_equal(totals.segments[LADDER_LEFT], 10);
  assert_int_equal(totals.text_bytes[LADDER_LEFT], 20);
  ladder_free(l);
}

// Only the right side tells; the left one's states follow from segments.
static void states_are_inferred(void **state)
{
  (void)state;
  static const enum estab_state left[] = {ESTAB_CLOSED,     ESTAB_SYN_SENT,   ESTAB_ESTABLISHED,
                                          ESTAB_FIN_WAIT_1, ESTAB_FIN_WAIT_2, ESTAB_TIME_WAIT};
  struct ladder *l = begin(false, true, ESTAB_LISTEN, NULL);
  gets(l, LADDER_RIGHT, SYN, 100, 0, 0);
  enters(l, LADDER_RIGHT, ESTAB_LISTEN, ESTAB_SYN_RECEIVED);
  sends(l, LADDER_RIGHT, SYN | ACK, 900, 101, 0);
  gets(l, LADDER_RIGHT, ACK, 101, 901, 0);
  enters(l, LADDER_RIGHT, ESTAB_SYN_RECEIVED, ESTAB_ESTABLISHED);
  assert_true(ladder_settled(l));
  gets(l, LADDER_RIGHT, FIN | ACK, 101, 901, 0);
  enters(l, LADDER_RIGHT, ESTAB_ESTABLISHED, ESTAB_CLOSE_WAIT);
  sends(l, LADDER_RIGHT, ACK, 901, 102, 0);
  sends(l, LADDER_RIGHT, FIN | ACK, 901, 102, 0);
  enters(l, LADDER_RIGHT, ESTAB_CLOSE_WAIT, ESTAB_LAST_ACK);
  assert_false(ladder_settled(l));
  gets(l, LADDER_RIGHT, ACK, 102, 902, 0);
  enters(l, LADDER_RIGHT, ESTAB_LAST_ACK, ESTAB_CLOSED);
  ladder_end(l, 0);
  enum estab_state states[LADDER_STATES_MAX];
  unsigned n = ladder_states(l, LADDER_LEFT, states);
  assert_int_equal(n, sizeof left / sizeof left[0]);
  for (unsigned i = 0; i < n; i++)
    assert_int_equal(states[i], left[i]);
  assert_int_equal(ladder_state(l, LADDER_RIGHT), ESTAB_CLOSED);
  ladder_free(l);
}

static unsigned count_of(const char *text, const char *word)
{
  unsigned n = 0;
  for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
    n++;
  return n;
}

// A segment that arrives next is one arrow, one that something else overtakes is two, one that is lost never arrives.
static void one_arrow_or_two(void **state)
{
  (void)state;
  char *text = NULL;
  size_t bytes = 0;
  FILE *out = open_memstream(&text, &bytes);
  struct ladder *l = begin(true, true, ESTAB_LISTEN, out);
  sends(l, LADDER_LEFT, SYN, 100, 0, 0);
  gets(l, LADDER_RIGHT, SYN, 100, 0, 0);
  sends(l, LADDER_RIGHT, SYN | ACK, 900, 101, 0);
  sends(l, LADDER_RIGHT, SYN | ACK, 900, 101, 0);
  ladder_lost(l, LADDER_RIGHT);
  gets(l, LADDER_LEFT, SYN | ACK, 900, 101, 0);
  ladder_end(l, 0);
  ladder_free(l);
  fclose(out);
  if (count_of(text, "SYN 0:0(0)") != 1 || count_of(text, "SYN|ACK 0:0(0)") != 3)
    fail_msg("not one arrow, two and a lost one:\n%s", text);
  free(text);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(simultaneous_open_sends_nothing_again),
      cmocka_unit_test(what_is_sent_again),
      cmocka_unit_test(states_are_inferred),
      cmocka_unit_test(one_arrow_or_two),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
