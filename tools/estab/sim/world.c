// SPDX-License-Identifier: BSD-2-Clause
// world.c - the simulator's clock: what happens next, until nothing is left.
#include "sim.h"

#include <stdlib.h>

#define SECOND      UINT64_C(1000000000)
#define MILLISECOND UINT64_C(1000000)
#define WORLD_SPIN  20000u // steps in one instant

void sim_settings_default(struct sim_settings *settings)
{
  *settings = (struct sim_settings){.seed = 1, .mtu = 1500, .give_up_ns = 24 * 3600 * SECOND};
  estab_settings_default(&settings->stack);
  for (unsigned i = 0; i < 2; i++) {
    settings->faults[i] = (struct lane_faults){.delay_ns = 10 * MILLISECOND,
                                               .reorder_packets = 3,
                                               .burst_packets = 10,
                                               .queue_bytes = 256 * 1024};
    settings->habits[i] = (struct app_habits){.write_bytes = 16384, .read_bytes = 16384};
  }
  settings->habits[0].bytes = 1 << 20;
  settings->habits[1].close_after_end = true;
}

// Other settings of both stacks, in every second world.
static void sim_settings_vary(struct sim_settings *settings, struct chance *c)
{
  static const uint16_t mtus[] = {1500, 1500, 1500, 1280, 9000, 576, 296};
  struct estab_settings *s = &settings->stack;
  if (chance_below(c, 2) == 0) return;
  if (chance_below(c, 3) == 0) {
    estab_settings_rfc(s);
    s->time_wait_ignores_rst = true; // by the letter late segments end TIME-WAIT early: RFC 1337 2
  }
  s->timestamps = chance_below(c, 4) != 0;
  s->sack = chance_below(c, 4) != 0;
  s->window_scaling = chance_below(c, 4) != 0;
  s->nagle = chance_below(c, 4) != 0;
  s->limited_transmit = chance_below(c, 4) != 0;
  if (chance_below(c, 4) == 0) s->delayed_ack_ns = 0;
  if (chance_below(c, 2) == 0) {
    s->recv_buffer_bytes = 2000u << chance_below(c, 8);
    s->recv_buffer_max_bytes = s->recv_buffer_bytes << chance_below(c, 3);
    s->send_buffer_bytes = 1000u << chance_below(c, 9);
  }
  settings->mtu = mtus[chance_below(c, 7)];
  if (settings->ip6 && settings->mtu < 1280) settings->mtu = 1280;
}

