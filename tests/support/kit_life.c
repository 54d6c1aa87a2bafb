// SPDX-License-Identifier: BSD-2-Clause
// kit_life.c - an honest peer and a user: the way into each state, and the proof that a connection still works.
#include "support/kit.h"

#define S ESTAB_TCP_SYN
#define A ESTAB_TCP_ACK
#define P ESTAB_TCP_PSH
#define F ESTAB_TCP_FIN

#define TEXT_BYTES 10 // each side's first write

static void must(bool holds, const char *what, struct kit *k)
{
  if (holds) return;
  printf("%skit: %s\n", k->log, what);
  fflush(stdout);
  abort();
}

static const struct {
  const char *name;
  enum estab_state state;
} places[KIT_PLACES] = {
    [KIT_CLOSED] = {"CLOSED", ESTAB_CLOSED},
    [KIT_LISTEN] = {"LISTEN", ESTAB_LISTEN},
    [KIT_SYN_SENT] = {"SYN-SENT", ESTAB_SYN_SENT},
    [KIT_SYN_RECEIVED] = {"SYN-RECEIVED (passive)", ESTAB_SYN_RECEIVED},
    [KIT_SYN_RECEIVED_ACTIVE] = {"SYN-RECEIVED (active)", ESTAB_SYN_RECEIVED},
    [KIT_ESTABLISHED] = {"ESTABLISHED", ESTAB_ESTABLISHED},
    [KIT_FIN_WAIT_1] = {"FIN-WAIT-1", ESTAB_FIN_WAIT_1},
    [KIT_FIN_WAIT_2] = {"FIN-WAIT-2", ESTAB_FIN_WAIT_2},
    [KIT_CLOSE_WAIT] = {"CLOSE-WAIT", ESTAB_CLOSE_WAIT},
    [KIT_CLOSING] = {"CLOSING", ESTAB_CLOSING},
    [KIT_LAST_ACK] = {"LAST-ACK", ESTAB_LAST_ACK},
    [KIT_TIME_WAIT] = {"TIME-WAIT (record)", ESTAB_TIME_WAIT},
    [KIT_TIME_WAIT_FULL] = {"TIME-WAIT (full)", ESTAB_TIME_WAIT},
};

const char *kit_place_name(enum kit_place place)
{
  return places[place].name;
}

enum estab_state kit_place_state(enum kit_place place)
{
  return places[place].state;
}

// ---- The user

static void read_all(struct kit *k)
{
  uint8_t bytes[256];
  int n;
  while ((n = estab_recv(k->s, k->conn, bytes, sizeof bytes)) > 0) {
    for (int i = 0; i < n; i++)
      if (bytes[i] != kit_peer_octet(k->read_bytes++)) k->wrong_octet = true;
  }
  if (n == 0) k->read_end = true;
}

void kit_user(struct kit *k)
{
  struct estab_event e;
  while (estab_stack_next_event(k->s, &e)) {
    if (e.listener && !k->conn) (void)estab_accept(k->s, e.listener, &k->conn);
    if (e.conn != k->conn) continue;
    k->events |= e.events;
    if (e.error) k->error = e.error;
  }
  if (k->conn) read_all(k);
}

int kit_send(struct kit *k, uint32_t n)
{
  uint8_t bytes[512];
  for (uint32_t i = 0; i < n; i++)
    bytes[i] = kit_user_octet(k->sent_bytes + i);
  int r = estab_send(k->s, k->conn, bytes, n);
  if (r > 0) k->sent_bytes += (uint32_t)r;
  return r;
}

// ---- Into each state

static void ack_all(struct kit *k, uint16_t flags, uint32_t text_bytes)
{
  const struct seg_state *t = kit_seg(k);
  kit_inject(k, &(struct kit_in){.flags = (uint16_t)(flags | A),
                                 .seq = t->rcv.nxt,
                                 .ack = t->snd.nxt,
                                 .text_bytes = text_bytes});
}

static void listen_here(struct kit *k)
{
  struct estab_listen_settings l;
  estab_listen_settings_default(&l);
  l.port_first = l.port_last = k->tuple.local_port;
  must(estab_listen(k->s, &l, &k->listener) == ESTAB_OK, "cannot listen", k);
}

static void connect_here(struct kit *k)
{
  struct estab_connect_settings c;
  estab_connect_settings_default(&c);
  c.local_port = k->tuple.local_port;
  c.remote = k->tuple.remote;
  c.remote_port = k->tuple.remote_port;
  must(estab_connect(k->s, &c, k->now_ns, &k->conn) == ESTAB_OK, "cannot connect", k);
  kit_drain(k);
}

