// SPDX-License-Identifier: BSD-2-Clause
// motor.h - a stack, its port and Ctrl-C, turned together.
#ifndef ESTAB_TOOL_MOTOR_H
#define ESTAB_TOOL_MOTOR_H

#include "port.h"

#include <poll.h>

#define MOTOR_FDS 8 // of the caller, at most

struct motor {
  const char *command;
  estab_stack *s;
  struct port port;
  int stop_fd;
  unsigned stops; // how often the user said stop
};

// Opens the port, makes a stack with these settings, joins them. 0, or the exit status after a complaint.
int motor_open(struct motor *m, const char *command, const struct estab_settings *settings,
               const struct port_options *options);
// One turn, see estab_run_once_with(); m->stops counts Ctrl-C. 0, or the exit status when the device is gone.
int motor_turn(struct motor *m, uint64_t until_ns, struct pollfd *fds, unsigned count);
// Frees the stack and closes the port. Answers status, or a failure to write a record if it was 0.
int motor_close(struct motor *m, int status);

// Listens at a port on every address of ours. 0, or the exit status after a complaint.
// fast_open: as in struct estab_listen_settings
int motor_listen(struct motor *m, uint16_t port, uint32_t fast_open, estab_listener *out);
// "http://192.0.2.2:8080": the address of a family (0 = the first), an IPv6 one in brackets.
void motor_url(const struct motor *m, const char *scheme, int family, uint16_t port,
               uint16_t usual_port, char *text, size_t text_bytes);

#endif
