// SPDX-License-Identifier: BSD-2-Clause
// stack_scale.c - very many connections on virtual time: ports, TIME-WAIT, what is left behind, what nobody accepts.
//
// A tenth of each number by default, all of it with ESTAB_LONG in the environment.
#include "support/two.h"

#define SECONDS UINT64_C(1000000000)
#define MILLIS  UINT64_C(1000000)

static uint32_t scale(uint32_t whole)
{
  return getenv("ESTAB_LONG") ? whole : whole / 10;
}

// ---- Active closes to one server and port

static uint32_t done, refused_connects;

static void settings_ports(struct estab_settings *settings)
{
  settings->port_first = 40000;
  settings->port_last = (uint16_t)(40000 + scale(20000) - 1);
}

static void settings_no_timestamps(struct estab_settings *settings)
{
  settings_ports(settings);
  settings->timestamps = false;
}

// Connects, closes first, and is released; the other end closes after it. False: the connect was refused with `want`.
static bool one_close(struct two *t, estab_listener listener, int want)
{
  estab_conn c, peer = 0;
  uint8_t byte;
  int r = two_connect(t, 0, 0, 80, &c);
  if (r < 0) {
    if (r != want) printf("connect answers %d (%s)\n", r, estab_strerror(r));
    refused_connects += r == want;
    return r == want;
  }
  two_carry(t);
  if (estab_accept(t->s[1], listener, &peer) < 0) return false;
  if (estab_send(t->s[0], c, "x", 1) != 1 || estab_close(t->s[0], c) < 0) return false;
  two_carry(t);
  if (estab_recv(t->s[1], peer, &byte, 1) != 1 || estab_recv(t->s[1], peer, &byte, 1) != 0)
    return false;
  if (estab_release(t->s[1], peer) < 0) return false;
  two_carry(t);
  if (estab_recv(t->s[0], c, &byte, 1) != 0 || estab_status(t->s[0], c) != ESTAB_TIME_WAIT)
    return false;
  if (estab_release(t->s[0], c) < 0) return false;
  struct estab_event e;
  for (unsigned i = 0; i < 2; i++)
    while (estab_stack_next_event(t->s[i], &e))
      continue;
  done++;
  return true;
}

static bool closes(void (*change)(struct estab_settings *), uint32_t count, uint64_t every_ns,
                   int want)
{
  static struct two t;
  done = refused_connects = 0;
  two_init(&t, true, change);
  estab_listener listener = two_listen(&t, 1, 80, 100);
  bool ok = listener != 0;
  for (uint32_t i = 0; ok && i < count; i++) {
    ok = one_close(&t, listener, want);
    two_run(&t, t.now_ns + every_ns);
    if (!ok) printf("close number %u failed\n", i);
  }
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(t.s[0], &info);
  if (info.connections || estab_drop_count(t.s[1], ESTAB_DROP_TCP_SYN_IN_WINDOW)) ok = false;
  uint32_t held = info.time_wait;
  two_run(&t, t.now_ns + 300 * SECONDS);
  estab_stack_info(t.s[0], &info);
  if (info.time_wait != 0 || held > scale(20000)) {
    printf("TIME-WAIT: %u, then %u\n", held, info.time_wait);
    ok = false;
  }
  return two_end(&t) && ok;
}

// 100,000 active closes at 1,000/s towards one server and port with 20,000 ports: each tuple is used again while it is
// in TIME-WAIT, when it is at least a second old and timestamps are on.
static bool active_closes(struct prop_rng *r)
{
  (void)r;
  return closes(settings_ports, scale(100000), MILLIS, 0) && done == scale(100000);
}

// Without timestamps nothing keeps old segments out: the ports are used up, and it is said so.
static bool active_closes_without_timestamps(struct prop_rng *r)
{
  (void)r;
  uint32_t more = scale(20000) + 200;
  return closes(settings_no_timestamps, more, MILLIS, ESTAB_ERR_NO_PORT) && done == scale(20000) &&
         refused_connects == 200;
}

