// SPDX-License-Identifier: BSD-2-Clause
// test_call_table.c - RFC 9293 3.10.1 to 3.10.6: each call of the user in each state.
//
// Read from the RFC. Its words and what this interface makes of them: "connection does not exist" is NO_CONNECTION;
// "connection closing" is CLOSING, for RECEIVE the end of the stream, 0; "insufficient resources" for a RECEIVE with
// nothing to give is WOULD_BLOCK: nothing is queued, an event tells. A passive OPEN makes a listener, which is not the
// connection with the same port; an active OPEN beside a listener leaves that as it is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/kit.h"

enum call { OPEN_ACTIVE, OPEN_PASSIVE, SEND, RECEIVE, CLOSE, ABORT, STATUS, CALLS };
static const char *const call_names[CALLS] = {"OPEN active", "OPEN passive", "SEND",  "RECEIVE",
                                              "CLOSE",       "ABORT",        "STATUS"};

#define SAME ESTAB_STATES
#define SENT 10 // octets handed to SEND

// What leaves at once.
enum out { NOTHING, SYN, TEXT, FIN, RST };

struct answer {
  int answer;
  enum estab_state next;
  enum out out;
};

#define OK       ESTAB_OK
#define NO       ESTAB_ERR_NO_CONNECTION
#define EXISTS   ESTAB_ERR_EXISTS
#define CLOSING  ESTAB_ERR_CLOSING
#define BLOCK    ESTAB_ERR_WOULD_BLOCK
#define SYN_SENT ESTAB_SYN_SENT
#define FW1      ESTAB_FIN_WAIT_1
#define LAST_ACK ESTAB_LAST_ACK
#define CLOSED   ESTAB_CLOSED
#define NO_ANSWER                                                                                  \
  {                                                                                                \
    0, ESTAB_STATES, NOTHING                                                                       \
  }

// clang-format off
#define STAYS(answer) {answer, SAME, NOTHING}
static const struct row {
  enum kit_place place;
  struct answer calls[CALLS]; // in the order of enum call
} rows[] = {
  {KIT_CLOSED,
   {{OK, SYN_SENT, SYN}, {OK, ESTAB_LISTEN, NOTHING}, STAYS(NO), STAYS(NO), STAYS(NO), STAYS(NO), STAYS(NO)}},
  {KIT_LISTEN,
   {{OK, SYN_SENT, SYN}, STAYS(ESTAB_ERR_ADDRESS_IN_USE), STAYS(NO), STAYS(NO),
    {OK, CLOSED, NOTHING}, {OK, CLOSED, NOTHING}, STAYS(NO)}},
  {KIT_SYN_SENT,
   {STAYS(EXISTS), STAYS(OK), STAYS(SENT), STAYS(BLOCK),
    {OK, CLOSED, NOTHING}, {OK, CLOSED, NOTHING}, STAYS(ESTAB_SYN_SENT)}},
  // CLOSE departs from RFC 9293 3.10.4, which sends the FIN at once if nothing is queued: it waits for ESTABLISHED.
  {KIT_SYN_RECEIVED_ACTIVE,
   {STAYS(EXISTS), STAYS(OK), STAYS(SENT), STAYS(BLOCK),
    STAYS(OK), {OK, CLOSED, RST}, STAYS(ESTAB_SYN_RECEIVED)}},
  {KIT_ESTABLISHED,
   {STAYS(EXISTS), STAYS(OK), {SENT, SAME, TEXT}, STAYS(BLOCK),
    {OK, FW1, FIN}, {OK, CLOSED, RST}, STAYS(ESTAB_ESTABLISHED)}},
  {KIT_FIN_WAIT_1,
   {STAYS(EXISTS), STAYS(OK), STAYS(CLOSING), STAYS(BLOCK),
    STAYS(CLOSING), {OK, CLOSED, RST}, STAYS(ESTAB_FIN_WAIT_1)}},
  {KIT_FIN_WAIT_2,
   {STAYS(EXISTS), STAYS(OK), STAYS(CLOSING), STAYS(BLOCK),
    STAYS(CLOSING), {OK, CLOSED, RST}, STAYS(ESTAB_FIN_WAIT_2)}},
  {KIT_CLOSE_WAIT,
   {STAYS(EXISTS), STAYS(OK), {SENT, SAME, TEXT}, STAYS(0),
    {OK, LAST_ACK, FIN}, {OK, CLOSED, RST}, STAYS(ESTAB_CLOSE_WAIT)}},
  {KIT_CLOSING,
   {STAYS(EXISTS), STAYS(OK), STAYS(CLOSING), STAYS(0),
    STAYS(CLOSING), {OK, CLOSED, NOTHING}, STAYS(ESTAB_CLOSING)}},
  {KIT_LAST_ACK,
   {STAYS(EXISTS), STAYS(OK), STAYS(CLOSING), STAYS(0),
    STAYS(CLOSING), {OK, CLOSED, NOTHING}, STAYS(ESTAB_LAST_ACK)}},
  {KIT_TIME_WAIT_FULL,
   {STAYS(EXISTS), STAYS(OK), STAYS(CLOSING), STAYS(0),
    STAYS(CLOSING), {OK, CLOSED, NOTHING}, STAYS(ESTAB_TIME_WAIT)}},
};
// clang-format on