// ESTABLISHED; each side has sent and acknowledged TEXT_BYTES.
static void established(struct kit *k)
{
  if (k->active) {
    connect_here(k);
    kit_inject(k, &(struct kit_in){.flags = S | A, .seq = k->irs, .ack = k->iss + 1});
  } else {
    listen_here(k);
    kit_inject(k, &(struct kit_in){.flags = S, .seq = k->irs});
    kit_drain(k);
    ack_all(k, 0, 0);
  }
  kit_drain(k);
  kit_user(k);
  must(k->conn && kit_state(k) == ESTAB_ESTABLISHED, "not ESTABLISHED", k);
  kit_advance(k, 10000000);
  ack_all(k, P, TEXT_BYTES);
  kit_user(k);
  must(kit_send(k, TEXT_BYTES) == TEXT_BYTES, "cannot send", k);
  kit_drain(k);
  kit_advance(k, 10000000);
  ack_all(k, 0, 0);
  kit_advance(k, 90000000); // whatever ACK was held back is out
}

static void close_here(struct kit *k)
{
  must(estab_close(k->s, k->conn) == ESTAB_OK, "cannot close", k);
  kit_drain(k);
}

static void peer_closes(struct kit *k, bool acknowledges)
{
  const struct seg_state *t = kit_seg(k);
  kit_inject(k, &(struct kit_in){.flags = F | A,
                                 .seq = t->rcv.nxt,
                                 .ack = acknowledges ? t->snd.nxt : t->snd.una});
  kit_drain(k);
  kit_user(k);
}

static void make_open(struct kit *k, enum kit_place place)
{
  if (place == KIT_LISTEN || place == KIT_SYN_RECEIVED) listen_here(k);
  if (place == KIT_SYN_SENT || place == KIT_SYN_RECEIVED_ACTIVE) connect_here(k);
  if (place == KIT_SYN_RECEIVED || place == KIT_SYN_RECEIVED_ACTIVE)
    kit_inject(k, &(struct kit_in){.flags = S, .seq = k->irs});
  kit_drain(k);
}

static void make_closing(struct kit *k, enum kit_place place)
{
  if (place == KIT_CLOSE_WAIT || place == KIT_LAST_ACK) {
    peer_closes(k, true);
    if (place == KIT_LAST_ACK) close_here(k);
    return;
  }
  close_here(k); // FIN-WAIT-1
  if (place == KIT_CLOSING) peer_closes(k, false);
  if (place != KIT_FIN_WAIT_2 && place != KIT_TIME_WAIT && place != KIT_TIME_WAIT_FULL) return;
  ack_all(k, 0, 0); // FIN-WAIT-2
  if (place == KIT_FIN_WAIT_2) return;
  peer_closes(k, true);
  if (place == KIT_TIME_WAIT) {
    must(estab_release(k->s, k->conn) == ESTAB_OK, "cannot release", k);
    k->conn = 0;
  }
}

void kit_make(struct kit *k, enum kit_place place)
{
  k->place = place;
  if (place <= KIT_SYN_RECEIVED_ACTIVE) {
    make_open(k, place);
  } else {
    established(k);
    if (place != KIT_ESTABLISHED) make_closing(k, place);
  }
  if (place == KIT_ESTABLISHED || place == KIT_CLOSE_WAIT) { // something is in flight
    must(kit_send(k, TEXT_BYTES) == TEXT_BYTES, "cannot send", k);
    kit_drain(k);
  }
  kit_user(k);
  must(kit_state(k) == places[place].state, "not where it should be", k);
  must(!k->wrong_octet && k->bad_frames == 0, "the way there was not clean", k);
  kit_advance(k, 2000000);
  kit_clear(k);
}

// ---- Proofs

// Where the peer's stream ends: where its FIN was already, or after as much as is said here.
static uint32_t stream_end(struct kit *k, uint32_t otherwise)
{
  uint32_t tagged = demux_find(k->s, &k->tuple);
  if ((tagged & TAG_KIND) != TAG_FULL) return otherwise;
  const struct tcb *t = stack_conn(k->s, tagged & TAG_INDEX);
  return (t->bits & TCB_FIN_KNOWN) ? t->fin_seq - (k->irs + 1) : otherwise;
}

// One turn of an honest peer, which has read what came out.
static void peer_turn(struct kit *k, uint32_t stream_bytes, bool may_close)
{
  const struct seg_state *t = kit_seg(k);
  if (!t) return;
  uint32_t next = t->state == ESTAB_SYN_SENT ? k->irs : t->rcv.nxt;
  uint32_t end = k->irs + 1 + stream_bytes; // where the FIN goes
  struct kit_in in = {.flags = A, .seq = next, .ack = k->peer_rcv_nxt};
  if (t->state == ESTAB_SYN_SENT) {
    in.flags |= S;
  } else if (seq_lt(next, end)) {
    in.flags |= P;
    in.text_bytes = end - next < 30 ? end - next : 30;
  } else if (next == end && may_close) {
    in.flags |= F;
  }
  kit_inject(k, &in);
}

