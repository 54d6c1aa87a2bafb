// SPDX-License-Identifier: BSD-2-Clause
// say.h - how the command complains: at most three lines on stderr: what, where, what to do.
#ifndef ESTAB_TOOL_SAY_H
#define ESTAB_TOOL_SAY_H

#include "estab/driver.h"

#define EXIT_FAIL  1
#define EXIT_USAGE 2

// "estab COMMAND: WHAT" and where to read more; answers EXIT_USAGE.
__attribute__((format(printf, 2, 3))) int say_usage(const char *command, const char *format, ...);
// "estab COMMAND: WHAT" and, unless remedy is NULL or "", a second line with it; answers EXIT_FAIL.
__attribute__((format(printf, 3, 4))) int say_failure(const char *command, const char *remedy,
                                                      const char *format, ...);
// A device's or the host's error; `where` names the word of the command line it is about, or NULL.
int say_device(const char *command, const char *where, const struct estab_device_error *error);
// Standard output is a pipe that its reader has left, as head(1) does: a failure about which nothing is said.
bool say_to_nobody(void);

#endif
