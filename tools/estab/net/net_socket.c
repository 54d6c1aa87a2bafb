// SPDX-License-Identifier: BSD-2-Clause
// net_socket.c - the ends of flows at a host that is the kernel.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

union address {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
};

static socklen_t make_address(union address *a, const struct estab_ip *ip, uint16_t port)
{
  memset(a, 0, sizeof *a);
  if (estab_ip_is4(ip)) {
    a->in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    memcpy(&a->in.sin_addr, ip->bytes + 12, 4);
    return sizeof a->in;
  }
  a->in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
  memcpy(&a->in6.sin6_addr, ip->bytes, 16);
  return sizeof a->in6;
}

static int socket_error(int why)
{
  switch (why) {
  case ECONNRESET:
  case EPIPE: return ESTAB_ERR_RESET;
  case ECONNREFUSED: return ESTAB_ERR_REFUSED;
  case ETIMEDOUT: return ESTAB_ERR_TIMEOUT;
  case EHOSTUNREACH:
  case ENETUNREACH: return ESTAB_ERR_UNREACHABLE;
  case EADDRNOTAVAIL: return ESTAB_ERR_NO_PORT;
  case EADDRINUSE: return ESTAB_ERR_ADDRESS_IN_USE;
  default: return ESTAB_ERR_INVALID;
  }
}

static void set_buffer(int fd, int option, uint32_t bytes)
{
  // The kernel doubles what it is told, for its own book-keeping.
  int value = (int)bytes;
  if (bytes > 0) setsockopt(fd, SOL_SOCKET, option, &value, sizeof value);
}

// In the host's namespace, with its congestion control: what it got is asked, not believed.
static int make_socket(struct net_node *node, const char *cc)
{
  struct net *net = node->net;
  char got[16] = "";
  socklen_t length = sizeof got;
  int on = 1, error = net_kernel_enter(node);
  if (error < 0) return error;
  int fd = socket(net->scenario->ip6 ? AF_INET6 : AF_INET,
                  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return net_kernel_failed(net, "socket", "");
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  set_buffer(fd, SO_SNDBUF, node->spec->stack.send_buffer_bytes);
  set_buffer(fd, SO_RCVBUF, node->spec->stack.recv_buffer_bytes);
  if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, cc, (socklen_t)strlen(cc)) == 0 &&
      getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, got, &length) == 0 && strcmp(got, cc) == 0)
    return fd;
  error = net_kernel_failed(
      net, "this kernel has no such congestion control",
      "sysctl net.ipv4.tcp_available_congestion_control says which it has; modprobe "
      "tcp_NAME loads one");
  snprintf(net->error.text, sizeof net->error.text, "cc=%s: this kernel does not give it", cc);
  close(fd);
  return error;
}

int net_socket_listen(struct net *net, struct net_flow *flow)
{
  struct net_node *node = &net->nodes[flow->spec->to];
  union address address;
  socklen_t n = make_address(&address, &node->ip, (uint16_t)(NET_PORT + (flow - net->flows)));
  int fd = make_socket(node, node->spec->kernel_cc);
  if (fd < 0) return fd;
  flow->listen_fd = fd;
  if (bind(fd, &address.any, n) < 0) return net_kernel_failed(net, "bind", "");
  if (listen(fd, 16) < 0) return net_kernel_failed(net, "listen", "");
  return 0;
}

static int make_sender(struct net_node *node, const struct net_flow *flow)
{
  const char *cc = flow->spec->kernel_cc;
  return make_socket(node, cc[0] != '\0' ? cc : node->spec->kernel_cc);
}

int net_socket_try(struct net_node *node, const struct net_flow *flow)
{
  int fd = make_sender(node, flow);
  if (fd < 0) return fd;
  close(fd);
  return 0;
}

int net_socket_connect(struct net_node *node, struct net_flow *flow)
{
  struct net *net = node->net;
  union address address;
  const struct estab_ip *to = &net->nodes[flow->spec->to].ip;
  socklen_t n = make_address(&address, to, (uint16_t)(NET_PORT + (flow - net->flows)));
  int fd = make_sender(node, flow);
  if (fd < 0) return fd;
  if (connect(fd, &address.any, n) < 0 && errno != EINPROGRESS) {
    int error = socket_error(errno);
    close(fd);
    return error;
  }
  flow->sender_fd = fd;
  return 0;
}

