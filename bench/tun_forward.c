// SPDX-License-Identifier: BSD-2-Clause
// tun_forward.c - the least that any program between two TUN devices does: read a packet, write it.
//
// usage: tun-forward plain|gso NAME NETNS NAME NETNS
// One thread. What it reaches is the limit for stacks that do as many reads and writes.

#define _GNU_SOURCE
#include "tun.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 64, BUFFER_BYTES = 70000 };

static int open_in(const char *name, const char *netns, bool gso)
{
  int ns = open(netns, O_RDONLY);
  if (ns < 0 || setns(ns, CLONE_NEWNET) < 0) err(1, "entering %s", netns);
  close(ns);
  return tun_open(name, gso);
}

static void forward(int from, int to)
{
  static char buffer[BUFFER_BYTES];
  for (int i = 0; i < BATCH; i++) {
    ssize_t n = read(from, buffer, sizeof buffer);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) err(1, "read");
    // EIO: the other device is not up yet. Whatever is refused is lost, as on any link.
    if (write(to, buffer, (size_t)n) < 0 && errno != EAGAIN && errno != EIO && errno != EINVAL)
      err(1, "write");
  }
}

int main(int argc, char **argv)
{
  if (argc != 6) {
    fputs("usage: tun-forward plain|gso NAME NETNS NAME NETNS\n", stderr);
    return 2;
  }
  bool gso = strcmp(argv[1], "gso") == 0;
  struct pollfd fds[2] = {{.fd = open_in(argv[2], argv[3], gso), .events = POLLIN},
                          {.fd = open_in(argv[4], argv[5], gso), .events = POLLIN}};
  puts("ready");
  fflush(stdout);
  for (;;) {
    if (poll(fds, 2, -1) < 0 && errno != EINTR) err(1, "poll");
    if (fds[0].revents) forward(fds[0].fd, fds[1].fd);
    if (fds[1].revents) forward(fds[1].fd, fds[0].fd);
  }
}
