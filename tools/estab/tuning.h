// SPDX-License-Identifier: BSD-2-Clause
// tuning.h - what the command line says of TCP itself, and what became of a connection.
#ifndef ESTAB_TOOL_TUNING_H
#define ESTAB_TOOL_TUNING_H

#include "options.h"

#include "estab/estab.h"

#include <stdio.h>

extern const struct option tuning_table[]; // --cc, --ecn, --mtu-probing, --qlog

// --fast-open of those who listen.
#define TUNING_FAST_OPEN(count)                                                                    \
  {                                                                                                \
    .name = "fast-open", .kind = OPTION_COUNT, .value = (count), .argument = "N",                  \
    .help = "take text with a SYN (RFC 7413); N at most wait for their handshake", .max = 1000000  \
  }

// Into settings, with the trace hook of --qlog. 0, or the exit status after a complaint.
int tuning_apply(const char *command, struct estab_settings *settings);
// When the stack is gone: ends that log. 0, or the exit status after a complaint.
int tuning_close(const char *command);
// How a connection went and what kept it from being faster: a few lines.
void tuning_say(const struct estab_conn_info *info, FILE *out);

#endif
