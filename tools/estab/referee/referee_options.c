// SPDX-License-Identifier: BSD-2-Clause
// referee_options.c - getsockopt, setsockopt and TCP_INFO, as Linux numbers them.
#include "referee.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

// FreeBSD's TCP_NOOPT, as tests/conformance/referee.py writes it: Linux has another option of its number.
#define OPTION_NOOPT 1008

// What packetdrill's TCP_INFO has behind the fields that <linux/tcp.h> may end with.
struct option_info_tail {
  uint32_t rcv_wnd, rehash;
  uint16_t total_rto, total_rto_recoveries;
  uint32_t total_rto_time, received_ce;
  uint32_t delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
};
#define OPTION_INFO_HEAD (offsetof(struct tcp_info, tcpi_snd_wnd) + sizeof(uint32_t))

static int option_fails(int error)
{
  errno = error;
  return -1;
}

static const struct referee_option {
  int level, name;
  enum estab_option option;
  uint64_t unit; // of ours in one of theirs
} referee_options[] = {
    {IPPROTO_TCP, TCP_CORK, ESTAB_OPT_CORK, 1},
    {IPPROTO_TCP, TCP_KEEPINTVL, ESTAB_OPT_KEEPALIVE_INTERVAL_NS, SECOND},
    {IPPROTO_TCP, TCP_KEEPCNT, ESTAB_OPT_KEEPALIVE_COUNT, 1},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, ESTAB_OPT_USER_TIMEOUT_NS, 1000000},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, ESTAB_OPT_NOTSENT_LOWAT_BYTES, 1},
    {SOL_SOCKET, SO_SNDBUF, ESTAB_OPT_SEND_BUFFER_BYTES, 1},
    {SOL_SOCKET, SO_RCVBUF, ESTAB_OPT_RECV_BUFFER_BYTES, 1},
    {IPPROTO_IP, IP_TTL, ESTAB_OPT_HOP_LIMIT, 1},
    {IPPROTO_IP, IP_TOS, ESTAB_OPT_TRAFFIC_CLASS, 1},
    {IPPROTO_IPV6, IPV6_TCLASS, ESTAB_OPT_TRAFFIC_CLASS, 1},
};

static const struct referee_option *option_of(int level, int name)
{
  for (size_t i = 0; i < sizeof referee_options / sizeof *referee_options; i++)
    if (referee_options[i].level == level && referee_options[i].name == name)
      return &referee_options[i];
  return NULL;
}

static int option_give(void *value, socklen_t *bytes, const void *from, size_t count)
{
  socklen_t n = *bytes < count ? *bytes : (socklen_t)count;
  memcpy(value, from, n);
  *bytes = n;
  return 0;
}

static int option_give_int(void *value, socklen_t *bytes, uint64_t number)
{
  int n = number > INT32_MAX ? INT32_MAX : (int)number;
  return option_give(value, bytes, &n, sizeof n);
}

// What estab has of TCP_INFO; the rest is zero.
static int option_tcp_info(const struct sock *sock, void *value, socklen_t *bytes)
{
  static const uint8_t states[ESTAB_STATES] = {7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6};
  struct estab_conn_info i = {.struct_bytes = sizeof i};
  struct tcp_info info = {.tcpi_state = 7};
  struct option_info_tail tail = {0};
  if (estab_conn_info(referee.run.host.stack, sock->conn, &i) >= 0) {
    uint32_t mss = i.snd_mss > 0 ? i.snd_mss : 1;
    info.tcpi_state = i.state < ESTAB_STATES ? states[i.state] : 7;
    info.tcpi_options =
        (uint8_t)((i.timestamps ? TCPI_OPT_TIMESTAMPS : 0) | (i.sack ? TCPI_OPT_SACK : 0) |
                  (i.window_scaling ? TCPI_OPT_WSCALE : 0) | (i.ecn ? TCPI_OPT_ECN : 0) |
                  ((i.fast_open & ESTAB_FAST_OPEN_TAKEN) != 0 ? TCPI_OPT_SYN_DATA : 0));
    info.tcpi_snd_wscale = (unsigned char)(i.snd_wscale & 15u) & 15u;
    info.tcpi_rcv_wscale = (unsigned char)(i.rcv_wscale & 15u) & 15u;
    info.tcpi_snd_mss = i.snd_mss;
    info.tcpi_rcv_mss = i.rcv_mss;
    info.tcpi_pmtu = i.path_mtu;
    info.tcpi_snd_cwnd = i.cwnd_bytes / mss;
    info.tcpi_snd_ssthresh = i.ssthresh_bytes >= 0x3fffffff ? 0x7fffffff : i.ssthresh_bytes / mss;
    info.tcpi_unacked = (i.flight_bytes + mss - 1) / mss;
    info.tcpi_rtt = (uint32_t)(i.srtt_ns / 1000);
    info.tcpi_rttvar = (uint32_t)(i.rttvar_ns / 1000);
    info.tcpi_rto = (uint32_t)(i.rto_ns / 1000);
    info.tcpi_backoff = i.retransmit_count;
    info.tcpi_total_retrans = (uint32_t)i.segments_retransmitted;
    info.tcpi_bytes_acked = i.bytes_acked;
    info.tcpi_bytes_received = i.bytes_received;
    info.tcpi_delivered_ce = (uint32_t)i.ce_reported_segments;
    tail.received_ce = (uint32_t)i.ce_received_segments;
    tail.delivered_e0_bytes = i.ect0_reported_bytes;
    tail.delivered_ce_bytes = i.ce_reported_bytes;
  }
  // Who asks may know more fields than we: they are zero.
  memset(value, 0, *bytes);
  memcpy(value, &info, *bytes < OPTION_INFO_HEAD ? *bytes : OPTION_INFO_HEAD);
  if (*bytes >= OPTION_INFO_HEAD + sizeof tail)
    memcpy((uint8_t *)value + OPTION_INFO_HEAD, &tail, sizeof tail);
  if (*bytes > 512) *bytes = 512;
  return 0;
}

