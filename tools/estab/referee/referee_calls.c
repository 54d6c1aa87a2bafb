// SPDX-License-Identifier: BSD-2-Clause
// referee_calls.c - POSIX calls of packetdrill's on estab: real descriptors of /dev/null stand for sockets.
#include "referee.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static int call_fails(int error)
{
  errno = error;
  return -1;
}

static int referee_socket(void *userdata, int domain, int type, int protocol)
{
  (void)userdata;
  (void)domain;
  if ((type & 0xf) != SOCK_STREAM || (protocol != 0 && protocol != IPPROTO_TCP))
    return call_fails(EPROTONOSUPPORT);
  int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  referee_lock();
  struct sock *sock = fd >= 0 ? sock_new(&referee.run.sockets, fd) : NULL;
  if (sock != NULL) sock->nonblock = (type & SOCK_NONBLOCK) != 0;
  referee_unlock();
  return sock != NULL ? fd : call_fails(EMFILE);
}

static int referee_bind(void *userdata, int fd, const struct sockaddr *address, socklen_t bytes)
{
  (void)userdata;
  (void)bytes;
  struct sock *sock = referee_sock(fd);
  if (sock == NULL) return call_fails(EBADF);
  if (sock->kind != SOCK_FRESH || sock->port != 0) return call_fails(EINVAL);
  // The port stands at the same place in both families.
  sock->port = ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
  return 0;
}

static enum step op_listen(struct op *op)
{
  return sock_listen(&referee.run.sockets, op->sock, (int64_t)op->count, &op->out);
}

static int referee_listen(void *userdata, int fd, int backlog)
{
  (void)userdata;
  struct op op = {.function = op_listen, .sock = referee_sock(fd), .count = (size_t)backlog};
  return op.sock != NULL ? (int)referee_call(&op) : call_fails(EBADF);
}

static enum step op_accept(struct op *op)
{
  return sock_accept(&referee.run.sockets, op->sock, op->fd, &op->out);
}

// The far side's address, as accept tells it.
static void call_address(const struct sock *sock, struct sockaddr *address, socklen_t *bytes)
{
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  struct sockaddr_in in4 = {.sin_family = AF_INET};
  struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
  struct host *host = &referee.run.host;
  if (address == NULL || bytes == NULL || sock == NULL) return;
  estab_conn_info(host->stack, sock->conn, &info);
  const void *from = host->ip6 ? (const void *)&in6 : &in4;
  socklen_t most = host->ip6 ? sizeof in6 : sizeof in4;
  in4.sin_port = in6.sin6_port = htons(info.tuple.remote_port);
  memcpy(&in4.sin_addr, host->remote.bytes + 12, 4);
  memcpy(&in6.sin6_addr, host->remote.bytes, 16);
  if (*bytes < most) most = *bytes;
  memcpy(address, from, most);
  *bytes = most;
}

static int referee_accept(void *userdata, int fd, struct sockaddr *address, socklen_t *bytes)
{
  (void)userdata;
  struct op op = {.function = op_accept, .sock = referee_sock(fd)};
  if (op.sock == NULL) return call_fails(EBADF);
  op.fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  int result = (int)referee_call(&op);
  if (result < 0) {
    int error = errno;
    close(op.fd);
    return call_fails(error);
  }
  referee_lock();
  call_address(referee_sock(result), address, bytes);
  referee_unlock();
  return result;
}

static enum step op_disconnect(struct op *op)
{
  return sock_disconnect(&referee.run.sockets, op->sock, &op->out);
}

static enum step op_connect(struct op *op)
{
  if (fast_open_connect_waits(&referee.run, op->sock)) {
    op->out = (struct outcome){0, NULL};
    return STEP_DONE;
  }
  return sock_connect(&referee.run.sockets, op->sock, op->started, &op->out);
}

static int referee_connect(void *userdata, int fd, const struct sockaddr *address, socklen_t bytes)
{
  (void)userdata;
  (void)bytes;
  struct op op = {.function = op_connect, .sock = referee_sock(fd)};
  if (op.sock == NULL) return call_fails(EBADF);
  if (address->sa_family == AF_UNSPEC) op.function = op_disconnect;
  return (int)referee_call(&op);
}

static enum step op_read(struct op *op)
{
  bool nonblock = op->sock->nonblock;
  if ((op->flags & MSG_DONTWAIT) != 0) op->sock->nonblock = true;
  enum step step = sock_read(&referee.run.sockets, op->sock, op->bytes, op->count,
                             (op->flags & MSG_PEEK) != 0, &op->out);
  op->sock->nonblock = nonblock;
  return step;
}

