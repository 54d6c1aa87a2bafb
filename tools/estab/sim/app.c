// SPDX-License-Identifier: BSD-2-Clause
// app.c - the applications of the simulator: they write, read, rest, close, and look at what they get.
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define APP_PORT  80
#define APP_R2_NS UINT64_C(100000000000) // RFC 9293 3.8.3 [SHLD-11]

int app_listen(struct sim_host *host)
{
  struct estab_listen_settings settings;
  estab_listen_settings_default(&settings);
  settings.port_first = settings.port_last = APP_PORT;
  settings.backlog = 8;
  return estab_listen(host->stack, &settings, &host->app.listener);
}

int app_connect(struct sim_host *host)
{
  struct estab_connect_settings settings;
  estab_connect_settings_default(&settings);
  settings.remote = host->sim->hosts[!host->side].ip;
  settings.remote_port = APP_PORT;
  return estab_connect(host->stack, &settings, host->sim->now_ns, &host->app.conn);
}

static void app_over(struct sim_host *host, int error)
{
  struct check *check = &host->sim->check;
  uint64_t silent_ns = check->now_ns - check->sides[host->side].una_ns;
  if (error == ESTAB_ERR_TIMEOUT && silent_ns < APP_R2_NS)
    check_fails(check, host->side, INVARIANT_PROGRESS, "gave up %llu s after the last progress",
                (unsigned long long)silent_ns / 1000000000);
  if (host->app.error == 0) host->app.error = error;
  if (host->app.conn != 0) estab_release(host->stack, host->app.conn);
  host->app.conn = 0;
  host->app.done = true;
  // What is left of the other side will be answered with RST.
  host->sim->check.may_reset = true;
}

static void app_events(struct sim_host *host)
{
  struct estab_event ev;
  struct sim_app *app = &host->app;
  while (estab_stack_next_event(host->stack, &ev) > 0) {
    if (ev.conn != 0 && ev.conn != app->conn) check_handle(&host->sim->check, host->side, ev.conn);
    if ((ev.events & ESTAB_EVENT_ACCEPT) != 0 && app->conn == 0 && !app->done)
      app->open = estab_accept(host->stack, app->listener, &app->conn) >= 0;
    if ((ev.events & ESTAB_EVENT_CONNECTED) != 0 && ev.conn == app->conn) app->open = true;
    if ((ev.events & ESTAB_EVENT_CLOSED) != 0 && ev.conn == app->conn) app->all_closed = true;
    if (ev.conn == app->conn && app->conn != 0 &&
        (ev.events & (ESTAB_EVENT_RESET | ESTAB_EVENT_ABORTED)) != 0)
      app_over(host, ev.error != 0 ? ev.error : ESTAB_ERR_RESET);
  }
}

static void app_write(struct sim_host *host)
{
  struct sim_app *app = &host->app;
  while (app->sent < app->habits.bytes) {
    uint64_t n = app->habits.bytes - app->sent;
    if (n > app->habits.write_bytes) n = app->habits.write_bytes;
    if (n > sizeof app->next) n = sizeof app->next;
    if (!app->next_made)
      chance_octets(host->sim->settings.seed, host->side, app->sent, app->next, (size_t)n);
    int took = estab_send(host->stack, app->conn, app->next, (size_t)n);
    app->next_made = took <= 0; // offered again
    if (took <= 0) return;
    app->sent += (uint64_t)took;
    check_written(&host->sim->check, host->side, (size_t)took);
  }
  if (app->open && !app->closed && (!app->habits.close_after_end || app->end_seen)) {
    estab_close(host->stack, app->conn);
    app->closed = true;
  }
}

static void app_read(struct sim_host *host)
{
  struct sim_app *app = &host->app;
  struct sim *sim = host->sim;
  uint8_t bytes[16384];
  size_t most = app->habits.read_bytes < sizeof bytes ? app->habits.read_bytes : sizeof bytes;
  while (app->conn != 0 && !app->end_seen && sim->now_ns >= app->paused_until_ns &&
         !app->reading_stopped) {
    int got = estab_recv(host->stack, app->conn, bytes, most);
    if (got < 0) return;
    size_t told = (size_t)got;
    plant_stream(&sim->planted, host->side, bytes, &told);
    app->read += (uint64_t)got;
    if (got == 0 || plant_end(&sim->planted, host->side, app->read)) {
      app->end_seen = true;
      check_end(&sim->check, host->side);
      return;
    }
    check_read(&sim->check, host->side, bytes, told);
    if (chance_ppm(&sim->chance, app->habits.pause_ppm))
      app->paused_until_ns = sim->now_ns + chance_below(&sim->chance, app->habits.pause_ns);
  }
}

void app_work(struct sim_host *host)
{
  struct sim_app *app = &host->app;
  app_events(host);
  if (app->conn == 0) return;
  app_read(host);
  if (app->by_hand) return;
  app_write(host);
  if (!app->end_seen || !app->closed || !(app->all_closed || app->habits.release_early)) return;
  // All is read and written: what the stack still has to do, it does alone.
  estab_release(host->stack, app->conn);
  app->conn = 0;
  app->done = true;
  host->sim->check.sides[host->side].released = true;
  if (host->sim->planted.plant == PLANT_late_event) check_handle(&host->sim->check, host->side, 1);
}

uint64_t app_deadline(const struct sim_host *host)
{
  const struct sim_app *app = &host->app;
  if (app->conn == 0 || app->end_seen) return ESTAB_NEVER;
  return app->paused_until_ns > host->sim->now_ns ? app->paused_until_ns : ESTAB_NEVER;
}
