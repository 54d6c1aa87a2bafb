// SPDX-License-Identifier: BSD-2-Clause
// target_estab.c - estab hears a story: a stack of its own for each, in this process, on virtual time.
#include <stdlib.h>
#include <string.h>

#include "diff.h"

static struct estab_target {
  const struct story *story;
  estab_stack *stack;
  uint32_t netif;
  uint64_t now_ns;
  struct ends ends;
  estab_listener listener;
  estab_conn conn; // 0 = none, or given back
  bool gone;       // given back by CLOSE or ABORT
  int error;       // why the connection ended
} estab_target;

static void *target_resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes,
                           enum estab_mem_kind kind)
{
  (void)ctx;
  (void)old_bytes;
  (void)kind;
  if (new_bytes > 0) return realloc(p, new_bytes);
  free(p);
  return NULL;
}

static bool estab_begin(void *ctx, const struct story *story)
{
  struct estab_target *t = ctx;
  struct estab_settings settings;
  struct estab_netif_settings netif;
  *t = (struct estab_target){.story = story, .now_ns = 1000000000};
  estab_settings_default(&settings);
  settings.mem = (struct estab_mem){NULL, target_resize};
  memcpy(settings.secret, &story->seed, sizeof story->seed);
  settings.delayed_ack_ns = 0;        // as the kernel's route says quickack
  settings.challenge_interval_ns = 0; // as its tcp_invalid_ratelimit
  settings.nagle = false;
  if (estab_stack_new(&settings, t->now_ns, &t->stack) < 0) return false;
  estab_netif_settings_default(&netif);
  netif.link = ESTAB_LINK_RAW;
  netif.mtu = STORY_MTU;
  t->netif = (uint32_t)estab_netif_add(t->stack, &netif);
  unsigned n = (unsigned)(story->seed % 40000);
  if (story->ip6) {
    estab_ip_parse("fd00:9::1", &t->ends.us);
    estab_ip_parse("fd00:9::2", &t->ends.peer);
  } else {
    t->ends.us = estab_ip4(10, 9, 0, 1);
    t->ends.peer = estab_ip4(10, 9, 0, 2);
  }
  t->ends.our_port = (uint16_t)(2000 + n);
  t->ends.peer_port = 4000;
  t->ends.ts_clock = 1000;
  return estab_address_add(t->stack, t->netif, &t->ends.us, story->ip6 ? 64 : 16) >= 0;
}

static void target_events(struct estab_target *t)
{
  struct estab_event event;
  while (estab_stack_next_event(t->stack, &event) > 0) {
    if (event.events & ESTAB_EVENT_ACCEPT && t->conn == 0 && !t->gone &&
        estab_accept(t->stack, t->listener, &t->conn) >= 0) {
      estab_listener_close(t->stack, t->listener); // one connection a story
      t->listener = 0;
    }
    if (event.conn == t->conn && event.events & (ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED))
      t->error = event.error != 0 ? event.error : ESTAB_ERR_RESET;
  }
}

static void target_drain(struct estab_target *t, struct outcome *outcome)
{
  struct estab_frame frames[16];
  uint8_t bytes[2048];
  int n;
  do {
    target_events(t);
    n = estab_stack_output(t->stack, t->now_ns, frames, 16);
    for (int i = 0; i < n; i++) {
      size_t count = 0;
      for (unsigned k = 0; k < frames[i].piece_count; k++) {
        memcpy(bytes + count, frames[i].pieces[k].bytes, frames[i].pieces[k].length);
        count += frames[i].pieces[k].length;
      }
      observe(&t->ends, bytes, count, outcome);
    }
    estab_stack_output_done(t->stack, n > 0 ? (unsigned)n : 0, t->now_ns);
  } while (n > 0);
}

static int call_result(int answer)
{
  switch (answer) {
  case ESTAB_ERR_WOULD_BLOCK: return CALL_WOULD_BLOCK;
  case ESTAB_ERR_RESET:
  case ESTAB_ERR_REFUSED: return CALL_RESET;
  case ESTAB_ERR_CLOSING:
  case ESTAB_ERR_NO_CONNECTION: return CALL_CLOSED;
  default: return answer < 0 ? CALL_OTHER : answer;
  }
}

static int target_open(struct estab_target *t, bool passive)
{
  if (passive) {
    struct estab_listen_settings listen;
    estab_listen_settings_default(&listen);
    listen.port_first = listen.port_last = t->ends.our_port;
    listen.backlog = 4;
    return estab_listen(t->stack, &listen, &t->listener);
  }
  struct estab_connect_settings connect;
  estab_connect_settings_default(&connect);
  connect.local_port = t->ends.our_port;
  connect.remote = t->ends.peer;
  connect.remote_port = t->ends.peer_port;
  return estab_connect(t->stack, &connect, t->now_ns, &t->conn);
}

static int target_receive(struct estab_target *t)
{
  static uint8_t bytes[262144];
  int got, all = 0;
  while ((got = estab_recv(t->stack, t->conn, bytes, sizeof bytes)) > 0)
    all += got;
  return all > 0 ? all : call_result(got);
}

static int target_call(struct estab_target *t, const struct step *step)
{
  static const uint8_t text[65536];
  if (step->kind <= STEP_CONNECT) return call_result(target_open(t, step->kind == STEP_LISTEN));
  if (t->conn == 0) return CALL_CLOSED;
  switch ((enum step_kind)step->kind) {
  case STEP_SEND: return call_result(estab_send(t->stack, t->conn, text, step->bytes));
  case STEP_RECEIVE: return target_receive(t);
  case STEP_SHUTDOWN: return call_result(estab_close(t->stack, t->conn));
  case STEP_CLOSE:
    estab_close(t->stack, t->conn);
    estab_release(t->stack, t->conn);
    break;
  case STEP_ABORT:
    estab_abort(t->stack, t->conn);
    estab_release(t->stack, t->conn);
    break;
  case STEP_LISTEN:
  case STEP_CONNECT:
  case STEP_SEGMENT:
  case STEP_KINDS: break;
  }
  t->conn = 0;
  t->gone = true;
  return 0;
}

static void estab_tell(void *ctx, const struct step *step, unsigned wait_ms,
                       struct outcome *outcome)
{
  struct estab_target *t = ctx;
  (void)wait_ms;
  *outcome = (struct outcome){.state = -1};
  t->now_ns += 1000000;
  if (step->kind == STEP_SEGMENT) {
    uint8_t bytes[4096 + 128];
    size_t n = render(t->story, step, &t->ends, bytes, sizeof bytes);
    struct estab_frame frame = {.struct_bytes = sizeof frame, .netif = t->netif, .piece_count = 1};
    frame.pieces[0] = (struct estab_piece){.bytes = bytes, .length = n};
    estab_stack_input(t->stack, t->now_ns, &frame, 1);
  } else {
    outcome->result = target_call(t, step);
  }
  target_drain(t, outcome);
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  if (t->conn != 0 && estab_conn_info(t->stack, t->conn, &info) >= 0)
    outcome->state = (int)info.state;
}

static void estab_end(void *ctx)
{
  struct estab_target *t = ctx;
  if (t->stack != NULL) estab_stack_free(t->stack);
  t->stack = NULL;
}

bool target_estab_open(struct target *target)
{
  *target = (struct target){"estab", &estab_target, estab_begin, estab_tell, estab_end};
  return true;
}
