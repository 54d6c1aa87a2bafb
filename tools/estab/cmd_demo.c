// SPDX-License-Identifier: BSD-2-Clause
// cmd_demo.c - estab demo: three connections between estab and this machine's kernel, on the screen.
#include "commands.h"
#include "demo.h"
#include "qlog/write.h"
#include "say.h"
#include "tool_stack.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME "demo"

static struct demo demo = {.content = -1};
static const char *qlog_path;
static struct qlog *qlog;

static const struct option own[] = {
    {.name = "full", .kind = OPTION_FLAG, .value = &demo.full, .help = "every segment"},
    {.name = "json",
     .kind = OPTION_FLAG,
     .value = &demo.json,
     .help = "one JSON object a segment, and a last one with the result"},
    {.name = "ipv6", .kind = OPTION_FLAG, .value = &demo.ipv6, .help = "over IPv6"},
    {.name = "device",
     .kind = OPTION_TEXT,
     .value = &port_options.device,
     .argument = "DEVICE",
     .help = "auto, tun, tap or veth (AF_PACKET)"},
    {.name = "mtu",
     .kind = OPTION_COUNT,
     .value = &port_options.mtu,
     .argument = "BYTES",
     .help = "bytes of the largest packet (1500)",
     .min = 68,
     .max = 65535},
    {.name = "qlog",
     .kind = OPTION_TEXT,
     .value = &qlog_path,
     .argument = "FILE",
     .help = "write what estab does; 'estab qlog FILE' reads it"},
    OPTION_END};
static const struct option *const tables[] = {own, packet_table, fault_table, NULL};

static const struct command_line line = {
    .command = NAME,
    .operands = "[OPTION...]",
    .about =
        "Makes a network namespace and, in it, lets the kernel's curl fetch a file from a TCP in\n"
        "user space, then fetches it back from the kernel, then is refused; draws the ladder of\n"
        "each connection and compares the SHA-256s. Needs no privileges, leaves nothing behind.",
    .tables = tables,
    .notes = "States in parentheses are the kernel's, inferred from its segments and compared with "
             "what\n"
             "the kernel itself says. Exit status: 0 all as it should be, 1 not, 2 usage.",
};

static void on_trace(void *ctx, const struct estab_trace *event)
{
  struct demo *d = ctx;
  if (d->ladder) ladder_event(d->ladder, LADDER_RIGHT, event);
  if (qlog) qlog_event(qlog, event);
}

static int run_parts(struct demo *d)
{
  static int (*const parts[DEMO_CONNECTIONS])(struct demo *) = {demo_serve, demo_fetch,
                                                                demo_refused};
  for (unsigned i = 0; i < DEMO_CONNECTIONS; i++) {
    int status = parts[i](d);
    if (status) return status;
    demo_say(d, &d->results[i]);
  }
  return 0;
}

static int open_all(struct demo *d)
{
  struct estab_device_error error;
  struct estab_settings settings;
  if (estab_host_unshare(&error) < 0) return say_device(NAME, NULL, &error);
  int status = demo_make_content(d);
  if (status) return status;
  if (qlog_path &&
      !(qlog = qlog_open(NAME, qlog_path, "estab", NAME, QLOG_CLOCK_MONOTONIC, estab_clock_ns())))
    return EXIT_FAIL;
  tool_settings(&settings);
  settings.trace = (struct estab_trace_hook){d, on_trace};
  d->time_wait_ns = 2 * settings.msl_ns;
  status = motor_open(&d->m, NAME, &settings, &port_options);
  if (!status && d->ipv6 && d->m.port.dev.netif.mtu < 1280)
    status = say_usage(NAME, "--mtu %u: IPv6 needs at least 1280", d->m.port.dev.netif.mtu);
  return status;
}

int cmd_demo(int argc, char **argv)
{
  char **operands;
  int count, status;
  uint64_t start = estab_clock_ns();
  if (options_parse(&line, argc, argv, &operands, &count, &status)) return status;
  if (count > 0) return say_usage(NAME, "takes no arguments, not '%s'", operands[0]);
  status = open_all(&demo);
  if (!status) {
    if (!demo.json)
      printf("%s between this machine's kernel and estab over %s\n\n", demo.ipv6 ? "IPv6" : "IPv4",
             demo.m.port.dev.name);
    status = run_parts(&demo);
  }
  bool ok = !status && demo.result_count == DEMO_CONNECTIONS;
  for (unsigned i = 0; i < demo.result_count; i++)
    ok = ok && demo.results[i].ok;
  if (demo.result_count > 0) demo_say_all(&demo, ok, (double)(estab_clock_ns() - start) / 1e9);
  if (demo.m.s && !demo.json) port_say_faults(&demo.m.port, "", stdout);
  if (demo.m.s) status = motor_close(&demo.m, status);
  if (demo.content >= 0) close(demo.content);
  int log = qlog_close(NAME, qlog);
  if (!status) status = log;
  return status ? status : ok ? 0 : EXIT_FAIL;
}
