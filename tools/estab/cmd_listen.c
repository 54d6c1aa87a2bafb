// SPDX-License-Identifier: BSD-2-Clause
// cmd_listen.c - estab listen: waits for a connection, or answers many with a service.
#include "commands.h"
#include "relay.h"
#include "say.h"
#include "service.h"
#include "tool_stack.h"
#include "tuning.h"

#include <stdio.h>

#define NAME      "listen"
#define PORTS_MAX 64

static bool keep;
static uint64_t fast_open;
static const char *service;

static const struct option own[] = {
    {.name = "service",
     .kind = OPTION_TEXT,
     .value = &service,
     .argument = "NAME",
     .help = "echo, discard or chargen (RFC 862-864), many at once"},
    TUNING_FAST_OPEN(&fast_open),
    {.letter = 'k', .kind = OPTION_FLAG, .value = &keep, .help = "then wait for the next one"},
    OPTION_END};
static const struct option *const tables[] = {own,          relay_table, tuning_table, port_table,
                                              packet_table, fault_table, NULL};

static const struct command_line line = {
    .command = NAME,
    .operands = "[OPTION...] PORT...",
    .about = "Waits for a connection; sends stdin, prints what comes. With --service, answers any\n"
             "number of connections at every PORT. Ctrl-C closes, twice resets.",
    .tables = tables,
    .notes = "Exit status: 0 closed in order, 1 reset or timed out, 2 usage.",
};

// One connection after the other, until one is enough.
static int relay_connections(struct motor *m, const estab_listener *listeners, unsigned count)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  char address[ESTAB_IP_TEXT_BYTES];
  struct estab_event e;
  int status = 0;
  while (!status && m->stops == 0) {
    estab_conn conn = 0;
    for (unsigned i = 0; i < count && !conn; i++)
      if (estab_accept(m->s, listeners[i], &conn) < 0) conn = 0;
    if (!conn) {
      status = motor_turn(m, ESTAB_NEVER, NULL, 0);
      while (estab_stack_next_event(m->s, &e) > 0) {
      } // the listeners are asked above, others are dead connections'
      continue;
    }
    if (relay_options.verbose && estab_conn_info(m->s, conn, &info) >= 0) {
      estab_ip_format(&info.tuple.remote, address, sizeof address);
      fprintf(stderr, "Connection from %s %u received!\n", address, info.tuple.remote_port);
    }
    if (!keep)
      for (unsigned i = 0; i < count; i++)
        estab_listener_close(m->s, listeners[i]);
    status = relay_run(m, conn, &relay_options);
    estab_release(m->s, conn);
    if (!keep) break;
    status = 0; // one that failed does not end the waiting
  }
  return status;
}

static int run(struct motor *m, const uint16_t *ports, unsigned count, enum service_kind kind)
{
  estab_listener listeners[PORTS_MAX];
  char url[ESTAB_IP_TEXT_BYTES + 16];
  for (unsigned i = 0; i < count; i++) {
    int status = motor_listen(m, ports[i], (uint32_t)fast_open, &listeners[i]);
    if (status) return status;
    motor_url(m, "tcp", 0, ports[i], 0, url, sizeof url);
    if (relay_options.verbose || service) fprintf(stderr, "Listening on %s\n", url);
  }
  return service ? service_run(m, kind, relay_options.verbose)
                 : relay_connections(m, listeners, count);
}

int cmd_listen(int argc, char **argv)
{
  char **operands;
  int count, status;
  uint64_t port;
  uint16_t ports[PORTS_MAX];
  struct estab_settings settings;
  struct motor m;
  struct option as_port = {.kind = OPTION_COUNT, .value = &port, .min = 1, .max = 65535};
  if (options_parse(&line, argc, argv, &operands, &count, &status)) return status;
  enum service_kind kind = service ? service_kind(service) : SERVICE_KINDS;
  if (service && kind == SERVICE_KINDS)
    return say_usage(NAME, "--service %s: must be echo, discard or chargen", service);
  if (count == 0) return say_usage(NAME, "needs a PORT");
  if (count > PORTS_MAX) return say_usage(NAME, "takes at most %d ports", PORTS_MAX);
  for (int i = 0; i < count; i++) {
    const char *why = option_read(&as_port, operands[i]);
    if (why) return say_usage(NAME, "port %s: %s", operands[i], why);
    ports[i] = (uint16_t)port;
  }
  tool_settings(&settings);
  status = tuning_apply(NAME, &settings);
  if (status) return status;
  status = motor_open(&m, NAME, &settings, &port_options);
  if (status) return status;
  status = run(&m, ports, (unsigned)count, kind);
  if (relay_options.verbose) port_say_faults(&m.port, "", stderr);
  return motor_close(&m, status);
}
