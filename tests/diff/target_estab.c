// SPDX-License-Identifier: BSD-2-Clause
// target_estab.c - estab hears a story: a stack of its own for each, in this process, on virtual time.
#include <stdlib.h>
#include <string.h>

#include "estab/driver.h"
#include "diff.h"

static struct estab_target {
  const struct story *story;
  estab_stack *stack;
  uint32_t netif;
  uint64_t now_ns;
  struct ends ends;
  estab_listener listener;
  estab_conn conn;   // 0 = none, or given back
  bool gone;         // given back by CLOSE or ABORT
  struct view view;  // as the trace and what left tell
  uint8_t rcv_shift; // what the window field of ours is to be multiplied by
  const struct plant *plant;
} estab_target;

// States come from the trace: of a half-open connection, and of one without a handle, no call can tell.
static void target_trace(void *ctx, const struct estab_trace *event)
{
  struct estab_target *t = ctx;
  if (event->kind == ESTAB_TRACE_state_changed) t->view.state = (int)event->u.state_changed.to;
}

static bool estab_begin(void *ctx, const struct story *story)
{
  struct estab_target *t = ctx;
  struct estab_settings settings;
  struct estab_netif_settings netif;
  *t = (struct estab_target){.story = story, .now_ns = 1000000000, .plant = t->plant};
  if (story->letter)
    estab_settings_rfc(&settings);
  else
    estab_settings_default(&settings);
  settings.time_wait_ignores_rst = true;       // as the kernel's tcp_rfc1337
  settings.require_timestamps = story->letter; // Linux has them optional in every segment
  settings.trace = (struct estab_trace_hook){t, target_trace};
  settings.mem = estab_system_mem();
  memcpy(settings.secret, &story->seed, sizeof story->seed);
  settings.delayed_ack_ns = 0;        // as the kernel's route says quickack
  settings.challenge_interval_ns = 0; // as its tcp_invalid_ratelimit
  settings.nagle = false;
  if (story->timers != 0) {
    settings.delayed_ack_ns = UINT64_C(40000000);
    settings.rto_min_ns = UINT64_C(200000000);
    settings.fin_wait_2_timeout_ns = UINT64_C(1000000000);
    settings.keepalive_interval_ns = UINT64_C(1000000000);
    settings.keepalive_count = TIMERS_KEEPALIVES;
    if (story->timers & TIMERS_KEEPALIVE) settings.keepalive_idle_ns = UINT64_C(1000000000);
    if (story->timers & TIMERS_USER) settings.user_timeout_ns = TIMERS_USER_MS * UINT64_C(1000000);
  }
  settings.initial_window_segments = STORY_WINDOW; // congestion is for the timers to tell
  settings.congestion_control = ESTAB_CC_NEWRENO;
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
  t->ends.peer_iss = story->peer_iss;
  t->view.state = ESTAB_CLOSED;
  return estab_address_add(t->stack, t->netif, &t->ends.us, story->ip6 ? 64 : 16) >= 0;
}

