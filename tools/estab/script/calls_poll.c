// SPDX-License-Identifier: BSD-2-Clause
// calls_poll.c - poll and epoll: which descriptors are ready.
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum ready_bit {
  READY_IN = 1,
  READY_OUT = 4,
  READY_ERR = 8,
  READY_HUP = 16,
};
#define READY_EDGE 0x80000000u

static enum step poll_answers(struct outcome *out, int64_t value, const char *error)
{
  *out = (struct outcome){value, error};
  return STEP_DONE;
}

static uint32_t poll_bits(const struct value *v)
{
  static const struct {
    const char *word;
    uint32_t bit;
  } words[] = {{"POLLIN", READY_IN},    {"EPOLLIN", READY_IN},   {"POLLOUT", READY_OUT},
               {"EPOLLOUT", READY_OUT}, {"POLLERR", READY_ERR},  {"EPOLLERR", READY_ERR},
               {"POLLHUP", READY_HUP},  {"EPOLLHUP", READY_HUP}, {"EPOLLET", READY_EDGE}};
  uint32_t bits = 0;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (value_has(v, words[i].word)) bits |= words[i].bit;
  return bits;
}

static uint32_t poll_ready(struct run *run, const struct sock *sock)
{
  uint32_t bits = 0;
  if (sock_readable(&run->sockets, sock)) bits |= READY_IN;
  if (sock_writable(&run->sockets, sock) && !(sock->kind == SOCK_CONN && sock->shut_write))
    bits |= READY_OUT;
  if (sock->error != NULL) bits |= READY_ERR;
  if (sock->over) bits |= READY_HUP;
  return bits;
}

static void poll_compare(struct run *run, const struct value *want, uint32_t got)
{
  if (want == NULL || poll_bits(want) == got) return;
  snprintf(run->expected, sizeof run->expected, "events 0x%x", poll_bits(want));
  snprintf(run->got, sizeof run->got, "events 0x%x", got);
  run_stop(run, VERDICT_FAIL, "other events are ready");
}

// Nothing is ready: is there time left? patience_ms < 0 = for ever.
static bool poll_waits(const struct run *run, struct pending *pending, int64_t patience_ms)
{
  if (!pending->started && patience_ms > 0)
    pending->giveup_ns = run->host.now_ns + (uint64_t)patience_ms * 1000000u;
  return patience_ms != 0 && run->host.now_ns < pending->giveup_ns;
}

enum step call_poll(struct run *run, struct pending *pending, struct outcome *out)
{
  const struct value *list = call_argument(pending->call, 0);
  int64_t ready = 0, patience_ms = value_number(call_argument(pending->call, 2), 0);
  for (int round = 0; round < 2; round++)
    for (const struct value *i = list != NULL ? list->items : NULL; i != NULL; i = i->next) {
      struct sock *sock = sock_find(&run->sockets, value_number(value_member(i, "fd"), -1));
      if (sock == NULL) return call_not_here(out, "poll of this descriptor");
      uint32_t bits = poll_bits(value_member(i, "events")) | READY_ERR | READY_HUP;
      bits &= poll_ready(run, sock);
      if (round == 0) ready += bits != 0;
      if (round == 1) poll_compare(run, value_member(i, "revents"), bits);
      if (round == 0 && i->next == NULL && ready == 0 && poll_waits(run, pending, patience_ms))
        return STEP_BLOCKS;
    }
  return poll_answers(out, ready, NULL);
}

enum step call_epoll_create(struct run *run, struct pending *pending, struct outcome *out)
{
  int64_t fd = value_number(pending->call->result, 5);
  struct sock *sock = sock_new(&run->sockets, fd);
  if (sock == NULL) return poll_answers(out, -1, "EMFILE");
  sock->kind = SOCK_EPOLL;
  return poll_answers(out, fd, NULL);
}

enum step call_epoll_ctl(struct run *run, struct pending *pending, struct outcome *out)
{
  const struct call *call = pending->call;
  struct sock *sock = sock_find(&run->sockets, value_number(call_argument(call, 2), -1));
  if (sock == NULL) return poll_answers(out, -1, "EBADF");
  bool remove = value_is(call_argument(call, 1), "EPOLL_CTL_DEL");
  sock->epoll_events = remove ? 0 : poll_bits(value_member(call_argument(call, 3), "events"));
  sock->epoll_last = 0;
  return poll_answers(out, 0, NULL);
}

enum step call_epoll_wait(struct run *run, struct pending *pending, struct outcome *out)
{
  const struct call *call = pending->call;
  const struct value *want = call_argument(call, 1);
  for (unsigned i = 0; i < SOCKETS; i++) {
    struct sock *sock = &run->sockets.list[i];
    if (!sock->used || sock->epoll_events == 0) continue;
    uint32_t ready = poll_ready(run, sock) & (sock->epoll_events | READY_ERR | READY_HUP);
    uint32_t told = sock->epoll_last;
    sock->epoll_last = ready;
    if (ready == 0 || ((sock->epoll_events & READY_EDGE) != 0 && (ready & ~told) == 0)) continue;
    poll_compare(run, value_member(want, "events"), ready);
    return poll_answers(out, 1, NULL);
  }
  if (poll_waits(run, pending, value_number(call_argument(call, 3), 0))) return STEP_BLOCKS;
  return poll_answers(out, 0, NULL);
}
