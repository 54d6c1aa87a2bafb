// SPDX-License-Identifier: BSD-2-Clause
// kpeer.c - the kernel's side of the TUN bench: ordinary sockets, every byte checked.
//
// usage: kpeer send|recv|conn ADDRESS SECONDS | rtt ADDRESS COUNT | serve

#define _GNU_SOURCE
#include "pattern.h"
#include "tun.h"

#include <arpa/inet.h>
#include <endian.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE_BYTES = PATTERN_RUN_BYTES, AT_A_TIME = 32, PATIENCE_SECONDS = 20 };

#define CONGESTION "cubic"

static const char *address;

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sockaddr_in name_of(int port)
{
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (inet_pton(AF_INET, address, &name.sin_addr) != 1)
    errx(2, "'%s' is not an IPv4 address", address);
  return name;
}

static int open_to(int port, int flags)
{
  struct sockaddr_in name = name_of(port);
  struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
  int on = 1, s = socket(AF_INET, SOCK_STREAM | flags, 0);
  if (s < 0) err(1, "socket");
  setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // The machine's default may be one that paces (bbr), which on a path this short measures itself.
  // By socket, because a namespace may set only what the machine already allows everybody.
  if (setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, CONGESTION, sizeof CONGESTION - 1) < 0)
    err(1, "choosing " CONGESTION);
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(s, (struct sockaddr *)&name, sizeof name) < 0 && errno != EINPROGRESS)
    err(1, "connect to %s port %d", address, port);
  return s;
}

// The rate is taken to the sink's own count, which it sends after our FIN: all was checked by then.
static void do_send(double seconds)
{
  int s = open_to(PORT_SINK, 0);
  uint64_t sent = 0, count = 0;
  double start = now();
  while (now() - start < seconds) {
    ssize_t n = send(s, pattern_at(sent), PIECE_BYTES, MSG_NOSIGNAL);
    if (n <= 0) err(1, "send, after %llu bytes", (unsigned long long)sent);
    sent += (uint64_t)n;
  }
  shutdown(s, SHUT_WR);
  if (recv(s, &count, sizeof count, MSG_WAITALL) != sizeof count || be64toh(count) != sent)
    errx(1, "%llu bytes went out, the sink counted %llu", (unsigned long long)sent,
         (unsigned long long)be64toh(count));
  printf("bytes=%llu seconds=%.6f\n", (unsigned long long)sent, now() - start);
}

static void do_recv(double seconds)
{
  static uint8_t piece[PIECE_BYTES];
  int s = open_to(PORT_SOURCE, 0);
  uint64_t received = 0;
  double start = now();
  while (now() - start < seconds) {
    ssize_t n = recv(s, piece, sizeof piece, 0);
    if (n <= 0) err(1, "recv, after %llu bytes", (unsigned long long)received);
    if (!pattern_matches(received, piece, (size_t)n))
      errx(1, "wrong data near byte %llu", (unsigned long long)received);
    received += (uint64_t)n;
  }
  printf("bytes=%llu seconds=%.6f\n", (unsigned long long)received, now() - start);
}

// Connect, a byte each way, close; AT_A_TIME of them at any moment.
static void do_conn(double seconds)
{
  struct pollfd fds[AT_A_TIME];
  unsigned long opened = 0, done = 0;
  double start = now();
  for (int i = 0; i < AT_A_TIME; i++)
    fds[i].fd = -1;
  while (now() - start < seconds) {
    for (int i = 0; i < AT_A_TIME; i++) {
      if (fds[i].fd >= 0) continue;
      int ports = PORT_ECHO_LAST - PORT_ECHO_FIRST + 1;
      fds[i].fd = open_to(PORT_ECHO_FIRST + (int)(opened++ % (unsigned)ports), SOCK_NONBLOCK);
      fds[i].events = POLLOUT;
    }
    if (poll(fds, AT_A_TIME, PATIENCE_SECONDS * 1000) <= 0)
      errx(1, "no connection went on for %d s, after %lu", PATIENCE_SECONDS, done);
    for (int i = 0; i < AT_A_TIME; i++) {
      char byte = (char)i;
      if (fds[i].revents & POLLOUT) {
        if (send(fds[i].fd, &byte, 1, MSG_NOSIGNAL) != 1) err(1, "send on connection %lu", done);
        fds[i].events = POLLIN;
      } else if (fds[i].revents) {
        if (recv(fds[i].fd, &byte, 1, 0) != 1 || byte != (char)i)
          err(1, "echo on connection %lu", done);
        close(fds[i].fd);
        fds[i].fd = -1;
        done++;
      }
    }
  }
  printf("connections=%lu seconds=%.6f\n", done, now() - start);
}

static int by_value(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void do_rtt(size_t count)
{
  double *times = calloc(count, sizeof *times);
  int s = open_to(PORT_ECHO_FIRST, 0);
  for (size_t i = 0; times && i < count; i++) {
    char byte = (char)i;
    double start = now();
    if (send(s, &byte, 1, MSG_NOSIGNAL) != 1 || recv(s, &byte, 1, 0) != 1 || byte != (char)i)
      err(1, "exchange %zu", i);
    times[i] = now() - start;
  }
  if (!times || count == 0) errx(1, "no exchanges");
  qsort(times, count, sizeof *times, by_value);
  printf("exchanges=%zu median_us=%.3f\n", count, times[count / 2] * 1e6);
  free(times);
}

// The sink alone, one connection after the other, for the forwarder's far end.
static void do_serve(void)
{
  static uint8_t piece[PIECE_BYTES];
  address = "0.0.0.0";
  struct sockaddr_in name = name_of(PORT_SINK);
  int on = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&name, sizeof name) < 0 || listen(listener, 16) < 0)
    err(1, "listening on port %d", PORT_SINK);
  puts("ready");
  fflush(stdout);
  for (;;) {
    int s = accept(listener, NULL, NULL);
    uint64_t received = 0, count;
    ssize_t n;
    while ((n = recv(s, piece, sizeof piece, 0)) > 0) {
      if (!pattern_matches(received, piece, (size_t)n))
        errx(1, "wrong data near byte %llu", (unsigned long long)received);
      received += (uint64_t)n;
    }
    count = htobe64(received);
    if (send(s, &count, sizeof count, MSG_NOSIGNAL) != sizeof count)
      warn("answering with the count");
    close(s);
  }
}

int main(int argc, char **argv)
{
  pattern_init();
  if (argc == 2 && strcmp(argv[1], "serve") == 0) do_serve();
  if (argc != 4) {
    fputs("usage: kpeer send|recv|conn ADDRESS SECONDS | rtt ADDRESS COUNT | serve\n", stderr);
    return 2;
  }
  address = argv[2];
  if (strcmp(argv[1], "send") == 0)
    do_send(atof(argv[3]));
  else if (strcmp(argv[1], "recv") == 0)
    do_recv(atof(argv[3]));
  else if (strcmp(argv[1], "conn") == 0)
    do_conn(atof(argv[3]));
  else if (strcmp(argv[1], "rtt") == 0)
    do_rtt((size_t)atol(argv[3]));
  else
    errx(2, "what is '%s'?", argv[1]);
  return 0;
}
