// SPDX-License-Identifier: BSD-2-Clause
// stop.c - Ctrl-C and SIGTERM as something to wait for.
#include "stop.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void set(sigset_t *signals)
{
  sigemptyset(signals);
  sigaddset(signals, SIGINT);
  sigaddset(signals, SIGTERM);
  sigaddset(signals, SIGHUP);
}

int stop_open(void)
{
  sigset_t signals;
  set(&signals);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  return signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
}

unsigned stop_read(int fd)
{
  struct signalfd_siginfo info;
  unsigned count = 0;
  while (fd >= 0 && read(fd, &info, sizeof info) == (ssize_t)sizeof info)
    count++;
  return count;
}

void stop_forget(void)
{
  sigset_t signals;
  set(&signals);
  sigprocmask(SIG_UNBLOCK, &signals, NULL);
  signal(SIGPIPE, SIG_DFL);
}
