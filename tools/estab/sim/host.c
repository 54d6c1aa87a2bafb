// SPDX-License-Identifier: BSD-2-Clause
// host.c - one host of the simulator: its stack, and everything that passes between it and the rest.
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define HOST_FRAMES 16

static void *sim_resize(void *ctx, void *p, size_t old_bytes, size_t new_bytes,
                        enum estab_mem_kind kind)
{
  (void)kind;
  struct sim_host *host = ctx;
  if (new_bytes == 0) {
    free(p);
    host->held_bytes -= old_bytes;
    host->held_bytes += plant_hides(&host->sim->planted, p != NULL ? old_bytes : 0);
    return NULL;
  }
  void *q = realloc(p, new_bytes);
  if (q != NULL) host->held_bytes += new_bytes - old_bytes;
  return q;
}

static void sim_random(void *ctx, void *bytes, size_t count)
{
  struct sim_host *host = ctx;
  uint8_t *out = bytes;
  for (size_t i = 0; i < count; i++)
    out[i] = (uint8_t)chance_next(&host->sim->chance);
}

static void sim_trace(void *ctx, const struct estab_trace *event)
{
  struct sim_host *host = ctx;
  struct sim *sim = host->sim;
  if (sim->traced != NULL) sim->traced(sim->ctx, host->side, event);
  oracle_event(&sim->oracle, host->side, event);
  struct estab_trace told = *event;
  if (plant_event(&sim->planted, host->side, &told, sim->check.msl_ns))
    check_event(&sim->check, host->side, &told);
}

int sim_host_make(struct sim_host *host, const struct estab_settings *stack, uint16_t mtu,
                  const struct estab_ip *ip, unsigned prefix_bits)
{
  struct sim *sim = host->sim;
  struct estab_settings settings = *stack;
  struct estab_netif_settings netif;
  settings.mem = (struct estab_mem){host, sim_resize};
  settings.random = (struct estab_random){host, sim_random};
  settings.trace = (struct estab_trace_hook){host, sim_trace};
  for (size_t i = 0; i < sizeof settings.secret; i++)
    settings.secret[i] = chance_octet(sim->settings.seed, host->side + 2, i);
  int error = estab_stack_new(&settings, sim->now_ns, &host->stack);
  if (error < 0) return error;
  estab_netif_settings_default(&netif);
  netif.link = ESTAB_LINK_RAW;
  netif.mtu = mtu;
  int number = estab_netif_add(host->stack, &netif);
  if (number < 0) return number;
  host->netif = (uint32_t)number;
  host->ip = *ip;
  return estab_address_add(host->stack, host->netif, &host->ip, (uint8_t)prefix_bits);
}

int sim_host_start(struct sim *sim, unsigned side)
{
  struct sim_host *host = &sim->hosts[side];
  static const char *const addresses[2][2] = {{"192.0.2.1", "192.0.2.2"},
                                              {"2001:db8::1", "2001:db8::2"}};
  struct estab_ip ip;
  host->sim = sim;
  host->side = side;
  host->app.habits = sim->settings.habits[side];
  lane_start(&host->lane, &sim->settings.faults[side], sim->settings.seed * 2 + side, sim->now_ns);
  estab_ip_parse(addresses[sim->settings.ip6][side], &ip);
  return sim_host_make(host, &sim->settings.stack, sim->settings.mtu, &ip,
                       sim->settings.ip6 ? 64 : 24);
}

void sim_host_end(struct sim_host *host)
{
  if (host->stack != NULL) estab_stack_free(host->stack);
  host->stack = NULL;
  lane_end(&host->lane);
}

static void sim_host_send(struct sim_host *host, uint8_t *bytes, size_t count)
{
  struct sim *sim = host->sim;
  uint8_t *told = malloc(count + 64);
  size_t told_count = count;
  if (told == NULL) abort();
  memcpy(told, bytes, count);
  plant_packet(&sim->planted, host->side, told, &told_count);
  check_sent(&sim->check, host->side, told, told_count);
  for (unsigned i = plant_repeats(&sim->planted, host->side, count); i > 0; i--)
    check_sent(&sim->check, host->side, told, told_count);
  memcpy(told, bytes, count);
  if (plant_seen(&sim->planted, host->side, told, count))
    oracle_packet(&sim->oracle, sim, host->side, told, count);
  free(told);
  if (sim->pcap != NULL) {
    struct estab_frame frame = {.struct_bytes = sizeof frame, .piece_count = 1};
    frame.pieces[0] = (struct estab_piece){.bytes = bytes, .length = count};
    estab_pcap_write(sim->pcap, sim->now_ns, &frame);
  }
  if (plant_swallows(&sim->planted, host->side)) return;
  if (sim->carry != NULL) {
    sim->carry(sim->ctx, host->side, bytes, count);
    return;
  }
  if (!lane_admit(&host->lane, sim->now_ns, bytes, count) && sim->lost != NULL)
    sim->lost(sim->ctx, host->side);
}

static void sim_host_flatten(struct sim_host *host, const struct estab_frame *frame)
{
  size_t count = estab_frame_bytes(frame), at = 0;
  uint8_t *bytes = malloc(count);
  if (bytes == NULL) abort();
  for (unsigned i = 0; i < frame->piece_count; i++) {
    memcpy(bytes + at, frame->pieces[i].bytes, frame->pieces[i].length);
    at += frame->pieces[i].length;
  }
  sim_host_send(host, bytes, count);
  free(bytes);
}

static void sim_host_look(struct sim_host *host)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  if (host->app.conn == 0 || estab_conn_info(host->stack, host->app.conn, &info) < 0) return;
  plant_info(&host->sim->planted, host->side, &info);
  check_info(&host->sim->check, host->side, &info);
}

void sim_host_pump(struct sim_host *host)
{
  struct estab_frame frames[HOST_FRAMES];
  uint64_t now = host->sim->now_ns;
  int n;
  do {
    app_work(host);
    n = estab_stack_output(host->stack, now, frames, HOST_FRAMES);
    for (int i = 0; i < n; i++)
      sim_host_flatten(host, &frames[i]);
    estab_stack_output_done(host->stack, n > 0 ? (unsigned)n : 0, now);
    sim_host_look(host);
  } while (n > 0 && host->sim->check.broken == INVARIANT_NONE);
}

void sim_host_hear(struct sim_host *host, const uint8_t *bytes, size_t count)
{
  struct estab_frame frame = {.struct_bytes = sizeof frame, .netif = host->netif, .piece_count = 1};
  frame.pieces[0] = (struct estab_piece){.bytes = bytes, .length = count};
  check_heard(&host->sim->check, host->side, bytes, count);
  oracle_heard(&host->sim->oracle, host->sim, host->side, bytes, count);
  estab_stack_input(host->stack, host->sim->now_ns, &frame, 1);
}