#define ROWS (sizeof rows / sizeof rows[0])

static void no_nagle(struct estab_settings *settings)
{
  settings->nagle = false; // text leaves although some is in flight
}

static int open_active(struct kit *k)
{
  struct estab_connect_settings c;
  estab_connect_settings_default(&c);
  c.local_port = k->tuple.local_port;
  c.remote = k->tuple.remote;
  c.remote_port = k->tuple.remote_port;
  return estab_connect(k->s, &c, k->now_ns, &k->conn);
}

static int open_passive(struct kit *k)
{
  struct estab_listen_settings l;
  estab_listen_settings_default(&l);
  l.port_first = l.port_last = k->tuple.local_port;
  return estab_listen(k->s, &l, &k->listener);
}

static int call_it(struct kit *k, enum call call)
{
  uint8_t byte;
  // A listener has a handle of its own kind; no connection may be found under it.
  estab_conn conn = k->place == KIT_LISTEN ? k->listener : k->conn;
  bool listener = k->place == KIT_LISTEN;
  switch (call) {
  case OPEN_ACTIVE: return open_active(k);
  case OPEN_PASSIVE: return open_passive(k);
  case SEND: {
    estab_conn held = k->conn;
    k->conn = conn;
    int r = kit_send(k, SENT);
    k->conn = held;
    return r;
  }
  case RECEIVE: return estab_recv(k->s, conn, &byte, 1);
  case CLOSE:
  case ABORT: {
    int r = listener        ? estab_listener_close(k->s, k->listener)
            : call == CLOSE ? estab_close(k->s, conn)
                            : estab_abort(k->s, conn);
    if (listener && r == ESTAB_OK) k->listener = 0;
    if (r == ESTAB_OK) k->user_closed = true;
    return r;
  }
  case STATUS: return estab_status(k->s, conn);
  case CALLS: break;
  }
  return 1;
}

static bool out_is(const struct kit *k, enum out out, uint32_t snd_nxt)
{
  if (out == NOTHING) return k->outs == 0;
  if (k->outs != 1) return false;
  const struct estab_tcp_header *h = &k->out[0].h;
  uint16_t flags = h->flags & (uint16_t)~ESTAB_TCP_ACK; // an RST may acknowledge
  uint32_t n = k->out[0].text_bytes;
  switch (out) {
  case SYN: return h->flags == ESTAB_TCP_SYN && n == 0;
  case TEXT: return flags == ESTAB_TCP_PSH && h->seq == snd_nxt && n == SENT;
  case FIN: return flags == ESTAB_TCP_FIN && h->seq == snd_nxt && n == 0;
  case RST: return flags == ESTAB_TCP_RST && h->seq == snd_nxt && n == 0;
  case NOTHING: break;
  }
  return false;
}

static void complain(struct kit *k, enum call call, const struct answer *a, int r, const char *what)
{
  print_error("%s", k->log);
  fail_msg("%s in %s over %s: %s\n  expected %d (%s), %s\n  got %d (%s), %s, %u segments",
           call_names[call], kit_place_name(k->place), k->ip6 ? "IPv6" : "IPv4", what, a->answer,
           estab_strerror(a->answer),
           a->next == SAME ? "no other state" : estab_state_name(a->next), r, estab_strerror(r),
           estab_state_name(kit_state(k)), k->outs);
}

static void try_call(const struct row *row, enum call call, bool ip6)
{
  static struct kit k;
  const struct answer *a = &row->calls[call];
  kit_init(&k, ip6, no_nagle);
  k.active = true; // so that no listener is in the way
  kit_make(&k, row->place);
  uint32_t snd_nxt = kit_seg(&k) ? kit_seg(&k)->snd.nxt : 0;
  kit_say(&k, "---- %s", call_names[call]);
  int r = call_it(&k, call);
  kit_drain(&k);
  if (r != a->answer) complain(&k, call, a, r, "answer");
  if (!out_is(&k, a->out, snd_nxt)) complain(&k, call, a, r, "what leaves");
  enum estab_state next = a->next == SAME ? kit_place_state(row->place) : a->next;
  if (call == OPEN_PASSIVE && next == ESTAB_LISTEN) {
    if (estab_state_count(k.s, ESTAB_LISTEN) != 1) complain(&k, call, a, r, "state");
  } else if (kit_state(&k) != next) {
    complain(&k, call, a, r, "state");
  }
  if (call == ABORT) k.peer_got_rst = false;
  bool ok = next == ESTAB_CLOSED ? kit_is_gone(&k) : kit_lives(&k);
  if (!ok) complain(&k, call, a, r, "what comes after");
  if (!kit_end(&k)) complain(&k, call, a, r, "memory");
}

