// SPDX-License-Identifier: BSD-2-Clause
// target_kernel.c - the Linux kernel hears a story: sockets and a TUN device in a namespace of this process.
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "diff.h"
#include "estab/driver.h"

static struct estab_device kernel_device;
static uint64_t kernel_told; // stories
static struct kernel_target kernel_target;

// What both must have alike: no timers in the way, no limits on answers, the same first window.
static const struct {
  const char *path, *value;
} kernel_knobs[] = {
    {"net/ipv4/tcp_invalid_ratelimit", "0"},
    {"net/ipv4/tcp_challenge_ack_limit", "2147483647"},
    {"net/ipv4/tcp_syncookies", "0"},
    {"net/ipv4/tcp_timestamps", "1"},
    {"net/ipv4/tcp_sack", "1"},
    {"net/ipv4/tcp_window_scaling", "1"},
    {"net/ipv4/tcp_ecn", "0"},
    {"net/ipv4/tcp_fastopen", "0"},
    {"net/ipv4/tcp_max_syn_backlog", "4096"},
    {"net/ipv4/tcp_rfc1337", "1"},
    {"net/ipv4/tcp_no_metrics_save", "1"},
    {"net/ipv4/tcp_syn_linear_timeouts", "0"},
    {"net/ipv4/tcp_early_retrans",
     "0"}, // a probe's timer is two of these round trips, which take none
};

static bool kernel_route_quickack(void)
{
  // ip(8) is what knows the routes' features; the driver room needs none of them.
  return system(
             "ip route replace 10.9.0.0/16 dev diff0 quickack 1 initcwnd 100 congctl reno &&"
             " ip -6 route replace fd00:9::/64 dev diff0 metric 10 quickack 1 initcwnd 100 "
             "congctl reno && ip route replace 10.10.0.0/16 dev diff0 src 10.9.0.1 congctl reno &&"
             " ip -6 route replace fd00:a::/64 dev diff0 src fd00:9::1 congctl reno") == 0;
}

static void kernel_send(const uint8_t *bytes, size_t n)
{
  struct estab_frame frame = {.struct_bytes = sizeof frame, .piece_count = 1};
  frame.pieces[0] = (struct estab_piece){.bytes = bytes, .length = n};
  estab_device_send(&kernel_device, 0, &frame, 1);
}

static unsigned kernel_drain(struct kernel_target *t, struct outcome *outcome)
{
  struct estab_frame frames[16];
  unsigned seen = 0;
  int n;
  while ((n = estab_device_recv(&kernel_device, 0, frames, 16)) > 0)
    for (int i = 0; i < n; i++)
      seen += observe(&t->ends, frames[i].pieces[0].bytes, frames[i].pieces[0].length, outcome);
  return seen;
}

