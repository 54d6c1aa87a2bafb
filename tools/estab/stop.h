// SPDX-License-Identifier: BSD-2-Clause
// stop.h - Ctrl-C and SIGTERM as something to wait for: once = close in order, twice = at once.
#ifndef ESTAB_TOOL_STOP_H
#define ESTAB_TOOL_STOP_H

// Blocks SIGINT, SIGTERM and SIGHUP and answers a descriptor that is readable when one came; -1 = none.
int stop_open(void);
// How many came since the last call.
unsigned stop_read(int fd);
// In a child before exec: signals as they were.
void stop_forget(void);

#endif
