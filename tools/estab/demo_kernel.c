// SPDX-License-Identifier: BSD-2-Clause
// demo_kernel.c - a tiny HTTP server on the kernel's sockets: the peer of demo_fetch().
#include "demo.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

int demo_kernel_listen(const struct estab_ip *ip, uint16_t port)
{
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  bool v4 = estab_ip_is4(ip);
  memcpy(&in.sin_addr, ip->bytes + 12, 4);
  memcpy(&in6.sin6_addr, ip->bytes, 16);
  int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const struct sockaddr *address =
      v4 ? (const struct sockaddr *)&in : (const struct sockaddr *)&in6;
  socklen_t n = v4 ? sizeof in : sizeof in6;
  if (bind(fd, address, n) < 0 || listen(fd, 1) < 0) {
    close(fd);
    return -1;
  }
  return fd;
}

// Reads to the empty line that ends the request's head.
static bool read_request(int fd)
{
  char head[2048];
  size_t have = 0;
  while (have < sizeof head - 1) {
    ssize_t n = read(fd, head + have, sizeof head - 1 - have);
    if (n <= 0) return false;
    have += (size_t)n;
    head[have] = 0;
    if (strstr(head, "\r\n\r\n")) return true;
  }
  return false;
}

int demo_kernel_server(void *ctx)
{
  const struct demo_server *s = ctx;
  char head[128], rest[64];
  off_t at = 0;
  int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0 || !read_request(fd)) return 1;
  int n = snprintf(head, sizeof head,
                   "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\nConnection: close\r\n\r\n",
                   (unsigned long long)s->bytes);
  if (send(fd, head, (size_t)n, MSG_MORE) != n) return 1;
  while ((uint64_t)at < s->bytes)
    if (sendfile(fd, s->content, &at, (size_t)(s->bytes - (uint64_t)at)) <= 0) return 1;
  shutdown(fd, SHUT_WR);
  while (read(fd, rest, sizeof rest) > 0) {
  }
  close(fd);
  return 0;
}