static void kernel_close(int *fd, bool reset)
{
  struct linger linger = {1, 0};
  if (*fd < 0) return;
  if (reset) setsockopt(*fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close(*fd);
  *fd = -1;
}

static socklen_t address(const struct kernel_target *t, bool peer, struct sockaddr_storage *out)
{
  const struct estab_ip *ip = peer ? &t->ends.peer : &t->ends.us;
  uint16_t port = htons(peer ? t->ends.peer_port : t->ends.our_port);
  memset(out, 0, sizeof *out);
  if (t->story->ip6) {
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    six->sin6_family = AF_INET6;
    six->sin6_port = port;
    memcpy(&six->sin6_addr, ip->bytes, 16);
    return sizeof *six;
  }
  struct sockaddr_in *four = (struct sockaddr_in *)out;
  four->sin_family = AF_INET;
  four->sin_port = port;
  memcpy(&four->sin_addr, ip->bytes + 12, 4);
  return sizeof *four;
}

void kernel_life_begin(struct kernel_target *t, const struct story *story)
{
  t->story = story;
  t->ends = (struct ends){.ts_clock = 1000, .peer_iss = story->peer_iss};
  t->listener = t->conn = -1;
  // A peer of its own for each story: what the last one left behind cannot disturb.
  uint64_t n = kernel_told++;
  if (story->ip6) {
    estab_ip_parse("fd00:9::1", &t->ends.us);
    estab_ip_parse("fd00:9::2:0", &t->ends.peer);
  } else {
    t->ends.us = estab_ip4(10, 9, 0, 1);
    t->ends.peer = estab_ip4(10, 9, 1, 1);
  }
  t->ends.peer.bytes[14] = (uint8_t)(1 + n / 250 % 250);
  t->ends.peer.bytes[15] = (uint8_t)(1 + n % 250);
  t->ends.our_port = (uint16_t)(2000 + n % 40000);
  t->ends.peer_port = 4000;
  if (!story->timers) return;
  // Another network, whose route does not ask for quick ACKs.
  t->ends.peer.bytes[story->ip6 ? 3 : 13] = 10;
}

static bool kernel_begin(void *ctx, const struct story *story)
{
  struct kernel_target *t = ctx;
  struct outcome none = {0};
  kernel_drain(t, &none);
  kernel_life_begin(t, story);
  return true;
}

static int kernel_result(long answer)
{
  if (answer >= 0) return (int)answer;
  switch (errno) {
  case EAGAIN:
  case EINPROGRESS: return CALL_WOULD_BLOCK;
  case ECONNRESET:
  case ECONNREFUSED: return CALL_RESET;
  case EPIPE:
  case ENOTCONN:
  case EBADF: return CALL_CLOSED;
  default: return CALL_OTHER;
  }
}

// What the settings of a story about timers are here, see estab_begin().
static void kernel_timers(const struct kernel_target *t, int fd)
{
  int yes = 1, count = TIMERS_KEEPALIVES, user_ms = TIMERS_USER_MS;
  if (t->story->timers == 0) return;
  setsockopt(fd, IPPROTO_TCP, TCP_LINGER2, &yes, sizeof yes);
  if (t->story->timers & TIMERS_KEEPALIVE) {
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &yes, sizeof yes);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
  }
  if (t->story->timers & TIMERS_USER)
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms, sizeof user_ms);
}

static int kernel_open(struct kernel_target *t, bool passive)
{
  struct sockaddr_storage us, peer;
  socklen_t n = address(t, false, &us);
  int yes = 1, buffer = 1 << 20, family = t->story->ip6 ? AF_INET6 : AF_INET;
  int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof yes); // RFC 6093 3.1
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer);
  kernel_timers(t, fd);
  *(passive ? &t->listener : &t->conn) = fd;
  if (fd < 0 || bind(fd, (struct sockaddr *)&us, n) < 0) return CALL_OTHER;
  if (passive) return kernel_result(listen(fd, 4));
  address(t, true, &peer);
  int answer = connect(fd, (struct sockaddr *)&peer, n);
  return answer < 0 && errno == EINPROGRESS ? 0 : kernel_result(answer);
}