static ssize_t call_read(int fd, void *bytes, size_t count, int flags)
{
  struct op op = {.function = op_read,
                  .sock = referee_sock(fd),
                  .bytes = bytes,
                  .count = count,
                  .flags = flags};
  return op.sock != NULL ? referee_call(&op) : call_fails(EBADF);
}

static enum step op_write(struct op *op)
{
  struct sockets *sockets = &referee.run.sockets;
  bool nonblock = op->sock->nonblock;
  struct outcome ignored;
  if ((op->flags & MSG_MORE) != 0) sock_set(sockets, op->sock, ESTAB_OPT_CORK, 1, &ignored);
  if ((op->flags & MSG_DONTWAIT) != 0) op->sock->nonblock = true;
  enum step step;
  if (fast_open_wanted(&referee.run, op->sock, (op->flags & MSG_FASTOPEN) != 0)) {
    struct fast_open_text text = {op->bytes, op->count, op->done, op->started};
    step = fast_open_write(&referee.run, op->sock, &text, &op->out);
    op->done = text.done;
  } else {
    step = sock_write(sockets, op->sock, op->bytes, op->count, &op->done,
                      (op->flags & MSG_OOB) != 0, &op->out);
  }
  op->sock->nonblock = nonblock;
  return step;
}

static ssize_t call_write(int fd, const void *bytes, size_t count, int flags)
{
  struct op op = {.function = op_write, .sock = referee_sock(fd), .count = count, .flags = flags};
  if (op.sock == NULL) return call_fails(EBADF);
  op.bytes = malloc(count + 1);
  if (op.bytes == NULL) return call_fails(ENOBUFS);
  memcpy(op.bytes, bytes, count);
  ssize_t result = referee_call(&op);
  int error = errno;
  free(op.bytes);
  errno = error;
  return result;
}

static ssize_t referee_read(void *userdata, int fd, void *bytes, size_t count)
{
  (void)userdata;
  return call_read(fd, bytes, count, 0);
}

static ssize_t referee_recv(void *userdata, int fd, void *bytes, size_t count, int flags)
{
  (void)userdata;
  return call_read(fd, bytes, count, flags);
}

static ssize_t referee_recvfrom(void *userdata, int fd, void *bytes, size_t count, int flags,
                                struct sockaddr *address, socklen_t *address_bytes)
{
  (void)userdata;
  (void)address;
  if (address_bytes != NULL) *address_bytes = 0;
  return call_read(fd, bytes, count, flags);
}

static size_t call_iovec_bytes(const struct iovec *iov, size_t count)
{
  size_t sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += iov[i].iov_len;
  return sum;
}

static ssize_t call_readv(int fd, const struct iovec *iov, size_t count, int flags)
{
  size_t most = call_iovec_bytes(iov, count), at = 0;
  uint8_t *bytes = malloc(most + 1);
  if (bytes == NULL) return call_fails(ENOBUFS);
  ssize_t result = call_read(fd, bytes, most, flags);
  int error = errno;
  for (size_t i = 0; i < count && result > 0 && at < (size_t)result; i++) {
    size_t n = (size_t)result - at < iov[i].iov_len ? (size_t)result - at : iov[i].iov_len;
    memcpy(iov[i].iov_base, bytes + at, n);
    at += n;
  }
  free(bytes);
  errno = error;
  return result;
}

static ssize_t referee_readv(void *userdata, int fd, const struct iovec *iov, int count)
{
  (void)userdata;
  return call_readv(fd, iov, (size_t)count, 0);
}

static ssize_t referee_recvmsg(void *userdata, int fd, struct msghdr *msg, int flags)
{
  (void)userdata;
  msg->msg_namelen = 0;
  msg->msg_flags = 0;
  msg->msg_controllen = 0;
  return call_readv(fd, msg->msg_iov, msg->msg_iovlen, flags);
}

static ssize_t referee_write(void *userdata, int fd, const void *bytes, size_t count)
{
  (void)userdata;
  return call_write(fd, bytes, count, 0);
}

static ssize_t referee_send(void *userdata, int fd, const void *bytes, size_t count, int flags)
{
  (void)userdata;
  return call_write(fd, bytes, count, flags);
}

static ssize_t referee_sendto(void *userdata, int fd, const void *bytes, size_t count, int flags,
                              const struct sockaddr *address, socklen_t address_bytes)
{
  (void)userdata;
  (void)address;
  (void)address_bytes;
  return call_write(fd, bytes, count, flags);
}