// Nor is a tuple used again that is younger than a second.
static bool active_closes_too_fast(struct prop_rng *r)
{
  (void)r;
  uint32_t more = scale(20000) + 200;
  return closes(settings_ports, more, SECONDS / 100000, ESTAB_ERR_NO_PORT) &&
         done == scale(20000) && refused_connects == 200;
}

// ---- A crowd of peers, made of templates

static void settings_crowd(struct estab_settings *settings)
{
  settings->max_half_open = 1u << 20;
  settings->max_connections = 1u << 20;
}

static void peer_number(struct kit *k, uint32_t i)
{
  k->tuple.remote.bytes[12] = (uint8_t)(1 + (i >> 24));
  k->tuple.remote.bytes[13] = (uint8_t)(i >> 16);
  k->tuple.remote.bytes[14] = (uint8_t)(i >> 8);
  k->tuple.remote.bytes[15] = (uint8_t)i;
  k->conn = 0;
}

static void crowd_init(struct kit *k, uint32_t backlog, void (*change)(struct estab_settings *))
{
  kit_init(k, true, change);
  k->quiet = true;
  struct estab_listen_settings l;
  estab_listen_settings_default(&l);
  l.port_first = l.port_last = k->tuple.local_port;
  l.backlog = backlog;
  if (estab_listen(k->s, &l, &k->listener) < 0) abort();
}

static void segment(struct kit *k, uint16_t flags, uint32_t seq_plus, uint32_t ack_minus)
{
  const struct seg_state *t = kit_seg(k);
  kit_inject(k, &(struct kit_in){.flags = flags,
                                 .seq = t ? t->rcv.nxt + seq_plus : k->irs,
                                 .ack = t ? t->snd.nxt - ack_minus : 0});
  k->outs = 0;
  kit_drain(k);
}

// A connection of this peer, accepted.
static bool crowd_open(struct kit *k, uint32_t i)
{
  peer_number(k, i);
  segment(k, ESTAB_TCP_SYN, 0, 0);
  segment(k, ESTAB_TCP_ACK, 0, 0);
  return estab_accept(k->s, k->listener, &k->conn) == ESTAB_OK;
}

static void no_events(struct kit *k)
{
  struct estab_event e;
  while (estab_stack_next_event(k->s, &e))
    continue;
}

static uint64_t memory_now(struct kit *k)
{
  estab_stack_trim(k->s);
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(k->s, &info);
  return info.memory_bytes;
}

// Memory after everything has gone may keep a table of the smallest size and what a stack once needs.
static bool memory_is_back(struct kit *k, uint64_t before)
{
  uint64_t after = memory_now(k);
  if (after <= before + 65536) return true;
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(k->s, &info);
  printf("memory: %llu before, %llu after\n", (unsigned long long)before,
         (unsigned long long)after);
  for (unsigned i = 0; i < ESTAB_MEM_KINDS; i++)
    printf("  kind %u: %llu\n", i, (unsigned long long)info.memory_by_kind_bytes[i]);
  return false;
}

// ---- ATTACKS R7: connections that the user has released and the peer has left

