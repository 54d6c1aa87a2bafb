// SPDX-License-Identifier: BSD-2-Clause
// child.c - a program, or a function, in a process of its own.
#include "child.h"

#include "stop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// Dies with its parent, even if that has been killed.
static void become_child(pid_t parent)
{
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  stop_forget();
}

int child_run(struct child *c, char *const argv[])
{
  int ends[2];
  pid_t parent = getpid();
  *c = (struct child){.out = -1};
  fflush(NULL);
  if (pipe2(ends, O_CLOEXEC) < 0) return errno;
  pid_t pid = fork();
  if (pid == 0) {
    become_child(parent);
    dup2(ends[1], STDOUT_FILENO);
    execvp(argv[0], argv);
    _exit(127);
  }
  int why = errno;
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return why;
  }
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  c->pid = pid;
  c->out = ends[0];
  return 0;
}

int child_call(struct child *c, int (*function)(void *ctx), void *ctx)
{
  pid_t parent = getpid();
  *c = (struct child){.out = -1};
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    become_child(parent);
    _exit(function(ctx));
  }
  if (pid < 0) return errno;
  c->pid = pid;
  return 0;
}

static void note_end(struct child *c, int status)
{
  c->over = true;
  c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool child_over(struct child *c)
{
  int status;
  if (!c->over && c->pid > 0 && waitpid(c->pid, &status, WNOHANG) == c->pid) note_end(c, status);
  return c->over;
}

void child_end(struct child *c)
{
  int status;
  if (c->pid > 0 && !c->over) {
    kill(c->pid, SIGKILL);
    if (waitpid(c->pid, &status, 0) == c->pid) note_end(c, status);
  }
  if (c->out >= 0) close(c->out);
  c->out = -1;
  c->pid = 0;
}