static ssize_t call_writev(int fd, const struct iovec *iov, size_t count, int flags)
{
  size_t most = call_iovec_bytes(iov, count), at = 0;
  uint8_t *bytes = malloc(most + 1);
  if (bytes == NULL) return call_fails(ENOBUFS);
  for (size_t i = 0; i < count; at += iov[i].iov_len, i++)
    memcpy(bytes + at, iov[i].iov_base, iov[i].iov_len);
  ssize_t result = call_write(fd, bytes, most, flags);
  int error = errno;
  free(bytes);
  errno = error;
  return result;
}

static ssize_t referee_writev(void *userdata, int fd, const struct iovec *iov, int count)
{
  (void)userdata;
  return call_writev(fd, iov, (size_t)count, 0);
}

static ssize_t referee_sendmsg(void *userdata, int fd, const struct msghdr *msg, int flags)
{
  (void)userdata;
  return call_writev(fd, msg->msg_iov, msg->msg_iovlen, flags);
}

static int referee_fcntl(void *userdata, int fd, int what, ...)
{
  (void)userdata;
  struct sock *sock = referee_sock(fd);
  if (sock == NULL) return call_fails(EBADF);
  if (what == F_GETFL) return O_RDWR | (sock->nonblock ? O_NONBLOCK : 0);
  if (what != F_SETFL) return call_fails(EINVAL);
  va_list args;
  va_start(args, what);
  sock->nonblock = (va_arg(args, int) & O_NONBLOCK) != 0;
  va_end(args);
  return 0;
}

static int referee_ioctl(void *userdata, int fd, unsigned long what, ...)
{
  (void)userdata;
  va_list args;
  va_start(args, what);
  int *value = va_arg(args, int *);
  va_end(args);
  struct sock *sock = referee_sock(fd);
  struct estab_recv_marks marks = {0};
  struct estab_conn_info info = {.struct_bytes = sizeof info};
  if (sock == NULL || sock->kind != SOCK_CONN) return call_fails(EINVAL);
  referee_lock();
  estab_recv_marks(referee.run.host.stack, sock->conn, &marks);
  estab_conn_info(referee.run.host.stack, sock->conn, &info);
  referee_unlock();
  switch (what) {
  case FIONREAD: *value = (int)marks.readable_bytes; return 0;
  case SIOCOUTQ: *value = (int)info.send_queued_bytes; return 0;
  case SIOCOUTQNSD: *value = (int)info.not_sent_bytes; return 0;
  default: return call_fails(EOPNOTSUPP);
  }
}

static enum step op_close(struct op *op)
{
  op->out = (struct outcome){0, NULL};
  return sock_linger(&referee.run.sockets, op->sock, op->started, op->giveup_ns);
}

static int referee_close(void *userdata, int fd)
{
  (void)userdata;
  struct op op = {.function = op_close, .sock = referee_sock(fd)};
  if (op.sock == NULL) return call_fails(EBADF);
  if (op.sock->linger)
    op.giveup_ns = referee.run.host.now_ns + (uint64_t)op.sock->linger_s * 1000000000;
  int result = (int)referee_call(&op);
  close(fd);
  return result;
}

static enum step op_shutdown(struct op *op)
{
  return sock_shutdown(&referee.run.sockets, op->sock, op->flags != SHUT_WR, op->flags != SHUT_RD,
                       &op->out);
}

static int referee_shutdown(void *userdata, int fd, int how)
{
  (void)userdata;
  struct op op = {.function = op_shutdown, .sock = referee_sock(fd), .flags = how};
  return op.sock != NULL ? (int)referee_call(&op) : call_fails(EBADF);
}

static uint32_t op_ready(const struct sock *sock)
{
  struct sockets *sockets = &referee.run.sockets;
  uint32_t bits = 0; // epoll's are poll's
  if (sock_readable(sockets, sock)) bits |= POLLIN;
  if (sock_writable(sockets, sock) && !sock->shut_write) bits |= POLLOUT;
  if (sock->error != NULL) bits |= POLLERR;
  if (sock->over) bits |= POLLHUP;
  return bits;
}

static enum step op_poll(struct op *op)
{
  int ready = 0;
  for (nfds_t i = 0; i < op->fd_count; i++) {
    const struct sock *sock = referee_sock(op->fds[i].fd);
    uint32_t wanted = (uint32_t)op->fds[i].events | POLLERR | POLLHUP;
    op->fds[i].revents = (short)(sock != NULL ? op_ready(sock) & wanted : POLLNVAL);
    ready += op->fds[i].revents != 0;
  }
  op->out = (struct outcome){ready, NULL};
  return ready > 0 || referee.run.host.now_ns >= op->giveup_ns ? STEP_DONE : STEP_BLOCKS;
}