// The ranges that a stack must survive: loss to 30 %, duplicates to 10 %, half of all packets out of
// order by up to 300, jitter to 2 s, bursts, a blackout of up to 300 s, broken bits.
void sim_settings_seeded(struct sim_settings *settings, uint64_t seed)
{
  static const uint32_t loss[] = {0, 1000, 10000, 50000, 100000, 300000};
  static const uint32_t duplicate[] = {0, 10000, 100000};
  static const uint32_t reorder[] = {0, 10000, 100000, 500000};
  static const uint64_t jitter_ms[] = {0, 0, 1, 20, 200, 2000};
  static const uint64_t blackout_s[] = {0, 0, 0, 0, 3, 30, 120, 300};
  struct chance c = {chance_mix(seed)};
  sim_settings_default(settings);
  settings->seed = seed;
  settings->ip6 = chance_below(&c, 2) != 0;
  uint32_t hardest = 0;
  for (unsigned i = 0; i < 2; i++) {
    struct lane_faults *f = &settings->faults[i];
    f->loss_ppm = loss[chance_below(&c, 6)];
    f->duplicate_ppm = duplicate[chance_below(&c, 3)];
    f->reorder_ppm = reorder[chance_below(&c, 4)];
    f->reorder_packets = 1 + (uint32_t)chance_below(&c, 300);
    f->corrupt_ppm = chance_below(&c, 4) == 0 ? 10000 : 0;
    f->delay_ns = chance_below(&c, 200) * MILLISECOND;
    f->jitter_ns = jitter_ms[chance_below(&c, 6)] * MILLISECOND;
    f->burst_ppm = chance_below(&c, 4) == 0 ? 2000 : 0;
    f->burst_packets = 1 + (uint32_t)chance_below(&c, 30);
    f->rate_bits_per_s = chance_below(&c, 3) == 0 ? 1000000u << chance_below(&c, 7) : 0;
    f->queue_bytes = 16384u << chance_below(&c, 5);
    f->blackout_at_ns = chance_below(&c, 5000) * MILLISECOND;
    f->blackout_ns = blackout_s[chance_below(&c, 8)] * SECOND;
    if (f->loss_ppm + f->burst_ppm > hardest) hardest = f->loss_ppm + f->burst_ppm;
    struct app_habits *h = &settings->habits[i];
    h->write_bytes = 1 + (uint32_t)chance_below(&c, 16384);
    h->read_bytes = 1 + (uint32_t)chance_below(&c, 16384);
    h->pause_ppm = chance_below(&c, 3) == 0 ? 20000 : 0;
    h->pause_ns = chance_below(&c, 20 * SECOND);
    h->close_after_end = chance_below(&c, 2) != 0;
    h->release_early = chance_below(&c, 4) == 0;
    if (i == 1 && settings->habits[0].close_after_end) h->close_after_end = false;
  }
  uint64_t most = hardest >= 100000 ? 65536 : hardest >= 10000 ? 262144 : 1048576;
  for (unsigned i = 0; i < 2; i++)
    settings->habits[i].bytes = chance_below(&c, 4) == 0 ? 0 : chance_below(&c, most);
  sim_settings_vary(settings, &c);
}

void sim_begin(struct sim *sim, const struct sim_settings *settings, uint64_t start_ns)
{
  estab_pcap *pcap = sim->pcap;
  *sim = (struct sim){.settings = *settings, .pcap = pcap};
  sim->chance.state = chance_mix(settings->seed + 77);
  sim->planted.plant = settings->plant;
  if (start_ns == 0) start_ns = SECOND + chance_below(&sim->chance, 1000000 * SECOND);
  sim->start_ns = sim->now_ns = start_ns;
  check_start(&sim->check, settings->seed, sim->now_ns, settings->stack.msl_ns,
              settings->stack.user_timeout_ns);
}

int sim_start(struct sim *sim, const struct sim_settings *settings)
{
  sim_begin(sim, settings, 0);
  for (unsigned i = 0; i < 2; i++) {
    int error = sim_host_start(sim, i);
    if (error < 0) return error;
  }
  return oracle_start(&sim->oracle, sim);
}

void sim_end(struct sim *sim)
{
  for (unsigned i = 0; i < 2; i++) {
    sim_host_end(&sim->hosts[i]);
    check_memory(&sim->check, i, sim->hosts[i].held_bytes, 0);
  }
  oracle_end(&sim->oracle);
}

void sim_settle(struct sim *sim)
{
  for (unsigned i = 0; i < 2; i++)
    sim_host_pump(&sim->hosts[i]);
}

static uint64_t sim_next(struct sim *sim)
{
  uint64_t next = ESTAB_NEVER;
  for (unsigned i = 0; i < 2; i++) {
    struct sim_host *host = &sim->hosts[i];
    bool stopped = plant_stops_timers(&sim->planted, i);
    const uint64_t times[] = {stopped ? ESTAB_NEVER : estab_stack_deadline(host->stack),
                              lane_deadline(&host->lane), app_deadline(host)};
    for (unsigned t = 0; t < 3; t++)
      if (times[t] < next) next = times[t];
  }
  return next;
}

