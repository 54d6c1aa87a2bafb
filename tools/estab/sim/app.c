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
  settings.fast_open = host->app.fast_open ? 8 : 0;
  return estab_listen(host->stack, &settings, &host->app.listener);
}

int app_connect(struct sim_host *host)
{
  struct estab_connect_settings settings;
  estab_connect_settings_default(&settings);
  settings.remote = host->sim->hosts[!host->side].ip;
  settings.remote_port = APP_PORT;
  settings.fast_open = host->app.fast_open;
  return estab_connect(host->stack, &settings, host->sim->now_ns, &host->app.conn);
}

static void app_over(struct sim_host *host, int error)
{
  struct check *check = &host->sim->check;
  uint64_t silent_ns = check->now_ns - check->sides[host->side].una_ns;
  const bool was_open = check->sides[host->side].numbers_known;
  if (error == ESTAB_ERR_TIMEOUT && was_open && silent_ns < APP_R2_NS)
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

static void app_abort(struct sim_host *host)
{
  struct sim_app *app = &host->app;
  host->sim->check.may_reset = true;
  estab_abort(host->stack, app->conn);
  app_over(host, ESTAB_ERR_ABORTED);
  oracle_aborted(&host->sim->oracle, host->side);
  host->sim->check.sides[host->side].released = true;
}

// Options may be changed at any time.
static void app_call(struct sim_host *host)
{
  struct chance *c = &host->sim->chance;
  static const enum estab_cc controls[] = {ESTAB_CC_NEWRENO, ESTAB_CC_CUBIC, ESTAB_CC_BBR};
  enum estab_option option = ESTAB_OPT_NAGLE;
  uint64_t value = chance_below(c, 2);
  switch (chance_below(c, 7)) {
  case 0:
    option = ESTAB_OPT_CONGESTION_CONTROL;
    value = controls[chance_below(c, 3)];
    break;
  case 1:
    option = ESTAB_OPT_SEND_BUFFER_BYTES;
    value = 2000u << chance_below(c, 8);
    break;
  case 2:
    option = ESTAB_OPT_RECV_BUFFER_BYTES;
    value = 2000u << chance_below(c, 8);
    host->sim->check.shrink_allowed = true;
    break;
  case 3:
    option = ESTAB_OPT_DELAYED_ACK_NS;
    value *= 40000000;
    break;
  case 4:
    option = ESTAB_OPT_NOTSENT_LOWAT_BYTES;
    value *= 100u << chance_below(c, 8);
    break;
  case 5: option = ESTAB_OPT_CORK; break;
  default: break;
  }
  (void)estab_option_set(host->stack, host->app.conn, option, value);
}

// false: there is no connection to work on.
static bool app_begun(struct sim_host *host)
{
  struct sim_app *app = &host->app;
  if (app->connect_ns == 0 || host->sim->now_ns < app->connect_ns) return app->conn != 0;
  app->connect_ns = 0;
  int error = app_connect(host);
  if (error < 0)
    check_fails(&host->sim->check, host->side, INVARIANT_PROGRESS, "%s", estab_strerror(error));
  return error >= 0;
}

static uint64_t app_abort_at(const struct sim_host *host)
{
  uint64_t after_ns = host->app.habits.abort_ns;
  return after_ns > 0 ? host->sim->start_ns + after_ns : ESTAB_NEVER;
}

void app_work(struct sim_host *host)
{
  struct sim_app *app = &host->app;
  app_events(host);
  if (!app_begun(host)) return;
  if (host->sim->now_ns >= app_abort_at(host)) {
    app_abort(host);
    return;
  }
  if (chance_ppm(&host->sim->chance, app->habits.calls_ppm)) app_call(host);
  app_read(host);
  if (app->by_hand) return;
  app_write(host);
  if (!app->end_seen || !app->closed || !(app->all_closed || app->habits.release_early)) return;
  // All is read and written: what the stack still has to do, it does alone.
  estab_release(host->stack, app->conn);
  app->conn = 0;
  app->done = true;
  host->sim->check.sides[host->side].released = true;
  if (plant_event_late(&host->sim->planted)) check_handle(&host->sim->check, host->side, 1);
}

uint64_t app_deadline(const struct sim_host *host)
{
  const struct sim_app *app = &host->app;
  uint64_t now_ns = host->sim->now_ns;
  if (app->connect_ns > 0) return app->connect_ns;
  if (app->conn == 0) return ESTAB_NEVER;
  uint64_t at_ns = app_abort_at(host);
  if (!app->end_seen && app->paused_until_ns > now_ns && app->paused_until_ns < at_ns)
    at_ns = app->paused_until_ns;
  return at_ns;
}
