// SPDX-License-Identifier: BSD-2-Clause
// kernel.c - this machine's kernel as a shared object that the stock packetdrill loads: the same neutral form as for
// estab (referee_neutral.c). Calls go to the C library, packets through the TUN device pd0 of the namespace it runs in,
// which tests/conformance/kernel.py makes. Time is real; a thread notes when each packet left.
#include "referee.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
  KERNEL_RING = 256,
  KERNEL_ROOM = 66000,
  KERNEL_PATIENCE_S = 8, // without any packet: none will come
};

struct kernel_packet {
  long long time_us;
  size_t count;
  uint8_t bytes[KERNEL_ROOM];
};

static struct {
  int tun;
  bool delays; // --so_flags=delays
  pthread_mutex_t lock;
  pthread_cond_t news;
  unsigned first, count;
  struct kernel_packet ring[KERNEL_RING];
} kernel = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

#define EXPORT __attribute__((visibility("default")))
EXPORT void packetdrill_interface_init(const char *flags, struct packetdrill_interface *interface);

// What a device that comes up says of itself is nobody's TCP: multicast listeners, neighbour discovery.
static bool kernel_wanted(const uint8_t *bytes, size_t count)
{
  if (count < 20) return false;
  if (bytes[0] >> 4 == 4) return bytes[9] != 2; // IGMP
  if (count < 41 || bytes[6] == 0) return false;
  return bytes[6] != 58 || bytes[40] < 128;
}

static void *kernel_reader(void *unused)
{
  static uint8_t bytes[KERNEL_ROOM];
  (void)unused;
  for (;;) {
    struct timeval now;
    const ssize_t n = read(kernel.tun, bytes, sizeof bytes);
    if (n <= 0) return NULL;
    gettimeofday(&now, NULL);
    if (!kernel_wanted(bytes, (size_t)n)) continue;
    pthread_mutex_lock(&kernel.lock);
    if (kernel.count < KERNEL_RING) {
      struct kernel_packet *p = &kernel.ring[(kernel.first + kernel.count++) % KERNEL_RING];
      p->time_us = now.tv_sec * 1000000ll + now.tv_usec;
      p->count = (size_t)n;
      memcpy(p->bytes, bytes, (size_t)n);
    }
    pthread_cond_signal(&kernel.news);
    pthread_mutex_unlock(&kernel.lock);
  }
}

static int kernel_netdev_send(void *userdata, const void *bytes, size_t count)
{
  (void)userdata;
  return write(kernel.tun, bytes, count) == (ssize_t)count ? 0 : -1;
}

static int kernel_netdev_receive(void *userdata, void *bytes, size_t *count, long long *time_us)
{
  struct timespec until;
  const size_t room = *count;
  (void)userdata;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += KERNEL_PATIENCE_S;
  pthread_mutex_lock(&kernel.lock);
  while (kernel.count == 0)
    if (pthread_cond_timedwait(&kernel.news, &kernel.lock, &until) != 0) {
      fprintf(stderr, "kernel: no packet came\n");
      _exit(1);
    }
  const struct kernel_packet *p = &kernel.ring[kernel.first];
  *count = p->count < room ? p->count : room;
  *time_us = p->time_us;
  memcpy(bytes, p->bytes, *count);
  kernel.first = (kernel.first + 1) % KERNEL_RING;
  kernel.count--;
  pthread_mutex_unlock(&kernel.lock);
  referee_neutral(bytes, count, room);
  return 0;
}

// ---- Calls: the C library's, without the first argument