bool sim_step(struct sim *sim, uint64_t until_ns)
{
  uint64_t next = sim_next(sim);
  if (next > until_ns) {
    if (until_ns > sim->now_ns && until_ns != ESTAB_NEVER) sim->now_ns = until_ns;
    return false;
  }
  if (next > sim->now_ns) sim->now_ns = next;
  check_time(&sim->check, sim->now_ns);
  for (unsigned i = 0; i < 2; i++) {
    struct sim_host *host = &sim->hosts[i];
    struct lane_packet *p;
    while ((p = lane_take(&sim->hosts[!i].lane, sim->now_ns)) != NULL) {
      sim_host_hear(host, p->bytes, p->count);
      free(p);
      sim_host_pump(host);
    }
    if (estab_stack_deadline(host->stack) <= sim->now_ns && !plant_stops_timers(&sim->planted, i))
      estab_stack_handle_deadline(host->stack, sim->now_ns);
    sim_host_pump(host);
  }
  return true;
}

// Nobody there will ever say anything: it failed, or its connection was over before it was told of it.
static bool sim_is_gone(const struct sim *sim, unsigned side)
{
  const struct sim_app *app = &sim->hosts[side].app;
  return app->error != 0 || app->done ||
         (!app->open && sim->check.sides[side].state == ESTAB_CLOSED);
}

// An application whose peer is gone, or that waits in vain, gives up.
static void sim_give_up(struct sim *sim)
{
  uint64_t silent = sim->now_ns - sim->check.progress_ns;
  uint64_t patience = sim->check.user_timeout_ns + 120 * SECOND;
  for (unsigned i = 0; i < 2; i++) {
    struct sim_app *app = &sim->hosts[i].app;
    bool peer_failed = sim_is_gone(sim, !i);
    if (app->done || !peer_failed || silent < patience) continue;
    sim->check.may_reset = true;
    if (app->conn != 0) {
      estab_abort(sim->hosts[i].stack, app->conn);
      estab_release(sim->hosts[i].stack, app->conn);
      oracle_aborted(&sim->oracle, i);
    }
    app->conn = 0;
    app->done = true;
    app->error = ESTAB_ERR_TIMEOUT;
    sim_host_pump(&sim->hosts[i]);
  }
  if (silent > 3 * patience && !(sim->hosts[0].app.done && sim->hosts[1].app.done))
    check_fails(&sim->check, 0, INVARIANT_PROGRESS, "nothing moves for %llu s",
                (unsigned long long)(silent / SECOND));
}

static bool sim_broken(const struct sim *sim)
{
  return sim->check.broken != INVARIANT_NONE;
}

bool sim_waits_in_vain(const struct sim *sim)
{
  return (!sim->hosts[0].app.done && sim_is_gone(sim, 1)) ||
         (!sim->hosts[1].app.done && sim_is_gone(sim, 0));
}

void sim_stepped(struct sim *sim)
{
  sim->spins = sim->now_ns == sim->spin_ns ? sim->spins + 1 : 0;
  sim->spin_ns = sim->now_ns;
  if (sim->spins > WORLD_SPIN)
    check_fails(&sim->check, 0, INVARIANT_PROGRESS, "a deadline stands still");
  sim_give_up(sim);
}

// Steps while `busy` says so.
static void sim_steps(struct sim *sim, bool (*busy)(struct sim *sim), uint64_t until_ns)
{
  sim->spins = 0;
  while (!sim_broken(sim) && busy(sim)) {
    if (sim_next(sim) <= until_ns) {
      sim_step(sim, until_ns);
    } else if (sim_waits_in_vain(sim)) {
      // Nothing will happen by itself any more: somebody waits for a peer that is gone.
      sim->now_ns += sim->check.user_timeout_ns + 121 * SECOND;
      check_time(&sim->check, sim->now_ns);
    } else {
      break;
    }
    sim_stepped(sim);
  }
}

bool sim_apps_busy(struct sim *sim)
{
  return !sim->hosts[0].app.done || !sim->hosts[1].app.done;
}

bool sim_stacks_busy(struct sim *sim)
{
  for (unsigned i = 0; i < 2; i++) {
    struct estab_stack_info info = {.struct_bytes = sizeof info};
    estab_stack_info(sim->hosts[i].stack, &info);
    if (info.connections + info.half_open + info.time_wait > 0) return true;
  }
  return false;
}

