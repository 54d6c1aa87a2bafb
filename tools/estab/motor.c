// SPDX-License-Identifier: BSD-2-Clause
// motor.c - a stack, its port and Ctrl-C, turned together.
#include "motor.h"

#include "say.h"
#include "stop.h"
#include "tool_stack.h"
#include "tuning.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int motor_open(struct motor *m, const char *command, const struct estab_settings *settings,
               const struct port_options *options)
{
  memset(m, 0, sizeof *m);
  m->command = command;
  m->stop_fd = stop_open();
  int status = port_open(command, options, &m->port);
  if (status) return status;
  status = tool_stack_new(command, settings, &m->s);
  if (!status) status = port_start(command, &m->port, m->s);
  return status ? motor_close(m, status) : 0;
}

int motor_turn(struct motor *m, uint64_t until_ns, struct pollfd *fds, unsigned count)
{
  struct pollfd all[MOTOR_FDS + 1];
  if (count > MOTOR_FDS) count = MOTOR_FDS;
  for (unsigned i = 0; i < count; i++)
    all[i] = fds[i];
  all[count] = (struct pollfd){.fd = m->stop_fd, .events = POLLIN};
  int r = estab_run_once_with(m->s, &m->port.dev, until_ns, all, count + 1);
  for (unsigned i = 0; i < count; i++)
    fds[i].revents = all[i].revents;
  m->stops += stop_read(m->stop_fd);
  if (r < 0) return say_device(m->command, m->port.dev.name, &m->port.dev.error);
  return 0;
}

int motor_close(struct motor *m, int status)
{
  if (m->s) estab_stack_free(m->s);
  m->s = NULL;
  int r = port_close(m->command, &m->port);
  if (m->stop_fd >= 0) close(m->stop_fd);
  m->stop_fd = -1;
  int log = tuning_close(m->command);
  return status ? status : r ? r : log;
}

int motor_listen(struct motor *m, uint16_t port, uint32_t fast_open, estab_listener *out)
{
  struct estab_listen_settings settings;
  estab_listen_settings_default(&settings);
  settings.port_first = settings.port_last = port;
  settings.backlog = 4096;
  settings.fast_open = fast_open;
  int r = estab_listen(m->s, &settings, out);
  return r < 0 ? say_failure(m->command, NULL, "port %u: %s", port, estab_strerror(r)) : 0;
}

void motor_url(const struct motor *m, const char *scheme, int family, uint16_t port,
               uint16_t usual_port, char *text, size_t text_bytes)
{
  char address[ESTAB_IP_TEXT_BYTES] = "?";
  const struct estab_ip *ip = port_address(&m->port, family);
  if (ip) estab_ip_format(ip, address, sizeof address);
  bool ip6 = strchr(address, ':') != NULL;
  int n =
      snprintf(text, text_bytes, "%s://%s%s%s", scheme, ip6 ? "[" : "", address, ip6 ? "]" : "");
  if (port != usual_port && n > 0 && (size_t)n < text_bytes)
    snprintf(text + n, text_bytes - (size_t)n, ":%u", port);
}
