// SPDX-License-Identifier: BSD-2-Clause
// tcp_invariants.c - whatever arrives and whatever the user calls: what must hold of a connection at every moment.
#include "proto/state.h"
#include "support/kit_random.h"

// ---- Only legal edges, and none skipped

static struct watcher {
  bool wrong;
  uint64_t conn;
  enum estab_state state;
  bool known;
  char why[160];
} watcher;

static void watch(void *ctx, const struct estab_trace *e)
{
  struct watcher *w = ctx;
  if (e->kind != ESTAB_TRACE_state_changed || w->wrong) return;
  enum estab_state from = e->u.state_changed.from, to = e->u.state_changed.to;
  bool follows = !w->known || e->conn == 0 || e->conn != w->conn || from == w->state;
  if (!state_edge_is_legal(from, to) || !follows) {
    w->wrong = true;
    snprintf(w->why, sizeof w->why, "%s -> %s (%s), it was in %s", estab_state_name(from),
             estab_state_name(to), e->u.state_changed.cause, estab_state_name(w->state));
  }
  if (e->conn == 0) return;
  w->known = true;
  w->conn = e->conn;
  w->state = to;
}

static void settings_of(struct estab_settings *settings)
{
  settings->trace = (struct estab_trace_hook){&watcher, watch};
  settings->recv_buffer_bytes = 6000;
  settings->recv_buffer_max_bytes = 200000;
  settings->send_buffer_bytes = 5000;
}

// ---- What holds

struct marks {
  bool known;
  uint32_t generation, snd_nxt, snd_una, rcv_nxt, edge;
  uint8_t state;
};

static struct tcb *full(struct kit *k)
{
  uint32_t tagged = demux_find(k->s, &k->tuple);
  return (tagged & TAG_KIND) == TAG_FULL ? stack_conn(k->s, tagged & TAG_INDEX) : NULL;
}

#define HOLDS(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      printf("%sdoes not hold in %s: %s\n", k->log, estab_state_name((enum estab_state)t->state),  \
             #condition);                                                                          \
      return false;                                                                                \
    }                                                                                              \
  } while (0)

static bool holds(struct kit *k, struct marks *m)
{
  const struct tcb *t = full(k);
  if (!t) {
    m->known = false;
    return true;
  }
  HOLDS(seq_le(t->snd.una, t->snd.nxt));
  HOLDS(seq_le(t->rcv_read, t->rcv.nxt));
  HOLDS(t->state == ESTAB_SYN_SENT || tcb_readable(t) <= 200000);
  HOLDS(t->state != ESTAB_CLOSED && t->state != ESTAB_LISTEN);
  HOLDS(t->state == ESTAB_TIME_WAIT || seq_le(t->snd.nxt, tcb_queue_end(t) + 1));
  HOLDS(!(t->bits & TCB_SYN_ACKED) || t->cc.cwnd_bytes >= t->cc.mss_bytes);
  HOLDS(!(t->bits & TCB_FIN_TAKEN) || (t->bits & TCB_FIN_KNOWN));
  HOLDS(!(t->bits & TCB_FIN_TAKEN) || t->rcv.nxt == t->fin_seq + 1);
  for (unsigned i = 0; i < t->out_of_order.count; i++)
    HOLDS((seq_gt(t->out_of_order.at[i].start, t->rcv.nxt) ||
           t->state == ESTAB_SYN_RECEIVED) && // text of a SYN waits for ESTABLISHED
          seq_lt(t->out_of_order.at[i].start, t->out_of_order.at[i].end));
  // Who waits for something has a timer that ends the wait.
  bool in_flight = t->snd.una != t->snd.nxt && t->state != ESTAB_TIME_WAIT;
  HOLDS(!in_flight || tcp_deadline(t) != ESTAB_NEVER);
  HOLDS(tcp_deadline(t) == ESTAB_NEVER || k->s->unarmed == t ||
        (wheel_has(&t->timer) && t->timer.deadline_ns <= tcp_deadline(t)));
  if (m->known && m->generation == t->generation && m->state != ESTAB_SYN_SENT) {
    HOLDS(seq_ge(t->snd.nxt, m->snd_nxt)); // SND.NXT never moves back
    HOLDS(seq_ge(t->snd.una, m->snd_una));
    HOLDS(seq_ge(t->rcv.nxt, m->rcv_nxt));
    HOLDS(seq_ge(t->rcv.nxt + t->rcv.wnd, m->edge)); // [SHLD-14, RFC 7323 S2]
  }
  *m = (struct marks){true,       t->generation,           t->snd.nxt, t->snd.una,
                      t->rcv.nxt, t->rcv.nxt + t->rcv.wnd, t->state};
  return true;
}

