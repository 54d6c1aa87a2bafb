// SPDX-License-Identifier: BSD-2-Clause
// net_talk.c - the talks of a scenario: two hosts of the simulator with all its checks, over links that others share.
//
// A talk is a `struct sim` (programs, invariants, observers beside the hosts and on their links) whose packets go
// into the scenario's links and come from them, and whose clock is the scenario's.
#include <stdlib.h>

#include "net.h"

static void talk_carry(void *ctx, unsigned from, const uint8_t *bytes, size_t count)
{
  struct net_node *node = ((struct net_node *const *)ctx)[from];
  net_admit(node->net, node->lane, bytes, count);
}

// What the talks of a run are made of, beside struct sim.
struct talk {
  struct sim sim; // the first: a talk is freed by its address
  struct net_node *ends[2];
};

// The observers on the link stand half of a link's delay away from their hosts; nothing happens in between.
static uint64_t talk_delay(const struct net *net, const struct scenario_talk *spec)
{
  uint64_t least_ns = UINT64_MAX;
  for (unsigned i = 0; i < 2; i++)
    for (unsigned d = 0; d < 2; d++) {
      uint64_t ns = net->lanes[net->nodes[spec->node[i]].lane ^ d].faults.delay_ns;
      if (ns < least_ns) least_ns = ns;
    }
  return least_ns;
}

static int talk_cookie(struct sim *sim)
{
  struct estab_fast_open_cookie cookie = {.struct_bytes = sizeof cookie,
                                          .local = sim->hosts[0].ip,
                                          .remote = sim->hosts[1].ip,
                                          .count = 8};
  estab_fast_open_cookie(sim->hosts[1].stack, &cookie.remote, &cookie.local, cookie.bytes);
  return estab_fast_open_put(sim->hosts[0].stack, &cookie);
}

static int talk_start(struct net *net, unsigned number, struct talk *talk, const char **what)
{
  const struct scenario *s = net->scenario;
  const struct scenario_talk *spec = &s->talks[number];
  struct sim *sim = &talk->sim;
  struct sim_settings settings;
  sim_settings_default(&settings);
  settings.seed = s->seed * 131 + number;
  settings.ip6 = s->ip6;
  settings.plant = net->plant;
  sim_begin(sim, &settings, net->now_ns);
  sim->ctx = talk->ends;
  sim->carry = talk_carry;
  int error = 0;
  for (unsigned i = 0; i < 2 && error >= 0; i++) {
    struct net_node *node = &net->nodes[spec->node[i]];
    struct sim_host *host = &sim->hosts[i];
    *what = node->spec->name;
    talk->ends[i] = node;
    node->talker = host;
    host->sim = sim;
    host->side = i;
    host->app.habits = spec->habits[i];
    host->app.fast_open = spec->fast_open;
    host->app.paused_until_ns = net->now_ns + spec->habits[i].late_ns;
    host->lane.faults.delay_ns = talk_delay(net, spec);
    error = sim_host_make(host, &node->spec->stack, node->spec->mtu, &node->ip, s->ip6 ? 64 : 24);
    host->held_before = error >= 0 ? sim_held(host) : 0;
  }
  if (error >= 0) error = oracle_start(&sim->oracle, sim);
  if (error >= 0 && spec->fast_open) error = talk_cookie(sim);
  sim->hosts[0].app.connect_ns = net->now_ns + spec->start_ns;
  sim->hosts[1].app.done = spec->closed;
  if (error >= 0 && !spec->closed) error = app_listen(&sim->hosts[1]);
  return error;
}

int net_talks_start(struct net *net, const char **what)
{
  int error = 0;
  for (unsigned i = 0; i < net->scenario->talk_count && error >= 0; i++) {
    struct talk *talk = calloc(1, sizeof *talk);
    if (talk == NULL) return ESTAB_ERR_NO_MEMORY;
    net->talks[i] = &talk->sim;
    error = talk_start(net, i, talk, what);
  }
  return error;
}

void net_talks_end(struct net *net)
{
  for (unsigned i = 0; i < net->scenario->talk_count; i++) {
    if (net->talks[i] == NULL) continue;
    sim_end(net->talks[i]);
    free(net->talks[i]);
    net->talks[i] = NULL;
  }
}

// What the links did so far, for the observers: whether it was nothing, and order and delay were kept.
static void talk_links(const struct net *net, struct sim *sim)
{
  struct lane *sum = &sim->hosts[0].lane;
  sum->counters = (struct lane_counters){0};
  sum->faults.jitter_ns = net->scenario->change_count;
  for (unsigned i = 0; i < 2 * net->scenario->link_count; i++) {
    const struct lane *lane = &net->lanes[i];
    sum->counters.lost += lane->counters.lost;
    sum->counters.duplicated += lane->counters.duplicated;
    sum->counters.reordered += lane->counters.reordered;
    sum->counters.corrupted += lane->counters.corrupted;
    sum->faults.jitter_ns += lane->faults.jitter_ns;
  }
}

