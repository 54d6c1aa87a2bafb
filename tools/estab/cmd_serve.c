// SPDX-License-Identifier: BSD-2-Clause
// cmd_serve.c - estab serve: a folder over HTTP/1.1.
#include "commands.h"
#include "http_server.h"
#include "say.h"
#include "tool_stack.h"
#include "tuning.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME "serve"

static bool verbose;
static uint64_t http_port = 80, fast_open;

static const struct option own[] = {
    {.name = "port",
     .kind = OPTION_COUNT,
     .value = &http_port,
     .argument = "PORT",
     .help = "where to listen (80)",
     .min = 1,
     .max = 65535},
    TUNING_FAST_OPEN(&fast_open),
    {.letter = 'v', .kind = OPTION_FLAG, .value = &verbose, .help = "say each request on stderr"},
    OPTION_END};
static const struct option *const tables[] = {own,          tuning_table, port_table,
                                              packet_table, fault_table,  NULL};

static const struct command_line line = {
    .command = NAME,
    .operands = "[OPTION...] DIR",
    .about =
        "Serves the files below DIR over HTTP/1.1 (GET, HEAD, ranges) from a TCP in user space.\n"
        "Prints its address when it is ready. Ctrl-C closes, twice resets.",
    .tables = tables,
    .notes = "Exit status: 0 stopped by the user, 1 failed, 2 usage.",
};

static int run(struct motor *m, const struct http_root *root)
{
  struct http_server server;
  struct estab_event e;
  char url[ESTAB_IP_TEXT_BYTES + 16];
  int status =
      http_server_open(&server, m, root, (uint16_t)http_port, (uint32_t)fast_open, verbose);
  if (status) return status;
  motor_url(m, "http", 0, (uint16_t)http_port, 80, url, sizeof url);
  printf("%s\n", url);
  if (fflush(stdout) != 0) return say_failure(NAME, NULL, "cannot write to standard output");
  while (!status && m->stops == 0) {
    status = motor_turn(m, http_server_patience(&server), NULL, 0);
    while (!status && estab_stack_next_event(m->s, &e) > 0)
      http_server_event(&server, &e);
  }
  http_server_close(&server);
  if (verbose)
    fprintf(stderr, "%llu connections, %llu requests, %llu bytes\n",
            (unsigned long long)server.totals.connections,
            (unsigned long long)server.totals.requests, (unsigned long long)server.totals.bytes);
  return status;
}

int cmd_serve(int argc, char **argv)
{
  char **operands;
  int count, status;
  struct estab_settings settings;
  struct motor m;
  struct http_root root = {.file = -1};
  if (options_parse(&line, argc, argv, &operands, &count, &status)) return status;
  if (count == 0) return say_usage(NAME, "needs a DIR");
  if (count > 1) return say_usage(NAME, "takes one DIR, not '%s'", operands[1]);
  root.folder = open(operands[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root.folder < 0)
    return say_failure(NAME, "give a folder that exists and can be read", "%s: %s", operands[0],
                       strerror(errno));
  tool_settings(&settings);
  status = tuning_apply(NAME, &settings);
  if (!status) status = motor_open(&m, NAME, &settings, &port_options);
  if (!status) {
    status = run(&m, &root);
    if (verbose) port_say_faults(&m.port, "", stderr);
    status = motor_close(&m, status);
  }
  close(root.folder);
  return status;
}