static void user_does(struct prop_rng *r, struct kit *k)
{
  if (!k->conn) return;
  uint8_t bytes[300];
  switch (prop_below(r, 12)) {
  case 0:
  case 1:
  case 2: (void)kit_send(k, prop_below(r, 500)); break;
  case 3: (void)estab_close(k->s, k->conn); break;
  case 4:
    if (prop_one_in(r, 4)) (void)estab_shutdown_recv(k->s, k->conn);
    break;
  case 5:
    if (prop_one_in(r, 4)) (void)estab_release(k->s, k->conn), k->conn = 0;
    break;
  case 6:
    if (prop_one_in(r, 4)) (void)estab_abort(k->s, k->conn);
    break;
  case 7: {
    int n = estab_recv(k->s, k->conn, bytes, 1 + prop_below(r, sizeof bytes));
    for (int i = 0; i < n; i++)
      if (bytes[i] != kit_peer_octet(k->read_bytes++)) k->wrong_octet = true;
    break;
  }
  case 8:
    (void)estab_option_set(k->s, k->conn, ESTAB_OPT_RECV_BUFFER_BYTES, 1 + prop_below(r, 200000));
    break;
  case 9:
    (void)estab_option_set(k->s, k->conn, (enum estab_option)prop_below(r, 4), prop_below(r, 2));
    break;
  default: kit_user(k);
  }
}

static bool anything_goes(struct prop_rng *r)
{
  static struct kit k;
  watcher = (struct watcher){0};
  kit_init(&k, prop_one_in(r, 2), settings_of);
  k.no_options = prop_one_in(r, 3);
  k.active = prop_one_in(r, 2);
  kit_make(&k, (enum kit_place)(KIT_SYN_SENT + prop_below(r, KIT_PLACES - KIT_SYN_SENT)));
  struct marks marks = {0};
  bool ok = true;
  for (unsigned i = 0; ok && i < 60 && kit_seg(&k); i++) {
    if (prop_one_in(r, 3)) {
      user_does(r, &k);
    } else {
      uint8_t text[1000];
      struct estab_tcp_header h = kit_random_header(r, &k, kit_seg(&k));
      if (prop_one_in(r, 2)) h.flags &= (uint16_t) ~(ESTAB_TCP_RST | ESTAB_TCP_SYN);
      uint32_t n = kit_random_text(r);
      kit_text(&k, h.seq + ((h.flags & ESTAB_TCP_SYN) ? 1u : 0u), n, text);
      kit_inject_raw(&k, &h, text, n);
    }
    if (kit_state(&k) == ESTAB_SYN_SENT || watcher.state == ESTAB_SYN_SENT) marks.known = false;
    ok = holds(&k, &marks);
    if (prop_one_in(r, 3)) kit_drain(&k);
    if (prop_one_in(r, 3)) kit_advance(&k, prop_u64(r) % UINT64_C(3000000000));
    if (ok) ok = holds(&k, &marks);
    k.outs = 0;
  }
  kit_drain(&k);
  if (watcher.wrong) printf("%san edge that is none: %s\n", k.log, watcher.why);
  if (k.bad_frames) printf("%sa frame that cannot be read\n", k.log);
  return kit_end(&k) && ok && !watcher.wrong && k.bad_frames == 0;
}

int main(int argc, char **argv)
{
  static const struct prop props[] = {{"anything", anything_goes, 4000}};
  return prop_main(argc, argv, props, 1);
}
