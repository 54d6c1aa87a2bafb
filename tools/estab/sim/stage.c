// SPDX-License-Identifier: BSD-2-Clause
// stage.c - what a scene is made of: two hosts, a link, and somebody who tells them what to do.
#include "scene.h"
#include "ladder.h"
#include "say.h"

#include <stdio.h>
#include <string.h>

#define STAGE_PORT_A     49152
#define STAGE_PORT_B     80
#define STAGE_PORT_PROBE 40000
#define MILLISECOND      UINT64_C(1000000)

void stage_listen(struct stage *stage)
{
  app_listen(&stage->sim.hosts[1]);
}

void stage_connect(struct stage *stage)
{
  app_connect(&stage->sim.hosts[0]);
  sim_settle(&stage->sim);
}

void stage_connect_both(struct stage *stage)
{
  for (unsigned i = 0; i < 2; i++) {
    struct sim_host *host = &stage->sim.hosts[i];
    struct estab_connect_settings settings;
    estab_connect_settings_default(&settings);
    settings.remote = stage->sim.hosts[!i].ip;
    settings.local_port = i == 0 ? STAGE_PORT_A : STAGE_PORT_B;
    settings.remote_port = i == 0 ? STAGE_PORT_B : STAGE_PORT_A;
    estab_connect(host->stack, &settings, stage->sim.now_ns, &host->app.conn);
  }
  sim_settle(&stage->sim);
}

void stage_open(struct stage *stage)
{
  stage_listen(stage);
  stage_connect(stage);
  stage_run(stage, 200);
}

void stage_try(struct stage *stage, uint16_t port)
{
  struct sim_host *host = &stage->sim.hosts[0];
  struct estab_connect_settings settings;
  estab_connect_settings_default(&settings);
  settings.remote = stage->sim.hosts[1].ip;
  settings.remote_port = port;
  estab_connect(host->stack, &settings, stage->sim.now_ns, &host->app.conn);
  sim_settle(&stage->sim);
  stage_run(stage, 100);
  if (host->app.conn == 0) return;
  estab_abort(host->stack, host->app.conn);
  estab_release(host->stack, host->app.conn);
  host->app.conn = 0;
  sim_settle(&stage->sim);
}

void stage_probe(struct stage *stage, uint16_t flags, uint16_t port)
{
  struct sim *sim = &stage->sim;
  uint8_t bytes[128];
  struct estab_packet p = {.kind = ESTAB_PACKET_TCP,
                           .link = ESTAB_LINK_RAW,
                           .version = sim->settings.ip6 ? 6 : 4,
                           .protocol = ESTAB_PROTOCOL_TCP,
                           .ttl = 64,
                           .src = sim->hosts[0].ip,
                           .dst = sim->hosts[1].ip};
  p.tcp = (struct estab_tcp_header){.src_port = STAGE_PORT_PROBE,
                                    .dst_port = port,
                                    .seq = (uint32_t)chance_next(&sim->chance),
                                    .flags = flags,
                                    .window = 1024};
  int n = estab_packet_emit(&p, bytes, sizeof bytes);
  if (n < 0) return;
  if (sim->pcap != NULL) {
    struct estab_frame frame = {.struct_bytes = sizeof frame, .piece_count = 1};
    frame.pieces[0] = (struct estab_piece){.bytes = bytes, .length = (size_t)n};
    estab_pcap_write(sim->pcap, sim->now_ns, &frame);
  }
  lane_admit(&sim->hosts[0].lane, sim->now_ns, bytes, (size_t)n);
  stage_run(stage, 100);
}

void stage_send(struct stage *stage, unsigned side, unsigned bytes)
{
  struct sim_host *host = &stage->sim.hosts[side];
  uint8_t text[4096];
  while (bytes > 0) {
    size_t n = bytes < sizeof text ? bytes : sizeof text;
    chance_octets(stage->sim.settings.seed, side, host->app.sent, text, n);
    int took = estab_send(host->stack, host->app.conn, text, n);
    if (took <= 0) break;
    check_written(&stage->sim.check, side, (size_t)took);
    host->app.sent += (uint64_t)took;
    bytes -= (unsigned)took;
  }
  sim_settle(&stage->sim);
}

void stage_close(struct stage *stage, unsigned side)
{
  struct sim_host *host = &stage->sim.hosts[side];
  estab_close(host->stack, host->app.conn);
  sim_settle(&stage->sim);
}

void stage_abort(struct stage *stage, unsigned side)
{
  struct sim_host *host = &stage->sim.hosts[side];
  estab_abort(host->stack, host->app.conn);
  sim_settle(&stage->sim);
}

void stage_stop_reading(struct stage *stage, unsigned side, bool stop)
{
  stage->sim.hosts[side].app.reading_stopped = stop;
  sim_settle(&stage->sim);
}

void stage_lose(struct stage *stage, unsigned side, unsigned count)
{
  struct lane *lane = &stage->sim.hosts[side].lane;
  lane->lose_at = lane->counters.packets + 1;
  lane->lose_count = count;
}