static void target_events(struct estab_target *t)
{
  struct estab_event event;
  while (estab_stack_next_event(t->stack, &event) > 0) {
    if (event.events & ESTAB_EVENT_ACCEPT && t->conn == 0 && !t->gone &&
        estab_accept(t->stack, t->listener, &t->conn) >= 0) {
      t->view.passive = true;
      estab_listener_close(t->stack, t->listener); // one connection a story
      t->listener = 0;
    }
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
  t->gone = t->view.released = true;
  return 0;
}

// What the segments that crossed say about where it stands, for when no handle can be asked.
static void target_follow(struct estab_target *t, const struct outcome *outcome)
{
  struct view *v = &t->view;
  for (unsigned i = 0; i < outcome->out_count; i++) {
    const struct out_segment *o = &outcome->outs[i];
    if (o->flags & ESTAB_TCP_RST) continue;
    bool syn = o->flags & ESTAB_TCP_SYN;
    uint32_t end = o->seq + o->bytes + syn + ((o->flags & ESTAB_TCP_FIN) != 0);
    if ((int32_t)(end - v->snd_nxt) > 0) v->snd_nxt = end;
    if (o->flags & ESTAB_TCP_ACK) v->rcv_nxt = o->ack;
    if (syn) t->rcv_shift = o->options & OUT_SCALE && t->story->scaling ? o->wscale : 0;
    v->rcv_wnd = (uint32_t)o->window << (syn ? 0 : t->rcv_shift);
    v->timestamps = o->options & OUT_TIMESTAMPS && t->story->timestamps;
  }
}

// What the peer has said about where its stream ends: it may say so twice, and differently.
static void target_hears(struct view *v, const struct step *step)
{
  bool syn = step->flags & ESTAB_TCP_SYN, fin = step->flags & ESTAB_TCP_FIN;
  uint32_t end = step->seq + step->bytes + syn + fin;
  bool window = v->state < ESTAB_ESTABLISHED
                    ? step->flags & (ESTAB_TCP_ACK | ESTAB_TCP_SYN)
                    : (step->flags & (ESTAB_TCP_ACK | ESTAB_TCP_SYN)) == ESTAB_TCP_ACK;
  if (window && !(step->flags & ESTAB_TCP_RST)) {
    if ((int32_t)(step->seq - v->wl1) < 0 || (int32_t)(step->seq - v->rcv_nxt) < 0) {
      v->doubtful = true;
    } else if (step->seq - v->rcv_nxt < 65536 && (int32_t)(step->ack - v->snd_una) >= 0) {
      v->wl1 = step->seq;
      if (step->ack == v->snd_nxt && step->ts_delta == 0 && step->ts) v->doubtful = false;
    }
  }
  if (step->flags & ESTAB_TCP_RST || (int32_t)(end - v->rcv_nxt) < 0 ||
      end - v->rcv_nxt > v->rcv_wnd + 65536)
    return;
  if ((int32_t)(end - v->top) > 0) v->top = end;
  if (fin && !v->fin) v->fin_end = end;
  v->fin |= fin;
}

static void target_look(struct estab_target *t, const struct outcome *outcome)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  struct view *v = &t->view;
  target_follow(t, outcome);
  if (v->state == ESTAB_CLOSED && t->listener != 0) {
    *v = (struct view){.state = ESTAB_LISTEN};
  } else if (v->state == ESTAB_SYN_RECEIVED && t->listener != 0) {
    v->passive = true;
  }
  if (t->conn == 0 || estab_conn_info(t->stack, t->conn, &info) < 0 || info.iss == 0) return;
  v->snd_una = info.snd_una - info.iss;
  v->snd_nxt = info.snd_nxt - info.iss;
  v->snd_wnd = info.snd_wnd;
  v->snd_shift = info.snd_wscale;
  v->queued_bytes = info.not_sent_bytes;
  v->timestamps = info.timestamps;
  if (info.state == ESTAB_SYN_SENT) return;
  v->rcv_nxt = info.rcv_nxt - t->ends.peer_iss;
  v->rcv_wnd = info.rcv_wnd;
}

static void estab_tell(void *ctx, const struct step *step, unsigned wait_ms,
                       struct outcome *outcome)
{
  struct estab_target *t = ctx;
  struct step heard = *step;
  (void)wait_ms;
  *outcome = (struct outcome){.state = -1};
  t->now_ns += 1000000;
  if (step->kind == STEP_SEGMENT) target_hears(&t->view, step);
  if (t->plant != NULL && t->plant->hears != NULL && step->kind == STEP_SEGMENT)
    t->plant->hears(&heard, &t->view);
  if (step->kind == STEP_SEGMENT) {
    uint8_t bytes[4096 + 128];
    size_t n = render(t->story, &heard, &t->ends, bytes, sizeof bytes);
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
  else if (t->listener != 0 && t->view.state == ESTAB_SYN_RECEIVED)
    outcome->state = ESTAB_SYN_RECEIVED;
  target_look(t, outcome);
  if (t->plant != NULL && t->plant->says != NULL) t->plant->says(outcome, step);
}

static void estab_look(void *ctx, struct view *view)
{
  const struct estab_target *t = ctx;
  *view = t->view;
}

static void estab_end(void *ctx)
{
  struct estab_target *t = ctx;
  if (t->stack != NULL) estab_stack_free(t->stack);
  t->stack = NULL;
}

void target_estab_until(uint64_t ms, void (*left)(void *ctx, uint64_t ms, const struct outcome *o),
                        void *ctx)
{
  struct estab_target *t = &estab_target;
  const uint64_t begun_ns = 1000000000, until_ns = begun_ns + ms * 1000000u;
  uint64_t next_ns;
  while ((next_ns = estab_stack_deadline(t->stack)) <= until_ns) {
    struct outcome outcome = {.state = -1};
    t->now_ns = next_ns > t->now_ns ? next_ns : t->now_ns;
    estab_stack_handle_deadline(t->stack, t->now_ns);
    target_drain(t, &outcome);
    target_look(t, &outcome);
    if (outcome.out_count > 0) left(ctx, (t->now_ns - begun_ns) / 1000000u, &outcome);
  }
  if (t->now_ns < until_ns) t->now_ns = until_ns;
}

bool target_estab_open(struct target *target, const char *plant)
{
  estab_target.plant = plant != NULL ? plant_of(plant) : NULL;
  *target = (struct target){&estab_target, estab_begin, estab_tell, estab_end, estab_look};
  return plant == NULL || estab_target.plant != NULL;
}