static void talk_clock(const struct net *net, struct sim *sim)
{
  sim->now_ns = net->now_ns;
  check_time(&sim->check, sim->now_ns);
}

void net_talker_hear(struct net_node *node, const uint8_t *bytes, size_t count)
{
  struct net *net = node->net;
  talk_clock(net, node->talker->sim);
  talk_links(net, node->talker->sim);
  sim_host_hear(node->talker, bytes, count);
  sim_host_pump(node->talker);
  net->when[2 * net->scenario->link_count + (unsigned)(node - net->nodes)] = net_talker_when(node);
}

void net_talker_work(struct net_node *node)
{
  struct sim_host *host = node->talker;
  talk_clock(node->net, host->sim);
  if (estab_stack_deadline(host->stack) <= host->sim->now_ns &&
      !plant_stops_timers(&host->sim->planted, host->side))
    estab_stack_handle_deadline(host->stack, host->sim->now_ns);
  sim_host_pump(host);
}

uint64_t net_talker_when(const struct net_node *node)
{
  const bool stopped = plant_stops_timers(&node->talker->sim->planted, node->talker->side);
  uint64_t stack_ns = stopped ? ESTAB_NEVER : estab_stack_deadline(node->talker->stack);
  uint64_t app_ns = app_deadline(node->talker);
  return stack_ns < app_ns ? stack_ns : app_ns;
}

// Giving up may have made a host say something, or want something later.
static void talks_look_again(struct net *net)
{
  for (unsigned i = 0; i < net->scenario->node_count; i++)
    if (net->nodes[i].talker != NULL)
      net->when[2 * net->scenario->link_count + i] = net_talker_when(&net->nodes[i]);
}

void net_talks_stepped(struct net *net)
{
  if (net->scenario->talk_count == 0) return;
  for (unsigned i = 0; i < net->scenario->talk_count; i++) {
    talk_clock(net, net->talks[i]);
    sim_stepped(net->talks[i]);
  }
  talks_look_again(net);
}

static bool talk_broken(const struct sim *sim)
{
  return sim->check.broken != INVARIANT_NONE;
}

bool net_talks_done(const struct net *net)
{
  bool busy = false;
  for (unsigned i = 0; i < net->scenario->talk_count; i++) {
    if (talk_broken(net->talks[i])) return true;
    busy |= sim_apps_busy(net->talks[i]);
  }
  return !busy;
}

bool net_talks_give_up(struct net *net)
{
  for (unsigned i = 0; i < net->scenario->talk_count; i++) {
    struct sim *sim = net->talks[i];
    if (talk_broken(sim) || !sim_waits_in_vain(sim)) continue;
    net->now_ns += sim->check.user_timeout_ns + UINT64_C(121000000000);
    net_talks_stepped(net);
    return true;
  }
  return false;
}

void net_talks_settle(struct net *net, bool (*step)(struct net *net, uint64_t until_ns))
{
  bool busy = net->scenario->talk_count > 0 && net_talks_broken(net) == NULL;
  uint64_t patience_ns = 0;
  for (unsigned i = 0; i < net->scenario->talk_count; i++) {
    struct sim *sim = net->talks[i];
    if (busy && sim_apps_busy(sim))
      check_fails(&sim->check, 0, INVARIANT_PROGRESS, "nothing will happen any more, in %s and %s",
                  estab_state_name(sim->check.sides[0].state),
                  estab_state_name(sim->check.sides[1].state));
    sim->check.progress_ns = net->now_ns;
    if (sim_patience(sim) > patience_ns) patience_ns = sim_patience(sim);
  }
  uint64_t until_ns = net->now_ns + patience_ns;
  while (busy && net_talks_broken(net) == NULL) {
    busy = false;
    for (unsigned i = 0; i < net->scenario->talk_count; i++)
      busy |= sim_stacks_busy(net->talks[i]);
    if (busy && !step(net, until_ns)) break;
  }
  // Where one world broke nothing can be said of the others: they were stopped in the middle.
  const bool stopped = net_talks_broken(net) != NULL;
  for (unsigned i = 0; i < net->scenario->talk_count; i++) {
    struct sim *sim = net->talks[i];
    talk_clock(net, sim);
    talk_links(net, sim);
    if (!stopped) sim_settle_up(sim, patience_ns);
    if (!talk_broken(sim) && !stopped) oracle_finish(&sim->oracle, sim);
    sim_end(sim);
  }
}

const struct sim *net_talks_broken(const struct net *net)
{
  for (unsigned i = 0; i < net->scenario->talk_count; i++)
    if (talk_broken(net->talks[i])) return net->talks[i];
  return NULL;
}