// FreeBSD rounds the receive buffer of a connection up to whole segments.
static uint64_t option_recv_buffer(const struct sock *sock)
{
  struct host *host = &referee.run.host;
  uint64_t buffer = host->settings.recv_buffer_bytes, mss = host->mtu - (host->ip6 ? 60u : 40u);
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  if (strcmp(referee.run.profile, "freebsd") != 0 || sock->kind != SOCK_CONN) return buffer;
  if (estab_conn_info(host->stack, sock->conn, &info) < 0 || info.state == ESTAB_SYN_SENT)
    return buffer;
  return (buffer + mss - 1) / mss * mss;
}

static int option_get(const struct sock *sock, int level, int name, void *value, socklen_t *bytes)
{
  uint64_t number = 0;
  if (level == SOL_SOCKET && name == SO_RCVBUF)
    return option_give_int(value, bytes, option_recv_buffer(sock));
  if (level == SOL_SOCKET && name == SO_KEEPALIVE)
    return option_give_int(value, bytes, sock->keepalive);
  if (level == SOL_SOCKET && name == SO_LINGER) {
    struct linger linger = {sock->linger, (int)sock->linger_s};
    return option_give(value, bytes, &linger, sizeof linger);
  }
  if (level == IPPROTO_TCP && name == TCP_CC_INFO) { // there is none
    *bytes = 0;
    return 0;
  }
  if (level == SOL_SOCKET && name == SO_MEMINFO) {
    static const uint32_t nothing[16];
    return option_give(value, bytes, nothing, *bytes < sizeof nothing ? *bytes : sizeof nothing);
  }
  if (level == IPPROTO_TCP && name == TCP_INFO) return option_tcp_info(sock, value, bytes);
  if (level == IPPROTO_TCP && name == TCP_NODELAY)
    return option_give_int(value, bytes, sock->nodelay);
  if (level == IPPROTO_TCP && name == TCP_MAXSEG) {
    struct estab_conn_info info = {.struct_bytes = sizeof info};
    if (sock->kind == SOCK_CONN) estab_conn_info(referee.run.host.stack, sock->conn, &info);
    return option_give_int(value, bytes, sock->kind == SOCK_CONN ? info.snd_mss : 536);
  }
  const struct referee_option *option = option_of(level, name);
  if (option == NULL) return option_fails(ENOPROTOOPT);
  if (sock->kind != SOCK_CONN) {
    for (unsigned i = sock->option_count; i-- > 0;)
      if (sock->options[i].option == option->option)
        return option_give_int(value, bytes, sock->options[i].value / option->unit);
    const struct estab_settings *s = &referee.run.host.settings;
    if (name == TCP_KEEPCNT) number = s->keepalive_count;
    if (name == TCP_KEEPINTVL) number = s->keepalive_interval_ns / SECOND;
    return option_give_int(value, bytes, number);
  }
  if (estab_option_get(referee.run.host.stack, sock->conn, option->option, &number) < 0)
    return option_fails(EINVAL);
  return option_give_int(value, bytes, number / option->unit);
}

