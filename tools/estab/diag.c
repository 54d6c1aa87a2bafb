// SPDX-License-Identifier: BSD-2-Clause
// diag.c - asks the kernel for a connection's state over sock_diag(7), as ss does.
#include "diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// The kernel's numbers: enum in include/net/tcp_states.h, since Linux 1.0.
static enum estab_state from_kernel(unsigned number)
{
  static const enum estab_state states[] = {
      [1] = ESTAB_ESTABLISHED, [2] = ESTAB_SYN_SENT,      [3] = ESTAB_SYN_RECEIVED,
      [4] = ESTAB_FIN_WAIT_1,  [5] = ESTAB_FIN_WAIT_2,    [6] = ESTAB_TIME_WAIT,
      [7] = ESTAB_CLOSED,      [8] = ESTAB_CLOSE_WAIT,    [9] = ESTAB_LAST_ACK,
      [10] = ESTAB_CLOSED, // a listener that the lookup fell back to: the connection itself is gone
      [11] = ESTAB_CLOSING,    [12] = ESTAB_SYN_RECEIVED,
  };
  return number < sizeof states / sizeof states[0] ? states[number] : ESTAB_CLOSED;
}

static void put_address(__be32 out[4], const struct estab_ip *ip)
{
  memset(out, 0, 16);
  if (estab_ip_is4(ip))
    memcpy(out, ip->bytes + 12, 4);
  else
    memcpy(out, ip->bytes, 16);
}

static int ask(int fd, const struct estab_tuple *peer, enum estab_state *state)
{
  struct {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
  } request = {
      .header = {.nlmsg_len = sizeof request,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST},
      .body = {.sdiag_family = estab_ip_is4(&peer->local) ? AF_INET : AF_INET6,
               .sdiag_protocol = IPPROTO_TCP,
               .idiag_states = ~0u,
               .id = {.idiag_sport = htons(peer->remote_port),
                      .idiag_dport = htons(peer->local_port),
                      .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
  };
  struct {
    struct nlmsghdr header;
    union {
      struct inet_diag_msg body;
      struct nlmsgerr error;
    };
    char rest[1024];
  } answer;
  put_address(request.body.id.idiag_src, &peer->remote);
  put_address(request.body.id.idiag_dst, &peer->local);
  if (send(fd, &request, sizeof request, 0) < 0) return 0;
  ssize_t n = recv(fd, &answer, sizeof answer, 0);
  if (n < (ssize_t)(sizeof answer.header + sizeof answer.error)) return 0;
  if (answer.header.nlmsg_type == NLMSG_ERROR) {
    *state = ESTAB_CLOSED;
    return answer.error.error == -ENOENT;
  }
  *state = from_kernel(answer.body.idiag_state);
  return 1;
}

int diag_state(const struct estab_tuple *peer, enum estab_state *state)
{
  int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return 0;
  int r = ask(fd, peer, state);
  close(fd);
  return r;
}
