// SPDX-License-Identifier: BSD-2-Clause
// interface.h - what packetdrill asks of a stack in a shared object (--so_filename): the order of members is its ABI.
#ifndef ESTAB_REFEREE_INTERFACE_H
#define ESTAB_REFEREE_INTERFACE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

// userdata comes first in every call. Calls answer as POSIX's do, with errno.
struct packetdrill_interface {
  void *userdata;
  void (*free)(void *);
  int (*socket)(void *, int domain, int type, int protocol);
  int (*bind)(void *, int fd, const struct sockaddr *, socklen_t);
  int (*listen)(void *, int fd, int backlog);
  int (*accept)(void *, int fd, struct sockaddr *, socklen_t *);
  int (*connect)(void *, int fd, const struct sockaddr *, socklen_t);
  ssize_t (*read)(void *, int fd, void *, size_t);
  ssize_t (*readv)(void *, int fd, const struct iovec *, int count);
  ssize_t (*recv)(void *, int fd, void *, size_t, int flags);
  ssize_t (*recvfrom)(void *, int fd, void *, size_t, int flags, struct sockaddr *, socklen_t *);
  ssize_t (*recvmsg)(void *, int fd, struct msghdr *, int flags);
  ssize_t (*write)(void *, int fd, const void *, size_t);
  ssize_t (*writev)(void *, int fd, const struct iovec *, int count);
  ssize_t (*send)(void *, int fd, const void *, size_t, int flags);
  ssize_t (*sendto)(void *, int fd, const void *, size_t, int flags, const struct sockaddr *,
                    socklen_t);
  ssize_t (*sendmsg)(void *, int fd, const struct msghdr *, int flags);
  int (*fcntl)(void *, int fd, int what, ...);
  int (*ioctl)(void *, int fd, unsigned long what, ...);
  int (*close)(void *, int fd);
  int (*shutdown)(void *, int fd, int how);
  int (*getsockopt)(void *, int fd, int level, int name, void *, socklen_t *);
  int (*setsockopt)(void *, int fd, int level, int name, const void *, socklen_t);
  int (*poll)(void *, struct pollfd *, nfds_t, int timeout_ms);
  int (*netdev_send)(void *, const void *bytes, size_t count); // an IP packet for the stack
  // The next packet of the stack's; *count: room, then length, 0 = none. When it left, in microseconds.
  int (*netdev_receive)(void *, void *bytes, size_t *count, long long *time_us);
  int (*usleep)(void *, useconds_t);
  int (*gettimeofday)(void *, struct timeval *, struct timezone *);
  int (*epoll_create)(void *, int size);
  int (*epoll_ctl)(void *, int epoll, int what, int fd, struct epoll_event *);
  int (*epoll_wait)(void *, int epoll, struct epoll_event *, int most, int timeout_ms);
  int (*pipe)(void *, int fds[2]);
  int (*splice)(void *, int in, loff_t *, int out, loff_t *, size_t, unsigned flags);
};

#endif