static bool left_in(enum estab_state state, uint64_t drained_ns, bool mixed)
{
  static struct kit k;
  crowd_init(&k, 10, settings_crowd);
  uint64_t before = memory_now(&k);
  uint32_t count = scale(100000);
  bool ok = true;
  for (uint32_t i = 0; ok && i < count; i++) {
    ok = crowd_open(&k, i);
    if (state == ESTAB_LAST_ACK) segment(&k, ESTAB_TCP_FIN | ESTAB_TCP_ACK, 0, 0);
    if (estab_release(k.s, k.conn) < 0) ok = false;
    kit_drain(&k);
    if (state == ESTAB_FIN_WAIT_2) segment(&k, ESTAB_TCP_ACK, 0, 0);
    if (state == ESTAB_CLOSING) segment(&k, ESTAB_TCP_FIN | ESTAB_TCP_ACK, 0, 1);
    if (i % 1000 == 0) no_events(&k);
  }
  no_events(&k);
  if (!ok || estab_state_count(k.s, state) != count) {
    printf("only %u in %s\n", estab_state_count(k.s, state), estab_state_name(state));
    ok = false;
  }
  for (unsigned step = 0; mixed && step < 5; step++) { // out of window: keeps nobody alive
    kit_advance(&k, drained_ns / 6);
    for (uint32_t i = 0; i < count; i += 97) {
      peer_number(&k, i);
      if (kit_seg(&k)) segment(&k, ESTAB_TCP_ACK, 0x10000000, 0);
    }
  }
  kit_advance(&k, mixed ? drained_ns - drained_ns / 6 * 5 : drained_ns);
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(k.s, &info);
  if (info.connections) {
    printf("%u are left in %s\n", info.connections, estab_state_name(state));
    ok = false;
  }
  ok = memory_is_back(&k, before) && ok;
  return kit_end(&k) && ok;
}

static bool left_behind(struct prop_rng *r)
{
  (void)r;
  return left_in(ESTAB_FIN_WAIT_2, 65 * SECONDS, true) &&
         left_in(ESTAB_CLOSING, 121 * SECONDS, true) &&
         left_in(ESTAB_LAST_ACK, 121 * SECONDS, true);
}

// ---- ATTACKS R8: TIME-WAIT at its cap

static void settings_cap(struct estab_settings *settings)
{
  settings_crowd(settings);
  settings->max_time_wait = scale(1000000);
}

static bool time_wait_of(struct kit *k, uint32_t i)
{
  if (!crowd_open(k, i)) return false;
  estab_close(k->s, k->conn);
  kit_drain(k);
  segment(k, ESTAB_TCP_FIN | ESTAB_TCP_ACK, 0, 0);
  bool there = kit_state(k) == ESTAB_TIME_WAIT;
  return estab_release(k->s, k->conn) == ESTAB_OK && there;
}

static bool time_wait_at_the_cap(struct prop_rng *r)
{
  (void)r;
  static struct kit k;
  crowd_init(&k, 10, settings_cap);
  uint64_t before = memory_now(&k);
  uint32_t cap = scale(1000000), more = cap / 10;
  bool ok = true;
  for (uint32_t i = 0; ok && i < cap + more; i++) {
    ok = time_wait_of(&k, i);
    if (i % 1000 == 0) no_events(&k), k.now_ns += MILLIS, k.ts_ms++;
  }
  no_events(&k);
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(k.s, &info);
  uint64_t each = (memory_now(&k) - before) / cap;
  if (!ok || info.time_wait != cap || each > 112) {
    printf("%u of %u, %llu bytes each\n", info.time_wait, cap, (unsigned long long)each);
    ok = false;
  }
  static const struct {
    uint32_t behind_first;
    bool there;
  } looks[] = {{0, true}, {1, true}};
  for (unsigned i = 0; i < 2; i++) { // the oldest went, and nobody else
    peer_number(&k, more - 1 - looks[i].behind_first);
    if (kit_seg(&k)) ok = false;
    peer_number(&k, more + looks[i].behind_first);
    if (!kit_seg(&k)) ok = false;
  }
  kit_advance(&k, 2 * k.settings.msl_ns + SECONDS);
  estab_stack_info(k.s, &info);
  if (info.time_wait) ok = false;
  ok = memory_is_back(&k, before) && ok;
  return kit_end(&k) && ok;
}

// ---- ATTACKS R9: nobody calls accept

