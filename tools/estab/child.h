// SPDX-License-Identifier: BSD-2-Clause
// child.h - a program, or a function, in a process of its own, which never outlives this one.
#ifndef ESTAB_TOOL_CHILD_H
#define ESTAB_TOOL_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
  pid_t pid;  // 0 = none
  int out;    // its standard output, non-blocking; -1 = closed or none
  int status; // exit status once it is over: 0..255, 128 + signal
  bool over;
};

// Runs a program of $PATH with its output in a pipe. 0, or an errno. A program that is not there exits with 127.
int child_run(struct child *c, char *const argv[]);
// Runs a function; its answer is the exit status.
int child_call(struct child *c, int (*function)(void *ctx), void *ctx);
// Whether it is over; does not wait.
bool child_over(struct child *c);
// Ends it if it still runs, and closes the pipe.
void child_end(struct child *c);

#endif