static int kernel_receive(struct kernel_target *t)
{
  static uint8_t bytes[262144];
  long got, all = 0;
  while ((got = recv(t->conn, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
    all += got;
  return all > 0 ? (int)all : kernel_result(got);
}

static int kernel_call(struct kernel_target *t, const struct step *step)
{
  static const uint8_t text[65536];
  if (step->kind <= STEP_CONNECT) return kernel_open(t, step->kind == STEP_LISTEN);
  if (t->conn < 0) return CALL_CLOSED;
  if (step->kind == STEP_SEND)
    return kernel_result(send(t->conn, text, step->bytes, MSG_DONTWAIT | MSG_NOSIGNAL));
  if (step->kind == STEP_RECEIVE) return kernel_receive(t);
  if (step->kind == STEP_SHUTDOWN) return kernel_result(shutdown(t->conn, SHUT_WR));
  kernel_close(&t->conn, step->kind == STEP_ABORT);
  return 0;
}

// net/tcp_states.h, as TCP_INFO gives them
static int kernel_state(int fd)
{
  static const int states[] = {
      [1] = ESTAB_ESTABLISHED, [2] = ESTAB_SYN_SENT,   [3] = ESTAB_SYN_RECEIVED,
      [4] = ESTAB_FIN_WAIT_1,  [5] = ESTAB_FIN_WAIT_2, [6] = ESTAB_TIME_WAIT,
      [7] = ESTAB_CLOSED,      [8] = ESTAB_CLOSE_WAIT, [9] = ESTAB_LAST_ACK,
      [10] = ESTAB_LISTEN,     [11] = ESTAB_CLOSING};
  struct tcp_info info;
  socklen_t n = sizeof info;
  if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0) return -1;
  return info.tcpi_state < sizeof states / sizeof *states ? states[info.tcpi_state] : -1;
}

void kernel_life_accept(struct kernel_target *t)
{
  int yes = 1;
  if (t->conn >= 0 || t->listener < 0) return;
  t->conn = accept4(t->listener, NULL, NULL, SOCK_NONBLOCK);
  if (t->conn < 0) return;
  kernel_timers(t, t->conn);
  setsockopt(t->conn, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  close(t->listener); // one connection a story
  t->listener = -1;
}

void kernel_life_tell(struct kernel_target *t, const struct step *step, struct outcome *outcome)
{
  int no = 0; // a young connection acknowledges at once otherwise
  if (t->story->timers != 0 && step->kind == STEP_SEGMENT && step->bytes > 0)
    setsockopt(t->conn, IPPROTO_TCP, TCP_QUICKACK, &no, sizeof no);
  if (step->kind == STEP_SEGMENT) {
    uint8_t bytes[4096 + 128];
    kernel_send(bytes, render(t->story, step, &t->ends, bytes, sizeof bytes));
  } else {
    outcome->result = kernel_call(t, step);
  }
}

int kernel_life_drain(void (*packet)(void *ctx, const uint8_t *bytes, size_t n), void *ctx)
{
  struct estab_frame frames[16];
  int n, seen = 0;
  while ((n = estab_device_recv(&kernel_device, 0, frames, 16)) > 0)
    for (int i = 0; i < n; i++, seen++)
      packet(ctx, frames[i].pieces[0].bytes, frames[i].pieces[0].length);
  return seen;
}

int kernel_life_fd(void)
{
  return kernel_device.fd;
}

static void kernel_tell(void *ctx, const struct step *step, unsigned wait_ms,
                        struct outcome *outcome)
{
  struct kernel_target *t = ctx;
  *outcome = (struct outcome){.state = -1};
  kernel_life_tell(t, step, outcome);
  struct pollfd ready = {.fd = kernel_device.fd, .events = POLLIN};
  do {
    kernel_drain(t, outcome);
    kernel_life_accept(t);
    // What an ACK waits for is a timer: it goes out now.
    int yes = 1;
    if (t->conn >= 0) setsockopt(t->conn, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof yes);
    kernel_drain(t, outcome);
  } while (poll(&ready, 1, (int)wait_ms) > 0);
  outcome->state = kernel_state(t->conn);
}

void kernel_life_end(struct kernel_target *t)
{
  uint8_t bytes[128];
  kernel_close(&t->conn, true);
  kernel_close(&t->listener, false);
  // What still lives of it goes by a RST it must believe.
  struct step reset = {.kind = STEP_SEGMENT,
                       .flags = ESTAB_TCP_RST,
                       .seq = t->ends.last_ack - t->ends.peer_iss,
                       .ts = true};
  if (t->ends.iss_known)
    kernel_send(bytes, render(t->story, &reset, &t->ends, bytes, sizeof bytes));
}

static void kernel_end(void *ctx)
{
  kernel_life_end(ctx);
}

bool target_kernel_open(struct target *target, const char **why)
{
  static struct estab_device_error error;
  struct kernel_target *t = &kernel_target;
  struct estab_tun_settings settings;
  struct estab_ip ip = estab_ip4(10, 9, 0, 1);
  *why = error.text;
  if (estab_host_unshare(&error) < 0) return false;
  estab_tun_settings_default(&settings);
  settings.name = "diff0";
  settings.mtu = STORY_MTU;
  settings.gso = false;
  if (estab_device_open_tun(&settings, &kernel_device, &error) < 0) return false;
  if (estab_host_address("diff0", &ip, 16, &error) < 0) return false;
  estab_ip_parse("fd00:9::1", &ip);
  if (estab_host_address("diff0", &ip, 64, &error) < 0) return false;
  if (estab_host_up("diff0", true, &error) < 0) return false;
  for (size_t i = 0; i < sizeof kernel_knobs / sizeof *kernel_knobs; i++)
    estab_host_sysctl(kernel_knobs[i].path, kernel_knobs[i].value, &error);
  if (!kernel_route_quickack()) {
    *why = "ip route ... quickack 1";
    return false;
  }
  usleep(200000); // duplicate address detection and the like have their say
  *target = (struct target){t, kernel_begin, kernel_tell, kernel_end, NULL};
  return true;
}