static void one_row(void **state)
{
  for (unsigned call = 0; call < CALLS; call++) {
    try_call(*state, (enum call)call, false);
    try_call(*state, (enum call)call, true);
  }
}

// What a user who still holds the handle is told once the peer's RST has ended the connection.
static void after_a_reset_all_calls_say_so(void **state)
{
  (void)state;
  static const enum kit_place places[] = {KIT_ESTABLISHED, KIT_FIN_WAIT_1, KIT_FIN_WAIT_2,
                                          KIT_CLOSE_WAIT};
  for (unsigned i = 0; i < 4; i++) {
    struct kit k;
    uint8_t byte;
    kit_init(&k, false, NULL);
    kit_make(&k, places[i]);
    kit_inject(&k, &(struct kit_in){.flags = ESTAB_TCP_RST, .seq = kit_seg(&k)->rcv.nxt});
    k.events = 0;
    kit_user(&k);
    assert_true(k.events & ESTAB_EVENT_RESET); // "unsolicited general connection reset signal"
    assert_int_equal(k.error, ESTAB_ERR_RESET);
    assert_int_equal(estab_send(k.s, k.conn, "x", 1), ESTAB_ERR_RESET);
    assert_int_equal(estab_recv(k.s, k.conn, &byte, 1), ESTAB_ERR_RESET);
    assert_int_equal(estab_status(k.s, k.conn), ESTAB_CLOSED);
    assert_int_equal(estab_release(k.s, k.conn), ESTAB_OK);
    assert_int_equal(estab_status(k.s, k.conn), ESTAB_ERR_NO_CONNECTION);
    assert_int_equal(estab_send(k.s, k.conn, "x", 1), ESTAB_ERR_NO_CONNECTION);
    assert_int_equal(estab_recv(k.s, k.conn, &byte, 1), ESTAB_ERR_NO_CONNECTION);
    assert_int_equal(estab_close(k.s, k.conn), ESTAB_ERR_NO_CONNECTION);
    assert_int_equal(estab_abort(k.s, k.conn), ESTAB_ERR_NO_CONNECTION);
    assert_int_equal(estab_release(k.s, k.conn), ESTAB_ERR_NO_CONNECTION);
    assert_true(kit_end(&k));
  }
}

// RFC 9293 3.10.7.3, second: refused; and 3.10.3: text on hand is still given out after the peer's FIN.
static void a_refused_open_and_text_on_hand(void **state)
{
  (void)state;
  struct kit k;
  uint8_t bytes[64];
  kit_init(&k, true, NULL);
  kit_make(&k, KIT_SYN_SENT);
  kit_inject(&k, &(struct kit_in){.flags = ESTAB_TCP_RST | ESTAB_TCP_ACK, .ack = k.iss + 1});
  kit_user(&k);
  assert_true(k.events & ESTAB_EVENT_ABORTED);
  assert_int_equal(k.error, ESTAB_ERR_REFUSED);
  assert_true(kit_end(&k));

  kit_init(&k, true, NULL);
  kit_make(&k, KIT_ESTABLISHED);
  const struct seg_state *t = kit_seg(&k);
  kit_inject(&k, &(struct kit_in){.flags = ESTAB_TCP_FIN | ESTAB_TCP_PSH | ESTAB_TCP_ACK,
                                  .seq = t->rcv.nxt,
                                  .ack = t->snd.nxt,
                                  .text_bytes = 20});
  assert_int_equal(kit_state(&k), ESTAB_CLOSE_WAIT);
  assert_int_equal(estab_close(k.s, k.conn), ESTAB_OK);
  kit_drain(&k);
  assert_int_equal(kit_state(&k), ESTAB_LAST_ACK);
  assert_int_equal(estab_recv(k.s, k.conn, bytes, 15), 15);
  kit_inject(&k, &(struct kit_in){.flags = ESTAB_TCP_ACK, .seq = t->rcv.nxt, .ack = t->snd.nxt});
  assert_int_equal(kit_state(&k), ESTAB_CLOSED);
  assert_int_equal(estab_recv(k.s, k.conn, bytes + 15, 15), 5); // CLOSED in order: not lost
  for (uint32_t i = 0; i < 20; i++)
    assert_int_equal(bytes[i], kit_peer_octet(10 + i));
  assert_int_equal(estab_recv(k.s, k.conn, bytes, 1), 0);
  assert_int_equal(estab_release(k.s, k.conn), ESTAB_OK);
  assert_true(kit_end(&k));
}

int main(void)
{
  struct CMUnitTest tests[ROWS + 2] = {cmocka_unit_test(after_a_reset_all_calls_say_so),
                                       cmocka_unit_test(a_refused_open_and_text_on_hand)};
  for (unsigned i = 0; i < ROWS; i++)
    tests[i + 2] = (struct CMUnitTest){.name = kit_place_name(rows[i].place),
                                       .test_func = one_row,
                                       .initial_state = (void *)(uintptr_t)&rows[i]};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
