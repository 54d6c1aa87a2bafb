// SPDX-License-Identifier: BSD-2-Clause
// cmd_connect.c - estab connect: opens a connection and joins it to stdin and stdout.
#include "commands.h"
#include "cookie_file.h"
#include "relay.h"
#include "say.h"
#include "tool_stack.h"
#include "tuning.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "connect"

static bool only_four, only_six, only_try, no_names;
static uint64_t source_port;
static struct estab_ip source;
static const char *cookie_path;

static const struct option own[] = {
    {.letter = 'z', .kind = OPTION_FLAG, .value = &only_try, .help = "only connect, and close"},
    {.letter = 'n', .kind = OPTION_FLAG, .value = &no_names, .help = "HOST is an address, no name"},
    {.letter = '4', .kind = OPTION_FLAG, .value = &only_four, .help = "IPv4 only"},
    {.letter = '6', .kind = OPTION_FLAG, .value = &only_six, .help = "IPv6 only"},
    {.letter = 'p',
     .kind = OPTION_COUNT,
     .value = &source_port,
     .argument = "PORT",
     .help = "our port",
     .min = 1,
     .max = 65535},
    {.name = "fast-open",
     .kind = OPTION_TEXT,
     .value = &cookie_path,
     .argument = "FILE",
     .help = "send text with the SYN (RFC 7413); FILE keeps the servers' cookies"},
    {.letter = 's', .kind = OPTION_IP, .value = &source, .argument = "IP", .help = "our address"},
    OPTION_END};
static const struct option *const tables[] = {own,          relay_table, tuning_table, port_table,
                                              packet_table, fault_table, NULL};

static const struct command_line line = {
    .command = NAME,
    .operands = "[OPTION...] HOST PORT",
    .about =
        "Opens a connection to HOST; sends stdin, prints what comes. The end of stdin closes our\n"
        "direction (FIN), the peer's goes on until it closes too. Ctrl-C closes, twice resets.",
    .tables = tables,
    .notes = "Exit status: 0 closed in order, 1 refused, reset or timed out, 2 usage.",
};