static bool may_send(enum estab_state state)
{
  return state == ESTAB_SYN_SENT || state == ESTAB_ESTABLISHED || state == ESTAB_CLOSE_WAIT;
}

static bool why_not(struct kit *k, const char *why)
{
  kit_say(k, "the connection does not live: %s (%s; read %u, peer has %u of %u)", why,
          estab_state_name(kit_state(k)), k->read_bytes, k->peer_rcv_nxt - (k->iss + 1),
          k->sent_bytes);
  return false;
}

void kit_new_peer(struct kit *k, uint32_t irs)
{
  k->irs = irs;
  k->peer_rcv_nxt = 0;
  k->peer_got_fin = k->peer_got_rst = false;
  k->read_bytes = k->sent_bytes = 0;
  k->read_end = k->user_closed = false;
}

// A new connection through the listener.
static void open_again(struct kit *k)
{
  kit_new_peer(k, k->irs + 100000);
  kit_inject(k, &(struct kit_in){.flags = S, .seq = k->irs});
  kit_drain(k);
}

// It stands guard: the FIN once more is acknowledged and restarts 2 x MSL; then it is gone.
static bool guards(struct kit *k)
{
  kit_clear(k);
  const struct seg_state *t = kit_seg(k);
  uint32_t fin = t->rcv.nxt - 1, nxt = t->snd.nxt;
  kit_advance(k, k->settings.msl_ns);
  kit_inject(k, &(struct kit_in){.flags = F | A, .seq = fin, .ack = nxt});
  kit_drain(k);
  if (k->outs != 1 || k->out[0].h.flags != A || k->out[0].h.ack != fin + 1)
    return why_not(k, "TIME-WAIT does not acknowledge the FIN again");
  kit_advance(k, 2 * k->settings.msl_ns - 1000000u);
  if (kit_state(k) != ESTAB_TIME_WAIT) return why_not(k, "TIME-WAIT is over too early");
  kit_advance(k, 2000000);
  if (kit_seg(k)) return why_not(k, "TIME-WAIT does not end");
  return true;
}

static bool streams_are_right(struct kit *k, uint32_t stream_bytes)
{
  if (!k->peer_got_fin) return why_not(k, "our FIN is missing");
  if (k->peer_rcv_nxt - (k->iss + 1) - 1 != k->sent_bytes)
    return why_not(k, "the peer misses text");
  if (!k->conn) return true;
  if (!k->read_end) return why_not(k, "no end of stream");
  if (k->read_bytes != stream_bytes) return why_not(k, "the user misses text");
  return true;
}

bool kit_lives(struct kit *k)
{
  if (kit_state(k) == ESTAB_LISTEN) open_again(k);
  enum estab_state from = kit_state(k);
  if (from == ESTAB_TIME_WAIT) return guards(k);
  uint32_t stream_bytes = 60;
  bool writes = (from <= ESTAB_ESTABLISHED || from == ESTAB_CLOSE_WAIT) && !k->user_closed;
  bool wrote = false;
  for (unsigned turn = 0; turn < 40; turn++) {
    kit_user(k);
    stream_bytes = stream_end(k, stream_bytes);
    enum estab_state state = kit_state(k);
    if (state == ESTAB_CLOSED || state == ESTAB_TIME_WAIT) break;
    if (writes && !wrote && k->conn && may_send(state)) {
      if (kit_send(k, 2 * TEXT_BYTES) != 2 * TEXT_BYTES) return why_not(k, "SEND");
      wrote = true;
    }
    if (k->conn && wrote && (turn == 6 || state == ESTAB_CLOSE_WAIT))
      (void)estab_close(k->s, k->conn);
    kit_drain(k);
    peer_turn(k, stream_bytes, wrote || !writes);
    kit_advance(k, 100000000);
  }
  kit_user(k);
  if (k->wrong_octet) return why_not(k, "an octet is wrong");
  if (k->bad_frames) return why_not(k, "a frame was wrong");
  if (k->peer_got_rst) return why_not(k, "RST");
  enum estab_state end = kit_state(k);
  if (end != ESTAB_TIME_WAIT && end != ESTAB_CLOSED) return why_not(k, "it does not close");
  if (!streams_are_right(k, stream_bytes)) return false;
  return end == ESTAB_CLOSED || guards(k);
}

bool kit_is_gone(struct kit *k)
{
  kit_clear(k);
  if (kit_seg(k)) return why_not(k, "there is still a connection");
  kit_inject(k, &(struct kit_in){.flags = A, .seq = k->irs + 1, .ack = k->iss + 1});
  kit_drain(k);
  if (k->outs != 1 || k->out[0].h.flags != ESTAB_TCP_RST || k->out[0].h.seq != k->iss + 1)
    return why_not(k, "no RST for a segment of a connection that is gone");
  return true;
}