static void k_free(void *u)
{
  (void)u;
}
static int k_socket(void *u, int d, int t, int p)
{
  (void)u;
  return socket(d, t, p);
}
static int k_bind(void *u, int f, const struct sockaddr *a, socklen_t n)
{
  (void)u;
  return bind(f, a, n);
}
static int k_listen(void *u, int f, int n)
{
  (void)u;
  return listen(f, n);
}
// Other systems delay the ACK of the first segment, too.
static int k_delays(int f)
{
  const int off = 0;
  if (kernel.delays && f >= 0) (void)setsockopt(f, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
  return f;
}
static int k_accept(void *u, int f, struct sockaddr *a, socklen_t *n)
{
  (void)u;
  return k_delays(accept(f, a, n));
}
static int k_connect(void *u, int f, const struct sockaddr *a, socklen_t n)
{
  (void)u;
  return connect(f, a, n);
}
static ssize_t k_read(void *u, int f, void *b, size_t n)
{
  (void)u;
  return read(f, b, n);
}
static ssize_t k_readv(void *u, int f, const struct iovec *v, int n)
{
  (void)u;
  return readv(f, v, n);
}
static ssize_t k_recv(void *u, int f, void *b, size_t n, int how)
{
  (void)u;
  return recv(f, b, n, how);
}
static ssize_t k_recvfrom(void *u, int f, void *b, size_t n, int how, struct sockaddr *a,
                          socklen_t *an)
{
  (void)u;
  return recvfrom(f, b, n, how, a, an);
}
static ssize_t k_recvmsg(void *u, int f, struct msghdr *m, int how)
{
  (void)u;
  return recvmsg(f, m, how);
}
static ssize_t k_write(void *u, int f, const void *b, size_t n)
{
  (void)u;
  return write(f, b, n);
}
static ssize_t k_writev(void *u, int f, const struct iovec *v, int n)
{
  (void)u;
  return writev(f, v, n);
}
static ssize_t k_send(void *u, int f, const void *b, size_t n, int how)
{
  (void)u;
  return send(f, b, n, how);
}
static ssize_t k_sendto(void *u, int f, const void *b, size_t n, int how, const struct sockaddr *a,
                        socklen_t an)
{
  (void)u;
  return sendto(f, b, n, how, a, an);
}
static ssize_t k_sendmsg(void *u, int f, const struct msghdr *m, int how)
{
  (void)u;
  return sendmsg(f, m, how);
}
static int k_fcntl(void *u, int f, int what, ...)
{
  va_list args;
  (void)u;
  va_start(args, what);
  void *value = va_arg(args, void *);
  va_end(args);
  return fcntl(f, what, value);
}
static int k_ioctl(void *u, int f, unsigned long what, ...)
{
  va_list args;
  (void)u;
  va_start(args, what);
  void *value = va_arg(args, void *);
  va_end(args);
  return ioctl(f, what, value);
}
static int k_close(void *u, int f)
{
  (void)u;
  return close(f);
}
static int k_shutdown(void *u, int f, int how)
{
  (void)u;
  return shutdown(f, how);
}
static int k_getsockopt(void *u, int f, int l, int o, void *v, socklen_t *n)
{
  (void)u;
  return getsockopt(f, l, o, v, n);
}
static int k_setsockopt(void *u, int f, int l, int o, const void *v, socklen_t n)
{
  (void)u;
  return setsockopt(f, l, o, v, n);
}
static int k_poll(void *u, struct pollfd *p, nfds_t n, int ms)
{
  (void)u;
  return poll(p, n, ms);
}
static int k_usleep(void *u, useconds_t us)
{
  (void)u;
  return usleep(us);
}
static int k_gettimeofday(void *u, struct timeval *t, struct timezone *z)
{
  (void)u;
  return gettimeofday(t, z);
}
static int k_epoll_create(void *u, int n)
{
  (void)u;
  return epoll_create(n);
}
static int k_epoll_ctl(void *u, int e, int what, int f, struct epoll_event *v)
{
  (void)u;
  return epoll_ctl(e, what, f, v);
}
static int k_epoll_wait(void *u, int e, struct epoll_event *v, int n, int ms)
{
  (void)u;
  return epoll_wait(e, v, n, ms);
}
static int k_pipe(void *u, int f[2])
{
  (void)u;
  return pipe(f);
}
static int k_splice(void *u, int in, loff_t *a, int out, loff_t *b, size_t n, unsigned how)
{
  (void)u;
  return (int)splice(in, a, out, b, n, how);
}

void packetdrill_interface_init(const char *flags, struct packetdrill_interface *interface)
{
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
  pthread_t reader;
  kernel.delays = flags != NULL && strcmp(flags, "delays") == 0;
  strcpy(request.ifr_name, "pd0");
  kernel.tun = open("/dev/net/tun", O_RDWR);
  if (kernel.tun < 0 || ioctl(kernel.tun, TUNSETIFF, &request) < 0 ||
      pthread_create(&reader, NULL, kernel_reader, NULL) != 0) {
    perror("kernel: pd0");
    exit(1);
  }
  *interface = (struct packetdrill_interface){.free = k_free,
                                              .socket = k_socket,
                                              .bind = k_bind,
                                              .listen = k_listen,
                                              .accept = k_accept,
                                              .connect = k_connect,
                                              .read = k_read,
                                              .readv = k_readv,
                                              .recv = k_recv,
                                              .recvfrom = k_recvfrom,
                                              .recvmsg = k_recvmsg,
                                              .write = k_write,
                                              .writev = k_writev,
                                              .send = k_send,
                                              .sendto = k_sendto,
                                              .sendmsg = k_sendmsg,
                                              .fcntl = k_fcntl,
                                              .ioctl = k_ioctl,
                                              .close = k_close,
                                              .shutdown = k_shutdown,
                                              .getsockopt = k_getsockopt,
                                              .setsockopt = k_setsockopt,
                                              .poll = k_poll,
                                              .netdev_send = kernel_netdev_send,
                                              .netdev_receive = kernel_netdev_receive,
                                              .usleep = k_usleep,
                                              .gettimeofday = k_gettimeofday,
                                              .epoll_create = k_epoll_create,
                                              .epoll_ctl = k_epoll_ctl,
                                              .epoll_wait = k_epoll_wait,
                                              .pipe = k_pipe,
                                              .splice = k_splice};
}
