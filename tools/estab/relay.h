// SPDX-License-Identifier: BSD-2-Clause
// relay.h - stdin to a connection, the connection to stdout: netcat's core.
#ifndef ESTAB_TOOL_RELAY_H
#define ESTAB_TOOL_RELAY_H

#include "motor.h"

struct relay_settings {
  bool no_input; // do not read stdin; our direction closes when the peer's has
  bool verbose;
  bool info;           // say at the end how it went
  uint64_t timeout_ns; // of silence in both directions, 0 = none
};

// netcat's options that both ends of a relay have, and what they said.
extern struct relay_settings relay_options;
extern const struct option relay_table[];

// Until both directions are closed. Answers the exit status.
int relay_run(struct motor *m, estab_conn conn, const struct relay_settings *settings);

#endif