void stage_restart(struct stage *stage, unsigned side)
{
  struct sim_host *host = &stage->sim.hosts[side];
  sim_host_end(host);
  memset(&host->app, 0, sizeof host->app);
  stage_note(stage, side == 0 ? "the client restarts and remembers nothing"
                              : "the server restarts and remembers nothing");
  sim_host_start(&stage->sim, side);
  host->app.by_hand = true;
  sim_settle(&stage->sim);
}

void stage_note(struct stage *stage, const char *text)
{
  ladder_note(stage->ladder, stage->sim.now_ns, text);
}

void stage_run(struct stage *stage, uint64_t ms)
{
  // Scenes are written for 20 ms there and back; on a slower link everything takes as much longer.
  uint64_t rtt_ms = 2 * stage->sim.settings.faults[0].delay_ns / MILLISECOND;
  uint64_t until = stage->sim.now_ns + ms * MILLISECOND * (rtt_ms > 20 ? rtt_ms : 20) / 20;
  while (sim_step(&stage->sim, until))
    ;
}

static bool stage_is_over(struct stage *stage)
{
  for (unsigned i = 0; i < 2; i++) {
    struct sim_host *host = &stage->sim.hosts[i];
    struct estab_stack_info info = {.struct_bytes = sizeof info};
    estab_stack_info(host->stack, &info);
    if (info.time_wait > 0 || info.half_open > 0) return false;
    int state = host->app.conn != 0 ? estab_status(host->stack, host->app.conn) : 0;
    if (state != ESTAB_CLOSED && state != ESTAB_ESTABLISHED && state > 0) return false;
  }
  return true;
}

void stage_finish(struct stage *stage)
{
  uint64_t until = stage->sim.now_ns + UINT64_C(3600000) * MILLISECOND;
  while (!stage_is_over(stage) && sim_step(&stage->sim, until))
    ;
  while (sim_step(&stage->sim, stage->sim.now_ns + 500 * MILLISECOND))
    ;
}

static void stage_traced(void *ctx, unsigned side, const struct estab_trace *event)
{
  struct stage *stage = ctx;
  ladder_event(stage->ladder, side == 0 ? LADDER_LEFT : LADDER_RIGHT, event);
}

static void stage_lost(void *ctx, unsigned from)
{
  struct stage *stage = ctx;
  ladder_lost(stage->ladder, from == 0 ? LADDER_LEFT : LADDER_RIGHT);
}

const struct scene *scene_find(const char *name)
{
  for (const struct scene *s = scenes; s->name != NULL; s++)
    if (strcmp(s->name, name) == 0) return s;
  return NULL;
}

static int stage_broken(const struct stage *stage, const struct scene *scene)
{
  const struct check *check = &stage->sim.check;
  if (check->broken == INVARIANT_NONE) return 0;
  return say_failure("sim", NULL, "%s: %s of the %s: %s", scene->name,
                     invariant_name(check->broken), check->side == 0 ? "client" : "server",
                     check->text);
}

int scene_show(const struct scene *scene, const struct sim_settings *settings,
               const struct scene_options *options)
{
  static struct stage stage;
  struct estab_device_error error;
  memset(&stage, 0, sizeof stage);
  struct ladder_settings picture = {
      .title = scene->title,
      .name = {"client", "server"},
      .live = {true, true},
      .time_wait_ns = {2 * settings->stack.msl_ns, 2 * settings->stack.msl_ns},
      .out = stdout,
      .ascii = options->ascii,
      .full = true,
      .explain = !options->json,
      .json = options->json};
  stage.ladder = ladder_new(&picture);
  struct sim_settings own = *settings;
  if (scene->recv_buffer_bytes != 0)
    own.stack.recv_buffer_bytes = own.stack.recv_buffer_max_bytes = scene->recv_buffer_bytes;
  int failed = sim_start(&stage.sim, &own);
  if (failed < 0 || stage.ladder == NULL)
    return say_failure("sim", NULL, "no stack: %s", estab_strerror(failed));
  if (options->pcap != NULL &&
      estab_pcap_open(options->pcap, ESTAB_LINK_RAW, ESTAB_NEVER, &stage.sim.pcap, &error) < 0)
    return say_device("sim", options->pcap, &error);
  stage.sim.ctx = &stage;
  stage.sim.traced = stage_traced;
  stage.sim.lost = stage_lost;
  stage.sim.check.may_reset = true;
  for (unsigned i = 0; i < 2; i++)
    stage.sim.hosts[i].app.by_hand = true;
  if (!options->json) printf("%s\n\n", scene->about);
  scene->play(&stage);
  ladder_end(stage.ladder, stage.sim.now_ns);
  stage.sim.traced = NULL;
  int status = stage_broken(&stage, scene);
  if (options->json)
    printf("{\"scene\":\"%s\",\"verdict\":\"%s\",\"virtual_ms\":%llu}\n", scene->name,
           status == 0 ? "ok" : "broken",
           (unsigned long long)(stage.sim.now_ns - stage.sim.start_ns) / 1000000);
  sim_end(&stage.sim);
  ladder_free(stage.ladder);
  if (stage.sim.pcap != NULL && estab_pcap_close(stage.sim.pcap) < 0)
    return say_failure("sim", NULL, "%s could not be written", options->pcap);
  return status;
}
