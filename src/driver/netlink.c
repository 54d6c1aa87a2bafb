// SPDX-License-Identifier: BSD-2-Clause
// netlink.c - one rtnetlink request, built, sent and acknowledged.
#include "netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_BYTES NLMSG_LENGTH(0)

// Where the next attribute goes, counted from the start of the body.
static size_t end(const struct netlink_request *r)
{
  return NLMSG_ALIGN(r->header.nlmsg_len) - HEADER_BYTES;
}

void netlink_begin(struct netlink_request *r, unsigned short type, unsigned short flags,
                   const void *fixed, size_t fixed_bytes)
{
  memset(r, 0, sizeof *r);
  r->header.nlmsg_type = type;
  r->header.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags);
  r->header.nlmsg_len = (unsigned)(HEADER_BYTES + fixed_bytes);
  memcpy(r->body, fixed, fixed_bytes);
}

void netlink_put(struct netlink_request *r, unsigned short type, const void *bytes, size_t n)
{
  struct rtattr a = {(unsigned short)RTA_LENGTH(n), type};
  size_t at = end(r);
  if (at + RTA_SPACE(n) > sizeof r->body) {
    r->overflow = true;
    return;
  }
  memcpy(r->body + at, &a, sizeof a);
  if (n) memcpy(r->body + at + RTA_LENGTH(0), bytes, n);
  r->header.nlmsg_len = (unsigned)(HEADER_BYTES + at + RTA_LENGTH(n));
}

size_t netlink_open(struct netlink_request *r, unsigned short type)
{
  size_t at = end(r);
  netlink_put(r, type, NULL, 0);
  return at;
}

void netlink_shut(struct netlink_request *r, size_t at)
{
  struct rtattr a;
  if (r->overflow) return;
  memcpy(&a, r->body + at, sizeof a);
  a.rta_len = (unsigned short)(r->header.nlmsg_len - HEADER_BYTES - at);
  memcpy(r->body + at, &a, sizeof a);
}

static int exchange(int fd, const struct netlink_request *r)
{
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    unsigned char rest[1024];
  } answer;
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  if (sendto(fd, &r->header, r->header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0)
    return errno;
  ssize_t n = recv(fd, &answer, sizeof answer, 0);
  if (n < 0) return errno;
  if ((size_t)n < sizeof answer.header + sizeof answer.error ||
      answer.header.nlmsg_type != NLMSG_ERROR)
    return EPROTO;
  return -answer.error.error;
}

int netlink_ask(struct netlink_request *r)
{
  if (r->overflow) return EMSGSIZE;
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return errno;
  int why = exchange(fd, r);
  close(fd);
  return why;
}