static uint64_t call_giveup_ns(int timeout_ms)
{
  if (timeout_ms < 0) return ESTAB_NEVER;
  return referee.run.host.now_ns + (uint64_t)timeout_ms * 1000000;
}

static int referee_poll(void *userdata, struct pollfd *fds, nfds_t count, int timeout_ms)
{
  (void)userdata;
  struct op op = {.function = op_poll, .fds = fds, .fd_count = count};
  op.giveup_ns = call_giveup_ns(timeout_ms);
  return (int)referee_call(&op);
}

static int referee_epoll_create(void *userdata, int size)
{
  (void)userdata;
  (void)size;
  int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  referee_lock();
  struct sock *sock = fd >= 0 ? sock_new(&referee.run.sockets, fd) : NULL;
  if (sock != NULL) sock->kind = SOCK_EPOLL;
  referee_unlock();
  return sock != NULL ? fd : call_fails(EMFILE);
}

// One epoll in a script: sockets keep what is asked of them.
static int referee_epoll_ctl(void *userdata, int epoll, int what, int fd, struct epoll_event *event)
{
  (void)userdata;
  struct sock *sock = referee_sock(fd);
  if (sock == NULL || referee_sock(epoll) == NULL) return call_fails(EBADF);
  referee_lock();
  sock->epoll_events = what == EPOLL_CTL_DEL ? 0 : event->events;
  sock->epoll_data = what == EPOLL_CTL_DEL ? 0 : event->data.u64;
  sock->epoll_last = 0;
  referee_unlock();
  return 0;
}

static enum step op_epoll(struct op *op)
{
  int told = 0;
  for (unsigned i = 0; i < SOCKETS && (nfds_t)told < op->fd_count; i++) {
    struct sock *sock = &referee.run.sockets.list[i];
    if (!sock->used || sock->epoll_events == 0) continue;
    const uint32_t ready = op_ready(sock) & (sock->epoll_events | EPOLLERR | EPOLLHUP);
    const uint32_t news = ready & ~sock->epoll_last;
    sock->epoll_last = ready;
    if (ready == 0 || ((sock->epoll_events & EPOLLET) != 0 && news == 0)) continue;
    op->events[told].events = ready;
    op->events[told++].data.u64 = sock->epoll_data;
  }
  op->out = (struct outcome){told, NULL};
  return told > 0 || referee.run.host.now_ns >= op->giveup_ns ? STEP_DONE : STEP_BLOCKS;
}

static int referee_epoll_wait(void *userdata, int epoll, struct epoll_event *events, int most,
                              int timeout_ms)
{
  (void)userdata;
  struct op op = {.function = op_epoll, .events = events, .fd_count = (nfds_t)most};
  if (referee_sock(epoll) == NULL) return call_fails(EBADF);
  if (most <= 0) return call_fails(EINVAL);
  op.giveup_ns = call_giveup_ns(timeout_ms);
  return (int)referee_call(&op);
}

static int referee_pipe(void *userdata, int fds[2])
{
  (void)userdata;
  (void)fds;
  return call_fails(ENOSYS);
}

static int referee_splice(void *userdata, int in, loff_t *in_at, int out, loff_t *out_at,
                          size_t count, unsigned flags)
{
  (void)userdata;
  (void)in;
  (void)in_at;
  (void)out;
  (void)out_at;
  (void)count;
  (void)flags;
  return call_fails(ENOSYS);
}

void referee_fill_calls(struct packetdrill_interface *interface)
{
  *interface = (struct packetdrill_interface){
      .socket = referee_socket,
      .bind = referee_bind,
      .listen = referee_listen,
      .accept = referee_accept,
      .connect = referee_connect,
      .read = referee_read,
      .readv = referee_readv,
      .recv = referee_recv,
      .recvfrom = referee_recvfrom,
      .recvmsg = referee_recvmsg,
      .write = referee_write,
      .writev = referee_writev,
      .send = referee_send,
      .sendto = referee_sendto,
      .sendmsg = referee_sendmsg,
      .fcntl = referee_fcntl,
      .ioctl = referee_ioctl,
      .close = referee_close,
      .shutdown = referee_shutdown,
      .getsockopt = referee_getsockopt,
      .setsockopt = referee_setsockopt,
      .poll = referee_poll,
      .epoll_create = referee_epoll_create,
      .epoll_ctl = referee_epoll_ctl,
      .epoll_wait = referee_epoll_wait,
      .pipe = referee_pipe,
      .splice = referee_splice,
  };
}
