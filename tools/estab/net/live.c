// SPDX-License-Identifier: BSD-2-Clause
// live.c - a scenario by the machine's clock: waits for what is due, for the kernel's packets and sockets.
#include <poll.h>
#include <time.h>

#include "net.h"
#include "stop.h"

#define LIVE_SECOND UINT64_C(1000000000)
#define LIVE_FDS    (1 + SCENARIO_NODES + 3 * SCENARIO_FLOWS)

struct live {
  struct pollfd fds[LIVE_FDS];
  unsigned count;
  unsigned flow_first[SCENARIO_FLOWS + 1]; // whose descriptors begin where
};

// The first one is Ctrl-C's, then the kernels' interfaces, then the flows' sockets.
static void gather(struct live *l, const struct net *net, int stop_fd)
{
  const struct scenario *s = net->scenario;
  l->count = 0;
  l->fds[l->count++] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
  for (unsigned i = 0; i < s->node_count; i++)
    if (net->nodes[i].kernel != NULL)
      l->fds[l->count++] = (struct pollfd){.fd = net_kernel_fd(&net->nodes[i]), .events = POLLIN};
  for (unsigned i = 0; i < s->flow_count; i++) {
    l->flow_first[i] = l->count;
    l->count += net_socket_wait(&net->flows[i], &l->fds[l->count]);
  }
  l->flow_first[s->flow_count] = l->count;
}

static void wait_until(struct live *l, const struct net *net, uint64_t at_ns)
{
  uint64_t now_ns = estab_clock_ns() - net->epoch_ns;
  uint64_t left_ns = at_ns > now_ns ? at_ns - now_ns : 0;
  if (left_ns > LIVE_SECOND) left_ns = LIVE_SECOND;
  const struct timespec left = {.tv_sec = (time_t)(left_ns / LIVE_SECOND),
                                .tv_nsec = (long)(left_ns % LIVE_SECOND)};
  if (ppoll(l->fds, l->count, &left, NULL) > 0) return;
  for (unsigned i = 0; i < l->count; i++)
    l->fds[i].revents = 0;
}

// A kernel's host works when its interface or one of its sockets has something.
static void serve(struct live *l, struct net *net)
{
  const struct scenario *s = net->scenario;
  bool busy[SCENARIO_NODES] = {false};
  unsigned at = 1;
  for (unsigned i = 0; i < s->node_count; i++)
    if (net->nodes[i].kernel != NULL) busy[i] = l->fds[at++].revents != 0;
  net_clock(net);
  for (unsigned i = 0; i < s->flow_count; i++) {
    const struct pollfd *fds = &l->fds[l->flow_first[i]];
    unsigned count = l->flow_first[i + 1] - l->flow_first[i];
    bool ready = false;
    for (unsigned k = 0; k < count; k++)
      ready |= fds[k].revents != 0;
    if (!ready) continue;
    net_socket_ready(net, &net->flows[i], fds, count);
    busy[s->flows[i].from] |= net->nodes[s->flows[i].from].kernel != NULL;
    busy[s->flows[i].to] |= net->nodes[s->flows[i].to].kernel != NULL;
  }
  for (unsigned i = 0; i < s->node_count; i++)
    if (busy[i]) net_kernel_work(&net->nodes[i]);
}

bool net_run_live(struct net *net, void (*progress)(const struct net *net))
{
  static struct live live;
  const struct scenario *s = net->scenario;
  uint64_t until = s->until_ns > 0 ? net->start_ns + s->until_ns : ESTAB_NEVER;
  uint64_t told_ns = net->start_ns;
  bool stopped = false;
  int stop_fd = stop_open();
  net->epoch_ns = estab_clock_ns() - net->now_ns;
  while (!net_flows_done(net) && !stopped) {
    net_clock(net);
    if (net->now_ns >= until) break;
    uint64_t next = net_work(net);
    gather(&live, net, stop_fd);
    wait_until(&live, net, next < until ? next : until);
    stopped = live.fds[0].revents != 0 && stop_read(stop_fd) > 0;
    serve(&live, net);
    if (progress != NULL && net->now_ns - told_ns > LIVE_SECOND / 5) {
      progress(net);
      told_ns = net->now_ns;
    }
  }
  if (!net_flows_done(net) && !stopped) net->now_ns = until;
  return !stopped;
}
