// SPDX-License-Identifier: BSD-2-Clause
// world.h - two hosts, the wire between them, and what the trace of each must show: for fuzz_two_hosts.c.
#ifndef ESTAB_FUZZ_WORLD_H
#define ESTAB_FUZZ_WORLD_H

#include "fuzz/feed.h"

#include <estab/wire.h>

enum {
  ENDS = 24,  // connections of both hosts in one run
  WIRE = 256, // frames under way in one direction
  LOANS = 16, // memory lent to estab_send_ref()
  LOAN_BYTES = 5000,
  HELD = 8,
  BATCH = 8,    // frames of one output call
  AGAIN = 64,   // frames that were not taken
  WATCHED = 64, // connections whose trace is followed
  STEPS_MAX = 300,
  ROUNDS_MAX = 30000, // of one moment: a buffer that grows may leave by the dozen of octets
  PORT = 80,
};

// ---- Figure 5 of RFC 9293 once more, by another hand: from, to

static const uint8_t edges[][2] = {
    {ESTAB_CLOSED, ESTAB_LISTEN},           {ESTAB_CLOSED, ESTAB_SYN_SENT},
    {ESTAB_LISTEN, ESTAB_SYN_RECEIVED},     {ESTAB_LISTEN, ESTAB_SYN_SENT},
    {ESTAB_LISTEN, ESTAB_CLOSED},           {ESTAB_SYN_SENT, ESTAB_SYN_RECEIVED},
    {ESTAB_SYN_SENT, ESTAB_ESTABLISHED},    {ESTAB_SYN_SENT, ESTAB_CLOSED},
    {ESTAB_SYN_RECEIVED, ESTAB_LISTEN},     {ESTAB_SYN_RECEIVED, ESTAB_ESTABLISHED},
    {ESTAB_SYN_RECEIVED, ESTAB_FIN_WAIT_1}, {ESTAB_SYN_RECEIVED, ESTAB_CLOSED},
    {ESTAB_ESTABLISHED, ESTAB_FIN_WAIT_1},  {ESTAB_ESTABLISHED, ESTAB_CLOSE_WAIT},
    {ESTAB_ESTABLISHED, ESTAB_CLOSED},      {ESTAB_FIN_WAIT_1, ESTAB_FIN_WAIT_2},
    {ESTAB_FIN_WAIT_1, ESTAB_CLOSING},      {ESTAB_FIN_WAIT_1, ESTAB_TIME_WAIT},
    {ESTAB_FIN_WAIT_1, ESTAB_CLOSED},       {ESTAB_FIN_WAIT_2, ESTAB_TIME_WAIT},
    {ESTAB_FIN_WAIT_2, ESTAB_CLOSED},       {ESTAB_CLOSE_WAIT, ESTAB_LAST_ACK},
    {ESTAB_CLOSE_WAIT, ESTAB_CLOSED},       {ESTAB_CLOSING, ESTAB_TIME_WAIT},
    {ESTAB_CLOSING, ESTAB_CLOSED},          {ESTAB_LAST_ACK, ESTAB_CLOSED},
    {ESTAB_TIME_WAIT, ESTAB_CLOSED},
};

static bool legal(enum estab_state from, enum estab_state to)
{
  for (unsigned i = 0; i < sizeof edges / sizeof *edges; i++)
    if (edges[i][0] == from && edges[i][1] == to) return true;
  return false;
}

// ---- The world

struct end { // a user's side of a connection
  estab_conn conn;
  bool live, closed, shut; // handle held; CLOSE called; reads no more
  bool told_readable, waits_writable;
  uint32_t iss, irs, snd_una, snd_nxt, rcv_nxt;
  uint32_t sent, got; // octets of the stream
};

struct loan {
  bool out;
  uint8_t *bytes;
};

struct watched { // by trace
  uint64_t conn;
  enum estab_state state;
  bool offered;
  uint32_t edge; // right edge of the window last offered
};

struct batch { // what estab_stack_output() filled; held frames must stay where they are
  struct estab_frame frames[BATCH];
  unsigned held;
};

struct snapshot {
  uint8_t *bytes;
  size_t n;
};

struct held {
  struct batch *batch;
  struct estab_frame *frame;
  struct snapshot as_sent;
};

struct packet {
  struct estab_frame meta;
  struct snapshot data;
  uint64_t born_ns;
};

struct host {
  struct fuzz_mem mem;
  estab_stack *s;
  unsigned number; // 0 or 1
  bool syn_events;
  estab_listener listener;
  struct end ends[ENDS];
  unsigned end_count;
  struct loan loans[LOANS];
  struct watched watched[WATCHED];
  unsigned watched_next;
  struct held held[HELD];
  struct snapshot again[AGAIN];
  unsigned again_count;
};

struct world {
  struct feed feed;
  uint64_t now_ns;
  struct host hosts[2];
  struct packet wire[2][WIRE]; // on the way to host i
  unsigned wire_count[2];
  uint16_t next_port;
  uint64_t msl_ns;
  bool ip6, gso;
  bool modern; // each host chooses what is not switched on by default
  bool forged; // segments were changed and made right again: streams may differ
};

static uint8_t octet(uint32_t iss, uint32_t i)
{
  uint32_t x = (iss ^ i * 0x9e3779b1u) * 0x85ebca6bu;
  return (uint8_t)(x >> 24 ^ x >> 13);
}

static struct estab_ip ip_of(const struct world *w, unsigned host)
{
  struct estab_ip ip6 = {{0x20, 0x01, 0x0d, 0xb8}};
  ip6.bytes[15] = (uint8_t)(1 + host);
  return w->ip6 ? ip6 : estab_ip4(192, 0, 2, (uint8_t)(1 + host));
}

static struct snapshot take(const struct estab_frame *frame)
{
  struct snapshot x;
  x.bytes = fuzz_linear(frame, &x.n);
  return x;
}

static bool same(const struct snapshot *x, const struct estab_frame *frame)
{
  struct snapshot y = take(frame);
  const bool equal = x->n == y.n && memcmp(x->bytes, y.bytes, y.n) == 0;
  free(y.bytes);
  return equal;
}

// ---- What the trace must show

static struct watched *watch_of(struct host *h, uint64_t conn)
{
  for (unsigned i = 0; i < WATCHED; i++)
    if (h->watched[i].conn == conn) return &h->watched[i];
  struct watched *x = &h->watched[h->watched_next++ % WATCHED];
  *x = (struct watched){.conn = conn, .state = ESTAB_STATES};
  return x;
}

static void traced(void *ctx, const struct estab_trace *e)
{
  struct host *h = ctx;
  if (e->kind == ESTAB_TRACE_state_changed) {
    MUST(legal(e->u.state_changed.from, e->u.state_changed.to));
    if (e->conn == 0) return;
    struct watched *x = watch_of(h, e->conn);
    MUST(x->state == ESTAB_STATES || x->state == e->u.state_changed.from);
    x->state = e->u.state_changed.to;
  } else if (e->kind == ESTAB_TRACE_segment_sent && e->conn != 0 &&
             (e->u.segment_sent.flags & (ESTAB_TCP_ACK | ESTAB_TCP_SYN | ESTAB_TCP_RST)) ==
                 ESTAB_TCP_ACK) {
    struct watched *x = watch_of(h, e->conn);
    const uint32_t edge = e->u.segment_sent.ack + e->u.segment_sent.window;
    MUST(!x->offered || (int32_t)(edge - x->edge) >= 0); // [SHLD-14]
    x->offered = true;
    x->edge = edge;
  }
}

#endif