int referee_getsockopt(void *userdata, int fd, int level, int name, void *value, socklen_t *bytes)
{
  (void)userdata;
  struct sock *sock = referee_sock(fd);
  if (sock == NULL) return option_fails(EBADF);
  referee_lock();
  if (referee_need_stack()) host_pump(&referee.run.host);
  int result = level == SOL_SOCKET && name == SO_ERROR
                   ? option_give_int(value, bytes, (uint64_t)referee_errno(sock_take_error(sock)))
                   : option_get(sock, level, name, value, bytes);
  int error = errno;
  referee_unlock();
  errno = error;
  return result;
}

static enum step option_keepalive(struct sock *sock, struct outcome *out)
{
  uint64_t idle = sock->keepidle_ns != 0 ? sock->keepidle_ns : referee.run.sockets.keepidle_ns;
  if (idle == 0) idle = 7200 * SECOND;
  return sock_set(&referee.run.sockets, sock, ESTAB_OPT_KEEPALIVE_IDLE_NS,
                  sock->keepalive ? idle : 0, out);
}

static void option_settings(void)
{
  struct host *host = &referee.run.host;
  if (host->stack != NULL) estab_stack_set_settings(host->stack, &host->settings);
}

// false: no such option.
static bool option_set(struct sock *sock, int level, int name, const void *value, int number,
                       struct outcome *out)
{
  struct sockets *sockets = &referee.run.sockets;
  struct estab_settings *settings = &referee.run.host.settings;
  if (level == SOL_SOCKET && (name == SO_REUSEADDR || name == SO_REUSEPORT || name == SO_ZEROCOPY))
    return true;
  if (level == SOL_SOCKET && name == SO_LINGER) {
    struct linger linger;
    memcpy(&linger, value, sizeof linger);
    sock->linger = linger.l_onoff != 0;
    sock->linger_s = linger.l_linger;
  } else if (level == SOL_SOCKET && name == SO_KEEPALIVE) {
    sock->keepalive = number != 0;
    option_keepalive(sock, out);
  } else if (level == IPPROTO_TCP && name == TCP_KEEPIDLE) {
    sock->keepidle_ns = (uint64_t)number * SECOND;
    if (sock->keepalive) option_keepalive(sock, out);
  } else if (level == IPPROTO_TCP && name == TCP_NODELAY) {
    sock->nodelay = number != 0;
    if (number != 0) sock_set(sockets, sock, ESTAB_OPT_CORK, 0, out);
    sock_set(sockets, sock, ESTAB_OPT_NAGLE, number == 0, out);
  } else if (level == IPPROTO_TCP && name == TCP_NOTSENT_LOWAT) { // without a sign
    sock_set(sockets, sock, ESTAB_OPT_NOTSENT_LOWAT_BYTES, (uint32_t)number, out);
  } else if (level == IPPROTO_TCP && name == TCP_MAXSEG) {
    settings->max_mss = (uint16_t)number;
    option_settings();
  } else if (level == IPPROTO_TCP && name == OPTION_NOOPT) {
    settings->mss_option = settings->timestamps = number == 0;
    settings->sack = settings->window_scaling = number == 0;
    option_settings();
  } else if (level == IPPROTO_TCP && (name == TCP_FASTOPEN || name == TCP_FASTOPEN_CONNECT)) {
    fast_open_option(&referee.run, sock, name == TCP_FASTOPEN_CONNECT, number, out);
  } else if (level == IPPROTO_TCP && name == TCP_LINGER2) {
    settings->fin_wait_2_timeout_ns = number > 0 ? (uint64_t)number * SECOND : 1;
    option_settings();
  } else if (level == IPPROTO_TCP && name == TCP_SYNCNT) {
    settings->syn_timeout_ns = knobs_tries_ns(settings, (uint64_t)number);
    option_settings();
  } else {
    const struct referee_option *option = option_of(level, name);
    if (option == NULL) return false;
    sock_set(sockets, sock, option->option, (uint64_t)number * option->unit, out);
  }
  return true;
}

int referee_setsockopt(void *userdata, int fd, int level, int name, const void *value,
                       socklen_t bytes)
{
  (void)userdata;
  struct sock *sock = referee_sock(fd);
  struct outcome out = {0, NULL};
  int number = 0;
  if (sock == NULL) return option_fails(EBADF);
  if (bytes >= sizeof number) memcpy(&number, value, sizeof number);
  referee_lock();
  if (referee_need_stack()) host_pump(&referee.run.host);
  bool known = true;
  if (level == IPPROTO_TCP && name == TCP_FASTOPEN_KEY)
    fast_open_key_option(&referee.run, sock, value, bytes, &out);
  else
    known = option_set(sock, level, name, value, number, &out);
  if (referee.run.host.stack != NULL) host_pump(&referee.run.host);
  referee_unlock();
  if (!known) return option_fails(ENOPROTOOPT);
  return out.value < 0 ? option_fails(referee_errno(out.error)) : 0;
}