int net_socket_send(struct net_flow *flow, const uint8_t *bytes, size_t count)
{
  ssize_t n = send(flow->sender_fd, bytes, count, MSG_NOSIGNAL);
  if (n >= 0) return (int)n;
  return errno == EAGAIN || errno == EINTR ? ESTAB_ERR_WOULD_BLOCK : socket_error(errno);
}

int net_socket_recv(struct net_flow *flow, uint8_t *bytes, size_t count)
{
  ssize_t n = recv(flow->receiver_fd, bytes, count, 0);
  if (n >= 0) return (int)n;
  return errno == EAGAIN || errno == EINTR ? ESTAB_ERR_WOULD_BLOCK : socket_error(errno);
}

void net_socket_close(int *fd)
{
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

unsigned net_socket_wait(const struct net_flow *flow, struct pollfd *fds)
{
  unsigned n = 0;
  bool full = !flow->open || (!flow->writable && !flow->sender_closed);
  if (flow->listen_fd >= 0 && flow->receiver_fd < 0)
    fds[n++] = (struct pollfd){.fd = flow->listen_fd, .events = POLLIN};
  if (flow->receiver_fd >= 0) fds[n++] = (struct pollfd){.fd = flow->receiver_fd, .events = POLLIN};
  if (flow->sender_fd >= 0)
    fds[n++] =
        (struct pollfd){.fd = flow->sender_fd, .events = (short)(POLLIN | (full ? POLLOUT : 0))};
  return n;
}

static int pending_error(int fd)
{
  int why = 0;
  socklen_t length = sizeof why;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &length) < 0) return ESTAB_ERR_INVALID;
  return why != 0 ? socket_error(why) : 0;
}

static void sender_ready(struct net *net, struct net_flow *flow, short what)
{
  struct net_node *node = &net->nodes[flow->spec->from];
  uint8_t rest[16];
  int error = pending_error(flow->sender_fd);
  if (error < 0) {
    net_flow_failed(node, flow, true, error);
    return;
  }
  if (what & POLLOUT) flow->open = flow->writable = true;
  if ((what & (POLLIN | POLLHUP)) == 0 || !flow->open) return;
  if (recv(flow->sender_fd, rest, sizeof rest, 0) != 0) return;
  // The receiver closes when it has read all: nothing is left to do here.
  if (flow->sender_closed)
    net_flow_sender_over(net, flow);
  else // an error that send() was told already
    net_flow_failed(node, flow, true, ESTAB_ERR_RESET);
}

static void receiver_ready(struct net *net, struct net_flow *flow)
{
  struct net_node *node = &net->nodes[flow->spec->to];
  int error = pending_error(flow->receiver_fd);
  if (error < 0)
    net_flow_failed(node, flow, false, error);
  else
    flow->readable = true;
}

void net_socket_ready(struct net *net, struct net_flow *flow, const struct pollfd *fds,
                      unsigned count)
{
  for (unsigned i = 0; i < count; i++) {
    if (fds[i].revents == 0) continue;
    if (fds[i].fd == flow->receiver_fd) {
      receiver_ready(net, flow);
    } else if (fds[i].fd == flow->sender_fd) {
      sender_ready(net, flow, fds[i].revents);
    } else if (fds[i].fd == flow->listen_fd && flow->receiver_fd < 0) {
      flow->receiver_fd = accept4(flow->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
      flow->readable = flow->receiver_fd >= 0;
    }
  }
}

void net_socket_sample(const struct net_flow *flow, struct net_sample *sample)
{
  struct tcp_info info;
  socklen_t length = sizeof info;
  if (getsockopt(flow->sender_fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) return;
  sample->cwnd_bytes = info.tcpi_snd_cwnd * info.tcpi_snd_mss;
  sample->flight_bytes = info.tcpi_unacked * info.tcpi_snd_mss;
  sample->srtt_ns = (uint64_t)info.tcpi_rtt * 1000;
}