static void sim_count(struct sim *sim, struct sim_result *result)
{
  for (unsigned i = 0; i < 2; i++) {
    struct estab_stack_info info = {.struct_bytes = sizeof info};
    estab_stack_info(sim->hosts[i].stack, &info);
    result->segments += info.segments_out;
    result->retransmissions += info.retransmissions;
    result->bytes += sim->check.sides[i].read;
    result->lanes[i] = sim->hosts[i].lane.counters;
  }
  if (result->transfer_ns > 0)
    result->goodput_bits_per_s = result->bytes * 8 * 1000000 / (result->transfer_ns / 1000);
}

// Bytes in use, but for what is known about paths: that is kept for a while.
uint64_t sim_held(struct sim_host *host)
{
  struct estab_stack_info info = {.struct_bytes = sizeof info};
  estab_stack_info(host->stack, &info);
  return host->held_bytes - info.memory_by_kind_bytes[ESTAB_MEM_NET];
}

// After the applications: the stacks alone, until nothing is left, and then their memory.
static void sim_aftermath(struct sim *sim)
{
  uint64_t patience = sim_patience(sim);
  sim->check.progress_ns = sim->now_ns;
  sim_steps(sim, sim_stacks_busy, sim->now_ns + patience);
  sim_settle_up(sim, patience);
}

uint64_t sim_patience(const struct sim *sim)
{
  return 2 * sim->check.msl_ns + 2 * sim->check.user_timeout_ns + 600 * SECOND;
}

void sim_settle_up(struct sim *sim, uint64_t patience)
{
  if (!sim_broken(sim) && sim_stacks_busy(sim))
    check_fails(
        &sim->check, 0, INVARIANT_MEMORY, "connections are left %llu s after the end, in %s and %s",
        (unsigned long long)(patience / SECOND), estab_state_name(sim->check.sides[0].state),
        estab_state_name(sim->check.sides[1].state));
  for (unsigned i = 0; i < 2 && !sim_broken(sim); i++) {
    struct sim_host *host = &sim->hosts[i];
    if (host->app.listener != 0) estab_listener_close(host->stack, host->app.listener);
    host->app.listener = 0;
    estab_stack_trim(host->stack);
    check_memory(&sim->check, i, sim_held(host), host->held_before);
  }
}

void sim_run(struct sim *sim, struct sim_result *result)
{
  *result = (struct sim_result){0};
  for (unsigned i = 0; i < 2; i++)
    sim->hosts[i].held_before = sim_held(&sim->hosts[i]);
  int error = app_listen(&sim->hosts[1]);
  if (error >= 0) error = app_connect(&sim->hosts[0]);
  if (error < 0) check_fails(&sim->check, 0, INVARIANT_PROGRESS, "%s", estab_strerror(error));
  sim_settle(sim);
  sim_steps(sim, sim_apps_busy, sim->start_ns + sim->settings.give_up_ns);
  if (!sim_broken(sim) && sim_apps_busy(sim))
    check_fails(&sim->check, 0, INVARIANT_PROGRESS, "nothing will happen any more, in %s and %s",
                estab_state_name(sim->check.sides[0].state),
                estab_state_name(sim->check.sides[1].state));
  result->transfer_ns = sim->check.progress_ns - sim->start_ns;
  bool aborted = sim->hosts[0].app.error != 0 || sim->hosts[1].app.error != 0;
  if (!sim_broken(sim)) sim_aftermath(sim);
  if (!sim_broken(sim)) oracle_finish(&sim->oracle, sim);
  result->watched = sim->oracle.compared;
  result->watched_silent = sim->oracle.silent;
  result->watched_on_link = sim->oracle.on_link;
  result->virtual_ns = sim->now_ns - sim->start_ns;
  sim_count(sim, result);
  sim_end(sim);
  result->verdict = sim_broken(sim) ? SIM_BROKEN : aborted ? SIM_ABORTED : SIM_OK;
}