static bool never_accepted(struct prop_rng *r)
{
  (void)r;
  static struct kit k;
  crowd_init(&k, 128, settings_crowd);
  uint64_t before = memory_now(&k);
  uint32_t count = scale(1000000), half = 0;
  bool ok = true;
  for (uint32_t i = 0; i < 1000; i++) { // SYNs first, then their ACKs: more than the queue holds
    peer_number(&k, i);
    segment(&k, ESTAB_TCP_SYN, 0, 0);
    half += kit_seg(&k) != NULL;
  }
  for (uint32_t i = 0; i < 1000; i++) {
    peer_number(&k, i);
    if (kit_seg(&k)) segment(&k, ESTAB_TCP_ACK, 0, 0);
  }
  for (uint32_t i = 1000; i < count; i++) {
    peer_number(&k, i);
    segment(&k, ESTAB_TCP_SYN, 0, 0);
    if (kit_seg(&k)) segment(&k, ESTAB_TCP_ACK, 0, 0);
  }
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(k.s, &info);
  if (info.connections != 128 || info.half_open > half) {
    printf("%u connections, %u half-open\n", info.connections, info.half_open);
    ok = false;
  }
  kit_advance(&k, k.settings.half_open_timeout_ns + SECONDS);
  estab_stack_info(k.s, &info);
  if (info.half_open || info.connections != 128) ok = false;
  if (estab_listener_close(k.s, k.listener) < 0) ok = false;
  kit_drain(&k);
  estab_stack_info(k.s, &info);
  if (info.connections) ok = false;
  ok = memory_is_back(&k, before) && ok;
  return kit_end(&k) && ok;
}

// ---- ATTACKS R11: every port towards one peer

static void settings_every_port(struct estab_settings *settings)
{
  settings->port_first = 1024;
  settings->port_last = (uint16_t)(1024 + scale(64000) - 1);
  settings->max_connections = 1u << 17;
}

static bool every_port(struct prop_rng *r)
{
  (void)r;
  static struct two t;
  two_init(&t, false, settings_every_port);
  estab_conn c;
  bool ok = true;
  uint32_t count = scale(64000);
  for (uint32_t i = 0; ok && i < count; i++)
    ok = two_connect(&t, 0, 0, 80, &c) == ESTAB_OK;
  for (unsigned i = 0; ok && i < 100; i++)
    ok = two_connect(&t, 0, 0, 80, &c) == ESTAB_ERR_NO_PORT;
  if (!ok) printf("a connect was answered wrongly\n");
  if (two_connect(&t, 0, 0, 81, &c) != ESTAB_OK) ok = false; // towards another port all are free
  t.unplugged = true;
  two_run(&t, t.now_ns + 181 * SECONDS); // nobody answers: R2 of the SYN
  struct estab_event e;
  while (estab_stack_next_event(t.s[0], &e))
    if (!(e.events & ESTAB_EVENT_ABORTED) || e.error != ESTAB_ERR_TIMEOUT ||
        estab_release(t.s[0], e.conn) < 0)
      ok = false;
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(t.s[0], &info);
  if (info.connections) printf("%u connections are left\n", info.connections), ok = false;
  if (two_connect(&t, 0, 0, 80, &c) != ESTAB_OK) ok = false;
  return two_end(&t) && ok;
}

// Each once: what ESTAB_LONG makes longer here is the crowd.
int main(int argc, char **argv)
{
  static const struct prop props[] = {
      {"active-closes", active_closes, 1},
      {"active-closes-without-timestamps", active_closes_without_timestamps, 1},
      {"active-closes-too-fast", active_closes_too_fast, 1},
      {"left-behind", left_behind, 1},
      {"time-wait-cap", time_wait_at_the_cap, 1},
      {"never-accepted", never_accepted, 1},
      {"every-port", every_port, 1},
  };
  unsigned passed = 0, failed = 0;
  for (unsigned i = 0; i < sizeof props / sizeof props[0]; i++) {
    if (argc > 1 && strcmp(argv[1], props[i].name) != 0) continue;
    bool ok = props[i].holds(NULL);
    passed += ok;
    failed += !ok;
    if (!ok) printf("FAILED: %s\n", props[i].name);
  }
  printf("%u passed, %u failed\n", passed, failed);
  return failed || passed == 0;
}