static bool from_sockaddr(const struct sockaddr *a, struct estab_ip *ip)
{
  if (a->sa_family == AF_INET) {
    uint8_t b[4];
    memcpy(b, &((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
    *ip = estab_ip4(b[0], b[1], b[2], b[3]);
    return true;
  }
  if (a->sa_family != AF_INET6) return false;
  memcpy(ip->bytes, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, 16);
  return true;
}

// Names are the host's business: its resolver is asked.
static int find_host(const char *host, struct estab_ip *ip)
{
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                           .ai_family = only_four  ? AF_INET
                                        : only_six ? AF_INET6
                                                   : AF_UNSPEC},
                  *list;
  if (estab_ip_parse(host, ip) >= 0) {
    if ((only_four && !estab_ip_is4(ip)) || (only_six && estab_ip_is4(ip)))
      return say_failure(NAME, NULL, "%s: not an address of that family", host);
    return 0;
  }
  if (no_names) return say_failure(NAME, NULL, "%s: is not an address", host);
  int r = getaddrinfo(host, NULL, &hints, &list);
  if (r != 0) return say_failure(NAME, "give an address", "%s: %s", host, gai_strerror(r));
  bool found = from_sockaddr(list->ai_addr, ip);
  freeaddrinfo(list);
  return found ? 0 : say_failure(NAME, NULL, "%s: has no IP address", host);
}

// Until the connection is there or will not be. 0 and *error, or the exit status.
static int wait_connected(struct motor *m, estab_conn conn, int *error)
{
  struct estab_event e;
  uint64_t until =
      relay_options.timeout_ns ? estab_clock_ns() + relay_options.timeout_ns : ESTAB_NEVER;
  for (;;) {
    int status = motor_turn(m, until, NULL, 0);
    if (status) return status;
    while (estab_stack_next_event(m->s, &e) > 0) {
      if (e.conn != conn) continue;
      *error = e.error;
      if (e.events & (ESTAB_EVENT_ABORTED | ESTAB_EVENT_RESET)) return 0;
      if (e.events & ESTAB_EVENT_CONNECTED) {
        *error = 0;
        return 0;
      }
    }
    *error = m->stops ? ESTAB_ERR_ABORTED : ESTAB_ERR_TIMEOUT;
    if (m->stops || estab_clock_ns() >= until) {
      estab_abort(m->s, conn);
      return motor_turn(m, 0, NULL, 0);
    }
  }
}

// What goes with the SYN: the first of stdin, where the server's cookie is known. It may come twice, RFC 7413 6.1.
static size_t first_input(struct motor *m, const struct estab_connect_settings *settings,
                          uint8_t *text, size_t most)
{
  int room = estab_fast_open_room(m->s, settings);
  if (room <= 0 || relay_options.no_input || only_try) return 0;
  ssize_t n = read(STDIN_FILENO, text, (size_t)room < most ? (size_t)room : most);
  return n > 0 ? (size_t)n : 0;
}

static int keep_cookie(struct motor *m, estab_conn conn)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  if (!cookie_path || estab_conn_info(m->s, conn, &info) < 0) return 0;
  return cookie_file_write(NAME, cookie_path, m->s, &info.tuple.local, &info.tuple.remote);
}

static int run(struct motor *m, const char *host, const struct estab_ip *ip, uint16_t port)
{
  struct estab_connect_settings settings;
  estab_conn conn;
  char address[ESTAB_IP_TEXT_BYTES];
  int error = 0;
  estab_connect_settings_default(&settings);
  settings.remote = *ip;
  settings.remote_port = port;
  settings.local_port = (uint16_t)source_port;
  if (!estab_ip_is_any(&source)) settings.local = source;
  estab_ip_format(ip, address, sizeof address);
  uint8_t text[1500];
  size_t text_bytes = 0;
  if (cookie_path) {
    settings.fast_open = true;
    int bad = cookie_file_read(NAME, cookie_path, m->s);
    if (bad) return bad;
    text_bytes = first_input(m, &settings, text, sizeof text);
  }
  int r = estab_connect(m->s, &settings, estab_clock_ns(), &conn);
  if (r >= 0 && text_bytes) (void)estab_send(m->s, conn, text, text_bytes); // the buffer is empty
  int status = r < 0 ? 0 : wait_connected(m, conn, &error);
  if (!status && r >= 0 && !error) status = keep_cookie(m, conn);
  if (status) return status;
  if (r < 0) error = r;
  if (error)
    return say_failure(NAME, NULL, "connect to %s (%s) port %u failed: %s", host, address, port,
                       estab_strerror(error));
  if (relay_options.verbose) fprintf(stderr, "Connection to %s %u port succeeded!\n", host, port);
  struct relay_settings relay = relay_options;
  if (only_try) {
    estab_close(m->s, conn);
    relay.no_input = true;
    relay.timeout_ns = relay_options.timeout_ns ? relay_options.timeout_ns : 1000000000u;
    relay_run(m, conn, &relay);
    return 0;
  }
  return relay_run(m, conn, &relay);
}

int cmd_connect(int argc, char **argv)
{
  char **operands;
  int count, status;
  uint64_t port;
  struct estab_ip ip;
  struct estab_settings settings;
  struct motor m;
  struct option as_port = {.kind = OPTION_COUNT, .value = &port, .min = 1, .max = 65535};
  if (options_parse(&line, argc, argv, &operands, &count, &status)) return status;
  if (count != 2)
    return say_usage(NAME, count < 2 ? "needs HOST and PORT" : "takes HOST and PORT, not '%s'",
                     count < 2 ? "" : operands[2]);
  const char *why = option_read(&as_port, operands[1]);
  if (why) return say_usage(NAME, "port %s: %s", operands[1], why);
  status = find_host(operands[0], &ip);
  if (status) return status;
  tool_settings(&settings);
  status = tuning_apply(NAME, &settings);
  if (status) return status;
  status = motor_open(&m, NAME, &settings, &port_options);
  if (status) return status;
  status = run(&m, operands[0], &ip, (uint16_t)port);
  if (relay_options.verbose) port_say_faults(&m.port, "", stderr);
  return motor_close(&m, status);
}
